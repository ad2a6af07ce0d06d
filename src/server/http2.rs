//! HTTP/2 over one stream (RFC 9113), with every setting of it that bounds what a client can ask for.

use super::connection::{Stream, Talk, respond};
use super::gate::Gate;
use super::running::stopped;
use crate::message::Limits;
use bytes::BytesMut;
use hyper::server::conn::http2::Builder;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::time::sleep;

/// What a client that speaks HTTP/2 sends first of all (RFC 9113 §3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// What is read at a time until the version is known: as a rule a whole request.
const FIRST_BYTES: usize = 4096;
/// Bytes of one stream's body that may be under way.
const STREAM_WINDOW_BYTES: u32 = 256 * 1024;
/// Bytes of all bodies of a connection that may be under way.
const CONNECTION_WINDOW_BYTES: u32 = 1024 * 1024;
/// Bytes of a frame, the least that a server must take.
const FRAME_BYTES_MAX: u32 = 16 * 1024;
/// Bytes of the table that compressed fields refer to.
const TABLE_BYTES_MAX: u32 = 4096;

/// hyper's settings. A block of header fields that goes on and on (CONTINUATION frames) ends at the limit of the list.
pub(super) fn protocol(limits: &Limits) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(u32::try_from(limits.streams_max).unwrap_or(u32::MAX))
        .max_pending_accept_reset_streams(limits.stream_resets_max)
        .max_local_error_reset_streams(limits.stream_resets_max)
        .max_header_list_size(u32::try_from(limits.head_bytes_max).unwrap_or(u32::MAX))
        .header_table_size(TABLE_BYTES_MAX)
        .max_frame_size(FRAME_BYTES_MAX)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_send_buf_size(STREAM_WINDOW_BYTES as usize)
        .keep_alive_interval(limits.patience())
        .keep_alive_timeout(limits.patience());
    builder
}

/// Reads until it is known which version the client speaks, or it has nothing more to say.
pub(super) async fn first_bytes(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<BytesMut> {
    let mut first = BytesMut::with_capacity(FIRST_BYTES);
    loop {
        let count = stream.read_buf(&mut first).await?;
        if count == 0 || first.len() >= PREFACE.len() || !PREFACE.starts_with(&first) {
            return Ok(first);
        }
    }
}

/// Whether what came first is HTTP/2.
pub(super) fn is_preface(first: &[u8]) -> bool {
    first.starts_with(PREFACE)
}

/// Serves a stream, of which `first` was read already, until either side closes it or nothing happens any more.
pub(super) async fn serve(stream: Stream, first: BytesMut, talk: Arc<Talk>) {
    let io = TokioIo::new(Gate::new(stream, first, None, Arc::clone(&talk)));
    let begun = Arc::new(AtomicU32::new(0));
    let service = {
        let (talk, begun) = (Arc::clone(&talk), Arc::clone(&begun));
        service_fn(move |request| {
            begun.fetch_add(1, Ordering::Relaxed);
            respond(Arc::clone(&talk), request)
        })
    };
    // Whoever answers a request, or sends a body that goes on, has a share in it.
    let shares = Arc::strong_count(&talk);
    let mut connection = pin!(talk.shared.http2.serve_connection(io, service));
    let mut stop = pin!(stopped(talk.stopping.clone()));
    let (mut is_stopping, mut is_leaving) = (false, false);
    loop {
        let seen = begun.load(Ordering::Relaxed);
        let quiet = sleep(talk.shared.limits.patience());
        tokio::select! {
            biased;
            () = &mut stop, if !is_stopping => is_stopping = true,
            outcome = connection.as_mut() => {
                if let Err(error) = outcome {
                    tracing::debug!(%error, "a connection ended early");
                }
                return;
            }
            () = quiet => {
                if seen != begun.load(Ordering::Relaxed) || Arc::strong_count(&talk) > shares {
                    continue;
                }
                // Who does not even leave when asked to is cut off.
                if is_leaving {
                    return;
                }
                is_leaving = true;
            }
        }
        connection.as_mut().graceful_shutdown();
    }
}
