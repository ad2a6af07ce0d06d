//! The time: the server's, or an application's own.

use super::dispatch::{failure_at, no_content, text};
use super::{Call, Failure, json_reply};
use crate::diagnostic::{Part, code};
use crate::message::Reply;
use crate::store::Application;
use http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

impl Call<'_> {
    pub(super) fn get_clock(&self) -> Result<Reply, Failure> {
        Ok(self.clock(self.named_application()?.as_deref()))
    }

    /// The clock as it is now, by the same real time as the rest of the request.
    fn clock(&self, application: Option<&Application>) -> Reply {
        let moment = self.moment();
        let clock = moment.clock_of(application);
        let mut shown = json!({
            "now": clock.now(self.now).to_string(),
            "frozen": clock.is_frozen(),
            "real": clock.is_real(),
        });
        if let Some(application) = application {
            shown["application"] = json!(application.name());
            shown["own"] = json!(application.clock().is_some());
        }
        json_reply(StatusCode::OK, &shown)
    }

    pub(super) fn set_clock(&self) -> Result<Reply, Failure> {
        let application = self.named_application()?;
        let body = self.body();
        let now = match text(&body, "now") {
            Some(text) => Some(text.parse::<Timestamp>().map_err(|_| {
                let message = format!("`{text}` is no time from the year 0000 to 9999");
                failure_at(StatusCode::BAD_REQUEST, code::SCHEMA_FORMAT, message, Part::Body, "/now")
            })?),
            None => None,
        };
        let frozen = body.get("frozen").and_then(Value::as_bool);
        self.engine.store.change_clock(application.as_deref(), |clock| clock.set(self.now, now, frozen));
        Ok(self.clock(application.as_deref()))
    }

    pub(super) fn advance_clock(&self) -> Result<Reply, Failure> {
        let application = self.named_application()?;
        let body = self.body();
        let seconds = body.get("seconds");
        let whole = seconds.and_then(Value::as_i64).map(SignedDuration::from_secs);
        let by = whole.or_else(|| SignedDuration::try_from_secs_f64(seconds?.as_f64()?).ok());
        let by = by.ok_or_else(|| {
            let message = "the clock cannot be advanced by that many seconds";
            failure_at(StatusCode::BAD_REQUEST, code::SCHEMA_NUMBER, message, Part::Body, "/seconds")
        })?;
        self.engine.store.change_clock(application.as_deref(), |clock| clock.advanced(by));
        Ok(self.clock(application.as_deref()))
    }

    pub(super) fn release_clock(&self) -> Result<Reply, Failure> {
        self.engine.store.release_clock(self.named_application()?.as_deref());
        Ok(no_content())
    }
}
