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
    let wrong = |node: &Node, graph: &OnnxGraph| {
        nowhere(node, graph, purpose).or_else(|| match purpose {
            Purpose::Webgpu(_) => on_webgpu(node, graph),
            Purpose::Webnn => on_webnn(node),
        })
    };
    refusals::refuse(graph, EngineName::Browser, wrong)
}

/// What neither platform computes, in messages that do not name it.
fn nowhere(node: &Node, graph: &OnnxGraph, purpose: Purpose) -> Option<Wrong> {
    let batches = |operator| {
        (node.integer("layout") == Some(1)).then(|| {
            Wrong::everywhere(operator, "onnxruntime-web takes sequences before batches only")
        })
    };
    let is_known = |it: &Node| match it.operator.as_str() {
        "Constant" | "Shape" | "Size" => true,
        // WebNN gets the branch alone.
        "If" => purpose == Purpose::Webnn,
        _ => false,
    };
    let all_known = || graph.nodes.iter().chain(&graph.inner_nodes).all(is_known);
    if !is_standard(node) {
        return None;
    }
    match node.operator.as_str() {
        "GRU" => batches("GRU (layout=1)"),
        "LSTM" => batches("LSTM (layout=1)"),
        "RNN" => batches("RNN (layout=1)"),
        "Constant" | "Shape" | "Size" if all_known() => Some(Wrong::but_for_ort(
            "Constant, Shape and Size alone",
            "onnxruntime-web knows the result when it has loaded the graph, so that the platform \
             has nothing to compute",
        )),
        _ => None,
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
    if !is_standard(node) {
        return None;
    }
    differs_on_webnn(node)
        .map(|it| (it, "on WebNN its results differ from those of ONNX's own tests"))
        .or_else(|| {
            let aborts = "onnxruntime-web's module aborts while it compiles this for WebNN";
            aborts_on_webnn(node).map(|it| (it, aborts))
        })
        .map(|(operator, why)| Wrong::but_for_ort(operator, why))
}

/// A node that gives other results, as messages name it.
fn differs_on_webnn(node: &Node) -> Option<&'static str> {
    let is = |attribute| node.integer(attribute) == Some(1);
    let pads =
        || node.text("auto_pad").is_some_and(|it| it.starts_with("SAME")) || any(node, "pads", 0);
    Some(match node.operator.as_str() {
        "ArgMax" if is("select_last_index") => "ArgMax (select_last_index=1)",
        "ArgMin" if is("select_last_index") => "ArgMin (select_last_index=1)",
        "AveragePool" if pads() || is("ceil_mode") => "AveragePool (padded, or ceil_mode=1)",
        "LpPool" => "LpPool",
        "Gelu" if node.text("approximate") == Some("tanh") => "Gelu (approximate=tanh)",
        "Mish" => "Mish",
        _ => return None,
    })
}

/// A node that ends the module, and every session of the page with it, as messages name it.
fn aborts_on_webnn(node: &Node) -> Option<&'static str> {
    Some(match node.operator.as_str() {
        "CenterCropPad" => "CenterCropPad",
        "ConvInteger" if any(node, "pads", 0) => "ConvInteger (padded)",
        "ConvTranspose" if any(node, "pads", 0) => "ConvTranspose (padded)",
        "ConvTranspose" if any(node, "dilations", 1) => "ConvTranspose (dilated)",
        "ConvTranspose" if node.integer("group").is_some_and(|it| it != 1) => {
            "ConvTranspose (in groups)"
        }
        "MaxPool" if any(node, "dilations", 1) => "MaxPool (dilated)",
        "MaxPool" if begins_in_padding(node) => {
            "MaxPool (ceil_mode=1, where a window may begin behind the input)"
        }
        "NegativeLogLikelihoodLoss" => "NegativeLogLikelihoodLoss",
        "Pad" if node.text("mode") == Some("edge") => "Pad (mode=edge)",
        "RotaryEmbedding" if !node.has_input(3) => "RotaryEmbedding (without position_ids)",
        "ScatterElements" => "ScatterElements",
        "SoftmaxCrossEntropyLoss" => "SoftmaxCrossEntropyLoss",
        _ => return None,
    })
}

/// Whether the attribute is a row of integers with another one than `usual`.
fn any(node: &Node, attribute: &str, usual: i64) -> bool {
    node.attribute(attribute).is_some_and(|it| it.integers.iter().any(|it| *it != usual))
}

/// Whether a pooling that rounds its size up may have a last window that begins behind the input,
/// which ONNX leaves out: with a stride longer than what of the kernel is not padding.
fn begins_in_padding(node: &Node) -> bool {
    let row = |attribute| node.attribute(attribute).map_or(&[][..], |it| it.integers.as_slice());
    let (kernel, strides, pads) = (row("kernel_shape"), row("strides"), row("pads"));
    let behind = |axis: usize| {
        let stride = strides.get(axis).copied().unwrap_or(1);
        let pad = pads.get(kernel.len() + axis).copied().unwrap_or(0);
        stride.saturating_add(pad) > kernel[axis]
    };
    node.integer("ceil_mode") == Some(1) && (0..kernel.len()).any(behind)
}

fn is_standard(node: &Node) -> bool {
    matches!(node.domain.as_str(), "" | "ai.onnx")
}
