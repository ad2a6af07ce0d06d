use super::Exchange;
use crate::diagnostic::{Diagnostic, Place, render};
use crate::source::{Focus, Location, SourceFile};
use serde_json::{Value, json};
use std::fmt::{self, Write as _};
use std::sync::Arc;

/// Whether client and contract agreed, and where they did not.
#[derive(Debug, Clone)]
pub struct Report {
    pub(crate) exchanges: u64,
    pub(crate) violations: u64,
    pub(crate) drift: u64,
    pub(crate) reported: Vec<Arc<Exchange>>,
}

impl Report {
    /// Whether no exchange broke the contract.
    pub fn is_clean(&self) -> bool {
        self.violations == 0 && self.drift == 0
    }

    /// How many exchanges there were.
    pub fn exchanges(&self) -> u64 {
        self.exchanges
    }

    /// How many had a request that broke the contract.
    pub fn violations(&self) -> u64 {
        self.violations
    }

    /// How many had a response that broke the contract.
    pub fn drift(&self) -> u64 {
        self.drift
    }

    /// The text for people: each exchange that broke the contract with its diagnostics, then the counts.
    pub fn render(&self, color: bool) -> String {
        let mut text = String::new();
        for exchange in &self.reported {
            text.push_str(&render_exchange(exchange, color));
            text.push('\n');
        }
        let left_out = (self.violations + self.drift).saturating_sub(self.reported.len() as u64);
        if left_out > 0 {
            let _ = writeln!(text, "{left_out} more are not shown");
        }
        let _ = writeln!(text, "{self}");
        text
    }

    /// The control plane's form.
    pub fn to_json(&self) -> Value {
        let verdict = if self.is_clean() { "pass" } else { "fail" };
        json!({ "verdict": verdict, "exchanges": self.exchanges, "violations": self.violations, "drift": self.drift })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.is_clean() { "pass" } else { "fail" };
        write!(
            f,
            "{verdict}: {} exchanges, {} with violations, {} with drift",
            self.exchanges, self.violations, self.drift
        )
    }
}

impl Exchange {
    /// The text for people: the request line, then each diagnostic with the lines it is about.
    pub fn render(&self, color: bool) -> String {
        render_exchange(self, color)
    }
}

fn render_exchange(exchange: &Exchange, color: bool) -> String {
    let application = exchange.application().map(|name| format!(" · application `{name}`")).unwrap_or_default();
    let operation = exchange.operation().map(|name| format!(" · {name}")).unwrap_or_default();
    let mut text = format!(
        "exchange {}: {} {} → {}{operation}{application}\n",
        exchange.id,
        exchange.method,
        exchange.target(),
        exchange.status.as_u16()
    );
    if exchange.diagnostics.is_empty() {
        text.push_str("nothing was violated\n");
        return text;
    }
    let request = body_file("request body", exchange, &exchange.request_body.bytes);
    let response = body_file("response body", exchange, &exchange.response_body.bytes);
    let shown: Vec<Diagnostic> = exchange
        .diagnostics
        .iter()
        .map(|diagnostic| in_body(diagnostic, request.as_ref(), response.as_ref()))
        .collect();
    text.push_str(&render(&shown, color));
    text
}

/// A JSON body as a file that lines can be shown of.
fn body_file(name: &str, exchange: &Exchange, bytes: &[u8]) -> Option<Arc<SourceFile>> {
    if exchange.secret || bytes.is_empty() {
        return None;
    }
    let value: Value = serde_json::from_slice(bytes).ok()?;
    let text = std::str::from_utf8(bytes).ok()?;
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
    use crate::diagnostic::{Fault, Part};
    let Some(Place::Message { part: Part::Body, pointer }) = &diagnostic.place else { return diagnostic.clone() };
    let file = if diagnostic.fault == Fault::Client { request } else { response };
    match file {
        Some(file) => diagnostic.clone().in_file(Location::new(Arc::clone(file), pointer.clone(), Focus::Value)),
        None => diagnostic.clone(),
    }
}
