//! What a good request gets: state first, then the contract's example, then a generated instance; checked
//! before it leaves.

use super::prefer::Preferences;
use super::refuse::problem;
use super::{Handling, OnDrift, Outcome, Seen, Settings, Unseeded, X_MOCK_EXCHANGE};
use crate::contract::decode::encoded;
use crate::contract::{Checked, Content, Contract, Decoded, Operation, Prepared, ResponseDeclaration};
use crate::diagnostic::{Diagnostic, Part, Severity, code};
use crate::message::Reply;
use crate::message::media_type::accept_of;
use crate::resources::{Answer, Call, Told};
use crate::store::Application;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, ETAG, HeaderName, HeaderValue, LINK, LOCATION};
use http::{Method, StatusCode};
use jiff::Timestamp;
use std::borrow::Cow;
use std::sync::Arc;

/// One answer in the making.
pub(super) struct Answering<'a, 'w> {
    pub(super) handling: &'a Handling<'w, 'a>,
    pub(super) operation: &'w Operation,
    pub(super) captures: &'a [&'a str],
    /// The concrete path, without base path.
    pub(super) path: Cow<'w, str>,
    pub(super) decoded: Box<Decoded>,
    pub(super) application: Option<&'a Arc<Application>>,
    /// Whether the request broke the contract and is answered all the same.
    pub(super) wrong: bool,
    pub(super) now: Timestamp,
}

impl<'w> Answering<'_, 'w> {
    fn contract(&self) -> &'w Contract {
        self.handling.contract()
    }

    fn settings(&self) -> &Settings {
        self.handling.settings()
    }

    pub(super) fn answer(&self, preferences: &mut Preferences) -> Outcome<'w> {
        let status = match self.status(preferences) {
            Ok(status) => status,
            Err(diagnostic) => return self.refused(vec![*diagnostic]),
        };
        let Some((declared, chosen)) = self.offer(status) else { return self.undeclared() };
        let Ok(chosen) = chosen else { return self.not_acceptable(declared) };
        let asked = preferences.code.is_some() && status != self.operation.success;
        let chosen_by_caller =
            asked || preferences.example.is_some() || preferences.dynamic || preferences.seed.is_some();
        let told = match self.application {
            Some(application) if !chosen_by_caller && !self.wrong => self.call(chosen).act(application),
            _ => Told::Nothing,
        };
        match told {
            Told::Nothing => match self.represented(chosen, preferences, chosen_by_caller) {
                Ok(body) => self.finish(status, declared, chosen, body),
                Err(outcome) => *outcome,
            },
            Told::Answer(answer) => self.told(answer, status, (declared, chosen), preferences),
            Told::NotFound => {
                let reply = self.handling.error_reply(Some(self.operation), StatusCode::NOT_FOUND, &[], self.now);
                Outcome::of(reply)
            }
            Told::NotModified { etag } => {
                let mut reply = Reply::default();
                *reply.status_mut() = StatusCode::NOT_MODIFIED;
                if let Ok(etag) = HeaderValue::from_str(&etag) {
                    reply.headers_mut().insert(ETAG, etag);
                }
                Outcome::of(reply)
            }
            Told::Refused(diagnostics) => self.state_refuses(diagnostics),
            Told::Stale => {
                let reply = problem(StatusCode::SERVICE_UNAVAILABLE, &[]);
                Outcome { stale: self.application.cloned(), ..Outcome::of(reply) }
            }
        }
    }

    fn refused(&self, diagnostics: Vec<Diagnostic>) -> Outcome<'w> {
        self.handling.refused(Some(self.operation), diagnostics, self.now)
    }

    /// A refusal by the state: that there is a conflict is no breach of the contract.
    fn state_refuses(&self, diagnostics: Vec<Diagnostic>) -> Outcome<'w> {
        let mut outcome = self.refused(diagnostics);
        let conditions = [code::PRECONDITION_FAILED, code::PATCH_CONFLICT, code::RESOURCE_EXISTS, code::STATE_FULL];
        for diagnostic in &mut outcome.diagnostics {
            if conditions.contains(&diagnostic.code) {
                diagnostic.severity = Severity::Note;
            }
        }
        outcome
    }

    fn call<'c>(&'c self, content: Option<&'c Content>) -> Call<'c> {
        let settings = self.settings();
        Call {
            contract: self.contract(),
            model: &self.handling.world.model,
            operation: self.operation,
            own: self.handling.world.model.place(&self.operation.template),
            captures: self.captures,
            path: &self.path,
            request: self.handling.request,
            decoded: &self.decoded,
            content,
            now: self.now,
            seed: settings.seed,
            absent_by_default: settings.unseeded == Unseeded::NotFound,
            bounds: self.handling.engine.bounds(),
        }
    }

    /// What is declared for a status, and the representation of it that the client accepts.
    fn offer(&self, status: u16) -> Option<(&'w ResponseDeclaration, Result<Option<&'w Content>, ()>)> {
        let declared = self.operation.response(status)?;
        let accept = accept_of(self.handling.request.headers());
        Some((declared, declared.negotiated(accept.as_deref())))
    }

    fn undeclared(&self) -> Outcome<'w> {
        let message = format!("`{}` declares no response that could be given", self.operation.names.name);
        let diagnostic = Diagnostic::new(code::DRIFT_STATUS, message)
            .at(Part::Status, "")
            .contract(Some(self.contract().operation_location(self.operation)));
        drifted(vec![diagnostic])
    }

    fn not_acceptable(&self, declared: &ResponseDeclaration) -> Outcome<'w> {
        let offers: Vec<String> = declared.content.iter().map(|content| content.media.to_string()).collect();
        let message = format!("`Accept` excludes every media type of the answer: {}", offers.join(", "));
        let diagnostic = Diagnostic::new(code::NOT_ACCEPTABLE, message)
            .at(Part::Header, "/accept")
            .contract(Some(self.contract().operation_location(self.operation)));
        self.refused(vec![diagnostic])
    }

    /// The status of the answer: the preferred one if it is declared, else that of success.
    fn status(&self, preferences: &mut Preferences) -> Result<u16, Box<Diagnostic>> {
        let operation = self.operation;
        if let Some(unreadable) = preferences.unreadable.as_ref().filter(|_| preferences.strict()) {
            let message = format!("the preference `{unreadable}` names no status");
            return Err(Box::new(Diagnostic::new(code::PRECONDITION, message).at(Part::Header, "/prefer")));
        }
        let Some(code) = preferences.code else { return Ok(self.success()) };
        let declared = operation.declares(code) || operation.response(code).is_some();
        if declared {
            preferences.honour(format!("code={code}"));
            return Ok(code);
        }
        preferences.code = None;
        if preferences.strict() {
            let message = format!("the preferred status {code} is not declared by `{}`", operation.names.name);
            return Err(Box::new(Diagnostic::new(code::PRECONDITION, message).at(Part::Header, "/prefer")));
        }
        Ok(self.success())
    }

    /// The status of a plain success. That something was created is said only where something was.
    fn success(&self) -> u16 {
        let lowest = self.operation.success;
        let replaces = self.handling.request.method() == Method::PUT;
        if replaces && lowest == 201 && self.operation.declares(204) { 204 } else { lowest }
    }

    /// Answers what state tells.
    fn told(
        &self,
        answer: Answer,
        status: u16,
        offered: (&'w ResponseDeclaration, Option<&'w Content>),
        preferences: &mut Preferences,
    ) -> Outcome<'w> {
        let is_created = answer.created.is_some() && status != 201 && self.operation.declares(201);
        let (status, (declared, content)) = if is_created {
            let Some((declared, chosen)) = self.offer(201) else { return self.undeclared() };
            // The write is done; what cannot be accepted is sent all the same.
            (201, (declared, chosen.or_else(|()| declared.negotiated(None)).ok().flatten()))
        } else {
            (status, offered)
        };
        let body = match answer.body.filter(|body| {
            content.is_some_and(|content| content.media.is_json() && self.contract().is_valid_as(content, body))
        }) {
            Some(body) => Some(body),
            None => match self.represented(content, preferences, true) {
                Ok(body) => body,
                Err(outcome) => return Outcome { differences: answer.differences, ..*outcome },
            },
        };
        let mut outcome = self.finish(status, declared, content, body);
        let headers = outcome.reply.headers_mut();
        if let Some(path) = answer.created.filter(|_| status == 201 || headers.contains_key(LOCATION)) {
            let call = self.call(None);
            let slash = if self.contract().ends_in_slash(&path) { "/" } else { "" };
            if let Ok(location) = HeaderValue::from_str(&format!("{}{path}{slash}", call.base())) {
                headers.insert(LOCATION, location);
            }
        }
        let links = answer.links.filter(|links| !links.is_empty()).and_then(|links| HeaderValue::from_str(&links).ok());
        if let Some(links) =
            links.filter(|_| declared.headers.iter().any(|header| header.name.eq_ignore_ascii_case("link")))
        {
            headers.insert(LINK, links);
        }
        if let Some(total) = answer.total {
            let counts = declared.headers.iter().filter(|header| counts_all(&header.name));
            for name in counts.filter_map(|header| HeaderName::from_bytes(header.name.as_bytes()).ok()) {
                headers.insert(name, HeaderValue::from(total));
            }
        }
        if let Some(etag) = answer.etag.and_then(|etag| HeaderValue::from_str(&etag).ok()) {
            headers.insert(ETAG, etag);
        }
        Outcome { differences: answer.differences, ..outcome }
    }

    /// An example or a generated instance. `chosen`: it is wanted whatever answers where no state is.
    fn represented(
        &self,
        content: Option<&Content>,
        preferences: &mut Preferences,
        chosen: bool,
    ) -> Result<Option<Prepared>, Box<Outcome<'w>>> {
        let Some(content) = content else { return Ok(None) };
        let method = self.handling.request.method();
        let reads = method == Method::GET || method == Method::HEAD;
        if reads && !chosen && self.settings().unseeded == Unseeded::NotFound {
            let reply = self.handling.error_reply(Some(self.operation), StatusCode::NOT_FOUND, &[], self.now);
            return Err(Box::new(Outcome::of(reply)));
        }
        if let Some(name) = preferences.example.clone() {
            if let Some(example) = self.contract().example(content, Some(&name)) {
                preferences.honour(format!("example={name}"));
                return Ok(Some(example.clone()));
            }
            if preferences.strict() {
                let message = format!("the preferred example `{name}` does not exist, or contradicts its schema");
                let diagnostic = Diagnostic::new(code::PRECONDITION, message).at(Part::Header, "/prefer");
                return Err(Box::new(self.refused(vec![diagnostic])));
            }
        }
        let dynamic = preferences.dynamic || preferences.seed.is_some();
        if dynamic || self.settings().unseeded == Unseeded::Generate {
            if preferences.dynamic {
                preferences.honour("dynamic=true");
            }
            if let Some(seed) = preferences.seed {
                preferences.honour(format!("seed={seed}"));
            }
            let seed = mixed(preferences.seed.unwrap_or(self.settings().seed), &self.path);
            if let Some(generated) = self.contract().generated(content, seed) {
                return Ok(Some(generated));
            }
        }
        if let Some(example) = self.contract().example(content, None) {
            return Ok(Some(example.clone()));
        }
        match self.contract().generated(content, self.settings().seed) {
            Some(generated) => Ok(Some(generated)),
            None => {
                let message = format!(
                    "`{}` has no example that satisfies its schema, and none could be made",
                    self.operation.names.name
                );
                let place = self.contract().content_location(content);
                let diagnostic =
                    Diagnostic::new(code::DRIFT_NO_ANSWER, message).at(Part::Body, "").contract(Some(place));
                Err(Box::new(drifted(vec![diagnostic])))
            }
        }
    }

    /// Makes the reply, and checks it.
    fn finish(
        &self,
        status: u16,
        declared: &ResponseDeclaration,
        content: Option<&Content>,
        body: Option<Prepared>,
    ) -> Outcome<'w> {
        let bodiless = status < 200 || status == 204 || status == 205 || status == 304;
        let body = body.filter(|_| !bodiless);
        let status_code = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
        let seed = self.settings().seed;
        let key = content.zip(body.as_ref()).and_then(|(content, _)| self.contract().answer_key(content, status, seed));
        let known = key.zip(body.as_ref()).and_then(|(key, body)| {
            let checked = body.checked.get(key)?;
            let mut reply = Reply::new(checked.body.clone());
            *reply.status_mut() = status_code;
            *reply.headers_mut() = checked.headers.clone();
            let mut outcome = Outcome::of(reply);
            outcome.seen.points = Arc::clone(&checked.points);
            outcome.lasting = true;
            Some(outcome)
        });
        if let Some(mut outcome) = known {
            outcome.seen.body = body;
            return outcome;
        }
        let mut reply = Reply::new(body.as_ref().map(|body| body.bytes.clone()).unwrap_or_default());
        *reply.status_mut() = status_code;
        for (name, value) in self.contract().answer_headers(declared, seed) {
            if name == CONTENT_ENCODING {
                // A coding is named only where it was applied; without it the response check says what is missing.
                let coded = value.to_str().ok().and_then(|codings| encoded(codings, reply.body()));
                let Some(coded) = coded.filter(|_| body.is_some()) else { continue };
                *reply.body_mut() = coded;
            }
            reply.headers_mut().append(name, value);
        }
        let carried = body.as_ref().zip(content);
        if let Some(media) =
            carried.and_then(|(body, content)| content.content_type(self.handling.request.headers(), &body.bytes))
        {
            reply.headers_mut().insert(CONTENT_TYPE, media);
        }
        let drift = self.contract().check_response(self.operation, status, reply.headers(), carried);
        if !drift.is_empty() && self.settings().on_drift == OnDrift::Fail {
            return drifted(drift);
        }
        let points = carried.map_or_else(Arc::default, |(body, content)| {
            self.contract().body_points(self.operation, status, content, &body.value).into()
        });
        if let (Some(key), Some(body), true) =
            (key, &body, drift.is_empty() && self.handling.request.method().is_safe())
        {
            // A place for what each reply has of its own, the same in the first one as in those that are made of it.
            reply.headers_mut().insert(X_MOCK_EXCHANGE, HeaderValue::from_static("0"));
            let (headers, points) = (reply.headers().clone(), Arc::clone(&points));
            body.checked.keep(key, Checked { headers, body: reply.body().clone(), points });
        }
        let seen = Seen { body, points, ..Seen::default() };
        Outcome { diagnostics: drift, seen, lasting: true, ..Outcome::of(reply) }
    }
}

/// Whether a header tells how many items a list has in all, on whatever page.
fn counts_all(name: &str) -> bool {
    let known = ["x-total-count", "x-total", "total-count", "x-total-items", "x-count"];
    known.iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// A response that must not leave.
fn drifted<'a>(diagnostics: Vec<Diagnostic>) -> Outcome<'a> {
    let reply = problem(StatusCode::INTERNAL_SERVER_ERROR, &diagnostics);
    Outcome { diagnostics, ..Outcome::of(reply) }
}

/// A seed for a path, so that two paths give two instances (FNV-1a).
fn mixed(seed: u64, path: &str) -> u64 {
    path.bytes()
        .fold(0xCBF2_9CE4_8422_2325 ^ seed, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3))
        | 1
}
