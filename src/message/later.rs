use super::Reply;
use bytes::Bytes;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// What is to happen between a reply and its writing. It travels in the reply's extensions, because most replies
/// have none; who answers without a socket may leave it out.
#[derive(Clone)]
pub(crate) enum Later {
    /// The reply is written after this time.
    Delay(Duration),
    /// There may be a better reply soon.
    Wait(Wait),
    /// The body goes on, and never ends by itself.
    Stream(Stream),
}

/// A reply that may come to be when something changes.
#[derive(Clone)]
pub(crate) struct Wait {
    /// Fires when it is worth asking again.
    pub(crate) changed: watch::Receiver<u64>,
    /// When this is over, the reply at hand is sent.
    pub(crate) at_most: Duration,
    /// The better reply, once there is one.
    pub(crate) again: Arc<dyn Fn() -> Option<Reply> + Send + Sync>,
}

/// A body that goes on.
#[derive(Clone)]
pub(crate) struct Stream {
    /// Fires when there may be more.
    pub(crate) changed: watch::Receiver<u64>,
    /// What is new since it was asked for last; empty if nothing is.
    more: Arc<Mutex<dyn FnMut() -> Bytes + Send>>,
}

impl Stream {
    pub(crate) fn new(changed: watch::Receiver<u64>, more: impl FnMut() -> Bytes + Send + 'static) -> Self {
        Self { changed, more: Arc::new(Mutex::new(more)) }
    }

    /// What is new since it was asked for last; empty if nothing is.
    pub(crate) fn more(&self) -> Bytes {
        (self.more.lock().unwrap_or_else(PoisonError::into_inner))()
    }
}

impl Later {
    /// Takes what is to happen out of a reply.
    pub(crate) fn take(reply: &mut Reply) -> Option<Self> {
        reply.extensions_mut().remove()
    }
}
