//! What checking a value costs where schemas apply to one place again and again: alternatives nested in alternatives.
//!
//! The engine tries each alternative on its own, and so do its error lists, so that the cost can be exponential in
//! the size of a document. Both are counted in advance here, each schema and place once.

use super::lower::reference_pointer;
use serde_json::Value;
use std::collections::HashMap;

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
    Counting { root, known: HashMap::new() }.count(at, None, 0)
}

/// Whether collecting all violations of a value costs far more than looking at each part of it once.
pub(super) fn is_excessive(root: &Value, at: &str, value: &Value) -> bool {
    let mut counting = Counting { root, known: HashMap::new() };
    let visits = counting.count(at, Some(value), 0);
    visits > VISITS_MAX && visits / VISITS_PER_PAIR > counting.known.len() as u64
}

struct Counting<'v> {
    root: &'v Value,
    /// By the addresses of schema and value.
    known: HashMap<(usize, usize), u64>,
}

impl<'v> Counting<'v> {
    /// Without a value only what applies in place counts.
    fn count(&mut self, at: &str, value: Option<&'v Value>, depth: usize) -> u64 {
        let root = self.root;
        let Some(place) = root.pointer(at) else { return 1 };
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
            add(self.count(&target, value, depth + 1));
        }
        for keyword in ["allOf", "anyOf", "oneOf"] {
            for index in 0..schema.get(keyword).and_then(Value::as_array).map_or(0, Vec::len) {
                add(self.count(&format!("{at}/{keyword}/{index}"), value, depth + 1));
            }
        }
        for keyword in ["not", "if", "then", "else"].into_iter().filter(|keyword| schema.contains_key(*keyword)) {
            add(self.count(&format!("{at}/{keyword}"), value, depth + 1));
        }
        match value {
            Some(Value::Object(members)) => {
                for (name, member) in members {
                    let declared = schema.get("properties").is_some_and(|properties| properties.get(name).is_some());
                    if declared {
                        let place = crate::source::pointer::join(&format!("{at}/properties"), name);
                        add(self.count(&place, Some(member), depth + 1));
                    } else if schema.get("additionalProperties").is_some_and(Value::is_object) {
                        add(self.count(&format!("{at}/additionalProperties"), Some(member), depth + 1));
                    }
                }
            }
            Some(Value::Array(items)) if schema.get("items").is_some_and(Value::is_object) => {
                for item in items {
                    add(self.count(&format!("{at}/items"), Some(item), depth + 1));
                }
            }
            _ => {}
        }
        self.known.insert(key, total);
        total
    }
}
