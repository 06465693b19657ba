//! Raw graphs against the recorded runs.

use accel_core::{Precision, SessionOptions, Stage};

use super::agree::{self, Agreement};
use super::hidden;
use crate::testkit::reference::GraphCase;
use crate::testkit::{Failure, Probe, Skill, Verdict};
use crate::{Dim, Tensor, TensorInfo};

/// The model loads, its inputs and outputs are as recorded, and every node is on the platform.
///
/// # Errors
/// Of the stage at which loading failed; of stage `placement`; `load` when a graph declares other
/// inputs or outputs than recorded; `resolve` when a graph was never recorded.
pub fn loads(probe: &Probe<'_>) -> Verdict {
    let skill = probe.load()?;
    let names = probe.reference.graph_names();
    if skill.sessions().len() > names.len() {
        return Err(Failure::resolve(format!(
            "the skill loads {} graphs, and runs are recorded of {} only ({})",
            skill.sessions().len(),
            names.len(),
            names.join(", ")
        )));
    }
    for name in names {
        let session = skill.graph(probe.reference, name)?;
        for case in probe.reference.graph(name) {
            declared(case, "input", session.inputs(), &case.inputs)?;
            declared(case, "output", session.outputs(), &case.outputs)?;
        }
    }
    Ok(())
}

/// Whether a graph declares exactly what a run recorded.
fn declared(
    case: &GraphCase,
    side: &str,
    infos: &[TensorInfo],
    recorded: &[(String, Tensor)],
) -> Verdict {
    let differs = |what: String| {
        Err(Failure::new(Stage::Load, format!("{}: {side} {what}", agree::name(case))))
    };
    if let Some(info) = infos.iter().find(|it| recorded.iter().all(|(name, _)| *name != it.name)) {
        return differs(format!("`{}` is declared and was not recorded", info.name));
    }
    for (name, tensor) in recorded {
        let Some(info) = infos.iter().find(|it| it.name == *name) else {
            return differs(format!("`{name}` was recorded and is not declared"));
        };
        let fits = info.dtype == tensor.dtype()
            && info.dims.len() == tensor.shape().len()
            && info.dims.iter().zip(tensor.shape()).all(|(dim, size)| match dim {
                Dim::Fixed(fixed) => fixed == size,
                Dim::Symbol(_) | Dim::Unknown => true,
            });
        if !fits {
            let is = format!("{} {:?}", tensor.dtype(), tensor.shape());
            return differs(format!("`{name}` is declared as {info} and was recorded as {is}"));
        }
    }
    Ok(())
}

/// The graph's raw outputs equal the recorded reference.
///
/// # Errors
/// Of stage `mismatch`, naming graph, case, output and worst element.
pub fn matches_reference(probe: &Probe<'_>) -> Verdict {
    let skill = probe.load()?;
    graphs_match(probe, &skill, probe.options.precision)?.record(probe);
    Ok(())
}

/// Half precision stays within its tolerance of the 32-bit reference.
///
/// # Errors
/// As [`matches_reference`]; of stage `resolve` when there is no half precision file.
pub fn fp16_matches_reference(probe: &Probe<'_>) -> Verdict {
    precision_matches(probe, Precision::Fp16)
}

/// Integer weights stay within their tolerance of the 32-bit reference.
///
/// # Errors
/// As [`matches_reference`]; of stage `resolve` when there is no file with integer weights.
pub fn int8_matches_reference(probe: &Probe<'_>) -> Verdict {
    precision_matches(probe, Precision::Int8)
}

/// Four-bit weights stay within their tolerance of the 32-bit reference.
///
/// # Errors
/// As [`matches_reference`]; of stage `resolve` when there is no file with four-bit weights.
pub fn q4_matches_reference(probe: &Probe<'_>) -> Verdict {
    precision_matches(probe, Precision::Q4)
}

fn precision_matches(probe: &Probe<'_>, precision: Precision) -> Verdict {
    let reduced = probe.load_with(&SessionOptions { precision, ..probe.options })?;
    graphs_match(probe, &reduced, precision)?.record(probe);

    // An engine that takes the 32-bit file instead would pass the wider tolerance with ease.
    let full = probe.load_with(&SessionOptions { precision: Precision::Fp32, ..probe.options })?;
    for case in &probe.reference.graphs {
        let reduced = agree::run(reduced.graph(probe.reference, &case.graph)?, case)?;
        if reduced != agree::run(full.graph(probe.reference, &case.graph)?, case)? {
            return Ok(());
        }
    }
    Err(Failure::mismatch(format!(
        "{precision} gives the very bits of fp32: the file of that precision was not used"
    )))
}

/// How well each recorded run agrees.
#[derive(Debug)]
pub(super) struct Agreements(Vec<(String, Agreement)>);

impl Agreements {
    /// Records the figures of each run and of all together.
    fn record(&self, probe: &Probe<'_>) {
        let mut all = Agreement::new();
        for (name, agreement) in &self.0 {
            agreement.record(probe, name);
            all.merge(*agreement);
        }
        all.record(probe, "all");
    }
}

/// Compares every recorded run.
pub(super) fn graphs_match(
    probe: &Probe<'_>,
    skill: &Skill,
    precision: Precision,
) -> Result<Agreements, Failure> {
    let tolerance = probe.tolerance(precision)?;
    let mut agreements = Vec::new();
    for case in probe.recorded(&probe.reference.graphs, "graph runs")? {
        let got = agree::run(skill.graph(probe.reference, &case.graph)?, case)?;
        let agreement = if precision == Precision::Fp32 {
            agree::outputs(case, &got, tolerance)?
        } else {
            let (case, got) = hidden::left_out(case, got);
            agree::outputs(&case, &got, tolerance)?
        };
        agreements.push((format!("{}.{}", case.graph, case.case), agreement));
    }
    // Again after the runs: an engine may move nodes when it first runs them.
    probe.accept(skill, &SessionOptions { precision, ..probe.options })?;
    Ok(Agreements(agreements))
}
