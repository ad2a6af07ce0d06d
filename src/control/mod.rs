//! The control plane: everything under `/_mock`, described by `openapi/admin.yaml` and checked by the same
//! engine room as any contract. It reaches state only through the engine's own functions.

mod applications;
mod clock;
mod contract;
#[cfg(feature = "dashboard")]
mod dashboard;
mod dispatch;
mod events;
mod guard;
mod import;
mod journal;
mod recorded;
mod report;
mod server;
mod snapshots;
mod state;
mod yaml;

use crate::contract::{Contract, Decoded, Extent, Options, Prepared, Routed, Source};
use crate::diagnostic::{Diagnostic, Part, Severity, code};
use crate::engine::{Engine, finish_head, problem};
use crate::message::{Reply, Request};
use bytes::Bytes;
use guard::Guard;
use http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use http::{Method, StatusCode};
use jiff::Timestamp;
pub(crate) use report::ADDRESS_VARIABLE;
use serde_json::Value;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

/// The document of the control plane.
const DOCUMENT: &str = include_str!("../../openapi/admin.yaml");

/// Where the control plane is.
pub(crate) const PREFIX: &str = "/_mock";

/// The control plane of one server.
pub(crate) struct Plane {
    /// Shared by all servers of the process, and compiled when first needed.
    contract: &'static OnceLock<Result<Contract, String>>,
    guard: Guard,
    edition: Option<String>,
    shutdown: tokio::sync::watch::Sender<bool>,
}

/// Why a control request fails.
struct Failure {
    status: StatusCode,
    diagnostics: Vec<Diagnostic>,
}

impl Plane {
    /// A control plane of a server that listens at `address` and is known by the names `hosts`, too; `admin_token` is
    /// demanded where it is given.
    pub(crate) fn new(admin_token: Option<String>, address: IpAddr, hosts: &[String], edition: Option<String>) -> Self {
        static CONTRACT: OnceLock<Result<Contract, String>> = OnceLock::new();
        Self {
            contract: &CONTRACT,
            guard: Guard { admin_token, address: address.to_canonical(), hosts: hosts.to_vec() },
            edition,
            shutdown: tokio::sync::watch::Sender::new(false),
        }
    }

    /// Whether a path is the control plane's.
    pub(crate) fn owns(path: &str) -> bool {
        path.strip_prefix(PREFIX).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// Becomes true when a shutdown has been asked for.
    pub(crate) fn shutdown(&self) -> tokio::sync::watch::Receiver<bool> {
        self.shutdown.subscribe()
    }

    fn contract(&self) -> Result<&Contract, Failure> {
        let compiled = self.contract.get_or_init(|| {
            let source = Source::Text { name: "openapi/admin.yaml".to_owned(), text: DOCUMENT.to_owned() };
            let options = Options { reserved_paths: true, ..Options::default() };
            match Contract::load(&source, options) {
                Ok((contract, _)) => Ok(contract),
                Err(findings) => Err(findings.first().map(|finding| finding.message.clone()).unwrap_or_default()),
            }
        });
        compiled.as_ref().map_err(|reason| Failure {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            diagnostics: vec![Diagnostic::new(
                code::CONTRACT_SYNTAX,
                format!("the control plane's document cannot be used: {reason}"),
            )],
        })
    }

    /// Answers one control request.
    pub(crate) fn handle(&self, engine: &Arc<Engine>, request: &Request, now: Timestamp) -> Reply {
        let mut reply = match self.answer(engine, request, now) {
            Ok(reply) => reply,
            Err(failure) => problem(failure.status, &failure.diagnostics),
        };
        keep_to_ourselves(&mut reply);
        if reply.status() == StatusCode::UNAUTHORIZED {
            reply
                .headers_mut()
                .insert(http::header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"control plane\""));
        }
        finish_head(request, &mut reply);
        reply
    }

    /// Answers a control request that could not be read whole.
    pub(crate) fn refuse(&self, diagnostic: Diagnostic) -> Reply {
        let status = diagnostic.code.entry().status.and_then(|status| StatusCode::from_u16(status).ok());
        let mut reply = problem(status.unwrap_or(StatusCode::BAD_REQUEST), &[diagnostic]);
        keep_to_ourselves(&mut reply);
        reply
    }

    fn answer(&self, engine: &Arc<Engine>, request: &Request, now: Timestamp) -> Result<Reply, Failure> {
        let path = request.uri().path();
        // Health says nothing and changes nothing, so it needs neither a token nor a compiled document.
        if matches!(path, "/_mock/livez" | "/_mock/readyz")
            && (request.method() == Method::GET || request.method() == Method::HEAD)
        {
            return Ok(json_reply(StatusCode::OK, &serde_json::json!({ "status": "ok" })));
        }
        self.guard.admit(request)?;
        let known = self.guard.authenticate(request);
        #[cfg(feature = "dashboard")]
        {
            let visit = dashboard::Visit { plane: self, engine, request, now, admitted: known.is_ok() };
            if let Some(reply) = dashboard::answer(&visit) {
                return Ok(reply);
            }
        }
        known?;
        self.carry_out(engine, request, now)
    }

    /// Answers a request of a caller who may use the control plane.
    fn carry_out(&self, engine: &Arc<Engine>, request: &Request, now: Timestamp) -> Result<Reply, Failure> {
        let path = request.uri().path();
        let contract = self.contract()?;
        let (operation, names, captures) = match contract.route(request.method(), path) {
            Routed::Operation { operation, names, captures } => (operation, names, captures),
            Routed::OtherMethod { allow, .. } => return other_method(request, &allow),
            Routed::Unknown(diagnostic) => {
                return Err(Failure { status: StatusCode::NOT_FOUND, diagnostics: vec![*diagnostic] });
            }
        };
        let request = &*yaml::as_json(operation, request)?;
        let decoded =
            contract.check_request(operation, request, names, &captures, engine.settings.limits.body_bytes_max);
        if decoded.diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error) {
            let status = decoded
                .diagnostics
                .iter()
                .filter_map(|diagnostic| diagnostic.code.entry().status)
                .find(|status| *status != 400);
            let status = status.and_then(|status| StatusCode::from_u16(status).ok()).unwrap_or(StatusCode::BAD_REQUEST);
            return Err(Failure { status, diagnostics: decoded.diagnostics });
        }
        let call = Call { plane: self, engine, request, decoded: &decoded, now };
        call.dispatch(operation.operation_id.as_deref().unwrap_or_default())
    }

    /// What of a control-plane reply breaks the control plane's own document.
    pub(crate) fn check_reply(&self, method: &Method, path: &str, reply: &Reply) -> Vec<Diagnostic> {
        let Ok(contract) = self.contract() else { return Vec::new() };
        let Routed::Operation { operation, .. } = contract.route(method, path) else { return Vec::new() };
        let status = reply.status().as_u16();
        let content = operation.response(status).and_then(|declared| contract.content_of(declared, reply.headers()));
        let Some(content) = content else {
            let body = (!reply.body().is_empty()).then_some((reply.body(), Extent::Whole));
            return contract.check_received(operation, status, reply.headers(), body, usize::MAX).1;
        };
        // What is no JSON is declared as a text.
        let text = || String::from_utf8(reply.body().to_vec()).ok().map(Value::String);
        let json = || serde_json::from_slice(reply.body()).ok();
        let value = if content.media.is_json() { json() } else { text() };
        let body = value.map(|value| Prepared::new(value, reply.body().clone()));
        contract.check_response(operation, status, reply.headers(), body.as_ref().map(|body| (body, content)))
    }
}

/// What tells browsers that no page of another origin may read, frame, run or keep a reply. A page of the dashboard lets
/// more in, from here.
fn keep_to_ourselves(reply: &mut Reply) {
    let headers = reply.headers_mut();
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers
        .entry(CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("same-origin"));
    headers.insert("cross-origin-opener-policy", HeaderValue::from_static("same-origin"));
    // A stricter policy would take the `Origin` from forms, which the guard asks for.
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
}

/// One control request on its way.
struct Call<'a> {
    plane: &'a Plane,
    engine: &'a Arc<Engine>,
    request: &'a Request,
    decoded: &'a Decoded,
    /// The real time.
    now: Timestamp,
}

fn other_method(request: &Request, allow: &[Method]) -> Result<Reply, Failure> {
    let names: Vec<&str> = allow.iter().map(Method::as_str).collect();
    let allowed = HeaderValue::from_str(&names.join(", ")).unwrap_or(HeaderValue::from_static("GET"));
    let mut reply = if request.method() == Method::OPTIONS {
        dispatch::no_content()
    } else {
        let message =
            format!("this resource of the control plane has no {}; it has {}", request.method(), names.join(", "));
        problem(
            StatusCode::METHOD_NOT_ALLOWED,
            &[Diagnostic::new(code::METHOD_NOT_ALLOWED, message).at(Part::Request, "")],
        )
    };
    reply.headers_mut().insert(ALLOW, allowed);
    Ok(reply)
}

fn json_reply(status: StatusCode, body: &Value) -> Reply {
    let mut reply = typed("application/json", Bytes::from(body.to_string()));
    *reply.status_mut() = status;
    reply
}

fn typed(media_type: &'static str, bytes: Bytes) -> Reply {
    let mut reply = Reply::new(bytes);
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    reply
}
