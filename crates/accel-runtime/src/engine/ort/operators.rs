//! What ONNX Runtime 1.31 computes otherwise than ONNX defines it, without an error, found with
//! the ONNX project's own tests; and what it fails at without naming the operator.

use accel_core::Engine as EngineName;

use crate::Result;
use crate::engine::refusals::{self, Wrong};
use crate::model::{Node, OnnxGraph};

/// Refuses a graph with such a node.
///
/// # Errors
/// [`Error::UnsupportedOperator`](crate::Error::UnsupportedOperator).
pub(super) fn refuse(graph: &OnnxGraph) -> Result<()> {
    refusals::refuse(graph, EngineName::Ort, wrong)
}

fn wrong(node: &Node, graph: &OnnxGraph) -> Option<Wrong> {
    let layout = "ONNX Runtime refuses layout=1 when it prepares the operator";
    match (node.domain.as_str(), node.operator.as_str()) {
        ("" | "ai.onnx", operator) => match operator {
            "Attention" if node.has_output(3) && node.has_input(3) && is(node, "is_causal") => {
                Some(Wrong::everywhere(
                    "Attention (is_causal=1, with attn_mask and qk_matmul_output)",
                    "ONNX Runtime gives the least number where the product is masked, ONNX \
                     minus infinity",
                ))
            }
            "MaxUnpool" if node.has_input(2) => Some(Wrong::everywhere(
                "MaxUnpool (with output_shape)",
                "its result differs from ONNX's own test: 5, not 0",
            )),
            "Resize" if refusals::aligns_corners_of_no_size(node, graph) => {
                Some(Wrong::everywhere(
                    "Resize (coordinate_transformation_mode=align_corners, by a scale that is no \
                     integer)",
                    "its results differ from those of ONNX's own tests: 4, not 3.143",
                ))
            }
            "GRU" if is(node, "layout") => Some(Wrong::everywhere("GRU (layout=1)", layout)),
            "LSTM" if is(node, "layout") => Some(Wrong::everywhere("LSTM (layout=1)", layout)),
            "RNN" if is(node, "layout") => Some(Wrong::everywhere("RNN (layout=1)", layout)),
            _ => None,
        },
        ("ai.onnx.ml", "TreeEnsemble") => Some(Wrong::everywhere(
            "ai.onnx.ml:TreeEnsemble",
            "its result differs from ONNX's own test: -12.23, not 5.23",
        )),
        _ => None,
    }
}

fn is(node: &Node, attribute: &str) -> bool {
    node.integer(attribute) == Some(1)
}
