//! Secrets are planted wherever a client or a server can put one, and looked for in everything that is told of them.

use chatkitty_mock::{Expectation, MockServer};
use http::{Method, Request, StatusCode};
use serde_json::{Value, json};

/// What no output may have in it. Each stands at one place of one request, reply or setting.
const PLANTED: &[&str] = &[
    "planted-client-secret",
    "planted-other-secret",
    "planted-wrong-secret",
    "planted-bearer",
    "planted-basic-password",
    "planted-key-in-header",
    "planted-key-in-query",
    "planted-key-in-cookie",
    "planted-password",
    "4711-planted",
    "planted-form-password",
    "planted-part-password",
    "planted-xml-password",
    "planted-cut-password",
    "planted-token-of-a-reply",
    "planted-cookie-of-a-reply",
    "planted-referer",
    "planted-expected",
    "planted-admin-token",
];

/// A contract with every kind of credential, and bodies in which there are secrets.
fn contract() -> String {
    let schema = json!({
        "type": "object", "required": ["name"],
        "properties": {
            "name": { "type": "string" },
            "password": { "type": "string", "maxLength": 5 },
            "pin": { "$ref": "#/components/schemas/Pin" },
            "inner": { "type": "object", "properties": { "apiKey": { "enum": ["a"] } } },
        },
    });
    let body = json!({ "content": {
        "application/json": { "schema": schema }, "application/x-www-form-urlencoded": { "schema": schema },
        "multipart/form-data": { "schema": schema }, "application/xml": {}, "text/plain": {},
    } });
    let reply = json!({ "description": "ok", "content": { "application/json": {
        "schema": { "type": "object", "properties": { "name": { "type": "string" }, "accessToken": { "type": "string" } } },
    } } });
    let drift = json!({ "description": "ok", "content": { "application/json": {
        "schema": { "type": "object", "properties": { "token": { "type": "string", "maxLength": 3 } } },
    } } });
    let key = |place: &str, name: &str| json!({ "type": "apiKey", "in": place, "name": name });
    let secured = |scheme: &str| json!([{ scheme: [] }]);
    let get = |scheme: &str| json!({ "security": secured(scheme), "responses": { "200": reply } });
    let pin = json!({ "name": "Pin-Code", "in": "header", "schema": { "$ref": "#/components/schemas/Pin" } });
    json!({
        "openapi": "3.1.0", "info": { "title": "vault", "version": "1" },
        "components": {
            "schemas": { "Pin": { "type": "string", "format": "password", "pattern": "^[0-9]+$" } },
            "securitySchemes": {
                "header": key("header", "Opener"), "query": key("query", "opener"), "cookie": key("cookie", "opener"),
                "basic": { "type": "http", "scheme": "basic" }, "bearer": { "type": "http", "scheme": "bearer" },
                "oauth": { "type": "oauth2", "flows": { "clientCredentials": { "tokenUrl": "/oauth/token", "scopes": {} } } },
            },
        },
        "paths": {
            "/things": { "post": { "requestBody": body, "parameters": [pin], "responses": { "200": reply, "201": reply } } },
            "/header": { "get": get("header") }, "/query": { "get": get("query") }, "/cookie": { "get": get("cookie") },
            "/basic": { "get": get("basic") }, "/bearer": { "get": get("bearer") }, "/oauth": { "get": get("oauth") },
            "/vault": { "get": { "responses": { "200": reply } } },
            "/drift": { "get": { "responses": { "200": drift } } },
        },
    })
    .to_string()
}

const FIXTURE: &str = "credentials:
  - { client_id: one, client_secret: planted-client-secret, scopes: [] }
  - { client_id: two, client_secret: planted-other-secret, scopes: [] }
resources:
  /vault: { name: x, accessToken: planted-token-of-a-reply }
";

type Fields = &'static [(&'static str, &'static str)];
type Planted = (Method, &'static str, Fields, String);

/// Requests with a secret each, good ones and bad ones.
fn requests() -> Vec<Planted> {
    const FORM: Fields = &[("content-type", "application/x-www-form-urlencoded")];
    const PARTS: Fields = &[("content-type", "multipart/form-data; boundary=x")];
    const JSON: Fields = &[("content-type", "application/json")];
    let part =
        |name: &str, value: &str| format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
    let post = |fields: Fields, body: &str| (Method::POST, "/things", fields, body.to_owned());
    let get = |path, fields: Fields| (Method::GET, path, fields, String::new());
    let token = |fields: Fields, body: &str| (Method::POST, "/oauth/token", fields, body.to_owned());
    vec![
        get("/header", &[("opener", "planted-key-in-header")]),
        get("/query?opener=planted-key-in-query&open%65r=planted-key-in-query", &[]),
        get("/header?opener=planted-key-in-query", &[("referer", "http://x/?a=1&access_token=planted-referer")]),
        get("/cookie", &[("cookie", "theme=dark; opener=planted-key-in-cookie")]),
        get("/basic", &[("authorization", "Basic dXNlcjpwbGFudGVkLWJhc2ljLXBhc3N3b3Jk")]),
        get("/bearer", &[("authorization", "Bearer planted-bearer")]),
        get("/bearer", &[("authorization", "planted-bearer")]),
        get("/oauth", &[("authorization", "Bearer planted-bearer")]),
        get("/oauth", &[("authorization", "Bearer planted-bearer"), ("x-auth-token", "planted-bearer")]),
        get("/drift?password=planted-password", &[]),
        get("/vault", &[]),
        get("/nowhere?password=planted-password", &[("cookie", "a=planted-key-in-cookie")]),
        post(
            JSON,
            r#"{"name":"a","password":"planted-password","pin":"4711-planted","inner":{"apiKey":"planted-key-in-header"}}"#,
        ),
        post(
            JSON,
            r#"{"name":1,"password":["planted-password"],"pin":{"4711-planted":1},"x":[{"client_secret":"planted-password"}]}"#,
        ),
        post(JSON, r#"{"name":"a","password":"planted-cut-password"#),
        post(JSON, r#"{"name":"a","password":"planted-password","password":"planted-password"}"#),
        post(&[("content-type", "application/json"), ("pin-code", "4711-planted")], r#"{"name":"a"}"#),
        post(FORM, "name=a&password=planted-form-password&p%69n=4711-planted"),
        post(PARTS, &format!("{}{}--x--\r\n", part("name", "a"), part("password", "planted-part-password"))),
        post(PARTS, &part("password", "planted-part-password")),
        post(&[("content-type", "application/xml")], "<user><password>planted-xml-password</password></user>"),
        post(&[("content-type", "application/xml")], "<user password='planted-xml-password'"),
        post(&[("content-type", "text/plain")], "password: planted-password"),
        post(&[("content-type", "image/png")], "password=planted-password"),
        token(FORM, "grant_type=client_credentials&client_id=one&client_secret=planted-client-secret"),
        token(FORM, "grant_type=client_credentials&client_id=one&client_secret=planted-wrong-secret"),
        token(
            FORM,
            "grant_type=password&client_id=one&client_secret=planted-client-secret&password=planted-form-password",
        ),
        token(JSON, r#"{"grant_type":"client_credentials","client_id":"two","client_secret":"planted-other-secret"}"#),
        token(
            PARTS,
            &format!("{}{}--x--\r\n", part("client_id", "one"), part("client_secret", "planted-wrong-secret")),
        ),
        token(&[("authorization", "Basic b25lOnBsYW50ZWQtY2xpZW50LXNlY3JldA==")], "grant_type=x"),
        (
            Method::POST,
            "/oauth/introspect",
            FORM,
            "client_id=one&client_secret=planted-client-secret&token=planted-bearer".to_owned(),
        ),
        (
            Method::POST,
            "/oauth/revoke",
            FORM,
            "client_id=one&client_secret=planted-wrong-secret&token=planted-bearer".to_owned(),
        ),
    ]
}

/// A recorded reply whose secret breaks the contract.
fn recording() -> Value {
    let field = |name: &str, value: &str| json!({ "name": name, "value": value });
    json!({ "log": { "version": "1.2", "creator": { "name": "x", "version": "1" }, "entries": [{
        "startedDateTime": "2026-11-23T09:30:00Z", "time": 1,
        "request": { "method": "GET", "url": "http://localhost/drift", "httpVersion": "HTTP/1.1", "headers": [field("Cookie", "a=planted-key-in-cookie")] },
        "response": {
            "status": 200, "httpVersion": "HTTP/1.1",
            "headers": [field("Content-Type", "application/json"), field("Set-Cookie", "a=planted-cookie-of-a-reply"), field("Location", "/x?token=planted-token-of-a-reply")],
            "content": { "size": 36, "mimeType": "application/json", "text": "{\"token\":\"planted-token-of-a-reply\"}" },
        },
    }] } })
}

/// What is looked for: each secret, and as base64 shows it.
fn leaks(output: &str) -> Vec<&'static str> {
    use base64::Engine as _;
    // Whatever stands before it, what is left without a few bytes is in step with the encoding.
    let encoded = |secret: &str| {
        let tail = |skip: usize| secret.as_bytes()[skip..secret.len() - (secret.len() - skip) % 3].to_vec();
        [0, 1, 2].map(|skip| base64::engine::general_purpose::STANDARD_NO_PAD.encode(tail(skip)))
    };
    let known = |secret: &&&str| output.contains(**secret) || encoded(secret).iter().any(|text| output.contains(text));
    PLANTED.iter().filter(known).copied().collect()
}

fn ask(mock: &MockServer, path: &str, accept: &str) -> String {
    let request = Request::get(path).header("authorization", "Bearer planted-admin-token").header("accept", accept);
    let reply = mock.handle(request.body("").unwrap());
    assert_eq!(reply.status(), StatusCode::OK, "{path}");
    String::from_utf8_lossy(reply.body()).into_owned()
}

fn planted() -> MockServer {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("secrets");
    std::fs::create_dir_all(&folder).unwrap();
    let fixture = folder.join("vault.yaml");
    std::fs::write(&fixture, FIXTURE).unwrap();
    let mock = MockServer::builder()
        .openapi_text("vault.json", contract())
        .fixtures(fixture)
        .admin_token("planted-admin-token")
        .verify_on_drop(false)
        .start()
        .unwrap();
    let expected = json!({ "name": "a", "password": "planted-expected", "pin": "planted-expected", "inner": { "apiKey": "planted-expected" } });
    mock.expect(Expectation::operation("POST /things").body(expected).times(9));
    mock.expect(
        Expectation::operation("POST /things")
            .query("opener", "planted-expected")
            .header("opener", "planted-expected")
            .times(9),
    );
    for (method, path, fields, body) in requests() {
        let mut request = Request::builder().method(method).uri(path).header("host", "localhost:2428");
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        mock.handle(request.body(body).unwrap());
    }
    let imported = Request::post("/_mock/api/exchanges")
        .header("authorization", "Bearer planted-admin-token")
        .header("content-type", "application/json")
        .body(recording().to_string());
    assert_eq!(mock.handle(imported.unwrap()).status(), StatusCode::OK);
    assert_eq!(mock.exchanges().len(), requests().len() + 1);
    mock
}

#[test]
fn the_secrets_are_where_they_were_planted() {
    let mock = planted();
    let mut all = String::new();
    for exchange in mock.exchanges() {
        all += &String::from_utf8_lossy(exchange.request_body());
        all += &String::from_utf8_lossy(exchange.response_body());
    }
    for (_, path, fields, body) in requests() {
        all += &format!("{path} {fields:?} {body}");
    }
    let unseen = ["planted-cookie-of-a-reply", "planted-expected", "planted-admin-token"];
    let missing: Vec<&&str> =
        PLANTED.iter().filter(|secret| !leaks(&all).contains(secret) && !unseen.contains(secret)).collect();
    assert!(missing.is_empty(), "{missing:?}");
    assert_eq!(leaks("cGxhbnRlZC1wYXNzd29yZA=="), ["planted-password"], "base64 is seen through");
}

#[test]
fn nothing_that_is_told_of_exchanges_has_a_secret_in_it() {
    let mock = planted();
    let mut outputs: Vec<(String, String)> = Vec::new();
    let mut told = |what: &str, text: String| outputs.push((what.to_owned(), text));
    for format in ["text", "json", "junit", "markdown", "html", "sarif", "github", "har"] {
        let path = format!("/_mock/api/report?format={format}");
        told(&path, ask(&mock, &path, "*/*"));
    }
    for path in [
        "/_mock/api/exchanges?limit=1000",
        "/_mock/api/exchanges?view=summary&limit=1000",
        "/_mock/api/exchanges.har",
        "/_mock/api/verdict",
        "/_mock/api/coverage",
        "/_mock/api/contract",
        "/_mock/api/contract/findings",
        "/_mock/api/snapshots",
        "/_mock/api/expectations",
        "/_mock/api/clock",
        "/_mock/openapi.json",
    ] {
        told(path, ask(&mock, path, "*/*"));
    }
    let pages = ["/_mock/", "/_mock/traffic", "/_mock/state", "/_mock/reports", "/_mock/applications/one"];
    for path in pages.into_iter().filter(|path| is_served(path)) {
        told(path, ask(&mock, path, "text/html"));
    }
    for exchange in mock.exchanges() {
        let path = format!("/_mock/exchanges/{}", exchange.id());
        told(&path, ask(&mock, &path, "text/plain"));
        told(&path, ask(&mock, &path, "text/html"));
        let path = format!("/_mock/api/exchanges/{}", exchange.id());
        told(&path, ask(&mock, &path, "*/*"));
        told("Exchange::to_json", exchange.to_json().to_string());
        told("Exchange::render", exchange.render(true));
    }
    told("Report::render", mock.report().render(true));
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| mock.verify())).unwrap_err();
    told("the panic of verify", panic.downcast_ref::<String>().unwrap().clone());
    // Tokens that were issued are secrets, too.
    let issued: Vec<String> = mock
        .exchanges()
        .iter()
        .filter_map(|exchange| serde_json::from_slice::<Value>(exchange.response_body()).ok())
        .filter_map(|reply| reply["access_token"].as_str().map(ToOwned::to_owned))
        .collect();
    assert!(!issued.is_empty());
    for (what, text) in &outputs {
        assert!(!issued.iter().any(|token| text.contains(token)), "{what} has a token");
    }
    assert!(outputs.iter().all(|(_, text)| !text.is_empty()));
    let found: Vec<String> = outputs
        .iter()
        .filter_map(|(what, text)| {
            Some(leaks(text)).filter(|found| !found.is_empty()).map(|found| format!("{what}: {found:?}"))
        })
        .collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn replies_do_not_repeat_what_was_sent_as_a_secret() {
    let mock = planted();
    for exchange in mock.exchanges() {
        let reply = String::from_utf8_lossy(exchange.response_body()).into_owned();
        let found: Vec<&str> = leaks(&reply).into_iter().filter(|found| *found != "planted-token-of-a-reply").collect();
        assert!(found.is_empty(), "{} {}: {found:?} in {reply}", exchange.method(), exchange.target());
    }
}

/// Without the feature `dashboard` there are no pages for people.
fn is_served(path: &str) -> bool {
    cfg!(feature = "dashboard") || path.starts_with("/_mock/api/")
}

/// What shows credentials or secrets because somebody asks for just that, with the admin token where there is one.
const BY_DESIGN: &[(&str, &str, &str)] = &[
    ("/_mock/api/applications/one", "planted-client-secret", "the resource that tells a test its credentials"),
    (
        "/_mock/api/applications/one/export",
        "planted-other-secret",
        "a fixture file, which would be useless without them",
    ),
    ("/_mock/applications/one?created=1", "planted-client-secret", "the page of what was just created, to be copied"),
    (
        "/_mock/api/state?application=vault",
        "planted-token-of-a-reply",
        "what the application holds, for tests to compare",
    ),
];

#[test]
fn what_tells_secrets_is_listed_with_its_reason() {
    let mock = planted();
    for (path, secret, reason) in BY_DESIGN.iter().filter(|(path, ..)| is_served(path)) {
        assert!(ask(&mock, path, "*/*").contains(secret), "{path} has no secret to tell any more; it was: {reason}");
        let refused = mock.handle(Request::get(*path).body("").unwrap());
        assert_eq!(refused.status(), StatusCode::UNAUTHORIZED, "{path}");
        assert!(leaks(&String::from_utf8_lossy(refused.body())).is_empty(), "{path}");
    }
}

#[test]
fn a_recording_of_ours_is_no_worse_for_what_it_masks() {
    let mock = planted();
    let har = ask(&mock, "/_mock/api/exchanges.har", "*/*");
    let lines: Value = serde_json::from_str(&ask(&mock, "/_mock/api/exchanges?limit=1000", "*/*")).unwrap();
    let broken = lines["exchanges"].as_array().unwrap().iter().filter(|exchange| exchange["verdict"] != "pass").count();
    let mut audit = MockServer::builder().openapi_text("vault.json", contract()).audit().unwrap();
    audit.read_har(har.as_bytes()).unwrap();
    let report = audit.report();
    assert!(leaks(&report.render(false)).is_empty());
    let again = report.violations() + report.drift();
    assert!(again <= broken as u64, "{again} of {broken}");
}

#[cfg(feature = "cli")]
mod of_the_binary {
    use super::{FIXTURE, contract, leaks, requests};
    use crate::command_line::{Folder, Server, command};
    use std::io::{Read as _, Write as _};
    use std::net::TcpStream;

    #[test]
    fn neither_logs_nor_report_files_have_a_secret_in_them() {
        let folder = Folder::new("secrets");
        let (openapi, fixture) = (folder.file("vault.json", &contract()), folder.file("vault.yaml", FIXTURE));
        let formats = ["text", "json", "junit", "markdown", "html", "sarif", "github", "har"];
        let path = |name: &str| folder.path().join(name).display().to_string();
        for log in ["human", "logfmt", "json"] {
            let mut serve = command();
            serve.args([
                "serve",
                "--port",
                "0",
                "-v",
                "--log-format",
                log,
                "--openapi",
                &openapi,
                "--fixtures",
                &fixture,
            ]);
            serve.env("CHATKITTY_MOCK_ADMIN_TOKEN", "planted-admin-token").env("RUST_LOG", "trace");
            serve.args(["--fail-on", "violations", "--coverage-file", &path("coverage.json")]);
            for format in formats {
                serve.args(["--report", &format!("{format}={}", path(format))]);
            }
            let server = Server::start(&mut serve);
            let port = server.ready["port"].as_u64().unwrap();
            let send = |method: &str, path: &str, fields: &[(&str, &str)], body: &str| {
                let mut text = format!(
                    "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {}\r\n",
                    body.len()
                );
                for (name, value) in fields {
                    text += &format!("{name}: {value}\r\n");
                }
                let mut stream = TcpStream::connect(("127.0.0.1", u16::try_from(port).unwrap())).unwrap();
                stream.write_all(format!("{text}\r\n{body}").as_bytes()).unwrap();
                let mut reply = String::new();
                let _ = stream.read_to_string(&mut reply);
                reply
            };
            for (method, path, fields, body) in requests() {
                assert!(send(method.as_str(), path, fields, &body).starts_with("HTTP/1.1 "), "{path}");
            }
            // What is no HTTP, and what is refused unread.
            send("GET", "/_mock/api/applications", &[("authorization", "Bearer planted-bearer")], "");
            send("POST", "/header", &[("opener", "planted-key-in-header"), ("transfer-encoding", "chunked")], "x");
            send("GET", "/a b?opener=planted-key-in-query", &[("authorization", "Bearer planted-bearer")], "");
            let (_, out, err) = server.stop("TERM");
            assert_eq!(out, "");
            let (banner, log_lines) = err.split_once("Ctrl-C stops it.\n").unwrap();
            // The banner is there to show them.
            assert!(banner.contains("planted-client-secret") && banner.contains("planted-admin-token"));
            assert!(log_lines.contains("/things"), "{log}: {log_lines}");
            assert_eq!(leaks(log_lines), [""; 0], "{log}: {log_lines}");
            for name in formats.iter().chain(&["coverage.json"]) {
                let text = std::fs::read_to_string(path(name)).unwrap();
                assert!(!text.is_empty(), "{name}");
                assert_eq!(leaks(&text), [""; 0], "{name}");
            }
        }
    }
}
