//! The text for people: two places a diagnostic, and a line to paste for each exchange that broke the contract.

use super::{Address, Exchange, Report, curl};
use crate::diagnostic::{Diagnostic, Fault, Part, Place, render};
use crate::evidence::exchange::Kept;
use crate::evidence::mask::Shown;
use crate::source::{Focus, Location, SourceFile};
use serde_json::Value;
use std::fmt::Write as _;
use std::sync::Arc;

/// Unused things that are named.
const UNUSED_MAX: usize = 20;

pub(super) fn text(report: &Report, color: bool) -> String {
    let mut text = String::new();
    for broken in &report.reported {
        text.push_str(&exchange_with_line(broken, color, report.address));
        text.push('\n');
    }
    if report.left_out() > 0 {
        let _ = writeln!(text, "{} more are not shown\n", report.left_out());
    }
    for outcome in report.unmet_outcomes() {
        let _ = writeln!(text, "expectation not met: {}", outcome.sentence());
        if let Some((id, differences)) = &outcome.nearest {
            let _ = writeln!(text, "  nearest is exchange {id}:");
            for difference in differences {
                let _ = writeln!(text, "    {difference}");
            }
        }
        text.push('\n');
    }
    // Violations and drift are shown above, one by one.
    for gate in report.unmet_gates() {
        let _ = writeln!(text, "gate not met: {}: {}", gate.name, gate.message);
        for lacking in &gate.lacking {
            let _ = writeln!(text, "    {lacking}");
        }
        text.push('\n');
    }
    let never_used = report.never_used();
    if !never_used.is_empty() {
        text.push_str("never used:\n");
        for unused in never_used.iter().take(UNUSED_MAX) {
            let _ = writeln!(text, "    {unused}");
        }
        if never_used.len() > UNUSED_MAX {
            let _ = writeln!(text, "    and {} more", never_used.len() - UNUSED_MAX);
        }
        text.push('\n');
    }
    let _ = writeln!(text, "{report}");
    text
}

/// The exchange, and a line that sends its request again if something was wrong with it.
pub(super) fn exchange_with_line(exchange: &Exchange, color: bool, address: Address) -> String {
    let mut text = exchange_text(exchange, color);
    if !exchange.messages.diagnostics.is_empty()
        && let Some(line) = curl::line(exchange, address)
    {
        let _ = writeln!(text, "\nto send it again:\n  {}", line.command);
        if let Some(note) = line.note {
            let _ = writeln!(text, "  ({note})");
        }
    }
    text
}

/// The request line, then each diagnostic with the lines it is about.
pub(super) fn exchange_text(exchange: &Exchange, color: bool) -> String {
    let mut text = format!("{}\n", heading(exchange));
    if exchange.messages.diagnostics.is_empty() {
        text.push_str("nothing was violated\n");
        return text;
    }
    text.push_str(&diagnostics(exchange, color));
    text
}

/// One line on an exchange.
pub(super) fn heading(exchange: &Exchange) -> String {
    let application = exchange.application().map(|name| format!(" · application `{name}`")).unwrap_or_default();
    let operation = exchange.operation().map(|name| format!(" · {name}")).unwrap_or_default();
    format!(
        "exchange {}: {} {} → {}{operation}{application}",
        exchange.id,
        exchange.messages.method,
        exchange.target(),
        exchange.messages.status.as_u16()
    )
}

/// Each diagnostic with the lines it is about.
pub(super) fn diagnostics(exchange: &Exchange, color: bool) -> String {
    let request = body_file("request body", exchange, &exchange.messages.request_body);
    let response = body_file("response body", exchange, &exchange.messages.response_body);
    let shown: Vec<Diagnostic> = exchange
        .messages
        .diagnostics
        .iter()
        .map(|diagnostic| in_body(diagnostic, request.as_ref(), response.as_ref()))
        .collect();
    render(&shown, color)
}

/// A JSON body as a file that lines can be shown of.
fn body_file(name: &str, exchange: &Exchange, body: &Kept) -> Option<Arc<SourceFile>> {
    let masked = match exchange.masked(body) {
        None => None,
        Some(Shown::Json(text)) if !exchange.messages.secret => Some(text),
        Some(_) => return None,
    };
    let text = masked.as_deref().or_else(|| std::str::from_utf8(&body.bytes).ok())?;
    let value: Value = serde_json::from_str(text).ok()?;
    // One long line is hard to read; the member that is meant is easier to find in a laid-out copy.
    const LINE_MAX: usize = 120;
    let laid_out = if text.lines().any(|line| line.len() > LINE_MAX) {
        serde_json::to_string_pretty(&value).ok()?
    } else {
        text.to_owned()
    };
    Some(SourceFile::new(format!("{name}.json"), laid_out))
}

/// The diagnostic with its place in a body as a place in the body's text.
fn in_body(
    diagnostic: &Diagnostic,
    request: Option<&Arc<SourceFile>>,
    response: Option<&Arc<SourceFile>>,
) -> Diagnostic {
    let Some(Place::Message { part: Part::Body, pointer }) = &diagnostic.place else { return diagnostic.clone() };
    let file = if diagnostic.fault == Fault::Client { request } else { response };
    match file {
        Some(file) => diagnostic.clone().in_file(Location::new(Arc::clone(file), pointer.clone(), Focus::Value)),
        None => diagnostic.clone(),
    }
}
