//! The control plane: every reply here is checked against `openapi/admin.yaml` by our own engine.

use bytes::Bytes;
use chatkitty_mock::{Application, MockServer};
use http::{Method, Request, Response, StatusCode};
use serde_json::{Value, json};

mod applications;
mod clock;
mod contract;
mod export;
mod journal;
mod reports;
mod snapshots;
mod state;

/// Collections, references between them, resources of their own, and a base path.
const SHOP: &str = include_str!("shop.yaml");

struct Control {
    mock: MockServer,
}

/// A status, the header fields and the JSON of a reply.
type Answer = (StatusCode, http::HeaderMap, Value);

impl Control {
    fn new() -> Self {
        Self::of(MockServer::start())
    }

    fn shop() -> Self {
        Self::of(MockServer::builder().openapi_text("shop.yaml", SHOP).start().unwrap())
    }

    fn of(mock: MockServer) -> Self {
        mock.allow_violations();
        Self { mock }
    }

    fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Answer {
        self.send_with(method, path, &[], body)
    }

    fn send_with(&self, method: Method, path: &str, fields: &[(&str, &str)], body: Option<&Value>) -> Answer {
        let mut fields = fields.to_vec();
        if body.is_some() {
            fields.push(("content-type", "application/json"));
        }
        let reply = self.reply(method, path, &fields, body.map(Value::to_string).unwrap_or_default());
        let value = serde_json::from_slice(reply.body()).unwrap_or(Value::Null);
        (reply.status(), reply.headers().clone(), value)
    }

    /// A reply of the control plane, checked against the control plane's own document.
    fn reply(&self, method: Method, path: &str, fields: &[(&str, &str)], body: String) -> Response<Bytes> {
        let mut request = Request::builder().method(method.clone()).uri(path).header("host", "localhost");
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let reply = self.mock.handle(request.body(body).unwrap());
        let problems = self.mock.check_control_reply(&method, path, &reply);
        assert!(problems.is_empty(), "{method} {path}: {problems:?}");
        reply
    }

    fn get(&self, path: &str) -> Value {
        let (status, _, value) = self.send(Method::GET, path, None);
        assert_eq!(status, StatusCode::OK, "{path}: {value}");
        value
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        let (status, _, value) = self.send(Method::POST, path, Some(body));
        assert!(status.is_success(), "{path}: {status} {value}");
        value
    }

    /// A request of the data plane, with a token of the application.
    fn ask(&self, app: &Application, method: Method, path: &str, body: Option<&Value>) -> Answer {
        let mut request =
            Request::builder().method(method).uri(path).header("authorization", format!("Bearer {}", app.token()));
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let reply = self.mock.handle(request.body(body.map(Value::to_string).unwrap_or_default()).unwrap());
        let value = serde_json::from_slice(reply.body()).unwrap_or(Value::Null);
        (reply.status(), reply.headers().clone(), value)
    }
}

#[test]
fn health_needs_nothing() {
    let control = Control::new();
    assert_eq!(control.get("/_mock/livez"), json!({ "status": "ok" }));
    assert_eq!(control.get("/_mock/readyz"), json!({ "status": "ok" }));
}

#[test]
fn the_contract_is_described_and_unknown_resources_are_refused() {
    let control = Control::new();
    assert_eq!(control.get("/_mock/openapi.json")["info"]["title"], "chatkitty-mock control plane");
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
fn the_document_is_clean_by_our_own_checks() {
    // Under another prefix, as `/_mock` is refused in a contract.
    let document = include_str!("../../../openapi/admin.yaml").replace("\n  /_mock", "\n  /mock");
    let outcome = MockServer::builder().openapi_text("admin.yaml", document).check();
    assert!(outcome.diagnostics.is_empty(), "{:?}", outcome.diagnostics);
}

#[test]
fn no_body_breaks_the_control_plane() {
    let control = Control::shop();
    let document = control.get("/_mock/openapi.json");
    control.post("/_mock/api/snapshots", &json!({ "name": "kept" }));
    let mut sent = 0;
    for (template, item) in document["paths"].as_object().unwrap() {
        for method in ["get", "put", "post", "patch", "delete"] {
            if item.get(method).is_none() || template.ends_with("/shutdown") {
                continue;
            }
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            let ids = if template.contains("{id}") { &["kept", "1", "%F0%9F%98%80%00"][..] } else { &[""] };
            for id in ids {
                let client_id =
                    control.mock.applications().first().map_or_else(String::new, |app| app.client_id().to_owned());
                let path = template.replace("{client_id}", &client_id).replace("{id}", id);
                for query in ["", "?application=default", "?application=%00&against=kept"] {
                    for (media, body) in ODD_BODIES {
                        let fields = [("content-type", *media), ("if-match", "\"a\", W/\"b\"")];
                        let path = format!("{path}{query}");
                        let reply = control.reply(method.clone(), &path, &fields, (*body).to_owned());
                        assert!(reply.status().as_u16() < 500, "{method} {path} {body}: {reply:?}");
                        sent += 1;
                    }
                }
            }
        }
    }
    assert!(sent > 1_000, "{sent}");
}

const ODD_BODIES: &[(&str, &str)] = &[
    ("application/json", ""),
    ("application/json", "null"),
    ("application/json", "[]"),
    ("application/json", "{}"),
    ("application/json", "{\"name\":\"\",\"like\":1,\"resources\":null}"),
    ("application/json", "{\"resources\":{\"/\":null,\"/users\":null,\"/users/%zz\":{},\"//\":[]}}"),
    ("application/json", "{\"resources\":{\"/users\":[null,1,{\"id\":{}}]}}"),
    ("application/json", "{\"now\":\"0000-01-01T00:00:00Z\"}"),
    ("application/json", "{\"now\":\"9999-12-31T23:59:60Z\",\"frozen\":true}"),
    ("application/json", "{\"seconds\":-9223372036854775808}"),
    ("application/json", "{\"seconds\":18446744073709551615}"),
    ("application/json", "{\"seconds\":0.1e-400}"),
    ("application/json", "{\"scopes\":[\"\"],\"client_id\":\"\\u0000\"}"),
    ("application/yaml", "{"),
    ("application/yaml", "&a [*a]"),
    ("application/yaml", "name: !!binary x"),
    ("application/yaml", "- \u{0}"),
    ("text/plain", "x"),
];
