//! The representation in a body, of a request or of a response: decoded by its media type, checked against its schema.

mod multipart;

use super::decode::{self, BodyError, Shape};
use super::operation::Content;
use super::schema::{Checker, SchemaUse};
use super::tree::SchemaTree;
use crate::diagnostic::{Code, Diagnostic, Part, code};
use crate::message::media_type::MediaType;
use crate::source::{Focus, SyntaxError, json, pointer};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderMap};
use serde_json::Value;
use std::borrow::Cow;

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

    /// The value that the bytes spell, and what is wrong with it.
    pub(super) fn read(
        mut self,
        media: &MediaType,
        media_text: &str,
        bytes: &Bytes,
    ) -> (Option<Value>, Vec<Diagnostic>) {
        let value = self.value(media, media_text, bytes);
        if let Some(value) = &value {
            self.check(value, media);
        }
        (value, self.found)
    }

    /// The value without the checks of its schema; the first problem if it cannot be read.
    pub(super) fn decoded(mut self, media: &MediaType, media_text: &str, bytes: &Bytes) -> Result<Value, String> {
        let value = self.value(media, media_text, bytes);
        match (value, self.found.into_iter().next()) {
            (Some(value), None) => Ok(value),
            (_, problem) => Err(problem.map(|problem| problem.message).unwrap_or_default()),
        }
    }

    fn value(&mut self, media: &MediaType, media_text: &str, bytes: &Bytes) -> Option<Value> {
        let content = self.content;
        let schema = content.schema.as_ref();
        let at = schema.map_or("", |schema| schema.pointer.as_str());
        let tree: &dyn SchemaTree = self.checker.schemas;
        // JSON is UTF-8 whatever the parameter says (RFC 8259 §11), and so are forms and sequences.
        let by_charset = (media.is_text() || media.is_xml()) && !media.is_json() && content.sequence.is_none();
        let named = media.parameter("charset").filter(|_| by_charset);
        let Some(charset) = decode::Charset::named(named) else {
            let message = format!("the charset `{}` is not supported", named.unwrap_or_default());
            self.problem(code::MEDIA_TYPE_UNSUPPORTED, message, "", &content.pointer);
            return None;
        };
        let read = if let Some(sequence) = content.sequence {
            sequence.read(bytes)
        } else if media.is_json() {
            return self.json(bytes);
        } else if media.is_form() {
            decode::form_value(tree, at, bytes, &content.encodings)
        } else if media.is_multipart() {
            return self.multipart(media_text, bytes);
        } else if media.is_xml() {
            decode::xml_value(tree, at, charset, bytes)
        } else if media.is_text() {
            let typed = |text| match schema {
                Some(schema) => decode::typed(tree, &schema.pointer, &decode::Raw::Text(text)),
                None => Value::String(text),
            };
            let malformed = |offset| BodyError::new("", format!("the text is not {charset} at byte {offset}"));
            charset.text(bytes).map(typed).map_err(malformed)
        } else {
            Ok(decode::binary_value(bytes))
        };
        match read {
            Ok(value) => Some(value),
            Err(error) => {
                self.malformed(error);
                None
            }
        }
    }

    fn check(&mut self, value: &Value, media: &MediaType) {
        let content = self.content;
        // Bytes have no JSON type: OAS 3.1.1 §4.8.24.3 describes them by an empty schema or by contentMediaType.
        let bytes = !(media.is_json() || media.is_form() || media.is_multipart() || media.is_xml() || media.is_text());
        let textual = || {
            let shape = |schema: &SchemaUse| decode::shape_of(self.checker.schemas, &schema.pointer);
            content.schema.as_ref().is_none_or(|schema| matches!(shape(schema), Shape::Primitive))
        };
        if bytes && content.sequence.is_none() && !textual() {
            return;
        }
        let mut found = content.check(self.checker, value, Part::Body, "");
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

    fn malformed(&mut self, error: BodyError) {
        self.problem(code::BODY_MALFORMED, error.message, &error.pointer, &self.content.pointer);
    }

    fn problem(&mut self, code: Code, message: impl Into<String>, at: &str, contract: &str) {
        let place = self.checker.document.location(contract, Focus::Value);
        self.found.push(Diagnostic::new(code, message).at(Part::Body, at).contract(Some(place)));
    }
}

/// The `Content-Type` of a message. Two fields of it make a text that is no media type.
pub(super) fn media_text(headers: &HeaderMap) -> Option<Cow<'_, str>> {
    let mut fields = headers.get_all(CONTENT_TYPE).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
    let first = fields.next()?;
    Some(fields.fold(first, |joined, field| Cow::Owned(format!("{joined}, {field}"))))
}

/// The place of the most specific declared media type that covers the one sent.
pub(super) fn best(content: &[Content], media: &MediaType) -> Option<usize> {
    let covering = content.iter().enumerate().filter(|(_, content)| content.media.covers(media));
    covering.max_by_key(|(_, content)| content.media.specificity()).map(|(index, _)| index)
}
