//! The matrix of models and platforms: what the registry claims of each cell, and what stands
//! behind it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use accel_core::{Evidence, Platform, Support, Vocabulary as _};

use crate::registry::{Cell, Registry};

/// A cell in as few words as tell it from another: `real · ci`, `real · 2026-11-21`,
/// `simulation · none`, `unsupported`.
pub(crate) fn word(cell: &Cell) -> String {
    match (cell.support, &cell.evidence) {
        (Support::Unsupported, _) => Support::Unsupported.name().to_owned(),
        (support, evidence) => format!("{support} · {}", evidence_word(evidence)),
    }
}

fn evidence_word(evidence: &Evidence) -> &str {
    match evidence {
        Evidence::None => "none",
        Evidence::Compiled => "compiled",
        Evidence::Ci => "ci",
        Evidence::CiSoftware => "ci in software",
        Evidence::Device { date, .. } => date,
    }
}

/// How many cells of a platform there are of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Counts {
    /// Real, and executed in every CI run.
    pub(crate) ci: usize,
    /// Real, and executed in every CI run on a program that stands in for the device.
    pub(crate) ci_software: usize,
    /// Real, and executed on a named device.
    pub(crate) device: usize,
    /// Real, and compiled only.
    pub(crate) compiled: usize,
    /// Real by the registry's word alone.
    pub(crate) unproved: usize,
    /// Simulated.
    pub(crate) simulation: usize,
    /// Nothing is generated.
    pub(crate) unsupported: usize,
}

impl Counts {
    /// Of `platform`'s cells.
    pub(crate) fn of(registry: &Registry, platform: Platform) -> Self {
        let mut counts = Self::default();
        for cell in registry.models.iter().filter_map(|it| it.cells.get(&platform)) {
            let count = match (cell.support, &cell.evidence) {
                (Support::Unsupported, _) => &mut counts.unsupported,
                (Support::Simulation, _) => &mut counts.simulation,
                (Support::Real, Evidence::Ci) => &mut counts.ci,
                (Support::Real, Evidence::CiSoftware) => &mut counts.ci_software,
                (Support::Real, Evidence::Device { .. }) => &mut counts.device,
                (Support::Real, Evidence::Compiled) => &mut counts.compiled,
                (Support::Real, Evidence::None) => &mut counts.unproved,
            };
            *count += 1;
        }
        counts
    }
}

/// The matrix as a page of Markdown: every cell with its support and evidence, a legend, counts
/// of each platform, the devices that are evidence, and why cells are not real.
///
/// A pure function of the registry; `SUPPORT.md` is its result.
pub fn markdown(registry: &Registry) -> String {
    let mut text = INTRODUCTION.to_owned();
    let labels: Vec<&str> = Platform::ALL.iter().map(|it| it.label()).collect();
    row(&mut text, [&["model"][..], &labels].concat());
    row(&mut text, vec!["---"; labels.len() + 1]);
    for model in &registry.models {
        let words =
            Platform::ALL.iter().map(|it| model.cells.get(it).map_or_else(String::new, word));
        let words = words.map(|it| if it.contains("· ci") { format!("**{it}**") } else { it });
        row(&mut text, [model.key.to_string()].into_iter().chain(words));
    }
    text.push_str(LEGEND);
    text.push_str("\n## Cells of each platform\n\n");
    let heads = [
        "",
        "real: ci",
        "ci in software",
        "device",
        "compiled",
        "none",
        "simulation",
        "unsupported",
    ];
    row(&mut text, heads);
    row(&mut text, vec!["---"; heads.len()]);
    for platform in Platform::ALL {
        let it = Counts::of(registry, *platform);
        let counts = [
            it.ci,
            it.ci_software,
            it.device,
            it.compiled,
            it.unproved,
            it.simulation,
            it.unsupported,
        ];
        let counts = counts.into_iter().map(|it| it.to_string());
        row(&mut text, [platform.label().to_owned()].into_iter().chain(counts));
    }
    devices(&mut text, registry);
    reasons(&mut text, registry);
    text
}

const INTRODUCTION: &str = "\
# What runs where

Made from `model_registry.yaml` by `accelgen --list --matrix --format markdown`; do not edit.
The tests keep this page equal to the registry, and `accelgen registry verify-evidence` keeps the registry true to the report of a run.

";

const LEGEND: &str = "
The first word says what is generated:

- `real`: a skill that runs on the platform or not at all.
- `simulation`: true outputs computed on the CPU, time predicted; every result says so.
- `unsupported`: nothing.

The second says what stands behind it:

- `ci`: the generated tests pass in every CI run, with the placement of the nodes proved.
- `ci in software`: they do, on a program that stands in for the device, such as a browser's software adapter. Code, operators and results are proved; a real device's are not.
- a date: they passed on that day on the device named below.
- `compiled`: the code compiles; nothing ran on such a device yet.
- `none`: a claim that waits for its proof.
";

/// The devices on which tests passed once.
fn devices(text: &mut String, registry: &Registry) {
    let mut devices: BTreeMap<(&str, &str, Platform), Vec<&str>> = BTreeMap::new();
    for model in &registry.models {
        for (platform, cell) in &model.cells {
            if let Evidence::Device { device, date } = &cell.evidence {
                devices.entry((date, device, *platform)).or_default().push(model.key.as_str());
            }
        }
    }
    if devices.is_empty() {
        return;
    }
    text.push_str("\n## Runs on a device\n\n");
    row(text, ["date", "platform", "device", "models"]);
    row(text, ["---"; 4]);
    for ((date, device, platform), models) in devices {
        row(text, [date, platform.label(), device, &models.join(", ")]);
    }
}

/// Why cells are not real.
fn reasons(text: &mut String, registry: &Registry) {
    let mut reasons: BTreeMap<(Platform, Support, &str), Vec<&str>> = BTreeMap::new();
    for model in &registry.models {
        for (platform, cell) in model.cells.iter().filter(|(_, it)| it.support != Support::Real) {
            let reason = (*platform, cell.support, cell.reason.as_str());
            reasons.entry(reason).or_default().push(model.key.as_str());
        }
    }
    if reasons.is_empty() {
        return;
    }
    text.push_str("\n## Why not real\n\n");
    row(text, ["platform", "support", "reason", "models"]);
    row(text, ["---"; 4]);
    for ((platform, support, reason), models) in reasons {
        row(text, [platform.label(), support.name(), reason, &models.join(", ")]);
    }
}

/// A line of a table. What would end a cell or begin markup in it is escaped.
fn row(text: &mut String, cells: impl IntoIterator<Item = impl AsRef<str>>) {
    for cell in cells {
        let cell = cell.as_ref().replace('\\', "\\\\").replace('|', "\\|").replace('<', "&lt;");
        // Writing to a String cannot fail.
        let _ = write!(text, "| {cell} ");
    }
    text.push_str("|\n");
}

#[cfg(test)]
mod tests {
    use super::row;

    #[test]
    fn no_text_of_the_registry_ends_a_cell() {
        let mut text = String::new();
        row(&mut text, ["a|b", "<script>", "c\\"]);
        assert_eq!(text, "| a\\|b | &lt;script> | c\\\\ |\n");
    }
}
