//! Many callers, many loads.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;

use accel_core::{CpuEngine, CpuOptions, DeviceOptions, Platform, SessionOptions, Stage, Variant};

use super::agree::{self, Agreement};
use crate::testkit::{Failure, Probe, Skill, Verdict, check_placement};
use crate::{ModelSource, Pool, PoolKey, SkillSpec, Tensor};

/// More than most machines have free cores, so that callers do meet.
const CALLERS: usize = 8;

/// The outputs of every recorded run, in the order recorded.
type Outputs = Vec<Vec<Tensor>>;

/// Concurrent callers share one load, and agree with the reference and with one another.
///
/// # Errors
/// Of stage `load` when there was not exactly one load; `mismatch` or `run` when a caller is
/// wrong.
pub fn concurrent_callers_agree(probe: &Probe<'_>) -> Verdict {
    let pool = Pool::new();
    let key = PoolKey {
        model_dir: probe.source.path().to_owned(),
        platform: probe.cell.spec.platform,
        precision: probe.options.precision,
    };
    let loads = AtomicUsize::new(0);
    let start = Barrier::new(CALLERS);
    let call = |caller: usize| -> Result<(Arc<Skill>, Outputs), Failure> {
        start.wait();
        let skill = pool.get_or_load(&key, || {
            loads.fetch_add(1, Ordering::SeqCst);
            probe.load_unchecked(probe.source, &probe.options)
        })?;
        let outputs = run_all(probe, &skill, caller)?;
        Ok((skill, outputs))
    };
    let results: Vec<_> = thread::scope(|scope| {
        let call = &call;
        let callers: Vec<_> =
            (0..CALLERS).map(|caller| scope.spawn(move || call(caller))).collect();
        let crashed = |_| Err(Failure::new(Stage::Crash, "it panicked"));
        callers.into_iter().map(|it| it.join().unwrap_or_else(crashed)).collect()
    });

    let mut callers = Vec::with_capacity(CALLERS);
    for (caller, result) in results.into_iter().enumerate() {
        callers.push(result.map_err(|it| it.during(format!("concurrent caller {caller}")))?);
    }
    let loads = loads.load(Ordering::SeqCst);
    let Some((first, rest)) = callers.split_first().filter(|_| loads == 1) else {
        return Err(Failure::new(Stage::Load, format!("{CALLERS} callers made {loads} loads")));
    };
    probe.accept(&first.0, &probe.options)?;
    let mut between = Agreement::new();
    for (skill, outputs) in rest {
        if !Arc::ptr_eq(skill, &first.0) {
            return Err(Failure::new(Stage::Load, "two callers were given two skills"));
        }
        between.merge(same(probe, "two concurrent callers", outputs, &first.1)?);
    }
    // 0 when all callers got the very same bits.
    probe.measure("between_callers.max_abs", between.max_abs());
    #[expect(clippy::cast_precision_loss, reason = "a handful")]
    probe.measure("callers", CALLERS as f64);
    Ok(())
}

/// Runs every recorded case, beginning with another one for every caller, so that different
/// shapes meet in the session. Gives the outputs in the order recorded.
fn run_all(probe: &Probe<'_>, skill: &Skill, caller: usize) -> Result<Outputs, Failure> {
    let tolerance = probe.own_tolerance()?;
    let cases = probe.recorded(&probe.reference.graphs, "graph runs")?;
    let mut outputs = vec![Vec::new(); cases.len()];
    for step in 0..cases.len() {
        let index = (step + caller) % cases.len();
        let case = &cases[index];
        let got = agree::run(skill.graph(probe.reference, &case.graph)?, case)?;
        agree::outputs(case, &got, tolerance)?;
        outputs[index] = got;
    }
    Ok(outputs)
}

/// Compares two sets of outputs, each of which has already been compared with the reference.
fn same(
    probe: &Probe<'_>,
    what: &str,
    got: &Outputs,
    want: &Outputs,
) -> Result<Agreement, Failure> {
    let tolerance = probe.own_tolerance()?;
    let mut agreement = Agreement::new();
    for ((case, got), want) in probe.reference.graphs.iter().zip(got).zip(want) {
        for (((output, _), got), want) in case.outputs.iter().zip(got).zip(want) {
            let what = format!("{what}: {}, output `{output}`", agree::name(case));
            agreement.add(&agree::tensors(&what, got, want, tolerance)?);
        }
    }
    Ok(agreement)
}

/// CPU, then the platform, then the CPU again: all three agree with the reference and with one
/// another, and each is gone before the next is loaded.
///
/// # Errors
/// Of the stage at which a load or a run failed; `mismatch` when two disagree.
pub fn switching_agrees(probe: &Probe<'_>) -> Verdict {
    let before = run_all(probe, &on_cpu(probe)?, 0)?;
    let on_platform = run_all(probe, &probe.load()?, 0)?;
    let after = run_all(probe, &on_cpu(probe)?, 0)?;
    let across = same(probe, "the platform and the CPU", &on_platform, &before)?;
    let again = same(probe, "the CPU after and before", &after, &before)?;
    probe.measure("platform_to_cpu.max_abs", across.max_abs());
    probe.measure("cpu_to_cpu.max_abs", again.max_abs());
    Ok(())
}

/// The cell's model on the CPU, whatever the cell's platform.
fn on_cpu(probe: &Probe<'_>) -> Result<Skill, Failure> {
    if probe.cell.spec.platform == Platform::Cpu && probe.simulated.is_none() {
        return probe.load();
    }
    let spec = SkillSpec {
        platform: Platform::Cpu,
        variant: Variant::Real,
        reason: "",
        ..*probe.cell.spec
    };
    let options = SessionOptions {
        memory_limit_bytes: 0,
        device: DeviceOptions::Cpu(CpuOptions {
            engine: CpuEngine::Rten,
            prepack_weights: false,
            pin_threads: false,
        }),
        ..probe.options
    };
    // Not the source's own engine: that one may serve the cell's platform only.
    let source = ModelSource::dir(probe.source.path());
    let skill = Skill::load_as(probe.cell.load, &spec, &source, &options)?;
    check_placement(&skill.placement(), Platform::Cpu, &options)?;
    Ok(skill)
}
