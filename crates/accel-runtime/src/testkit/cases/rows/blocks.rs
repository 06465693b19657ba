//! Parts of tensors along one dimension, cut out and repeated.

use std::ops::Range;

use crate::{Tensor, TensorData};

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

/// The tensor `times` times, one after the other along `axis`.
pub(super) fn repeat(tensor: &Tensor, axis: usize, times: usize) -> Option<Tensor> {
    let mut shape = tensor.shape().to_vec();
    *shape.get_mut(axis)? *= times;
    let size: usize = tensor.shape().get(axis..)?.iter().product();
    let data = match tensor.data() {
        TensorData::F32(it) => TensorData::F32(repeated(it, size, times)),
        TensorData::I64(it) => TensorData::I64(repeated(it, size, times)),
        TensorData::I32(it) => TensorData::I32(repeated(it, size, times)),
        TensorData::I8(it) => TensorData::I8(repeated(it, size, times)),
        TensorData::U8(it) => TensorData::U8(repeated(it, size, times)),
        TensorData::Bool(it) => TensorData::Bool(repeated(it, size, times)),
    };
    Tensor::new(shape, data).ok()
}

/// Every block of `size` elements `times` times.
fn repeated<T: Copy>(elements: &[T], size: usize, times: usize) -> Vec<T> {
    elements.chunks(size.max(1)).flat_map(|it| it.repeat(times)).collect()
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
    use super::{repeat, slice};
    use crate::Tensor;

    #[test]
    fn slices_follow_row_major_order() {
        let tensor = Tensor::new(vec![2, 3, 2], (0..12).collect::<Vec<i64>>()).unwrap();
        assert_eq!(slice(&tensor, 0, &(1..2)).unwrap().as_i64().unwrap(), [6, 7, 8, 9, 10, 11]);
        let middle = slice(&tensor, 1, &(1..2)).unwrap();
        assert_eq!((middle.shape(), middle.as_i64().unwrap()), (&[2, 1, 2][..], &[2, 3, 8, 9][..]));
        assert_eq!(slice(&tensor, 2, &(0..1)).unwrap().as_i64().unwrap(), [0, 2, 4, 6, 8, 10]);
        assert!(slice(&tensor, 1, &(2..4)).is_none());
        assert!(slice(&tensor, 3, &(0..1)).is_none());
        assert_eq!(repeat(&ids([1, 2], &[1, 2]), 0, 2).unwrap(), ids([2, 2], &[1, 2, 1, 2]));
        assert_eq!(repeat(&ids([2, 1], &[1, 2]), 1, 2).unwrap(), ids([2, 2], &[1, 1, 2, 2]));
        assert!(repeat(&ids([1, 1], &[1]), 2, 2).is_none());
    }

    fn ids(shape: [usize; 2], elements: &[i64]) -> Tensor {
        Tensor::new(shape.to_vec(), elements.to_vec()).unwrap()
    }
}
