//! Runs whose values lie in a device's memory.

use std::borrow::Cow;

use ort::logging::LogLevel;
use ort::memory::{AllocationDevice, Allocator, MemoryInfo};
use ort::session::{IoBinding, RunOptions, Session, SessionInputValue};
use ort::value::{DynTensor, DynTensorValueType};

use super::values::Port;
use crate::Dim;

/// Names and values of a run's inputs.
pub(super) type Inputs<'a> = [(Cow<'a, str>, SessionInputValue<'a>)];

/// Names and values of a run's results.
pub(super) type Results = Vec<(String, DynTensor)>;

/// Runs with the results `outputs` on the host and `kept` in the device's `memory`.
pub(super) fn run(
    session: &mut Session,
    values: &Inputs<'_>,
    outputs: &[&str],
    kept: &[&str],
    memory: &MemoryInfo<'static>,
) -> ort::Result<Results> {
    let mut binding = session.create_binding()?;
    for (name, value) in values {
        binding.bind_input(name.as_ref(), &**value)?;
    }
    let host = MemoryInfo::default();
    for name in outputs {
        binding.bind_output_to_device(*name, &host)?;
    }
    for name in kept {
        binding.bind_output_to_device(*name, memory)?;
    }
    let results = session.run_binding_with_options(&binding, &quiet()?)?;
    binding.synchronize_outputs()?;
    results
        .into_iter()
        .map(|(name, value)| Ok((name.to_owned(), value.downcast::<DynTensorValueType>()?)))
        .collect()
}

/// Options of a run that logs warnings only; sessions are made at a level that says everything.
pub(super) fn quiet() -> ort::Result<RunOptions> {
    let mut options = RunOptions::new()?;
    options.set_log_level(LogLevel::Warning)?;
    Ok(options)
}

/// Inputs and outputs at addresses that never change, as a recorded CUDA graph needs them: it
/// reads and writes where it did when it was recorded.
#[derive(Debug)]
pub(super) struct Fixed {
    binding: IoBinding,
    inputs: Vec<(String, DynTensor)>,
    outputs: Vec<(String, DynTensor)>,
}

impl Fixed {
    /// Memory on the device for all of a session's inputs and outputs, whose sizes are fixed.
    pub(super) fn new(
        session: &Session,
        memory: &MemoryInfo<'static>,
        inputs: &[Port],
        outputs: &[Port],
    ) -> ort::Result<Self> {
        let allocator = Allocator::new(session, memory.clone())?;
        let room = |ports: &[Port]| -> ort::Result<Vec<(String, DynTensor)>> {
            let one = |port: &Port| {
                let tensor = DynTensor::new(&allocator, port.native, sizes(port)?)?;
                Ok((port.info.name.clone(), tensor))
            };
            ports.iter().map(one).collect()
        };
        let (inputs, mut outputs) = (room(inputs)?, room(outputs)?);
        let mut binding = session.create_binding()?;
        for (name, tensor) in &inputs {
            binding.bind_input(name, tensor)?;
        }
        for (name, tensor) in &mut outputs {
            binding.bind_output(name.as_str(), tensor)?;
        }
        Ok(Self { binding, inputs, outputs })
    }

    /// Copies the inputs in, runs, and copies the results `wanted` out to the host.
    pub(super) fn run(
        &mut self,
        session: &mut Session,
        values: &Inputs<'_>,
        wanted: &[&str],
    ) -> ort::Result<Results> {
        for (name, value) in values {
            let room = self.inputs.iter_mut().find(|(it, _)| it == name);
            let (_, room) = room.ok_or_else(|| ort::Error::new(format!("no input `{name}`")))?;
            value.view().downcast::<DynTensorValueType>()?.copy_into(room)?;
        }
        self.binding.synchronize_inputs()?;
        session.run_binding_with_options(&self.binding, &quiet()?)?;
        self.binding.synchronize_outputs()?;
        let copied = |name: &&str| {
            let value = self.outputs.iter().find(|(it, _)| it == name);
            let (_, value) = value.ok_or_else(|| ort::Error::new(format!("no output `{name}`")))?;
            Ok(((*name).to_owned(), value.to(AllocationDevice::CPU, 0)?))
        };
        wanted.iter().map(copied).collect()
    }
}

/// The sizes of a port, all of which are fixed.
fn sizes(port: &Port) -> ort::Result<Vec<usize>> {
    let size = |dim: &Dim| match dim {
        Dim::Fixed(size) => Ok(*size),
        _ => Err(ort::Error::new(format!("`{}` has sizes that are not fixed", port.info.name))),
    };
    port.info.dims.iter().map(size).collect()
}
