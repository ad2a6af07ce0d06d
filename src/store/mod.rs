//! Applications and what each of them holds: a map from concrete path to representation.
//!
//! A write replaces a whole representation under a short lock, so a reader sees the old one or the new
//! one. Nothing here knows what a representation means, or what time it is.

use crate::contract::Prepared;
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use subtle::ConstantTimeEq;

/// What an application starts with, and returns to on reset.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seed {
    pub(crate) name: String,
    pub(crate) client_id: String,
    pub(crate) client_secret: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) resources: BTreeMap<String, Prepared>,
}

/// A tenant: one set of credentials and its own state.
#[derive(Debug)]
pub(crate) struct Application {
    pub(crate) seed: Seed,
    pub(crate) created: Timestamp,
    resources: RwLock<BTreeMap<String, Prepared>>,
}

impl Application {
    fn new(seed: Seed, created: Timestamp) -> Self {
        let resources = RwLock::new(seed.resources.clone());
        Self { seed, created, resources }
    }

    pub(crate) fn name(&self) -> &str {
        &self.seed.name
    }

    pub(crate) fn client_id(&self) -> &str {
        &self.seed.client_id
    }

    /// Whether the secret is this application's, found out in a time that does not depend on where they differ.
    pub(crate) fn has_secret(&self, secret: &str) -> bool {
        self.seed.client_secret.as_bytes().ct_eq(secret.as_bytes()).into()
    }

    /// The representation at a path.
    pub(crate) fn resource(&self, path: &str) -> Option<Prepared> {
        self.resources.read().unwrap_or_else(PoisonError::into_inner).get(path).cloned()
    }

    /// Every representation, in the order of the paths.
    pub(crate) fn resources(&self) -> BTreeMap<String, Prepared> {
        self.resources.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Replaces the representation at a path by what `change` makes of the one that is there, with no
    /// other write in between. An error of `change` leaves everything as it was.
    pub(crate) fn update<E>(
        &self,
        path: &str,
        change: impl FnOnce(Option<&Prepared>) -> Result<Prepared, E>,
    ) -> Result<Prepared, E> {
        let mut resources = self.resources.write().unwrap_or_else(PoisonError::into_inner);
        let changed = change(resources.get(path))?;
        resources.insert(path.to_owned(), changed.clone());
        Ok(changed)
    }

    /// Returns to the seed.
    pub(crate) fn reset(&self) {
        *self.resources.write().unwrap_or_else(PoisonError::into_inner) = self.seed.resources.clone();
    }
}

/// All applications, in the order they came.
#[derive(Debug, Default)]
pub(crate) struct Store {
    applications: RwLock<Vec<Arc<Application>>>,
}

/// Why an application cannot be added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    NameTaken,
    ClientIdTaken,
    TooMany,
}

impl Store {
    /// Adds an application; its name and client id must be new.
    pub(crate) fn add(
        &self,
        seed: Seed,
        created: Timestamp,
        applications_max: usize,
    ) -> Result<Arc<Application>, Refused> {
        let mut applications = self.applications.write().unwrap_or_else(PoisonError::into_inner);
        if applications.len() >= applications_max {
            return Err(Refused::TooMany);
        }
        if applications.iter().any(|known| known.seed.name == seed.name) {
            return Err(Refused::NameTaken);
        }
        if applications.iter().any(|known| known.seed.client_id == seed.client_id) {
            return Err(Refused::ClientIdTaken);
        }
        let application = Arc::new(Application::new(seed, created));
        applications.push(Arc::clone(&application));
        Ok(application)
    }

    /// All of them.
    pub(crate) fn all(&self) -> Vec<Arc<Application>> {
        self.applications.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The first one, which requests without credentials of their own speak for.
    pub(crate) fn first(&self) -> Option<Arc<Application>> {
        self.applications.read().unwrap_or_else(PoisonError::into_inner).first().cloned()
    }

    /// The application with this client id.
    pub(crate) fn by_client_id(&self, client_id: &str) -> Option<Arc<Application>> {
        self.find(|application| application.seed.client_id == client_id)
    }

    /// The application with this name, else with this client id.
    pub(crate) fn by_name_or_id(&self, text: &str) -> Option<Arc<Application>> {
        self.find(|application| application.seed.name == text).or_else(|| self.by_client_id(text))
    }

    /// The application whose client id or secret an API key is.
    pub(crate) fn by_key(&self, key: &str) -> Option<Arc<Application>> {
        self.find(|application| application.seed.client_id == key || application.has_secret(key))
    }

    fn find(&self, wanted: impl Fn(&Application) -> bool) -> Option<Arc<Application>> {
        self.applications
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .find(|application| wanted(application))
            .cloned()
    }

    /// Removes an application; `false` if there is none with this client id.
    pub(crate) fn remove(&self, client_id: &str) -> bool {
        let mut applications = self.applications.write().unwrap_or_else(PoisonError::into_inner);
        let before = applications.len();
        applications.retain(|application| application.seed.client_id != client_id);
        applications.len() < before
    }
}
