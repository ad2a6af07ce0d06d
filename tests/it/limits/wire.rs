//! Limits on a connection, and what becomes of connections that do not behave.

use chatkitty_mock::MockServer;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

const CONTRACT: &str = r#"
openapi: 3.1.0
info: { title: t, version: "1" }
paths:
  /plain: { post: { requestBody: { content: { text/plain: {} } }, responses: { "204": { description: done } } } }
  /own:
    post:
      requestBody: { content: { text/plain: {} } }
      responses:
        "204": { description: done }
        4XX: { description: no, content: { application/json: { schema: { type: object, required: [message], properties: { message: { type: string } } } } } }
"#;

fn start(set: impl FnOnce(chatkitty_mock::Builder) -> chatkitty_mock::Builder) -> MockServer {
    let mock = set(MockServer::builder().openapi_text("t.yaml", CONTRACT)).start().unwrap();
    mock.allow_violations();
    mock
}

fn connect(mock: &MockServer) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", mock.port())).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream
}

/// All that comes back until the server closes. A reset is a close, too.
fn rest(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    if let Err(error) = stream.read_to_end(&mut bytes) {
        assert!(matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe), "{error}");
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn exchange(mock: &MockServer, bytes: impl AsRef<[u8]>) -> String {
    let mut stream = connect(mock);
    let _ = stream.write_all(bytes.as_ref());
    let _ = stream.shutdown(Shutdown::Write);
    rest(&mut stream)
}

/// A server that still answers.
#[track_caller]
fn answers(mock: &MockServer) {
    let reply =
        exchange(mock, "POST /plain HTTP/1.1\r\nhost: a\r\ncontent-type: text/plain\r\ncontent-length: 1\r\n\r\nx");
    assert!(reply.starts_with("HTTP/1.1 204"), "{reply}");
}

#[test]
fn heads_and_bodies_over_a_limit_are_refused_in_the_contracts_shape_or_as_problems() {
    let mock = start(|builder| builder.max_body(1_000));
    let post = |path: &str, head: &str, body: &str| {
        exchange(&mock, format!("POST {path} HTTP/1.1\r\nhost: a\r\ncontent-type: text/plain\r\n{head}\r\n{body}"))
    };
    let body = "x".repeat(1_001);
    for path in ["/plain", "/own"] {
        let fields = (0..150).map(|index| format!("x-{index}: 1\r\n")).collect::<String>();
        let long = format!("x-long: {}\r\n", "y".repeat(70_000));
        for (status, reply) in [
            (413, post(path, "content-length: 1001\r\n", &body)),
            (413, post(path, "transfer-encoding: chunked\r\n", &format!("3e9\r\n{body}\r\n0\r\n\r\n"))),
            (431, post(path, &fields, "")),
            (431, post(path, &long, "")),
            (414, post(&format!("{path}?{}", "q".repeat(17_000)), "content-length: 0\r\n", "")),
        ] {
            assert!(reply.starts_with(&format!("HTTP/1.1 {status} ")), "{reply}");
            let (media_type, member) = if path == "/own" {
                ("application/json", "\"message\"")
            } else {
                ("application/problem+json", "\"title\"")
            };
            assert!(reply.contains(&format!("content-type: {media_type}\r\n")) && reply.contains(member), "{reply}");
            assert!(reply.contains("connection: close"), "{reply}");
        }
    }
    answers(&mock);
}

#[test]
fn heads_that_no_reply_can_be_told_from_end_the_connection() {
    let mock = start(|builder| builder);
    for bytes in [
        format!("GET /{} HTTP/1.1\r\nhost: a\r\n\r\n", "x".repeat(300_000)),
        format!("GET / HTTP/1.1\r\nhost: a\r\n{}\r\n", "x: y\r\n".repeat(20_000)),
        format!("GET / HTTP/1.1\r\nx: {}\r\n\r\n", "y".repeat(10_000_000)),
        "\0".repeat(1_000_000),
        "G".repeat(1_000_000),
    ] {
        let reply = exchange(&mock, bytes);
        assert!(reply.is_empty() || reply.starts_with("HTTP/1.1 4"), "{}", &reply[..reply.len().min(200)]);
    }
    answers(&mock);
}

#[test]
fn slow_heads_are_closed_and_slow_bodies_are_408() {
    let time = Duration::from_millis(300);
    let mock = start(|builder| builder.head_timeout(time).body_timeout(time));
    let start = Instant::now();
    let mut silent = connect(&mock);
    let mut slow_head = connect(&mock);
    slow_head.write_all(b"POST /plain HTTP/1.1\r\nhost: a\r\n").unwrap();
    let mut idle = connect(&mock);
    idle.write_all(b"POST /plain HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n").unwrap();
    let mut slow_body = connect(&mock);
    slow_body
        .write_all(b"POST /plain HTTP/1.1\r\nhost: a\r\ncontent-type: text/plain\r\ncontent-length: 9\r\n\r\nx")
        .unwrap();
    for (stream, status) in
        [(&mut silent, ""), (&mut slow_head, ""), (&mut idle, "HTTP/1.1 204"), (&mut slow_body, "HTTP/1.1 408")]
    {
        let reply = rest(stream);
        assert!(reply.starts_with(status) && (!status.is_empty() || !reply.contains(" 200 ")), "{status}: {reply}");
    }
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    answers(&mock);
}

#[test]
fn connections_over_the_limit_wait_for_their_turn() {
    let mock = start(|builder| builder.max_connections(2).head_timeout(Duration::from_millis(500)));
    let held: Vec<TcpStream> = (0..2).map(|_| connect(&mock)).collect();
    // Its turn comes when the time of one of the two is up.
    answers(&mock);
    drop(held);
}

#[test]
fn five_hundred_slow_clients_keep_nobody_waiting() {
    let mock = start(|builder| builder.max_connections(600));
    let mut slow: Vec<TcpStream> = (0..500).map(|_| connect(&mock)).collect();
    for round in ["POST /pl", "ain HTTP/1.1\r\n", "host: a\r\n", "x: y\r\n"] {
        slow.iter_mut().for_each(|stream| stream.write_all(round.as_bytes()).unwrap());
        let start = Instant::now();
        answers(&mock);
        assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    }
    // They are served as soon as they are done.
    for stream in &mut slow {
        stream.write_all(b"content-length: 0\r\nconnection: close\r\n\r\n").unwrap();
    }
    for stream in &mut slow {
        let reply = rest(stream);
        assert!(reply.starts_with("HTTP/1.1 204"), "{reply}");
    }
}

#[test]
fn connections_that_break_off_in_any_phase_leave_nothing_behind() {
    let mock = start(|builder| builder.max_connections(4));
    let whole = format!(
        "POST /plain HTTP/1.1\r\nhost: a\r\ncontent-type: text/plain\r\ncontent-length: 100000\r\n\r\n{}",
        "x".repeat(100_000)
    );
    // Before, in the head, in the body, while replying; many more of them than connections are allowed.
    for length in [0, 1, 30, 90, 100, 5_000, whole.len() - 1, whole.len()] {
        for half_closed in [false, true] {
            for _ in 0..4 {
                let mut stream = connect(&mock);
                let _ = stream.write_all(&whole.as_bytes()[..length]);
                if half_closed {
                    let _ = stream.shutdown(Shutdown::Write);
                    // Of what is not whole, nothing is made.
                    let reply = rest(&mut stream);
                    assert_eq!(reply.starts_with("HTTP/1.1 204"), length == whole.len(), "{length}: {reply}");
                } else if length > 90 {
                    // Input that nobody has read makes the close a reset.
                    let _ = stream.write_all(b"GET / HTTP/1.1\r\n");
                }
            }
            answers(&mock);
        }
    }
}

#[test]
fn stopping_under_load_answers_what_was_accepted() {
    let mut mock = start(|builder| builder);
    let mut stream = connect(&mock);
    stream
        .write_all(b"POST /plain HTTP/1.1\r\nhost: a\r\ncontent-type: text/plain\r\ncontent-length: 4\r\n\r\nxx")
        .unwrap();
    // A whole exchange on another connection: by then the first one is being read.
    answers(&mock);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let port = mock.port();
    let stopping = std::thread::spawn(move || runtime.block_on(mock.stop()));
    while TcpStream::connect(("127.0.0.1", port)).is_ok() {
        std::thread::yield_now();
    }
    stream.write_all(b"xx").unwrap();
    let reply = rest(&mut stream);
    assert!(reply.starts_with("HTTP/1.1 204"), "{reply}");
    stopping.join().unwrap();
}
