//! What was exchanged, and the verdict on it.
//!
//! The journal is bounded in entries and bytes; the counts behind the verdict are not cut with it.

mod exchange;
mod journal;
mod mask;
mod report;

pub use exchange::{Exchange, Verdict};
pub(crate) use exchange::{Kept, KeptChanges};
pub(crate) use journal::{Filter, Journal};
pub use report::Report;
