//! What waits: long polls, server-sent events, and replies that are asked to take their time.

use chatkitty_mock::MockServer;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

fn connect(mock: &MockServer, request: &str) -> BufReader<TcpStream> {
    let mut stream = TcpStream::connect(("127.0.0.1", mock.port())).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    write!(stream, "{request} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").unwrap();
    BufReader::new(stream)
}

fn ask(mock: &MockServer) {
    let token = mock.application("development").token();
    let request =
        http::Request::get("/v1/application").header("authorization", format!("Bearer {token}")).body("").unwrap();
    assert_eq!(mock.handle(request).status(), 200);
}

#[test]
fn a_page_of_exchanges_waits_for_the_first_one() {
    let mock = MockServer::start();
    let reader = connect(&mock, "GET /_mock/api/exchanges?wait=30");
    let started = Instant::now();
    let reading = std::thread::spawn(move || {
        let mut text = String::new();
        { reader }.read_to_string(&mut text).unwrap();
        text
    });
    ask(&mock);
    let text = reading.join().unwrap();
    assert!(text.contains("retrieveApplication"), "{text}");
    assert!(started.elapsed() < Duration::from_secs(20));
    let mut text = String::new();
    connect(&mock, "GET /_mock/api/exchanges?after=1&wait=1").read_to_string(&mut text).unwrap();
    assert!(text.ends_with(r#"{"exchanges":[],"next":null,"dropped":0}"#), "{text}");
}

#[test]
fn exchanges_are_streamed_from_where_the_client_left_off() {
    let mock = MockServer::start();
    ask(&mock);
    for (request, first) in [("GET /_mock/api/events", 2), ("GET /_mock/api/events?after=0", 1)] {
        let mut reader = connect(&mock, request);
        // From here on the stream has begun, and misses nothing.
        let mut line = String::new();
        while !line.contains("retry: 1000") {
            assert!(reader.read_line(&mut line).unwrap() > 0, "{line}");
        }
        if first == 2 {
            ask(&mock);
        }
        let mut text = String::new();
        while !text.contains("data: ") {
            assert!(reader.read_line(&mut text).unwrap() > 0, "{text}");
        }
        assert!(text.contains(&format!("id: {first}\n")) && text.contains("\"verdict\":\"pass\""), "{text}");
    }
}

#[test]
fn a_stream_waits_for_no_request_behind_it() {
    let mock = MockServer::start();
    let mut stream = TcpStream::connect(("127.0.0.1", mock.port())).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let request = |path: &str| format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n");
    let paths = ["/_mock/livez", "/_mock/api/events", "/_mock/livez"];
    stream.write_all(paths.map(request).concat().as_bytes()).unwrap();
    let mut reader = BufReader::new(stream);
    let mut text = String::new();
    for seen in ["retry: 1000", "data: "] {
        while !text.contains(seen) {
            assert!(reader.read_line(&mut text).unwrap() > 0, "{text}");
        }
        ask(&mock);
    }
    assert_eq!(text.matches("HTTP/1.1 200 ").count(), 2, "{text}");
}

#[test]
fn exchanges_of_many_threads_are_each_streamed_once() {
    const EACH: u64 = 200;
    let mock = MockServer::start();
    let mut reader = connect(&mock, "GET /_mock/api/events");
    let mut line = String::new();
    while !line.contains("retry: 1000") {
        assert!(reader.read_line(&mut line).unwrap() > 0, "{line}");
    }
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..EACH).for_each(|_| ask(&mock)));
        }
    });
    let mut ids = Vec::new();
    let started = Instant::now();
    while (ids.len() as u64) < 4 * EACH {
        line.clear();
        assert!(reader.read_line(&mut line).unwrap() > 0, "{} exchanges", ids.len());
        assert!(started.elapsed() < Duration::from_secs(20), "{} exchanges", ids.len());
        if let Some(data) = line.strip_prefix("data: ") {
            ids.push(serde_json::from_str::<serde_json::Value>(data).unwrap()["id"].as_u64().unwrap());
        }
    }
    ids.sort_unstable();
    assert_eq!(ids, (1..=4 * EACH).collect::<Vec<_>>());
}

#[test]
fn a_stream_ends_with_the_server_and_holds_nothing_up() {
    let mut mock = MockServer::start();
    let mut reader = connect(&mock, "GET /_mock/api/events");
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    assert!(line.starts_with("HTTP/1.1 200"), "{line}");
    let started = Instant::now();
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(mock.stop());
    assert!(started.elapsed() < Duration::from_millis(1_500), "{:?}", started.elapsed());
    let mut rest = String::new();
    reader.read_to_string(&mut rest).unwrap();
}

#[test]
fn an_answer_takes_the_time_that_is_preferred() {
    let mock = MockServer::start();
    let token = mock.application("development").token();
    let started = Instant::now();
    let mut text = String::new();
    let request = format!("GET /v1/application HTTP/1.1\r\nauthorization: Bearer {token}\r\nprefer: wait=1\r\nx:");
    connect(&mock, request.trim_end_matches(" HTTP/1.1")).read_to_string(&mut text).unwrap();
    assert!(text.starts_with("HTTP/1.1 200") && text.to_lowercase().contains("preference-applied: wait=1"), "{text}");
    assert!(started.elapsed() >= Duration::from_secs(1));
}
