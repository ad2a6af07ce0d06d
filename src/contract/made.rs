//! Generated instances that were made, and checked, before: a cache that nobody can tell from making them anew.

use super::operation::Prepared;
use crate::message::{MADE_BYTES_MAX, MADE_ENTRIES_MAX};
use std::collections::HashMap;
use std::sync::RwLock;

#[derive(Default)]
pub(super) struct Made {
    known: RwLock<Known>,
}

#[derive(Default)]
struct Known {
    /// By the schema's place and the seed; also where none could be made, which costs most.
    instances: HashMap<(String, u64), Option<Prepared>>,
    bytes: usize,
}

impl Made {
    /// The instance of a place and a seed; `make` must give the same for the same.
    pub(super) fn get_or_make(&self, at: &str, seed: u64, make: impl FnOnce() -> Option<Prepared>) -> Option<Prepared> {
        let key = (at.to_owned(), seed);
        if let Ok(known) = self.known.read()
            && let Some(found) = known.instances.get(&key)
        {
            return found.clone();
        }
        let made = make();
        if let Ok(mut known) = self.known.write() {
            let bytes = key.0.len() + made.as_ref().map_or(0, |made| made.bytes.len());
            if known.instances.len() >= MADE_ENTRIES_MAX || known.bytes + bytes > MADE_BYTES_MAX {
                *known = Known::default();
            }
            known.bytes += bytes;
            known.instances.insert(key, made.clone());
        }
        made
    }
}
