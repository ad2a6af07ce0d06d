use super::Builder;
use super::sources::Sources;
use crate::control::Plane;
use crate::diagnostic::{Diagnostic, Part};
use crate::engine::{Engine, Repeat, X_MOCK_EXCHANGE, X_MOCK_VIOLATIONS};
use crate::message::{Reply, Request};
use crate::server::{Again, Handler, Refusal};
use http::{Method, StatusCode, Uri};
use jiff::Timestamp;
use std::sync::{Arc, Mutex};
use std::time::Instant;

/// What a server's connections and its handles share.
pub(super) struct Shared {
    pub(super) engine: Arc<Engine>,
    pub(super) plane: Plane,
    pub(super) edition: Option<String>,
    pub(super) admin_token: Option<String>,
    /// What contract and fixtures are loaded with, and loaded again.
    pub(super) loader: Builder,
    pub(super) sources: Mutex<Sources>,
}

impl Shared {
    /// The time that the engine is told.
    pub(super) fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    /// Answers a request of either plane. `again`: filled if the reply can be given again.
    pub(super) fn respond(&self, request: Request, again: Option<&mut Option<Again>>) -> Reply {
        if Plane::owns(request.uri().path()) {
            return self.plane.handle(&self.engine, &request, self.now());
        }
        let start = Instant::now();
        let logged = tracing::enabled!(tracing::Level::INFO).then(|| (request.method().clone(), request.uri().clone()));
        let mut repeat = None;
        let wanted = again.is_some().then_some(&mut repeat);
        let reply = self.engine.handle(request, wanted, self.now(), || start.elapsed());
        if let (Some(again), Some(repeat)) = (again, repeat) {
            *again = Some(given_again(Arc::clone(&self.engine), repeat));
        }
        if let Some((method, uri)) = logged {
            let violations = reply.headers().get(X_MOCK_VIOLATIONS).and_then(|codes| codes.to_str().ok());
            let violations = violations.unwrap_or_default();
            log(&method, &uri, reply.status(), violations);
        }
        reply
    }
}

fn given_again(engine: Arc<Engine>, repeat: Repeat) -> Again {
    let number = move |start: Instant| {
        let number = engine.repeat(&repeat, Timestamp::now(), || start.elapsed())?;
        log(repeat.request().method(), repeat.request().uri(), repeat.status(), "");
        Some(number)
    };
    Again { field: X_MOCK_EXCHANGE, number: Box::new(number) }
}

fn log(method: &Method, uri: &Uri, status: StatusCode, violations: &str) {
    tracing::info!(%method, path = uri.path(), status = status.as_u16(), violations);
}

impl Handler for Shared {
    fn handle(&self, request: Request, again: Option<&mut Option<Again>>) -> Reply {
        self.respond(request, again)
    }

    fn refuse(&self, refusal: Refusal, head: Option<http::request::Parts>) -> Reply {
        let diagnostic = Diagnostic::new(refusal.code(), refusal.to_string()).at(Part::Request, "");
        if head.as_ref().is_some_and(|head| Plane::owns(head.uri.path())) {
            return self.plane.refuse(diagnostic);
        }
        self.engine.refuse_unread(diagnostic, head, self.now())
    }
}
