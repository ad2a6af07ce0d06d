//! Taking over what was recorded elsewhere.

use super::{Call, Failure, json_reply};
use crate::diagnostic::{Diagnostic, Part, code};
use crate::engine::audit::{Tally, Terms};
use crate::evidence::recording;
use crate::message::Reply;
use http::StatusCode;
use serde_json::{Value, json};

impl Call<'_> {
    /// Judges and records the entries of a HAR, all of them or none.
    pub(super) fn import_exchanges(&self) -> Result<Reply, Failure> {
        let har = self.decoded.body.as_ref().map(Value::to_string).unwrap_or_default();
        let mut entries = Vec::new();
        let read =
            recording::read_har(har.as_bytes(), self.engine.recording_bounds(), &mut |entry| entries.push(entry));
        if let Err(error) = read {
            let at = format!("/log/entries/{}", entries.len());
            let diagnostic = Diagnostic::new(code::BODY_MALFORMED, error.message()).at(Part::Body, at);
            return Err(Failure { status: StatusCode::BAD_REQUEST, diagnostics: vec![diagnostic] });
        }
        let mut tally = Tally::default();
        for entry in entries {
            self.engine.audit(entry, &Terms::default(), self.now, &mut tally);
        }
        let passed_over = tally.without_response + tally.not_http;
        Ok(json_reply(StatusCode::OK, &json!({ "judged": tally.judged, "passed_over": passed_over })))
    }
}
