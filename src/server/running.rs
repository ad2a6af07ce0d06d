//! A server as a value: accepting, the count of open connections, stopping and dropping.
//!
//! The listening sockets belong to both the value and its task, so that a value that is dropped closes them there and
//! then. Stopping takes its time: what had come before it is accepted and answered.

use super::connection::Talk;
use super::listen::{Accepted, Listener, Served};
use super::{Handler, Security, connection, http1, runtime};
use crate::message::Limits;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{sleep, timeout};

/// How long accepting pauses after a failure: doubled each time, from the first to the second.
const PAUSES: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(1));

/// How long what had come before a stop may take to be told of by the system.
const SETTLE: Duration = Duration::from_millis(5);

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

    /// Takes in what has come already, stops accepting, lets requests under way finish within `Limits::stop_timeout`,
    /// then cuts them off.
    ///
    /// Nothing is served any more when it returns. It may be cancelled and called again.
    pub(crate) async fn stop(&mut self) {
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
        self.shared.close_ports();
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
    /// Set when connections are told to leave: a reply says from then on that its connection closes.
    pub(super) is_leaving: AtomicBool,
    listeners: Mutex<Vec<Served>>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("limits", &self.limits).finish_non_exhaustive()
    }
}

impl Shared {
    fn close_ports(&self) {
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Accepts without waiting, so the lock is held for a few system calls; never ready once closed.
    fn poll_accept(&self, context: &mut Context<'_>) -> Poll<io::Result<Accepted>> {
        let mut listeners = self.listeners.lock().unwrap_or_else(PoisonError::into_inner);
        for _ in 0..listeners.len() {
            // Each has its turn.
            listeners.rotate_left(1);
            if let Some(Poll::Ready(accepted)) = listeners.last().map(|listener| listener.poll_accept(context)) {
                return Poll::Ready(accepted);
            }
        }
        Poll::Pending
    }
}

/// Serves until stopped; the sockets listen already, so nothing is waited for. TLS is spoken over TCP only.
///
/// # Errors
///
/// When the background runtime cannot be started or does not take a listener, or none of them has an address.
pub(crate) fn serve(
    listeners: Vec<Listener>,
    handler: Arc<dyn Handler>,
    limits: Limits,
    security: Option<Security>,
) -> io::Result<Running> {
    let runtime = runtime()?;
    let addresses = listeners.iter().map(Listener::address).collect::<io::Result<Vec<_>>>()?;
    let address = addresses.into_iter().flatten().next().ok_or(io::ErrorKind::AddrNotAvailable)?;
    let listeners = {
        let _context = runtime.enter();
        listeners.into_iter().map(Listener::serve).collect::<io::Result<Vec<_>>>()?
    };
    let shared = Arc::new(Shared {
        handler,
        http1: http1::protocol(&limits),
        #[cfg(feature = "http2")]
        http2: super::http2::protocol(&limits),
        limits,
        security,
        is_closed: AtomicBool::new(false),
        is_leaving: AtomicBool::new(false),
        listeners: Mutex::new(listeners),
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
    let leave = watch::Sender::new(false);
    let mut connections = JoinSet::new();
    accept(&shared, &leave, &mut connections, pin!(stopped(stopping))).await;
    accept(&shared, &leave, &mut connections, pin!(sleep(SETTLE))).await;
    shared.close_ports();
    shared.is_leaving.store(true, Ordering::SeqCst);
    leave.send_replace(true);
    let finished = async { while connections.join_next().await.is_some() {} };
    if timeout(shared.limits.stop_timeout, finished).await.is_err() {
        tracing::debug!(connections = connections.len(), "cut off at the end of the stop timeout");
    }
    shared.is_closed.store(true, Ordering::SeqCst);
    connections.shutdown().await;
}

/// Accepts connections until something comes to be.
async fn accept(
    shared: &Arc<Shared>,
    leave: &watch::Sender<bool>,
    connections: &mut JoinSet<()>,
    mut until: Pin<&mut impl Future<Output = ()>>,
) {
    let connections_max = shared.limits.connections_max.max(1);
    let mut pause = PAUSES.0;
    loop {
        let has_room = connections.len() < connections_max;
        let accepted = tokio::select! {
            biased;
            () = &mut until => return,
            Some(_) = connections.join_next() => continue,
            accepted = poll_fn(|context| shared.poll_accept(context)), if has_room => accepted,
        };
        match accepted {
            Ok(accepted) => {
                pause = PAUSES.0;
                spawn(accepted, shared, leave, connections);
            }
            Err(error) if is_of_the_client(&error) => {}
            Err(error) => {
                // Out of descriptors, most likely: it lasts until connections close.
                if pause == PAUSES.0 {
                    tracing::warn!(%error, "connections cannot be accepted at the moment");
                }
                tokio::select! {
                    () = &mut until => return,
                    () = sleep(pause) => pause = (pause * 2).min(PAUSES.1),
                }
            }
        }
    }
}

fn spawn(accepted: Accepted, shared: &Arc<Shared>, leave: &watch::Sender<bool>, connections: &mut JoinSet<()>) {
    let talk = |is_secure| Talk::new(Arc::clone(shared), leave.subscribe(), is_secure);
    match accepted {
        Accepted::Tcp(stream) => {
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "a connection without TCP_NODELAY");
            }
            match &shared.security {
                #[cfg(feature = "tls")]
                Some(config) => connections.spawn(super::tls::drive(stream, Arc::clone(config), talk(true))),
                _ => connections.spawn(connection::drive(Box::new(stream), talk(false))),
            };
        }
        #[cfg(unix)]
        Accepted::Unix(stream) => {
            connections.spawn(connection::drive(Box::new(stream), talk(false)));
        }
    }
}

/// Whether the failure is the connection's, so that the next one can be accepted at once.
fn is_of_the_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}
