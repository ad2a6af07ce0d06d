//! How far the requests of a connection over HTTP/1.1 are: shown to hyper, begun to be answered, answered.

use std::sync::atomic::{AtomicUsize, Ordering};

/// The numbers of a connection's requests, from 1. Those that hyper is not shown have none.
#[derive(Default)]
pub(super) struct Turns {
    shown: AtomicUsize,
    begun: AtomicUsize,
    finished: AtomicUsize,
    same_since: AtomicUsize,
}

impl Turns {
    /// So many heads were shown, and all from a number on are the same and have no body.
    pub(super) fn show(&self, shown: usize, same_since: usize) {
        self.shown.store(shown, Ordering::Relaxed);
        self.same_since.store(same_since, Ordering::Relaxed);
    }

    /// How many were shown.
    pub(super) fn shown(&self) -> usize {
        self.shown.load(Ordering::Relaxed)
    }

    /// Another one is begun; whether it is the one before over again, and the last that was shown.
    pub(super) fn begin(&self) -> bool {
        let number = self.begun.fetch_add(1, Ordering::Relaxed) + 1;
        number == self.shown() && number > self.same_since.load(Ordering::Relaxed)
    }

    /// Whether one was shown that is not begun.
    pub(super) fn has_more(&self) -> bool {
        self.shown() > self.begun.load(Ordering::Relaxed)
    }

    /// hyper has taken the whole reply to one.
    pub(super) fn finish(&self) {
        self.finished.fetch_add(1, Ordering::Relaxed);
    }

    /// How many replies hyper has taken whole.
    pub(super) fn finished(&self) -> usize {
        self.finished.load(Ordering::Relaxed)
    }

    /// A reply goes on, so nothing behind it counts any more.
    pub(super) fn without_end(&self) {
        // More than there will ever be, with room for those behind it.
        self.begun.store(usize::MAX / 2, Ordering::Relaxed);
    }
}
