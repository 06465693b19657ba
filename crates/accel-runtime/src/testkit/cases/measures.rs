//! Figures that are recorded, never asserted as times. What is asserted: the results are right
//! while they are taken, and every figure is a positive number.

use std::time::Instant;

use accel_core::SessionOptions;

use super::agree;
use super::rows::{Row, batch};
use super::{memory, tasks};
use crate::testkit::reference::GraphCase;
use crate::testkit::{Failure, Probe, Verdict};
use crate::{ModelDir, Session};

/// Runs of which the median is taken.
const RUNS: usize = 7;
/// Runs that are enough once they took [`LONG_MS`] together: what varies is small against them.
const FEWEST_RUNS: usize = 3;
const LONG_MS: f64 = 1e3;
const BATCHES: [usize; 3] = [1, 2, 4];

/// Latency, throughput and memory are recorded.
///
/// # Errors
/// Of stage `mismatch` when a measured run gave a wrong result, or a figure is not a positive
/// number.
pub fn measures(probe: &Probe<'_>) -> Verdict {
    let memory = memory::Peak::start();
    let start = Instant::now();
    let skill = probe.load()?;
    positive(probe, "load_ms", milliseconds(start))?;
    let bytes = weights_bytes(probe, &probe.options)?;
    positive(probe, "weights_bytes", bytes)?;
    for graph in probe.reference.graph_names() {
        let session = skill.graph(probe.reference, graph)?;
        let cases: Vec<_> = probe.reference.graph(graph).collect();
        lengths(probe, session, &cases)?;
        let first = cases.iter().min_by_key(|it| batch(it));
        if let Some(case) = first {
            throughput(probe, session, case)?;
        }
    }
    tasks::measure(probe, &skill)?;
    // Of the whole process: what other cases of this process left behind is in it.
    if let Some(bytes) = memory.and_then(|it| it.bytes()) {
        positive(probe, "process_peak_rss_bytes", bytes)?;
    }
    Ok(())
}

/// Bytes of the files that the skill's graphs lie in.
pub(super) fn weights_bytes(probe: &Probe<'_>, options: &SessionOptions) -> Result<f64, Failure> {
    let dir = ModelDir::open(probe.source.path())?;
    let mut bytes = 0;
    for graph in probe.reference.graph_names() {
        bytes += dir.graph(graph, options.precision)?.bytes;
    }
    #[expect(clippy::cast_precision_loss, reason = "bytes of a model are below 2^53")]
    let bytes = bytes as f64;
    Ok(bytes)
}

/// How latency grows with the length of the input: every recorded run, timed.
fn lengths(probe: &Probe<'_>, session: &dyn Session, cases: &[&GraphCase]) -> Verdict {
    let tolerance = probe.own_tolerance()?;
    for (index, case) in cases.iter().enumerate() {
        let prefix = format!("{}.{}", case.graph, case.case);
        let (first_run, latency) = latencies(|| {
            let start = Instant::now();
            let got = agree::run(session, case)?;
            let elapsed = milliseconds(start);
            agree::outputs(case, &got, tolerance)?;
            Ok(elapsed)
        })?;
        if index == 0 {
            // Of the session, which may compile or allocate on it.
            positive(probe, &format!("{}.first_run_ms", case.graph), first_run)?;
        }
        positive(probe, &format!("{prefix}.latency_ms"), latency)?;
        let sizes = case.inputs.first().map(|(_, it)| it.shape()).unwrap_or_default();
        for (name, axis) in [("rows", 0), ("tokens", 1)] {
            // Images have no tokens; their first input has four dimensions.
            if axis == 0 || sizes.len() == 2 {
                let size = sizes.get(axis).copied().unwrap_or(0);
                #[expect(clippy::cast_precision_loss, reason = "a small count")]
                positive(probe, &format!("{prefix}.{name}"), size as f64)?;
            }
        }
    }
    Ok(())
}

/// Rows a second at several batch sizes, each made of copies of one recorded row. Of a graph that
/// takes two batches, a row is one of each.
fn throughput(probe: &Probe<'_>, session: &dyn Session, case: &GraphCase) -> Verdict {
    let tolerance = probe.own_tolerance()?;
    let row = Row::first(case)?;
    let names: Vec<_> = case.outputs.iter().map(|(name, _)| name.as_str()).collect();
    for size in BATCHES {
        let inputs: Vec<_> = row
            .inputs
            .iter()
            .map(|(name, it)| Ok((name.as_str(), row.repeat(name, it, size)?)))
            .collect::<Result<_, Failure>>()?;
        let (_, latency) = latencies(|| {
            let inputs = inputs.clone();
            let start = Instant::now();
            let got = session.run(inputs, &names)?;
            let elapsed = milliseconds(start);
            for (got, (name, want)) in got.iter().zip(&case.outputs) {
                let want = row.repeat(name, &row.cut(name, want)?, size)?;
                let what = format!("output `{name}` of {size} equal rows");
                agree::tensors(&what, got, &want, tolerance)?;
            }
            Ok(elapsed)
        })?;
        #[expect(clippy::cast_precision_loss, reason = "at most 4")]
        let rows = size as f64;
        let name = format!("{}.batch_{size}.rows_per_s", case.graph);
        positive(probe, &name, rows * 1e3 / latency)?;
    }
    Ok(())
}

/// The first run, which is not counted, and the median of those after it, in milliseconds.
fn latencies(mut run: impl FnMut() -> Result<f64, Failure>) -> Result<(f64, f64), Failure> {
    let first = run()?;
    let mut later = Vec::with_capacity(RUNS);
    while later.len() < FEWEST_RUNS || later.len() < RUNS && later.iter().sum::<f64>() < LONG_MS {
        later.push(run()?);
    }
    Ok((first, median(&mut later)))
}

/// Records a figure that only makes sense above zero.
pub(super) fn positive(probe: &Probe<'_>, name: &str, value: f64) -> Verdict {
    if value.is_finite() && value > 0.0 {
        probe.measure(name, value);
        return Ok(());
    }
    Err(Failure::mismatch(format!("measurement `{name}` is {value}, which it cannot be")))
}

pub(super) fn milliseconds(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1e3
}

/// The middle one; of an even number the mean of the two in the middle.
pub(super) fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => f64::NAN,
        it if it % 2 == 1 => values[middle],
        _ => f64::midpoint(values[middle - 1], values[middle]),
    }
}

#[cfg(test)]
mod tests {
    use super::{latencies, median};

    #[test]
    fn long_runs_are_repeated_less_and_the_first_is_not_counted() {
        let count = |elapsed: f64| {
            let mut runs = 0;
            let (first, median) = latencies(|| {
                runs += 1;
                Ok(if runs == 1 { 9e9 } else { elapsed })
            })
            .unwrap();
            assert!(first > 8e9 && (median - elapsed).abs() < 1e-9);
            runs
        };
        assert_eq!([1.0, 200.0, 400.0, 60_000.0].map(count), [8, 6, 4, 4]);
        assert!(latencies(|| Err(crate::testkit::Failure::mismatch("no"))).is_err());
    }

    #[test]
    fn the_median_is_in_the_middle() {
        assert!((median(&mut [3.0, 1.0, 2.0]) - 2.0).abs() < 1e-12);
        assert!((median(&mut [4.0, 1.0, 2.0, 3.0]) - 2.5).abs() < 1e-12);
        assert!(median(&mut []).is_nan());
    }
}
