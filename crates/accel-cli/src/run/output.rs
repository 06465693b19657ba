//! Where it ran and how long it took.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use accel_runtime::Placement;
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

/// The times for programs.
pub(super) fn times_json(times: &Times) -> Value {
    json!({
        "load_ms": milliseconds(times.load),
        "first_run_ms": milliseconds(times.first_run),
        "run_ms": times.run.map(milliseconds),
    })
}

/// The placement for programs.
pub(super) fn placement_json(placement: &Placement) -> Value {
    let counts = |counts: &[(String, usize)], name: &str| -> Vec<Value> {
        counts.iter().map(|(it, count)| json!({ name: it, "nodes": count })).collect()
    };
    json!({
        "engine": placement.engine,
        "engine_version": placement.engine_version,
        "device": placement.device,
        "nodes": counts(&placement.nodes, "provider"),
        "host_nodes": counts(&placement.host_nodes, "operator"),
        "evidence": placement.evidence,
    })
}

/// Both for people.
pub(super) fn human(placement: &Placement, times: &Times) -> String {
    let mut text = format!(
        "device     {}\nengine     {} {}\nplacement  ",
        placement.device, placement.engine, placement.engine_version
    );
    let list = |counts: &[(String, usize)]| -> String {
        let each: Vec<_> = counts.iter().map(|(name, count)| format!("{name} {count}")).collect();
        each.join(", ")
    };
    let _ = write!(text, "nodes by provider: {}", list(&placement.nodes));
    if !placement.host_nodes.is_empty() {
        let _ = write!(text, "; kept on the host: {}", list(&placement.host_nodes));
    }
    let _ = write!(
        text,
        "\n           {}\ntimes      load {:.1} ms, first run {:.1} ms",
        placement.evidence,
        milliseconds(times.load),
        milliseconds(times.first_run)
    );
    if let Some(run) = times.run {
        let _ = write!(text, ", run {:.1} ms", milliseconds(run));
    }
    text
}
