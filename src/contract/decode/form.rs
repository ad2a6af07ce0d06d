//! `application/x-www-form-urlencoded` bodies (OAS 3.1.1 §4.8.15).

use super::BodyError;
use super::query::{Gathered, PAIRS_MAX, Query, decode_query};
use super::style::{Raw, Shape, Style};
use super::typed::{keyword_value, member_schemas, shape_of, typed_by};
use crate::contract::tree::SchemaTree;
use crate::message::media_type::MediaType;
use crate::source::{json, pointer};
use serde_json::{Map, Value};
use std::collections::HashSet;

/// An Encoding Object.
#[derive(Debug, Clone)]
pub(crate) struct Encoding {
    pub(crate) content_type: Option<String>,
    pub(crate) style: Option<Style>,
    pub(crate) explode: Option<bool>,
    pub(crate) allow_reserved: bool,
}

impl Encoding {
    /// Whether the property is written by style: then `contentType` has no meaning (OAS 3.1.1 §4.8.15.1.2).
    fn is_styled(&self) -> bool {
        self.style.is_some() || self.explode.is_some() || self.allow_reserved
    }

    /// Whether the property is written as JSON text.
    pub(super) fn is_json(&self) -> bool {
        self.content_type.as_deref().and_then(MediaType::parse).is_some_and(|media| media.is_json())
    }
}

/// The names that an object schema declares, through references and combinations.
fn declared(tree: &dyn SchemaTree, at: &str) -> Vec<String> {
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
    let styled = encoding.is_some_and(Encoding::is_styled);
    let as_json = !styled
        && (encoding.is_some_and(Encoding::is_json)
            || shape == Shape::Object && encoding.is_none_or(|encoding| encoding.content_type.is_none()));
    if as_json {
        let text = query.single(name).map_err(|malformed| BodyError::new(place(), malformed.message))?;
        let Some(text) = text else { return Ok(None) };
        let value = match json::parse(text.as_bytes()) {
            Ok(parsed) => parsed.value,
            // What is no JSON is text, and the schema judges it.
            Err(_) => Value::String(text),
        };
        return Ok(Some((value, vec![name.to_owned()])));
    }
    let style = encoding.and_then(|encoding| encoding.style).unwrap_or(Style::Form);
    let explode =
        encoding.and_then(|encoding| encoding.explode).unwrap_or(matches!(style, Style::Form | Style::DeepObject));
    let own: Vec<String> = schemas.iter().flat_map(|at| declared(tree, at)).collect();
    let claimed = |key: &str| names.iter().any(|known| known == key);
    let members = Gathered { names: &own, open: false, claimed: &claimed };
    let raw = decode_query(style, explode, shape, name, query, &members)
        .map_err(|malformed| BodyError::new(place(), malformed.message))?;
    let Some(raw) = raw else { return Ok(None) };
    let mut taken: Vec<String> = query
        .names()
        .filter(|key| key.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('[')))
        .map(ToOwned::to_owned)
        .collect();
    if shape == Shape::Object && explode && style == Style::Form {
        taken.extend(own);
    }
    Ok(Some((typed_by(tree, &schemas, &raw, 0), taken)))
}

/// Whether a schema describes bytes: `format: binary` in 3.0, a media type in 3.1 (OAS 3.1.1 §4.8.24.3).
pub(super) fn is_binary(tree: &dyn SchemaTree, at: &str) -> bool {
    keyword_value(tree, at, "format").and_then(Value::as_str) == Some("binary")
        || keyword_value(tree, at, "contentMediaType").is_some() && keyword_value(tree, at, "contentEncoding").is_none()
}
