//! What checking a value costs where schemas apply to one place again and again: alternatives nested in alternatives.
//!
//! The engine tries each alternative on its own, and so do its error lists, so that the cost can be exponential in
//! the size of a document. Both are counted in advance here, each schema and place once.

use super::lower::reference_pointer;
use serde_json::Value;
use std::collections::{HashMap, HashSet};

/// Schemas that may apply to one value, each as often as there are ways to it. Over it the schema is not used.
pub(super) const WAYS_MAX: u64 = 20_000;
/// Visits of a schema to a value that collecting violations may make, where most are not the first. Over it one
/// violation stands for all.
const VISITS_MAX: u64 = 200_000;
/// Visits for each pair of a schema and a value that are no sign of alternatives within alternatives.
const VISITS_PER_PAIR: u64 = 16;
/// Visits of a schema to a value that are counted. Over it only the first violation of the value is told.
const STEPS_MAX: usize = 500_000;
/// Bytes of the names that lead to a value which make a visit of it count once more: each violation has them all.
const PATH_BYTES: usize = 64;
const DEPTH_MAX: usize = 500;

/// How many schemas apply to the same value as the one at `at`, by all ways.
pub(super) fn ways(root: &Value, at: &str) -> u64 {
    Counting { root, known: HashMap::new(), steps: 0, path_bytes: 0 }.count(at, None, 0)
}

/// What it costs to tell all that is wrong with a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cost {
    /// All can be told.
    Usual,
    /// The engine lists all violations before it gives the first: only the first one can be told.
    High,
    /// Alternatives list all violations of all branches before there is a first one: none can be told.
    Excessive,
}

/// What collecting the violations of a value costs.
pub(super) fn cost(root: &Value, at: &str, value: &Value) -> Cost {
    let mut counting = Counting { root, known: HashMap::new(), steps: 0, path_bytes: 0 };
    let visits = counting.count(at, Some(value), 0);
    if visits > VISITS_MAX && visits / VISITS_PER_PAIR > counting.known.len() as u64 {
        Cost::Excessive
    } else if counting.steps < STEPS_MAX {
        Cost::Usual
    } else if has_alternatives(root, at) {
        Cost::Excessive
    } else {
        Cost::High
    }
}

/// Whether there are alternatives in a schema, or in one that it leads to.
fn has_alternatives(root: &Value, at: &str) -> bool {
    let mut entered = HashSet::from([at.to_owned()]);
    let mut open: Vec<&Value> = root.pointer(at).into_iter().collect();
    while let Some(value) = open.pop() {
        match value {
            Value::Object(members) => {
                if ["oneOf", "anyOf"].iter().any(|keyword| members.get(*keyword).is_some_and(Value::is_array)) {
                    return true;
                }
                let target = members.get("$ref").and_then(Value::as_str).and_then(reference_pointer);
                if let Some(target) = target.filter(|target| entered.insert(target.clone().into_owned())) {
                    open.extend(root.pointer(&target));
                }
                open.extend(members.values());
            }
            Value::Array(items) => open.extend(items),
            _ => {}
        }
    }
    false
}

struct Counting<'v> {
    root: &'v Value,
    steps: usize,
    /// Of the names on the way to the value.
    path_bytes: usize,
    /// By the addresses of schema and value.
    known: HashMap<(usize, usize), u64>,
}

impl<'v> Counting<'v> {
    /// Without a value only what applies in place counts.
    fn count(&mut self, at: &str, value: Option<&'v Value>, depth: usize) -> u64 {
        self.steps += 1 + self.path_bytes / PATH_BYTES;
        if self.steps > STEPS_MAX {
            return 1;
        }
        let root = self.root;
        let Some(place) = root.pointer(at) else { return 1 };
        let address = |value: &Value| std::ptr::from_ref(value) as usize;
        let key = (address(place), value.map_or(0, address));
        if let Some(known) = self.known.get(&key) {
            return *known;
        }
        let Some(schema) = place.as_object().filter(|_| depth < DEPTH_MAX) else {
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
                    if self.steps > STEPS_MAX {
                        break;
                    }
                    self.path_bytes += name.len();
                    let declared = schema.get("properties").is_some_and(|properties| properties.get(name).is_some());
                    if declared {
                        let place = crate::source::pointer::join(&format!("{at}/properties"), name);
                        add(self.count(&place, Some(member), depth + 1));
                    } else {
                        for keyword in ["additionalProperties", "unevaluatedProperties"] {
                            if schema.get(keyword).is_some_and(Value::is_object) {
                                add(self.count(&format!("{at}/{keyword}"), Some(member), depth + 1));
                            }
                        }
                        // Whether a pattern matches is not asked: this is an estimate from above.
                        let patterns = schema.get("patternProperties").and_then(Value::as_object);
                        for pattern in patterns.into_iter().flat_map(|patterns| patterns.keys()) {
                            let place = crate::source::pointer::join(&format!("{at}/patternProperties"), pattern);
                            add(self.count(&place, Some(member), depth + 1));
                        }
                    }
                    self.path_bytes -= name.len();
                }
            }
            Some(Value::Array(items)) if schema.get("items").is_some_and(Value::is_object) => {
                for item in items.iter().take(STEPS_MAX.saturating_sub(self.steps)) {
                    add(self.count(&format!("{at}/items"), Some(item), depth + 1));
                }
            }
            _ => {}
        }
        self.known.insert(key, total);
        total
    }
}
