//! Choosing and checking a response by what its operation declares.

use super::Contract;
use super::decode;
use super::generate::generate;
use super::lower::{SELECTED, reference_pointer};
use super::operation::{Content, Example, ExampleForm, HeaderDeclaration, Operation, Prepared, ResponseDeclaration};
use super::representation::{Representation, best};
use super::schema::{Checker, SchemaUse};
use super::tree::SchemaTree;
use crate::diagnostic::{Code, Diagnostic, Fault, Part, code};
use crate::message::media_type::{MediaType, accept_of, concrete, negotiate};
use crate::source::{Focus, json, pointer};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value};
use std::cell::RefCell;
use std::io;
use std::sync::Arc;

impl Operation {
    /// The JSON content of a plain success.
    pub(crate) fn json_answer(&self) -> Option<&Content> {
        let response = self.response(self.success)?;
        response.content.iter().find(|content| content.media.is_json())
    }
}

impl ResponseDeclaration {
    /// The representation that `accept` prefers. `Ok(None)`: the response has no content. `Err`: nothing is acceptable.
    pub(crate) fn negotiated(&self, accept: Option<&str>) -> Result<Option<&Content>, ()> {
        if self.content.is_empty() {
            return Ok(None);
        }
        let index = negotiate(accept, self.content.iter().map(|content| &content.media)).ok_or(())?;
        self.content.get(index).map(Some).ok_or(())
    }
}

impl Content {
    /// The `Content-Type` of a representation of these bytes, for a request of these fields.
    pub(crate) fn content_type(&self, request: &HeaderMap, bytes: &[u8]) -> Option<HeaderValue> {
        if !self.media.is_range() && !self.media.is_multipart() {
            return self.media_value.clone();
        }
        let media = self.concrete_media(accept_of(request).as_deref());
        HeaderValue::from_str(&with_boundary(media, bytes)).ok()
    }

    /// The media type to send: a declared range gives way to what is accepted, else to JSON.
    fn concrete_media(&self, accept: Option<&str>) -> String {
        if !self.media.is_range() {
            return self.media.to_string();
        }
        concrete(accept, &self.media).unwrap_or_else(|| match self.media.essence().as_str() {
            "text/*" => "text/plain".to_owned(),
            "image/*" => "image/png".to_owned(),
            _ => "application/json".to_owned(),
        })
    }
}

/// A multipart type with the boundary that the body has (RFC 2046 §5.1.1).
fn with_boundary(media: String, body: &[u8]) -> String {
    match decode::boundary_of(body).filter(|_| media.starts_with("multipart/") && !media.contains("boundary=")) {
        Some(boundary) => format!("{media}; boundary=\"{boundary}\""),
        None => media,
    }
}

impl Contract {
    /// The example of a name, or the first usable one; `None` if there is none or all contradict their schema.
    pub(crate) fn example<'c>(&self, content: &'c Content, name: Option<&str>) -> Option<&'c Prepared> {
        let mut candidates =
            content.examples.iter().filter(|example| name.is_none() || example.name.as_deref() == name);
        candidates.find_map(|example| self.prepared(content, example))
    }

    fn prepared<'c>(&self, content: &Content, example: &'c Example) -> Option<&'c Prepared> {
        let prepare = || {
            let (value, text) = self.example_value(content, example).ok()?;
            let readable = self.readable(content, &value);
            if !content.is_valid(&self.response, &readable) {
                return None;
            }
            match text.filter(|_| readable == value) {
                Some(text) => Some(Prepared::new(readable, Bytes::from(text.to_owned()))),
                None => Some(self.prepare(content, readable)),
            }
        };
        example.prepared.get_or_init(prepare).as_ref()
    }

    /// What an example is an example of, and its text if that is given, too; the reason if the text cannot be read.
    pub(super) fn example_value<'d>(
        &'d self,
        content: &Content,
        example: &Example,
    ) -> Result<(Value, Option<&'d str>), String> {
        let found = self.document.at(&example.pointer).unwrap_or(&Value::Null);
        let text = found.as_str();
        match &example.form {
            ExampleForm::Text => {
                let text = text.ok_or_else(|| "`serializedValue` is a text".to_owned())?;
                Ok((self.read_text(content, text)?, Some(text)))
            }
            ExampleForm::Data { text } => {
                let text = text.as_ref().and_then(|at| self.document.at(at)).and_then(Value::as_str);
                match text.map(|text| self.read_text(content, text)).transpose()? {
                    Some(read) if read != *found => Err("`serializedValue` is not the text of `dataValue`".to_owned()),
                    _ => Ok((found.clone(), text)),
                }
            }
            ExampleForm::Either => match text.filter(|_| !content.media.is_json()) {
                // What cannot be read by its schema is its own form.
                Some(text) if content.is_opaque(&self.response) => Ok((found.clone(), Some(text))),
                Some(text) if !content.is_valid(&self.response, found) || content.sequence.is_some() => {
                    Ok((self.read_text(content, text)?, Some(text)))
                }
                _ => Ok((found.clone(), None)),
            },
        }
    }

    /// The value of a text in the content's media type.
    fn read_text(&self, content: &Content, text: &str) -> Result<Value, String> {
        let at = content.schema.as_ref().map_or("", |schema| schema.pointer.as_str());
        let (tree, media) = (&self.response, &content.media);
        let malformed = |error: decode::BodyError| error.message;
        if let Some(sequence) = content.sequence {
            return sequence.read(text.as_bytes()).map_err(malformed);
        }
        if media.is_json() {
            return json::parse(text.as_bytes()).map(|parsed| parsed.value).map_err(|error| error.message);
        }
        if media.is_form() {
            return decode::form_value(tree, at, text.as_bytes(), &content.encodings).map_err(malformed);
        }
        if media.is_xml() && content.schema.is_some() {
            return decode::xml_value(tree, at, decode::Charset::Utf8, text.as_bytes()).map_err(malformed);
        }
        if let (true, Some(boundary)) = (media.is_multipart(), decode::boundary_of(text.as_bytes())) {
            let text_of_media = format!("{}; boundary=\"{boundary}\"", media.essence());
            let checker = Checker { document: &self.document, schemas: &self.response };
            let bytes = Bytes::from(text.to_owned());
            return Representation::new(checker, content).decoded(media, &text_of_media, &bytes);
        }
        Ok(if media.is_text() && content.schema.is_some() {
            decode::typed(tree, at, &decode::Raw::Text(text.to_owned()))
        } else {
            Value::String(text.to_owned())
        })
    }

    /// A copy without the members that a response does not carry.
    pub(crate) fn readable(&self, content: &Content, value: &Value) -> Value {
        let mut value = value.clone();
        if !self.directional {
            return value;
        }
        if let Some(schema) = &content.schema {
            strip_write_only(&self.response, &schema.pointer, &mut value, 0);
        }
        if let (Some(schema), Value::Array(items)) = (&content.item_schema, &mut value) {
            items.iter_mut().for_each(|item| strip_write_only(&self.response, &schema.pointer, item, 0));
        }
        value
    }

    /// An instance made from the schema; the same for the same seed. `None` if none is found within the bounds.
    pub(crate) fn generated(&self, content: &Content, seed: u64) -> Option<Prepared> {
        self.made.get_or_make(&content.pointer, seed, || self.made_anew(content, seed))
    }

    fn made_anew(&self, content: &Content, seed: u64) -> Option<Prepared> {
        let value = match (&content.schema, &content.item_schema) {
            (Some(schema), _) => generate(&self.response, &schema.pointer, seed)?,
            (None, Some(item)) => {
                let items = [seed, seed.wrapping_add(1)];
                Value::Array(items.iter().filter_map(|seed| generate(&self.response, &item.pointer, *seed)).collect())
            }
            (None, None) if content.media.is_json() => Value::Object(Map::new()),
            (None, None) => Value::String(String::new()),
        };
        let value = self.readable(content, &value);
        self.is_valid(content, &value).then(|| self.prepare(content, value))
    }

    /// A value with its bytes in the content's media type.
    pub(crate) fn prepare(&self, content: &Content, value: Value) -> Prepared {
        let at = content.schema.as_ref().map_or("", |schema| schema.pointer.as_str());
        if let (Some(sequence), Value::Array(items)) = (content.sequence, &value) {
            let bytes = Bytes::from(sequence.write(items));
            return Prepared::new(value, bytes);
        }
        if content.media.is_xml() && !value.is_string() {
            let bytes = Bytes::from(decode::xml_text(&self.response, at, &value));
            return Prepared::new(value, bytes);
        }
        if let (true, Value::Object(members)) = (content.media.is_form(), &value) {
            let bytes = Bytes::from(decode::form_text(&self.response, at, members, &content.encodings));
            return Prepared::new(value, bytes);
        }
        if content.media.is_multipart() && !value.is_string() {
            let bytes = Bytes::from(self.multipart(content, &value));
            return Prepared::new(value, bytes);
        }
        if let ("text/csv", Value::Array(items)) = (content.media.essence().as_str(), &value) {
            let bytes = Bytes::from(decode::csv_text(items));
            return Prepared::new(value, bytes);
        }
        prepare(&content.media, value)
    }

    fn multipart(&self, content: &Content, value: &Value) -> Vec<u8> {
        let uses = content.schema.iter().chain(&content.item_schema);
        let schemas: Vec<String> = uses.map(|schema| schema.pointer.clone()).collect();
        decode::multipart_bytes(&self.response, &schemas, &content.media, value, |part| match &content.positions {
            Some(positions) => part.parse().ok().and_then(|index| positions.at(index)).map(|part| &part.encoding),
            None => content.encodings.iter().find(|(name, _)| name == part).map(|(_, encoding)| encoding),
        })
    }

    /// Checks a response that is about to leave. A representation comes with the declaration that it was chosen by.
    pub(crate) fn check_response(
        &self,
        operation: &Operation,
        status: u16,
        headers: &HeaderMap,
        body: Option<(&Prepared, &Content)>,
    ) -> Vec<Diagnostic> {
        let Some(declared) = operation.response(status) else {
            let message = format!("the status {status} is not declared by `{}`", operation.names.name);
            let place = self.document.location(&operation.pointer, Focus::Key);
            return vec![Diagnostic::new(code::DRIFT_STATUS, message).at(Part::Status, "").contract(Some(place))];
        };
        let mut found = Vec::new();
        for header in &declared.headers {
            self.check_header(header, headers, &mut found);
        }
        if let Some((body, chosen)) = body {
            self.check_representation(declared, chosen, headers, body, &mut found);
        }
        self.conceal(found)
    }

    fn check_representation(
        &self,
        declared: &ResponseDeclaration,
        chosen: &Content,
        headers: &HeaderMap,
        body: &Prepared,
        found: &mut Vec<Diagnostic>,
    ) {
        // What a range was made into may be declared by itself.
        let content = if chosen.media.is_range() { self.content_of(declared, headers) } else { Some(chosen) };
        let Some(content) = content else {
            found.push(self.undeclared_media(declared, "the response's media type is not declared"));
            return;
        };
        if self.is_valid_as(content, body) {
            return;
        }
        let checker = Checker { document: &self.document, schemas: &self.response };
        found.extend(as_drift(content.check(checker, &body.value, Part::Body, ""), code::DRIFT_BODY));
    }

    /// The declaration that a response's `Content-Type` is of.
    pub(crate) fn content_of<'d>(&self, declared: &'d ResponseDeclaration, headers: &HeaderMap) -> Option<&'d Content> {
        let media = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).and_then(MediaType::parse)?;
        declared.content.get(best(&declared.content, &media)?)
    }

    pub(super) fn undeclared_media(&self, declared: &ResponseDeclaration, message: impl Into<String>) -> Diagnostic {
        let place = self.document.location(&declared.pointer, Focus::Key);
        Diagnostic::new(code::DRIFT_MEDIA_TYPE, message).at(Part::Header, "/content-type").contract(Some(place))
    }

    fn check_header(&self, header: &HeaderDeclaration, headers: &HeaderMap, found: &mut Vec<Diagnostic>) {
        let at = pointer::join("", &header.name);
        let place = self.document.location(&header.pointer, Focus::Value);
        let Some(value) = headers.get(header.name.as_str()) else {
            if header.required {
                let message = format!("the required response header `{}` is missing", header.name);
                found.push(Diagnostic::new(code::DRIFT_HEADER, message).at(Part::Header, at).contract(Some(place)));
            }
            return;
        };
        let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
        let Some(schema) = &header.schema else { return };
        let Some(decoded) = decoded_header(header, schema, &self.response, &text) else {
            found.push(
                Diagnostic::new(code::DRIFT_HEADER, format!("the response header `{}` cannot be decoded", header.name))
                    .at(Part::Header, at)
                    .contract(Some(place)),
            );
            return;
        };
        let checker = Checker { document: &self.document, schemas: &self.response };
        found.extend(as_drift(schema.check(checker, &decoded, Part::Header, &at), code::DRIFT_HEADER));
    }

    /// The headers that a response must or, having an example, may carry.
    pub(crate) fn answer_headers(&self, declared: &ResponseDeclaration, seed: u64) -> Vec<(HeaderName, HeaderValue)> {
        let mut headers = Vec::new();
        for header in &declared.headers {
            let example = header.example.as_ref().and_then(|at| self.document.at(at)).cloned();
            let value = match (&header.schema, example) {
                (Some(schema), Some(example)) if schema.is_valid(&self.response, &example) => Some(example),
                (Some(schema), _) if header.required => {
                    let make = || generate(&self.response, &schema.pointer, seed).map(Prepared::json);
                    let made = self.made.get_or_make(&schema.pointer, seed, make);
                    made.map(|made| Value::clone(&made.value))
                }
                (None, example) => example.or_else(|| header.required.then(|| Value::String("mock".to_owned()))),
                _ => None,
            };
            let Some(value) = value else { continue };
            let text = match &header.media {
                Some(media) if media.is_json() => value.to_string(),
                _ => decode::encode_header(header.explode, &value),
            };
            if let (Ok(name), Ok(text)) =
                (HeaderName::from_bytes(header.name.as_bytes()), HeaderValue::from_bytes(text.as_bytes()))
            {
                headers.push((name, text));
            }
        }
        headers
    }
}

/// The value of a header of a response or a part; `None` if it is not written as its declaration says.
pub(super) fn decoded_header(
    header: &HeaderDeclaration,
    schema: &SchemaUse,
    tree: &dyn SchemaTree,
    text: &str,
) -> Option<Value> {
    match &header.media {
        Some(media) if media.is_json() => json::parse(text.as_bytes()).ok().map(|parsed| parsed.value),
        Some(_) => Some(Value::String(text.to_owned())),
        None => {
            let raw = decode::decode_header(header.explode, header.shape, text).ok()?;
            Some(decode::typed(tree, &schema.pointer, &raw))
        }
    }
}

/// Makes violations of a schema into drift of the response.
pub(super) fn as_drift(mut diagnostics: Vec<Diagnostic>, code: Code) -> Vec<Diagnostic> {
    for diagnostic in &mut diagnostics {
        diagnostic.code = code;
        diagnostic.fault = Fault::Server;
    }
    diagnostics
}

impl Prepared {
    /// A value with its bytes.
    pub(crate) fn new(value: Value, bytes: Bytes) -> Self {
        Self { value: Arc::new(value), bytes, checked: Arc::default() }
    }

    /// A JSON value with its bytes.
    pub(crate) fn json(value: Value) -> Self {
        let bytes = json_bytes(&value);
        Self::new(value, bytes)
    }
}

/// A value as JSON, in no more memory than it needs: it may be kept for long.
fn json_bytes(value: &Value) -> Bytes {
    thread_local! {
        static ROOM: RefCell<Pieces> = const { RefCell::new(Pieces(Vec::new())) };
    }
    const KEPT_MAX: usize = 64 * 1024;
    ROOM.with_borrow_mut(|room| {
        let written = serde_json::to_writer(&mut *room, value);
        let bytes = written.map(|()| Bytes::copy_from_slice(&room.0)).unwrap_or_default();
        room.0.clear();
        room.0.shrink_to(KEPT_MAX);
        bytes
    })
}

/// What is written piece by piece, most of them a single sign.
struct Pieces(Vec<u8>);

impl io::Write for Pieces {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        self.write_all(piece).map(|()| piece.len())
    }

    fn write_all(&mut self, piece: &[u8]) -> io::Result<()> {
        match piece {
            [sign] => self.0.push(*sign),
            _ => self.0.extend_from_slice(piece),
        }
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The bytes of a value in a media type.
pub(crate) fn prepare(media: &MediaType, value: Value) -> Prepared {
    let bytes = match &value {
        Value::String(text) if !media.is_json() => Bytes::from(text.clone()),
        other => json_bytes(other),
    };
    Prepared::new(value, bytes)
}

/// Removes members whose schema is `writeOnly`, wherever the schema says so.
pub(super) fn strip_write_only(tree: &dyn SchemaTree, at: &str, value: &mut Value, depth: usize) {
    const DEPTH_MAX: usize = 64;
    if depth > DEPTH_MAX || !(value.is_object() || value.is_array()) {
        return;
    }
    let mut schemas = Vec::new();
    in_place(tree, at, value, &mut schemas);
    for at in &schemas {
        let Some(Value::Object(schema)) = tree.at(at) else { continue };
        match value {
            Value::Object(members) => strip_members(tree, at, schema, members, depth),
            Value::Array(items) => {
                for item in items {
                    strip_write_only(tree, &format!("{at}/items"), item, depth + 1);
                }
            }
            _ => {}
        }
    }
}

/// The schemas that apply to the same value as the one at `at`, each once: of alternatives, those that it satisfies.
fn in_place(tree: &dyn SchemaTree, at: &str, value: &Value, found: &mut Vec<String>) {
    const SCHEMAS_MAX: usize = 1_000;
    let Some(Value::Object(schema)) = tree.at(at) else { return };
    if found.len() > SCHEMAS_MAX || found.iter().any(|known| known == at) {
        return;
    }
    found.push(at.to_owned());
    if let Some(target) = schema.get("$ref").and_then(Value::as_str).and_then(reference_pointer) {
        in_place(tree, &target, value, found);
    }
    for keyword in ["allOf", "oneOf", "anyOf", SELECTED] {
        let count = schema.get(keyword).and_then(Value::as_array).map_or(0, Vec::len);
        let mut branches: Vec<String> = (0..count).map(|index| format!("{at}/{keyword}/{index}")).collect();
        if keyword != "allOf" && branches.iter().any(|branch| tree.is_valid(branch, value)) {
            branches.retain(|branch| tree.is_valid(branch, value));
        }
        for branch in branches {
            in_place(tree, &branch, value, found);
        }
    }
}

fn strip_members(
    tree: &dyn SchemaTree,
    at: &str,
    schema: &Map<String, Value>,
    members: &mut Map<String, Value>,
    depth: usize,
) {
    let names: Vec<String> = members.keys().cloned().collect();
    for name in names {
        let declared = schema.get("properties").is_some_and(|properties| properties.get(&name).is_some());
        let place = if declared {
            pointer::join(&format!("{at}/properties"), &name)
        } else {
            format!("{at}/additionalProperties")
        };
        if declared && is_write_only(tree.root(), &place, 0) {
            members.shift_remove(&name);
        } else if let Some(member) = members.get_mut(&name) {
            strip_write_only(tree, &place, member, depth + 1);
        }
    }
}

pub(super) fn is_write_only(root: &Value, at: &str, depth: usize) -> bool {
    const HOPS_MAX: usize = 16;
    let Some(Value::Object(schema)) = pointer::find(root, at).filter(|_| depth < HOPS_MAX) else { return false };
    if schema.get("writeOnly") == Some(&Value::Bool(true)) {
        return true;
    }
    let target = schema.get("$ref").and_then(Value::as_str).and_then(reference_pointer);
    let count = schema.get("allOf").and_then(Value::as_array).map_or(0, Vec::len);
    target.is_some_and(|target| is_write_only(root, &target, depth + 1))
        || (0..count).any(|index| is_write_only(root, &format!("{at}/allOf/{index}"), depth + 1))
}
