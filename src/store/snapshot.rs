//! Snapshots: the states of one application or of all, kept to return to, to start from, and to compare with.
//!
//! States are shared, not copied: a snapshot costs what has been written since. It holds neither credentials nor clocks.

use super::{Application, Difference, Store};
use crate::store::State;
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// States as they were at one moment.
#[derive(Debug)]
pub(crate) struct Snapshot {
    pub(crate) created: Timestamp,
    pub(crate) taken: Vec<Taken>,
    /// Whether it is of one application only.
    pub(crate) of_one: bool,
}

/// The state of one application in a snapshot.
#[derive(Debug, Clone)]
pub(crate) struct Taken {
    pub(crate) name: String,
    /// Its client id then.
    pub(crate) client_id: String,
    /// What tells the application from every other one, whatever client id it has since.
    pub(crate) arrival: u64,
    pub(crate) state: Arc<State>,
}

/// A difference in the state of one application.
pub(crate) struct Changed {
    /// Its name.
    pub(crate) application: String,
    pub(crate) difference: Difference,
}

/// What became of the applications of a snapshot.
#[derive(Debug, Default)]
pub(crate) struct Restored {
    /// Names of those that have their state back.
    pub(crate) restored: Vec<String>,
    /// Names of those that are not there any more.
    pub(crate) missing: Vec<String>,
}

impl Taken {
    fn of(application: &Application) -> Self {
        Self {
            name: application.name().to_owned(),
            client_id: application.client_id().to_owned(),
            arrival: application.arrival(),
            state: application.state(),
        }
    }
}

impl Snapshot {
    /// The state of an application, or of all of them.
    pub(crate) fn take(store: &Store, application: Option<&Application>, created: Timestamp) -> Self {
        let taken = match application {
            Some(application) => vec![Taken::of(application)],
            None => store.all().iter().map(|application| Taken::of(application)).collect(),
        };
        Self { created, taken, of_one: application.is_some() }
    }

    /// The part of one application, by name or client id.
    pub(crate) fn of(&self, application: &str) -> Option<&Taken> {
        self.taken.iter().find(|taken| taken.name == application || taken.client_id == application)
    }

    /// The part of the application that came as this one.
    pub(crate) fn of_arrival(&self, arrival: u64) -> Option<&Taken> {
        self.taken.iter().find(|taken| taken.arrival == arrival)
    }

    /// Gives applications, or only the one, the states that they had.
    pub(crate) fn restore(&self, store: &Store, only: Option<&Taken>) -> Restored {
        let mut restored = Restored::default();
        let wanted = |taken: &&Taken| only.is_none_or(|only| only.arrival == taken.arrival);
        for taken in self.taken.iter().filter(wanted) {
            match store.by_arrival(taken.arrival) {
                Some(application) => {
                    application.restore(Arc::clone(&taken.state));
                    restored.restored.push(taken.name.clone());
                }
                None => restored.missing.push(taken.name.clone()),
            }
        }
        restored
    }

    /// What is different in `later`: of all applications that both speak of, where one of them may be absent.
    pub(crate) fn changed(&self, later: &Self, only: Option<u64>) -> Vec<Changed> {
        let (mine, theirs) = (self.states(), later.states());
        let order = self.taken.iter().chain(later.taken.iter().filter(|taken| !mine.contains_key(&taken.arrival)));
        let spoken_of =
            |id: &u64| (!self.of_one || mine.contains_key(id)) && (!later.of_one || theirs.contains_key(id));
        let mut changed = Vec::new();
        for taken in order.filter(|taken| spoken_of(&taken.arrival) && only.is_none_or(|only| only == taken.arrival)) {
            let state = |states: &BTreeMap<u64, &Arc<State>>| states.get(&taken.arrival).copied().cloned();
            let (before, after) = (state(&mine).unwrap_or_default(), state(&theirs).unwrap_or_default());
            let differences = if Arc::ptr_eq(&before, &after) { Vec::new() } else { before.differences(&after) };
            changed.extend(
                differences.into_iter().map(|difference| Changed { application: taken.name.clone(), difference }),
            );
        }
        changed
    }

    fn states(&self) -> BTreeMap<u64, &Arc<State>> {
        self.taken.iter().map(|taken| (taken.arrival, &taken.state)).collect()
    }

    fn weight(&self) -> usize {
        self.taken.iter().map(|taken| taken.state.bytes()).sum()
    }
}

/// The snapshots that a server keeps, in the order they were taken.
#[derive(Debug, Default)]
pub(crate) struct Snapshots {
    kept: RwLock<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    by_id: BTreeMap<u64, (Option<String>, Arc<Snapshot>)>,
    last: u64,
    bytes: usize,
}

/// Why a snapshot is not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Full {
    /// There are as many as there may be.
    Snapshots,
    /// They hold as much as they may.
    Bytes,
    /// There is one of this name.
    NameTaken,
}

impl Snapshots {
    fn read(&self) -> RwLockReadGuard<'_, Kept> {
        self.kept.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Kept> {
        self.kept.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a snapshot; gives its id.
    pub(crate) fn keep(
        &self,
        name: Option<String>,
        snapshot: Arc<Snapshot>,
        snapshots_max: usize,
        bytes_max: usize,
    ) -> Result<u64, Full> {
        let mut kept = self.write();
        if name.is_some() && kept.by_id.values().any(|(known, _)| *known == name) {
            return Err(Full::NameTaken);
        }
        if kept.by_id.len() >= snapshots_max {
            return Err(Full::Snapshots);
        }
        let bytes = kept.bytes.saturating_add(snapshot.weight());
        if bytes > bytes_max {
            return Err(Full::Bytes);
        }
        kept.bytes = bytes;
        kept.last += 1;
        let id = kept.last;
        kept.by_id.insert(id, (name, snapshot));
        Ok(id)
    }

    /// All of them, with id and name.
    pub(crate) fn all(&self) -> Vec<(u64, Option<String>, Arc<Snapshot>)> {
        self.read().by_id.iter().map(|(id, (name, snapshot))| (*id, name.clone(), Arc::clone(snapshot))).collect()
    }

    /// The snapshot with this id or name.
    pub(crate) fn get(&self, text: &str) -> Option<(u64, Option<String>, Arc<Snapshot>)> {
        let kept = self.read();
        let id = kept.id(text)?;
        kept.by_id.get(&id).map(|(name, snapshot)| (id, name.clone(), Arc::clone(snapshot)))
    }

    /// Forgets the snapshot with this id or name; `false` if there is none.
    pub(crate) fn remove(&self, text: &str) -> bool {
        let mut kept = self.write();
        let removed = kept.id(text).and_then(|id| kept.by_id.remove(&id));
        if let Some((_, snapshot)) = &removed {
            kept.bytes -= snapshot.weight();
        }
        removed.is_some()
    }
}

impl Kept {
    fn id(&self, text: &str) -> Option<u64> {
        let by_name = || self.by_id.iter().find(|(_, (name, _))| name.as_deref() == Some(text)).map(|(id, _)| *id);
        text.parse().ok().filter(|id| self.by_id.contains_key(id)).or_else(by_name)
    }
}
