//! From a configuration to a server that listens.

use super::Builder;
#[cfg(unix)]
use super::UnixSocket;
use crate::contract;
use crate::control::Plane;
use crate::diagnostic::{Diagnostic, code};
use crate::engine::{Engine, Randomness, Settings};
use crate::evidence::{Coverage, Expectation, expectations};
use crate::mock_server::coverage_file::CoverageFile;
use crate::mock_server::shared::Shared;
use crate::mock_server::verification::{self, Verification};
use crate::mock_server::{Error, MockServer, Time};
use crate::server::{self, Listener};
use crate::source::SourceFile;
use jiff::{SignedDuration, Timestamp};
use std::net::SocketAddr;
use std::panic::Location;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

impl Builder {
    /// Starts the server: when this returns, it listens and everything is loaded.
    ///
    /// # Errors
    ///
    /// The contract, a fixture, an expectation or the coverage file cannot be used, the clock's text is no time, a certificate cannot be used, or the address cannot be bound; nothing is
    /// left half started.
    #[track_caller]
    pub fn start(self) -> Result<MockServer, Error> {
        let started_at = Location::caller();
        let loaded = self.load().map_err(Error::findings)?;
        // Whoever cannot start for want of random numbers is told so now.
        random()?;
        let clock = self.clock.as_ref().map(Time::timestamp).transpose().map_err(Error::other)?;
        let title = loaded.world.contract.title();
        let coverage = self.coverage_file.as_ref().map(|path| CoverageFile::open(path, title)).transpose();
        let (coverage_file, earlier) = coverage.map_err(|found| Error::findings(vec![found]))?.unzip();
        let expected = self.expected(&loaded.world.contract).map_err(Error::findings)?;
        let engine = Engine::new(loaded.world, self.settings(earlier.flatten()));
        engine.evidence.expect(expected);
        if let Some(time) = clock {
            engine.store.change_clock(None, |clock| clock.set(time, Some(time), Some(true)));
        }
        let now = Timestamp::now();
        for seed in loaded.seeds {
            engine
                .add_application(seed, now)
                .map_err(|refused| Error::other(format!("an application cannot be added: {refused:?}")))?;
        }
        let address = match &self.listener {
            Some(listener) => {
                listener.local_addr().map_err(|source| Error::bind("a given socket".to_owned(), source))?
            }
            None => SocketAddr::new(self.address, self.port),
        };
        #[cfg(feature = "tls")]
        let (security, ca_file) = match &self.certificate {
            Some(certificate) => {
                let identity = certificate.identity(address.ip())?;
                (Some(identity.config), identity.ca_file)
            }
            None => (None, None),
        };
        #[cfg(not(feature = "tls"))]
        let security = None;
        let scheme = if security.is_some() { "https" } else { "http" };
        let made_up = (!address.ip().is_loopback()).then(random).transpose()?;
        let admin_token = self.admin_token.clone().or_else(|| {
            made_up.map(|bits| uuid::Builder::from_random_bytes(bits.to_be_bytes()).into_uuid().to_string())
        });
        let edition = self.contract.is_none().then(|| self.edition.as_str().to_owned());
        let plane = Plane::new(admin_token.clone(), address.ip(), &self.allowed_hosts, edition.clone());
        let limits = self.limits.clone();
        let (on_drop, port) = (self.verify_on_drop, self.port);
        let sources = Mutex::new(loaded.sources);
        let listeners = self.listeners(address)?;
        let shared = Arc::new(Shared { engine: Arc::new(engine), plane, edition, admin_token, loader: self, sources });
        let verification = Verification {
            started_at,
            on_drop,
            allowed: AtomicBool::new(false),
            address: verification::address(port, scheme),
            coverage_file: Mutex::new(coverage_file),
        };
        let running = server::serve(listeners.open, Arc::clone(&shared) as Arc<dyn server::Handler>, limits, security)
            .map_err(Error::runtime)?;
        #[cfg_attr(not(any(unix, feature = "tls")), expect(unused_mut, reason = "nothing is added then"))]
        let mut server = MockServer::new(shared, running, scheme, loaded.findings, verification);
        #[cfg(feature = "tls")]
        {
            server.ca_file = ca_file;
        }
        #[cfg(unix)]
        {
            server.socket_file = listeners.socket_file;
        }
        Ok(server)
    }

    /// Listens wherever it is asked for.
    fn listeners(&self, address: SocketAddr) -> Result<Listeners, Error> {
        let failed = |source| Error::bind(address.to_string(), source);
        let tcp = match &self.listener {
            Some(listener) => listener.try_clone().map(Listener::Tcp),
            None => server::bind(address),
        };
        #[cfg_attr(not(unix), expect(unused_mut, reason = "there is one at most"))]
        let mut open = vec![tcp.map_err(failed)?];
        #[cfg(unix)]
        let mut socket_file = None;
        #[cfg(unix)]
        match &self.unix {
            Some(UnixSocket::File(path)) => {
                let bound = server::bind_unix(path);
                let (listener, file) = bound.map_err(|source| Error::bind(format!("`{}`", path.display()), source))?;
                open.push(listener);
                socket_file = Some(file);
            }
            Some(UnixSocket::Open(listener)) => open.push(Listener::Unix(listener.try_clone().map_err(failed)?)),
            None => {}
        }
        Ok(Listeners {
            open,
            #[cfg(unix)]
            socket_file,
        })
    }

    /// The expectations of all files, or everything that is wrong with them.
    fn expected(&self, contract: &contract::Contract) -> Result<Vec<Expectation>, Vec<Diagnostic>> {
        let mut expected = Vec::new();
        let mut problems = Vec::new();
        for path in &self.expectation_files {
            let name = path.display().to_string();
            match std::fs::read_to_string(path) {
                Ok(text) => match expectations::read_file(&SourceFile::new(name, text), contract) {
                    Ok(read) => expected.extend(read),
                    Err(found) => problems.extend(found),
                },
                Err(error) => {
                    let message = format!("cannot read the expectations `{name}`: {error}");
                    problems.push(Diagnostic::new(code::EXPECTATION_INVALID, message));
                }
            }
        }
        if problems.is_empty() { Ok(expected) } else { Err(problems) }
    }

    pub(in crate::mock_server) fn settings(&self, earlier: Option<Coverage>) -> Settings {
        Settings {
            on_violation: self.on_violation,
            on_drift: self.on_drift,
            unseeded: self.unseeded,
            seed: self.seed.unwrap_or_default(),
            randomness: self.seed.map_or(Randomness::Drawn(drawn), Randomness::Seeded),
            token_ttl: SignedDuration::from_secs(i64::try_from(self.token_ttl.as_secs()).unwrap_or(i64::MAX)),
            gates: self.gates.clone(),
            strict_oauth: self.strict_oauth,
            earlier: earlier.map(Arc::new),
            limits: self.limits.clone(),
        }
    }
}

/// What is listened on, and the file that goes with it.
struct Listeners {
    open: Vec<Listener>,
    #[cfg(unix)]
    socket_file: Option<server::SocketFile>,
}

/// Random bits of the system's.
pub(in crate::mock_server) fn random() -> Result<u128, Error> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)
        .map_err(|error| Error::other(format!("the system gives no random numbers: {error}")))?;
    Ok(u128::from_ne_bytes(bytes))
}

/// The same for the engine. A system that gave some at start gives more; were it not so, no secret is better than one
/// that can be guessed.
fn drawn() -> u128 {
    random().unwrap_or_else(|error| panic!("{error}"))
}
