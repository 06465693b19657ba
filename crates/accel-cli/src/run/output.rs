//! Where it ran and how long it took.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use accel_core::diagnosis::Finding;
use accel_runtime::Placement;
use accel_runtime::engine::simulator::Prediction;
use serde_json::{Value, json};

/// How long the parts of a run took.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    /// From the folder to a model that is ready.
    pub(super) load: Duration,
    /// The first run, in which engines compile what they put off.
    pub(super) first_run: Duration,
    /// The median of the later runs; `None` when there was one run.
    pub(super) run: Option<Duration>,
}

/// Runs `work` `runs` times and gives the first result, how long the first run took, and the
/// median of the others.
///
/// # Errors
/// Those of `work`.
pub(super) fn timed<T, E>(
    runs: u32,
    mut work: impl FnMut(bool) -> Result<T, E>,
) -> Result<(T, Duration, Option<Duration>), E> {
    let start = Instant::now();
    let result = work(true)?;
    let first_run = start.elapsed();
    let mut later = Vec::new();
    for _ in 1..runs {
        let start = Instant::now();
        work(false)?;
        later.push(start.elapsed());
    }
    later.sort_unstable();
    Ok((result, first_run, later.get(later.len() / 2).copied()))
}

fn milliseconds(time: Duration) -> f64 {
    // Microseconds are as fine as this clock is worth.
    (time.as_secs_f64() * 1e6).round() / 1e3
}

/// What is told of a run beside its result.
#[derive(Debug)]
pub(super) struct Told<'a> {
    pub(super) placement: &'a Placement,
    /// What is worth knowing of the placement.
    pub(super) findings: Vec<Finding>,
    /// Of this machine, whatever it stood in for.
    pub(super) times: Times,
    /// What the run would have taken on the device that was simulated.
    pub(super) prediction: Option<Prediction>,
}

/// The line before a result that no device gave.
pub(super) fn mark(placement: &Placement) -> String {
    format!("simulated: {}", placement.evidence)
}

impl Told<'_> {
    /// The line before a result that no device gave.
    pub(super) fn mark(&self) -> Option<String> {
        self.prediction.as_ref().map(|_| mark(self.placement))
    }

    /// `document` with all of it, for programs. Times of a simulation have other names, so that
    /// nobody takes them for the device's.
    pub(super) fn json(&self, mut document: Value) -> Value {
        let counts = |counts: &[(String, usize)], name: &str| -> Vec<Value> {
            counts.iter().map(|(it, count)| json!({ name: it, "nodes": count })).collect()
        };
        document["device"] = self.placement.device.clone().into();
        document["placement"] = json!({
            "engine": self.placement.engine,
            "engine_version": self.placement.engine_version,
            "device": self.placement.device,
            "nodes": counts(&self.placement.nodes, "provider"),
            "host_nodes": counts(&self.placement.host_nodes, "operator"),
            "evidence": self.placement.evidence,
        });
        let each = self.findings.iter();
        document["findings"] =
            each.map(|it| json!({ "code": it.code, "message": it.message })).collect();
        let times = json!({
            "load_ms": milliseconds(self.times.load),
            "first_run_ms": milliseconds(self.times.first_run),
            "run_ms": self.times.run.map(milliseconds),
        });
        match &self.prediction {
            None => document["times"] = times,
            Some(prediction) => {
                document["simulated"] = json!(prediction);
                document["host_times"] = times;
            }
        }
        document
    }

    /// All of it for people.
    pub(super) fn human(&self) -> String {
        let Self { placement, findings, times, prediction } = self;
        let mut text = format!(
            "device     {}\nengine     {} {}\nplacement  ",
            placement.device, placement.engine, placement.engine_version
        );
        let list = |counts: &[(String, usize)]| -> String {
            let each: Vec<_> =
                counts.iter().map(|(name, count)| format!("{name} {count}")).collect();
            each.join(", ")
        };
        let _ = write!(text, "nodes by provider: {}", list(&placement.nodes));
        if !placement.host_nodes.is_empty() {
            let _ = write!(text, "; kept on the host: {}", list(&placement.host_nodes));
        }
        let what = if prediction.is_some() { "this host " } else { "times     " };
        let _ = write!(
            text,
            "\n           {}\n{what} load {:.1} ms, first run {:.1} ms",
            placement.evidence,
            milliseconds(times.load),
            milliseconds(times.first_run)
        );
        if let Some(run) = times.run {
            let _ = write!(text, ", run {:.1} ms", milliseconds(run));
        }
        for it in findings {
            let _ = write!(text, "\n{}: {} (`accel explain {}`)", it.severity, it.message, it.code);
        }
        if let Some(prediction) = prediction {
            let _ = write!(text, "\n{}", predicted(prediction));
        }
        text
    }
}

/// Operators that are named as the dearest.
const DEAREST: usize = 4;

/// What a device would have taken, for people.
fn predicted(prediction: &Prediction) -> String {
    let mut by_operator: Vec<_> = prediction.predicted_work_ms_by_operator.iter().collect();
    by_operator.sort_by(|(name, ms), (other, others)| others.total_cmp(ms).then(name.cmp(other)));
    let dearest: Vec<_> =
        by_operator.iter().take(DEAREST).map(|(name, ms)| format!("{name} {ms:.4} ms")).collect();
    let runs = match prediction.runs {
        1 => "one run of a graph".to_owned(),
        runs => format!("{runs} runs of graphs"),
    };
    let mut text = format!(
        "predicted  {} for {runs}, {}; loading {}\n           of it transfers {:.4} ms, starting {} \
         nodes {:.4} ms, {}",
        prediction.predicted_ms,
        prediction.calibration,
        prediction.predicted_load_ms,
        prediction.predicted_transfer_ms,
        prediction.nodes,
        prediction.uncalibrated_dispatch_ms,
        dearest.join(", ")
    );
    for note in &prediction.notes {
        let _ = write!(text, "\n           {note}");
    }
    if !prediction.nodes_without_cost.is_empty() {
        let nodes = prediction.nodes_without_cost.join(", ");
        let _ = write!(text, "\n           the cost of these cannot be told: {nodes}");
    }
    text
}
