//! Batches, padding and changing shapes.

use std::collections::BTreeSet;

use super::agree;
use super::rows::{Row, batch, both_batches, has_mask};
use super::tasks;
use crate::testkit::reference::GraphCase;
use crate::testkit::{Failure, Probe, Skill, Verdict};

/// A padded batch gives what its members give one by one: for every recorded batch of every
/// graph, and for the task's own batch call, also when it has to split the batch. Of a graph that
/// takes two batches, texts and media, each text runs with all media and the other way round.
///
/// # Errors
/// Of stage `mismatch`; `resolve` when no batch is recorded, or no padding where a graph takes
/// a mask.
pub fn batch_equals_singles(probe: &Probe<'_>) -> Verdict {
    let skill = probe.load()?;
    for graph in probe.reference.graph_names() {
        let batches: Vec<_> = probe.reference.graph(graph).filter(|it| batch(it) > 1).collect();
        probe.recorded(&batches, &format!("batch of graph `{graph}`"))?;
        if !both_batches(&batches) {
            return Err(Failure::resolve(format!(
                "graph `{graph}` takes two batches, and one of them has never more than one row"
            )));
        }
        let mut padded = 0;
        for case in &batches {
            padded += batch_of_graph(probe, &skill, case)?;
        }
        let masked: Vec<_> = batches.iter().filter(|it| has_mask(it)).collect();
        if !masked.is_empty() && padded == 0 {
            return Err(Failure::resolve(format!(
                "the recorded batches of graph `{graph}` have no padding, so its mask goes untested"
            )));
        }
    }
    tasks::batch_equals_singles(probe, &skill)
}

/// Returns how many rows had padding.
fn batch_of_graph(probe: &Probe<'_>, skill: &Skill, case: &GraphCase) -> Result<usize, Failure> {
    let tolerance = probe.own_tolerance()?;
    let session = skill.graph(probe.reference, &case.graph)?;
    let together = agree::run(session, case)?;
    agree::outputs(case, &together, tolerance)?;

    let mut padded = 0;
    for row in Row::all(case)? {
        padded += usize::from(row.padded);
        let names: Vec<_> = case.outputs.iter().map(|(name, _)| name.as_str()).collect();
        let inputs = row.inputs.iter().map(|(name, it)| (name.as_str(), it.clone())).collect();
        let what = format!("{}, {row}", agree::name(case));
        let alone =
            session.run(inputs, &names).map_err(|error| Failure::from(error).during(&what))?;
        for ((alone, together), (name, want)) in alone.iter().zip(&together).zip(&case.outputs) {
            let what = format!("{what}, output `{name}`");
            let together = row.cut(name, together)?;
            agree::tensors(&format!("{what}, against its batch"), alone, &together, tolerance)?;
            let want = row.cut(name, want)?;
            agree::tensors(&format!("{what}, against the reference"), alone, &want, tolerance)?;
        }
    }
    Ok(padded)
}

/// One loaded session serves inputs of several shapes, back and forth.
///
/// # Errors
/// Of stage `mismatch`; `resolve` when a graph's runs are all of one shape.
pub fn dynamic_shapes(probe: &Probe<'_>) -> Verdict {
    let skill = probe.load()?;
    let tolerance = probe.own_tolerance()?;
    let mut shapes = BTreeSet::new();
    for graph in probe.reference.graph_names() {
        let session = skill.graph(probe.reference, graph)?;
        let cases: Vec<_> = probe.reference.graph(graph).collect();
        let of_graph: BTreeSet<Vec<&[usize]>> = cases
            .iter()
            .map(|case| case.inputs.iter().map(|(_, it)| it.shape()).collect())
            .collect();
        if of_graph.len() < 2 {
            return Err(Failure::resolve(format!(
                "the recorded runs of graph `{graph}` are all of one shape; record another"
            )));
        }
        shapes.extend(of_graph);
        let mut first = Vec::with_capacity(cases.len());
        for case in &cases {
            let got = agree::run(session, case)?;
            agree::outputs(case, &got, tolerance)?;
            first.push(got);
        }
        // Backwards: every run but the first now follows one of another shape than before.
        for (case, first) in cases.iter().zip(&first).rev() {
            let again = agree::run(session, case)?;
            agree::outputs(case, &again, tolerance)
                .map_err(|it| it.during("the second time, after other shapes"))?;
            for ((again, first), (name, _)) in again.iter().zip(first).zip(&case.outputs) {
                let what = format!("{}, output `{name}`, the second time", agree::name(case));
                agree::tensors(&what, again, first, tolerance)?;
            }
        }
    }
    // A count of shapes is small.
    #[expect(clippy::cast_precision_loss, reason = "a handful")]
    probe.measure("shapes", shapes.len() as f64);
    Ok(())
}
