use super::{Exchange, Report, Verdict};
use crate::diagnostic::Fault;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Violating exchanges that a report shows whole. Over it they are only counted.
const REPORTED_MAX: usize = 100;

/// The exchanges of one server, oldest first, within bounds.
#[derive(Debug)]
pub(crate) struct Journal {
    entries_max: usize,
    bytes_max: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    entries: VecDeque<Arc<Exchange>>,
    bytes: usize,
    dropped: u64,
    exchanges: u64,
    violations: u64,
    drift: u64,
    /// The first violating exchanges, kept for the report however much comes after them.
    reported: Vec<Arc<Exchange>>,
}

/// Which exchanges are asked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filter {
    /// An application's name or client id.
    pub(crate) application: Option<String>,
    pub(crate) operation: Option<String>,
    /// A status such as `404`, or a class such as `4XX`.
    pub(crate) status: Option<String>,
    pub(crate) violations: Option<bool>,
    pub(crate) after: Option<u64>,
}

impl Filter {
    fn takes(&self, exchange: &Exchange) -> bool {
        let status = exchange.status.as_u16();
        self.after.is_none_or(|after| exchange.id > after)
            && self.application.as_ref().is_none_or(|wanted| {
                exchange.application.as_ref().is_some_and(|(name, id)| name == wanted || id == wanted)
            })
            && self.operation.as_ref().is_none_or(|wanted| {
                exchange.operation.as_ref() == Some(wanted)
                    || exchange.operation.is_some() && *wanted == format!("{} {}", exchange.method, exchange.target)
            })
            && self.violations.is_none_or(|wanted| wanted == (exchange.verdict() != Verdict::Pass))
            && self
                .status
                .as_ref()
                .is_none_or(|wanted| *wanted == status.to_string() || *wanted == format!("{}XX", status / 100))
    }
}

/// Some exchanges, and where to go on.
pub(crate) struct Page {
    pub(crate) exchanges: Vec<Arc<Exchange>>,
    /// The id to give as `after` for more.
    pub(crate) next: Option<u64>,
    /// How many were dropped since the last clearing.
    pub(crate) dropped: u64,
}

impl Journal {
    pub(crate) fn new(entries_max: usize, bytes_max: usize) -> Self {
        Self { entries_max, bytes_max, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds an exchange; the oldest make room.
    pub(crate) fn record(&self, exchange: Exchange) {
        let exchange = Arc::new(exchange);
        let mut state = self.state();
        state.exchanges += 1;
        state.violations += u64::from(exchange.has(Fault::Client));
        let drift = exchange.has(Fault::Server) || exchange.has(Fault::Contract) || exchange.has(Fault::Fixture);
        state.drift += u64::from(drift);
        if exchange.verdict() != Verdict::Pass && state.reported.len() < REPORTED_MAX {
            state.reported.push(Arc::clone(&exchange));
        }
        state.bytes += exchange.weight();
        state.entries.push_back(exchange);
        while state.entries.len() > self.entries_max || state.bytes > self.bytes_max {
            let Some(oldest) = state.entries.pop_front() else { break };
            state.bytes -= oldest.weight();
            state.dropped += 1;
        }
    }

    /// The exchanges that a filter takes, oldest first, at most `limit`.
    pub(crate) fn page(&self, filter: &Filter, limit: usize) -> Page {
        let state = self.state();
        let mut exchanges: Vec<Arc<Exchange>> =
            state.entries.iter().filter(|exchange| filter.takes(exchange)).take(limit + 1).cloned().collect();
        let more = exchanges.len() > limit;
        exchanges.truncate(limit);
        let next = if more { exchanges.last().map(|exchange| exchange.id) } else { None };
        Page { exchanges, next, dropped: state.dropped }
    }

    /// Every exchange that is still kept.
    pub(crate) fn all(&self) -> Vec<Arc<Exchange>> {
        self.state().entries.iter().cloned().collect()
    }

    /// The exchange with this id, if it is still kept.
    pub(crate) fn get(&self, id: u64) -> Option<Arc<Exchange>> {
        let state = self.state();
        let kept = state.entries.iter().find(|exchange| exchange.id == id);
        kept.or_else(|| state.reported.iter().find(|exchange| exchange.id == id)).cloned()
    }

    /// Forgets everything, the counts behind the verdict included.
    pub(crate) fn clear(&self) {
        *self.state() = State::default();
    }

    /// The verdict on all exchanges since the start or the last clearing.
    pub(crate) fn report(&self) -> Report {
        let state = self.state();
        Report {
            exchanges: state.exchanges,
            violations: state.violations,
            drift: state.drift,
            reported: state.reported.clone(),
        }
    }
}
