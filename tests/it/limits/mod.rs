//! What has no bound is a way to take the server down: each limit is tried, and each input that could cost more than it is long.

mod documents;
mod requests;
mod table;
mod wire;
