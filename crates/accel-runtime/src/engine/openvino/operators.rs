//! What OpenVINO 2026.4 computes otherwise than ONNX defines it, without an error, found with the
//! ONNX project's own tests on its CPU plugin; and what it fails at without naming the operator.

use accel_core::Engine as EngineName;

use crate::Result;
use crate::engine::refusals::{self, Wrong};
use crate::model::{Node, OnnxGraph, ValueInfo, elem_type_name};

/// Refuses a graph with such a node.
///
/// # Errors
/// [`Error::UnsupportedOperator`](crate::Error::UnsupportedOperator).
pub(super) fn refuse(graph: &OnnxGraph) -> Result<()> {
    refusals::refuse(graph, EngineName::Openvino, wrong)
}

fn wrong(node: &Node, graph: &OnnxGraph) -> Option<Wrong> {
    if !matches!(node.domain.as_str(), "" | "ai.onnx") {
        return None;
    }
    match node.operator.as_str() {
        "Attention" => attention(node, graph),
        "GRU" | "LSTM" | "RNN" => recurrent(node),
        "Resize" => resize(node, graph),
        "BitShift" => Some(Wrong::everywhere(
            "BitShift",
            "its results are wrong at the ends of a type's range: 255 of 8 bits shifted left by 1 \
             stays 255",
        )),
        "DFT" if is(node, "onesided") => Some(Wrong::but_for_ort(
            "DFT (onesided=1)",
            "OpenVINO gives a result of other dimensions",
        )),
        "DFT" if node.has_input(2) => Some(Wrong::but_for_ort(
            "DFT (with an axis, operator set 20 and above)",
            "its result differs from ONNX's own test: 450, not 45",
        )),
        "MaxPool" if is(node, "ceil_mode") && strides_beyond_kernel(node) => {
            Some(Wrong::but_for_ort(
                "MaxPool (ceil_mode=1, strides greater than the kernel)",
                "its result has other dimensions than that of ONNX's own test",
            ))
        }
        "NonMaxSuppression" => Some(Wrong::but_for_ort(
            "NonMaxSuppression",
            "OpenVINO drops a box whose overlap is exactly the threshold, which ONNX's own test keeps",
        )),
        // Known integers, such as lengths, are not infinite.
        "ReduceMax" | "ReduceMin" if !is_integer(node, graph) => Some(Wrong::but_for_ort(
            "ReduceMax or ReduceMin (of floats)",
            "OpenVINO gives the least or greatest number where all elements are infinite or there \
             are none, and ONNX an infinite one",
        )),
        // By a constant scale ties may go to the other neighbour as well, one step of 255. That is
        // how OpenVINO runs every quantized model, and it is left to it.
        "QuantizeLinear" if !is_constant(node, graph, 1) => Some(Wrong::but_for_rten(
            "QuantizeLinear (by a computed scale)",
            "OpenVINO multiplies by the scale's reciprocal, which rounds ties otherwise",
        )),
        "ReduceLogSum" if node.has_input(1) && !is_constant(node, graph, 1) => {
            Some(Wrong::but_for_rten(
                "ReduceLogSum (over computed axes)",
                "OpenVINO does not know how many dimensions the result has",
            ))
        }
        "RoiAlign" if node.text("mode") == Some("max") => Some(Wrong::everywhere(
            "RoiAlign (mode=max)",
            "its result differs from ONNX's own test: 0.567, not 0.345",
        )),
        "SpaceToDepth" if node.text("mode") == Some("CRD") => Some(Wrong::everywhere(
            "SpaceToDepth (mode=CRD)",
            "its result differs from ONNX's own test: 36, not 9",
        )),
        "Tile" if repeats_many_axes(node, graph) => Some(Wrong::but_for_ort(
            "Tile (of three axes or more, by computed repeats)",
            "its result differs from ONNX's own test, with zeros in it",
        )),
        "TopK" if node.has_output(1) => Some(Wrong::but_for_ort(
            "TopK (with indices)",
            "OpenVINO gives the index of another of equal elements, ONNX that of the first",
        )),
        _ => None,
    }
}

fn attention(node: &Node, graph: &OnnxGraph) -> Option<Wrong> {
    let has_window =
        ["left_window_size", "right_window_size"].iter().any(|it| node.attribute(it).is_some());
    if has_window {
        return Some(Wrong::everywhere(
            "Attention (with a window)",
            "its results differ from those of ONNX's own tests of windows",
        ));
    }
    if is(node, "is_causal") && node.has_input(3) && node.has_output(3) {
        return Some(Wrong::everywhere(
            "Attention (is_causal=1, with attn_mask and qk_matmul_output)",
            "its results differ from those of ONNX's own tests: 0.514, not 0.497",
        ));
    }
    let is_bfloat16 = input(node, graph, 0).is_some_and(|it| it.type_name() == "bfloat16");
    if is(node, "is_causal") && node.has_input(6) && is_bfloat16 {
        return Some(Wrong::everywhere(
            "Attention (is_causal=1, with nonpad_kv_seqlen, of bfloat16)",
            "its result differs from ONNX's own test: 0.498, not 0",
        ));
    }
    None
}

fn recurrent(node: &Node) -> Option<Wrong> {
    let layout = "its result differs from ONNX's own test of batches first";
    match node.operator.as_str() {
        "LSTM" if node.has_input(7) => Some(Wrong::but_for_ort(
            "LSTM (with peepholes)",
            "its result differs from ONNX's own test: 0.3696, not 0.3751",
        )),
        _ if !is(node, "layout") => None,
        "GRU" => Some(Wrong::everywhere("GRU (layout=1)", layout)),
        "LSTM" => Some(Wrong::everywhere("LSTM (layout=1)", layout)),
        _ => Some(Wrong::everywhere("RNN (layout=1)", layout)),
    }
}

fn resize(node: &Node, graph: &OnnxGraph) -> Option<Wrong> {
    if refusals::aligns_corners_of_no_size(node, graph) {
        return Some(Wrong::everywhere(
            "Resize (coordinate_transformation_mode=align_corners, by a scale that is no integer)",
            "its results differ from those of ONNX's own tests: 4, not 3.143",
        ));
    }
    if is(node, "antialias") {
        return Some(Wrong::but_for_ort(
            "Resize (antialias=1)",
            "its results differ from those of ONNX's own tests: 1.833, not 2.364",
        ));
    }
    if is(node, "exclude_outside") {
        return Some(Wrong::but_for_ort(
            "Resize (exclude_outside=1)",
            "its results differ from those of ONNX's own tests: 0.648, not 0.559",
        ));
    }
    let policy = node.text("keep_aspect_ratio_policy").unwrap_or("stretch");
    (policy != "stretch").then_some(Wrong::but_for_ort(
        "Resize (keep_aspect_ratio_policy)",
        "its results have other dimensions than those of ONNX's own tests",
    ))
}

fn strides_beyond_kernel(node: &Node) -> bool {
    let [Some(strides), Some(kernel)] =
        ["strides", "kernel_shape"].map(|it| node.attribute(it).map(|it| &it.integers))
    else {
        return false;
    };
    strides.iter().zip(kernel).any(|(stride, kernel)| stride > kernel)
}

/// Whether more than two axes may be repeated, by repeats that are not all constant.
fn repeats_many_axes(node: &Node, graph: &OnnxGraph) -> bool {
    let Some(repeats) = node.inputs.get(1).filter(|it| !graph.constants.contains_key(*it)) else {
        return false;
    };
    let made = graph.nodes.iter().find(|it| it.outputs.contains(repeats));
    let Some(made) = made.filter(|it| it.operator == "Concat") else { return true };
    let is_one =
        |it: &&String| graph.constants.get(*it).is_some_and(|it| it.as_slice() == [1.0].as_slice());
    made.inputs.iter().filter(|it| !is_one(it)).count() > 2
}

/// Whether the node's first input is known to hold integers.
fn is_integer(node: &Node, graph: &OnnxGraph) -> bool {
    let is_integer_type = |it: &str| matches!(it, "int32" | "int64" | "int8" | "uint8");
    if let Some(input) = input(node, graph, 0) {
        return is_integer_type(input.type_name());
    }
    let Some(name) = node.inputs.first() else { return false };
    let made = graph.nodes.iter().chain(&graph.inner_nodes).find(|it| it.outputs.contains(name));
    made.is_some_and(|it| match it.operator.as_str() {
        "Shape" | "Size" | "NonZero" | "ArgMax" | "ArgMin" => true,
        "Cast" => it
            .integer("to")
            .and_then(|it| u64::try_from(it).ok())
            .is_some_and(|it| is_integer_type(elem_type_name(it))),
        _ => false,
    })
}

fn is_constant(node: &Node, graph: &OnnxGraph, index: usize) -> bool {
    node.inputs.get(index).is_some_and(|it| graph.constants.contains_key(it))
}

/// The graph's input that the node takes at that place.
fn input<'a>(node: &Node, graph: &'a OnnxGraph, index: usize) -> Option<&'a ValueInfo> {
    let name = node.inputs.get(index)?;
    graph.inputs.iter().find(|it| it.name == *name)
}

fn is(node: &Node, attribute: &str) -> bool {
    node.integer(attribute) == Some(1)
}
