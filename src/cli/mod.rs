//! The command line: what was typed becomes a configuration, the configuration a run, the run an exit code.
//!
//! One file a verb. It uses nothing but the library's public API. `args` says what can be typed, `config_file` adds
//! the file's values, `config` says what they mean.

mod activation;
mod args;
mod audit;
mod check;
mod client;
mod config;
mod config_file;
mod evidence;
mod exec;
mod explain;
mod later;
mod logging;
mod man;
mod probe;
mod progress;
mod reports;
mod serve;
mod terminal;

use args::{Cli, Command};
use clap::{CommandFactory as _, FromArgMatches as _};
use std::ffi::OsString;
use std::process::ExitCode;

/// Usage, or could not start.
const USAGE: u8 = 2;
/// The contract was violated, or a gate was not met.
const VIOLATED: u8 = 1;

/// What is answered whatever the configuration file holds.
const UNCONFIGURED: [&str; 8] = ["explain", "completions", "man", "help", "-h", "--help", "-V", "--version"];

/// Runs one command line.
pub(crate) fn run(arguments: Vec<OsString>) -> ExitCode {
    let arguments = args::with_default_verb(arguments);
    if let Some(message) = later::refusal(&arguments) {
        return terminal::usage_error(&message, None);
    }
    let verb = arguments.get(1).and_then(|verb| verb.to_str()).unwrap_or_default();
    let command = if UNCONFIGURED.contains(&verb) {
        Cli::command()
    } else {
        match config_file::defaults(Cli::command()) {
            Ok(command) => command,
            Err(error) => return terminal::usage_error(&error.message, error.help.as_deref()),
        }
    };
    let parsed = command
        .try_get_matches_from(arguments)
        .and_then(|matches| Cli::from_arg_matches(&matches).map(|cli| (cli, matches)));
    let (mut cli, matches) = match parsed {
        Ok(parsed) => parsed,
        Err(error) => return refused(&error),
    };
    match config::settle(&mut cli, &matches) {
        Ok(()) => run_command(&cli.command),
        Err((message, help)) => terminal::usage_error(&message, Some(help)),
    }
}

fn run_command(command: &Command) -> ExitCode {
    match command {
        Command::Serve(arguments) => serve::run(arguments),
        Command::Exec(arguments) => exec::run(arguments),
        Command::Check(arguments) => check::run(arguments),
        Command::Audit(arguments) => audit::run(arguments),
        Command::Verify(arguments) => probe::verify(arguments),
        Command::Ready(arguments) => probe::ready(arguments),
        Command::Stop(arguments) => probe::stop(arguments),
        Command::Explain { code, format } => explain::run(code.as_deref(), *format),
        Command::Completions { shell } => {
            clap_complete::generate(*shell, &mut Cli::command(), "chatkitty-mock", &mut terminal::Stdout);
            ExitCode::SUCCESS
        }
        Command::Man { command, dir } => man::run(Cli::command(), command.as_deref(), dir.as_deref()),
    }
}

/// Help and version, which go to stdout with 0, or a mistake of usage.
fn refused(error: &clap::Error) -> ExitCode {
    // A closed pipe is no failure.
    let _ = error.print();
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(USAGE))
}

/// Runs a verb that waits for something.
fn block_on(future: impl Future<Output = ExitCode>) -> ExitCode {
    match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(future),
        Err(error) => terminal::usage_error(&format!("cannot start a runtime: {error}"), None),
    }
}
