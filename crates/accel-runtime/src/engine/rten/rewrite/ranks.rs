//! How many dimensions values have.

use std::collections::BTreeMap;

use rten_onnx::onnx::{NodeProto, ValueInfoProto};

use super::known::Constants;
use crate::engine::rten::operators::{Domain, attribute, input, operator};

/// What is known, by name.
#[derive(Default)]
pub(super) struct Ranks {
    /// Lower bounds; of a name that stands for several values, the least.
    least: BTreeMap<String, usize>,
    /// Declared dimensions, where they are numbers; `None` when a name is declared twice.
    declared: BTreeMap<String, Option<Vec<Option<i64>>>>,
}

impl Ranks {
    /// The least number of dimensions that the value has.
    pub(super) fn at_least(&self, name: &str) -> usize {
        self.least.get(name).copied().unwrap_or(0)
    }

    pub(super) fn add(&mut self, name: &str, rank: usize) {
        self.least.entry(name.to_owned()).and_modify(|it| *it = rank.min(*it)).or_insert(rank);
    }

    /// What the file declares.
    pub(super) fn declared(&mut self, value: &ValueInfoProto) {
        let tensor = value.r#type.as_ref().and_then(|it| it.tensor_type.as_ref());
        if let (Some(name), Some(shape)) = (&value.name, tensor.and_then(|it| it.shape.as_ref())) {
            self.add(name, shape.dim.len());
            let dims = shape.dim.iter().map(|it| it.dim_value).collect();
            let again = self.declared.contains_key(name);
            self.declared.insert(name.clone(), if again { None } else { Some(dims) });
        }
    }

    /// The dimensions that the file declares, those that are numbers.
    pub(super) fn dims(&self, name: &str) -> Option<&[Option<i64>]> {
        self.declared.get(name)?.as_deref()
    }

    /// What follows for the node's outputs.
    pub(super) fn node(&mut self, node: &NodeProto, constants: &Constants) {
        let rank = self.result(node, constants);
        for output in &node.output {
            // What is declared is known better.
            if !self.least.contains_key(output) {
                self.add(output, rank);
            }
        }
    }

    fn result(&self, node: &NodeProto, constants: &Constants) -> usize {
        let (Domain::Onnx | Domain::Microsoft, operator) = operator(node) else { return 0 };
        let of = |index| input(node, index).map_or(0, |it| self.at_least(it));
        let greatest = || (0..node.input.len()).map(of).max().unwrap_or(0);
        // The number of elements of a row of integers.
        let count = |index| {
            let dims = &constants.get(input(node, index)?)?.as_ref()?.dims;
            usize::try_from(*dims.first()?).ok()
        };
        match operator {
            "Add" | "And" | "Concat" | "Div" | "Equal" | "Greater" | "GreaterOrEqual" | "Less"
            | "LessOrEqual" | "Max" | "Mean" | "Min" | "Mod" | "Mul" | "Not" | "Or" | "Pow"
            | "Sub" | "Sum" | "Where" | "Xor" => greatest(),
            "Abs"
            | "BatchNormalization"
            | "Cast"
            | "Clip"
            | "Conv"
            | "ConvTranspose"
            | "CumSum"
            | "DequantizeLinear"
            | "Elu"
            | "Erf"
            | "Exp"
            | "Expand"
            | "Floor"
            | "Gelu"
            | "GroupNormalization"
            | "HardSigmoid"
            | "HardSwish"
            | "Identity"
            | "InstanceNormalization"
            | "LayerNormalization"
            | "LeakyRelu"
            | "Log"
            | "LogSoftmax"
            | "Neg"
            | "Pad"
            | "QuantizeLinear"
            | "RMSNormalization"
            | "Reciprocal"
            | "Relu"
            | "Resize"
            | "Round"
            | "ScatterElements"
            | "ScatterND"
            | "Sigmoid"
            | "Sign"
            | "SimplifiedLayerNormalization"
            | "Slice"
            | "Softmax"
            | "Softplus"
            | "Split"
            | "Sqrt"
            | "Tanh"
            | "Tile"
            | "Trilu" => of(0),
            "Transpose" => attribute(node, "perm").map_or_else(|| of(0), |it| it.ints.len()),
            "Reshape" => count(1).unwrap_or(0),
            "ConstantOfShape" => count(0).unwrap_or(0),
            "Unsqueeze" => of(0) + count(1).unwrap_or(1),
            "Gather" => (of(0) + of(1)).saturating_sub(1),
            "Flatten" | "Gemm" => 2,
            "MatMul" if of(0) >= 2 && of(1) >= 2 => of(0).max(of(1)),
            _ => 0,
        }
    }
}
