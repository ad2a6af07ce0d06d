//! The journal: exchanges as data and as text, and forgetting them.

use super::dispatch::{failure, no_content};
use super::{Call, Failure, json_reply, typed};
use crate::diagnostic::code;
use crate::evidence::Exchange;
use crate::message::Reply;
use bytes::Bytes;
use http::StatusCode;
use serde_json::Value;

impl Call<'_> {
    fn exchange(&self) -> Result<Exchange, Failure> {
        let id = self.decoded.path.get("id").and_then(Value::as_u64).unwrap_or_default();
        let found = self.engine.evidence.get(id);
        found.ok_or_else(|| {
            failure(
                StatusCode::NOT_FOUND,
                code::NO_SUCH_ENTRY,
                format!("the journal has no exchange {id}; it may have been dropped or cleared"),
            )
        })
    }

    pub(super) fn get_exchange(&self) -> Result<Reply, Failure> {
        Ok(json_reply(StatusCode::OK, &self.exchange()?.to_json()))
    }

    pub(super) fn explain_exchange(&self) -> Result<Reply, Failure> {
        Ok(typed("text/plain; charset=utf-8", Bytes::from(self.exchange()?.render(false))))
    }

    pub(super) fn clear_exchanges(&self) -> Reply {
        self.engine.evidence.clear(None);
        no_content()
    }
}
