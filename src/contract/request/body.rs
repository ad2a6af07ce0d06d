//! The body of a request: decoded by media type, then checked.

use super::Checking;
use crate::contract::decode::{self, Shape};
use crate::contract::operation::{Content, RequestBody};
use crate::contract::tree::SchemaTree;
use crate::diagnostic::{Code, Diagnostic, Part, code};
use crate::message::media_type::MediaType;
use crate::source::{Focus, SyntaxError, json, pointer};
use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use serde_json::Value;

impl Checking<'_> {
    pub(super) fn body_problem(&mut self, code: Code, message: impl Into<String>, at: &str, contract: &str) {
        let place = self.contract.document.location(contract, Focus::Value);
        self.decoded.diagnostics.push(Diagnostic::new(code, message).at(Part::Body, at).contract(Some(place)));
    }

    pub(super) fn body(&mut self, body: &RequestBody, body_bytes_max: usize) {
        let headers = self.request.headers();
        // Two fields of it make a text that is no media type.
        let fields: Vec<String> = headers
            .get_all(CONTENT_TYPE)
            .iter()
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
            .collect();
        let media_text = (!fields.is_empty()).then(|| fields.join(", "));
        if self.request.body().is_empty() {
            let media = media_text.as_deref().and_then(MediaType::parse);
            // A body of no bytes may be a value of a text or binary type, never of JSON, a form or XML.
            let content = media.as_ref().and_then(|media| best(&body.content, media));
            let carries_nothing = media
                .as_ref()
                .is_none_or(|media| media.is_json() || media.is_xml() || media.is_multipart() || media.is_form())
                || content.is_none();
            if carries_nothing {
                if body.required {
                    self.body_problem(code::BODY_MISSING, "the request body is required", "", &body.pointer);
                    if let Some(last) = self.decoded.diagnostics.last_mut() {
                        last.keyword = Some("required".to_owned());
                    }
                }
                return;
            }
        }
        let declared: Vec<String> = body.content.iter().map(|content| content.media.to_string()).collect();
        let declared = declared.join(", ");
        let Some(text) = media_text else {
            self.body_problem(
                code::MEDIA_TYPE_UNSUPPORTED,
                format!("the request has a body but no `Content-Type`; declared: {declared}"),
                "",
                &body.pointer,
            );
            return;
        };
        let Some(media) = MediaType::parse(&text).filter(|media| !media.is_range()) else {
            self.body_problem(
                code::MEDIA_TYPE_UNSUPPORTED,
                format!("the `Content-Type` is no media type; declared: {declared}"),
                "",
                &body.pointer,
            );
            return;
        };
        let Some(content) = best(&body.content, &media) else {
            self.body_problem(
                code::MEDIA_TYPE_UNSUPPORTED,
                format!("the media type `{}` is not declared; declared: {declared}", media.essence()),
                "",
                &body.pointer,
            );
            return;
        };
        let Some(bytes) = self.inflated(body, body_bytes_max) else { return };
        self.representation(&media, &text, content, &bytes);
    }

    fn inflated(&mut self, body: &RequestBody, body_bytes_max: usize) -> Option<Bytes> {
        let values: Vec<String> = self
            .request
            .headers()
            .get_all(CONTENT_ENCODING)
            .iter()
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
            .collect();
        let codings: Vec<&str> = values
            .iter()
            .flat_map(|value| value.split(','))
            .map(str::trim)
            .filter(|coding| !coding.is_empty())
            .collect();
        if codings.is_empty() {
            return Some(self.request.body().clone());
        }
        match decode::inflate(&codings, self.request.body().clone(), body_bytes_max) {
            Ok(bytes) => Some(bytes),
            Err(decode::CodingError::Unsupported(coding)) => {
                self.body_problem(
                    code::CONTENT_ENCODING_UNSUPPORTED,
                    format!("the content coding `{coding}` is not supported"),
                    "",
                    &body.pointer,
                );
                None
            }
            Err(decode::CodingError::Malformed(reason)) => {
                self.body_problem(
                    code::BODY_MALFORMED,
                    format!("the body is not in its content coding: {reason}"),
                    "",
                    &body.pointer,
                );
                None
            }
            Err(decode::CodingError::TooLarge) => {
                self.body_problem(
                    code::BODY_TOO_LARGE,
                    format!("the body inflates to more than {body_bytes_max} bytes"),
                    "",
                    &body.pointer,
                );
                None
            }
        }
    }

    fn representation(&mut self, media: &MediaType, media_text: &str, content: &Content, bytes: &Bytes) {
        let schema = content.schema.as_ref();
        let at = schema.map_or("", |schema| schema.pointer.as_str());
        let tree: &dyn SchemaTree = &self.contract.request;
        let charset = media.parameter("charset");
        if let Some(unknown) = charset.filter(|charset| {
            (media.is_text() || media.is_xml()) && !media.is_json() && !decode::is_known_charset(charset)
        }) {
            let message = format!("texts in the charset `{unknown}` are not read");
            self.body_problem(code::MEDIA_TYPE_UNSUPPORTED, message, "", &content.pointer);
            return;
        }
        let value = if let Some(sequence) = content.sequence {
            match sequence.read(bytes) {
                Ok(value) => Some(value),
                Err(error) => {
                    self.body_problem(code::BODY_MALFORMED, error.message, &error.pointer, &content.pointer);
                    None
                }
            }
        } else if media.is_json() {
            self.json(content, bytes)
        } else if media.is_form() {
            match decode::form_value(tree, at, bytes, &content.encodings) {
                Ok(value) => Some(value),
                Err(error) => {
                    self.body_problem(code::BODY_MALFORMED, error.message, &error.pointer, &content.pointer);
                    None
                }
            }
        } else if media.is_multipart() {
            self.multipart(media_text, content, bytes)
        } else if media.is_xml() {
            match decode::xml_value(tree, at, bytes, charset) {
                Ok(value) => Some(value),
                Err(error) => {
                    self.body_problem(code::BODY_MALFORMED, error.message, &error.pointer, &content.pointer);
                    None
                }
            }
        } else if media.is_text() {
            match decode::decoded_text(bytes, charset, "text") {
                Ok(text) => Some(match schema {
                    Some(schema) => decode::typed(tree, &schema.pointer, &decode::Raw::Text(text.into_owned())),
                    None => Value::String(text.into_owned()),
                }),
                Err(error) => {
                    self.body_problem(code::BODY_MALFORMED, error.message, "", &content.pointer);
                    None
                }
            }
        } else {
            Some(decode::binary_value(bytes))
        };
        let Some(value) = value else { return };
        self.check_body(content, &value, media);
        self.decoded.body = Some(value);
    }

    fn check_body(&mut self, content: &Content, value: &Value, media: &MediaType) {
        // Bytes have no JSON type: OAS 3.1.1 §4.8.24.3 describes them by an empty schema or by contentMediaType.
        let bytes = !(media.is_json() || media.is_form() || media.is_multipart() || media.is_xml() || media.is_text());
        let textual = content
            .schema
            .as_ref()
            .is_none_or(|schema| matches!(decode::shape_of(&self.contract.request, &schema.pointer), Shape::Primitive));
        if bytes && !textual && content.sequence.is_none() {
            return;
        }
        let mut found = content.check(self.checker, value, Part::Body, "");
        self.decoded.diagnostics.append(&mut found);
    }

    pub(super) fn json(&mut self, content: &Content, bytes: &Bytes) -> Option<Value> {
        match json::parse(bytes) {
            Ok(parsed) => {
                for key in &parsed.duplicate_keys {
                    let name = pointer::tokens(key).last().unwrap_or_default().into_owned();
                    self.body_problem(
                        code::BODY_DUPLICATE_KEY,
                        format!("the member `{name}` stands twice in one object"),
                        key,
                        &content.pointer,
                    );
                }
                Some(parsed.value)
            }
            Err(SyntaxError { message, offset }) => {
                self.body_problem(
                    code::BODY_MALFORMED,
                    format!("the body is no well-formed JSON at byte {offset}: {message}"),
                    "",
                    &content.pointer,
                );
                None
            }
        }
    }
}

/// The most specific declared media type that covers the one sent.
fn best<'c>(content: &'c [Content], media: &MediaType) -> Option<&'c Content> {
    content.iter().filter(|content| content.media.covers(media)).max_by_key(|content| content.media.specificity())
}
