//! Refuses graphs that would fill the memory from a few bytes.
//!
//! An operator such as `Expand` makes a tensor of whatever size a constant says, and a damaged
//! constant says anything. rten's allocation would then end the process, while the graph is
//! loaded or at its first run. So the sizes that a graph's constants give are worked out here
//! first. Sizes that depend on inputs are the caller's.

use std::collections::{BTreeMap, HashSet};

use rten_onnx::onnx::{DataType, GraphProto, NodeProto, TensorProto};

use super::operators::{Domain, input, operator};

/// What a constant part of a graph may take beyond twice its files' size.
const ALLOWANCE_BYTES: u64 = 256 << 20;

/// A padding beyond this is damage: images have fewer pixels along an edge.
const MAX_EDGE: i64 = 1 << 16;

/// So is a scale beyond this.
const MAX_SCALE: f32 = 1024.0;

/// Integers of more elements are not sizes.
const MAX_ELEMENTS: usize = 64;

/// Refuses a graph whose constants ask for absurd sizes; the reason.
pub(super) fn check(graph: &GraphProto, file_bytes: u64) -> Result<(), String> {
    let bytes = ALLOWANCE_BYTES.saturating_add(file_bytes.saturating_mul(2));
    // rten has no elements of more than four bytes, and most have four.
    let mut sizes = Sizes {
        values: BTreeMap::new(),
        huge_scales: HashSet::new(),
        max_elements: u128::from(bytes / 4),
    };
    sizes.graph(graph)
}

/// What is known of small integer tensors: `None` for elements that depend on inputs.
struct Sizes {
    values: BTreeMap<String, Vec<Option<i64>>>,
    /// Constants of a few floats, one of which is no scale that an image can be resized by.
    huge_scales: HashSet<String>,
    max_elements: u128,
}

impl Sizes {
    fn graph(&mut self, graph: &GraphProto) -> Result<(), String> {
        for tensor in &graph.initializer {
            self.constant(tensor.name.as_deref().unwrap_or_default(), tensor);
        }
        for node in &graph.node {
            for body in node.attribute.iter().filter_map(|it| it.g.as_ref()) {
                self.graph(body)?;
            }
            self.node(node).map_err(|reason| {
                let (_, operator) = operator(node);
                let name = node.name.as_ref().filter(|it| !it.is_empty());
                let name = name.or(node.output.first()).map_or("", String::as_str);
                format!("node `{name}` ({operator}) {reason}")
            })?;
        }
        Ok(())
    }

    fn node(&mut self, node: &NodeProto) -> Result<(), String> {
        let (Domain::Onnx, operator) = operator(node) else { return Ok(()) };
        let value = |index| input(node, index).and_then(|it| self.values.get(it));
        match operator {
            "ConstantOfShape" => self.check(value(0))?,
            "Expand" | "OneHot" | "Tile" => self.check(value(1))?,
            "Resize" => {
                self.check_scales(input(node, 2))?;
                self.check(value(3))?;
            }
            "Upsample" => self.check_scales(input(node, 1))?,
            "Range" => {
                if let [Some([Some(start)]), Some([Some(limit)]), Some([Some(step)])] =
                    [0, 1, 2].map(|it| value(it).map(Vec::as_slice))
                {
                    let distance = i128::from(*limit) - i128::from(*start);
                    let count = distance.checked_div(i128::from(*step)).unwrap_or(0).max(0);
                    self.check_count(count.unsigned_abs())?;
                }
            }
            "Pad" => edges(value(1).into_iter().flatten().flatten())?,
            _ => {}
        }
        for attribute in &node.attribute {
            if let Some("pads" | "output_padding") = attribute.name.as_deref() {
                edges(&attribute.ints)?;
            }
            if let (Some(tensor), "Constant", [output]) =
                (&attribute.t, operator, node.output.as_slice())
            {
                self.constant(output, tensor);
            }
        }
        if let (Some(result), [output, ..]) = (self.result(node, operator), node.output.as_slice())
            && result.len() <= MAX_ELEMENTS
        {
            self.values.insert(output.clone(), result);
        }
        Ok(())
    }

    /// The node's result, if it is a small integer tensor.
    fn result(&self, node: &NodeProto, operator: &str) -> Option<Vec<Option<i64>>> {
        let value = |index| input(node, index).and_then(|it| self.values.get(it));
        let pairwise = |apply: fn(i64, i64) -> Option<i64>| {
            let (left, right) = (value(0)?, value(1)?);
            let length = left.len().max(right.len());
            let at = |side: &[Option<i64>], place| {
                if side.len() == 1 { side[0] } else { *side.get(place)? }
            };
            Some((0..length).map(|place| apply(at(left, place)?, at(right, place)?)).collect())
        };
        match operator {
            "Constant" => {
                let attribute = node.attribute.first()?;
                match attribute.name.as_deref()? {
                    "value_int" => Some(vec![attribute.i]),
                    "value_ints" => Some(attribute.ints.iter().copied().map(Some).collect()),
                    _ => None,
                }
            }
            "Identity" | "Cast" | "Unsqueeze" | "Squeeze" | "Reshape" => value(0).cloned(),
            // What is not known counts for nothing: products of sizes are lower bounds.
            "Concat" => {
                let parts = node.input.iter().filter_map(|it| self.values.get(it));
                Some(parts.flatten().copied().collect())
            }
            "Gather" => {
                let (all, places) = (value(0)?, value(1)?);
                let length = i64::try_from(all.len()).ok()?;
                let at = |place: &Option<i64>| {
                    let place = (*place)?;
                    let place = if place < 0 { place.checked_add(length)? } else { place };
                    *all.get(usize::try_from(place).ok()?)?
                };
                Some(places.iter().map(at).collect())
            }
            "ReduceProd" => {
                let product =
                    value(0)?.iter().try_fold(1_i64, |so_far, it| so_far.checked_mul((*it)?));
                Some(vec![product])
            }
            "Add" => pairwise(i64::checked_add),
            "Sub" => pairwise(i64::checked_sub),
            "Mul" => pairwise(i64::checked_mul),
            "Div" => pairwise(i64::checked_div),
            "Max" => pairwise(|left, right| Some(left.max(right))),
            "Min" => pairwise(|left, right| Some(left.min(right))),
            "Neg" => Some(value(0)?.iter().map(|it| it.and_then(i64::checked_neg)).collect()),
            _ => None,
        }
    }

    fn constant(&mut self, name: &str, tensor: &TensorProto) {
        if let Some(values) = integers(tensor) {
            self.values.insert(name.to_owned(), values.into_iter().map(Some).collect());
        }
        if let Some(raw) = &tensor.raw_data
            && tensor.data_type == Some(DataType::FLOAT)
            && raw.borrow().len() <= MAX_ELEMENTS
            && raw.borrow().as_chunks().0.iter().any(|it| f32::from_le_bytes(*it) > MAX_SCALE)
        {
            self.huge_scales.insert(name.to_owned());
        }
    }

    fn check_scales(&self, scales: Option<&str>) -> Result<(), String> {
        match scales {
            Some(scales) if self.huge_scales.contains(scales) => {
                Err(format!("resizes by more than {MAX_SCALE}"))
            }
            _ => Ok(()),
        }
    }

    fn check(&self, sizes: Option<&Vec<Option<i64>>>) -> Result<(), String> {
        let known = sizes.into_iter().flatten().flatten();
        // A negative size is an error of rten's.
        let sizes = known.map(|it| u128::try_from(*it).unwrap_or(0));
        self.check_count(sizes.fold(1, u128::saturating_mul))
    }

    fn check_count(&self, elements: u128) -> Result<(), String> {
        if elements <= self.max_elements {
            return Ok(());
        }
        Err(format!("makes a tensor of {elements} elements from constants"))
    }
}

fn edges<'a>(edges: impl IntoIterator<Item = &'a i64>) -> Result<(), String> {
    match edges.into_iter().find(|it| **it > MAX_EDGE) {
        Some(edge) => Err(format!("pads an edge by {edge}")),
        None => Ok(()),
    }
}

/// The elements of a small tensor of integers in the graph's own file.
fn integers(tensor: &TensorProto) -> Option<Vec<i64>> {
    let (size, typed): (usize, Vec<i64>) = match tensor.data_type? {
        DataType::INT64 => (8, tensor.int64_data.clone()),
        DataType::INT32 => (4, tensor.int32_data.iter().copied().map(i64::from).collect()),
        _ => return None,
    };
    let Some(raw) = &tensor.raw_data else {
        return (typed.len() <= MAX_ELEMENTS).then_some(typed);
    };
    let raw = raw.borrow();
    if raw.len() > MAX_ELEMENTS * size {
        return None;
    }
    Some(if size == 8 {
        raw.as_chunks().0.iter().map(|it| i64::from_le_bytes(*it)).collect()
    } else {
        raw.as_chunks().0.iter().map(|it| i64::from(i32::from_le_bytes(*it))).collect()
    })
}
