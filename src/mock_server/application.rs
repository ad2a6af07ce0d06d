use super::shared::Shared;
use crate::evidence::{Exchange, Filter};
use crate::store;
use serde_json::Value;
use std::sync::Arc;

/// One tenant of a running server: its credentials, and a view of its state.
#[derive(Clone)]
pub struct Application {
    shared: Arc<Shared>,
    application: Arc<store::Application>,
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

    /// The representation at a path of the contract.
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
        self.application.resource(path).map(|resource| Value::clone(&resource.value))
    }

    /// Puts the state back to what it started from.
    pub fn reset(&self) {
        self.application.reset();
    }

    /// This application's exchanges that the journal still holds, oldest first.
    pub fn exchanges(&self) -> Vec<Exchange> {
        let page = self.shared.engine.evidence.page(Some(self.client_id()), &Filter::default(), usize::MAX);
        page.exchanges.iter().map(|exchange| Exchange::clone(exchange)).collect()
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
