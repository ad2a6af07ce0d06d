//! The journal as it grows: pages of exchanges that wait for more, and server-sent events.

use super::{Call, json_reply, typed};
use crate::engine::Engine;
use crate::evidence::{Exchange, Filter, Order, Page};
use crate::message::{Later, Reply, Stream, Wait};
use bytes::Bytes;
use http::StatusCode;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

/// Exchanges of one page where the request names no limit.
const LIMIT_DEFAULT: u64 = 100;
/// Exchanges that one turn of an event stream sends. Over it the next turn goes on.
const BATCH_MAX: usize = 500;

/// Which exchanges are asked for, of which application, and how many.
#[derive(Clone)]
pub(super) struct Asked {
    /// What tells the application from others.
    application: Option<u64>,
    filter: Filter,
    pub(super) limit: usize,
    view: View,
}

/// How much of each exchange is told.
#[derive(Clone, Copy)]
enum View {
    Full,
    Summary,
}

impl Asked {
    pub(super) fn page(&self, engine: &Engine) -> Page {
        engine.evidence.page(self.application, &self.filter, self.limit)
    }
}

impl Call<'_> {
    pub(super) fn asked(&self) -> Asked {
        let query = &self.decoded.query;
        let own = |name: &str| self.in_query(name).map(ToOwned::to_owned);
        // An application that is gone, or never was, has no journal, and so no exchange fits.
        let application = self
            .in_query("application")
            .map(|name| self.engine.store.by_name_or_id(name).map_or(u64::MAX, |found| found.arrival()));
        let limit = query.get("limit").and_then(Value::as_u64).unwrap_or(LIMIT_DEFAULT);
        let filter = Filter {
            operation: own("operation"),
            status: own("status"),
            violations: query.get("violations").and_then(Value::as_bool),
            after: query.get("after").and_then(Value::as_u64),
            before: query.get("before").and_then(Value::as_u64),
            order: match self.in_query("order") {
                Some("newest") => Order::NewestFirst,
                _ => Order::OldestFirst,
            },
        };
        let view = match self.in_query("view") {
            Some("summary") => View::Summary,
            _ => View::Full,
        };
        Asked { application, filter, limit: usize::try_from(limit).unwrap_or(usize::MAX), view }
    }

    pub(super) fn list_exchanges(&self) -> Reply {
        let asked = self.asked();
        let page = asked.page(self.engine);
        let is_empty = page.exchanges.is_empty();
        let mut reply = page_reply(&page, asked.view);
        let wait = self.decoded.query.get("wait").and_then(Value::as_u64).filter(|_| is_empty);
        if let Some(seconds) = wait {
            let engine = Arc::clone(self.engine);
            let again = move || {
                let page = asked.page(&engine);
                (!page.exchanges.is_empty()).then(|| page_reply(&page, asked.view))
            };
            reply.extensions_mut().insert(Later::Wait(Wait {
                changed: self.engine.evidence.last(),
                at_most: Duration::from_secs(seconds),
                again: Arc::new(again),
            }));
        }
        reply
    }

    /// Exchanges from now on, or after the one that the client saw last.
    pub(super) fn events(&self) -> Reply {
        let mut asked = self.asked();
        asked.limit = BATCH_MAX;
        let changed = self.engine.evidence.last();
        let seen = self.decoded.header.get("Last-Event-ID").and_then(Value::as_u64);
        let last = *changed.borrow();
        // A client that saw more than there is saw another run of the server: to it everything is new.
        let start = match seen.or(asked.filter.after) {
            Some(after) if after > last => 0,
            Some(after) => after,
            None => last,
        };
        let engine = Arc::clone(self.engine);
        let mut after = start;
        let more = move || {
            asked.filter.after = Some(after);
            let page = asked.page(&engine);
            after = page.next.unwrap_or(page.settled);
            let mut text = String::new();
            for exchange in &page.exchanges {
                let (id, data) = (exchange.id(), exchange.summary());
                let _ = write!(text, "id: {id}\nevent: exchange\ndata: {data}\n\n");
            }
            Bytes::from(text)
        };
        let mut reply = typed("text/event-stream", Bytes::from_static(b"retry: 1000\n\n"));
        reply.extensions_mut().insert(Later::Stream(Stream::new(changed, more)));
        reply
    }
}

fn page_reply(page: &Page, view: View) -> Reply {
    let told = |exchange: &Exchange| match view {
        View::Full => exchange.to_json(),
        View::Summary => exchange.summary(),
    };
    let exchanges: Vec<Value> = page.exchanges.iter().map(told).collect();
    json_reply(StatusCode::OK, &json!({ "exchanges": exchanges, "next": page.next, "dropped": page.dropped }))
}
