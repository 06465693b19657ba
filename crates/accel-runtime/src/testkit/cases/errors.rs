//! Wrong use is a typed error, and nothing breaks by it.

use accel_core::{SessionOptions, Stage};

use super::{agree, graph, tasks};
use crate::testkit::reference::GraphCase;
use crate::testkit::{Failure, Probe, Verdict};
use crate::{Error, InputProblem, Result, Session, Tensor, TensorData};

/// Wrong input is a typed error, and the session still gives right results after it.
///
/// # Errors
/// Of stage `run` when wrong input is taken or refused for another reason; `mismatch` when the
/// session is wrong afterwards.
pub fn bad_input_is_typed(probe: &Probe<'_>) -> Verdict {
    let skill = probe.load()?;
    for name in probe.reference.graph_names() {
        let session = skill.graph(probe.reference, name)?;
        for case in probe.reference.graph(name).take(1) {
            bad_inputs(session, case)?;
        }
    }
    tasks::bad_input_is_typed(probe, &skill)?;
    graph::graphs_match(probe, &skill, probe.options.precision)
        .map_err(|it| it.during("after wrong inputs"))?;
    Ok(())
}

fn bad_inputs(session: &dyn Session, case: &GraphCase) -> Verdict {
    let good: Vec<_> = case.inputs.iter().map(|(name, it)| (name.as_str(), it.clone())).collect();
    let replaced = |index: usize, tensor: Tensor| {
        let mut inputs = good.clone();
        inputs[index].1 = tensor;
        inputs
    };
    for (index, (name, tensor)) in good.iter().enumerate() {
        let mut inputs = good.clone();
        inputs.remove(index);
        refused(session, case, inputs, name, InputProblem::Missing)?;

        let inputs = replaced(index, of_another_type(tensor)?);
        refused(session, case, inputs, name, InputProblem::Dtype)?;

        let (mut shape, data) = tensor.clone().into_parts();
        shape.insert(0, 1);
        let inputs = replaced(index, Tensor::new(shape, data)?);
        refused(session, case, inputs, name, InputProblem::Rank)?;
    }
    let (first, tensor) = good
        .first()
        .cloned()
        .ok_or_else(|| Failure::resolve(format!("{} has no inputs", agree::name(case))))?;
    let stranger = "no_such_input";
    let mut inputs = good.clone();
    inputs.push((stranger, tensor.clone()));
    refused(session, case, inputs, stranger, InputProblem::Unknown)?;
    let mut inputs = good.clone();
    inputs.push((first, tensor));
    refused(session, case, inputs, first, InputProblem::Repeated)?;

    let stranger = "no_such_output";
    let result = session.run(good, &[stranger]);
    expect(
        &format!("{}, output `{stranger}`", agree::name(case)),
        result,
        |error| matches!(error, Error::UnknownOutput { output, .. } if output == stranger),
    )
}

/// Runs with wrong inputs, which must be refused for the right reason.
fn refused(
    session: &dyn Session,
    case: &GraphCase,
    inputs: Vec<(&str, Tensor)>,
    name: &str,
    wanted: InputProblem,
) -> Verdict {
    let outputs: Vec<_> = case.outputs.iter().map(|(name, _)| name.as_str()).collect();
    let what = format!("{}, input `{name}` wrong ({wanted:?})", agree::name(case));
    expect(&what, session.run(inputs, &outputs), |error| {
        matches!(
            error,
            Error::InvalidInput { input, problem, .. } if input == name && *problem == wanted
        )
    })
}

/// Fails unless `result` is the error that `is_right` knows.
pub(super) fn expect<T>(
    what: &str,
    result: Result<T>,
    is_right: impl Fn(&Error) -> bool,
) -> Verdict {
    match result {
        Err(error) if is_right(&error) => Ok(()),
        Err(error) => Err(Failure::new(
            Stage::Run,
            format!("{what}: refused, but for another reason than the wrong one: {error}"),
        )),
        Ok(_) => Err(Failure::new(Stage::Run, format!("{what}: it was taken, without an error"))),
    }
}

/// A tensor of the same shape, of a type that the graph does not take.
fn of_another_type(tensor: &Tensor) -> Result<Tensor> {
    let count = tensor.data().len();
    let data = match tensor.data() {
        TensorData::F32(_) => TensorData::I64(vec![0; count]),
        _ => TensorData::F32(vec![0.0; count]),
    };
    Tensor::new(tensor.shape().to_vec(), data)
}

/// A model over the memory limit is refused with a typed error, before it takes the memory; one
/// that just fits is loaded and works.
///
/// # Errors
/// Of stage `load` when the limit is not kept, or refuses too much.
pub fn refuses_over_memory_limit(probe: &Probe<'_>) -> Verdict {
    let limited = |memory_limit_bytes| SessionOptions { memory_limit_bytes, ..probe.options };
    let load = |limit| probe.load_unchecked(probe.source, &limited(limit));
    let refused = |limit: u64| match load(limit) {
        Err(Error::MemoryLimit { needed_bytes, limit_bytes, .. }) if limit_bytes == limit => {
            Ok(needed_bytes)
        }
        Err(error) => Err(Failure::new(
            error.stage(),
            format!("with a limit of {limit} bytes: another error than the limit's: {error}"),
        )),
        Ok(_) => Err(Failure::new(
            Stage::Load,
            format!("the model was loaded over its limit of {limit} bytes"),
        )),
    };
    let needed = refused(1)?;
    if refused(needed.saturating_sub(1))? != needed {
        let changed = "the bytes that the model needs change with the limit";
        return Err(Failure::new(Stage::Load, changed));
    }
    // Several graphs are refused one by one; the largest of them decides.
    #[expect(clippy::cast_precision_loss, reason = "bytes of a model are below 2^53")]
    probe.measure("needed_bytes", needed as f64);
    let fits = probe.load_unchecked(probe.source, &limited(0))?.sessions().len() == 1;
    let skill = if fits { probe.load_with(&limited(needed))? } else { probe.load()? };
    graph::graphs_match(probe, &skill, probe.options.precision)?;
    Ok(())
}
