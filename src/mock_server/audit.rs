use super::{Builder, Error};
use crate::engine::audit::{Tally, Terms};
use crate::engine::{Engine, World};
use crate::evidence::recording::{self, Entry};
use crate::evidence::{Exchange, RecordingError, Report};
use jiff::Timestamp;
use std::io::{BufReader, Read};

/// Exchanges that the journal of an audit keeps.
const JOURNAL_ENTRIES_MAX: usize = 1_000;
/// Bytes that are read at once.
const BUFFER_BYTES: usize = 256 * 1024;

/// A judge of recorded traffic: nothing is served, and nobody is asked.
///
/// Each exchange is checked in both directions, as a running server does. Recorded credentials cannot be verified:
/// whether there are any of the demanded kind is all that is judged of them. However long a recording is, one entry of
/// it is in memory at a time.
///
/// ```
/// use chatkitty_mock::MockServer;
///
/// let line = r#"{"request": {"method": "GET", "url": "https://api.example/v1/nothing"}, "response": {"status": 404}}"#;
/// let mut audit = MockServer::builder().audit()?;
/// audit.read_lines(line.as_bytes())?;
/// assert_eq!(audit.report().violations(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Audit {
    engine: Engine,
    terms: Terms,
    tally: Tally,
}

impl Builder {
    /// Judges recorded traffic by the contract, instead of serving it. What is said of addresses, answers and fixtures
    /// has no meaning then.
    ///
    /// # Errors
    ///
    /// The contract cannot be used.
    pub fn audit(mut self) -> Result<Audit, Error> {
        self.limits.journal_entries_max = self.limits.journal_entries_max.min(JOURNAL_ENTRIES_MAX);
        let (contract, model) = self.contract_and_model().map_err(Error::findings)?;
        let engine = Engine::new(World::new(contract, model), self.settings(None));
        Ok(Audit { engine, terms: Terms::default(), tally: Tally::default() })
    }
}

impl Audit {
    /// Says what stands before the contract's paths in the recording. Exchanges outside of it are passed over. Default: nothing.
    #[must_use]
    pub fn base_path(mut self, prefix: impl Into<String>) -> Self {
        self.terms.base_path = prefix.into();
        self
    }

    /// Adds a host, `name` or `name:port`, of which exchanges are judged. Default: of any.
    #[must_use]
    pub fn host(mut self, host: &str) -> Self {
        self.terms.hosts.push(host.to_ascii_lowercase());
        self
    }

    /// Passes over missing credentials: the recording is known to lack them. Default: they are violations.
    #[must_use]
    pub fn without_credentials(mut self) -> Self {
        self.terms.without_credentials = true;
        self
    }

    /// Judges the entries of a HAR 1.2.
    ///
    /// # Errors
    ///
    /// It is no HAR, ends too early, or has an entry of more than 64 MiB. The entries before have been judged.
    pub fn read_har(&mut self, reader: impl Read) -> Result<(), RecordingError> {
        let (bounds, reader) = (self.engine.recording_bounds(), BufReader::with_capacity(BUFFER_BYTES, reader));
        recording::read_har(reader, bounds, &mut self.judge())
    }

    /// Judges exchanges that stand one a line: entries of a HAR, or what `GET /_mock/api/exchanges` gives.
    ///
    /// # Errors
    ///
    /// A line is no exchange, or has more than 64 MiB. The lines before have been judged.
    pub fn read_lines(&mut self, reader: impl Read) -> Result<(), RecordingError> {
        let (bounds, reader) = (self.engine.recording_bounds(), BufReader::with_capacity(BUFFER_BYTES, reader));
        recording::read_lines(reader, bounds, &mut self.judge())
    }

    fn judge(&mut self) -> impl FnMut(Entry) {
        let Self { engine, terms, tally } = self;
        // What a recording says nothing of happened at the beginning of time, so that two audits say the same.
        move |entry| engine.audit(entry, terms, Timestamp::UNIX_EPOCH, tally)
    }

    /// What became of the entries so far.
    pub fn tally(&self) -> Tally {
        self.tally
    }

    /// The last exchanges that were judged, oldest first; at most 1,000, and 64 MiB of bodies. An exchange has the number that it
    /// has among all entries, from 1.
    pub fn exchanges(&self) -> Vec<Exchange> {
        self.engine.evidence.all(None)
    }

    /// The verdict on what was judged so far, with the coverage of the contract.
    pub fn report(&self) -> Report {
        let exchanges = self.engine.evidence.all(None);
        Report { exchanges, ..self.engine.report(None, true) }
    }
}
