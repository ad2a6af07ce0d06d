//! What one application holds: representations by concrete path, and which of them each collection lists.
//!
//! A value of its own, cheap to keep a copy of. It knows nothing of contracts; what a change means is for
//! `resources` to say.

use super::Difference;
use crate::contract::Prepared;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
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
    /// A collection lists nothing any longer; what it listed stays.
    Empty(String),
    /// A collection is kept from now on, if only an empty one.
    Keep(String),
    /// The last number given in a collection.
    Number { collection: String, last: u64 },
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
        let mut differences = Vec::with_capacity(changes.len());
        let mut listed = Listed::default();
        let mut changes = changes.into_iter().peekable();
        while let Some(change) = changes.next() {
            match change {
                Change::Put(path, after) => {
                    self.gone.remove(&path);
                    self.bytes += after.bytes.len();
                    let before = self.resources.insert(path.clone(), after.clone());
                    self.bytes -= before.as_ref().map_or(0, |before| before.bytes.len());
                    differences.push(Difference { path, before, after: Some(after) });
                }
                Change::Remove(path) => {
                    let mut paths = vec![path];
                    while let Some(Change::Remove(path)) = changes.next_if(|next| matches!(next, Change::Remove(_))) {
                        paths.push(path);
                    }
                    listed = Listed::default();
                    self.remove(&paths, &mut differences);
                }
                Change::Link { collection, item } => {
                    let items = self.collections.entry(collection.clone()).or_default();
                    if listed.add(collection, items, &item) {
                        items.push(item);
                    }
                }
                Change::Unlink { collection, item } => {
                    listed = Listed::default();
                    self.collections.entry(collection).or_default().retain(|known| *known != item);
                }
                Change::Empty(collection) => {
                    listed = Listed::default();
                    self.collections.entry(collection).or_default().clear();
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

    /// Removes what is at the paths and below them, in one pass over the collections.
    fn remove(&mut self, paths: &[String], differences: &mut Vec<Difference>) {
        let roots: BTreeSet<&str> = paths.iter().map(String::as_str).collect();
        let mut found = BTreeSet::new();
        for root in &roots {
            let known = self.resources.range((*root).to_owned()..).map(|(known, _)| known);
            let near = known.take_while(|known| known.starts_with(root));
            let there: Vec<String> = near.filter(|known| lies_at(known, root)).cloned().collect();
            for path in there {
                if let Some(before) = self.resources.remove(&path) {
                    self.bytes -= before.bytes.len();
                    found.insert(path.clone());
                    differences.push(Difference { path, before: Some(before), after: None });
                }
            }
        }
        let roots_of = |path: &str| -> Vec<&str> { upward(path).filter_map(|path| roots.get(path).copied()).collect() };
        self.collections.retain(|collection, _| roots_of(collection).is_empty());
        let mut listed: BTreeSet<&str> = BTreeSet::new();
        for items in self.collections.values_mut() {
            items.retain(|item| {
                let above = roots_of(item);
                let stays = above.is_empty();
                listed.extend(above);
                stays
            });
        }
        for root in &roots {
            // A kept collection tells by itself that the item is not there any more.
            let kept = root.rsplit_once('/').is_some_and(|(collection, _)| self.collections.contains_key(collection));
            if !kept && !listed.contains(root) && self.gone.insert((*root).to_owned()) && !found.contains(*root) {
                // Nothing was ever said about it, but now it is known not to be there.
                differences.push(Difference { path: (*root).to_owned(), before: None, after: None });
            }
        }
    }
}

/// What collections list, for a write that adds many items: a search each time would take time by their square.
#[derive(Default)]
struct Listed {
    searches: usize,
    by_collection: HashMap<String, HashSet<String>>,
}

impl Listed {
    /// Whether the collection does not list the item yet.
    fn add(&mut self, collection: String, items: &[String], item: &str) -> bool {
        const SEARCHES_MAX: usize = 16;
        self.searches += 1;
        if self.searches <= SEARCHES_MAX {
            return !items.iter().any(|known| known == item);
        }
        let known = self.by_collection.entry(collection).or_insert_with(|| items.iter().cloned().collect());
        known.insert(item.to_owned())
    }
}

fn lies_at(known: &str, path: &str) -> bool {
    known.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The path, and each path that it lies below.
fn upward(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(path), |path| {
        path.rsplit_once('/').map(|(above, _)| above).filter(|above| !above.is_empty())
    })
}

#[cfg(test)]
mod tests {
    use super::{Change, State};
    use crate::contract::Prepared;
    use serde_json::json;
    use std::time::{Duration, Instant};

    fn put(path: &str) -> Change {
        Change::Put(path.to_owned(), Prepared::json(json!(path)))
    }

    fn link(collection: &str, item: &str) -> Change {
        Change::Link { collection: collection.to_owned(), item: item.to_owned() }
    }

    #[test]
    fn removing_takes_what_lies_below_and_every_mention() {
        let mut state = State::default();
        state.apply(vec![
            put("/a/1"),
            put("/a/1/b/2"),
            put("/a/10"),
            put("/s"),
            link("/a", "/a/1"),
            link("/a", "/a/10"),
            link("/a/1/b", "/a/1/b/2"),
            link("/refers", "/a/1"),
        ]);
        let removed =
            state.apply(vec![Change::Remove("/a/1".into()), Change::Remove("/s".into()), Change::Remove("/t".into())]);
        let paths: Vec<&str> = removed.iter().map(|difference| difference.path.as_str()).collect();
        assert_eq!(paths, ["/a/1", "/a/1/b/2", "/s", "/t"]);
        assert_eq!(state.collection("/a"), Some(&["/a/10".to_owned()][..]));
        assert_eq!((state.collection("/refers"), state.collection("/a/1/b")), (Some(&[][..]), None));
        assert_eq!(state.gone().iter().map(String::as_str).collect::<Vec<_>>(), ["/s", "/t"]);
        assert_eq!(state.bytes(), r#""/a/10""#.len());
        assert!(state.is_gone("/s/below") && !state.is_gone("/a/1"));
    }

    #[test]
    fn the_time_of_a_large_write_grows_with_its_size() {
        const ITEMS: usize = 50_000;
        let start = Instant::now();
        let mut state = State::default();
        let items: Vec<String> = (0..ITEMS).map(|id| format!("/items/{id}")).collect();
        state.apply(items.iter().flat_map(|item| [put(item), link("/items", item), link("/others", item)]).collect());
        // Again, with every one listed already.
        state.apply(items.iter().map(|item| link("/items", item)).collect());
        assert_eq!(state.collection("/items").map(<[String]>::len), Some(ITEMS));
        let removed = state.apply(items.iter().skip(1).map(|item| Change::Remove(item.clone())).collect());
        assert_eq!((removed.len(), state.collection("/others").map(<[String]>::len)), (ITEMS - 1, Some(1)));
        assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    }
}
