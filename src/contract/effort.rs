//! What checking a value costs where schemas apply to one place again and again: alternatives nested in alternatives.
//!
//! The engine tries each alternative on its own, and so do its error lists, so that the cost can be exponential in
//! the size of a document. Both are counted in advance here, each schema and place once.

use super::lower::reference_pointer;
use crate::source::pointer::find;
use serde_json::{Map, Value};
use std::collections::{HashMap, HashSet};

/// Schemas that may apply to one value, each as often as there are ways to it. Over it the schema is not used.
pub(super) const WAYS_MAX: u64 = 20_000;
/// Visits of a schema to a value that collecting violations may make, where most are not the first. Over it one
/// violation stands for all.
const VISITS_MAX: u64 = 200_000;
/// Visits for each pair of a schema and a value that are no sign of alternatives within alternatives.
const VISITS_PER_PAIR: u64 = 16;
/// Pairs that are counted; further ones count as one visit.
const PAIRS_MAX: usize = 500_000;
const DEPTH_MAX: usize = 500;

/// How many schemas apply to the same value as the one at `at`, by all ways.
pub(super) fn ways(root: &Value, at: &str) -> u64 {
    let mut counting = Counting { root, known: HashMap::new() };
    find(root, at).map_or(1, |schema| counting.count(schema, None, 0))
}

/// Whether collecting all violations of a value costs far more than looking at each part of it once.
pub(super) fn is_excessive(root: &Value, at: &str, value: &Value) -> bool {
    let mut counting = Counting { root, known: HashMap::new() };
    let visits = find(root, at).map_or(1, |schema| counting.count(schema, Some(value), 0));
    visits > VISITS_MAX && visits / VISITS_PER_PAIR > counting.known.len() as u64
}

/// Whether several schemas may apply to one value, so that collecting violations may be excessive at all.
pub(super) fn is_nested(root: &Value, at: &str) -> bool {
    let combines = |schema: &Map<String, Value>| {
        ["allOf", "anyOf", "oneOf", "not", "if"].iter().any(|keyword| schema.contains_key(*keyword))
    };
    reaches(root, at, &combines)
}

/// Whether the schema at a pointer is such a one or leads to one; also where it leads to too many to look at.
pub(super) fn reaches(root: &Value, at: &str, is_such: &dyn Fn(&Map<String, Value>) -> bool) -> bool {
    const VALUES_MAX: usize = 10_000;
    let mut entered = HashSet::new();
    let mut open: Vec<&Value> = find(root, at).into_iter().collect();
    while let Some(value) = open.pop() {
        if !entered.insert(std::ptr::from_ref(value).addr()) {
            continue;
        }
        if entered.len() > VALUES_MAX {
            return true;
        }
        match value {
            Value::Object(schema) if is_such(schema) => return true,
            Value::Object(schema) => {
                let target = schema.get("$ref").and_then(Value::as_str).and_then(reference_pointer);
                open.extend(target.and_then(|target| find(root, &target)));
                open.extend(schema.values().filter(|inner| inner.is_object() || inner.is_array()));
            }
            Value::Array(items) => open.extend(items.iter().filter(|item| item.is_object())),
            _ => {}
        }
    }
    false
}

struct Counting<'v> {
    root: &'v Value,
    /// By the addresses of schema and value.
    known: HashMap<(usize, usize), u64>,
}

impl<'v> Counting<'v> {
    /// Without a value only what applies in place counts.
    fn count(&mut self, place: &'v Value, value: Option<&'v Value>, depth: usize) -> u64 {
        let root = self.root;
        let address = |value: &Value| std::ptr::from_ref(value) as usize;
        let key = (address(place), value.map_or(0, address));
        if let Some(known) = self.known.get(&key) {
            return *known;
        }
        let Some(schema) = place.as_object().filter(|_| self.known.len() < PAIRS_MAX && depth < DEPTH_MAX) else {
            return 1;
        };
        // One that leads back to itself is cut off by the engine.
        self.known.insert(key, 0);
        let mut total: u64 = 1;
        let mut add = |found: u64| total = total.saturating_add(found);
        if let Some(target) = schema.get("$ref").and_then(Value::as_str).and_then(reference_pointer) {
            add(find(root, &target).map_or(1, |schema| self.count(schema, value, depth + 1)));
        }
        for keyword in ["allOf", "anyOf", "oneOf"] {
            for branch in schema.get(keyword).and_then(Value::as_array).into_iter().flatten() {
                add(self.count(branch, value, depth + 1));
            }
        }
        for inner in ["not", "if", "then", "else"].into_iter().filter_map(|keyword| schema.get(keyword)) {
            add(self.count(inner, value, depth + 1));
        }
        match value {
            Some(Value::Object(members)) => {
                let properties = schema.get("properties");
                let others = schema.get("additionalProperties").filter(|others| others.is_object());
                for (name, member) in members {
                    if let Some(inner) = properties.and_then(|properties| properties.get(name)).or(others) {
                        add(self.count(inner, Some(member), depth + 1));
                    }
                }
            }
            Some(Value::Array(items)) => {
                if let Some(inner) = schema.get("items").filter(|inner| inner.is_object()) {
                    for item in items {
                        add(self.count(inner, Some(item), depth + 1));
                    }
                }
            }
            _ => {}
        }
        self.known.insert(key, total);
        total
    }
}
