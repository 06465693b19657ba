//! Operators that rten 0.27 computes without an error and wrongly.

use rten_onnx::onnx::{AttributeProto, NodeProto};

use crate::model::Node;

/// A kind of node that is rewritten before rten sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rewritten {
    /// rten returns the last of equal maxima, ONNX the first, or the last on request.
    ArgMax,
    /// The same of minima.
    ArgMin,
    /// rten interpolates linearly where the graph asks for cubic.
    CubicResize,
}

impl Rewritten {
    /// The operator, as messages name it.
    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::ArgMax => "ArgMax",
            Self::ArgMin => "ArgMin",
            Self::CubicResize => "Resize (mode=cubic)",
        }
    }

    fn of(domain: &str, operator: &str, mode: Option<&str>) -> Option<Self> {
        match (domain, operator) {
            ("" | "ai.onnx", "ArgMax") => Some(Self::ArgMax),
            ("" | "ai.onnx", "ArgMin") => Some(Self::ArgMin),
            ("" | "ai.onnx", "Resize") if mode == Some("cubic") => Some(Self::CubicResize),
            _ => None,
        }
    }
}

/// How the node is to be rewritten, if it is.
pub(super) fn rewritten(node: &NodeProto) -> Option<Rewritten> {
    let domain = node.domain.as_deref().unwrap_or_default();
    Rewritten::of(domain, node.op_type.as_deref().unwrap_or_default(), text(node, "mode"))
}

/// Whether the node is to be rewritten, from what is known of it without its graph's weights.
pub(super) fn needs_rewriting(node: &Node) -> bool {
    let mode = node.attribute("mode").and_then(|it| it.text.as_deref());
    Rewritten::of(&node.domain, &node.operator, mode).is_some()
}

/// The node's integer attribute of that name.
pub(super) fn integer(node: &NodeProto, name: &str) -> Option<i64> {
    attribute(node, name)?.i
}

/// The node's floating-point attribute of that name.
pub(super) fn float(node: &NodeProto, name: &str) -> Option<f32> {
    attribute(node, name)?.f
}

/// The node's text attribute of that name.
pub(super) fn text<'a>(node: &'a NodeProto, name: &str) -> Option<&'a str> {
    attribute(node, name)?.s.as_deref()
}

fn attribute<'a>(node: &'a NodeProto, name: &str) -> Option<&'a AttributeProto> {
    node.attribute.iter().find(|it| it.name.as_deref() == Some(name))
}
