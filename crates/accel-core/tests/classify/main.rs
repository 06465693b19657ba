//! The classifier on labelled models of the Hub. `labelled_dev.tsv` is what its rules and its
//! confidence were made with; `labelled_held_out.tsv` was split off before, and only measures.
//!
//! `cargo test -p accel-core --test classify -- --nocapture` prints the figures.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod coverage;
mod hostile;
mod labelled;
