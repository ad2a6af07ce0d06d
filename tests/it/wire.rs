//! A client of HTTP/1.1 over a socket that stays open, as small as a test needs it.

use serde_json::Value;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

/// Sends bytes over a connection of their own; gives all that comes back until the server closes it.
pub(crate) fn exchanged(port: u16, sent: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream.write_all(sent.as_bytes()).unwrap();
    let mut received = String::new();
    stream.read_to_string(&mut received).unwrap();
    received
}

/// One connection.
pub(crate) struct Connection(BufReader<TcpStream>);

/// A reply as it came.
pub(crate) struct Received {
    pub(crate) status: u16,
    fields: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Received {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }
}

impl Connection {
    pub(crate) fn open(port: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        Self(BufReader::new(stream))
    }

    /// Sends a request, with a JSON body if there is one, and waits for the reply.
    pub(crate) fn send(&mut self, method: &str, path: &str, field: &str, body: Option<&Value>) -> Received {
        let mut text = format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\n{field}\r\n");
        let body = body.map(Value::to_string);
        if let Some(body) = &body {
            text.push_str(&format!("content-type: application/json\r\ncontent-length: {}\r\n", body.len()));
        }
        text.push_str("\r\n");
        text.push_str(&body.unwrap_or_default());
        self.0.get_mut().write_all(text.as_bytes()).unwrap();
        self.receive()
    }

    fn receive(&mut self) -> Received {
        let mut line = || {
            let mut line = String::new();
            self.0.read_line(&mut line).unwrap();
            line.trim_end().to_owned()
        };
        let status = line();
        let status = status.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok());
        let fields: Vec<(String, String)> = std::iter::from_fn(|| {
            let line = line();
            let (name, value) = line.split_once(':')?;
            Some((name.to_ascii_lowercase(), value.trim().to_owned()))
        })
        .collect();
        let mut received = Received { status: status.unwrap(), fields, body: Vec::new() };
        let length = received.header("content-length").map_or(0, |length| length.parse().unwrap());
        received.body = vec![0; length];
        self.0.read_exact(&mut received.body).unwrap();
        received
    }
}
