use super::clock::OwnClock;
use super::{Change, Clock, Difference, State};
use jiff::Timestamp;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use subtle::ConstantTimeEq;

/// What a client authenticates with, and what it may ask for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Credential {
    pub(crate) client_id: String,
    pub(crate) client_secret: String,
    pub(crate) scopes: Vec<String>,
}

impl Credential {
    /// Whether the secret is this one, found out in a time that does not depend on where they differ.
    pub(crate) fn has_secret(&self, secret: &str) -> bool {
        self.client_secret.as_bytes().ct_eq(secret.as_bytes()).into()
    }
}

/// What an application starts with.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seed {
    pub(crate) name: String,
    pub(crate) origin: Origin,
    /// The first one names the application. None: they are made up.
    pub(crate) credentials: Vec<Credential>,
    /// What the application holds at first, and again after a reset.
    pub(crate) state: State,
}

/// Where an application comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Origin {
    /// A running server was asked for it.
    #[default]
    Request,
    /// A fixture file.
    Fixture,
}

/// A tenant: its credentials, its own state and its own clock.
#[derive(Debug)]
pub(crate) struct Application {
    /// The how many-th it is of its store: what tells it from every other one for good.
    arrival: u64,
    called: Called,
    pub(crate) origin: Origin,
    pub(crate) created: Timestamp,
    /// Counts what changes its representation: writes, and new credentials.
    version: AtomicU64,
    credentials: RwLock<Arc<[Credential]>>,
    seed: RwLock<Arc<State>>,
    state: RwLock<Arc<State>>,
    clock: OwnClock,
}

/// An application's name, and the client id of its first credential.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Names {
    pub(crate) name: String,
    pub(crate) client_id: String,
}

/// What an application is called, and what it is called since. Earlier ones stay, for they were lent out; there are as
/// many as there were fixtures with another first client id.
#[derive(Debug)]
struct Called {
    names: Arc<Names>,
    next: OnceLock<Box<Called>>,
}

impl Called {
    fn new(name: String, credential: Option<&Credential>) -> Self {
        let client_id = credential.map(|credential| credential.client_id.clone()).unwrap_or_default();
        Self { names: Arc::new(Names { name, client_id }), next: OnceLock::new() }
    }

    fn latest(&self) -> &Self {
        std::iter::successors(Some(self), |called| called.next.get().map(Box::as_ref)).last().unwrap_or(self)
    }

    fn rename(&self, credential: Option<&Credential>) {
        let latest = self.latest();
        if credential.is_some_and(|credential| credential.client_id != latest.names.client_id) {
            latest.next.get_or_init(|| Box::new(Self::new(self.names.name.clone(), credential)));
        }
    }
}

/// Bounds on what one application holds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) entries_max: usize,
    pub(crate) bytes_max: usize,
}

/// Why a write was not carried out.
#[derive(Debug)]
pub(crate) enum NotWritten<E> {
    /// Whoever asked for it thought otherwise.
    Refused(E),
    /// The application would hold more than it may.
    Full,
}

impl Application {
    pub(super) fn new(seed: Seed, created: Timestamp, arrival: u64) -> Self {
        let state = Arc::new(seed.state);
        Self {
            arrival,
            called: Called::new(seed.name, seed.credentials.first()),
            origin: seed.origin,
            created,
            version: AtomicU64::new(1),
            credentials: RwLock::new(seed.credentials.into()),
            seed: RwLock::new(Arc::clone(&state)),
            state: RwLock::new(state),
            clock: OwnClock::default(),
        }
    }

    /// What tells it from every other application of its store, earlier and later ones too.
    pub(crate) fn arrival(&self) -> u64 {
        self.arrival
    }

    pub(crate) fn name(&self) -> &str {
        &self.called.names.name
    }

    /// The client id of the first credential, which names the application: another one once it has another first
    /// credential.
    pub(crate) fn client_id(&self) -> &str {
        &self.called.latest().names.client_id
    }

    /// Its name and its client id, to remember them by.
    pub(crate) fn called(&self) -> Arc<Names> {
        Arc::clone(&self.called.latest().names)
    }

    /// Whether it comes from a fixture file.
    pub(crate) fn is_fixture(&self) -> bool {
        self.origin == Origin::Fixture
    }

    /// All credentials, the one that names the application first.
    pub(crate) fn credentials(&self) -> Arc<[Credential]> {
        Arc::clone(&read(&self.credentials))
    }

    pub(super) fn set_credentials(&self, credentials: Vec<Credential>) {
        self.called.rename(credentials.first());
        *write(&self.credentials) = credentials.into();
        self.changed();
    }

    /// The version of what it holds: another one after every change.
    pub(crate) fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    fn changed(&self) {
        self.version.fetch_add(1, Ordering::AcqRel);
    }

    /// The credential with this client id.
    pub(crate) fn credential(&self, client_id: &str) -> Option<Credential> {
        read(&self.credentials).iter().find(|credential| credential.client_id == client_id).cloned()
    }

    /// Looks at the state while no write changes it.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&read(&self.state))
    }

    /// The state as it is now.
    pub(crate) fn state(&self) -> Arc<State> {
        Arc::clone(&read(&self.state))
    }

    /// Carries out what `decide` makes of the state, with no other write in between and all of it at once.
    /// An error leaves everything as it was.
    ///
    /// To decide takes ten times as long as to carry out, and would hold up all other requests of the application. So it is
    /// done beside the lock first, and again within it if another write came in between.
    pub(crate) fn write<T, E>(
        &self,
        bounds: Bounds,
        decide: impl Fn(&State) -> Result<(Vec<Change>, T), E>,
    ) -> Result<(T, Vec<Difference>), NotWritten<E>> {
        let beside = match self.snapshot() {
            Some((snapshot, version)) => Some((decide(&snapshot).map_err(NotWritten::Refused)?, version)),
            None => None,
        };
        let mut state = write(&self.state);
        let (changes, told) = match beside {
            Some((decided, version)) if version == self.version() => decided,
            _ => decide(&state).map_err(NotWritten::Refused)?,
        };
        if would_overflow(&state, &changes, bounds) {
            return Err(NotWritten::Full);
        }
        if changes.is_empty() {
            return Ok((told, Vec::new()));
        }
        let differences = Arc::make_mut(&mut state).apply(changes);
        self.changed();
        Ok((told, differences))
    }

    /// The state to decide a write on, and its version. A write copies the state that somebody else has, so large ones are
    /// not given out.
    fn snapshot(&self) -> Option<(Arc<State>, u64)> {
        const ENTRIES_MAX: usize = 16;
        let state = read(&self.state);
        (state.entries() <= ENTRIES_MAX).then(|| (Arc::clone(&state), self.version()))
    }

    /// Puts another state in the place of the present one.
    pub(crate) fn restore(&self, other: Arc<State>) {
        let mut state = write(&self.state);
        *state = other;
        self.changed();
    }

    /// Looks at what the application started with.
    pub(crate) fn look_at_seed<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&read(&self.seed))
    }

    /// What the application started with.
    pub(crate) fn seed(&self) -> Arc<State> {
        Arc::clone(&read(&self.seed))
    }

    /// Puts in the place of state and seed what `refit` makes of them, with no write in between; nothing where that is
    /// nothing.
    pub(crate) fn refit<T>(&self, refit: impl FnOnce(&State, &State) -> Option<(State, State, T)>) -> Option<T> {
        let mut state = write(&self.state);
        let mut seed = write(&self.seed);
        let (fitted, seeded, told) = refit(&state, &seed)?;
        *state = Arc::new(fitted);
        *seed = Arc::new(seeded);
        self.changed();
        Some(told)
    }

    /// Returns to the seed.
    pub(crate) fn reset(&self) {
        let seed = self.seed();
        self.restore(seed);
    }

    /// The clock of its own; `None` where it follows the server's.
    pub(crate) fn clock(&self) -> Option<Clock> {
        self.clock.get()
    }

    /// Gives it a clock of its own, or the server's again.
    pub(crate) fn set_clock(&self, clock: Option<Clock>) {
        self.clock.change(|_| clock);
    }

    /// Changes the clock that it goes by, with no other change in between.
    pub(super) fn change_clock(&self, server: Clock, change: impl FnOnce(Clock) -> Clock) {
        self.clock.change(|clock| Some(change(clock.unwrap_or(server))));
    }
}

/// Whether an application would hold more than it may. What takes another's place counts for its difference.
fn would_overflow(state: &State, changes: &[Change], bounds: Bounds) -> bool {
    let (mut entries, mut more, mut less) = (0, 0, 0);
    for change in changes {
        match change {
            Change::Put(path, representation) => {
                let before = state.resource(path).map(|before| before.bytes.len());
                entries += usize::from(before.is_none());
                more += representation.bytes.len();
                less += before.unwrap_or_default();
            }
            // What is deleted, and what a collection held, is remembered.
            Change::Remove(path) => entries += usize::from(state.resource(path).is_none()),
            Change::Keep(collection) => entries += usize::from(state.collection(collection).is_none()),
            _ => {}
        }
    }
    entries > 0 && state.entries() + entries > bounds.entries_max
        || more > less && state.bytes() + more - less > bounds.bytes_max
}

fn read<T>(lock: &RwLock<T>) -> std::sync::RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> std::sync::RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Prepared;
    use serde_json::{Value, json};
    use std::sync::atomic::{AtomicBool, Ordering};

    const BOUNDS: Bounds = Bounds { entries_max: 1_000, bytes_max: 1_000_000 };

    /// A state whose ten resources all say the same.
    fn state(says: usize) -> State {
        let mut state = State::default();
        state.apply((0..10).map(|index| Change::Put(format!("/r/{index}"), Prepared::json(json!(says)))).collect());
        state
    }

    fn said(state: &State) -> Vec<Value> {
        state.resources().values().map(|found| Value::clone(&found.value)).collect()
    }

    #[test]
    fn a_restore_among_writes_is_seen_whole_or_not_at_all() {
        let application = Application::new(Seed { state: state(0), ..Seed::default() }, Timestamp::UNIX_EPOCH, 1);
        let over = AtomicBool::new(false);
        let rewrite = |says: usize| {
            let changes: Vec<Change> =
                (0..10).map(|index| Change::Put(format!("/r/{index}"), Prepared::json(json!(says)))).collect();
            application.write(BOUNDS, |_| Ok::<_, ()>((changes.clone(), ()))).is_ok()
        };
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    while !over.load(Ordering::Relaxed) {
                        let seen = application.look(said);
                        assert!(seen.len() == 10 && seen.iter().all(|one| *one == seen[0]), "{seen:?}");
                    }
                });
            }
            scope.spawn(|| (0..300).for_each(|turn| assert!(rewrite(1_000 + turn))));
            for turn in 1..300 {
                let snapshot = application.state();
                application.restore(Arc::new(state(turn)));
                application.restore(snapshot);
                application.reset();
            }
            over.store(true, Ordering::Relaxed);
        });
        application.reset();
        assert_eq!(application.look(said), vec![json!(0); 10]);
        assert_eq!(application.look(State::bytes), 10);
    }

    #[test]
    fn a_write_that_is_refused_or_too_large_changes_nothing() {
        let application = Application::new(Seed { state: state(0), ..Seed::default() }, Timestamp::UNIX_EPOCH, 1);
        let refused = application.write(BOUNDS, |_| Err::<(Vec<Change>, ()), _>("no"));
        assert!(matches!(refused, Err(NotWritten::Refused("no"))));
        let tight = Bounds { entries_max: 11, bytes_max: 1_000_000 };
        let two = || (0..2).map(|index| Change::Put(format!("/new/{index}"), Prepared::json(json!(1)))).collect();
        let full = application.write(tight, |_| Ok::<_, ()>((two(), ())));
        assert!(matches!(full, Err(NotWritten::Full)));
        assert_eq!(application.look(|state| (state.resources().len(), state.bytes())), (10, 10));
        let brimful = Bounds { entries_max: 10, bytes_max: 10 };
        let one = |says: usize| vec![Change::Put("/r/1".to_owned(), Prepared::json(json!(says)))];
        assert!(application.write(brimful, |_| Ok::<_, ()>((one(5), ()))).is_ok(), "it takes another's place");
        assert!(application.write(brimful, |_| Ok::<_, ()>((one(55), ()))).is_err());
        assert!(application.write(brimful, |_| Ok::<_, ()>((vec![Change::Remove("/r/2".to_owned())], ()))).is_ok());
    }
}
