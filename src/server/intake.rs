//! Reading one request whole, within the limits.
//!
//! What the head can tell of the body is checked before the body is asked for, because asking is what sends
//! `100 Continue`.

use super::Refusal;
use crate::message::{Limits, Request};
use bytes::{Bytes, BytesMut};
use http::Method;
use http::header::{HOST, HeaderValue};
use http::request::Parts;
use http::uri::{PathAndQuery, Uri};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use std::error::Error;
use std::io;
use tokio::time::timeout;

/// A request that was not read whole.
pub(super) struct Refused {
    pub(super) refusal: Refusal,
    /// As much of the head as can be told.
    pub(super) head: Option<Box<Parts>>,
}

/// Reads the body after a look at the head.
pub(super) async fn read(request: http::Request<Incoming>, limits: &Limits) -> Result<Request, Refused> {
    let (mut head, body) = request.into_parts();
    // hyper leaves a handle for protocol upgrades here, which nobody takes.
    head.extensions.clear();
    normalise(&mut head);
    match read_body(body, limits).await {
        Ok(body) => Ok(Request::from_parts(head, body)),
        Err(refusal) => Err(Refused { refusal, head: Some(Box::new(head)) }),
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
