//! What generated tests came to, from the lines of their report.

use std::collections::{BTreeMap, BTreeSet};

use accel_core::{CaseName, CaseReport, Outcome, Platform, Stage};
use serde::Serialize;

/// What the tests of the chosen cells came to.
#[derive(Debug, Default, Serialize)]
pub(super) struct TestReport {
    pub(super) cells: Vec<CellCounts>,
    pub(super) skips: Vec<Skip>,
    pub(super) failures: Vec<Failure>,
    /// Chosen cells of which no case left a line.
    pub(super) without_result: Vec<CellName>,
    /// Why cargo failed, when that is not a failed case.
    pub(super) problem: Option<String>,
}

/// A cell.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct CellName {
    pub(super) model: String,
    pub(super) platform: Platform,
}

/// How many cases of a cell ended in each way.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct CellCounts {
    pub(super) model: String,
    pub(super) platform: Platform,
    pub(super) passed: usize,
    pub(super) passed_with_fallback: usize,
    pub(super) simulated: usize,
    pub(super) skipped: usize,
    pub(super) expected_failure: usize,
    pub(super) failed: usize,
    /// What ran the cases that passed, such as `rten 0.27.0 on CPU (AMD EPYC)`; more than one
    /// where they differ.
    pub(super) ran_by: BTreeSet<String>,
}

/// Why cases did not run.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Skip {
    pub(super) platform: Platform,
    pub(super) reason: String,
    pub(super) count: usize,
    pub(super) models: BTreeSet<String>,
}

/// A failed case.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Failure {
    pub(super) model: String,
    pub(super) platform: Platform,
    pub(super) case: CaseName,
    pub(super) stage: Stage,
    pub(super) message: String,
}

impl TestReport {
    /// Sums up the report lines of `chosen` cells; lines of other cells do not count.
    pub(super) fn new(chosen: &[(&str, Platform)], reports: &[CaseReport]) -> Self {
        let mut report = Self::default();
        let mut skips: BTreeMap<(Platform, &str), (usize, BTreeSet<String>)> = BTreeMap::new();
        for (model, platform) in chosen {
            let mut counts = CellCounts {
                model: (*model).to_owned(),
                platform: *platform,
                passed: 0,
                passed_with_fallback: 0,
                simulated: 0,
                skipped: 0,
                expected_failure: 0,
                failed: 0,
                ran_by: BTreeSet::new(),
            };
            let of_cell = |it: &&CaseReport| it.model == *model && it.platform == *platform;
            for it in reports.iter().filter(of_cell) {
                match &it.outcome {
                    Outcome::Passed { engine, device, .. } => {
                        counts.passed += 1;
                        counts.ran_by.insert(format!("{engine} on {device}"));
                    }
                    Outcome::PassedWithFallback { engine, device, fallback_percent, .. } => {
                        counts.passed_with_fallback += 1;
                        let share = format!("{fallback_percent:.1} % of the nodes on the CPU");
                        counts.ran_by.insert(format!("{engine} on {device}, {share}"));
                    }
                    Outcome::Simulated { .. } => counts.simulated += 1,
                    Outcome::ExpectedFailure { .. } => counts.expected_failure += 1,
                    Outcome::Skipped { reason } => {
                        counts.skipped += 1;
                        let skip = skips.entry((*platform, reason)).or_default();
                        skip.0 += 1;
                        skip.1.insert(it.model.clone());
                    }
                    Outcome::Failed { stage, message } => {
                        counts.failed += 1;
                        report.failures.push(Failure {
                            model: it.model.clone(),
                            platform: *platform,
                            case: it.case,
                            stage: *stage,
                            message: message.clone(),
                        });
                    }
                }
            }
            if reports.iter().any(|it| of_cell(&it)) {
                report.cells.push(counts);
            } else {
                let cell = CellName { model: counts.model, platform: *platform };
                report.without_result.push(cell);
            }
        }
        report.skips = skips
            .into_iter()
            .map(|((platform, reason), (count, models))| Skip {
                platform,
                reason: reason.to_owned(),
                count,
                models,
            })
            .collect();
        report
    }

    /// Whether anything failed; a cell without a result is a failure.
    pub(super) const fn failed(&self) -> bool {
        !self.failures.is_empty() || !self.without_result.is_empty() || self.problem.is_some()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use accel_core::{CaseName, CaseReport, Outcome, Platform, REPORT_VERSION, Stage, Variant};

    use super::TestReport;

    fn line(model: &str, case: CaseName, outcome: Outcome) -> CaseReport {
        CaseReport {
            version: REPORT_VERSION,
            model: model.to_owned(),
            platform: Platform::Cpu,
            variant: Variant::Real,
            case,
            outcome,
            measurements: BTreeMap::new(),
            elapsed_ms: 1.0,
        }
    }

    #[test]
    fn only_chosen_cells_count_and_silence_is_a_failure() {
        let passed = Outcome::Passed {
            engine: "rten".to_owned(),
            device: "cpu".to_owned(),
            placement: "all".to_owned(),
            software: false,
        };
        let failed = Outcome::Failed { stage: Stage::Run, message: "no".to_owned() };
        let lines =
            [line("bert", CaseName::Loads, passed), line("distilbert", CaseName::Loads, failed)];
        let report = TestReport::new(&[("bert", Platform::Cpu)], &lines);
        assert_eq!(report.cells[0].passed, 1);
        assert_eq!(report.cells[0].ran_by.iter().collect::<Vec<_>>(), ["rten on cpu"]);
        assert!(!report.failed(), "{report:?}");
        let report = TestReport::new(&[("bert", Platform::Cpu), ("vit", Platform::Cpu)], &lines);
        assert!(report.failed());
        assert_eq!(report.without_result[0].model, "vit");
        assert!(TestReport::new(&[("distilbert", Platform::Cpu)], &lines).failed());
    }
}
