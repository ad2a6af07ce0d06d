//! What an application holds, and the way back.

use super::Control;
use http::{Method, Request, StatusCode};
use serde_json::json;

#[test]
fn reset_returns_to_the_fixtures() {
    let control = Control::new();
    let app = control.mock.application("development");
    let put = || {
        let request = Request::put("/v1/application/settings")
            .header("authorization", format!("Bearer {}", app.token()))
            .header("content-type", "application/json");
        control.mock.handle(request.body(r#"{"guestUsers":"DISABLED","userCreatedChannels":"DISABLED"}"#).unwrap());
        assert_eq!(app.resource("/v1/application/settings")["guestUsers"], "DISABLED");
    };
    for query in ["", "?application=development"] {
        put();
        assert_eq!(control.send(Method::POST, &format!("/_mock/api/reset{query}"), None).0, StatusCode::NO_CONTENT);
        assert_eq!(app.resource("/v1/application/settings")["guestUsers"], "ENABLED");
    }
    assert_eq!(control.send(Method::POST, "/_mock/api/reset?application=nobody", None).0, StatusCode::NOT_FOUND);
}

#[test]
fn the_state_is_told_by_path_with_roles() {
    let control = Control::shop();
    let app = control.mock.application("default");
    assert_eq!(control.get("/_mock/api/state")["resources"], json!([]));
    for (path, body) in [
        ("/api/users", json!({ "name": "ann" })),
        ("/api/groups", json!({ "name": "one" })),
        ("/api/groups/1/users", json!({ "id": 1 })),
    ] {
        let (status, _, made) = control.ask(&app, Method::POST, path, Some(&body));
        assert_eq!(status, StatusCode::CREATED, "{path}: {made}");
    }
    control.ask(&app, Method::DELETE, "/api/settings", None);
    let state = control.get("/_mock/api/state?application=default");
    assert_eq!(state["application"], "default");
    let shown: Vec<String> = state["resources"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| {
            let told = ["value", "items", "deleted"].iter().find(|name| entry.get(**name).is_some()).unwrap();
            format!("{} {} {told}", entry["path"].as_str().unwrap(), entry["role"].as_str().unwrap())
        })
        .collect();
    let expected = [
        "/groups collection items",
        "/groups/1 item value",
        "/groups/1/users collection items",
        "/settings singleton deleted",
        "/users collection items",
        "/users/1 item value",
    ];
    assert_eq!(shown, expected);
    assert_eq!(control.send(Method::GET, "/_mock/api/state?application=nobody", None).0, StatusCode::NOT_FOUND);
}
