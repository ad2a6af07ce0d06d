//! Stopping under load: what was sent before it is answered, and what is recorded was answered.

use crate::command_line::{Folder, Server};
use chatkitty_mock::MockServer;
use serde_json::Value;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

/// What clients have seen.
#[derive(Default)]
struct Seen {
    answered: AtomicUsize,
    /// Requests that were sent whole before the stop, and that nobody answered.
    lost: AtomicUsize,
}

/// Whether a reply came whole.
fn reply(stream: &mut TcpStream) -> bool {
    let mut received = Vec::new();
    let mut piece = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&received);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.unwrap().parse::<usize>().unwrap() {
                return true;
            }
        }
        match stream.read(&mut piece) {
            Ok(count) if count > 0 => received.extend_from_slice(&piece[..count]),
            _ => {
                assert!(received.is_empty(), "half a reply: {}", String::from_utf8_lossy(&received));
                return false;
            }
        }
    }
}

/// Asks on and on until the server is gone; every so many requests over a connection of its own.
fn ask(port: u16, per_connection: usize, is_stopping: &AtomicBool, seen: &Seen) {
    const REQUEST: &[u8] = b"GET /v1/application HTTP/1.1\r\nHost: localhost\r\n\r\n";
    while let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) {
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        for _ in 0..per_connection {
            let is_sent = stream.write_all(REQUEST).is_ok();
            let was_before = !is_stopping.load(Ordering::SeqCst);
            if reply(&mut stream) {
                seen.answered.fetch_add(1, Ordering::SeqCst);
                continue;
            }
            if is_sent && was_before {
                seen.lost.fetch_add(1, Ordering::SeqCst);
            }
            break;
        }
    }
}

/// Lets clients ask until `stop` has stopped the server; gives how many requests were answered.
fn under_load(port: u16, stop: impl FnOnce()) -> usize {
    let (is_stopping, seen) = (AtomicBool::new(false), Seen::default());
    std::thread::scope(|scope| {
        for client in 0..12 {
            let (is_stopping, seen) = (&is_stopping, &seen);
            // Some keep their connection, some have a new one for each request.
            let per_connection = if client % 3 == 0 { 1 } else { usize::MAX };
            scope.spawn(move || ask(port, per_connection, is_stopping, seen));
        }
        while seen.answered.load(Ordering::SeqCst) < 300 {
            std::thread::yield_now();
        }
        is_stopping.store(true, Ordering::SeqCst);
        stop();
    });
    assert_eq!(seen.lost.load(Ordering::SeqCst), 0, "requests that were sent before the stop and not answered");
    seen.answered.load(Ordering::SeqCst)
}

#[test]
fn what_was_sent_before_a_stop_is_answered_and_nothing_is_recorded_without_a_reply() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for _ in 0..10 {
        let mut mock = MockServer::builder().journal(1_000_000).start().unwrap();
        mock.allow_violations();
        let answered = under_load(mock.port(), || runtime.block_on(mock.stop()));
        assert_eq!(mock.exchanges().len(), answered, "recorded, and answered");
    }
}

#[test]
fn signals_under_load_lose_nothing() {
    let folder = Folder::new("stopping");
    let report = folder.path().join("report.json").display().to_string();
    for signal in ["TERM", "INT"] {
        let server = Server::with(&["-q", "--report", &format!("json={report}")]);
        let port = u16::try_from(server.ready["port"].as_u64().unwrap()).unwrap();
        let mut ended = None;
        let answered = under_load(port, || ended = Some(server.stop(signal)));
        assert_eq!(ended.unwrap().0, Some(0));
        let told: Value = serde_json::from_str(&std::fs::read_to_string(&report).unwrap()).unwrap();
        assert_eq!(told["exchanges"], answered, "recorded, and answered");
    }
}

#[tokio::test]
async fn streams_under_way_end_with_their_replies() {
    let mut mock = MockServer::start();
    let stream = tokio::net::TcpStream::connect(("127.0.0.1", mock.port())).await.unwrap();
    let (mut sender, connection) = h2::client::handshake(stream).await.unwrap();
    let connection = tokio::spawn(connection);
    let mut waiting = Vec::new();
    for _ in 0..32 {
        let poll = http::Request::get("http://localhost/_mock/api/exchanges?wait=30").body(()).unwrap();
        sender = sender.ready().await.unwrap();
        waiting.push(sender.send_request(poll, true).unwrap().0);
    }
    mock.stop().await;
    for reply in waiting {
        assert_eq!(reply.await.unwrap().status(), 200);
    }
    drop(sender);
    connection.await.unwrap().expect("a connection that ends as it should");
}
