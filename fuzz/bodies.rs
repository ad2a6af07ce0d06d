//! What each fuzzer does with its bytes, by the crate's public API alone. `tests/it/fuzzing.rs` runs the same with every seed.

use chatkitty_mock::MockServer;
use http::{HeaderName, HeaderValue, Method, Request};
use std::cell::RefCell;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

/// Every style, several media types, recursion and combinations in one contract.
const RICH: &str = include_str!("../tests/it/rich.yaml");
/// Requests that one server answers before a fresh one takes its place, so that findings can be repeated.
const REQUESTS_MAX: usize = 2_000;

fn rich() -> MockServer {
    let builder = MockServer::builder().openapi_text("rich.yaml", RICH).seed(0).journal(10);
    let mock = builder.start().expect("the contract can be served");
    mock.allow_violations();
    mock
}

/// Does something with a server of the rich contract.
fn with_rich<T>(act: impl FnOnce(&MockServer) -> T) -> T {
    thread_local! {
        static SERVER: RefCell<Option<(MockServer, usize)>> = const { RefCell::new(None) };
    }
    SERVER.with_borrow_mut(|kept| {
        kept.take_if(|(_, requests)| *requests >= REQUESTS_MAX);
        let (mock, requests) = kept.get_or_insert_with(|| (rich(), 0));
        *requests += 1;
        act(mock)
    })
}

/// Whatever comes is answered, by what obeys the contract.
fn answered(mock: &MockServer, request: Request<Vec<u8>>) {
    let target = request.uri().to_string();
    let reply = mock.handle(request);
    assert!(reply.status().as_u16() < 500, "{target}: {reply:?}");
}

/// Bytes on a connection: through the parser to the engine.
pub(crate) fn http(data: &[u8]) {
    // What is asked to wait does.
    let waits = |word: &[u8]| data.to_ascii_lowercase().windows(word.len()).any(|found| found == word);
    if waits(b"wait") || waits(b"event") || data.contains(&b'%') && waits(b"_mock") {
        return;
    }
    with_rich(|mock| {
        let mut stream = TcpStream::connect(("127.0.0.1", mock.port())).expect("a connection");
        stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a timeout");
        // A server that refuses need not read all.
        let _ = stream.write_all(data);
        let _ = stream.shutdown(Shutdown::Write);
        let mut reply = Vec::new();
        if let Err(error) = stream.read_to_end(&mut reply) {
            assert!(!matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "the server hangs");
        }
        assert!(reply.is_empty() || reply.starts_with(b"HTTP/1."), "{:?}", String::from_utf8_lossy(&reply));
        assert!(!reply.starts_with(b"HTTP/1.1 5"), "{:?}", String::from_utf8_lossy(&reply));
    });
}

/// An OpenAPI document, YAML or JSON: checked, and served if it can be.
pub(crate) fn contract(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let name = if text.starts_with('{') { "fuzzed.json" } else { "fuzzed.yaml" };
    let builder = MockServer::builder().openapi_text(name, text).seed(0).journal(10);
    let _ = builder.clone().check();
    let Ok(mock) = builder.start() else { return };
    mock.allow_violations();
    let told =
        mock.handle(Request::get("/_mock/api/contract").header("host", "localhost").body("").expect("a request"));
    let told: serde_json::Value = serde_json::from_slice(told.body()).expect("the contract's operations");
    for operation in told["operations"].as_array().into_iter().flatten().take(8) {
        let path = operation["path"].as_str().unwrap_or_default().replace(['{', '}'], "");
        let method = operation["method"].as_str().unwrap_or_default();
        if let Ok(request) = Request::builder().method(method).uri(path).body("{}") {
            // An answer that cannot be made is 500 or 501, and says why.
            mock.handle(request);
        }
    }
}

/// A fixture file of the bundled contract.
pub(crate) fn fixtures(data: &[u8]) {
    let folder = std::env::temp_dir().join(format!("chatkitty-mock-fuzz-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let name = if data.starts_with(b"{") { "fuzzed.json" } else { "fuzzed.yaml" };
    let file = folder.join(name);
    std::fs::write(&file, data).expect("a file");
    let builder = MockServer::builder().fixtures(&file).seed(0);
    let sound = builder.clone().check().diagnostics.iter().all(|found| found.severity.as_str() != "error");
    match builder.start() {
        Ok(mock) => assert!(sound && !mock.applications().is_empty()),
        Err(error) => assert!(!sound, "{error}"),
    }
    let _ = std::fs::remove_file(&file);
}

/// A request against the rich contract: `METHOD target`, header lines, an empty line, the body.
pub(crate) fn request(data: &[u8]) {
    let mut lines = data.splitn(2, |byte| *byte == b'\n');
    let head = String::from_utf8_lossy(lines.next().unwrap_or_default()).into_owned();
    let mut rest = lines.next().unwrap_or_default();
    let (method, target) = head.split_once(' ').unwrap_or((&head, "/"));
    let mut fields = Vec::new();
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
        let (line, after) = rest.split_at(end);
        rest = &after[1..];
        if line.is_empty() {
            break;
        }
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        let name = HeaderName::from_bytes(&line[..colon]);
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(line[colon + 1..].trim_ascii())) {
            fields.push((name, value));
        }
    }
    let Ok(method) = Method::from_bytes(method.as_bytes()) else { return };
    let Ok(mut request) = Request::builder().method(method).uri(target).body(rest.to_vec()) else { return };
    if request.uri().path().starts_with("/_mock") {
        return;
    }
    request.headers_mut().extend(fields);
    with_rich(|mock| answered(mock, request));
}

/// A recording: as a HAR, and as one exchange a line.
pub(crate) fn recording(data: &[u8]) {
    let mut audit = MockServer::builder().openapi_text("rich.yaml", RICH).audit().expect("the contract can be used");
    if audit.read_har(data).is_err() {
        let _ = audit.read_lines(data);
    }
    let report = audit.report();
    assert!(report.drift() <= report.exchanges());
}

/// Headers that choose an answer: `Accept`, `Prefer`, `Content-Type`, a line each.
pub(crate) fn negotiation(data: &[u8]) {
    let mut lines = data.split(|byte| *byte == b'\n').map(HeaderValue::from_bytes);
    let mut next = || lines.next().and_then(Result::ok).unwrap_or(HeaderValue::from_static("*/*"));
    let (accept, prefer, content_type) = (next(), next(), next());
    for request in [
        Request::get("/query"),
        Request::get("/answers"),
        Request::post("/bodies").header("content-type", content_type),
    ] {
        let request = request.header("accept", &accept).header("prefer", &prefer);
        with_rich(|mock| answered(mock, request.body(b"{}".to_vec()).expect("a request")));
    }
}
