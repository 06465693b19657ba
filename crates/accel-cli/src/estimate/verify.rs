//! Estimates against true peaks: the model runs once in a process of its own.

use std::io::Read as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use accel_core::classify::{ModelFacts, classify};
use accel_core::estimate::Workload;
use accel_core::{Engine, Subfamily, Vocabulary as _};
use serde_json::{Value, json};

use super::args::EstimateArgs;
use super::find::{Known, Subject};
use super::{Answer, answer, input, report, store};
use crate::console::{Console, heading, plain, table};
use crate::failure::Failure;
use crate::json;

/// How often the peak is read. The kernel keeps the highest value, so that only growth in the last
/// moment before the end can be missed.
const EVERY: Duration = Duration::from_millis(1);

/// How long a run may take.
const PATIENCE: Duration = Duration::from_mins(10);

/// An estimate and what was measured.
struct Measured {
    answer: Answer,
    engine: String,
    peak_bytes: u64,
}

impl Measured {
    #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
    fn ratio(&self) -> f64 {
        self.answer.estimate.requirements.min_memory_bytes as f64 / self.peak_bytes as f64
    }

    fn entry(&self, arguments: &EstimateArgs) -> Value {
        json!({
            "model": self.answer.name,
            "platform": arguments.platform.name(),
            "engine": self.engine,
            "weight_format": self.answer.estimate.weight_format,
            "workload": self.answer.estimate.workload,
            "parameters": self.answer.estimate.parameters,
            "estimated_bytes": self.answer.estimate.requirements.min_memory_bytes,
            "memory_bytes": self.answer.estimate.memory_bytes,
            "measured_peak_bytes": self.peak_bytes,
            "ratio": self.ratio(),
            "cpu": store::cpu(),
            "date": store::today(),
        })
    }
}

/// Runs every subject in every precision asked for.
pub(super) fn run(
    subjects: &[Subject],
    arguments: &EstimateArgs,
    console: Console,
) -> Result<(), Failure> {
    if !cfg!(target_os = "linux") {
        return Err(Failure::failed(
            "unsupported",
            "--verify reads a process's peak memory from /proc, which only Linux has; estimate \
             without it",
        ));
    }
    if arguments.batch != 1 {
        return Err(Failure::usage("--verify runs one input; leave --batch out"));
    }
    let mut measured = Vec::new();
    for subject in subjects {
        for format in &arguments.precision.0 {
            if format.name() == "bf16" {
                return Err(Failure::usage("no engine here runs files in bf16; choose another"));
            }
            let folder = tempfile_folder()?;
            let spinner = console.spinner(format!("{} in {}", subject.name, format.name()));
            let found = measure(subject, *format, arguments, &folder.0);
            drop(spinner);
            measured.push(found?);
        }
    }
    let entries: Vec<Value> = measured.iter().map(|it| it.entry(arguments)).collect();
    if let Some(file) = &arguments.store {
        store::append(file, entries.clone())?;
    }
    if console.json() {
        console.print(&json::document(json!({ "measurements": entries })));
        return Ok(());
    }
    let mut rows =
        vec![["model", "precision", "engine", "estimate", "measured", "ratio"].map(heading).into()];
    for it in &measured {
        rows.push(vec![
            plain(it.answer.name.as_str()),
            plain(it.answer.estimate.weight_format.name()),
            plain(it.engine.as_str()),
            plain(report::size(it.answer.estimate.requirements.min_memory_bytes)),
            plain(report::size(it.peak_bytes)),
            plain(format!("{:.2}", it.ratio())),
        ]);
    }
    console.print(&table(console.paint, &rows));
    Ok(())
}

fn measure(
    subject: &Subject,
    format: accel_core::estimate::WeightFormat,
    arguments: &EstimateArgs,
    folder: &Path,
) -> Result<Measured, Failure> {
    let (Some(model), Known::Config(config)) = (&subject.path, &subject.known) else {
        return Err(Failure::input(
            "unknown-model",
            format!("{} cannot be run: it is no folder of a model", subject.name),
        ));
    };
    let architectures = config.architectures();
    let facts = ModelFacts {
        architectures: &architectures,
        model_type: config.model_type(),
        ..ModelFacts::default()
    };
    let kind: Subfamily = classify(&facts).map(|it| it.subfamily).map_err(|_| {
        Failure::input(
            "unknown-kind",
            format!("{}: config.json does not tell what kind of model it is", subject.name),
        )
    })?;
    let (given, tokens) = input::arguments(kind, model, arguments.context, folder)?;
    let workload = Workload {
        precision: format.precision(),
        batch: 1,
        context: if tokens == 0 { arguments.context } else { tokens },
    };
    let program = std::env::current_exe().map_err(Failure::io("find", Path::new("accel")))?;
    let mut command = Command::new(program);
    command.arg("run").arg(model).args(given);
    command.args([
        "--platform",
        arguments.platform.name(),
        "--precision",
        format.precision().name(),
    ]);
    for option in &arguments.option {
        command.args(["--option", option]);
    }
    command.args(["--runs", "1", "--format", "json"]);
    let child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(Failure::io("start", Path::new("accel")))?;
    let (peak_bytes, document) = watched(child, &subject.name)?;
    let engine = document["placement"]["engine"].as_str().unwrap_or("unknown").to_owned();
    // Estimated for the engine that ran, whichever that was.
    let answer = answer(subject, format, workload, None, Engine::parse(&engine).ok())?;
    Ok(Measured { answer, engine, peak_bytes })
}

/// The peak of a process that is run to its end, and the JSON that it printed.
fn watched(mut child: Child, name: &str) -> Result<(u64, Value), Failure> {
    let status = format!("/proc/{}/status", child.id());
    let drain = |stream: Option<Box<dyn std::io::Read + Send>>| {
        thread::spawn(move || {
            let mut text = String::new();
            if let Some(mut it) = stream {
                // What came until then is what is judged.
                let _ = it.read_to_string(&mut text);
            }
            text
        })
    };
    let stdout = drain(child.stdout.take().map(|it| Box::new(it) as _));
    let stderr = drain(child.stderr.take().map(|it| Box::new(it) as _));
    let failed = |why: String| Failure::failed("run", format!("the run of {name} {why}"));
    let started = Instant::now();
    let mut peak = 0;
    let ended = loop {
        peak = peak.max(peak_bytes(&status).unwrap_or(0));
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if started.elapsed() > PATIENCE => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(failed(format!("took more than {} s", PATIENCE.as_secs())));
            }
            Ok(None) => thread::sleep(EVERY),
            Err(error) => return Err(failed(format!("cannot be watched: {error}"))),
        }
    };
    let (stdout, stderr) = (stdout.join().unwrap_or_default(), stderr.join().unwrap_or_default());
    if !ended.success() {
        let why = stderr.trim().lines().last().unwrap_or("without a word").to_owned();
        return Err(failed(format!("did not succeed: {}", why.trim_start_matches("error: "))));
    }
    if peak == 0 {
        return Err(failed("was over before its memory could be read".to_owned()));
    }
    let document = serde_json::from_str(&stdout)
        .map_err(|error| failed(format!("printed no JSON: {error}")))?;
    Ok((peak, document))
}

/// `VmHWM` of `/proc/PID/status` (its manual page is `proc_pid_status`): the most that was resident at once.
fn peak_bytes(status: &str) -> Option<u64> {
    let text = std::fs::read_to_string(status).ok()?;
    let line = text.lines().find_map(|it| it.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

/// A folder that goes away with its value.
struct Temporary(std::path::PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        // What stays is small, and the system's to clean.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn tempfile_folder() -> Result<Temporary, Failure> {
    let base = std::env::temp_dir();
    for at in 0..1000 {
        let folder = base.join(format!("accel-estimate-{}-{at}", std::process::id()));
        match std::fs::create_dir(&folder) {
            Ok(()) => return Ok(Temporary(folder)),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(Failure::io("make", &folder)(error)),
        }
    }
    Err(Failure::failed("io", format!("{} is full of earlier runs", base.display())))
}
