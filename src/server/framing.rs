//! Where each request of a connection begins and ends, line by line.
//!
//! hyper reads leniently: it drops `Content-Length` beside `Transfer-Encoding`, and takes a bare line feed for the end of
//! a line. So all bytes go by here first, and hyper is shown heads only that can be read in one way.

use super::Refusal;
use super::head::{self, Framing as Body, Head};
use crate::message::Limits;

/// Bytes of a head up to which the connection remembers it. Over it the same head is looked at anew.
const REMEMBERED_BYTES_MAX: usize = 2 * 1024;
/// Digits of a chunk's size: as many as 64 bits have.
const CHUNK_SIZE_DIGITS: usize = 16;

/// How far the requests of a connection have come.
#[derive(Debug)]
pub(super) struct Framing {
    place: Place,
    /// The beginning of a line of which the end has not come.
    line: Vec<u8>,
    head: Head,
    /// Bytes of this head, or of this body's chunk extensions and trailers.
    bytes: usize,
    /// Fields of this head, or of these trailers.
    fields: usize,
    /// Whole heads so far.
    heads: usize,
    /// The last head that came in one piece: clients that keep a connection often send the same again.
    last: Vec<u8>,
    /// What came behind it.
    behind: Place,
    /// The number of the newest head that is like it, from 1.
    newest: usize,
    /// The number of the head since which all are the same and have no body.
    same_since: usize,
    bytes_max: usize,
    fields_max: usize,
    target_bytes_max: usize,
    extension_bytes_max: usize,
}

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Start,
    Field,
    /// So many bytes of a body.
    Body(u64),
    ChunkSize,
    /// So many bytes of a chunk.
    Chunk(u64),
    ChunkEnd,
    Trailer,
}

/// What was found in bytes that came in.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// How many of them belong to bodies and whole heads; the rest begins a head.
    pub(super) whole: usize,
    /// What is wrong behind that.
    pub(super) refusal: Option<Refusal>,
}

impl Framing {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            place: Place::Start,
            line: Vec::new(),
            head: Head::default(),
            bytes: 0,
            fields: 0,
            heads: 0,
            last: Vec::new(),
            behind: Place::Start,
            newest: 0,
            same_since: 0,
            bytes_max: limits.head_bytes_max,
            fields_max: limits.header_fields_max,
            target_bytes_max: limits.target_bytes_max,
            extension_bytes_max: limits.chunk_extension_bytes_max,
        }
    }

    /// Whether what was looked at last belongs to a head.
    pub(super) fn is_in_head(&self) -> bool {
        matches!(self.place, Place::Start | Place::Field)
    }

    /// How many heads were whole so far.
    pub(super) fn heads(&self) -> usize {
        self.heads
    }

    /// The number of the head since which all are the same and have no body.
    pub(super) fn same_since(&self) -> usize {
        self.same_since
    }

    /// The length of the request at the beginning of what came in, if it is the last one over again and has no body.
    pub(super) fn repeated(&self, read: &[u8]) -> Option<usize> {
        (self.may_repeat(read) && read.len() >= self.last.len()).then_some(self.last.len())
    }

    /// Whether what came in begins with that request, as far as it came.
    pub(super) fn may_repeat(&self, read: &[u8]) -> bool {
        let bytes = self.last.len().min(read.len());
        bytes > 0 && self.is_between() && self.is_of_last() && read[..bytes] == self.last[..bytes]
    }

    /// Looks at what came in next. After a refusal there is nothing more to look at.
    pub(super) fn look(&mut self, read: &[u8]) -> Found {
        let mut at = 0;
        let mut whole = 0;
        let mut head = None;
        while let Some(rest) = read.get(at..).filter(|rest| !rest.is_empty()) {
            if self.is_between() {
                if !self.last.is_empty() && rest.starts_with(&self.last) {
                    at += self.last.len();
                    whole = at;
                    self.place = self.behind;
                    if !self.is_of_last() {
                        self.same_since = self.heads + 1;
                    }
                    self.heads += 1;
                    self.newest = self.heads;
                    continue;
                }
                head = Some(at);
            }
            match self.step(rest) {
                Ok(count) => at += count,
                Err(refusal) => return Found { whole, refusal: Some(refusal) },
            }
            // A line that is not finished is taken up whole, so that only a head's is held back.
            if self.is_between() || !self.is_in_head() {
                whole = at;
                if let Some(start) = head.take() {
                    self.remember(&read[start..at]);
                }
            }
        }
        Found { whole, refusal: None }
    }

    /// Whether the last message is over and nothing of the next one has come.
    fn is_between(&self) -> bool {
        self.place == Place::Start && self.bytes == 0 && self.line.is_empty()
    }

    /// Whether the last request was of the head that is remembered, and nothing else.
    fn is_of_last(&self) -> bool {
        self.newest == self.heads && self.behind == Place::Start
    }

    /// Notes a head that has just been looked at.
    fn remember(&mut self, head: &[u8]) {
        self.last.clear();
        if head.len() <= REMEMBERED_BYTES_MAX {
            self.last.extend_from_slice(head);
        }
        self.behind = self.place;
        self.newest = self.heads;
    }

    /// Looks at the next line or piece of a body; gives its length.
    fn step(&mut self, rest: &[u8]) -> Result<usize, Refusal> {
        if let Place::Body(left) | Place::Chunk(left) = &mut self.place {
            let count = usize::try_from(*left).map_or(rest.len(), |left| left.min(rest.len()));
            *left -= count as u64;
            match self.place {
                Place::Body(0) => self.place = Place::Start,
                Place::Chunk(0) => self.place = Place::ChunkEnd,
                _ => {}
            }
            return Ok(count);
        }
        let end = line_end(&self.line, rest)?;
        let count = end.unwrap_or(rest.len());
        if self.place != Place::ChunkEnd {
            self.bytes += count;
            self.check_bytes()?;
        }
        let taken = &rest[..count];
        if end.is_some() && self.line.is_empty() {
            self.line(&taken[..count - 2])?;
        } else {
            self.line.extend_from_slice(taken);
            if end.is_some() {
                let line = std::mem::take(&mut self.line);
                self.line(&line[..line.len() - 2])?;
            } else if self.place == Place::ChunkEnd && self.line != b"\r" {
                return bad("a chunk is longer than it says");
            }
        }
        Ok(count)
    }

    fn check_bytes(&self) -> Result<(), Refusal> {
        match self.place {
            Place::ChunkSize => {
                let is_over = self.bytes > self.extension_bytes_max + CHUNK_SIZE_DIGITS + "\r\n".len();
                if is_over { bad("the chunks' extensions are longer than the server takes") } else { Ok(()) }
            }
            Place::Start if self.bytes > self.bytes_max => Err(Refusal::TargetTooLong),
            _ if self.bytes > self.bytes_max => Err(Refusal::HeadTooLarge),
            _ => Ok(()),
        }
    }

    fn line(&mut self, line: &[u8]) -> Result<(), Refusal> {
        match self.place {
            // RFC 9112 §2.2: an empty line before a request is passed over.
            Place::Start if line.is_empty() => {}
            Place::Start => {
                self.head = Head::start(line, self.target_bytes_max)?;
                self.place = Place::Field;
            }
            Place::Field if !line.is_empty() => {
                self.count_field()?;
                self.head.field(line)?;
            }
            Place::Field => {
                self.place = match self.head.framing()? {
                    Body::Length(0) => Place::Start,
                    Body::Length(length) => Place::Body(length),
                    Body::Chunked => Place::ChunkSize,
                };
                (self.bytes, self.fields) = (0, 0);
                self.heads += 1;
                self.same_since = self.heads;
            }
            Place::ChunkSize => {
                let (size, extension) = chunk_size(line)?;
                // What is counted is what comes beside the data, which has a limit of its own.
                self.bytes -= line.len() + 2 - extension;
                self.place = Place::Chunk(size);
                if size == 0 {
                    self.place = Place::Trailer;
                    self.bytes = 0;
                }
            }
            Place::ChunkEnd if line.is_empty() => self.place = Place::ChunkSize,
            Place::ChunkEnd => return bad("a chunk is longer than it says"),
            Place::Trailer if !line.is_empty() => {
                self.count_field()?;
                head::trailer(line)?;
            }
            Place::Trailer => {
                self.place = Place::Start;
                (self.bytes, self.fields) = (0, 0);
            }
            Place::Body(_) | Place::Chunk(_) => {}
        }
        Ok(())
    }

    fn count_field(&mut self) -> Result<(), Refusal> {
        self.fields += 1;
        if self.fields > self.fields_max { Err(Refusal::HeadTooLarge) } else { Ok(()) }
    }
}

/// The length of the line with its end, if that has come. Only CR LF ends a line (RFC 9112 §2.2), and no other control
/// character but a tab is part of one.
fn line_end(before: &[u8], rest: &[u8]) -> Result<Option<usize>, Refusal> {
    if before.last() == Some(&b'\r') {
        return if rest.first() == Some(&b'\n') { Ok(Some(1)) } else { bad("a line has a bare carriage return") };
    }
    let Some(at) = first_control(rest) else { return Ok(None) };
    match (rest.get(at), rest.get(at + 1)) {
        (Some(b'\r'), Some(b'\n')) => Ok(Some(at + 2)),
        (Some(b'\r'), None) => Ok(None),
        (Some(b'\r'), Some(_)) => bad("a line has a bare carriage return"),
        (Some(b'\n'), _) => bad("a line ends in a bare line feed"),
        (Some(0x16), _) if at == 0 && before.is_empty() => bad("this looks like TLS, which is not spoken here"),
        _ => bad("a line has a control character"),
    }
}

/// The first control character that is no tab.
fn first_control(bytes: &[u8]) -> Option<usize> {
    const BLOCK: usize = size_of::<u64>();
    let mut at = 0;
    while let Some(block) = bytes[at..].first_chunk::<BLOCK>() {
        let controls = controls(u64::from_le_bytes(*block));
        if controls == 0 {
            at += BLOCK;
            continue;
        }
        let first = at + controls.trailing_zeros() as usize / 8;
        if bytes[first] != b'\t' {
            return Some(first);
        }
        at = first + 1;
    }
    let is_control = |byte: &u8| *byte < b' ' && *byte != b'\t' || *byte == 0x7f;
    bytes[at..].iter().position(is_control).map(|found| at + found)
}

/// The highest bit of the first of eight bytes that is a control character; those behind it may be marked, too. It is the
/// usual arithmetic on all of them at once: a byte that is less borrows into its highest bit when it is subtracted from.
fn controls(bytes: u64) -> u64 {
    const EACH: u64 = u64::MAX / 255;
    let less = |bytes: u64, than: u8| bytes.wrapping_sub(EACH * u64::from(than)) & !bytes;
    (less(bytes, b' ') | less(bytes ^ (EACH * 0x7f), 1)) & (EACH << 7)
}

/// RFC 9112 §7.1: the size of a chunk, and how long its extension is.
fn chunk_size(line: &[u8]) -> Result<(u64, usize), Refusal> {
    let digits = line.iter().position(|byte| !byte.is_ascii_hexdigit()).unwrap_or(line.len());
    let (digits, extension) = line.split_at(digits);
    let size = std::str::from_utf8(digits).ok().filter(|digits| digits.len() <= CHUNK_SIZE_DIGITS);
    let Some(size) = size.and_then(|digits| u64::from_str_radix(digits, 16).ok()) else {
        return bad("a chunk has no size, or one of more than 64 bits");
    };
    match extension.trim_ascii_start().first() {
        None if extension.is_empty() => Ok((size, 0)),
        Some(b';') => Ok((size, extension.len())),
        _ => bad("a chunk's size is followed by something else than an extension"),
    }
}

fn bad<T>(reason: &str) -> Result<T, Refusal> {
    Err(Refusal::BadFraming(reason.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::{Found, Framing, REMEMBERED_BYTES_MAX, first_control};
    use crate::message::Limits;

    const REQUESTS: &[u8] = b"\r\nPOST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc\
        POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nGET\
        POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;x\r\na\nc\r\n0\r\nT: u\r\n\r\n\
        POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n\
        GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n";

    #[test]
    fn the_first_control_character_is_found_wherever_it_stands() {
        let is_control = |byte: &u8| byte.is_ascii_control() && *byte != b'\t';
        for byte in 0..=u8::MAX {
            for (at, next) in (0..20).flat_map(|at| [b'\t', b' ', b'!', 0x7e, 0x80, 0xff].map(|next| (at, next))) {
                let mut text = [next; 20];
                text[at] = byte;
                assert_eq!(first_control(&text), text.iter().position(is_control), "{text:?}");
            }
        }
    }

    /// What a reader is shown of bytes that come in pieces, a held head included once it is whole.
    fn shown(pieces: &[&[u8]]) -> (usize, bool) {
        let mut framing = Framing::new(&Limits::default());
        let (mut shown, mut held) = (0, 0);
        for piece in pieces {
            let Found { whole, refusal } = framing.look(piece);
            if whole > 0 {
                shown += held + whole;
                held = 0;
            }
            held += piece.len() - whole;
            if refusal.is_some() {
                return (shown, true);
            }
        }
        (shown, false)
    }

    #[test]
    fn where_a_request_ends_does_not_depend_on_the_pieces_it_comes_in() {
        let bad = [REQUESTS, b"GET / HTTP/1.1\r\nHost : a\r\n\r\n"].concat();
        for first in 0..=bad.len() {
            for second in first..=bad.len() {
                let pieces = [&bad[..first], &bad[first..second], &bad[second..]];
                assert_eq!(shown(&pieces), (REQUESTS.len(), true), "cut at {first} and {second}");
            }
        }
        assert_eq!(shown(&bad.chunks(1).collect::<Vec<_>>()), (REQUESTS.len(), true));
        assert_eq!(shown(&[REQUESTS]), (REQUESTS.len(), false));
        // Heads that are the same as the one before in length only, in one piece, and beyond what is remembered.
        let head = |value: &str| format!("GET / HTTP/1.1\r\nHost: a\r\nX: {value}\r\n\r\n").into_bytes();
        let long = "x".repeat(REMEMBERED_BYTES_MAX);
        for pieces in [[head("b"), head("b"), head("\0")], [head(&long), head(&long), head("\0")]] {
            let good = pieces[0].len() + pieces[1].len();
            assert_eq!(shown(&pieces.each_ref().map(Vec::as_slice)), (good, true));
            assert_eq!(shown(&[&pieces.concat()]), (good, true));
        }
    }
}
