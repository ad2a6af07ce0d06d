//! Reading one request whole, within the limits.
//!
//! Everything that the head can tell is checked before the body is asked for, because asking is what
//! sends `100 Continue`.

use super::Refusal;
use super::tap::HeadLog;
use crate::message::{Limits, Request};
use bytes::{Bytes, BytesMut};
use http::header::HOST;
use http::request::Parts;
use http::uri::{PathAndQuery, Uri};
use http::{HeaderMap, HeaderValue, Method, Version};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use std::error::Error;
use tokio::time::timeout;

/// A request that was not read whole.
pub(super) struct Refused {
    pub(super) refusal: Refusal,
    pub(super) head: Box<Parts>,
}

/// Reads the body after a look at the head.
pub(super) async fn read(request: http::Request<Incoming>, log: &HeadLog, limits: &Limits) -> Result<Request, Refused> {
    let (mut head, body) = request.into_parts();
    // hyper leaves a handle for protocol upgrades here, which nobody takes.
    head.extensions.clear();
    let is_ambiguous = log.pause(&head);
    let checked = check(&head, is_ambiguous, limits);
    normalise(&mut head);
    let read = match checked {
        Ok(()) => read_body(body, limits).await,
        Err(refusal) => Err(refusal),
    };
    match read {
        Ok(body) => Ok(Request::from_parts(head, body)),
        Err(refusal) => Err(Refused { refusal, head: Box::new(head) }),
    }
}

fn check(head: &Parts, is_ambiguous: bool, limits: &Limits) -> Result<(), Refusal> {
    let target_bytes = target_bytes(&head.uri);
    if target_bytes > limits.target_bytes_max {
        return Err(Refusal::TargetTooLong);
    }
    let head_bytes = head.method.as_str().len() + target_bytes + " HTTP/1.1\r\n\r\n".len() + 1;
    if head.headers.len() > limits.header_fields_max || head_bytes + field_bytes(&head.headers) > limits.head_bytes_max
    {
        return Err(Refusal::HeadTooLarge);
    }
    if is_ambiguous {
        return bad("`Content-Length` and `Transfer-Encoding` exclude each other");
    }
    check_host(head)
}

/// RFC 9112 §3.2: exactly one `Host` since HTTP/1.1, and a valid one.
fn check_host(head: &Parts) -> Result<(), Refusal> {
    let mut hosts = head.headers.get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (None, _) if head.version < Version::HTTP_11 => Ok(()),
        (None, _) => bad("`Host` is missing"),
        (Some(_), Some(_)) => bad("`Host` occurs more than once"),
        (Some(host), None) if host.as_bytes().iter().all(|byte| is_host_byte(*byte)) => Ok(()),
        (Some(_), None) => bad("`Host` is not a host with an optional port"),
    }
}

fn bad(reason: &str) -> Result<(), Refusal> {
    Err(Refusal::BadFraming(reason.to_owned()))
}

/// RFC 3986 §3.2.2 and §3.2.3, without user information.
fn is_host_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=%:[]".contains(&byte)
}

/// The length of the target as it was sent, but for a fragment, which the parser drops.
fn target_bytes(uri: &Uri) -> usize {
    let scheme = uri.scheme_str().map_or(0, |scheme| scheme.len() + "://".len());
    let authority = uri.authority().map_or(0, |authority| authority.as_str().len());
    scheme + authority + uri.path_and_query().map_or(0, |path| path.as_str().len())
}

/// The length of the header section, written in the usual way.
fn field_bytes(headers: &HeaderMap) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len() + ": \r\n".len()).sum()
}

/// Turns `http://host/path` into `/path`. The target of `CONNECT` has no path and stays.
fn normalise(head: &mut Parts) {
    let Some(authority) = head.uri.authority().filter(|_| head.method != Method::CONNECT) else { return };
    // What `Host` says does not count then.
    if let Ok(host) = HeaderValue::from_str(authority.as_str().rsplit('@').next().unwrap_or_default()) {
        head.headers.insert(HOST, host);
    }
    let path = head.uri.path_and_query().cloned();
    head.uri = Uri::from(path.unwrap_or_else(|| PathAndQuery::from_static("/")));
}

async fn read_body(body: Incoming, limits: &Limits) -> Result<Bytes, Refusal> {
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    let declared = body.size_hint().lower();
    if usize::try_from(declared).map_or(true, |bytes| bytes > limits.body_bytes_max) {
        return Err(Refusal::BodyTooLarge);
    }
    match timeout(limits.body_timeout, collect(body, limits.body_bytes_max)).await {
        Ok(collected) => collected,
        Err(_) => Err(Refusal::BodyTimeout),
    }
}

/// Joins the frames as they come: kept apart, a body of one-byte chunks would weigh hundredfold.
async fn collect(mut body: Incoming, bytes_max: usize) -> Result<Bytes, Refusal> {
    let mut first = Bytes::new();
    let mut joined = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Refusal::BadFraming(describe(&error)))?;
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

/// hyper says that a body failed; its source says how.
fn describe(error: &hyper::Error) -> String {
    match error.source() {
        Some(cause) => format!("the body cannot be read: {cause}"),
        None => "the body cannot be read".to_owned(),
    }
}
