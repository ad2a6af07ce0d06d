//! `serve`: the stand-in, until it is told to stop.

use super::args::{FailOn, PORT, ServeArgs};
use super::{VIOLATED, logging, terminal};
use chatkitty_mock::diagnostic::{Diagnostic, Severity};
use chatkitty_mock::{Application, MockServer, Report};
use serde_json::{Map, Value, json};
use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::Level;

pub(super) fn run(arguments: &ServeArgs) -> ExitCode {
    logging::start(arguments, Level::INFO);
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return terminal::usage_error(&format!("cannot start a runtime: {error}"), None),
    };
    runtime.block_on(serve(arguments))
}

async fn serve(arguments: &ServeArgs) -> ExitCode {
    // Before the ready line: whoever reads it may send a signal at once.
    let mut signals = match Signals::new() {
        Ok(signals) => signals,
        Err(error) => return terminal::usage_error(&format!("cannot listen for signals: {error}"), None),
    };
    let mut mock = match arguments.builder(PORT).start() {
        Ok(mock) => mock,
        Err(error) => return terminal::start_error(&error),
    };
    mock.allow_violations();
    let line = ready_line(&mock);
    if let Some(file) = &arguments.ready_file
        && let Err(error) = write_aside(file, &line)
    {
        return terminal::usage_error(&format!("cannot write the ready file `{}`: {error}", file.display()), None);
    }
    if !arguments.quiet {
        show_findings(&mock);
        terminal::err(&banner(&mock));
    }
    terminal::out(&line);
    tokio::select! {
        _ = signals.next() => {}
        () = mock.shutdown_requested() => {}
    }
    tokio::select! {
        () = mock.stop() => {}
        code = signals.next() => return ExitCode::from(128 + code),
    }
    exit_code(arguments, &mock.report())
}

/// Errors of the contract are shown whole: what they are about is not served as it should be.
fn show_findings(mock: &MockServer) {
    let of = |severity: Severity| mock.findings().iter().filter(move |finding| finding.severity == severity).cloned();
    let errors: Vec<Diagnostic> = of(Severity::Error).collect();
    terminal::diagnostics(&errors);
    let warnings = of(Severity::Warning).count();
    if warnings > 0 {
        terminal::err(&format!("the contract has {warnings} warnings; `chatkitty-mock check` shows them\n"));
    }
}

/// The exit code that `--fail-on` asks for.
fn exit_code(arguments: &ServeArgs, report: &Report) -> ExitCode {
    let unmet = arguments.fail_on.iter().any(|gate| match gate {
        FailOn::Violations => report.violations() > 0,
        FailOn::Drift => report.drift() > 0,
    });
    if !unmet {
        return ExitCode::SUCCESS;
    }
    terminal::err(&report.render(terminal::color()));
    ExitCode::from(VIOLATED)
}

/// SIGTERM and SIGINT.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    pub(super) fn new() -> std::io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// The number of the next signal.
    pub(super) async fn next(&mut self) -> u8 {
        tokio::select! {
            _ = self.terminate.recv() => 15,
            _ = self.interrupt.recv() => 2,
        }
    }
}

/// The one line on standard output. It is an API: members and their order stay.
fn ready_line(mock: &MockServer) -> String {
    let contract = mock.contract();
    let applications: Vec<Value> = mock
        .applications()
        .iter()
        .map(|application| json!({ "name": application.name(), "client_id": application.client_id(), "client_secret": application.client_secret() }))
        .collect();
    let mut line = Map::new();
    let mut put = |name: &str, value: Value| line.insert(name.to_owned(), value);
    put("event", json!("ready"));
    put("v", json!(1));
    put("url", json!(mock.url()));
    put("port", json!(mock.port()));
    put("pid", json!(std::process::id()));
    put("admin_url", json!(mock.admin_url()));
    put("token_url", json!(mock.token_url()));
    put(
        "contract",
        json!({ "title": contract.title, "version": contract.version, "edition": contract.edition, "operations": contract.operations }),
    );
    put("applications", Value::Array(applications));
    if let Some(token) = mock.admin_token() {
        put("admin_token", json!(token));
    }
    format!("{}\n", Value::Object(line))
}

/// Writes beside the file, then renames: a reader sees the whole line or nothing.
fn write_aside(file: &Path, line: &str) -> std::io::Result<()> {
    let mut name = file.file_name().ok_or(std::io::ErrorKind::InvalidInput)?.to_os_string();
    name.push(format!(".{}.tmp", std::process::id()));
    let aside = file.with_file_name(name);
    std::fs::write(&aside, line)?;
    std::fs::rename(&aside, file)
}

/// One screen for people: addresses, credentials, and what to type next.
fn banner(mock: &MockServer) -> String {
    let contract = mock.contract();
    let edition = contract.edition.map(|edition| format!(", edition {edition}")).unwrap_or_default();
    let mut text = format!(
        "chatkitty-mock {} serves {} {}{edition}: {} operations\n\n  API      {}\n  tokens   {}\n  control  {}\n",
        env!("CARGO_PKG_VERSION"),
        contract.title,
        contract.version,
        contract.operations,
        mock.url(),
        mock.token_url(),
        mock.admin_url()
    );
    if let Some(token) = mock.admin_token() {
        let _ = writeln!(text, "  admin    {token}");
    }
    const SHOWN_MAX: usize = 8;
    let applications = mock.applications();
    let width = applications.iter().map(|application| application.name().chars().count()).max().unwrap_or(0).max(11);
    let _ = writeln!(text, "\n  {:width$}  {:36}  client secret", "application", "client id");
    for application in applications.iter().take(SHOWN_MAX) {
        let _ = writeln!(
            text,
            "  {:width$}  {:36}  {}",
            application.name(),
            application.client_id(),
            application.client_secret()
        );
    }
    if applications.len() > SHOWN_MAX {
        let _ = writeln!(text, "  … and {} more", applications.len() - SHOWN_MAX);
    }
    if let Some(first) = applications.first() {
        let _ = write!(text, "\n{}", sample(mock, first));
    }
    text.push_str("\nCtrl-C stops it.\n");
    text
}

fn sample(mock: &MockServer, application: &Application) -> String {
    format!(
        "Try:\n  curl -s -u {}:{} -F grant_type=client_credentials {}\n",
        application.client_id(),
        application.client_secret(),
        mock.token_url()
    )
}
