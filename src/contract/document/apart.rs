//! Trees whose memory goes back to the system when they are dropped.
//!
//! A tree is hundreds of thousands of small pieces. Where what stays is allocated among them, or after them, none of their
//! memory is given back. So a large one is made on a thread of its own, as glibc gives each thread an arena of its own. An
//! arena that is empty is given back, but glibc looks only when a large piece of it is freed: so one is kept until then.

use crate::source::{Parsed, SourceFile, SyntaxError};
use serde_json::Value;
use std::thread;

/// Bytes of text whose tree is worth a thread.
const LARGE_BYTES: usize = 1024 * 1024;
/// What glibc takes for a large piece (`FASTBIN_CONSOLIDATION_THRESHOLD`), and a little more.
const LARGE_PIECE_BYTES: usize = 96 * 1024;

/// A large piece of the memory that a tree was made in.
pub(super) struct Piece(#[expect(dead_code, reason = "it is there to be freed")] Vec<u8>);

impl Piece {
    fn new() -> Self {
        Self(std::hint::black_box(Vec::with_capacity(LARGE_PIECE_BYTES)))
    }
}

/// Reads a file's text; with a piece of the memory that the value is in, where it is worth it.
pub(super) fn parsed_apart(file: &SourceFile) -> Result<(Parsed, Option<Piece>), SyntaxError> {
    if file.text().len() < LARGE_BYTES {
        return Ok((file.parse()?, None));
    }
    let read = || Ok((file.parse()?, Some(Piece::new())));
    thread::scope(|scope| match thread::Builder::new().spawn_scoped(scope, read) {
        Ok(reading) => reading.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
        // Without a thread to be had it only takes more memory.
        Err(_) => Ok((file.parse()?, None)),
    })
}

/// Drops a tree, and then pieces of the memory that it was made in.
pub(super) fn drop_apart(tree: Value, pieces: Vec<Piece>) {
    if !pieces.is_empty() {
        // A thread keeps some of what it frees to use it again, until it ends. Where none is to be had, the tree is dropped
        // here.
        if let Ok(dropping) = thread::Builder::new().spawn(move || drop(tree)) {
            let _ = dropping.join();
        }
    }
}
