//! Generation from the outside: what comes out, that it is always the same, and how it gets to disk.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

mod build_script;
mod dependency_rules;
mod determinism;
mod pulled_plug;
mod snapshots;
mod synthetic;
mod templates;
mod up_to_date;
