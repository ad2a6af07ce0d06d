//! `ready`, `verify` and `stop`: asking a running server.

use super::args::{ReadyArgs, UrlArgs, VerifyArgs};
use super::client::Place;
use super::reports::{Renderer, Reports};
use super::{USAGE, VIOLATED, block_on, terminal};
use bytes::Bytes;
use chatkitty_mock::Format;
use serde_json::Value;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Time for one answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);
/// Time for one report, which may be long.
const REPORT_TIMEOUT: Duration = Duration::from_secs(60);
/// Time between two questions.
const PAUSE: Duration = Duration::from_millis(20);
const NOT_RUNNING: &str = "is it running? `--url` names another address";
const UNTRUSTED: &str = "`--ca` names the file of the server's CA, which its banner and ready line tell";

/// Exit code 0 if the server is ready, 1 if it is not.
pub(super) fn ready(arguments: &ReadyArgs) -> ExitCode {
    block_on(async {
        let start = Instant::now();
        loop {
            let left = arguments.timeout.saturating_sub(start.elapsed());
            let reason = match is_ready(arguments, left.clamp(PAUSE, ANSWER_TIMEOUT)).await {
                Ok(()) => return ExitCode::SUCCESS,
                Err(reason) => reason,
            };
            if !arguments.wait || start.elapsed() >= arguments.timeout {
                terminal::err(&format!("not ready: {reason}\n"));
                return ExitCode::from(VIOLATED);
            }
            tokio::time::sleep(PAUSE).await;
        }
    })
}

async fn is_ready(arguments: &ReadyArgs, patience: Duration) -> Result<(), String> {
    let (url, ca) = match &arguments.ready_file {
        Some(file) => {
            let text =
                std::fs::read_to_string(file).map_err(|error| format!("cannot read `{}`: {error}", file.display()))?;
            let line: Value =
                serde_json::from_str(&text).map_err(|_| format!("`{}` is no ready file", file.display()))?;
            let url = line["url"].as_str().ok_or_else(|| format!("`{}` names no url", file.display()))?;
            (url.to_owned(), line["ca_file"].as_str().map(PathBuf::from))
        }
        None => (arguments.url.clone(), None),
    };
    let server = Place { url: &url, ca: arguments.ca.as_deref().or(ca.as_deref()) };
    match server.send("GET", "/_mock/readyz", None, patience).await? {
        (200, _) => Ok(()),
        (status, _) => Err(format!("`{url}` answers {status}")),
    }
}

/// Exit code 0 if the verdict is pass, 1 if it is fail, 2 if there is none to be had.
pub(super) fn verify(arguments: &VerifyArgs) -> ExitCode {
    let reports = match Reports::open(&arguments.reports) {
        Ok(reports) => reports,
        Err(message) => return terminal::usage_error(&message, None),
    };
    block_on(async {
        let UrlArgs { url, ca, admin_token } = &arguments.url;
        let server = Place { url, ca: ca.as_deref() };
        let get = async |path: &str| match server.send("GET", path, admin_token.as_deref(), REPORT_TIMEOUT).await {
            Ok((200, body)) => Ok(body),
            Ok((status, _)) => Err(unexpected(url, status)),
            Err(reason) => Err(unreachable(&reason)),
        };
        let mut fetched = Fetched(BTreeMap::new());
        let verdict = async {
            let verdict = get("/_mock/api/verdict").await?;
            for format in reports.formats().chain([Format::Text]) {
                if let Entry::Vacant(missing) = fetched.0.entry(format) {
                    missing.insert(get(&format!("/_mock/api/report?format={format}")).await?);
                }
            }
            Ok(verdict)
        };
        let verdict = match verdict.await {
            Ok(verdict) => verdict,
            Err(code) => return code,
        };
        let verdict: Value = serde_json::from_slice(&verdict).unwrap_or_default();
        let Some(word) = verdict["verdict"].as_str() else {
            return terminal::usage_error(&format!("`{url}` is no chatkitty-mock"), None);
        };
        if !reports.tell_people() {
            terminal::out(&fetched.for_people());
        }
        if let Err(message) = reports.write(&fetched, terminal::out) {
            return terminal::usage_error(&message, None);
        }
        if word == "pass" { ExitCode::SUCCESS } else { ExitCode::from(VIOLATED) }
    })
}

/// Reports as the server has written them.
struct Fetched(BTreeMap<Format, Bytes>);

impl Renderer for Fetched {
    fn render(&self, format: Format) -> Bytes {
        self.0.get(&format).cloned().unwrap_or_default()
    }

    fn summary(&self, bytes_max: usize) -> Bytes {
        let whole = self.render(Format::Markdown);
        if whole.len() < bytes_max {
            return whole;
        }
        let note = "_The report is not shown here: a summary holds 1 MiB, and there is not enough room left._\n";
        Bytes::from(if note.len() < bytes_max { note } else { "" })
    }

    fn for_people(&self) -> String {
        String::from_utf8_lossy(&self.render(Format::Text)).into_owned()
    }
}

/// Asks the server to stop, and waits until its port is closed.
pub(super) fn stop(arguments: &UrlArgs) -> ExitCode {
    block_on(async {
        let server = Place { url: &arguments.url, ca: arguments.ca.as_deref() };
        let token = arguments.admin_token.as_deref();
        let answer = server.send("POST", "/_mock/api/shutdown", token, ANSWER_TIMEOUT).await;
        match answer {
            Ok((202, _)) => {}
            Ok((status, _)) => return unexpected(&arguments.url, status),
            Err(reason) => return unreachable(&reason),
        }
        let start = Instant::now();
        while start.elapsed() < ANSWER_TIMEOUT {
            if !server.is_open().await {
                return ExitCode::SUCCESS;
            }
            tokio::time::sleep(PAUSE).await;
        }
        terminal::err("the server was asked to stop, and still answers\n");
        ExitCode::from(USAGE)
    })
}

fn unreachable(reason: &str) -> ExitCode {
    let help = if reason.contains("UnknownIssuer") { UNTRUSTED } else { NOT_RUNNING };
    terminal::usage_error(reason, Some(help))
}

fn unexpected(url: &str, status: u16) -> ExitCode {
    let help = (status == 401).then_some("`--admin-token` names the token of the server's banner");
    terminal::usage_error(&format!("`{url}` answers {status}"), help)
}
