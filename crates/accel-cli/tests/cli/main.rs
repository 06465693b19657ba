//! The command, run as its users run it.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod classify;
mod graph;
#[cfg(unix)]
mod install;
mod list;
mod models;
mod support;
mod wrong;
