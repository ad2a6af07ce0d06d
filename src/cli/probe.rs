//! `ready`, `verify` and `stop`: asking a running server.

use super::args::{ReadyArgs, UrlArgs};
use super::{USAGE, VIOLATED, client, terminal};
use serde_json::Value;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Time for one answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);
/// Time between two questions.
const PAUSE: Duration = Duration::from_millis(20);
const NOT_RUNNING: &str = "is it running? `--url` names another address";

fn block_on(future: impl Future<Output = ExitCode>) -> ExitCode {
    match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(future),
        Err(error) => terminal::usage_error(&format!("cannot start a runtime: {error}"), None),
    }
}

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
    let url = match &arguments.ready_file {
        Some(file) => {
            let text =
                std::fs::read_to_string(file).map_err(|error| format!("cannot read `{}`: {error}", file.display()))?;
            let line: Value =
                serde_json::from_str(&text).map_err(|_| format!("`{}` is no ready file", file.display()))?;
            line["url"].as_str().map(ToOwned::to_owned).ok_or_else(|| format!("`{}` names no url", file.display()))?
        }
        None => arguments.url.clone(),
    };
    match client::send("GET", &url, "/_mock/readyz", None, patience).await? {
        (200, _) => Ok(()),
        (status, _) => Err(format!("`{url}` answers {status}")),
    }
}

/// Exit code 0 if the verdict is pass, 1 if it is fail, 2 if there is none to be had.
pub(super) fn verify(arguments: &UrlArgs) -> ExitCode {
    block_on(async {
        let answer =
            client::send("GET", &arguments.url, "/_mock/api/verdict", arguments.admin_token.as_deref(), ANSWER_TIMEOUT)
                .await;
        let body = match answer {
            Ok((200, body)) => body,
            Ok((status, _)) => return unexpected(&arguments.url, status),
            Err(reason) => return terminal::usage_error(&reason, Some(NOT_RUNNING)),
        };
        let verdict: Value = serde_json::from_slice(&body).unwrap_or_default();
        let count = |name: &str| verdict[name].as_u64().unwrap_or_default();
        let Some(word) = verdict["verdict"].as_str() else {
            return terminal::usage_error(&format!("`{}` is no chatkitty-mock", arguments.url), None);
        };
        terminal::out(&format!(
            "{word}: {} exchanges, {} with violations, {} with drift\n",
            count("exchanges"),
            count("violations"),
            count("drift")
        ));
        if word == "pass" { ExitCode::SUCCESS } else { ExitCode::from(VIOLATED) }
    })
}

/// Asks the server to stop, and waits until its port is closed.
pub(super) fn stop(arguments: &UrlArgs) -> ExitCode {
    block_on(async {
        let answer = client::send(
            "POST",
            &arguments.url,
            "/_mock/api/shutdown",
            arguments.admin_token.as_deref(),
            ANSWER_TIMEOUT,
        )
        .await;
        match answer {
            Ok((202, _)) => {}
            Ok((status, _)) => return unexpected(&arguments.url, status),
            Err(reason) => return terminal::usage_error(&reason, Some(NOT_RUNNING)),
        }
        let start = Instant::now();
        while start.elapsed() < ANSWER_TIMEOUT {
            if !client::is_open(&arguments.url).await {
                return ExitCode::SUCCESS;
            }
            tokio::time::sleep(PAUSE).await;
        }
        terminal::err("the server was asked to stop, and still answers\n");
        ExitCode::from(USAGE)
    })
}

fn unexpected(url: &str, status: u16) -> ExitCode {
    let help = (status == 401).then_some("`--admin-token` names the token of the server's banner");
    terminal::usage_error(&format!("`{url}` answers {status}"), help)
}
