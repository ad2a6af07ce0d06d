//! What a verdict asks for beyond that nothing broke the contract.

use super::{Counts, Coverage, CoverageScope};
use crate::contract::PointKind;

/// What makes a verdict bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum FailOn {
    /// Requests that broke the contract.
    Violations,
    /// Responses that broke the contract.
    Drift,
    /// Requests to paths that the contract does not have.
    UnknownPaths,
    /// Resources of fixtures that were never asked for.
    UnusedFixtures,
}

impl FailOn {
    /// The name on the command line and in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Violations => "violations",
            Self::Drift => "drift",
            Self::UnknownPaths => "unknown-paths",
            Self::UnusedFixtures => "unused-fixtures",
        }
    }
}

/// The gates of one server.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Gates {
    /// Beside violations and drift, which a verdict always names.
    pub(crate) fail_on: Vec<FailOn>,
    /// The least percentage of each scope.
    pub(crate) coverage_min: Vec<(CoverageScope, f64)>,
}

/// One thing that a verdict asked for, and whether it is so.
#[derive(Debug, Clone, PartialEq)]
pub struct Gate {
    /// What it is called: `violations`, `coverage of statuses`, …
    pub name: String,
    /// Whether it is met.
    pub is_met: bool,
    /// One sentence with figures.
    pub message: String,
    /// What is lacking, one a line, the first of them.
    pub lacking: Vec<String>,
}

/// Lacking things that a gate names. Over it they are only counted.
const LACKING_MAX: usize = 20;

impl Gates {
    /// How many gates there are whatever was asked for, before all others: violations and drift.
    pub(crate) const ALWAYS: usize = 2;

    /// Whether judging asks for the coverage.
    pub(crate) fn need_coverage(&self) -> bool {
        !self.coverage_min.is_empty()
    }

    /// Judges by each gate in turn.
    pub(crate) fn judge(&self, counts: Counts, coverage: Option<&Coverage>, unused: &[super::Unused]) -> Vec<Gate> {
        let mut gates: Vec<Gate> = [
            ("violations", counts.violations, "with a request that broke the contract"),
            ("drift", counts.drift, "with a response that broke the contract"),
        ]
        .into_iter()
        .map(|(name, count, what)| none(name, count, &format!("of {} exchanges {count} {what}", counts.exchanges)))
        .collect();
        if self.fail_on.contains(&FailOn::UnknownPaths) {
            let message = format!("{} requests to paths that the contract does not have", counts.unknown_paths);
            gates.push(none("unknown-paths", counts.unknown_paths, &message));
        }
        if self.fail_on.contains(&FailOn::UnusedFixtures) {
            let count = unused.len() as u64;
            let mut gate =
                none("unused-fixtures", count, &format!("{count} resources of fixtures were never asked for"));
            gate.lacking = named(unused.iter().map(super::Unused::sentence));
            gates.push(gate);
        }
        for (scope, least) in &self.coverage_min {
            let Some(coverage) = coverage else { continue };
            gates.push(covered(coverage, *scope, *least));
        }
        gates
    }
}

fn none(name: &str, count: u64, message: &str) -> Gate {
    Gate { name: name.to_owned(), is_met: count == 0, message: message.to_owned(), lacking: Vec::new() }
}

fn covered(coverage: &Coverage, scope: CoverageScope, least: f64) -> Gate {
    let (touched, all) = coverage.counts(scope);
    let percent = coverage.percent(scope);
    let is_met = percent >= least;
    // Only the first are named: those that a client's own tests decide, before what the server would have to answer.
    let mut untouched: Vec<_> = coverage.untouched(scope).collect();
    untouched.sort_by_key(|(_, point)| rank(point.kind));
    let lacking = untouched.iter().map(|(operation, point)| format!("{}: {}", operation.name, point.sentence()));
    Gate {
        name: format!("coverage of {}", scope.as_str()),
        is_met,
        message: format!("{touched} of {all} {}, {percent:.1} %; asked for {least} %", words(scope)),
        lacking: if is_met { Vec::new() } else { named(lacking) },
    }
}

fn rank(kind: PointKind) -> u8 {
    match kind {
        PointKind::Operation => 0,
        PointKind::EnumSent | PointKind::BranchSent | PointKind::ParameterPresent | PointKind::ParameterAbsent => 1,
        PointKind::PropertySent | PointKind::Security => 2,
        PointKind::Status => 3,
        PointKind::EnumReceived | PointKind::BranchReceived => 4,
        PointKind::MediaType | PointKind::PropertyReceived | PointKind::Header => 5,
    }
}

fn words(scope: CoverageScope) -> &'static str {
    match scope {
        CoverageScope::Operations => "operations were called",
        CoverageScope::Statuses => "declared responses were given",
        CoverageScope::Everything => "points of the contract were touched",
    }
}

/// The first of many, and how many more there are.
fn named(lacking: impl Iterator<Item = String>) -> Vec<String> {
    let all: Vec<String> = lacking.collect();
    let more = all.len().saturating_sub(LACKING_MAX);
    let mut shown: Vec<String> = all.into_iter().take(LACKING_MAX).collect();
    if more > 0 {
        shown.push(format!("and {more} more"));
    }
    shown
}
