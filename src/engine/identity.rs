//! Identifiers: tokens, client ids and client secrets.

use std::sync::atomic::{AtomicU64, Ordering};

/// What tokens and credentials are made of.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Randomness {
    /// The same seed and the same requests give the same ones, and whoever knows one can work out the others.
    Seeded(u64),
    /// Each is drawn from outside, and no other tells of it.
    Drawn(fn() -> u128),
}

/// The source of one server's identifiers.
pub(super) struct Identities {
    randomness: Randomness,
    state: AtomicU64,
}

impl Identities {
    pub(super) fn new(randomness: Randomness) -> Self {
        let seed = match randomness {
            Randomness::Seeded(seed) => seed,
            Randomness::Drawn(_) => 0,
        };
        Self { randomness, state: AtomicU64::new(seed) }
    }

    /// A version 4 UUID.
    pub(super) fn uuid(&self) -> String {
        let bits = match self.randomness {
            Randomness::Seeded(_) => u128::from(self.next()) << 64 | u128::from(self.next()),
            Randomness::Drawn(draw) => draw(),
        };
        uuid::Builder::from_random_bytes(bits.to_be_bytes()).into_uuid().to_string()
    }

    /// SplitMix64 over a shared counter: each caller gets a number of its own.
    fn next(&self) -> u64 {
        const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;
        let mut mixed = self.state.fetch_add(GOLDEN, Ordering::Relaxed).wrapping_add(GOLDEN);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}
