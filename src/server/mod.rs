//! The wire: sockets in, whole requests out to a synchronous handler, whole replies back.
//!
//! It owns accepting, limits on what is read, framing, and stopping. It never decides what an answer
//! says: the [`Handler`] does, for what was read and for what had to be refused. Start at
//! [`serve`] in `running.rs`; one connection's life is in `connection.rs`, one request's in `intake.rs`.

mod body;
mod connection;
mod framing;
mod gate;
mod head;
mod http1;
#[cfg(feature = "http2")]
mod http2;
mod intake;
mod later;
mod listen;
mod patience;
mod repeat;
mod reply;
mod running;
mod runtime;
#[cfg(test)]
mod tests;
#[cfg(feature = "tls")]
mod tls;
mod turns;
#[cfg(unix)]
mod unix;

use crate::diagnostic::{Code, code};
use crate::message::{Reply, Request};
use http::HeaderName;
use http::request::Parts;
use std::fmt;
use std::time::Instant;

pub(crate) use listen::{Listener, bind};
pub(crate) use running::{Running, serve};
pub(crate) use runtime::runtime;
#[cfg(unix)]
pub(crate) use unix::{SocketFile, bind as bind_unix};

/// What secures connections over TCP. Without the feature `tls` there is nothing that could.
#[cfg(feature = "tls")]
pub(crate) type Security = std::sync::Arc<tokio_rustls::rustls::ServerConfig>;
/// What secures connections over TCP. Without the feature `tls` there is nothing that could.
#[cfg(not(feature = "tls"))]
pub(crate) type Security = std::convert::Infallible;

/// What a server does with requests.
///
/// Its functions are called on a thread that serves other connections too, so they must not wait. A
/// panic in one is answered with 500 and logged.
pub(crate) trait Handler: Send + Sync + 'static {
    /// Answers a whole request. `again`: there where the same request may come once more, to be filled if the same reply
    /// can be given to it.
    fn handle(&self, request: Request, again: Option<&mut Option<Again>>) -> Reply;

    /// Answers what could not be read whole; the head if it was read. The connection closes afterwards.
    fn refuse(&self, refusal: Refusal, head: Option<Parts>) -> Reply;
}

/// How a reply is given once more, to a request of the same bytes that comes next over the same connection.
pub(crate) struct Again {
    /// The field of the reply that carries a number of its own.
    pub(crate) field: HeaderName,
    /// The number, for a request that came at this instant; nothing if that has to be handled. Like a handler it must not
    /// wait.
    pub(crate) number: Box<dyn Fn(Instant) -> Option<u64> + Send>,
}

/// Why a request was not read whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The body is, or says that it is, longer than `Limits::body_bytes_max`.
    BodyTooLarge,
    /// The request target is longer than `Limits::target_bytes_max`.
    TargetTooLong,
    /// The head is over `Limits::head_bytes_max` or `Limits::header_fields_max`.
    HeadTooLarge,
    /// The body did not arrive within `Limits::body_timeout`.
    BodyTimeout,
    /// Where the request ends or whom it is for cannot be told; the text says why.
    BadFraming(String),
    /// `Expect` asks for something else than `100-continue`.
    ExpectationUnknown,
    /// The body has a transfer coding beside `chunked`.
    CodingUnknown,
    /// The version is neither HTTP/1.1 nor HTTP/1.0.
    VersionUnknown,
}

impl Refusal {
    /// The catalogue's entry, which has the status.
    pub(crate) fn code(&self) -> Code {
        match self {
            Self::BodyTooLarge => code::BODY_TOO_LARGE,
            Self::TargetTooLong => code::TARGET_TOO_LONG,
            Self::HeadTooLarge => code::HEAD_TOO_LARGE,
            Self::BodyTimeout => code::REQUEST_TIMEOUT,
            Self::BadFraming(_) => code::BAD_FRAMING,
            Self::ExpectationUnknown => code::EXPECTATION_UNKNOWN,
            Self::CodingUnknown => code::TRANSFER_CODING_UNKNOWN,
            Self::VersionUnknown => code::VERSION_UNKNOWN,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BodyTooLarge => "the body is longer than the server takes",
            Self::TargetTooLong => "the request target is longer than the server takes",
            Self::HeadTooLarge => "the header section is longer, or has more fields, than the server takes",
            Self::BodyTimeout => "the body did not arrive in time",
            Self::BadFraming(reason) => reason,
            Self::ExpectationUnknown => "the expectation is not `100-continue`",
            Self::CodingUnknown => "the body has a transfer coding beside `chunked`",
            Self::VersionUnknown => "the version of HTTP is not spoken here",
        })
    }
}

impl std::error::Error for Refusal {}
