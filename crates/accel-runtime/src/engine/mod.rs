//! Engines: what executes a graph, and what is known about where it ran.

mod alternatives;
#[cfg(feature = "browser")]
mod browser;
mod check;
mod cpu;
mod declared;
#[cfg(any(feature = "ort", feature = "openvino"))]
mod half;
mod kept;
pub mod locate;
#[cfg(feature = "openvino")]
pub mod openvino;
#[cfg(feature = "ort")]
pub mod ort;
#[cfg(any(feature = "ort", feature = "openvino", feature = "browser"))]
mod refusals;
mod rten;
#[cfg(any(feature = "ort", feature = "browser"))]
mod said;
mod select;
pub mod simulator;

use std::fmt::{self, Debug};

use accel_core::{Engine as EngineName, Platform, SessionOptions};

use crate::model::GraphFiles;
use crate::{DType, Error, Result, Tensor};

#[cfg(feature = "browser")]
pub use browser::{BROWSER, BrowserEngine, BrowserFiles, NotFound, WEB_DIR};
pub use kept::{EngineTensor, Feed, Keep, Kept};
pub use rten::RtenEngine;
pub use select::{Availability, Lack, availability, built_in, for_options, simulator};
use simulator::Simulation;
pub use simulator::SimulatorEngine;

/// Something that loads graphs. Bring your own with
/// [`ModelSource::with_engine`](crate::ModelSource::with_engine).
pub trait Engine: Send + Sync + Debug {
    /// Which engine it is.
    fn name(&self) -> EngineName;

    /// Its version.
    fn version(&self) -> String;

    /// Loads a graph for a platform.
    ///
    /// # Errors
    /// Anything but a session that runs on that platform, exactly as asked for.
    fn load(
        &self,
        graph: &GraphFiles,
        platform: Platform,
        options: &SessionOptions,
    ) -> Result<Box<dyn Session>>;
}

/// A loaded graph. Callers use [`run`](trait.Session.html#method.run), which checks inputs and
/// results around [`execute`](Session::execute).
pub trait Session: Send + Sync + Debug {
    /// The graph's inputs in the order of its declaration.
    fn inputs(&self) -> &[TensorInfo];

    /// The graph's outputs in the order of its declaration.
    fn outputs(&self) -> &[TensorInfo];

    /// Where the graph's nodes run.
    fn placement(&self) -> &Placement;

    /// Whether the compiled model came from the engine's cache on disk; `None` where the engine
    /// does not say, or compiles nothing.
    fn loaded_from_cache(&self) -> Option<bool> {
        None
    }

    /// The engine's part of a run: `inputs` are complete and fit [`inputs`](Session::inputs),
    /// `outputs` exist. Gives one tensor for every name of `outputs`, in their order. Inputs come
    /// by value so that an engine can take a cache over without copying it.
    ///
    /// # Errors
    /// [`Error::Run`] with what the engine said.
    fn execute(&self, inputs: Vec<(&str, Tensor)>, outputs: &[&str]) -> Result<Vec<Tensor>>;

    /// As [`execute`](Session::execute), and the outputs `keep` stay with the engine. No output
    /// is asked for twice.
    ///
    /// This one passes ordinary tensors through `execute`. An engine that would have to copy or
    /// convert them there can do better with a form of its own.
    ///
    /// # Errors
    /// [`Error::Run`] with what the engine said.
    fn execute_keeping(
        &self,
        inputs: Vec<(&str, Feed<'_>)>,
        outputs: &[&str],
        keep: &[Keep<'_>],
    ) -> Result<(Vec<Tensor>, Vec<Kept>)> {
        let inputs = inputs
            .into_iter()
            .map(|(name, feed)| Ok((name, feed.into_tensor()?)))
            .collect::<Result<_>>()?;
        let all: Vec<_> = outputs.iter().copied().chain(keep.iter().map(|it| it.output)).collect();
        let mut tensors = self.execute(inputs, &all)?;
        let kept = tensors.drain(outputs.len().min(tensors.len())..).map(Kept::Host).collect();
        Ok((tensors, kept))
    }

    /// The device that the session stands in for and what its runs would take there; `None`
    /// where the engine is a real one.
    fn simulation(&self) -> Option<&Simulation> {
        None
    }
}

impl dyn Session + '_ {
    /// Runs the graph and gives one tensor for every name of `outputs`, in their order.
    ///
    /// Every engine is called through here, so that all refuse the same inputs with the same
    /// words and none can return something else than the graph declares.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for an input that is missing, unknown, given twice, of the wrong
    /// type, rank or size, or whose named dimensions contradict another input's;
    /// [`Error::UnknownOutput`]; what the engine reports; [`Error::BadOutput`] when the engine
    /// returns another number, type or rank of tensors than declared.
    pub fn run(&self, inputs: Vec<(&str, Tensor)>, outputs: &[&str]) -> Result<Vec<Tensor>> {
        check::inputs(self.inputs(), &inputs)?;
        let wanted = check::outputs(self.outputs(), outputs)?;
        let results = self.execute(inputs, outputs)?;
        check::results(&wanted, &results)?;
        Ok(results)
    }

    /// As [`run`](trait.Session.html#method.run), with inputs that earlier runs gave, and with
    /// outputs `keep` that stay with the engine for later runs.
    ///
    /// # Errors
    /// As [`run`](trait.Session.html#method.run).
    pub fn run_keeping(
        &self,
        inputs: Vec<(&str, Feed<'_>)>,
        outputs: &[&str],
        keep: &[Keep<'_>],
    ) -> Result<(Vec<Tensor>, Vec<Kept>)> {
        check::inputs(self.inputs(), &inputs)?;
        let wanted = check::outputs(self.outputs(), outputs)?;
        let names: Vec<_> = keep.iter().map(|it| it.output).collect();
        let wanted_kept = check::outputs(self.outputs(), &names)?;
        let (results, kept) = self.execute_keeping(inputs, outputs, keep)?;
        check::results(&wanted, &results)?;
        check::results(&wanted_kept, &kept)?;
        Ok((results, kept))
    }
}

/// An input or output as the engine takes or gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorInfo {
    /// Its name in the graph.
    pub name: String,
    /// The type of its elements. Where an engine widens half precision, this is the wide type.
    pub dtype: DType,
    /// Its dimensions, outermost first.
    pub dims: Vec<Dim>,
}

impl fmt::Display for TensorInfo {
    /// As `i64 [batch_size, 3]`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} [", self.dtype)?;
        for (i, dim) in self.dims.iter().enumerate() {
            write!(f, "{}{dim}", if i > 0 { ", " } else { "" })?;
        }
        f.write_str("]")
    }
}

/// The size of a dimension as a graph declares it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Dim {
    /// Always this size.
    Fixed(usize),
    /// Any size, but the same wherever the name stands.
    Symbol(String),
    /// Any size.
    Unknown,
}

impl fmt::Display for Dim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(size) => write!(f, "{size}"),
            Self::Symbol(name) => f.write_str(name),
            Self::Unknown => f.write_str("?"),
        }
    }
}

/// Where a graph's nodes run, and how that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    /// The engine.
    pub engine: EngineName,
    /// Its version.
    pub engine_version: String,
    /// The device as the engine or the system names it.
    pub device: String,
    /// Whether that is a program on the processor that stands in for the platform's hardware, such
    /// as a browser's software adapter.
    pub software: bool,
    /// How many nodes run on each provider or device.
    pub nodes: Vec<(String, usize)>,
    /// Operators that the engine keeps on the host by design, such as the arithmetic of shapes,
    /// and how many of each; they are not among `nodes`.
    pub host_nodes: Vec<(String, usize)>,
    /// How it is known.
    pub evidence: String,
}

impl Placement {
    /// The placement of several graphs as one: their nodes added up by provider, devices and
    /// evidence listed once each. `None` for no graphs.
    pub fn merged<'a>(placements: impl IntoIterator<Item = &'a Self>) -> Option<Self> {
        let mut placements = placements.into_iter();
        let first = placements.next()?.clone();
        Some(placements.fold(first, Self::and))
    }

    /// This placement and another one as one.
    #[must_use]
    pub fn and(mut self, other: &Self) -> Self {
        add(&mut self.nodes, &other.nodes);
        add(&mut self.host_nodes, &other.host_nodes);
        if !self.device.split("; ").any(|it| it == other.device) {
            self.device = format!("{}; {}", self.device, other.device);
        }
        self.software |= other.software;
        if !self.evidence.split("; ").any(|it| it == other.evidence) {
            self.evidence = format!("{}; {}", self.evidence, other.evidence);
        }
        self
    }
}

/// Adds `more` to the counts of the same names.
fn add(counts: &mut Vec<(String, usize)>, more: &[(String, usize)]) {
    for (name, count) in more {
        match counts.iter_mut().find(|(it, _)| it == name) {
            Some((_, total)) => *total += count,
            None => counts.push((name.clone(), *count)),
        }
    }
}

impl fmt::Display for Placement {
    /// As `rten 0.27 on CPU: cpu 120 nodes (…)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} on {}:", self.engine, self.engine_version, self.device)?;
        for (provider, count) in &self.nodes {
            write!(f, " {provider} {count} nodes")?;
        }
        write!(f, " ({})", self.evidence)
    }
}

/// Refuses options that were made for another platform.
///
/// # Errors
/// [`Error::InvalidOption`].
pub fn check_platform(platform: Platform, options: &SessionOptions) -> Result<()> {
    let given = options.device.platform();
    if given == platform {
        return Ok(());
    }
    Err(Error::InvalidOption {
        option: "device",
        given: format!("options of {}", given.label()),
        reason: format!("the session is for {}; give that platform's options", platform.label()),
    })
}

/// Refuses a graph whose files are larger than `memory_limit_bytes`. Files are what is known
/// before loading: weights take at least their size on any device.
///
/// # Errors
/// [`Error::MemoryLimit`].
pub fn check_memory(graph: &GraphFiles, options: &SessionOptions) -> Result<()> {
    let limit_bytes = options.memory_limit_bytes;
    if limit_bytes == 0 || graph.bytes <= limit_bytes {
        return Ok(());
    }
    Err(Error::MemoryLimit { path: graph.path.clone(), needed_bytes: graph.bytes, limit_bytes })
}
