//! The testkit, tested: what generated tests rest on must itself be able to fail.

mod cells;
mod real;
