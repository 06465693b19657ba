//! Placeholder until the falsification tests arrive.
