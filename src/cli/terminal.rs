//! Writing to people and programs; a closed pipe is nobody's failure.

use super::USAGE;
use chatkitty_mock::diagnostic::{Diagnostic, render};
use std::io::{IsTerminal, Write};
use std::process::ExitCode;

/// Standard output, whose closing is ignored.
pub(super) struct Stdout;

impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let _ = std::io::stdout().write_all(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        let _ = std::io::stdout().flush();
        Ok(())
    }
}

/// Writes to standard output at once.
pub(super) fn out(text: &str) {
    let _ = Stdout.write_all(text.as_bytes());
    let _ = Stdout.flush();
}

/// Writes to standard error; colours are dropped where they do not belong.
pub(super) fn err(text: &str) {
    let _ = anstream::stderr().write_all(text.as_bytes());
}

/// Whether people look at standard error in colour.
pub(super) fn color() -> bool {
    colorful(&std::io::stderr())
}

/// Whether people look at standard output in colour.
pub(super) fn color_out() -> bool {
    colorful(&std::io::stdout())
}

fn colorful(stream: &impl IsTerminal) -> bool {
    stream.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// A count with its noun: `1 error`, `2 errors`.
pub(super) fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// Reports a mistake of usage; gives the exit code for it.
pub(super) fn usage_error(message: &str, help: Option<&str>) -> ExitCode {
    let help = help.map(|help| format!("help: {help}\n")).unwrap_or_default();
    err(&format!("error: {message}\n{help}"));
    ExitCode::from(USAGE)
}

/// Reports why a server cannot start; gives the exit code for it.
pub(super) fn start_error(error: &chatkitty_mock::Error) -> ExitCode {
    if !error.diagnostics().is_empty() {
        diagnostics(error.diagnostics());
        return usage_error("the contract or the fixtures cannot be used, so nothing was started", None);
    }
    let source = std::error::Error::source(error).map(|source| format!(": {source}")).unwrap_or_default();
    let help = error.is_address_in_use().then_some("another server is using it; `--port 0` takes any free port");
    usage_error(&format!("{error}{source}"), help)
}

/// Shows diagnostics to people.
pub(super) fn diagnostics(diagnostics: &[Diagnostic]) {
    if !diagnostics.is_empty() {
        err(&format!("{}\n", render(diagnostics, color())));
    }
}
