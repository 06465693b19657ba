//! What a graph's nodes cost: floating-point operations and bytes moved, from its file and the
//! sizes of its inputs.

mod flops;
mod fold;
mod graph;
mod shapes;
mod value;

use std::collections::HashMap;

pub use value::ElementType;

use self::flops::Work;
pub(super) use self::graph::CostGraph;
use self::graph::{Body, Node};
use self::shapes::Inputs;
use self::value::Value;

/// An input of a run.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct InputForm {
    /// Its sizes.
    pub(super) shape: Vec<usize>,
    /// Whether it was on the device already.
    pub(super) is_kept: bool,
    /// What a single truth value says; it may choose a branch.
    pub(super) truth: Option<bool>,
}

/// What one node costs.
#[derive(Clone, Debug)]
pub(super) struct NodeCost {
    pub(super) operator: String,
    /// Floating-point or integer operations; a multiplication and an addition are two.
    pub(super) flops: f64,
    /// Bytes read and written, each value once.
    pub(super) bytes: f64,
    /// Whether it multiplies matrices or convolves: what is not fused into another node.
    pub(super) is_product: bool,
    /// What it computes with.
    pub(super) dtype: ElementType,
}

/// What a graph costs.
#[derive(Clone, Debug, Default)]
pub(super) struct GraphCost {
    /// Nodes that run on the device.
    pub(super) nodes: Vec<NodeCost>,
    /// `operator name` of nodes of which nothing could be told.
    pub(super) unknown: Vec<String>,
    /// Nodes that move nothing: views, and the arithmetic of shapes, which hosts do.
    pub(super) host_nodes: usize,
    /// Bytes of inputs that go to the device.
    pub(super) bytes_in: f64,
    /// Bytes of outputs that come back.
    pub(super) bytes_out: f64,
}

/// A node whose elements are of a type that the restricted device lacks.
pub(super) struct Foreign {
    pub(super) operator: String,
    pub(super) node: String,
    pub(super) dtype: ElementType,
}

/// What a run with `inputs` costs, in the order of the graph's declaration, when the outputs of
/// `transferred` come back to the host.
pub(super) fn cost(graph: &CostGraph, inputs: &[InputForm], transferred: &[String]) -> GraphCost {
    let mut pass = Pass::default();
    for ((name, dtype), form) in graph.inputs.iter().zip(inputs) {
        let numbers = form.truth.map(|it| vec![f64::from(it)]);
        let value = Value { dtype: *dtype, shape: Some(form.shape.clone()), numbers };
        if !form.is_kept {
            pass.cost.bytes_in += value.bytes().unwrap_or(0.0);
        }
        pass.values.insert(name.clone(), value);
    }
    pass.body(&graph.main);
    let back = transferred.iter().filter_map(|it| pass.values.get(it)?.bytes());
    pass.cost.bytes_out = back.sum();
    pass.cost
}

/// The first node that gives elements of a type that is not among `allowed`.
pub(super) fn foreign(graph: &CostGraph, allowed: &[ElementType]) -> Option<Foreign> {
    let mut types: HashMap<&str, ElementType> =
        graph.inputs.iter().map(|(name, dtype)| (name.as_str(), *dtype)).collect();
    foreign_in(&graph.main, allowed, &mut types)
}

fn foreign_in<'a>(
    body: &'a Body,
    allowed: &[ElementType],
    types: &mut HashMap<&'a str, ElementType>,
) -> Option<Foreign> {
    types.extend(body.weights.iter().map(|(name, value)| (name.as_str(), value.dtype)));
    for node in &body.nodes {
        for name in ["then_branch", "else_branch"] {
            if let Some(found) = node.body(name).and_then(|it| foreign_in(it, allowed, types)) {
                return Some(found);
            }
        }
        let given: Vec<_> = node.inputs.iter().map(|it| types.get(it.as_str()).copied()).collect();
        for (index, output) in node.outputs.iter().enumerate() {
            let Some(dtype) = output_type(node, index, &given) else { continue };
            // What is not known here is not refused here: the engine below knows.
            if dtype != ElementType::Other && !allowed.contains(&dtype) {
                let (operator, node) = (node.operator.clone(), node.name.clone());
                return Some(Foreign { operator, node, dtype });
            }
            types.insert(output, dtype);
        }
    }
    None
}

/// A walk through a graph.
#[derive(Default)]
struct Pass {
    values: HashMap<String, Value>,
    cost: GraphCost,
}

impl Pass {
    fn body(&mut self, body: &Body) {
        for (name, weight) in &body.weights {
            self.values.insert(name.clone(), weight.clone());
        }
        for node in &body.nodes {
            if node.operator == "If" {
                self.branch(node);
            } else {
                self.node(node);
            }
        }
    }

    /// An `If`: the branch that the condition takes; where that is not known, the dearer one.
    fn branch(&mut self, node: &Node) {
        let condition = node.inputs.first().and_then(|it| self.values.get(it));
        let truth = condition.and_then(|it| it.numbers.as_ref()?.first().map(|it| *it != 0.0));
        let candidates: &[&str] = match truth {
            Some(true) => &["then_branch"],
            Some(false) => &["else_branch"],
            None => &["then_branch", "else_branch"],
        };
        let mut walked: Vec<(f64, Self, &Body)> = Vec::new();
        for body in candidates.iter().filter_map(|it| node.body(it)) {
            let mut pass = Self { values: self.values.clone(), cost: GraphCost::default() };
            pass.body(body);
            let bytes = pass.cost.nodes.iter().map(|it| it.bytes + it.flops).sum();
            walked.push((bytes, pass, body));
        }
        let Some((_, pass, body)) = walked.into_iter().max_by(|a, b| a.0.total_cmp(&b.0)) else {
            self.cost.unknown.push(format!("{} {}", node.operator, node.name));
            return;
        };
        for (output, inner) in node.outputs.iter().zip(&body.outputs) {
            if let Some(value) = pass.values.get(inner) {
                self.values.insert(output.clone(), value.clone());
            }
        }
        self.cost.nodes.extend(pass.cost.nodes);
        self.cost.unknown.extend(pass.cost.unknown);
        self.cost.host_nodes += pass.cost.host_nodes;
    }

    fn node(&mut self, node: &Node) {
        let inputs = Inputs(node.inputs.iter().map(|it| self.values.get(it)).collect());
        let given: Vec<_> = inputs.0.iter().map(|it| it.map(|it| it.dtype)).collect();
        let shapes = shapes::infer(node, &inputs);
        let outputs: Vec<Value> = shapes
            .into_iter()
            .enumerate()
            .map(|(index, shape)| {
                let dtype = output_type(node, index, &given).unwrap_or(ElementType::Other);
                let numbers = match &shape {
                    Some(shape) if index == 0 => fold::fold(node, &inputs, dtype, shape),
                    _ => None,
                };
                Value { dtype, shape, numbers }
            })
            .collect();
        let is_known = outputs.first().is_some_and(|it| it.numbers.is_some());
        if is_known || flops::is_view(node) {
            self.cost.host_nodes += 1;
        } else {
            match flops::work(node, &inputs, &outputs) {
                Some(Work { flops, bytes, is_product, dtype }) => {
                    self.cost.nodes.push(NodeCost {
                        operator: node.operator.clone(),
                        flops,
                        bytes,
                        is_product,
                        dtype,
                    });
                }
                None => self.cost.unknown.push(format!("{} {}", node.operator, node.name)),
            }
        }
        for (name, value) in node.outputs.iter().zip(outputs) {
            self.values.insert(name.clone(), value);
        }
    }
}

/// The type of an output's elements, after the operators' type constraints.
fn output_type(node: &Node, index: usize, given: &[Option<ElementType>]) -> Option<ElementType> {
    let input = |index: usize| given.get(index).copied().flatten();
    match node.operator.as_str() {
        "Shape" | "Size" | "ArgMax" | "ArgMin" | "NonZero" => Some(ElementType::I64),
        "TopK" if index == 1 => Some(ElementType::I64),
        "Equal" | "Less" | "LessOrEqual" | "Greater" | "GreaterOrEqual" | "And" | "Or" | "Xor"
        | "Not" | "IsNaN" | "IsInf" => Some(ElementType::Bool),
        "Cast" => i32::try_from(node.integer("to", 0)).ok().map(ElementType::of_onnx),
        "Constant" => node.constant.as_ref().map(|it| it.dtype),
        "ConstantOfShape" => Some(node.constant.as_ref().map_or(ElementType::F32, |it| it.dtype)),
        "MatMulInteger" | "ConvInteger" => Some(ElementType::I32),
        "QuantizeLinear" => Some(input(2).unwrap_or(ElementType::U8)),
        "DynamicQuantizeLinear" if index != 1 => Some(ElementType::U8),
        "DequantizeLinear" | "Where" => input(1),
        "OneHot" => input(2),
        // Their branches say; what they give is taken from there.
        "If" | "Loop" | "Scan" => None,
        _ => input(0),
    }
}
