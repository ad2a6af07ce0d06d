//! Giving texts the types that their schemas ask for.

use super::style::{Raw, Shape};
use crate::contract::lower::{SELECTED, reference_pointer};
use crate::contract::tree::SchemaTree;
use crate::source::pointer as json_pointer;
use serde_json::{Map, Number, Value};
use std::collections::HashSet;

/// Schemas nested in one another, through references and combinations, that are asked for a type. Over it they say nothing.
const DEPTH_MAX: usize = 24;
/// Schemas looked at for one keyword. Over it the rest says nothing.
const SCHEMAS_MAX: usize = 1_000;

/// The JSON types that a schema lets through; `None` when it says nothing.
fn types(tree: &dyn SchemaTree, at: &str) -> Option<Vec<String>> {
    types_within(tree, at, &mut Vec::new())
}

/// `entered` are the schemas on the way here: one that leads back to itself says nothing more.
fn types_within(tree: &dyn SchemaTree, at: &str, entered: &mut Vec<String>) -> Option<Vec<String>> {
    if entered.len() >= DEPTH_MAX || entered.iter().any(|known| known == at) {
        return None;
    }
    entered.push(at.to_owned());
    let found = own_types(tree, at, entered);
    entered.pop();
    found
}

fn own_types(tree: &dyn SchemaTree, at: &str, entered: &mut Vec<String>) -> Option<Vec<String>> {
    let Some(Value::Object(schema)) = tree.at(at) else { return None };
    let mut found = match schema.get("type") {
        Some(Value::String(kind)) => Some(vec![kind.clone()]),
        Some(Value::Array(kinds)) => Some(kinds.iter().filter_map(Value::as_str).map(ToOwned::to_owned).collect()),
        _ => None,
    };
    let values = schema
        .get("enum")
        .and_then(Value::as_array)
        .cloned()
        .or_else(|| schema.get("const").map(|value| vec![value.clone()]));
    if let Some(values) = values.filter(|_| found.is_none()) {
        found = Some(values.iter().map(|value| kind_of(value).to_owned()).collect());
    }
    let mut narrow = |other: Option<Vec<String>>| {
        found = match (found.take(), other) {
            (Some(known), Some(other)) => Some(both(&known, &other)),
            (known, other) => known.or(other),
        };
    };
    if let Some(target) = schema.get("$ref").and_then(Value::as_str).and_then(reference_pointer) {
        narrow(types_within(tree, &target, entered));
    }
    for index in 0..schema.get("allOf").and_then(Value::as_array).map_or(0, Vec::len) {
        narrow(types_within(tree, &format!("{at}/allOf/{index}"), entered));
    }
    for keyword in ["oneOf", "anyOf", SELECTED] {
        let count = schema.get(keyword).and_then(Value::as_array).map_or(0, Vec::len);
        let branches: Option<Vec<Vec<String>>> =
            (0..count).map(|index| types_within(tree, &format!("{at}/{keyword}/{index}"), entered)).collect();
        if let Some(branches) = branches.filter(|branches| !branches.is_empty()) {
            narrow(Some(branches.concat()));
        }
    }
    found
}

fn both(one: &[String], other: &[String]) -> Vec<String> {
    let has = |list: &[String], kind: &str| list.iter().any(|known| known == kind);
    let mut kinds: Vec<String> = one.iter().filter(|kind| has(other, kind)).cloned().collect();
    let integer = |a: &[String], b: &[String]| has(a, "integer") && has(b, "number");
    if (integer(one, other) || integer(other, one)) && !has(&kinds, "integer") {
        kinds.push("integer".to_owned());
    }
    kinds
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// The kind of value that a schema describes. Where it takes a single value and an array, it is an array.
pub(crate) fn shape_of(tree: &dyn SchemaTree, at: &str) -> Shape {
    match types(tree, at) {
        Some(kinds) => {
            let has = |kind: &str| kinds.iter().any(|known| known == kind);
            let primitive = ["string", "integer", "number", "boolean"].into_iter().any(has);
            match (has("array"), has("object")) {
                (true, false) => Shape::Array,
                (false, true) if !primitive => Shape::Object,
                (true, true) if !primitive => Shape::Object,
                _ => Shape::Primitive,
            }
        }
        None if !children(tree, at, "properties", None).is_empty() => Shape::Object,
        None if !children(tree, at, "items", None).is_empty() => Shape::Array,
        None => Shape::Primitive,
    }
}

/// Pointers of the subschemas under a keyword, through references and combinations; of the member `name` of it.
fn children(tree: &dyn SchemaTree, at: &str, keyword: &str, name: Option<&str>) -> Vec<String> {
    let mut found = Vec::new();
    collect(tree, at, keyword, name, &mut HashSet::new(), &mut found);
    found
}

fn collect(
    tree: &dyn SchemaTree,
    at: &str,
    keyword: &str,
    name: Option<&str>,
    entered: &mut HashSet<String>,
    found: &mut Vec<String>,
) {
    let Some(Value::Object(schema)) = tree.at(at) else { return };
    if entered.len() > SCHEMAS_MAX || !entered.insert(at.to_owned()) {
        return;
    }
    if let Some(value) = schema.get(keyword) {
        let here = json_pointer::join(at, keyword);
        match name {
            Some(name) if value.get(name).is_some() => found.push(json_pointer::join(&here, name)),
            Some(index)
                if value
                    .as_array()
                    .is_some_and(|items| index.parse().is_ok_and(|index: usize| index < items.len())) =>
            {
                found.push(json_pointer::join(&here, index));
            }
            Some(_) => {}
            None => found.push(here),
        }
    }
    if let Some(target) = schema.get("$ref").and_then(Value::as_str).and_then(reference_pointer) {
        collect(tree, &target, keyword, name, entered, found);
    }
    for combination in ["allOf", "oneOf", "anyOf", SELECTED] {
        for index in 0..schema.get(combination).and_then(Value::as_array).map_or(0, Vec::len) {
            collect(tree, &format!("{at}/{combination}/{index}"), keyword, name, entered, found);
        }
    }
}

/// The schemas of an object's member: its own, else that of additional members.
pub(super) fn member_schemas(tree: &dyn SchemaTree, at: &str, name: &str) -> Vec<String> {
    let own = children(tree, at, "properties", Some(name));
    if !own.is_empty() {
        return own;
    }
    let named = Value::String(name.to_owned());
    let matching: Vec<String> = children(tree, at, "patternProperties", None)
        .into_iter()
        .flat_map(|place| {
            let patterns = tree.at(&place).and_then(Value::as_object);
            let matches = |pattern: &&String| tree.matches(pattern, &named);
            patterns
                .into_iter()
                .flat_map(|patterns| patterns.keys())
                .filter(matches)
                .map(|pattern| json_pointer::join(&place, pattern))
                .collect::<Vec<_>>()
        })
        .collect();
    if matching.is_empty() { children(tree, at, "additionalProperties", None) } else { matching }
}

/// The schemas of an array's items.
pub(super) fn item_schemas(tree: &dyn SchemaTree, at: &str, index: usize) -> Vec<String> {
    let prefix = children(tree, at, "prefixItems", Some(&index.to_string()));
    if prefix.is_empty() { children(tree, at, "items", None) } else { prefix }
}

/// The schemas of each item of an array that several schemas describe, looked up once for the items that no prefix names.
pub(super) fn items_schemas<'t>(
    tree: &'t dyn SchemaTree,
    schemas: &[String],
) -> impl Fn(usize) -> Vec<String> + use<'t> {
    let count = |at: &String| tree.at(at).and_then(Value::as_array).map_or(0, Vec::len);
    let prefixes = schemas.iter().flat_map(|at| children(tree, at, "prefixItems", None));
    let prefix = prefixes.map(|prefix| count(&prefix)).max().unwrap_or(0);
    let of = move |schemas: &[String], index| schemas.iter().flat_map(|at| item_schemas(tree, at, index)).collect();
    let rest: Vec<String> = of(schemas, prefix);
    let schemas = schemas.to_vec();
    move |index| if index < prefix { of(&schemas, index) } else { rest.clone() }
}

/// The first value of a keyword, through references and combinations.
pub(super) fn keyword_value<'t>(tree: &'t dyn SchemaTree, at: &str, keyword: &str) -> Option<&'t Value> {
    let found = children(tree, at, keyword, None);
    tree.at(found.first()?)
}

/// The value that a raw one is, by the schema at a pointer. What fits no type stays as it is.
pub(crate) fn typed(tree: &dyn SchemaTree, at: &str, raw: &Raw) -> Value {
    let value = typed_by(tree, &[at.to_owned()], raw, 0);
    if matches!(raw, Raw::Text(_)) || tree.is_valid(at, &value) {
        return value;
    }
    // Alternatives may type one member differently: each is tried on its own.
    let alternatives = ["oneOf", "anyOf", SELECTED].into_iter().flat_map(|keyword| {
        children(tree, at, keyword, None).into_iter().flat_map(move |list| {
            let count = tree.at(&list).and_then(Value::as_array).map_or(0, Vec::len);
            (0..count).map(move |index| format!("{list}/{index}"))
        })
    });
    let fitting =
        alternatives.map(|branch| typed_by(tree, &[branch], raw, 0)).find(|candidate| tree.is_valid(at, candidate));
    fitting.unwrap_or(value)
}

pub(super) fn typed_by(tree: &dyn SchemaTree, schemas: &[String], raw: &Raw, depth: usize) -> Value {
    match raw {
        Raw::Text(text) => leaf(tree, schemas, text),
        Raw::List(items) => {
            // Where a single value is allowed beside an array, one text is a single value if it fits.
            if let [Raw::Text(text)] = items.as_slice()
                && let Some(at) = schemas.iter().find(|at| takes_primitive(tree, at))
            {
                let single = leaf(tree, schemas, text);
                if tree.is_valid(at, &single) {
                    return single;
                }
            }
            let schemas_of = items_schemas(tree, schemas);
            let inner = |(index, item): (usize, &Raw)| {
                if depth < DEPTH_MAX { typed_by(tree, &schemas_of(index), item, depth + 1) } else { Value::Null }
            };
            Value::Array(items.iter().enumerate().map(inner).collect())
        }
        Raw::Map(members) => {
            let mut object = Map::new();
            for (name, member) in members {
                let own: Vec<String> = schemas.iter().flat_map(|at| member_schemas(tree, at, name)).collect();
                // A property that is an array takes a single text as its only item.
                let array = own.first().is_some_and(|at| shape_of(tree, at) == Shape::Array);
                let value = match member {
                    Raw::Text(_) if array => typed_by(tree, &own, &Raw::List(vec![member.clone()]), depth + 1),
                    _ if depth < DEPTH_MAX => typed_by(tree, &own, member, depth + 1),
                    _ => Value::Null,
                };
                object.insert(name.clone(), value);
            }
            Value::Object(object)
        }
    }
}

fn takes_primitive(tree: &dyn SchemaTree, at: &str) -> bool {
    types(tree, at).is_some_and(|kinds| {
        kinds.iter().any(|kind| ["string", "integer", "number", "boolean"].contains(&kind.as_str()))
    })
}

fn leaf(tree: &dyn SchemaTree, schemas: &[String], text: &str) -> Value {
    let kinds: Option<Vec<String>> =
        schemas.iter().map(|at| types(tree, at)).collect::<Option<Vec<_>>>().map(|kinds| kinds.concat());
    let kinds = kinds.filter(|_| !schemas.is_empty());
    let candidates = match &kinds {
        Some(kinds) => candidates(kinds, text),
        None => {
            let any: Vec<String> = ["null", "boolean", "number"].iter().map(|kind| (*kind).to_owned()).collect();
            let mut all = vec![Value::String(text.to_owned())];
            all.extend(self::candidates(&any, text));
            all
        }
    };
    let fits = |value: &&Value| schemas.iter().any(|at| tree.is_valid(at, value));
    let chosen = candidates.iter().find(fits).or_else(|| candidates.first()).cloned();
    chosen.unwrap_or_else(|| Value::String(text.to_owned()))
}

/// What the text can be among the types, in the order boolean, number, string.
fn candidates(kinds: &[String], text: &str) -> Vec<Value> {
    let has = |kind: &str| kinds.iter().any(|known| known == kind);
    let mut candidates = Vec::new();
    // A null is not written at all (OAS 3.1.1 Appendix B); only a schema that takes nothing else is given one.
    if kinds.iter().all(|kind| kind == "null") && (text.is_empty() || text == "null") {
        candidates.push(Value::Null);
    }
    if has("boolean") && (text == "true" || text == "false") {
        candidates.push(Value::Bool(text == "true"));
    }
    if (has("number") || has("integer") && is_integer(text))
        && is_number(text)
        && let Ok(number) = serde_json::from_str::<Number>(text)
    {
        candidates.push(Value::Number(number));
    }
    if has("string") {
        candidates.push(Value::String(text.to_owned()));
    }
    candidates
}

/// An integer as JSON writes it, without fraction or exponent.
fn is_integer(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    !digits.is_empty()
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && (digits == "0" || !digits.starts_with('0'))
}

/// A number as JSON writes it (RFC 8259 §6).
fn is_number(text: &str) -> bool {
    let (mantissa, exponent) =
        text.split_once(['e', 'E']).map_or((text, None), |(mantissa, exponent)| (mantissa, Some(exponent)));
    let (whole, fraction) =
        mantissa.split_once('.').map_or((mantissa, None), |(whole, fraction)| (whole, Some(fraction)));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_integer(whole)
        && fraction.is_none_or(digits)
        && exponent.is_none_or(|exponent| digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent)))
}
