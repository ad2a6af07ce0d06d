//! Bodies of YAML, where an operation takes them: read as JSON of the same value.

use super::Failure;
use crate::contract::Operation;
use crate::diagnostic::{Diagnostic, Part, code};
use crate::message::Request;
use crate::message::media_type::MediaType;
use crate::source::{SourceFile, pointer};
use bytes::Bytes;
use http::StatusCode;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use std::borrow::Cow;

/// RFC 9512.
pub(super) const MEDIA_TYPE: &str = "application/yaml";

/// The request with its body as JSON, if it is YAML and the operation takes that.
pub(super) fn as_json<'r>(operation: &Operation, request: &'r Request) -> Result<Cow<'r, Request>, Failure> {
    let media = |text: &str| MediaType::parse(text).is_some_and(|media| media.essence() == MEDIA_TYPE);
    let given = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).is_some_and(media);
    let taken = operation
        .body
        .as_ref()
        .is_some_and(|body| body.content.iter().any(|content| content.media.essence() == MEDIA_TYPE));
    if !given || !taken {
        return Ok(Cow::Borrowed(request));
    }
    let malformed = |message: String| {
        let diagnostic = Diagnostic::new(code::BODY_MALFORMED, message).at(Part::Body, "");
        Failure { status: StatusCode::BAD_REQUEST, diagnostics: vec![diagnostic] }
    };
    let text = std::str::from_utf8(request.body()).map_err(|_| malformed("the body is not UTF-8".to_owned()))?;
    let file = SourceFile::new("body.yaml", text);
    let parsed = file.parse().map_err(|error| {
        let (line, column) = file.line_column(error.offset);
        malformed(format!("the body is not YAML, at {line}:{column}: {}", error.message))
    })?;
    if let Some(key) = parsed.duplicate_keys.first() {
        let name = pointer::tokens(key).last().unwrap_or_default().into_owned();
        let diagnostic =
            Diagnostic::new(code::BODY_DUPLICATE_KEY, format!("the key `{name}` stands twice in one mapping"))
                .at(Part::Body, key.as_str());
        return Err(Failure { status: StatusCode::BAD_REQUEST, diagnostics: vec![diagnostic] });
    }
    let mut request = request.clone();
    *request.body_mut() = Bytes::from(parsed.value.to_string());
    request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    request.headers_mut().remove(CONTENT_LENGTH);
    Ok(Cow::Owned(request))
}
