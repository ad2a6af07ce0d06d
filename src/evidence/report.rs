use super::{Address, Counts, Coverage, Exchange, Gate, Gates, Outcome};
use crate::diagnostic::Location;
use serde_json::{Value, json};
use std::fmt;

/// Whether client and contract agreed, where they did not, and what else was asked for: the one value that
/// every verdict and every report is made from.
#[derive(Debug, Clone)]
pub struct Report {
    pub(crate) counts: Counts,
    pub(crate) reported: Vec<Exchange>,
    pub(crate) outcomes: Vec<Outcome>,
    pub(crate) gates: Vec<Gate>,
    pub(crate) unused: Vec<Unused>,
    /// Where a report asks for them.
    pub(crate) unused_examples: Vec<UnusedExample>,
    /// Where a gate or a report asks for it.
    pub(crate) coverage: Option<Coverage>,
    /// `info.title` and `info.version` of the contract.
    pub(crate) contract: (String, String),
    /// Every exchange that the journal holds, where a report asks for them.
    pub(crate) exchanges: Vec<Exchange>,
    /// How `curl` lines name the server.
    pub(crate) address: Address,
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

/// An example of a good answer that was never sent.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnusedExample {
    /// The operation's id, else its method and path template.
    pub operation: String,
    /// The status, or the class of statuses, that it is declared for.
    pub status: String,
    /// The media type.
    pub media_type: String,
    /// Its name; none for the single `example`.
    pub name: Option<String>,
    /// Where it stands in the contract.
    pub place: Location,
}

impl UnusedExample {
    /// One sentence about it.
    pub fn sentence(&self) -> String {
        let name = self.name.as_ref().map(|name| format!(" `{name}`")).unwrap_or_default();
        let Self { operation, status, media_type, place, .. } = self;
        format!("the example{name} of `{operation}`, {status} {media_type} ({place})")
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

    /// Resources of fixtures that were never asked for.
    pub fn unused(&self) -> &[Unused] {
        &self.unused
    }

    /// Examples of good answers that were never sent, in a report of a server or an application.
    pub fn unused_examples(&self) -> &[UnusedExample] {
        &self.unused_examples
    }

    /// What was never used, one a line; nothing where nothing was exchanged, as that says it all.
    pub(crate) fn never_used(&self) -> Vec<String> {
        if self.counts.exchanges == 0 {
            return Vec::new();
        }
        let resources = self.unused.iter().map(Unused::sentence);
        resources.chain(self.unused_examples.iter().map(UnusedExample::sentence)).collect()
    }

    /// What was asked for beyond no violations and no drift, which are told one by one, and is not so.
    pub(crate) fn unmet_gates(&self) -> impl Iterator<Item = &Gate> {
        self.gates.iter().skip(Gates::ALWAYS).filter(|gate| !gate.is_met)
    }

    /// Expectations that were not met.
    pub(crate) fn unmet_outcomes(&self) -> impl Iterator<Item = &Outcome> {
        self.outcomes.iter().filter(|outcome| !outcome.is_met())
    }

    /// The verdict in a word.
    pub(crate) fn word(&self) -> &'static str {
        if self.is_clean() { "pass" } else { "fail" }
    }

    /// The same where violations and drift are allowed.
    pub(crate) fn forgiven(mut self) -> Self {
        self.reported.clear();
        self.counts = Counts { violations: 0, drift: 0, ..self.counts };
        self.gates.iter_mut().take(Gates::ALWAYS).for_each(|gate| gate.is_met = true);
        self
    }

    /// Exchanges that broke the contract, and are only counted.
    pub(crate) fn left_out(&self) -> u64 {
        self.counts.broken.saturating_sub(self.reported.len() as u64)
    }

    /// The control plane's form.
    pub fn to_json(&self) -> Value {
        let gate = |gate: &Gate| json!({ "name": gate.name, "met": gate.is_met, "message": gate.message, "lacking": gate.lacking });
        json!({
            "verdict": self.word(),
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
        let counts = self.counts;
        write!(
            f,
            "{}: {} exchanges, {} with violations, {} with drift",
            self.word(),
            counts.exchanges,
            counts.violations,
            counts.drift
        )?;
        let unmet = self.unmet_outcomes().count();
        if unmet > 0 {
            write!(f, ", {unmet} expectations not met")?;
        }
        let gates = self.unmet_gates().count();
        if gates > 0 {
            write!(f, ", {gates} gates not met")?;
        }
        Ok(())
    }
}
