//! Integration tests.
mod library;
