//! Answers that were found to keep the contract, remembered with the representation that they carry: it never changes, so
//! neither does the verdict.

use super::Contract;
use super::operation::Content;
use super::structure::Structure;
use bytes::Bytes;
use http::HeaderMap;
use std::sync::{Arc, OnceLock};

/// What an answer depends on beside its representation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AnswerKey {
    contract: u64,
    /// The address of the declaration, which tells operation and response, too.
    content: usize,
    status: u16,
    seed: u64,
}

/// An answer that keeps the contract.
#[derive(Debug)]
pub(crate) struct Checked {
    pub(crate) headers: HeaderMap,
    /// In its content coding.
    pub(crate) body: Bytes,
    /// The points of its body.
    pub(crate) points: Arc<[u32]>,
}

/// What one representation was found to be good for: the first schema and the first answers; it is seldom in more than one.
#[derive(Debug, Default)]
pub(crate) struct CheckedAnswers {
    /// The contract, and a schema of it that the value is an instance of.
    pub(super) valid_as: OnceLock<(u64, Structure)>,
    answers: [OnceLock<Box<(AnswerKey, Checked)>>; 2],
}

impl CheckedAnswers {
    /// The answer for a key, if it was checked.
    pub(crate) fn get(&self, key: AnswerKey) -> Option<&Checked> {
        let known = self.answers.iter().filter_map(OnceLock::get).find(|known| known.0 == key);
        known.map(|known| &known.1)
    }

    /// Remembers an answer, if there is room.
    pub(crate) fn keep(&self, key: AnswerKey, checked: Checked) {
        if let Some(room) = self.answers.iter().find(|known| known.get().is_none()) {
            // Another thread may have been faster with the same.
            let _ = room.set(Box::new((key, checked)));
        }
    }
}

impl Contract {
    /// What tells an answer with this content from others that carry the same representation; nothing where the media
    /// type depends on what is accepted. `seed` is that of made-up headers.
    pub(crate) fn answer_key(&self, content: &Content, status: u16, seed: u64) -> Option<AnswerKey> {
        let content_at = std::ptr::from_ref(content).addr();
        (!content.media.is_range()).then_some(AnswerKey { contract: self.id, content: content_at, status, seed })
    }
}
