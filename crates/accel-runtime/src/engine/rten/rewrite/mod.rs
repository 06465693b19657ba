//! Nodes that rten 0.27 computes wrongly, written anew with operators that it computes rightly.
//!
//! The graph is changed before rten sees it. Each replacement gives ONNX's result for every
//! input by construction, from the sizes that the node meets while it runs, so that nothing
//! needs to be known of the graph's shapes.

mod arg;
mod nodes;
mod resize;

use std::collections::{BTreeMap, HashSet};

use rten_onnx::onnx::{DataType, GraphProto, NodeProto, TensorProto};

use self::nodes::Nodes;
use super::operators;

/// A node that has to be rewritten and cannot.
#[derive(Debug)]
pub(super) struct Refusal {
    /// The operator with what makes it wrong, such as `Resize (mode=cubic)`.
    pub(super) operator: &'static str,
    /// The node's name, or its first output when it has none.
    pub(super) node: String,
    /// Why it cannot be rewritten.
    pub(super) why: String,
}

/// How many nodes of each kind were rewritten.
pub(super) type Counts = BTreeMap<&'static str, usize>;

/// Rewrites the graph and the bodies of its control flow.
///
/// # Errors
/// The first node that cannot be rewritten.
pub(super) fn rewrite(graph: &mut GraphProto) -> Result<Counts, Refusal> {
    let mut rewriter = Rewriter::default();
    rewriter.survey(graph);
    rewriter.graph(graph)?;
    Ok(rewriter.counts)
}

/// What is known of the whole model.
#[derive(Default)]
struct Rewriter {
    /// Names in use: those of values must not repeat, not even those of an outer graph.
    names: HashSet<String>,
    /// The elements of small constants of floats; `None` when two bodies have constants of one
    /// name.
    constants: BTreeMap<String, Option<Vec<f32>>>,
    counts: Counts,
}

impl Rewriter {
    /// Collects names and constants.
    fn survey(&mut self, graph: &GraphProto) {
        for tensor in &graph.initializer {
            if let Some(name) = &tensor.name {
                self.constant(name, tensor);
            }
        }
        let declared = graph.input.iter().chain(&graph.output).chain(&graph.value_info);
        self.names.extend(declared.filter_map(|it| it.name.clone()));
        for node in &graph.node {
            self.names.extend(node.input.iter().chain(&node.output).cloned());
            for attribute in &node.attribute {
                if let Some(body) = &attribute.g {
                    self.survey(body);
                }
                if let (Some("Constant"), Some(tensor), [output]) =
                    (node.op_type.as_deref(), &attribute.t, node.output.as_slice())
                {
                    self.constant(output, tensor);
                }
            }
        }
    }

    fn constant(&mut self, name: &str, tensor: &TensorProto) {
        self.names.insert(name.to_owned());
        let elements = small_floats(tensor);
        let known = self.constants.contains_key(name);
        self.constants.insert(name.to_owned(), if known { None } else { elements });
    }

    fn graph(&mut self, graph: &mut GraphProto) -> Result<(), Refusal> {
        let mut nodes = Vec::with_capacity(graph.node.len());
        for mut node in std::mem::take(&mut graph.node) {
            for attribute in &mut node.attribute {
                if let Some(body) = &mut attribute.g {
                    self.graph(body)?;
                }
            }
            let Some(kind) = operators::rewritten(&node) else {
                nodes.push(node);
                continue;
            };
            let refusal = |why| Refusal { operator: kind.label(), node: label(&node), why };
            let mut replacement = Nodes::new(&mut self.names, &node);
            match kind {
                operators::Rewritten::ArgMax | operators::Rewritten::ArgMin => {
                    arg::rewrite(&node, &mut replacement).map_err(refusal)?;
                }
                operators::Rewritten::CubicResize => {
                    resize::rewrite(&node, &self.constants, &mut replacement).map_err(refusal)?;
                }
            }
            let (new, constants) = replacement.into_parts();
            nodes.extend(new);
            graph.initializer.extend(constants);
            *self.counts.entry(kind.label()).or_default() += 1;
        }
        graph.node = nodes;
        Ok(())
    }
}

/// The node's name, or its first output when it has none.
fn label(node: &NodeProto) -> String {
    let name = node.name.as_ref().filter(|it| !it.is_empty());
    name.or(node.output.first()).cloned().unwrap_or_default()
}

/// The elements of a constant of at most eight floats: nothing larger is looked at here.
fn small_floats(tensor: &TensorProto) -> Option<Vec<f32>> {
    let count = tensor.dims.iter().try_fold(1_i64, |product, dim| product.checked_mul(*dim))?;
    if tensor.data_type != Some(DataType::FLOAT) || !(0..=8).contains(&count) {
        return None;
    }
    let elements = match &tensor.raw_data {
        Some(raw) => {
            let raw = raw.borrow();
            raw.as_chunks().0.iter().map(|it| f32::from_le_bytes(*it)).collect()
        }
        None => tensor.float_data.clone(),
    };
    (i64::try_from(elements.len()) == Ok(count)).then_some(elements)
}
