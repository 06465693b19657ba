//! Levels, choice of devices, distribution, recommendations and pool settings, from outside.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod compatibility;
mod distribution;
mod machines;
mod models;
mod pool;
mod ranking;
mod selection;
