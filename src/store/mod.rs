//! Applications and what each of them holds.
//!
//! A write replaces whole representations under a short lock, so a reader sees all of it or nothing.
//! Nothing here knows what a representation means, or what time it is.

mod application;
mod clock;
mod difference;
mod snapshot;
mod state;

pub(crate) use application::{Application, Bounds, Credential, Names, NotWritten, Origin, Seed};
use clock::OwnClock;
pub(crate) use clock::{Clock, Moment};
pub(crate) use difference::Difference;
pub(crate) use snapshot::{Changed, Full, Snapshot, Snapshots, Taken};
pub(crate) use state::{Change, Listed, Stamp, State};

use jiff::Timestamp;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// All applications in the order they came, and the clock that they go by unless they have one of their own.
#[derive(Debug, Default)]
pub(crate) struct Store {
    known: RwLock<Known>,
    clock: OwnClock,
    pub(crate) snapshots: Snapshots,
}

#[derive(Debug, Default)]
struct Known {
    /// By the order of arrival.
    applications: BTreeMap<u64, Arc<Application>>,
    arrivals: u64,
    by_name: HashMap<String, u64>,
    /// By every client id, not only the first.
    by_client_id: HashMap<String, u64>,
}

/// Why an application, or a credential of one, cannot be added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    NameTaken,
    ClientIdTaken,
    TooMany,
}

impl Known {
    /// Gives applications other credentials: first all give theirs up, then each gets its own, but for what another
    /// application has.
    fn give(&mut self, given: Vec<(Arc<Application>, Vec<Credential>)>) {
        // What was removed in the meantime has no place among the known ones.
        let is_known = |application: &Application| self.applications.contains_key(&application.arrival());
        let known: Vec<bool> = given.iter().map(|(application, _)| is_known(application)).collect();
        for ((application, _), _) in given.iter().zip(&known).filter(|(_, is_known)| **is_known) {
            for credential in application.credentials().iter() {
                self.by_client_id.remove(&credential.client_id);
            }
        }
        for ((application, mut credentials), is_known) in given.into_iter().zip(known) {
            if is_known {
                credentials.retain(|credential| !self.by_client_id.contains_key(&credential.client_id));
                for credential in &credentials {
                    self.by_client_id.insert(credential.client_id.clone(), application.arrival());
                }
            }
            application.set_credentials(credentials);
        }
    }
}

impl Store {
    fn read(&self) -> RwLockReadGuard<'_, Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Known> {
        self.known.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The server's clock.
    pub(crate) fn clock(&self) -> Clock {
        self.clock.get().unwrap_or_default()
    }

    /// Sets the server's clock.
    pub(crate) fn set_clock(&self, clock: Clock) {
        self.clock.change(|_| Some(clock).filter(|clock| !clock.is_real()));
    }

    /// Changes an application's clock, which is its own from then on, or the server's, with no other change in between.
    pub(crate) fn change_clock(&self, application: Option<&Application>, change: impl FnOnce(Clock) -> Clock) {
        match application {
            Some(application) => application.change_clock(self.clock(), change),
            None => self.clock.change(|clock| Some(change(clock.unwrap_or_default())).filter(|clock| !clock.is_real())),
        }
    }

    /// Lets an application go by the server's clock again, or the server by the real time.
    pub(crate) fn release_clock(&self, application: Option<&Application>) {
        match application {
            Some(application) => application.set_clock(None),
            None => self.set_clock(Clock::default()),
        }
    }

    /// A real time, with the server's clock.
    pub(crate) fn moment(&self, real: Timestamp) -> Moment {
        Moment { real, server: self.clock() }
    }

    /// Adds an application; its name and client ids must be new.
    pub(crate) fn add(
        &self,
        seed: Seed,
        created: Timestamp,
        applications_max: usize,
    ) -> Result<Arc<Application>, Refused> {
        let mut known = self.write();
        if known.applications.len() >= applications_max {
            return Err(Refused::TooMany);
        }
        if known.by_name.contains_key(&seed.name) {
            return Err(Refused::NameTaken);
        }
        if seed.credentials.iter().any(|credential| known.by_client_id.contains_key(&credential.client_id)) {
            return Err(Refused::ClientIdTaken);
        }
        known.arrivals += 1;
        let arrival = known.arrivals;
        let application = Arc::new(Application::new(seed, created, arrival));
        known.by_name.insert(application.name().to_owned(), arrival);
        for credential in application.credentials().iter() {
            known.by_client_id.insert(credential.client_id.clone(), arrival);
        }
        known.applications.insert(arrival, Arc::clone(&application));
        Ok(application)
    }

    /// Changes an application's credentials, with no other change in between. The first client id names the application,
    /// so whoever changes that renames it.
    pub(crate) fn set_credentials<T>(
        &self,
        application: &Arc<Application>,
        change: impl FnOnce(&mut Vec<Credential>) -> Result<T, Refused>,
    ) -> Result<T, Refused> {
        let mut known = self.write();
        let mut credentials = application.credentials().to_vec();
        let told = change(&mut credentials)?;
        let is_taken = |credential: &Credential| {
            known.by_client_id.get(&credential.client_id).is_some_and(|owner| *owner != application.arrival())
        };
        if credentials.iter().any(is_taken) {
            return Err(Refused::ClientIdTaken);
        }
        known.give(vec![(Arc::clone(application), credentials)]);
        Ok(told)
    }

    /// Gives the applications of these names the seeds' credentials, all at once, so that they may exchange client ids.
    /// A seed without any leaves those that there are.
    pub(crate) fn replace_credentials(&self, seeds: &[Seed]) {
        let mut known = self.write();
        let given = seeds.iter().filter(|seed| !seed.credentials.is_empty()).filter_map(|seed| {
            let arrival = known.by_name.get(&seed.name)?;
            Some((Arc::clone(known.applications.get(arrival)?), seed.credentials.clone()))
        });
        let given = given.collect();
        known.give(given);
    }

    /// Why these seeds cannot be taken over: the first one's name, and the reason. Client ids of the applications that
    /// they are for, which give theirs up, are free.
    pub(crate) fn refuses(&self, seeds: &[Seed], applications_max: usize) -> Option<(String, Refused)> {
        let known = self.read();
        let replaced: Vec<u64> = seeds
            .iter()
            .filter(|seed| !seed.credentials.is_empty())
            .filter_map(|seed| known.by_name.get(&seed.name).copied())
            .collect();
        let is_taken = |credential: &Credential| {
            known.by_client_id.get(&credential.client_id).is_some_and(|owner| !replaced.contains(owner))
        };
        let taken = seeds.iter().find(|seed| seed.credentials.iter().any(is_taken));
        if let Some(seed) = taken {
            return Some((seed.name.clone(), Refused::ClientIdTaken));
        }
        let mut new = seeds.iter().filter(|seed| !known.by_name.contains_key(&seed.name));
        let free = applications_max.saturating_sub(known.applications.len());
        new.nth(free).map(|seed| (seed.name.clone(), Refused::TooMany))
    }

    /// All of them.
    pub(crate) fn all(&self) -> Vec<Arc<Application>> {
        self.read().applications.values().cloned().collect()
    }

    /// The first one, which requests without credentials of their own speak for.
    pub(crate) fn first(&self) -> Option<Arc<Application>> {
        self.read().applications.values().next().cloned()
    }

    /// The application with this client id.
    pub(crate) fn by_client_id(&self, client_id: &str) -> Option<Arc<Application>> {
        let known = self.read();
        known.by_client_id.get(client_id).and_then(|arrival| known.applications.get(arrival)).cloned()
    }

    /// The application that came as this one.
    pub(crate) fn by_arrival(&self, arrival: u64) -> Option<Arc<Application>> {
        self.read().applications.get(&arrival).cloned()
    }

    /// The application with this name.
    pub(crate) fn by_name(&self, name: &str) -> Option<Arc<Application>> {
        let known = self.read();
        known.by_name.get(name).and_then(|arrival| known.applications.get(arrival)).cloned()
    }

    /// The application with this name, else with this client id.
    pub(crate) fn by_name_or_id(&self, text: &str) -> Option<Arc<Application>> {
        self.by_name(text).or_else(|| self.by_client_id(text))
    }

    /// What `like` names: a fixture by its name, as it was loaded, or an application as it is now.
    pub(crate) fn pattern(&self, text: &str) -> Option<(Arc<Application>, Arc<State>)> {
        let application = self.by_name_or_id(text)?;
        let is_fixture = application.origin == Origin::Fixture && application.name() == text;
        let state = if is_fixture { application.seed() } else { application.state() };
        Some((application, state))
    }

    /// The first application whose name is this one but for the case of its letters.
    pub(crate) fn by_name_in_any_case(&self, name: &str) -> Option<Arc<Application>> {
        let known = self.read();
        known.applications.values().find(|application| application.name().eq_ignore_ascii_case(name)).cloned()
    }

    /// The application that an API key belongs to: its client id, its secret or its name.
    pub(crate) fn by_key(&self, key: &str) -> Option<Arc<Application>> {
        let has = |application: &&Arc<Application>| {
            application.credentials().iter().any(|credential| credential.has_secret(key))
        };
        self.by_client_id(key).or_else(|| self.read().applications.values().find(has).cloned())
    }

    /// Removes an application by any of its client ids; `None` if there is none.
    pub(crate) fn remove(&self, client_id: &str) -> Option<Arc<Application>> {
        let mut known = self.write();
        let arrival = known.by_client_id.get(client_id).copied()?;
        let application = known.applications.remove(&arrival)?;
        known.by_name.remove(application.name());
        for credential in application.credentials().iter() {
            known.by_client_id.remove(&credential.client_id);
        }
        Some(application)
    }
}
