//! Applications as fixture files, out and in again.

use super::{Control, SHOP};
use chatkitty_mock::{Application, MockServer};
use http::{Method, StatusCode};
use serde_json::{Value, json};

fn export(control: &Control, app: &Application, accept: Option<&str>) -> (StatusCode, String, String) {
    let path = format!("/_mock/api/applications/{}/export", app.client_id());
    let fields: Vec<(&str, &str)> = accept.map(|accept| ("accept", accept)).into_iter().collect();
    let reply = control.reply(Method::GET, &path, &fields, String::new());
    let media = reply.headers()["content-type"].to_str().unwrap().to_owned();
    (reply.status(), media, String::from_utf8(reply.body().to_vec()).unwrap())
}

/// The application that a server has whose only fixture is this text.
fn loaded(name: &str, text: &str, contract: Option<&str>) -> Control {
    let folder = std::env::temp_dir().join(format!("chatkitty-mock-export-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join(if text.starts_with('{') { "again.json" } else { "again.yaml" });
    std::fs::write(&file, text).unwrap();
    let mut builder = MockServer::builder().fixtures(&file);
    if let Some(contract) = contract {
        builder = builder.openapi_text("shop.yaml", contract);
    }
    let control = Control::of(builder.start().unwrap_or_else(|error| panic!("{error}\n{text}")));
    std::fs::remove_dir_all(&folder).unwrap();
    control
}

#[test]
fn the_bundled_applications_come_back_the_same() {
    let control = Control::new();
    for app in control.mock.applications() {
        let (status, media, yaml) = export(&control, &app, None);
        assert_eq!((status, media.as_str()), (StatusCode::OK, "application/yaml"));
        assert_eq!(app.export(), yaml);
        let again = loaded(app.name(), &yaml, None);
        let twin = again.mock.application("again");
        assert_eq!((twin.client_id(), twin.client_secret()), (app.client_id(), app.client_secret()));
        for path in ["/v1/application", "/v1/application/settings"] {
            assert_eq!(twin.resource(path), app.resource(path));
        }
        assert_eq!(twin.export(), yaml);
        let (_, media, text) = export(&control, &app, Some("application/json"));
        assert_eq!(media, "application/json");
        assert_eq!(loaded(&format!("{}-json", app.name()), &text, None).mock.application("again").export(), yaml);
    }
    let app = control.mock.application("staging");
    let (status, media, _) = export(&control, &app, Some("text/html"));
    assert_eq!((status, media.as_str()), (StatusCode::NOT_ACCEPTABLE, "application/problem+json"));
}

const PATHS: [&str; 9] = [
    "/api/users",
    "/api/users/2",
    "/api/users/3",
    "/api/groups",
    "/api/groups/1",
    "/api/groups/1/users",
    "/api/notes",
    "/api/settings",
    "/api/banner",
];

fn answers(control: &Control, app: &Application) -> Vec<(StatusCode, Value)> {
    PATHS
        .iter()
        .map(|path| control.ask(app, Method::GET, path, None))
        .map(|(status, _, value)| (status, value))
        .collect()
}

/// Lists in an order of their own, references, items without a path, deletions, and what was never written.
fn filled() -> (Control, Application) {
    let control = Control::shop();
    let app = control.mock.application("default");
    for (method, path, body) in [
        (Method::POST, "/api/users", Some(json!({ "name": "on" }))),
        (Method::POST, "/api/users", Some(json!({ "name": "1: two # \"\\\n\t\u{7f}\u{feff}\u{1f600}" }))),
        (Method::POST, "/api/users", Some(json!({ "name": "" }))),
        (Method::POST, "/api/groups", Some(json!({ "name": "g" }))),
        (Method::POST, "/api/groups/1/users", Some(json!({ "id": 3 }))),
        (Method::POST, "/api/groups/1/users", Some(json!({ "id": 1 }))),
        (Method::POST, "/api/notes", Some(json!({ "text": "no path reads this" }))),
        (Method::DELETE, "/api/users/2", None),
        (Method::DELETE, "/api/settings", None),
    ] {
        let (status, _, value) = control.ask(&app, method, path, body.as_ref());
        assert!(status.is_success(), "{path}: {status} {value}");
    }
    let users: Vec<Value> = [11, 3, 1].iter().map(|id| json!({ "id": id, "name": format!("user {id}") })).collect();
    app.set_resource("/users", json!(users));
    (control, app)
}

#[test]
fn collections_references_and_deletions_come_back_the_same() {
    let (control, app) = filled();
    let before = answers(&control, &app);
    assert_eq!(before[2].0, StatusCode::OK);
    assert_eq!((before[1].0, before[7].0, before[8].0), (StatusCode::NOT_FOUND, StatusCode::NOT_FOUND, StatusCode::OK));
    let yaml = app.export();
    let again = loaded("shop", &yaml, Some(SHOP));
    let twin = again.mock.application("again");
    assert_eq!(answers(&again, &twin), before, "{yaml}");
    assert_eq!(twin.export(), yaml);
    // Empty collections stay kept ones.
    app.set_resource("/users", json!([]));
    app.set_resource("/notes", json!([]));
    let again = loaded("shop-empty", &app.export(), Some(SHOP));
    assert_eq!(answers(&again, &again.mock.application("again")), answers(&control, &app));
}

#[test]
fn a_fixture_file_is_what_an_application_is_created_from() {
    let (control, app) = filled();
    let (_, _, text) = export(&control, &app, Some("application/json"));
    let mut file: Value = serde_json::from_str(&text).unwrap();
    let (status, _, problem) = control.send(Method::POST, "/_mock/api/applications", Some(&file));
    assert_eq!((status, problem["errors"][0]["code"].as_str()), (StatusCode::CONFLICT, Some("CK0922")), "{problem}");
    file["credentials"]["client_id"] = json!("imported");
    file["name"] = json!("copy");
    let created = control.post("/_mock/api/applications", &file);
    assert_eq!((created["name"].as_str(), created["client_id"].as_str()), (Some("copy"), Some("imported")));
    assert_eq!(answers(&control, &control.mock.application("copy")), answers(&control, &app));

    let yaml = app.export().replace(app.client_id(), "by yaml");
    let post = |text: String| {
        control.reply(Method::POST, "/_mock/api/applications", &[("content-type", "application/yaml")], text)
    };
    assert_eq!(post(yaml).status(), StatusCode::CREATED);
    assert_eq!(answers(&control, &control.mock.application("by yaml")), answers(&control, &app));
    for (text, code) in [
        ("resources: [", "CK0503"),
        ("name: a\nname: b\n", "CK0505"),
        ("credentials: { client_id: x }\n", "CK0210"),
        ("deleted: [/nowhere]\n", "CK0803"),
        ("state: { /users: { role: singleton } }\n", "CK0806"),
        ("resources: { /users: [{ id: x, name: y }] }\n", "CK0201"),
    ] {
        let reply = post(text.to_owned());
        let problem: Value = serde_json::from_slice(reply.body()).unwrap();
        let codes: Vec<&str> =
            problem["errors"].as_array().unwrap().iter().map(|error| error["code"].as_str().unwrap()).collect();
        assert_eq!((reply.status(), codes.contains(&code)), (StatusCode::BAD_REQUEST, true), "{text}: {problem}");
    }
}

#[test]
fn roles_that_fixtures_say_go_with_the_export() {
    let text = "credentials: { client_id: a, client_secret: b }\nstate: { /settings: { role: none } }\n";
    let control = loaded("roles", text, Some(SHOP));
    let app = control.mock.application("again");
    assert!(app.export().ends_with("state:\n  /settings:\n    role: none\n"), "{}", app.export());
    let (_, _, text) = export(&control, &app, Some("application/json"));
    let mut file: Value = serde_json::from_str(&text).unwrap();
    file["credentials"]["client_id"] = json!("other");
    control.post("/_mock/api/applications", &file);
}
