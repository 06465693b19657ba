//! A bare graph: tensors in, tensors out.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use accel_runtime::engine::{self, Engine, SimulatorEngine, check_platform};
use accel_runtime::{GraphFiles, Tensor, TensorData};
use serde_json::json;

use super::args::RunArgs;
use super::options::session_options;
use super::output::{Times, Told, timed};
use super::place::Place;
use super::tensors;
use crate::console::Console;
use crate::failure::Failure;
use crate::json;

/// Runs the graph `file` on the tensors of `from` and writes all its outputs to `to`.
pub(super) fn run(
    file: &Path,
    from: &Path,
    to: &Path,
    arguments: &RunArgs,
    console: Console,
) -> Result<(), Failure> {
    super::tasks::refuse_flags(arguments, None)?;
    let place = Place::of(arguments)?;
    let (platform, simulator) = (place.platform, place.simulator.as_ref());
    let options = session_options(platform, None, &arguments.option)?;
    check_platform(platform, &options)?;
    if to.is_dir() {
        let message = format!("--outputs {}: it is a folder; name a file", to.display());
        return Err(Failure::usage(message));
    }
    let folder = to.parent().filter(|it| !it.as_os_str().is_empty());
    if let Some(folder) = folder.filter(|it| !it.is_dir()) {
        let message =
            format!("--outputs {}: there is no folder {}", to.display(), folder.display());
        return Err(Failure::usage(message));
    }
    let inputs = tensors::read(from)?;
    let engine: Arc<dyn Engine> = match simulator {
        None => engine::for_options(&options)?,
        Some(it) => Arc::new(it.clone()),
    };
    let spinner = console.spinner(format!("loading {}", file.display()));
    let start = Instant::now();
    let name = file.file_stem().unwrap_or(file.as_os_str()).to_string_lossy();
    let graph = GraphFiles::read(&name, file)?;
    let session = engine.load(&graph, platform, &options)?;
    let load = start.elapsed();
    let findings = place.judge(session.placement(), &options)?;
    let names: Vec<_> = session.outputs().iter().map(|it| it.name.as_str()).collect();
    let runs = arguments.runs.unwrap_or(if simulator.is_some() { 1 } else { 2 });
    let (outputs, first_run, run) = timed(runs, |_| {
        let inputs = inputs.iter().map(|(name, it)| (name.as_str(), it.clone())).collect();
        session.run(inputs, &names)
    })?;
    drop(spinner);
    let outputs: Vec<_> = names.into_iter().zip(outputs).collect();
    tensors::write(to, &outputs)?;
    let told = Told {
        placement: session.placement(),
        findings,
        times: Times { load, first_run, run },
        prediction: simulator.and_then(SimulatorEngine::prediction),
    };
    let not_finite: Vec<_> = outputs.iter().map(|(_, it)| not_finite(it)).collect();
    if console.json() {
        let outputs: Vec<_> = outputs
            .iter()
            .zip(&not_finite)
            .map(|((name, it), not_finite)| {
                json!({
                    "name": name,
                    "dtype": it.dtype().to_string(),
                    "shape": it.shape(),
                    "not_finite": not_finite,
                })
            })
            .collect();
        console.print(&json::document(told.json(json!({
            "graph": file.display().to_string(),
            "platform": platform,
            "outputs_file": to.display().to_string(),
            "outputs": outputs,
        }))));
        return Ok(());
    }
    if let Some(line) = told.mark() {
        console.say(&line);
    }
    for ((name, it), not_finite) in outputs.iter().zip(&not_finite) {
        console.say(&format!("{name}  {} {:?}", it.dtype(), it.shape()));
        if *not_finite > 0 {
            console.note(&format!("{not_finite} elements of `{name}` are infinite or no number"));
        }
    }
    console.aside(&told.human());
    Ok(())
}

/// How many elements are infinite or no number. A bare graph may mean them.
fn not_finite(tensor: &Tensor) -> usize {
    match tensor.data() {
        TensorData::F32(it) => it.iter().filter(|it| !it.is_finite()).count(),
        _ => 0,
    }
}
