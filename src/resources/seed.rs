//! Resources as people write them, into a state: by fixtures, the control plane and embedders. A representation of a
//! collection stands for its items.

use super::infer::last_expression;
use super::list::text;
use super::read::filled;
use super::{Collection, Item, Items, Model, Role};
use crate::contract::{Contract, Prepared, resource_path, segment};
use crate::store::{Change, State};
use serde_json::Value;
use std::collections::HashSet;

impl Model {
    /// Adds a checked resource to a state, as a fixture gives it: an item that is there already stays as it is when a
    /// collection lists it.
    pub(crate) fn seed(&self, template: &str, captures: &[&str], value: &Value, state: &mut State) {
        state.certify_addition(self.stamp());
        let mut changes = Vec::new();
        let path = resource_path(template, captures);
        match self.place(template).map(|place| &place.role) {
            Some(Role::Collection(collection)) if collection.envelope.is_some() => {
                changes.push(Change::Keep(path.clone()));
                for (item_path, item) in collection.listed(template, captures, value) {
                    if state.resource(&item_path).is_none() {
                        changes.push(Change::Put(item_path.clone(), Prepared::json(item)));
                    }
                    self.link_home(collection, &item_path, &mut changes);
                    changes.push(Change::Link { collection: path.clone(), item: item_path });
                }
            }
            Some(Role::Item(item)) => self.seed_item(item, template, captures, value, &mut changes),
            _ => changes.push(Change::Put(path, Prepared::json(value.clone()))),
        }
        state.apply(changes);
    }

    fn seed_item(&self, item: &Item, template: &str, captures: &[&str], value: &Value, changes: &mut Vec<Change>) {
        let path = resource_path(template, captures);
        let own = item.path(template, captures);
        changes.push(Change::Put(own.clone(), Prepared::json(value.clone())));
        if let (Some(_), Some((collection, _))) = (&item.collection, path.rsplit_once('/')) {
            changes.push(Change::Link { collection: collection.to_owned(), item: own.clone() });
        }
        let elsewhere = item.refers_to.as_deref().and_then(last_expression);
        if let (Some((home, _)), Some((above, _))) = (elsewhere, own.rsplit_once('/'))
            && self.collection(home).is_some()
        {
            changes.push(Change::Link { collection: above.to_owned(), item: own.clone() });
        }
    }

    /// A collection that refers to items elsewhere has them listed there, too, where that is a collection.
    fn link_home(&self, collection: &Collection, item: &str, changes: &mut Vec<Change>) {
        let home = match &collection.items {
            Items::Elsewhere(elsewhere) => last_expression(elsewhere).map(|(home, _)| home),
            _ => None,
        };
        if let (Some(home), Some((above, _))) = (home, item.rsplit_once('/'))
            && self.collection(home).is_some()
        {
            changes.push(Change::Link { collection: above.to_owned(), item: item.to_owned() });
        }
    }

    /// The steps that put a checked resource in the place of what the state has there: afterwards a collection holds
    /// these items in this order, and no other.
    pub(crate) fn set(&self, template: &str, captures: &[&str], value: &Value, state: &State) -> Vec<Change> {
        let path = resource_path(template, captures);
        let mut changes = Vec::new();
        match self.place(template).map(|place| &place.role) {
            Some(Role::Collection(collection)) if collection.envelope.is_some() => {
                let listed = collection.listed(template, captures, value);
                let stays: HashSet<&str> = listed.iter().map(|(item, _)| item.as_str()).collect();
                changes.push(Change::Keep(path.clone()));
                changes.extend(collection.without(state.items(&path).filter(|item| !stays.contains(item))));
                changes.push(Change::Empty(path.clone()));
                for (item_path, item) in listed {
                    changes.push(Change::Put(item_path.clone(), Prepared::json(item)));
                    self.link_home(collection, &item_path, &mut changes);
                    changes.push(Change::Link { collection: path.clone(), item: item_path });
                }
            }
            Some(Role::Item(item)) => self.seed_item(item, template, captures, value, &mut changes),
            _ => changes.push(Change::Put(path, Prepared::json(value.clone()))),
        }
        changes
    }

    /// The steps that remove what the state has at a path, as DELETE would: a collection is empty then, all else is not there.
    pub(crate) fn remove(&self, template: &str, captures: &[&str], state: &State) -> Vec<Change> {
        let path = resource_path(template, captures);
        match self.place(template).map(|place| &place.role) {
            Some(Role::Collection(collection)) => {
                let mut changes = vec![Change::Keep(path.clone())];
                changes.extend(collection.without(state.items(&path)));
                changes.push(Change::Empty(path));
                changes
            }
            Some(Role::Item(item)) => {
                let own = item.path(template, captures);
                let collection = path.rsplit_once('/').map(|(collection, _)| collection.to_owned());
                match collection.filter(|_| item.collection.is_some()) {
                    Some(collection) if item.refers_to.is_some() => vec![Change::Unlink { collection, item: own }],
                    Some(collection) => vec![Change::Keep(collection), Change::Remove(own)],
                    None => vec![Change::Remove(own)],
                }
            }
            _ => vec![Change::Remove(path)],
        }
    }

    /// What a state has at a path, a collection in its contract's own form; `None` if nothing was ever said about it.
    pub(crate) fn shown(&self, contract: &Contract, state: &State, path: &str) -> Option<Value> {
        let (_, template, captures) = contract.resource(path)?;
        let captures: Vec<&str> = captures.iter().map(String::as_str).collect();
        let path = resource_path(template, &captures);
        match self.place(template).map(|place| &place.role) {
            Some(Role::Collection(collection)) => {
                let items = state.collection(&path)?;
                let listed =
                    items.iter().filter_map(|item| Some(collection.thing(&state.resource(item)?.value).clone()));
                collection.envelope.as_ref()?.listing(contract, listed.collect(), &path)
            }
            Some(Role::Item(item)) => {
                state.resource(&item.path(template, &captures)).map(|found| Value::clone(&found.value))
            }
            _ => state.resource(&path).map(|found| Value::clone(&found.value)),
        }
    }
}

impl Item {
    /// The path that the item has of its own.
    fn path(&self, template: &str, captures: &[&str]) -> String {
        match self.refers_to.as_deref().and_then(last_expression) {
            Some((home, _)) => {
                // The last segment of the reference is the item's own.
                let reference = resource_path(template, captures);
                let id = reference.rsplit_once('/').map_or("", |(_, id)| id);
                format!("{}/{id}", filled(home, template, captures))
            }
            None => resource_path(template, captures),
        }
    }
}

impl Collection {
    /// The items of a representation, each with its own path.
    fn listed(&self, template: &str, captures: &[&str], value: &Value) -> Vec<(String, Value)> {
        let items = self.envelope.as_ref().and_then(|envelope| envelope.items_in(value));
        let path = resource_path(template, captures);
        let path_of = |(index, item): (usize, &Value)| {
            let id = self.id.as_ref().and_then(|id| item.get(id)).map_or_else(|| (index + 1).to_string(), text);
            let id = segment(&id);
            let path = match &self.items {
                // Only expressions that the two templates share can be filled in.
                Items::Elsewhere(elsewhere) => {
                    let above = last_expression(elsewhere).map_or("", |(above, _)| above);
                    format!("{}/{id}", filled(above, template, captures))
                }
                _ => format!("{path}/{id}"),
            };
            let whole = self.kind.as_ref().map_or_else(|| item.clone(), |kind| kind.close(item.clone(), None));
            (path, whole)
        };
        items.into_iter().flatten().enumerate().map(path_of).collect()
    }

    /// What an item is within its representation.
    pub(super) fn thing<'v>(&self, value: &'v Value) -> &'v Value {
        self.kind.as_ref().map_or(value, |kind| kind.open(value))
    }

    /// The steps that make items cease to be which are the collection's own; others it only refers to.
    fn without<'i>(&self, items: impl Iterator<Item = &'i str>) -> Vec<Change> {
        match self.items {
            Items::Elsewhere(_) => Vec::new(),
            _ => items.map(|item| Change::Remove(item.to_owned())).collect(),
        }
    }
}
