//! What one application sees and changes is its own, over every operation of every bundled edition. ChatKitty's published
//! document, which stands beside the project, gets the same treatment by `.ci/published_isolation.py`.

use chatkitty_mock::{Application, Edition, MockServer};
use http::{Request, Response, StatusCode};
use serde_json::{Value, json};

/// Asks with a token, and says by other means that it is for another application.
fn ask(
    mock: &MockServer,
    method: &str,
    path: &str,
    token: &str,
    meant: &Application,
    body: &Value,
) -> Response<bytes::Bytes> {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", format!("{}.localhost", meant.name()))
        .header("x-mock-application", meant.client_id())
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/json")
        .header("prefer", "handling=lenient");
    mock.handle(request.body(body.to_string()).unwrap())
}

fn control(mock: &MockServer, path: &str) -> Value {
    let reply = mock.handle(Request::get(format!("/_mock/api{path}")).body("").unwrap());
    assert_eq!(reply.status(), StatusCode::OK, "{path}");
    serde_json::from_slice(reply.body()).unwrap()
}

/// What the control plane tells of one application.
fn held(mock: &MockServer, application: &Application) -> [Value; 3] {
    let id = application.client_id();
    let state = control(mock, &format!("/state?application={id}"));
    [state, control(mock, &format!("/applications/{id}")), json!(application.exchanges().len())]
}

/// The operations of the contract, and each of their paths by every method that a client may try.
fn operations(mock: &MockServer) -> Vec<(String, String)> {
    let contract = control(mock, "/contract");
    let listed = contract["operations"].as_array().unwrap();
    assert!(!listed.is_empty());
    let paths = listed.iter().map(|operation| operation["path"].as_str().unwrap().to_owned());
    let methods = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"];
    paths.flat_map(|path| methods.map(|method| (method.to_owned(), path.clone()))).collect()
}

#[test]
fn no_operation_of_any_edition_reaches_another_applications_state() {
    let mut asked = 0;
    for edition in [Edition::Page, Edition::Camel, Edition::Snake, Edition::Unversioned] {
        let mock = MockServer::builder().edition(edition).verify_on_drop(false).start().unwrap();
        let (mine, theirs) = (mock.application("development"), mock.application("staging"));
        let token = mine.token();
        let settings =
            operations(&mock).into_iter().map(|(_, path)| path).find(|path| path.ends_with("settings")).unwrap();
        let own = mine.resource(&settings);
        // What is theirs is marked, so that any of it is seen wherever it comes up.
        let name = if own.get("guestUsers").is_some() { "guestUsers" } else { "guest_users" };
        let mut marked = theirs.resource(&settings);
        marked[name] = json!("DISABLED");
        theirs.set_resource(&settings, marked);
        let key =
            theirs.find_resource(settings.trim_end_matches("/settings")).unwrap()["key"].as_str().unwrap().to_owned();
        let before = held(&mock, &theirs);
        assert!(before[0].to_string().contains(&key) && own[name] == "ENABLED");
        let bodies = [
            json!({}),
            json!({ name: "ENABLED", "userCreatedChannels": "ENABLED", "user_created_channels": "ENABLED" }),
            json!([]),
        ];
        for (method, path) in operations(&mock) {
            for body in &bodies {
                let reply = ask(&mock, &method, &path, &token, &theirs, body);
                let text = String::from_utf8_lossy(reply.body()).into_owned();
                assert!(!text.contains(&key) && !text.contains(theirs.client_id()), "{method} {path}: {text}");
                assert_eq!(held(&mock, &theirs), before, "{method} {path} {body}");
                asked += 1;
            }
        }
        assert!(mine.exchanges().len() >= operations(&mock).len(), "they were requests of the token's application");
        // With their own token, they do reach it.
        let reply = ask(&mock, "PUT", &settings, &theirs.token(), &mine, &bodies[1]);
        assert_eq!(reply.status(), StatusCode::OK);
        assert_ne!(held(&mock, &theirs), before);
    }
    assert!(asked >= 4 * 2 * 7 * 3, "{asked}");
}

#[test]
fn the_authorization_server_tells_nothing_of_another_applications_tokens() {
    let mock = MockServer::builder().verify_on_drop(false).start().unwrap();
    let (mine, theirs) = (mock.application("development"), mock.application("staging"));
    let token = theirs.token();
    let send = |path: &str, client: &Application, secret: &str| {
        let body = format!(
            "client_id={}&client_secret={secret}&token={token}&grant_type=client_credentials",
            client.client_id()
        );
        let request = Request::post(path).header("content-type", "application/x-www-form-urlencoded");
        let reply = mock.handle(request.body(body).unwrap());
        (reply.status(), serde_json::from_slice::<Value>(reply.body()).unwrap_or_default())
    };
    let secret = mine.client_secret().to_owned();
    assert_eq!(send("/oauth/introspect", &mine, &secret).1, json!({ "active": false }));
    assert_eq!(send("/oauth/revoke", &mine, &secret).1["error"], "invalid_grant");
    // One's own secret opens nothing that is another's.
    assert_eq!(send("/oauth/token", &theirs, &secret).0, StatusCode::UNAUTHORIZED);
    assert_eq!(send("/oauth/introspect", &theirs, theirs.client_secret()).1["active"], true);
    assert_eq!(ask(&mock, "GET", "/v1/application", &token, &mine, &Value::Null).status(), StatusCode::OK);
    assert!(theirs.exchanges().iter().all(|exchange| exchange.application() == Some("staging")));
}
