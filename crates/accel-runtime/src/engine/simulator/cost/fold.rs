//! The arithmetic of shapes: small values that are known before anything runs.

use super::graph::Node;
use super::shapes::{Inputs, position, slices};
use super::value::{ElementType, few};

/// The elements of the node's first output, if it is small and they can be told.
pub(super) fn fold(
    node: &Node,
    inputs: &Inputs<'_>,
    dtype: ElementType,
    shape: &[usize],
) -> Option<Vec<f64>> {
    let count = few(shape)?;
    let numbers = elements(node, inputs, dtype, shape)?;
    (numbers.len() == count).then_some(numbers)
}

fn elements(
    node: &Node,
    inputs: &Inputs<'_>,
    dtype: ElementType,
    shape: &[usize],
) -> Option<Vec<f64>> {
    let first = || inputs.numbers(0);
    match node.operator.as_str() {
        "Constant" => node.constant.as_ref()?.numbers.clone(),
        "Shape" => {
            let sizes = floats(inputs.shape(0)?);
            let rank = i64::try_from(sizes.len()).ok()?;
            let start = node.integer("start", 0);
            let start = if start < 0 { start + rank } else { start }.clamp(0, rank);
            let start = usize::try_from(start).ok()?;
            Some(sizes.get(start..start.checked_add(*shape.first()?)?)?.to_vec())
        }
        "ConstantOfShape" => {
            let number = match &node.constant {
                Some(it) => *it.numbers.as_ref()?.first()?,
                None => 0.0,
            };
            let count = shape.iter().try_fold(1_usize, |all, it| all.checked_mul(*it))?;
            Some(vec![number; count])
        }
        "Size" => Some(vec![inputs.get(0)?.elements()?]),
        "Identity" | "Reshape" | "Squeeze" | "Unsqueeze" | "Flatten" => Some(first()?.to_vec()),
        "Cast" => {
            let round = |it: &f64| match dtype {
                ElementType::Bool => f64::from(*it != 0.0),
                dtype if dtype.is_float() => *it,
                _ => it.trunc(),
            };
            Some(first()?.iter().map(round).collect())
        }
        "Neg" => Some(first()?.iter().map(|it| -it).collect()),
        "Abs" => Some(first()?.iter().map(|it| it.abs()).collect()),
        "Floor" => Some(first()?.iter().map(|it| it.floor()).collect()),
        "Ceil" => Some(first()?.iter().map(|it| it.ceil()).collect()),
        "Sqrt" => Some(first()?.iter().map(|it| it.sqrt()).collect()),
        "Not" => Some(first()?.iter().map(|it| f64::from(*it == 0.0)).collect()),
        "Concat" => {
            // Of one dimension: nothing else is concatenated to make a shape.
            let [_] = shape else { return None };
            let parts: Option<Vec<_>> = (0..inputs.0.len()).map(|it| inputs.numbers(it)).collect();
            Some(parts?.concat())
        }
        "Gather" => {
            let [size] = *inputs.shape(0)? else { return None };
            let take = |index: &f64| {
                #[expect(clippy::cast_possible_truncation, reason = "an index, or refused")]
                let index = position(*index as i64, size)?;
                first()?.get(index).copied()
            };
            inputs.numbers(1)?.iter().map(take).collect()
        }
        "Slice" => {
            let input = inputs.shape(0)?;
            let [_] = input else { return None };
            let cuts = slices(node, inputs, input)?;
            let [(_, cut)] = cuts.as_slice() else { return None };
            cut.indexes().map(|it| first()?.get(it).copied()).collect()
        }
        "Range" => {
            let (start, step) = (*first()?.first()?, *inputs.numbers(2)?.first()?);
            Some(floats(&(0..*shape.first()?).collect::<Vec<_>>()))
                .map(|it| it.iter().map(|it| start + it * step).collect())
        }
        "ReduceProd" => Some(vec![first()?.iter().product()]),
        "ReduceSum" => Some(vec![first()?.iter().sum()]),
        "ReduceMax" => Some(vec![first()?.iter().copied().fold(f64::NEG_INFINITY, f64::max)]),
        "ReduceMin" => Some(vec![first()?.iter().copied().fold(f64::INFINITY, f64::min)]),
        "Expand" => broadcast(inputs, 0, shape),
        "Where" => {
            let condition = broadcast(inputs, 0, shape)?;
            let (yes, no) = (broadcast(inputs, 1, shape)?, broadcast(inputs, 2, shape)?);
            let either = condition.iter().zip(yes.iter().zip(no));
            Some(either.map(|(it, (yes, no))| if *it == 0.0 { no } else { *yes }).collect())
        }
        operator => binary(operator, inputs, dtype, shape),
    }
}

fn binary(
    operator: &str,
    inputs: &Inputs<'_>,
    dtype: ElementType,
    shape: &[usize],
) -> Option<Vec<f64>> {
    let apply: fn(f64, f64) -> f64 = match operator {
        "Add" => |a, b| a + b,
        "Sub" => |a, b| a - b,
        "Mul" => |a, b| a * b,
        "Div" if dtype.is_float() => |a, b| a / b,
        "Div" => |a, b| (a / b).trunc(),
        "Min" => f64::min,
        "Max" => f64::max,
        "Equal" => |a, b| f64::from(a.total_cmp(&b).is_eq()),
        "Less" => |a, b| f64::from(a < b),
        "LessOrEqual" => |a, b| f64::from(a <= b),
        "Greater" => |a, b| f64::from(a > b),
        "GreaterOrEqual" => |a, b| f64::from(a >= b),
        "And" => |a, b| f64::from(a != 0.0 && b != 0.0),
        "Or" => |a, b| f64::from(a != 0.0 || b != 0.0),
        // With the divisor's sign, which is what `fmod = 0` means.
        "Mod" => |a, b| a - b * (a / b).floor(),
        _ => return None,
    };
    if inputs.0.len() != 2 {
        return None;
    }
    let (a, b) = (broadcast(inputs, 0, shape)?, broadcast(inputs, 1, shape)?);
    Some(a.into_iter().zip(b).map(|(a, b)| apply(a, b)).collect())
}

/// The input's elements, repeated to fill `shape`.
fn broadcast(inputs: &Inputs<'_>, index: usize, shape: &[usize]) -> Option<Vec<f64>> {
    let (numbers, own) = (inputs.numbers(index)?, inputs.shape(index)?);
    let total = shape.iter().try_fold(1_usize, |all, it| all.checked_mul(*it))?;
    let at = |mut place: usize| {
        let (mut offset, mut stride) = (0, 1);
        for (i, size) in shape.iter().enumerate().rev() {
            let digit = place % size;
            place /= size;
            if let Some(own_size) = (i + own.len()).checked_sub(shape.len()).map(|it| own[it]) {
                offset += if own_size == 1 { 0 } else { digit * stride };
                stride *= own_size;
            }
        }
        numbers.get(offset).copied()
    };
    (0..total).map(at).collect()
}

#[expect(clippy::cast_precision_loss, reason = "sizes are far below 2^53")]
fn floats(sizes: &[usize]) -> Vec<f64> {
    sizes.iter().map(|it| *it as f64).collect()
}
