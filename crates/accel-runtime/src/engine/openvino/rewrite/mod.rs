//! What OpenVINO misreads or computes otherwise than ONNX, written anew: constants without
//! elements and `DynamicQuantizeLinear`.
//!
//! OpenVINO 2026.4 reads a constant of shape `[0, 4, 1, 8]` as a number without dimensions (its
//! ONNX reader puts one in place of any data that is empty). Merged decoders, which give such
//! constants for the part of the cache that a step does not compute, then do not compile, since
//! two branches give tensors of different ranks. `ConstantOfShape` of the same sizes is read
//! rightly. A row of no elements is left as it is: there OpenVINO expects an empty list, such as
//! the axes of a reduction, and its number stands for that.
//!
//! The file's bytes are copied but for these nodes and constants, so that nothing else can
//! change. Numbers of fields are those of `onnx.proto`.

mod quantize;
mod wire;

use self::wire::{fields, put, put_varint, varint};
use crate::model::OnnxGraph;

/// The bytes are not a protocol buffer.
#[derive(Debug)]
pub(super) struct Malformed;

type Result<T> = std::result::Result<T, Malformed>;

/// What of the graph has to be rewritten, in words.
pub(super) fn needed(graph: &OnnxGraph) -> Option<&'static str> {
    if graph.has_empty_constants {
        return Some("constants without elements, which OpenVINO reads as numbers");
    }
    let mut nodes = graph.nodes.iter().chain(&graph.inner_nodes);
    let quantizes = nodes.any(|it| {
        it.operator == "DynamicQuantizeLinear" && matches!(it.domain.as_str(), "" | "ai.onnx")
    });
    quantizes.then_some("DynamicQuantizeLinear, whose quotients OpenVINO rounds otherwise")
}

/// The bytes of an ONNX file, rewritten.
///
/// # Errors
/// [`Malformed`].
pub(super) fn rewrite(model: &[u8]) -> Result<Vec<u8>> {
    let mut written = Vec::with_capacity(model.len() + 4096);
    for field in fields(model) {
        let field = field?;
        match (field.number, field.bytes) {
            // `ModelProto.graph`
            (7, Some(graph)) => put(&mut written, 7, &rewrite_graph(graph)?),
            // `ModelProto.functions`
            (25, Some(function)) => put(&mut written, 25, &rewrite_function(function)?),
            _ => written.extend_from_slice(field.whole),
        }
    }
    Ok(written)
}

/// `FunctionProto`, whose nodes are its field 7.
fn rewrite_function(function: &[u8]) -> Result<Vec<u8>> {
    let mut written = Vec::with_capacity(function.len());
    for field in fields(function) {
        let field = field?;
        match (field.number, field.bytes) {
            (7, Some(node)) => put_node(&mut written, 7, node)?,
            _ => written.extend_from_slice(field.whole),
        }
    }
    Ok(written)
}

/// Puts a node as it is or what takes its place.
fn put_node(written: &mut Vec<u8>, field: u64, node: &[u8]) -> Result<()> {
    if !quantize::rewrite(written, field, node)? {
        put(written, field, &rewrite_node(node)?);
    }
    Ok(())
}

/// `GraphProto`.
fn rewrite_graph(graph: &[u8]) -> Result<Vec<u8>> {
    let (mut first, mut rest) = (Vec::new(), Vec::new());
    for field in fields(graph) {
        let field = field?;
        match (field.number, field.bytes) {
            (1, Some(node)) => match empty_constant(node)? {
                Some((output, tensor)) => fill(&mut rest, &output, &tensor),
                None => put_node(&mut rest, 1, node)?,
            },
            (5, Some(initializer)) => match Empty::read(initializer)? {
                // Nodes come before those that need them.
                Some(tensor) => fill(&mut first, &tensor.name.clone(), &tensor),
                None => rest.extend_from_slice(field.whole),
            },
            _ => rest.extend_from_slice(field.whole),
        }
    }
    first.extend(rest);
    Ok(first)
}

/// `NodeProto`, whose attributes may hold graphs.
fn rewrite_node(node: &[u8]) -> Result<Vec<u8>> {
    let mut written = Vec::with_capacity(node.len());
    for field in fields(node) {
        let field = field?;
        let (5, Some(attribute)) = (field.number, field.bytes) else {
            written.extend_from_slice(field.whole);
            continue;
        };
        let mut rewritten = Vec::with_capacity(attribute.len());
        for field in fields(attribute) {
            let field = field?;
            match (field.number, field.bytes) {
                // `AttributeProto.g` and `.graphs`
                (number @ (6 | 11), Some(graph)) => {
                    put(&mut rewritten, number, &rewrite_graph(graph)?);
                }
                _ => rewritten.extend_from_slice(field.whole),
            }
        }
        put(&mut written, 5, &rewritten);
    }
    Ok(written)
}

/// The output and the value of a `Constant` that is to be rewritten.
fn empty_constant(node: &[u8]) -> Result<Option<(Vec<u8>, Empty)>> {
    let (mut output, mut operator, mut value) = (None, None, None);
    for field in fields(node) {
        let field = field?;
        match (field.number, field.bytes) {
            (2, Some(it)) => output = Some(it.to_vec()),
            (4, Some(it)) => operator = Some(it),
            (5, Some(attribute)) => {
                for field in fields(attribute) {
                    let field = field?;
                    if let (5, Some(tensor)) = (field.number, field.bytes) {
                        value = Empty::read(tensor)?;
                    }
                }
            }
            _ => {}
        }
    }
    Ok(output.zip(value).filter(|_| operator == Some(b"Constant")))
}

/// A tensor of two or more dimensions and no elements.
#[derive(Default)]
struct Empty {
    name: Vec<u8>,
    dims: Vec<u64>,
    data_type: u64,
}

impl Empty {
    /// `TensorProto`, if it is one.
    fn read(tensor: &[u8]) -> Result<Option<Self>> {
        let mut read = Self::default();
        for field in fields(tensor) {
            let field = field?;
            match (field.number, field.bytes) {
                (1, None) => read.dims.push(field.varint),
                (1, Some(mut packed)) => {
                    while !packed.is_empty() {
                        read.dims.push(varint(&mut packed).ok_or(Malformed)?);
                    }
                }
                (2, None) => read.data_type = field.varint,
                (8, Some(it)) => read.name = it.to_vec(),
                _ => {}
            }
        }
        let empty = read.dims.len() > 1 && read.dims.contains(&0);
        Ok((empty && read.element_bytes().is_some()).then_some(read))
    }

    fn element_bytes(&self) -> Option<usize> {
        match self.data_type {
            2 | 3 | 9 => Some(1),
            4 | 5 | 10 | 16 => Some(2),
            1 | 6 | 12 => Some(4),
            7 | 11 | 13 => Some(8),
            _ => None,
        }
    }
}

/// Adds a node that makes `output`, and the sizes that it takes.
fn fill(graph: &mut Vec<u8>, output: &[u8], tensor: &Empty) {
    let mut sizes_name = output.to_vec();
    sizes_name.extend_from_slice(b"/accel_sizes");

    let mut zero = Vec::new();
    put_varint(&mut zero, 1, 1);
    put_varint(&mut zero, 2, tensor.data_type);
    put(&mut zero, 9, &vec![0; tensor.element_bytes().unwrap_or_default()]);
    let mut value = Vec::new();
    put(&mut value, 1, b"value");
    put(&mut value, 5, &zero);
    // `AttributeType.TENSOR`
    put_varint(&mut value, 20, 4);

    let mut node = Vec::new();
    put(&mut node, 1, &sizes_name);
    put(&mut node, 2, output);
    put(&mut node, 4, b"ConstantOfShape");
    put(&mut node, 5, &value);
    put(graph, 1, &node);

    let mut sizes = Vec::new();
    put_varint(&mut sizes, 1, tensor.dims.len() as u64);
    // `DataType.INT64`
    put_varint(&mut sizes, 2, 7);
    put(&mut sizes, 8, &sizes_name);
    let bytes: Vec<u8> = tensor.dims.iter().flat_map(|it| it.to_le_bytes()).collect();
    put(&mut sizes, 9, &bytes);
    put(graph, 5, &sizes);
}
