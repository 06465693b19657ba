//! What a decoder reads of an encoder.

use crate::engine::{Kept, Session};
use crate::tasks::bad_output;
use crate::{Error, Result, Tensor};

/// What an encoder made of its input, one row a text.
#[derive(Debug)]
pub(crate) struct Encoded {
    /// `f32 [rows, length, width]`.
    pub(super) hidden: Kept,
    /// `i64 [rows, length]`: 1 for a token, 0 for padding.
    pub(super) mask: Kept,
    rows: usize,
    length: usize,
}

impl Encoded {
    /// `hidden` is `f32 [rows, length, width]`; `mask` is `i64 [rows, length]`, all ones when
    /// there is none.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] when the two do not fit each other.
    pub(crate) fn new(hidden: Tensor, mask: Option<Tensor>) -> Result<Self> {
        let misfit = |given: &[usize]| Error::InvalidArgument {
            argument: "encoded",
            given: format!("{given:?}"),
            expected: "hidden states [rows, length, width] and a mask [rows, length]".to_owned(),
        };
        let [rows, length, _] = *hidden.shape() else { return Err(misfit(hidden.shape())) };
        let mask = match mask {
            Some(mask) if *mask.shape() == [rows, length] => mask,
            Some(mask) => return Err(misfit(mask.shape())),
            None => Tensor::new(vec![rows, length], vec![1_i64; rows * length])?,
        };
        Ok(Self { hidden: Kept::Host(hidden), mask: Kept::Host(mask), rows, length })
    }

    /// What the graph `encoder` makes of `inputs`: its `output`, with `mask` as in
    /// [`new`](Self::new).
    ///
    /// # Errors
    /// [`Error::NonFinite`]; as [`new`](Self::new); what the engine reports.
    pub(crate) fn run(
        encoder: &dyn Session,
        inputs: Vec<(&str, Tensor)>,
        output: &str,
        mask: Option<Tensor>,
    ) -> Result<Self> {
        let mut results = encoder.run(inputs, &[output])?;
        let hidden = results.pop().ok_or_else(|| bad_output(output, "a tensor", "nothing"))?;
        Self::new(hidden.finite(output)?, mask)
    }

    /// The rows at these indexes.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for an index beyond the rows.
    pub(crate) fn select(&self, rows: &[usize]) -> Result<Self> {
        let (hidden, mask) = (self.hidden.select(rows)?, self.mask.select(rows)?);
        Ok(Self { hidden, mask, rows: rows.len(), length: self.length })
    }

    /// Texts that were encoded.
    pub(crate) const fn rows(&self) -> usize {
        self.rows
    }
}
