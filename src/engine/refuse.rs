//! Refusals: in the shape that the contract declares for the status, else as problem details (RFC 9457).

use super::{Handling, Outcome};
use crate::contract::{Content, Operation, Prepared, prepare};
use crate::diagnostic::{Diagnostic, Severity, code};
use crate::message::Reply;
use crate::message::media_type::accept_of;
use bytes::Bytes;
use http::StatusCode;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Members of an error body that say when, by common names.
const TIME_MEMBERS: [&str; 4] = ["timestamp", "time", "occurred_at", "occurredAt"];
/// Members that say what exactly is wrong; ChatKitty's is the first.
const DETAIL_MEMBERS: [&str; 4] = ["explanation", "detail", "details", "reason"];
/// Members that repeat the status.
const STATUS_MEMBERS: [&str; 4] = ["status", "statusCode", "status_code", "code"];
/// Members that say the status in words.
const TITLE_MEMBERS: [&str; 1] = ["title"];
/// Members that say it where nothing more specific is declared and no example gives a text.
const MESSAGE_MEMBERS: [&str; 4] = ["message", "error_description", "description", "title"];

impl<'w> Handling<'w, '_> {
    /// The refusal of a request with everything that is wrong with it.
    pub(super) fn refused(
        &self,
        operation: Option<&Operation>,
        diagnostics: Vec<Diagnostic>,
        now: Timestamp,
    ) -> Outcome<'w> {
        let status = refusal_status(operation, &diagnostics);
        let mut reply = self.error_reply(operation, status, &diagnostics, now);
        if status == StatusCode::UNSUPPORTED_MEDIA_TYPE {
            let media = operation
                .and_then(|operation| operation.body.as_ref())
                .map(|body| body.content.iter().map(|content| content.media.to_string()).collect::<Vec<_>>());
            let coding = diagnostics.iter().any(|diagnostic| diagnostic.code == code::CONTENT_ENCODING_UNSUPPORTED);
            if coding {
                reply
                    .headers_mut()
                    .insert(http::header::ACCEPT_ENCODING, HeaderValue::from_static("gzip, deflate, br"));
            } else if let Ok(value) = HeaderValue::from_str(&media.unwrap_or_default().join(", ")) {
                reply.headers_mut().insert(ACCEPT, value);
            }
        }
        Outcome { diagnostics, ..Outcome::of(reply) }
    }

    /// An error reply with a status, in the operation's own shape where it declares one.
    pub(super) fn error_reply(
        &self,
        operation: Option<&Operation>,
        status: StatusCode,
        diagnostics: &[Diagnostic],
        now: Timestamp,
    ) -> Reply {
        let declared =
            operation.and_then(|operation| operation.response(status.as_u16()).map(|response| (operation, response)));
        if let Some((operation, response)) = declared {
            let accept = accept_of(self.request.headers());
            // An error is told even to those who accept no such type.
            let content = response.negotiated(accept.as_deref()).or_else(|()| response.negotiated(None));
            if let Ok(Some(content)) = content
                && content.schema.is_some()
                && let Some(body) = self.error_body(content, status, diagnostics, now)
            {
                let mut reply = Reply::new(body.bytes.clone());
                *reply.status_mut() = status;
                if let Some(media) = content.content_type(self.request.headers(), &body.bytes) {
                    reply.headers_mut().insert(CONTENT_TYPE, media);
                }
                for (name, value) in self.contract().answer_headers(response, self.settings().seed) {
                    reply.headers_mut().insert(name, value);
                }
                if self
                    .contract()
                    .check_response(operation, status.as_u16(), reply.headers(), Some((&body, content)))
                    .is_empty()
                {
                    return reply;
                }
            }
        }
        problem(status, diagnostics)
    }

    /// An instance of the error's schema that says what is wrong, where it has a member for that.
    fn error_body(
        &self,
        content: &Content,
        status: StatusCode,
        diagnostics: &[Diagnostic],
        now: Timestamp,
    ) -> Option<Prepared> {
        let example = self.contract().example(content, None).cloned();
        let documented = example.is_some();
        let base = example.or_else(|| self.contract().generated(content, self.settings().seed))?;
        if !content.media.is_json() {
            return Some(base);
        }
        let declared = self.contract().declared_members(content);
        let text = sentence(diagnostics);
        // `fits`: whether a member may say what it was just set to.
        let filled = |fits: &dyn Fn(&Value) -> bool| {
            let mut value = Value::clone(&base.value);
            let mut set = |names: &[&str], said: Value| -> bool {
                let Some(name) = names.iter().find(|name| declared.iter().any(|(known, _)| known == *name)) else {
                    return false;
                };
                let Value::Object(object) = &mut value else { return false };
                let before = object.insert((*name).to_owned(), said);
                if fits(&value) {
                    return true;
                }
                if let Value::Object(object) = &mut value {
                    match before {
                        Some(before) => object.insert((*name).to_owned(), before),
                        None => object.shift_remove(*name),
                    };
                }
                false
            };
            set(&TIME_MEMBERS, Value::String(now.to_string()));
            if !documented {
                let code = Value::from(status.as_u16());
                let _ = set(&STATUS_MEMBERS, code.clone()) || set(&STATUS_MEMBERS, Value::String(code.to_string()));
                set(&TITLE_MEMBERS, Value::String(status.canonical_reason().unwrap_or("Error").to_owned()));
            }
            let said = || Value::String(text.clone());
            if !text.is_empty() && !set(&DETAIL_MEMBERS, said()) && !documented {
                set(&MESSAGE_MEMBERS, said());
            }
            prepare(&content.media, value)
        };
        // As a rule all of them may. Where one may not, each is tried by itself.
        let whole = filled(&|_| true);
        if self.contract().is_valid_as(content, &whole) {
            return Some(whole);
        }
        Some(filled(&|value| self.contract().is_valid(content, value)))
    }
}

/// The diagnosis in one string.
fn sentence(diagnostics: &[Diagnostic]) -> String {
    const SHOWN_MAX: usize = 10;
    const LINE_BYTES: usize = 256;
    let mut errors = diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error);
    let mut text = String::with_capacity(diagnostics.len().min(SHOWN_MAX) * LINE_BYTES);
    for diagnostic in errors.by_ref().take(SHOWN_MAX) {
        if !text.is_empty() {
            text.push_str("; ");
        }
        push_line(&mut text, diagnostic);
    }
    let more = errors.count();
    if more > 0 {
        let _ = write!(text, "; and {more} more");
    }
    text
}

fn push_line(text: &mut String, diagnostic: &Diagnostic) {
    use crate::diagnostic::Place;
    text.push_str(diagnostic.code.as_str());
    if let Some(Place::Message { part, pointer }) = &diagnostic.place
        && !pointer.is_empty()
    {
        [" at ", part.as_str(), " `", pointer, "`"].iter().for_each(|piece| text.push_str(piece));
    }
    [": ", &diagnostic.message].iter().for_each(|piece| text.push_str(piece));
    if let Some(expected) = &diagnostic.expected {
        [", expected ", expected].iter().for_each(|piece| text.push_str(piece));
    }
    if let Some(location) = &diagnostic.contract {
        // Writing to a string does not fail.
        let _ = write!(text, " ({location})");
    }
    if let Some(help) = &diagnostic.help {
        [" — ", help].iter().for_each(|piece| text.push_str(piece));
    }
}

/// The status that a request's faults get: the most specific one, 422 where the contract has that instead of 400.
fn refusal_status(operation: Option<&Operation>, diagnostics: &[Diagnostic]) -> StatusCode {
    let statuses = || {
        diagnostics
            .iter()
            .filter(|diagnostic| diagnostic.severity == Severity::Error)
            .filter_map(|diagnostic| diagnostic.code.entry().status)
    };
    let status = statuses().find(|status| *status != 400).unwrap_or(400);
    let swap = status == 400 && operation.is_some_and(|operation| operation.declares(422) && !operation.declares(400));
    StatusCode::from_u16(if swap { 422 } else { status }).unwrap_or(StatusCode::BAD_REQUEST)
}

/// Errors that problem details list. Over it the rest is left out.
const ERRORS_MAX: usize = 100;

/// Problem details (RFC 9457) with every error.
pub(crate) fn problem(status: StatusCode, diagnostics: &[Diagnostic]) -> Reply {
    let errors = diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error);
    let errors: Vec<&Diagnostic> = errors.take(ERRORS_MAX).collect();
    let mut body = json!({
        "type": "about:blank",
        "title": status.canonical_reason().unwrap_or("Error"),
        "status": status.as_u16(),
    });
    if let Some(first) = errors.first() {
        let detail = match &first.help {
            Some(help) => format!("{} — {help}", first.message),
            None => first.message.clone(),
        };
        body["detail"] = Value::String(detail);
    }
    body["errors"] = errors.iter().map(|diagnostic| diagnostic.to_json()).collect();
    let mut reply = Reply::new(Bytes::from(body.to_string()));
    *reply.status_mut() = status;
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    reply
}
