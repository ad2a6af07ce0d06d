//! HTTP/1.1 over one stream: hyper's settings, the gate before it, and an end that lets the client read the last reply.

use super::connection::{Stream, Talk, respond};
use super::framing::Framing;
use super::gate::Gate;
use super::running::stopped;
use crate::message::Limits;
use bytes::BytesMut;
use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::task::unconstrained;
use tokio::time::timeout;

/// How long input is thrown away behind the last reply, so that the last reply is not lost with it.
const LINGER: Duration = Duration::from_secs(1);
/// The least that hyper reads into.
const READ_BUFFER_BYTES: usize = 8192 + 4096 * 100;
/// The fields that hyper parses without allocating for them.
const FIELDS_ON_STACK: usize = 100;
/// More fields than this and the header map itself gives up.
const FIELDS_MAX: usize = 16 * 1024;

/// hyper's settings but for the timer, which each connection has of its own. What is over a limit does not come as far as
/// that, so its own limits on the head are a little higher: it must never refuse what the gate lets in.
pub(super) fn protocol(limits: &Limits) -> Builder {
    let head_bytes = limits.head_bytes_max.saturating_add(1024);
    let mut builder = Builder::new();
    builder
        .header_read_timeout(limits.patience())
        .half_close(true)
        .max_header_size(head_bytes)
        .max_buf_size(head_bytes.max(READ_BUFFER_BYTES));
    if limits.header_fields_max > FIELDS_ON_STACK {
        builder.max_headers(limits.header_fields_max.min(FIELDS_MAX));
    }
    builder
}

/// Serves a stream, of which `first` was read already, until either side closes it.
pub(super) async fn serve(stream: Stream, first: BytesMut, talk: Arc<Talk>) {
    let framing = Framing::new(&talk.shared.limits);
    let io = TokioIo::new(Gate::new(stream, first, Some(framing), Arc::clone(&talk)));
    let service = service_fn(|request| respond(Arc::clone(&talk), request));
    let mut protocol = talk.shared.http1.clone();
    protocol.timer(talk.patience.clone());
    let mut connection = protocol.serve_connection(io, service);
    // Out of budget it would not be asked at all, and this once is all that it is asked.
    let mut stop = pin!(unconstrained(stopped(talk.stopping.clone())));
    let mut is_awaited = false;
    let ended = poll_fn(|context| {
        // The connection comes first, so that what came in before a stop is answered.
        if let Poll::Ready(outcome) = Pin::new(&mut connection).poll(context) {
            return Poll::Ready(Some(outcome));
        }
        // Replies that wait for the client to take them would be lost: hyper would close, as it knows nothing of them.
        if talk.is_sending.load(Ordering::Relaxed) {
            return Poll::Pending;
        }
        // To ask takes a lock of all connections. A task has one waker for life, so it is enough to ask once, and again
        // when there is something to hear.
        if std::mem::replace(&mut is_awaited, true) && !talk.shared.is_leaving.load(Ordering::Relaxed) {
            return Poll::Pending;
        }
        stop.as_mut().poll(context).map(|()| None)
    })
    .await;
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
    if is_unparsable || talk.is_cut.load(Ordering::Relaxed) {
        linger(connection.into_parts().io.into_inner()).await;
    }
}

/// Says that no more is sent, and reads on for a while: a socket closed with input unread is reset, and
/// a reset takes back the reply.
async fn linger(mut gate: Gate) {
    let drained = async {
        // On the heap, for the sake of the size of every connection's future.
        let mut discarded = vec![0; 16 * 1024];
        let _ = gate.shutdown().await;
        let mut stream = gate.into_inner();
        while matches!(stream.read(&mut discarded).await, Ok(count) if count > 0) {}
    };
    let _ = timeout(LINGER, drained).await;
}
