//! What several commands take.

use accel_core::Vocabulary;
use clap::ValueEnum;

/// How a result is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Text
    Human,
    /// One versioned JSON document
    Json,
}

/// A member of a vocabulary, by name.
pub(crate) fn member<V: Vocabulary>(name: &str) -> Result<V, accel_core::UnknownName> {
    V::parse(name.trim())
}
