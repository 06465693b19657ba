//! From costs to times.

use std::collections::BTreeMap;
use std::fmt;

use accel_core::{DeviceOptions, Platform};
use serde::Serialize;

use super::cost::{GraphCost, NodeCost};
use super::profile::{Profile, Share};

/// A predicted time, in milliseconds: `low` ≤ `expected` ≤ `high`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Band {
    /// No run of the device is faster: its peaks, with everything fused that can be.
    pub low: f64,
    /// What is expected.
    pub expected: f64,
    /// What it is expected not to exceed.
    pub high: f64,
}

impl Band {
    fn plus(self, other: Self) -> Self {
        Self {
            low: self.low + other.low,
            expected: self.expected + other.expected,
            high: self.high + other.high,
        }
    }
}

impl fmt::Display for Band {
    /// As `0.21 ms (0.05 to 0.9)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3} ms ({:.3} to {:.3})", self.expected, self.low, self.high)
    }
}

/// How long runs would take on a device that was not there. Nothing here was measured; power is
/// not predicted, since nothing here would tell it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Prediction {
    /// The device's name, which says that it is simulated.
    pub device: String,
    /// Id of its profile.
    pub profile: String,
    /// Its platform.
    pub platform: Platform,
    /// `uncalibrated`, or from how many measurements it was fitted.
    pub calibration: String,
    /// How many runs of graphs this is about.
    pub runs: u64,
    /// Time of these runs, transfers included.
    pub predicted_ms: Band,
    /// Of it, moving inputs to the device and outputs back.
    pub predicted_transfer_ms: f64,
    /// Time of loading, once: weights moved to the device and nodes prepared.
    pub predicted_load_ms: Band,
    /// Operations of these runs; a multiplication and an addition are two.
    pub flops: f64,
    /// Of these, in products of matrices and convolutions.
    pub product_flops: f64,
    /// Bytes that nodes read and write in the device's memory.
    pub bytes: f64,
    /// Bytes of inputs and outputs that are transferred.
    pub transferred_bytes: f64,
    /// Nodes that start something on the device.
    pub nodes: u64,
    /// `operator name` of nodes of which no cost could be told, once each; they widen the band.
    pub nodes_without_cost: Vec<String>,
    /// What a reader should know.
    pub notes: Vec<String>,
    /// Expected time of the nodes' work by operator, in milliseconds, without calibration: where
    /// the time goes.
    pub predicted_work_ms_by_operator: BTreeMap<String, f64>,
    /// Expected time of the nodes' work, without calibration: what a measurement is fitted by.
    pub uncalibrated_work_ms: f64,
    /// Expected time of starting the nodes, without calibration.
    pub uncalibrated_dispatch_ms: f64,
}

impl Prediction {
    /// This prediction and another one as one: runs one after another, graphs loaded once each.
    #[must_use]
    pub fn and(mut self, other: &Self) -> Self {
        self.add_runs(other);
        self.predicted_load_ms = self.predicted_load_ms.plus(other.predicted_load_ms);
        self
    }

    /// Adds runs of the same graph, which is loaded already.
    pub(super) fn add_runs(&mut self, other: &Self) {
        self.runs += other.runs;
        self.predicted_ms = self.predicted_ms.plus(other.predicted_ms);
        self.predicted_transfer_ms += other.predicted_transfer_ms;
        self.flops += other.flops;
        self.product_flops += other.product_flops;
        self.bytes += other.bytes;
        self.transferred_bytes += other.transferred_bytes;
        self.nodes += other.nodes;
        self.uncalibrated_work_ms += other.uncalibrated_work_ms;
        self.uncalibrated_dispatch_ms += other.uncalibrated_dispatch_ms;
        for (operator, ms) in &other.predicted_work_ms_by_operator {
            *self.predicted_work_ms_by_operator.entry(operator.clone()).or_default() += ms;
        }
        for (ours, theirs) in [
            (&mut self.nodes_without_cost, &other.nodes_without_cost),
            (&mut self.notes, &other.notes),
        ] {
            for it in theirs {
                if !ours.contains(it) {
                    ours.push(it.clone());
                }
            }
        }
    }

    /// The same, `times` times over.
    #[expect(clippy::cast_precision_loss, reason = "a number of runs")]
    pub(super) fn repeated(mut self, times: u64) -> Self {
        let factor = times as f64;
        self.runs *= times;
        self.nodes *= times;
        self.predicted_work_ms_by_operator.values_mut().for_each(|it| *it *= factor);
        for it in [
            &mut self.predicted_ms.low,
            &mut self.predicted_ms.expected,
            &mut self.predicted_ms.high,
            &mut self.predicted_transfer_ms,
            &mut self.flops,
            &mut self.product_flops,
            &mut self.bytes,
            &mut self.transferred_bytes,
            &mut self.uncalibrated_work_ms,
            &mut self.uncalibrated_dispatch_ms,
        ] {
            *it *= factor;
        }
        self
    }
}

impl fmt::Display for Prediction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "predicted for {}, {}: {} for {} runs, loading {}",
            self.device, self.calibration, self.predicted_ms, self.runs, self.predicted_load_ms
        )?;
        if self.nodes_without_cost.is_empty() {
            return Ok(());
        }
        write!(f, "; without {}", self.nodes_without_cost.join(", "))
    }
}

/// The name of the device that `profile` stands for.
pub(super) fn device_name(profile: &Profile) -> String {
    format!("{} (simulated)", profile.device)
}

/// What a run of `cost` takes on the device, its graph's weights being so large.
pub(super) fn predict(
    profile: &Profile,
    options: &DeviceOptions,
    cost: &GraphCost,
    weight_bytes: f64,
) -> Prediction {
    let time = |share: Option<&Share>| {
        let (compute, bandwidth) = share.map_or((1.0, 1.0), |it| (it.compute, it.bandwidth));
        move |node: &NodeCost| {
            let (rate, _) = profile.rate(node.dtype, options);
            let computing = node.flops / (rate * compute);
            let moving = node.bytes / (profile.memory_gb_per_s.value * 1e9 * bandwidth);
            computing.max(moving) * 1e3
        }
    };
    let sum = |time: &dyn Fn(&NodeCost) -> f64| cost.nodes.iter().map(time).sum::<f64>();
    let (fast, expected, slow) = (
        time(None),
        time(Some(&profile.attainable.expected)),
        time(Some(&profile.attainable.high)),
    );
    let start_ms = profile.dispatch_us.value / 1e3;
    let transferred = cost.bytes_in + cost.bytes_out;
    let transfer_ms = transferred / (profile.transfer_gb_per_s.value * 1e9) * 1e3;

    let work_ms = sum(&expected);
    let mut by_operator: BTreeMap<String, f64> = BTreeMap::new();
    for node in &cost.nodes {
        *by_operator.entry(node.operator.clone()).or_default() += expected(node);
    }
    let dispatch_ms = float(cost.nodes.len()) * start_ms;
    let slowest = cost.nodes.iter().map(&slow).fold(0.0, f64::max);
    // A node of which nothing is known may be as dear as the dearest of the others.
    let unknown_ms = float(cost.unknown.len()) * (slowest + 2.0 * start_ms);
    let products = || cost.nodes.iter().filter(|it| it.is_product);
    let predicted_ms = match &profile.calibration {
        None => Band {
            // Whatever is not a product may be fused into one.
            low: products().map(|it| fast(it) + start_ms).sum::<f64>() + transfer_ms,
            expected: work_ms + dispatch_ms + transfer_ms,
            high: sum(&slow) + 2.0 * dispatch_ms + unknown_ms + 2.0 * transfer_ms,
        },
        Some(it) => {
            let fitted = it.work * work_ms + it.dispatch * dispatch_ms + transfer_ms;
            Band {
                low: fitted * (1.0 - 2.0 * it.residual).max(0.0),
                expected: fitted,
                high: fitted * (1.0 + 2.0 * it.residual) + unknown_ms,
            }
        }
    };
    let weights_ms = weight_bytes / (profile.transfer_gb_per_s.value * 1e9) * 1e3;
    let prepare_ms = float(cost.nodes.len()) * profile.compile_us_per_node.value / 1e3;
    Prediction {
        device: device_name(profile),
        profile: profile.id.clone(),
        platform: profile.platform,
        calibration: calibration(profile),
        runs: 1,
        predicted_ms,
        predicted_transfer_ms: transfer_ms,
        predicted_load_ms: Band {
            low: weights_ms,
            expected: weights_ms + prepare_ms,
            high: 4.0 * (weights_ms + prepare_ms),
        },
        flops: cost.nodes.iter().map(|it| it.flops).sum(),
        product_flops: products().map(|it| it.flops).sum(),
        bytes: cost.nodes.iter().map(|it| it.bytes).sum(),
        transferred_bytes: transferred,
        nodes: cost.nodes.len() as u64,
        nodes_without_cost: cost.unknown.clone(),
        notes: notes(profile, options, cost),
        predicted_work_ms_by_operator: by_operator,
        uncalibrated_work_ms: work_ms,
        uncalibrated_dispatch_ms: dispatch_ms,
    }
}

fn calibration(profile: &Profile) -> String {
    match &profile.calibration {
        None => "uncalibrated".to_owned(),
        Some(it) => format!(
            "calibrated from {} measurements on {}, residual {:.1} %",
            it.measurements,
            profile.device,
            it.residual * 100.0
        ),
    }
}

fn notes(profile: &Profile, options: &DeviceOptions, cost: &GraphCost) -> Vec<String> {
    let mut notes = vec![
        "no run happened on this device: times are worked out from its profile and the graph"
            .to_owned(),
    ];
    for node in cost.nodes.iter().filter(|it| it.is_product) {
        let (_, mode) = profile.rate(node.dtype, options);
        let note = format!(
            "times are of {mode} arithmetic for products of {}; outputs are of the file's own \
             precision",
            node.dtype.name()
        );
        if mode != node.dtype.name() && !notes.contains(&note) {
            notes.push(note);
        }
    }
    if profile.calibration.is_none() {
        notes.push(format!(
            "the band is assumed: {:.0} % of the peak rate expected, {:.0} % at its upper edge",
            profile.attainable.expected.compute * 100.0,
            profile.attainable.high.compute * 100.0
        ));
    }
    notes
}

#[expect(clippy::cast_precision_loss, reason = "a number of nodes")]
const fn float(count: usize) -> f64 {
    count as f64
}
