//! A loaded graph, its runs, and values that wait between them.

use std::any::Any;
use std::borrow::Cow;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use ort::memory::MemoryInfo;
use ort::session::{OutputSelector, SessionInputValue};
use ort::value::{DynTensor, DynTensorValueType};

use super::bound::{self, Fixed, Inputs, Results};
use super::values::{Port, run_error, shape_of, tensor_of, value_of};
use crate::engine::{EngineTensor, Feed, Keep, Kept, Placement, Session, TensorInfo};
use crate::{DType, Error, Result, Tensor};

/// A graph loaded by ONNX Runtime.
#[derive(Debug)]
pub(super) struct OrtSession {
    /// A session must not run twice at the same time, by the word of ort's authors; callers wait
    /// for each other. [`Pool`](crate::Pool) gives several sessions of a model.
    pub(super) running: Mutex<Running>,
    pub(super) inputs: Vec<Port>,
    pub(super) outputs: Vec<Port>,
    pub(super) input_infos: Vec<TensorInfo>,
    pub(super) output_infos: Vec<TensorInfo>,
    pub(super) placement: Placement,
    /// The device's memory, in which values wait for the next run; `None` is the host's.
    pub(super) device: Option<MemoryInfo<'static>>,
    /// Whether runs are recorded, so that values must lie where they lay.
    pub(super) records: bool,
}

/// What a run needs for itself.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) session: ort::session::Session,
    /// Where a recorded run's values lie, after the first.
    pub(super) fixed: Option<Fixed>,
}

impl Session for OrtSession {
    fn inputs(&self) -> &[TensorInfo] {
        &self.input_infos
    }

    fn outputs(&self) -> &[TensorInfo] {
        &self.output_infos
    }

    fn placement(&self) -> &Placement {
        &self.placement
    }

    fn execute(&self, inputs: Vec<(&str, Tensor)>, outputs: &[&str]) -> Result<Vec<Tensor>> {
        let inputs = inputs.into_iter().map(|(name, it)| (name, Feed::Tensor(it))).collect();
        Ok(self.execute_keeping(inputs, outputs, &[])?.0)
    }

    fn execute_keeping(
        &self,
        inputs: Vec<(&str, Feed<'_>)>,
        outputs: &[&str],
        keep: &[Keep<'_>],
    ) -> Result<(Vec<Tensor>, Vec<Kept>)> {
        let mut values = Vec::with_capacity(inputs.len());
        for (name, feed) in inputs {
            values.push((Cow::Borrowed(name), self.input_value(name, feed)?));
        }
        let kept: Vec<_> = keep.iter().map(|it| it.output).collect();
        let mut results = self.run(&values, outputs, &kept).map_err(|error| run_error(&error))?;
        let mut take = |name: &str| -> Result<(TensorInfo, DynTensor)> {
            let place = results.iter().position(|(it, _)| it == name);
            let value = place.map(|it| results.swap_remove(it).1);
            let value = value.ok_or_else(|| no_value(name))?;
            Ok((find(&self.outputs, name)?.info.clone(), value))
        };
        let kept = kept
            .into_iter()
            .map(|name| {
                let (info, value) = take(name)?;
                Ok(Kept::Engine(Box::new(OrtKept { value, info })))
            })
            .collect::<Result<_>>()?;
        // One output may be asked for twice.
        let mut tensors: Vec<Tensor> = Vec::with_capacity(outputs.len());
        for (place, name) in outputs.iter().enumerate() {
            let earlier = outputs[..place].iter().position(|it| it == name);
            tensors.push(match earlier {
                Some(earlier) => tensors[earlier].clone(),
                None => take(name).and_then(|(info, value)| tensor_of(&info, &value))?,
            });
        }
        Ok((tensors, kept))
    }
}

impl OrtSession {
    fn input_value<'a>(&self, name: &str, feed: Feed<'a>) -> Result<SessionInputValue<'a>> {
        let native = find(&self.inputs, name)?.native;
        Ok(match feed {
            Feed::Tensor(tensor) | Feed::Kept(Kept::Host(tensor)) => {
                value_of(tensor, native)?.into()
            }
            Feed::Kept(Kept::Engine(kept)) => {
                let any: &dyn Any = &*kept;
                if any.downcast_ref::<OrtKept>().is_some_and(|it| *it.value.data_type() == native) {
                    let any: Box<dyn Any> = kept;
                    any.downcast::<OrtKept>().map_err(|_| no_value(name))?.value.into()
                } else {
                    value_of(kept.to_tensor()?, native)?.into()
                }
            }
            Feed::Shared(Kept::Engine(kept)) => {
                let any: &dyn Any = &**kept;
                match any.downcast_ref::<OrtKept>() {
                    Some(it) if *it.value.data_type() == native => (&it.value).into(),
                    _ => value_of(kept.to_tensor()?, native)?.into(),
                }
            }
            Feed::Shared(Kept::Host(tensor)) => value_of(tensor.clone(), native)?.into(),
        })
    }

    /// Runs with all results on the host, or in the device's memory where they wait.
    fn run(&self, values: &Inputs<'_>, outputs: &[&str], kept: &[&str]) -> ort::Result<Results> {
        let mut wanted: Vec<&str> = Vec::new();
        for name in outputs {
            if !wanted.contains(name) && !kept.contains(name) {
                wanted.push(name);
            }
        }
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let Running { session, fixed } = &mut *running;
        let Some(memory) = &self.device else {
            wanted.extend(kept);
            return run_on_host(session, values, &wanted);
        };
        if self.records {
            wanted.extend(kept);
            if fixed.is_none() {
                *fixed = Some(Fixed::new(session, memory, &self.inputs, &self.outputs)?);
            }
            let fixed = fixed.as_mut().ok_or_else(|| ort::Error::new("no memory to run in"))?;
            return fixed.run(session, values, &wanted);
        }
        if kept.is_empty() {
            return run_on_host(session, values, &wanted);
        }
        bound::run(session, values, &wanted, kept, memory)
    }
}

fn run_on_host(
    session: &mut ort::session::Session,
    values: &Inputs<'_>,
    wanted: &[&str],
) -> ort::Result<Results> {
    // Asking for nothing would be asking for everything.
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let selector = wanted.iter().fold(OutputSelector::no_default(), |it, name| it.with(*name));
    let options = bound::quiet()?.with_outputs(selector);
    let views: Vec<_> = values.iter().map(|(name, it)| (name.as_ref(), it.view())).collect();
    let results = session.run_with_options(views, &options)?;
    results
        .into_iter()
        .map(|(name, value)| Ok((name.to_owned(), value.downcast::<DynTensorValueType>()?)))
        .collect()
}

fn find<'a>(ports: &'a [Port], name: &str) -> Result<&'a Port> {
    ports.iter().find(|it| it.info.name == name).ok_or_else(|| no_value(name))
}

fn no_value(name: &str) -> Error {
    Error::Run {
        engine: accel_core::Engine::Ort,
        reason: format!("the graph has no value `{name}`"),
    }
}

/// A value of ONNX Runtime that waits for the next run, on the device where that computes.
struct OrtKept {
    value: DynTensor,
    /// As the graph that gave it declares it.
    info: TensorInfo,
}

impl fmt::Debug for OrtKept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OrtKept")
            .field("info", &self.info)
            .field("shape", &self.shape())
            .finish_non_exhaustive()
    }
}

impl EngineTensor for OrtKept {
    fn shape(&self) -> Vec<usize> {
        shape_of(&self.value)
    }

    fn dtype(&self) -> DType {
        self.info.dtype
    }

    fn select(&self, rows: &[usize]) -> Result<Kept> {
        Kept::Host(self.to_tensor()?).select(rows)
    }

    fn to_tensor(&self) -> Result<Tensor> {
        tensor_of(&self.info, &self.value)
    }
}
