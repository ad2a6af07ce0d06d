//! The timer of a connection over HTTP/1.1: one sleep for whatever is waited for. hyper asks for a new one for every head,
//! and every body has one; to enter and leave the runtime's timers each time would cost as much as parsing the head.
//!
//! A request that hyper is not shown makes it wait anew for the next one.

use hyper::rt::{Sleep, Timer};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

/// The timer of one connection. What it gives out shares one sleep, so only one of them may be waited for at a time.
#[derive(Clone)]
pub(super) struct Patience(Arc<Mutex<Shared>>);

struct Shared {
    sleep: Pin<Box<tokio::time::Sleep>>,
    /// No head is given up before, whatever was said when it began to be waited for; nothing: not at all.
    heads_until: Option<Instant>,
}

impl Patience {
    /// Within a runtime; `usual` is how long is mostly waited.
    pub(super) fn new(usual: Duration) -> Self {
        let sleep = Box::pin(tokio::time::sleep(usual));
        Self(Arc::new(Mutex::new(Shared { sleep, heads_until: Some(Instant::now()) })))
    }

    /// A wait for a body.
    pub(super) fn body(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        Box::pin(Until { deadline: Instant::now() + duration, is_of_head: false, shared: Arc::clone(&self.0) })
    }

    /// Lets the head at hand be waited for until then.
    pub(super) fn extend(&self, deadline: Instant) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).heads_until = Some(deadline);
    }

    /// Lets the head at hand be waited for until [`Patience::extend`] says how long.
    pub(super) fn hold(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).heads_until = None;
    }
}

impl Timer for Patience {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        self.sleep_until(Instant::now() + duration)
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        Box::pin(Until { deadline, is_of_head: true, shared: Arc::clone(&self.0) })
    }
}

/// Ready from its deadline on.
struct Until {
    deadline: Instant,
    is_of_head: bool,
    shared: Arc<Mutex<Shared>>,
}

impl Future for Until {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        let Shared { sleep, heads_until } = &mut *shared;
        let deadline = match (self.is_of_head, *heads_until) {
            (false, _) => self.deadline,
            (true, Some(until)) => self.deadline.max(until),
            (true, None) => return Poll::Pending,
        };
        let deadline = deadline.into();
        if sleep.deadline() > deadline {
            sleep.as_mut().reset(deadline);
        }
        loop {
            ready!(sleep.as_mut().poll(context));
            // It was set for an earlier wait, which this one has outlived.
            if sleep.deadline() >= deadline {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(deadline);
        }
    }
}

impl Sleep for Until {}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;

    #[tokio::test]
    async fn no_wait_ends_before_its_deadline() {
        let patience = Patience::new(Duration::from_millis(1));
        let start = Instant::now();
        let at = |millis: u64| patience.sleep_until(start + Duration::from_millis(millis));
        for millis in [20, 40, 30, 60] {
            // One that is given up changes nothing for the next.
            let mut given_up = at(60_000);
            assert!((&mut given_up).now_or_never().is_none());
            drop(given_up);
            at(millis).await;
            assert!(start.elapsed() >= Duration::from_millis(millis), "{millis}: {:?}", start.elapsed());
        }
    }
}
