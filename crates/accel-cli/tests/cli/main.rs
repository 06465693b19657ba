//! The command, run as its users run it.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod doctor;
mod explain;
mod estimate;
mod classify;
mod graph;
mod hardware;
#[cfg(unix)]
mod install;
mod list;
mod models;
mod selection;
mod support;
mod wrong;
