//! Snapshots: taken, returned to, started from, compared.

use super::Control;
use http::{Method, StatusCode};
use serde_json::{Value, json};

const SETTINGS: &str = "/v1/application/settings";

fn disabled() -> Value {
    json!({ "guestUsers": "DISABLED", "userCreatedChannels": "ENABLED" })
}

#[test]
fn a_snapshot_is_taken_listed_restored_and_forgotten() {
    let control = Control::new();
    let (one, two) = (control.mock.application("development"), control.mock.application("staging"));
    let (before, others) = (one.resource(SETTINGS), two.resource(SETTINGS));
    let (status, headers, taken) =
        control.send(Method::POST, "/_mock/api/snapshots", Some(&json!({ "name": "before" })));
    assert_eq!((status, taken["applications"].as_array().unwrap().len()), (StatusCode::CREATED, 3));
    let location = headers["location"].to_str().unwrap().to_owned();
    let whole = control.get(&location);
    assert_eq!(whole["applications"][0]["resources"][SETTINGS], before);
    assert_eq!(control.get("/_mock/api/snapshots/before"), whole);
    assert_eq!(control.get("/_mock/api/snapshots")["snapshots"], json!([taken]));

    let change = || [&one, &two].iter().for_each(|app| app.set_resource(SETTINGS, disabled()));
    change();
    let restored = control.post(&format!("{location}/restore?application=staging"), &Value::Null);
    assert_eq!(restored, json!({ "restored": ["staging"], "missing": [] }));
    assert_eq!((one.resource(SETTINGS), two.resource(SETTINGS)), (disabled(), others.clone()));
    change();
    let (status, _, _) = control.send(
        Method::DELETE,
        &format!("/_mock/api/applications/{}", control.mock.application("production").client_id()),
        None,
    );
    assert_eq!(status, StatusCode::NO_CONTENT);
    let restored = control.post("/_mock/api/snapshots/before/restore", &Value::Null);
    assert_eq!(restored, json!({ "restored": ["development", "staging"], "missing": ["production"] }));
    assert_eq!((one.resource(SETTINGS), two.resource(SETTINGS)), (before, others));

    for (path, body) in [("restore?application=production", None), ("restore?application=nobody", None)] {
        assert_eq!(control.send(Method::POST, &format!("{location}/{path}"), body).0, StatusCode::NOT_FOUND, "{path}");
    }
    assert_eq!(control.send(Method::DELETE, "/_mock/api/snapshots/before", None).0, StatusCode::NO_CONTENT);
    for (method, path) in [
        (Method::GET, "/_mock/api/snapshots/1"),
        (Method::DELETE, "/_mock/api/snapshots/1"),
        (Method::GET, "/_mock/api/snapshots/before/diff"),
        (Method::POST, "/_mock/api/snapshots/1/restore"),
        (Method::POST, "/_mock/api/snapshots/1/fork"),
    ] {
        let (status, _, problem) = control.send(method, path, None);
        assert_eq!((status, problem["errors"][0]["code"].as_str()), (StatusCode::NOT_FOUND, Some("CK0921")), "{path}");
    }
}

#[test]
fn names_of_snapshots_are_unique_and_no_numbers() {
    let control = Control::new();
    let take = |body: Value| control.send(Method::POST, "/_mock/api/snapshots", Some(&body)).0;
    assert_eq!(take(json!({ "name": "a" })), StatusCode::CREATED);
    assert_eq!(take(json!({ "name": "a" })), StatusCode::CONFLICT);
    assert_eq!(take(json!({ "name": "17" })), StatusCode::BAD_REQUEST);
    assert_eq!(take(json!({ "application": "nobody" })), StatusCode::BAD_REQUEST);
    assert_eq!(control.send(Method::POST, "/_mock/api/snapshots", None).0, StatusCode::CREATED);
}

#[test]
fn a_fork_starts_from_the_snapshot_and_returns_to_it() {
    let control = Control::new();
    let app = control.mock.application("development");
    app.set_resource(SETTINGS, disabled());
    control.post("/_mock/api/snapshots", &json!({ "name": "one", "application": "development" }));
    control.post("/_mock/api/snapshots", &json!({ "name": "all" }));
    app.reset();
    let (status, headers, forked) =
        control.send(Method::POST, "/_mock/api/snapshots/one/fork", Some(&json!({ "name": "fork" })));
    assert_eq!((status, &forked["resources"][SETTINGS]), (StatusCode::CREATED, &disabled()));
    assert_eq!(control.get(headers["location"].to_str().unwrap()), forked);
    assert_eq!(forked["scopes"], json!(["create:*", "read:*", "update:*", "delete:*"]));
    let fork = control.mock.application("fork");
    fork.set_resource(SETTINGS, app.resource(SETTINGS));
    fork.reset();
    assert_eq!((fork.resource(SETTINGS), app.resource(SETTINGS)["guestUsers"].as_str()), (disabled(), Some("ENABLED")));

    let fork = |path: &str, body: Option<&Value>| control.send(Method::POST, path, body).0;
    assert_eq!(fork("/_mock/api/snapshots/all/fork", None), StatusCode::BAD_REQUEST);
    assert_eq!(fork("/_mock/api/snapshots/all/fork?application=staging", None), StatusCode::CREATED);
    assert_eq!(fork("/_mock/api/snapshots/one/fork", Some(&json!({ "name": "fork" }))), StatusCode::CONFLICT);
}

#[test]
fn a_diff_tells_what_a_test_has_changed() {
    let control = Control::new();
    let app = control.mock.application("development");
    control.post("/_mock/api/snapshots", &json!({ "name": "before" }));
    let diff = |query: &str| control.get(&format!("/_mock/api/snapshots/before/diff{query}"))["differences"].clone();
    assert_eq!(diff(""), json!([]));
    let before = app.resource(SETTINGS);
    let mut after = before.clone();
    after["guestUsers"] = json!("DISABLED");
    app.set_resource(SETTINGS, after.clone());
    let expected = json!([{ "application": "development", "path": SETTINGS, "before": before, "after": after, "pointers": ["/guestUsers"] }]);
    assert_eq!(diff(""), expected);
    assert_eq!((diff("?application=development"), diff("?application=staging")), (expected.clone(), json!([])));
    control.post("/_mock/api/snapshots", &json!({ "name": "after", "application": "development" }));
    app.reset();
    assert_eq!((diff(""), diff("?against=after")), (json!([]), expected));

    // What came and what went is told by its resources.
    let new = control.mock.new_application();
    control.send(
        Method::DELETE,
        &format!("/_mock/api/applications/{}", control.mock.application("staging").client_id()),
        None,
    );
    let told = diff("");
    let sides: Vec<(&str, bool, bool)> = told
        .as_array()
        .unwrap()
        .iter()
        .map(|found| {
            (found["application"].as_str().unwrap(), found.get("before").is_some(), found.get("after").is_some())
        })
        .collect();
    let expected =
        [("staging", true, false), ("staging", true, false), (new.name(), false, true), (new.name(), false, true)];
    assert_eq!(sides, expected);
    for (query, status) in [("?against=nothing", StatusCode::NOT_FOUND), ("?application=nobody", StatusCode::NOT_FOUND)]
    {
        let path = format!("/_mock/api/snapshots/before/diff{query}");
        assert_eq!(control.send(Method::GET, &path, None).0, status, "{query}");
    }
}

#[test]
fn references_and_deletions_are_part_of_a_diff() {
    let control = Control::shop();
    let app = control.mock.application("default");
    let users = json!([{ "id": 1, "name": "a" }, { "id": 2, "name": "b" }]);
    app.set_resource("/users", users);
    app.set_resource("/groups/1", json!({ "id": 1, "name": "g", "created_time": "2026-01-01T00:00:00Z" }));
    let before = app.snapshot();
    for (method, path, body) in [
        (Method::POST, "/api/groups/1/users", Some(json!({ "id": 2 }))),
        (Method::DELETE, "/api/users/1", None),
        (Method::DELETE, "/api/settings", None),
    ] {
        assert!(control.ask(&app, method, path, body.as_ref()).0.is_success(), "{path}");
    }
    let told: Vec<String> = before
        .diff()
        .iter()
        .map(|change| format!("{} {} {}", change.path, json!(change.before), json!(change.after)))
        .collect();
    let expected =
        [r#"/groups/1/users null ["/users/2"]"#, "/settings null null", r#"/users/1 {"id":1,"name":"a"} null"#];
    assert_eq!(told, expected);
    before.restore();
    assert!(before.diff().is_empty());
    assert_eq!(control.ask(&app, Method::GET, "/api/groups/1/users", None).2, json!([]));
}

#[test]
fn snapshots_are_bounded() {
    let control = Control::new();
    for _ in 0..1_000 {
        control.post("/_mock/api/snapshots", &json!({ "application": "development" }));
    }
    let (status, _, problem) = control.send(Method::POST, "/_mock/api/snapshots", None);
    assert_eq!((status, problem["errors"][0]["code"].as_str()), (StatusCode::TOO_MANY_REQUESTS, Some("CK0920")));
    control.send(Method::DELETE, "/_mock/api/snapshots/7", None);
    assert_eq!(control.post("/_mock/api/snapshots", &json!({}))["id"], 1_001);
}

#[test]
fn restoring_is_atomic_under_traffic() {
    let control = Control::shop();
    let app = control.mock.application("default");
    let users = |name: &str| (1..=20).map(|id| json!({ "id": id, "name": name })).collect::<Value>();
    app.set_resource("/users", users("one"));
    let one = app.snapshot();
    app.set_resource("/users", users("two"));
    let two = app.snapshot();
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    for _ in 0..200 {
                        let (_, _, listed) = control.ask(&app, Method::GET, "/api/users", None);
                        assert!(listed == users("one") || listed == users("two"), "a mixture: {listed}");
                    }
                })
            })
            .collect();
        while !readers.iter().all(|reader| reader.is_finished()) {
            one.restore();
            two.restore();
        }
    });
}
