//! The bundled editions: each contract is free of findings, the fixtures read in each, and what they share stays the same.

use chatkitty_mock::diagnostic::Severity;
use chatkitty_mock::{Edition, MockServer, SourceFile};
use http::{Request, StatusCode};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// What tells the editions apart.
struct Case {
    edition: Edition,
    document: &'static str,
    application: &'static str,
    created: &'static str,
    settings: [&'static str; 2],
    by_relation: bool,
    update: &'static str,
    answers: &'static [&'static str],
}

const CASES: [Case; 4] = [
    Case {
        edition: Edition::Page,
        document: "chatkitty.yaml",
        application: "/v1/application",
        created: "created_time",
        settings: ["guestUsers", "userCreatedChannels"],
        by_relation: false,
        update: "application/json",
        answers: &["application/json"],
    },
    Case {
        edition: Edition::Camel,
        document: "chatkitty-camel.yaml",
        application: "/v1/application",
        created: "createdTime",
        settings: ["guestUsers", "userCreatedChannels"],
        by_relation: true,
        update: "application/json",
        answers: &["application/json", "application/hal+json", "application/vnd.hal+json"],
    },
    Case {
        edition: Edition::Snake,
        document: "chatkitty-snake.yaml",
        application: "/v1/application",
        created: "created_time",
        settings: ["guest_users", "user_created_channels"],
        by_relation: false,
        update: "application/vnd.chatkitty+json",
        answers: &["application/json"],
    },
    Case {
        edition: Edition::Unversioned,
        document: "chatkitty-unversioned.yaml",
        application: "/application",
        created: "created_time",
        settings: ["guest_users", "user_created_channels"],
        by_relation: false,
        update: "application/vnd.chatkitty+json",
        answers: &["application/json", "application/vnd.chatkitty.v1+json"],
    },
];

impl Case {
    fn start(&self) -> MockServer {
        MockServer::builder().edition(self.edition).start().unwrap()
    }

    fn settings_path(&self) -> String {
        format!("{}/settings", self.application)
    }

    fn settings(&self, guests: &str, channels: &str) -> Value {
        json!({ self.settings[0]: guests, self.settings[1]: channels })
    }

    /// Two links as this edition has them.
    fn links(&self, links: [(&str, String); 2]) -> Value {
        if self.by_relation {
            links.into_iter().map(|(relation, href)| (relation.to_owned(), json!({ "href": href }))).collect()
        } else {
            links.into_iter().map(|(relation, href)| json!({ "name": relation, "href": href })).collect()
        }
    }

    fn put(&self, token: &str, media: &str, body: &Value) -> Request<String> {
        Request::put(self.settings_path())
            .header("authorization", format!("Bearer {token}"))
            .header("content-type", media)
            .body(body.to_string())
            .unwrap()
    }
}

fn openapi() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi")
}

fn document(case: &Case) -> Value {
    let text = std::fs::read_to_string(openapi().join(case.document)).unwrap();
    SourceFile::new(case.document, text).parse().unwrap().value
}

#[test]
fn every_document_is_an_edition_and_has_a_case_here() {
    let mut files: Vec<String> = std::fs::read_dir(openapi())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("chatkitty"))
        .collect();
    files.sort();
    let mut listed: Vec<&str> = CASES.iter().map(|case| case.document).collect();
    listed.sort_unstable();
    assert_eq!(files, listed);
    assert_eq!(CASES.map(|case| case.edition), Edition::ALL);
    for case in &CASES {
        let contract = case.start().contract();
        assert_eq!((contract.edition.as_deref(), contract.operations), (Some(case.edition.as_str()), 3));
        // What the file of that name says is what the edition serves.
        assert_eq!(contract.version, document(case)["info"]["version"]);
    }
}

#[test]
fn no_edition_has_a_finding_of_its_own_even_when_checked_like_anybodys_contract() {
    for case in &CASES {
        let bundled = MockServer::builder().edition(case.edition).check().diagnostics;
        assert!(bundled.is_empty(), "{}: {bundled:?}", case.document);
        // As a file it is also held against the meta-schemas, and linted.
        let found = MockServer::builder().openapi(openapi().join(case.document)).check().diagnostics;
        let notes: Vec<String> = found.iter().map(|finding| finding.code.to_string()).collect();
        assert!(found.iter().all(|finding| finding.severity == Severity::Note), "{}: {found:?}", case.document);
        // ChatKitty declares `read:*`, and asks for `read:application`: one note for each operation.
        assert_eq!(notes, ["CK0709"; 3], "{}", case.document);
    }
}

#[test]
fn what_the_editions_share_is_the_same_in_all() {
    let page = document(&CASES[0]);
    for case in &CASES[1..] {
        let edition = document(case);
        for shared in ["/components/securitySchemes", "/components/responses", "/servers", "/tags", "/info/title"] {
            assert_eq!(edition.pointer(shared), page.pointer(shared), "{}: {shared}", case.document);
        }
        for schema in ["ApiError", "AuthenticationError", "GuestUsers", "UserCreatedChannels"] {
            let at = format!("/components/schemas/{schema}");
            assert_eq!(edition.pointer(&at), page.pointer(&at), "{}: {schema}", case.document);
        }
        for (path, method) in [("", "get"), ("/settings", "get"), ("/settings", "put")] {
            let here = &edition["paths"][format!("{}{path}", case.application)][method];
            let there = &page["paths"][format!("/v1/application{path}")][method];
            assert!(here["operationId"].is_string(), "{}: {method} {path}", case.document);
            for member in ["operationId", "security", "summary", "tags"] {
                assert_eq!(here[member], there[member], "{}: {method} {path}: {member}", case.document);
            }
            for status in ["400", "401", "403", "404"] {
                assert_eq!(here["responses"][status], there["responses"][status], "{}: {status}", case.document);
            }
            let answers = here["responses"]["200"]["content"].as_object().unwrap();
            assert_eq!(answers.keys().collect::<Vec<_>>(), case.answers, "{}: {method} {path}", case.document);
        }
    }
}

#[test]
fn the_fixtures_read_in_every_edition_and_their_credentials_are_the_same() {
    let page = CASES[0].start();
    let expected = [
        ("development", 1, "2020-10-02T20:29:25.316Z", ["ENABLED", "ENABLED"]),
        ("staging", 52, "2021-03-15T14:07:52.108Z", ["ENABLED", "DISABLED"]),
        ("production", 1207, "2021-06-01T09:00:03.947Z", ["DISABLED", "DISABLED"]),
    ];
    for case in &CASES {
        let mock = case.start();
        assert_eq!(mock.applications().len(), expected.len());
        for (name, id, created, [guests, channels]) in expected {
            let (app, written) = (mock.application(name), page.application(name));
            assert_eq!((app.client_id(), app.client_secret()), (written.client_id(), written.client_secret()));
            let (application, settings) = (case.application.to_owned(), case.settings_path());
            let written = written.resource("/v1/application");
            let mut shown = json!({ "id": id, "key": written["key"], "properties": written["properties"] });
            shown[case.created] = json!(created);
            shown["_links"] = case.links([("self", application.clone()), ("settings", settings.clone())]);
            assert_eq!(app.resource(&application), shown, "{}", case.document);
            let mut shown = case.settings(guests, channels);
            shown["_links"] = case.links([("self", settings.clone()), ("application", application)]);
            assert_eq!(app.resource(&settings), shown, "{}", case.document);
        }
    }
}

#[test]
fn settings_are_updated_in_each_editions_own_words_only() {
    for case in &CASES {
        let mock = case.start();
        mock.allow_violations();
        let app = mock.application("development");
        let token = app.token();
        let links = app.resource(&case.settings_path())["_links"].clone();
        let reply = mock.handle(case.put(&token, case.update, &case.settings("DISABLED", "DISABLED")));
        assert_eq!(reply.status(), StatusCode::OK, "{}: {reply:?}", case.document);
        let mut updated = case.settings("DISABLED", "DISABLED");
        updated["_links"] = links;
        assert_eq!(serde_json::from_slice::<Value>(reply.body()).unwrap(), updated, "{}", case.document);
        assert_eq!(app.resource(&case.settings_path()), updated, "{}", case.document);

        let other_names = if case.settings[0] == "guestUsers" { &CASES[2] } else { &CASES[0] };
        let other_media = if case.update == "application/json" { CASES[2].update } else { CASES[0].update };
        for (media, body, status) in [
            (case.update, other_names.settings("ENABLED", "ENABLED"), StatusCode::BAD_REQUEST),
            (case.update, json!({ case.settings[0]: "ENABLED" }), StatusCode::BAD_REQUEST),
            (other_media, case.settings("ENABLED", "ENABLED"), StatusCode::UNSUPPORTED_MEDIA_TYPE),
        ] {
            let reply = mock.handle(case.put(&token, media, &body));
            assert_eq!(reply.status(), status, "{}: {media} {body}", case.document);
        }
        assert_eq!(app.resource(&case.settings_path()), updated, "{}: a refused update changes nothing", case.document);
    }
}

#[test]
fn each_type_of_answer_is_given_to_who_asks_for_it() {
    for case in &CASES {
        let mock = case.start();
        let token = mock.application("development").token();
        let get = |accept: &str| {
            let request = Request::get(case.application)
                .header("authorization", format!("Bearer {token}"))
                .header("accept", accept)
                .body("")
                .unwrap();
            let reply = mock.handle(request);
            assert_eq!(reply.status(), StatusCode::OK, "{}: {accept}", case.document);
            reply.headers()["content-type"].to_str().unwrap().to_owned()
        };
        for media in case.answers {
            assert_eq!(get(media), *media, "{}", case.document);
        }
        // What the npm package `chatkitty` asks for, whichever edition it meets.
        assert_eq!(get("application/vnd.chatkitty+json,*/*;q=0.8"), "application/json", "{}", case.document);
    }
}

#[test]
fn the_whole_resource_may_be_sent_back_and_its_links_do_not_count() {
    let case = &CASES[3];
    let mock = case.start();
    let app = mock.application("development");
    let before = app.resource(&case.settings_path());
    let mut sent = before.clone();
    sent["guest_users"] = json!("DISABLED");
    sent["_links"] = json!([{ "name": "self", "href": "https://example.com" }]);
    assert_eq!(mock.handle(case.put(&app.token(), case.update, &sent)).status(), StatusCode::OK);
    let after = app.resource(&case.settings_path());
    assert_eq!((&after["guest_users"], &after["_links"]), (&json!("DISABLED"), &before["_links"]));
}

#[test]
fn of_an_edition_and_a_contract_of_ones_own_the_last_one_asked_for_counts() {
    let own = openapi().join("chatkitty.yaml");
    let edition = |builder: chatkitty_mock::Builder| builder.start().unwrap().contract().edition;
    assert_eq!(edition(MockServer::builder().openapi(&own).edition(Edition::Snake)).as_deref(), Some("snake"));
    assert_eq!(edition(MockServer::builder().edition(Edition::Snake).openapi(&own)), None);
}
