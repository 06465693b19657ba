//! The command, run as its users run it.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod classify;
mod doctor;
mod estimate;
mod explain;
mod graph;
mod hardware;
#[cfg(unix)]
mod install;
mod list;
mod models;
mod selection;
mod simulate;
mod support;
mod wrong;
