//! Tokens of a batch as columns: cut, and put together.

use crate::{Result, Tensor, TensorData};

/// The columns `from..to` of every row.
pub(super) fn columns(tensor: &Tensor, from: usize, to: usize) -> Result<Tensor> {
    fn cut<T: Copy>(data: &[T], row: usize, from: usize, to: usize) -> Vec<T> {
        // Rows without elements are no rows of any length: there is nothing to cut.
        data.chunks(row.max(1)).flat_map(|it| &it[from..to]).copied().collect()
    }
    let mut shape = tensor.shape().to_vec();
    let width: usize = shape[2..].iter().product();
    let (row, from_element, to_element) = (shape[1] * width, from * width, to * width);
    shape[1] = to - from;
    let data: TensorData = match tensor.data() {
        TensorData::I64(it) => cut(it, row, from_element, to_element).into(),
        _ => cut(tensor.as_f32()?, row, from_element, to_element).into(),
    };
    Tensor::new(shape, data)
}

/// The two, one after the other in every row.
pub(super) fn joined(first: &Tensor, second: &Tensor) -> Result<Tensor> {
    /// Rows of `a` elements of the first, each with `b` of the second.
    fn join<T: Copy>(first: &[T], second: &[T], rows: usize, [a, b]: [usize; 2]) -> Vec<T> {
        let row = |it: usize| [&first[it * a..(it + 1) * a], &second[it * b..(it + 1) * b]];
        (0..rows).flat_map(|it| row(it).concat()).collect()
    }
    let mut shape = first.shape().to_vec();
    shape[1] += second.shape()[1];
    let rows = shape[0];
    let lengths = [first, second].map(|it| it.shape()[1..].iter().product());
    let data: TensorData = match (first.data(), second.data()) {
        (TensorData::I64(a), TensorData::I64(b)) => join(a, b, rows, lengths).into(),
        _ => join(first.as_f32()?, second.as_f32()?, rows, lengths).into(),
    };
    Tensor::new(shape, data)
}

#[cfg(test)]
mod tests {
    use super::{columns, joined};
    use crate::Tensor;

    fn ids(rows: usize, columns: usize) -> Tensor {
        let ids: Vec<_> = (0_i64..).take(rows * columns).collect();
        Tensor::new(vec![rows, columns], ids).unwrap()
    }

    #[test]
    fn rows_are_cut_and_put_together_again() {
        let whole = ids(2, 3);
        let parts = (columns(&whole, 0, 1).unwrap(), columns(&whole, 1, 3).unwrap());
        assert_eq!(parts.1.as_i64().unwrap(), [1, 2, 4, 5]);
        assert_eq!(joined(&parts.0, &parts.1).unwrap(), whole);
        let wide = Tensor::new(vec![1, 2, 2], vec![1.0_f32, 2.0, 3.0, 4.0]).unwrap();
        assert_eq!(columns(&wide, 1, 2).unwrap().as_f32().unwrap(), [3.0, 4.0]);
    }

    #[test]
    fn nothing_is_cut_and_put_together_as_well() {
        let nothing = ids(2, 0);
        assert_eq!(columns(&nothing, 0, 0).unwrap(), nothing);
        assert_eq!(columns(&ids(2, 3), 1, 1).unwrap(), nothing);
        assert_eq!(joined(&nothing, &ids(2, 3)).unwrap(), ids(2, 3));
        assert_eq!(joined(&ids(2, 3), &nothing).unwrap(), ids(2, 3));
        assert_eq!(joined(&nothing, &nothing).unwrap(), nothing);
        // No rows, and embeddings of no width.
        assert_eq!(columns(&ids(0, 3), 1, 2).unwrap(), ids(0, 1));
        assert_eq!(joined(&ids(0, 3), &ids(0, 2)).unwrap(), ids(0, 5));
        let flat = Tensor::new(vec![1, 2, 0], Vec::<f32>::new()).unwrap();
        assert_eq!(columns(&flat, 0, 1).unwrap().shape(), [1, 1, 0]);
    }
}
