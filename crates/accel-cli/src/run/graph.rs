//! A bare graph: tensors in, tensors out.

use std::path::Path;
use std::time::Instant;

use accel_runtime::engine::{self, check_platform};
use accel_runtime::{GraphFiles, Tensor, TensorData};
use serde_json::json;

use super::options::session_options;
use super::output::{Times, human, placement_json, timed, times_json};
use super::tensors;
use crate::args::RunArgs;
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
    let platform = arguments.platform;
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
    let engine = engine::for_options(&options)?;
    let spinner = console.spinner(format!("loading {}", file.display()));
    let start = Instant::now();
    let name = file.file_stem().unwrap_or(file.as_os_str()).to_string_lossy();
    let graph = GraphFiles::read(&name, file)?;
    let session = engine.load(&graph, platform, &options)?;
    let load = start.elapsed();
    let names: Vec<_> = session.outputs().iter().map(|it| it.name.as_str()).collect();
    let runs = arguments.runs.unwrap_or(2);
    let (outputs, first_run, run) = timed(runs, |_| {
        let inputs = inputs.iter().map(|(name, it)| (name.as_str(), it.clone())).collect();
        session.run(inputs, &names)
    })?;
    drop(spinner);
    let outputs: Vec<_> = names.into_iter().zip(outputs).collect();
    tensors::write(to, &outputs)?;
    let times = Times { load, first_run, run };
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
        console.print(&json::document(json!({
            "graph": file.display().to_string(),
            "platform": platform,
            "outputs_file": to.display().to_string(),
            "outputs": outputs,
            "device": session.placement().device,
            "placement": placement_json(session.placement()),
            "times": times_json(&times),
        })));
        return Ok(());
    }
    for ((name, it), not_finite) in outputs.iter().zip(&not_finite) {
        console.say(&format!("{name}  {} {:?}", it.dtype(), it.shape()));
        if *not_finite > 0 {
            console.note(&format!("{not_finite} elements of `{name}` are infinite or no number"));
        }
    }
    console.aside(&human(session.placement(), &times));
    Ok(())
}

/// How many elements are infinite or no number. A bare graph may mean them.
fn not_finite(tensor: &Tensor) -> usize {
    match tensor.data() {
        TensorData::F32(it) => it.iter().filter(|it| !it.is_finite()).count(),
        _ => 0,
    }
}
