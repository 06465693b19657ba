//! How far a result is from its reference.

use accel_core::Tolerance;

/// The difference between a result and its reference, element by element in 64-bit arithmetic.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Difference {
    /// Largest absolute difference; infinite when either side holds a value that is not finite.
    pub max_abs: f64,
    /// Cosine similarity of the flattened tensors. Two tensors of zeros agree (1); zeros against
    /// anything else do not (0).
    pub cosine: f64,
    /// Ratio of signal to quantisation noise in decibels: `10 * log10(sum(want^2) /
    /// sum((got - want)^2))`. Infinite when the two are equal, zeros included; negative infinity
    /// when all that is wanted is zeros and something else came.
    pub sqnr_db: f64,
    /// Index of the worst element in row-major order; 0 when there is none.
    pub worst: usize,
    /// The result's value there.
    pub got: f64,
    /// The reference's value there.
    pub want: f64,
}

impl Difference {
    /// Of `got` from `want`; `None` when their lengths differ.
    pub fn between(got: &[f32], want: &[f32]) -> Option<Self> {
        if got.len() != want.len() {
            return None;
        }
        let mut it = Self {
            max_abs: 0.0,
            cosine: 1.0,
            sqnr_db: f64::INFINITY,
            worst: 0,
            got: got.first().copied().map_or(0.0, f64::from),
            want: want.first().copied().map_or(0.0, f64::from),
        };
        let (mut dot, mut got_power, mut want_power, mut noise) = (0.0, 0.0, 0.0, 0.0);
        for (index, (&got, &want)) in got.iter().zip(want).enumerate() {
            let (got, want) = (f64::from(got), f64::from(want));
            // NaN is greater than nothing: without this line it would count as equal.
            let apart = if got.is_finite() && want.is_finite() {
                (got - want).abs()
            } else {
                f64::INFINITY
            };
            if apart > it.max_abs {
                (it.max_abs, it.worst, it.got, it.want) = (apart, index, got, want);
            }
            dot += got * want;
            got_power += got * got;
            want_power += want * want;
            noise += (got - want) * (got - want);
        }
        if got_power > 0.0 && want_power > 0.0 {
            it.cosine = dot / (got_power.sqrt() * want_power.sqrt());
        } else if got_power > 0.0 || want_power > 0.0 {
            it.cosine = 0.0;
        } else if !(got_power == 0.0 && want_power == 0.0) {
            it.cosine = f64::NAN;
        }
        if noise > 0.0 {
            it.sqnr_db = 10.0 * (want_power / noise).log10();
        } else if noise.is_nan() {
            it.sqnr_db = f64::NAN;
        }
        Some(it)
    }

    /// Whether every bound of `tolerance` holds. What is not a number is within nothing.
    pub fn within(&self, tolerance: Tolerance) -> bool {
        self.max_abs <= tolerance.max_abs
            && self.cosine >= tolerance.min_cosine
            && self.sqnr_db >= tolerance.min_sqnr_db
    }
}

/// The bound on a softmax score whose logits may be off by `max_abs`.
///
/// With `p` the score and `dz` the logits' errors, `dp = p (dz - sum of p_j dz_j)` to first order,
/// so `|dp| <= 2 p max|dz|`. The absolute term is what 32-bit rounding of the score itself takes.
pub fn score_tolerance(score: f64, max_abs: f64) -> f64 {
    2.0 * score.abs() * max_abs + 1e-7
}

/// The row-major `index` as coordinates in `shape`, for people.
pub fn coordinates(index: usize, shape: &[usize]) -> Vec<usize> {
    let mut rest = index;
    let mut coordinates = vec![0; shape.len()];
    for (axis, &size) in shape.iter().enumerate().rev() {
        if size > 0 {
            coordinates[axis] = rest % size;
            rest /= size;
        }
    }
    coordinates
}
