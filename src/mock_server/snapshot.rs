//! States kept to return to, to compare with, and to start from.

use super::Application;
use super::shared::Shared;
use crate::store;
use serde_json::Value;
use std::sync::Arc;

/// What applications held at one moment, kept as long as this value lives. It has neither their credentials nor their
/// clocks.
///
/// ```
/// use chatkitty_mock::MockServer;
/// use serde_json::json;
///
/// let mock = MockServer::start();
/// let app = mock.application("development");
/// let before = app.snapshot();
/// app.set_resource("/v1/application/settings", json!({ "guestUsers": "DISABLED", "userCreatedChannels": "ENABLED" }));
/// let changes = before.diff();
/// assert_eq!(changes[0].path, "/v1/application/settings");
/// assert!(changes[0].pointers.contains(&"/guestUsers".to_owned()));
/// before.restore();
/// assert!(before.diff().is_empty());
/// ```
#[derive(Clone)]
pub struct Snapshot {
    shared: Arc<Shared>,
    snapshot: Arc<store::Snapshot>,
}

/// What became of one path of one application.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Change {
    /// The application's name.
    pub application: String,
    /// The concrete path.
    pub path: String,
    /// The representation before; `None` if there was none. A collection that only refers to items is the list of their paths.
    pub before: Option<Value>,
    /// The representation after; `None` if there is none.
    pub after: Option<Value>,
    /// JSON Pointers of the members that are others, when there are both.
    pub pointers: Vec<String>,
}

impl Snapshot {
    pub(super) fn take(shared: &Arc<Shared>, application: Option<&store::Application>) -> Self {
        let store = &shared.engine.store;
        let now = store.moment(shared.now()).of(application);
        let snapshot = Arc::new(store::Snapshot::take(store, application, now));
        Self { shared: Arc::clone(shared), snapshot }
    }

    /// Gives the applications the state back that they had, each at once. Those that came later stay as they are;
    /// those that are gone are not brought back.
    pub fn restore(&self) {
        self.snapshot.restore(&self.shared.engine.store, None);
    }

    /// What has changed since, in the applications that the snapshot speaks of: of a whole server's, also those that
    /// came or went.
    pub fn diff(&self) -> Vec<Change> {
        self.diff_to(&Self::take(&self.shared, None))
    }

    /// What changed until a later snapshot was taken.
    pub fn diff_to(&self, later: &Self) -> Vec<Change> {
        self.snapshot.changed(&later.snapshot, None).into_iter().map(Change::of).collect()
    }

    /// A new application that starts from what the one with this name or client id had.
    ///
    /// # Panics
    ///
    /// If the snapshot has no such application, or there are as many applications as the limit allows.
    #[track_caller]
    pub fn fork(&self, application: &str) -> Application {
        let Some(taken) = self.snapshot.of(application) else {
            let names: Vec<&str> = self.snapshot.taken.iter().map(|taken| taken.name.as_str()).collect();
            panic!("the snapshot has no application `{application}`; it has: {}", names.join(", "))
        };
        match self.shared.engine.fork(taken, None, self.shared.now()) {
            Ok(application) => Application::new(&self.shared, application),
            Err(refused) => panic!("no application can be added: {refused:?}"),
        }
    }
}

impl Change {
    fn of(changed: store::Changed) -> Self {
        let pointers = changed.difference.pointers();
        let value = |side: Option<crate::contract::Prepared>| side.map(|side| Value::clone(&side.value));
        Self {
            application: changed.application,
            path: changed.difference.path,
            before: value(changed.difference.before),
            after: value(changed.difference.after),
            pointers,
        }
    }
}

impl std::fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<&str> = self.snapshot.taken.iter().map(|taken| taken.name.as_str()).collect();
        f.debug_struct("Snapshot").field("applications", &names).finish_non_exhaustive()
    }
}
