//! What goes wrong around a server: descriptors that run out, a disk that is full, signals under load, clocks that jump,
//! applications that come and go. `tests/soak` does the same for longer.

use crate::command_line::{BINARY, Server, command};
use crate::wire::Connection;
use chatkitty_mock::MockServer;
use http::Request;
use serde_json::{Value, json};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;

fn port(server: &Server) -> u16 {
    server.ready["url"].as_str().unwrap().rsplit(':').next().unwrap().parse().unwrap()
}

#[test]
fn descriptors_that_run_out_are_waited_for() {
    let script = format!("ulimit -n 40; exec {BINARY} serve --port 0 --quiet");
    let server = Server::start(command_as(Command::new("sh").args(["-c", &script])));
    let port = port(&server);
    let mut held: Vec<TcpStream> = (0..100).map(|_| TcpStream::connect(("127.0.0.1", port)).unwrap()).collect();
    // The first one was accepted, and is served though there are no more descriptors.
    let first = held.first_mut().unwrap();
    first.write_all(b"GET /_mock/livez HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
    let mut status = [0; 12];
    first.read_exact(&mut status).unwrap();
    assert_eq!(&status, b"HTTP/1.1 200");
    drop(held);
    for _ in 0..100 {
        assert_eq!(Connection::open(port).send("GET", "/_mock/readyz", "", None).status, 200);
    }
    assert_eq!(server.stop("TERM").0, Some(0));
}

/// The command without the variables of this process that mean something to it.
fn command_as(given: &mut Command) -> &mut Command {
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("CHATKITTY_MOCK_")) {
        given.env_remove(name);
    }
    given
}

#[test]
fn a_full_disk_under_a_report_is_told_at_the_end() {
    let server = Server::with(&["--report", "junit=/dev/full"]);
    assert_eq!(Connection::open(port(&server)).send("GET", "/v1/application", "", None).status, 401);
    let (code, _, err) = server.stop("TERM");
    assert_eq!(code, Some(2), "{err}");
    assert!(err.contains("cannot write the report junit to `/dev/full`: No space left on device"), "{err}");
}

#[test]
fn sigterm_under_load_breaks_no_reply_off() {
    let server = Server::start(command().args(["serve", "--port", "0", "--quiet"]));
    let port = port(&server);
    let clients: Vec<_> = (0..8)
        .map(|_| {
            std::thread::spawn(move || {
                let mut whole = 0_u32;
                while let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) {
                    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
                    let request = b"GET /v1/application HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
                    if stream.write_all(request).is_err() {
                        break;
                    }
                    let mut reply = String::new();
                    let read = stream.read_to_string(&mut reply);
                    // One that came too late has no reply; there is none in part.
                    if reply.is_empty() {
                        break;
                    }
                    let (head, body) = reply.split_once("\r\n\r\n").expect("a whole head");
                    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
                    assert_eq!((read.is_ok(), length.parse()), (true, Ok(body.len())));
                    whole += 1;
                }
                whole
            })
        })
        .collect();
    let mut waiting = Connection::open(port);
    while waiting.send("GET", "/_mock/api/verdict", "", None).json()["exchanges"].as_u64().unwrap() < 200 {}
    let (code, _, err) = server.stop("TERM");
    assert_eq!(code, Some(0), "{err}");
    let whole: u32 = clients.into_iter().map(|client| client.join().unwrap()).sum();
    assert!(whole >= 200, "{whole}");
}

fn ask(mock: &MockServer, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let request = Request::builder().method(method).uri(path).header("host", "localhost");
    let request = request.header("content-type", "application/json").body(body.to_string()).unwrap();
    let reply = mock.handle(request);
    (reply.status().as_u16(), serde_json::from_slice(reply.body()).unwrap_or_default())
}

#[test]
fn clocks_that_jump_break_nothing() {
    let mock = MockServer::builder().start().unwrap();
    mock.allow_violations();
    let application = mock.application("development");
    for time in ["9999-12-30T22:00:00Z", "0000-01-01T00:00:00Z", "-009999-01-02T01:59:59Z", "1970-01-01T00:00:00Z"] {
        for frozen in [true, false] {
            let (status, told) = ask(&mock, "PUT", "/_mock/api/clock", &json!({ "now": time, "frozen": frozen }));
            assert!(status == 200 || status == 400, "{time}: {status} {told}");
            for seconds in
                [json!(1), json!(4_000_000_000_u64), json!(i64::MAX), json!(u64::MAX), json!(1e300), json!(-1)]
            {
                let (status, told) = ask(&mock, "POST", "/_mock/api/clock/advance", &json!({ "seconds": seconds }));
                assert!(status == 200 || status == 400, "{time} {seconds}: {status} {told}");
            }
            let authorization = format!("Bearer {}", application.token());
            let request = || Request::get("/v1/application/settings").header("authorization", &authorization);
            assert!([200, 401].contains(&mock.handle(request().body("").unwrap()).status().as_u16()), "{time}");
            let path = "/_mock/api/exchanges";
            assert_eq!(ask(&mock, "GET", path, &Value::Null).0, 200, "{time}");
        }
    }
    assert_eq!(ask(&mock, "DELETE", "/_mock/api/clock", &Value::Null).0, 204);
    let authorization = format!("Bearer {}", application.token());
    let request = Request::get("/v1/application/settings").header("authorization", authorization).body("").unwrap();
    assert_eq!(mock.handle(request).status(), 200);
}

#[test]
fn applications_that_are_gone_leave_nothing_behind() {
    let mock = MockServer::builder().start().unwrap();
    mock.allow_violations();
    let listed = || ask(&mock, "GET", "/_mock/api/applications?limit=1000", &Value::Null).1.to_string();
    let before = listed();
    for _ in 0..1_000 {
        let (status, created) = ask(&mock, "POST", "/_mock/api/applications", &json!({ "like": "development" }));
        assert_eq!(status, 201, "{created}");
        let client_id = created["client_id"].as_str().or(created["credentials"]["client_id"].as_str()).unwrap();
        assert_eq!(ask(&mock, "DELETE", &format!("/_mock/api/applications/{client_id}"), &Value::Null).0, 204);
    }
    assert_eq!(listed(), before);
}
