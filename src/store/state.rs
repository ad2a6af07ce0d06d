//! What one application holds: representations by concrete path, and which of them each collection lists.
//!
//! A value of its own, cheap to keep a copy of. It knows nothing of contracts; what a change means is for
//! `resources` to say.

use super::Difference;
use crate::contract::Prepared;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound::{Included, Unbounded};
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
    /// Paths of collections that hold something, or once did, with what they list.
    collections: BTreeMap<Arc<str>, Listed>,
    /// The collections that list an item, and the place that it has in each.
    listed_in: BTreeMap<Arc<str>, Vec<(Arc<str>, u64)>>,
    /// The last number given to an item, by the path of its collection: no number is given twice.
    numbers: BTreeMap<String, u64>,
    /// Paths outside of collections that were deleted.
    gone: BTreeSet<String>,
    bytes: usize,
    /// What vouches that all of it satisfies the contract; none where nobody does.
    stamp: Option<Stamp>,
}

/// The paths of a collection's items, in the order of their arrival.
#[derive(Debug, Clone, Default)]
pub(crate) struct Listed {
    by_place: BTreeMap<u64, Arc<str>>,
    /// The ids that are numbers, each with the place of its item.
    numbers: BTreeSet<(u64, u64)>,
}

impl Listed {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        self.by_place.values().map(AsRef::as_ref)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.by_place.is_empty()
    }

    /// The largest id that is a number, as the last segment of an item's path is; 0 if none is.
    pub(crate) fn largest(&self) -> u64 {
        self.numbers.last().map_or(0, |(id, _)| *id)
    }

    /// Lists an item last; gives its place.
    fn push(&mut self, item: Arc<str>) -> u64 {
        let place = self.by_place.last_key_value().map_or(0, |(last, _)| last + 1);
        self.numbers.extend(number(&item).map(|id| (id, place)));
        self.by_place.insert(place, item);
        place
    }

    fn remove(&mut self, place: u64) {
        if let Some(id) = self.by_place.remove(&place).and_then(|item| number(&item)) {
            self.numbers.remove(&(id, place));
        }
    }
}

/// The number that a path ends in.
fn number(path: &str) -> Option<u64> {
    path.rsplit('/').next()?.parse().ok()
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

    /// What a collection lists; `None` if nothing ever said what it holds.
    pub(crate) fn collection(&self, path: &str) -> Option<&Listed> {
        self.collections.get(path)
    }

    /// The paths of a collection's items; none if nothing ever said what it holds.
    pub(crate) fn items(&self, collection: &str) -> impl Iterator<Item = &str> {
        self.collection(collection).into_iter().flat_map(Listed::iter)
    }

    /// Every collection that is kept, in the order of the paths.
    pub(crate) fn collections(&self) -> impl Iterator<Item = (&str, &Listed)> {
        self.collections.iter().map(|(path, items)| (path.as_ref(), items))
    }

    /// Those that lie below a path.
    pub(crate) fn collections_below<'s>(&'s self, path: &'s str) -> impl Iterator<Item = (&'s str, &'s Listed)> {
        let known = at_or_below(&self.collections, path).filter(move |(known, _)| known.len() > path.len());
        known.map(|(path, items)| (path.as_ref(), items))
    }

    /// Whether a collection lists an item.
    pub(crate) fn lists(&self, collection: &str, item: &str) -> bool {
        self.listed_in.get(item).is_some_and(|listed_in| listed_in.iter().any(|(known, _)| **known == *collection))
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
                    self.remove(&paths, &mut differences);
                }
                Change::Link { collection, item } => self.link(&collection, &item),
                Change::Unlink { collection, item } => self.unlink(&collection, &item),
                Change::Empty(collection) => self.empty(&collection),
                Change::Keep(collection) => {
                    self.keep(&collection);
                }
                Change::Number { collection, last } => {
                    self.numbers.insert(collection, last);
                }
            }
        }
        differences
    }

    /// The path of a collection that is kept from now on.
    fn keep(&mut self, collection: &str) -> Arc<str> {
        if let Some((known, _)) = self.collections.get_key_value(collection) {
            return Arc::clone(known);
        }
        let path: Arc<str> = collection.into();
        self.collections.insert(Arc::clone(&path), Listed::default());
        path
    }

    fn link(&mut self, collection: &str, item: &str) {
        let path = self.keep(collection);
        if self.lists(collection, item) {
            return;
        }
        let item = self.listed_in.get_key_value(item).map_or_else(|| item.into(), |(known, _)| Arc::clone(known));
        if let Some(items) = self.collections.get_mut(&path) {
            let place = items.push(Arc::clone(&item));
            self.listed_in.entry(item).or_insert_with(|| Vec::with_capacity(1)).push((path, place));
        }
    }

    fn unlink(&mut self, collection: &str, item: &str) {
        let path = self.keep(collection);
        if let Some(place) = self.unlisted(&path, item)
            && let Some(items) = self.collections.get_mut(&path)
        {
            items.remove(place);
        }
    }

    fn empty(&mut self, collection: &str) {
        let path = self.keep(collection);
        let items = self.collections.get_mut(&path).map(std::mem::take);
        for item in items.unwrap_or_default().by_place.into_values() {
            self.unlisted(&path, &item);
        }
    }

    /// Forgets that a collection lists an item; gives the place that it had.
    fn unlisted(&mut self, collection: &str, item: &str) -> Option<u64> {
        let listed_in = self.listed_in.get_mut(item)?;
        let at = listed_in.iter().position(|(known, _)| **known == *collection)?;
        let (_, place) = listed_in.swap_remove(at);
        if listed_in.is_empty() {
            self.listed_in.remove(item);
        }
        Some(place)
    }

    /// Removes what is at the paths and below them, with every mention of it.
    fn remove(&mut self, paths: &[String], differences: &mut Vec<Difference>) {
        let roots: BTreeSet<&str> = paths.iter().map(String::as_str).collect();
        let mut found = BTreeSet::new();
        let mut listed = BTreeSet::new();
        for root in &roots {
            let there: Vec<String> = at_or_below(&self.resources, root).map(|(path, _)| path.clone()).collect();
            for path in there {
                if let Some(before) = self.resources.remove(&path) {
                    self.bytes -= before.bytes.len();
                    found.insert(path.clone());
                    differences.push(Difference { path, before: Some(before), after: None });
                }
            }
            let collections: Vec<Arc<str>> =
                at_or_below(&self.collections, root).map(|(path, _)| Arc::clone(path)).collect();
            for collection in collections {
                self.empty(&collection);
                self.collections.remove(&collection);
            }
        }
        // What only a collection listed that went, too, is not listed any more.
        for root in &roots {
            let items: Vec<Arc<str>> = at_or_below(&self.listed_in, root).map(|(item, _)| Arc::clone(item)).collect();
            for item in items {
                listed.extend(upward(&item).filter_map(|path| roots.get(path).copied()));
                for (collection, place) in self.listed_in.remove(&item).unwrap_or_default() {
                    if let Some(items) = self.collections.get_mut(&collection) {
                        items.remove(place);
                    }
                }
            }
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

/// What is known of a path and of those below it.
fn at_or_below<'m, K: Ord + std::borrow::Borrow<str>, V>(
    known: &'m BTreeMap<K, V>,
    path: &'m str,
) -> impl Iterator<Item = (&'m K, &'m V)> {
    let below = format!("{path}/");
    let from = known.range::<str, _>((Included(below.as_str()), Unbounded));
    let below = from.take_while(move |(known, _)| (*known).borrow().starts_with(&below));
    known.get_key_value(path).into_iter().chain(below)
}

/// The path, and each path that it lies below.
fn upward(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(path), |path| {
        path.rsplit_once('/').map(|(above, _)| above).filter(|above| !above.is_empty())
    })
}

#[cfg(test)]
mod tests {
    use super::{Change, Listed, State};
    use crate::contract::Prepared;
    use proptest::prelude::*;
    use serde_json::json;
    use std::collections::BTreeMap;
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
        assert_eq!(state.items("/a").collect::<Vec<_>>(), ["/a/10"]);
        assert!(state.collection("/refers").is_some_and(Listed::is_empty) && state.collection("/a/1/b").is_none());
        assert_eq!(state.gone().iter().map(String::as_str).collect::<Vec<_>>(), ["/s", "/t"]);
        assert_eq!(state.bytes(), r#""/a/10""#.len());
        assert!(state.is_gone("/s/below") && !state.is_gone("/a/1"));
    }

    /// The listings as they would be kept without an index: by collection, the paths of items.
    #[derive(Default)]
    struct Plain(BTreeMap<String, Vec<String>>);

    impl Plain {
        fn apply(&mut self, change: Change) {
            match change {
                Change::Link { collection, item } => {
                    let items = self.0.entry(collection).or_default();
                    if !items.contains(&item) {
                        items.push(item);
                    }
                }
                Change::Unlink { collection, item } => self.0.entry(collection).or_default().retain(|it| *it != item),
                Change::Empty(collection) => self.0.entry(collection).or_default().clear(),
                Change::Keep(collection) => drop(self.0.entry(collection).or_default()),
                Change::Remove(root) => {
                    let stays = |path: &String| *path != root && !path.starts_with(&format!("{root}/"));
                    self.0.retain(|collection, _| stays(collection));
                    self.0.values_mut().for_each(|items| items.retain(&stays));
                }
                Change::Put(..) | Change::Number { .. } => {}
            }
        }
    }

    fn change() -> impl Strategy<Value = Change> {
        let path =
            || proptest::sample::select(vec!["/a", "/a/1", "/a/10", "/a/1-2", "/a/1/b", "/a/1/b/2", "/c", "/c/3"]);
        let of = |path: &'static str| path.to_owned();
        prop_oneof![
            4 => (path(), path()).prop_map(|(collection, item)| link(collection, item)),
            2 => (path(), path()).prop_map(move |(collection, item)| Change::Unlink { collection: of(collection), item: of(item) }),
            1 => path().prop_map(move |collection| Change::Empty(of(collection))),
            1 => path().prop_map(move |collection| Change::Keep(of(collection))),
            2 => path().prop_map(move |root| Change::Remove(of(root))),
            1 => path().prop_map(put),
        ]
    }

    proptest! {
        #[test]
        fn what_collections_list_is_what_was_linked_and_not_removed(changes in proptest::collection::vec(change(), 0..30)) {
            let (mut state, mut plain) = (State::default(), Plain::default());
            for change in changes {
                plain.apply(change.clone());
                state.apply(vec![change]);
                let listed: BTreeMap<String, Vec<String>> = state
                    .collections()
                    .map(|(path, items)| (path.to_owned(), items.iter().map(str::to_owned).collect()))
                    .collect();
                prop_assert_eq!(&listed, &plain.0);
                for (collection, items) in &plain.0 {
                    let numbers = items.iter().filter_map(|item| item.rsplit('/').next()?.parse().ok());
                    prop_assert_eq!(state.collection(collection).map(Listed::largest), numbers.max().or(Some(0)));
                }
                let indexed: usize = state.listed_in.values().map(Vec::len).sum();
                prop_assert_eq!(indexed, plain.0.values().map(Vec::len).sum::<usize>());
                for (collection, item) in plain.0.iter().flat_map(|(path, items)| items.iter().map(move |it| (path, it))) {
                    prop_assert!(state.lists(collection, item));
                }
            }
        }
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
        assert_eq!(state.items("/items").count(), ITEMS);
        let removed = state.apply(items.iter().skip(1).map(|item| Change::Remove(item.clone())).collect());
        assert_eq!((removed.len(), state.items("/others").count()), (ITEMS - 1, 1));
        assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    }
}
