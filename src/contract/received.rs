//! Responses that others made: read from their bytes, then checked like those that leave here.

use super::Contract;
use super::decode::{self, CodingError};
use super::operation::{Operation, ResponseDeclaration};
use super::representation::{Representation, best, media_text};
use super::response::as_drift;
use super::schema::Checker;
use crate::diagnostic::{Diagnostic, Part, code};
use crate::message::media_type::MediaType;
use bytes::Bytes;
use http::header::{CONTENT_ENCODING, HeaderMap};
use serde_json::Value;

/// How much of a body is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Extent {
    /// All of it.
    #[default]
    Whole,
    /// Its beginning, or nothing at all: what it spells is not judged.
    Part,
}

impl Contract {
    /// Checks a response, status, headers and body; gives the body's value, too. `body` is `None` where the response
    /// has none by its nature, such as one to HEAD.
    pub(crate) fn check_received(
        &self,
        operation: &Operation,
        status: u16,
        headers: &HeaderMap,
        body: Option<(&Bytes, Extent)>,
        body_bytes_max: usize,
    ) -> (Option<Value>, Vec<Diagnostic>) {
        let mut found = self.check_response(operation, status, headers, None);
        let (Some(declared), Some((body, extent))) = (operation.response(status), body) else { return (None, found) };
        let value = match media_text(headers) {
            Some(text) => self.received_body(declared, &text, headers, (body, extent), body_bytes_max),
            None if body.is_empty() => Ok(None),
            None => Err(vec![self.undeclared_media(declared, "the response has a body and no `Content-Type`")]),
        };
        match value {
            Ok(value) => (value, found),
            Err(wrong) => {
                found.append(&mut self.conceal(wrong));
                (None, found)
            }
        }
    }

    fn received_body(
        &self,
        declared: &ResponseDeclaration,
        media_text: &str,
        headers: &HeaderMap,
        (body, extent): (&Bytes, Extent),
        body_bytes_max: usize,
    ) -> Result<Option<Value>, Vec<Diagnostic>> {
        let media = MediaType::parse(media_text).filter(|media| !media.is_range());
        // What says how no content would be written says nothing.
        let tells = extent == Extent::Part || media.as_ref().is_some_and(MediaType::is_json);
        if body.is_empty() && (declared.content.is_empty() || !tells) {
            return Ok(None);
        }
        let Some(media) = media else {
            return Err(vec![self.undeclared_media(declared, "the response's `Content-Type` is no media type")]);
        };
        let Some(content) = best(&declared.content, &media).and_then(|index| declared.content.get(index)) else {
            let message = match declared.content.is_empty() {
                true => format!("no content is declared, and the response has `{}`", media.essence()),
                false => format!("the response's media type `{}` is not declared", media.essence()),
            };
            return Err(vec![self.undeclared_media(declared, message)]);
        };
        if extent == Extent::Part {
            return Ok(None);
        }
        let drift = |message: String| {
            let place = self.content_location(content);
            vec![Diagnostic::new(code::DRIFT_BODY, message).at(Part::Body, "").contract(Some(place))]
        };
        let bytes = inflated(headers, body, body_bytes_max).map_err(drift)?;
        let checker = Checker { document: &self.document, schemas: &self.response };
        let (value, found) = Representation::new(checker, content).read(&media, media_text, &bytes);
        if found.is_empty() { Ok(value) } else { Err(as_drift(found, code::DRIFT_BODY)) }
    }
}

/// The body without its content codings.
fn inflated(headers: &HeaderMap, body: &Bytes, body_bytes_max: usize) -> Result<Bytes, String> {
    let fields: Vec<String> = headers
        .get_all(CONTENT_ENCODING)
        .iter()
        .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
        .collect();
    let codings: Vec<&str> =
        fields.iter().flat_map(|field| field.split(',')).map(str::trim).filter(|coding| !coding.is_empty()).collect();
    decode::inflate(&codings, body.clone(), body_bytes_max).map_err(|error| match error {
        CodingError::Unsupported(coding) => format!("the content coding `{coding}` is not supported"),
        CodingError::Malformed(reason) => format!("the body is not in its content coding: {reason}"),
        CodingError::TooLarge => format!("the body inflates to more than {body_bytes_max} bytes"),
    })
}
