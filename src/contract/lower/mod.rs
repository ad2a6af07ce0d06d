//! Translating Schema Objects to JSON Schema 2020-12, once, at load.
//!
//! The result is one sparse tree: every schema stands at the pointer it has in the document, so that an
//! error's location is a location in the document. readOnly and writeOnly depend on the direction, so
//! there is a tree for requests and one for responses where the document uses them.

mod dialect;
mod direction;
mod discriminator;
mod reference;

use super::document::{Document, Version};
use super::pattern::Patterns;
use crate::diagnostic::{Diagnostic, code};
use crate::source::{Focus, pointer};
use dialect::KEYWORDS_30;
use direction::Hidden;
pub(crate) use discriminator::{branch_names, default_branch};
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};
use reference::dynamic_resources;
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};

/// Schemas nested in one another. Over it the rest is taken as `true`, with a finding.
const SCHEMA_DEPTH_MAX: usize = 256;
/// The URI of the tree.
pub(crate) const TREE_URI: &str = "mock:/contract";
/// Marks the condition that stands for a discriminated `oneOf` under [`Discriminator::Select`].
pub(crate) const SELECTION: &str = "x-mock-selection";
/// Keeps the branches that the condition stands for, for generation.
pub(crate) const SELECTED: &str = "x-mock-selected";
/// The keyword that carries number formats, which `format` cannot check.
pub(crate) const NUMBER_FORMAT: &str = "x-number-format";

const FRAGMENT: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// Which way a message goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Direction {
    Request,
    Response,
}

/// What a discriminator does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum Discriminator {
    /// It chooses the branch that messages, generation and coverage speak of, and changes no verdict (OAS 3.1.1 §4.8.25).
    #[default]
    Hint,
    /// It decides which branch of a `oneOf` or `anyOf` counts, for documents whose branches overlap.
    Select,
}

/// The schemas of one direction.
pub(crate) struct Lowered {
    pub(crate) tree: Value,
    /// URI → pointer, and the schema, of those that are resources of their own for `$dynamicRef`.
    pub(crate) resources: BTreeMap<String, String>,
    /// Whether anything would differ in the other direction.
    pub(crate) directional: bool,
}

/// The pointer that a lowered `$ref` names.
pub(crate) fn reference_pointer(reference: &str) -> Option<Cow<'_, str>> {
    reference.split_once('#').and_then(|(_, fragment)| fragment_pointer(fragment))
}

/// The pointer of a fragment. Most have nothing that is encoded.
pub(crate) fn fragment_pointer(fragment: &str) -> Option<Cow<'_, str>> {
    if !fragment.as_bytes().contains(&b'%') {
        return Some(Cow::Borrowed(fragment));
    }
    percent_decode_str(fragment).decode_utf8().ok()
}

/// The fragment for a pointer.
pub(crate) fn fragment(pointer: &str) -> String {
    utf8_percent_encode(pointer, FRAGMENT).to_string()
}

/// The reference to a pointer.
pub(crate) fn reference_text(pointer: &str) -> String {
    format!("#{}", fragment(pointer))
}

/// Lowers the schemas at `roots`, and all that they reach.
pub(crate) fn lower(
    document: &Document,
    roots: &[String],
    direction: Direction,
    discriminator: Discriminator,
    patterns: &mut Patterns,
    findings: &mut Vec<Diagnostic>,
) -> Lowered {
    let resources = dynamic_resources(document, roots);
    let mut lowering = Lowering {
        document,
        direction,
        discriminator,
        patterns,
        findings,
        queue: roots.to_vec(),
        seen: HashSet::new(),
        resources: &resources,
        inside: None,
        marked: direction::has_markers(document.whole()),
        directional: false,
    };
    let mut tree = Value::Object(Map::new());
    while let Some(root) = lowering.queue.pop() {
        if !lowering.seen.insert(root.clone()) {
            continue;
        }
        let Some(schema) = document.at(&root) else { continue };
        lowering.inside = resources
            .iter()
            .find(|(_, at)| root == **at || root.starts_with(&format!("{at}/")))
            .map(|(uri, _)| uri.clone());
        let lowered = lowering.schema(&root, schema, &Hidden::default(), 0);
        insert(&mut tree, &root, lowered);
    }
    let directional = lowering.directional;
    Lowered { tree, resources, directional }
}

/// Puts a schema where its pointer says; what stands there already is the same schema, lowered with its parent.
fn insert(tree: &mut Value, at: &str, schema: Value) {
    let mut current = tree;
    for token in pointer::tokens(at) {
        let next = match current {
            Value::Array(items) => token.parse::<usize>().ok().and_then(|index| items.get_mut(index)),
            Value::Object(object) => {
                Some(object.entry(token.into_owned()).or_insert_with(|| Value::Object(Map::new())))
            }
            _ => None,
        };
        match next {
            Some(next) => current = next,
            None => return,
        }
    }
    // Children may have come first: they are the same as those that the parent brings.
    let extra = std::mem::replace(current, schema);
    if let (Value::Object(current), Value::Object(extra)) = (current, extra) {
        keep_extra(current, extra);
    }
}

fn keep_extra(current: &mut Map<String, Value>, extra: Map<String, Value>) {
    for (key, value) in extra {
        match current.get_mut(&key) {
            None => {
                current.insert(key, value);
            }
            Some(Value::Object(inner)) => {
                if let Value::Object(value) = value {
                    keep_extra(inner, value);
                }
            }
            Some(_) => {}
        }
    }
}

struct Lowering<'a> {
    document: &'a Document,
    direction: Direction,
    discriminator: Discriminator,
    patterns: &'a mut Patterns,
    findings: &'a mut Vec<Diagnostic>,
    queue: Vec<String>,
    seen: HashSet<String>,
    resources: &'a BTreeMap<String, String>,
    /// The resource that the schema being lowered is in.
    inside: Option<String>,
    /// Whether anything in the document is readOnly or writeOnly.
    marked: bool,
    directional: bool,
}

/// What kind of value a keyword has.
enum Shape {
    Schema,
    Schemas,
    SchemaMap,
    Plain,
    /// Has a meaning only in the document, not in validation.
    Dropped,
}

fn shape_of(keyword: &str, value: &Value) -> Shape {
    match keyword {
        "additionalProperties"
        | "unevaluatedProperties"
        | "propertyNames"
        | "contains"
        | "unevaluatedItems"
        | "not"
        | "if"
        | "then"
        | "else"
        | "additionalItems"
        | "contentSchema" => Shape::Schema,
        "items" if value.is_array() => Shape::Schemas,
        "items" => Shape::Schema,
        "allOf" | "anyOf" | "oneOf" | "prefixItems" => Shape::Schemas,
        "properties" | "patternProperties" | "dependentSchemas" | "$defs" | "definitions" => Shape::SchemaMap,
        "$id" | "$anchor" | "$schema" | "$vocabulary" | "$comment" | "$ref" | "$dynamicRef" | "$dynamicAnchor"
        | "title" | "description" | "externalDocs" => Shape::Dropped,
        _ => Shape::Plain,
    }
}

impl Lowering<'_> {
    /// `hidden` are the names that an enclosing schema of the same instance has marked.
    fn schema(&mut self, at: &str, schema: &Value, hidden: &Hidden, depth: usize) -> Value {
        let object = match schema {
            Value::Object(object) => object,
            Value::Bool(_) if self.document.version > Version::V30 => return schema.clone(),
            _ => {
                let finding = Diagnostic::new(code::CONTRACT_SCHEMA, "a schema is an object".to_owned());
                self.found(finding, at, Focus::Value);
                return Value::Bool(true);
            }
        };
        if depth > SCHEMA_DEPTH_MAX {
            let finding = Diagnostic::new(
                code::CONTRACT_UNSUPPORTED,
                format!("schemas are nested more than {SCHEMA_DEPTH_MAX} deep"),
            );
            self.found(finding, at, Focus::Value);
            return Value::Bool(true);
        }
        if self.document.version == Version::V30 {
            if object.contains_key("$ref") {
                return self.reference_30(at, object, hidden, depth);
            }
            self.warn_of_foreign_keywords(at, object);
        }
        let mut hidden = hidden.clone();
        self.hide(at, object, &mut hidden);
        let kept = object.iter().filter(|(keyword, value)| !matches!(shape_of(keyword, value), Shape::Dropped));
        // There are tens of thousands of them, and room for one keyword more would be a hundred bytes.
        let mut lowered = Map::with_capacity(kept.count());
        self.references(at, object, &hidden, depth, &mut lowered);
        for (keyword, value) in object {
            if self.document.version == Version::V30 && !KEYWORDS_30.contains(&keyword.as_str()) {
                continue;
            }
            // 2020-12 has split this keyword in two; the engine still knows it.
            if keyword == "dependencies" && !self.document.has_older_dialect() {
                continue;
            }
            self.keyword(at, keyword, value, &hidden, depth, &mut lowered);
        }
        self.dialect(object, &mut lowered);
        self.exact_numbers(at, &mut lowered);
        self.hide_required(&hidden, &mut lowered);
        self.mapping(at, &mut lowered);
        if self.discriminator == Discriminator::Select {
            self.select(&mut lowered);
        }
        Value::Object(lowered)
    }

    fn found(&mut self, finding: Diagnostic, at: &str, focus: Focus) {
        self.findings.push(finding.in_file(self.document.location(at, focus)));
    }

    fn keyword(
        &mut self,
        at: &str,
        keyword: &str,
        value: &Value,
        hidden: &Hidden,
        depth: usize,
        lowered: &mut Map<String, Value>,
    ) {
        let here = pointer::join(at, keyword);
        let inner = &hidden.below(keyword);
        let value = match (shape_of(keyword, value), value) {
            (Shape::Dropped, _) => return,
            (Shape::Schema, Value::Bool(_)) if keyword == "additionalProperties" => value.clone(),
            (Shape::Schema, _) => self.schema(&here, value, inner, depth + 1),
            (Shape::Schemas, Value::Array(items)) => {
                let mut schemas: Vec<Value> = Vec::with_capacity(items.len());
                // An inlined reference may have put something before.
                if let Some(Value::Array(before)) = lowered.get("allOf").filter(|_| keyword == "allOf") {
                    schemas.extend(before.iter().cloned());
                }
                let before = schemas.len();
                for (index, item) in items.iter().enumerate() {
                    schemas.push(self.schema(&format!("{here}/{index}"), item, inner, depth + 1));
                }
                schemas.rotate_left(before);
                Value::Array(schemas)
            }
            (Shape::SchemaMap, Value::Object(members)) => self.schema_map(&here, keyword, members, inner, depth),
            (_, Value::String(pattern)) if keyword == "pattern" => match self.pattern(&here, pattern, Focus::Value) {
                Some(pattern) => Value::String(pattern),
                None => return,
            },
            _ => value.clone(),
        };
        lowered.insert(keyword.to_owned(), value);
    }

    fn schema_map(
        &mut self,
        here: &str,
        keyword: &str,
        members: &Map<String, Value>,
        hidden: &Hidden,
        depth: usize,
    ) -> Value {
        let mut schemas = Map::with_capacity(members.len());
        for (name, member) in members {
            let place = pointer::join(here, name);
            let key = if keyword == "patternProperties" {
                match self.pattern(&place, name, Focus::Key) {
                    Some(pattern) => pattern,
                    None => continue,
                }
            } else {
                name.clone()
            };
            schemas.insert(key, self.schema(&place, member, hidden, depth + 1));
        }
        Value::Object(schemas)
    }

    fn pattern(&mut self, at: &str, pattern: &str, focus: Focus) -> Option<String> {
        match self.patterns.usable(pattern) {
            Ok(usable) => Some(usable),
            Err(reason) => {
                let finding = Diagnostic::new(
                    code::CONTRACT_PATTERN,
                    format!("the pattern `{pattern}` cannot be used, so it is not checked: {reason}"),
                );
                self.found(finding, at, focus);
                None
            }
        }
    }
}
