use super::shared::Shared;
use super::{Clock, ResourceError, Snapshot};
use crate::evidence::Exchange;
use crate::store;
use serde_json::Value;
use std::sync::Arc;

/// One tenant of a running server: its credentials, and a view of its state.
#[derive(Clone)]
pub struct Application {
    pub(super) shared: Arc<Shared>,
    pub(super) application: Arc<store::Application>,
    client_secret: String,
}

impl Application {
    pub(super) fn new(shared: &Arc<Shared>, application: Arc<store::Application>) -> Self {
        let first = application.credentials().first().cloned().unwrap_or_default();
        Self { shared: Arc::clone(shared), application, client_secret: first.client_secret }
    }

    /// The fixture file's stem, or the name it was created with.
    pub fn name(&self) -> &str {
        self.application.name()
    }

    /// The OAuth client id.
    pub fn client_id(&self) -> &str {
        self.application.client_id()
    }

    /// The OAuth client secret, as it was when this value came to be.
    pub fn client_secret(&self) -> &str {
        &self.client_secret
    }

    /// A new access token with all of the application's scopes, issued without a request.
    pub fn token(&self) -> String {
        self.shared.engine.issue_token(&self.application, self.shared.now())
    }

    /// Makes every token of this application invalid, as if each had expired.
    pub fn expire_tokens(&self) {
        self.shared.engine.authorization.forget(&self.application);
    }

    /// Gives the first credential a new secret, which [`client_secret`](Self::client_secret) of this value is from now
    /// on. Tokens that were issued before stay good until they expire.
    pub fn rotate_secret(&mut self) -> &str {
        if let Some(rotated) = self.shared.engine.rotate_secret(&self.application, self.application.client_id()) {
            self.client_secret = rotated.client_secret;
        }
        &self.client_secret
    }

    /// The clock that this application goes by. What sets it gives the application a clock of its own.
    pub fn clock(&self) -> Clock {
        Clock::new(&self.shared, Some(&self.application))
    }

    /// The representation at a path of the contract; a collection that something is known about, as GET lists it
    /// without paging.
    ///
    /// # Panics
    ///
    /// If the application has no resource there.
    #[track_caller]
    pub fn resource(&self, path: &str) -> Value {
        match self.find_resource(path) {
            Some(value) => value,
            None => {
                let paths: Vec<String> = self.application.look(|state| state.resources().keys().cloned().collect());
                panic!("the application `{}` has no resource `{path}`; it has: {}", self.name(), paths.join(", "))
            }
        }
    }

    /// The representation at a path of the contract, if there is one.
    pub fn find_resource(&self, path: &str) -> Option<Value> {
        self.shared.engine.resource(&self.application, path)
    }

    /// Puts a representation at a path of the contract, in the place of what is there. A collection is given as GET
    /// lists it, and then holds these items in this order and no others.
    ///
    /// # Panics
    ///
    /// With what [`try_set_resource`](Self::try_set_resource) gives as an error.
    #[track_caller]
    pub fn set_resource(&self, path: &str, value: Value) {
        if let Err(error) = self.try_set_resource(path, value) {
            panic!("{error}");
        }
    }

    /// Puts a representation at a path of the contract, in the place of what is there.
    ///
    /// # Errors
    ///
    /// The contract has no GET operation with a JSON answer there, the value breaks the schema of that answer, or the
    /// application would hold more than it may. The state stays as it was.
    pub fn try_set_resource(&self, path: &str, value: Value) -> Result<(), ResourceError> {
        self.change(path, Some(&value))
    }

    /// Removes what is at a path of the contract, as DELETE would: a collection is empty then, and all else answers 404.
    ///
    /// # Panics
    ///
    /// With what [`try_remove_resource`](Self::try_remove_resource) gives as an error.
    #[track_caller]
    pub fn remove_resource(&self, path: &str) {
        if let Err(error) = self.try_remove_resource(path) {
            panic!("{error}");
        }
    }

    /// Removes what is at a path of the contract, as DELETE would.
    ///
    /// # Errors
    ///
    /// The contract has no GET operation with a JSON answer there. The state stays as it was.
    pub fn try_remove_resource(&self, path: &str) -> Result<(), ResourceError> {
        self.change(path, None)
    }

    fn change(&self, path: &str, value: Option<&Value>) -> Result<(), ResourceError> {
        let changed = self.shared.engine.change_resources(&self.application, &[(path, value)], |_| true);
        changed.map_err(ResourceError::new)
    }

    /// What the application holds now, to return to and to compare with.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::take(&self.shared, Some(&self.application))
    }

    /// The application as the text of a fixture file (YAML), with its credentials in clear: a server with this file
    /// among its [`fixtures`](super::Builder::fixtures) has the same application. The last numbers that were given as
    /// ids are not in it.
    ///
    /// ```
    /// let mock = chatkitty_mock::MockServer::start();
    /// assert!(mock.application("development").export().contains("guestUsers: ENABLED"));
    /// ```
    pub fn export(&self) -> String {
        self.shared.engine.export_text(&self.application)
    }

    /// Puts the state back to what it started from.
    pub fn reset(&self) {
        self.application.reset();
    }

    /// This application's exchanges that the journal still holds, oldest first.
    pub fn exchanges(&self) -> Vec<Exchange> {
        self.shared.engine.evidence.all(Some(self.application.arrival()))
    }
}

impl std::fmt::Debug for Application {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Application")
            .field("name", &self.name())
            .field("client_id", &self.client_id())
            .finish_non_exhaustive()
    }
}
