//! One connection from accept to close: which version is spoken, and the way from a request to its reply.

use super::body::Body;
use super::http1;
use super::intake::{self, Refused};
use super::later;
use super::patience::Patience;
use super::repeat::Last;
use super::reply;
use super::running::Shared;
use super::turns::Turns;
use super::{Handler, Refusal};
use crate::message::Reply;
use bytes::BytesMut;
use http::header::{CONNECTION, HeaderValue};
use http::request::Parts;
use http::{Method, Version};
use hyper::body::Incoming;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Instant;
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
    pub(super) verdict: OnceLock<(Refusal, Option<Box<Parts>>)>,
    pub(super) turns: Turns,
    /// Whether the connection closes for a reason of ours, and more may come in.
    pub(super) is_cut: AtomicBool,
    /// Whether replies that hyper knows nothing of wait for the client to take them.
    pub(super) is_sending: AtomicBool,
    /// The last reply in HTTP/1.1, if it can be given again.
    last: Mutex<Option<Last>>,
}

impl Talk {
    pub(super) fn new(shared: Arc<Shared>, stopping: watch::Receiver<bool>, is_secure: bool) -> Arc<Self> {
        let patience = Patience::new(shared.limits.patience());
        Arc::new(Self {
            shared,
            stopping,
            patience,
            is_secure,
            verdict: OnceLock::new(),
            turns: Turns::default(),
            is_cut: AtomicBool::new(false),
            is_sending: AtomicBool::new(false),
            last: Mutex::default(),
        })
    }

    /// Has the last request answered once more; `false` if it has to be read and handled.
    pub(super) fn repeat(&self, to: &mut BytesMut) -> bool {
        let shared = &self.shared;
        let is_ending = [&shared.is_leaving, &shared.is_closed, &self.is_cut];
        if is_ending.iter().any(|is_ending| is_ending.load(Ordering::Relaxed)) {
            return false;
        }
        let mut kept = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(last) = kept.as_mut() else { return false };
        let start = Instant::now();
        let is_written = caught(|| last.write(start, to)).unwrap_or_default();
        if is_written {
            self.patience.extend(start + shared.limits.patience());
        } else {
            *kept = None;
        }
        is_written
    }

    /// Keeps a reply for a request that is the same, or none.
    fn keep(&self, last: Option<Last>) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = last;
    }

    /// Notes whether replies that hyper knows nothing of wait for the client to take them. The next head is not waited for
    /// meanwhile.
    pub(super) fn set_sending(&self, is_sending: bool) {
        if self.is_sending.swap(is_sending, Ordering::Relaxed) == is_sending {
            return;
        }
        if is_sending {
            self.patience.hold();
        } else {
            self.patience.extend(Instant::now() + self.shared.limits.patience());
        }
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

/// Reads a request and has it answered.
pub(super) async fn respond(talk: Arc<Talk>, request: http::Request<Incoming>) -> io::Result<http::Response<Body>> {
    let is_same = talk.turns.begin();
    let shared = &talk.shared;
    let (method, version) = (request.method().clone(), request.version());
    let is_http1 = version < Version::HTTP_2;
    let read = match talk.verdict.get() {
        None => intake::read(request, &talk).await,
        Some((refusal, head)) => Err(Refused { refusal: refusal.clone(), head: head.clone() }),
    };
    if shared.is_closed.load(Ordering::SeqCst) {
        return Err(io::ErrorKind::ConnectionAborted.into());
    }
    let handler = shared.handler.as_ref();
    let mut is_last = shared.is_leaving.load(Ordering::Relaxed);
    let mut again = None;
    let wanted = is_same.then_some(&mut again);
    let mut reply = match read {
        Ok(request) => guarded(handler, |handler| handler.handle(request, wanted)),
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
    let mut endless = None;
    if !reply.extensions().is_empty() {
        (reply, endless) = later::settled(reply, Arc::clone(&talk)).await;
    }
    let endless = endless.filter(|_| method != Method::HEAD);
    if endless.is_some() {
        talk.turns.without_end();
    }
    let reply = reply::framed(reply, &method);
    if is_http1 {
        talk.keep(again.and_then(|again| Last::of(again, &method, version, &reply)));
    }
    // In HTTP/2 a share in the talk says that something is under way, which a reply that is not taken is not.
    let told = is_http1.then_some(talk);
    Ok(reply.map(|whole| Body::new(whole, endless, told)))
}

/// A broken handler costs one reply, not the process.
fn guarded(handler: &dyn Handler, answer: impl FnOnce(&dyn Handler) -> Reply) -> Reply {
    caught(|| answer(handler)).unwrap_or_else(reply::failure)
}

/// What came of it, unless that panicked.
fn caught<T>(act: impl FnOnce() -> T) -> Option<T> {
    let caught = catch_unwind(AssertUnwindSafe(act));
    let panicked = |panic: Box<dyn std::any::Any + Send>| {
        let message =
            (panic.downcast_ref::<&str>().copied()).or_else(|| panic.downcast_ref::<String>().map(String::as_str));
        tracing::error!(panic = message.unwrap_or("no message"), "a handler panicked");
    };
    caught.map_err(panicked).ok()
}
