//! Sizes of what is only arranged anew, cut, joined or summed up.

use super::super::graph::Node;
use super::{Inputs, Shape, count, position, sizes};

pub(super) fn reshape(node: &Node, shape: &[usize], target: &[i64]) -> Option<Shape> {
    let keeps_zero = node.integer("allowzero", 0) != 0;
    let mut result = Vec::with_capacity(target.len());
    let mut open = None;
    for (i, size) in target.iter().enumerate() {
        result.push(match size {
            0 if !keeps_zero => *shape.get(i)?,
            -1 => {
                open = Some(i);
                1
            }
            size => usize::try_from(*size).ok()?,
        });
    }
    if let Some(open) = open {
        let rest = result.iter().try_fold(1_usize, |all, it| all.checked_mul(*it))?;
        let all = shape.iter().try_fold(1_usize, |all, it| all.checked_mul(*it))?;
        result[open] = all.checked_div(rest)?;
    }
    Some(result)
}

pub(super) fn unsqueeze(shape: &[usize], axes: &[i64]) -> Option<Shape> {
    let rank = shape.len().checked_add(axes.len())?;
    let axes: Option<Vec<_>> = axes.iter().map(|it| position(*it, rank)).collect();
    let axes = axes?;
    let mut sizes = shape.iter();
    (0..rank).map(|it| if axes.contains(&it) { Some(1) } else { sizes.next().copied() }).collect()
}

pub(super) fn squeeze(shape: &[usize], axes: Option<&[i64]>) -> Option<Shape> {
    let Some(axes) = axes else {
        return Some(shape.iter().copied().filter(|it| *it != 1).collect());
    };
    let axes: Option<Vec<_>> = axes.iter().map(|it| position(*it, shape.len())).collect();
    let axes = axes?;
    Some(shape.iter().enumerate().filter(|(i, _)| !axes.contains(i)).map(|(_, it)| *it).collect())
}

pub(super) fn padded(node: &Node, inputs: &Inputs<'_>) -> Option<Shape> {
    let mut shape = inputs.shape(0)?.to_vec();
    let pads = inputs.integers_or(1, node, "pads")?;
    let axes = match inputs.get(3) {
        Some(_) => inputs.integers(3)?,
        None => (0..i64::try_from(shape.len()).ok()?).collect(),
    };
    for (i, index) in axes.iter().enumerate() {
        let dimension = position(*index, shape.len())?;
        let more = pads.get(i)?.checked_add(*pads.get(i + axes.len())?)?;
        shape[dimension] = shape[dimension].checked_add_signed(isize::try_from(more).ok()?)?;
    }
    Some(shape)
}

pub(super) fn slice(node: &Node, inputs: &Inputs<'_>) -> Option<Shape> {
    let mut shape = inputs.shape(0)?.to_vec();
    for (axis, range) in slices(node, inputs, &shape)? {
        shape[axis] = range.count();
    }
    Some(shape)
}

/// Where a slice of one dimension begins, ends, and how far it steps.
pub(in super::super) struct Cut {
    start: i64,
    end: i64,
    step: i64,
}

impl Cut {
    /// How many elements it takes.
    fn count(&self) -> usize {
        let span = if self.step > 0 { self.end - self.start } else { self.start - self.end };
        let steps = span.max(0).unsigned_abs().div_ceil(self.step.unsigned_abs().max(1));
        usize::try_from(steps).unwrap_or(usize::MAX)
    }

    /// The indexes that it takes.
    pub(in super::super) fn indexes(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.count())
            .filter_map(|it| i64::try_from(it).ok())
            .filter_map(|it| usize::try_from(self.start + it * self.step).ok())
    }
}

/// What a `Slice` takes of each axis that it cuts.
pub(in super::super) fn slices(
    node: &Node,
    inputs: &Inputs<'_>,
    shape: &[usize],
) -> Option<Vec<(usize, Cut)>> {
    let starts = inputs.integers_or(1, node, "starts")?;
    let ends = inputs.integers_or(2, node, "ends")?;
    let axes = match inputs.get(3) {
        Some(_) => inputs.integers(3)?,
        None => match node.list("axes") {
            Some(axes) => axes.to_vec(),
            None => (0..i64::try_from(starts.len()).ok()?).collect(),
        },
    };
    let steps = match inputs.get(4) {
        Some(_) => inputs.integers(4)?,
        None => vec![1; starts.len()],
    };
    let mut cuts = Vec::with_capacity(axes.len());
    for (i, index) in axes.iter().enumerate() {
        let dimension = position(*index, shape.len())?;
        let size = i64::try_from(shape[dimension]).ok()?;
        let step = *steps.get(i)?;
        let at = |it: i64| if it < 0 { it.saturating_add(size) } else { it };
        let (start, end) = (at(*starts.get(i)?), at(*ends.get(i)?));
        cuts.push(match step {
            0 => return None,
            1.. => (dimension, Cut { start: start.clamp(0, size), end: end.clamp(0, size), step }),
            _ => {
                let start = start.clamp(0, (size - 1).max(0));
                (dimension, Cut { start, end: end.clamp(-1, size), step })
            }
        });
    }
    Some(cuts)
}

pub(super) fn concat(node: &Node, inputs: &Inputs<'_>) -> Option<Shape> {
    let mut shape = inputs.shape(0)?.to_vec();
    let axis = position(node.integer("axis", 0), shape.len())?;
    for index in 1..inputs.0.len() {
        shape[axis] = shape[axis].checked_add(*inputs.shape(index)?.get(axis)?)?;
    }
    Some(shape)
}

pub(super) fn split(node: &Node, inputs: &Inputs<'_>) -> Option<Vec<Shape>> {
    let shape = inputs.shape(0)?;
    let axis = position(node.integer("axis", 0), shape.len())?;
    let parts = match inputs.integers_or(1, node, "split") {
        Some(parts) => sizes(&parts)?,
        None if inputs.get(1).is_some() => return None,
        None => {
            let count = node.outputs.len().max(1);
            let each = shape[axis].div_ceil(count);
            (0..count).map(|it| each.min(shape[axis].saturating_sub(it * each))).collect()
        }
    };
    let part = |size| {
        let mut shape = shape.to_vec();
        shape[axis] = size;
        shape
    };
    Some(parts.into_iter().map(part).collect())
}

pub(super) fn top_k(node: &Node, inputs: &Inputs<'_>) -> Option<Shape> {
    let mut shape = inputs.shape(0)?.to_vec();
    let axis = position(node.integer("axis", -1), shape.len())?;
    shape[axis] = count(*inputs.numbers(1)?.first()?)?;
    Some(shape)
}

pub(super) fn reduced(shape: &[usize], axes: Option<&[i64]>, keep: bool) -> Option<Shape> {
    let axes: Option<Vec<_>> = match axes {
        Some(axes) => axes.iter().map(|it| position(*it, shape.len())).collect(),
        None => Some((0..shape.len()).collect()),
    };
    let axes = axes?;
    let sizes = shape.iter().enumerate().filter_map(|(i, size)| match axes.contains(&i) {
        true if keep => Some(1),
        true => None,
        false => Some(*size),
    });
    Some(sizes.collect())
}
