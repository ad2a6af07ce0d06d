//! What a server is configured with; `start` makes one of it.

mod start;

#[cfg(feature = "tls")]
use super::certificate::Certificate;
use super::{Edition, Time};
use crate::contract::{self, Discriminator, Reach, Source};
use crate::engine::{OnDrift, OnViolation, Unseeded};
use crate::evidence::{CoverageScope, FailOn, Gates};
use crate::message::Limits;
use crate::oauth::Strictness;
#[cfg(feature = "tls")]
pub(super) use start::random;
use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// ChatKitty's documented lifetime of a token.
const TOKEN_TTL: Duration = Duration::from_secs(43_199);

/// What happens to a query parameter that the operation does not declare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UnknownQuery {
    /// It is recorded as a warning.
    #[default]
    Report,
    /// The request is refused.
    Refuse,
}

/// A Unix socket to listen on.
#[cfg(unix)]
#[derive(Debug, Clone)]
enum UnixSocket {
    File(PathBuf),
    Open(Arc<std::os::unix::net::UnixListener>),
}

/// A server to be configured. Each default is that of the command line.
#[derive(Debug, Clone)]
#[must_use = "a server starts with `start`"]
pub struct Builder {
    pub(super) contract: Option<Source>,
    pub(super) edition: Edition,
    pub(super) fixtures: Vec<PathBuf>,
    address: IpAddr,
    port: u16,
    listener: Option<Arc<TcpListener>>,
    #[cfg(unix)]
    unix: Option<UnixSocket>,
    pub(super) options: contract::Options,
    pub(super) remote_refs: bool,
    on_violation: OnViolation,
    on_drift: OnDrift,
    unseeded: Unseeded,
    seed: Option<u64>,
    token_ttl: Duration,
    clock: Option<Time>,
    strict_oauth: Strictness,
    admin_token: Option<String>,
    allowed_hosts: Vec<String>,
    gates: Gates,
    coverage_file: Option<PathBuf>,
    expectation_files: Vec<PathBuf>,
    verify_on_drop: bool,
    #[cfg(feature = "tls")]
    certificate: Option<Certificate>,
    pub(super) limits: Limits,
}

impl Builder {
    pub(super) fn new() -> Self {
        Self {
            contract: None,
            edition: Edition::default(),
            fixtures: Vec::new(),
            address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port: 0,
            listener: None,
            #[cfg(unix)]
            unix: None,
            options: contract::Options::default(),
            remote_refs: false,
            on_violation: OnViolation::default(),
            on_drift: OnDrift::default(),
            unseeded: Unseeded::default(),
            seed: None,
            token_ttl: TOKEN_TTL,
            clock: None,
            strict_oauth: Strictness::default(),
            admin_token: None,
            allowed_hosts: Vec::new(),
            gates: Gates::default(),
            coverage_file: None,
            expectation_files: Vec::new(),
            verify_on_drop: true,
            #[cfg(feature = "tls")]
            certificate: None,
            limits: Limits::default(),
        }
    }

    /// Serves a contract of one's own instead of the bundled one. It is compiled once per process while the file stays as it is.
    /// Of this and [`edition`](Self::edition), the last one counts.
    pub fn openapi(mut self, file: impl Into<PathBuf>) -> Self {
        self.contract = Some(Source::File(file.into()));
        self
    }

    /// Serves a contract given as text; `name` is shown in diagnostics.
    pub fn openapi_text(mut self, name: impl Into<String>, text: impl Into<String>) -> Self {
        self.contract = Some(Source::Text { name: name.into(), text: text.into() });
        self
    }

    /// Which bundled contract is served; the bundled fixtures are rendered to it. Default: [`Edition::Page`].
    ///
    /// ```
    /// use chatkitty_mock::{Edition, MockServer};
    ///
    /// let mock = MockServer::builder().edition(Edition::Unversioned).start()?;
    /// let settings = mock.application("development").resource("/application/settings");
    /// assert_eq!(settings["guest_users"], "ENABLED");
    /// # Ok::<(), chatkitty_mock::Error>(())
    /// ```
    pub fn edition(mut self, edition: Edition) -> Self {
        self.contract = None;
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

    /// Serves a socket that listens already, as a service manager hands them over, in place of [`host`](Self::host) and
    /// [`port`](Self::port).
    pub fn tcp_listener(mut self, listener: TcpListener) -> Self {
        self.listener = Some(Arc::new(listener));
        self
    }

    /// Serves a Unix socket, too, without TLS. Its file is made at start, in place of one that nobody listens on any more,
    /// and removed at the end. Default: none.
    #[cfg(unix)]
    pub fn unix_socket(mut self, path: impl Into<PathBuf>) -> Self {
        self.unix = Some(UnixSocket::File(path.into()));
        self
    }

    /// Serves a Unix socket that listens already, too. Its file is left alone.
    #[cfg(unix)]
    pub fn unix_listener(mut self, listener: std::os::unix::net::UnixListener) -> Self {
        self.unix = Some(UnixSocket::Open(Arc::new(listener)));
        self
    }

    /// Speaks TLS with a certificate and its private key, PEM files; the certificate's may have the whole chain, one's own
    /// first. Needs the feature `tls`. Default: TLS is not spoken. Of this and [`tls_self_signed`](Self::tls_self_signed),
    /// the last one counts.
    #[cfg(feature = "tls")]
    pub fn tls(mut self, certificate: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        self.certificate = Some(Certificate::Files { certificate: certificate.into(), key: key.into() });
        self
    }

    /// Speaks TLS with a certificate for `localhost`, 127.0.0.1, ::1 and the [`host`](Self::host), which is made at start
    /// and signed by a CA that is made with it. [`MockServer::ca_file`](crate::MockServer::ca_file) is what clients have to
    /// trust; no private key is written anywhere. Needs the feature `tls`.
    ///
    /// ```
    /// use chatkitty_mock::MockServer;
    ///
    /// let mock = MockServer::builder().tls_self_signed().start()?;
    /// assert!(mock.url().starts_with("https://127.0.0.1:"));
    /// assert!(std::fs::read_to_string(mock.ca_file().unwrap()).unwrap().contains("BEGIN CERTIFICATE"));
    /// # Ok::<(), chatkitty_mock::Error>(())
    /// ```
    #[cfg(feature = "tls")]
    pub fn tls_self_signed(mut self) -> Self {
        self.certificate = Some(Certificate::Made { ca_file: None });
        self
    }

    /// As [`tls_self_signed`](Self::tls_self_signed), with the CA's certificate in a file of one's own choice: what was in
    /// it is replaced, and it stays when the server ends.
    #[cfg(feature = "tls")]
    pub fn tls_self_signed_to(mut self, ca_file: impl Into<PathBuf>) -> Self {
        self.certificate = Some(Certificate::Made { ca_file: Some(ca_file.into()) });
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

    /// Makes generated instances, tokens and credentials repeatable, so that whoever knows one of them can work out the
    /// others. Default: instances of seed 0, tokens nobody can guess.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// How long a token is valid, in whole seconds. Default: 43,199 s, as ChatKitty documents.
    pub fn token_ttl(mut self, ttl: Duration) -> Self {
        self.token_ttl = ttl;
        self
    }

    /// Lets the server's clock stand still at a time, as text (RFC 3339) or as the system has it. Default: the real time.
    /// [`MockServer::clock`](crate::MockServer::clock) sets it while the server runs.
    ///
    /// ```
    /// use chatkitty_mock::MockServer;
    ///
    /// let mock = MockServer::builder().clock("2026-11-23T09:30:00Z").start()?;
    /// assert!(mock.clock().is_frozen());
    /// # Ok::<(), chatkitty_mock::Error>(())
    /// ```
    pub fn clock(mut self, time: impl Into<Time>) -> Self {
        self.clock = Some(time.into());
        self
    }

    /// Whether the token, introspection and revocation endpoints take RFC 6749 to the letter: form-urlencoded bodies
    /// only, one client authentication, Basic credentials form-urlencoded first, no parameter given twice. HTTPS is not
    /// demanded. Default: off, and what ChatKitty's own clients send is taken.
    pub fn strict_oauth(mut self, strict: bool) -> Self {
        self.strict_oauth = if strict { Strictness::ToTheLetter } else { Strictness::AsClientsSend };
        self
    }

    /// The token that the control plane asks for. Default: none on loopback, made up elsewhere.
    pub fn admin_token(mut self, token: impl Into<String>) -> Self {
        self.admin_token = Some(token.into());
        self
    }

    /// One more name that the control plane answers for in `Host`, without port, such as the name of a container. Others
    /// get 403, as a page may have a name that leads here (DNS rebinding). Default: `localhost`, names that end in
    /// `.localhost`, loopback addresses and the address that is listened on; any address where that is all of them.
    pub fn allow_host(mut self, name: impl Into<String>) -> Self {
        self.allowed_hosts.push(name.into().to_ascii_lowercase());
        self
    }

    /// Bytes of a request body. Default: 10 MiB; over it 413.
    pub fn max_body(mut self, bytes: usize) -> Self {
        self.limits.body_bytes_max = bytes;
        self
    }

    /// Connections open at once, at least one. Default: 1,024; over it the next waits to be accepted.
    pub fn max_connections(mut self, connections: usize) -> Self {
        self.limits.connections_max = connections;
        self
    }

    /// Time to send the head of a request, counted from the connection's first idle moment. Default: 30 s; over it the
    /// connection is closed.
    pub fn head_timeout(mut self, time: Duration) -> Self {
        self.limits.head_timeout = time;
        self
    }

    /// Time to send the body of a request. Default: 30 s; over it 408.
    pub fn body_timeout(mut self, time: Duration) -> Self {
        self.limits.body_timeout = time;
        self
    }

    /// Exchanges the journal keeps. Default: 10,000; over it the oldest is dropped.
    pub fn journal(mut self, entries: usize) -> Self {
        self.limits.journal_entries_max = entries;
        self
    }

    /// What a verdict fails on beside violations and drift. Default: nothing.
    pub fn fail_on(mut self, fail_on: FailOn) -> Self {
        self.gates.fail_on.push(fail_on);
        self
    }

    /// The least percentage of the contract that has to be touched, from 0 to 100. Default: none.
    pub fn min_coverage(mut self, scope: CoverageScope, percent: f64) -> Self {
        self.gates.coverage_min.push((scope, percent));
        self
    }

    /// A file that the coverage is merged with at start, and added to when the server ends, so that it grows over runs
    /// and processes. It need not exist. Default: none.
    pub fn coverage_file(mut self, file: impl Into<PathBuf>) -> Self {
        self.coverage_file = Some(file.into());
        self
    }

    /// Adds a file with a list of expectations, in YAML or JSON. Default: none.
    pub fn expectations(mut self, file: impl Into<PathBuf>) -> Self {
        self.expectation_files.push(file.into());
        self
    }

    /// Whether drop panics when the contract was broken, or something that was asked for is not so. Default: it does.
    pub fn verify_on_drop(mut self, verify: bool) -> Self {
        self.verify_on_drop = verify;
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
}
