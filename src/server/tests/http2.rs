//! Connections of HTTP/2, frame by frame.

use super::*;

#[tokio::test]
async fn a_connection_of_http_2_on_which_nothing_happens_is_closed() {
    let server = start(small());
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    // The beginning of a head (END_HEADERS is not set), of which the rest does not come.
    let head = b"\0\0\x01\x01\x01\0\0\0\x01\x82";
    for sent in [&preface[..], &preface[..10], &[&preface[..], head].concat()] {
        let mut stream = connect(&server).await;
        stream.write_all(sent).await.expect("a write");
        let mut received = Vec::new();
        let ended = timeout(Duration::from_secs(5), stream.read_to_end(&mut received)).await;
        // Some of it was never read, so the end may be a reset.
        let _ = ended.expect("an end");
    }
}

#[tokio::test]
async fn a_reply_that_is_not_taken_keeps_no_connection_of_http_2_open() {
    let server = start(small());
    let mut stream = connect(&server).await;
    // A window of no bytes (SETTINGS_INITIAL_WINDOW_SIZE), and GET / of the host `h`.
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\x06\x04\0\0\0\0\0\0\x04\0\0\0\0";
    let get = b"\0\0\x06\x01\x05\0\0\0\x01\x82\x86\x84\x41\x01h";
    stream.write_all(&[&preface[..], get].concat()).await.expect("a write");
    let answer_pings = async {
        loop {
            let mut head = [0; 9];
            if stream.read_exact(&mut head).await.is_err() {
                return;
            }
            let mut payload = vec![0; usize::from(u16::from_be_bytes([head[1], head[2]]))];
            let _ = stream.read_exact(&mut payload).await;
            if head[3] == 6 && head[4] == 0 {
                head[4] = 1;
                let _ = stream.write_all(&[&head[..], &payload].concat()).await;
            }
        }
    };
    timeout(Duration::from_secs(5), answer_pings).await.expect("an end");
}
