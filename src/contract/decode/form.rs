//! `application/x-www-form-urlencoded` bodies (OAS 3.1.1 §4.8.15).

use super::BodyError;
use super::query::{Gathered, PAIRS_MAX, Query, decode_query};
use super::style::{Malformed, Raw, Shape, Style};
use super::typed::{item_schemas, keyword_value, member_schemas, shape_of, typed_by};
use crate::contract::tree::SchemaTree;
use crate::message::media_type::MediaType;
use crate::source::{json, pointer};
use serde_json::{Map, Value};
use std::collections::HashSet;

/// An Encoding Object.
#[derive(Debug, Clone, Default)]
pub(crate) struct Encoding {
    pub(crate) content_type: Option<String>,
    pub(crate) style: Option<Style>,
    pub(crate) explode: Option<bool>,
    pub(crate) allow_reserved: Option<bool>,
}

impl Encoding {
    /// Whether the property is written by style: then `contentType` has no meaning (OAS 3.1.2 §4.8.15.1.2).
    pub(super) fn is_styled(&self) -> bool {
        self.style.is_some() || self.explode.is_some() || self.allow_reserved.is_some()
    }

    /// Whether the property is written as JSON text.
    pub(super) fn is_json(&self) -> bool {
        self.content_type.as_deref().and_then(MediaType::parse).is_some_and(|media| media.is_json())
    }
}

/// The names that an object schema declares, through references and combinations.
pub(super) fn declared(tree: &dyn SchemaTree, at: &str) -> Vec<String> {
    crate::contract::members::members(tree, at).names
}

/// The value of a form body.
pub(crate) fn form_value(
    tree: &dyn SchemaTree,
    at: &str,
    body: &[u8],
    encodings: &[(String, Encoding)],
) -> Result<Value, BodyError> {
    let text = std::str::from_utf8(body)
        .map_err(|error| BodyError::new("", format!("the form is not UTF-8 at byte {}", error.valid_up_to())))?;
    if text.split('&').count() > PAIRS_MAX {
        return Err(BodyError::new("", format!("the form has more than {PAIRS_MAX} pairs")));
    }
    let query = Query::parse(text);
    let names = declared(tree, at);
    let mut object = Map::new();
    let mut consumed: Vec<String> = Vec::new();
    for name in &names {
        let encoding = encodings.iter().find(|(property, _)| property == name).map(|(_, encoding)| encoding);
        if let Some((value, taken)) = property(tree, at, name, &query, &names, encoding)? {
            object.insert(name.clone(), value);
            consumed.extend(taken);
        }
    }
    let known: HashSet<&str> = names.iter().chain(&consumed).map(String::as_str).collect();
    let rest: Vec<&str> = query.distinct_names().filter(|name| !known.contains(name)).collect();
    for name in rest {
        if object.contains_key(name) {
            continue;
        }
        let members = Gathered { names: &[], open: false, claimed: &|_| false };
        let raw = decode_query(Style::Form, true, Shape::Array, name, &query, &members);
        let raw = raw.map_err(|malformed| BodyError::new(pointer::join("", name), malformed.message))?;
        let raw = match raw {
            Some(Raw::List(mut items)) if items.len() == 1 => items.remove(0),
            Some(raw) => raw,
            None => continue,
        };
        object.insert(name.to_owned(), typed_by(tree, &member_schemas(tree, at, name), &raw, 0));
    }
    Ok(Value::Object(object))
}

/// One property's value, with the names of the body that it took.
fn property(
    tree: &dyn SchemaTree,
    at: &str,
    name: &str,
    query: &Query<'_>,
    names: &[String],
    encoding: Option<&Encoding>,
) -> Result<Option<(Value, Vec<String>)>, BodyError> {
    let schemas = member_schemas(tree, at, name);
    let shape = schemas.first().map_or(Shape::Primitive, |at| shape_of(tree, at));
    let place = || pointer::join("", name);
    if !encoding.is_some_and(Encoding::is_styled) {
        let undeclared = encoding.is_none_or(|encoding| encoding.content_type.is_none());
        let described = if shape == Shape::Array { item_shape(tree, &schemas) } else { shape };
        if encoding.is_some_and(Encoding::is_json) || undeclared && described != Shape::Primitive {
            let whole = shape != Shape::Array || !undeclared && described != Shape::Array;
            let value = json_property(name, query, shape, whole)?;
            return Ok(value.map(|value| (value, vec![name.to_owned()])));
        }
    }
    styled_property(tree, &schemas, name, query, names, encoding)
        .map_err(|malformed| BodyError::new(place(), malformed.message))
}

/// The kind of value that the items of an array are.
pub(super) fn item_shape(tree: &dyn SchemaTree, schemas: &[String]) -> Shape {
    let items = schemas.iter().flat_map(|at| item_schemas(tree, at, 0)).next();
    items.map_or(Shape::Primitive, |at| shape_of(tree, &at))
}

/// A property that is written as JSON: an array by its items (OAS 3.1.2 §4.8.15.1.1), or, if `whole`, also at once.
fn json_property(name: &str, query: &Query<'_>, shape: Shape, whole: bool) -> Result<Option<Value>, BodyError> {
    let wrong = |at: String, message: String| BodyError::new(at, message);
    let texts = query.all(name).map_err(|malformed| wrong(pointer::join("", name), malformed.message))?;
    if texts.len() > 1 && shape != Shape::Array {
        return Err(wrong(pointer::join("", name), Malformed::repeated().message));
    }
    let mut values = Vec::with_capacity(texts.len());
    for text in texts {
        let value = match json::parse(text.as_bytes()) {
            Ok(parsed) => match parsed.duplicate_keys.first() {
                Some(key) => {
                    let at = format!("{}{key}", pointer::join("", name));
                    return Err(wrong(at, "a member stands twice in one object".to_owned()));
                }
                None => parsed.value,
            },
            // What is no JSON is text, and the schema judges it.
            Err(_) => Value::String(text),
        };
        values.push(value);
    }
    let single = shape != Shape::Array || whole && matches!(values.as_slice(), [Value::Array(_)]);
    Ok(if single { values.pop() } else { (!values.is_empty()).then_some(Value::Array(values)) })
}

/// A property that is written by style, with the names of the body that it took.
pub(super) fn styled_property(
    tree: &dyn SchemaTree,
    schemas: &[String],
    name: &str,
    query: &Query<'_>,
    names: &[String],
    encoding: Option<&Encoding>,
) -> Result<Option<(Value, Vec<String>)>, Malformed> {
    let shape = schemas.first().map_or(Shape::Primitive, |at| shape_of(tree, at));
    let style = encoding.and_then(|encoding| encoding.style).unwrap_or(Style::Form);
    let explode =
        encoding.and_then(|encoding| encoding.explode).unwrap_or(matches!(style, Style::Form | Style::DeepObject));
    let own: Vec<String> = schemas.iter().flat_map(|at| declared(tree, at)).collect();
    let claimed = |key: &str| names.iter().any(|known| known == key);
    let members = Gathered { names: &own, open: false, claimed: &claimed };
    let Some(raw) = decode_query(style, explode, shape, name, query, &members)? else { return Ok(None) };
    let mut taken: Vec<String> = query
        .names()
        .filter(|key| key.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('[')))
        .map(ToOwned::to_owned)
        .collect();
    if shape == Shape::Object && explode && style == Style::Form {
        taken.extend(own);
    }
    Ok(Some((typed_by(tree, schemas, &raw, 0), taken)))
}

/// Whether a schema describes bytes: `format: binary` in 3.0, a media type in 3.1 (OAS 3.1.1 §4.8.24.3).
pub(super) fn is_binary(tree: &dyn SchemaTree, at: &str) -> bool {
    keyword_value(tree, at, "format").and_then(Value::as_str) == Some("binary")
        || keyword_value(tree, at, "contentMediaType").is_some() && keyword_value(tree, at, "contentEncoding").is_none()
}
