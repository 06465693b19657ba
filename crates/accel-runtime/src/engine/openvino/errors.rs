//! What OpenVINO says, as errors of this crate.

use accel_core::Engine as EngineName;
use openvino::InferenceError;

use crate::Error;
use crate::engine::alternatives;
use crate::model::GraphFiles;

/// More than this is a stack of checks that says nothing new.
const LONGEST: usize = 600;

/// OpenVINO's message in one line, without the places in its source code.
pub(super) fn text(error: &InferenceError) -> String {
    let message = error.message.as_deref().unwrap_or_default();
    let lines = message
        .lines()
        .map(str::trim)
        .filter(|it| !it.is_empty() && !it.starts_with("Exception from "));
    let mut text = lines.collect::<Vec<_>>().join("; ");
    if text.is_empty() {
        return error.kind.to_string();
    }
    if let Some((end, _)) = text.char_indices().nth(LONGEST) {
        text.truncate(end);
        text.push('…');
    }
    text
}

/// The error of a graph that OpenVINO does not read or compile.
pub(super) fn load(error: &InferenceError, graph: &GraphFiles) -> Error {
    let message = error.message.as_deref().unwrap_or_default();
    if let Some((operator, node)) = unsupported(message, graph) {
        return Error::UnsupportedOperator {
            alternatives: alternatives::to_openvino(&operator),
            operator,
            node,
            engine: EngineName::Openvino,
            why: "OpenVINO has no conversion of it".to_owned(),
        };
    }
    let path = graph.path.clone();
    if ["protobuf", "Failed to parse", "Unable to read the model", "can't be parsed"]
        .iter()
        .any(|it| message.contains(it))
    {
        return Error::CorruptModel { path, reason: text(error) };
    }
    Error::Load { engine: EngineName::Openvino, path, reason: text(error) }
}

/// The operator that OpenVINO says it cannot convert, and a node of it.
fn unsupported(message: &str, graph: &GraphFiles) -> Option<(String, String)> {
    let says =
        ["does not support the following ONNX operations", "No conversion rule", "unsupported"];
    if !says.iter().any(|it| message.contains(it)) {
        return None;
    }
    let nodes = graph.onnx.nodes.iter().chain(&graph.onnx.inner_nodes);
    nodes
        .map(|node| (named(node), node))
        .find(|(name, _)| mentions(message, name))
        .map(|(name, node)| (name, node.name.clone()))
}

/// `domain.operator`, or the operator of ONNX alone.
fn named(node: &crate::model::Node) -> String {
    match node.domain.as_str() {
        "" | "ai.onnx" => node.operator.clone(),
        domain => format!("{domain}.{}", node.operator),
    }
}

/// Whether the name stands in the message as a word of its own.
fn mentions(message: &str, name: &str) -> bool {
    let part = |it: char| it.is_alphanumeric() || it == '_';
    message.match_indices(name).any(|(at, _)| {
        !message[..at].ends_with(part) && !message[at + name.len()..].starts_with(part)
    })
}
