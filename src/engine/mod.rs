//! From a request to a reply: route, authorize, decode and check, answer, check the answer, record.
//!
//! Synchronous and pure: no IO, no waiting; the time comes in as a value and every identifier from a seed.
//! Read [`Engine::handle`] from top to bottom; each step is a module of its own.

mod answer;
pub(crate) mod audit;
mod authorize;
mod cors;
mod identity;
mod mark;
mod path;
mod prefer;
mod record;
mod refuse;
mod reload;
mod repeat;
mod report;
mod select;
mod settings;
mod tenants;
#[cfg(test)]
mod testing;
mod unused;

use crate::contract::{Contract, Decoded, Operation, Prepared, Routed, resource_path, trimmed};
use crate::diagnostic::{Diagnostic, Part, Severity, code};
use crate::evidence::{self, Evidence};
use crate::message::{Later, Reply, Request};
use crate::oauth::{self, Answered, AuthorizationServer, Endpoint, Endpoints, Served};
use crate::resources::Model;
use crate::store::{Application, Credential, Difference, Moment, Refused, Seed, Store};
use answer::Answering;
use arc_swap::ArcSwap;
use bytes::Bytes;
use http::header::{ALLOW, HeaderName, HeaderValue};
use http::{Method, StatusCode};
use identity::Identities;
pub(crate) use identity::Randomness;
use jiff::Timestamp;
pub(crate) use mark::finish_head;
use path::{decodable, normalised};
use prefer::Preferences;
pub(crate) use refuse::problem;
pub(crate) use repeat::Repeat;
pub(crate) use settings::Settings;
pub use settings::{OnDrift, OnViolation, Unseeded};
use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;
pub(crate) use tenants::{NotChanged, credential_json};

/// What a server serves: replaced as a whole when the contract is loaded again.
pub(crate) struct World {
    pub(crate) contract: Arc<Contract>,
    pub(crate) model: Arc<Model>,
    endpoints: Endpoints,
}

impl World {
    pub(crate) fn new(contract: Arc<Contract>, model: Arc<Model>) -> Self {
        let token_paths = token_paths(&contract);
        Self::with_token_paths(contract, model, &token_paths)
    }

    fn with_token_paths(contract: Arc<Contract>, model: Arc<Model>, token_paths: &[String]) -> Self {
        let is_declared = |path: &str| !matches!(contract.route(&Method::POST, path), Routed::Unknown(_));
        let endpoints = Endpoints::new(token_paths, is_declared);
        Self { contract, model, endpoints }
    }

    fn token_paths(&self) -> Vec<String> {
        token_paths(&self.contract)
    }

    /// The path of the token endpoint that is announced.
    pub(crate) fn token_path(&self) -> &str {
        self.endpoints.token_path()
    }
}

/// The paths of the token endpoints, which a contract without any has all the same.
fn token_paths(contract: &Contract) -> Vec<String> {
    let declared = contract.token_paths();
    if declared.is_empty() { vec![TOKEN_PATH.to_owned()] } else { declared.to_vec() }
}

/// One server's contract, applications, tokens and journal.
pub(crate) struct Engine {
    world: ArcSwap<World>,
    pub(crate) settings: Settings,
    pub(crate) store: Store,
    pub(crate) authorization: AuthorizationServer,
    pub(crate) evidence: Evidence,
    identities: Identities,
}

/// The response header that names an exchange.
pub(crate) const X_MOCK_EXCHANGE: HeaderName = HeaderName::from_static("x-mock-exchange");
/// The response header that names what was violated.
pub(crate) const X_MOCK_VIOLATIONS: HeaderName = HeaderName::from_static("x-mock-violations");
/// The path of the token endpoint where the contract names none.
const TOKEN_PATH: &str = "/oauth/token";

impl Engine {
    pub(crate) fn new(world: World, settings: Settings) -> Self {
        let limits = &settings.limits;
        Self {
            store: Store::default(),
            authorization: AuthorizationServer::new(settings.token_ttl, limits.tokens_max, settings.strict_oauth),
            evidence: Evidence::new(
                evidence::Bounds {
                    entries_max: limits.journal_entries_max,
                    bytes_max: limits.journal_bytes_max,
                    all_bytes_max: limits.journals_bytes_max,
                },
                Arc::clone(&world.contract),
            ),
            identities: Identities::new(settings.randomness),
            world: ArcSwap::from_pointee(world),
            settings,
        }
    }

    /// What is served now.
    pub(crate) fn world(&self) -> Arc<World> {
        self.world.load_full()
    }

    /// A new identifier that nobody can guess, unless the seed was given.
    pub(crate) fn new_uuid(&self) -> String {
        self.identities.uuid()
    }

    /// Adds an application; what the seed leaves empty is made up. `real` is the real time.
    pub(crate) fn add_application(&self, mut seed: Seed, real: Timestamp) -> Result<Arc<Application>, Refused> {
        if seed.credentials.is_empty() {
            let scopes = self.world().contract.scopes().to_vec();
            seed.credentials.push(Credential { scopes, ..Credential::default() });
        }
        for credential in &mut seed.credentials {
            if credential.client_id.is_empty() {
                credential.client_id = self.new_uuid();
            }
            if credential.client_secret.is_empty() {
                credential.client_secret = self.new_uuid();
            }
        }
        if seed.name.is_empty() {
            let id = seed.credentials.first().map(|credential| credential.client_id.as_str()).unwrap_or_default();
            seed.name = format!("application-{}", id.split('-').next().unwrap_or_default());
            if self.store.by_name_or_id(&seed.name).is_some() {
                seed.name = format!("application-{id}");
            }
        }
        let added = self.store.add(seed, self.store.moment(real).now(), self.settings.limits.applications_max)?;
        // It may be like one that was checked against another contract.
        self.refit(&added);
        Ok(added)
    }

    /// Removes an application with its tokens; `false` if there is none.
    pub(crate) fn remove_application(&self, client_id: &str) -> bool {
        let removed = self.store.remove(client_id);
        if let Some(application) = &removed {
            self.authorization.forget(application);
            self.evidence.depart(application.arrival());
        }
        removed.is_some()
    }

    /// Issues a token without a request, for embedders.
    pub(crate) fn issue_token(&self, application: &Arc<Application>, real: Timestamp) -> String {
        let first = application.credentials().first().cloned().unwrap_or_default();
        let moment = self.store.moment(real);
        self.authorization.issue(self.new_uuid(), application, &first.client_id, first.scopes, moment)
    }

    /// Answers one request of the data plane, and records the exchange. `repeat`: given to take what it takes to give the
    /// reply again; `real` is the real time.
    pub(crate) fn handle(
        &self,
        request: Request,
        repeat: Option<&mut Option<Repeat>>,
        real: Timestamp,
        elapsed: impl FnOnce() -> Duration,
    ) -> Reply {
        // A request meets a state of another contract only while that is replaced, and once then.
        const TRIES_MAX: usize = 100;
        let mut tries = 0;
        loop {
            tries += 1;
            let world = self.world.load();
            let moment = self.store.moment(real);
            let handling = Handling { engine: self, world: &world, request: &request, moment };
            let mut outcome = handling.answer_request();
            if let Some(application) = outcome.stale.take().filter(|_| tries < TRIES_MAX) {
                self.refit(&application);
                continue;
            }
            let admission = self.admit(&outcome);
            handling.finish(&mut outcome, admission.id);
            return self.record(&world, request, outcome, moment, (admission, elapsed()), repeat);
        }
    }

    /// Records and answers a request that never came in whole.
    pub(crate) fn refuse_unread(
        &self,
        diagnostic: Diagnostic,
        head: Option<http::request::Parts>,
        real: Timestamp,
    ) -> Reply {
        let request = match head {
            Some(head) => Request::from_parts(head, Bytes::new()),
            None => Request::default(),
        };
        let world = self.world.load();
        let moment = self.store.moment(real);
        let handling = Handling { engine: self, world: &world, request: &request, moment };
        let operation = match world.contract.route(request.method(), request.uri().path()) {
            Routed::Operation { operation, .. } => Some(operation),
            _ => None,
        };
        let refused = handling.refused(operation, vec![diagnostic], moment.now());
        let mut outcome = refused.or_of(handling.attributed());
        outcome.operation = operation;
        let admission = self.admit(&outcome);
        handling.finish(&mut outcome, admission.id);
        self.record(&world, request, outcome, moment, (admission, Duration::ZERO), None)
    }
}

/// One request on its way, with what it is answered from.
struct Handling<'w, 'r> {
    engine: &'w Engine,
    world: &'w World,
    request: &'r Request,
    moment: Moment,
}

impl<'w> Handling<'w, '_> {
    fn settings(&self) -> &Settings {
        &self.engine.settings
    }

    fn contract(&self) -> &'w Contract {
        &self.world.contract
    }

    fn answer_request(&self) -> Outcome<'w> {
        let request = self.request;
        let path = &normalised(request.uri().path());
        let now = self.moment.now();
        if let Some(preflight) = cors::preflight(request, |method| self.allows(path, method)) {
            return Outcome::of(preflight);
        }
        if let Some(served) = self.world.endpoints.at(path) {
            return self.authorization_server(served);
        }
        if request.method() == Method::OPTIONS && path == "*" {
            return Outcome::of(allow_reply(&self.contract().methods()));
        }
        if let Err(reason) = decodable(path) {
            let diagnostic = Diagnostic::new(code::BAD_TARGET, reason).at(Part::Path, "");
            return self.refused(None, vec![diagnostic], now).or_of(self.attributed());
        }
        let too_large = request.body().len() > self.settings().limits.body_bytes_max;
        match self.contract().route(request.method(), path) {
            Routed::Operation { operation, .. } if too_large => {
                let message = format!("the body has {} bytes", request.body().len());
                let diagnostic = Diagnostic::new(code::BODY_TOO_LARGE, message).at(Part::Body, "");
                self.refused(Some(operation), vec![diagnostic], now).or_of(self.attributed())
            }
            Routed::Operation { operation, names, captures } => {
                let mut outcome = self.authorized(operation, names, &captures);
                outcome.operation = Some(operation);
                outcome
            }
            Routed::OtherMethod { allow, operation } => self.other_method(&allow, operation).or_of(self.attributed()),
            Routed::Unknown(diagnostic) => self.refused(None, vec![*diagnostic], now).or_of(self.attributed()),
        }
    }

    fn allows(&self, path: &str, method: &Method) -> bool {
        match self.world.endpoints.at(path) {
            Some(served) => served.endpoint.methods().contains(method),
            None => matches!(self.contract().route(method, path), Routed::Operation { .. }),
        }
    }

    /// What the authorization server answers.
    fn authorization_server(&self, served: &Served) -> Outcome<'w> {
        let (engine, request) = (self.engine, self.request);
        if request.method() == Method::OPTIONS {
            return Outcome::of(allow_reply(served.endpoint.methods()));
        }
        let server = &engine.authorization;
        let answered = match served.endpoint {
            endpoint if !endpoint.methods().contains(request.method()) => {
                Answered::method_not_allowed(endpoint, request.method())
            }
            Endpoint::Token => server.token_endpoint(request, &engine.store, || engine.new_uuid(), self.moment),
            Endpoint::Introspection => {
                let issuer = oauth::issuer(request, served);
                server.introspection_endpoint(request, &engine.store, &issuer, self.moment)
            }
            Endpoint::Revocation => server.revocation_endpoint(request, &engine.store),
            Endpoint::Metadata => self.world.endpoints.metadata(served, request, self.contract().scopes()),
        };
        Outcome {
            reply: answered.reply,
            diagnostics: answered.diagnostic.into_iter().collect(),
            application: answered.application,
            secret: served.endpoint.tells_secrets(),
            ..Outcome::default()
        }
    }

    fn other_method(&self, allow: &[Method], operation: &Operation) -> Outcome<'w> {
        if self.request.method() == Method::OPTIONS {
            return Outcome::of(allow_reply(allow));
        }
        let (diagnostic, names) = self.method_not_allowed(allow, operation);
        let mut outcome = self.refused(None, vec![diagnostic], self.moment.now());
        if let Ok(value) = HeaderValue::from_str(&names) {
            outcome.reply.headers_mut().insert(ALLOW, value);
        }
        outcome
    }

    /// What is wrong with the method, and the names of those that are allowed.
    fn method_not_allowed(&self, allow: &[Method], operation: &Operation) -> (Diagnostic, String) {
        let names = allow.iter().map(Method::as_str).collect::<Vec<_>>().join(", ");
        let message =
            format!("`{}` has no operation for {}; it has {names}", operation.template, self.request.method());
        let diagnostic = Diagnostic::new(code::METHOD_NOT_ALLOWED, message)
            .at(Part::Request, "")
            .contract(Some(self.contract().operation_location(operation)));
        (diagnostic, names)
    }

    fn authorized(&self, operation: &'w Operation, names: &[String], captures: &[&str]) -> Outcome<'w> {
        let (application, security) = match self.authorize(operation) {
            Ok(authorized) => authorized,
            Err(denied) => {
                let now = self.moment.of(denied.application.as_deref());
                let mut outcome = self.refused(Some(operation), vec![denied.diagnostic], now);
                denied.challenges.iter().for_each(|challenge| {
                    outcome.reply.headers_mut().append(http::header::WWW_AUTHENTICATE, challenge.clone());
                });
                outcome.application = denied.application;
                return outcome.or_of(self.attributed());
            }
        };
        let version = application.as_ref().map(|application| application.version());
        let mut outcome = self.checked(operation, names, captures, application.as_ref());
        outcome.application = application;
        outcome.version = version;
        outcome.seen.security = security;
        outcome
    }

    fn checked(
        &self,
        operation: &'w Operation,
        names: &[String],
        captures: &[&str],
        application: Option<&Arc<Application>>,
    ) -> Outcome<'w> {
        let now = self.moment.of(application.map(Arc::as_ref));
        let bytes_max = self.settings().limits.body_bytes_max;
        let decoded = self.contract().check_request(operation, self.request, names, captures, bytes_max);
        let mut decoded = Box::new(decoded);
        let mut preferences = Preferences::of(self.request);
        let wrong = decoded.diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error);
        let lenient = preferences.lenient().unwrap_or(self.settings().on_violation == OnViolation::Report);
        if wrong && !lenient {
            return self.refused(Some(operation), decoded.diagnostics, now);
        }
        let found: Vec<Diagnostic> = std::mem::take(&mut decoded.diagnostics);
        let path = match captures {
            [] => Cow::Borrowed(trimmed(&operation.template)),
            _ => Cow::Owned(trimmed(&resource_path(&operation.template, captures)).to_owned()),
        };
        let answering = Answering { handling: self, operation, captures, path, decoded, application, wrong, now };
        let mut outcome = answering.answer(&mut preferences);
        outcome.diagnostics.splice(0..0, found);
        outcome.seen.used = application.is_some().then_some(answering.path);
        outcome.seen.decoded = (!wrong).then_some(answering.decoded);
        if let Some(wait) = preferences.wait {
            preferences.honour(format!("wait={}", wait.as_secs()));
            outcome.reply.extensions_mut().insert(Later::Delay(wait));
        }
        preferences.applied(&mut outcome.reply);
        outcome
    }
}

/// A reply with what was found on the way to it.
#[derive(Default)]
struct Outcome<'w> {
    reply: Reply,
    diagnostics: Vec<Diagnostic>,
    application: Option<Arc<Application>>,
    /// The version of what the application held before it was answered.
    version: Option<u64>,
    operation: Option<&'w Operation>,
    seen: Seen<'w>,
    /// Whether the reply carries the exchange's number.
    numbered: bool,
    /// Whether the answer is the same at any time, while nothing changes.
    lasting: bool,
    /// What it did to the application's state.
    differences: Vec<Difference>,
    secret: bool,
    /// Whose state was checked against another contract: the request is to be answered anew.
    stale: Option<Arc<Application>>,
}

/// What an exchange shows beside its messages, for the evidence.
#[derive(Default)]
struct Seen<'w> {
    /// The request, unless it broke the contract.
    decoded: Option<Box<Decoded>>,
    /// The alternative of the security requirements that was satisfied.
    security: Option<usize>,
    /// The response's representation, and the points that it touches.
    body: Option<Prepared>,
    points: Arc<[u32]>,
    /// The path of the resource that it is about.
    used: Option<Cow<'w, str>>,
}

impl Outcome<'_> {
    fn of(reply: Reply) -> Self {
        // Spelled out, because a default one would be made whole, and thrown away again, for every answer.
        Self {
            reply,
            diagnostics: Vec::new(),
            application: None,
            version: None,
            operation: None,
            seen: Seen::default(),
            numbered: false,
            lasting: false,
            differences: Vec::new(),
            secret: false,
            stale: None,
        }
    }

    /// The same, as an exchange of this application unless it is one's already.
    fn or_of(mut self, application: Option<Arc<Application>>) -> Self {
        self.application = self.application.or(application);
        self
    }
}

/// 204 with `Allow` (RFC 9110 §9.3.7).
fn allow_reply(allow: &[Method]) -> Reply {
    let mut reply = Reply::default();
    *reply.status_mut() = StatusCode::NO_CONTENT;
    let names: Vec<&str> = allow.iter().map(Method::as_str).collect();
    if let Ok(value) = HeaderValue::from_str(&names.join(", ")) {
        reply.headers_mut().insert(ALLOW, value);
    }
    reply
}
