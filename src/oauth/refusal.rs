//! Replies of the authorization server's endpoints, and the errors of RFC 6749 §5.2.

use super::Endpoint;
use crate::diagnostic::{Code, Diagnostic, Part, code};
use crate::message::Reply;
use crate::store::Application;
use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue, PRAGMA, WWW_AUTHENTICATE};
use http::{Method, StatusCode};
use serde_json::{Value, json};
use std::sync::Arc;

/// Characters of the description of an error. Over it the rest is left out.
const DESCRIPTION_CHARACTERS_MAX: usize = 1_000;

/// A reply of an endpoint, with what was wrong and whose it was.
pub(crate) struct Answered {
    pub(crate) reply: Reply,
    pub(crate) diagnostic: Option<Diagnostic>,
    pub(crate) application: Option<Arc<Application>>,
}

impl Answered {
    pub(super) fn of(result: Result<(Reply, Arc<Application>), Refusal>) -> Self {
        match result {
            Ok((reply, application)) => Self { reply, diagnostic: None, application: Some(application) },
            Err(refusal) => refusal.into_reply(),
        }
    }

    /// The refusal of a method that the endpoint does not take.
    pub(crate) fn method_not_allowed(endpoint: Endpoint, method: &Method) -> Self {
        let names: Vec<&str> = endpoint.methods().iter().map(Method::as_str).collect();
        let allow = names.join(", ");
        let reason = format!("{} takes {}, not {method}", endpoint.name(), allow.trim_end_matches(", OPTIONS"));
        let body = json!({ "error": "invalid_request", "error_description": reason });
        let mut reply = json_reply(StatusCode::METHOD_NOT_ALLOWED, &body);
        if let Ok(allow) = HeaderValue::try_from(allow) {
            reply.headers_mut().insert(ALLOW, allow);
        }
        let diagnostic = Diagnostic::new(code::METHOD_NOT_ALLOWED, reason).at(Part::Request, "");
        Self { reply, diagnostic: Some(diagnostic), application: None }
    }
}

/// An error of RFC 6749 §5.2.
pub(super) struct Refusal {
    code: Code,
    error: &'static str,
    reason: String,
    application: Option<Arc<Application>>,
}

impl Refusal {
    pub(super) fn new(code: Code, error: &'static str, reason: impl Into<String>) -> Self {
        Self { code, error, reason: reason.into(), application: None }
    }

    pub(super) fn invalid_request(reason: impl Into<String>) -> Self {
        Self::new(code::TOKEN_INVALID_REQUEST, "invalid_request", reason)
    }

    pub(super) fn invalid_client(reason: impl Into<String>) -> Self {
        Self::new(code::TOKEN_INVALID_CLIENT, "invalid_client", reason)
    }

    pub(super) fn of(mut self, application: &Arc<Application>) -> Self {
        self.application = Some(Arc::clone(application));
        self
    }

    fn into_reply(self) -> Answered {
        let status = self
            .code
            .entry()
            .status
            .and_then(|status| StatusCode::from_u16(status).ok())
            .unwrap_or(StatusCode::BAD_REQUEST);
        // RFC 6749 §5.2 keeps the description to printable ASCII without quotes and backslashes.
        let description: String = self
            .reason
            .chars()
            .map(|c| if matches!(c, '`' | '"' | '\\') { '\'' } else { c })
            .filter(|c| c.is_ascii_graphic() || *c == ' ')
            .take(DESCRIPTION_CHARACTERS_MAX)
            .collect();
        let mut reply = json_reply(status, &json!({ "error": self.error, "error_description": description }));
        if status == StatusCode::UNAUTHORIZED {
            reply
                .headers_mut()
                .insert(WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"mock\", charset=\"UTF-8\""));
        }
        let diagnostic = Diagnostic::new(self.code, self.reason).at(Part::Request, "");
        Answered { reply, diagnostic: Some(diagnostic), application: self.application }
    }
}

/// A JSON reply that nobody may keep (RFC 6749 §5.1).
pub(super) fn json_reply(status: StatusCode, body: &Value) -> Reply {
    let mut reply = Reply::new(Bytes::from(body.to_string()));
    *reply.status_mut() = status;
    let headers = reply.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
    reply
}
