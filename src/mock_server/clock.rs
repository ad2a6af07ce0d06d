//! The time that a server and its applications go by, for tests to set.

use super::shared::Shared;
use crate::store;
use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// A time, as text (RFC 3339, such as `2026-11-23T09:30:00Z`) or as the system has it.
#[derive(Debug, Clone)]
pub struct Time(Result<Timestamp, String>);

impl Time {
    pub(super) fn timestamp(&self) -> Result<Timestamp, String> {
        self.0.clone()
    }

    #[track_caller]
    fn known(&self) -> Timestamp {
        match &self.0 {
            Ok(time) => *time,
            Err(reason) => panic!("{reason}"),
        }
    }
}

impl From<&str> for Time {
    fn from(text: &str) -> Self {
        Self(text.parse().map_err(|_| format!("`{text}` is no time of RFC 3339, such as `2026-11-23T09:30:00Z`")))
    }
}

impl From<SystemTime> for Time {
    fn from(time: SystemTime) -> Self {
        Self(time.try_into().map_err(|_| "the time is after the year 9999, or long before the year 0000".to_owned()))
    }
}

/// The clock of a server, or of one application. Token expiry, the `Date` header, created and updated times, and the
/// journal follow it.
///
/// ```
/// use chatkitty_mock::MockServer;
/// use std::time::Duration;
///
/// let mock = MockServer::start();
/// mock.clock().freeze();
/// mock.clock().set("2026-11-23T09:30:00Z");
/// let before = mock.clock().now();
/// mock.clock().advance(Duration::from_secs(43_200));
/// assert_eq!(mock.clock().now().duration_since(before)?, Duration::from_secs(43_200));
/// # Ok::<(), std::time::SystemTimeError>(())
/// ```
#[derive(Clone)]
pub struct Clock {
    shared: Arc<Shared>,
    application: Option<Arc<store::Application>>,
}

impl Clock {
    pub(super) fn new(shared: &Arc<Shared>, application: Option<&Arc<store::Application>>) -> Self {
        Self { shared: Arc::clone(shared), application: application.cloned() }
    }

    /// The time it shows.
    pub fn now(&self) -> SystemTime {
        let moment = self.shared.engine.store.moment(self.shared.now());
        moment.of(self.application.as_deref()).into()
    }

    /// Whether it stands still.
    pub fn is_frozen(&self) -> bool {
        let moment = self.shared.engine.store.moment(self.shared.now());
        moment.clock_of(self.application.as_deref()).is_frozen()
    }

    /// Lets it stand still, at the time it shows.
    pub fn freeze(&self) {
        self.change(|clock, real| clock.set(real, None, Some(true)));
    }

    /// Lets it run, from the time it shows.
    pub fn run(&self) {
        self.change(|clock, real| clock.set(real, None, Some(false)));
    }

    /// Sets it; it stands still or runs on as before.
    ///
    /// # Panics
    ///
    /// If the text is no time of RFC 3339, or the time is after the year 9999 or long before the year 0000.
    #[track_caller]
    pub fn set(&self, time: impl Into<Time>) {
        let time = time.into().known();
        self.change(|clock, real| clock.set(real, Some(time), None));
    }

    /// Sets it forward; it stands still or runs on as before.
    pub fn advance(&self, by: Duration) {
        let by = SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX);
        self.change(|clock, _| clock.advanced(by));
    }

    /// Lets the server go by the real time again, or the application by the server's clock.
    pub fn release(&self) {
        self.shared.engine.store.release_clock(self.application.as_deref());
    }

    fn change(&self, change: impl FnOnce(store::Clock, Timestamp) -> store::Clock) {
        let real = self.shared.now();
        self.shared.engine.store.change_clock(self.application.as_deref(), |clock| change(clock, real));
    }
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Clock").field("now", &self.now()).field("frozen", &self.is_frozen()).finish()
    }
}
