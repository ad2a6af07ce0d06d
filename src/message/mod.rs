//! Messages as values: a request and a reply whole in memory, media types, and the limits on what comes in.
//!
//! Nothing here reads from a socket; the server room builds a [`Request`] once it is complete.

mod later;
mod limits;
pub(crate) mod media_type;
mod secret;

use bytes::Bytes;

pub(crate) use later::{Later, Stream, Wait};
pub(crate) use limits::{Limits, MADE_BYTES_MAX, MADE_ENTRIES_MAX, RemoteLimits};
pub(crate) use secret::{MASK, Secrets, plain};

/// A whole request: head and body.
pub(crate) type Request = http::Request<Bytes>;

/// `https` or `http`: the server room gives requests over TLS a whole URL as their target.
pub(crate) fn scheme_of(request: &Request) -> &'static str {
    if request.uri().scheme() == Some(&http::uri::Scheme::HTTPS) { "https" } else { "http" }
}

/// A whole reply: head and body.
pub(crate) type Reply = http::Response<Bytes>;
