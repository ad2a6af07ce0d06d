//! Instances made from schemas: always valid, the same for the same seed, within a bound on work.
//!
//! All schemas that one value must satisfy are merged into one [`merge::Merged`] description, a candidate is
//! made from it, and the validator has the last word; what it refuses is tried again with other choices.

mod array;
mod format;
mod merge;
mod negation;
mod number;
mod object;
mod pattern;
mod search;
mod text;

use super::lower::reference_pointer;
use super::tree::SchemaTree;
use crate::source::pointer::find;
use merge::Merged;
use regex_automata::hybrid::dfa::DFA;
use serde_json::Value;
use std::collections::HashMap;
use std::rc::Rc;

/// Candidates for an instance that are tried. Over it none is made.
const ATTEMPTS_MAX: u64 = 48;
/// Work on one instance, all attempts together: keywords read, values made, characters tried. Over it there is none.
const WORK_MAX: u32 = 300_000;
/// Values of an `enum` that are tried for an instance. Over it the rest is left out.
const ENUM_VALUES_MAX: usize = 1_000;
/// Values nested in one another in an instance. Over it nothing optional is made, and what is required ends the attempt.
const DEPTH_MAX: usize = 24;
/// Values nested in one another before an instance is kept small. Over it only what is required is made.
const OPTIONAL_DEPTH_MAX: usize = 5;
/// Objects and arrays of one instance that nothing requires. Siblings share them, so breadth costs depth.
const COMPOSITES_MAX: u32 = 96;
/// Values of one instance. Over it only what is required is made.
const VALUES_MAX: u32 = 2_000;
/// Items of one array, or members of one object, that a schema can ask an instance for. Over it none is made.
const MEMBERS_MAX: u64 = 2_000;

/// An instance of the schema at a pointer; `None` if none is found.
///
/// Seed 0 gives the most readable one: examples and defaults, first alternatives, every optional property.
pub(crate) fn generate(tree: &dyn SchemaTree, pointer: &str, seed: u64) -> Option<Value> {
    attempts(tree, pointer, seed, None)
}

/// An instance that goes on from what is given: given members stay where the schema declares them and takes
/// them, and only what is required comes to them.
pub(crate) fn complete(tree: &dyn SchemaTree, pointer: &str, given: &Value, seed: u64) -> Option<Value> {
    attempts(tree, pointer, seed, Some(given))
}

fn attempts(tree: &dyn SchemaTree, pointer: &str, seed: u64, given: Option<&Value>) -> Option<Value> {
    let at = [pointer.to_owned()];
    let mut generator = Generator {
        tree,
        root: tree.root(),
        seed,
        attempt: 0,
        random: 0,
        work: WORK_MAX,
        values: 0,
        allowance: COMPOSITES_MAX,
        ordinal: None,
        automata: HashMap::new(),
        stack: Vec::new(),
        given: None,
    };
    for attempt in 0..ATTEMPTS_MAX {
        generator.attempt = attempt;
        generator.random = hash(pointer) ^ seed.wrapping_mul(31) ^ (attempt << 32);
        generator.values = 0;
        generator.allowance = COMPOSITES_MAX;
        generator.given = given.cloned();
        let made = generator.value(&at, 0);
        let found = made.filter(|value| generator.fits(&at, value));
        if found.is_some() || generator.work == 0 {
            return found;
        }
    }
    None
}

fn hash(text: &str) -> u64 {
    text.bytes().fold(0xCBF2_9CE4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3))
}

/// The attempts at one instance.
struct Generator<'t> {
    tree: &'t dyn SchemaTree,
    root: &'t Value,
    seed: u64,
    attempt: u64,
    random: u64,
    work: u32,
    /// Values made so far.
    values: u32,
    /// Objects and arrays that may be made below the current value without being required.
    allowance: u32,
    /// Which one of all instances is wanted, where several that differ are: each choice takes its digit.
    ordinal: Option<u64>,
    /// The expressions that strings were looked for with.
    automata: HashMap<String, Option<Rc<DFA>>>,
    /// Pointers of the schemas whose values are being made, for recursion.
    stack: Vec<String>,
    /// What the next value goes on from.
    given: Option<Value>,
}

impl Generator<'_> {
    /// SplitMix64.
    fn random(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.random ^ (self.random >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Takes work from the budget; false once it is used up.
    fn spend(&mut self, work: usize) -> bool {
        self.work = self.work.saturating_sub(u32::try_from(work).unwrap_or(u32::MAX));
        self.work > 0
    }

    /// Whether the most readable choice is to be taken.
    fn plain(&self) -> bool {
        self.seed == 0 && self.attempt == 0 && self.ordinal.is_none()
    }

    /// The next digit of the wanted instance's number, of `count` values.
    fn digit(&mut self, count: u64) -> Option<u64> {
        let ordinal = self.ordinal?;
        self.ordinal = Some(ordinal / count.max(1));
        Some(ordinal % count.max(1))
    }

    /// One of `count` alternatives: the first one at first.
    fn choose(&mut self, count: usize) -> usize {
        if count < 2 {
            return 0;
        }
        if let Some(digit) = self.digit(count as u64) {
            return usize::try_from(digit).unwrap_or(0);
        }
        if self.plain() {
            return 0;
        }
        // The first attempts go through the alternatives in turn, the later ones mix them.
        let turn = if self.seed == 0 && self.attempt < 8 { self.attempt } else { self.random() };
        usize::try_from(turn % count as u64).unwrap_or(0)
    }

    /// A value that satisfies the schemas at all of the pointers, as far as can be told in advance.
    fn value(&mut self, pointers: &[String], depth: usize) -> Option<Value> {
        self.values += 1;
        if !self.spend(1) || depth > DEPTH_MAX {
            return None;
        }
        let mut merged = Merged::default();
        for pointer in pointers {
            self.merge(pointer, &mut merged, 0)?;
        }
        let pushed = merged.origins.len();
        self.stack.extend(merged.origins.iter().cloned());
        let value = self.made(pointers, &merged, depth);
        self.stack.truncate(self.stack.len() - pushed);
        value
    }

    fn made(&mut self, pointers: &[String], merged: &Merged, depth: usize) -> Option<Value> {
        match self.given.take() {
            Some(Value::Object(given)) if merged.kinds().contains(&"object") => {
                return self.object_from(merged, &given, depth);
            }
            Some(given) if self.fits(pointers, &given) => return Some(given),
            _ => {}
        }
        if let Some(allowed) = &merged.allowed {
            // Each is compared with all of them.
            let tried = allowed.iter().take(ENUM_VALUES_MAX);
            let fitting: Vec<&Value> = tried.filter(|value| self.fits(pointers, value)).collect();
            let index = self.choose(fitting.len());
            return fitting.get(index).map(|value| Value::clone(value));
        }
        if self.attempt < 2 && self.ordinal.is_none() {
            let count = merged.suggested.len();
            let start = if self.seed == 0 { 0 } else { self.choose(count) };
            let mut suggested = merged.suggested.iter().cycle().skip(start).take(count);
            if let Some(found) = suggested.find(|value| self.fits(pointers, value)) {
                return Some(found.clone());
            }
        }
        let kinds = merged.kinds();
        let kind = *kinds.get(self.choose(kinds.len()))?;
        match kind {
            "null" => Some(Value::Null),
            "boolean" => Some(Value::Bool(self.choose(2) == 0)),
            "integer" | "number" => self.number(merged, kind == "integer"),
            "string" => self.text(merged).map(Value::String),
            "array" => self.array(merged, depth),
            _ => self.object(merged, depth),
        }
    }

    fn fits(&mut self, pointers: &[String], value: &Value) -> bool {
        self.spend(size(value)) && pointers.iter().all(|pointer| self.tree.is_valid(pointer, value))
    }

    /// Whether a schema is likely one of objects or arrays with something in them.
    fn is_composite(&mut self, at: &str, hops: usize) -> bool {
        const HOPS_MAX: usize = 6;
        let root = self.root;
        let Some(Value::Object(schema)) = find(root, at).filter(|_| hops < HOPS_MAX) else { return false };
        if !self.spend(1) || schema.contains_key("enum") || schema.contains_key("const") {
            return false;
        }
        if ["properties", "items", "prefixItems", "patternProperties", "$dynamicRef"]
            .iter()
            .any(|keyword| schema.contains_key(*keyword))
            || schema.get("additionalProperties").is_some_and(Value::is_object)
        {
            return true;
        }
        if let Some(target) = schema.get("$ref").and_then(Value::as_str).and_then(reference_pointer)
            && self.is_composite(&target, hops + 1)
        {
            return true;
        }
        for keyword in ["allOf", "oneOf", "anyOf"] {
            for index in 0..schema.get(keyword).and_then(Value::as_array).map_or(0, Vec::len).min(8) {
                if self.is_composite(&format!("{at}/{keyword}/{index}"), hops + 1) {
                    return true;
                }
            }
        }
        false
    }

    /// Whether a schema is, or refers to, one whose value is being made.
    fn leads_back(&self, pointer: &str) -> bool {
        let schema = find(self.root, pointer);
        let reference = |schema: &Value| {
            let static_target = schema.get("$ref").and_then(Value::as_str).and_then(reference_pointer);
            static_target.map(std::borrow::Cow::into_owned).or_else(|| self.dynamic_target(pointer, schema))
        };
        let item = schema.and_then(|schema| schema.get("items")).and_then(reference);
        let target = schema.and_then(reference).or(item);
        self.stack.iter().any(|known| known == pointer) || target.is_some_and(|target| self.stack.contains(&target))
    }

    /// Where a `$dynamicRef` likely leads: the outermost schema being made that has its anchor, else its own resource's.
    fn dynamic_target(&self, at: &str, schema: &Value) -> Option<String> {
        let (_, anchor) = schema.get("$dynamicRef")?.as_str()?.split_once('#')?;
        let anchored = |at: &str| {
            let schema = find(self.root, at)?;
            (schema.get("$dynamicAnchor")?.as_str()? == anchor).then(|| at.to_owned())
        };
        let ancestors = at.match_indices('/').map(|(end, _)| &at[..end]).skip(1);
        self.stack.iter().find_map(|known| anchored(known)).or_else(|| ancestors.filter_map(anchored).next())
    }
}

/// Values in a value.
fn size(value: &Value) -> usize {
    match value {
        Value::Object(members) => 1 + members.values().map(size).sum::<usize>(),
        Value::Array(items) => 1 + items.iter().map(size).sum::<usize>(),
        Value::String(text) => 1 + text.len() / 64,
        _ => 1,
    }
}
