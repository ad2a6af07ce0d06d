//! `explain`: the long text of a diagnostic code, or of all.

use super::args::ExplainFormat;
use super::terminal;
use chatkitty_mock::diagnostic::code::ALL;
use chatkitty_mock::diagnostic::{Code, did_you_mean};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::process::ExitCode;

pub(super) fn run(code: Option<&str>, format: ExplainFormat) -> ExitCode {
    let found = code.map(|text| Code::parse(text).ok_or(text));
    let text = match (found, format) {
        (Some(Err(text)), _) => return unknown(text),
        (None, ExplainFormat::Text) => titles(),
        (Some(Ok(code)), ExplainFormat::Text) => code.explain(),
        (Some(Ok(code)), ExplainFormat::Json) => format!("{:#}\n", object(code)),
        (None, ExplainFormat::Json) => format!("{:#}\n", Value::from_iter(ALL.iter().copied().map(object))),
        (Some(Ok(code)), ExplainFormat::Markdown) => section(code),
        (None, ExplainFormat::Markdown) => ALL.iter().copied().map(section).collect::<Vec<_>>().join("\n"),
    };
    terminal::out(&text);
    ExitCode::SUCCESS
}

fn unknown(text: &str) -> ExitCode {
    let known: Vec<String> = ALL.iter().map(ToString::to_string).collect();
    let help = did_you_mean(text, known.iter().map(String::as_str)).map(|close| format!("did you mean `{close}`?"));
    terminal::usage_error(
        &format!("there is no code `{text}`"),
        Some(help.as_deref().unwrap_or("`chatkitty-mock explain` lists all")),
    )
}

fn titles() -> String {
    let mut list = String::new();
    for code in ALL {
        let _ = writeln!(list, "{code}  {}", code.entry().title);
    }
    list
}

fn object(code: Code) -> Value {
    let entry = code.entry();
    json!({
        "code": code.to_string(),
        "title": entry.title,
        "family": code.family(),
        "severity": entry.severity.as_str(),
        "fault": entry.fault.as_str(),
        "status": entry.status,
        "explanation": entry.explanation,
        "example": entry.example,
        "cure": entry.cure,
    })
}

fn section(code: Code) -> String {
    let entry = code.entry();
    let status = entry.status.map_or_else(String::new, |status| format!(" · status {status}"));
    format!(
        "## {code}: {}\n\n*{} · fault of the {}{status}*\n\n{}\n\n**Example:** {}\n\n**Cure:** {}\n",
        entry.title,
        entry.severity.as_str(),
        entry.fault.as_str(),
        entry.explanation,
        entry.example,
        entry.cure
    )
}
