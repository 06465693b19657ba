//! The command line from the outside: the built binary on registries in temporary folders.
#![expect(clippy::unwrap_used, reason = "what goes wrong in a test ends it")]

mod check;
mod choosing;
mod conflicts;
mod hardware;
mod json;
mod killed;
mod looking;
mod places;
mod registry;
mod run_tests;
mod support;
mod templates;
mod watching;
mod writing;
