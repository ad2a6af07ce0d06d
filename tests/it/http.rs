//! HTTP/2 by other people's clients and by hand, and what of HTTP/1.1 they show.

use crate::command_line::Server;
use bytes::Bytes;
use chatkitty_mock::MockServer;
use h2::client::{ResponseFuture, SendRequest};
use std::io::{Read as _, Write as _};
use std::process::{Command, Output};
use std::time::Duration;
use tokio::net::TcpStream;

fn curl(arguments: &[&str]) -> String {
    let Output { status, stdout, stderr } = Command::new("curl").arg("-sS").args(arguments).output().unwrap();
    assert!(status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&stderr));
    String::from_utf8(stdout).unwrap()
}

/// What curl says of a reply: version, status, and the beginning of the media type.
const SHOWN: &str = "%{http_version} %{http_code} %{content_type}";

#[test]
fn curl_speaks_http_2_without_an_upgrade_to_both_planes_and_the_dashboard() {
    let mock = MockServer::start();
    let app = mock.application("development");
    let bearer = format!("Authorization: Bearer {}", app.token());
    let body = r#"{"guestUsers":"DISABLED","userCreatedChannels":"DISABLED"}"#;
    let json = "Content-Type: application/json";
    let shown = |path: &str, more: &[&str]| {
        let url = format!("{}{path}", mock.url());
        curl(&[&["--http2-prior-knowledge", "-o", "/dev/null", "-w", SHOWN, &url], more].concat())
    };
    assert_eq!(shown("/v1/application", &["-H", &bearer]), "2 200 application/json");
    assert_eq!(
        shown("/v1/application/settings", &["-X", "PUT", "-H", &bearer, "-H", json, "-d", body]),
        "2 200 application/json"
    );
    assert_eq!(app.resource("/v1/application/settings")["guestUsers"], "DISABLED");
    assert_eq!(shown("/v1/application", &["-I", "-H", &bearer]), "2 200 application/json");
    assert_eq!(shown("/_mock/readyz", &[]).get(..5), Some("2 200"));
    assert_eq!(shown("/_mock/api/snapshots", &["-H", json, "-d", r#"{"name":"s"}"#]), "2 201 application/json");
    if cfg!(feature = "dashboard") {
        assert_eq!(shown("/_mock/", &[]), "2 200 text/html; charset=utf-8");
    }
    assert_eq!(mock.exchanges().len(), 3, "the journal has what came in over HTTP/2");
    // What is not spoken over TCP is not promised either: the upgrade of old (`h2c`) is passed over.
    let url = format!("{}/_mock/readyz", mock.url());
    assert_eq!(curl(&["--http2", "-o", "/dev/null", "-w", SHOWN, &url]).get(..7), Some("1.1 200"));
    mock.verify();
}

#[test]
fn the_host_is_told_by_authority_and_guards_the_control_plane() {
    let mock = MockServer::start();
    let local = format!("http://127.0.0.1:{}/_mock/api/verdict", mock.port());
    let other = ["--http2-prior-knowledge", "-o", "/dev/null", "-w", "%{http_code}", "-H", "Host: evil.example"];
    assert_eq!(curl(&[&other[..], &[&local]].concat()), "403");
    // A URL as the target, of which the host counts.
    let absolute =
        ["-o", "/dev/null", "-w", "%{http_code}", "--request-target", "http://evil.example/_mock/api/verdict"];
    assert_eq!(curl(&[&absolute[..], &[&local]].concat()), "403");
}

#[test]
fn h2load_gets_every_answer_over_one_connection_with_64_streams() {
    let server = Server::with(&["-q"]);
    let url = format!("{}/_mock/livez", server.ready["url"].as_str().unwrap());
    let output = Command::new("h2load").args(["-n", "20000", "-c", "1", "-m", "64", &url]).output();
    let output = output.unwrap_or_else(|error| panic!("h2load is not installed ({error}); run: bash tests/run"));
    let saw = String::from_utf8_lossy(&output.stdout);
    assert!(saw.contains("20000 succeeded, 0 failed, 0 errored, 0 timeout"), "{saw}");
    assert!(saw.contains("Application protocol: h2c"), "{saw}");
}

async fn connect(mock: &MockServer) -> SendRequest<Bytes> {
    let stream = TcpStream::connect(("127.0.0.1", mock.port())).await.unwrap();
    let (sender, connection) = h2::client::handshake(stream).await.unwrap();
    tokio::spawn(connection);
    sender.ready().await.unwrap()
}

fn request(path: &str) -> http::request::Builder {
    http::Request::builder().uri(format!("http://localhost{path}"))
}

async fn status(response: ResponseFuture) -> u16 {
    tokio::time::timeout(Duration::from_secs(10), response).await.expect("in time").unwrap().status().as_u16()
}

#[tokio::test]
async fn sixty_four_requests_wait_on_one_connection_at_once() {
    let mock = MockServer::start();
    mock.allow_violations();
    let mut sender = connect(&mock).await;
    let mut waiting = Vec::new();
    for _ in 0..64 {
        let poll = request("/_mock/api/exchanges?wait=30").body(()).unwrap();
        waiting.push(tokio::spawn(status(sender.send_request(poll, true).unwrap().0)));
        sender = sender.ready().await.unwrap();
    }
    // One more, which all of them wait for.
    let other = request("/v1/application").body(()).unwrap();
    assert_eq!(status(sender.send_request(other, true).unwrap().0).await, 401);
    for waiting in waiting {
        assert_eq!(waiting.await.unwrap(), 200);
    }
}

#[tokio::test]
async fn the_limits_hold_in_http_2() {
    let mock = MockServer::builder().max_body(1000).start().unwrap();
    mock.allow_violations();
    let long = "x".repeat(20_000);
    let many = (0..101).fold(request("/v1/application"), |builder, at| builder.header(format!("x-{at}"), "a"));
    let with = |name: &str, value: &str| request("/v1/application").header(name, value);
    for (builder, body, expected) in [
        (request(&format!("/{long}")), 0, 414),
        (many, 0, 431),
        (with("x", &"y".repeat(70_000)), 0, 431),
        (with("expect", "x"), 0, 417),
        (with("host", "other"), 0, 400),
        (with("host", "localhost").header("host", "localhost"), 0, 400),
        (http::Request::builder().uri("http://u@localhost/v1/application"), 0, 400),
        (request("/v1/application").method("POST"), 1001, 413),
        (request("/v1/application").method("POST").header("content-length", 1001), 1001, 413),
        (with("host", "LOCALHOST"), 0, 401),
    ] {
        let mut sender = connect(&mock).await;
        let (response, mut stream) = sender.send_request(builder.body(()).unwrap(), body == 0).unwrap();
        if body > 0 {
            stream.send_data(vec![b'x'; body].into(), true).unwrap();
        }
        assert_eq!(status(response).await, expected);
    }
}

/// A frame of HTTP/2 as it is sent (RFC 9113 §4.1).
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// `GET /v1/application` of `localhost`, compressed (RFC 7541).
fn fields() -> Vec<u8> {
    let path = b"/v1/application";
    [&[0x82, 0x86, 0x41, 9], b"localhost".as_slice(), &[0x04, 15], path].concat()
}

fn open(mock: &MockServer) -> std::net::TcpStream {
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", mock.port())).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    stream.set_write_timeout(Some(Duration::from_secs(5))).unwrap();
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").unwrap();
    stream.write_all(&frame(SETTINGS, 0, 0, &[])).unwrap();
    stream
}

/// Sends frames until the server closes or they are all sent; gives how many were, and whether it closed.
fn flood(mock: &MockServer, frames: impl Iterator<Item = Vec<u8>>) -> (usize, bool) {
    let mut stream = open(mock);
    // Somebody reads along, so that the server is never waiting for us.
    let mut reader = stream.try_clone().unwrap();
    let reading = std::thread::spawn(move || {
        let mut received = [0; 4096];
        loop {
            match reader.read(&mut received) {
                Ok(0) => return true,
                Ok(_) => {}
                Err(error) => return error.kind() == std::io::ErrorKind::ConnectionReset,
            }
        }
    });
    let mut sent = 0;
    for frame in frames {
        if stream.write_all(&frame).is_err() {
            break;
        }
        sent += 1;
    }
    (sent, reading.join().unwrap())
}

#[test]
fn floods_of_resets_and_continuations_end_the_connection_and_not_the_server() {
    let mock = MockServer::start();
    mock.allow_violations();
    // The request is a good one, if it is sent once.
    let mut stream = open(&mock);
    stream.write_all(&frame(HEADERS, END_STREAM | END_HEADERS, 1, &fields())).unwrap();
    while mock.exchanges().is_empty() {
        assert_ne!(stream.read(&mut [0; 64]).unwrap(), 0);
    }
    let reset = |at: u32| {
        let stream = at * 2 + 1;
        let opened = frame(HEADERS, END_STREAM | END_HEADERS, stream, &fields());
        [opened, frame(RST_STREAM, 0, stream, &8u32.to_be_bytes())].concat()
    };
    // In one write each thousand, so that there are many before the server has looked at the first.
    let resets = (0..100).map(|round| (0..1000).flat_map(|at| reset(round * 1000 + at)).collect());
    let (sent, is_closed) = flood(&mock, resets);
    assert!(is_closed && sent < 100, "{sent} thousand streams opened and reset");
    let endless = std::iter::once(frame(HEADERS, END_STREAM, 1, &fields()))
        // A field of 4,000 bytes that is not indexed, over and over.
        .chain((0..10_000).map(|_| {
            let field = [&[0, 1, b'x', 0x7f, 0xa1, 0x1e], [b'y'; 4000].as_slice()].concat();
            frame(CONTINUATION, 0, 1, &field)
        }));
    let (sent, is_closed) = flood(&mock, endless);
    assert!(is_closed && sent < 10_000, "{sent} frames of one head");
    // Empty ones weigh nothing, and are no better. There are more than sockets hold on the way.
    let empty = std::iter::once(frame(HEADERS, END_STREAM, 1, &fields()))
        .chain((0..30_000).map(|_| frame(CONTINUATION, 0, 1, &[]).repeat(100)));
    let (sent, is_closed) = flood(&mock, empty);
    assert!(is_closed && sent < 30_000, "{sent} hundred empty frames of one head");
    let url = format!("{}/_mock/livez", mock.url());
    assert_eq!(curl(&["--http2-prior-knowledge", "-o", "/dev/null", "-w", "%{http_code}", &url]), "200");
}
