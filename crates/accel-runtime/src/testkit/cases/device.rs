//! Cases that only some platforms list.

use std::time::Instant;

use accel_core::{DeviceOptions, Platform, Stage};

use super::measures::{milliseconds, positive};
use super::{agree, graph, memory};
use crate::engine::simulator::Simulation;
use crate::testkit::{Failure, Probe, Skill, Verdict};

/// Device memory before, during and after is recorded.
///
/// # Errors
/// Of stage `resolve` where nothing reads the device's memory: a case without a figure proves
/// nothing, so it does not pass.
pub fn records_device_memory(probe: &Probe<'_>) -> Verdict {
    if probe.simulated.is_some() {
        return predicts_device_memory(probe);
    }
    let before = device_bytes(probe)?;
    let skill = probe.load()?;
    graph::graphs_match(probe, &skill, probe.options.precision)?;
    let loaded = device_bytes(probe)?;
    drop(skill);
    let after = device_bytes(probe)?;
    positive(probe, "device_before_bytes", before)?;
    positive(probe, "device_loaded_bytes", loaded)?;
    positive(probe, "device_after_bytes", after)
}

/// What the weights would take of a device that is not there.
fn predicts_device_memory(probe: &Probe<'_>) -> Verdict {
    let skill = probe.load()?;
    graph::graphs_match(probe, &skill, probe.options.precision)?;
    let sessions = skill.sessions();
    let simulations = sessions.iter().filter_map(|it| it.simulation());
    positive(probe, "predicted_weights_bytes", simulations.map(Simulation::weight_bytes).sum())
}

fn device_bytes(probe: &Probe<'_>) -> Result<f64, Failure> {
    let platform = probe.cell.spec.platform;
    let bytes = match platform {
        // The processor's memory is the process's.
        Platform::Cpu => memory::resident_bytes(),
        _ => None,
    };
    bytes.ok_or_else(|| {
        Failure::resolve(format!(
            "nothing in this build reads the memory of a {} device on this system",
            platform.label()
        ))
    })
}

/// A second load finds the compiled model in the cache and agrees with the first.
///
/// # Errors
/// Of stage `resolve` when the options do not ask for a cache; `compile` where the engine does
/// not say whether it used one, or says that the second load compiled: equal results do not prove
/// it, and neither does a quick load.
pub fn reuses_compiled_model(probe: &Probe<'_>) -> Verdict {
    let asked = match &probe.options.device {
        DeviceOptions::Rocm(it) => it.model_cache,
        DeviceOptions::Mps(it) => it.model_cache,
        DeviceOptions::Openvino(it) => it.model_cache,
        DeviceOptions::Cpu(_)
        | DeviceOptions::Cuda(_)
        | DeviceOptions::Webnn(_)
        | DeviceOptions::Webgpu(_) => false,
    };
    if !asked {
        return Err(Failure::resolve("the skill's options ask for no cache of compiled models"));
    }
    let load = |name: &str| -> Result<Skill, Failure> {
        let start = Instant::now();
        let skill = probe.load()?;
        positive(probe, name, milliseconds(start))?;
        graph::graphs_match(probe, &skill, probe.options.precision)?;
        Ok(skill)
    };
    // What the first one finds is what an earlier process left; it may be nothing.
    drop(load("first_load_ms")?);
    let second = load("second_load_ms")?;
    for (i, session) in second.sessions().into_iter().enumerate() {
        let says = match session.loaded_from_cache() {
            Some(true) => continue,
            Some(false) => "says that the second load compiled it again",
            None => "does not tell whether the second load came from its cache",
        };
        return Err(Failure::new(
            Stage::Compile,
            format!("engine `{}` {says} (graph {i})", session.placement().engine),
        ));
    }
    Ok(())
}

/// The first run's compile time is recorded apart from later runs.
///
/// # Errors
/// Of the stage at which loading or running failed; `mismatch`.
pub fn records_first_run(probe: &Probe<'_>) -> Verdict {
    let tolerance = probe.own_tolerance()?;
    let start = Instant::now();
    let skill = probe.load()?;
    positive(probe, "load_ms", milliseconds(start))?;
    for name in probe.reference.graph_names() {
        let session = skill.graph(probe.reference, name)?;
        for case in probe.reference.graph(name).take(1) {
            for run in ["first_run_ms", "second_run_ms", "third_run_ms"] {
                let start = Instant::now();
                let got = agree::run(session, case)?;
                positive(probe, &format!("{name}.{run}"), milliseconds(start))?;
                agree::outputs(case, &got, tolerance)?;
            }
        }
    }
    Ok(())
}
