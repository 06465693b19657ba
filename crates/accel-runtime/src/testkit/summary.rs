//! What a run proved, as a few lines of text: plain `cargo test` must make skips visible.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use accel_core::{CaseReport, Outcome, Platform};

use super::decide::SkipCause;

/// How many cases ended in each way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Ran and right.
    pub passed: usize,
    /// Ran and right, a share of the nodes on the CPU.
    pub passed_with_fallback: usize,
    /// Ran on the simulator and right.
    pub simulated: usize,
    /// Did not run.
    pub skipped: usize,
    /// Failed as the registry says.
    pub expected_failures: usize,
    /// Failed.
    pub failed: usize,
}

impl Counts {
    /// Counts one more.
    pub fn add(&mut self, outcome: &Outcome) {
        let count = match outcome {
            Outcome::Passed { .. } => &mut self.passed,
            Outcome::PassedWithFallback { .. } => &mut self.passed_with_fallback,
            Outcome::Simulated { .. } => &mut self.simulated,
            Outcome::Skipped { .. } => &mut self.skipped,
            Outcome::ExpectedFailure { .. } => &mut self.expected_failures,
            Outcome::Failed { .. } => &mut self.failed,
        };
        *count += 1;
    }

    fn ran(&self) -> usize {
        self.passed
            + self.passed_with_fallback
            + self.simulated
            + self.expected_failures
            + self.failed
    }

    /// `11 passed, 1 failed`: what is not zero.
    fn words(&self) -> String {
        let words: Vec<_> = [
            (self.passed, "passed"),
            (self.passed_with_fallback, "passed with fallback"),
            (self.simulated, "simulated"),
            (self.expected_failures, "failed as expected"),
            (self.failed, "FAILED"),
            (self.skipped, "skipped"),
        ]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
        words.join(", ")
    }
}

/// A finished case, and why it was skipped if it was.
pub(super) struct Line<'a> {
    pub(super) report: &'a CaseReport,
    pub(super) skip: Option<&'a SkipCause>,
}

/// The table: a line for every cell in which something ran, then a line for every distinct reason
/// why something did not.
pub(super) fn render(lines: &[Line<'_>]) -> String {
    let mut total = Counts::default();
    let mut cells: BTreeMap<(&str, Platform), (Counts, BTreeSet<String>)> = BTreeMap::new();
    let mut skips: BTreeMap<String, (usize, BTreeSet<&str>)> = BTreeMap::new();
    for line in lines {
        total.add(&line.report.outcome);
        let cell = cells.entry((&line.report.model, line.report.platform)).or_default();
        cell.0.add(&line.report.outcome);
        match &line.report.outcome {
            Outcome::Passed { engine, device, .. } => {
                cell.1.insert(format!("{engine} on {device}"));
            }
            Outcome::PassedWithFallback { engine, device, fallback_percent, .. } => {
                cell.1.insert(format!("{engine} on {device}, {fallback_percent:.1} % on the CPU"));
            }
            _ => {}
        }
        if let Some(cause) = line.skip {
            let group = skips.entry(cause.group()).or_default();
            group.0 += 1;
            if cause.is_of_the_model() {
                group.1.insert(&line.report.model);
            }
        }
    }

    let ran: Vec<_> = cells.iter().filter(|(_, (counts, _))| counts.ran() > 0).collect();
    let width = ran.iter().map(|((model, _), _)| model.len()).max().unwrap_or(0);
    let words_width = ran.iter().map(|(_, (counts, _))| counts.words().len()).max().unwrap_or(0);
    let mut text = String::new();
    // Writing to a String cannot fail.
    for ((model, platform), (counts, devices)) in ran {
        let devices: Vec<_> = devices.iter().map(String::as_str).collect();
        let row = format!(
            "{model:width$}  {platform:8}  {:words_width$}  {}",
            counts.words(),
            devices.join("; ")
        );
        let _ = writeln!(text, "{}", row.trim_end());
    }
    for (reason, (count, models)) in skips {
        let models: Vec<_> = models.into_iter().collect();
        let models =
            if models.is_empty() { String::new() } else { format!(" ({})", models.join(", ")) };
        let _ = writeln!(text, "skipped {count:4}  {reason}{models}");
    }
    let all = if lines.is_empty() { "nothing was selected".to_owned() } else { total.words() };
    let _ = writeln!(text, "outcomes: {all}");
    text
}
