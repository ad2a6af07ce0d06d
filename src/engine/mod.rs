//! From a request to a reply: route, authorize, decode and check, answer, check the answer, record.
//!
//! Synchronous and pure: no IO, no waiting; the time comes in as a value and every identifier from a seed.
//! Read [`Engine::handle`] from top to bottom; each step is a module of its own.

mod answer;
pub(crate) mod audit;
mod authorize;
mod cors;
mod identity;
mod prefer;
mod refuse;
mod reload;
mod select;
mod tenants;
mod unused;

use crate::contract::{Contract, Decoded, Operation, Prepared, Routed, Shown, resource_path, trimmed};
use crate::diagnostic::{Diagnostic, Part, Severity, code};
use crate::evidence::{
    self, Address, Counts, Coverage, Evidence, Exchange, Gates, Heads, Kept, KeptChanges, Report, Touch,
};
use crate::message::{Later, Limits, Reply, Request};
use crate::oauth::{self, Answered, AuthorizationServer, Endpoint, Endpoints, Served, Strictness};
use crate::resources::Model;
use crate::store::{Application, Credential, Difference, Moment, Refused, Seed, Store};
use answer::Answering;
use arc_swap::ArcSwap;
use bytes::Bytes;
use http::header::{ALLOW, CONTENT_LENGTH, HeaderName, HeaderValue};
use http::uri::PathAndQuery;
use http::{Method, StatusCode};
use identity::Identities;
pub(crate) use identity::Randomness;
use jiff::{SignedDuration, Timestamp};
use percent_encoding::percent_decode_str;
use prefer::Preferences;
pub(crate) use refuse::problem;
use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;
pub(crate) use tenants::{NotChanged, credential_json};

/// What a bad request gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnViolation {
    /// A refusal with everything that is wrong.
    #[default]
    Reject,
    /// The answer that a good request would get; the violations are recorded.
    Report,
}

/// What happens to a response that breaks the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnDrift {
    /// It is replaced by a 500 with diagnostics.
    #[default]
    Fail,
    /// It is sent, and the drift recorded.
    Report,
}

/// What answers a request whose resource has no state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Unseeded {
    /// The contract's example, else a generated instance.
    #[default]
    Example,
    /// A generated instance.
    Generate,
    /// 404.
    NotFound,
}

/// How the engine behaves.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) on_violation: OnViolation,
    pub(crate) on_drift: OnDrift,
    pub(crate) unseeded: Unseeded,
    /// The seed of generated instances.
    pub(crate) seed: u64,
    /// What tokens and credentials are made of.
    pub(crate) randomness: Randomness,
    pub(crate) token_ttl: SignedDuration,
    pub(crate) strict_oauth: Strictness,
    /// What the verdict asks for.
    pub(crate) gates: Gates,
    /// What earlier runs touched.
    pub(crate) earlier: Option<Arc<Coverage>>,
    pub(crate) limits: Limits,
}

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
const X_MOCK_EXCHANGE: HeaderName = HeaderName::from_static("x-mock-exchange");
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

    /// The verdict on the exchanges of one application, or of all. The coverage is worked out where a gate needs
    /// it, or `with_coverage` asks for it.
    pub(crate) fn report(&self, application: Option<&Application>, with_coverage: bool) -> Report {
        let world = self.world();
        let gates = &self.settings.gates;
        let coverage = (with_coverage || gates.need_coverage()).then(|| self.coverage(application));
        let unused = self.unused(application);
        let key = application.map(Application::arrival);
        let counts: Counts = self.evidence.counts(key);
        Report {
            counts,
            reported: self.evidence.reported(key),
            outcomes: self.evidence.outcomes(),
            gates: gates.judge(counts, coverage.as_ref(), &unused),
            unused,
            unused_examples: Vec::new(),
            coverage,
            contract: (world.contract.title().to_owned(), world.contract.version().to_owned()),
            exchanges: Vec::new(),
            address: Address::default(),
        }
    }

    /// The verdict with all that a report may show: coverage, and every exchange that the journal holds.
    pub(crate) fn full_report(&self, application: Option<&Application>) -> Report {
        let arrival = application.map(Application::arrival);
        let exchanges = self.evidence.all(arrival);
        let unused_examples = self.unused_examples(application);
        Report { exchanges, unused_examples, ..self.report(application, true) }
    }

    /// How much of the contract was touched, by one application, or by all and in earlier runs.
    pub(crate) fn coverage(&self, application: Option<&Application>) -> Coverage {
        let mut coverage = self.evidence.coverage(application.map(Application::arrival));
        if let Some(earlier) = self.settings.earlier.as_ref().filter(|_| application.is_none()) {
            coverage.merge(earlier);
        }
        coverage
    }

    /// How much of the contract was touched in this run, by all applications.
    pub(crate) fn coverage_of_this_run(&self) -> Coverage {
        self.evidence.coverage(None)
    }

    /// Answers one request of the data plane, and records the exchange. `real` is the real time.
    pub(crate) fn handle(&self, request: Request, real: Timestamp, elapsed: impl FnOnce() -> Duration) -> Reply {
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
            let id = handling.finish(&mut outcome);
            return self.record(&world, request, outcome, moment, id, elapsed());
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
        let id = handling.finish(&mut outcome);
        self.record(&world, request, outcome, moment, id, Duration::ZERO)
    }

    /// Puts an exchange into the journal; gives the reply back.
    fn record(
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
        let mut outcome = self.checked(operation, names, captures, application.as_ref());
        outcome.application = application;
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

    /// Puts into the reply what every reply carries; gives the exchange's number.
    fn finish(&self, outcome: &mut Outcome<'w>) -> u64 {
        cors::allow_origin(self.request, &mut outcome.reply);
        let id = self.engine.identities.exchange();
        mark(outcome, id);
        let application = outcome.application.as_deref();
        if !self.moment.clock_of(application).is_real() {
            date(&mut outcome.reply, self.moment.of(application));
        }
        finish_head(self.request, &mut outcome.reply);
        id
    }
}

/// Puts what the exchange was called, and what was wrong with it, into the reply.
fn mark(outcome: &mut Outcome<'_>, id: u64) {
    let headers = outcome.reply.headers_mut();
    headers.insert(X_MOCK_EXCHANGE, HeaderValue::from(id));
    if outcome.diagnostics.is_empty() {
        return;
    }
    let mut codes: Vec<&str> = Vec::new();
    for diagnostic in outcome.diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error) {
        let code = diagnostic.code.as_str();
        if !codes.contains(&code) {
            codes.push(code);
        }
    }
    if codes.is_empty() {
        return;
    }
    if let Ok(value) = HeaderValue::from_str(&codes.join(",")) {
        headers.insert(X_MOCK_VIOLATIONS, value);
    }
    if let Ok(value) = HeaderValue::from_str(&format!("</_mock/exchanges/{id}>; rel=\"describedby\"")) {
        headers.append(http::header::LINK, value);
    }
}

/// The time by a clock that does not show the real one (RFC 9110 §6.6.1).
fn date(reply: &mut Reply, now: Timestamp) {
    let time = std::time::SystemTime::from(now);
    // The format has no years before 1970 and after 9999.
    let sayable = (0..253_402_300_800).contains(&now.as_second());
    if let Some(value) =
        sayable.then(|| httpdate::fmt_http_date(time)).and_then(|text| HeaderValue::from_str(&text).ok())
    {
        reply.headers_mut().insert(http::header::DATE, value);
    }
}

/// A reply with what was found on the way to it.
#[derive(Default)]
struct Outcome<'w> {
    reply: Reply,
    diagnostics: Vec<Diagnostic>,
    application: Option<Arc<Application>>,
    operation: Option<&'w Operation>,
    seen: Seen<'w>,
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
            operation: None,
            seen: Seen::default(),
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

/// A reply to HEAD has the head of the one to GET, and no body (RFC 9110 §9.3.2).
pub(crate) fn finish_head(request: &Request, reply: &mut Reply) {
    if request.method() == Method::HEAD {
        let length = reply.body().len();
        if length > 0 {
            reply.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(length));
            *reply.body_mut() = Bytes::new();
        }
    }
}

/// The path with the escapes of unreserved characters undone, which mean the same (RFC 3986 §6.2.2.2).
fn normalised(path: &str) -> Cow<'_, str> {
    if !path.contains('%') {
        return Cow::Borrowed(path);
    }
    let mut output = String::with_capacity(path.len());
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('%') {
        output.push_str(before);
        let escaped = after.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok()).map(char::from);
        match escaped.filter(|character| character.is_ascii_alphanumeric() || "-._~".contains(*character)) {
            Some(character) => {
                output.push(character);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                output.push('%');
                rest = after;
            }
        }
    }
    output.push_str(rest);
    Cow::Owned(output)
}

/// Whether a path's escapes are complete, and UTF-8.
fn decodable(path: &str) -> Result<(), String> {
    let bytes = path.as_bytes();
    if !bytes.contains(&b'%') {
        return Ok(());
    }
    for (index, _) in bytes.iter().enumerate().filter(|(_, byte)| **byte == b'%') {
        let hex = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_hexdigit);
        if !hex(index + 1) || !hex(index + 2) {
            return Err(format!("the path has a broken percent-escape at byte {index}"));
        }
    }
    match percent_decode_str(path).decode_utf8() {
        Ok(_) => Ok(()),
        Err(_) => Err("the path's percent-escapes are not UTF-8".to_owned()),
    }
}
