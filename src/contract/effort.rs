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
/// Visits of a schema to a value that are counted. Over it only the first violation of the value is told.
const STEPS_MAX: usize = 500_000;
/// Bytes of the names that lead to a value which make a visit of it count once more: each violation has them all.
const PATH_BYTES: usize = 64;
const DEPTH_MAX: usize = 500;

/// How many schemas apply to the same value as the one at `at`, by all ways.
pub(super) fn ways(root: &Value, at: &str) -> u64 {
    find(root, at).map_or(1, |schema| Counting::new(root).count(schema, None, 0))
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
    let mut counting = Counting::new(root);
    let visits = find(root, at).map_or(1, |schema| counting.count(schema, Some(value), 0));
    let has_alternatives =
        |schema: &Map<String, Value>| ["oneOf", "anyOf"].iter().any(|keyword| schema.contains_key(*keyword));
    if visits > VISITS_MAX && visits / VISITS_PER_PAIR > counting.known.len() as u64 {
        Cost::Excessive
    } else if counting.steps < STEPS_MAX {
        Cost::Usual
    } else if reaches(root, at, &has_alternatives) {
        Cost::Excessive
    } else {
        Cost::High
    }
}

/// Whether several schemas may apply to one value, so that even a small one may cost much.
pub(super) fn is_nested(root: &Value, at: &str) -> bool {
    let keywords = ["allOf", "anyOf", "oneOf", "not", "if", "patternProperties", "unevaluatedProperties"];
    reaches(root, at, &|schema| keywords.iter().any(|keyword| schema.contains_key(*keyword)))
}

/// Whether a value is so small that no schema that is not [nested](is_nested) makes it cost much.
pub(super) fn is_small(value: &Value) -> bool {
    const VALUES_MAX: usize = 256;
    const NAME_BYTES_MAX: usize = 4_096;
    let (mut values, mut name_bytes) = (0, 0);
    let mut open = vec![value];
    while let Some(value) = open.pop() {
        match value {
            Value::Object(members) => {
                values += members.len();
                name_bytes += members.keys().map(String::len).sum::<usize>();
                open.extend(members.values().filter(|member| member.is_object() || member.is_array()));
            }
            Value::Array(items) => {
                values += items.len();
                open.extend(items.iter().take(VALUES_MAX).filter(|item| item.is_object() || item.is_array()));
            }
            _ => {}
        }
        if values > VALUES_MAX || name_bytes > NAME_BYTES_MAX {
            return false;
        }
    }
    true
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
    steps: usize,
    /// Of the names on the way to the value.
    path_bytes: usize,
    /// By the addresses of schema and value.
    known: HashMap<(usize, usize), u64>,
}

impl<'v> Counting<'v> {
    fn new(root: &'v Value) -> Self {
        Self { root, steps: 0, path_bytes: 0, known: HashMap::new() }
    }

    /// Without a value only what applies in place counts.
    fn count(&mut self, place: &'v Value, value: Option<&'v Value>, depth: usize) -> u64 {
        self.steps += 1 + self.path_bytes / PATH_BYTES;
        if self.steps > STEPS_MAX {
            return 1;
        }
        let root = self.root;
        let address = |value: &Value| std::ptr::from_ref(value).addr();
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
                for (name, member) in members {
                    if self.steps > STEPS_MAX {
                        break;
                    }
                    self.path_bytes += name.len();
                    if let Some(inner) = properties.and_then(|properties| properties.get(name)) {
                        add(self.count(inner, Some(member), depth + 1));
                    } else {
                        let others = ["additionalProperties", "unevaluatedProperties"];
                        // Whether a pattern matches is not asked: this is an estimate from above.
                        let patterns = schema.get("patternProperties").and_then(Value::as_object);
                        let inner = others.iter().filter_map(|keyword| schema.get(*keyword));
                        for inner in inner.chain(patterns.into_iter().flat_map(Map::values)) {
                            add(self.count(inner, Some(member), depth + 1));
                        }
                    }
                    self.path_bytes -= name.len();
                }
            }
            Some(Value::Array(items)) => {
                if let Some(inner) = schema.get("items").filter(|inner| inner.is_object()) {
                    for item in items.iter().take(STEPS_MAX.saturating_sub(self.steps)) {
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
