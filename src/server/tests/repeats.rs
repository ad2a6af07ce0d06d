//! Requests that are the last one again, which are answered without being handled.

use super::*;

const AGAIN: &str = "GET /again HTTP/1.1\r\nHost: h\r\n\r\n";
const OTHER: &str = "GET /other HTTP/1.1\r\nHost: h\r\n\r\n";

/// Reads the reply to `/again`; gives its number and its head without that and without the date.
async fn read_again(stream: &mut TcpStream) -> (usize, String) {
    let head = until(stream, "\r\n\r\n").await;
    let mut body = vec![0; MEDIUM];
    timeout(Duration::from_secs(5), stream.read_exact(&mut body)).await.expect("in time").expect("the body");
    assert!(body.iter().all(|byte| *byte == b'x'));
    let number = head.lines().find_map(|line| line.strip_prefix("x-number: ")).expect("a number");
    let (before, date) = head.split_once("\r\ndate: ").expect("a date");
    let (date, behind) = date.split_once("\r\n").expect("a line");
    assert_eq!(date.len(), "Sun, 06 Nov 1994 08:49:37 GMT".len(), "{date}");
    (
        number.parse().expect("a number"),
        format!("{before}\r\n{behind}").replace(&format!("x-number: {number}\r\n"), "x-number: N\r\n"),
    )
}

#[tokio::test]
async fn a_request_that_is_the_last_one_again_gets_the_same_reply_unhandled() {
    let (server, echo) = start_with(Limits::default());
    let mut stream = connect(&server).await;
    let handled = || echo.handled.swap(0, Ordering::SeqCst);
    let mut number = 0;
    let mut heads = Vec::new();
    for _ in 0..5 {
        stream.write_all(AGAIN.as_bytes()).await.expect("a write");
        let (found, head) = read_again(&mut stream).await;
        number += 1;
        assert_eq!(found, number);
        heads.push(head);
    }
    assert_eq!(handled(), 2, "the first, and the one that showed that it comes again");
    heads.dedup();
    assert_eq!(heads.len(), 1, "{heads:?}");
    // What goes along in one read, handled or not, is answered in its order.
    for (sent, expected) in [
        (vec![AGAIN; 16], 0),
        (vec![AGAIN, AGAIN, OTHER, AGAIN, AGAIN], 3),
        (vec![AGAIN; 3], 0),
        (vec![OTHER, OTHER, OTHER], 3),
        (vec![AGAIN; 3], 3),
        (vec!["POST /again HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\na"; 4], 4),
        (vec!["GET /again HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\na"; 4], 4),
        (vec!["HEAD /other HTTP/1.1\r\nHost: h\r\n\r\n"; 4], 4),
        (vec![AGAIN; 2], 2),
        (vec![AGAIN; 2], 0),
    ] {
        stream.write_all(sent.concat().as_bytes()).await.expect("a write");
        for request in &sent {
            if request.contains("again") {
                number += 1;
                assert_eq!(read_again(&mut stream).await.0, number, "{sent:?}");
            } else {
                until(&mut stream, if request.starts_with("GET") { "GET /other 0" } else { "\r\n\r\n" }).await;
            }
        }
        assert_eq!(handled(), expected, "{sent:?}");
    }
    // In pieces, with the whole of one and the beginning of another.
    let (first, rest) = AGAIN.split_at(20);
    for (sent, replies) in [(format!("{AGAIN}{first}"), 1), (format!("{rest}{AGAIN}{OTHER}{first}"), 3)] {
        stream.write_all(sent.as_bytes()).await.expect("a write");
        for index in 0..replies {
            if index == 2 {
                until(&mut stream, "GET /other 0").await;
            } else {
                read_again(&mut stream).await;
            }
        }
    }
    assert_eq!(handled(), 1, "the other one");
    stream.write_all(format!("{rest}{AGAIN}").as_bytes()).await.expect("a write");
    for _ in 0..2 {
        read_again(&mut stream).await;
    }
    // Whoever cannot give it again, or fails to, handles it.
    for mood in [UNWILLING, BROKEN] {
        stream.write_all(AGAIN.repeat(2).as_bytes()).await.expect("a write");
        for _ in 0..2 {
            read_again(&mut stream).await;
        }
        handled();
        echo.mood.store(mood, Ordering::SeqCst);
        stream.write_all(AGAIN.as_bytes()).await.expect("a write");
        read_again(&mut stream).await;
        assert_eq!((handled(), echo.mood.load(Ordering::SeqCst)), (1, 0));
    }
}

/// Writes so many requests and reads no reply yet; gives what is then read to the end. `meanwhile`: before and while that is
/// read.
async fn read_late(address: SocketAddr, count: usize, meanwhile: impl Future<Output = ()>) -> String {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    // Of a length that no buffer's is a multiple of, so that reads end within heads.
    let again = AGAIN.replace("Host", "X-Odd: 12345\r\nHost");
    for _ in 0..2 {
        stream.write_all(again.as_bytes()).await.expect("a write");
        read_again(&mut stream).await;
    }
    let (mut reader, mut writer) = stream.into_split();
    let write = async {
        // The server may close before it has read all of it.
        let _ = writer.write_all(again.repeat(count).as_bytes()).await;
        let _ = writer.shutdown().await;
    };
    let read = async {
        sleep(small().head_timeout * 3).await;
        let mut text = String::new();
        timeout(Duration::from_secs(20), reader.read_to_string(&mut text)).await.expect("an end").expect("no reset");
        text
    };
    tokio::join!(write, read, meanwhile).1
}

fn numbers(text: &str) -> Vec<usize> {
    text.lines().filter_map(|line| line.strip_prefix("x-number: ")).map(|number| number.parse().unwrap()).collect()
}

#[tokio::test]
async fn replies_that_are_given_again_wait_for_a_slow_reader() {
    const COUNT: usize = 2_000;
    let (server, echo) = start_with(small());
    let text = read_late(server.address(), COUNT, async {}).await;
    assert_eq!(numbers(&text), (3..=COUNT + 2).collect::<Vec<_>>());
    assert_eq!(text.matches("xxxxxxxx").count(), COUNT * MEDIUM / 8, "bytes of bodies");
    assert_eq!(echo.handled.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_stop_waits_for_a_slow_reader_of_replies_that_are_given_again() {
    let (mut server, echo) = start_with(small());
    let address = server.address();
    let stop = async {
        sleep(small().head_timeout).await;
        server.stop().await;
    };
    let text = read_late(address, 5_000, stop).await;
    let numbers = numbers(&text);
    assert_eq!(numbers.last().copied(), Some(echo.numbered.load(Ordering::SeqCst)));
    assert_eq!(text.matches("connection: close").count(), 1);
}

#[tokio::test]
async fn a_request_that_is_not_handled_counts_for_the_timeout_and_before_a_stop() {
    let (mut server, echo) = start_with(small());
    let mut stream = connect(&server).await;
    for _ in 0..8 {
        stream.write_all(AGAIN.as_bytes()).await.expect("a write");
        read_again(&mut stream).await;
        sleep(small().head_timeout / 2).await;
    }
    assert_eq!(echo.handled.load(Ordering::SeqCst), 2);
    let start = Instant::now();
    assert_eq!(rest(&mut stream).await, "");
    assert!(start.elapsed() < small().head_timeout * 5, "{:?}", start.elapsed());
    let mut stream = connect(&server).await;
    for _ in 0..3 {
        stream.write_all(AGAIN.as_bytes()).await.expect("a write");
        read_again(&mut stream).await;
    }
    // What has come before the stop is answered, by a reply that says that it is the last.
    stream.write_all(AGAIN.as_bytes()).await.expect("a write");
    server.stop().await;
    assert!(rest(&mut stream).await.starts_with("HTTP/1.1 200 OK\r\n"));
}
