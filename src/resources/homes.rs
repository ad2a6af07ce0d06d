//! The paths that read one item, found by what they read: there may be thousands, and each collection asks where its
//! items are.

use super::entity::Entity;
use super::infer::{last_expression, noun};
use crate::contract::{Contract, Structure};
use std::collections::HashMap;

/// A path that reads one item.
struct Home<'c> {
    template: &'c str,
    /// The expressions before its last segment.
    above: Vec<&'c str>,
}

impl Home<'_> {
    /// Whether all expressions but the last are those of the collection's template.
    fn is_fillable(&self, collection: &str) -> bool {
        self.above.iter().all(|segment| collection.split('/').any(|known| known == *segment))
    }
}

/// Numbers of homes: those of the fewest expressions first, of these the shortest.
type Found = Vec<usize>;

/// All of them.
#[derive(Default)]
pub(super) struct Homes<'c> {
    homes: Vec<Home<'c>>,
    /// By the whole representation.
    by_whole: HashMap<Structure, Found>,
    /// By the whole, and by the thing in it.
    by_kind: HashMap<Structure, Found>,
    /// By what these say, with one of those that say so.
    by_wording: HashMap<u64, Vec<(Structure, Found)>>,
    by_noun: HashMap<&'c str, Found>,
}

impl<'c> Homes<'c> {
    /// `items`: templates of items with what is read there, in the order of the templates.
    pub(super) fn new(contract: &Contract, items: impl Iterator<Item = (&'c str, Structure)>) -> Self {
        let mut items: Vec<(&str, Structure)> = items.collect();
        items.sort_by_key(|(template, _)| (template.matches('{').count(), template.len()));
        let mut found = Self::default();
        for (number, (template, whole)) in items.into_iter().enumerate() {
            let above = last_expression(template).map_or("", |(above, _)| above);
            let above = above.split('/').filter(|segment| segment.contains('{')).collect();
            found.homes.push(Home { template, above });
            found.by_whole.entry(whole).or_default().push(number);
            found.by_noun.entry(noun(template)).or_default().push(number);
            let thing = Entity::find(contract, whole).structure();
            for kind in [Some(whole), Some(thing).filter(|thing| *thing != whole)].into_iter().flatten() {
                found.by_kind.entry(kind).or_default().push(number);
                let Some(wording) = contract.wording(kind) else { continue };
                let alike = found.by_wording.entry(wording).or_default();
                match alike.iter_mut().find(|(known, _)| contract.is_same(*known, kind)) {
                    Some((_, same)) => same.push(number),
                    None => alike.push((kind, vec![number])),
                }
            }
        }
        found
    }

    /// The first that a collection's expressions fill, and that is wanted.
    fn first(&self, found: Option<&Found>, collection: &str, wanted: impl Fn(&str) -> bool) -> Option<&'c str> {
        let mut homes = found.into_iter().flatten().filter_map(|number| self.homes.get(*number));
        homes.find(|home| home.is_fillable(collection) && wanted(home.template)).map(|home| home.template)
    }

    /// Where a collection's items are read by the very same schema.
    pub(super) fn of_whole(
        &self,
        whole: Structure,
        collection: &str,
        wanted: impl Fn(&str) -> bool,
    ) -> Option<&'c str> {
        self.first(self.by_whole.get(&whole), collection, wanted)
    }

    /// Where a collection's items are read: one schema goes before two that say the same.
    pub(super) fn of_kind(&self, contract: &Contract, kind: Structure, collection: &str) -> Option<&'c str> {
        let alike = || {
            let alike = self.by_wording.get(&contract.wording(kind)?)?;
            let (_, same) = alike.iter().find(|(known, _)| contract.is_same(*known, kind))?;
            self.first(Some(same), collection, |_| true)
        };
        self.first(self.by_kind.get(&kind), collection, |_| true).or_else(alike)
    }

    /// Where things of a collection's name are read.
    pub(super) fn of_noun(&self, collection: &str) -> Option<&'c str> {
        self.first(self.by_noun.get(noun(collection)), collection, |_| true)
    }
}
