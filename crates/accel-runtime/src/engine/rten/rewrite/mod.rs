//! Nodes that rten 0.27 computes wrongly, written anew with operators that it computes rightly;
//! and those that onnxruntime-web does.
//!
//! The graph is changed before the engine sees it. Each replacement gives ONNX's result for every
//! input by construction, from the sizes that the node meets while it runs, so that nothing
//! needs to be known of the graph's shapes.

mod arg;
mod browsers;
mod defaults;
mod integers;
mod known;
mod nodes;
mod quantize;
mod ranks;
mod resize;
mod simple;
mod wide;

use std::collections::BTreeMap;

use rten_onnx::onnx::{DataType, GraphProto, ModelProto, NodeProto, OperatorSetIdProto};

use self::known::{Constants, Known};
use self::nodes::Nodes;
use self::ranks::Ranks;
use super::operators::{self, Domain, Rewritten, integer, operator, text};

/// A node that rten computes wrongly and that cannot be rewritten.
#[derive(Debug)]
pub(in crate::engine) struct Refusal {
    /// The operator with what makes it wrong, such as `Resize (mode=cubic)`.
    pub(in crate::engine) operator: String,
    /// The node's name, or its first output when it has none.
    pub(in crate::engine) node: String,
    /// Why it is wrong, or why it cannot be rewritten.
    pub(in crate::engine) why: String,
}

/// How many nodes of each kind were rewritten.
pub(in crate::engine) type Counts = BTreeMap<&'static str, usize>;

/// Rewrites the model's graph and the bodies of its control flow.
///
/// # Errors
/// The first node that is computed wrongly and cannot be rewritten.
pub(super) fn rewrite(model: &mut ModelProto) -> Result<Counts, Refusal> {
    let Some(graph) = &mut model.graph else { return Ok(Counts::new()) };
    wide::check(graph)?;
    let operator_set = operator_set(&model.opset_import);
    let counts = Counts::new();
    let mut rewriter =
        Rewriter { known: Known::of(graph), operator_set, counts, only: None, has_half: false };
    rewriter.graph(graph)?;
    Ok(rewriter.counts)
}

/// Rewrites what onnxruntime-web computes wrongly on WebGPU.
///
/// # Errors
/// The first node that cannot be rewritten.
#[cfg(feature = "browser")]
pub(in crate::engine) fn for_webgpu(model: &mut ModelProto) -> Result<Counts, Refusal> {
    some(model, browsers::WEBGPU)
}

/// Rewrites what onnxruntime-web computes wrongly or not at all on WebNN.
///
/// # Errors
/// The first node that cannot be rewritten.
#[cfg(feature = "browser")]
pub(in crate::engine) fn for_webnn(model: &mut ModelProto) -> Result<Counts, Refusal> {
    some(model, browsers::WEBNN)
}

/// Rewrites these kinds alone.
#[cfg(feature = "browser")]
fn some(model: &mut ModelProto, only: &'static [Rewritten]) -> Result<Counts, Refusal> {
    let operator_set = operator_set(&model.opset_import);
    let Some(graph) = &mut model.graph else { return Ok(Counts::new()) };
    let (known, counts, has_half) = (Known::of(graph), Counts::new(), browsers::has_half(graph));
    let mut rewriter = Rewriter { known, operator_set, counts, only: Some(only), has_half };
    rewriter.graph(graph)?;
    Ok(rewriter.counts)
}

/// The version of ONNX's operators, if the model says it.
fn operator_set(imported: &[OperatorSetIdProto]) -> Option<i64> {
    let is_onnx = |it: &&OperatorSetIdProto| {
        matches!(it.domain.as_deref().unwrap_or_default(), "" | "ai.onnx")
    };
    imported.iter().find(is_onnx)?.version
}

struct Rewriter {
    known: Known,
    /// The version of ONNX's operators, if the model says it.
    operator_set: Option<i64>,
    counts: Counts,
    /// The kinds to rewrite; else all that rten needs.
    only: Option<&'static [Rewritten]>,
    /// Whether there is half precision in the graph. Its own rounding hides a browser's, and
    /// what replaces a node computes in single precision.
    has_half: bool,
}

impl Rewriter {
    fn graph(&mut self, graph: &mut GraphProto) -> Result<(), Refusal> {
        let mut nodes = Vec::with_capacity(graph.node.len());
        for mut node in std::mem::take(&mut graph.node) {
            if self.only.is_none()
                && let Some((operator, why)) = operators::wrong(&node).or_else(|| self.wrong(&node))
            {
                let (operator, why) = (operator.to_owned(), why.to_owned());
                return Err(Refusal { operator, node: label(&node), why });
            }
            for attribute in &mut node.attribute {
                if let Some(body) = &mut attribute.g {
                    self.graph(body)?;
                }
            }
            if self.only.is_none() {
                defaults::complete(&mut node, &self.known);
            }
            let wanted = |it: &Rewritten| match self.only {
                Some(only) => only.contains(it),
                None => !it.is_for_browsers(),
            };
            let Some(kind) = self.kind(&node).filter(wanted) else {
                nodes.push(node);
                continue;
            };
            let label = label(&node);
            let second = operators::input(&node, 1);
            let is_constant = second.is_some_and(|it| self.known.dims(it).is_some());
            let transposed = self.transposed(&node);
            let mut replacement = Nodes::new(&mut self.known.names, &node);
            let constants = &self.known.constants;
            let rewritten = match kind {
                Rewritten::ArgMax | Rewritten::ArgMin => arg::rewrite(&node, &mut replacement),
                Rewritten::CubicResize => resize::rewrite(&node, constants, &mut replacement),
                Rewritten::CastToBool => simple::cast_to_bool(&node, &mut replacement),
                Rewritten::FlatSoftmax => simple::flat_softmax(&node, &mut replacement),
                Rewritten::MatMulVector if is_constant => {
                    simple::matmul_vector(&node, &mut replacement)
                }
                Rewritten::MatMulTransposed => {
                    simple::matmul_transposed(&node, transposed.as_ref(), &mut replacement)
                }
                Rewritten::MatMulVector => simple::matmul_unknown(&node, &mut replacement),
                Rewritten::ConvInteger => integers::convolution(&node, constants, &mut replacement),
                Rewritten::Softplus => simple::softplus(&node, &mut replacement),
                Rewritten::MatMulInteger => integers::matmul(&node, constants, &mut replacement),
                Rewritten::Sign => simple::sign(&node, &mut replacement),
                Rewritten::ReduceTruths => simple::reduce_truths(&node, &mut replacement),
                Rewritten::Quantize => quantize::given_scale(&node, constants, &mut replacement),
                Rewritten::DynamicQuantize => quantize::dynamic_scale(&node, &mut replacement),
                Rewritten::And => browsers::and(&node, &mut replacement),
                Rewritten::Cos | Rewritten::Sin => browsers::sine(&node, &mut replacement),
                Rewritten::GatherElements => browsers::gather_elements(&node, &mut replacement),
                Rewritten::NearestResize => {
                    resize::rewrite_nearest(&node, constants, &mut replacement)
                }
                Rewritten::ExpandByFewer => {
                    let missing = missing_sizes(&node, constants, &self.known.ranks);
                    simple::expand_by_fewer(&node, missing, &mut replacement)
                }
            };
            rewritten.map_err(|why| {
                let operator = kind.label().to_owned();
                Refusal { operator, node: label.clone(), why }
            })?;
            let (new, constants) = replacement.into_parts();
            nodes.extend(new.into_iter().map(|mut it| {
                it.name = Some(format!("{} of {} {label}", self::label(&it), operator(&node).1));
                it
            }));
            graph.initializer.extend(constants);
            // That one is written anew for its memory alone.
            if kind != Rewritten::MatMulTransposed {
                *self.counts.entry(kind.label()).or_default() += 1;
            }
        }
        if self.only.is_none() {
            for node in &mut nodes {
                // What rten reports is the node's name, and that is to say the operator as well.
                node.name = Some(format!("{} {}", operator(node).1, label(node)));
            }
        }
        graph.node = nodes;
        Ok(())
    }

    /// Why rten computes the node wrongly, where that depends on other parts of the graph.
    fn wrong(&self, node: &NodeProto) -> Option<operators::Wrong> {
        if operator(node) != (Domain::Onnx, "Resize")
            || text(node, "coordinate_transformation_mode") != Some("align_corners")
        {
            return None;
        }
        let scales = operators::input(node, 2)?;
        let known = self.known.constants.get(scales).and_then(Option::as_ref);
        let is_whole = |it: &f32| it.fract().to_bits() == 0;
        if known.and_then(|it| it.floats.as_ref()).is_some_and(|it| it.iter().all(is_whole)) {
            return None;
        }
        Some((
            "Resize (coordinate_transformation_mode=align_corners, by a scale that is no integer)",
            "rten aligns the last whole place of the result, ONNX the place that the scale gives",
        ))
    }

    /// The constant whose transposition is the node's second input, if it is one of floats.
    fn transposed(&self, node: &NodeProto) -> Option<Transposed> {
        let name = self.known.transposed.get(operators::input(node, 1)?)?.as_ref()?;
        let constant = self.known.constants.get(name)?.as_ref()?;
        let [rows, columns] = *constant.dims.as_slice() else { return None };
        (constant.data_type == Some(DataType::FLOAT)).then(|| Transposed {
            name: name.clone(),
            rows,
            columns,
        })
    }

    /// How the node is to be rewritten, if it is.
    fn kind(&self, node: &NodeProto) -> Option<Rewritten> {
        let (Domain::Onnx, operator) = operator(node) else { return None };
        let input = |index| operators::input(node, index);
        match operator {
            "ArgMax" => Some(Rewritten::ArgMax),
            "ArgMin" => Some(Rewritten::ArgMin),
            "ConvInteger" => Some(Rewritten::ConvInteger),
            // What replaces it pairs numbers with tensors, which operators do since set 7; rten's
            // always do.
            "Softplus" if self.only.is_some() && self.operator_set.is_some_and(|it| it < 7) => None,
            "Softplus" if !self.has_half => Some(Rewritten::Softplus),
            "Sign" => Some(Rewritten::Sign),
            "DynamicQuantizeLinear" => Some(Rewritten::DynamicQuantize),
            "ReduceMax" | "ReduceMin" => {
                self.known.is_truth(node, 0).then_some(Rewritten::ReduceTruths)
            }
            "Expand" => (missing_sizes(node, &self.known.constants, &self.known.ranks) > 0)
                .then_some(Rewritten::ExpandByFewer),
            "MatMulInteger" => {
                let small = input(1).is_some_and(|it| self.known.is_small(it));
                (operators::products_overflow() && !small).then_some(Rewritten::MatMulInteger)
            }
            "Resize" => match text(node, "mode") {
                Some("cubic") => Some(Rewritten::CubicResize),
                None | Some("nearest") => Some(Rewritten::NearestResize),
                Some(_) => None,
            },
            "And" => Some(Rewritten::And),
            "Cos" if !self.has_half => Some(Rewritten::Cos),
            "Sin" if !self.has_half => Some(Rewritten::Sin),
            "GatherElements" => Some(Rewritten::GatherElements),
            "Cast" | "CastLike" => self.known.casts_to_bool(node).then_some(Rewritten::CastToBool),
            "Softmax" | "LogSoftmax" => {
                let flat = self.operator_set.is_some_and(|it| it < 13);
                (flat && integer(node, "axis") != Some(-1)).then_some(Rewritten::FlatSoftmax)
            }
            "MatMul" if self.transposed(node).is_some() => Some(Rewritten::MatMulTransposed),
            "MatMul" => {
                (self.known.ranks.at_least(input(1)?) < 2).then_some(Rewritten::MatMulVector)
            }
            "QuantizeLinear" => quantize::is_served(node).then_some(Rewritten::Quantize),
            _ => None,
        }
    }
}

/// How many sizes fewer a node's shape has than the value that is expanded by it has dimensions.
fn missing_sizes(node: &NodeProto, constants: &Constants, ranks: &Ranks) -> usize {
    let missing = || {
        let sizes = operators::input(node, 1)?;
        let constant = constants.get(sizes).and_then(|it| it.as_ref()?.dims.first().copied());
        let count = constant.or_else(|| *ranks.dims(sizes)?.first()?)?;
        ranks.at_least(operators::input(node, 0)?).checked_sub(usize::try_from(count).ok()?)
    };
    missing().unwrap_or(0)
}

/// A constant of `rows` by `columns` floats, whose transposition a node multiplies by.
struct Transposed {
    name: String,
    rows: i64,
    columns: i64,
}

/// The node's name, or its first output when it has none.
fn label(node: &NodeProto) -> String {
    let name = node.name.as_ref().filter(|it| !it.is_empty());
    name.or(node.output.first()).cloned().unwrap_or_default()
}
