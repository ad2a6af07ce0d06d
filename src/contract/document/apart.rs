//! Trees whose memory goes back to the system when they are dropped.
//!
//! A tree is hundreds of thousands of small pieces. Where what stays is allocated among them, or after them, none of their
//! memory is given back. So a large one is made on a thread of its own, as glibc gives each thread an arena of its own. An
//! arena that is empty is given back, but glibc looks only when a large piece of it is freed.

use crate::source::{Parsed, SourceFile, SyntaxError};
use serde_json::Value;
use std::thread;

/// Bytes of text whose tree is worth a thread.
const LARGE_BYTES: usize = 1024 * 1024;
/// What glibc takes for a large piece (`FASTBIN_CONSOLIDATION_THRESHOLD`), and a little more.
const LARGE_PIECE_BYTES: usize = 96 * 1024;

/// Reads a file's text.
pub(super) fn parsed_apart(file: &SourceFile) -> Result<Parsed, SyntaxError> {
    if file.text().len() < LARGE_BYTES {
        return file.parse();
    }
    thread::scope(|scope| match thread::Builder::new().spawn_scoped(scope, || file.parse()) {
        Ok(reading) => reading.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
        // Without a thread to be had it only takes more memory.
        Err(_) => file.parse(),
    })
}

/// Drops a tree whose largest file has so many bytes of text.
pub(super) fn drop_apart(tree: Value, text_bytes: usize) {
    if text_bytes < LARGE_BYTES {
        return;
    }
    let dropping = thread::Builder::new().spawn(move || {
        drop(tree);
        // As a rule the thread has the arena that the reading one left.
        drop(std::hint::black_box(Vec::<u8>::with_capacity(LARGE_PIECE_BYTES)));
    });
    // Where no thread is to be had, the tree was dropped here.
    if let Ok(dropping) = dropping {
        let _ = dropping.join();
    }
}
