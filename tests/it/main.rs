//! Integration tests.
mod conformance;
mod control_plane;
mod data_plane;
mod library;
mod tidy;
