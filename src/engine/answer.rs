//! What a good request gets: state first, then the contract's example, then a generated instance; checked
//! before it leaves.

use super::prefer::Preferences;
use super::refuse::problem;
use super::{Engine, OnDrift, Outcome, Unseeded};
use crate::contract::{Content, Decoded, Operation, Prepared, ResponseDeclaration, Routed, prepare, resource_path};
use crate::diagnostic::{Diagnostic, Part, code};
use crate::message::{Reply, Request};
use crate::store::Application;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use http::{Method, StatusCode};
use jiff::Timestamp;
use serde_json::Value;
use std::sync::Arc;

/// The `Accept` header, its lines joined.
pub(super) fn accept_of(request: &Request) -> Option<String> {
    let lines: Vec<String> = request
        .headers()
        .get_all(ACCEPT)
        .iter()
        .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
        .collect();
    (!lines.is_empty()).then(|| lines.join(","))
}

/// One answer in the making.
struct Answering<'a> {
    operation: &'a Operation,
    path: String,
    request: &'a Request,
    decoded: &'a Decoded,
    application: Option<&'a Arc<Application>>,
    /// Whether the request broke the contract and is answered all the same.
    wrong: bool,
}

impl Engine {
    #[expect(clippy::too_many_arguments, reason = "each is one step's result on the way of a request")]
    pub(super) fn answer(
        &self,
        operation: &Operation,
        captures: &[&str],
        request: &Request,
        decoded: &Decoded,
        preferences: &mut Preferences,
        application: Option<&Arc<Application>>,
        wrong: bool,
        now: Timestamp,
    ) -> Outcome {
        let path = resource_path(&operation.template, captures);
        let answering = Answering { operation, path, request, decoded, application, wrong };
        let status = match self.status(operation, preferences) {
            Ok(status) => status,
            Err(diagnostic) => return self.refused(Some(operation), request, vec![*diagnostic], now),
        };
        let Some(declared) = operation.response(status) else {
            let message = format!("`{}` declares no response that could be given", operation.name());
            let diagnostic = Diagnostic::new(code::DRIFT_STATUS, message)
                .at(Part::Status, "")
                .contract(Some(self.contract.operation_location(operation)));
            return drifted(vec![diagnostic]);
        };
        let accept = accept_of(request);
        let Ok(chosen) = declared.negotiated(accept.as_deref()) else {
            let offers: Vec<String> = declared.content.iter().map(|content| content.media.to_string()).collect();
            let message = format!("`Accept` excludes every media type of the answer: {}", offers.join(", "));
            let diagnostic = Diagnostic::new(code::NOT_ACCEPTABLE, message)
                .at(Part::Header, "/accept")
                .contract(Some(self.contract.operation_location(operation)));
            return self.refused(Some(operation), request, vec![diagnostic], now);
        };
        let asked = preferences.code.is_some() && status != operation.success_status();
        match self.body(&answering, declared, chosen.as_ref().map(|(content, _)| *content), preferences, asked) {
            Body::Found(body) => self.finish(&answering, status, declared, chosen.map(|(_, media)| media), body),
            Body::NotFound => {
                let reply = self.error_reply(Some(operation), StatusCode::NOT_FOUND, request, &[], now);
                Outcome::of(reply)
            }
            Body::Refused(diagnostic) => self.refused(Some(operation), request, vec![*diagnostic], now),
            Body::Drift(diagnostics) => drifted(diagnostics),
        }
    }

    /// The status of the answer: the preferred one if it is declared, else that of success.
    fn status(&self, operation: &Operation, preferences: &mut Preferences) -> Result<u16, Box<Diagnostic>> {
        if let Some(unreadable) = preferences.unreadable.as_ref().filter(|_| preferences.strict()) {
            let message = format!("the preference `{unreadable}` names no status");
            return Err(Box::new(Diagnostic::new(code::PRECONDITION, message).at(Part::Header, "/prefer")));
        }
        let Some(code) = preferences.code else { return Ok(operation.success_status()) };
        let declared = operation.declares(code) || operation.response(code).is_some();
        if declared {
            preferences.honour(format!("code={code}"));
            return Ok(code);
        }
        preferences.code = None;
        if preferences.strict() {
            let message = format!("the preferred status {code} is not declared by `{}`", operation.name());
            return Err(Box::new(Diagnostic::new(code::PRECONDITION, message).at(Part::Header, "/prefer")));
        }
        Ok(operation.success_status())
    }

    fn body(
        &self,
        answering: &Answering<'_>,
        declared: &ResponseDeclaration,
        content: Option<&Content>,
        preferences: &mut Preferences,
        asked: bool,
    ) -> Body {
        let method = answering.request.method();
        let reads = method == Method::GET || method == Method::HEAD;
        let chosen_by_caller =
            asked || preferences.example.is_some() || preferences.dynamic || preferences.seed.is_some();
        if !chosen_by_caller
            && !answering.wrong
            && method == Method::PUT
            && let Some(written) = self.write(answering, content)
        {
            return written;
        }
        let Some(content) = content else { return Body::Found(None) };
        if reads && !chosen_by_caller {
            if let Some(found) = self.stored(answering, content) {
                return Body::Found(Some(found));
            }
            if self.settings.unseeded == Unseeded::NotFound {
                return Body::NotFound;
            }
        }
        self.represented(answering, declared, content, preferences)
    }

    /// The stored representation, without what a response does not carry.
    fn stored(&self, answering: &Answering<'_>, content: &Content) -> Option<Prepared> {
        if !content.media.is_json() {
            return None;
        }
        answering.application?.resource(&answering.path)
    }

    /// An example or a generated instance.
    fn represented(
        &self,
        answering: &Answering<'_>,
        declared: &ResponseDeclaration,
        content: &Content,
        preferences: &mut Preferences,
    ) -> Body {
        if let Some(name) = preferences.example.clone() {
            if let Some(example) = self.contract.example(content, Some(&name)) {
                preferences.honour(format!("example={name}"));
                return Body::Found(Some(example.clone()));
            }
            if preferences.strict() {
                let message = format!("the preferred example `{name}` does not exist, or contradicts its schema");
                return Body::Refused(Box::new(
                    Diagnostic::new(code::PRECONDITION, message).at(Part::Header, "/prefer"),
                ));
            }
        }
        let dynamic = preferences.dynamic || preferences.seed.is_some();
        if dynamic || self.settings.unseeded == Unseeded::Generate {
            if preferences.dynamic {
                preferences.honour("dynamic=true");
            }
            if let Some(seed) = preferences.seed {
                preferences.honour(format!("seed={seed}"));
            }
            let seed = mixed(preferences.seed.unwrap_or(self.settings.seed), &answering.path);
            if let Some(generated) = self.contract.generated(content, seed) {
                return Body::Found(Some(generated));
            }
        }
        if let Some(example) = self.contract.example(content, None) {
            return Body::Found(Some(example.clone()));
        }
        match self.contract.generated(content, self.settings.seed) {
            Some(generated) => Body::Found(Some(generated)),
            None => {
                let message = format!(
                    "`{}` has no example that satisfies its schema, and none could be made",
                    answering.operation.name()
                );
                let place = self.contract.content_location(content);
                let _ = declared;
                Body::Drift(vec![
                    Diagnostic::new(code::DRIFT_NO_ANSWER, message).at(Part::Body, "").contract(Some(place)),
                ])
            }
        }
    }

    /// PUT replaces the resource that GET reads; `None` if there is no such resource to replace.
    fn write(&self, answering: &Answering<'_>, content: Option<&Content>) -> Option<Body> {
        let application = answering.application?;
        let body = answering.decoded.body.as_ref()?;
        let read = self.reading(answering)?;
        let sent = answering.operation.body.as_ref()?.content.iter().find(|content| content.media.is_json())?;
        let seeded = application.resource(&answering.path).is_some();
        let written = application.update(&answering.path, |current| {
            let current = match current {
                Some(current) => Some(Arc::clone(&current.value)),
                None => self.contract.example(read, None).map(|example| Arc::clone(&example.value)),
            };
            let value = self.replaced(sent, current.as_deref(), body);
            let violations = self.contract.check_value(read, &value);
            if violations.is_empty() { Ok(prepare(&read.media, value)) } else { Err(violations) }
        });
        match written {
            Ok(written) => {
                let content = content.filter(|content| content.media.is_json())?;
                if self.contract.is_valid(content, &written.value) { Some(Body::Found(Some(written))) } else { None }
            }
            // Where nothing was seeded, the two schemas may just describe different things.
            Err(_) if !seeded => None,
            Err(violations) => {
                let message = "the resource that this PUT leads to would break the schema of its GET response; nothing was changed";
                let place = violations.into_iter().next().and_then(|violation| violation.contract);
                Some(Body::Drift(vec![Diagnostic::new(code::DRIFT_BODY, message).at(Part::Body, "").contract(place)]))
            }
        }
    }

    /// What GET answers at the same path, if it is JSON.
    fn reading(&self, answering: &Answering<'_>) -> Option<&Content> {
        let Routed::Operation { operation, .. } = self.contract.route(&Method::GET, answering.request.uri().path())
        else {
            return None;
        };
        if operation.template != answering.operation.template {
            return None;
        }
        operation.response(operation.success_status())?.content.iter().find(|content| content.media.is_json())
    }

    /// The new representation: what the request carries is taken from it, what it cannot carry stays.
    fn replaced(&self, sent: &Content, current: Option<&Value>, body: &Value) -> Value {
        let (Value::Object(body_members), Some(Value::Object(current))) = (body, current) else { return body.clone() };
        let carried = self.contract.carried_members(sent);
        if carried.names.is_empty() {
            return body.clone();
        }
        let carries = |name: &String| carried.names.contains(name);
        let mut members = current.clone();
        members.retain(|name, _| !carries(name) || body_members.contains_key(name));
        for (name, value) in body_members {
            if carries(name) || carried.open && !members.contains_key(name) {
                members.insert(name.clone(), value.clone());
            }
        }
        Value::Object(members)
    }

    /// Makes the reply, and checks it.
    fn finish(
        &self,
        answering: &Answering<'_>,
        status: u16,
        declared: &ResponseDeclaration,
        media: Option<String>,
        body: Option<Prepared>,
    ) -> Outcome {
        let bodiless = status < 200 || status == 204 || status == 205 || status == 304;
        let body = body.filter(|_| !bodiless);
        let mut reply = Reply::new(body.as_ref().map(|body| body.bytes.clone()).unwrap_or_default());
        *reply.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
        for (name, value) in self.contract.answer_headers(declared, self.settings.seed) {
            reply.headers_mut().append(name, value);
        }
        if let (Some(_), Some(Ok(media))) = (&body, media.map(|media| HeaderValue::from_str(&media))) {
            reply.headers_mut().insert(CONTENT_TYPE, media);
        }
        let drift = self.contract.check_response(
            answering.operation,
            status,
            reply.headers(),
            body.as_ref().map(|body| body.value.as_ref()),
        );
        if drift.is_empty() || self.settings.on_drift == OnDrift::Report {
            return Outcome { diagnostics: drift, ..Outcome::of(reply) };
        }
        drifted(drift)
    }
}

/// What the body of an answer is to be.
enum Body {
    /// A representation, or none.
    Found(Option<Prepared>),
    NotFound,
    Refused(Box<Diagnostic>),
    Drift(Vec<Diagnostic>),
}

/// A response that must not leave.
fn drifted(diagnostics: Vec<Diagnostic>) -> Outcome {
    let reply = problem(StatusCode::INTERNAL_SERVER_ERROR, &diagnostics);
    Outcome { diagnostics, ..Outcome::of(reply) }
}

/// A seed for a path, so that two paths give two instances (FNV-1a).
fn mixed(seed: u64, path: &str) -> u64 {
    path.bytes()
        .fold(0xCBF2_9CE4_8422_2325 ^ seed, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3))
        | 1
}
