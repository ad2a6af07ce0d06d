//! What the tests of this room set up.

use super::{OnDrift, OnViolation, Randomness, Settings, Unseeded, World};
use crate::contract::{Contract, Options, Source};
use crate::evidence::Gates;
use crate::message::Limits;
use crate::oauth::Strictness;
use crate::resources::{Model, Overrides};
use jiff::SignedDuration;
use serde_json::Value;
use std::sync::Arc;

/// A document, served.
pub(super) fn world(document: &Value) -> World {
    let source = Source::Text { name: "t.json".to_owned(), text: document.to_string() };
    let (contract, _) = Contract::load(&source, Options::default()).unwrap();
    let model = Model::infer(&contract, &Overrides::default());
    World::new(Arc::new(contract), Arc::new(model))
}

/// The defaults, with identifiers that are the same every time and tokens that live for a minute.
pub(super) fn settings() -> Settings {
    Settings {
        on_violation: OnViolation::default(),
        on_drift: OnDrift::default(),
        unseeded: Unseeded::default(),
        seed: 0,
        randomness: Randomness::Seeded(0),
        token_ttl: SignedDuration::from_secs(60),
        strict_oauth: Strictness::default(),
        gates: Gates::default(),
        earlier: None,
        limits: Limits::default(),
    }
}
