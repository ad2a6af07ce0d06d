//! A reader that knows how far it is, and does not let one thing go on without end.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io::{self, BufRead, Read};
use std::rc::Rc;

/// How far a reader is, and how far it may go.
#[derive(Debug, Default)]
pub(super) struct Progress {
    offset: Cell<u64>,
    end: Cell<u64>,
    is_over: Cell<bool>,
    is_at_end: Cell<bool>,
    lines: RefCell<Lines>,
}

/// Where the last lines begin. A parser tells of a mistake a little later than it makes it out.
#[derive(Debug, Default)]
struct Lines {
    /// How many lines are forgotten.
    before: usize,
    starts: VecDeque<u64>,
}

/// Lines of which the beginning is known.
const LINES_MAX: usize = 1_000;

impl Progress {
    /// Bytes read so far.
    pub(super) fn offset(&self) -> u64 {
        self.offset.get()
    }

    /// Lets the next `bytes` be read, and no more.
    pub(super) fn allow(&self, bytes: usize) {
        self.end.set(self.offset.get().saturating_add(bytes as u64));
    }

    /// The byte that was read last when the parser stood at this line and column, as serde_json counts them.
    pub(super) fn place(&self, line: usize, column: usize) -> u64 {
        let lines = self.lines.borrow();
        let start = line.checked_sub(lines.before + 1).and_then(|index| lines.starts.get(index));
        let read = start.map_or(self.offset(), |start| start + column as u64);
        read.saturating_sub(1)
    }

    fn begin_line(&self, start: u64) {
        let mut lines = self.lines.borrow_mut();
        lines.starts.push_back(start);
        if lines.starts.len() > LINES_MAX {
            lines.starts.pop_front();
            lines.before += 1;
        }
    }

    /// Whether the parser has come to the end, and wanted more.
    pub(super) fn is_at_end(&self) -> bool {
        self.is_at_end.get()
    }

    /// Whether reading stopped because more was asked for than is allowed.
    pub(super) fn is_over(&self) -> bool {
        self.is_over.get()
    }
}

/// A reader that keeps count. It hands out no byte that is not asked for, so the count is where the parser is.
pub(super) struct Counter<R> {
    inner: R,
    progress: Rc<Progress>,
}

impl<R: BufRead> Counter<R> {
    /// `inner` from its beginning; a byte order mark is passed over and counted.
    pub(super) fn new(mut inner: R, progress: &Rc<Progress>) -> io::Result<Self> {
        if inner.fill_buf()?.starts_with(b"\xef\xbb\xbf") {
            inner.consume(3);
            progress.offset.set(3);
        }
        progress.begin_line(progress.offset());
        Ok(Self { inner, progress: Rc::clone(progress) })
    }
}

impl<R: BufRead> Read for Counter<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let offset = self.progress.offset.get();
        let allowed = self.progress.end.get().saturating_sub(offset);
        let available = self.inner.fill_buf()?;
        self.progress.is_at_end.set(available.is_empty());
        let count = available.len().min(buffer.len());
        if count as u64 > allowed {
            self.progress.is_over.set(true);
            return Err(io::Error::other("too much"));
        }
        if let (Some(to), Some(from)) = (buffer.get_mut(..count), available.get(..count)) {
            to.copy_from_slice(from);
            let breaks = from.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
            breaks.for_each(|(at, _)| self.progress.begin_line(offset + at as u64 + 1));
        }
        self.inner.consume(count);
        self.progress.offset.set(offset + count as u64);
        Ok(count)
    }
}
