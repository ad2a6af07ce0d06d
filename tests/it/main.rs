//! Integration tests: the library, the binary, and other people's clients against it.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot go on fails; figures are for its reader"
)]

#[cfg(feature = "cli")]
mod audit;
#[cfg(feature = "cli")]
mod chaos;
#[cfg(feature = "cli")]
mod check;
#[cfg(feature = "cli")]
mod check_formats;
#[cfg(feature = "cli")]
mod command_line;
mod conformance;
mod control_plane;
#[cfg(feature = "dashboard")]
mod dashboard;
mod data_plane;
#[cfg(feature = "cli")]
mod documents;
mod editions;
#[cfg(feature = "cli")]
mod explain_state;
mod following;
mod fuzzing;
#[cfg(feature = "cli")]
mod http;
mod isolation;
#[cfg(feature = "cli")]
mod json_schema_suite;
mod library;
mod limits;
mod malformed;
mod model;
mod oauth;
#[cfg(feature = "cli")]
mod openapi_core;
mod origins;
mod properties;
#[cfg(feature = "cli")]
mod public_documents;
#[cfg(feature = "cli")]
mod reach;
#[cfg(feature = "cli")]
mod real_parts;
mod recordings;
#[cfg(feature = "cli")]
mod reload;
#[cfg(feature = "cli")]
mod report_readers;
#[cfg(feature = "cli")]
mod reports;
mod secrets;
mod selection;
#[cfg(feature = "cli")]
mod sockets;
#[cfg(feature = "cli")]
mod stopping;
mod stories;
mod tenants;
mod tidy;
#[cfg(feature = "cli")]
mod tls;
mod wire;
