//! Instances made from schemas: always valid, the same for the same seed, within a bound on work.
//!
//! All schemas that one value must satisfy are merged into one [`merge::Merged`] description, a candidate is
//! made from it, and the validator has the last word; what it refuses is tried again with other choices.

mod merge;
mod number;
mod object;
mod pattern;
mod text;

use super::tree::SchemaTree;
use merge::Merged;
use serde_json::Value;

/// Candidates that are tried before giving up.
const ATTEMPTS_MAX: u64 = 48;
/// Values made for one instance, all attempts together. Over it there is none.
const STEPS_MAX: u32 = 200_000;
/// Values nested in one another.
const DEPTH_MAX: usize = 24;
/// Nesting from which only what is required is made.
const OPTIONAL_DEPTH_MAX: usize = 5;
/// Items of one array, or members of one object, that can be asked for.
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
    let mut steps = STEPS_MAX;
    for attempt in 0..ATTEMPTS_MAX {
        let mut generator = Generator {
            tree,
            seed,
            attempt,
            random: hash(pointer) ^ seed.wrapping_mul(31) ^ (attempt << 32),
            steps,
            stack: Vec::new(),
            given: given.cloned(),
        };
        let made = generator.value(&[pointer.to_owned()], 0);
        steps = generator.steps;
        if let Some(value) = made.filter(|value| tree.is_valid(pointer, value)) {
            return Some(value);
        }
        if steps == 0 {
            return None;
        }
    }
    None
}

fn hash(text: &str) -> u64 {
    text.bytes().fold(0xCBF2_9CE4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3))
}

/// One attempt at one instance.
struct Generator<'t> {
    tree: &'t dyn SchemaTree,
    seed: u64,
    attempt: u64,
    random: u64,
    steps: u32,
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

    /// Whether the most readable choice is to be taken.
    fn plain(&self) -> bool {
        self.seed == 0 && self.attempt == 0
    }

    /// One of `count` alternatives: the first one at first.
    fn choose(&mut self, count: usize) -> usize {
        if count < 2 || self.plain() {
            return 0;
        }
        // The first attempts go through the alternatives in turn, the later ones mix them.
        let turn = if self.seed == 0 && self.attempt < 8 { self.attempt } else { self.random() };
        usize::try_from(turn % count as u64).unwrap_or(0)
    }

    /// A value that satisfies the schemas at all of the pointers, as far as can be told in advance.
    fn value(&mut self, pointers: &[String], depth: usize) -> Option<Value> {
        self.steps = self.steps.saturating_sub(1);
        if self.steps == 0 || depth > DEPTH_MAX {
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
            let fitting: Vec<&Value> = allowed.iter().filter(|value| self.fits(pointers, value)).collect();
            let index = self.choose(fitting.len());
            return fitting.get(index).map(|value| Value::clone(value));
        }
        if self.attempt < 2 {
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

    fn fits(&self, pointers: &[String], value: &Value) -> bool {
        pointers.iter().all(|pointer| self.tree.is_valid(pointer, value))
    }

    fn array(&mut self, merged: &Merged, depth: usize) -> Option<Value> {
        let prefix = merged.prefix.len() as u64;
        let mut least = merged.items_min.max(merged.contains_min());
        if least > MEMBERS_MAX {
            return None;
        }
        let recursive = merged.items.iter().any(|pointer| self.stack.contains(pointer)) || depth >= OPTIONAL_DEPTH_MAX;
        if least == 0 && !recursive && merged.items_max > 0 {
            least = if prefix > 0 { prefix.min(merged.items_max) } else { 1 };
            if !self.plain() && merged.contains.is_empty() {
                least += self.random() % 2;
            }
        }
        least = least.min(merged.items_max);
        let mut items: Vec<Value> = Vec::new();
        let mut wanted: Vec<String> = Vec::new();
        for (pointer, min) in &merged.contains {
            wanted.extend((0..*min).map(|_| pointer.clone()));
        }
        let mut wanted = wanted.into_iter();
        for index in 0..least {
            let place = usize::try_from(index).ok()?;
            let mut pointers = match merged.prefix.get(place) {
                Some(pointers) => pointers.clone(),
                None if merged.items_closed => break,
                None => merged.items.clone(),
            };
            if merged.prefix.get(place).is_none() || merged.prefix.len() as u64 >= least {
                pointers.extend(wanted.next());
            }
            match self.item(&pointers, &items, merged.unique, depth) {
                Some(item) => items.push(item),
                None if (items.len() as u64) < merged.items_min => return None,
                None => break,
            }
        }
        Some(Value::Array(items))
    }

    /// An item, other than those before it where they must differ.
    fn item(&mut self, pointers: &[String], before: &[Value], unique: bool, depth: usize) -> Option<Value> {
        const TRIES_MAX: u64 = 24;
        let first = self.value(pointers, depth + 1)?;
        if !unique || !before.contains(&first) {
            return Some(first);
        }
        let attempt = self.attempt;
        let mut found = None;
        for turn in 0..TRIES_MAX {
            // Another attempt makes other choices; a large number leaves examples aside.
            self.attempt = 1_000 + before.len() as u64 + turn;
            let candidate = self.value(pointers, depth + 1);
            if let Some(candidate) = candidate.filter(|candidate| !before.contains(candidate)) {
                found = Some(candidate);
                break;
            }
        }
        self.attempt = attempt;
        found
    }
}
