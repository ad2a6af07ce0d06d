//! Recorded traffic, read entry by entry: HAR 1.2 files, and exchanges one a line. Nothing is judged here.
//!
//! `har` finds the entries of a file of any length, `lines` those of a stream; `entry` is what one of them may look
//! like, `message` what it means, and `body` what its bodies' bytes are.

mod body;
mod counter;
mod entry;
mod har;
mod lines;
mod message;

pub(crate) use har::read_har;
pub(crate) use lines::read_lines;

use crate::contract::Extent;
use crate::message::{Reply, Request};
use jiff::Timestamp;
use std::fmt;
use std::time::Duration;

/// An exchange that happened elsewhere.
#[derive(Debug)]
pub(crate) struct Recorded {
    /// Its target is path and query, or `/` where `bad_target` says that it cannot be told.
    pub(crate) request: Request,
    pub(crate) request_extent: Extent,
    pub(crate) reply: Reply,
    pub(crate) reply_extent: Extent,
    /// Name and port of the server, lower case, where they are known.
    pub(crate) host: Option<String>,
    /// Why the target cannot be told.
    pub(crate) bad_target: Option<String>,
    pub(crate) time: Option<Timestamp>,
    pub(crate) duration: Duration,
    /// What the recording says and this program cannot.
    pub(crate) notes: Vec<String>,
}

/// What stands in a recording.
#[derive(Debug)]
pub(crate) enum Entry {
    Exchange(Box<Recorded>),
    /// The request was aborted or blocked, and may never have been sent.
    WithoutResponse,
    /// A `data:` URL, a web socket, an extension's file.
    NotHttp,
}

/// Bounds of reading.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// Bytes of one entry, or of another member of the recording.
    pub(crate) entry_bytes_max: usize,
    /// Header fields of one message.
    pub(crate) fields_max: usize,
}

/// Why a recording cannot be read on. What came before has been handed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordingError {
    message: String,
    offset: u64,
}

impl RecordingError {
    fn new(message: impl Into<String>, offset: u64) -> Self {
        Self { message: message.into(), offset }
    }

    /// What is wrong, in one sentence.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Where, in bytes from the beginning.
    pub fn offset(&self) -> u64 {
        self.offset
    }
}

impl fmt::Display for RecordingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "byte {}: {}", self.offset, self.message)
    }
}

impl std::error::Error for RecordingError {}

/// What serde_json says, without its line and column: recordings have lines of megabytes.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rsplit_once(" at line ") {
        Some((reason, _)) => reason.to_owned(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::{Bounds, Entry, read_har, read_lines};
    use std::io::{BufReader, Read as _};

    const BOUNDS: Bounds = Bounds { entry_bytes_max: 1_000, fields_max: 2 };

    /// Something without end.
    fn endless(byte: u8) -> impl std::io::Read {
        std::io::repeat(byte).take(1 << 40)
    }

    #[test]
    fn nothing_is_read_without_end() {
        let mut none = |entry: Entry| panic!("{entry:?}");
        let error = read_lines(BufReader::new(endless(b'a')), BOUNDS, &mut none).unwrap_err();
        assert_eq!(error.to_string(), "byte 0: a line has more than the 1000 bytes allowed");
        for (before, byte) in [
            ("", b' '),
            ("{\"", b'a'),
            (r#"{"log": {"pages": "#, b'['),
            (r#"{"log": {"pages": "#, b'9'),
            (r#"{"log": {"entries": ["#, b' '),
            (r#"{"log": {"entries": [{"request": {"url": ""#, b'a'),
            (r#"{"log": {"entries": []}}"#, b' '),
        ] {
            let text = before.as_bytes().chain(endless(byte));
            let error = read_har(BufReader::new(text), BOUNDS, &mut none).unwrap_err();
            assert!(error.to_string().ends_with("an entry has more than the 1000 bytes allowed"), "{before}: {error}");
            assert!((1_000..=1_060).contains(&error.offset()), "{before}: {error}");
        }
    }

    #[test]
    fn the_bound_is_of_one_entry_and_not_of_all() {
        let entry = r#"{"request": {"method": "GET", "url": "/"}, "response": {"status": 200}},"#.repeat(1_000);
        let text = format!(r#"{{"log": {{"entries": [{}]}}}}"#, entry.trim_end_matches(','));
        let mut count = 0;
        read_har(text.as_bytes(), BOUNDS, &mut |_| count += 1).unwrap();
        assert_eq!(count, 1_000);
    }
}
