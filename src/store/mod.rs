//! Applications and what each of them holds.
//!
//! A write replaces whole representations under a short lock, so a reader sees all of it or nothing.
//! Nothing here knows what a representation means, or what time it is.

mod application;
mod clock;
mod state;

pub(crate) use application::{Application, Bounds, Credential, NotWritten, Seed};
pub(crate) use clock::{Clock, Moment};
pub(crate) use state::{Change, Difference, Stamp, State};

use jiff::Timestamp;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// All applications in the order they came, and the clock that they go by unless they have one of their own.
#[derive(Debug, Default)]
pub(crate) struct Store {
    known: RwLock<Known>,
    clock: RwLock<Clock>,
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

impl Store {
    fn read(&self) -> RwLockReadGuard<'_, Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Known> {
        self.known.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The server's clock.
    pub(crate) fn clock(&self) -> Clock {
        *self.clock.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets the server's clock.
    pub(crate) fn set_clock(&self, clock: Clock) {
        *self.clock.write().unwrap_or_else(PoisonError::into_inner) = clock;
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
        let application = Arc::new(Application::new(seed, created));
        known.arrivals += 1;
        let arrival = known.arrivals;
        known.by_name.insert(application.name().to_owned(), arrival);
        for credential in application.credentials().iter() {
            known.by_client_id.insert(credential.client_id.clone(), arrival);
        }
        known.applications.insert(arrival, Arc::clone(&application));
        Ok(application)
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

    /// Gives the applications of these names other credentials, all at once. The first client id names the application
    /// from then on.
    pub(crate) fn replace_credentials(&self, seeds: &[Seed]) {
        let mut known = self.write();
        let given: Vec<(u64, Arc<Application>, &[Credential])> = seeds
            .iter()
            .filter(|seed| !seed.credentials.is_empty())
            .filter_map(|seed| {
                let arrival = known.by_name.get(&seed.name).copied()?;
                Some((arrival, Arc::clone(known.applications.get(&arrival)?), seed.credentials.as_slice()))
            })
            .collect();
        for (_, application, _) in &given {
            for credential in application.credentials().iter() {
                known.by_client_id.remove(&credential.client_id);
            }
        }
        for (arrival, application, credentials) in given {
            // Whoever took an id in the meantime has it.
            let is_free = |credential: &&Credential| !known.by_client_id.contains_key(&credential.client_id);
            let credentials: Vec<Credential> = credentials.iter().filter(is_free).cloned().collect();
            for credential in &credentials {
                known.by_client_id.insert(credential.client_id.clone(), arrival);
            }
            application.set_credentials(credentials);
        }
    }

    /// Replaces an application's credentials. The first client id stays, for it names the application.
    pub(crate) fn set_credentials(
        &self,
        application: &Arc<Application>,
        credentials: Vec<Credential>,
    ) -> Result<(), Refused> {
        let mut known = self.write();
        let Some(arrival) = known.by_name.get(application.name()).copied() else { return Ok(()) };
        let taken = |credential: &Credential| {
            known.by_client_id.get(&credential.client_id).is_some_and(|other| *other != arrival)
        };
        if credentials.iter().any(taken) {
            return Err(Refused::ClientIdTaken);
        }
        for credential in application.credentials().iter() {
            known.by_client_id.remove(&credential.client_id);
        }
        for credential in &credentials {
            known.by_client_id.insert(credential.client_id.clone(), arrival);
        }
        application.set_credentials(credentials);
        Ok(())
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

    /// The application with this name.
    pub(crate) fn by_name(&self, name: &str) -> Option<Arc<Application>> {
        let known = self.read();
        known.by_name.get(name).and_then(|arrival| known.applications.get(arrival)).cloned()
    }

    /// The application with this name, else with this client id.
    pub(crate) fn by_name_or_id(&self, text: &str) -> Option<Arc<Application>> {
        self.by_name(text).or_else(|| self.by_client_id(text))
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
