//! One connection from accept to close: which version is spoken, and the way from a request to its reply.

use super::Handler;
use super::gate::{Begun, Verdict};
use super::intake::{self, Refused};
use super::later;
use super::patience::Patience;
use super::reply;
use super::running::Shared;
use super::{http1, later::Endless};
use crate::engine::Again;
use crate::message::Reply;
use bytes::Bytes;
use http::header::{CONNECTION, HeaderValue};
use http::{Method, Version};
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;

/// What the requests of one connection have in common.
pub(super) struct Talk {
    pub(super) shared: Arc<Shared>,
    pub(super) stopping: watch::Receiver<bool>,
    /// What heads and bodies are waited for with in HTTP/1.1, which has one request at a time.
    pub(super) patience: Patience,
    /// Whether it is TLS that is spoken.
    pub(super) is_secure: bool,
    /// Why the request at hand is refused, if its head was.
    pub(super) verdict: Verdict,
    pub(super) begun: Begun,
    /// Whether the connection closes for a reason of ours, and more may come in.
    pub(super) is_cut: AtomicBool,
    pub(super) again: Again,
}

impl Talk {
    pub(super) fn new(shared: Arc<Shared>, stopping: watch::Receiver<bool>, is_secure: bool) -> Arc<Self> {
        let patience = Patience::new(shared.limits.patience());
        let (verdict, begun, is_cut) = (Verdict::default(), Begun::default(), AtomicBool::new(false));
        let again = Again::default();
        Arc::new(Self { shared, stopping, patience, is_secure, verdict, begun, is_cut, again })
    }
}

/// What a connection is read from and written to. Of one type for TCP, Unix sockets and TLS, so that hyper is there once.
pub(super) type Stream = Box<dyn Duplex>;

pub(super) trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Duplex for S {}

/// Serves a connection until either side closes it.
#[cfg(feature = "http2")]
pub(super) async fn drive(mut stream: Stream, talk: Arc<Talk>) {
    use super::http2;
    use super::running::stopped;
    let first = tokio::select! {
        biased;
        first = http2::first_bytes(&mut stream) => first,
        () = stopped(talk.stopping.clone()) => return,
        () = tokio::time::sleep(talk.shared.limits.patience()) => return,
    };
    match first {
        Ok(first) if http2::is_preface(&first) => http2::serve(stream, first, talk).await,
        Ok(first) => http1::serve(stream, first, talk).await,
        Err(error) => tracing::debug!(%error, "a connection ended early"),
    }
}

/// Serves a connection until either side closes it.
#[cfg(not(feature = "http2"))]
pub(super) async fn drive(stream: Stream, talk: Arc<Talk>) {
    http1::serve(stream, bytes::BytesMut::new(), talk).await;
}

/// A body in one piece, or one that goes on.
pub(super) type Body = Either<Full<Bytes>, Endless>;

/// Reads a request and has it answered.
pub(super) async fn respond(talk: Arc<Talk>, request: http::Request<Incoming>) -> io::Result<http::Response<Body>> {
    talk.begun.add();
    let shared = &talk.shared;
    let method = request.method().clone();
    let is_http1 = request.version() < Version::HTTP_2;
    let read = match talk.verdict.get() {
        None => intake::read(request, &talk).await,
        Some((refusal, head)) => Err(Refused { refusal: refusal.clone(), head: head.clone() }),
    };
    if shared.is_closed.load(Ordering::SeqCst) {
        return Err(io::ErrorKind::ConnectionAborted.into());
    }
    let handler = shared.handler.as_ref();
    let mut is_last = shared.is_leaving.load(Ordering::Relaxed);
    let mut reply = match read {
        Ok(request) => guarded(handler, |handler| handler.handle(request, &talk.again)),
        Err(Refused { refusal, head }) => {
            is_last = true;
            guarded(handler, |handler| handler.refuse(refusal, head.map(|head| *head)))
        }
    };
    // HTTP/2 says the first to no connection but its own stream's, and the second by itself.
    if is_last && is_http1 {
        talk.is_cut.store(true, Ordering::Relaxed);
        reply.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    if reply.extensions().is_empty() {
        return Ok(reply::framed(reply, &method).map(Either::Left));
    }
    let begun = talk.begun.clone();
    let (reply, endless) = later::settled(reply, talk).await;
    if endless.is_some() {
        begun.without_end();
    }
    let framed = reply::framed(reply, &method);
    Ok(match endless.filter(|_| method != Method::HEAD) {
        Some(endless) => framed.map(|_| Either::Right(endless)),
        None => framed.map(Either::Left),
    })
}

/// A broken handler costs one reply, not the process.
fn guarded(handler: &dyn Handler, answer: impl FnOnce(&dyn Handler) -> Reply) -> Reply {
    catch_unwind(AssertUnwindSafe(|| answer(handler))).unwrap_or_else(|panic| {
        let message =
            (panic.downcast_ref::<&str>().copied()).or_else(|| panic.downcast_ref::<String>().map(String::as_str));
        tracing::error!(panic = message.unwrap_or("no message"), "a handler panicked");
        reply::failure()
    })
}
