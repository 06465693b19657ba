//! The testkit, tested: what generated tests rest on must itself be able to fail.
#![expect(clippy::unwrap_used, reason = "a helper that cannot go on fails its test")]

mod cells;
mod compare;
mod doubles;
mod dual_encoders;
mod images;
mod isolation;
mod outcomes;
mod real;
mod reference;
mod suite;
