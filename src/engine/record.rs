//! From an outcome to an exchange in the journal.

use super::{Engine, Outcome, World, unused};
use crate::contract::{Operation, Shown};
use crate::evidence::{Exchange, Heads, Kept, KeptChanges, Touch};
use crate::message::{Reply, Request};
use crate::store::{Application, Moment};
use http::uri::PathAndQuery;
use std::sync::Arc;
use std::time::Duration;

impl Engine {
    /// Puts an exchange into the journal; gives the reply back.
    pub(super) fn record(
        &self,
        world: &World,
        request: Request,
        outcome: Outcome<'_>,
        moment: Moment,
        id: u64,
        duration: Duration,
    ) -> Reply {
        let limits = &self.settings.limits;
        let application = outcome.application.as_deref();
        let touch = outcome.operation.map(|operation| touch(world, operation, &outcome));
        let (head, body) = request.into_parts();
        let target = head.uri.path_and_query().map_or_else(|| head.uri.path(), PathAndQuery::as_str);
        let exchange = Arc::new(Exchange {
            id,
            time: moment.of(application),
            application: application.map(Application::called),
            operation: outcome.operation.map(|operation| Arc::clone(&operation.names)),
            method: head.method,
            heads: Heads::new(target, &head.headers, outcome.reply.headers()),
            request_body: Kept::copied(&body, limits.journal_body_bytes_max),
            status: outcome.reply.status(),
            response_body: Kept::new(outcome.reply.body().clone(), limits.journal_body_bytes_max),
            duration,
            changes: KeptChanges::new(outcome.differences, limits.journal_changes_bytes_max),
            secret: outcome.secret,
            secrets: Arc::clone(world.contract.secrets()),
            diagnostics: outcome.diagnostics,
        });
        let used = unused::used(application, outcome.operation, &outcome.seen, outcome.reply.status());
        self.evidence.record(exchange, application.map(Application::arrival), touch.as_ref(), used);
        outcome.reply
    }
}

/// What an exchange touched of its operation.
fn touch<'w>(world: &'w World, operation: &Operation, outcome: &Outcome<'_>) -> Touch<'w> {
    let seen = &outcome.seen;
    let shown = Shown {
        decoded: seen.decoded.as_deref(),
        security: seen.security,
        status: outcome.reply.status().as_u16(),
        headers: outcome.reply.headers(),
        body_points: &seen.points,
    };
    let contract = &world.contract;
    let count = contract.points(operation).list.len();
    Touch { contract, operation: operation.index, count, points: contract.touched(operation, &shown) }
}
