//! How far a result may be from its reference.

use serde::{Deserialize, Serialize};

/// Bounds on the difference between a tensor and its reference; all must hold.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tolerance {
    /// Largest absolute difference of any element.
    pub max_abs: f64,
    /// Smallest cosine similarity of the flattened tensors.
    pub min_cosine: f64,
    /// Smallest ratio of signal to quantisation noise in decibels:
    /// `10 * log10(sum(reference^2) / sum((result - reference)^2))`.
    pub min_sqnr_db: f64,
}
