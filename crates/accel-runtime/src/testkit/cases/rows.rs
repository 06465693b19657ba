//! Rows of recorded batches, cut out and freed of their padding.

use std::ops::Range;

use super::agree;
use crate::testkit::Failure;
use crate::testkit::reference::GraphCase;
use crate::{Tensor, TensorData};

/// One row of a recorded batch as a run of its own.
#[derive(Debug)]
pub(super) struct Row {
    index: usize,
    /// Inputs by name.
    pub(super) inputs: Vec<(String, Tensor)>,
    /// Whether something was cut away.
    pub(super) padded: bool,
    kept: Option<Kept>,
}

/// Which part of each length is not padding.
#[derive(Clone, Debug)]
struct Kept {
    /// Of this run's tokens.
    sequence: Range<usize>,
    /// Of the tokens in the cache.
    past: Range<usize>,
    /// Of both together.
    total: Range<usize>,
    /// This run's tokens, padding included.
    length: usize,
}

/// Rows of the batch that a case runs.
pub(super) fn batch(case: &GraphCase) -> usize {
    case.inputs.first().and_then(|(_, it)| it.shape().first().copied()).unwrap_or(0)
}

/// Whether the case tells tokens from padding.
pub(super) fn has_mask(case: &GraphCase) -> bool {
    mask(case).is_some()
}

fn mask(case: &GraphCase) -> Option<&Tensor> {
    case.inputs.iter().find(|(name, _)| name == "attention_mask").map(|(_, it)| it)
}

impl Row {
    /// Row `index` of the case's batch.
    pub(super) fn of(case: &GraphCase, index: usize) -> Result<Self, Failure> {
        let kept = mask(case).map(|it| kept(case, it, index)).transpose()?;
        let padded = kept.as_ref().is_some_and(|it| it.sequence.len() < it.length);
        let padded_past =
            kept.as_ref().is_some_and(|it| it.total.start > 0 && it.sequence.len() == it.length);
        let mut row = Self { index, inputs: Vec::new(), padded: padded || padded_past, kept };
        for (name, tensor) in &case.inputs {
            let cut = row.cut(name, tensor).map_err(|it| it.during(agree::name(case)))?;
            row.inputs.push((name.clone(), cut));
        }
        Ok(row)
    }

    /// This row of a tensor of the batch, an input or an output, without its padding.
    pub(super) fn cut(&self, name: &str, tensor: &Tensor) -> Result<Tensor, Failure> {
        let row = slice(tensor, 0, &(self.index..self.index + 1)).ok_or_else(|| {
            let shape = tensor.shape();
            Failure::resolve(format!("`{name}` of shape {shape:?} has no row {}", self.index))
        })?;
        let Some(kept) = &self.kept else {
            return Ok(row);
        };
        let (axis, range) = match name {
            "input_ids" | "position_ids" | "token_type_ids" => (1, &kept.sequence),
            "attention_mask" => (1, &kept.total),
            _ if name.starts_with("past_key_values.") => (2, &kept.past),
            _ if name.starts_with("present.") => (2, &kept.total),
            // A vector for every token, such as `logits`; others are one vector a text.
            _ if row.shape().len() >= 3 && row.shape()[1] == kept.length => (1, &kept.sequence),
            _ => return Ok(row),
        };
        slice(&row, axis, range).ok_or_else(|| {
            let shape = row.shape();
            Failure::resolve(format!("`{name}` of shape {shape:?} has no part {range:?}"))
        })
    }
}

fn kept(case: &GraphCase, mask: &Tensor, index: usize) -> Result<Kept, Failure> {
    let wrong = |what: &str| {
        Failure::resolve(format!("{}: row {index} of attention_mask {what}", agree::name(case)))
    };
    let row = slice(mask, 0, &(index..index + 1)).ok_or_else(|| wrong("is not there"))?;
    let row = row.as_i64().map_err(|error| wrong(&format!("is unusable: {error}")))?;
    let start = row.iter().position(|it| *it != 0).ok_or_else(|| wrong("masks everything"))?;
    let end = row.iter().rposition(|it| *it != 0).map_or(start, |it| it + 1);
    if row[start..end].contains(&0) {
        return Err(wrong("has holes"));
    }
    let length = case
        .inputs
        .iter()
        .find(|(name, _)| name == "input_ids")
        .and_then(|(_, it)| it.shape().get(1).copied())
        .unwrap_or(row.len());
    let past = row.len().checked_sub(length).ok_or_else(|| wrong("is shorter than the tokens"))?;
    let sequence = start.max(past) - past..end.max(past) - past;
    if sequence.is_empty() {
        return Err(wrong("masks every new token"));
    }
    Ok(Kept { sequence, past: start.min(past)..end.min(past), total: start..end, length })
}

/// `range` along `axis`; `None` when the tensor does not reach that far.
pub(super) fn slice(tensor: &Tensor, axis: usize, range: &Range<usize>) -> Option<Tensor> {
    let shape = tensor.shape();
    if *shape.get(axis)? < range.end || range.start > range.end {
        return None;
    }
    let inner: usize = shape[axis + 1..].iter().product();
    let blocks = Blocks { size: shape[axis] * inner, part: range.start * inner..range.end * inner };
    let mut cut = shape.to_vec();
    cut[axis] = range.len();
    Tensor::new(cut, blocks.of(tensor.data())).ok()
}

/// The tensor `times` times, one after the other along the batch.
pub(super) fn repeat(tensor: &Tensor, times: usize) -> Option<Tensor> {
    let mut shape = tensor.shape().to_vec();
    *shape.first_mut()? *= times;
    let data = match tensor.data() {
        TensorData::F32(it) => TensorData::F32(it.repeat(times)),
        TensorData::I64(it) => TensorData::I64(it.repeat(times)),
        TensorData::I32(it) => TensorData::I32(it.repeat(times)),
        TensorData::I8(it) => TensorData::I8(it.repeat(times)),
        TensorData::U8(it) => TensorData::U8(it.repeat(times)),
        TensorData::Bool(it) => TensorData::Bool(it.repeat(times)),
    };
    Tensor::new(shape, data).ok()
}

/// The same part of every block of `size` elements.
struct Blocks {
    size: usize,
    part: Range<usize>,
}

impl Blocks {
    fn of(&self, data: &TensorData) -> TensorData {
        match data {
            TensorData::F32(it) => TensorData::F32(self.take(it)),
            TensorData::I64(it) => TensorData::I64(self.take(it)),
            TensorData::I32(it) => TensorData::I32(self.take(it)),
            TensorData::I8(it) => TensorData::I8(self.take(it)),
            TensorData::U8(it) => TensorData::U8(self.take(it)),
            TensorData::Bool(it) => TensorData::Bool(self.take(it)),
        }
    }

    fn take<T: Copy>(&self, elements: &[T]) -> Vec<T> {
        if self.size == 0 {
            return Vec::new();
        }
        elements.chunks(self.size).flat_map(|it| &it[self.part.clone()]).copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{Row, batch, repeat, slice};
    use crate::Tensor;
    use crate::testkit::reference::GraphCase;

    fn ids(shape: [usize; 2], elements: &[i64]) -> Tensor {
        Tensor::new(shape.to_vec(), elements.to_vec()).unwrap()
    }

    fn case(inputs: &[(&str, Tensor)]) -> GraphCase {
        GraphCase {
            graph: "model".to_owned(),
            case: "padded".to_owned(),
            inputs: inputs.iter().map(|(name, it)| ((*name).to_owned(), it.clone())).collect(),
            outputs: Vec::new(),
        }
    }

    #[test]
    fn slices_follow_row_major_order() {
        let tensor = Tensor::new(vec![2, 3, 2], (0..12).collect::<Vec<i64>>()).unwrap();
        assert_eq!(slice(&tensor, 0, &(1..2)).unwrap().as_i64().unwrap(), [6, 7, 8, 9, 10, 11]);
        let middle = slice(&tensor, 1, &(1..2)).unwrap();
        assert_eq!((middle.shape(), middle.as_i64().unwrap()), (&[2, 1, 2][..], &[2, 3, 8, 9][..]));
        assert_eq!(slice(&tensor, 2, &(0..1)).unwrap().as_i64().unwrap(), [0, 2, 4, 6, 8, 10]);
        assert!(slice(&tensor, 1, &(2..4)).is_none());
        assert!(slice(&tensor, 3, &(0..1)).is_none());
        assert_eq!(repeat(&ids([1, 2], &[1, 2]), 2).unwrap(), ids([2, 2], &[1, 2, 1, 2]));
    }

    #[test]
    fn right_padding_is_cut_from_tokens_and_token_vectors() {
        let case = case(&[
            ("input_ids", ids([2, 3], &[1, 2, 3, 4, 0, 0])),
            ("attention_mask", ids([2, 3], &[1, 1, 1, 1, 0, 0])),
        ]);
        assert_eq!(batch(&case), 2);
        assert!(!Row::of(&case, 0).unwrap().padded);
        let row = Row::of(&case, 1).unwrap();
        assert!(row.padded);
        assert_eq!(row.inputs[0].1, ids([1, 1], &[4]));
        let logits = Tensor::new(vec![2, 3, 1], vec![0.0_f32, 1.0, 2.0, 3.0, 4.0, 5.0]).unwrap();
        assert_eq!(row.cut("logits", &logits).unwrap().as_f32().unwrap(), [3.0]);
        let pooled = Tensor::new(vec![2, 3], vec![0.0_f32, 1.0, 2.0, 3.0, 4.0, 5.0]).unwrap();
        assert_eq!(row.cut("pooled", &pooled).unwrap().as_f32().unwrap(), [3.0, 4.0, 5.0]);
    }

    #[test]
    fn left_padding_reaches_into_the_cache() {
        let cache = Tensor::new(vec![2, 1, 2, 1], vec![10_i64, 11, 20, 21]).unwrap();
        let case = case(&[
            ("input_ids", ids([2, 1], &[7, 8])),
            ("attention_mask", ids([2, 3], &[1, 1, 1, 0, 1, 1])),
            ("past_key_values.0.key", cache),
        ]);
        let row = Row::of(&case, 1).unwrap();
        assert!(row.padded);
        assert_eq!(row.inputs[0].1, ids([1, 1], &[8]));
        assert_eq!(row.inputs[1].1, ids([1, 2], &[1, 1]));
        assert_eq!(row.inputs[2].1.as_i64().unwrap(), [21]);
    }

    #[test]
    fn masks_that_mean_nothing_are_refused() {
        for (mask, what) in [([0, 0, 0], "masks everything"), ([1, 0, 1], "has holes")] {
            let case = case(&[
                ("input_ids", ids([1, 3], &[1, 2, 3])),
                ("attention_mask", ids([1, 3], &mask)),
            ]);
            let failure = Row::of(&case, 0).unwrap_err();
            assert!(failure.message.contains(what), "{failure}");
        }
    }
}
