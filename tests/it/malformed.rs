//! Sends `tests/malformed.yaml` over raw sockets: each request has its refusal, and what stands behind it is never answered.

use chatkitty_mock::{MockServer, SourceFile};
use serde_json::Value;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::path::Path;
use std::time::Duration;

/// A request that is good in every way.
const GOOD: &[u8] = b"GET /_mock/livez HTTP/1.1\r\nHost: localhost\r\n\r\n";
/// What a reader that went on behind a refusal would find.
const SMUGGLED: &[u8] = b"GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n";

struct Case {
    name: String,
    status: u64,
    bytes: Vec<u8>,
    /// Whether the client closes its side behind the bytes.
    ends: bool,
}

fn cases() -> Vec<Case> {
    let groups = groups();
    let cases = groups.iter().flat_map(|group| {
        let name = group["group"].as_str().unwrap();
        group["cases"].as_array().unwrap().iter().map(move |case| Case {
            name: format!("{name}: {}", case["name"].as_str().unwrap()),
            status: case["status"].as_u64().unwrap(),
            bytes: bytes(case),
            ends: case["end"] == true,
        })
    });
    cases.collect()
}

fn groups() -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/malformed.yaml");
    let text = std::fs::read_to_string(path).unwrap();
    let parsed = SourceFile::new("malformed.yaml", text).parse().unwrap_or_else(|error| panic!("{error}"));
    parsed.value.as_array().unwrap().clone()
}

fn bytes(case: &Value) -> Vec<u8> {
    let text = case["bytes"].as_str().unwrap();
    let filled = match case["fill"].as_array() {
        Some(fill) => text.replace("@@", &fill[1].as_str().unwrap().repeat(fill[0].as_u64().unwrap() as usize)),
        None => text.to_owned(),
    };
    filled.chars().map(|character| u8::try_from(u32::from(character)).unwrap()).collect()
}

/// Sends pieces, each in a segment of its own, and gives all that comes back before the server closes.
fn exchange(port: u16, pieces: &[&[u8]], ends: bool) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
    for piece in pieces {
        // The server may have refused before the rest was sent.
        if stream.write_all(piece).is_err() {
            break;
        }
        if (2..=3).contains(&pieces.len()) {
            // A reply may come; if none does, the server has had the time to read this piece alone.
            let _ = stream.peek(&mut [0]);
        }
    }
    if ends {
        let _ = stream.shutdown(Shutdown::Write);
    }
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let mut received = Vec::new();
    match stream.read_to_end(&mut received) {
        Ok(_) => {}
        // It closes with the rest of what was sent unread, after it gave its refusal time to arrive.
        Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
        Err(error) => panic!("the server neither answers nor closes: {error}"),
    }
    String::from_utf8_lossy(&received).into_owned()
}

/// The replies, each with its status and body.
fn replies(mut text: &str) -> Vec<(u64, String)> {
    let mut replies = Vec::new();
    while !text.is_empty() {
        let (head, rest) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no head: {text}"));
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let (body, rest) = rest.split_at(length.unwrap().parse().unwrap());
        let status = head.strip_prefix("HTTP/1.1 ").and_then(|rest| rest[..3].parse().ok());
        if rest.is_empty() {
            assert!(status == Some(200) || head.contains("\r\nconnection: close"), "{head}");
        }
        replies.push((status.unwrap(), body.to_owned()));
        text = rest;
    }
    replies
}

/// Sends a case in several ways, and gives what came back that should not.
fn judge(port: u16, case: &Case) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut expect = |way: &str, good: usize, pieces: &[&[u8]]| {
        let replies = replies(&exchange(port, pieces, case.ends));
        let statuses: Vec<u64> = replies.iter().map(|(status, _)| *status).collect();
        let mut expected = vec![200; good];
        expected.extend(Some(case.status).filter(|status| *status != 0));
        if statuses != expected {
            wrong.push(format!("{} ({way}): {statuses:?} instead of {expected:?}", case.name));
        } else if case.status != 0 && !replies[good].1.contains("CK09") {
            wrong.push(format!("{} ({way}): no reason: {}", case.name, replies[good].1));
        }
    };
    let behind: &[u8] = if case.ends { b"" } else { SMUGGLED };
    expect("alone", 0, &[&[&case.bytes, behind].concat()]);
    expect("behind good ones", 2, &[&[GOOD, GOOD, &case.bytes, behind].concat()]);
    let (first, second) = case.bytes.split_at(case.bytes.len() / 2);
    expect("in two pieces", 1, &[&[GOOD, first].concat(), second, behind]);
    if case.bytes.len() < 200 {
        let mut pieces: Vec<&[u8]> = case.bytes.chunks(1).collect();
        pieces.push(behind);
        expect("byte by byte", 0, &pieces);
    }
    wrong
}

#[test]
fn each_malformed_request_is_refused_and_nothing_behind_it_is_answered() {
    let mock = MockServer::start();
    mock.allow_violations();
    let cases = cases();
    // Most of the time is waiting.
    let wrong: Vec<String> = std::thread::scope(|scope| {
        let threads: Vec<_> = cases
            .chunks(cases.len().div_ceil(8))
            .map(|cases| scope.spawn(|| cases.iter().flat_map(|case| judge(mock.port(), case)).collect::<Vec<_>>()))
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    let smuggled = mock.exchanges().iter().filter(|exchange| exchange.target().contains("smuggled")).count();
    assert_eq!(smuggled, 0, "a request that stands behind a refused one was handled");
    assert!(cases.len() >= 120, "{} cases", cases.len());
    println!("{} malformed requests, each in three or four ways", cases.len());
}

#[test]
fn the_page_on_http_tells_of_each_group_with_its_statuses() {
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/http.md")).unwrap();
    for group in groups() {
        let cases = group["cases"].as_array().unwrap();
        let mut statuses: Vec<u64> = cases.iter().map(|case| case["status"].as_u64().unwrap()).collect();
        statuses.sort_unstable();
        statuses.dedup();
        let statuses: Vec<String> =
            statuses.iter().map(|status| if *status == 0 { "closed".to_owned() } else { status.to_string() }).collect();
        let row = format!("| {} | {} |", group["group"].as_str().unwrap(), statuses.join(", "));
        assert!(page.contains(&row), "docs/http.md has no row that begins with `{row}`");
        let section = group["section"].as_str().unwrap();
        assert!(page.contains(&format!("| {section} |\n")), "docs/http.md does not name {section}");
    }
}
