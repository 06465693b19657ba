//! Weights of ONNX graphs, from what the files declare.
//!
//! Counted are initializers of more than one element:
//! - floating numbers, but not what operators take for scales, running means and variances;
//! - whole numbers where an operator takes them for quantised weights: `DequantizeLinear`,
//!   `MatMulInteger`, `ConvInteger`, `QLinearMatMul`, `QLinearConv`, and `MatMulNBits`, whose packed
//!   matrix counts as the `K` × `N` weights that it says it holds.
//!
//! An exporter may fold constants into initializers, and may store a matrix that is used twice (tied
//! embeddings) once more as its transpose; both count, and a note says so.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use accel_core::Precision;

use super::WeightCount;
use crate::model::{GraphFiles, Node, OnnxGraph};
use crate::{ModelDir, Result};

/// Weights of one graph.
///
/// # Errors
/// What [`GraphFiles::read`] reports.
pub fn count_file(path: &Path) -> Result<WeightCount> {
    let graph = GraphFiles::read("model", path)?;
    Ok(counted(&[graph], None))
}

/// Weights of a model's graphs in one precision, each component once.
pub(super) fn count(
    model: &ModelDir,
    names: &[String],
    precision: Precision,
) -> Result<WeightCount> {
    let mut graphs = Vec::new();
    for name in names.iter().filter(|it| !repeats(it, names)) {
        graphs.push(model.graph(name, precision)?);
    }
    Ok(counted(&graphs, Some(precision)))
}

/// Whether a graph holds weights that another of the model's graphs holds too: a decoder's second
/// form, a tower of a whole model.
fn repeats(name: &str, names: &[String]) -> bool {
    let has = |other: &str| names.iter().any(|it| it == other);
    match name {
        "decoder_with_past_model" => has("decoder_model") || has("decoder_model_merged"),
        "decoder_model" => has("decoder_model_merged"),
        "text_model" | "vision_model" | "audio_model" | "model_with_past" => has("model"),
        _ => false,
    }
}

fn counted(graphs: &[GraphFiles], precision: Option<Precision>) -> WeightCount {
    let mut found = WeightCount {
        parameters: 0,
        tensors: 0,
        file_bytes: 0,
        files: Vec::new(),
        precision,
        notes: vec![
            "initializers of the graphs were counted; an exporter may have folded constants into \
             them, or stored a tied matrix twice"
                .to_owned(),
        ],
    };
    for graph in graphs {
        let (parameters, tensors) = weights(&graph.onnx);
        found.parameters = found.parameters.saturating_add(parameters);
        found.tensors += tensors;
        found.file_bytes = found.file_bytes.saturating_add(graph.bytes);
        found.files.push(graph.path.clone());
        found.files.extend(graph.external_data.iter().cloned());
    }
    found
}

/// What operators take initializers for.
#[derive(Default)]
struct Roles<'a> {
    /// No weights: scales, zero points, statistics.
    others: BTreeSet<&'a str>,
    /// Whole numbers that are weights.
    quantized: BTreeSet<&'a str>,
    /// Packed matrices and how many weights they hold.
    packed: BTreeMap<&'a str, u64>,
}

impl<'a> Roles<'a> {
    fn of(nodes: impl Iterator<Item = &'a Node>) -> Self {
        let mut roles = Self::default();
        for node in nodes {
            let input = |at: usize| node.inputs.get(at).map(String::as_str).into_iter();
            let all = |places: &[usize]| places.iter().copied().flat_map(input).collect::<Vec<_>>();
            match node.operator.as_str() {
                "BatchNormalization" => roles.others.extend(all(&[3, 4])),
                "DequantizeLinear" => {
                    roles.quantized.extend(input(0));
                    roles.others.extend(all(&[1, 2]));
                }
                "QuantizeLinear" => roles.others.extend(all(&[1, 2])),
                "MatMulInteger" | "ConvInteger" => {
                    roles.quantized.extend(input(1));
                    roles.others.extend(all(&[2, 3]));
                }
                "QLinearMatMul" | "QLinearConv" => {
                    roles.quantized.extend(all(&[3, 8]));
                    roles.others.extend(all(&[1, 2, 4, 5, 6, 7]));
                }
                "MatMulNBits" => {
                    let size = |name| node.integer(name).and_then(|it| u64::try_from(it).ok());
                    let held = size("K").zip(size("N")).and_then(|(k, n)| k.checked_mul(n));
                    if let (Some(held), Some(name)) = (held, input(1).next()) {
                        roles.packed.insert(name, held);
                    }
                    roles.others.extend(all(&[2, 3, 4]));
                }
                _ => {}
            }
        }
        roles
    }
}

/// ONNX's numbers of floating types (`TensorProto.DataType`).
const FLOATS: [u64; 8] = [1, 10, 11, 16, 17, 18, 19, 20];

fn weights(graph: &OnnxGraph) -> (u64, u64) {
    let roles = Roles::of(graph.nodes.iter().chain(&graph.inner_nodes));
    let (mut parameters, mut tensors) = (0_u64, 0);
    for weight in &graph.initializers {
        let name = weight.name.as_str();
        let elements: u64 = weight.dims.iter().product();
        let floats = FLOATS.contains(&weight.elem_type)
            && elements > 1
            && !roles.others.contains(name)
            && !name.ends_with("_scale");
        let held = match roles.packed.get(name) {
            Some(held) => *held,
            None if floats || roles.quantized.contains(name) => elements,
            None => continue,
        };
        parameters = parameters.saturating_add(held);
        tensors += 1;
    }
    (parameters, tensors)
}
