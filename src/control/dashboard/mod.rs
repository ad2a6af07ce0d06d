//! The dashboard: the control plane's pages for people, under `/_mock/`.
//!
//! It has no private way into anything: each page asks the [`Plane`] for the resources under `/_mock/api` that any
//! client may ask for ([`Visit::get`], [`Visit::send`]) and renders what they say. Forms are plain POSTs that end in a
//! redirect, so that everything but live updates works without scripts. `layout` has the frame of every page,
//! `assets` what pages load; the other files are a page each.

mod application;
mod applications;
mod ask;
mod assets;
mod contract;
mod control;
mod copy;
mod exchange;
mod form;
mod instance;
mod layout;
mod login;
mod reports;
mod settings;
mod snippets;
mod state;
mod traffic;

use super::Plane;
use crate::contract::decoded;
use crate::engine::Engine;
use crate::message::media_type::{MediaType, negotiate};
use crate::message::{Reply, Request};
use ask::Answer;
use http::header::{ACCEPT, ALLOW, HeaderValue, LOCATION};
use http::{Method, StatusCode};
use jiff::Timestamp;
use std::borrow::Cow;
use std::sync::Arc;

/// One request for a page.
pub(super) struct Visit<'a> {
    pub(super) plane: &'a Plane,
    pub(super) engine: &'a Arc<Engine>,
    pub(super) request: &'a Request,
    pub(super) now: Timestamp,
    /// Whether the caller may use the control plane.
    pub(super) admitted: bool,
}

/// What a page says, or the control plane's refusal, which is shown as a page.
type Shown = Result<Reply, Answer>;

/// Answers a request if it is for a page, a form or an asset.
pub(super) fn answer(visit: &Visit<'_>) -> Option<Reply> {
    let path = visit.request.uri().path().strip_prefix(super::PREFIX)?;
    if path.is_empty() {
        return Some(moved("/_mock/"));
    }
    let segments: Vec<Cow<'_, str>> = path.split('/').skip(1).map(decoded).collect();
    let segments: Vec<&str> = segments.iter().map(AsRef::as_ref).collect();
    let method = match *visit.request.method() {
        Method::HEAD => &Method::GET,
        ref method => method,
    };
    if let ["assets", name] = segments.as_slice() {
        return assets::answer(visit.request, name);
    }
    let methods = methods_of(visit, &segments)?;
    if !methods.contains(method) {
        return Some(other_method(methods));
    }
    if segments == ["login"] {
        return Some(if *method == Method::POST { login::enter(visit) } else { login::form(visit, StatusCode::OK) });
    }
    if !visit.admitted {
        return Some(login::form(visit, StatusCode::UNAUTHORIZED));
    }
    let shown = if *method == Method::POST { visit.act(&segments) } else { visit.page(&segments) };
    Some(shown.unwrap_or_else(|refusal| layout::refused(visit, &refusal)))
}

const READ: &[Method] = &[Method::GET];
const WRITE: &[Method] = &[Method::POST];
const BOTH: &[Method] = &[Method::GET, Method::POST];

/// What can be done with a page; nothing where the path is no page.
fn methods_of(visit: &Visit<'_>, segments: &[&str]) -> Option<&'static [Method]> {
    match segments {
        [""] | ["traffic" | "contract" | "state" | "reports"] | ["traffic", "events"] | ["applications", _] => {
            Some(READ)
        }
        ["login"] | ["applications"] | ["applications", _, "settings"] => Some(BOTH),
        ["contract", "try"]
        | ["state", "save" | "restore" | "forget" | "reset" | "advance" | "set" | "freeze" | "run" | "release"]
        | ["applications", _, "check" | "rotate" | "expire" | "delete"] => Some(WRITE),
        // The same address serves scripts and the `Link` header of a refusal with plain text.
        ["exchanges", _] => visit.wants_html().then_some(READ),
        _ => None,
    }
}

impl Visit<'_> {
    fn page(&self, segments: &[&str]) -> Shown {
        match segments {
            ["applications"] => Ok(see_other("/_mock/")),
            ["applications", id] => application::show(self, id),
            ["applications", id, "settings"] => settings::show(self, id),
            ["traffic"] => traffic::show(self),
            ["traffic", "events"] => traffic::events(self),
            ["exchanges", id] => exchange::show(self, id),
            ["contract"] => contract::show(self),
            ["state"] => state::show(self),
            ["reports"] => reports::show(self),
            _ => applications::show(self),
        }
    }

    fn act(&self, segments: &[&str]) -> Shown {
        match segments {
            ["applications", id, "settings"] => settings::save(self, id),
            ["applications", id, "check"] => settings::check(self, id),
            ["contract", "try"] => contract::attempt(self),
            ["state", action] => state::act(self, action),
            ["applications", id, action] => application::act(self, id, action),
            _ => applications::create(self),
        }
    }

    /// Whether the client would rather have HTML than text.
    fn wants_html(&self) -> bool {
        let accept = self.request.headers().get(ACCEPT).and_then(|accept| accept.to_str().ok());
        let offers: Vec<MediaType> = ["text/plain", "text/html"].into_iter().filter_map(MediaType::parse).collect();
        accept.is_some() && negotiate(accept, offers.iter()) == Some(1)
    }
}

fn redirect(status: StatusCode, to: &str) -> Reply {
    let mut reply = Reply::default();
    *reply.status_mut() = status;
    let to = HeaderValue::from_str(to).unwrap_or(HeaderValue::from_static("/_mock/"));
    reply.headers_mut().insert(LOCATION, to);
    reply
}

fn moved(to: &str) -> Reply {
    redirect(StatusCode::PERMANENT_REDIRECT, to)
}

/// The end of every form that was carried out.
fn see_other(to: &str) -> Reply {
    redirect(StatusCode::SEE_OTHER, to)
}

fn other_method(methods: &[Method]) -> Reply {
    let names: Vec<&str> = methods.iter().map(Method::as_str).collect();
    let mut reply = Reply::default();
    *reply.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
    if let Ok(allow) = HeaderValue::from_str(&names.join(", ")) {
        reply.headers_mut().insert(ALLOW, allow);
    }
    reply
}
