//! `explain`: the long text of a diagnostic code.

use super::terminal;
use chatkitty_mock::diagnostic::code::ALL;
use chatkitty_mock::diagnostic::{Code, did_you_mean};
use std::fmt::Write as _;
use std::process::ExitCode;

pub(super) fn run(code: Option<&str>) -> ExitCode {
    let Some(text) = code else {
        let mut list = String::new();
        for code in ALL {
            let _ = writeln!(list, "{code}  {}", code.entry().title);
        }
        terminal::out(&list);
        return ExitCode::SUCCESS;
    };
    if let Some(code) = Code::parse(text) {
        terminal::out(&code.explain());
        return ExitCode::SUCCESS;
    }
    let known: Vec<String> = ALL.iter().map(ToString::to_string).collect();
    let help = did_you_mean(text, known.iter().map(String::as_str)).map(|close| format!("did you mean `{close}`?"));
    terminal::usage_error(
        &format!("there is no code `{text}`"),
        Some(help.as_deref().unwrap_or("`chatkitty-mock explain` lists all")),
    )
}
