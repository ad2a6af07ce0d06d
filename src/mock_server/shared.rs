use super::Builder;
use super::sources::Sources;
use crate::control::Plane;
use crate::diagnostic::{Diagnostic, Part};
use crate::engine::{Again, Engine, X_MOCK_VIOLATIONS};
use crate::message::{Reply, Request};
use crate::server::{Handler, Refusal};
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

    /// Answers a request of either plane. `again`: what its connection remembers.
    pub(super) fn respond(&self, request: Request, again: Option<&Again>) -> Reply {
        if Plane::owns(request.uri().path()) {
            return self.plane.handle(&self.engine, &request, self.now());
        }
        let start = Instant::now();
        let logged = tracing::enabled!(tracing::Level::INFO).then(|| (request.method().clone(), request.uri().clone()));
        let reply = self.engine.handle(request, again, self.now(), || start.elapsed());
        if let Some((method, uri)) = logged {
            let violations = reply.headers().get(X_MOCK_VIOLATIONS).and_then(|codes| codes.to_str().ok());
            let violations = violations.unwrap_or_default();
            tracing::info!(%method, path = uri.path(), status = reply.status().as_u16(), violations);
        }
        reply
    }
}

impl Handler for Shared {
    fn handle(&self, request: Request, again: &Again) -> Reply {
        self.respond(request, Some(again))
    }

    fn refuse(&self, refusal: Refusal, head: Option<http::request::Parts>) -> Reply {
        let diagnostic = Diagnostic::new(refusal.code(), refusal.to_string()).at(Part::Request, "");
        if head.as_ref().is_some_and(|head| Plane::owns(head.uri.path())) {
            return self.plane.refuse(diagnostic);
        }
        self.engine.refuse_unread(diagnostic, head, self.now())
    }
}
