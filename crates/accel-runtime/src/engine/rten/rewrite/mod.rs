//! Nodes that rten 0.27 computes wrongly, written anew with operators that it computes rightly.
//!
//! The graph is changed before rten sees it. Each replacement gives ONNX's result for every
//! input by construction, from the sizes that the node meets while it runs, so that nothing
//! needs to be known of the graph's shapes.

mod arg;
mod integers;
mod known;
mod nodes;
mod resize;
mod simple;

use std::collections::BTreeMap;

use rten_onnx::onnx::{GraphProto, ModelProto, NodeProto};

use self::known::Known;
use self::nodes::Nodes;
use super::operators::{self, Domain, Rewritten, integer, operator, text};

/// A node that rten computes wrongly and that cannot be rewritten.
#[derive(Debug)]
pub(super) struct Refusal {
    /// The operator with what makes it wrong, such as `Resize (mode=cubic)`.
    pub(super) operator: &'static str,
    /// The node's name, or its first output when it has none.
    pub(super) node: String,
    /// Why it is wrong, or why it cannot be rewritten.
    pub(super) why: String,
}

/// How many nodes of each kind were rewritten.
pub(super) type Counts = BTreeMap<&'static str, usize>;

/// Rewrites the model's graph and the bodies of its control flow.
///
/// # Errors
/// The first node that is computed wrongly and cannot be rewritten.
pub(super) fn rewrite(model: &mut ModelProto) -> Result<Counts, Refusal> {
    let Some(graph) = &mut model.graph else { return Ok(Counts::new()) };
    let imported = model
        .opset_import
        .iter()
        .find(|it| matches!(it.domain.as_deref().unwrap_or_default(), "" | "ai.onnx"));
    let operator_set = imported.and_then(|it| it.version);
    let counts = Counts::new();
    let mut rewriter = Rewriter { known: Known::of(graph), operator_set, counts, only: None };
    rewriter.graph(graph)?;
    Ok(rewriter.counts)
}

/// Rewrites cubic `Resize` alone, for an engine that lacks it; how many there were.
///
/// # Errors
/// The first that cannot be rewritten.
#[cfg(feature = "browser")]
pub(super) fn cubic_resizes(model: &mut ModelProto) -> Result<usize, Refusal> {
    let Some(graph) = &mut model.graph else { return Ok(0) };
    let only = Some(Rewritten::CubicResize);
    let (known, counts) = (Known::of(graph), Counts::new());
    let mut rewriter = Rewriter { known, operator_set: None, counts, only };
    rewriter.graph(graph)?;
    Ok(rewriter.counts.values().sum())
}

struct Rewriter {
    known: Known,
    /// The version of ONNX's operators, if the model says it.
    operator_set: Option<i64>,
    counts: Counts,
    /// The one kind to rewrite; else all that rten needs.
    only: Option<Rewritten>,
}

impl Rewriter {
    fn graph(&mut self, graph: &mut GraphProto) -> Result<(), Refusal> {
        let mut nodes = Vec::with_capacity(graph.node.len());
        for mut node in std::mem::take(&mut graph.node) {
            if self.only.is_none()
                && let Some((operator, why)) = operators::wrong(&node)
            {
                return Err(Refusal { operator, node: label(&node), why: why.to_owned() });
            }
            for attribute in &mut node.attribute {
                if let Some(body) = &mut attribute.g {
                    self.graph(body)?;
                }
            }
            let wanted = |it: &Rewritten| self.only.is_none_or(|only| only == *it);
            let Some(kind) = self.kind(&node).filter(wanted) else {
                nodes.push(node);
                continue;
            };
            let mut replacement = Nodes::new(&mut self.known.names, &node);
            let constants = &self.known.constants;
            let rewritten = match kind {
                Rewritten::ArgMax | Rewritten::ArgMin => arg::rewrite(&node, &mut replacement),
                Rewritten::CubicResize => resize::rewrite(&node, constants, &mut replacement),
                Rewritten::CastToBool => simple::cast_to_bool(&node, &mut replacement),
                Rewritten::FlatSoftmax => simple::flat_softmax(&node, &mut replacement),
                Rewritten::MatMulVector => simple::matmul_vector(&node, &mut replacement),
                Rewritten::QuantizeAxis => {
                    simple::quantize_axis(&node, &mut replacement);
                    Ok(())
                }
                Rewritten::ConvInteger => integers::convolution(&node, constants, &mut replacement),
                Rewritten::Softplus => simple::softplus(&node, &mut replacement),
                Rewritten::MatMulInteger => integers::matmul(&node, constants, &mut replacement),
            };
            rewritten.map_err(|why| Refusal { operator: kind.label(), node: label(&node), why })?;
            let (new, constants) = replacement.into_parts();
            nodes.extend(new);
            graph.initializer.extend(constants);
            *self.counts.entry(kind.label()).or_default() += 1;
        }
        graph.node = nodes;
        Ok(())
    }

    /// How the node is to be rewritten, if it is.
    fn kind(&self, node: &NodeProto) -> Option<Rewritten> {
        let (Domain::Onnx, operator) = operator(node) else { return None };
        let input = |index| operators::input(node, index);
        match operator {
            "ArgMax" => Some(Rewritten::ArgMax),
            "ArgMin" => Some(Rewritten::ArgMin),
            "ConvInteger" => Some(Rewritten::ConvInteger),
            "Softplus" => Some(Rewritten::Softplus),
            "MatMulInteger" => {
                let small = input(1).is_some_and(|it| self.known.is_small(it));
                (operators::products_overflow() && !small).then_some(Rewritten::MatMulInteger)
            }
            "Resize" if text(node, "mode") == Some("cubic") => Some(Rewritten::CubicResize),
            "Cast" | "CastLike" => self.known.casts_to_bool(node).then_some(Rewritten::CastToBool),
            "Softmax" | "LogSoftmax" => {
                let flat = self.operator_set.is_some_and(|it| it < 13);
                (flat && integer(node, "axis") != Some(-1)).then_some(Rewritten::FlatSoftmax)
            }
            "MatMul" => (self.known.dims(input(1)?)?.len() == 1).then_some(Rewritten::MatMulVector),
            "QuantizeLinear" if integer(node, "axis").is_none() => {
                (self.known.dims(input(1)?)?.len() == 1).then_some(Rewritten::QuantizeAxis)
            }
            _ => None,
        }
    }
}

/// The node's name, or its first output when it has none.
fn label(node: &NodeProto) -> String {
    let name = node.name.as_ref().filter(|it| !it.is_empty());
    name.or(node.output.first()).cloned().unwrap_or_default()
}
