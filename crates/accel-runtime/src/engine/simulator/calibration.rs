//! How predictions are fitted to measurements.

use serde::Serialize;

use super::prediction::Prediction;
use super::profile::Profile;
use crate::{Error, Result};

/// A prediction and the time that was measured for the same runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Measurement {
    /// Id of the profile that the prediction was made with.
    pub profile: String,
    /// Predicted time of the nodes' work, as before any calibration, in milliseconds.
    pub work_ms: f64,
    /// Predicted time of starting the nodes, as before any calibration, in milliseconds.
    pub dispatch_ms: f64,
    /// Predicted time of transfers, in milliseconds; not fitted.
    pub transfer_ms: f64,
    /// What was measured on the device, in milliseconds.
    pub measured_ms: f64,
}

impl Measurement {
    /// What was measured for the runs of a prediction.
    pub fn of(prediction: &Prediction, measured_ms: f64) -> Self {
        Self {
            profile: prediction.profile.clone(),
            work_ms: prediction.uncalibrated_work_ms,
            dispatch_ms: prediction.uncalibrated_dispatch_ms,
            transfer_ms: prediction.predicted_transfer_ms,
            measured_ms,
        }
    }
}

/// Factors that fit predictions to measurements.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Calibration {
    /// Factor of the nodes' work.
    pub work: f64,
    /// Factor of starting the nodes.
    pub dispatch: f64,
    /// Number of measurements.
    pub measurements: usize,
    /// Root of the mean square of (prediction − measurement) ÷ measurement.
    pub residual: f64,
}

impl Profile {
    /// This profile with its predictions fitted to measurements of the device: one factor for the
    /// nodes' work and one for starting them, by least squares of the relative differences, none
    /// negative.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for fewer than two measurements, one of another profile, or
    /// times that are not positive.
    pub fn calibrated(&self, measurements: &[Measurement]) -> Result<Self> {
        let refuse = |given: String, expected: &str| Error::InvalidArgument {
            argument: "measurements",
            given,
            expected: expected.to_owned(),
        };
        if measurements.len() < 2 {
            return Err(refuse(measurements.len().to_string(), "at least 2, of different sizes"));
        }
        if let Some(it) = measurements.iter().find(|it| it.profile != self.id) {
            return Err(refuse(format!("one of `{}`", it.profile), "measurements of this profile"));
        }
        let mut rows = Vec::with_capacity(measurements.len());
        for it in measurements {
            let goal = it.measured_ms - it.transfer_ms;
            let parts = [it.work_ms, it.dispatch_ms, it.transfer_ms];
            let is_good = parts.iter().all(|it| it.is_finite() && *it >= 0.0);
            if !(is_good && it.measured_ms.is_finite() && it.measured_ms > 0.0) {
                return Err(refuse(format!("{it:?}"), "finite times, the measured one positive"));
            }
            let scale = 1.0 / it.measured_ms;
            rows.push([it.work_ms * scale, it.dispatch_ms * scale, goal * scale]);
        }
        let (work, dispatch) = fit(&rows)
            .ok_or_else(|| refuse("times of no work".to_owned(), "runs that do some work"))?;
        let squares = rows.iter().map(|[a, b, goal]| (work * a + dispatch * b - goal).powi(2));
        #[expect(clippy::cast_precision_loss, reason = "a count of measurements")]
        let residual = (squares.sum::<f64>() / rows.len() as f64).sqrt();
        let calibration = Calibration { work, dispatch, measurements: rows.len(), residual };
        Ok(Self { calibration: Some(calibration), ..self.clone() })
    }
}

/// The factors x, y ≥ 0 that make x·a + y·b closest to the goals of `rows`.
fn fit(rows: &[[f64; 3]]) -> Option<(f64, f64)> {
    let sum = |i: usize, j: usize| rows.iter().map(|it| it[i] * it[j]).sum::<f64>();
    let (aa, ab, bb, ag, bg) = (sum(0, 0), sum(0, 1), sum(1, 1), sum(0, 2), sum(1, 2));
    let alone = |square: f64, goal: f64| (square > 0.0).then(|| (goal / square).max(0.0));
    let determinant = aa * bb - ab * ab;
    // Runs of one size say nothing about the two parts: then one factor serves both.
    if determinant <= 1e-9 * aa * bb {
        let both = alone(aa + 2.0 * ab + bb, ag + bg)?;
        return Some((both, both));
    }
    let work = (ag * bb - bg * ab) / determinant;
    let dispatch = (bg * aa - ag * ab) / determinant;
    if work < 0.0 {
        return Some((0.0, alone(bb, bg)?));
    }
    if dispatch < 0.0 {
        return Some((alone(aa, ag)?, 0.0));
    }
    Some((work, dispatch))
}
