//! How an engine behaves.

use super::Randomness;
use crate::evidence::{Coverage, Gates};
use crate::message::Limits;
use crate::oauth::Strictness;
use jiff::SignedDuration;
use std::sync::Arc;

/// What a bad request gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnViolation {
    /// A refusal with everything that is wrong.
    #[default]
    Reject,
    /// The answer that a good request would get; the violations are recorded.
    Report,
}

/// What happens to a response that breaks the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnDrift {
    /// It is replaced by a 500 with diagnostics.
    #[default]
    Fail,
    /// It is sent, and the drift recorded.
    Report,
}

/// What answers a request whose resource has no state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Unseeded {
    /// The contract's example, else a generated instance.
    #[default]
    Example,
    /// A generated instance.
    Generate,
    /// 404.
    NotFound,
}

/// How the engine behaves.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) on_violation: OnViolation,
    pub(crate) on_drift: OnDrift,
    pub(crate) unseeded: Unseeded,
    /// The seed of generated instances.
    pub(crate) seed: u64,
    /// What tokens and credentials are made of.
    pub(crate) randomness: Randomness,
    pub(crate) token_ttl: SignedDuration,
    pub(crate) strict_oauth: Strictness,
    /// What the verdict asks for.
    pub(crate) gates: Gates,
    /// What earlier runs touched.
    pub(crate) earlier: Option<Arc<Coverage>>,
    pub(crate) limits: Limits,
}
