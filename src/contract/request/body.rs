//! The body of a request: whether there has to be one, by which declaration it is read, and its content codings.

use super::Checking;
use crate::contract::decode;
use crate::contract::operation::{Content, RequestBody};
use crate::contract::representation::{Representation, best, media_text};
use crate::diagnostic::{Code, Diagnostic, Part, code};
use crate::message::media_type::MediaType;
use crate::source::Focus;
use bytes::Bytes;
use http::header::{CONTENT_ENCODING, HeaderValue};
use std::borrow::Cow;

impl Checking<'_> {
    fn body_problem(&mut self, code: Code, message: impl Into<String>, at: &str, contract: &str) {
        let place = self.contract.document.location(contract, Focus::Value);
        self.decoded.diagnostics.push(Diagnostic::new(code, message).at(Part::Body, at).contract(Some(place)));
    }

    pub(super) fn body(&mut self, body: &RequestBody, body_bytes_max: usize) {
        let text = media_text(self.request.headers());
        // Most clients spell the type as the contract does; then there is nothing to parse.
        let is_spelled = |content: &&Content| {
            let spelled = content.media_value.as_ref().map(HeaderValue::as_bytes);
            !content.media.is_range() && spelled == text.as_ref().map(|text| text.as_bytes())
        };
        let media = match body.content.iter().find(is_spelled) {
            Some(content) => Some(Cow::Borrowed(&content.media)),
            None => text.as_deref().and_then(MediaType::parse).filter(|media| !media.is_range()).map(Cow::Owned),
        };
        let media = media.as_deref();
        self.decoded.content = media.and_then(|media| best(&body.content, media));
        let content = self.decoded.content.and_then(|index| body.content.get(index));
        // A body of no bytes may be a value of a text or binary type, never of JSON, a form or XML.
        let holds_nothing =
            |media: &MediaType| media.is_json() || media.is_xml() || media.is_multipart() || media.is_form();
        if self.request.body().is_empty() && (content.is_none() || media.is_none_or(holds_nothing)) {
            if body.required {
                self.body_problem(code::BODY_MISSING, "the request body is required", "", &body.pointer);
                if let Some(last) = self.decoded.diagnostics.last_mut() {
                    last.keyword = Some("required".to_owned());
                }
            }
            return;
        }
        let (Some(text), Some(media), Some(content)) = (&text, media, content) else {
            let declared: Vec<String> = body.content.iter().map(|content| content.media.to_string()).collect();
            let declared = declared.join(", ");
            let message = match (text, media) {
                (None, _) => format!("the request has a body but no `Content-Type`; declared: {declared}"),
                (Some(_), None) => format!("the `Content-Type` is no media type; declared: {declared}"),
                (Some(_), Some(media)) => {
                    format!("the media type `{}` is not declared; declared: {declared}", media.essence())
                }
            };
            return self.body_problem(code::MEDIA_TYPE_UNSUPPORTED, message, "", &body.pointer);
        };
        let Some(bytes) = self.inflated(body, body_bytes_max) else { return };
        let (value, mut found) = Representation::new(self.checker, content).read(media, text, &bytes);
        self.decoded.diagnostics.append(&mut found);
        self.decoded.body = value;
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
}
