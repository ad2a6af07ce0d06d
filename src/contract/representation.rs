//! The representation in a body, of a request or of a response: decoded by its media type, checked against its schema.

use super::decode::{self, Shape};
use super::operation::{Content, HeaderDeclaration};
use super::schema::{Checker, SchemaUse};
use super::tree::SchemaTree;
use crate::diagnostic::{Code, Diagnostic, Part, code};
use crate::message::media_type::MediaType;
use crate::source::{Focus, SyntaxError, json, pointer};
use bytes::Bytes;
use serde_json::Value;

/// A body whose declaration is known. The checker's schemas are those of the message's direction.
pub(super) struct Representation<'a> {
    checker: Checker<'a>,
    content: &'a Content,
    found: Vec<Diagnostic>,
}

impl<'a> Representation<'a> {
    pub(super) fn new(checker: Checker<'a>, content: &'a Content) -> Self {
        Self { checker, content, found: Vec::new() }
    }

    fn problem(&mut self, code: Code, message: impl Into<String>, at: &str, contract: &str) {
        let place = self.checker.document.location(contract, Focus::Value);
        self.found.push(Diagnostic::new(code, message).at(Part::Body, at).contract(Some(place)));
    }

    /// The value that the bytes spell, and what is wrong with it.
    pub(super) fn read(
        mut self,
        media: &MediaType,
        media_text: &str,
        bytes: &Bytes,
    ) -> (Option<Value>, Vec<Diagnostic>) {
        let schema = self.content.schema.as_ref();
        let at = schema.map_or("", |schema| schema.pointer.as_str());
        let tree: &dyn SchemaTree = self.checker.schemas;
        let value = if media.is_json() {
            self.json(bytes)
        } else if media.is_form() {
            match decode::form_value(tree, at, bytes, &self.content.encodings) {
                Ok(value) => Some(value),
                Err(error) => {
                    self.problem(code::BODY_MALFORMED, error.message, &error.pointer, &self.content.pointer);
                    None
                }
            }
        } else if media.is_multipart() {
            self.multipart(media_text, bytes)
        } else if media.is_xml() {
            match decode::xml_value(tree, at, bytes) {
                Ok(value) => Some(value),
                Err(error) => {
                    self.problem(code::BODY_MALFORMED, error.message, &error.pointer, &self.content.pointer);
                    None
                }
            }
        } else if media.is_text() {
            match std::str::from_utf8(bytes) {
                Ok(text) => Some(match schema {
                    Some(schema) => decode::typed(tree, &schema.pointer, &decode::Raw::Text(text.to_owned())),
                    None => Value::String(text.to_owned()),
                }),
                Err(error) => {
                    self.problem(
                        code::BODY_MALFORMED,
                        format!("the text is not UTF-8 at byte {}", error.valid_up_to()),
                        "",
                        &self.content.pointer,
                    );
                    None
                }
            }
        } else {
            Some(decode::binary_value(bytes))
        };
        if let (Some(schema), Some(value)) = (schema, &value) {
            self.check(schema, value, media);
        }
        (value, self.found)
    }

    fn check(&mut self, schema: &SchemaUse, value: &Value, media: &MediaType) {
        // Bytes have no JSON type: OAS 3.1.1 §4.8.24.3 describes them by an empty schema or by contentMediaType.
        let bytes = !(media.is_json() || media.is_form() || media.is_multipart() || media.is_xml() || media.is_text());
        let textual = matches!(decode::shape_of(self.checker.schemas, &schema.pointer), Shape::Primitive);
        if bytes && !textual {
            return;
        }
        let mut found = schema.check(self.checker, value, Part::Body, "");
        self.found.append(&mut found);
    }

    fn json(&mut self, bytes: &Bytes) -> Option<Value> {
        match json::parse(bytes) {
            Ok(parsed) => {
                for key in &parsed.duplicate_keys {
                    let name = pointer::tokens(key).last().unwrap_or_default().into_owned();
                    self.problem(
                        code::BODY_DUPLICATE_KEY,
                        format!("the member `{name}` stands twice in one object"),
                        key,
                        &self.content.pointer,
                    );
                }
                Some(parsed.value)
            }
            Err(SyntaxError { message, offset }) => {
                self.problem(
                    code::BODY_MALFORMED,
                    format!("the body is no well-formed JSON at byte {offset}: {message}"),
                    "",
                    &self.content.pointer,
                );
                None
            }
        }
    }

    fn multipart(&mut self, media_text: &str, bytes: &Bytes) -> Option<Value> {
        let parts = match decode::parts(media_text, bytes.clone()) {
            Ok(parts) => parts,
            Err(error) => {
                self.problem(code::BODY_MALFORMED, error.message, &error.pointer, &self.content.pointer);
                return None;
            }
        };
        for (property, header) in &self.content.part_headers {
            self.part_headers(property, header, &parts);
        }
        let at = self.content.schema.as_ref().map_or("", |schema| schema.pointer.as_str());
        let (value, problems) = decode::multipart_value(self.checker.schemas, at, &parts, &self.content.encodings);
        for problem in problems {
            let code = if problem.media_type { code::PART_MEDIA_TYPE } else { code::BODY_MALFORMED };
            self.problem(code, problem.message, &problem.pointer, &self.content.pointer);
        }
        Some(value)
    }

    fn part_headers(&mut self, property: &str, header: &HeaderDeclaration, parts: &[decode::Part]) {
        for part in parts.iter().filter(|part| part.name == property) {
            let value = part
                .headers
                .iter()
                .find(|(name, _)| name.eq_ignore_ascii_case(&header.name))
                .map(|(_, value)| value.as_str());
            let at = pointer::join("", property);
            match value {
                None if header.required => {
                    let message = format!("the part `{property}` lacks the required header `{}`", header.name);
                    self.problem(code::BODY_MALFORMED, message, &at, &header.pointer);
                }
                None => {}
                Some(text) => {
                    let Some(schema) = &header.schema else { continue };
                    let Ok(raw) = decode::decode_header(header.explode, header.shape, text) else { continue };
                    let value = decode::typed(self.checker.schemas, &schema.pointer, &raw);
                    let mut found = schema.check(self.checker, &value, Part::Body, &at);
                    self.found.append(&mut found);
                }
            }
        }
    }
}
