//! Fetching the documents that references of a contract name, over http and https, within limits.
//!
//! It never decides whether a reference may be followed: `contract` asks only where that was allowed.

#[cfg(feature = "remote-refs")]
mod fetch;
#[cfg(feature = "remote-refs")]
mod tls;

#[cfg(all(test, feature = "remote-refs"))]
#[expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]
mod tests;

use crate::contract::{Retrieved, Retriever};
use crate::message::RemoteLimits;
use std::sync::Mutex;
use std::time::Instant;

/// The documents of one contract.
pub(crate) struct Remote {
    limits: RemoteLimits,
    progress: Mutex<Progress>,
}

#[derive(Default)]
struct Progress {
    documents: usize,
    started: Option<Instant>,
}

impl Remote {
    pub(crate) fn new(limits: RemoteLimits) -> Self {
        Self { limits, progress: Mutex::default() }
    }
}

impl Retriever for Remote {
    fn retrieve(&self, uri: &str) -> Result<Retrieved, String> {
        let mut progress = self.progress.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let elapsed = progress.started.get_or_insert_with(Instant::now).elapsed();
        let left = self.limits.total_timeout.saturating_sub(elapsed);
        if left.is_zero() {
            return Err(format!("fetching the contract's documents takes more than {:?}", self.limits.total_timeout));
        }
        progress.documents += 1;
        if progress.documents > self.limits.documents_max {
            return Err(format!("the contract has more than {} documents elsewhere", self.limits.documents_max));
        }
        retrieve(uri, &self.limits, left)
    }
}

#[cfg(feature = "remote-refs")]
use fetch::retrieve;

#[cfg(not(feature = "remote-refs"))]
fn retrieve(_: &str, _: &RemoteLimits, _: std::time::Duration) -> Result<Retrieved, String> {
    Err("this build fetches nothing: its feature `remote-refs` is off".to_owned())
}
