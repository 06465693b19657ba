//! Constants beyond 32 bits, which rten cuts to the greatest or least of 32.

use std::collections::BTreeMap;

use rten_onnx::onnx::{DataType, GraphProto, NodeProto, TensorProto};

use super::{Refusal, label};
use crate::engine::rten::operators::{Domain, operator};

/// Refuses a graph in which the difference could show. `Slice` and `Clip` cut to what is there
/// in any case, and exporters write the greatest integer for "to the end".
///
/// Weights in other files are not looked at.
pub(super) fn check(graph: &GraphProto) -> Result<(), Refusal> {
    Wide::default().graph(graph)
}

/// One element of each constant that rten cuts.
#[derive(Default)]
struct Wide(BTreeMap<String, i64>);

impl Wide {
    fn graph(&mut self, graph: &GraphProto) -> Result<(), Refusal> {
        for tensor in &graph.initializer {
            self.add(tensor.name.as_deref().unwrap_or_default(), wide(tensor));
        }
        for node in &graph.node {
            self.node(node)?;
            for attribute in &node.attribute {
                if let Some(body) = &attribute.g {
                    self.graph(body)?;
                }
            }
        }
        Ok(())
    }

    fn add(&mut self, name: &str, value: Option<i64>) {
        if let Some(value) = value {
            self.0.insert(name.to_owned(), value);
        }
    }

    fn node(&mut self, node: &NodeProto) -> Result<(), Refusal> {
        let (domain, operator) = operator(node);
        if (domain, operator) == (Domain::Onnx, "Constant") {
            let attribute = node.attribute.first();
            let value = attribute.and_then(|it| {
                let tensor = it.t.as_ref().and_then(wide);
                tensor.or_else(|| it.i.iter().chain(&it.ints).copied().find(|it| is_wide(*it)))
            });
            self.add(node.output.first().map_or("", String::as_str), value);
            return Ok(());
        }
        for (index, input) in node.input.iter().enumerate() {
            let Some(value) = self.0.get(input).copied() else { continue };
            match (operator, index) {
                ("Slice" | "Clip", 1 | 2) => {}
                ("Concat", _)
                | (
                    "Cast" | "Expand" | "Gather" | "Identity" | "Reshape" | "Squeeze" | "Unsqueeze",
                    0,
                ) => {
                    self.add(node.output.first().map_or("", String::as_str), Some(value));
                }
                _ => {
                    return Err(Refusal {
                        operator: format!("{operator} (of integers beyond 32 bits)"),
                        node: label(node),
                        why: format!(
                            "it takes the constant {value}, and rten computes 64-bit integers \
                             with 32 bits"
                        ),
                    });
                }
            }
        }
        Ok(())
    }
}

const fn is_wide(value: i64) -> bool {
    value > i32::MAX as i64 || value < i32::MIN as i64
}

/// The first element of the tensor that 32 bits do not hold.
fn wide(tensor: &TensorProto) -> Option<i64> {
    if tensor.data_type != Some(DataType::INT64) {
        return None;
    }
    match &tensor.raw_data {
        Some(raw) => {
            let raw = raw.borrow();
            let mut all = raw.as_chunks().0.iter().map(|it| i64::from_le_bytes(*it));
            all.find(|it| is_wide(*it))
        }
        None => tensor.int64_data.iter().copied().find(|it| is_wide(*it)),
    }
}
