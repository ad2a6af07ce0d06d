use super::Application;
use jiff::{SignedDuration, Timestamp};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{PoisonError, RwLock};

/// The first moment that RFC 3339 can say, which has no years before 0000. The last one is [`Timestamp::MAX`].
const EARLIEST: Timestamp = Timestamp::constant(-62_167_219_200, 0);

/// What time it is, as a function of the real one: shifted, or standing still.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Clock {
    /// The real time and this much.
    Running(SignedDuration),
    /// Always the same.
    Frozen(Timestamp),
}

impl Default for Clock {
    fn default() -> Self {
        Self::Running(SignedDuration::ZERO)
    }
}

impl Clock {
    /// The same clock, set to `shown` and told to stand still or to run, where that is said; `real` is the real time.
    pub(crate) fn set(self, real: Timestamp, shown: Option<Timestamp>, frozen: Option<bool>) -> Self {
        let (is_set, shown) = (shown.is_some(), shown.unwrap_or_else(|| self.now(real)));
        let shown = shown.max(EARLIEST);
        match frozen.unwrap_or_else(|| self.is_frozen()) {
            true => Self::Frozen(shown),
            false if is_set || self.is_frozen() => Self::Running(shown.duration_since(real)),
            false => self,
        }
    }

    /// The time it shows; the first or last moment that can be said where the sum lies beyond it.
    pub(crate) fn now(self, real: Timestamp) -> Timestamp {
        match self {
            Self::Running(SignedDuration::ZERO) => real.max(EARLIEST),
            Self::Running(shift) => shifted(real, shift),
            Self::Frozen(shown) => shown,
        }
    }

    /// Whether it shows the real time.
    pub(crate) fn is_real(self) -> bool {
        self == Self::default()
    }

    /// Whether it stands still.
    pub(crate) fn is_frozen(self) -> bool {
        matches!(self, Self::Frozen(_))
    }

    /// The same clock, set forward, or back by a negative duration.
    pub(crate) fn advanced(self, by: SignedDuration) -> Self {
        match self {
            Self::Running(shift) => Self::Running(shift.saturating_add(by)),
            Self::Frozen(shown) => Self::Frozen(shifted(shown, by)),
        }
    }
}

/// A clock that some have and others do not, read at every request and hardly ever set.
#[derive(Debug, Default)]
pub(super) struct OwnClock {
    /// Whether there is one. To read that takes no lock.
    is_set: AtomicBool,
    clock: RwLock<Option<Clock>>,
}

impl OwnClock {
    pub(super) fn get(&self) -> Option<Clock> {
        let is_set = self.is_set.load(Ordering::Acquire);
        is_set.then(|| *self.clock.read().unwrap_or_else(PoisonError::into_inner)).flatten()
    }

    /// Puts in its place what `change` makes of it, with no other change in between.
    pub(super) fn change(&self, change: impl FnOnce(Option<Clock>) -> Option<Clock>) {
        let mut clock = self.clock.write().unwrap_or_else(PoisonError::into_inner);
        *clock = change(*clock);
        self.is_set.store(clock.is_some(), Ordering::Release);
    }
}

/// One moment: the real time, and what the server's clock makes of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    pub(super) real: Timestamp,
    pub(super) server: Clock,
}

impl Moment {
    /// The time by the server's clock.
    pub(crate) fn now(self) -> Timestamp {
        self.server.now(self.real)
    }

    /// The clock that an application goes by: its own, else the server's.
    pub(crate) fn clock_of(self, application: Option<&Application>) -> Clock {
        application.and_then(Application::clock).unwrap_or(self.server)
    }

    /// The time by the clock that an application goes by.
    pub(crate) fn of(self, application: Option<&Application>) -> Timestamp {
        self.clock_of(application).now(self.real)
    }
}

fn shifted(time: Timestamp, by: SignedDuration) -> Timestamp {
    let shifted = time.checked_add(by).unwrap_or(if by.is_negative() { EARLIEST } else { Timestamp::MAX });
    shifted.max(EARLIEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_run_shift_and_stand_still() {
        let real: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let later: Timestamp = "2026-01-01T01:00:00Z".parse().unwrap();
        let hour = SignedDuration::from_hours(1);
        assert!(Clock::default().is_real());
        assert_eq!(Clock::default().now(real), real);
        assert_eq!(Clock::default().advanced(hour).now(real), later);
        assert_eq!(Clock::default().set(real, Some(later), None).now(later), "2026-01-01T02:00:00Z".parse().unwrap());
        assert_eq!(Clock::default().set(real, Some(later), Some(true)), Clock::Frozen(later));
        assert_eq!(Clock::default().set(real, None, Some(true)), Clock::Frozen(real));
        assert_eq!(Clock::Frozen(later).set(real, Some(real), None), Clock::Frozen(real));
        assert_eq!(Clock::Frozen(later).set(real, None, Some(false)), Clock::Running(hour));
        assert!(Clock::default().set(real, None, Some(false)).is_real());
        assert_eq!(Clock::Frozen(real).now(later), real);
        assert_eq!(Clock::Frozen(real).advanced(hour).now(real), later);
        assert_eq!(Clock::default().advanced(SignedDuration::MAX).now(real), Timestamp::MAX);
        assert_eq!(Clock::default().advanced(SignedDuration::MIN).now(real), EARLIEST);
        assert_eq!(EARLIEST.to_string(), "0000-01-01T00:00:00Z");
        assert_eq!(Clock::default().set(real, Some(Timestamp::MIN), Some(true)), Clock::Frozen(EARLIEST));
    }
}
