//! What onnxruntime-web 1.30 computes otherwise than ONNX defines it, without an error, found with
//! the ONNX project's own tests.

use accel_core::Engine as EngineName;

use super::driver::Purpose;
use crate::Result;
use crate::engine::refusals::{self, Wrong};
use crate::model::{Node, OnnxGraph};

/// Refuses a graph with such a node.
///
/// # Errors
/// [`Error::UnsupportedOperator`](crate::Error::UnsupportedOperator).
pub(super) fn refuse(graph: &OnnxGraph, purpose: Purpose) -> Result<()> {
    match purpose {
        Purpose::Webgpu(_) => refusals::refuse(graph, EngineName::Browser, on_webgpu),
        Purpose::Webnn => refusals::refuse(graph, EngineName::Browser, |node, _| on_webnn(node)),
    }
}

fn on_webgpu(node: &Node, graph: &OnnxGraph) -> Option<Wrong> {
    let differs = "on WebGPU its results differ from those of ONNX's own tests";
    if !is_standard(node) {
        return None;
    }
    match node.operator.as_str() {
        "DFT" => Some(Wrong::but_for_ort("DFT", differs)),
        "Mish" => Some(Wrong::but_for_ort("Mish", differs)),
        "Resize" if refusals::aligns_corners_of_no_size(node, graph) => Some(Wrong::everywhere(
            "Resize (coordinate_transformation_mode=align_corners, by a scale that is no integer)",
            differs,
        )),
        _ => None,
    }
}

fn on_webnn(node: &Node) -> Option<Wrong> {
    let differs = "on WebNN its results differ from those of ONNX's own tests";
    if !is_standard(node) {
        return None;
    }
    let is = |attribute| node.integer(attribute) == Some(1);
    let pads = || {
        node.text("auto_pad").is_some_and(|it| it.starts_with("SAME"))
            || node.attribute("pads").is_some_and(|it| it.integers.iter().any(|it| *it != 0))
    };
    match node.operator.as_str() {
        "ArgMax" if is("select_last_index") => {
            Some(Wrong::but_for_ort("ArgMax (select_last_index=1)", differs))
        }
        "ArgMin" if is("select_last_index") => {
            Some(Wrong::but_for_ort("ArgMin (select_last_index=1)", differs))
        }
        "AveragePool" if pads() || is("ceil_mode") => {
            Some(Wrong::but_for_ort("AveragePool (padded, or ceil_mode=1)", differs))
        }
        "LpPool" => Some(Wrong::but_for_ort("LpPool", differs)),
        "Gelu" if node.text("approximate") == Some("tanh") => {
            Some(Wrong::but_for_ort("Gelu (approximate=tanh)", differs))
        }
        "Mish" => Some(Wrong::but_for_ort("Mish", differs)),
        _ => None,
    }
}

fn is_standard(node: &Node) -> bool {
    matches!(node.domain.as_str(), "" | "ai.onnx")
}
