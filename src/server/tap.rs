//! A stream that remembers the head that is being read, as it was sent.
//!
//! hyper drops `Content-Length` when `Transfer-Encoding` is there too, and serves the request. The two
//! together must be refused (RFC 9112 §6.3 allows it, and a client that sends both is broken), so the
//! bytes are looked at here. A head that arrived in one read with the request before it is not
//! remembered; hyper's handling of it is safe: chunked wins and the connection closes.

use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::request::Parts;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// What is kept of the memory for the next head.
const KEPT_BYTES: usize = 4096;

/// The stream.
pub(super) struct Tap {
    stream: TcpStream,
    log: HeadLog,
}

impl Tap {
    pub(super) fn new(stream: TcpStream, log: HeadLog) -> Self {
        Self { stream, log }
    }

    pub(super) fn into_inner(self) -> TcpStream {
        self.stream
    }
}

/// What was read since the last reply.
#[derive(Clone)]
pub(super) struct HeadLog {
    log: Arc<Mutex<Log>>,
    bytes_max: usize,
}

struct Log {
    is_paused: bool,
    bytes: Vec<u8>,
}

impl HeadLog {
    /// Remembers up to so many bytes of a head.
    pub(super) fn new(bytes_max: usize) -> Self {
        let log = Log { is_paused: false, bytes: Vec::new() };
        Self { log: Arc::new(Mutex::new(log)), bytes_max }
    }

    fn record(&self, read: &[u8]) {
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        if !log.is_paused {
            let room = self.bytes_max.saturating_sub(log.bytes.len());
            log.bytes.extend_from_slice(read.get(..room).unwrap_or(read));
        }
    }

    /// Forgets the head, which was parsed, and remembers nothing of the body. Says whether the head had
    /// two framings.
    pub(super) fn pause(&self, head: &Parts) -> bool {
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        let is_ambiguous = is_chunked_with_length(head, &log.bytes);
        log.is_paused = true;
        log.bytes.clear();
        log.bytes.shrink_to(KEPT_BYTES);
        is_ambiguous
    }

    /// Remembers what is read from now on.
    pub(super) fn resume(&self) {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).is_paused = false;
    }
}

/// Whether the head as it was sent has both framings; the parsed one keeps only one of them.
fn is_chunked_with_length(head: &Parts, sent: &[u8]) -> bool {
    head.headers.contains_key(TRANSFER_ENCODING) && has_field(head, sent, CONTENT_LENGTH.as_str())
}

fn has_field(head: &Parts, sent: &[u8], name: &str) -> bool {
    let mut lines = sent
        .split(|byte| *byte == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
        .skip_while(|line| line.is_empty());
    // With requests in a row, what was recorded may begin within an earlier one.
    let is_this_head = lines
        .next()
        .and_then(|line| line.strip_prefix(head.method.as_str().as_bytes()))
        .is_some_and(|rest| rest.starts_with(b" "));
    is_this_head
        && lines.take_while(|line| !line.is_empty()).any(|line| {
            let field = line.split(|byte| *byte == b':').next().unwrap_or_default();
            field.eq_ignore_ascii_case(name.as_bytes())
        })
}

impl AsyncRead for Tap {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let tap = self.get_mut();
        let before = buffer.filled().len();
        let polled = Pin::new(&mut tap.stream).poll_read(context, buffer);
        if let Some(read) = buffer.filled().get(before..).filter(|read| !read.is_empty()) {
            tap.log.record(read);
        }
        polled
    }
}

impl AsyncWrite for Tap {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}
