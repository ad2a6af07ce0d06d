//! Applications: created, changed, given new secrets, deleted.

use super::Control;
use http::{Method, Request, StatusCode};
use serde_json::{Value, json};

const SETTINGS: &str = "/v1/application/settings";

#[test]
fn applications_are_created_read_and_deleted() {
    let control = Control::new();
    assert_eq!(control.get("/_mock/api/applications")["applications"].as_array().unwrap().len(), 3);
    let (status, headers, created) =
        control.send(Method::POST, "/_mock/api/applications", Some(&json!({ "name": "checkout", "like": "staging" })));
    assert_eq!(status, StatusCode::CREATED);
    let location = headers["location"].to_str().unwrap().to_owned();
    assert_eq!(control.get(&location), created);
    assert_eq!(created["resources"]["/v1/application/settings"]["userCreatedChannels"], "DISABLED");
    let (status, ..) = control.send(Method::POST, "/_mock/api/applications", Some(&json!({ "name": "checkout" })));
    assert_eq!(status, StatusCode::CONFLICT);
    assert_eq!(control.send(Method::DELETE, &location, None).0, StatusCode::NO_CONTENT);
    assert_eq!(control.send(Method::GET, &location, None).0, StatusCode::NOT_FOUND);
    assert_eq!(control.send(Method::DELETE, &location, None).0, StatusCode::NOT_FOUND);
    let (status, _, bare) = control.send(Method::POST, "/_mock/api/applications", None);
    assert_eq!(status, StatusCode::CREATED, "{bare}");
}

#[test]
fn a_resource_that_breaks_the_contract_creates_nothing() {
    let control = Control::new();
    let body = json!({ "name": "x", "resources": { "/v1/application/settings": { "guestUsers": "on", "userCreatedChannels": "ENABLED" } } });
    let (status, _, problem) = control.send(Method::POST, "/_mock/api/applications", Some(&body));
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(problem["errors"][0]["pointer"], "/resources/~1v1~1application~1settings/guestUsers");
    assert_eq!(control.get("/_mock/api/applications")["applications"].as_array().unwrap().len(), 3);
    for (body, code) in [(json!({ "nmae": "x" }), "CK0204"), (json!({ "name": 1 }), "CK0201"), (json!([]), "CK0201")] {
        let (status, _, problem) = control.send(Method::POST, "/_mock/api/applications", Some(&body));
        assert_eq!((status, problem["errors"][0]["code"].as_str()), (StatusCode::BAD_REQUEST, Some(code)), "{body}");
    }
}

#[test]
fn the_list_counts_and_keeps_secrets() {
    let control = Control::new();
    let app = control.mock.application("development");
    control.ask(&app, Method::GET, "/v1/application", None);
    control.ask(&app, Method::PUT, SETTINGS, Some(&json!({ "guestUsers": 1 })));
    let list = control.get("/_mock/api/applications");
    let first = &list["applications"][0];
    let counts = |entry: &Value| ["resources", "requests", "violations"].map(|name| entry[name].as_u64().unwrap());
    assert_eq!((first["name"].as_str(), counts(first)), (Some("development"), [2, 2, 1]));
    assert_eq!(counts(&list["applications"][1]), [2, 0, 0]);
    assert!(!list.to_string().contains(app.client_secret()));
    control.send(Method::DELETE, "/_mock/api/exchanges", None);
    assert_eq!(counts(&control.get("/_mock/api/applications")["applications"][0]), [2, 0, 0]);
}

#[test]
fn like_gives_a_fixture_as_it_was_loaded_and_any_other_application_as_it_is() {
    let control = Control::new();
    let staging = control.mock.application("staging");
    let changed = json!({ "guestUsers": "DISABLED", "userCreatedChannels": "DISABLED" });
    let guests = |created: &Value| created["resources"][SETTINGS]["guestUsers"].as_str().unwrap().to_owned();
    staging.set_resource(SETTINGS, changed.clone());
    let of = |like: &str| control.post("/_mock/api/applications", &json!({ "like": like }));
    assert_eq!(guests(&of("staging")), "ENABLED");
    assert_eq!(guests(&of(staging.client_id())), "DISABLED");
    let made = control.mock.application(of("staging")["client_id"].as_str().unwrap());
    made.set_resource(SETTINGS, changed);
    assert_eq!(guests(&of(made.name())), "DISABLED");
    let (status, _, problem) =
        control.send(Method::POST, "/_mock/api/applications", Some(&json!({ "like": "nobody" })));
    assert_eq!((status, problem["errors"][0]["pointer"].as_str()), (StatusCode::BAD_REQUEST, Some("/like")));
    assert_eq!(control.mock.application_like("staging").resource(SETTINGS)["guestUsers"], "ENABLED");
    assert_eq!(control.mock.application_like(made.name()).resource(SETTINGS)["guestUsers"], "DISABLED");
}

#[test]
fn a_change_is_all_or_nothing_and_checked() {
    let control = Control::new();
    let app = control.mock.application("development");
    let path = format!("/_mock/api/applications/{}", app.client_id());
    let patch = |resources: Value| control.send(Method::PATCH, &path, Some(&json!({ "resources": resources })));
    let before = app.resource(SETTINGS);
    let good = json!({ "guestUsers": "DISABLED", "userCreatedChannels": "DISABLED" });
    let (status, _, problem) = patch(json!({
        SETTINGS: good,
        "/v1/application": { "id": "one", "key": "k", "properties": {}, "created_time": "2020-10-02T20:29:25.316Z" },
        "/v1/nowhere": {}
    }));
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let pointers: Vec<&str> =
        problem["errors"].as_array().unwrap().iter().map(|error| error["pointer"].as_str().unwrap()).collect();
    assert_eq!(pointers, ["/resources/~1v1~1application/id", "/resources/~1v1~1nowhere"]);
    assert_eq!(app.resource(SETTINGS), before);
    let (status, _, changed) = patch(json!({ SETTINGS: good, "/v1/application": null }));
    // The settings lie below what is removed, and are there all the same.
    assert_eq!((status, &changed["resources"]), (StatusCode::OK, &json!({ SETTINGS: good })));
    assert_eq!(control.ask(&app, Method::GET, "/v1/application", None).0, StatusCode::NOT_FOUND);
    assert_eq!(control.ask(&app, Method::GET, SETTINGS, None).2, good);
    app.reset();
    assert_eq!(app.resource(SETTINGS), before);
    for body in [json!({}), json!({ "resources": [] }), json!({ "resources": {}, "name": "x" })] {
        assert_eq!(control.send(Method::PATCH, &path, Some(&body)).0, StatusCode::BAD_REQUEST, "{body}");
    }
}

#[test]
fn collections_are_changed_whole() {
    let control = Control::shop();
    let app = control.mock.application("default");
    let path = format!("/_mock/api/applications/{}", app.client_id());
    let patch = |resources: Value| {
        let (status, _, value) = control.send(Method::PATCH, &path, Some(&json!({ "resources": resources })));
        assert_eq!(status, StatusCode::OK, "{value}");
    };
    let users = |ids: &[u32]| ids.iter().map(|id| json!({ "id": id, "name": format!("user {id}") })).collect::<Value>();
    let listed = |path: &str| control.ask(&app, Method::GET, path, None).2;
    let group = json!({ "id": 1, "name": "g", "created_time": "2026-01-01T00:00:00Z" });
    patch(
        json!({ "/users": users(&[3, 1, 2]), "/groups": { "items": [group], "total": 1 }, "/groups/1/users": users(&[2]) }),
    );
    assert_eq!((listed("/api/users"), listed("/api/groups/1/users")), (users(&[3, 1, 2]), users(&[2])));
    patch(json!({ "/users": users(&[2, 3]) }));
    assert_eq!(listed("/api/users"), users(&[2, 3]));
    assert_eq!(control.ask(&app, Method::GET, "/api/users/1", None).0, StatusCode::NOT_FOUND);
    // What a group refers to goes out of the group, and goes on being a user.
    patch(json!({ "/groups/1/users": [] }));
    assert_eq!((listed("/api/users"), listed("/api/groups/1/users")), (users(&[2, 3]), json!([])));
    patch(json!({ "/users/2": null, "/groups": null }));
    assert_eq!((listed("/api/users"), listed("/api/groups")["items"].clone()), (users(&[3]), json!([])));
    assert_eq!(control.ask(&app, Method::GET, "/api/groups/1", None).0, StatusCode::NOT_FOUND);
}

#[test]
fn if_match_keeps_two_editors_from_overwriting_each_other() {
    let control = Control::new();
    let app = control.mock.application("development");
    let path = format!("/_mock/api/applications/{}", app.client_id());
    let (_, headers, _) = control.send(Method::GET, &path, None);
    let etag = headers["etag"].to_str().unwrap().to_owned();
    let settings =
        |guests: &str| json!({ "resources": { SETTINGS: { "guestUsers": guests, "userCreatedChannels": "ENABLED" } } });
    let patch = |etag: &str, guests: &str| {
        let (status, headers, _) =
            control.send_with(Method::PATCH, &path, &[("if-match", etag)], Some(&settings(guests)));
        (status, headers.get("etag").map(|etag| etag.to_str().unwrap().to_owned()))
    };
    let (status, next) = patch(&etag, "DISABLED");
    assert_eq!(status, StatusCode::OK);
    assert_eq!(patch(&etag, "ENABLED").0, StatusCode::PRECONDITION_FAILED);
    assert_eq!(app.resource(SETTINGS)["guestUsers"], "DISABLED");
    let etag = next.unwrap();
    let enabled = json!({ "guestUsers": "ENABLED", "userCreatedChannels": "ENABLED" });
    let put = || drop(control.ask(&app, Method::PUT, SETTINGS, Some(&enabled)));
    let rotate = || drop(control.send(Method::POST, &format!("{path}/credentials"), None));
    let reset = || app.reset();
    let changes: [&dyn Fn(); 3] = [&put, &rotate, &reset];
    for change in changes {
        let (_, headers, _) = control.send(Method::GET, &path, None);
        change();
        let old = headers["etag"].to_str().unwrap();
        assert_eq!(patch(old, "DISABLED").0, StatusCode::PRECONDITION_FAILED);
    }
    assert_eq!(patch(&format!("W/{etag}"), "ENABLED").0, StatusCode::PRECONDITION_FAILED);
    assert_eq!(
        control.send_with(Method::DELETE, &path, &[("if-match", &etag)], None).0,
        StatusCode::PRECONDITION_FAILED
    );
    assert_eq!(patch("*", "ENABLED").0, StatusCode::OK);
    // Reading changes nothing.
    let tag = || control.send(Method::GET, &path, None).1["etag"].clone();
    let before = tag();
    control.ask(&app, Method::GET, SETTINGS, None);
    assert_eq!(tag(), before);
}

fn token(control: &Control, client_id: &str, secret: &str) -> Result<String, StatusCode> {
    use base64::Engine as _;
    let basic = base64::engine::general_purpose::STANDARD.encode(format!("{client_id}:{secret}"));
    let request = Request::post("/oauth/token")
        .header("authorization", format!("Basic {basic}"))
        .header("content-type", "application/x-www-form-urlencoded");
    let reply = control.mock.handle(request.body("grant_type=client_credentials").unwrap());
    let body: Value = serde_json::from_slice(reply.body()).unwrap();
    if reply.status() == StatusCode::OK {
        Ok(body["access_token"].as_str().unwrap().to_owned())
    } else {
        Err(reply.status())
    }
}

#[test]
fn secrets_are_rotated_credentials_added_and_tokens_expired() {
    let control = Control::new();
    let app = control.mock.application("development");
    let path = format!("/_mock/api/applications/{}", app.client_id());
    let works = |token: &str| {
        let request = Request::get("/v1/application").header("authorization", format!("Bearer {token}"));
        control.mock.handle(request.body("").unwrap()).status() == StatusCode::OK
    };
    let old = token(&control, app.client_id(), app.client_secret()).unwrap();
    let (status, _, rotated) = control.send(Method::POST, &format!("{path}/credentials"), None);
    assert_eq!((status, rotated["client_id"].as_str()), (StatusCode::OK, Some(app.client_id())));
    assert_eq!(token(&control, app.client_id(), app.client_secret()), Err(StatusCode::UNAUTHORIZED));
    assert!(works(&old), "tokens stay good");
    let new = token(&control, app.client_id(), rotated["client_secret"].as_str().unwrap()).unwrap();

    let further = json!({ "client_id": "reader one", "scopes": ["read:*"] });
    let (status, _, added) = control.send(Method::POST, &format!("{path}/credentials"), Some(&further));
    assert_eq!((status, &added["scopes"]), (StatusCode::CREATED, &json!(["read:*"])));
    let reader = token(&control, "reader one", added["client_secret"].as_str().unwrap()).unwrap();
    assert!(works(&reader));
    let put = Request::put(SETTINGS)
        .header("authorization", format!("Bearer {reader}"))
        .header("content-type", "application/json")
        .body(r#"{"guestUsers":"ENABLED","userCreatedChannels":"ENABLED"}"#)
        .unwrap();
    assert_eq!(control.mock.handle(put).status(), StatusCode::FORBIDDEN);
    // Any of its client ids names the application, and the one in the path is rotated.
    let by_second = "/_mock/api/applications/reader%20one";
    assert_eq!(control.get(by_second)["credentials"].as_array().unwrap().len(), 2);
    let (_, _, again) = control.send(Method::POST, &format!("{by_second}/credentials"), Some(&json!({})));
    assert_eq!(again["client_id"], "reader one");
    assert_ne!(again["client_secret"], added["client_secret"]);
    for taken in ["reader one", control.mock.application("staging").client_id()] {
        let body = json!({ "client_id": taken });
        assert_eq!(control.send(Method::POST, &format!("{path}/credentials"), Some(&body)).0, StatusCode::CONFLICT);
    }
    let (status, ..) = control.send(Method::POST, &format!("{path}/credentials"), Some(&json!({ "client_id": "a:b" })));
    assert_eq!(status, StatusCode::BAD_REQUEST);

    assert_eq!(control.send(Method::DELETE, &format!("{path}/tokens"), None).0, StatusCode::NO_CONTENT);
    assert_eq!([&old, &new, &reader].map(|token| works(token)), [false, false, false]);
    assert_eq!(control.send(Method::DELETE, by_second, None).0, StatusCode::NO_CONTENT);
    assert_eq!(control.send(Method::GET, &path, None).0, StatusCode::NOT_FOUND);
    assert_eq!(token(&control, "reader one", again["client_secret"].as_str().unwrap()), Err(StatusCode::UNAUTHORIZED));
}

#[test]
fn credentials_are_bounded() {
    let control = Control::new();
    let path = format!("/_mock/api/applications/{}/credentials", control.mock.application("staging").client_id());
    for _ in 1..100 {
        control.post(&path, &json!({ "scopes": [] }));
    }
    let (status, _, problem) = control.send(Method::POST, &path, Some(&json!({ "scopes": [] })));
    assert_eq!((status, problem["errors"][0]["code"].as_str()), (StatusCode::TOO_MANY_REQUESTS, Some("CK0920")));
}
