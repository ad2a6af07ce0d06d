//! Reading one request whole, within the limits.
//!
//! What the head can tell of the body is checked before the body is asked for, because asking is what sends
//! `100 Continue`.

use super::Refusal;
use super::connection::Talk;
use super::head::{is_authority, is_known_expectation};
use super::patience::Patience;
use crate::message::{Limits, Request};
use bytes::{Bytes, BytesMut};
use http::header::{EXPECT, HOST, HeaderValue};
use http::request::Parts;
use http::uri::{self, Authority, PathAndQuery, Scheme, Uri};
use http::{Method, Version};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use hyper::rt::Timer as _;
use hyper_util::rt::TokioTimer;
use std::error::Error;
use std::io;

/// A request that was not read whole.
pub(super) struct Refused {
    pub(super) refusal: Refusal,
    /// As much of the head as can be told.
    pub(super) head: Option<Box<Parts>>,
}

/// Reads the body after a look at the head.
pub(super) async fn read(request: http::Request<Incoming>, talk: &Talk) -> Result<Request, Refused> {
    let limits = &talk.shared.limits;
    let (mut head, body) = request.into_parts();
    // hyper leaves a handle for protocol upgrades here, which nobody takes.
    head.extensions.clear();
    let checked = if head.version == Version::HTTP_2 { check(&head, limits) } else { Ok(()) };
    normalise(&mut head);
    if talk.is_secure {
        secure(&mut head);
    }
    let patience = (head.version < Version::HTTP_2).then_some(&talk.patience);
    let read = match checked {
        Ok(()) => read_body(body, limits, patience).await,
        Err(refusal) => Err(refusal),
    };
    match read {
        Ok(body) => Ok(Request::from_parts(head, body)),
        Err(refusal) => Err(Refused { refusal, head: Some(Box::new(head)) }),
    }
}

/// What the gate sees to in HTTP/1.1. Most of it cannot be in HTTP/2, or the parser refuses it.
fn check(head: &Parts, limits: &Limits) -> Result<(), Refusal> {
    let target = head.uri.path_and_query().map_or("", PathAndQuery::as_str);
    if target.len() > limits.target_bytes_max {
        return Err(Refusal::TargetTooLong);
    }
    if head.headers.len() > limits.header_fields_max {
        return Err(Refusal::HeadTooLarge);
    }
    if head.headers.get_all(EXPECT).iter().any(|value| !is_known_expectation(value.as_bytes())) {
        return Err(Refusal::ExpectationUnknown);
    }
    let bad = |reason: &str| Err(Refusal::BadFraming(reason.to_owned()));
    let authority = head.uri.authority().map(|authority| authority.as_str().as_bytes());
    let hosts: Vec<&[u8]> = head.headers.get_all(HOST).iter().map(HeaderValue::as_bytes).collect();
    match (authority, hosts.as_slice()) {
        (None, []) => bad("`:authority` and `Host` are missing"),
        (Some(authority), []) if is_authority(authority) => Ok(()),
        // RFC 9113 §8.3.1: they must not differ.
        (None, [host]) if is_authority(host) => Ok(()),
        (Some(authority), [host]) if is_authority(host) && authority.eq_ignore_ascii_case(host) => Ok(()),
        _ => bad("`:authority` and `Host` do not name one host with an optional port"),
    }
}

/// Turns `http://host/path` into `/path`, for the sake of which `Host` does not count (RFC 9112 §3.2.2). The target of
/// `CONNECT` has no path and stays.
pub(super) fn normalise(head: &mut Parts) {
    if head.method == Method::CONNECT {
        return;
    }
    let Some(authority) = head.uri.authority() else { return };
    if let Ok(host) = HeaderValue::from_str(authority.as_str()) {
        head.headers.insert(HOST, host);
    }
    let path = head.uri.path_and_query().cloned();
    head.uri = Uri::from(path.unwrap_or_else(|| PathAndQuery::from_static("/")));
}

/// Turns `/path` into `https://host/path`, because a path alone is taken for one of `http`.
fn secure(head: &mut Parts) {
    let host = head.headers.get(HOST).and_then(|host| Authority::try_from(host.as_bytes()).ok());
    let (Some(host), Some(path)) = (host, head.uri.path_and_query()) else { return };
    let mut parts = uri::Parts::default();
    parts.scheme = Some(Scheme::HTTPS);
    parts.authority = Some(host);
    parts.path_and_query = Some(path.clone());
    // `*` has no place behind an authority.
    if let Ok(uri) = Uri::from_parts(parts) {
        head.uri = uri;
    }
}

/// `patience`: that of the connection, where no other body is read over it at the same time.
async fn read_body(body: Incoming, limits: &Limits, patience: Option<&Patience>) -> Result<Bytes, Refusal> {
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    let declared = body.size_hint().lower();
    if usize::try_from(declared).map_or(true, |bytes| bytes > limits.body_bytes_max) {
        return Err(Refusal::BodyTooLarge);
    }
    let time = limits.body_patience();
    let mut over = patience.map_or_else(|| TokioTimer::new().sleep(time), |patience| patience.body(time));
    tokio::select! {
        biased;
        collected = collect(body, limits.body_bytes_max) => collected,
        () = &mut over => Err(Refusal::BodyTimeout),
    }
}

/// Joins the frames as they come: kept apart, a body of one-byte chunks would weigh hundredfold.
async fn collect(mut body: Incoming, bytes_max: usize) -> Result<Bytes, Refusal> {
    let mut first = Bytes::new();
    let mut joined = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| refusal_of(&error))?;
        // What is no data is trailers, and no check reads those.
        let Ok(data) = frame.into_data() else {
            continue;
        };
        if first.len() + joined.len() + data.len() > bytes_max {
            return Err(Refusal::BodyTooLarge);
        }
        if first.is_empty() && joined.is_empty() {
            first = data;
            continue;
        }
        if joined.is_empty() {
            joined.extend_from_slice(&first);
            first = Bytes::new();
        }
        joined.extend_from_slice(&data);
    }
    Ok(if joined.is_empty() { first } else { joined.freeze() })
}

/// Why a body failed: the gate says it whole, hyper in its error's source.
fn refusal_of(error: &hyper::Error) -> Refusal {
    let Some(cause) = error.source() else { return Refusal::BadFraming("the body cannot be read".to_owned()) };
    let own = cause.downcast_ref::<io::Error>().and_then(|error| error.get_ref()?.downcast_ref::<Refusal>());
    own.cloned().unwrap_or_else(|| Refusal::BadFraming(format!("the body cannot be read: {cause}")))
}
