//! A state as a fixture file would give it.

use super::{Items, Model, Role};
use crate::contract::Contract;
use crate::store::{Listed, State};
use serde_json::{Map, Value};
use std::collections::HashSet;

/// What a fixture file says of a state.
#[derive(Debug, Default)]
pub(crate) struct Exported {
    pub(crate) resources: Map<String, Value>,
    /// Paths that are known not to exist.
    pub(crate) deleted: Vec<String>,
    /// Paths of what a fixture file cannot say: no GET of the contract reads it.
    pub(crate) left_out: Vec<String>,
}

impl Model {
    /// The resources of a state in an order that brings them back: items in the order of their collection, and
    /// collections whole where their items have no path of their own, or are listed elsewhere, too.
    pub(crate) fn exported(&self, contract: &Contract, state: &State) -> Exported {
        let mut exported = Exported::default();
        let readable = |path: &str| contract.resource(path).is_some();
        let mut whole = Vec::new();
        for (path, items) in state.collections() {
            if self.is_told_by_items(contract, path, items) {
                for item in items.iter() {
                    put(state, item, &mut exported.resources);
                }
            } else {
                whole.push(path);
            }
        }
        for path in state.resources().keys().filter(|path| readable(path)) {
            put(state, path, &mut exported.resources);
        }
        for path in whole {
            if let Some(value) = self.shown(contract, state, path) {
                exported.resources.insert(path.to_owned(), value);
            }
        }
        exported.deleted = state.gone().iter().filter(|path| readable(path)).cloned().collect();
        let shown = state.collections().filter(|(collection, _)| exported.resources.contains_key(*collection));
        let listed: HashSet<&str> = shown.flat_map(|(_, items)| items.iter()).collect();
        let said = |path: &String| exported.resources.contains_key(path) || listed.contains(path.as_str());
        exported.left_out = state.resources().keys().filter(|path| !said(path)).cloned().collect();
        exported
    }

    /// Whether a collection comes back by its items alone.
    fn is_told_by_items(&self, contract: &Contract, path: &str, items: &Listed) -> bool {
        let Some((_, template, _)) = contract.resource(path) else { return true };
        let owns = match self.place(template).map(|place| &place.role) {
            Some(Role::Collection(collection)) => matches!(collection.items, Items::Below(_)),
            _ => true,
        };
        owns && !items.is_empty() && items.iter().all(|item| contract.resource(item).is_some())
    }
}

fn put(state: &State, path: &str, resources: &mut Map<String, Value>) {
    if let Some(found) = state.resource(path).filter(|_| !resources.contains_key(path)) {
        resources.insert(path.to_owned(), Value::clone(&found.value));
    }
}
