//! An in-memory stand-in for the ChatKitty Application API, and for any OpenAPI 3 contract, that checks every
//! request and every response and says which line is wrong.
//!
//! ```
//! use chatkitty_mock::MockServer;
//!
//! let mock = MockServer::start();
//! let app = mock.application("development");
//!
//! let request = http::Request::get("/v1/application/settings")
//!     .header("authorization", format!("Bearer {}", app.token()))
//!     .body("")?;
//! let response = mock.handle(request);
//! assert_eq!(response.status(), 200);
//! mock.verify();
//! # Ok::<(), http::Error>(())
//! ```
//!
//! The rooms, bottom to top; each names only those before it: `source`, [`diagnostic`], `message`, `contract`,
//! `store`, `resources`, `fixtures`, `oauth`, `evidence`, `engine`, `control`, `server`, `remote`, `mock_server`, and the binary's `cli`.

mod contract;
mod control;
pub mod diagnostic;
mod engine;
mod evidence;
mod fixtures;
mod message;
mod mock_server;
mod oauth;
mod remote;
mod resources;
mod server;
mod source;
mod store;

pub use contract::Discriminator;
pub use engine::audit::Tally;
pub use engine::{OnDrift, OnViolation, Unseeded};
pub use evidence::{
    Coverage, CoverageScope, Exchange, Expectation, FailOn, Format, Gate, Outcome, RecordingError, Report, Unused,
    UnusedExample, Verdict,
};
pub use mock_server::{
    Application, Audit, Builder, Change, CheckOutcome, Clock, ContractInfo, Edition, Error, MockServer, ResourceError,
    Snapshot, Time, UnknownQuery, Violated,
};
pub use resources::StateExplanation;
pub use source::{Focus, SourceFile};

/// The README's Rust blocks are tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
