//! Everything that is wrong, each thing once: what many exchanges did wrong in the same way is one finding.

use super::{Exchange, Report};
use crate::diagnostic::{Diagnostic, Place, code};
use crate::evidence::expectation::Outcome;
use crate::evidence::gates::Gate;
use crate::source::{Focus, Location};
use std::collections::HashMap;

/// One thing that is wrong.
pub(super) struct Finding<'r> {
    pub(super) diagnostic: Diagnostic,
    /// The first exchange that shows it; none for an expectation or a gate.
    pub(super) exchange: Option<&'r Exchange>,
    /// How many of the exchanges that are shown have it.
    pub(super) count: usize,
    /// The line to pin it to, which is the contract's where it is known.
    pub(super) location: Option<Location>,
    /// The same for the same thing in every run.
    pub(super) fingerprint: String,
}

impl Finding<'_> {
    /// The diagnostic with its line.
    pub(super) fn pinned(&self) -> Diagnostic {
        let contract = self.diagnostic.contract.clone().or_else(|| self.location.clone());
        self.diagnostic.clone().contract(contract)
    }

    /// The request that showed it, and how often it came.
    pub(super) fn context(&self) -> Option<String> {
        let exchange = self.exchange?;
        let times = if self.count > 1 { format!(", {} times", self.count) } else { String::new() };
        Some(format!(
            "{} {} → {}{times}",
            exchange.messages.method,
            exchange.target(),
            exchange.messages.status.as_u16()
        ))
    }
}

/// All findings, the most severe first, else in the order in which they came.
pub(super) fn findings(report: &Report) -> Vec<Finding<'_>> {
    let mut findings: Vec<Finding<'_>> = Vec::new();
    let mut known: HashMap<String, usize> = HashMap::new();
    for exchange in &report.reported {
        for diagnostic in &exchange.messages.diagnostics {
            let fingerprint = fingerprint(exchange, diagnostic);
            if let Some(finding) = known.get(&fingerprint).and_then(|index| findings.get_mut(*index)) {
                finding.count += 1;
                continue;
            }
            known.insert(fingerprint.clone(), findings.len());
            let location = location(report, exchange, diagnostic);
            findings.push(Finding {
                diagnostic: diagnostic.clone(),
                exchange: Some(exchange),
                count: 1,
                location,
                fingerprint,
            });
        }
    }
    let unmet = report.unmet_outcomes().map(of_outcome);
    findings.extend(unmet.map(|diagnostic| of_report(report, diagnostic)));
    // Violations and drift are found above, one by one.
    let unmet = report.unmet_gates().map(of_gate);
    findings.extend(unmet.map(|diagnostic| of_report(report, diagnostic)));
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.diagnostic.severity));
    findings
}

fn of_outcome(outcome: &Outcome) -> Diagnostic {
    let nearest = outcome.nearest.as_ref().map(|(id, differences)| {
        let differences = differences.join("; ");
        format!("; nearest is exchange {id}: {differences}")
    });
    Diagnostic::new(code::EXPECTATION_NOT_MET, format!("{}{}", outcome.sentence(), nearest.unwrap_or_default()))
}

fn of_gate(gate: &Gate) -> Diagnostic {
    let mut message = format!("{}: {}", gate.name, gate.message);
    for lacking in &gate.lacking {
        message.push_str("\n  ");
        message.push_str(lacking);
    }
    Diagnostic::new(code::GATE_NOT_MET, message)
}

fn of_report<'r>(report: &Report, diagnostic: Diagnostic) -> Finding<'r> {
    // Figures change from run to run; what is asked for does not.
    let subject = diagnostic.message.split([':', '`']).find(|part| !part.is_empty()).unwrap_or_default();
    let fingerprint = hash(&[&diagnostic.code.to_string(), subject]);
    Finding { location: top(report), exchange: None, count: 1, fingerprint, diagnostic }
}

/// The line that a diagnostic is pinned to: of the contract, else of its operation, else the contract's first.
fn location(report: &Report, exchange: &Exchange, diagnostic: &Diagnostic) -> Option<Location> {
    if diagnostic.contract.is_some() {
        return diagnostic.contract.clone();
    }
    if let Some(Place::File(location)) = &diagnostic.place {
        return Some(location.clone());
    }
    let operations = report.coverage.iter().flat_map(|coverage| &coverage.operations);
    let own = operations.filter(|operation| exchange.template() == Some(operation.name.as_str()));
    own.flat_map(|operation| &operation.points).find_map(|point| point.place.clone()).or_else(|| top(report))
}

/// The first line of the contract.
fn top(report: &Report) -> Option<Location> {
    let operations = report.coverage.iter().flat_map(|coverage| &coverage.operations);
    let place = operations.flat_map(|operation| &operation.points).find_map(|point| point.place.as_ref());
    place.map(|place| Location::new(std::sync::Arc::clone(&place.file), "/openapi", Focus::Key))
}

/// What stays the same from run to run: no ids, times or values.
fn fingerprint(exchange: &Exchange, diagnostic: &Diagnostic) -> String {
    let contract = diagnostic.contract.as_ref();
    let (part, at) = match &diagnostic.place {
        Some(Place::Message { part, pointer }) => (part.as_str(), pointer.as_str()),
        Some(Place::File(location)) => (location.file.name(), location.pointer.as_str()),
        None => ("", ""),
    };
    // Which item of an array it was depends on the data.
    let at: Vec<&str> = at.split('/').map(|token| if is_index(token) { "*" } else { token }).collect();
    // Without an operation, the path is what tells two requests apart.
    let subject = exchange.template().map(ToOwned::to_owned).unwrap_or_else(|| {
        let path = exchange.path_and_query().split('?').next().unwrap_or_default();
        format!("{} {path}", exchange.messages.method)
    });
    hash(&[
        &diagnostic.code.to_string(),
        &subject,
        part,
        &at.join("/"),
        contract.map_or("", |contract| contract.file.name()),
        contract.map_or("", |contract| contract.pointer.as_str()),
    ])
}

fn is_index(token: &str) -> bool {
    !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_digit())
}

/// FNV-1a of the parts, as 16 hexadecimal digits.
fn hash(parts: &[&str]) -> String {
    let bytes = parts.iter().flat_map(|part| part.bytes().chain(std::iter::once(0)));
    let hash = bytes
        .fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3));
    format!("{hash:016x}")
}
