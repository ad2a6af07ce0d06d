//! The verdict as embedders get it: reports, coverage, expectations, and the complaint of `verify` and of drop.

use super::coverage_file::CoverageFile;
use super::{Application, Error, MockServer, Violated};
use crate::control::ADDRESS_VARIABLE;
use crate::engine::Engine;
use crate::evidence::{Address, Coverage, Expectation, Outcome, Report, expectations};
use std::panic::Location;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, Ordering};

/// How a server is verified.
#[derive(Debug)]
pub(super) struct Verification {
    pub(super) started_at: &'static Location<'static>,
    /// Whether verify and drop complain at all.
    pub(super) on_drop: bool,
    /// Whether violations and drift are what the test wants.
    pub(super) allowed: AtomicBool,
    pub(super) address: Address,
    /// Where the coverage goes; none once it went there.
    pub(super) coverage_file: Mutex<Option<CoverageFile>>,
}

/// Reports of a server on a port of its own choosing name it by a variable: nothing listens there later on.
pub(super) fn address(port: u16, scheme: &'static str) -> Address {
    Address { variable: ADDRESS_VARIABLE, lasts: port != 0, scheme }
}

impl MockServer {
    /// Lets the test break the contract: neither [`verify`](Self::verify) nor drop will complain of violations and
    /// drift. Expectations and other gates stay.
    pub fn allow_violations(&self) {
        self.verification.allowed.store(true, Ordering::Relaxed);
    }

    /// The verdict so far, with all that a report may show.
    pub fn report(&self) -> Report {
        Report { address: self.verification.address, ..self.shared.engine.full_report(None) }
    }

    /// How much of the contract was touched so far, in this run and by what the coverage file knew at start.
    pub fn coverage(&self) -> Coverage {
        self.shared.engine.coverage(None)
    }

    /// Expects something to be exchanged; [`verify`](Self::verify) and drop complain if it was not. Gives the name
    /// that [`Expectation::after`] of another one takes.
    ///
    /// ```
    /// use chatkitty_mock::{Expectation, MockServer};
    ///
    /// let mock = MockServer::start();
    /// let saved = mock.expect(Expectation::operation("updateApplicationSettings").times(0));
    /// mock.expect(Expectation::operation("retrieveApplication").after(saved).at_most(1));
    /// ```
    ///
    /// # Panics
    ///
    /// If the contract has no such operation, or there is no expectation to come after.
    #[track_caller]
    pub fn expect(&self, expectation: Expectation) -> String {
        expect(&self.shared.engine, expectation)
    }

    /// What came of each expectation so far.
    pub fn outcomes(&self) -> Vec<Outcome> {
        self.shared.engine.evidence.outcomes()
    }

    /// Checks that no exchange broke the contract, and that everything that was asked for is so.
    ///
    /// # Panics
    ///
    /// With the report, if not, and it was not [allowed](Self::allow_violations).
    #[track_caller]
    pub fn verify(&self) {
        if let Some(text) = self.complaint() {
            panic!("{text}");
        }
    }

    /// Stops the server and gives the verdict: the explicit form of the check on drop.
    ///
    /// # Errors
    ///
    /// What [`verify`](Self::verify) panics with.
    ///
    /// # Panics
    ///
    /// If the coverage file cannot be written; [`save_coverage`](Self::save_coverage) before gives an error instead.
    pub fn finish(mut self) -> Result<Report, Violated> {
        self.running = None;
        if let Err(error) = self.save_coverage() {
            panic!("{error}");
        }
        let report = self.report();
        self.verification.on_drop = false;
        if self.is_allowed(&report) { Ok(report) } else { Err(Violated::new(report)) }
    }

    /// Adds what was touched to the coverage file, if there is one: drop does so, too, and it happens once.
    ///
    /// # Errors
    ///
    /// The file cannot be written, or is no coverage file any more.
    pub fn save_coverage(&self) -> Result<(), Error> {
        let file = self.verification.coverage_file.lock().unwrap_or_else(PoisonError::into_inner).take();
        match file {
            Some(file) => file.add(&self.shared.engine.coverage_of_this_run()).map_err(Error::other),
            None => Ok(()),
        }
    }

    /// What drop and `verify` have to complain of.
    pub(super) fn complaint(&self) -> Option<String> {
        let report = Report { address: self.verification.address, ..self.shared.engine.report(None, false) };
        if self.is_allowed(&report) {
            return None;
        }
        let report = if self.verification.allowed.load(Ordering::Relaxed) { report.forgiven() } else { report };
        let saw = if report.violations() + report.drift() > 0 {
            "saw the contract broken"
        } else {
            "did not see what was asked for"
        };
        let text = report.render(false);
        Some(format!("the mock server started at {} {saw}\n\n{text}", self.verification.started_at))
    }

    /// Whether everything in a report is as it should be, or as the test wants it.
    fn is_allowed(&self, report: &Report) -> bool {
        let allowed = self.verification.allowed.load(Ordering::Relaxed);
        let unmet = report.unmet_gates().count() + report.unmet_outcomes().count();
        report.is_clean() || allowed && unmet == 0
    }
}

impl Application {
    /// The verdict on this application's exchanges so far. Expectations are those of the whole server.
    pub fn report(&self) -> Report {
        Report { address: address(0, "http"), ..self.shared.engine.full_report(Some(&self.application)) }
    }

    /// How much of the contract this application's requests touched so far.
    pub fn coverage(&self) -> Coverage {
        self.shared.engine.coverage(Some(&self.application))
    }

    /// Expects something of this application's requests, as [`MockServer::expect`] does of all.
    ///
    /// # Panics
    ///
    /// If the contract has no such operation, or there is no expectation to come after.
    #[track_caller]
    pub fn expect(&self, expectation: Expectation) -> String {
        expect(&self.shared.engine, expectation.of(self.client_id()))
    }
}

#[track_caller]
fn expect(engine: &Engine, expectation: Expectation) -> String {
    let known = engine.evidence.outcomes();
    let names: Vec<&str> = known.iter().map(|outcome| outcome.expectation.name.as_str()).collect();
    let mistakes = expectations::check(&expectation, &names, &engine.world().contract);
    if let Some(mistake) = mistakes.first() {
        let help = mistake.help.as_ref().map(|help| format!("; {help}")).unwrap_or_default();
        panic!("{}{help}", mistake.message);
    }
    engine.evidence.expect_also(expectation)
}
