//! The verdict on what was exchanged, with what it is made of.

use super::Engine;
use crate::evidence::{Address, Counts, Coverage, Report};
use crate::store::Application;

impl Engine {
    /// The verdict on the exchanges of one application, or of all. The coverage is worked out where a gate needs
    /// it, or `with_coverage` asks for it.
    pub(crate) fn report(&self, application: Option<&Application>, with_coverage: bool) -> Report {
        let world = self.world();
        let gates = &self.settings.gates;
        let coverage = (with_coverage || gates.need_coverage()).then(|| self.coverage(application));
        let unused = self.unused(application);
        let key = application.map(Application::arrival);
        let counts: Counts = self.evidence.counts(key);
        Report {
            counts,
            reported: self.evidence.reported(key),
            outcomes: self.evidence.outcomes(),
            gates: gates.judge(counts, coverage.as_ref(), &unused),
            unused,
            unused_examples: Vec::new(),
            coverage,
            contract: (world.contract.title().to_owned(), world.contract.version().to_owned()),
            exchanges: Vec::new(),
            address: Address::default(),
        }
    }

    /// The verdict with all that a report may show: coverage, and every exchange that the journal holds.
    pub(crate) fn full_report(&self, application: Option<&Application>) -> Report {
        let arrival = application.map(Application::arrival);
        let exchanges = self.evidence.all(arrival);
        let unused_examples = self.unused_examples(application);
        Report { exchanges, unused_examples, ..self.report(application, true) }
    }

    /// How much of the contract was touched, by one application, or by all and in earlier runs.
    pub(crate) fn coverage(&self, application: Option<&Application>) -> Coverage {
        let mut coverage = self.evidence.coverage(application.map(Application::arrival));
        if let Some(earlier) = self.settings.earlier.as_ref().filter(|_| application.is_none()) {
            coverage.merge(earlier);
        }
        coverage
    }

    /// How much of the contract was touched in this run, by all applications.
    pub(crate) fn coverage_of_this_run(&self) -> Coverage {
        self.evidence.coverage(None)
    }
}
