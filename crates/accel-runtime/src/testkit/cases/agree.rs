//! Comparing results with a reference, and with one another.

use accel_core::Tolerance;

use crate::testkit::compare::{Difference, coordinates, score_tolerance};
use crate::testkit::reference::GraphCase;
use crate::testkit::{Failure, Probe};
use crate::{Session, Tensor, TensorData};

/// The ratio of signal to noise that stands for "equal" among measurements, in decibels: JSON has
/// no infinity. Results of 32 bits that differ at all are about 150 dB apart at best.
const EQUAL_SQNR_DB: f64 = 200.0;

/// The worst of several comparisons.
#[derive(Clone, Copy, Debug)]
pub(super) struct Agreement {
    max_abs: f64,
    min_cosine: f64,
    min_sqnr_db: f64,
}

impl Agreement {
    pub(super) const fn new() -> Self {
        Self { max_abs: 0.0, min_cosine: 1.0, min_sqnr_db: f64::INFINITY }
    }

    pub(super) const fn add(&mut self, it: &Difference) {
        self.max_abs = self.max_abs.max(it.max_abs);
        self.min_cosine = self.min_cosine.min(it.cosine);
        self.min_sqnr_db = self.min_sqnr_db.min(it.sqnr_db);
    }

    pub(super) const fn max_abs(&self) -> f64 {
        self.max_abs
    }

    pub(super) const fn merge(&mut self, it: Self) {
        self.max_abs = self.max_abs.max(it.max_abs);
        self.min_cosine = self.min_cosine.min(it.min_cosine);
        self.min_sqnr_db = self.min_sqnr_db.min(it.min_sqnr_db);
    }

    /// Records the figures as `<prefix>.max_abs`, `<prefix>.min_cosine` and
    /// `<prefix>.min_sqnr_db`: the worst of all tensors. The ratio of results that are equal is
    /// infinite and is recorded as 200 dB, beside a `max_abs` of 0.
    pub(super) fn record(&self, probe: &Probe<'_>, prefix: &str) {
        probe.measure(format!("{prefix}.max_abs"), self.max_abs);
        probe.measure(format!("{prefix}.min_cosine"), self.min_cosine);
        probe.measure(format!("{prefix}.min_sqnr_db"), self.min_sqnr_db.min(EQUAL_SQNR_DB));
    }
}

/// A bound on single elements alone, of what a file's reference says it is good for.
pub(super) const fn max_abs_only(max_abs: f64) -> Tolerance {
    Tolerance { max_abs, min_cosine: -1.0, min_sqnr_db: f64::NEG_INFINITY }
}

/// Compares a tensor with its reference. Floats may be off by `tolerance`, everything else may
/// not be off at all.
pub(super) fn tensors(
    what: &str,
    got: &Tensor,
    want: &Tensor,
    tolerance: Tolerance,
) -> Result<Difference, Failure> {
    if got.shape() != want.shape() || got.dtype() != want.dtype() {
        return Err(Failure::mismatch(format!(
            "{what} is {} {:?}, want {} {:?}",
            got.dtype(),
            got.shape(),
            want.dtype(),
            want.shape()
        )));
    }
    let (got_floats, want_floats) = match (got.data(), want.data()) {
        (TensorData::F32(got), TensorData::F32(want)) => (got, want),
        (got, want) if got == want => return Ok(EQUAL),
        _ => return Err(Failure::mismatch(format!("{what}: {} elements differ", got.dtype()))),
    };
    floats(what, got_floats, want_floats, want.shape(), tolerance)
}

/// Compares floats of a common `shape`.
pub(super) fn floats(
    what: &str,
    got: &[f32],
    want: &[f32],
    shape: &[usize],
    tolerance: Tolerance,
) -> Result<Difference, Failure> {
    let Some(difference) = Difference::between(got, want) else {
        return Err(Failure::mismatch(format!(
            "{what} has {} elements, want {}",
            got.len(),
            want.len()
        )));
    };
    if difference.within(tolerance) {
        return Ok(difference);
    }
    Err(Failure::mismatch(format!(
        "{what} is off, most at {:?}: got {}, want {}; max abs {:.3e} (may be {:.1e}), \
         cosine {:.7} (at least {}), signal to noise {:.1} dB (at least {})",
        coordinates(difference.worst, shape),
        difference.got,
        difference.want,
        difference.max_abs,
        tolerance.max_abs,
        difference.cosine,
        tolerance.min_cosine,
        difference.sqnr_db,
        tolerance.min_sqnr_db
    )))
}

const EQUAL: Difference =
    Difference { max_abs: 0.0, cosine: 1.0, sqnr_db: f64::INFINITY, worst: 0, got: 0.0, want: 0.0 };

/// Runs a recorded case and gives its outputs in the order recorded.
pub(super) fn run(session: &dyn Session, case: &GraphCase) -> Result<Vec<Tensor>, Failure> {
    let inputs: Vec<_> = case.inputs.iter().map(|(name, it)| (name.as_str(), it.clone())).collect();
    let outputs: Vec<_> = case.outputs.iter().map(|(name, _)| name.as_str()).collect();
    session.run(inputs, &outputs).map_err(|error| Failure::from(error).during(name(case)))
}

/// Compares the outputs of a recorded case.
pub(super) fn outputs(
    case: &GraphCase,
    got: &[Tensor],
    tolerance: Tolerance,
) -> Result<Agreement, Failure> {
    let mut agreement = Agreement::new();
    if got.len() != case.outputs.len() {
        let counts = format!("{} outputs, want {}", got.len(), case.outputs.len());
        return Err(Failure::mismatch(format!("{}: {counts}", name(case))));
    }
    for (got, (output, want)) in got.iter().zip(&case.outputs) {
        let what = format!("{}, output `{output}`", name(case));
        agreement.add(&tensors(&what, got, want, tolerance)?);
    }
    Ok(agreement)
}

/// A recorded case as messages name it.
pub(super) fn name(case: &GraphCase) -> String {
    format!("graph `{}`, case `{}`", case.graph, case.case)
}

/// A name and a score, got and wanted, the most likely first.
pub(super) struct Scored {
    pub(super) name: String,
    pub(super) score: f64,
}

/// Compares two rankings: the same names in the same order with scores that are close. Two names
/// may change places only where their recorded scores are themselves closer than the scores'
/// tolerance: there the order says nothing.
pub(super) fn rankings(
    what: &str,
    got: &[Scored],
    want: &[Scored],
    max_abs: f64,
    recorded_tolerance: f64,
) -> Result<(), Failure> {
    if got.len() != want.len() {
        let counts = format!("{} answers, want {}", got.len(), want.len());
        return Err(Failure::mismatch(format!("{what}: {counts}")));
    }
    for (rank, (is, should)) in got.iter().zip(want).enumerate() {
        let tolerance = score_tolerance(should.score, max_abs).max(recorded_tolerance);
        let close = |score: f64| (is.score - score).abs() <= tolerance;
        // The score that was recorded for this name, wherever it stands.
        let own = want.iter().find(|it| it.name == is.name).map(|it| it.score);
        if close(should.score) && own.is_some_and(close) {
            continue;
        }
        return Err(Failure::mismatch(format!(
            "{what}, rank {}: got `{}` with {:.8}, want `{}` with {:.8} (may be off by {tolerance:.1e})",
            rank + 1,
            is.name,
            is.score,
            should.name,
            should.score
        )));
    }
    // Names at close scores could still repeat one another.
    if let Some(it) = want.iter().find(|it| got.iter().all(|is| is.name != it.name)) {
        return Err(Failure::mismatch(format!("{what}: `{}` is missing", it.name)));
    }
    Ok(())
}
