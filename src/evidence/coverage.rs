//! How much of the contract was touched: recorded as bits, told as a list, merged over runs.

use crate::contract::{Contract, PointKind};
use crate::diagnostic::Location;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

/// The version of the form that [`Coverage::to_json`] writes.
const VERSION: u64 = 1;

/// The touched points of one application in one contract, by operation. Recording takes no lock.
pub(crate) struct Touches {
    contract: Arc<Contract>,
    operations: Box<[OnceLock<Bits>]>,
}

#[derive(Debug)]
struct Bits {
    calls: AtomicU64,
    words: Box<[AtomicU64]>,
}

/// What one exchange touched of an operation.
pub(crate) struct Touch<'c> {
    /// The contract that it was checked against.
    pub(crate) contract: &'c Arc<Contract>,
    /// The operation's place in the contract.
    pub(crate) operation: usize,
    /// How many points it has.
    pub(crate) count: usize,
    pub(crate) points: &'c [u32],
}

impl Touches {
    pub(crate) fn new(contract: &Arc<Contract>) -> Self {
        let operations = contract.operations().iter().map(|_| OnceLock::new()).collect();
        Self { contract: Arc::clone(contract), operations }
    }

    /// Whether they are of this contract, whose operations they number.
    pub(crate) fn are_of(&self, contract: &Arc<Contract>) -> bool {
        Arc::ptr_eq(&self.contract, contract)
    }

    /// What was touched, and nothing else, by names: these mean something in another contract, too.
    pub(super) fn named(&self) -> Coverage {
        let mut coverage = Coverage::of(&self.contract, std::iter::once(self));
        coverage.operations.retain(|operation| operation.calls > 0);
        for operation in &mut coverage.operations {
            operation.points.retain(|point| point.touched);
            operation.points.iter_mut().for_each(|point| point.place = None);
        }
        coverage
    }

    pub(crate) fn touch(&self, touch: &Touch<'_>) {
        let Some(operation) = self.operations.get(touch.operation) else { return };
        let bits = operation.get_or_init(|| Bits {
            calls: AtomicU64::new(0),
            words: (0..touch.count.div_ceil(64)).map(|_| AtomicU64::new(0)).collect(),
        });
        bits.calls.fetch_add(1, Ordering::Relaxed);
        for point in touch.points {
            let Some(word) = bits.words.get(*point as usize / 64) else { continue };
            let bit = 1 << (point % 64);
            // Most are set already, and reading one costs other cores nothing.
            if word.load(Ordering::Relaxed) & bit == 0 {
                word.fetch_or(bit, Ordering::Relaxed);
            }
        }
    }

    fn calls(&self, operation: usize) -> u64 {
        self.operations.get(operation).and_then(OnceLock::get).map_or(0, |bits| bits.calls.load(Ordering::Relaxed))
    }

    fn is_touched(&self, operation: usize, point: usize) -> bool {
        let bits = self.operations.get(operation).and_then(OnceLock::get);
        let word = bits.and_then(|bits| bits.words.get(point / 64));
        word.is_some_and(|word| word.load(Ordering::Relaxed) & (1 << (point % 64)) != 0)
    }
}

/// How much of a contract was touched.
#[derive(Debug, Clone, Default)]
pub struct Coverage {
    pub(crate) title: String,
    pub(crate) version: String,
    pub(crate) operations: Vec<OperationCoverage>,
}

/// How much of one operation was touched.
#[derive(Debug, Clone)]
pub(crate) struct OperationCoverage {
    /// Method and path template.
    pub(crate) name: String,
    pub(crate) operation_id: Option<String>,
    pub(crate) calls: u64,
    pub(crate) points: Vec<PointCoverage>,
}

/// Whether one thing was touched.
#[derive(Debug, Clone)]
pub(crate) struct PointCoverage {
    pub(crate) kind: PointKind,
    pub(crate) name: String,
    pub(crate) touched: bool,
    /// `None` where it comes from a file.
    pub(crate) place: Option<Location>,
}

impl PointCoverage {
    /// What it is, in words: its kind and its name.
    pub(crate) fn sentence(&self) -> String {
        format!("{} {}", self.kind.as_str().replace('_', " "), self.name)
    }
}

/// What a percentage is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CoverageScope {
    /// Operations that were called.
    Operations,
    /// Declared responses that were given.
    Statuses,
    /// Everything that is counted.
    Everything,
}

impl CoverageScope {
    /// Every scope.
    pub const ALL: [Self; 3] = [Self::Operations, Self::Statuses, Self::Everything];

    /// The name in `coverage.json` and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Operations => "operations",
            Self::Statuses => "statuses",
            Self::Everything => "everything",
        }
    }

    fn counts(self, kind: PointKind) -> bool {
        match self {
            Self::Operations => kind == PointKind::Operation,
            Self::Statuses => kind == PointKind::Status,
            Self::Everything => true,
        }
    }
}

impl Coverage {
    /// What the touches of some applications come to.
    pub(crate) fn of<'t>(contract: &Contract, touches: impl Iterator<Item = &'t Touches> + Clone) -> Self {
        let operations = contract.operations().iter().map(|operation| {
            let is_touched = |point: usize| touches.clone().any(|touches| touches.is_touched(operation.index, point));
            let list = contract.points(operation).list.iter().enumerate();
            OperationCoverage {
                name: operation.names.label.clone(),
                operation_id: operation.operation_id.clone(),
                calls: touches.clone().map(|touches| touches.calls(operation.index)).sum(),
                points: list
                    .map(|(index, point)| PointCoverage {
                        kind: point.kind,
                        name: point.name.clone(),
                        touched: is_touched(index),
                        place: Some(contract.point_location(point)),
                    })
                    .collect(),
            }
        });
        Self {
            title: contract.title().to_owned(),
            version: contract.version().to_owned(),
            operations: operations.collect(),
        }
    }

    /// How many points of a scope were touched, and how many there are.
    pub fn counts(&self, scope: CoverageScope) -> (usize, usize) {
        let points = self.operations.iter().flat_map(|operation| &operation.points);
        let counted = points.filter(|point| scope.counts(point.kind));
        counted.fold((0, 0), |(touched, all), point| (touched + usize::from(point.touched), all + 1))
    }

    /// The percentage of a scope that was touched, from 0 to 100; 100 where there is nothing to touch.
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    pub fn percent(&self, scope: CoverageScope) -> f64 {
        match self.counts(scope) {
            (_, 0) => 100.0,
            (touched, all) => touched as f64 * 100.0 / all as f64,
        }
    }

    /// What of a scope was not touched: operation, kind and name.
    pub(crate) fn untouched(&self, scope: CoverageScope) -> impl Iterator<Item = (&OperationCoverage, &PointCoverage)> {
        self.operations.iter().flat_map(move |operation| {
            let points = operation.points.iter().filter(move |point| !point.touched && scope.counts(point.kind));
            points.map(move |point| (operation, point))
        })
    }

    /// Takes over what another run touched: points are the same by operation, kind and name. What this
    /// contract does not declare is left out.
    pub(crate) fn merge(&mut self, other: &Self) {
        let known: BTreeMap<&str, &OperationCoverage> =
            other.operations.iter().map(|operation| (operation.name.as_str(), operation)).collect();
        for operation in &mut self.operations {
            let Some(other) = known.get(operation.name.as_str()) else { continue };
            operation.calls += other.calls;
            let touched = touched(other);
            for point in &mut operation.points {
                point.touched |= touched.contains(&(point.kind, point.name.as_str()));
            }
        }
    }

    /// Adds what was [named](Touches::named) to what was named before, of whatever contract either is.
    pub(super) fn add(&mut self, named: &Self) {
        let places: HashMap<String, usize> =
            self.operations.iter().enumerate().map(|(index, operation)| (operation.name.clone(), index)).collect();
        for operation in &named.operations {
            let known = places.get(&operation.name).and_then(|index| self.operations.get_mut(*index));
            let Some(known) = known else {
                self.operations.push(operation.clone());
                continue;
            };
            known.calls += operation.calls;
            let names = touched(known);
            let is_new = |point: &&PointCoverage| !names.contains(&(point.kind, point.name.as_str()));
            let new: Vec<PointCoverage> = operation.points.iter().filter(is_new).cloned().collect();
            known.points.extend(new);
        }
    }

    /// The form of `coverage.json`, version 1.
    pub fn to_json(&self) -> Value {
        let summary: Map<String, Value> = CoverageScope::ALL
            .into_iter()
            .map(|scope| {
                let (touched, all) = self.counts(scope);
                let percent = (self.percent(scope) * 100.0).round() / 100.0;
                (scope.as_str().to_owned(), json!({ "touched": touched, "all": all, "percent": percent }))
            })
            .collect();
        let operations: Vec<Value> = self.operations.iter().map(OperationCoverage::to_json).collect();
        json!({
            "version": VERSION,
            "contract": { "title": self.title, "version": self.version },
            "summary": summary,
            "operations": operations,
        })
    }

    /// Reads the form of `coverage.json`; an error says what is wrong with it.
    pub fn from_json(value: &Value) -> Result<Self, String> {
        Self::read(value).map_err(|(_, message)| message)
    }

    /// Reads the form of `coverage.json`; an error is a pointer and a message.
    pub(crate) fn read(value: &Value) -> Result<Self, (String, String)> {
        let wrong = |at: &str, message: String| Err((at.to_owned(), message));
        match value.get("version").and_then(Value::as_u64) {
            Some(VERSION) => {}
            Some(other) => {
                return wrong("/version", format!("it is version {other} of coverage.json; this is version {VERSION}"));
            }
            None => return wrong("", "it is no coverage.json: `version` is missing".to_owned()),
        }
        let text = |at: &str| value.pointer(at).and_then(Value::as_str).unwrap_or_default().to_owned();
        let Some(list) = value.get("operations").and_then(Value::as_array) else {
            return wrong("", "`operations` is missing".to_owned());
        };
        let mut operations = Vec::with_capacity(list.len());
        for (index, operation) in list.iter().enumerate() {
            let Some(operation) = OperationCoverage::from_json(operation) else {
                let message = "the operation lacks a member, or has one that cannot be read".to_owned();
                return wrong(&format!("/operations/{index}"), message);
            };
            operations.push(operation);
        }
        Ok(Self { title: text("/contract/title"), version: text("/contract/version"), operations })
    }
}

fn touched(operation: &OperationCoverage) -> HashSet<(PointKind, &str)> {
    let touched = operation.points.iter().filter(|point| point.touched);
    touched.map(|point| (point.kind, point.name.as_str())).collect()
}

impl OperationCoverage {
    fn to_json(&self) -> Value {
        let point = |point: &PointCoverage| {
            let mut members = json!({ "kind": point.kind.as_str(), "name": point.name, "touched": point.touched });
            if let Some(place) = &point.place {
                members["contract"] = Value::String(place.to_string());
            }
            members
        };
        json!({
            "operation": self.name,
            "operation_id": self.operation_id,
            "calls": self.calls,
            "points": self.points.iter().map(point).collect::<Vec<_>>(),
        })
    }

    fn from_json(value: &Value) -> Option<Self> {
        let point = |value: &Value| {
            let kind = value.get("kind")?.as_str()?;
            Some(PointCoverage {
                kind: PointKind::ALL.into_iter().find(|known| known.as_str() == kind)?,
                name: value.get("name")?.as_str()?.to_owned(),
                touched: value.get("touched")?.as_bool()?,
                place: None,
            })
        };
        Some(Self {
            name: value.get("operation")?.as_str()?.to_owned(),
            operation_id: value.get("operation_id").and_then(Value::as_str).map(ToOwned::to_owned),
            calls: value.get("calls").and_then(Value::as_u64)?,
            points: value.get("points")?.as_array()?.iter().map(point).collect::<Option<_>>()?,
        })
    }
}
