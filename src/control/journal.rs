//! The journal: exchanges as data and as text, and forgetting them.

use super::dispatch::{failure, no_content};
use super::{Call, Failure, json_reply};
use crate::diagnostic::code;
use crate::evidence::{Exchange, Filter};
use crate::message::Reply;
use bytes::Bytes;
use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderValue};
use serde_json::{Value, json};
use std::sync::Arc;

impl Call<'_> {
    fn exchange(&self) -> Result<Arc<Exchange>, Failure> {
        let id = self.decoded.path.get("id").and_then(Value::as_u64).unwrap_or_default();
        let found = self.engine.journal.get(id);
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
        let mut reply = Reply::new(Bytes::from(self.exchange()?.render(false)));
        reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        Ok(reply)
    }

    pub(super) fn list_exchanges(&self) -> Reply {
        const LIMIT_DEFAULT: u64 = 100;
        let query = &self.decoded.query;
        let own = |name: &str| self.in_query(name).map(ToOwned::to_owned);
        let filter = Filter {
            application: own("application").map(|name| self.first_client_id(name)),
            operation: own("operation"),
            status: own("status"),
            violations: query.get("violations").and_then(Value::as_bool),
            after: query.get("after").and_then(Value::as_u64),
        };
        let limit = query.get("limit").and_then(Value::as_u64).unwrap_or(LIMIT_DEFAULT);
        let page = self.engine.journal.page(&filter, usize::try_from(limit).unwrap_or(usize::MAX));
        let exchanges: Vec<Value> = page.exchanges.iter().map(|exchange| exchange.to_json()).collect();
        json_reply(StatusCode::OK, &json!({ "exchanges": exchanges, "next": page.next, "dropped": page.dropped }))
    }

    /// The journal knows an application by its name and its first client id, even when it is gone.
    fn first_client_id(&self, name: String) -> String {
        match self.engine.store.by_name_or_id(&name) {
            Some(application) => application.client_id().to_owned(),
            None => name,
        }
    }

    pub(super) fn clear_exchanges(&self) -> Reply {
        self.engine.journal.clear();
        self.engine.store.all().iter().for_each(|application| application.tally.clear());
        no_content()
    }
}
