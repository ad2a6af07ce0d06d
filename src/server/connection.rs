//! One connection from accept to close.
//!
//! hyper parses and writes; here are its settings, the way from a request to its reply, and an end that
//! lets the client read the last reply.

use super::Handler;
use super::framing::Framing;
use super::gate::{Gate, Verdict};
use super::intake::{self, Refused};
use super::later;
use super::reply;
use super::running::{Shared, stopped};
use crate::message::{Limits, Reply};
use bytes::Bytes;
use http::Method;
use http::header::{CONNECTION, HeaderValue};
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;

/// How long input is thrown away after a refusal, so that the refusal is not lost with it.
const LINGER: Duration = Duration::from_secs(1);
/// The least that hyper reads into.
const READ_BUFFER_BYTES: usize = 8192 + 4096 * 100;
/// The fields that hyper parses without allocating for them.
const FIELDS_ON_STACK: usize = 100;
/// More fields than this and the header map itself gives up.
const FIELDS_MAX: usize = 16 * 1024;
/// Longer timeouts are beyond what clocks can add.
const FOREVER: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// hyper's settings. What is over a limit does not come as far as that, so its own limits on the head are a little
/// higher: it must never refuse what the gate lets in.
pub(super) fn protocol(limits: &Limits) -> Builder {
    let head_bytes = limits.head_bytes_max.saturating_add(1024);
    let mut builder = Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_timeout.min(FOREVER))
        .half_close(true)
        .max_header_size(head_bytes)
        .max_buf_size(head_bytes.max(READ_BUFFER_BYTES));
    if limits.header_fields_max > FIELDS_ON_STACK {
        builder.max_headers(limits.header_fields_max.min(FIELDS_MAX));
    }
    builder
}

/// Serves a connection until either side closes it.
pub(super) async fn drive(stream: TcpStream, shared: Arc<Shared>, stopping: watch::Receiver<bool>) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection without TCP_NODELAY");
    }
    let verdict = Verdict::default();
    let is_refused = Arc::new(AtomicBool::new(false));
    let io = TokioIo::new(Gate::new(stream, &[], Framing::new(&shared.limits), Arc::clone(&verdict)));
    let service = service_fn(|request| {
        respond(Arc::clone(&shared), Arc::clone(&verdict), Arc::clone(&is_refused), stopping.clone(), request)
    });
    let mut connection = shared.protocol.serve_connection(io, service);
    let mut stop = pin!(stopped(stopping.clone()));
    let ended = tokio::select! {
        // Stopping comes first, so that a reply made after it says that the connection closes.
        biased;
        () = &mut stop => None,
        outcome = &mut connection => Some(outcome),
    };
    let outcome = match ended {
        Some(outcome) => outcome,
        None => {
            Pin::new(&mut connection).graceful_shutdown();
            (&mut connection).await
        }
    };
    let is_unparsable = outcome.as_ref().is_err_and(hyper::Error::is_parse);
    if let Err(error) = outcome {
        tracing::debug!(%error, "a connection ended early");
    }
    if is_unparsable || is_refused.load(Ordering::Relaxed) {
        linger(connection.into_parts().io.into_inner().into_inner()).await;
    }
}

/// A body in one piece, or one that goes on.
type Body = Either<Full<Bytes>, later::Endless>;

/// Reads a request and has it answered.
async fn respond(
    shared: Arc<Shared>,
    verdict: Verdict,
    is_refused: Arc<AtomicBool>,
    stopping: watch::Receiver<bool>,
    request: http::Request<Incoming>,
) -> io::Result<http::Response<Body>> {
    let method = request.method().clone();
    let read = match verdict.get() {
        None => intake::read(request, &shared.limits).await,
        Some((refusal, head)) => Err(Refused { refusal: refusal.clone(), head: head.clone() }),
    };
    if shared.is_closed.load(Ordering::SeqCst) {
        return Err(io::ErrorKind::ConnectionAborted.into());
    }
    let handler = shared.handler.as_ref();
    let reply = match read {
        Ok(request) => guarded(handler, |handler| handler.handle(request)),
        Err(Refused { refusal, head }) => {
            is_refused.store(true, Ordering::Relaxed);
            let mut reply = guarded(handler, |handler| handler.refuse(refusal, head.map(|head| *head)));
            reply.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            reply
        }
    };
    if reply.extensions().is_empty() {
        return Ok(reply::framed(reply, &method).map(Either::Left));
    }
    let (reply, endless) = later::settled(reply, stopping).await;
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

/// Says that no more is sent, and reads on for a while: a socket closed with input unread is reset, and
/// a reset takes back the reply.
async fn linger(mut stream: TcpStream) {
    let drained = async {
        // On the heap, for the sake of the size of every connection's future.
        let mut discarded = vec![0; 16 * 1024];
        let _ = stream.shutdown().await;
        while matches!(stream.read(&mut discarded).await, Ok(count) if count > 0) {}
    };
    let _ = timeout(LINGER, drained).await;
}
