//! The embedding API, as a test of somebody else's would use it.

use chatkitty_mock::{MockServer, Verdict};
use http::{Request, StatusCode};
use serde_json::{Value, json};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

fn settings(token: &str, body: &Value) -> Request<String> {
    Request::put("/v1/application/settings")
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/json")
        .body(body.to_string())
        .unwrap()
}

/// A loopback address that no other test binds, so that nobody takes a port that has just been closed.
const ALONE: &str = "127.77.0.1";

fn alone() -> MockServer {
    MockServer::builder().host(ALONE.parse().unwrap()).start().unwrap()
}

fn panic_text(result: Result<(), Box<dyn std::any::Any + Send>>) -> String {
    let payload = result.expect_err("a panic");
    payload
        .downcast_ref::<String>()
        .cloned()
        .or_else(|| payload.downcast_ref::<&str>().map(ToString::to_string))
        .unwrap()
}

#[test]
fn a_server_answers_over_its_socket_and_its_port_closes_with_it() {
    let mock = alone();
    let app = mock.application("development");
    let port = mock.port();
    let mut stream = TcpStream::connect((ALONE, port)).unwrap();
    write!(
        stream,
        "GET /v1/application HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\nauthorization: Bearer {}\r\n\r\n",
        app.token()
    )
    .unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    assert!(text.starts_with("HTTP/1.1 200 OK\r\n"), "{text}");
    mock.verify();
    drop(mock);
    assert!(TcpStream::connect((ALONE, port)).is_err());
}

#[test]
fn one_api_serves_sync_and_async_tests() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mock = MockServer::start();
        let app = mock.application("development");
        let reply =
            mock.handle(settings(&app.token(), &json!({ "guestUsers": "DISABLED", "userCreatedChannels": "ENABLED" })));
        assert_eq!(reply.status(), StatusCode::OK);
        assert_eq!(app.resource("/v1/application/settings")["guestUsers"], "DISABLED");
        assert_eq!(mock.application("staging").resource("/v1/application/settings")["guestUsers"], "ENABLED");
    });
}

#[test]
fn five_hundred_servers_live_side_by_side_and_go_at_once() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mocks: Vec<MockServer> = (0..500).map(|_| alone()).collect();
    let ports: Vec<u16> = mocks.iter().map(MockServer::port).collect();
    for port in &ports {
        assert!(TcpStream::connect((ALONE, *port)).is_ok());
    }
    runtime.block_on(async { drop(mocks) });
    assert!(ports.iter().all(|port| TcpStream::connect((ALONE, *port)).is_err()));
}

#[test]
fn a_new_application_sees_nobody_elses_state() {
    let mock = MockServer::start();
    let (one, two) = (mock.new_application(), mock.new_application());
    assert_ne!(one.client_id(), two.client_id());
    let body = json!({ "guestUsers": "DISABLED", "userCreatedChannels": "DISABLED" });
    assert_eq!(mock.handle(settings(&one.token(), &body)).status(), StatusCode::OK);
    assert_eq!(one.resource("/v1/application/settings")["guestUsers"], "DISABLED");
    assert_eq!(two.resource("/v1/application/settings")["guestUsers"], "ENABLED");
    assert_eq!((one.exchanges().len(), two.exchanges().len()), (1, 0));
    one.reset();
    assert_eq!(one.resource("/v1/application/settings")["guestUsers"], "ENABLED");
}

#[test]
fn verify_panics_with_both_places_and_the_tests_own_line() {
    let mock = MockServer::start();
    let token = mock.application("development").token();
    let reply = mock.handle(settings(&token, &json!({ "guestUsers": "disabled", "userCreatedChannels": "ENABLED" })));
    assert_eq!(reply.status(), StatusCode::BAD_REQUEST);
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let verified = panic_text(std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| mock.verify())));
    let dropped = panic_text(std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(mock))));
    std::panic::set_hook(hook);
    for text in [&verified, &dropped] {
        assert!(text.contains("tests/it/library.rs:"), "{text}");
        assert!(text.contains("CK0203") && text.contains("disabled"), "{text}");
        assert!(text.contains("openapi/chatkitty.yaml:"), "{text}");
        assert!(text.contains("did you mean `DISABLED`?"), "{text}");
    }
}

#[test]
fn finish_gives_the_verdict_as_a_value() {
    let mock = MockServer::start();
    let token = mock.application("development").token();
    mock.handle(settings(&token, &json!({ "guestUsers": "DISABLED" })));
    let violated = mock.finish().expect_err("a violation");
    assert_eq!((violated.report().exchanges(), violated.report().violations()), (1, 1));

    let mock = MockServer::start();
    mock.allow_violations();
    mock.handle(settings("nonsense", &json!({})));
    let report = mock.finish().expect("allowed");
    assert_eq!(report.violations(), 1);
}

#[test]
fn exchanges_tell_what_happened() {
    let mock = MockServer::start();
    mock.allow_violations();
    let token = mock.application("development").token();
    mock.handle(settings(&token, &json!({ "guestUsers": 1, "userCreatedChannels": "ENABLED" })));
    let exchange = mock.exchanges().pop().unwrap();
    assert_eq!(exchange.application(), Some("development"));
    assert_eq!(exchange.operation(), Some("updateApplicationSettings"));
    assert_eq!((exchange.status(), exchange.verdict()), (StatusCode::BAD_REQUEST, Verdict::Violation));
    assert!(!exchange.to_json().to_string().contains(&token), "secrets are masked");
}

#[test]
fn a_contract_of_ones_own_is_served() {
    let document = json!({
        "openapi": "3.1.0", "info": { "title": "pets", "version": "1" },
        "paths": { "/pets/{id}": { "get": {
            "parameters": [{ "name": "id", "in": "path", "required": true, "schema": { "type": "integer" } }],
            "responses": { "200": { "description": "ok", "content": { "application/json": { "schema": { "type": "object", "required": ["name"], "properties": { "name": { "type": "string" } } } } } } }
        } } }
    });
    let mock = MockServer::builder().openapi_text("pets.json", document.to_string()).start().unwrap();
    let reply = mock.handle(Request::get("/pets/1").body("").unwrap());
    assert_eq!(reply.status(), StatusCode::OK);
    let body: Value = serde_json::from_slice(reply.body()).unwrap();
    assert!(body["name"].is_string());
    assert_eq!(mock.contract().title, "pets");
    assert_eq!(mock.contract().edition, None);
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let run = || {
        let mock = MockServer::builder().seed(7).start().unwrap();
        (mock.application("development").token(), mock.new_application().client_id().to_owned())
    };
    assert_eq!(run(), run());
}

#[test]
fn what_cannot_start_says_why() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let error = MockServer::builder().port(taken.local_addr().unwrap().port()).start().unwrap_err();
    assert!(error.is_address_in_use(), "{error}");
    let error = MockServer::builder().openapi("no/such/file.yaml").start().unwrap_err();
    assert!(error.to_string().contains("no/such/file.yaml"), "{error}");
    assert_eq!(error.diagnostics().len(), 1);
}

const SETTINGS: &str = "/v1/application/settings";

fn disabled() -> Value {
    json!({ "guestUsers": "DISABLED", "userCreatedChannels": "DISABLED" })
}

#[test]
fn resources_are_set_and_removed_by_the_contract() {
    let mock = MockServer::start();
    mock.allow_violations();
    let app = mock.application("development");
    app.set_resource(SETTINGS, disabled());
    assert_eq!(app.resource(SETTINGS), disabled());
    let get = || {
        let request = Request::get(SETTINGS).header("authorization", format!("Bearer {}", app.token()));
        mock.handle(request.body("").unwrap()).status()
    };
    assert_eq!(get(), StatusCode::OK);
    let error = app.try_set_resource(SETTINGS, json!({ "guestUsers": "disabled" })).unwrap_err();
    assert_eq!(error.diagnostics().len(), 2);
    assert_eq!(app.resource(SETTINGS), disabled());
    let error = app.try_remove_resource("/v1/aplication/settings").unwrap_err().to_string();
    assert!(error.contains("did you mean `/v1/application/settings`?"), "{error}");
    app.remove_resource(SETTINGS);
    assert_eq!((app.find_resource(SETTINGS), get()), (None, StatusCode::NOT_FOUND));
}

#[test]
fn a_resource_that_breaks_the_contract_panics_with_both_places() {
    let mock = MockServer::start();
    let app = mock.application("development");
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let set = || app.set_resource(SETTINGS, json!({ "guestUsers": "disabled", "userCreatedChannels": "ENABLED" }));
    let text = panic_text(std::panic::catch_unwind(std::panic::AssertUnwindSafe(set)));
    std::panic::set_hook(hook);
    for part in ["`/v1/application/settings`: ", "CK0203", "/guestUsers", "openapi/chatkitty.yaml:", "`DISABLED`"] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn snapshots_return_compare_and_fork() {
    let mock = MockServer::start();
    let (app, other) = (mock.application("development"), mock.application("staging"));
    let (all, one) = (mock.snapshot(), app.snapshot());
    app.set_resource(SETTINGS, disabled());
    other.set_resource(SETTINGS, disabled());
    let changed = |changes: Vec<chatkitty_mock::Change>| -> Vec<String> {
        changes.into_iter().map(|change| format!("{} {}", change.application, change.path)).collect()
    };
    assert_eq!(changed(one.diff()), [format!("development {SETTINGS}")]);
    assert_eq!(changed(all.diff()), [format!("development {SETTINGS}"), format!("staging {SETTINGS}")]);
    let later = app.snapshot();
    one.restore();
    assert!(one.diff().is_empty());
    assert_eq!(changed(one.diff_to(&later)), [format!("development {SETTINGS}")]);
    assert_eq!(other.resource(SETTINGS), disabled());
    all.restore();
    assert!(all.diff().is_empty());
    let fork = later.fork("development");
    assert_eq!(fork.resource(SETTINGS), disabled());
    assert_eq!(changed(all.diff()).len(), 2, "the fork's own resources");
}

#[test]
fn the_clock_is_frozen_advanced_and_let_run() {
    let hour = std::time::Duration::from_secs(3600);
    let at = std::time::UNIX_EPOCH + 500_000 * hour;
    let mock = MockServer::builder().clock(at).start().unwrap();
    let (app, other) = (mock.application("development"), mock.application("staging"));
    assert_eq!((mock.clock().now(), app.clock().now(), mock.clock().is_frozen()), (at, at, true));
    let token = app.token();
    app.clock().advance(13 * hour);
    assert_eq!((app.clock().now(), other.clock().now()), (at + 13 * hour, at));
    mock.allow_violations();
    assert_eq!(mock.handle(settings(&token, &disabled())).status(), StatusCode::UNAUTHORIZED);
    assert_eq!(mock.handle(settings(&other.token(), &disabled())).status(), StatusCode::OK);
    app.clock().release();
    assert_eq!(mock.handle(settings(&token, &disabled())).status(), StatusCode::OK);
    mock.clock().set("2026-11-23T09:30:00Z");
    mock.clock().run();
    let shown = mock.clock().now();
    assert!(!mock.clock().is_frozen() && mock.clock().now() >= shown);
    mock.clock().release();
    let real = std::time::SystemTime::now();
    assert!((real..real + hour).contains(&mock.clock().now()));
    let error = MockServer::builder().clock("noon").start().unwrap_err().to_string();
    assert!(error.contains("`noon` is no time of RFC 3339"), "{error}");
}

#[test]
fn a_clock_that_is_not_the_real_one_is_in_the_date_header_on_the_wire() {
    let mock = MockServer::builder().clock("2030-01-02T03:04:05Z").start().unwrap();
    let mut stream = TcpStream::connect(("127.0.0.1", mock.port())).unwrap();
    let token = mock.application("development").token();
    write!(
        stream,
        "GET /v1/application HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\nauthorization: Bearer {token}\r\n\r\n"
    )
    .unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let dates: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("date: ")).collect();
    assert_eq!(dates, ["Wed, 02 Jan 2030 03:04:05 GMT"], "{text}");
}

#[test]
fn secrets_are_rotated_and_applications_copied() {
    let mock = MockServer::start();
    let mut app = mock.application("staging");
    let before = app.client_secret().to_owned();
    let after = app.rotate_secret().to_owned();
    assert_ne!(before, after);
    assert_eq!((app.client_secret(), mock.application("staging").client_secret()), (after.as_str(), after.as_str()));
    app.set_resource(SETTINGS, disabled());
    assert_eq!(mock.application_like("staging").resource(SETTINGS)["guestUsers"], "ENABLED");
    assert_eq!(mock.application_like(app.client_id()).resource(SETTINGS), disabled());
}
