//! The command line: what was typed becomes a configuration, the configuration a run, the run an exit code.
//!
//! One file a verb. It uses nothing but the library's public API.

mod args;
mod check;
mod client;
mod config;
mod exec;
mod explain;
mod logging;
mod probe;
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

/// Runs one command line.
pub(crate) fn run(arguments: Vec<OsString>) -> ExitCode {
    let arguments = args::with_default_verb(arguments);
    if let Some(message) = args::unavailable(&arguments) {
        return terminal::usage_error(&message, None);
    }
    let command = match config::defaults(Cli::command()) {
        Ok(command) => command,
        Err(error) => return terminal::usage_error(&error.message, error.help.as_deref()),
    };
    let parsed = command.try_get_matches_from(arguments).and_then(|matches| Cli::from_arg_matches(&matches));
    let cli = match parsed {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version go to stdout with 0; a closed pipe there is no failure.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(USAGE));
        }
    };
    match cli.command {
        Command::Serve(arguments) => serve::run(&arguments),
        Command::Exec(arguments) => exec::run(&arguments),
        Command::Check(arguments) => check::run(&arguments),
        Command::Verify(arguments) => probe::verify(&arguments),
        Command::Ready(arguments) => probe::ready(&arguments),
        Command::Stop(arguments) => probe::stop(&arguments),
        Command::Explain { code } => explain::run(code.as_deref()),
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "chatkitty-mock", &mut terminal::Stdout);
            ExitCode::SUCCESS
        }
    }
}
