use super::shared::Shared;
use super::{Error, MockServer};
use crate::contract::{self, Contract, Discriminator, Reach, Source};
use crate::control::Plane;
use crate::diagnostic::{Diagnostic, Severity};
use crate::engine::{Engine, OnDrift, OnViolation, Settings, Unseeded};
use crate::fixtures;
use crate::message::{Limits, RemoteLimits};
use crate::remote::Remote;
use crate::server;
use crate::source::SourceFile;
use crate::store::Seed;
use jiff::{SignedDuration, Timestamp};
use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::panic::Location;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, SystemTime};

/// The bundled contract.
const BUNDLED: &str = include_str!("../../openapi/chatkitty.yaml");

/// ChatKitty's documented lifetime of a token.
const TOKEN_TTL: Duration = Duration::from_secs(43_199);

/// One bundled version of the ChatKitty contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Edition {
    /// The "Applications" page of ChatKitty's documentation.
    #[default]
    Page,
}

impl Edition {
    /// The name on the command line and in the ready line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Page => "page",
        }
    }
}

/// What happens to a query parameter that the operation does not declare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UnknownQuery {
    /// It is recorded as a warning.
    #[default]
    Report,
    /// The request is refused.
    Refuse,
}

/// A server to be configured. Each default is that of the command line.
#[derive(Debug, Clone)]
#[must_use = "a server starts with `start`"]
pub struct Builder {
    contract: Option<Source>,
    edition: Edition,
    fixtures: Vec<PathBuf>,
    address: IpAddr,
    port: u16,
    options: contract::Options,
    remote_refs: bool,
    on_violation: OnViolation,
    on_drift: OnDrift,
    unseeded: Unseeded,
    seed: Option<u64>,
    token_ttl: Duration,
    admin_token: Option<String>,
    limits: Limits,
}

/// What is wrong with a contract and its fixtures.
#[derive(Debug)]
pub struct CheckOutcome {
    /// Everything found, in a fixed order.
    pub diagnostics: Vec<Diagnostic>,
}

/// A contract with what was found in it, compiled once per process and shared.
type Compiled = (Arc<Contract>, Arc<[Diagnostic]>);

impl Builder {
    pub(super) fn new() -> Self {
        Self {
            contract: None,
            edition: Edition::default(),
            fixtures: Vec::new(),
            address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port: 0,
            options: contract::Options::default(),
            remote_refs: false,
            on_violation: OnViolation::default(),
            on_drift: OnDrift::default(),
            unseeded: Unseeded::default(),
            seed: None,
            token_ttl: TOKEN_TTL,
            admin_token: None,
            limits: Limits::default(),
        }
    }

    /// Serves a contract of one's own instead of the bundled one. It is compiled once per process while the file stays as it is.
    pub fn openapi(mut self, file: impl Into<PathBuf>) -> Self {
        self.contract = Some(Source::File(file.into()));
        self
    }

    /// Serves a contract given as text; `name` is shown in diagnostics.
    pub fn openapi_text(mut self, name: impl Into<String>, text: impl Into<String>) -> Self {
        self.contract = Some(Source::Text { name: name.into(), text: text.into() });
        self
    }

    /// Which bundled contract is served. Default: [`Edition::Page`].
    pub fn edition(mut self, edition: Edition) -> Self {
        self.edition = edition;
        self
    }

    /// Adds a fixture file, or a folder of them. Default: the bundled ones for the bundled contract; one made-up application for another.
    pub fn fixtures(mut self, path: impl Into<PathBuf>) -> Self {
        self.fixtures.push(path.into());
        self
    }

    /// The address to listen on. Default: 127.0.0.1. On any but a loopback address the control plane needs the admin token.
    pub fn host(mut self, address: IpAddr) -> Self {
        self.address = address;
        self
    }

    /// The port. Default: 0, any free one.
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// What a bad request gets. Default: [`OnViolation::Reject`].
    pub fn on_violation(mut self, on_violation: OnViolation) -> Self {
        self.on_violation = on_violation;
        self
    }

    /// What happens to a response that breaks the contract. Default: [`OnDrift::Fail`].
    pub fn on_drift(mut self, on_drift: OnDrift) -> Self {
        self.on_drift = on_drift;
        self
    }

    /// What a discriminator does. Default: [`Discriminator::Hint`].
    pub fn discriminator(mut self, discriminator: Discriminator) -> Self {
        self.options.discriminator = discriminator;
        self
    }

    /// What answers where no state is. Default: [`Unseeded::Example`].
    pub fn unseeded(mut self, unseeded: Unseeded) -> Self {
        self.unseeded = unseeded;
        self
    }

    /// Makes generated instances, tokens and credentials repeatable. Default: instances of seed 0, tokens nobody can guess.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// How long a token is valid, in whole seconds. Default: 43,199 s, as ChatKitty documents.
    pub fn token_ttl(mut self, ttl: Duration) -> Self {
        self.token_ttl = ttl;
        self
    }

    /// The token that the control plane asks for. Default: none on loopback, made up elsewhere.
    pub fn admin_token(mut self, token: impl Into<String>) -> Self {
        self.admin_token = Some(token.into());
        self
    }

    /// Bytes of a request body. Default: 10 MiB; over it 413.
    pub fn max_body(mut self, bytes: usize) -> Self {
        self.limits.body_bytes_max = bytes;
        self
    }

    /// Exchanges the journal keeps. Default: 10,000; over it the oldest is dropped.
    pub fn journal(mut self, entries: usize) -> Self {
        self.limits.journal_entries_max = entries;
        self
    }

    /// Also serves paths without the base path of their servers. Default: off.
    pub fn ignore_base_path(mut self, ignore: bool) -> Self {
        self.options.ignore_base_path = ignore;
        self
    }

    /// What happens to a query parameter that is not declared. Default: [`UnknownQuery::Report`].
    pub fn unknown_query(mut self, unknown: UnknownQuery) -> Self {
        self.options.refuse_unknown_query = unknown == UnknownQuery::Refuse;
        self
    }

    /// Lets references of the contract lead to files outside of its folder. Default: off.
    pub fn allow_outside_refs(mut self, allow: bool) -> Self {
        self.options.reach = if allow { Reach::AnyFile } else { Reach::Folder };
        self
    }

    /// Fetches the documents at http and https addresses that references of the contract lead to, once per process
    /// while the contract stays as it is. The calling thread waits: 10 s a document and 60 s in all, for at most 1,000
    /// documents of 16 MiB, 5 redirects each. Needs the feature `remote-refs`. Default: off.
    pub fn allow_remote_refs(mut self, allow: bool) -> Self {
        self.remote_refs = allow;
        self
    }

    /// Loads contract and fixtures, and starts nothing.
    pub fn check(self) -> CheckOutcome {
        let (contract, findings) = match self.load() {
            Ok(loaded) => loaded,
            Err(diagnostics) => return CheckOutcome { diagnostics },
        };
        // Notes on the bundled document are for nobody: it is as ChatKitty has it.
        let bundled = self.contract.is_none();
        let mut diagnostics: Vec<Diagnostic> =
            findings.iter().filter(|finding| !bundled || finding.severity != Severity::Note).cloned().collect();
        // The bundled document is ours, and linted by the project's own tests.
        if self.contract.is_some() {
            for finding in contract.lint() {
                // What loading has found already is more specific than what the meta-schema says of the same place.
                let known = |other: &Diagnostic| other.code == finding.code && other.place == finding.place;
                if !diagnostics.iter().any(known) {
                    diagnostics.push(finding);
                }
            }
        }
        match self.fixture_files() {
            Ok(files) => diagnostics.extend(fixtures::load(&contract, &files).1),
            Err(unreadable) => diagnostics.extend(unreadable),
        }
        diagnostics.dedup();
        CheckOutcome { diagnostics }
    }

    /// Starts the server: when this returns, it listens and everything is loaded.
    ///
    /// # Errors
    ///
    /// The contract or a fixture cannot be used, or the address cannot be bound; nothing is left half started.
    #[track_caller]
    pub fn start(self) -> Result<MockServer, Error> {
        let started_at = Location::caller();
        let (contract, findings) = self.load().map_err(Error::findings)?;
        let files = self.fixture_files().map_err(Error::findings)?;
        let (mut seeds, mut problems) = seeds(&contract, &files, self.contract.is_none() && self.fixtures.is_empty());
        problems.retain(|problem| problem.severity == Severity::Error);
        if !problems.is_empty() {
            return Err(Error::findings(problems));
        }
        if files.is_empty() {
            seeds.push(Seed { name: "default".to_owned(), scopes: contract.scopes().to_vec(), ..Seed::default() });
        }
        let entropy = entropy()?;
        let engine = Engine::new(contract, self.settings(entropy));
        let now = Timestamp::now();
        for seed in seeds {
            engine
                .add_application(seed, now)
                .map_err(|refused| Error::other(format!("an application cannot be added: {refused:?}")))?;
        }
        let loopback = self.address.is_loopback();
        let admin_token = self.admin_token.clone().or_else(|| {
            (!loopback).then(|| {
                uuid::Builder::from_random_bytes(u128::from(entropy.rotate_left(17)).to_be_bytes())
                    .into_uuid()
                    .to_string()
            })
        });
        let edition = self.contract.is_none().then(|| self.edition.as_str().to_owned());
        let plane = Plane::new(admin_token.clone(), loopback, edition.clone());
        let shared = Arc::new(Shared { engine: Arc::new(engine), plane, edition, admin_token });
        let address = SocketAddr::new(self.address, self.port);
        let listener = server::bind(address).map_err(|source| Error::bind(address.to_string(), source))?;
        let running = server::serve(listener, Arc::clone(&shared) as Arc<dyn server::Handler>, self.limits)
            .map_err(Error::runtime)?;
        Ok(MockServer::new(shared, running, findings.to_vec(), started_at))
    }

    fn settings(&self, entropy: u64) -> Settings {
        Settings {
            on_violation: self.on_violation,
            on_drift: self.on_drift,
            unseeded: self.unseeded,
            seed: self.seed.unwrap_or_default(),
            identity_seed: self.seed.unwrap_or(entropy),
            token_ttl: SignedDuration::from_secs(i64::try_from(self.token_ttl.as_secs()).unwrap_or(i64::MAX)),
            limits: self.limits.clone(),
        }
    }

    fn fixture_files(&self) -> Result<Vec<Arc<SourceFile>>, Vec<Diagnostic>> {
        if self.fixtures.is_empty() {
            return Ok(if self.contract.is_none() { fixtures::bundled() } else { Vec::new() });
        }
        let mut files = Vec::new();
        let mut unreadable = Vec::new();
        for path in &self.fixtures {
            match fixtures::read(path) {
                Ok(found) => files.extend(found),
                Err(diagnostic) => unreadable.push(diagnostic),
            }
        }
        if unreadable.is_empty() { Ok(files) } else { Err(unreadable) }
    }

    /// The contract, compiled at most once per process while its text stays the same.
    fn load(&self) -> Result<Compiled, Vec<Diagnostic>> {
        static COMPILED: OnceLock<Mutex<HashMap<String, Compiled>>> = OnceLock::new();
        let bundled = Source::Text { name: "openapi/chatkitty.yaml".to_owned(), text: BUNDLED.to_owned() };
        let source = self.contract.as_ref().unwrap_or(&bundled);
        let key = format!("{:?} {} {}", self.options, self.remote_refs, fingerprint(source));
        let cache = COMPILED.get_or_init(Mutex::default);
        let lock = || cache.lock().unwrap_or_else(PoisonError::into_inner);
        let mut compiled = lock();
        if let Some(known) = compiled.get(&key) {
            return Ok(known.clone());
        }
        let (contract, findings) = if self.remote_refs {
            // Nobody waits for somebody else's network.
            drop(compiled);
            let remote = Remote::new(RemoteLimits::default());
            let loaded = Contract::load_with(source, self.options, Some(&remote))?;
            compiled = lock();
            loaded
        } else {
            Contract::load(source, self.options)?
        };
        let loaded: Compiled = (Arc::new(contract), findings.into());
        // What many contracts would fill up is started anew; servers hold what they use.
        const KEPT_MAX: usize = 64;
        if compiled.len() >= KEPT_MAX {
            compiled.clear();
        }
        compiled.insert(key, loaded.clone());
        Ok(loaded)
    }
}

/// The seeds of fixture files; those of the bundled ones are made once per process.
fn seeds(contract: &Contract, files: &[Arc<SourceFile>], bundled: bool) -> (Vec<Seed>, Vec<Diagnostic>) {
    static BUNDLED_SEEDS: OnceLock<Vec<Seed>> = OnceLock::new();
    if !bundled {
        return fixtures::load(contract, files);
    }
    if let Some(seeds) = BUNDLED_SEEDS.get() {
        return (seeds.clone(), Vec::new());
    }
    let (seeds, problems) = fixtures::load(contract, files);
    if problems.is_empty() {
        return (BUNDLED_SEEDS.get_or_init(|| seeds).clone(), problems);
    }
    (seeds, problems)
}

/// What tells two contracts apart without reading the second one.
fn fingerprint(source: &Source) -> String {
    match source {
        Source::Text { name, text } => format!("{name} {text}"),
        Source::File(path) => {
            let metadata = std::fs::metadata(path).ok();
            let modified =
                metadata.as_ref().and_then(|metadata| metadata.modified().ok()).unwrap_or(SystemTime::UNIX_EPOCH);
            let length = metadata.map_or(0, |metadata| metadata.len());
            format!("{} {modified:?} {length}", path.canonicalize().unwrap_or_else(|_| path.clone()).display())
        }
    }
}

fn entropy() -> Result<u64, Error> {
    getrandom::u64().map_err(|error| Error::other(format!("the system gives no random numbers: {error}")))
}
