//! A server as a value: accepting, the count of open connections, stopping and dropping.
//!
//! The listening socket belongs to both the value and its task. Whoever stops takes it out and closes it
//! there and then, so that no connection is accepted later than that.

use super::connection::Talk;
use super::{Handler, Security, connection, http1, runtime};
use crate::message::Limits;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{sleep, timeout};

/// How long accepting pauses after a failure: doubled each time, from the first to the second.
const PAUSES: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(1));

/// A server that accepts connections until it is stopped or dropped.
#[derive(Debug)]
pub(crate) struct Running {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: watch::Sender<bool>,
    task: Option<JoinHandle<()>>,
}

impl Running {
    /// Where it listens, with the port that was taken.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops accepting, lets requests under way finish within `Limits::stop_timeout`, then cuts them off.
    ///
    /// Nothing is served any more when it returns. It may be cancelled and called again.
    pub(crate) async fn stop(&mut self) {
        self.shared.close_port();
        self.stop.send_replace(true);
        if let Some(task) = self.task.as_mut() {
            // The only failure is a cancelled task, which is a stopped one.
            let _ = task.await;
        }
        self.task = None;
    }
}

impl Drop for Running {
    /// Closes the port at once and ends the connections in the background.
    fn drop(&mut self) {
        self.shared.is_closed.store(true, Ordering::SeqCst);
        self.shared.close_port();
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

/// What a server's connections have in common.
pub(super) struct Shared {
    pub(super) handler: Arc<dyn Handler>,
    pub(super) limits: Limits,
    pub(super) security: Option<Security>,
    pub(super) http1: hyper::server::conn::http1::Builder,
    #[cfg(feature = "http2")]
    pub(super) http2: hyper::server::conn::http2::Builder<hyper_util::rt::TokioExecutor>,
    /// Set when the server was dropped: a request that is still read is not answered.
    pub(super) is_closed: AtomicBool,
    listener: Mutex<Option<TcpListener>>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("limits", &self.limits).finish_non_exhaustive()
    }
}

impl Shared {
    fn close_port(&self) {
        drop(self.listener.lock().unwrap_or_else(PoisonError::into_inner).take());
    }

    /// Accepts without waiting, so the lock is held for one system call; never ready once closed.
    fn poll_accept(&self, context: &mut Context<'_>) -> Poll<io::Result<TcpStream>> {
        match self.listener.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
            Some(listener) => listener.poll_accept(context).map(|accepted| accepted.map(|(stream, _)| stream)),
            None => Poll::Pending,
        }
    }
}

/// Serves until stopped; the socket listens already, so nothing is waited for.
///
/// # Errors
///
/// When the background runtime cannot be started or does not take the listener.
pub(crate) fn serve(
    listener: std::net::TcpListener,
    handler: Arc<dyn Handler>,
    limits: Limits,
    security: Option<Security>,
) -> io::Result<Running> {
    let runtime = runtime()?;
    let address = listener.local_addr()?;
    listener.set_nonblocking(true)?;
    let listener = {
        let _context = runtime.enter();
        TcpListener::from_std(listener)?
    };
    let shared = Arc::new(Shared {
        handler,
        http1: http1::protocol(&limits),
        #[cfg(feature = "http2")]
        http2: super::http2::protocol(&limits),
        limits,
        security,
        is_closed: AtomicBool::new(false),
        listener: Mutex::new(Some(listener)),
    });
    let (stop, stopping) = watch::channel(false);
    let task = runtime.spawn(run(Arc::clone(&shared), stopping));
    Ok(Running { address, shared, stop, task: Some(task) })
}

/// Resolves when the server is to stop.
pub(super) async fn stopped(mut stopping: watch::Receiver<bool>) {
    // An error means that the server was dropped, which stops it too.
    let _ = stopping.wait_for(|stop| *stop).await;
}

/// Owns the connections: when this is cancelled, they are.
async fn run(shared: Arc<Shared>, stopping: watch::Receiver<bool>) {
    let connections_max = shared.limits.connections_max.max(1);
    let mut connections = JoinSet::new();
    let mut pause = PAUSES.0;
    let mut stop = pin!(stopped(stopping.clone()));
    loop {
        let has_room = connections.len() < connections_max;
        let accepted = tokio::select! {
            biased;
            () = &mut stop => break,
            Some(_) = connections.join_next() => continue,
            accepted = poll_fn(|context| shared.poll_accept(context)), if has_room => accepted,
        };
        match accepted {
            Ok(stream) => {
                pause = PAUSES.0;
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, "a connection without TCP_NODELAY");
                }
                let talk = Talk::new(Arc::clone(&shared), stopping.clone(), shared.security.is_some());
                match &shared.security {
                    #[cfg(feature = "tls")]
                    Some(config) => connections.spawn(super::tls::drive(stream, Arc::clone(config), talk)),
                    _ => connections.spawn(connection::drive(stream, talk)),
                };
            }
            Err(error) if is_of_the_client(&error) => {}
            Err(error) => {
                // Out of descriptors, most likely: it lasts until connections close.
                if pause == PAUSES.0 {
                    tracing::warn!(%error, "connections cannot be accepted at the moment");
                }
                tokio::select! {
                    () = &mut stop => break,
                    () = sleep(pause) => pause = (pause * 2).min(PAUSES.1),
                }
            }
        }
    }
    let finished = async { while connections.join_next().await.is_some() {} };
    if timeout(shared.limits.stop_timeout, finished).await.is_err() {
        tracing::debug!(connections = connections.len(), "cut off at the end of the stop timeout");
    }
    shared.is_closed.store(true, Ordering::SeqCst);
    connections.shutdown().await;
}

/// Whether the failure is the connection's, so that the next one can be accepted at once.
fn is_of_the_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}
