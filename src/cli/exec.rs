//! `exec`: a command with the stand-in beside it, and a verdict at the end.

use super::activation;
use super::args::ExecArgs;
use super::reports::Reports;
use super::serve::{Signals, finish, ready_line, reload, write_ready_file};
use super::{USAGE, VIOLATED, block_on, logging, terminal};
use chatkitty_mock::MockServer;
use rustix::process::{Pid, Signal, kill_process};
use std::io::ErrorKind;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{ExitCode, ExitStatus};
use tokio::process::{Child, Command};
use tracing::Level;

/// What shells answer when a command is not there.
const NOT_FOUND: u8 = 127;
/// What shells answer when a command is there and cannot be run.
const NOT_RUNNABLE: u8 = 126;

pub(super) fn run(arguments: &ExecArgs) -> ExitCode {
    logging::start(&arguments.serve, Level::WARN);
    block_on(exec(arguments))
}

async fn exec(arguments: &ExecArgs) -> ExitCode {
    let mut signals = match Signals::new() {
        Ok(signals) => signals,
        Err(error) => return terminal::usage_error(&format!("cannot listen for signals: {error}"), None),
    };
    let reports = match Reports::open(&arguments.serve.evidence.reports) {
        Ok(reports) => reports,
        Err(message) => return terminal::usage_error(&message, None),
    };
    let builder = match activation::take(arguments.serve.builder(0)) {
        Ok(builder) => builder,
        Err(message) => return terminal::usage_error(&message, None),
    };
    let mut mock = match builder.start() {
        Ok(mock) => mock,
        Err(error) => return terminal::start_error(&error),
    };
    let variables = match variables(&mock, &arguments.variables) {
        Ok(variables) => variables,
        Err(message) => return terminal::usage_error(&message, Some("write it like --env API_URL={url}")),
    };
    let Some((program, words)) = arguments.command.split_first() else {
        return terminal::usage_error("there is no command to run", Some("write it after `--`"));
    };
    if let Some(file) = &arguments.serve.ready_file
        && let Err(message) = write_ready_file(file, &ready_line(&mock))
    {
        return terminal::usage_error(&message, None);
    }
    let mut command = Command::new(program);
    for name in activation::VARIABLES {
        // The sockets are ours.
        command.env_remove(name);
    }
    let mut child = match command.args(words).envs(variables).kill_on_drop(true).spawn() {
        Ok(child) => child,
        Err(error) => {
            terminal::err(&format!("error: cannot run `{}`: {error}\n", program.to_string_lossy()));
            let found = error.kind() != ErrorKind::NotFound;
            return ExitCode::from(if found { NOT_RUNNABLE } else { NOT_FOUND });
        }
    };
    let watched = arguments.serve.watch.then_some(&mock);
    let status = match wait(&mut child, &mut signals, watched).await {
        Ok(status) => status,
        Err(error) => return terminal::usage_error(&format!("cannot wait for the command: {error}"), None),
    };
    mock.stop().await;
    let report = mock.report();
    if !report.is_clean() && !reports.tell_people() {
        terminal::err(&report.render(terminal::color()));
    }
    let finished = finish(&mock, &report, &reports);
    if let Err(message) = &finished {
        terminal::err(&format!("error: {message}\n"));
    }
    match own_code(status) {
        0 if finished.is_err() => ExitCode::from(USAGE),
        0 if report.is_clean() => ExitCode::SUCCESS,
        0 => ExitCode::from(VIOLATED),
        code => ExitCode::from(code),
    }
}

/// Waits for the command, hands signals on to it, and loads again what is watched.
async fn wait(child: &mut Child, signals: &mut Signals, watched: Option<&MockServer>) -> std::io::Result<ExitStatus> {
    let changed = || async {
        match watched {
            Some(mock) => {
                mock.files_changed().await;
                mock
            }
            None => std::future::pending().await,
        }
    };
    loop {
        tokio::select! {
            status = child.wait() => return status,
            mock = changed() => reload(mock, true),
            number = signals.next() => {
                let signal = if number == 15 { Signal::TERM } else { Signal::INT };
                let pid = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
                if let Some(pid) = pid {
                    // It may be gone already; then there is nobody to tell.
                    let _ = kill_process(pid, signal);
                }
            }
        }
    }
}

fn own_code(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(1);
    u8::try_from(code).unwrap_or(1)
}

/// The environment of the command.
fn variables(mock: &MockServer, templates: &[String]) -> Result<Vec<(String, String)>, String> {
    let applications = mock.applications();
    let mut variables = vec![
        ("CHATKITTY_BASE_URL".to_owned(), mock.url().to_owned()),
        ("CHATKITTY_TOKEN_URL".to_owned(), mock.token_url().to_owned()),
        ("CHATKITTY_MOCK_ADMIN_URL".to_owned(), mock.admin_url().to_owned()),
    ];
    if let Some(first) = applications.first() {
        variables.push(("CHATKITTY_CLIENT_ID".to_owned(), first.client_id().to_owned()));
        variables.push(("CHATKITTY_CLIENT_SECRET".to_owned(), first.client_secret().to_owned()));
    }
    if let Some(token) = mock.admin_token() {
        variables.push(("CHATKITTY_MOCK_ADMIN_TOKEN".to_owned(), token.to_owned()));
    }
    if let Some(file) = mock.ca_file() {
        variables.push(("CHATKITTY_MOCK_CA".to_owned(), file.display().to_string()));
    }
    for application in &applications {
        let name = variable_part(application.name());
        variables.push((format!("CHATKITTY_{name}_CLIENT_ID"), application.client_id().to_owned()));
        variables.push((format!("CHATKITTY_{name}_CLIENT_SECRET"), application.client_secret().to_owned()));
    }
    let mut known = vec![("url", mock.url()), ("token_url", mock.token_url()), ("admin_url", mock.admin_url())];
    if let Some(first) = applications.first() {
        known.extend([("client_id", first.client_id()), ("client_secret", first.client_secret())]);
    }
    let ca_file = mock.ca_file().map(|file| file.display().to_string());
    known.extend(ca_file.as_deref().map(|file| ("ca_file", file)));
    for template in templates {
        let (name, value) = template.split_once('=').ok_or_else(|| format!("`--env {template}` has no `=`"))?;
        if name.is_empty() {
            return Err(format!("`--env {template}` names no variable"));
        }
        variables.push((name.to_owned(), expanded(value, &known)?));
    }
    Ok(variables)
}

/// A name as a part of a variable's name.
fn variable_part(name: &str) -> String {
    name.to_uppercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect()
}

fn expanded(template: &str, known: &[(&str, &str)]) -> Result<String, String> {
    let mut output = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) =
            after.split_once('}').ok_or_else(|| format!("`{template}` has a brace that is not closed"))?;
        let value = known.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
        let value = value.ok_or_else(|| {
            let known: Vec<String> = known.iter().map(|(known, _)| format!("{{{known}}}")).collect();
            format!("`{{{name}}}` in `{template}` is unknown; there are {}", known.join(", "))
        })?;
        output.push_str(before);
        output.push_str(value);
        rest = after;
    }
    output.push_str(rest);
    Ok(output)
}

#[cfg(test)]
mod tests {
    use super::{expanded, variable_part, variables};
    use chatkitty_mock::MockServer;

    #[test]
    fn templates_are_expanded_and_unknown_names_refused() {
        let known = [("url", "http://h"), ("client_id", "id")];
        assert_eq!(expanded("{url}/v1?id={client_id}", &known), Ok("http://h/v1?id=id".to_owned()));
        assert!(expanded("{nope}", &known).is_err());
        assert!(expanded("{url", &known).is_err());
    }

    #[test]
    fn applications_are_named_in_capitals() {
        for (name, part) in [("staging", "STAGING"), ("eu-west.2", "EU_WEST_2"), ("café", "CAF_")] {
            assert_eq!(variable_part(name), part);
        }
    }

    #[test]
    fn the_first_application_goes_without_a_name_and_all_go_by_theirs() {
        let mock = MockServer::start();
        let variables = variables(&mock, &["A={url}/x,y".to_owned()]).unwrap();
        let value = |name: &str| {
            let found = variables.iter().find(|(known, _)| known == name);
            found.unwrap_or_else(|| panic!("no {name}")).1.clone()
        };
        assert_eq!(value("CHATKITTY_CLIENT_ID"), mock.applications()[0].client_id());
        assert_eq!(value("CHATKITTY_STAGING_CLIENT_SECRET"), mock.application("staging").client_secret());
        assert_eq!(value("A"), format!("{}/x,y", mock.url()));
        for template in ["A", "=x", "A={client}"] {
            assert!(super::variables(&mock, &[template.to_owned()]).is_err(), "{template}");
        }
    }
}
