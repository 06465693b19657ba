//! Tensors that stay with an engine between runs.

use std::any::Any;
use std::fmt::Debug;

use crate::{DType, Error, Result, Tensor, TensorData};

/// A tensor that one run gave and a later run takes, such as a decoder's cache.
///
/// It stays in the form that its engine computes with, so that nothing is converted or copied
/// between two steps. Its first dimension counts rows of a batch.
#[derive(Debug)]
pub enum Kept {
    /// An ordinary tensor; every engine takes it.
    Host(Tensor),
    /// A value of the engine that gave it; another engine reads it as a tensor.
    Engine(Box<dyn EngineTensor>),
}

/// A tensor in the form of its engine.
pub trait EngineTensor: Any + Debug + Send + Sync {
    /// Sizes of the dimensions, outermost first.
    fn shape(&self) -> Vec<usize>;

    /// The type of the elements, as [`TensorInfo`](crate::TensorInfo) declares it.
    fn dtype(&self) -> DType;

    /// The rows at the indexes `rows` of the first dimension, in their order; an index may
    /// repeat. Every index is below the size of the dimension.
    ///
    /// # Errors
    /// What the engine reports.
    fn select(&self, rows: &[usize]) -> Result<Kept>;

    /// The same elements as an ordinary tensor.
    ///
    /// # Errors
    /// What the engine reports.
    fn to_tensor(&self) -> Result<Tensor>;
}

impl Kept {
    /// Sizes of the dimensions, outermost first.
    pub fn shape(&self) -> Vec<usize> {
        match self {
            Self::Host(tensor) => tensor.shape().to_vec(),
            Self::Engine(tensor) => tensor.shape(),
        }
    }

    /// The type of the elements.
    pub fn dtype(&self) -> DType {
        match self {
            Self::Host(tensor) => tensor.dtype(),
            Self::Engine(tensor) => tensor.dtype(),
        }
    }

    /// The rows at the indexes `rows` of the first dimension, in their order; an index may
    /// repeat.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for an index beyond the rows; what the engine reports.
    pub fn select(&self, rows: &[usize]) -> Result<Self> {
        let shape = self.shape();
        let count = shape.first().copied().unwrap_or(0);
        if let Some(row) = rows.iter().find(|it| **it >= count) {
            return Err(Error::InvalidArgument {
                argument: "rows",
                given: row.to_string(),
                expected: format!("indexes below {count}"),
            });
        }
        match self {
            Self::Host(tensor) => select_rows(tensor, rows).map(Self::Host),
            Self::Engine(tensor) => tensor.select(rows),
        }
    }

    /// The same elements as an ordinary tensor.
    ///
    /// # Errors
    /// What the engine reports.
    pub fn into_tensor(self) -> Result<Tensor> {
        match self {
            Self::Host(tensor) => Ok(tensor),
            Self::Engine(tensor) => tensor.to_tensor(),
        }
    }
}

/// An input of a run.
#[derive(Debug)]
pub enum Feed<'a> {
    /// An ordinary tensor.
    Tensor(Tensor),
    /// What an earlier run gave; this run may reuse its memory for what it gives.
    Kept(Kept),
    /// What later runs will read again.
    Shared(&'a Kept),
}

impl Feed<'_> {
    /// Sizes of the dimensions, outermost first.
    pub fn shape(&self) -> Vec<usize> {
        match self {
            Self::Tensor(tensor) => tensor.shape().to_vec(),
            Self::Kept(kept) => kept.shape(),
            Self::Shared(kept) => kept.shape(),
        }
    }

    /// The type of the elements.
    pub fn dtype(&self) -> DType {
        match self {
            Self::Tensor(tensor) => tensor.dtype(),
            Self::Kept(kept) => kept.dtype(),
            Self::Shared(kept) => kept.dtype(),
        }
    }

    /// The input as an ordinary tensor; a shared one is copied.
    ///
    /// # Errors
    /// What the engine of a kept tensor reports.
    pub fn into_tensor(self) -> Result<Tensor> {
        match self {
            Self::Tensor(tensor) => Ok(tensor),
            Self::Kept(kept) => kept.into_tensor(),
            Self::Shared(Kept::Host(tensor)) => Ok(tensor.clone()),
            Self::Shared(Kept::Engine(tensor)) => tensor.to_tensor(),
        }
    }
}

/// An output that is to stay with the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keep<'a> {
    /// The output's name.
    pub output: &'a str,
    /// The dimension that grows from run to run, if one does: an engine can reserve room there,
    /// so that the next run adds to the tensor instead of copying it.
    pub grows: Option<usize>,
}

/// The rows of a tensor at `rows`, all of which exist.
fn select_rows(tensor: &Tensor, rows: &[usize]) -> Result<Tensor> {
    fn gather<T: Copy>(data: &[T], width: usize, rows: &[usize]) -> Vec<T> {
        rows.iter().flat_map(|row| &data[row * width..(row + 1) * width]).copied().collect()
    }
    let mut shape = tensor.shape().to_vec();
    let width = shape.iter().skip(1).product();
    if let Some(count) = shape.first_mut() {
        *count = rows.len();
    }
    let data: TensorData = match tensor.data() {
        TensorData::F32(it) => gather(it, width, rows).into(),
        TensorData::I64(it) => gather(it, width, rows).into(),
        TensorData::I32(it) => gather(it, width, rows).into(),
        TensorData::I8(it) => gather(it, width, rows).into(),
        TensorData::U8(it) => gather(it, width, rows).into(),
        TensorData::Bool(it) => gather(it, width, rows).into(),
    };
    Tensor::new(shape, data)
}

#[cfg(test)]
mod tests {
    use super::Kept;
    use crate::{Error, Tensor};

    #[test]
    fn rows_are_taken_in_the_order_asked_for() {
        let tensor = Tensor::new(vec![3, 1, 2], vec![0_i64, 1, 2, 3, 4, 5]).unwrap();
        let kept = Kept::Host(tensor);
        let rows = kept.select(&[2, 0, 2, 2]).unwrap().into_tensor().unwrap();
        assert_eq!(rows.shape(), [4, 1, 2]);
        assert_eq!(rows.as_i64().unwrap(), [4, 5, 0, 1, 4, 5, 4, 5]);
        assert_eq!(kept.select(&[]).unwrap().shape(), [0, 1, 2]);
        assert!(matches!(kept.select(&[3]), Err(Error::InvalidArgument { .. })));
    }
}
