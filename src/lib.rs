//! An in-memory stand-in for the ChatKitty Application API, and for any OpenAPI 3 contract.

pub mod diagnostic;
mod source;
