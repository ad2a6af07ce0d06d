//! What embedders see: a stand-in that lives as long as its value, for sync and async tests alike.
//!
//! [`MockServer`] is a running server, [`Builder`] what it is made from, [`Application`] one tenant of it.
//! All servers share one background runtime of the process; nothing here blocks the caller's.

mod application;
mod audit;
mod builder;
#[cfg(feature = "tls")]
mod certificate;
mod clock;
mod coverage_file;
mod edition;
mod error;
mod load;
mod reload;
mod shared;
mod snapshot;
mod sources;
mod verification;

use crate::diagnostic::Diagnostic;
use crate::evidence::Exchange;
use crate::server::Running;
use crate::store::Seed;
use bytes::Bytes;
use shared::Shared;
use std::sync::Arc;
use verification::Verification;

pub use application::Application;
pub use audit::Audit;
pub use builder::{Builder, UnknownQuery};
pub use clock::{Clock, Time};
pub use edition::Edition;
pub use error::{Error, ResourceError, Violated};
pub use load::CheckOutcome;
pub use snapshot::{Change, Snapshot};

/// What a server serves.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ContractInfo {
    /// `info.title` of the document.
    pub title: String,
    /// `info.version` of the document.
    pub version: String,
    /// The bundled edition; `None` for a contract of one's own.
    pub edition: Option<String>,
    /// How many operations there are.
    pub operations: usize,
}

/// A running stand-in. It listens on a port of its own from the moment it exists until it is dropped.
///
/// Dropping it checks that no exchange broke the contract and that what was [expected](Self::expect) came, and panics
/// with what did not, unless [`allow_violations`](Self::allow_violations) was called or the thread is panicking already.
///
/// ```
/// let mock = chatkitty_mock::MockServer::start();
/// let app = mock.application("development");
/// assert_eq!(app.resource("/v1/application/settings")["guestUsers"], "ENABLED");
/// mock.verify();
/// ```
pub struct MockServer {
    shared: Arc<Shared>,
    running: Option<Running>,
    verification: Verification,
    url: String,
    token_url: String,
    admin_url: String,
    findings: Vec<Diagnostic>,
    #[cfg(feature = "tls")]
    ca_file: Option<certificate::CaFile>,
    #[cfg(unix)]
    socket_file: Option<crate::server::SocketFile>,
}

impl MockServer {
    /// Starts a server with the bundled contract and fixtures on a free port of 127.0.0.1.
    ///
    /// # Panics
    ///
    /// If no port can be bound; [`Builder::start`] gives an error instead.
    #[track_caller]
    #[must_use]
    pub fn start() -> Self {
        match Self::builder().start() {
            Ok(server) => server,
            Err(error) => panic!("the mock server cannot start: {error}"),
        }
    }

    /// A server to be configured.
    pub fn builder() -> Builder {
        Builder::new()
    }

    fn new(
        shared: Arc<Shared>,
        running: Running,
        scheme: &str,
        findings: Vec<Diagnostic>,
        verification: Verification,
    ) -> Self {
        let address = running.address();
        let url = format!("{scheme}://{address}");
        Self {
            token_url: format!("{url}{}", shared.engine.world().token_path()),
            admin_url: format!("{url}{}", crate::control::PREFIX),
            url,
            shared,
            running: Some(running),
            verification,
            findings,
            #[cfg(feature = "tls")]
            ca_file: None,
            #[cfg(unix)]
            socket_file: None,
        }
    }

    /// The address of the data plane, without a slash at the end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The address of the token endpoint.
    pub fn token_url(&self) -> &str {
        &self.token_url
    }

    /// The address of the control plane.
    pub fn admin_url(&self) -> &str {
        &self.admin_url
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.running.as_ref().map_or(0, |running| running.address().port())
    }

    /// The file of the Unix socket that was asked for; it goes when the server does.
    #[cfg(unix)]
    pub fn unix_socket(&self) -> Option<&std::path::Path> {
        self.socket_file.as_ref().map(crate::server::SocketFile::path)
    }

    /// The file with the certificate of the CA that clients have to trust, as PEM; `None` where none was made for this
    /// server. It is removed with the server, unless it was asked for by name.
    #[cfg(feature = "tls")]
    pub fn ca_file(&self) -> Option<&std::path::Path> {
        self.ca_file.as_ref().map(|file| file.path.as_path())
    }

    /// The token that the control plane asks for; `None` where it asks for none.
    pub fn admin_token(&self) -> Option<&str> {
        self.shared.admin_token.as_deref()
    }

    /// What is served.
    pub fn contract(&self) -> ContractInfo {
        let contract = &self.shared.engine.world().contract;
        ContractInfo {
            title: contract.title().to_owned(),
            version: contract.version().to_owned(),
            edition: self.shared.edition.clone(),
            operations: contract.operations().len(),
        }
    }

    /// What is wrong with the contract although it can be served.
    pub fn findings(&self) -> &[Diagnostic] {
        &self.findings
    }

    /// The applications, those of the fixtures first.
    pub fn applications(&self) -> Vec<Application> {
        self.shared
            .engine
            .store
            .all()
            .into_iter()
            .map(|application| Application::new(&self.shared, application))
            .collect()
    }

    /// The application with this name or client id.
    ///
    /// # Panics
    ///
    /// If there is none.
    #[track_caller]
    pub fn application(&self, name: &str) -> Application {
        match self.shared.engine.store.by_name_or_id(name) {
            Some(application) => Application::new(&self.shared, application),
            None => panic!("there is no application `{name}`; there are: {}", self.names()),
        }
    }

    /// A new application with credentials and state of its own: a copy of the first one's fixture.
    ///
    /// # Panics
    ///
    /// If there are as many applications as the limit allows.
    #[track_caller]
    pub fn new_application(&self) -> Application {
        self.add_application(self.shared.engine.seed_like(None).unwrap_or_default())
    }

    /// A new application with credentials of its own and a copy of what is named: the name of a fixture gives the
    /// fixture as it was loaded, a client id or the name of another application that application as it is now.
    ///
    /// # Panics
    ///
    /// If there is none of this name, or there are as many applications as the limit allows.
    #[track_caller]
    pub fn application_like(&self, name: &str) -> Application {
        match self.shared.engine.seed_like(Some(name)) {
            Some(seed) => self.add_application(seed),
            None => panic!("there is no application `{name}` to copy; there are: {}", self.names()),
        }
    }

    #[track_caller]
    fn add_application(&self, seed: Seed) -> Application {
        match self.shared.engine.add_application(seed, self.shared.now()) {
            Ok(application) => Application::new(&self.shared, application),
            Err(refused) => panic!("no application can be added: {refused:?}"),
        }
    }

    fn names(&self) -> String {
        let all = self.shared.engine.store.all();
        let names: Vec<&str> = all.iter().map(|application| application.name()).collect();
        names.join(", ")
    }

    /// The clock that the server goes by, and each application that has none of its own.
    pub fn clock(&self) -> Clock {
        Clock::new(&self.shared, None)
    }

    /// What all applications hold now, to return to and to compare with.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::take(&self.shared, None)
    }

    /// The exchanges that the journal still holds, oldest first.
    pub fn exchanges(&self) -> Vec<Exchange> {
        self.shared.engine.evidence.all(None)
    }

    /// Answers a request without a socket, as the server would.
    pub fn handle<B: Into<Bytes>>(&self, request: http::Request<B>) -> http::Response<Bytes> {
        self.shared.respond(request.map(Into::into), None)
    }

    /// What of a control-plane reply breaks the control plane's own document, `openapi/admin.yaml`.
    #[doc(hidden)]
    pub fn check_control_reply(
        &self,
        method: &http::Method,
        path: &str,
        reply: &http::Response<Bytes>,
    ) -> Vec<Diagnostic> {
        let path = path.split('?').next().unwrap_or_default();
        self.shared.plane.check_reply(method, path, reply)
    }

    /// Stops accepting, and gives requests under way two seconds. What had come in before is answered.
    pub async fn stop(&mut self) {
        if let Some(running) = &mut self.running {
            running.stop().await;
            #[cfg(unix)]
            {
                self.socket_file = None;
            }
        }
    }

    /// Waits until `POST /_mock/api/shutdown` asks the server to stop.
    pub async fn shutdown_requested(&self) {
        let mut asked = self.shared.plane.shutdown();
        // The sender lives as long as the server, so an error cannot come first.
        let _ = asked.wait_for(|asked| *asked).await;
    }
}

impl Drop for MockServer {
    fn drop(&mut self) {
        self.running = None;
        let saved = self.save_coverage();
        if std::thread::panicking() {
            return;
        }
        if let Err(error) = saved {
            panic!("{error}");
        }
        // A complaint shows every violation, which takes its time; nobody hears it where drop is to keep quiet.
        if self.verification.on_drop
            && let Some(text) = self.complaint()
        {
            panic!("{text}");
        }
    }
}

impl std::fmt::Debug for MockServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MockServer").field("url", &self.url).finish_non_exhaustive()
    }
}
