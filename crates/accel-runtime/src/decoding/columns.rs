//! Tokens of a batch as columns: cut, and put together.

use crate::{Result, Tensor, TensorData};

/// The columns `from..to` of every row.
pub(super) fn columns(tensor: &Tensor, from: usize, to: usize) -> Result<Tensor> {
    fn cut<T: Copy>(data: &[T], rows: usize, from: usize, to: usize, length: usize) -> Vec<T> {
        let width = data.len() / (rows * length);
        let rows = data.chunks(length * width);
        rows.flat_map(|it| &it[from * width..to * width]).copied().collect()
    }
    let mut shape = tensor.shape().to_vec();
    let (rows, length) = (shape[0], shape[1]);
    shape[1] = to - from;
    let data: TensorData = match tensor.data() {
        TensorData::I64(it) => cut(it, rows, from, to, length).into(),
        _ => cut(tensor.as_f32()?, rows, from, to, length).into(),
    };
    Tensor::new(shape, data)
}

/// The two, one after the other in every row.
pub(super) fn joined(first: &Tensor, second: &Tensor) -> Result<Tensor> {
    fn join<T: Copy>(a: &[T], b: &[T], rows: usize) -> Vec<T> {
        let (a, b) = (a.chunks(a.len() / rows), b.chunks(b.len() / rows));
        a.zip(b).flat_map(|(a, b)| [a, b].concat()).collect()
    }
    let mut shape = first.shape().to_vec();
    shape[1] += second.shape()[1];
    let rows = shape[0];
    let data: TensorData = match (first.data(), second.data()) {
        (TensorData::I64(a), TensorData::I64(b)) => join(a, b, rows).into(),
        _ => join(first.as_f32()?, second.as_f32()?, rows).into(),
    };
    Tensor::new(shape, data)
}
