//! Multipart bodies (RFC 7578; OAS 3.1.1 §4.8.15.3).

use super::BodyError;
use super::charset::Charset;
use super::form::{Encoding, declared, form_value, is_binary, item_shape, styled_property};
use super::mime::body_parts;
use super::query::Query;
use super::style::{Raw, Shape};
use super::typed::{item_schemas, member_schemas, shape_of, typed_by};
use super::xml::xml_value;
use crate::contract::tree::SchemaTree;
use crate::message::media_type::{MediaType, split};
use crate::source::{json, pointer};
use bytes::Bytes;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode, utf8_percent_encode};
use serde_json::{Map, Value};
use std::collections::{HashMap, HashSet};

/// Parts of one multipart body. Over it the body is refused.
const PARTS_MAX: usize = 1_000;
/// Characters of the boundary of a multipart body (RFC 2046 §5.1.1). Over it the body is refused.
const BOUNDARY_BYTES_MAX: usize = 70;

/// One part.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    pub(crate) name: String,
    pub(crate) file_name: Option<String>,
    pub(crate) content_type: Option<String>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) bytes: Bytes,
}

/// What is wrong with a part.
#[derive(Debug, Clone)]
pub(crate) struct PartProblem {
    pub(crate) pointer: String,
    pub(crate) message: String,
    /// Whether it is its media type.
    pub(crate) media_type: bool,
}

/// Whether `style`, `explode` and `allowReserved` of an encoding have a meaning in a multipart body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Styles {
    Applied,
    Ignored,
}

/// The named parts of a body, by the boundary that its `Content-Type` names.
pub(crate) fn parts(content_type: &str, body: &Bytes) -> Result<Vec<Part>, BodyError> {
    let named = read(content_type, body)?.into_iter().map(|(name, part)| match name {
        Some(name) => Ok(Part { name, ..part }),
        None => Err(BodyError::new("", "a part has no name in its `Content-Disposition`")),
    });
    named.collect()
}

/// The parts of a body in their order, named by their positions.
pub(crate) fn ordered_parts(content_type: &str, body: &Bytes) -> Result<Vec<Part>, BodyError> {
    let parts = read(content_type, body)?.into_iter().enumerate();
    Ok(parts.map(|(index, (_, part))| Part { name: index.to_string(), ..part }).collect())
}

fn read(content_type: &str, body: &Bytes) -> Result<Vec<(Option<String>, Part)>, BodyError> {
    let boundary = MediaType::parse(content_type).and_then(|media| media.parameter("boundary").map(ToOwned::to_owned));
    let Some(boundary) = boundary.filter(|boundary| !boundary.is_empty()) else {
        return Err(BodyError::new("", "the `Content-Type` names no boundary"));
    };
    if boundary.len() > BOUNDARY_BYTES_MAX {
        return Err(BodyError::new("", format!("the boundary has more than {BOUNDARY_BYTES_MAX} characters")));
    }
    let parts = body_parts(&boundary, body, PARTS_MAX)
        .map_err(|error| BodyError::new("", format!("the multipart body is malformed: {error}")))?;
    if parts.len() > PARTS_MAX {
        return Err(BodyError::new("", format!("the multipart body has more than {PARTS_MAX} parts")));
    }
    let read = parts.into_iter().map(|part| {
        let (name, file_name) = part.header("content-disposition").map(named_by).unwrap_or_default();
        let content_type = part.header("content-type").map(ToOwned::to_owned);
        (name, Part { name: String::new(), file_name, content_type, headers: part.headers, bytes: part.bytes })
    });
    Ok(read.collect())
}

/// The `name` and `filename` of a `Content-Disposition: form-data` (RFC 7578 §4.2).
fn named_by(disposition: &str) -> (Option<String>, Option<String>) {
    let parts = split(disposition, ';');
    let Some((kind, parameters)) = parts.split_first() else { return (None, None) };
    if !kind.trim().eq_ignore_ascii_case("form-data") {
        return (None, None);
    }
    let value = |wanted: &str| {
        let found = parameters
            .iter()
            .filter_map(|parameter| parameter.split_once('='))
            .find(|(name, _)| name.trim().eq_ignore_ascii_case(wanted));
        found.map(|(_, value)| unquoted(value.trim()))
    };
    (value("name"), value("filename"))
}

fn unquoted(text: &str) -> String {
    let Some(inner) = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else { return text.to_owned() };
    // Browsers percent-encode quotes and line ends in names (WHATWG, multipart/form-data encoding).
    inner.replace("\\\"", "\"").replace("%22", "\"").replace("%0D", "\r").replace("%0A", "\n")
}

/// Bytes as a string of as many characters, so that lengths count bytes.
pub(crate) fn binary_value(bytes: &[u8]) -> Value {
    Value::String(bytes.iter().map(|byte| char::from(*byte)).collect())
}

/// The value of the parts by the schema at a pointer, and what is wrong with single parts.
pub(crate) fn multipart_value(
    tree: &dyn SchemaTree,
    at: &str,
    parts: &[Part],
    encodings: &[(String, Encoding)],
    styles: Styles,
) -> (Value, Vec<PartProblem>) {
    let mut object = Map::new();
    let mut problems = Vec::new();
    let mut taken = HashSet::new();
    if styles == Styles::Applied {
        taken = styled(tree, at, parts, encodings, &mut object, &mut problems);
    }
    let mut groups: HashMap<&str, Vec<&Part>> = HashMap::new();
    for part in parts {
        groups.entry(&part.name).or_default().push(part);
    }
    for part in parts {
        if object.contains_key(&part.name) || taken.contains(&part.name) {
            continue;
        }
        let group = groups.remove(part.name.as_str()).unwrap_or_default();
        let encoding = encodings.iter().find(|(name, _)| *name == part.name).map(|(_, encoding)| encoding);
        let schemas = member_schemas(tree, at, &part.name);
        let array = schemas.first().is_some_and(|at| shape_of(tree, at) == Shape::Array);
        // An array may also come as one part of JSON.
        let whole = array
            && group.len() == 1
            && is_json_part(part, encoding)
            && item_shape(tree, &schemas) != Shape::Array
            && json::parse(&part.bytes).is_ok_and(|parsed| parsed.value.is_array());
        if array && !whole {
            let mut items = Vec::new();
            for (index, item) in group.iter().enumerate() {
                let schemas: Vec<String> = schemas.iter().flat_map(|at| item_schemas(tree, at, index)).collect();
                items.push(part_value(
                    tree,
                    &schemas,
                    item,
                    encoding,
                    &format!("{}/{index}", pointer::join("", &part.name)),
                    &mut problems,
                ));
            }
            object.insert(part.name.clone(), Value::Array(items));
            continue;
        }
        let place = pointer::join("", &part.name);
        if group.len() > 1 && !schemas.is_empty() {
            problems.push(PartProblem {
                pointer: place.clone(),
                message: format!("the part `{}` is there {} times", part.name, group.len()),
                media_type: false,
            });
        }
        object.insert(part.name.clone(), part_value(tree, &schemas, part, encoding, &place, &mut problems));
    }
    (Value::Object(object), problems)
}

/// The array of the parts by the schemas of its items, and what is wrong with single parts.
pub(crate) fn positional_value<'e>(
    tree: &dyn SchemaTree,
    whole: Option<&str>,
    item: Option<&str>,
    parts: &[Part],
    encoding: impl Fn(usize) -> Option<&'e Encoding>,
) -> (Value, Vec<PartProblem>) {
    let mut problems = Vec::new();
    let mut items = Vec::with_capacity(parts.len());
    for (index, part) in parts.iter().enumerate() {
        let mut schemas = whole.map(|at| item_schemas(tree, at, index)).unwrap_or_default();
        schemas.extend(item.map(ToOwned::to_owned));
        let place = format!("/{index}");
        items.push(part_value(tree, &schemas, part, encoding(index), &place, &mut problems));
    }
    (Value::Array(items), problems)
}

/// Reads the properties that are written by style; gives the names of the parts that they took.
///
/// The names and values of the parts are put as a query without escapes of its own, so that one table serves both:
/// in a part nothing is percent-encoded (OAS 3.2.0 §4.15.1.2), so every delimiter in it is one.
fn styled(
    tree: &dyn SchemaTree,
    at: &str,
    parts: &[Part],
    encodings: &[(String, Encoding)],
    object: &mut Map<String, Value>,
    problems: &mut Vec<PartProblem>,
) -> HashSet<String> {
    const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b',').remove(b'|');
    let mut taken = HashSet::new();
    if !encodings.iter().any(|(_, encoding)| encoding.is_styled()) {
        return taken;
    }
    let pair =
        |part: &Part| format!("{}={}", utf8_percent_encode(&part.name, ESCAPED), percent_encode(&part.bytes, ESCAPED));
    let text = parts.iter().map(pair).collect::<Vec<_>>().join("&");
    let query = Query::parse(&text);
    let names = declared(tree, at);
    for (name, encoding) in encodings.iter().filter(|(_, encoding)| encoding.is_styled()) {
        match styled_property(tree, &member_schemas(tree, at, name), name, &query, &names, Some(encoding)) {
            Ok(Some((value, parts))) => {
                object.insert(name.clone(), value);
                taken.extend(parts);
            }
            Ok(None) => {}
            Err(malformed) => {
                let message = format!("the part `{name}`: {}", malformed.message);
                problems.push(PartProblem { pointer: pointer::join("", name), message, media_type: false });
                taken.insert(name.clone());
            }
        }
    }
    taken
}

fn media_of(part: &Part) -> Option<MediaType> {
    part.content_type.as_deref().and_then(MediaType::parse)
}

fn is_json_part(part: &Part, encoding: Option<&Encoding>) -> bool {
    match media_of(part) {
        Some(media) => media.is_json(),
        None => part.content_type.is_none() && encoding.is_some_and(Encoding::is_json),
    }
}

fn part_value(
    tree: &dyn SchemaTree,
    schemas: &[String],
    part: &Part,
    encoding: Option<&Encoding>,
    place: &str,
    problems: &mut Vec<PartProblem>,
) -> Value {
    let media = media_of(part);
    if let Some(declared) = encoding.and_then(|encoding| encoding.content_type.as_deref()) {
        let ranges: Vec<MediaType> = declared.split(',').filter_map(MediaType::parse).collect();
        // A part without a type is text (RFC 7578 §4.4), or what the encoding says it is if that is one type.
        let actual = media.clone().or_else(|| match ranges.as_slice() {
            [one] if !one.is_range() && (one.is_json() || one.is_text() || one.is_xml() || one.is_form()) => {
                Some(one.clone())
            }
            _ => MediaType::parse("text/plain"),
        });
        if !actual.is_some_and(|actual| ranges.iter().any(|range| range.covers(&actual))) {
            let shown = part.content_type.as_deref().unwrap_or("text/plain");
            let message = format!("the part `{}` is `{shown}`; declared: {declared}", part.name);
            problems.push(PartProblem { pointer: place.to_owned(), message, media_type: true });
        }
    }
    let first = schemas.first().map(String::as_str);
    let binary = first.is_some_and(|at| is_binary(tree, at));
    let object = first.is_some_and(|at| shape_of(tree, at) != Shape::Primitive);
    if !binary && (is_json_part(part, encoding) || object && media.is_none()) {
        match json::parse(&part.bytes) {
            Ok(parsed) => {
                if let Some(key) = parsed.duplicate_keys.first() {
                    let message = format!("a member stands twice in one object of the part `{}`", part.name);
                    problems.push(PartProblem { pointer: format!("{place}{key}"), message, media_type: false });
                }
                return parsed.value;
            }
            Err(error) if is_json_part(part, encoding) => {
                let message = format!("the part `{}` is no well-formed JSON: {}", part.name, error.message);
                problems.push(PartProblem { pointer: place.to_owned(), message, media_type: false });
            }
            Err(_) => {}
        }
    }
    let single = encoding.and_then(|encoding| encoding.content_type.as_deref()).and_then(MediaType::parse);
    if let (Some(at), Some(media)) = (first.filter(|_| object && !binary), media.as_ref().or(single.as_ref())) {
        match structured_part(tree, at, part, media, place) {
            Some(Ok(value)) => return value,
            // What is in an unknown charset is not read as text either.
            Some(Err(problem)) if problem.media_type => {
                problems.push(problem);
                return binary_value(&part.bytes);
            }
            Some(Err(problem)) => problems.push(problem),
            None => {}
        }
    }
    let opaque = media.as_ref().is_some_and(|media| !media.is_text() && !media.is_json())
        || part.file_name.is_some() && part.content_type.is_none();
    if binary || opaque {
        return binary_value(&part.bytes);
    }
    let named = media.as_ref().and_then(|media| media.parameter("charset"));
    let mut refuse = |message: String, media_type: bool| {
        problems.push(PartProblem { pointer: place.to_owned(), message, media_type });
        binary_value(&part.bytes)
    };
    match Charset::named(named).map(|charset| (charset, charset.text(&part.bytes))) {
        Some((_, Ok(text))) => typed_by(tree, schemas, &Raw::Text(text), 0),
        Some((charset, Err(_))) => refuse(format!("the text of the part `{}` is not {charset}", part.name), false),
        None => {
            let charset = named.unwrap_or_default();
            refuse(format!("the charset `{charset}` of the part `{}` is not supported", part.name), true)
        }
    }
}

/// The value of a part that is XML or a form.
fn structured_part(
    tree: &dyn SchemaTree,
    at: &str,
    part: &Part,
    media: &MediaType,
    place: &str,
) -> Option<Result<Value, PartProblem>> {
    let read = if media.is_xml() {
        let named = media.parameter("charset");
        let Some(charset) = Charset::named(named) else {
            let charset = named.unwrap_or_default();
            let message = format!("the charset `{charset}` of the part `{}` is not supported", part.name);
            return Some(Err(PartProblem { pointer: place.to_owned(), message, media_type: true }));
        };
        xml_value(tree, at, charset, &part.bytes)
    } else if media.is_form() {
        form_value(tree, at, &part.bytes, &[])
    } else {
        return None;
    };
    Some(read.map_err(|error| PartProblem {
        pointer: format!("{place}{}", error.pointer),
        message: format!("the part `{}`: {}", part.name, error.message),
        media_type: false,
    }))
}
