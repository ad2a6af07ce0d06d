//! Making a reply fit to be written: its framing follows from its body, status and method alone.

use crate::message::Reply;
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, TRANSFER_ENCODING};
use http::{Method, StatusCode, Version};

/// The reply as hyper writes it. `Content-Length` is left to hyper, except that the reply to a `HEAD`
/// keeps the one it has.
pub(super) fn framed(reply: Reply, method: &Method) -> Reply {
    let reply = if reply.status().is_informational() {
        tracing::error!(status = reply.status().as_u16(), "no final reply can have this status");
        failure()
    } else {
        reply
    };
    let (mut head, mut body) = reply.into_parts();
    head.version = Version::HTTP_11;
    head.headers.remove(TRANSFER_ENCODING);
    if matches!(head.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) {
        head.headers.remove(CONTENT_LENGTH);
        body = Bytes::new();
    } else if method != Method::HEAD {
        head.headers.remove(CONTENT_LENGTH);
    } else if !body.is_empty() {
        head.headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
        body = Bytes::new();
    }
    Reply::from_parts(head, body)
}

/// What is sent in place of a reply that never came to be.
pub(super) fn failure() -> Reply {
    let mut reply = Reply::new(Bytes::from_static(b"the server failed on this request\n"));
    *reply.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    reply
}
