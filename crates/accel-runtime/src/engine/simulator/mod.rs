//! The simulator: true outputs from this machine's processor, and the time that they would take
//! on a device that is not here, worked out and never measured.
//!
//! ```text
//! graph ─ restrict (memory, operators, types) ─▶ rten ─▶ outputs, as they are
//!   └──── cost (sizes, operations, bytes) ─ profile ─▶ Prediction, a band
//! ```
//!
//! A node takes max(operations ÷ rate, bytes ÷ bandwidth), the roofline of Williams, Waterman and
//! Patterson (Communications of the ACM 52(4), 2009), and the time of starting it; a run adds its
//! transfers. Power is not predicted: nothing here would tell it.

mod calibration;
mod cost;
mod prediction;
mod profile;
mod session;

use std::sync::{Arc, Mutex, PoisonError};

use accel_core::{
    CpuEngine, CpuOptions, DeviceOptions, Engine as EngineName, Platform, SessionOptions,
};

pub use calibration::{Calibration, Measurement};
pub use cost::ElementType;
pub use prediction::{Band, Prediction};
pub use profile::{Attainable, ElementTypes, Figure, Profile, RefusedOperator, Share};
pub use session::Simulation;

use self::cost::{CostGraph, foreign};
use self::session::SimulatedSession;
use super::{Engine, Placement, RtenEngine, Session, check_memory, check_platform};
use crate::model::GraphFiles;
use crate::{Error, Result};

/// Ids of the devices to simulate, separated by commas: of each platform the first one counts.
const DEVICE: &str = "ACCEL_SIMULATED_DEVICE";

/// The engine that stands in for any device.
///
/// Options: `precision`, `graph_optimization` and `threads` are the embedded engine's, which
/// computes; `memory_limit_bytes` as everywhere, beside the device's own memory;
/// `cpu_fallback_percent` of the nodes may be of operators that the device lacks; `max_batch` is
/// honoured by the pipelines. The kind of device (OpenVINO, WebNN) chooses the profile; `tf32`,
/// `fp16`, `int8` and `inference_precision` choose the rate that times are worked out with, and
/// outputs stay those of the file's precision. What a device does with its arena, streams, caches
/// and layouts changes no output, and the profile's figures are the same for all of it.
#[derive(Clone, Debug, Default)]
pub struct SimulatorEngine {
    profile: Option<Profile>,
    /// What was loaded, where that is to be remembered.
    loaded: Option<Arc<Mutex<Vec<Arc<Simulation>>>>>,
}

impl SimulatorEngine {
    /// The simulator of the device with that id, such as `nvidia-h100-sxm`; see
    /// [`Profile::all`].
    ///
    /// # Errors
    /// [`Error::InvalidOption`] with the ids that there are.
    pub fn new(id: &str) -> Result<Self> {
        Profile::of(id).cloned().map(Self::with_profile)
    }

    /// The simulator of a device of your own, or of a calibrated one.
    pub const fn with_profile(profile: Profile) -> Self {
        Self { profile: Some(profile), loaded: None }
    }

    /// The same, remembering what it loads for [`prediction`](Self::prediction): for callers who
    /// do not see the sessions.
    #[must_use]
    pub fn recording(self) -> Self {
        Self { loaded: Some(Arc::default()), ..self }
    }

    /// What all runs of all that it has loaded would take on the device, and loading it; `None`
    /// when nothing ran or it is not [`recording`](Self::recording).
    pub fn prediction(&self) -> Option<Prediction> {
        let loaded = self.loaded.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let each = loaded.iter().filter_map(|it| it.all_runs());
        each.reduce(|all, it| all.and(&it))
    }

    /// The profile for `options`: the engine's own, else what the environment names for the
    /// platform, else the platform's default.
    fn profile(&self, options: &DeviceOptions) -> Result<Profile> {
        let platform = options.platform();
        let profile = match &self.profile {
            Some(it) => it.clone(),
            None => match from_environment(platform)? {
                Some(it) => it.clone(),
                None => Profile::default_for(options)?.clone(),
            },
        };
        if profile.platform == platform {
            return Ok(profile);
        }
        Err(Error::InvalidOption {
            option: "simulated device",
            given: profile.id,
            reason: format!(
                "it is a device of {} and the session is for {}",
                profile.platform.label(),
                platform.label()
            ),
        })
    }
}

/// The first device of `platform` that the environment names.
fn from_environment(platform: Platform) -> Result<Option<&'static Profile>> {
    let ids = std::env::var(DEVICE).unwrap_or_default();
    let ids = ids.split(',').map(str::trim).filter(|it| !it.is_empty());
    let profiles = ids.map(Profile::of).collect::<Result<Vec<_>>>()?;
    Ok(profiles.into_iter().find(|it| it.platform == platform))
}

impl Engine for SimulatorEngine {
    fn name(&self) -> EngineName {
        EngineName::Simulator
    }

    fn version(&self) -> String {
        env!("CARGO_PKG_VERSION").to_owned()
    }

    fn load(
        &self,
        graph: &GraphFiles,
        platform: Platform,
        options: &SessionOptions,
    ) -> Result<Box<dyn Session>> {
        check_platform(platform, options)?;
        let profile = self.profile(&options.device)?;
        check_memory(graph, options)?;
        fits(graph, &profile)?;
        let on_cpu = restrict(graph, &profile, options.cpu_fallback_percent)?;
        let inner = RtenEngine::new().load(graph, Platform::Cpu, &host_options(options))?;
        let costs = CostGraph::read(&graph.path)?;
        if let Some(it) = foreign(&costs, &profile.element_types.value) {
            return Err(Error::UnsupportedOperator {
                operator: format!("{} ({})", it.operator, it.dtype.name()),
                node: it.node,
                engine: EngineName::Simulator,
                why: format!("{} has no such elements", prediction::device_name(&profile)),
                alternatives: vec![EngineName::Rten],
            });
        }
        let placement = placement(&profile, inner.placement(), platform, on_cpu, self.version());
        let simulation = Arc::new(Simulation::new(profile, options.device, costs));
        if let Some(loaded) = &self.loaded {
            let mut loaded = loaded.lock().unwrap_or_else(PoisonError::into_inner);
            loaded.push(Arc::clone(&simulation));
        }
        Ok(Box::new(SimulatedSession { inner, placement, simulation }))
    }
}

/// What the embedded engine is asked for in place of the device.
fn host_options(options: &SessionOptions) -> SessionOptions {
    let cpu = CpuOptions { engine: CpuEngine::Rten, prepack_weights: false, pin_threads: false };
    SessionOptions { cpu_fallback_percent: 0, device: DeviceOptions::Cpu(cpu), ..*options }
}

/// Refuses a graph whose files are larger than the device's memory.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a profile's memory is a positive whole number"
)]
fn fits(graph: &GraphFiles, profile: &Profile) -> Result<()> {
    let memory_bytes = profile.memory_bytes.value as u64;
    if graph.bytes <= memory_bytes {
        return Ok(());
    }
    Err(Error::DeviceMemory {
        path: graph.path.clone(),
        device: prediction::device_name(profile),
        needed_bytes: graph.bytes,
        memory_bytes,
    })
}

/// Refuses operators that the device lacks; the number of nodes of such operators where that many
/// may run on the CPU instead.
fn restrict(graph: &GraphFiles, profile: &Profile, cpu_fallback_percent: u8) -> Result<usize> {
    let nodes = || graph.onnx.nodes.iter().chain(&graph.onnx.inner_nodes);
    let refusal =
        |operator: &str| profile.refused_operators.iter().find(|it| it.operator == operator);
    let count = nodes().filter(|it| refusal(&it.operator).is_some()).count();
    if count * 100 <= nodes().count() * usize::from(cpu_fallback_percent) {
        return Ok(count);
    }
    let Some((node, refusal)) = nodes().find_map(|it| Some((it, refusal(&it.operator)?))) else {
        return Ok(0);
    };
    Err(Error::UnsupportedOperator {
        operator: node.operator.clone(),
        node: node.name.clone(),
        engine: EngineName::Simulator,
        why: format!("{} does not have it ({})", prediction::device_name(profile), refusal.source),
        alternatives: vec![EngineName::Rten],
    })
}

/// Where the nodes ran, and that it was not on the device.
fn placement(
    profile: &Profile,
    host: &Placement,
    platform: Platform,
    on_cpu: usize,
    engine_version: String,
) -> Placement {
    let count: usize = host.nodes.iter().map(|(_, count)| count).sum();
    let fallback = match on_cpu {
        0 => String::new(),
        count => format!("; on the device, {count} nodes would have run on the CPU"),
    };
    Placement {
        engine: EngineName::Simulator,
        engine_version,
        device: prediction::device_name(profile),
        software: false,
        nodes: vec![(format!("simulated {}", platform.name()), count)],
        host_nodes: Vec::new(),
        evidence: format!(
            "nothing ran on {}: {} {} computed every node on {}{fallback}",
            profile.device, host.engine, host.engine_version, host.device
        ),
    }
}
