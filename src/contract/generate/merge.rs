//! Several schemas that one value must satisfy, as one description of it.

use super::Generator;
use crate::contract::exact_number::{self, MULTIPLE_OF};
use crate::contract::lower::{NUMBER_FORMAT, SELECTED, SELECTION, branch_names, reference_pointer};
use crate::contract::response::is_write_only;
use crate::source::pointer as json_pointer;
use crate::source::pointer::find;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

pub(super) const KINDS: [&str; 7] = ["object", "string", "integer", "number", "array", "boolean", "null"];

/// What all the schemas of one value say together.
#[derive(Debug)]
pub(super) struct Merged {
    pub(super) origins: Vec<String>,
    pub(super) kinds: Option<Vec<&'static str>>,
    /// From `enum` and `const`.
    pub(super) allowed: Option<Vec<Value>>,
    /// From `example`, `examples` and `default`.
    pub(super) suggested: Vec<Value>,
    pub(super) minimum: Option<(f64, bool)>,
    pub(super) maximum: Option<(f64, bool)>,
    pub(super) exact_minimum: Option<i128>,
    pub(super) exact_maximum: Option<i128>,
    pub(super) multiples: Vec<String>,
    pub(super) number_format: Option<String>,
    pub(super) length_min: u64,
    pub(super) length_max: u64,
    pub(super) patterns: Vec<String>,
    /// Those that must not match.
    pub(super) unpatterns: Vec<String>,
    pub(super) format: Option<String>,
    pub(super) items: Vec<String>,
    pub(super) items_closed: bool,
    pub(super) prefix: Vec<Vec<String>>,
    pub(super) contains: Vec<(String, u64)>,
    pub(super) unique: bool,
    pub(super) items_min: u64,
    pub(super) items_max: u64,
    pub(super) properties: Vec<(String, Vec<String>)>,
    pub(super) write_only: BTreeSet<String>,
    /// Members that must not be there.
    pub(super) forbidden_names: BTreeSet<String>,
    /// Values that it must not be.
    pub(super) forbidden: Vec<Value>,
    pub(super) required: Vec<String>,
    pub(super) pattern_properties: Vec<(String, String)>,
    pub(super) additional: Vec<String>,
    pub(super) closed: bool,
    pub(super) open: bool,
    pub(super) names: Vec<String>,
    pub(super) members_min: u64,
    pub(super) members_max: u64,
    pub(super) dependent: BTreeMap<String, Vec<String>>,
    hints: Vec<&'static str>,
}

impl Default for Merged {
    fn default() -> Self {
        Self {
            origins: Vec::new(),
            kinds: None,
            allowed: None,
            suggested: Vec::new(),
            minimum: None,
            maximum: None,
            exact_minimum: None,
            exact_maximum: None,
            multiples: Vec::new(),
            number_format: None,
            length_min: 0,
            length_max: u64::MAX,
            patterns: Vec::new(),
            unpatterns: Vec::new(),
            format: None,
            items: Vec::new(),
            items_closed: false,
            prefix: Vec::new(),
            contains: Vec::new(),
            unique: false,
            items_min: 0,
            items_max: u64::MAX,
            properties: Vec::new(),
            write_only: BTreeSet::new(),
            forbidden_names: BTreeSet::new(),
            forbidden: Vec::new(),
            required: Vec::new(),
            pattern_properties: Vec::new(),
            additional: Vec::new(),
            closed: false,
            open: false,
            names: Vec::new(),
            members_min: 0,
            members_max: u64::MAX,
            dependent: BTreeMap::new(),
            hints: Vec::new(),
        }
    }
}

impl Merged {
    /// The types to choose from, the likeliest first.
    pub(super) fn kinds(&self) -> Vec<&'static str> {
        if let Some(kinds) = &self.kinds {
            return kinds.clone();
        }
        let mut kinds = self.hints.clone();
        kinds.dedup();
        if kinds.is_empty() {
            kinds.extend(["object", "string", "integer", "array", "boolean"]);
        }
        kinds
    }

    /// Whether the schemas say in so many words that there may be members that they do not declare, or declare none.
    pub(super) fn takes_any(&self) -> bool {
        !self.closed && (self.open || self.properties.is_empty() || !self.additional.is_empty())
    }

    pub(super) fn contains_min(&self) -> u64 {
        self.contains.iter().map(|(_, min)| *min).max().unwrap_or(0)
    }

    pub(super) fn restrict_kinds(&mut self, value: &Value) {
        let named: Vec<&str> = match value {
            Value::String(kind) => vec![kind.as_str()],
            Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
            _ => return,
        };
        let takes = |kind: &str| named.contains(&kind) || kind == "integer" && named.contains(&"number");
        let before: Vec<&'static str> = match &self.kinds {
            Some(kinds) => kinds.clone(),
            // In the order in which the schema names them.
            None => named.iter().filter_map(|name| KINDS.iter().find(|kind| *kind == name)).copied().collect(),
        };
        let mut kinds: Vec<&'static str> = before.iter().copied().filter(|kind| takes(kind)).collect();
        if before.contains(&"number")
            && !kinds.contains(&"number")
            && named.contains(&"integer")
            && !kinds.contains(&"integer")
        {
            kinds.push("integer");
        }
        self.kinds = Some(kinds);
    }

    fn restrict_allowed(&mut self, values: Vec<Value>) {
        self.allowed = Some(match self.allowed.take() {
            Some(before) => before.into_iter().filter(|value| values.contains(value)).collect(),
            None => values,
        });
    }

    fn property(&mut self, name: &str, pointer: String) {
        match self.properties.iter_mut().find(|(known, _)| known == name) {
            Some((_, pointers)) => pointers.push(pointer),
            None => self.properties.push((name.to_owned(), vec![pointer])),
        }
    }

    pub(super) fn require(&mut self, name: &str) {
        if !self.required.iter().any(|known| known == name) {
            self.required.push(name.to_owned());
        }
    }
}

pub(super) fn count(value: &Value) -> Option<u64> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be a count")]
    value.as_u64().or_else(|| value.as_f64().filter(|count| *count >= 0.0 && *count < 1e15).map(|count| count as u64))
}

impl Generator<'_> {
    /// Adds what the schema at `at` says; `None` if nothing can satisfy it.
    pub(super) fn merge(&mut self, at: &str, merged: &mut Merged, depth: usize) -> Option<()> {
        const MERGE_DEPTH_MAX: usize = 48;
        if depth > MERGE_DEPTH_MAX || !self.spend(1 + merged.origins.len() / 16) {
            return None;
        }
        let root = self.root;
        let schema = match find(root, at) {
            Some(Value::Object(schema)) => schema,
            Some(Value::Bool(false)) => return None,
            _ => return Some(()),
        };
        if schema.contains_key(SELECTION) || merged.origins.iter().any(|origin| origin == at) {
            return Some(());
        }
        merged.origins.push(at.to_owned());
        for (keyword, value) in schema {
            self.spend(1 + value.as_object().map_or(0, Map::len));
            self.keyword(at, keyword, value, merged);
        }
        if let Some(target) = schema.get("$ref").and_then(Value::as_str).and_then(reference_pointer) {
            self.merge(&target, merged, depth + 1)?;
        }
        if let Some(target) =
            schema.contains_key("$dynamicRef").then(|| self.dynamic_target(at, find(root, at)?)).flatten()
        {
            self.merge(&target, merged, depth + 1)?;
        }
        self.inherited_name(schema, merged);
        if schema.contains_key("not") {
            self.negated(&format!("{at}/not"), merged, depth + 1)?;
        }
        for index in 0..schema.get("allOf").and_then(Value::as_array).map_or(0, Vec::len) {
            self.merge(&format!("{at}/allOf/{index}"), merged, depth + 1)?;
        }
        for keyword in ["oneOf", "anyOf", SELECTED] {
            self.branch(at, schema, keyword, merged, depth)?;
        }
        if schema.contains_key("if") {
            self.conditional(at, schema, merged, depth)?;
        }
        for name in
            schema.get("dependentSchemas").and_then(Value::as_object).into_iter().flatten().map(|(name, _)| name)
        {
            if merged.required.contains(name) || merged.properties.iter().any(|(known, _)| known == name) {
                self.merge(&json_pointer::join(&format!("{at}/dependentSchemas"), name), merged, depth + 1)?;
            }
        }
        Some(())
    }

    /// Merges one branch, and sets the discriminating property to its name.
    fn branch(
        &mut self,
        at: &str,
        schema: &Map<String, Value>,
        keyword: &str,
        merged: &mut Merged,
        depth: usize,
    ) -> Option<()> {
        let Some(branches) = schema.get(keyword).and_then(Value::as_array).filter(|branches| !branches.is_empty())
        else {
            return Some(());
        };
        let start = self.named_branch(schema, branches).unwrap_or_else(|| self.choose(branches.len()));
        // A branch that leads back to what is being made would not end.
        let order = (0..branches.len()).map(|offset| (start + offset) % branches.len());
        let target = |index: usize| branches.get(index).and_then(|branch| branch.get("$ref")).and_then(Value::as_str);
        let ends = |index: &usize| {
            target(*index)
                .and_then(reference_pointer)
                .is_none_or(|target| !self.stack.iter().any(|known| *known == target))
        };
        let index = order.clone().find(ends).unwrap_or(start);
        self.merge(&format!("{at}/{keyword}/{index}"), merged, depth + 1)?;
        let property = schema.get("discriminator").and_then(|found| found.get("propertyName")).and_then(Value::as_str);
        if let (Some(property), Some(reference)) = (property, target(index))
            && let Some(name) = branch_names(schema, reference).into_iter().next()
        {
            merged.require(property);
            merged.names.push(format!("{property}\u{0}{name}"));
        }
        Some(())
    }

    /// The branch that the given value's discriminating property names, at first.
    fn named_branch(&self, schema: &Map<String, Value>, branches: &[Value]) -> Option<usize> {
        let given = self.given.as_ref().filter(|_| self.attempt == 0)?;
        let property = schema.get("discriminator")?.get("propertyName")?.as_str()?;
        let name = given.get(property)?.as_str()?;
        let names = |branch: &Value| {
            let reference = branch.get("$ref").and_then(Value::as_str);
            reference.is_some_and(|reference| branch_names(schema, reference).iter().any(|known| known == name))
        };
        branches.iter().position(names)
    }

    fn conditional(&mut self, at: &str, schema: &Map<String, Value>, merged: &mut Merged, depth: usize) -> Option<()> {
        let holds = self.choose(2) == 0;
        let (first, second) = if holds { ("if", "then") } else { ("else", "else") };
        for keyword in [first, second] {
            if schema.contains_key(keyword) {
                self.merge(&format!("{at}/{keyword}"), merged, depth + 1)?;
            }
        }
        Some(())
    }

    pub(super) fn keyword(&self, at: &str, keyword: &str, value: &Value, merged: &mut Merged) {
        let here = || format!("{at}/{keyword}");
        match keyword {
            "type" => merged.restrict_kinds(value),
            "enum" => merged.restrict_allowed(value.as_array().cloned().unwrap_or_default()),
            "const" => merged.restrict_allowed(vec![value.clone()]),
            "example" | "default" => merged.suggested.push(value.clone()),
            "examples" => merged.suggested.extend(value.as_array().cloned().unwrap_or_default()),
            "minLength" => merged.length_min = merged.length_min.max(count(value).unwrap_or(0)),
            "maxLength" => merged.length_max = merged.length_max.min(count(value).unwrap_or(u64::MAX)),
            "pattern" => merged.patterns.extend(value.as_str().map(ToOwned::to_owned)),
            "format" => merged.format = merged.format.take().or_else(|| value.as_str().map(ToOwned::to_owned)),
            NUMBER_FORMAT => merged.number_format = value.as_str().map(ToOwned::to_owned),
            "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" => bound(keyword, value, merged),
            "multipleOf" | MULTIPLE_OF => merged.multiples.push(value.to_string()),
            "items" if *value == Value::Bool(false) => merged.items_closed = true,
            "items" if value.is_object() => merged.items.push(here()),
            "prefixItems" => {
                for index in 0..value.as_array().map_or(0, Vec::len) {
                    match merged.prefix.get_mut(index) {
                        Some(pointers) => pointers.push(format!("{at}/prefixItems/{index}")),
                        None => merged.prefix.push(vec![format!("{at}/prefixItems/{index}")]),
                    }
                }
            }
            "contains" => {
                let least =
                    find(self.root, at).and_then(|schema| schema.get("minContains")).and_then(count).unwrap_or(1);
                merged.contains.push((here(), least.min(super::MEMBERS_MAX)));
            }
            "uniqueItems" => merged.unique |= *value == Value::Bool(true),
            "minItems" => merged.items_min = merged.items_min.max(count(value).unwrap_or(0)),
            "maxItems" => merged.items_max = merged.items_max.min(count(value).unwrap_or(u64::MAX)),
            "minProperties" => merged.members_min = merged.members_min.max(count(value).unwrap_or(0)),
            "maxProperties" => merged.members_max = merged.members_max.min(count(value).unwrap_or(u64::MAX)),
            "properties" => {
                for name in value.as_object().into_iter().flatten().map(|(name, _)| name) {
                    let pointer = json_pointer::join(&here(), name);
                    if is_write_only(self.root, &pointer, 0) {
                        merged.write_only.insert(name.clone());
                    }
                    merged.property(name, pointer);
                }
            }
            "required" => {
                for name in value.as_array().into_iter().flatten().filter_map(Value::as_str) {
                    merged.require(name);
                }
            }
            "patternProperties" => {
                for pattern in value.as_object().into_iter().flatten().map(|(pattern, _)| pattern) {
                    merged.pattern_properties.push((pattern.clone(), json_pointer::join(&here(), pattern)));
                }
            }
            "additionalProperties" | "unevaluatedProperties" if *value == Value::Bool(false) => merged.closed = true,
            "additionalProperties" if *value == Value::Bool(true) => merged.open = true,
            "additionalProperties" if value.is_object() => merged.additional.push(here()),
            "propertyNames" => merged.names.push(here()),
            "dependentRequired" => {
                for (name, needed) in value.as_object().into_iter().flatten() {
                    let needed =
                        needed.as_array().into_iter().flatten().filter_map(Value::as_str).map(ToOwned::to_owned);
                    merged.dependent.entry(name.clone()).or_default().extend(needed);
                }
            }
            _ => {}
        }
        merged.hints.extend(hint(keyword));
    }
}

/// The type that a keyword is about, for schemas that name none.
fn hint(keyword: &str) -> Option<&'static str> {
    match keyword {
        "properties"
        | "required"
        | "additionalProperties"
        | "patternProperties"
        | "minProperties"
        | "maxProperties"
        | "propertyNames"
        | "dependentRequired" => Some("object"),
        "items" | "prefixItems" | "contains" | "minItems" | "maxItems" | "uniqueItems" => Some("array"),
        "pattern" | "minLength" | "maxLength" | "format" => Some("string"),
        "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" | "multipleOf" | MULTIPLE_OF => Some("number"),
        _ => None,
    }
}

pub(super) fn bound(keyword: &str, value: &Value, merged: &mut Merged) {
    let Some(limit) = value.as_f64() else { return };
    let exclusive = keyword.starts_with("exclusive");
    let exact = value.as_number().and_then(exact_number::integer);
    if keyword.ends_with("inimum") {
        if merged.minimum.is_none_or(|(known, _)| limit > known || limit >= known && exclusive) {
            merged.minimum = Some((limit, exclusive));
            merged.exact_minimum = exact.map(|exact| exact + i128::from(exclusive));
        }
    } else if merged.maximum.is_none_or(|(known, _)| limit < known || limit <= known && exclusive) {
        merged.maximum = Some((limit, exclusive));
        merged.exact_maximum = exact.map(|exact| exact - i128::from(exclusive));
    }
}
