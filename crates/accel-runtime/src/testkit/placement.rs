//! Whether nodes ran where they were told to, as a failure of a case.

use accel_core::{Platform, SessionOptions, Stage};

use super::Failure;
use crate::{Placement, diagnosis};

/// As [`diagnosis::check_placement`].
///
/// # Errors
/// A [`Failure`] of the placement stage.
pub fn check(
    placement: &Placement,
    platform: Platform,
    options: &SessionOptions,
) -> Result<f64, Failure> {
    diagnosis::check_placement(placement, platform, options)
        .map_err(|why| Failure::new(Stage::Placement, why))
}
