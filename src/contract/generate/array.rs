//! Arrays: as many items as are asked for, with those that `contains` wants, different where they must be.

use super::merge::Merged;
use super::{Generator, MEMBERS_MAX, OPTIONAL_DEPTH_MAX, VALUES_MAX};
use serde_json::Value;

impl Generator<'_> {
    pub(super) fn array(&mut self, merged: &Merged, depth: usize) -> Option<Value> {
        let count = self.item_count(merged, depth)?;
        let places = self.places(merged, count);
        let allowance = self.allowance;
        let share = allowance.saturating_sub(1) / u32::try_from(count.max(1)).unwrap_or(u32::MAX);
        let mut items: Vec<Value> = Vec::new();
        for pointers in &places {
            self.allowance = share;
            let item = self.item(pointers, &items, merged.unique, depth);
            self.allowance = allowance;
            match item {
                Some(item) => items.push(item),
                None if (items.len() as u64) < merged.items_min => return None,
                None => break,
            }
        }
        Some(Value::Array(items))
    }

    fn item_count(&mut self, merged: &Merged, depth: usize) -> Option<u64> {
        let prefix = merged.prefix.len() as u64;
        let contained: u64 = merged.contains.iter().map(|(_, least)| *least).sum();
        let mut count = merged.items_min;
        if contained > 0 {
            count = count.max(prefix.saturating_add(contained).min(merged.items_max)).max(merged.contains_min());
        }
        if count > MEMBERS_MAX {
            return None;
        }
        let closed = depth >= OPTIONAL_DEPTH_MAX || self.values >= VALUES_MAX || self.attempt % 4 == 3;
        let wanted = !closed
            && !merged.items.iter().any(|pointer| self.leads_back(pointer))
            && (self.allowance > 0 || !merged.items.iter().any(|pointer| self.is_composite(pointer, 0)));
        if count == 0 && wanted {
            count = if prefix > 0 { prefix } else { 1 };
            if !self.plain() && self.ordinal.is_none() && merged.contains.is_empty() {
                count += self.random() % 2;
            }
        }
        if merged.items_closed {
            count = count.min(prefix);
        }
        Some(count.min(merged.items_max))
    }

    /// The schemas of each item: those of its place, and of what must be contained somewhere.
    fn places(&mut self, merged: &Merged, count: u64) -> Vec<Vec<String>> {
        let count = usize::try_from(count).unwrap_or(0);
        let mut places: Vec<Vec<String>> =
            (0..count).map(|place| merged.prefix.get(place).cloned().unwrap_or_else(|| merged.items.clone())).collect();
        let free = merged.prefix.len().min(count);
        let start = if free < count { free } else { self.choose(count) };
        let mut place = start;
        for (pointer, least) in &merged.contains {
            for _ in 0..*least {
                if let Some(pointers) = places.get_mut(place) {
                    pointers.push(pointer.clone());
                }
                place += 1;
                if place >= count {
                    // Beyond the free places, items of the prefix have to serve, too.
                    place = 0;
                }
            }
        }
        places
    }

    /// An item, other than those before it where they must differ.
    fn item(&mut self, pointers: &[String], before: &[Value], unique: bool, depth: usize) -> Option<Value> {
        const TRIES_MAX: u64 = 64;
        let first = self.value(pointers, depth + 1);
        if !unique || first.as_ref().is_some_and(|first| !before.contains(first)) {
            return first;
        }
        let outer = self.ordinal;
        let mut found = None;
        for turn in 0..TRIES_MAX {
            // All instances have a number; those before are mostly the ones with the lower numbers.
            self.ordinal = Some(before.len() as u64 + turn);
            let candidate = self.value(pointers, depth + 1);
            found = candidate.filter(|candidate| !before.contains(candidate));
            if found.is_some() || !self.spend(before.len() / 8 + 1) {
                break;
            }
        }
        self.ordinal = outer;
        found
    }
}
