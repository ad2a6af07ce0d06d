//! What may be asked of schemas without seeing them: members, items, kinds, validity, and instances that go on from
//! what is given. For those who look for resources in a contract.
//!
//! A [`Structure`] is a number, and what was found out about it is remembered by the contract: schemas never change.

use super::Contract;
use super::effort;
use super::generate::complete;
use super::lower::{Direction, SELECTED, reference_pointer};
use super::members;
use super::operation::{Content, Members, Parameter, ParameterValue, Prepared};
use super::response::strip_write_only;
use super::schema::{SchemaUse, Schemas};
use super::tree::SchemaTree;
use crate::source::pointer;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use serde_json::{Map, Value};
use std::collections::HashSet;
use std::hash::BuildHasher as _;
use std::sync::{Mutex, OnceLock, PoisonError};

/// A schema of requests or of responses, by the end of its chain of references.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Structure(u32);

impl Structure {
    fn new(index: u32, direction: Direction) -> Self {
        Self(index << 1 | u32::from(direction == Direction::Response))
    }

    /// Its place among those that were asked for.
    fn index(self) -> u32 {
        self.0 >> 1
    }

    fn direction(self) -> Direction {
        if self.0 & 1 == 0 { Direction::Request } else { Direction::Response }
    }
}

/// The structures that were asked for. A large document has a hundred thousand, so each pointer is there once: the table
/// has numbers alone.
#[derive(Default)]
pub(super) struct Structures {
    numbers: Mutex<HashTable<Structure>>,
    hash: foldhash::fast::RandomState,
    known: Chunks<Known>,
}

struct Known {
    at: Box<str>,
    facts: OnceLock<Box<Facts>>,
}

impl Structures {
    /// The structure of the schema at a pointer.
    fn of(&self, direction: Direction, at: &str) -> Structure {
        let mut numbers = self.numbers.lock().unwrap_or_else(PoisonError::into_inner);
        let next = Structure::new(u32::try_from(numbers.len()).unwrap_or(u32::MAX), direction);
        let at_of = |number: &Structure| self.known.get(number.index()).map_or("", |known| &known.at);
        let is_it = |number: &Structure| number.direction() == direction && at_of(number) == at;
        let hash_of = |number: &Structure| self.hash.hash_one((number.direction(), at_of(number)));
        match numbers.entry(self.hash.hash_one((direction, at)), is_it, hash_of) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(place) => {
                self.known.set(next.index(), Known { at: at.into(), facts: OnceLock::new() });
                place.insert(next);
                next
            }
        }
    }
}

/// What was found out about a structure.
struct Facts {
    schema: SchemaUse,
    members: OnceLock<Vec<(String, Structure)>>,
    carried: OnceLock<Members>,
    defaults: OnceLock<Vec<(String, Value)>>,
    may_write_only: OnceLock<bool>,
}

/// A list that grows while it is read: what is in it never moves. The n-th chunk holds `FIRST << n`.
struct Chunks<T>([Chunk<T>; 24]);

type Chunk<T> = OnceLock<Box<[OnceLock<T>]>>;

/// How many the first chunk holds.
const FIRST: usize = 32;

impl<T> Default for Chunks<T> {
    fn default() -> Self {
        Self(std::array::from_fn(|_| OnceLock::new()))
    }
}

impl<T> Chunks<T> {
    fn place(&self, index: u32) -> Option<(&Chunk<T>, usize, usize)> {
        let place = index as usize + FIRST;
        let chunk = (place.ilog2() - FIRST.ilog2()) as usize;
        Some((self.0.get(chunk)?, FIRST << chunk, place - (FIRST << chunk)))
    }

    fn get(&self, index: u32) -> Option<&T> {
        let (chunk, _, offset) = self.place(index)?;
        chunk.get()?.get(offset)?.get()
    }

    fn set(&self, index: u32, value: T) {
        let Some((chunk, size, offset)) = self.place(index) else { return };
        let chunk = chunk.get_or_init(|| (0..size).map(|_| OnceLock::new()).collect());
        if let Some(place) = chunk.get(offset) {
            let _ = place.set(value);
        }
    }
}

impl Contract {
    /// The structure of a JSON content.
    pub(crate) fn structure(&self, content: &Content) -> Option<Structure> {
        let schema = content.schema.as_ref().filter(|_| content.media.is_json())?;
        Some(*content.structure.get_or_init(|| self.end_of(schema.direction, &schema.pointer)))
    }

    fn schemas(&self, direction: Direction) -> &Schemas {
        match direction {
            Direction::Request => &self.request,
            Direction::Response => &self.response,
        }
    }

    /// The schema that a chain of nothing but references ends at.
    fn end_of(&self, direction: Direction, at: &str) -> Structure {
        const HOPS_MAX: usize = 32;
        let mut at = std::borrow::Cow::Borrowed(at);
        for _ in 0..HOPS_MAX {
            let Some(Value::Object(schema)) = self.schemas(direction).at(&at) else { break };
            let only = schema.keys().all(|keyword| {
                matches!(keyword.as_str(), "$ref" | "description" | "summary" | "title" | "example" | "examples")
            });
            match schema.get("$ref").and_then(Value::as_str).and_then(reference_pointer) {
                Some(target) if only => at = target.into_owned().into(),
                _ => break,
            }
        }
        self.structures.of(direction, &at)
    }

    /// The direction and the pointer of a structure, and its facts.
    fn known(&self, structure: Structure) -> Option<(Direction, &str, &Facts)> {
        let known = self.structures.known.get(structure.index())?;
        let facts = known.facts.get_or_init(|| {
            Box::new(Facts {
                schema: SchemaUse::new(known.at.to_string(), structure.direction()),
                members: OnceLock::new(),
                carried: OnceLock::new(),
                defaults: OnceLock::new(),
                may_write_only: OnceLock::new(),
            })
        });
        Some((structure.direction(), &known.at, facts))
    }

    /// Whether two structures are one schema, or say the same word for word.
    pub(crate) fn is_same(&self, one: Structure, other: Structure) -> bool {
        let schema = |structure| self.known(structure).and_then(|(direction, at, _)| self.schemas(direction).at(at));
        one == other || schema(one).is_some_and(|known| known.is_object() && Some(known) == schema(other))
    }

    /// A number that structures have in common which say the same word for word, as others hardly do; none where a schema
    /// is no object.
    pub(crate) fn wording(&self, structure: Structure) -> Option<u64> {
        let (direction, at, _) = self.known(structure)?;
        let schema = self.schemas(direction).at(at).filter(|schema| schema.is_object())?;
        Some(self.structures.hash.hash_one(schema))
    }

    /// The schemas that apply to the same value.
    fn applying(&self, structure: Structure) -> (Option<&Schemas>, Vec<String>) {
        let mut found = Vec::new();
        let Some((direction, at, _)) = self.known(structure) else { return (None, found) };
        applying(self.schemas(direction), at, &mut found);
        (Some(self.schemas(direction)), found)
    }

    /// The declared members of an object, in the order of the document, with what each is.
    pub(crate) fn members_of(&self, structure: Structure) -> &[(String, Structure)] {
        let Some((direction, at, facts)) = self.known(structure) else { return &[] };
        facts.members.get_or_init(|| {
            let (mut places, mut members, mut names) = (Vec::new(), Vec::new(), HashSet::new());
            applying(self.schemas(direction), at, &mut places);
            for at in places {
                let properties = self.schemas(direction).at(&at).and_then(|schema| schema.get("properties"));
                for name in properties.and_then(Value::as_object).into_iter().flatten().map(|(name, _)| name) {
                    if names.insert(name) {
                        let place = pointer::join(&format!("{at}/properties"), name);
                        members.push((name.clone(), self.end_of(direction, &place)));
                    }
                }
            }
            members
        })
    }

    /// One declared member of an object.
    pub(crate) fn member_of(&self, structure: Structure, name: &str) -> Option<Structure> {
        self.members_of(structure).iter().find(|(known, _)| known == name).map(|(_, member)| *member)
    }

    /// The items of an array.
    pub(crate) fn items_of(&self, structure: Structure) -> Option<Structure> {
        let (schemas, places) = self.applying(structure);
        let schemas = schemas?;
        let has = |at: &String| schemas.at(at).is_some_and(|schema| schema.get("items").is_some_and(Value::is_object));
        let (direction, ..) = self.known(structure)?;
        places.into_iter().find(has).map(|at| self.end_of(direction, &format!("{at}/items")))
    }

    /// Whether the schema says that a value is of a JSON type: by `type`, or where there is none by `properties` and `items`.
    pub(crate) fn is_of_type(&self, structure: Structure, name: &str) -> bool {
        let (schemas, places) = self.applying(structure);
        let schemas = places.iter().filter_map(|at| schemas?.at(at));
        let mut by_keyword = false;
        for schema in schemas {
            match schema.get("type") {
                Some(Value::String(kind)) => return kind == name,
                Some(Value::Array(kinds)) => return kinds.iter().any(|kind| kind == name),
                _ => {
                    by_keyword |= schema.get(if name == "array" { "items" } else { "properties" }).is_some()
                        && (name == "array" || name == "object")
                }
            }
        }
        by_keyword
    }

    /// The properties of an object that have a `default`, with it.
    pub(crate) fn defaults_of(&self, structure: Structure) -> &[(String, Value)] {
        let Some((direction, at, facts)) = self.known(structure) else { return &[] };
        facts.defaults.get_or_init(|| members::defaults(self.schemas(direction), at))
    }

    /// What a content describes, or one member of it.
    pub(crate) fn described(&self, content: &Content, within: Option<&str>) -> Option<Structure> {
        let schema = content.schema.as_ref()?;
        let whole = *content.structure.get_or_init(|| self.end_of(schema.direction, &schema.pointer));
        match within {
            Some(member) => self.member_of(whole, member),
            None => Some(whole),
        }
    }

    /// The members that a message can carry: those declared and not readOnly; open only if the schema says in so many
    /// words that there may be others.
    pub(crate) fn carried_members(&self, structure: Structure) -> &Members {
        static NONE: Members = Members { names: Vec::new(), open: false };
        let Some((direction, at, facts)) = self.known(structure) else { return &NONE };
        facts.carried.get_or_init(|| members::carried(self.schemas(direction), at))
    }

    /// The value without members that no response carries.
    pub(crate) fn without_write_only(&self, structure: Structure, mut value: Value) -> Value {
        let Some((direction, at, facts)) = self.known(structure).filter(|_| self.directional) else { return value };
        let tree = self.schemas(direction);
        if *facts.may_write_only.get_or_init(|| may_write_only(tree, at)) {
            strip_write_only(tree, at, &mut value, 0);
        }
        value
    }

    /// Whether the value is an instance.
    pub(crate) fn takes(&self, structure: Structure, value: &Value) -> bool {
        let known = self.known(structure);
        known.is_some_and(|(direction, _, facts)| facts.schema.is_valid(self.schemas(direction), value))
    }

    /// Whether a representation is an instance of a content's schema. What was found to be one stays one.
    pub(crate) fn is_valid_as(&self, content: &Content, found: &Prepared) -> bool {
        let key = self.structure(content).filter(|_| content.item_schema.is_none()).map(|known| (self.id, known));
        if key.is_some() && found.checked.valid_as.get() == key.as_ref() {
            return true;
        }
        let is_valid = self.is_valid(content, &found.value);
        if let Some(key) = key.filter(|_| is_valid) {
            // The first schema that it is an instance of; there is seldom another.
            let _ = found.checked.valid_as.set(key);
        }
        is_valid
    }

    /// An instance that has what is given, as far as the schema lets it, and what is required besides.
    pub(crate) fn completed(&self, structure: Structure, given: &Value, seed: u64) -> Option<Value> {
        let (direction, at, _) = self.known(structure)?;
        complete(self.schemas(direction), at, given, seed)
    }

    /// A keyword of a parameter's schema.
    pub(crate) fn parameter_keyword(&self, parameter: &Parameter, keyword: &str) -> Option<&Value> {
        let schema = match &parameter.value {
            ParameterValue::Styled { schema, .. } | ParameterValue::Content { schema: Some(schema), .. } => schema,
            _ => return None,
        };
        let mut found = Vec::new();
        applying(&self.request, &schema.pointer, &mut found);
        found.iter().find_map(|at| self.request.at(at)?.get(keyword))
    }
}

/// Whether a writeOnly member may be in an instance of the schema at a pointer.
fn may_write_only(tree: &dyn SchemaTree, at: &str) -> bool {
    let marked =
        |schema: &Map<String, Value>| schema.get("writeOnly").is_some_and(|marked| *marked != Value::Bool(false));
    effort::reaches(tree.root(), at, &marked)
}

/// The schemas that may apply to the same value as the one at `at`, each once.
pub(super) fn applying(tree: &dyn SchemaTree, at: &str, found: &mut Vec<String>) {
    const SCHEMAS_MAX: usize = 1_000;
    let Some(Value::Object(schema)) = tree.at(at) else { return };
    if found.len() > SCHEMAS_MAX || found.iter().any(|known| known == at) {
        return;
    }
    found.push(at.to_owned());
    if let Some(target) = schema.get("$ref").and_then(Value::as_str).and_then(reference_pointer) {
        applying(tree, &target, found);
    }
    for keyword in ["allOf", "oneOf", "anyOf", SELECTED] {
        for index in 0..schema.get(keyword).and_then(Value::as_array).map_or(0, Vec::len) {
            applying(tree, &format!("{at}/{keyword}/{index}"), found);
        }
    }
}
