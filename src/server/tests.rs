//! The server over raw sockets: what a client sees, byte for byte where it matters.

#[cfg(feature = "http2")]
mod http2;
mod repeats;

use super::*;
use crate::message::Limits;
use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::{HeaderName, HeaderValue, Method, StatusCode};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

/// Says what it was asked; some paths misbehave.
#[derive(Default)]
struct Echo {
    handled: AtomicUsize,
    /// The number of the last reply to `/again`.
    numbered: Arc<AtomicUsize>,
    /// What becomes of the next reply to `/again` that could be given once more.
    mood: Arc<AtomicUsize>,
}

const BIG: usize = 8 * 1024 * 1024;
/// Bytes of the body of `/again`.
const MEDIUM: usize = 8 * 1024;
const NUMBER: HeaderName = HeaderName::from_static("x-number");
const UNWILLING: usize = 1;
const BROKEN: usize = 2;

impl Echo {
    /// Fills what the same request comes to by, as a reply to `/again` does.
    fn again(&self) -> Again {
        let (numbered, mood) = (Arc::clone(&self.numbered), Arc::clone(&self.mood));
        let number = move |_| match mood.swap(0, Ordering::SeqCst) {
            UNWILLING => None,
            BROKEN => panic!("as asked"),
            _ => Some(numbered.fetch_add(1, Ordering::SeqCst) as u64 + 1),
        };
        Again { field: NUMBER, number: Box::new(number) }
    }
}

impl Handler for Echo {
    fn handle(&self, request: Request, again: Option<&mut Option<Again>>) -> Reply {
        self.handled.fetch_add(1, Ordering::SeqCst);
        let path = request.uri().path();
        let body = format!("{} {} {}", request.method(), request.uri(), request.body().len());
        let mut reply = Reply::new(Bytes::from(body));
        match path {
            "/panic" => panic!("as asked"),
            "/informational" => *reply.status_mut() = StatusCode::CONTINUE,
            "/none" => *reply.status_mut() = StatusCode::NO_CONTENT,
            "/unmodified" => *reply.status_mut() = StatusCode::NOT_MODIFIED,
            "/big" => *reply.body_mut() = Bytes::from(vec![b'x'; BIG]),
            "/wrong" => {
                reply.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from_static("999"));
                reply.headers_mut().insert("transfer-encoding", HeaderValue::from_static("gzip"));
            }
            "/body" => *reply.body_mut() = request.into_body(),
            "/again" => {
                *reply.body_mut() = Bytes::from(vec![b'x'; MEDIUM]);
                let number = self.numbered.fetch_add(1, Ordering::SeqCst) + 1;
                reply.headers_mut().insert("x-twice", HeaderValue::from_static("a"));
                reply.headers_mut().insert(NUMBER, HeaderValue::from(number));
                reply.headers_mut().append("x-twice", HeaderValue::from_static(""));
                again.into_iter().for_each(|again| *again = Some(self.again()));
            }
            _ if request.method() == Method::HEAD => {
                reply.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from_static("42"));
                *reply.body_mut() = Bytes::new();
            }
            _ => {}
        }
        reply
    }

    fn refuse(&self, refusal: Refusal, head: Option<Parts>) -> Reply {
        let path = head.map(|head| head.uri.path().len());
        let mut reply = Reply::new(Bytes::from(format!("{refusal:?} {path:?}")));
        let status = refusal.code().entry().status.expect("a status");
        *reply.status_mut() = StatusCode::from_u16(status).expect("a status");
        reply
    }
}

fn small() -> Limits {
    Limits {
        body_bytes_max: 100,
        head_bytes_max: 1000,
        header_fields_max: 5,
        target_bytes_max: 50,
        head_timeout: Duration::from_millis(200),
        body_timeout: Duration::from_millis(200),
        ..Limits::default()
    }
}

/// A free port on an address of its own, where there are some: on a shared one, another test's server may
/// take a port between its closing and the look at it.
fn somewhere() -> SocketAddr {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let [high, low] = NEXT.fetch_add(1, Ordering::Relaxed).to_be_bytes();
    let host = if cfg!(target_os = "linux") { Ipv4Addr::new(127, 77, high, low) } else { Ipv4Addr::LOCALHOST };
    (host, 0).into()
}

fn start(limits: Limits) -> Running {
    start_with(limits).0
}

fn start_with(limits: Limits) -> (Running, Arc<Echo>) {
    let listener = bind(somewhere()).expect("a free port");
    let echo = Arc::new(Echo::default());
    (serve(vec![listener], Arc::clone(&echo) as _, limits, None).expect("a server"), echo)
}

async fn connect(server: &Running) -> TcpStream {
    TcpStream::connect(server.address()).await.expect("a connection")
}

async fn rest(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let read = timeout(Duration::from_secs(5), stream.read_to_end(&mut bytes)).await;
    read.expect("the server closes").expect("no reset");
    String::from_utf8(bytes).expect("text")
}

/// Reads up to and with `end`.
async fn until(stream: &mut TcpStream, end: &str) -> String {
    let mut text = String::new();
    while !text.ends_with(end) {
        let byte = timeout(Duration::from_secs(5), stream.read_u8()).await;
        let byte = byte.unwrap_or_else(|_| panic!("`{end}` in time after {text:?}"));
        text.push(char::from(byte.unwrap_or_else(|_| panic!("`{end}` after {text:?}"))));
    }
    text
}

async fn exchange(server: &Running, request: &str) -> String {
    let mut stream = connect(server).await;
    stream.write_all(request.as_bytes()).await.expect("a write");
    rest(&mut stream).await
}

fn is_refused(address: SocketAddr) -> bool {
    std::net::TcpStream::connect(address).is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
}

#[tokio::test]
async fn each_limit_has_its_status_and_closes() {
    let server = start(small());
    let fields = |count| (0..count).map(|index| format!("a{index}: b\r\n")).collect::<String>();
    let long = "x".repeat(60);
    for (request, status, body) in [
        (format!("GET /{long} HTTP/1.1\r\nHost: a\r\n\r\n"), "414", "TargetTooLong Some(61)"),
        (format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", fields(5)), "431", "HeadTooLarge Some(1)"),
        (format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", fields(200)), "431", "HeadTooLarge Some(1)"),
        (format!("GET / HTTP/1.1\r\nHost: a\r\nA: {}\r\n\r\n", "x".repeat(990)), "431", "HeadTooLarge Some(1)"),
        (format!("GET / HTTP/1.1\r\nHost: a\r\nA: {}\r\n\r\n", "x".repeat(9000)), "431", "HeadTooLarge Some(1)"),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 101\r\n\r\n".into(), "413", "BodyTooLarge Some(1)"),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 101\r\n\r\n".into(),
            "413",
            "BodyTooLarge Some(1)",
        ),
        (
            format!("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n65\r\n{}", "x".repeat(101)),
            "413",
            "BodyTooLarge Some(1)",
        ),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc".into(), "408", "BodyTimeout Some(1)"),
        ("GET / HTTP/1.1\r\n\r\n".into(), "400", "BadFraming(\"`Host` is missing\") Some(1)"),
        (
            "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n".into(),
            "400",
            "BadFraming(\"`Host` occurs more than once\") Some(1)",
        ),
        (
            "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n".into(),
            "400",
            "BadFraming(\"`Host` is not a host with an optional port\") Some(1)",
        ),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".into(),
            "400",
            "BadFraming(\"`Content-Length` and `Transfer-Encoding` exclude each other\") Some(1)",
        ),
        (
            "\r\nPOST / HTTP/1.1\r\nHost: a\r\ntransfer-encoding: chunked\r\nCONTENT-LENGTH: 3\r\n\r\n0\r\n\r\n".into(),
            "400",
            "BadFraming(\"`Content-Length` and `Transfer-Encoding` exclude each other\") Some(1)",
        ),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n".into(),
            "400",
            "BadFraming(\"a chunk has no size, or one of more than 64 bits\") Some(1)",
        ),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n".into(),
            "400",
            "BadFraming(\"`Content-Length` occurs more than once\") Some(1)",
        ),
        (
            "no http at all\r\n\r\n".into(),
            "400",
            "BadFraming(\"the target is neither a path nor an `http` or `https` URL\") None",
        ),
        (
            format!("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;{}\r\na", "x".repeat(9000)),
            "400",
            "BadFraming(\"the chunks' extensions are longer than the server takes\") Some(1)",
        ),
    ] {
        let reply = exchange(&server, &request).await;
        let (head, found) = reply.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{request:?}"));
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{request:?} got {reply:?}");
        assert!(head.contains("connection: close"), "{request:?} got {reply:?}");
        assert_eq!(found, body, "{request:?}");
    }
    assert_eq!(exchange(&server, "GET / HTT").await, "", "a head that takes too long");
    assert_eq!(exchange(&server, "").await, "", "no head at all");
}

#[tokio::test]
async fn targets_and_framing_arrive_as_meant() {
    let server = start(small());
    for (request, expected) in [
        ("GET /a?b=c HTTP/1.1\r\nHost: h:1", "GET /a?b=c 0"),
        ("GET http://h:1/a?b HTTP/1.1\r\nHost: h", "GET /a?b 0"),
        ("GET http://h HTTP/1.1\r\nHost: h", "GET / 0"),
        ("OPTIONS * HTTP/1.1\r\nHost: h", "OPTIONS * 0"),
        ("CONNECT h:80 HTTP/1.1\r\nHost: h", ""),
        ("GET / HTTP/1.0", "GET / 0"),
        ("GET / HTTP/1.1\r\nHost:", "GET / 0"),
        ("GET / HTTP/1.1\r\nHost: [::1]:80", "GET / 0"),
        ("GET / HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: h2c", "GET / 0"),
        ("GET /wrong HTTP/1.1\r\nHost: h", "GET /wrong 0"),
        ("GET /none HTTP/1.1\r\nHost: h", ""),
        ("GET /unmodified HTTP/1.1\r\nHost: h", ""),
        ("HEAD /a HTTP/1.1\r\nHost: h", ""),
        ("HEAD /big HTTP/1.1\r\nHost: h", ""),
        ("GET /panic HTTP/1.1\r\nHost: h", "the server failed on this request\n"),
        ("GET /informational HTTP/1.1\r\nHost: h", "the server failed on this request\n"),
    ] {
        let mut stream = connect(&server).await;
        let request = format!("{request}\r\n\r\n");
        stream.write_all(request.as_bytes()).await.expect("a write");
        stream.shutdown().await.expect("a half-closed stream");
        let reply = rest(&mut stream).await;
        let (head, body) = reply.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{request:?}"));
        assert_eq!(body, expected, "{request:?} got {head}");
        assert_eq!(head.matches("\r\ndate: ").count(), 1, "{head}");
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let expected = match request.split(' ').nth(1) {
            Some("/none" | "/unmodified" | "h:80") => None,
            Some("/a") => Some("42".to_owned()),
            Some("/big") => Some(BIG.to_string()),
            _ => Some(expected.len().to_string()),
        };
        if request.split(' ').next() != Some("CONNECT") {
            assert_eq!(length.map(str::to_owned), expected, "{request:?} got {head}");
        }
    }
}

#[tokio::test]
async fn a_connection_serves_many_requests() {
    let server = start(Limits::default());
    let mut stream = connect(&server).await;
    let three = "GET /1 HTTP/1.1\r\nHost: h\r\n\r\n\
                 POST /2 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nT: u\r\n\r\n\
                 POST /3 HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nabcd";
    stream.write_all(three.as_bytes()).await.expect("a write");
    for end in ["GET /1 0", "POST /2 5", "POST /3 4"] {
        assert!(until(&mut stream, end).await.starts_with("HTTP/1.1 200 OK\r\n"));
    }
    // No reply waits for a request that is not whole, nor for one whose body is not.
    for (begun, rest) in [
        ("GET /7 HTTP/1.1\r\nHo", "st: h\r\n\r\n"),
        ("POST /7 HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nab", "cd"),
    ] {
        stream.write_all(format!("GET /6 HTTP/1.1\r\nHost: h\r\n\r\n{begun}").as_bytes()).await.expect("a write");
        until(&mut stream, "GET /6 0").await;
        stream.write_all(rest.as_bytes()).await.expect("a write");
        until(&mut stream, if rest == "cd" { "POST /7 4" } else { "GET /7 0" }).await;
    }
    // Replies larger than what may wait, one behind the other.
    stream.write_all("GET /big HTTP/1.1\r\nHost: h\r\n\r\n".repeat(3).as_bytes()).await.expect("a write");
    for _ in 0..3 {
        until(&mut stream, "\r\n\r\n").await;
        let mut body = vec![0; BIG];
        stream.read_exact(&mut body).await.expect("the body");
        assert!(body.iter().all(|byte| *byte == b'x'));
    }
    // Upgrades, panics and `HEAD` leave the connection usable.
    for (request, end) in [
        ("GET /4 HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n", "GET /4 0"),
        ("GET /panic HTTP/1.1\r\nHost: h\r\n\r\n", "this request\n"),
        ("HEAD /a HTTP/1.1\r\nHost: h\r\n\r\n", "\r\n\r\n"),
        ("GET /none HTTP/1.1\r\nHost: h\r\n\r\n", "\r\n\r\n"),
        ("POST /body HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n", "100 Continue\r\n\r\n"),
        ("abcd", "\r\n\r\nabcd"),
        ("GET /5 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", "GET /5 0"),
    ] {
        stream.write_all(request.as_bytes()).await.expect("a write");
        until(&mut stream, end).await;
    }
    assert_eq!(rest(&mut stream).await, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_reply_is_written_whatever_stands_behind_its_request() {
    let server = start(Limits::default());
    let chunked = "POST /x HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n";
    for (sent, start_of_reply) in [
        (
            "GET /x HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\nGET /y HTTP/1.1\r\nhost: a\r\n\r\n".to_owned(),
            "HTTP/1.1 200 ",
        ),
        ("GET /x HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\nGET /y".to_owned(), "HTTP/1.1 200 "),
        ("GET /x HTTP/1.0\r\n\r\nGET /y HTTP/1.0\r\n\r\n".to_owned(), "HTTP/1.0 200 "),
        // hyper refuses the comma before the line is whole.
        (format!("{chunked}1,\r"), "HTTP/1.1 400 "),
        (format!("{chunked}1,abc"), "HTTP/1.1 400 "),
        ("POST /x HTTP/1.1\r\nhost: a\r\ncontent-length: 99999999\r\n\r\nabc".to_owned(), "HTTP/1.1 413 "),
    ] {
        let reply = exchange(&server, &sent).await;
        assert!(reply.starts_with(start_of_reply), "{sent:?}: {reply:?}");
        assert_eq!(reply.matches("HTTP/1.").count(), 1, "{sent:?}: {reply:?}");
    }
}

#[tokio::test]
async fn a_refusal_is_read_although_the_upload_goes_on() {
    let server = start(Limits { body_bytes_max: 1000, ..Limits::default() });
    for head in ["Content-Length: 4000000\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n3d0900\r\n"] {
        let mut stream = connect(&server).await;
        let request = format!("POST / HTTP/1.1\r\nHost: h\r\n{head}{}", "x".repeat(4_000_000));
        stream.write_all(request.as_bytes()).await.expect("the whole upload");
        stream.shutdown().await.expect("a half-closed stream");
        assert!(rest(&mut stream).await.starts_with("HTTP/1.1 413 "));
    }
}

#[tokio::test]
async fn large_replies_and_bodies_are_whole() {
    let server = start(Limits::default());
    let mut stream = connect(&server).await;
    let request = "GET /big HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).await.expect("a write");
    // A slow reader leaves the reply in the server's buffers when the exchange ends.
    sleep(Duration::from_millis(100)).await;
    let reply = rest(&mut stream).await;
    assert_eq!(reply.split_once("\r\n\r\n").map(|(_, body)| body.len()), Some(BIG));
    let mut stream = connect(&server).await;
    let upload = "ab".repeat(1_000_000);
    let request =
        format!("POST /body HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 2000000\r\n\r\n{upload}");
    stream.write_all(request.as_bytes()).await.expect("a write");
    let reply = rest(&mut stream).await;
    assert!(reply.split_once("\r\n\r\n").is_some_and(|(_, body)| body == upload));
}

#[tokio::test]
async fn connections_over_the_limit_wait() {
    let server = start(Limits { connections_max: 1, ..Limits::default() });
    let mut first = connect(&server).await;
    first.write_all(b"GET /1 HTTP/1.1\r\nHost: h\r\n\r\n").await.expect("a write");
    until(&mut first, "GET /1 0").await;
    let mut second = connect(&server).await;
    second.write_all(b"GET /2 HTTP/1.1\r\nHost: h\r\n\r\n").await.expect("a write");
    assert!(timeout(Duration::from_millis(50), second.read_u8()).await.is_err());
    drop(first);
    until(&mut second, "GET /2 0").await;
}

#[tokio::test]
async fn hundreds_of_connections_may_come_at_once() {
    let server = start(Limits { connections_max: 1, ..Limits::default() });
    let mut streams = Vec::new();
    for _ in 0..300 {
        // One that finds no room would be tried again after a second.
        streams.push(timeout(Duration::from_millis(900), connect(&server)).await.expect("room"));
    }
}

#[tokio::test]
async fn stopping_lets_an_upload_finish_and_closes_idle_connections() {
    let mut server = start(Limits::default());
    let address = server.address();
    let (mut idle, mut slow) = (connect(&server).await, connect(&server).await);
    idle.write_all(b"GET /1 HTTP/1.1\r\nHost: h\r\n\r\n").await.expect("a write");
    until(&mut idle, "GET /1 0").await;
    let head = b"POST /2 HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n";
    slow.write_all(head).await.expect("a write");
    until(&mut slow, "\r\n\r\n").await;
    let upload = async {
        assert_eq!(rest(&mut idle).await, "");
        assert!(is_refused(address));
        slow.write_all(b"abcd").await.expect("a write");
        rest(&mut slow).await
    };
    let ((), reply) = tokio::join!(server.stop(), upload);
    assert!(reply.ends_with("POST /2 4") && reply.contains("connection: close"), "{reply}");
    server.stop().await;
}

#[tokio::test]
async fn stopping_cuts_off_what_takes_too_long() {
    let mut server = start(Limits { stop_timeout: Duration::from_millis(50), ..Limits::default() });
    let mut slow = connect(&server).await;
    let head = b"POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n";
    slow.write_all(head).await.expect("a write");
    until(&mut slow, "\r\n\r\n").await;
    let begun = Instant::now();
    server.stop().await;
    assert!(begun.elapsed() < Duration::from_secs(1));
    assert_eq!(rest(&mut slow).await, "");
}

#[tokio::test]
async fn dropping_two_hundred_in_one_poll_closes_every_port_at_once() {
    let servers: Vec<_> = (0..200).map(|_| start(Limits::default())).collect();
    let mut streams = Vec::new();
    for server in &servers {
        streams.push(connect(server).await);
    }
    for server in servers {
        let address = server.address();
        drop(server);
        assert!(is_refused(address));
    }
    for mut stream in streams {
        let read = timeout(Duration::from_secs(5), stream.read_u8()).await;
        assert!(read.expect("the connection ends").is_err());
    }
}

#[test]
fn dropping_works_without_a_runtime_and_frees_the_port() {
    let server = start(Limits::default());
    let address = server.address();
    drop(server);
    assert!(is_refused(address));
    drop(bind(address).expect("the same port again"));
}

#[tokio::test]
async fn a_dropped_server_answers_nothing_any_more() {
    let (server, echo) = start_with(Limits::default());
    let mut stream = connect(&server).await;
    stream.write_all(b"GET /1 HTTP/1.1\r\nHost: h\r\n\r\n").await.expect("a write");
    until(&mut stream, "GET /1 0").await;
    drop(server);
    let _ = stream.write_all(b"GET /2 HTTP/1.1\r\nHost: h\r\n\r\n").await;
    let mut late = Vec::new();
    let _ = timeout(Duration::from_secs(5), stream.read_to_end(&mut late)).await.expect("an end");
    assert!(late.is_empty());
    assert_eq!(echo.handled.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn five_hundred_live_at_once() {
    drop(start(Limits::default()));
    let begun = Instant::now();
    let servers: Vec<_> = (0..500).map(|_| start(Limits::default())).collect();
    let started = begun.elapsed() / 500;
    for server in &servers {
        let mut stream = connect(server).await;
        stream.write_all(b"GET /1 HTTP/1.1\r\nHost: h\r\n\r\n").await.expect("a write");
        until(&mut stream, "GET /1 0").await;
    }
    let begun = Instant::now();
    drop(servers);
    eprintln!("a start costs {started:?}, a drop {:?}", begun.elapsed() / 500);
}

#[test]
fn a_taken_port_is_an_error() {
    let first = bind(somewhere()).expect("a free port");
    let address = first.address().expect("an address").expect("a port");
    let error = bind(address).expect_err("a taken port");
    assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
}
