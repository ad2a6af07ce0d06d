//! What was exchanged, how much of the contract that touched, and the verdict on it.
//!
//! [`Evidence`] records one exchange after the other, each application's apart from the others'. [`Report`]
//! is the one value that every verdict and every report is made from.

mod coverage;
mod exchange;
mod expectation;
mod gates;
mod journal;
mod mask;
mod report;

pub(crate) use coverage::Touch;
pub use coverage::{Coverage, CoverageScope};
pub use exchange::{Exchange, Verdict};
pub(crate) use exchange::{Kept, KeptChanges};
pub use expectation::{Expectation, Outcome};
pub(crate) use gates::Gates;
pub use gates::{FailOn, Gate};
pub(crate) use journal::{Counts, Filter, Order};
pub use report::{Report, Unused};

use crate::contract::Contract;
use coverage::Touches;
use expectation::Watched;
use journal::Journal;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use tokio::sync::watch;

/// Bounds of the evidence.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// Exchanges that the journal of one application keeps.
    pub(crate) entries_max: usize,
    /// Bytes of bodies that the journal of one application keeps.
    pub(crate) bytes_max: usize,
}

/// The evidence of one server.
#[derive(Debug)]
pub(crate) struct Evidence {
    bounds: Bounds,
    operations: usize,
    /// By client id; the empty one is of exchanges that belong to no application.
    tenants: RwLock<HashMap<String, Arc<Tenant>>>,
    /// What is left of applications that are gone.
    departed: Mutex<Departed>,
    expectations: Mutex<Vec<Watched>>,
    /// The id of the last exchange, for those who wait for more.
    last: watch::Sender<u64>,
}

/// The evidence of one application.
#[derive(Debug)]
struct Tenant {
    journal: Journal,
    touches: Touches,
    /// Paths of resources that were read or written.
    used: Mutex<BTreeSet<String>>,
}

#[derive(Debug, Default)]
struct Departed {
    counts: Counts,
    reported: Vec<Arc<Exchange>>,
    coverage: Option<Coverage>,
}

/// Some exchanges, and where to go on.
pub(crate) struct Page {
    pub(crate) exchanges: Vec<Arc<Exchange>>,
    /// The id to give as `after` for more, or as `before` where the newest come first.
    pub(crate) next: Option<u64>,
    /// How many were dropped since the last clearing.
    pub(crate) dropped: u64,
}

impl Evidence {
    pub(crate) fn new(bounds: Bounds, operations: usize) -> Self {
        Self {
            bounds,
            operations,
            tenants: RwLock::default(),
            departed: Mutex::default(),
            expectations: Mutex::default(),
            last: watch::Sender::new(0),
        }
    }

    fn tenant(&self, client_id: &str) -> Arc<Tenant> {
        let known = self.tenants.read().unwrap_or_else(PoisonError::into_inner).get(client_id).cloned();
        known.unwrap_or_else(|| {
            let mut tenants = self.tenants.write().unwrap_or_else(PoisonError::into_inner);
            let new = || Tenant {
                journal: Journal::new(self.bounds.entries_max, self.bounds.bytes_max),
                touches: Touches::new(self.operations),
                used: Mutex::default(),
            };
            Arc::clone(tenants.entry(client_id.to_owned()).or_insert_with(|| Arc::new(new())))
        })
    }

    /// The tenants of an application by its client id, or all.
    fn tenants(&self, client_id: Option<&str>) -> Vec<Arc<Tenant>> {
        let tenants = self.tenants.read().unwrap_or_else(PoisonError::into_inner);
        match client_id {
            Some(client_id) => tenants.get(client_id).cloned().into_iter().collect(),
            None => {
                let mut all: Vec<_> = tenants.iter().collect();
                all.sort_by(|one, other| one.0.cmp(other.0));
                all.into_iter().map(|(_, tenant)| Arc::clone(tenant)).collect()
            }
        }
    }

    /// Adds an exchange, what it touched, and the resource that it read or wrote.
    pub(crate) fn record(&self, exchange: Exchange, touch: Option<&Touch>, used: Option<&str>) {
        let exchange = Arc::new(exchange);
        let tenant = self.tenant(exchange.application.as_ref().map_or("", |(_, client_id)| client_id));
        if let Some(touch) = touch {
            tenant.touches.touch(touch);
        }
        if let Some(used) = used {
            let mut known = tenant.used.lock().unwrap_or_else(PoisonError::into_inner);
            if !known.contains(used) {
                known.insert(used.to_owned());
            }
        }
        tenant.journal.record(Arc::clone(&exchange));
        self.watch(&exchange);
        self.last.send_if_modified(|last| {
            *last = (*last).max(exchange.id);
            true
        });
    }

    fn watch(&self, exchange: &Exchange) {
        let mut watched = self.expectations.lock().unwrap_or_else(PoisonError::into_inner);
        for index in 0..watched.len() {
            let after = watched.get(index).and_then(|watched| watched.outcome.expectation.after.clone());
            let is_due = after.is_none_or(|after| {
                watched.iter().any(|other| other.outcome.expectation.name == after && other.outcome.count > 0)
            });
            if let Some(watched) = watched.get_mut(index) {
                watched.see(exchange, is_due);
            }
        }
    }

    /// Replaces what is expected; counting begins anew.
    pub(crate) fn expect(&self, expectations: Vec<Expectation>) {
        let watched = expectations.into_iter().enumerate().map(|(index, expected)| Watched::new(expected, index + 1));
        *self.expectations.lock().unwrap_or_else(PoisonError::into_inner) = watched.collect();
    }

    /// Adds something expected; gives the name that it goes by.
    pub(crate) fn expect_also(&self, expectation: Expectation) -> String {
        let mut watched = self.expectations.lock().unwrap_or_else(PoisonError::into_inner);
        let new = Watched::new(expectation, watched.len() + 1);
        let name = new.outcome.expectation.name.clone();
        watched.push(new);
        name
    }

    /// What came of each expectation so far.
    pub(crate) fn outcomes(&self) -> Vec<Outcome> {
        let watched = self.expectations.lock().unwrap_or_else(PoisonError::into_inner);
        watched.iter().map(|watched| watched.outcome.clone()).collect()
    }

    /// Tells the id of the last exchange, now and whenever there is another.
    pub(crate) fn last(&self) -> watch::Receiver<u64> {
        self.last.subscribe()
    }

    /// The exchanges that a filter takes, in its order, at most `limit`. `client_id`: of this application only.
    pub(crate) fn page(&self, client_id: Option<&str>, filter: &Filter, limit: usize) -> Page {
        let tenants = self.tenants(client_id);
        let mut exchanges: Vec<Arc<Exchange>> =
            tenants.iter().flat_map(|tenant| tenant.journal.select(filter, limit.saturating_add(1))).collect();
        exchanges.sort_by_key(|exchange| exchange.id);
        if filter.order == Order::NewestFirst {
            exchanges.reverse();
        }
        let more = exchanges.len() > limit;
        exchanges.truncate(limit);
        let next = if more { exchanges.last().map(|exchange| exchange.id) } else { None };
        let dropped = tenants.iter().map(|tenant| tenant.journal.dropped()).sum();
        Page { exchanges, next, dropped }
    }

    /// The exchange with this id, if it is still kept.
    pub(crate) fn get(&self, id: u64) -> Option<Arc<Exchange>> {
        let departed = self.departed.lock().unwrap_or_else(PoisonError::into_inner);
        let left = departed.reported.iter().find(|exchange| exchange.id == id).cloned();
        self.tenants(None).iter().find_map(|tenant| tenant.journal.get(id)).or(left)
    }

    /// Forgets all exchanges and what they touched, the counts behind the verdict included; of one application, or of all.
    pub(crate) fn clear(&self, client_id: Option<&str>) {
        let mut tenants = self.tenants.write().unwrap_or_else(PoisonError::into_inner);
        match client_id {
            Some(client_id) => drop(tenants.remove(client_id)),
            None => {
                tenants.clear();
                *self.departed.lock().unwrap_or_else(PoisonError::into_inner) = Departed::default();
                let mut watched = self.expectations.lock().unwrap_or_else(PoisonError::into_inner);
                for (index, known) in watched.iter_mut().enumerate() {
                    *known = Watched::new(known.outcome.expectation.clone(), index + 1);
                }
            }
        }
    }

    /// Lets an application go. What it did still counts in the verdict on all.
    pub(crate) fn depart(&self, contract: &Contract, client_id: &str) {
        let tenant = self.tenants.write().unwrap_or_else(PoisonError::into_inner).remove(client_id);
        let Some(tenant) = tenant else { return };
        let mut departed = self.departed.lock().unwrap_or_else(PoisonError::into_inner);
        departed.counts.sum(tenant.journal.counts());
        const REPORTED_MAX: usize = 100;
        departed.reported.extend(tenant.journal.reported());
        departed.reported.truncate(REPORTED_MAX);
        if tenant.journal.counts().exchanges > 0 {
            let touched = Coverage::of(contract, std::iter::once(&tenant.touches));
            match &mut departed.coverage {
                Some(known) => known.merge(&touched),
                None => departed.coverage = Some(touched),
            }
        }
    }

    /// How many exchanges there were, of one application or of all.
    pub(crate) fn counts(&self, client_id: Option<&str>) -> Counts {
        let mut counts = Counts::default();
        for tenant in self.tenants(client_id) {
            counts.sum(tenant.journal.counts());
        }
        if client_id.is_none() {
            counts.sum(self.departed.lock().unwrap_or_else(PoisonError::into_inner).counts);
        }
        counts
    }

    /// The first exchanges that broke the contract, in their order.
    pub(crate) fn reported(&self, client_id: Option<&str>) -> Vec<Arc<Exchange>> {
        let tenants = self.tenants(client_id);
        let mut reported: Vec<_> = tenants.iter().flat_map(|tenant| tenant.journal.reported()).collect();
        if client_id.is_none() {
            reported.extend(self.departed.lock().unwrap_or_else(PoisonError::into_inner).reported.iter().cloned());
        }
        reported.sort_by_key(|exchange| exchange.id);
        reported
    }

    /// How much of the contract was touched, by one application or by all.
    pub(crate) fn coverage(&self, contract: &Contract, client_id: Option<&str>) -> Coverage {
        let tenants = self.tenants(client_id);
        let mut coverage = Coverage::of(contract, tenants.iter().map(|tenant| &tenant.touches));
        if client_id.is_none()
            && let Some(departed) = &self.departed.lock().unwrap_or_else(PoisonError::into_inner).coverage
        {
            coverage.merge(departed);
        }
        coverage
    }

    /// Whether an application ever read or wrote a resource.
    pub(crate) fn is_used(&self, client_id: &str, path: &str) -> bool {
        let tenants = self.tenants(Some(client_id));
        tenants.iter().any(|tenant| tenant.used.lock().unwrap_or_else(PoisonError::into_inner).contains(path))
    }
}
