//! A state under another contract, or another seed: what still fits stays, what does not goes back to the seed.

use super::{Collection, Model};
use crate::contract::{Contract, Prepared};
use crate::diagnostic::Diagnostic;
use crate::store::{Change, Stamp, State};
use serde_json::Value;
use std::collections::BTreeMap;

/// A resource that the contract no longer allows.
#[derive(Debug)]
pub(crate) struct Dropped {
    pub(crate) path: String,
    /// The first thing that is wrong with it; `None` if the contract has no such resource.
    pub(crate) because: Option<Diagnostic>,
    /// Whether the seed's took its place.
    pub(crate) is_seeded: bool,
}

impl Model {
    /// What vouches for states that were checked with this model and its contract.
    pub(crate) fn stamp(&self) -> &Stamp {
        &self.stamp
    }

    /// The state, as far as the contract allows it, and what it does not allow. `before` is the seed that it came from,
    /// `after` the seed that it would come from now: what nobody changed follows the seed, what somebody changed stays.
    pub(crate) fn refitted(
        &self,
        contract: &Contract,
        state: &State,
        before: &State,
        after: &State,
    ) -> (State, Vec<Dropped>) {
        let refit = Refit { model: self, contract, state, before, after };
        let (resources, dropped) = refit.resources();
        // What is removed takes along all below it, so that goes first.
        let mut changes = refit.gone();
        changes.extend(resources.iter().map(|(path, found)| Change::Put(path.clone(), found.clone())));
        changes.extend(refit.collections(&resources));
        let mut fitted = State::default();
        fitted.apply(changes);
        fitted.certify(&self.stamp);
        (fitted, dropped)
    }
}

struct Refit<'a> {
    model: &'a Model,
    contract: &'a Contract,
    state: &'a State,
    before: &'a State,
    after: &'a State,
}

impl Refit<'_> {
    fn resources(&self) -> (BTreeMap<String, Prepared>, Vec<Dropped>) {
        let (mut kept, mut dropped) = (BTreeMap::new(), Vec::new());
        for (path, own) in self.state.resources() {
            let seeded = self.after.resource(path);
            let is_untouched = self.before.resource(path).is_some_and(|before| before.value == own.value);
            let stays = if is_untouched {
                seeded
            } else {
                match self.check(path, &own.value) {
                    Ok(()) => Some(own),
                    Err(because) => {
                        dropped.push(Dropped { path: path.clone(), because, is_seeded: seeded.is_some() });
                        seeded
                    }
                }
            };
            if let Some(stays) = stays {
                kept.insert(path.clone(), stays.clone());
            }
        }
        // What the seed has anew; what was deleted stays deleted.
        for (path, seeded) in self.after.resources() {
            let is_new = self.before.resource(path).is_none() && self.state.resource(path).is_none();
            if is_new && !self.state.is_gone(path) {
                kept.insert(path.clone(), seeded.clone());
            }
        }
        (kept, dropped)
    }

    /// Whether the contract allows a representation at a path; an error is the first thing that is wrong with it.
    fn check(&self, path: &str, value: &Value) -> Result<(), Option<Diagnostic>> {
        if let Some((content, template, _)) = self.contract.resource(path) {
            if self.model.collection(template).is_some() {
                return Err(None);
            }
            let violation = self.contract.check_value(content, value).into_iter().next();
            return violation.map_or(Ok(()), |violation| Err(Some(violation)));
        }
        // Items that only their collection shows.
        let collection = path.rsplit_once('/').and_then(|(home, _)| self.collection(home)).ok_or(None)?;
        let value = collection.thing(value);
        let shows = collection.envelope.as_ref().is_none_or(|envelope| {
            let item = envelope.item;
            self.contract.takes(item, value) || self.contract.completed(item, value, 0).is_some()
        });
        if shows { Ok(()) } else { Err(None) }
    }

    fn collection(&self, path: &str) -> Option<&Collection> {
        self.model.collection(self.contract.template_at(path)?)
    }

    /// Which collections are kept, and what they list.
    fn collections(&self, resources: &BTreeMap<String, Prepared>) -> Vec<Change> {
        let mut changes = Vec::new();
        let new = self
            .after
            .collections()
            .filter(|(path, _)| self.state.collection(path).is_none() && self.before.collection(path).is_none());
        for (path, items) in self.state.collections().chain(new) {
            if self.collection(path).is_none() {
                continue;
            }
            changes.push(Change::Keep(path.to_owned()));
            let added = self.after.items(path).filter(|item| !self.before.lists(path, item));
            for item in items.iter().chain(added).filter(|item| resources.contains_key(*item)) {
                changes.push(Change::Link { collection: path.to_owned(), item: item.to_owned() });
            }
            let last = self.state.number(path).max(self.after.number(path));
            if last > 0 {
                changes.push(Change::Number { collection: path.to_owned(), last });
            }
        }
        changes
    }

    /// Paths that stay deleted.
    fn gone(&self) -> Vec<Change> {
        let new = self
            .after
            .gone()
            .iter()
            .filter(|path| !self.before.gone().contains(*path) && self.state.resource(path).is_none());
        let known = self.state.gone().iter().chain(new);
        known.filter(|path| self.contract.template_at(path).is_some()).cloned().map(Change::Remove).collect()
    }
}
