//! Values as bodies of forms, of parts, and of comma-separated values: the other way from decoding.

use super::form::{Encoding, is_binary, item_shape};
use super::style::{Shape, Style};
use super::typed::{item_schemas, member_schemas, shape_of};
use crate::contract::tree::SchemaTree;
use crate::message::media_type::MediaType;
use serde_json::{Map, Value};

/// A text as forms, parts and XML have it.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// The body of a form: objects as JSON, arrays by their items, unless a style says otherwise (OAS 3.1.2 §4.8.15).
pub(crate) fn form_text(
    tree: &dyn SchemaTree,
    at: &str,
    members: &Map<String, Value>,
    encodings: &[(String, Encoding)],
) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    for (name, value) in members {
        let encoding = encodings.iter().find(|(property, _)| property == name).map(|(_, encoding)| encoding);
        for (key, text) in pairs(tree, at, name, value, encoding) {
            form.append_pair(&key, &text);
        }
    }
    form.finish()
}

/// The pairs of one property.
fn pairs(
    tree: &dyn SchemaTree,
    at: &str,
    name: &str,
    value: &Value,
    encoding: Option<&Encoding>,
) -> Vec<(String, String)> {
    let own = || name.to_owned();
    let styled = encoding.is_some_and(Encoding::is_styled);
    if !styled {
        let by_items = |items: &[Value]| items.iter().map(|item| (own(), plain(item))).collect();
        return match value {
            Value::Array(items)
                if !encoding.is_some_and(Encoding::is_json)
                    && item_shape(tree, &member_schemas(tree, at, name)) != Shape::Array =>
            {
                by_items(items)
            }
            other => vec![(own(), plain(other))],
        };
    }
    let style = encoding.and_then(|encoding| encoding.style).unwrap_or(Style::Form);
    let explode =
        encoding.and_then(|encoding| encoding.explode).unwrap_or(matches!(style, Style::Form | Style::DeepObject));
    let delimiter = match style {
        Style::SpaceDelimited => " ",
        Style::PipeDelimited => "|",
        _ => ",",
    };
    match value {
        Value::Array(items) if explode => items.iter().map(|item| (own(), plain(item))).collect(),
        Value::Array(items) => {
            vec![(own(), items.iter().map(plain).collect::<Vec<_>>().join(delimiter))]
        }
        Value::Object(members) if style == Style::DeepObject => {
            members.iter().map(|(key, member)| (format!("{name}[{key}]"), plain(member))).collect()
        }
        Value::Object(members) if explode => members.iter().map(|(key, member)| (key.clone(), plain(member))).collect(),
        Value::Object(members) => {
            let flat: Vec<String> = members.iter().flat_map(|(key, member)| [key.clone(), plain(member)]).collect();
            vec![(own(), flat.join(delimiter))]
        }
        other => vec![(own(), plain(other))],
    }
}

/// The boundary between parts: the declared one, else one that occurs in none of them.
fn boundary(media: &MediaType, bodies: &[Vec<u8>]) -> String {
    if let Some(declared) = media.parameter("boundary") {
        return declared.to_owned();
    }
    let mut number = 0_u64;
    loop {
        let candidate = format!("mock-boundary-{number}");
        let occurs = |body: &Vec<u8>| body.windows(candidate.len()).any(|window| window == candidate.as_bytes());
        if !bodies.iter().any(occurs) {
            return candidate;
        }
        number += 1;
    }
}

/// The body of parts: the members of an object by their names, the items of an array by their positions.
pub(crate) fn multipart_bytes<'e>(
    tree: &dyn SchemaTree,
    schemas: &[String],
    media: &MediaType,
    value: &Value,
    encoding: impl Fn(&str) -> Option<&'e Encoding>,
) -> Vec<u8> {
    let mut heads: Vec<String> = Vec::new();
    let mut bodies: Vec<Vec<u8>> = Vec::new();
    let mut add = |name: Option<&str>, schemas: &[String], value: &Value, encoding: Option<&Encoding>| {
        let binary = schemas.first().is_some_and(|at| is_binary(tree, at));
        let declared = encoding.and_then(|encoding| encoding.content_type.as_deref());
        // Of several, and of ranges, a part has one.
        let declared = declared.and_then(|types| types.split(',').map(str::trim).find(|media| !media.contains('*')));
        let kind = declared.unwrap_or(match value {
            Value::Object(_) | Value::Array(_) => "application/json",
            _ if binary => "application/octet-stream",
            _ => "text/plain",
        });
        let quoted = |name: &str| name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A");
        let disposition = name
            .map(|name| format!("Content-Disposition: form-data; name=\"{}\"\r\n", quoted(name)))
            .unwrap_or_default();
        heads.push(format!("{disposition}Content-Type: {kind}\r\n\r\n"));
        let text = plain(value);
        // The characters of a binary value stand for its bytes.
        bodies.push(match text.chars().map(u8::try_from).collect::<Result<Vec<u8>, _>>() {
            Ok(bytes) if binary => bytes,
            _ => text.into_bytes(),
        });
    };
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                let own: Vec<String> = schemas.iter().flat_map(|at| member_schemas(tree, at, name)).collect();
                match value {
                    Value::Array(items) if item_shape(tree, &own) != Shape::Array => {
                        for (index, item) in items.iter().enumerate() {
                            let inner: Vec<String> = own.iter().flat_map(|at| item_schemas(tree, at, index)).collect();
                            add(Some(name), &inner, item, encoding(name));
                        }
                    }
                    value => add(Some(name), &own, value, encoding(name)),
                }
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                let array = schemas.iter().filter(|at| shape_of(tree, at) == Shape::Array);
                let inner: Vec<String> = array.flat_map(|at| item_schemas(tree, at, index)).collect();
                add(None, &inner, item, encoding(&index.to_string()));
            }
        }
        other => add(None, schemas, other, None),
    }
    let boundary = boundary(media, &bodies);
    let mut output = Vec::new();
    for (head, body) in heads.iter().zip(&bodies) {
        output.extend_from_slice(format!("--{boundary}\r\n{head}").as_bytes());
        output.extend_from_slice(body);
        output.extend_from_slice(b"\r\n");
    }
    output.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    output
}

/// The boundary that the body of parts begins with.
pub(crate) fn boundary_of(body: &[u8]) -> Option<&str> {
    let line = body.split(|byte| *byte == b'\n').find(|line| line.starts_with(b"--"))?;
    let boundary = std::str::from_utf8(line).ok()?.trim_end().strip_prefix("--")?;
    let boundary = boundary.strip_suffix("--").unwrap_or(boundary);
    (!boundary.is_empty() && boundary.len() <= 70).then_some(boundary)
}

/// Comma-separated values (RFC 4180): a line of names for objects, then a line for each item.
pub(crate) fn csv_text(items: &[Value]) -> String {
    let mut names: Vec<&String> = Vec::new();
    for item in items.iter().filter_map(Value::as_object) {
        for name in item.keys() {
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    let mut lines: Vec<Vec<String>> = Vec::new();
    if !names.is_empty() {
        lines.push(names.iter().map(|name| name.to_string()).collect());
    }
    for item in items {
        lines.push(match item {
            Value::Object(members) => {
                names.iter().map(|name| members.get(*name).map(plain).unwrap_or_default()).collect()
            }
            Value::Array(fields) => fields.iter().map(plain).collect(),
            other => vec![plain(other)],
        });
    }
    let field = |text: &String| {
        if text.contains(['"', ',', '\r', '\n']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.clone() }
    };
    lines.iter().map(|line| line.iter().map(field).collect::<Vec<_>>().join(",") + "\r\n").collect()
}
