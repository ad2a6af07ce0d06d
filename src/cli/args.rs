//! What can be typed. Every flag has an environment variable, and a key of its name in `chatkitty-mock.toml`.
//!
//! What it means is for `config.rs` to say.

use super::evidence::{EvidenceArgs, ReportArgs};
use clap::builder::BoolishValueParser;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::ffi::OsString;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

/// A ChatKitty you can start in milliseconds: a stand-in that checks every request and every response against an OpenAPI contract
#[derive(Parser)]
#[command(name = "chatkitty-mock", version, propagate_version = true, max_term_width = 100)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Subcommand)]
pub(super) enum Command {
    /// Serve the stand-in (the default)
    Serve(Box<ServeArgs>),
    /// Serve on a free port, run a command with the addresses in its environment, and fail if the contract was broken
    Exec(Box<ExecArgs>),
    /// Check contracts and fixtures, and start nothing
    Check(CheckArgs),
    /// Check recorded traffic, and start nothing
    Audit(AuditArgs),
    /// Ask a running server for its verdict
    Verify(VerifyArgs),
    /// Ask whether a server is ready
    Ready(ReadyArgs),
    /// Stop a running server
    Stop(UrlArgs),
    /// Explain a diagnostic code
    Explain {
        /// The code, such as CK0203; without it, all codes: as text by their titles, else whole
        code: Option<String>,
        /// Output format
        #[arg(long, env = "CHATKITTY_MOCK_FORMAT", value_enum, default_value_t = ExplainFormat::Text)]
        format: ExplainFormat,
    },
    /// Print a completion script
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print a manual page, or write those of all commands
    Man {
        /// The command; without it, the page of the whole
        command: Option<String>,
        /// Write the pages of all commands into this folder instead
        #[arg(long, env = "CHATKITTY_MOCK_DIR", value_name = "DIR", conflicts_with = "command")]
        dir: Option<PathBuf>,
    },
}

#[derive(Args)]
pub(super) struct ServeArgs {
    #[command(flatten)]
    pub(super) contract: ContractArgs,
    /// Address to listen on; on any but loopback the control plane needs the admin token
    #[arg(long, env = "CHATKITTY_MOCK_HOST", default_value = "127.0.0.1")]
    pub(super) host: IpAddr,
    /// Port to listen on, 0 for any free one [default: 2428; exec: 0]
    #[arg(long, env = "CHATKITTY_MOCK_PORT")]
    pub(super) port: Option<u16>,
    /// Listen on a Unix socket, too, without TLS; a file that nobody listens on any more is replaced
    #[arg(long, env = "CHATKITTY_MOCK_UNIX_SOCKET", value_name = "PATH")]
    pub(super) unix_socket: Option<PathBuf>,
    /// Certificate to speak TLS with, PEM, with its chain; goes with --tls-key
    #[arg(long, env = "CHATKITTY_MOCK_TLS_CERT", value_name = "FILE")]
    pub(super) tls_cert: Option<PathBuf>,
    /// Private key of the certificate, PEM
    #[arg(long, env = "CHATKITTY_MOCK_TLS_KEY", value_name = "FILE")]
    pub(super) tls_key: Option<PathBuf>,
    /// Speak TLS with a certificate for localhost and the host that is made at start, together with its CA
    #[arg(long, env = "CHATKITTY_MOCK_TLS_SELF_SIGNED", value_parser = BoolishValueParser::new())]
    pub(super) tls_self_signed: bool,
    /// Write the certificate of that CA to this file [default: a new one in the folder for temporary files]
    #[arg(long, env = "CHATKITTY_MOCK_TLS_CA_FILE", value_name = "FILE")]
    pub(super) tls_ca_file: Option<PathBuf>,
    /// Write the ready line to this file, too
    #[arg(long, env = "CHATKITTY_MOCK_READY_FILE")]
    pub(super) ready_file: Option<PathBuf>,
    /// What a bad request gets
    #[arg(long, env = "CHATKITTY_MOCK_ON_VIOLATION", value_enum, default_value_t = Violation::Reject)]
    pub(super) on_violation: Violation,
    /// What happens to a response that breaks the contract
    #[arg(long, env = "CHATKITTY_MOCK_ON_DRIFT", value_enum, default_value_t = Drift::Fail)]
    pub(super) on_drift: Drift,
    /// What answers where no state is
    #[arg(long, env = "CHATKITTY_MOCK_UNSEEDED", value_enum, default_value_t = UnseededArg::Example)]
    pub(super) unseeded: UnseededArg,
    /// Make generated instances, tokens and credentials repeatable
    #[arg(long, env = "CHATKITTY_MOCK_SEED")]
    pub(super) seed: Option<u64>,
    /// How long a token is valid, such as 10s or 12h [default: 43199s]
    #[arg(long, env = "CHATKITTY_MOCK_TOKEN_TTL", value_parser = duration)]
    pub(super) token_ttl: Option<Duration>,
    /// Let the clock stand still at this time of RFC 3339, such as 2026-11-23T09:30:00Z [default: the real time]
    #[arg(long, env = "CHATKITTY_MOCK_CLOCK", value_name = "RFC3339", value_parser = time)]
    pub(super) clock: Option<String>,
    /// Take RFC 6749 to the letter at the token, introspection and revocation endpoints, rather than what ChatKitty's clients send
    #[arg(long, env = "CHATKITTY_MOCK_STRICT_OAUTH", value_parser = BoolishValueParser::new())]
    pub(super) strict_oauth: bool,
    /// Token that the control plane asks for [default: none on loopback, made up elsewhere]
    #[arg(long, env = "CHATKITTY_MOCK_ADMIN_TOKEN", hide_env_values = true)]
    pub(super) admin_token: Option<String>,
    /// One more name that the control plane answers for in `Host`, such as a container's; repeatable, or several with commas between [default: localhost and the address]
    #[arg(long, env = "CHATKITTY_MOCK_ALLOW_HOST", value_name = "NAME", value_delimiter = ',')]
    pub(super) allow_host: Vec<String>,
    /// Bytes of a request body, such as 10MiB; over it 413
    #[arg(long, env = "CHATKITTY_MOCK_MAX_BODY", default_value = "10MiB", value_parser = bytes)]
    pub(super) max_body: ByteCount,
    /// Connections open at once; over it the next waits to be accepted
    #[arg(long, env = "CHATKITTY_MOCK_MAX_CONNECTIONS", default_value_t = 1_024)]
    pub(super) max_connections: usize,
    /// Time to send the head of a request, from the connection's first idle moment; over it the connection is closed
    #[arg(long, env = "CHATKITTY_MOCK_HEAD_TIMEOUT", default_value = "30s", value_parser = duration)]
    pub(super) head_timeout: Duration,
    /// Time to send the body of a request; over it 408
    #[arg(long, env = "CHATKITTY_MOCK_BODY_TIMEOUT", default_value = "30s", value_parser = duration)]
    pub(super) body_timeout: Duration,
    /// Exchanges the journal keeps; over it the oldest is dropped
    #[arg(long, env = "CHATKITTY_MOCK_JOURNAL", default_value_t = 10_000)]
    pub(super) journal: usize,
    /// Load contract and fixtures again when their files change; SIGHUP does so once
    #[arg(long, env = "CHATKITTY_MOCK_WATCH", value_parser = BoolishValueParser::new())]
    pub(super) watch: bool,
    #[command(flatten)]
    pub(super) evidence: EvidenceArgs,
    /// Format of the log on stderr
    #[arg(long, env = "CHATKITTY_MOCK_LOG_FORMAT", value_enum, default_value_t = LogFormat::Auto)]
    pub(super) log_format: LogFormat,
    /// No banner, and only errors in the log; goes before -v
    #[arg(short, long, env = "CHATKITTY_MOCK_QUIET", value_parser = BoolishValueParser::new())]
    pub(super) quiet: bool,
    /// More in the log
    #[arg(short, long, env = "CHATKITTY_MOCK_VERBOSE", value_parser = BoolishValueParser::new())]
    pub(super) verbose: bool,
}

/// Which contract and fixtures.
#[derive(Args)]
pub(super) struct ContractArgs {
    /// OpenAPI 3.0, 3.1 or 3.2 document to serve instead of the bundled one
    #[arg(long, env = "CHATKITTY_MOCK_OPENAPI", value_name = "FILE")]
    pub(super) openapi: Option<PathBuf>,
    /// Bundled edition of the ChatKitty contract [default: page]
    #[arg(long, env = "CHATKITTY_MOCK_EDITION", value_enum, value_name = "NAME")]
    pub(super) edition: Option<EditionArg>,
    /// Fixture file, or folder of them; repeatable, or several with commas between [default: the bundled ones]
    #[arg(long, env = "CHATKITTY_MOCK_FIXTURES", value_name = "FILE|DIR", value_delimiter = ',')]
    pub(super) fixtures: Vec<PathBuf>,
    /// What a discriminator does: choose the branch that messages speak of, or the one that counts
    #[arg(long, env = "CHATKITTY_MOCK_DISCRIMINATOR", value_enum, default_value_t = DiscriminatorArg::Hint)]
    pub(super) discriminator: DiscriminatorArg,
    /// What happens to a query parameter that is not declared
    #[arg(long, env = "CHATKITTY_MOCK_UNKNOWN_QUERY", value_enum, default_value_t = UnknownQueryArg::Report)]
    pub(super) unknown_query: UnknownQueryArg,
    /// Also serve paths without the base path of their servers
    #[arg(long, env = "CHATKITTY_MOCK_IGNORE_BASE_PATH", value_parser = BoolishValueParser::new())]
    pub(super) ignore_base_path: bool,
    /// Let references lead to files outside of the contract's folder
    #[arg(long, env = "CHATKITTY_MOCK_ALLOW_OUTSIDE_REFS", value_parser = BoolishValueParser::new())]
    pub(super) allow_outside_refs: bool,
    /// Fetch the documents at http and https addresses that references lead to
    #[arg(long, env = "CHATKITTY_MOCK_ALLOW_REMOTE_REFS", value_parser = BoolishValueParser::new())]
    pub(super) allow_remote_refs: bool,
}

#[derive(Args)]
pub(super) struct ExecArgs {
    #[command(flatten)]
    pub(super) serve: ServeArgs,
    /// One more variable for the command, such as API_URL={url}; also {token_url}, {client_id}, {client_secret}, {admin_url}, {ca_file}; repeatable, in the environment one a line
    #[arg(long = "env", env = "CHATKITTY_MOCK_ENV", value_name = "NAME=TEMPLATE", value_delimiter = '\n')]
    pub(super) variables: Vec<String>,
    /// The command, after `--`
    #[arg(last = true, required = true, value_name = "CMD")]
    pub(super) command: Vec<OsString>,
}

#[derive(Args)]
pub(super) struct CheckArgs {
    #[command(flatten)]
    pub(super) contract: ContractArgs,
    /// Contracts (files with an `openapi` member) and fixtures, or folders of fixtures [default: the bundled ones]
    pub(super) files: Vec<PathBuf>,
    /// Show which paths are collections, items or resources of their own, and why; in JSON as `state` beside `diagnostics`
    #[arg(long, env = "CHATKITTY_MOCK_EXPLAIN_STATE", value_parser = BoolishValueParser::new())]
    pub(super) explain_state: bool,
    /// Fail on warnings, too
    #[arg(long, env = "CHATKITTY_MOCK_STRICT", value_parser = BoolishValueParser::new())]
    pub(super) strict: bool,
    /// Output format
    #[arg(long, env = "CHATKITTY_MOCK_FORMAT", value_enum, default_value_t = CheckFormat::Text)]
    pub(super) format: CheckFormat,
}

#[derive(Args)]
pub(super) struct AuditArgs {
    #[command(flatten)]
    pub(super) contract: ContractArgs,
    /// HAR files, as browsers and Playwright write them; with .ndjson or .jsonl one exchange a line, which `-` reads from standard input
    #[arg(required = true, value_name = "FILE.har")]
    pub(super) files: Vec<PathBuf>,
    /// What stands before the contract's paths in the recording; exchanges outside of it are passed over
    #[arg(
        long,
        env = "CHATKITTY_MOCK_BASE_PATH",
        value_name = "PREFIX",
        default_value = "",
        hide_default_value = true
    )]
    pub(super) base_path: String,
    /// Host of which exchanges are judged, others are passed over; repeatable, or several with commas between [default: any]
    #[arg(long, env = "CHATKITTY_MOCK_ONLY_HOST", value_name = "HOST[:PORT]", value_delimiter = ',')]
    pub(super) only_host: Vec<String>,
    /// Pass over missing credentials: the recording was made without them
    #[arg(long, env = "CHATKITTY_MOCK_WITHOUT_CREDENTIALS", value_parser = BoolishValueParser::new())]
    pub(super) without_credentials: bool,
    #[command(flatten)]
    pub(super) reports: ReportArgs,
}

#[derive(Args)]
pub(super) struct UrlArgs {
    /// Address of the server
    #[arg(long, env = "CHATKITTY_MOCK_URL", default_value = "http://127.0.0.1:2428")]
    pub(super) url: String,
    /// Certificate of the CA that vouches for the server, PEM [default: those that the system trusts]
    #[arg(long, env = "CHATKITTY_MOCK_CA", value_name = "FILE")]
    pub(super) ca: Option<PathBuf>,
    /// Token that the control plane asks for
    #[arg(long, env = "CHATKITTY_MOCK_ADMIN_TOKEN", hide_env_values = true)]
    pub(super) admin_token: Option<String>,
}

#[derive(Args)]
pub(super) struct VerifyArgs {
    #[command(flatten)]
    pub(super) url: UrlArgs,
    #[command(flatten)]
    pub(super) reports: ReportArgs,
}

#[derive(Args)]
pub(super) struct ReadyArgs {
    /// Address of the server
    #[arg(long, env = "CHATKITTY_MOCK_URL", default_value = "http://127.0.0.1:2428")]
    pub(super) url: String,
    /// Certificate of the CA that vouches for the server, PEM [default: that of the ready file, else those that the system trusts]
    #[arg(long, env = "CHATKITTY_MOCK_CA", value_name = "FILE")]
    pub(super) ca: Option<PathBuf>,
    /// Take the address from this ready file
    #[arg(long, env = "CHATKITTY_MOCK_READY_FILE")]
    pub(super) ready_file: Option<PathBuf>,
    /// Wait until it is ready
    #[arg(long, env = "CHATKITTY_MOCK_WAIT", value_parser = BoolishValueParser::new())]
    pub(super) wait: bool,
    /// How long to wait
    #[arg(long, env = "CHATKITTY_MOCK_TIMEOUT", default_value = "10s", value_parser = duration)]
    pub(super) timeout: Duration,
}

macro_rules! choices {
    ($($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident),* $(,)? })*) => {
        $($(#[$doc])* #[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)] pub(super) enum $name { $($(#[$variant_doc])* $variant),* })*
    };
}

choices! {
    Violation {
        /// Refuse it, with everything that is wrong
        Reject,
        /// Answer it, and record what is wrong
        Report,
    }
    Drift {
        /// Answer 500 with diagnostics
        Fail,
        /// Send it, and record what is wrong
        Report,
    }
    UnseededArg {
        /// The contract's example, else a generated instance
        Example,
        /// A generated instance
        Generate,
        /// 404
        NotFound,
    }
    DiscriminatorArg {
        /// It changes no verdict
        Hint,
        /// It chooses the branch that counts
        Select,
    }
    UnknownQueryArg {
        /// Record a warning
        Report,
        /// Refuse the request
        Refuse,
    }
    EditionArg {
        /// The "Applications" page of ChatKitty's documentation
        Page,
        /// API 1.26 to 2.41.9, for the npm package chatkitty-platform-sdk: createdTime, links by relation
        Camel,
        /// API 2.49.2: snake_case settings
        Snake,
        /// API 2.106.8, for the npm package chatkitty: snake_case, no /v1 in the paths
        Unversioned,
    }
    LogFormat {
        /// human on a terminal, else logfmt
        Auto,
        /// For people
        Human,
        /// key=value
        Logfmt,
        /// One JSON object a line
        Json,
    }
    ExplainFormat {
        /// For people
        Text,
        /// One JSON object a code
        Json,
        /// For documentation
        Markdown,
    }
    CheckFormat {
        /// For people
        Text,
        /// One JSON array; with --explain-state, an object with it
        Json,
        /// SARIF 2.1.0, for code scanning
        Sarif,
        /// Annotations of GitHub Actions, nine of a kind at most
        Github,
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    if let Ok(seconds) = text.parse() {
        return Ok(Duration::from_secs(seconds));
    }
    humantime::parse_duration(text).map_err(|error| format!("{error}; write it like 10s or 12h"))
}

fn time(text: &str) -> Result<String, String> {
    match text.parse::<jiff::Timestamp>() {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err("write it like 2026-11-23T09:30:00Z".to_owned()),
    }
}

/// A number of bytes, typed like 10MiB.
#[derive(Debug, Clone, Copy)]
pub(super) struct ByteCount(pub(super) usize);

fn bytes(text: &str) -> Result<ByteCount, String> {
    let size: bytesize::ByteSize = text.parse().map_err(|_| "write it like 65536, 64KiB or 10MiB".to_owned())?;
    usize::try_from(size.as_u64()).map(ByteCount).map_err(|_| "it is more than this machine can address".to_owned())
}

/// `serve` is meant where no verb is typed.
pub(super) fn with_default_verb(mut arguments: Vec<OsString>) -> Vec<OsString> {
    let first = arguments.get(1).map(|argument| argument.to_string_lossy().into_owned());
    let flag = |text: &str| text.starts_with('-') && !["-h", "--help", "-V", "--version"].contains(&text);
    if first.as_deref().is_none_or(flag) {
        arguments.insert(1.min(arguments.len()), "serve".into());
    }
    arguments
}
