use super::{Change, Clock, Difference, State};
use jiff::Timestamp;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
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
    name: String,
    client_id: String,
    pub(crate) origin: Origin,
    pub(crate) created: Timestamp,
    /// Counts what changes its representation: writes, and new credentials.
    version: AtomicU64,
    credentials: RwLock<Arc<[Credential]>>,
    seed: RwLock<Arc<State>>,
    state: RwLock<Arc<State>>,
    clock: RwLock<Option<Clock>>,
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
    pub(super) fn new(seed: Seed, created: Timestamp) -> Self {
        let state = Arc::new(seed.state);
        Self {
            name: seed.name,
            client_id: seed.credentials.first().map(|credential| credential.client_id.clone()).unwrap_or_default(),
            origin: seed.origin,
            created,
            version: AtomicU64::new(1),
            credentials: RwLock::new(seed.credentials.into()),
            seed: RwLock::new(Arc::clone(&state)),
            state: RwLock::new(state),
            clock: RwLock::default(),
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The client id of the first credential, which names the application for good.
    pub(crate) fn client_id(&self) -> &str {
        &self.client_id
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
    pub(crate) fn write<T, E>(
        &self,
        bounds: Bounds,
        decide: impl FnOnce(&State) -> Result<(Vec<Change>, T), E>,
    ) -> Result<(T, Vec<Difference>), NotWritten<E>> {
        let mut state = write(&self.state);
        let (changes, told) = decide(&state).map_err(NotWritten::Refused)?;
        let more = changes.iter().filter_map(|change| match change {
            Change::Put(_, representation) => Some(representation.bytes.len()),
            _ => None,
        });
        let (entries, bytes) = more.fold((0, 0), |(entries, bytes), more| (entries + 1, bytes + more));
        let grows = entries > 0 || changes.iter().any(|change| matches!(change, Change::Remove(_) | Change::Keep(_)));
        if grows && (state.entries() + entries > bounds.entries_max || state.bytes() + bytes > bounds.bytes_max) {
            return Err(NotWritten::Full);
        }
        if changes.is_empty() {
            return Ok((told, Vec::new()));
        }
        let differences = Arc::make_mut(&mut state).apply(changes);
        self.changed();
        Ok((told, differences))
    }

    /// Puts another state in the place of the present one.
    pub(crate) fn restore(&self, other: Arc<State>) {
        let mut state = write(&self.state);
        *state = other;
        self.changed();
    }

    /// What the application started with.
    pub(crate) fn seed(&self) -> Arc<State> {
        Arc::clone(&read(&self.seed))
    }

    /// Returns to the seed.
    pub(crate) fn reset(&self) {
        let seed = self.seed();
        self.restore(seed);
    }

    /// The clock of its own; `None` where it follows the server's.
    pub(crate) fn clock(&self) -> Option<Clock> {
        *read(&self.clock)
    }

    /// Gives it a clock of its own, or the server's again.
    pub(crate) fn set_clock(&self, clock: Option<Clock>) {
        *write(&self.clock) = clock;
    }

    /// Changes the clock that it goes by, with no other change in between.
    pub(super) fn change_clock(&self, server: Clock, change: impl FnOnce(Clock) -> Clock) {
        let mut clock = write(&self.clock);
        *clock = Some(change(clock.unwrap_or(server)));
    }
}

fn read<T>(lock: &RwLock<T>) -> std::sync::RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> std::sync::RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}
