//! Estimates, held against what transformers says and against sums made by hand.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod counts;
mod memory;
mod refusals;
