//! What every engine's inputs and results are checked for, in one place.

use std::collections::BTreeMap;

use super::{Dim, Feed, Kept, TensorInfo};
use crate::error::InputProblem;
use crate::{DType, Error, Result, Tensor};

/// What is checked of a tensor, wherever its elements are.
#[derive(Debug)]
pub(super) struct Form {
    dtype: DType,
    shape: Vec<usize>,
}

impl From<&Tensor> for Form {
    fn from(it: &Tensor) -> Self {
        Self { dtype: it.dtype(), shape: it.shape().to_vec() }
    }
}

impl From<&Feed<'_>> for Form {
    fn from(it: &Feed<'_>) -> Self {
        Self { dtype: it.dtype(), shape: it.shape() }
    }
}

impl From<&Kept> for Form {
    fn from(it: &Kept) -> Self {
        Self { dtype: it.dtype(), shape: it.shape() }
    }
}

impl std::fmt::Display for Form {
    /// As `f32 [1, 3]`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {:?}", self.dtype, self.shape)
    }
}

/// Refuses inputs that do not fit the graph's declaration.
pub(super) fn inputs<'a, T: 'a>(
    declared: &[TensorInfo],
    given: impl IntoIterator<Item = &'a (&'a str, T)>,
) -> Result<()>
where
    Form: From<&'a T>,
{
    let given: Vec<(&str, Form)> =
        given.into_iter().map(|(name, tensor)| (*name, Form::from(tensor))).collect();
    for (i, (name, tensor)) in given.iter().enumerate() {
        if !declared.iter().any(|it| it.name == *name) {
            let known: Vec<_> = declared.iter().map(|it| it.name.as_str()).collect();
            return Err(misfit(
                name,
                InputProblem::Unknown,
                format!("one of the graph's inputs ({})", known.join(", ")),
                tensor.to_string(),
            ));
        }
        if given[..i].iter().any(|(earlier, _)| earlier == name) {
            return Err(misfit(name, InputProblem::Repeated, "it once".into(), "it twice".into()));
        }
    }
    // A symbol's size, and the input that set it.
    let mut symbols = BTreeMap::new();
    for info in declared {
        let Some((_, tensor)) = given.iter().find(|(name, _)| info.name == *name) else {
            return Err(misfit(
                &info.name,
                InputProblem::Missing,
                info.to_string(),
                "nothing".into(),
            ));
        };
        fits(info, tensor, &mut symbols)?;
    }
    Ok(())
}

fn fits<'a>(
    info: &'a TensorInfo,
    tensor: &Form,
    symbols: &mut BTreeMap<&'a str, (usize, &'a str)>,
) -> Result<()> {
    let problem = |problem| misfit(&info.name, problem, info.to_string(), tensor.to_string());
    if tensor.dtype != info.dtype {
        return Err(problem(InputProblem::Dtype));
    }
    if tensor.shape.len() != info.dims.len() {
        return Err(problem(InputProblem::Rank));
    }
    for (dim, size) in info.dims.iter().zip(&tensor.shape) {
        match dim {
            Dim::Fixed(fixed) if fixed != size => return Err(problem(InputProblem::Dim)),
            Dim::Fixed(_) | Dim::Unknown => {}
            Dim::Symbol(name) => {
                let (earlier, by) = symbols.entry(name).or_insert((*size, info.name.as_str()));
                if earlier != size {
                    return Err(misfit(
                        &info.name,
                        InputProblem::Symbol,
                        format!("{info} with {name} = {earlier}, as in input `{by}`"),
                        tensor.to_string(),
                    ));
                }
            }
        }
    }
    Ok(())
}

/// The declarations of the outputs asked for.
pub(super) fn outputs<'a>(
    declared: &'a [TensorInfo],
    wanted: &[&str],
) -> Result<Vec<&'a TensorInfo>> {
    wanted
        .iter()
        .map(|name| {
            declared.iter().find(|it| it.name == *name).ok_or_else(|| Error::UnknownOutput {
                output: (*name).to_owned(),
                known: declared.iter().map(|it| it.name.clone()).collect(),
            })
        })
        .collect()
}

/// Refuses results that are not what the graph declares. Sizes are left to the pipelines: many
/// published graphs declare output sizes that they do not keep.
pub(super) fn results<'a, T: 'a>(wanted: &[&TensorInfo], results: &'a [T]) -> Result<()>
where
    Form: From<&'a T>,
{
    if wanted.len() != results.len() {
        let names: Vec<_> = wanted.iter().map(|it| it.name.as_str()).collect();
        return Err(Error::BadOutput {
            output: names.join(", "),
            expected: format!("{} tensors", wanted.len()),
            given: results.len().to_string(),
        });
    }
    for (info, tensor) in wanted.iter().zip(results.iter().map(Form::from)) {
        if tensor.dtype != info.dtype || tensor.shape.len() != info.dims.len() {
            return Err(Error::BadOutput {
                output: info.name.clone(),
                expected: info.to_string(),
                given: tensor.to_string(),
            });
        }
    }
    Ok(())
}

fn misfit(input: &str, problem: InputProblem, expected: String, given: String) -> Error {
    Error::InvalidInput { input: input.to_owned(), problem, expected, given }
}

#[cfg(test)]
mod tests {
    use super::{inputs, results};
    use crate::error::InputProblem;
    use crate::{DType, Dim, Error, Tensor, TensorInfo};

    fn declared() -> Vec<TensorInfo> {
        let symbol = |it: &str| Dim::Symbol(it.to_owned());
        ["input_ids", "attention_mask"]
            .map(|name| TensorInfo {
                name: name.to_owned(),
                dtype: DType::I64,
                dims: vec![symbol("batch"), symbol("length"), Dim::Fixed(2)],
            })
            .into()
    }

    fn ids(batch: usize, length: usize) -> Tensor {
        Tensor::new(vec![batch, length, 2], vec![0_i64; batch * length * 2]).unwrap()
    }

    #[track_caller]
    fn check(given: &[(&str, Tensor)], expected: InputProblem, message: &str) {
        let error = inputs(&declared(), given).unwrap_err();
        assert!(
            matches!(&error, Error::InvalidInput { problem, .. } if *problem == expected),
            "{error:?}"
        );
        assert_eq!(error.to_string(), message);
    }

    #[test]
    fn every_misfit_is_named() {
        let good = ("attention_mask", ids(1, 3));
        inputs(&declared(), &[("input_ids", ids(1, 3)), good.clone()]).unwrap();
        check(
            std::slice::from_ref(&good),
            InputProblem::Missing,
            "input `input_ids`: expected i64 [batch, length, 2], given nothing",
        );
        check(
            &[("pixel_values", ids(1, 3)), good.clone()],
            InputProblem::Unknown,
            "input `pixel_values`: expected one of the graph's inputs (input_ids, attention_mask), given i64 [1, 3, 2]",
        );
        check(
            &[good.clone(), good.clone()],
            InputProblem::Repeated,
            "input `attention_mask`: expected it once, given it twice",
        );
        check(
            &[("input_ids", Tensor::new(vec![1, 3, 2], vec![0.0_f32; 6]).unwrap()), good.clone()],
            InputProblem::Dtype,
            "input `input_ids`: expected i64 [batch, length, 2], given f32 [1, 3, 2]",
        );
        check(
            &[("input_ids", Tensor::new(vec![3], vec![0_i64; 3]).unwrap()), good.clone()],
            InputProblem::Rank,
            "input `input_ids`: expected i64 [batch, length, 2], given i64 [3]",
        );
        check(
            &[("input_ids", Tensor::new(vec![1, 1, 3], vec![0_i64; 3]).unwrap()), good.clone()],
            InputProblem::Dim,
            "input `input_ids`: expected i64 [batch, length, 2], given i64 [1, 1, 3]",
        );
        check(
            &[("input_ids", ids(1, 4)), good],
            InputProblem::Symbol,
            "input `attention_mask`: expected i64 [batch, length, 2] with length = 4, as in input `input_ids`, given i64 [1, 3, 2]",
        );
    }

    #[test]
    fn an_engine_cannot_return_something_else() {
        let declared = declared();
        let wanted: Vec<_> = declared.iter().take(1).collect();
        results(&wanted, &[ids(1, 1)]).unwrap();
        assert!(matches!(results::<Tensor>(&wanted, &[]), Err(Error::BadOutput { .. })));
        let floats = Tensor::new(vec![1, 1, 2], vec![0.0_f32; 2]).unwrap();
        assert!(matches!(results(&wanted, &[floats]), Err(Error::BadOutput { .. })));
    }
}
