//! One connection from accept to close: which version is spoken, and the way from a request to its reply.

use super::http1;
use super::intake::{self, Refused};
use super::later::{self, Endless};
use super::patience::Patience;
use super::repeat::Last;
use super::reply;
use super::running::Shared;
use super::{Handler, Refusal};
use crate::message::Reply;
use bytes::{Bytes, BytesMut};
use http::header::{CONNECTION, HeaderValue};
use http::request::Parts;
use http::{Method, Version};
use http_body_util::Full;
use hyper::body::{Frame, Incoming, SizeHint};
use std::convert::Infallible;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll};
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
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(last) = last.as_mut() else { return false };
        let start = Instant::now();
        let is_written = catch_unwind(AssertUnwindSafe(|| last.write(start, to)));
        if is_written.is_ok_and(|is_written| is_written) {
            self.patience.extend(start + shared.limits.patience());
            return true;
        }
        false
    }

    /// Keeps a reply for a request that is the same, or none.
    fn keep(&self, last: Option<Last>) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = last;
    }
}

/// How far the requests of a connection are that were shown to hyper; in HTTP/1.1 by their numbers, from 1.
#[derive(Default)]
pub(super) struct Turns {
    begun: AtomicUsize,
    finished: AtomicUsize,
    same_since: AtomicUsize,
}

impl Turns {
    /// How many were begun to be answered.
    pub(super) fn begun(&self) -> usize {
        self.begun.load(Ordering::Relaxed)
    }

    /// How many replies hyper has taken whole.
    pub(super) fn finished(&self) -> usize {
        self.finished.load(Ordering::Relaxed)
    }

    /// All from this number on have the same bytes.
    pub(super) fn are_same_since(&self, number: usize) {
        self.same_since.store(number, Ordering::Relaxed);
    }

    /// Another one is begun; whether it is the one before over again, as far as is known.
    fn begin(&self) -> bool {
        self.begun.fetch_add(1, Ordering::Relaxed) + 1 > self.same_since.load(Ordering::Relaxed)
    }

    /// A reply goes on, so nothing behind it counts any more.
    fn without_end(&self) {
        // More than there will ever be, with room for those behind it.
        self.begun.store(usize::MAX / 2, Ordering::Relaxed);
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

/// The body of a reply: one in one piece, or one that goes on.
pub(super) struct Body {
    whole: Full<Bytes>,
    endless: Option<Endless>,
    talk: Arc<Talk>,
}

impl hyper::body::Body for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        match &mut self.endless {
            Some(endless) => Pin::new(endless).poll_frame(context),
            None => Pin::new(&mut self.whole).poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.endless.is_none() && self.whole.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.endless.as_ref().map_or_else(|| self.whole.size_hint(), hyper::body::Body::size_hint)
    }
}

impl Drop for Body {
    /// hyper lets it go when it has taken all of it.
    fn drop(&mut self) {
        self.talk.turns.finished.fetch_add(1, Ordering::Relaxed);
    }
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
    let mut reply = match read {
        Ok(request) => {
            let again = (is_same && is_http1).then_some(&mut again);
            guarded(handler, |handler| handler.handle(request, again))
        }
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
    if endless.is_some() {
        talk.turns.without_end();
    }
    let endless = endless.filter(|_| method != Method::HEAD);
    let reply = reply::framed(reply, &method);
    if is_http1 {
        talk.keep(again.and_then(|again| Last::of(again, &method, version, &reply)));
    }
    Ok(reply.map(|whole| Body { whole: Full::new(whole), endless, talk }))
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
