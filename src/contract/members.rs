//! The members that object schemas declare, and those that a request can carry.

use super::lower::{SELECTED, reference_pointer};
use super::operation::Members;
use super::tree::SchemaTree;
use crate::source::pointer;
use serde_json::{Map, Value, json};
use std::collections::HashSet;

/// The names that the object schema at a pointer declares, through references and allOf.
pub(crate) fn members(tree: &dyn SchemaTree, at: &str) -> Members {
    let mut members = Members { names: Vec::new(), open: true };
    collect_members(tree, at, &mut members, &mut HashSet::new(), &mut HashSet::new());
    members
}

fn collect_members<'t>(
    tree: &'t dyn SchemaTree,
    at: &str,
    members: &mut Members,
    known: &mut HashSet<&'t str>,
    entered: &mut HashSet<String>,
) {
    const SCHEMAS_MAX: usize = 1_000;
    let Some(Value::Object(schema)) = tree.at(at) else { return };
    if entered.len() > SCHEMAS_MAX || !entered.insert(at.to_owned()) {
        return;
    }
    for name in schema.get("properties").and_then(Value::as_object).into_iter().flatten().map(|(name, _)| name) {
        if known.insert(name) {
            members.names.push(name.clone());
        }
    }
    if schema.get("additionalProperties") == Some(&Value::Bool(false))
        || schema.get("unevaluatedProperties") == Some(&Value::Bool(false))
    {
        members.open = false;
    }
    if let Some(target) = schema.get("$ref").and_then(Value::as_str).and_then(reference_pointer) {
        collect_members(tree, &target, members, known, entered);
    }
    for keyword in ["allOf", "oneOf", "anyOf", SELECTED] {
        let count = schema.get(keyword).and_then(Value::as_array).map_or(0, Vec::len);
        for index in 0..count {
            collect_members(tree, &format!("{at}/{keyword}/{index}"), members, known, entered);
        }
    }
}

/// The names that a request's object schema carries: declared and not readOnly.
pub(crate) fn carried(tree: &dyn SchemaTree, at: &str) -> Members {
    let mut carried = members(tree, at);
    carried.names.retain(|name| !is_read_only(tree, at, name, 0));
    carried.open = additional(tree, at, 0).is_some_and(|additional| *additional != Value::Bool(false));
    carried
}

/// What is carried, as data: each member's name, whether it is required, its type, description and enum.
///
/// `document` has what the lowered schemas leave out, at the same pointers.
pub(crate) fn properties(tree: &dyn SchemaTree, document: &Value, at: &str) -> Vec<Value> {
    let names = carried(tree, at).names;
    let describe = |name: String| {
        let facts = facts(tree, document, at, &name, 0);
        let text = |keyword: &str| facts.get(keyword).filter(|value| value.is_string()).cloned();
        let mut property = json!({ "name": name, "required": facts.contains_key("required") });
        property["values"] = facts.get("enum").cloned().unwrap_or_else(|| json!([]));
        for keyword in ["type", "description"] {
            if let Some(value) = text(keyword) {
                property[keyword] = value;
            }
        }
        property
    };
    names.into_iter().map(describe).collect()
}

/// What the schemas that apply to a member say of it, the first one that says it; `required` where it is.
fn facts(tree: &dyn SchemaTree, document: &Value, at: &str, name: &str, depth: usize) -> Map<String, Value> {
    const HOPS_MAX: usize = 16;
    let mut facts = Map::new();
    let Some(schema) = tree.at(at).filter(|_| depth < HOPS_MAX) else { return facts };
    let mut add = |found: Map<String, Value>| {
        for (keyword, value) in found {
            facts.entry(keyword).or_insert(value);
        }
    };
    let required = schema.get("required").and_then(Value::as_array);
    if required.is_some_and(|required| required.iter().any(|known| known == name)) {
        add(Map::from_iter([("required".to_owned(), Value::Bool(true))]));
    }
    if schema.get("properties").is_some_and(|properties| properties.get(name).is_some()) {
        add(keywords(tree, document, &format!("{at}/properties/{}", pointer::escape(name)), 0));
    }
    if let Some(target) = schema.get("$ref").and_then(Value::as_str).and_then(reference_pointer) {
        add(self::facts(tree, document, &target, name, depth + 1));
    }
    for index in 0..schema.get("allOf").and_then(Value::as_array).map_or(0, Vec::len) {
        add(self::facts(tree, document, &format!("{at}/allOf/{index}"), name, depth + 1));
    }
    facts
}

/// The keywords of a schema that people are shown, through references.
fn keywords(tree: &dyn SchemaTree, document: &Value, at: &str, depth: usize) -> Map<String, Value> {
    const HOPS_MAX: usize = 16;
    let Some(schema) = tree.at(at).filter(|_| depth < HOPS_MAX) else { return Map::new() };
    let known = |keyword: &str| schema.get(keyword).map(|value| (keyword.to_owned(), value.clone()));
    let mut found: Map<String, Value> = ["type", "enum"].into_iter().filter_map(known).collect();
    let written = pointer::find(document, at).and_then(|schema| schema.get("description"));
    found.extend(written.map(|written| ("description".to_owned(), written.clone())));
    if let Some(target) = schema.get("$ref").and_then(Value::as_str).and_then(reference_pointer) {
        for (keyword, value) in keywords(tree, document, &target, depth + 1) {
            found.entry(keyword).or_insert(value);
        }
    }
    found
}

fn additional<'t>(tree: &'t dyn SchemaTree, at: &str, depth: usize) -> Option<&'t Value> {
    const HOPS_MAX: usize = 16;
    let schema = tree.at(at).filter(|_| depth < HOPS_MAX)?;
    if let Some(found) = schema.get("additionalProperties") {
        return Some(found);
    }
    let target = schema.get("$ref").and_then(Value::as_str).and_then(reference_pointer)?;
    additional(tree, &target, depth + 1)
}

pub(super) fn is_read_only(tree: &dyn SchemaTree, at: &str, name: &str, depth: usize) -> bool {
    const HOPS_MAX: usize = 16;
    let Some(schema) = tree.at(at).filter(|_| depth < HOPS_MAX) else { return false };
    if let Some(property) = schema.get("properties").and_then(|properties| properties.get(name)) {
        let referenced = property.get("$ref").and_then(Value::as_str).and_then(reference_pointer);
        let marked = |schema: &Value| schema.get("readOnly") == Some(&Value::Bool(true));
        if marked(property) || referenced.and_then(|target| tree.at(&target)).is_some_and(marked) {
            return true;
        }
    }
    let target = schema.get("$ref").and_then(Value::as_str).and_then(reference_pointer);
    let count = schema.get("allOf").and_then(Value::as_array).map_or(0, Vec::len);
    target.is_some_and(|target| is_read_only(tree, &target, name, depth + 1))
        || (0..count).any(|index| is_read_only(tree, &format!("{at}/allOf/{index}"), name, depth + 1))
}

/// The schema of a property that the object schema at a pointer declares, through references, allOf and alternatives.
pub(super) fn property_at(tree: &dyn SchemaTree, at: &str, name: &str) -> Option<String> {
    let mut schemas = Vec::new();
    super::structure::applying(tree, at, &mut schemas);
    let declares = |at: &String| tree.at(at).and_then(|schema| schema.get("properties")?.get(name)).is_some();
    schemas.iter().find(|at| declares(at)).map(|at| pointer::join(&format!("{at}/properties"), name))
}

/// The properties that have a `default`, with it.
pub(super) fn defaults(tree: &dyn SchemaTree, at: &str) -> Vec<(String, Value)> {
    let names = members(tree, at).names;
    let of = |name: &String| {
        let mut schemas = Vec::new();
        super::structure::applying(tree, &property_at(tree, at, name)?, &mut schemas);
        let found = schemas.iter().find_map(|at| tree.at(at)?.get("default"))?;
        Some((name.clone(), found.clone()))
    };
    names.iter().filter_map(of).collect()
}
