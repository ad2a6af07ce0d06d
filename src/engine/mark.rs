//! What every reply carries, whatever it answers.

use super::{Handling, Outcome, X_MOCK_EXCHANGE, X_MOCK_VIOLATIONS, cors};
use crate::diagnostic::Severity;
use crate::message::{Reply, Request};
use bytes::Bytes;
use http::Method;
use http::header::{CONTENT_LENGTH, HeaderValue};
use jiff::Timestamp;

impl<'w> Handling<'w, '_> {
    /// Puts into the reply what every reply carries, the exchange's number among it.
    pub(super) fn finish(&self, outcome: &mut Outcome<'w>, id: u64) {
        cors::allow_origin(self.request, &mut outcome.reply);
        mark(outcome, id);
        let application = outcome.application.as_deref();
        if !self.moment.clock_of(application).is_real() {
            date(&mut outcome.reply, self.moment.of(application));
        }
        finish_head(self.request, &mut outcome.reply);
    }
}

/// Puts what the exchange was called, and what was wrong with it, into the reply.
fn mark(outcome: &mut Outcome<'_>, id: u64) {
    outcome.numbered = true;
    let headers = outcome.reply.headers_mut();
    headers.insert(X_MOCK_EXCHANGE, HeaderValue::from(id));
    if outcome.diagnostics.is_empty() {
        return;
    }
    let mut codes: Vec<&str> = Vec::new();
    for diagnostic in outcome.diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error) {
        let code = diagnostic.code.as_str();
        if !codes.contains(&code) {
            codes.push(code);
        }
    }
    if codes.is_empty() {
        return;
    }
    if let Ok(value) = HeaderValue::from_str(&codes.join(",")) {
        headers.insert(X_MOCK_VIOLATIONS, value);
    }
    if let Ok(value) = HeaderValue::from_str(&format!("</_mock/exchanges/{id}>; rel=\"describedby\"")) {
        headers.append(http::header::LINK, value);
    }
}

/// The time by a clock that does not show the real one (RFC 9110 §6.6.1).
fn date(reply: &mut Reply, now: Timestamp) {
    let time = std::time::SystemTime::from(now);
    // The format has no years before 1970 and after 9999.
    let sayable = (0..253_402_300_800).contains(&now.as_second());
    if let Some(value) =
        sayable.then(|| httpdate::fmt_http_date(time)).and_then(|text| HeaderValue::from_str(&text).ok())
    {
        reply.headers_mut().insert(http::header::DATE, value);
    }
}

/// A reply to HEAD has the head of the one to GET, and no body (RFC 9110 §9.3.2).
pub(crate) fn finish_head(request: &Request, reply: &mut Reply) {
    if request.method() == Method::HEAD {
        let length = reply.body().len();
        if length > 0 {
            reply.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(length));
            *reply.body_mut() = Bytes::new();
        }
    }
}
