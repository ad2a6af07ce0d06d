//! `serve`: the stand-in, until it is told to stop.

use super::activation;
use super::args::ServeArgs;
use super::config::PORT;
use super::reports::{Reports, replace};
use super::{USAGE, VIOLATED, block_on, logging, terminal};
use chatkitty_mock::diagnostic::{Diagnostic, Severity, code};
use chatkitty_mock::{Application, MockServer, Report};
use serde_json::{Map, Value, json};
use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::Level;

pub(super) fn run(arguments: &ServeArgs) -> ExitCode {
    logging::start(arguments, Level::INFO);
    block_on(serve(arguments))
}

async fn serve(arguments: &ServeArgs) -> ExitCode {
    // Before the ready line: whoever reads it may send a signal at once.
    let mut signals = match Signals::new() {
        Ok(signals) => signals,
        Err(error) => return terminal::usage_error(&format!("cannot listen for signals: {error}"), None),
    };
    let mut hangup = match signal(SignalKind::hangup()) {
        Ok(hangup) => hangup,
        Err(error) => return terminal::usage_error(&format!("cannot listen for SIGHUP: {error}"), None),
    };
    let reports = match Reports::open(&arguments.evidence.reports) {
        Ok(reports) => reports,
        Err(message) => return terminal::usage_error(&message, None),
    };
    let builder = match activation::take(arguments.builder(PORT)) {
        Ok(builder) => builder,
        Err(message) => return terminal::usage_error(&message, None),
    };
    let mut mock = match builder.start() {
        Ok(mock) => mock,
        Err(error) => return terminal::start_error(&error),
    };
    let line = ready_line(&mock);
    if let Some(file) = &arguments.ready_file
        && let Err(message) = write_ready_file(file, &line)
    {
        return terminal::usage_error(&message, None);
    }
    if !arguments.quiet {
        show_findings(&mock);
        terminal::err(&banner(&mock));
    }
    terminal::out(&line);
    loop {
        tokio::select! {
            _ = signals.next() => break,
            () = mock.shutdown_requested() => break,
            _ = hangup.recv() => {}
            () = mock.files_changed(), if arguments.watch => {}
        }
        reload(&mock, arguments.quiet);
    }
    tokio::select! {
        () = mock.stop() => {}
        code = signals.next() => return ExitCode::from(128 + code),
    }
    let report = mock.report();
    let is_met = arguments.evidence.are_met(&report);
    if !is_met && !reports.tell_people() {
        terminal::err(&report.render(terminal::color()));
    }
    match (finish(&mock, &report, &reports), is_met) {
        (Err(message), _) => {
            terminal::err(&format!("error: {message}\n"));
            ExitCode::from(USAGE)
        }
        (Ok(()), true) => ExitCode::SUCCESS,
        (Ok(()), false) => ExitCode::from(VIOLATED),
    }
}

/// Writes what is left to write at the end: reports and coverage; an error says what could not be written.
pub(super) fn finish(mock: &MockServer, report: &Report, reports: &Reports) -> Result<(), String> {
    let written = reports.write(report, terminal::err);
    let saved = mock.save_coverage().map_err(|error| error.to_string());
    written.and(saved)
}

/// Loads contract and fixtures again, and says what came of it.
pub(super) fn reload(mock: &MockServer, quiet: bool) {
    let found = match mock.reload() {
        Ok(found) => found,
        Err(error) => {
            terminal::diagnostics(error.diagnostics());
            terminal::err("error: the contract or the fixtures cannot be used, so what was served is served on\n");
            return;
        }
    };
    let errors = found.iter().filter(|found| found.severity == Severity::Error || found.code == code::STATE_DROPPED);
    terminal::diagnostics(&errors.cloned().collect::<Vec<Diagnostic>>());
    if !quiet {
        let contract = mock.contract();
        let operations = terminal::counted(contract.operations, "operation");
        let applications = terminal::counted(mock.applications().len(), "application");
        terminal::err(&format!("reloaded {} {}: {operations}, {applications}\n", contract.title, contract.version));
    }
}

/// Errors of the contract are shown whole: what they are about is not served as it should be.
fn show_findings(mock: &MockServer) {
    let of = |severity: Severity| mock.findings().iter().filter(move |finding| finding.severity == severity).cloned();
    let errors: Vec<Diagnostic> = of(Severity::Error).collect();
    terminal::diagnostics(&errors);
    let warnings = of(Severity::Warning).count();
    if warnings > 0 {
        let warnings = terminal::counted(warnings, "warning");
        terminal::err(&format!("the contract has {warnings}; `chatkitty-mock check` shows them\n"));
    }
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
pub(super) fn ready_line(mock: &MockServer) -> String {
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
    if let Some(file) = mock.ca_file() {
        put("ca_file", json!(file));
    }
    if let Some(file) = mock.unix_socket() {
        put("unix_socket", json!(file));
    }
    format!("{}\n", Value::Object(line))
}

/// Writes the ready line for whoever waits for the file.
pub(super) fn write_ready_file(file: &Path, line: &str) -> Result<(), String> {
    replace(file, line.as_bytes()).map_err(|error| format!("cannot write the ready file `{}`: {error}", file.display()))
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
    if cfg!(feature = "dashboard") {
        let _ = writeln!(text, "  browser  {}/", mock.admin_url());
    }
    if let Some(token) = mock.admin_token() {
        let _ = writeln!(text, "  admin    {token}");
    }
    if let Some(file) = mock.unix_socket() {
        let _ = writeln!(text, "  socket   {}", file.display());
    }
    if let Some(file) = mock.ca_file() {
        let _ = writeln!(text, "  CA       {}", file.display());
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

/// A line to paste that fetches a token, and one that uses it.
fn sample(mock: &MockServer, application: &Application) -> String {
    let (id, secret) = (quoted(application.client_id()), quoted(application.client_secret()));
    let token = r#"sed 's/.*"access_token":"\([^"]*\)".*/\1/'"#;
    let trust = mock.ca_file().map(|file| format!("--cacert {} ", quoted(&file.display().to_string())));
    let trust = trust.unwrap_or_default();
    let mut text = format!(
        "Try:\n  TOKEN=$(curl -s {trust}-u {id}:{secret} -F grant_type=client_credentials {} | {token})\n",
        mock.token_url()
    );
    if let Some(path) = first_resource(mock, application) {
        let url = quoted(&format!("{}{path}", mock.url()));
        let _ = writeln!(text, "  curl -s {trust}-H \"Authorization: Bearer $TOKEN\" {url}");
    }
    text
}

/// The path of something that the application can be asked for.
fn first_resource(mock: &MockServer, application: &Application) -> Option<String> {
    let mut request = http::Request::get(format!("/_mock/api/applications/{}", application.client_id()))
        .header("host", format!("localhost:{}", mock.port()));
    if let Some(token) = mock.admin_token() {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let reply = mock.handle(request.body("").ok()?);
    let shown: Value = serde_json::from_slice(reply.body()).ok()?;
    shown["resources"].as_object()?.keys().next().cloned()
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+,".contains(c);
    if word.chars().all(plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::{banner, quoted, ready_line};
    use chatkitty_mock::MockServer;
    use serde_json::Value;

    #[test]
    fn the_ready_line_keeps_its_members_and_their_order() {
        let mock = MockServer::start();
        let line = ready_line(&mock);
        assert_eq!(line.lines().count(), 1);
        let value: Value = serde_json::from_str(&line).unwrap();
        let members = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" ");
        assert_eq!(members(&value), "event v url port pid admin_url token_url contract applications");
        assert_eq!(members(&value["contract"]), "title version edition operations");
        assert_eq!(members(&value["applications"][0]), "name client_id client_secret");
        assert_eq!(value["contract"]["edition"], "page");
        let guarded = MockServer::builder().admin_token("t").start().unwrap();
        let value: Value = serde_json::from_str(&ready_line(&guarded)).unwrap();
        assert_eq!(value["admin_token"], "t");
        let secure = MockServer::builder().tls_self_signed().start().unwrap();
        let value: Value = serde_json::from_str(&ready_line(&secure)).unwrap();
        assert_eq!(value["ca_file"].as_str(), secure.ca_file().unwrap().to_str());
        assert!(value["token_url"].as_str().unwrap().starts_with("https://"));
    }

    #[test]
    fn the_banner_fits_a_screen_and_has_lines_to_paste() {
        let mock = MockServer::builder().admin_token("t").start().unwrap();
        let secure = MockServer::builder().admin_token("t").tls_self_signed().start().unwrap();
        let trusting = format!("curl -s --cacert {} -u ", secure.ca_file().unwrap().display());
        assert!(super::banner(&secure).contains(&trusting));
        assert!(super::banner(&secure).lines().count() <= 24);
        let banner = banner(&mock);
        assert!(banner.lines().count() <= 24, "{banner}");
        let uses = format!("curl -s -H \"Authorization: Bearer $TOKEN\" {}/v1/application\n", mock.url());
        assert!(banner.contains(mock.token_url()) && banner.contains(&uses), "{banner}");
    }

    #[test]
    fn words_are_quoted_where_a_shell_would_read_them() {
        for (word, shown) in [("a-1", "a-1"), ("a b", "'a b'"), ("it's", r"'it'\''s'"), ("$x", "'$x'")] {
            assert_eq!(quoted(word), shown);
        }
    }
}
