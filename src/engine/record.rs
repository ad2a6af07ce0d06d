//! From an outcome to an exchange in the journal.

use super::repeat::{Recorded, Repeat, copied, target_of};
use super::{Engine, Outcome, World, X_MOCK_EXCHANGE, unused};
use crate::contract::{Operation, Shown};
use crate::evidence::{Admission, Exchange, Heads, Kept, KeptChanges, Messages, Touch};
use crate::message::{Reply, Request};
use crate::store::{Application, Moment};
use std::sync::Arc;
use std::time::Duration;

impl Engine {
    /// Admits the exchange that a request comes to with what was found out about it.
    pub(super) fn admit(&self, outcome: &Outcome<'_>) -> Admission<'_> {
        self.evidence.admit(outcome.application.as_deref().map(Application::arrival))
    }

    /// Puts an exchange into the journal; gives the reply back. `repeat`: given to take what it takes to give it again.
    pub(super) fn record(
        &self,
        world: &Arc<World>,
        request: Request,
        mut outcome: Outcome<'_>,
        moment: Moment,
        (admission, duration): (Admission<'_>, Duration),
        repeat: Option<&mut Option<Repeat>>,
    ) -> Reply {
        let limits = &self.settings.limits;
        let application = outcome.application.as_deref();
        let points = outcome.operation.map(|operation| touched(world, operation, &outcome));
        let repeat = repeat.and_then(|repeat| Some((repeat, copied(&request)?)));
        let (head, body) = request.into_parts();
        let number = outcome.numbered.then_some(X_MOCK_EXCHANGE);
        let messages = Messages {
            application: application.map(Application::called),
            operation: outcome.operation.map(|operation| Arc::clone(&operation.names)),
            method: head.method,
            heads: Heads::new(target_of(&head.uri), &head.headers, outcome.reply.headers(), number.as_ref()),
            request_body: Kept::copied(&body, limits.journal_body_bytes_max),
            status: outcome.reply.status(),
            response_body: Kept::new(outcome.reply.body().clone(), limits.journal_body_bytes_max),
            changes: KeptChanges::new(std::mem::take(&mut outcome.differences), limits.journal_changes_bytes_max),
            secret: outcome.secret,
            secrets: Arc::clone(world.contract.secrets()),
            diagnostics: std::mem::take(&mut outcome.diagnostics),
            number,
        };
        let (id, time) = (admission.id, moment.of(application));
        let exchange = Exchange { id, time, duration, messages: Arc::new(messages) };
        let used = unused::used(application, outcome.operation, &outcome.seen, outcome.reply.status());
        let touch = outcome.operation.zip(points.as_deref()).map(|(operation, points)| {
            let count = world.contract.points(operation).list.len();
            Touch { contract: &world.contract, operation: operation.index, count, points }
        });
        if let Some(((repeat, request), touch)) = repeat.zip(touch.as_ref()) {
            *repeat = Repeat::of(request, world, moment, &outcome, &Recorded { exchange: &exchange, touch, used });
        }
        admission.record(exchange, touch.as_ref(), used);
        outcome.reply
    }
}

/// What an exchange touched of its operation.
fn touched(world: &World, operation: &Operation, outcome: &Outcome<'_>) -> Vec<u32> {
    let seen = &outcome.seen;
    let shown = Shown {
        decoded: seen.decoded.as_deref(),
        security: seen.security,
        status: outcome.reply.status().as_u16(),
        headers: outcome.reply.headers(),
        body_points: &seen.points,
    };
    world.contract.touched(operation, &shown)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::testing;
    use crate::evidence::Filter;
    use jiff::Timestamp;
    use serde_json::json;
    use std::sync::mpsc;

    #[test]
    fn whoever_reads_the_journals_waits_for_an_exchange_that_has_its_number() {
        let document = json!({ "openapi": "3.1.0", "info": { "title": "t", "version": "1" }, "paths": {} });
        let engine = Engine::new(testing::world(&document), testing::settings());
        let ask = || engine.handle(Request::default(), None, Timestamp::UNIX_EPOCH, || Duration::ZERO);
        let (first, second) = (engine.evidence.admit(None), engine.evidence.admit(None));
        let ids = |exchanges: Vec<Exchange>| exchanges.iter().map(Exchange::id).collect::<Vec<_>>();
        std::thread::scope(|scope| {
            scope.spawn(ask).join().unwrap();
            let later = engine.evidence.get(3).unwrap();
            second.record(Exchange { id: 2, ..later.clone() }, None, (None, None));
            let (read, reader) = mpsc::channel();
            let evidence = &engine.evidence;
            scope.spawn(move || read.send(ids(evidence.all(None))).unwrap());
            assert_eq!(reader.recv_timeout(Duration::from_millis(50)), Err(mpsc::RecvTimeoutError::Timeout));
            first.record(Exchange { id: 1, ..later }, None, (None, None));
            assert_eq!(reader.recv().unwrap(), [1, 2, 3]);
        });
        let page = |after| ids(engine.evidence.page(None, &Filter { after, ..Filter::default() }, 1).exchanges);
        assert_eq!((page(None), page(Some(1)), page(Some(2))), (vec![1], vec![2], vec![3]), "page by page");
        let listener = engine.evidence.last();
        assert_eq!(*listener.borrow(), 3);
        ask();
        assert_eq!(*listener.borrow(), 4);
    }
}
