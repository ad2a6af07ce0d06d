//! Resources as fixtures give them, into a state; and a state as fixtures would give it.

use super::infer::last_expression;
use super::list::text;
use super::{Items, Model, Role};
use crate::contract::{Contract, Prepared, resource_path, segment};
use crate::store::{Change, State};
use serde_json::{Map, Value};

impl Model {
    /// Adds a checked resource to a state. The representation of a collection becomes its items.
    pub(crate) fn seed(&self, template: &str, captures: &[&str], value: &Value, state: &mut State) {
        let path = resource_path(template, captures);
        let place = self.place(template);
        state.certify_addition(self.stamp());
        let mut changes = Vec::new();
        match place.map(|place| &place.role) {
            Some(Role::Collection(collection)) if collection.envelope.is_some() => {
                changes.push(Change::Keep(path.clone()));
                let items = collection.envelope.as_ref().and_then(|envelope| envelope.items_in(value));
                for (index, item) in items.into_iter().flatten().enumerate() {
                    let id = collection
                        .id
                        .as_ref()
                        .and_then(|id| item.get(id))
                        .map_or_else(|| (index + 1).to_string(), text);
                    let id = segment(&id);
                    let item_path = match &collection.items {
                        Items::Elsewhere(elsewhere) => {
                            let above = last_expression(elsewhere).map_or("", |(above, _)| above);
                            // Only expressions that the two templates share can be filled in.
                            format!("{}/{id}", super::read::filled(above, template, captures))
                        }
                        _ => format!("{path}/{id}"),
                    };
                    if state.resource(&item_path).is_none() {
                        changes.push(Change::Put(item_path.clone(), Prepared::json(item.clone())));
                    }
                    let home = item_path.rsplit_once('/').map(|(home, _)| home.to_owned()).unwrap_or_default();
                    changes.push(Change::Link { collection: home, item: item_path.clone() });
                    changes.push(Change::Link { collection: path.clone(), item: item_path });
                }
            }
            Some(Role::Item(item)) => {
                changes.push(Change::Put(path.clone(), Prepared::json(value.clone())));
                if let (Some(_), Some((home, _))) = (&item.collection, path.rsplit_once('/')) {
                    changes.push(Change::Link { collection: home.to_owned(), item: path.clone() });
                }
            }
            _ => changes.push(Change::Put(path, Prepared::json(value.clone()))),
        }
        state.apply(changes);
    }

    /// The resources of a state as a fixture file has them: every item, and collections that only refer to items.
    pub(crate) fn exported(&self, contract: &Contract, state: &State) -> Map<String, Value> {
        let mut resources = Map::new();
        for (path, representation) in state.resources() {
            if contract.template_of(path).is_some() {
                resources.insert(path.clone(), Value::clone(&representation.value));
            }
        }
        for (path, items) in state.collections() {
            let Some((template, _)) = contract.template_of(path) else { continue };
            let Some(collection) = self.collection(template) else { continue };
            let (Some(envelope), false) = (&collection.envelope, matches!(collection.items, Items::Below(_))) else {
                continue;
            };
            let listed: Vec<Value> =
                items.iter().filter_map(|item| Some(Value::clone(&state.resource(item)?.value))).collect();
            if let Some(whole) = envelope.listing(contract, listed, path) {
                resources.insert(path.clone(), whole);
            }
        }
        resources
    }
}
