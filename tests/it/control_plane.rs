//! The control plane: every reply here is checked against `openapi/admin.yaml` by our own engine.

use chatkitty_mock::MockServer;
use http::{Method, Request, StatusCode};
use serde_json::{Value, json};

struct Control {
    mock: MockServer,
    /// The control plane's own document, served as any other contract's checker.
    document: Value,
}

impl Control {
    fn new() -> Self {
        let mock = MockServer::start();
        mock.allow_violations();
        let reply = mock.handle(Request::get("/_mock/openapi.json").body("").unwrap());
        let document = serde_json::from_slice(reply.body()).unwrap();
        Self { mock, document }
    }

    fn send(&self, method: Method, path: &str, body: Option<&Value>) -> (StatusCode, http::HeaderMap, Value) {
        let mut request = Request::builder().method(method.clone()).uri(path).header("host", "localhost");
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let reply = self.mock.handle(request.body(body.map(Value::to_string).unwrap_or_default()).unwrap());
        let problems = self.mock.check_control_reply(&method, path, &reply);
        assert!(problems.is_empty(), "{method} {path}: {problems:?}");
        let value = serde_json::from_slice(reply.body()).unwrap_or(Value::Null);
        (reply.status(), reply.headers().clone(), value)
    }

    fn get(&self, path: &str) -> Value {
        let (status, _, value) = self.send(Method::GET, path, None);
        assert_eq!(status, StatusCode::OK, "{path}: {value}");
        value
    }
}

#[test]
fn health_needs_nothing() {
    let control = Control::new();
    assert_eq!(control.get("/_mock/livez"), json!({ "status": "ok" }));
    assert_eq!(control.get("/_mock/readyz"), json!({ "status": "ok" }));
}

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
fn the_journal_is_filtered_and_cleared() {
    let control = Control::new();
    let app = control.mock.application("development");
    let ask = |path: &str, token: &str| {
        let request = Request::get(path).header("authorization", format!("Bearer {token}"));
        control.mock.handle(request.body("").unwrap())
    };
    ask("/v1/application", &app.token());
    ask("/v1/application", "nonsense");
    ask("/nowhere", "nonsense");
    let count =
        |query: &str| control.get(&format!("/_mock/api/exchanges{query}"))["exchanges"].as_array().unwrap().len();
    assert_eq!(count(""), 3);
    assert_eq!(count("?application=development"), 1);
    assert_eq!(count("?operation=retrieveApplication"), 2);
    assert_eq!(count("?operation=GET%20/v1/application"), 2);
    assert_eq!(count("?status=4XX"), 2);
    assert_eq!(count("?status=404"), 1);
    assert_eq!(count("?violations=true"), 2);
    assert_eq!(count("?after=1"), 2);
    let page = control.get("/_mock/api/exchanges?limit=2");
    assert_eq!(page["next"], 2);
    let exchange = control.get("/_mock/api/exchanges/2");
    assert_eq!((exchange["response"]["status"].as_u64(), exchange["verdict"].as_str()), (Some(401), Some("violation")));
    let verdict = control.get("/_mock/api/verdict");
    let counts = ["verdict", "exchanges", "violations", "drift", "unknown_paths"].map(|name| &verdict[name]);
    assert_eq!(json!(counts), json!(["fail", 3, 2, 0, 1]));
    let (status, headers, _) = control.send(Method::GET, "/_mock/exchanges/2", None);
    assert_eq!(status, StatusCode::OK);
    assert!(headers["content-type"].to_str().unwrap().starts_with("text/plain"));
    assert_eq!(control.send(Method::DELETE, "/_mock/api/exchanges", None).0, StatusCode::NO_CONTENT);
    assert_eq!(count(""), 0);
    assert_eq!(control.send(Method::GET, "/_mock/api/exchanges/2", None).0, StatusCode::NOT_FOUND);
    for query in ["?status=abc", "?limit=0", "?limit=x", "?violations=maybe"] {
        assert_eq!(
            control.send(Method::GET, &format!("/_mock/api/exchanges{query}"), None).0,
            StatusCode::BAD_REQUEST,
            "{query}"
        );
    }
}

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
fn the_contract_is_described_and_unknown_resources_are_refused() {
    let control = Control::new();
    assert_eq!(control.document["info"]["title"], "chatkitty-mock control plane");
    let contract = control.get("/_mock/api/contract");
    assert_eq!(contract["edition"], "page");
    assert_eq!(contract["operations"].as_array().unwrap().len(), 3);
    assert_eq!(control.send(Method::GET, "/_mock/api/nothing", None).0, StatusCode::NOT_FOUND);
    let (status, headers, _) = control.send(Method::PUT, "/_mock/api/reset", None);
    assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED);
    assert!(headers["allow"].to_str().unwrap().contains("POST"));
}

#[test]
fn another_sites_page_gets_nowhere() {
    let control = Control::new();
    let ask = |method: &str, name: &str, value: &str| {
        let request = Request::builder()
            .method(method)
            .uri("/_mock/api/reset")
            .header("host", "127.0.0.1:2428")
            .header(name, value);
        control.mock.handle(request.body("").unwrap()).status()
    };
    assert_eq!(ask("POST", "origin", "https://evil.example"), StatusCode::FORBIDDEN);
    assert_eq!(ask("POST", "origin", "null"), StatusCode::FORBIDDEN);
    assert_eq!(ask("POST", "sec-fetch-site", "cross-site"), StatusCode::FORBIDDEN);
    assert_eq!(ask("POST", "origin", "http://127.0.0.1:2428"), StatusCode::NO_CONTENT);
    let rebound = Request::get("/_mock/api/applications").header("host", "evil.example").body("").unwrap();
    assert_eq!(control.mock.handle(rebound).status(), StatusCode::FORBIDDEN);
}

#[test]
fn the_admin_token_is_asked_for_where_there_is_one() {
    let mock = MockServer::builder().admin_token("s3cret").start().unwrap();
    let ask = |path: &str, token: Option<&str>| {
        let mut request = Request::get(path).header("host", "localhost");
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        mock.handle(request.body("").unwrap()).status()
    };
    assert_eq!(ask("/_mock/api/applications", None), StatusCode::UNAUTHORIZED);
    assert_eq!(ask("/_mock/api/applications", Some("wrong")), StatusCode::UNAUTHORIZED);
    assert_eq!(ask("/_mock/api/applications", Some("s3cret")), StatusCode::OK);
    assert_eq!(ask("/_mock/livez", None), StatusCode::OK);
}

#[test]
fn recorded_exchanges_are_imported_whole_or_not_at_all() {
    let control = Control::new();
    let har = |entries: Value| json!({ "log": { "version": "1.2", "entries": entries } });
    let entry = |path: &str| {
        json!({
            "startedDateTime": "2020-02-03T04:05:06Z",
            "request": { "method": "GET", "url": format!("https://api.example{path}"), "headers": [{ "name": "authorization", "value": "Bearer abc" }] },
            "response": { "status": 404 },
        })
    };
    let import = |har: &Value| control.send(Method::POST, "/_mock/api/exchanges", Some(har));
    let aborted = json!({ "request": { "method": "GET", "url": "/" }, "response": { "status": 0 } });
    let (status, _, told) = import(&har(json!([entry("/v1/nothing"), aborted, entry("/oauth/token")])));
    assert_eq!((status, told), (StatusCode::OK, json!({ "judged": 2, "passed_over": 1 })));
    let verdict = control.get("/_mock/api/verdict");
    assert_eq!((&verdict["exchanges"], &verdict["violations"]), (&json!(2), &json!(1)));
    let first = control.get("/_mock/api/exchanges/1");
    assert_eq!((&first["time"], &first["violations"][0]["code"]), (&json!("2020-02-03T04:05:06Z"), &json!("CK0101")));

    let (status, _, problem) = import(&har(json!([entry("/v1/nothing"), { "request": {} }])));
    assert_eq!((status, &problem["errors"][0]["pointer"]), (StatusCode::BAD_REQUEST, &json!("/log/entries/1")));
    for bad in [json!({}), json!({ "log": {} }), har(json!([1]))] {
        assert_eq!(import(&bad).0, StatusCode::BAD_REQUEST);
    }
    assert_eq!(control.get("/_mock/api/verdict")["exchanges"], 2, "nothing of these");
}
