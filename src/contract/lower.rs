//! Translating Schema Objects to JSON Schema 2020-12, once, at load.
//!
//! The result is one sparse tree: every schema stands at the pointer it has in the document, so that an
//! error's location is a location in the document. readOnly and writeOnly depend on the direction, so
//! there is a tree for requests and one for responses where the document uses them.

use super::document::{Document, Unresolved, Version, shown};
use super::exact_number;
use super::pattern::Patterns;
use crate::diagnostic::{Diagnostic, Severity, code, did_you_mean};
use crate::source::{Focus, pointer};
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};
use serde_json::{Map, Value, json};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashSet};

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
    let (_, fragment) = reference.split_once('#')?;
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

/// Schemas that hold a `$dynamicAnchor` become resources, so that the dynamic scope can tell them apart.
fn dynamic_resources(document: &Document, roots: &[String]) -> BTreeMap<String, String> {
    let mut resources = BTreeMap::new();
    let identified = document.identified.iter().map(|(at, uri)| (at.as_str(), Some(uri.as_str())));
    let plain = roots.iter().map(|root| (root.as_str(), None));
    let mut taken: HashSet<&str> = HashSet::new();
    for (at, uri) in identified.chain(plain) {
        let holds =
            document.version > Version::V30 && document.at(at).is_some_and(|schema| holds_dynamic_anchor(schema, 0));
        if holds && taken.insert(at) {
            let number = resources.len();
            resources.insert(uri.map_or_else(|| format!("mock:/resource/{number}"), ToOwned::to_owned), at.to_owned());
        }
    }
    resources
}

fn holds_dynamic_anchor(schema: &Value, depth: usize) -> bool {
    if depth > SCHEMA_DEPTH_MAX {
        return false;
    }
    match schema {
        Value::Object(object) => {
            object.get("$dynamicAnchor").is_some_and(Value::is_string)
                || object.iter().any(|(key, member)| {
                    !matches!(key.as_str(), "enum" | "const" | "default" | "examples")
                        && holds_dynamic_anchor(member, depth + 1)
                })
        }
        Value::Array(items) => items.iter().any(|item| holds_dynamic_anchor(item, depth + 1)),
        _ => false,
    }
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
    directional: bool,
}

/// The names that this direction does not carry, as the schemas of one instance mark them.
#[derive(Debug, Clone, Default)]
struct Hidden {
    /// Marked by schemas that every instance satisfies.
    certain: BTreeSet<String>,
    /// These, and those that an alternative marks.
    possible: BTreeSet<String>,
    /// Inside of `not` and `if`, where a requirement left out would turn the verdict round.
    suspended: bool,
}

impl Hidden {
    /// What reaches the schema under a keyword: alternatives have nothing to do with one another.
    fn below(&self, keyword: &str) -> Self {
        match keyword {
            "allOf" | "dependentSchemas" => self.clone(),
            "anyOf" | "oneOf" | "then" | "else" => Self { possible: self.certain.clone(), ..self.clone() },
            "not" | "if" => Self { suspended: true, ..Self::default() },
            _ => Self { suspended: self.suspended, ..Self::default() },
        }
    }
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

/// The keywords of OpenAPI 3.0's dialect (OAS 3.0.4 §4.7.24).
const KEYWORDS_30: &[&str] = &[
    "$ref",
    "title",
    "multipleOf",
    "maximum",
    "exclusiveMaximum",
    "minimum",
    "exclusiveMinimum",
    "maxLength",
    "minLength",
    "pattern",
    "maxItems",
    "minItems",
    "uniqueItems",
    "maxProperties",
    "minProperties",
    "required",
    "enum",
    "type",
    "allOf",
    "oneOf",
    "anyOf",
    "not",
    "items",
    "properties",
    "additionalProperties",
    "description",
    "format",
    "default",
    "nullable",
    "discriminator",
    "readOnly",
    "writeOnly",
    "xml",
    "externalDocs",
    "example",
    "deprecated",
];

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
        let mut lowered = Map::new();
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

    /// In 3.0 a `$ref` stands alone: its siblings are ignored (OAS 3.0.4 §4.7.23).
    fn reference_30(&mut self, at: &str, object: &Map<String, Value>, hidden: &Hidden, depth: usize) -> Value {
        let ignored: Vec<&str> = object
            .keys()
            .map(String::as_str)
            .filter(|key| !matches!(*key, "$ref" | "description" | "summary") && !key.starts_with("x-"))
            .collect();
        if let Some(first) = ignored.first() {
            let finding = Diagnostic::new(
                code::CONTRACT_KEYWORD_IGNORED,
                format!("`{}` beside a `$ref` has no effect in OpenAPI 3.0", ignored.join("`, `")),
            )
            .help("wrap the reference: `allOf: [{$ref: …}]`");
            self.found(finding, &pointer::join(at, first), Focus::Key);
        }
        let mut lowered = Map::new();
        self.references(at, object, hidden, depth, &mut lowered);
        Value::Object(lowered)
    }

    fn warn_of_foreign_keywords(&mut self, at: &str, object: &Map<String, Value>) {
        for keyword in object.keys() {
            if KEYWORDS_30.contains(&keyword.as_str()) || keyword.starts_with("x-") {
                continue;
            }
            let finding = Diagnostic::new(
                code::CONTRACT_KEYWORD_IGNORED,
                format!("OpenAPI 3.0 has no keyword `{keyword}`; it has no effect"),
            );
            let finding = match did_you_mean(keyword, KEYWORDS_30.iter().copied()) {
                Some(close) => finding.help(format!("did you mean `{close}`?")),
                None => finding,
            };
            self.found(finding, &pointer::join(at, keyword), Focus::Key);
        }
    }

    fn references(
        &mut self,
        at: &str,
        object: &Map<String, Value>,
        hidden: &Hidden,
        depth: usize,
        lowered: &mut Map<String, Value>,
    ) {
        if object.contains_key("$ref") {
            match self.schema_target(at) {
                Ok(target) => {
                    if let Some(inlined) = self.inlined(&target, hidden, depth) {
                        lowered.insert("allOf".to_owned(), json!([inlined]));
                    } else {
                        lowered.insert("$ref".to_owned(), Value::String(reference_text(&target)));
                        self.queue.push(target);
                    }
                }
                Err(reason) => self.broken_reference(at, "$ref", reason),
            }
        }
        match self.document.dynamic_target(at).cloned() {
            None => {}
            Some(Err(reason)) => self.broken_reference(at, "$dynamicRef", reason),
            Some(Ok(target)) => {
                // Only an anchor's name is looked for in the dynamic scope; a pointer is a plain reference.
                let named = object.get("$dynamicRef").and_then(Value::as_str).and_then(|text| text.split_once('#'));
                let dynamic = named.and_then(|(_, anchor)| self.dynamic_text(&target, anchor));
                let text = dynamic.unwrap_or_else(|| reference_text(&target));
                let keyword = if text.starts_with('#') { "$ref" } else { "$dynamicRef" };
                if keyword == "$ref" && lowered.contains_key("$ref") {
                    let both = lowered.entry("allOf").or_insert_with(|| json!([]));
                    if let Value::Array(both) = both {
                        both.push(json!({ "$ref": text }));
                    }
                } else {
                    lowered.insert(keyword.to_owned(), Value::String(text));
                }
                self.queue.push(target);
            }
        }
        if let (Some(anchor), Some(_)) = (object.get("$dynamicAnchor"), &self.inside) {
            lowered.insert("$dynamicAnchor".to_owned(), anchor.clone());
        }
        if let Some((uri, _)) = self.resources.iter().find(|(_, root)| *root == at) {
            lowered.insert("$id".to_owned(), Value::String(uri.clone()));
        }
    }

    /// A reference chain may pass only through schemas; each hop stays a `$ref`, so one hop is enough.
    fn schema_target(&self, at: &str) -> Result<String, Unresolved> {
        match self.document.target(at) {
            Some(Ok(target))
                if self.document.at(target).is_some_and(|found| found.is_object() || found.is_boolean()) =>
            {
                self.document.follow(at)?;
                Ok(target.clone())
            }
            Some(Ok(target)) => Err(Unresolved::missing(format!("no schema stands at `{}`", shown(target)))),
            Some(Err(reason)) => Err(reason.clone()),
            None => Err(Unresolved::missing("a `$ref` is a string")),
        }
    }

    fn broken_reference(&mut self, at: &str, keyword: &str, reason: Unresolved) {
        self.found(reason.finding(), &pointer::join(at, keyword), Focus::Value);
    }

    /// The dynamic form of a reference to a `$dynamicAnchor`.
    fn dynamic_text(&self, target: &str, anchor: &str) -> Option<String> {
        if self.document.at(target)?.get("$dynamicAnchor")?.as_str()? != anchor {
            return None;
        }
        let (uri, _) = self
            .resources
            .iter()
            .filter(|(_, root)| target == *root || target.starts_with(&format!("{root}/")))
            .max_by_key(|(_, root)| root.len())?;
        Some(format!("{uri}#{anchor}"))
    }

    /// A referenced schema that requires a name which only its surroundings mark as hidden needs a copy of its own here.
    fn inlined(&mut self, target: &str, hidden: &Hidden, depth: usize) -> Option<Value> {
        const INLINE_DEPTH_MAX: usize = 32;
        if hidden.possible.is_empty() && !hidden.suspended || depth > INLINE_DEPTH_MAX {
            return None;
        }
        let schema = self.document.at(target)?;
        let mut own = Hidden::default();
        self.hide(target, schema.as_object()?, &mut own);
        let required = schema.get("required").and_then(Value::as_array)?;
        let differs = |name: &str| match hidden.suspended {
            true => own.possible.contains(name),
            false => hidden.possible.contains(name) && !own.possible.contains(name),
        };
        let needed = required.iter().filter_map(Value::as_str).any(differs);
        needed.then(|| self.schema(target, schema, hidden, depth + 1))
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
        let mut schemas = Map::new();
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

    /// What OpenAPI says differently from JSON Schema 2020-12.
    fn dialect(&self, object: &Map<String, Value>, lowered: &mut Map<String, Value>) {
        if let Some(
            format @ ("int32" | "int64" | "uint32" | "uint64" | "int8" | "int16" | "uint8" | "uint16" | "float"
            | "double"),
        ) = object.get("format").and_then(Value::as_str)
        {
            lowered.insert(NUMBER_FORMAT.to_owned(), Value::String(format.to_owned()));
        }
        if self.document.version != Version::V30 {
            return;
        }
        lowered.remove("nullable");
        if object.get("nullable") == Some(&Value::Bool(true))
            && let Some(Value::String(name)) = object.get("type")
        {
            lowered.insert("type".to_owned(), json!([name, "null"]));
        }
        for (exclusive, bound) in [("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")] {
            match object.get(exclusive) {
                Some(Value::Bool(true)) => {
                    lowered.remove(exclusive);
                    if let Some(limit) = lowered.remove(bound) {
                        lowered.insert(exclusive.to_owned(), limit);
                    }
                }
                Some(Value::Bool(false)) => {
                    lowered.remove(exclusive);
                }
                _ => {}
            }
        }
    }

    /// Puts limits that the schema engine would round under keywords that do not.
    fn exact_numbers(&mut self, at: &str, lowered: &mut Map<String, Value>) {
        let mut exact = Vec::new();
        let mut rounded = Vec::new();
        for (keyword, limit) in lowered.iter() {
            exact.extend(exact_number::exact(keyword, limit).map(|found| (keyword.clone(), limit.clone(), found)));
            rounded.extend(exact_number::is_rounded(keyword, limit).then(|| keyword.clone()));
        }
        for (keyword, limit, (internal, replaces)) in exact {
            lowered.insert(internal.to_owned(), limit);
            if replaces {
                lowered.shift_remove(&keyword);
            }
        }
        for keyword in rounded {
            let message = format!("`{keyword}` has a number beyond 64 bits, which is compared as a 64-bit float");
            let finding = Diagnostic::new(code::CONTRACT_UNSUPPORTED, message).severity(Severity::Warning);
            self.found(finding, &pointer::join(at, &keyword), Focus::Value);
        }
    }

    fn marker(&self) -> &'static str {
        match self.direction {
            Direction::Request => "readOnly",
            Direction::Response => "writeOnly",
        }
    }

    /// Adds the names of properties that this direction does not carry.
    fn hide(&mut self, at: &str, object: &Map<String, Value>, hidden: &mut Hidden) {
        if hidden.suspended {
            return;
        }
        let mut certain = BTreeSet::new();
        self.collect_hidden(at, object, &["allOf"], &mut certain, &mut HashSet::new());
        self.collect_hidden(at, object, &["allOf", "anyOf", "oneOf"], &mut hidden.possible, &mut HashSet::new());
        hidden.possible.extend(certain.iter().cloned());
        hidden.certain.append(&mut certain);
    }

    fn collect_hidden(
        &mut self,
        at: &str,
        object: &Map<String, Value>,
        through: &[&str],
        hidden: &mut BTreeSet<String>,
        seen: &mut HashSet<String>,
    ) {
        if !seen.insert(at.to_owned()) || seen.len() > 1024 {
            return;
        }
        if let Some(Value::Object(properties)) = object.get("properties") {
            for (name, property) in properties {
                let place = pointer::join(&pointer::join(at, "properties"), name);
                if self.is_marked(&place, property, 0) {
                    hidden.insert(name.clone());
                }
            }
        }
        for keyword in through {
            if let Some(Value::Array(members)) = object.get(*keyword) {
                for (index, member) in members.iter().enumerate() {
                    if let Value::Object(member) = member {
                        self.collect_hidden(&format!("{at}/{keyword}/{index}"), member, through, hidden, seen);
                    }
                }
            }
        }
        if let Some(Ok(target)) = self.document.target(at)
            && let Some(Value::Object(object)) = self.document.at(target)
        {
            let target = target.clone();
            self.collect_hidden(&target, object, through, hidden, seen);
        }
    }

    fn is_marked(&mut self, at: &str, property: &Value, depth: usize) -> bool {
        const HOPS_MAX: usize = 16;
        let Value::Object(object) = property else { return false };
        if object.contains_key("readOnly") || object.contains_key("writeOnly") {
            self.directional = true;
        }
        let alone = self.document.version == Version::V30 && object.contains_key("$ref");
        if !alone && object.get(self.marker()) == Some(&Value::Bool(true)) {
            return true;
        }
        if depth > HOPS_MAX {
            return false;
        }
        if let Some(Ok(target)) = self.document.target(at)
            && let Some(found) = self.document.at(target)
        {
            let target = target.clone();
            if self.is_marked(&target, found, depth + 1) {
                return true;
            }
        }
        let Some(Value::Array(members)) = object.get("allOf").filter(|_| !alone) else { return false };
        members
            .iter()
            .enumerate()
            .any(|(index, member)| self.is_marked(&format!("{at}/allOf/{index}"), member, depth + 1))
    }

    fn hide_required(&self, hidden: &Hidden, lowered: &mut Map<String, Value>) {
        if let Some(Value::Array(required)) = lowered.get_mut("required") {
            required.retain(|name| name.as_str().is_none_or(|name| !hidden.possible.contains(name)));
            if required.is_empty() {
                lowered.remove("required");
            }
        }
    }

    /// Makes the values of a discriminator's mapping references into the tree.
    fn mapping(&self, at: &str, lowered: &mut Map<String, Value>) {
        let Some(Value::Object(discriminator)) = lowered.get_mut("discriminator") else { return };
        if self.document.version < Version::V32 {
            discriminator.shift_remove("defaultMapping");
        }
        let values = discriminator.iter_mut().flat_map(|(field, value)| match (field.as_str(), value) {
            ("mapping", Value::Object(mapping)) => mapping.values_mut().collect::<Vec<&mut Value>>(),
            ("defaultMapping", value) => vec![value],
            _ => Vec::new(),
        });
        for value in values {
            if let Some(target) = value.as_str().and_then(|text| self.document.mapping_target(at, text)) {
                *value = Value::String(format!("#{}", fragment(target)));
            }
        }
    }

    /// Lets the discriminating property decide which branch counts.
    fn select(&self, lowered: &mut Map<String, Value>) {
        let Some(property) = lowered
            .get("discriminator")
            .and_then(|found| found.get("propertyName"))
            .and_then(Value::as_str)
            .map(ToOwned::to_owned)
        else {
            return;
        };
        let keyword = if lowered.contains_key("oneOf") { "oneOf" } else { "anyOf" };
        let Some(Value::Array(branches)) = lowered.get(keyword) else { return };
        let mut conditions = Vec::new();
        let mut names = Vec::new();
        for reference in branches.iter().filter_map(|branch| branch.get("$ref").and_then(Value::as_str)) {
            let branch_names = branch_names(lowered, reference);
            conditions.push(json!({
                "if": { "properties": { property.as_str(): { "enum": branch_names } } },
                "then": { "$ref": reference },
            }));
            names.extend(branch_names);
        }
        let mapped = json!({ "properties": { property.as_str(): { "enum": names } } });
        let default = default_branch(lowered).map(|reference| json!({ "$ref": reference }));
        conditions.push(match &default {
            Some(default) => json!({ "if": mapped, "else": default }),
            None => mapped,
        });
        let branches = lowered.shift_remove(keyword).unwrap_or_default();
        let unnamed = match default {
            Some(default) => json!({ "if": { "type": "object" }, "then": default, "else": { keyword: branches } }),
            None => json!({ keyword: branches }),
        };
        // What does not name a branch is judged as it would be without a discriminator.
        let selection = json!({
            SELECTION: true,
            "if": { "type": "object", "required": [property.as_str()] },
            "then": { "allOf": conditions },
            "else": unnamed,
        });
        lowered.insert(SELECTED.to_owned(), branches);
        if let Value::Array(all) = lowered.entry("allOf").or_insert_with(|| json!([])) {
            all.push(selection);
        }
    }
}

/// The branch for instances whose discriminating property is absent or names none (OAS 3.2.0, Discriminator Object).
pub(crate) fn default_branch(schema: &Map<String, Value>) -> Option<&str> {
    schema.get("discriminator")?.get("defaultMapping")?.as_str()
}

/// The values of the discriminating property that name a branch: its keys in the mapping, and the schema's own name.
pub(crate) fn branch_names(schema: &Map<String, Value>, reference: &str) -> Vec<String> {
    let mapping = schema.get("discriminator").and_then(|found| found.get("mapping")).and_then(Value::as_object);
    let mapped = mapping
        .into_iter()
        .flatten()
        .filter(|(_, target)| target.as_str() == Some(reference))
        .map(|(name, _)| name.clone());
    let mut names: Vec<String> = mapped.collect();
    let pointer = reference_pointer(reference).unwrap_or_default();
    if let Some(own) = pointer::tokens(&pointer).last() {
        let own = own.into_owned();
        let elsewhere = mapping.is_some_and(|mapping| mapping.contains_key(&own));
        if !names.contains(&own) && !elsewhere {
            names.push(own);
        }
    }
    names
}
