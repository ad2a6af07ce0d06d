//! A stream that shows its reader whole heads only, and none that is refused.
//!
//! In place of a refused head the reader is shown one that says nothing, and then the end: so the refusal is written by
//! hyper, in its turn behind the replies to what came before. What stands behind a refused head is never looked at.
//!
//! In the other direction replies wait for one another: where another whole request was shown already, its reply comes
//! soon, and both are one write.
//!
//! A request that is the last one over again is not shown at all if its reply can be given again, and the reader is done
//! with those before it: it asks for a flush with nothing left to write only, lets a body go when it has taken all of it
//! (`body.rs`), and reads no head before both.

use super::Refusal;
use super::connection::{Stream, Talk};
use super::framing::{Found, Framing};
use super::head;
use bytes::{Buf, Bytes, BytesMut};
use http::request::Parts;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What is shown in place of a refused head.
const PLACEHOLDER: &[u8] = b"GET * HTTP/1.1\r\n\r\n";

/// Bytes of replies that wait for one another. Over it they are sent.
const UNSENT_BYTES_MAX: usize = 64 * 1024;

/// The stream.
pub(super) struct Gate {
    stream: Stream,
    /// `None` lets everything through.
    framing: Option<Framing>,
    /// What may be the last request over again, and was not looked at otherwise.
    rest: BytesMut,
    /// A head that is not whole.
    held: BytesMut,
    /// What the reader is shown next.
    ready: Bytes,
    end: End,
    talk: Arc<Talk>,
    /// Replies that wait for the next one.
    unsent: BytesMut,
    /// How many replies the reader had made when it had nothing left to write.
    written: usize,
}

/// What comes behind that.
enum End {
    /// What the stream has.
    Open,
    /// A refused head, and nothing.
    Head(Refusal, Option<Box<Parts>>),
    /// A failure, for the middle of a body is no place for a head.
    Body(Refusal),
    Nothing,
}

impl Gate {
    /// `first` is what was read of the stream already.
    pub(super) fn new(stream: Stream, first: BytesMut, framing: Option<Framing>, talk: Arc<Talk>) -> Self {
        let mut gate = Self {
            stream,
            framing,
            rest: BytesMut::new(),
            held: BytesMut::new(),
            ready: Bytes::new(),
            end: End::Open,
            talk,
            unsent: BytesMut::new(),
            written: 0,
        };
        gate.take(first);
        gate
    }

    pub(super) fn into_inner(self) -> Stream {
        self.stream
    }

    /// Finds out how far what was read can be shown.
    fn look(&mut self, read: &[u8]) -> Option<Found> {
        let framing = self.framing.as_mut()?;
        let found = framing.look(read);
        self.talk.turns.show(framing.heads(), framing.same_since());
        Some(found)
    }

    /// Takes in what was read while nothing was held.
    fn take(&mut self, mut read: BytesMut) {
        let Some(Found { whole, refusal }) = self.look(&read) else {
            self.ready = read.freeze();
            return;
        };
        let rest = read.split_off(whole);
        self.ready = read.freeze();
        self.hold(&rest, refusal);
    }

    /// Takes in what was read behind a held head.
    fn take_more(&mut self, read: &[u8], Found { whole, refusal }: Found) {
        let (whole, rest) = read.split_at(whole);
        if !whole.is_empty() {
            self.held.extend_from_slice(whole);
            self.ready = self.held.split().freeze();
        }
        self.hold(rest, refusal);
    }

    /// Keeps the beginning of a head, or ends with it.
    fn hold(&mut self, rest: &[u8], refusal: Option<Refusal>) {
        match refusal {
            None => self.held.extend_from_slice(rest),
            Some(refusal) if self.framing.as_ref().is_some_and(Framing::is_in_head) => {
                self.held.extend_from_slice(rest);
                self.end = End::Head(refusal, head::parts(&self.held).map(Box::new));
                self.held = BytesMut::new();
            }
            Some(refusal) => self.end = End::Body(refusal),
        }
    }

    /// Shows what is there without reading; whether there was anything, or the end.
    fn show(&mut self, buffer: &mut ReadBuf<'_>) -> Option<io::Result<()>> {
        if self.ready.is_empty() {
            match std::mem::replace(&mut self.end, End::Nothing) {
                End::Open => {
                    self.end = End::Open;
                    return None;
                }
                End::Head(refusal, head) => {
                    // It is empty: there is one refusal at most.
                    let _ = self.talk.verdict.set((refusal, head));
                    self.ready = Bytes::from_static(PLACEHOLDER);
                }
                End::Body(refusal) => return Some(Err(io::Error::new(io::ErrorKind::InvalidData, refusal))),
                End::Nothing => return Some(Ok(())),
            }
        }
        let count = self.ready.len().min(buffer.remaining());
        buffer.put_slice(&self.ready[..count]);
        self.ready.advance(count);
        if self.ready.is_empty() {
            // An empty rest would keep the memory of the whole.
            self.ready = Bytes::new();
        }
        Some(Ok(()))
    }
}

impl AsyncRead for Gate {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let gate = self.get_mut();
        loop {
            if let Some(shown) = gate.show(buffer) {
                return Poll::Ready(shown);
            }
            ready!(gate.poll_send_repeated(context))?;
            if gate.take_rest() {
                continue;
            }
            let before = buffer.filled().len();
            ready!(Pin::new(&mut gate.stream).poll_read(context, buffer))?;
            let read = &buffer.filled()[before..];
            if read.is_empty() {
                return Poll::Ready(Ok(()));
            }
            if !gate.rest.is_empty() || gate.may_repeat(read) {
                gate.rest.extend_from_slice(read);
                buffer.set_filled(before);
                continue;
            }
            let Some(found) = gate.look(read) else { return Poll::Ready(Ok(())) };
            if !gate.held.is_empty() {
                gate.take_more(read, found);
                buffer.set_filled(before);
                continue;
            }
            // The usual way: whole requests, which stay where they are.
            let Found { whole, refusal } = found;
            if whole < read.len() {
                gate.hold(&read[whole..], refusal);
                buffer.set_filled(before + whole);
            }
            if whole > 0 {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl Gate {
    /// Whether the reader has another whole request, which it has not begun to answer.
    fn has_more(&self) -> bool {
        self.talk.turns.has_more()
    }

    /// Whether all that was shown is answered, and the answers are here.
    fn is_idle(&self) -> bool {
        self.talk.turns.shown() == self.written
    }

    /// Whether what was read begins with the last request over again, as far as it came, and can be answered here.
    fn may_repeat(&self, read: &[u8]) -> bool {
        self.is_idle() && self.framing.as_ref().is_some_and(|framing| framing.may_repeat(read))
    }

    /// Whether it is the beginning of that request, and no more.
    fn is_cut(&self, read: &[u8]) -> bool {
        self.may_repeat(read) && self.framing.as_ref().is_some_and(|framing| framing.repeated(read).is_none())
    }

    /// Answers what may be the last request over again, or takes it in as what it is. `false` if there is nothing, or more
    /// has to come first.
    fn take_rest(&mut self) -> bool {
        let mut rest = std::mem::take(&mut self.rest);
        let repeated = self.repeat(&rest);
        rest.advance(repeated);
        if repeated == 0 && !rest.is_empty() && !self.is_cut(&rest) {
            self.take(rest);
            return true;
        }
        self.rest = rest;
        repeated > 0
    }

    /// Answers the requests at the beginning of what was read that are the last one over again; gives their length.
    fn repeat(&mut self, read: &[u8]) -> usize {
        let Some(framing) = self.framing.as_ref().filter(|_| self.is_idle()) else { return 0 };
        let mut at = 0;
        while let Some(length) = framing.repeated(&read[at..])
            && self.unsent.len() < UNSENT_BYTES_MAX
            && self.talk.repeat(&mut self.unsent)
        {
            at += length;
        }
        at
    }

    /// Whether so many bytes are to wait, or to go with those that do.
    fn keeps(&self, bytes: usize) -> bool {
        (self.has_more() || !self.unsent.is_empty()) && self.unsent.len() + bytes <= UNSENT_BYTES_MAX
    }

    /// Sends what was answered here. Nothing is read before that: who takes nothing gets nothing more. The reader knows
    /// nothing of it, so the connection must not end meanwhile for want of a head, or to stop.
    fn poll_send_repeated(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.is_idle() || self.unsent.is_empty() {
            return Poll::Ready(Ok(()));
        }
        let sent = self.poll_send(context);
        self.talk.set_sending(sent.is_pending());
        ready!(sent)?;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    /// Sends what waits.
    fn poll_send(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.unsent.is_empty() {
            match ready!(Pin::new(&mut self.stream).poll_write(context, &self.unsent))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                count => self.unsent.advance(count),
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Gate {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let gate = self.get_mut();
        if gate.keeps(bytes.len()) {
            gate.unsent.extend_from_slice(bytes);
            return Poll::Ready(Ok(bytes.len()));
        }
        ready!(gate.poll_send(context))?;
        Pin::new(&mut gate.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let gate = self.get_mut();
        let bytes = slices.iter().map(|slice| slice.len()).sum();
        if gate.keeps(bytes) {
            slices.iter().for_each(|slice| gate.unsent.extend_from_slice(slice));
            return Poll::Ready(Ok(bytes));
        }
        ready!(gate.poll_send(context))?;
        Pin::new(&mut gate.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let gate = self.get_mut();
        // It is only asked for with nothing left to write.
        gate.written = gate.talk.turns.finished();
        if gate.has_more() {
            return Poll::Ready(Ok(()));
        }
        ready!(gate.poll_send(context))?;
        Pin::new(&mut gate.stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let gate = self.get_mut();
        ready!(gate.poll_send(context))?;
        Pin::new(&mut gate.stream).poll_shutdown(context)
    }
}
