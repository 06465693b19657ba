//! A graph for inputs of known sizes, as WebNN needs it.
//!
//! onnxruntime-web folds all arithmetic of shapes once the sizes are known, so that every node
//! can go to WebNN, but for two things that are written anew here: `If` on a flag among the
//! inputs (the branch takes its place) and tensors without elements (WebNN has none).

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use rten_onnx::onnx::{DataType, GraphProto, ModelProto, NodeProto, TensorProto};

/// What a graph is written anew for, beside its sizes.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Variant {
    /// Values of the flags that an `If` asks for.
    pub(super) flags: BTreeMap<String, bool>,
    /// Inputs without elements, and their shapes.
    pub(super) empty: BTreeMap<String, Vec<usize>>,
}

/// Graph inputs that decide an `If` of the main graph.
pub(super) fn flags(model: &ModelProto) -> BTreeSet<String> {
    let Some(graph) = &model.graph else { return BTreeSet::new() };
    graph
        .node
        .iter()
        .filter(|it| it.op_type.as_deref() == Some("If"))
        .filter_map(|it| it.input.first())
        .filter(|condition| graph.input.iter().any(|it| it.name.as_ref() == Some(*condition)))
        .cloned()
        .collect()
}

/// Gives every input dimension that has no name one, so that it can be given a size.
pub(super) fn name_dimensions(model: &mut ModelProto) {
    let inputs = model.graph.iter_mut().flat_map(|it| &mut it.input);
    for input in inputs {
        let name = input.name.clone().unwrap_or_default();
        let tensor = input.r#type.as_mut().and_then(|it| it.tensor_type.as_mut());
        let dims = tensor.and_then(|it| it.shape.as_mut()).into_iter().flat_map(|it| &mut it.dim);
        for (axis, dim) in dims.enumerate() {
            let named = dim.dim_param.as_ref().is_some_and(|it| !it.is_empty());
            if !named && dim.dim_value.is_none_or(|it| it < 0) {
                dim.dim_value = None;
                dim.dim_param = Some(dimension(&name, axis));
            }
        }
    }
}

/// The name of a dimension that the file does not name.
pub(super) fn dimension(input: &str, axis: usize) -> String {
    format!("{input}/{axis}")
}

/// Writes the graph anew; the inputs that it still has.
pub(super) fn pin(model: &mut ModelProto, variant: &Variant) -> Vec<String> {
    if let Some(graph) = &mut model.graph {
        let mut nodes = Vec::new();
        for node in std::mem::take(&mut graph.node) {
            take_branch(node, variant, &mut nodes, &mut graph.initializer);
        }
        graph.node = nodes;
        without_empty(graph, variant);
        let used: BTreeSet<_> = graph.node.iter().flat_map(names_used).collect();
        graph.input.retain(|it| it.name.as_ref().is_some_and(|it| used.contains(it)));
    }
    let inputs = model.graph.iter().flat_map(|it| &it.input);
    inputs.filter_map(|it| it.name.clone()).collect()
}

/// Appends the node, or, of an `If` whose flag is known, the nodes of its branch.
fn take_branch(
    mut node: NodeProto,
    variant: &Variant,
    nodes: &mut Vec<NodeProto>,
    constants: &mut Vec<TensorProto>,
) {
    let flag = node.input.first().and_then(|it| variant.flags.get(it));
    let (Some("If"), Some(flag)) = (node.op_type.as_deref(), flag) else {
        nodes.push(node);
        return;
    };
    let wanted = if *flag { "then_branch" } else { "else_branch" };
    let branch = node.attribute.iter_mut().find(|it| it.name.as_deref() == Some(wanted));
    let Some(branch) = branch.and_then(|it| it.g.take()) else { return };
    constants.extend(branch.initializer);
    // Names are unique in a graph and the bodies within it, so nothing has to be renamed.
    for inner in branch.node {
        take_branch(inner, variant, nodes, constants);
    }
    for (given, made) in branch.output.into_iter().zip(node.output) {
        nodes.push(identity(given.name.unwrap_or_default(), made));
    }
}

fn identity(from: String, to: String) -> NodeProto {
    NodeProto {
        op_type: Some("Identity".to_owned()),
        input: vec![from],
        output: vec![to],
        ..NodeProto::default()
    }
}

/// Joins nothing to something where a `Concat` takes an empty input, and reads its shape now.
fn without_empty(graph: &mut GraphProto, variant: &Variant) {
    if variant.empty.is_empty() {
        return;
    }
    let mut constants = Vec::new();
    let mut empty = variant.empty.clone();
    graph.node.retain_mut(|node| match node.op_type.as_deref() {
        // As where a cache of single precision goes into a graph of half.
        Some("Cast") => {
            let shape = node.input.first().and_then(|it| empty.get(it)).cloned();
            let is_empty = shape.is_some();
            empty.extend(node.output.first().cloned().zip(shape));
            !is_empty
        }
        Some("Concat") => {
            let full: Vec<_> =
                node.input.iter().filter(|it| !empty.contains_key(*it)).cloned().collect();
            if full.len() == 1 && node.input.len() > 1 {
                let name = node.name.take();
                *node = identity(full[0].clone(), node.output[0].clone());
                node.name = name;
            } else if !full.is_empty() {
                node.input = full;
            }
            true
        }
        Some("Shape") => {
            let Some(shape) = node.input.first().and_then(|it| empty.get(it)) else {
                return true;
            };
            constants.extend(node.output.first().map(|name| sizes(name, part(node, shape))));
            false
        }
        _ => true,
    });
    graph.initializer.extend(constants);
}

/// The part of a shape that a `Shape` node asks for.
fn part<'a>(node: &NodeProto, shape: &'a [usize]) -> &'a [usize] {
    let bound = |name: &str, otherwise: usize| {
        let stated = node.attribute.iter().find(|it| it.name.as_deref() == Some(name));
        stated.and_then(|it| it.i).map_or(otherwise, |it| {
            let place = usize::try_from(it.unsigned_abs()).unwrap_or(usize::MAX);
            if it < 0 { shape.len().saturating_sub(place) } else { place.min(shape.len()) }
        })
    };
    shape.get(bound("start", 0)..bound("end", shape.len())).unwrap_or_default()
}

fn sizes(name: &str, sizes: &[usize]) -> TensorProto {
    let signed = |it: usize| i64::try_from(it).unwrap_or(i64::MAX);
    let bytes = sizes.iter().flat_map(|it| signed(*it).to_le_bytes()).collect();
    TensorProto {
        dims: vec![signed(sizes.len())],
        data_type: Some(DataType::INT64),
        raw_data: Some(RefCell::new(bytes)),
        name: Some(name.to_owned()),
        ..TensorProto::default()
    }
}

/// Names that a node reads, those that the bodies of its control flow read included.
fn names_used(node: &NodeProto) -> Vec<String> {
    let bodies = node.attribute.iter().filter_map(|it| it.g.as_ref());
    let inner = bodies.flat_map(|it| {
        let results = it.output.iter().filter_map(|it| it.name.clone());
        it.node.iter().flat_map(names_used).chain(results)
    });
    node.input.iter().cloned().chain(inner).collect()
}
