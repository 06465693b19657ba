//! Estimates, held against what transformers says.

mod counts;
