//! What a generated test ends in, and the line it leaves in a report.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{CaseName, Platform, Stage, Variant};

/// Version of the report's JSON lines; it grows when a field changes its meaning or goes away.
pub const REPORT_VERSION: u32 = 1;

/// How one case of one cell ended. There is no other way to end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Outcome {
    /// It ran where it was told to, and the result is right.
    Passed {
        /// Which engine ran it, with its version.
        engine: String,
        /// The device as the engine or the system names it.
        device: String,
        /// How it is known that the nodes ran there.
        placement: String,
        /// Whether the device is a program that stands in for the platform's hardware.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        software: bool,
    },
    /// It ran where it was told to but for a share of its compute nodes, which ran on the CPU as
    /// the registry allows; the result is right. This is no plain pass.
    PassedWithFallback {
        /// Which engine ran it, with its version.
        engine: String,
        /// The device as the engine or the system names it.
        device: String,
        /// How it is known where the nodes ran.
        placement: String,
        /// Whether the device is a program that stands in for the platform's hardware.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        software: bool,
        /// Share of the compute nodes that ran on the CPU, above 0 and at most what the options'
        /// `cpu_fallback_percent` allows.
        fallback_percent: f64,
    },
    /// It ran on the simulator: the outputs are true, the platform was not used.
    Simulated {
        /// Why it is a simulation.
        reason: String,
    },
    /// It did not run; decided when the tests were listed.
    Skipped {
        /// Why.
        reason: String,
    },
    /// It failed, as the registry says it does.
    ExpectedFailure {
        /// Why, from the registry.
        reason: String,
    },
    /// It failed.
    Failed {
        /// Where.
        stage: Stage,
        /// What went wrong and what to do.
        message: String,
    },
}

impl Outcome {
    /// The outcome's name in reports: `passed`, `passed-with-fallback`, `simulated`, `skipped`,
    /// `expected-failure`, `failed`.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Passed { .. } => "passed",
            Self::PassedWithFallback { .. } => "passed-with-fallback",
            Self::Simulated { .. } => "simulated",
            Self::Skipped { .. } => "skipped",
            Self::ExpectedFailure { .. } => "expected-failure",
            Self::Failed { .. } => "failed",
        }
    }
}

/// One line of a report: one case of one cell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CaseReport {
    /// [`REPORT_VERSION`] of the writer.
    pub version: u32,
    /// The registry's key of the model.
    pub model: String,
    /// The platform of the cell.
    pub platform: Platform,
    /// Real or simulation.
    pub variant: Variant,
    /// What was to be proved.
    pub case: CaseName,
    /// How it ended.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// Figures taken on the way, by name with unit (`load_ms`, `weights_bytes`); empty when none.
    #[serde(default)]
    pub measurements: BTreeMap<String, f64>,
    /// Wall time of the case in milliseconds.
    pub elapsed_ms: f64,
}
