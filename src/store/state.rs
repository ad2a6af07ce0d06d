//! What one application holds: representations by concrete path, and which of them each collection lists.
//!
//! A value of its own, cheap to keep a copy of. It knows nothing of contracts; what a change means is for
//! `resources` to say.

use crate::contract::Prepared;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What a state was checked against: the same only as a clone of it is.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stamp(Arc<()>);

impl PartialEq for Stamp {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// The state of one application at one moment.
#[derive(Debug, Clone, Default)]
pub(crate) struct State {
    resources: BTreeMap<String, Prepared>,
    /// Paths of collections that hold something, or once did, with the paths of their items in the order of arrival.
    collections: BTreeMap<String, Vec<String>>,
    /// The last number given to an item, by the path of its collection: no number is given twice.
    numbers: BTreeMap<String, u64>,
    /// Paths outside of collections that were deleted.
    gone: BTreeSet<String>,
    bytes: usize,
    /// What vouches that all of it satisfies the contract; none where nobody does.
    stamp: Option<Stamp>,
}

/// One step of a write. The steps of one write become visible together.
#[derive(Debug, Clone)]
pub(crate) enum Change {
    /// A representation comes to be, or takes the place of another.
    Put(String, Prepared),
    /// A representation ceases to be, with all below it and its place in every collection.
    Remove(String),
    /// A collection lists an item, last.
    Link { collection: String, item: String },
    /// A collection lists an item no longer.
    Unlink { collection: String, item: String },
    /// A collection is kept from now on, if only an empty one.
    Keep(String),
    /// The last number given in a collection.
    Number { collection: String, last: u64 },
}

/// What a write did to one path.
#[derive(Debug, Clone)]
pub(crate) struct Difference {
    pub(crate) path: String,
    pub(crate) before: Option<Prepared>,
    pub(crate) after: Option<Prepared>,
}

impl State {
    /// The representation at a path.
    pub(crate) fn resource(&self, path: &str) -> Option<&Prepared> {
        self.resources.get(path)
    }

    /// Every representation, in the order of the paths.
    pub(crate) fn resources(&self) -> &BTreeMap<String, Prepared> {
        &self.resources
    }

    /// The paths of a collection's items; `None` if nothing ever said what it holds.
    pub(crate) fn collection(&self, path: &str) -> Option<&[String]> {
        self.collections.get(path).map(Vec::as_slice)
    }

    /// Every collection that is kept, in the order of the paths.
    pub(crate) fn collections(&self) -> impl Iterator<Item = (&String, &Vec<String>)> {
        self.collections.iter()
    }

    /// The last number given in a collection.
    pub(crate) fn number(&self, collection: &str) -> u64 {
        self.numbers.get(collection).copied().unwrap_or_default()
    }

    /// Whether the path was deleted, or one that it lies below.
    pub(crate) fn is_gone(&self, path: &str) -> bool {
        !self.gone.is_empty() && upward(path).any(|path| self.gone.contains(path))
    }

    /// Paths that were deleted outside of collections, in their order.
    pub(crate) fn gone(&self) -> &BTreeSet<String> {
        &self.gone
    }

    /// Whether this is what the state was checked against.
    pub(crate) fn is_certified(&self, stamp: &Stamp) -> bool {
        self.stamp.as_ref() == Some(stamp)
    }

    /// Says that all of it was checked against this.
    pub(crate) fn certify(&mut self, stamp: &Stamp) {
        self.stamp = Some(stamp.clone());
    }

    /// Says that what is added was checked against this: where the rest was checked against something else, or
    /// nobody says against what, there is nothing left that vouches for the whole.
    pub(crate) fn certify_addition(&mut self, stamp: &Stamp) {
        let is_blank = self.stamp.is_none() && self.entries() == 0;
        self.stamp = (is_blank || self.is_certified(stamp)).then(|| stamp.clone());
    }

    /// How many paths are remembered, for the bound on them.
    pub(crate) fn entries(&self) -> usize {
        self.resources.len() + self.gone.len() + self.collections.len()
    }

    /// Bytes of all representations.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Carries out the steps of one write; tells which representations are others now.
    pub(crate) fn apply(&mut self, changes: Vec<Change>) -> Vec<Difference> {
        let mut differences = Vec::new();
        for change in changes {
            match change {
                Change::Put(path, after) => {
                    self.gone.remove(&path);
                    self.bytes += after.bytes.len();
                    let before = self.resources.insert(path.clone(), after.clone());
                    self.bytes -= before.as_ref().map_or(0, |before| before.bytes.len());
                    differences.push(Difference { path, before, after: Some(after) });
                }
                Change::Remove(path) => self.remove(&path, &mut differences),
                Change::Link { collection, item } => {
                    let items = self.collections.entry(collection).or_default();
                    if !items.contains(&item) {
                        items.push(item);
                    }
                }
                Change::Unlink { collection, item } => {
                    self.collections.entry(collection).or_default().retain(|known| *known != item);
                }
                Change::Keep(collection) => {
                    self.collections.entry(collection).or_default();
                }
                Change::Number { collection, last } => {
                    self.numbers.insert(collection, last);
                }
            }
        }
        differences
    }

    fn remove(&mut self, path: &str, differences: &mut Vec<Difference>) {
        let lies_there =
            |known: &str| known.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        let removed: Vec<String> = self
            .resources
            .range(path.to_owned()..)
            .map(|(known, _)| known)
            .take_while(|known| known.starts_with(path))
            .filter(|known| lies_there(known))
            .cloned()
            .collect();
        for path in removed {
            if let Some(before) = self.resources.remove(&path) {
                self.bytes -= before.bytes.len();
                differences.push(Difference { path, before: Some(before), after: None });
            }
        }
        self.collections.retain(|collection, _| !lies_there(collection));
        let mut is_listed = false;
        for items in self.collections.values_mut() {
            let before = items.len();
            items.retain(|item| !lies_there(item));
            is_listed |= items.len() < before;
        }
        // A kept collection tells by itself that the item is not there any more.
        let kept = path.rsplit_once('/').is_some_and(|(collection, _)| self.collections.contains_key(collection));
        if !is_listed && !kept {
            self.gone.insert(path.to_owned());
        }
    }

    /// What is different in `other`, in the order of the paths.
    pub(crate) fn differences(&self, other: &Self) -> Vec<Difference> {
        let paths: BTreeSet<&String> = self.resources.keys().chain(other.resources.keys()).collect();
        let changed = paths.into_iter().filter_map(|path| {
            let (before, after) = (self.resources.get(path), other.resources.get(path));
            let same = match (before, after) {
                (Some(before), Some(after)) => before.value == after.value,
                (before, after) => before.is_none() && after.is_none(),
            };
            (!same).then(|| Difference { path: path.clone(), before: before.cloned(), after: after.cloned() })
        });
        changed.collect()
    }
}

/// The path, and each path that it lies below.
fn upward(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(path), |path| {
        path.rsplit_once('/').map(|(above, _)| above).filter(|above| !above.is_empty())
    })
}
