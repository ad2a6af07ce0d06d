use super::Remote;
use crate::contract::Retriever as _;
use crate::message::RemoteLimits;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::time::{Duration, Instant};

/// A server that answers each path with what `answer` gives; it lives as long as the tests.
fn server(answer: fn(&str) -> Option<String>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let mut silent = Vec::new();
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut head = [0; 4096];
            let read = stream.read(&mut head).unwrap();
            let head = String::from_utf8_lossy(&head[..read]).into_owned();
            match answer(head.split(' ').nth(1).unwrap()) {
                // A client that has read enough may be gone.
                Some(text) => drop(stream.write_all(text.as_bytes())),
                None => silent.push(stream),
            }
        }
    });
    url
}

fn ok(media: &str, body: &str) -> Option<String> {
    Some(format!("HTTP/1.1 200 OK\r\ncontent-type: {media}\r\ncontent-length: {}\r\n\r\n{body}", body.len()))
}

fn moved(to: &str) -> Option<String> {
    Some(format!("HTTP/1.1 302 Found\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n"))
}

fn remote() -> Remote {
    Remote::new(RemoteLimits {
        document_bytes_max: 1_000,
        document_timeout: Duration::from_secs(5),
        documents_max: 100,
        redirects_max: 2,
        total_timeout: Duration::from_secs(60),
    })
}

fn reason(remote: &Remote, url: &str) -> String {
    remote.retrieve(url).unwrap_err()
}

#[test]
fn a_document_is_read_whole_and_its_last_address_is_told() {
    let url = server(|path| match path {
        "/a/first.yaml" => moved("../b/second.yaml#part"),
        "/b/second.yaml" => moved("/c/third.yaml"),
        "/c/third.yaml" => ok("application/yaml", "a: 1"),
        _ => ok("application/octet-stream", "{}"),
    });
    let found = remote().retrieve(&format!("{url}/a/first.yaml")).unwrap();
    assert_eq!((found.uri, found.text), (format!("{url}/c/third.yaml"), "a: 1".to_owned()));
    assert_eq!(remote().retrieve(&format!("{url}/other?x=1")).unwrap().text, "{}");
}

#[test]
fn what_cannot_be_had_says_why() {
    let url = server(|path| match path {
        "/round" => moved("/round"),
        "/file" => moved("file:///etc/hosts"),
        "/large" => ok("application/json", &"x".repeat(1_001)),
        "/endless" => Some(format!("HTTP/1.1 200 OK\r\n\r\n{}", "x".repeat(4_000))),
        "/page" => ok("text/html; charset=utf-8", "<html></html>"),
        "/gone" => Some("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".to_owned()),
        "/packed" => Some("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 0\r\n\r\n".to_owned()),
        "/cut" => Some("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{".to_owned()),
        _ => Some("no HTTP".to_owned()),
    });
    for (path, expected) in [
        ("/round", "it is redirected more than 2 times"),
        ("/file", "it is redirected to `file:///etc/hosts`, from http to file"),
        ("/large", "it has more than 1000 bytes"),
        ("/endless", "it has more than 1000 bytes"),
        ("/page", "it is `text/html`, no JSON or YAML"),
        ("/gone", "the server answers 404 Not Found"),
        ("/packed", "it comes in the content coding `gzip`, which was not asked for"),
        ("/cut", "error reading a body from connection"),
        ("/noise", "the server does not answer"),
    ] {
        let reason = reason(&remote(), &format!("{url}{path}"));
        assert!(reason.starts_with(&format!("cannot read `{url}{path}`: ")) && reason.contains(expected), "{reason}");
    }
    let credentials = url.replace("http://", "http://user:secret@");
    assert!(reason(&remote(), &credentials).contains("it holds credentials, which are not sent"));
    assert!(reason(&remote(), "http://localhost:1/").contains("refused"));
    assert!(reason(&remote(), &url.replace("http", "https")).contains("no secure connection"));
}

#[test]
fn time_and_number_are_bounded() {
    let url = server(|path| if path == "/slow" { None } else { ok("application/json", "{}") });
    let limits = |document_ms, total_ms| RemoteLimits {
        document_timeout: Duration::from_millis(document_ms),
        total_timeout: Duration::from_millis(total_ms),
        documents_max: 2,
        ..RemoteLimits::default()
    };
    let start = Instant::now();
    assert!(reason(&Remote::new(limits(100, 60_000)), &format!("{url}/slow")).contains("no answer within 100ms"));
    let all = Remote::new(limits(60_000, 100));
    assert!(reason(&all, &format!("{url}/slow")).contains("no answer within"));
    assert!(reason(&all, &format!("{url}/a")).contains("takes more than 100ms"));
    assert!(start.elapsed() < Duration::from_secs(30));
    let few = Remote::new(limits(60_000, 60_000));
    assert!(few.retrieve(&format!("{url}/a")).is_ok() && few.retrieve(&format!("{url}/b")).is_ok());
    assert!(reason(&few, &format!("{url}/c")).contains("more than 2 documents"));
}

#[test]
fn it_is_fetched_from_inside_a_runtime_too() {
    let url = server(|_| ok("application/json", "{}"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    assert!(runtime.block_on(async { remote().retrieve(&url) }).is_ok());
}
