use super::{Counts, Coverage, Exchange, Gate, Outcome};
use crate::diagnostic::{Diagnostic, Place, render};
use crate::source::{Focus, Location, SourceFile};
use serde_json::{Value, json};
use std::fmt::{self, Write as _};
use std::sync::Arc;

/// Whether client and contract agreed, where they did not, and what else was asked for: the one value that
/// every verdict and every report is made from.
#[derive(Debug, Clone)]
pub struct Report {
    pub(crate) counts: Counts,
    pub(crate) reported: Vec<Arc<Exchange>>,
    pub(crate) outcomes: Vec<Outcome>,
    pub(crate) gates: Vec<Gate>,
    pub(crate) unused: Vec<Unused>,
    /// Where a gate or a report asks for it.
    pub(crate) coverage: Option<Coverage>,
    /// `info.title` and `info.version` of the contract.
    pub(crate) contract: (String, String),
    /// The address that curl lines are for.
    pub(crate) url: Option<String>,
}

/// A resource of a fixture that was never asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unused {
    /// The application.
    pub application: String,
    /// The resource's path.
    pub path: String,
}

impl Unused {
    /// One sentence about it.
    pub fn sentence(&self) -> String {
        format!("`{}` of the application `{}`", self.path, self.application)
    }
}

impl Report {
    /// Whether no exchange broke the contract, and everything that was asked for is so.
    pub fn is_clean(&self) -> bool {
        self.gates.iter().all(|gate| gate.is_met) && self.outcomes.iter().all(Outcome::is_met)
    }

    /// How many exchanges there were.
    pub fn exchanges(&self) -> u64 {
        self.counts.exchanges
    }

    /// How many had a request that broke the contract.
    pub fn violations(&self) -> u64 {
        self.counts.violations
    }

    /// How many had a response that broke the contract.
    pub fn drift(&self) -> u64 {
        self.counts.drift
    }

    /// What the verdict asked for, in a fixed order.
    pub fn gates(&self) -> &[Gate] {
        &self.gates
    }

    /// What came of each expectation.
    pub fn outcomes(&self) -> &[Outcome] {
        &self.outcomes
    }

    /// How much of the contract was touched, where a gate or a report asked for it.
    pub fn coverage(&self) -> Option<&Coverage> {
        self.coverage.as_ref()
    }

    /// Exchanges that broke the contract, and are only counted.
    pub(crate) fn left_out(&self) -> u64 {
        self.counts.broken.saturating_sub(self.reported.len() as u64)
    }

    /// The text for people: each exchange that broke the contract with its diagnostics, what was asked for and is
    /// not so, then the counts.
    pub fn render(&self, color: bool) -> String {
        let mut text = String::new();
        for exchange in &self.reported {
            text.push_str(&render_exchange(exchange, color));
            text.push('\n');
        }
        if self.left_out() > 0 {
            let _ = writeln!(text, "{} more are not shown\n", self.left_out());
        }
        for outcome in self.outcomes.iter().filter(|outcome| !outcome.is_met()) {
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
        for gate in self.gates.iter().skip(2).filter(|gate| !gate.is_met) {
            let _ = writeln!(text, "gate not met: {}: {}", gate.name, gate.message);
            for lacking in &gate.lacking {
                let _ = writeln!(text, "    {lacking}");
            }
            text.push('\n');
        }
        let _ = writeln!(text, "{self}");
        text
    }

    /// The control plane's form.
    pub fn to_json(&self) -> Value {
        let verdict = if self.is_clean() { "pass" } else { "fail" };
        let gate = |gate: &Gate| json!({ "name": gate.name, "met": gate.is_met, "message": gate.message, "lacking": gate.lacking });
        json!({
            "verdict": verdict,
            "exchanges": self.counts.exchanges,
            "violations": self.counts.violations,
            "drift": self.counts.drift,
            "unknown_paths": self.counts.unknown_paths,
            "gates": self.gates.iter().map(gate).collect::<Vec<_>>(),
            "expectations": self.outcomes.iter().map(Outcome::to_json).collect::<Vec<_>>(),
        })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.is_clean() { "pass" } else { "fail" };
        let counts = self.counts;
        write!(
            f,
            "{verdict}: {} exchanges, {} with violations, {} with drift",
            counts.exchanges, counts.violations, counts.drift
        )?;
        let unmet = self.outcomes.iter().filter(|outcome| !outcome.is_met()).count();
        if unmet > 0 {
            write!(f, ", {unmet} expectations not met")?;
        }
        let gates = self.gates.iter().skip(2).filter(|gate| !gate.is_met).count();
        if gates > 0 {
            write!(f, ", {gates} gates not met")?;
        }
        Ok(())
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
