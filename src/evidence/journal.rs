use super::{Bounds, Exchange, Verdict};
use crate::diagnostic::{Fault, code};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Violating exchanges that a report shows whole. Over it they are only counted.
pub(super) const REPORTED_MAX: usize = 100;
/// Bytes of the exchanges that are kept for reports, of all applications. Over it further ones are only counted.
const REPORTED_BYTES_MAX: usize = 64 * 1024 * 1024;

/// The exchanges of one application, oldest first, within bounds.
#[derive(Debug)]
pub(super) struct Journal {
    bounds: Bounds,
    /// What all journals hold together.
    all: Arc<Held>,
    state: Mutex<State>,
}

/// Bytes that the journals of all applications hold together.
#[derive(Debug, Default)]
pub(super) struct Held {
    pub(super) entries: AtomicUsize,
    /// Of the exchanges kept for the report.
    reported: AtomicUsize,
}

#[derive(Debug, Default)]
struct State {
    /// Each with its weight, so that what goes need not be looked at.
    entries: VecDeque<(usize, Exchange)>,
    bytes: usize,
    dropped: u64,
    counts: Counts,
    /// The first violating exchanges, kept for the report however much comes after them.
    reported: Vec<Exchange>,
}

/// How many exchanges there were, and of which kind. They are not cut with the journal.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) exchanges: u64,
    /// With a request that broke the contract.
    pub(crate) violations: u64,
    /// With a response that broke the contract.
    pub(crate) drift: u64,
    /// With either.
    pub(crate) broken: u64,
    /// For a path that the contract does not have.
    pub(crate) unknown_paths: u64,
}

impl Counts {
    fn add(&mut self, exchange: &Exchange) {
        self.exchanges += 1;
        let violation = exchange.has(Fault::Client);
        self.violations += u64::from(violation);
        let drift = exchange.has(Fault::Server) || exchange.has(Fault::Contract) || exchange.has(Fault::Fixture);
        self.drift += u64::from(drift);
        self.broken += u64::from(violation || drift);
        let unknown = exchange.messages.diagnostics.iter().any(|diagnostic| diagnostic.code == code::UNKNOWN_PATH);
        self.unknown_paths += u64::from(unknown);
    }

    pub(super) fn sum(&mut self, other: Self) {
        self.exchanges += other.exchanges;
        self.violations += other.violations;
        self.drift += other.drift;
        self.broken += other.broken;
        self.unknown_paths += other.unknown_paths;
    }
}

/// Which exchanges are asked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filter {
    pub(crate) operation: Option<String>,
    /// A status such as `404`, or a class such as `4XX`.
    pub(crate) status: Option<String>,
    pub(crate) violations: Option<bool>,
    pub(crate) after: Option<u64>,
    pub(crate) before: Option<u64>,
    pub(crate) order: Order,
}

/// Which exchanges a list begins with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Order {
    #[default]
    OldestFirst,
    NewestFirst,
}

impl Filter {
    fn takes(&self, exchange: &Exchange) -> bool {
        self.after.is_none_or(|after| exchange.id > after)
            && self.before.is_none_or(|before| exchange.id < before)
            && self.operation.as_ref().is_none_or(|wanted| exchange.is_of(wanted))
            && self.violations.is_none_or(|wanted| wanted == (exchange.verdict() != Verdict::Pass))
            && self.status.as_ref().is_none_or(|wanted| exchange.has_status(wanted))
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        self.all.entries.fetch_sub(state.bytes, Ordering::Relaxed);
        let reported = state.reported.iter().map(|exchange| exchange.weight()).sum();
        self.all.reported.fetch_sub(reported, Ordering::Relaxed);
    }
}

impl Journal {
    pub(super) fn new(bounds: Bounds, all: Arc<Held>) -> Self {
        Self { bounds, all, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds an exchange; the oldest make room.
    pub(super) fn record(&self, exchange: Exchange) {
        let weight = exchange.weight();
        let mut state = self.state();
        state.counts.add(&exchange);
        if exchange.verdict() != Verdict::Pass
            && state.reported.len() < REPORTED_MAX
            && self.all.reported.load(Ordering::Relaxed) + weight <= REPORTED_BYTES_MAX
        {
            self.all.reported.fetch_add(weight, Ordering::Relaxed);
            state.reported.push(exchange.clone());
        }
        let bytes = state.bytes;
        state.bytes += weight;
        state.entries.push_back((weight, exchange));
        let oldest = cut(&mut state, self.bounds.entries_max, self.bounds.bytes_max);
        self.account(bytes, state.bytes);
        // To let it go takes longer than all of this, and needs not this lock.
        drop(state);
        drop(oldest);
    }

    /// Drops the oldest eighth, by bytes.
    pub(super) fn shrink(&self) {
        let mut state = self.state();
        let bytes = state.bytes;
        cut(&mut state, self.bounds.entries_max, bytes / 8 * 7);
        self.account(bytes, state.bytes);
    }

    /// Adds to what all journals hold what this one holds more.
    fn account(&self, before: usize, after: usize) {
        if after > before {
            self.all.entries.fetch_add(after - before, Ordering::Relaxed);
        } else if after < before {
            self.all.entries.fetch_sub(before - after, Ordering::Relaxed);
        }
    }

    /// The exchanges that a filter takes, in its order, at most `limit`.
    pub(super) fn select(&self, filter: &Filter, limit: usize) -> Vec<Exchange> {
        let state = self.state();
        // Ids ascend but for requests that overlap, so what lies well before is passed over at once.
        const OVERLAP: u64 = 4_096;
        let start = filter
            .after
            .map_or(0, |after| state.entries.partition_point(|(_, exchange)| exchange.id + OVERLAP < after));
        let kept = state.entries.range(start..).map(|(_, exchange)| exchange);
        match filter.order {
            Order::OldestFirst => kept.filter(|exchange| filter.takes(exchange)).take(limit).cloned().collect(),
            Order::NewestFirst => kept.rev().filter(|exchange| filter.takes(exchange)).take(limit).cloned().collect(),
        }
    }

    /// The exchange with this id, if it is still kept.
    pub(super) fn get(&self, id: u64) -> Option<Exchange> {
        let state = self.state();
        let kept = state.entries.iter().map(|(_, exchange)| exchange).find(|exchange| exchange.id == id);
        kept.or_else(|| state.reported.iter().find(|exchange| exchange.id == id)).cloned()
    }

    pub(super) fn counts(&self) -> Counts {
        self.state().counts
    }

    pub(super) fn dropped(&self) -> u64 {
        self.state().dropped
    }

    pub(super) fn reported(&self) -> Vec<Exchange> {
        self.state().reported.clone()
    }
}

/// Drops the oldest until the bounds are kept; gives the last of them.
fn cut(state: &mut State, entries_max: usize, bytes_max: usize) -> Option<Exchange> {
    let mut last = None;
    while state.entries.len() > entries_max || state.bytes > bytes_max {
        let Some((weight, oldest)) = state.entries.pop_front() else { break };
        last = Some(oldest);
        state.bytes -= weight;
        state.dropped += 1;
    }
    last
}
