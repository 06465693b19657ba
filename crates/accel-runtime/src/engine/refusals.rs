//! Nodes that an engine computes wrongly are refused before it sees them.

use accel_core::Engine as EngineName;

use crate::model::{Node, OnnxGraph};
use crate::{Error, Result};

/// What is refused, as messages name it, why, and which engines compute it rightly.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wrong {
    pub(super) operator: &'static str,
    pub(super) why: &'static str,
    pub(super) alternatives: &'static [EngineName],
}

impl Wrong {
    /// One that no engine is known to compute rightly.
    pub(super) const fn everywhere(operator: &'static str, why: &'static str) -> Self {
        Self { operator, why, alternatives: &[] }
    }

    /// One that the embedded engine computes rightly.
    pub(super) const fn but_for_rten(operator: &'static str, why: &'static str) -> Self {
        Self { operator, why, alternatives: &[EngineName::Rten] }
    }

    /// One that ONNX Runtime computes rightly.
    pub(super) const fn but_for_ort(operator: &'static str, why: &'static str) -> Self {
        Self { operator, why, alternatives: &[EngineName::Ort] }
    }
}

/// Refuses the first node that `wrong` knows, bodies of control flow included.
///
/// # Errors
/// [`Error::UnsupportedOperator`].
pub(super) fn refuse(
    graph: &OnnxGraph,
    engine: EngineName,
    wrong: impl Fn(&Node, &OnnxGraph) -> Option<Wrong>,
) -> Result<()> {
    for node in graph.nodes.iter().chain(&graph.inner_nodes) {
        if let Some(it) = wrong(node, graph) {
            return Err(Error::UnsupportedOperator {
                operator: it.operator.to_owned(),
                node: node.name.clone(),
                engine,
                why: it.why.to_owned(),
                alternatives: it.alternatives.to_vec(),
            });
        }
    }
    Ok(())
}

/// Whether a `Resize` aligns corners and is given a scale that is not known to be an integer.
/// ONNX's corners are then those of a size that is none; engines take the whole part of it.
pub(super) fn aligns_corners_of_no_size(node: &Node, graph: &OnnxGraph) -> bool {
    let scales = node.inputs.get(2).and_then(|it| graph.constants.get(it));
    let is_whole = |it: &Vec<f64>| !it.is_empty() && it.iter().all(|it| it.fract().abs() <= 0.0);
    node.text("coordinate_transformation_mode") == Some("align_corners")
        && node.has_input(2)
        && !node.has_input(3)
        && !scales.is_some_and(is_whole)
}
