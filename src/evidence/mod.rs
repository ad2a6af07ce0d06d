//! What was exchanged, how much of the contract that touched, and the verdict on it.
//!
//! [`Evidence`] records one exchange after the other, each application's apart from the others'. [`Report`]
//! is the one value that every verdict and every report is made from.

mod coverage;
mod exchange;
mod expectation;
pub(crate) mod expectations;
mod gates;
mod heads;
mod journal;
mod mask;
pub(crate) mod recording;
mod render;
mod report;

pub(crate) use coverage::Touch;
pub use coverage::{Coverage, CoverageScope};
pub use exchange::{Exchange, Verdict};
pub(crate) use exchange::{Kept, KeptChanges, Messages};
pub use expectation::{Expectation, Outcome};
pub(crate) use gates::Gates;
pub use gates::{FailOn, Gate};
pub(crate) use heads::Heads;
pub(crate) use journal::{Counts, Filter, Order};
pub use recording::RecordingError;
pub use render::Format;
pub(crate) use render::{Address, har_of};
pub use report::{Report, Unused, UnusedExample};

use crate::contract::Contract;
use coverage::Touches;
use journal::{Held, Journal};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use tokio::sync::watch;

/// Bounds of the evidence.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// Exchanges that the journal of one application keeps.
    pub(crate) entries_max: usize,
    /// Bytes that the journal of one application keeps.
    pub(crate) bytes_max: usize,
    /// Bytes that the journals of all applications keep together.
    pub(crate) all_bytes_max: usize,
}

/// What tells the evidence of one application from that of others: the application's arrival.
type Key = u64;

/// The key of what belongs to no application.
const NOBODY: Key = 0;

/// The evidence of one server.
pub(crate) struct Evidence {
    bounds: Bounds,
    held: Arc<Held>,
    tenants: RwLock<Tenants>,
    /// What is left of applications that are gone.
    departed: Mutex<Departed>,
    expectations: Mutex<Vec<Outcome>>,
    /// Whether there are any: most servers have none, and to look there takes a lock.
    expects: AtomicBool,
    /// The number of the newest exchange, from 1.
    newest: AtomicU64,
    /// The same, for those who listen.
    last: watch::Sender<u64>,
}

/// The place of an exchange that is about to be recorded: it has its number, and whoever reads journals waits until it is
/// there. So numbers come to be seen in their order. It must not be held while journals are read.
pub(crate) struct Admission<'e> {
    evidence: &'e Evidence,
    tenants: RwLockReadGuard<'e, Tenants>,
    key: Key,
    /// The exchange's number.
    pub(crate) id: u64,
}

struct Tenants {
    /// The contract whose operations are counted now.
    contract: Arc<Contract>,
    by_key: BTreeMap<Key, Arc<Tenant>>,
}

/// The evidence of one application: under one lock, as every exchange adds to all of it.
struct Tenant(Mutex<Records>);

struct Records {
    journal: Journal,
    touched: Touched,
    used: Used,
}

/// What an application touched of the contract.
struct Touched {
    now: Arc<Touches>,
    /// Of contracts that are not served any more.
    before: Coverage,
}

impl Touched {
    fn new(contract: &Arc<Contract>) -> Self {
        Self { now: Arc::new(Touches::new(contract)), before: Coverage::default() }
    }

    /// Counts in another contract from now on.
    fn follow(&mut self, contract: &Arc<Contract>) {
        self.before.add(&self.now.named());
        self.now = Arc::new(Touches::new(contract));
    }

    fn touch(&mut self, touch: &Touch<'_>) {
        if self.now.are_of(touch.contract) {
            return self.now.touch(touch);
        }
        // A request that was under way while the contract was replaced.
        let late = Touches::new(touch.contract);
        late.touch(touch);
        self.before.add(&late.named());
    }

    /// All of it by names.
    fn named(&self) -> Coverage {
        let mut named = self.now.named();
        named.add(&self.before);
        named
    }
}

#[derive(Debug, Default)]
struct Departed {
    counts: Counts,
    reported: Vec<Exchange>,
    coverage: Coverage,
    used: Used,
}

/// What of fixtures and examples was used.
#[derive(Debug, Clone, Default)]
pub(crate) struct Used {
    /// Paths of resources and collections that fixtures seed.
    pub(crate) resources: BTreeSet<String>,
    /// Pointers of examples.
    pub(crate) examples: BTreeSet<String>,
}

impl Used {
    fn add(&mut self, (resource, example): (Option<&str>, Option<&str>)) {
        let add = |set: &mut BTreeSet<String>, used: Option<&str>| {
            if let Some(used) = used.filter(|used| !set.contains(*used)) {
                set.insert(used.to_owned());
            }
        };
        add(&mut self.resources, resource);
        add(&mut self.examples, example);
    }

    fn merge(&mut self, other: &Self) {
        self.resources.extend(other.resources.iter().cloned());
        self.examples.extend(other.examples.iter().cloned());
    }
}

/// Some exchanges, and where to go on.
pub(crate) struct Page {
    pub(crate) exchanges: Vec<Exchange>,
    /// The id to give as `after` for more, or as `before` where the newest come first.
    pub(crate) next: Option<u64>,
    /// How many were dropped since the last clearing.
    pub(crate) dropped: u64,
    /// The newest number when it was made: later ones are not in it.
    pub(crate) settled: u64,
}

impl Evidence {
    pub(crate) fn new(bounds: Bounds, contract: Arc<Contract>) -> Self {
        Self {
            bounds,
            held: Arc::default(),
            tenants: RwLock::new(Tenants { contract, by_key: BTreeMap::new() }),
            departed: Mutex::default(),
            expectations: Mutex::default(),
            expects: AtomicBool::new(false),
            newest: AtomicU64::new(0),
            last: watch::Sender::new(0),
        }
    }

    /// Admits an exchange of an application, or of none.
    pub(crate) fn admit(&self, application: Option<Key>) -> Admission<'_> {
        let key = application.unwrap_or(NOBODY);
        loop {
            let tenants = read(&self.tenants);
            if tenants.by_key.contains_key(&key) {
                return Admission { evidence: self, tenants, key, id: self.number() };
            }
            drop(tenants);
            let mut tenants = write(&self.tenants);
            let Tenants { contract, by_key } = &mut *tenants;
            let new = || Records {
                journal: Journal::new(self.bounds, Arc::clone(&self.held)),
                touched: Touched::new(contract),
                used: Used::default(),
            };
            by_key.entry(key).or_insert_with(|| Arc::new(Tenant(Mutex::new(new()))));
        }
    }

    /// Gives the next number away, to what is not recorded if nobody is admitted by it.
    pub(crate) fn number(&self) -> u64 {
        self.newest.fetch_add(1, Ordering::AcqRel) + 1
    }

    /// Waits for all exchanges that were admitted; gives the newest number. Those up to it are recorded.
    fn settled(&self) -> u64 {
        let newest = self.newest.load(Ordering::Acquire);
        // Nobody has this lock while another one is admitted.
        drop(write(&self.tenants));
        newest
    }

    /// The tenant of an application, or all.
    fn tenants(&self, application: Option<Key>) -> Vec<Arc<Tenant>> {
        let tenants = read(&self.tenants);
        match application {
            Some(key) => tenants.by_key.get(&key).cloned().into_iter().collect(),
            None => tenants.by_key.values().cloned().collect(),
        }
    }

    /// Counts what is touched of another contract from now on. What was touched before stays touched where the new one
    /// has something of the same name.
    pub(crate) fn follow(&self, contract: &Arc<Contract>) {
        let mut tenants = write(&self.tenants);
        if Arc::ptr_eq(&tenants.contract, contract) {
            return;
        }
        tenants.contract = Arc::clone(contract);
        tenants.by_key.values().for_each(|tenant| tenant.records().touched.follow(contract));
    }

    fn watch(&self, exchange: &Exchange) {
        let mut watched = self.expectations.lock().unwrap_or_else(PoisonError::into_inner);
        for index in 0..watched.len() {
            let after = watched.get(index).and_then(|watched| watched.expectation.after.clone());
            let is_due = after
                .is_none_or(|after| watched.iter().any(|other| other.expectation.name == after && other.count > 0));
            if let Some(watched) = watched.get_mut(index) {
                watched.see(exchange, is_due);
            }
        }
    }

    /// Replaces what is expected; counting begins anew.
    pub(crate) fn expect(&self, expectations: Vec<Expectation>) {
        let secrets = Arc::clone(read(&self.tenants).contract.secrets());
        let outcome = |(index, expected)| Outcome::new(expected, index + 1, &secrets);
        let watched = expectations.into_iter().enumerate().map(outcome);
        let mut known = self.expectations.lock().unwrap_or_else(PoisonError::into_inner);
        *known = watched.collect();
        self.expects.store(!known.is_empty(), Ordering::Release);
    }

    /// Adds something expected; gives the name that it goes by.
    pub(crate) fn expect_also(&self, expectation: Expectation) -> String {
        let secrets = Arc::clone(read(&self.tenants).contract.secrets());
        let mut watched = self.expectations.lock().unwrap_or_else(PoisonError::into_inner);
        let new = Outcome::new(expectation, watched.len() + 1, &secrets);
        let name = new.expectation.name.clone();
        watched.push(new);
        self.expects.store(true, Ordering::Release);
        name
    }

    /// What came of each expectation so far.
    pub(crate) fn outcomes(&self) -> Vec<Outcome> {
        let watched = self.expectations.lock().unwrap_or_else(PoisonError::into_inner);
        watched.clone()
    }

    /// Tells the number of the newest exchange, now and whenever another one is recorded.
    pub(crate) fn last(&self) -> watch::Receiver<u64> {
        let listener = self.last.subscribe();
        // Whatever is recorded after this finds the listener.
        let settled = self.settled();
        self.last.send_if_modified(|last| {
            *last = (*last).max(settled);
            false
        });
        listener
    }

    /// The exchanges that a filter takes, in its order, at most `limit`. `application`: of this one only.
    pub(crate) fn page(&self, application: Option<Key>, filter: &Filter, limit: usize) -> Page {
        let settled = self.settled();
        let before = filter.before.unwrap_or(u64::MAX).min(settled.saturating_add(1));
        let filter = &Filter { before: Some(before), ..filter.clone() };
        let tenants = self.tenants(application);
        let mut exchanges: Vec<Exchange> = tenants
            .iter()
            .flat_map(|tenant| tenant.records().journal.select(filter, limit.saturating_add(1)))
            .collect();
        exchanges.sort_by_key(|exchange| exchange.id);
        if filter.order == Order::NewestFirst {
            exchanges.reverse();
        }
        let more = exchanges.len() > limit;
        exchanges.truncate(limit);
        let next = if more { exchanges.last().map(|exchange| exchange.id) } else { None };
        let dropped = tenants.iter().map(|tenant| tenant.records().journal.dropped()).sum();
        Page { exchanges, next, dropped, settled }
    }

    /// The exchanges that are kept, oldest first; of one application, or of all.
    pub(crate) fn all(&self, application: Option<Key>) -> Vec<Exchange> {
        self.page(application, &Filter::default(), usize::MAX).exchanges
    }

    /// The exchange with this id, if it is still kept.
    pub(crate) fn get(&self, id: u64) -> Option<Exchange> {
        // One lock at a time: clearing holds the tenants' while it takes the departed ones'.
        let kept = self.tenants(None).iter().find_map(|tenant| tenant.records().journal.get(id));
        kept.or_else(|| {
            let departed = self.departed.lock().unwrap_or_else(PoisonError::into_inner);
            departed.reported.iter().find(|exchange| exchange.id == id).cloned()
        })
    }

    /// Forgets all exchanges and what they touched, the counts behind the verdict included; of one application, or of all.
    pub(crate) fn clear(&self, application: Option<Key>) {
        let mut tenants = write(&self.tenants);
        match application {
            Some(key) => drop(tenants.by_key.remove(&key)),
            None => {
                tenants.by_key.clear();
                *self.departed.lock().unwrap_or_else(PoisonError::into_inner) = Departed::default();
                let mut watched = self.expectations.lock().unwrap_or_else(PoisonError::into_inner);
                for (index, known) in watched.iter_mut().enumerate() {
                    *known = Outcome::new(known.expectation.clone(), index + 1, &known.secrets);
                }
            }
        }
    }

    /// Lets an application go. What it did still counts in the verdict on all.
    pub(crate) fn depart(&self, application: Key) {
        let tenant = write(&self.tenants).by_key.remove(&application);
        let Some(tenant) = tenant else { return };
        let mut departed = self.departed.lock().unwrap_or_else(PoisonError::into_inner);
        let records = tenant.records();
        departed.counts.sum(records.journal.counts());
        departed.used.merge(&records.used);
        departed.reported.extend(records.journal.reported());
        departed.reported.truncate(journal::REPORTED_MAX);
        if records.journal.counts().exchanges > 0 {
            departed.coverage.add(&records.touched.named());
        }
    }

    /// How many exchanges there were, of one application or of all.
    pub(crate) fn counts(&self, application: Option<Key>) -> Counts {
        let mut counts = Counts::default();
        for tenant in self.tenants(application) {
            counts.sum(tenant.records().journal.counts());
        }
        if application.is_none() {
            counts.sum(self.departed.lock().unwrap_or_else(PoisonError::into_inner).counts);
        }
        counts
    }

    /// The first exchanges that broke the contract, in their order.
    pub(crate) fn reported(&self, application: Option<Key>) -> Vec<Exchange> {
        let tenants = self.tenants(application);
        let mut reported: Vec<_> = tenants.iter().flat_map(|tenant| tenant.records().journal.reported()).collect();
        if application.is_none() {
            reported.extend(self.departed.lock().unwrap_or_else(PoisonError::into_inner).reported.iter().cloned());
        }
        reported.sort_by_key(|exchange| exchange.id);
        reported
    }

    /// How much of the contract was touched, by one application or by all.
    pub(crate) fn coverage(&self, application: Option<Key>) -> Coverage {
        let contract = Arc::clone(&read(&self.tenants).contract);
        let (mut now, mut before): (Vec<Arc<Touches>>, Vec<Coverage>) = (Vec::new(), Vec::new());
        for tenant in self.tenants(application) {
            let records = tenant.records();
            let touched = &records.touched;
            // The contract may have been replaced since.
            if touched.now.are_of(&contract) {
                now.push(Arc::clone(&touched.now));
            } else {
                before.push(touched.now.named());
            }
            before.push(touched.before.clone());
        }
        let mut coverage = Coverage::of(&contract, now.iter().map(Arc::as_ref));
        before.iter().for_each(|before| coverage.merge(before));
        if application.is_none() {
            coverage.merge(&self.departed.lock().unwrap_or_else(PoisonError::into_inner).coverage);
        }
        coverage
    }

    /// What of fixtures and examples was used, by one application or by all.
    pub(crate) fn used(&self, application: Option<Key>) -> Used {
        let mut used = Used::default();
        for tenant in self.tenants(application) {
            used.merge(&tenant.records().used);
        }
        if application.is_none() {
            used.merge(&self.departed.lock().unwrap_or_else(PoisonError::into_inner).used);
        }
        used
    }
}

impl Admission<'_> {
    /// Records the exchange, what it touched, and the fixture's resource and the example that it used.
    pub(crate) fn record(self, exchange: Exchange, touch: Option<&Touch<'_>>, used: (Option<&str>, Option<&str>)) {
        let Self { evidence, tenants, key, id } = self;
        let watched = evidence.expects.load(Ordering::Acquire).then(|| exchange.clone());
        // It was there when this was admitted, and none goes while that is.
        let oldest = tenants.by_key.get(&key).and_then(|tenant| {
            let mut records = tenant.records();
            if let Some(touch) = touch {
                records.touched.touch(touch);
            }
            records.used.add(used);
            records.journal.record(exchange)
        });
        drop(tenants);
        drop(oldest);
        if let Some(watched) = watched {
            evidence.watch(&watched);
        }
        if evidence.held.entries.load(Ordering::Relaxed) > evidence.bounds.all_bytes_max {
            evidence.tenants(None).iter().for_each(|tenant| tenant.records().journal.shrink());
        }
        // To tell nobody costs as much as to record.
        if evidence.last.receiver_count() > 0 {
            evidence.last.send_modify(|last| *last = (*last).max(id));
        }
    }
}

impl Tenant {
    fn records(&self) -> MutexGuard<'_, Records> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}
