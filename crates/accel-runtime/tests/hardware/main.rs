//! Detection over recorded and constructed machines, over nonsense, and over this machine.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail the test by panicking")]

mod bundles;
mod cache;
mod facts;
mod here;
mod hostile;
mod private;
