use super::{Bounds, Exchange, Verdict};
use crate::diagnostic::{Fault, code};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

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
    /// Each with its weight, so that what goes need not be looked at.
    entries: VecDeque<(usize, Exchange)>,
    bytes: usize,
    dropped: u64,
    counts: Counts,
    /// The first violating exchanges, kept for the report however much comes after them.
    reported: Vec<Exchange>,
}

/// Bytes that the journals of all applications hold together.
#[derive(Debug, Default)]
pub(super) struct Held {
    pub(super) entries: AtomicUsize,
    /// Of the exchanges kept for the report.
    reported: AtomicUsize,
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
        self.all.entries.fetch_sub(self.bytes, Ordering::Relaxed);
        let reported = self.reported.iter().map(|exchange| exchange.weight()).sum();
        self.all.reported.fetch_sub(reported, Ordering::Relaxed);
    }
}

impl Journal {
    pub(super) fn new(bounds: Bounds, all: Arc<Held>) -> Self {
        let (entries, counts, reported) = (VecDeque::new(), Counts::default(), Vec::new());
        Self { bounds, all, entries, bytes: 0, dropped: 0, counts, reported }
    }

    /// Adds an exchange; the oldest make room. Gives the last of them: to let it go takes longer than all of this, and need
    /// not be waited for.
    #[must_use]
    pub(super) fn record(&mut self, exchange: Exchange) -> Option<Exchange> {
        let weight = exchange.weight();
        self.counts.add(&exchange);
        if exchange.verdict() != Verdict::Pass
            && self.reported.len() < REPORTED_MAX
            && self.all.reported.load(Ordering::Relaxed) + weight <= REPORTED_BYTES_MAX
        {
            self.all.reported.fetch_add(weight, Ordering::Relaxed);
            self.reported.push(exchange.clone());
        }
        let before = self.bytes;
        self.bytes += weight;
        // Those that overlap may be recorded in another order than they were given their numbers.
        let at = self.entries.iter().rposition(|(_, known)| known.id < exchange.id).map_or(0, |before| before + 1);
        self.entries.insert(at, (weight, exchange));
        let oldest = self.cut(self.bounds.entries_max, self.bounds.bytes_max);
        self.account(before);
        oldest
    }

    /// Drops the oldest eighth, by bytes.
    pub(super) fn shrink(&mut self) {
        let before = self.bytes;
        self.cut(self.bounds.entries_max, before / 8 * 7);
        self.account(before);
    }

    /// Drops the oldest until the bounds are kept; gives the last of them.
    fn cut(&mut self, entries_max: usize, bytes_max: usize) -> Option<Exchange> {
        let mut last = None;
        while self.entries.len() > entries_max || self.bytes > bytes_max {
            let Some((weight, oldest)) = self.entries.pop_front() else { break };
            last = Some(oldest);
            self.bytes -= weight;
            self.dropped += 1;
        }
        last
    }

    /// Adds to what all journals hold what this one holds more than before.
    fn account(&self, before: usize) {
        let after = self.bytes;
        if after > before {
            self.all.entries.fetch_add(after - before, Ordering::Relaxed);
        } else if after < before {
            self.all.entries.fetch_sub(before - after, Ordering::Relaxed);
        }
    }

    /// The exchanges that a filter takes, in its order, at most `limit`.
    pub(super) fn select(&self, filter: &Filter, limit: usize) -> Vec<Exchange> {
        let start = filter.after.map_or(0, |after| self.entries.partition_point(|(_, exchange)| exchange.id <= after));
        let kept = self.entries.range(start..).map(|(_, exchange)| exchange);
        match filter.order {
            Order::OldestFirst => kept.filter(|exchange| filter.takes(exchange)).take(limit).cloned().collect(),
            Order::NewestFirst => kept.rev().filter(|exchange| filter.takes(exchange)).take(limit).cloned().collect(),
        }
    }

    /// The exchange with this id, if it is still kept.
    pub(super) fn get(&self, id: u64) -> Option<Exchange> {
        let kept = self.entries.iter().map(|(_, exchange)| exchange).find(|exchange| exchange.id == id);
        kept.or_else(|| self.reported.iter().find(|exchange| exchange.id == id)).cloned()
    }

    pub(super) fn counts(&self) -> Counts {
        self.counts
    }

    pub(super) fn dropped(&self) -> u64 {
        self.dropped
    }

    pub(super) fn reported(&self) -> Vec<Exchange> {
        self.reported.clone()
    }
}
