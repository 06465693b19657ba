//! `registry verify-evidence`: whether the registry claims what a report shows.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use accel_core::{CaseName, CaseReport, Evidence, Outcome, Platform, Support, Variant};
use serde::Serialize;
use serde_json::json;

use super::args::VerifyArgs;
use super::console::{Console, count};
use super::failure::Failure;
use super::{Done, cargo, json as document, places};
use crate::cases;
use crate::registry::{Cell, Model, Registry};

/// A claim that the report does not bear out, or a proof that the registry does not claim.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Finding {
    model: String,
    platform: Platform,
    /// The case that it is about, or all of them.
    case: Option<CaseName>,
    message: String,
}

/// What a comparison found.
#[derive(Debug, Default, PartialEq, Eq)]
struct Findings {
    /// How many cells claim that CI runs them, and the report shows it.
    proved: usize,
    /// Claims without their proof.
    unproved: Vec<Finding>,
    /// Proofs without their claim.
    hints: Vec<Finding>,
}

pub(super) fn run(arguments: &VerifyArgs, console: Console) -> Result<Done, Failure> {
    let path = places::registry_path(arguments.place.registry.as_deref(), console)?;
    let registry = places::load(&path, console)?;
    let reports = cargo::read(&arguments.report)?;
    let findings = verify(&registry, &reports);
    let found = !findings.unproved.is_empty();
    let stdout = if console.json() {
        document::document(json!({
            "registry": path.display().to_string(),
            "report": arguments.report.display().to_string(),
            "proved": findings.proved,
            "unproved": findings.unproved,
            "hints": findings.hints,
        }))
    } else {
        human(&findings, &arguments.report)
    };
    Ok(Done { stdout, found })
}

fn human(findings: &Findings, report: &Path) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    for (word, list) in [("unproved", &findings.unproved), ("hint", &findings.hints)] {
        for it in list {
            let case = it.case.map_or_else(String::new, |it| format!("::{it}"));
            let _ = writeln!(text, "{word}: {}::{}{case}: {}", it.model, it.platform, it.message);
        }
    }
    let _ = writeln!(
        text,
        "{}: {} claimed as `ci` proved, {} not, {}",
        report.display(),
        count(findings.proved, "cell"),
        count(findings.unproved.len(), "case"),
        count(findings.hints.len(), "hint")
    );
    text
}

/// Compares the claims of a registry with the lines of a report, of which the last of a case
/// counts.
fn verify(registry: &Registry, reports: &[CaseReport]) -> Findings {
    let mut lines: BTreeMap<(&str, Platform), BTreeMap<CaseName, &CaseReport>> = BTreeMap::new();
    for it in reports {
        lines.entry((&it.model, it.platform)).or_default().insert(it.case, it);
    }
    let mut findings = Findings::default();
    let none = BTreeMap::new();
    for model in &registry.models {
        for (platform, cell) in &model.cells {
            let lines = lines.get(&(model.key.as_str(), *platform)).unwrap_or(&none);
            let missing = unproved(model, *platform, cell, lines);
            let stood_in = lines.values().any(|it| in_software(it));
            match (cell.support, &cell.evidence) {
                (Support::Real, Evidence::Ci | Evidence::CiSoftware) if !missing.is_empty() => {
                    findings.unproved.extend(missing);
                }
                (Support::Real, claim @ (Evidence::Ci | Evidence::CiSoftware)) => {
                    findings.proved += 1;
                    if *claim == Evidence::CiSoftware && !stood_in {
                        findings.hints.push(Finding {
                            model: model.key.to_string(),
                            platform: *platform,
                            case: None,
                            message: "no software stand-in ran it; the registry may claim the \
                                      device and the day"
                                .to_owned(),
                        });
                    }
                }
                (Support::Real, Evidence::None | Evidence::Compiled) if missing.is_empty() => {
                    findings.hints.push(Finding {
                        model: model.key.to_string(),
                        platform: *platform,
                        case: None,
                        message: format!(
                            "{} passed; the registry may claim {}",
                            count(lines.len(), "case"),
                            if stood_in {
                                "`ci_software`"
                            } else {
                                "`ci`, or the device and the day"
                            }
                        ),
                    });
                }
                _ => {}
            }
        }
    }
    findings
}

/// Whether a program stood in for the device.
const fn in_software(line: &CaseReport) -> bool {
    matches!(
        line.outcome,
        Outcome::Passed { software: true, .. } | Outcome::PassedWithFallback { software: true, .. }
    )
}

/// The cases of a cell that the lines do not prove: those of its test file, and whatever else ran.
fn unproved(
    model: &Model,
    platform: Platform,
    cell: &Cell,
    lines: &BTreeMap<CaseName, &CaseReport>,
) -> Vec<Finding> {
    let planned = cases::base(model.subfamily, platform, &model.precisions);
    let more = lines.keys().copied().filter(|it| !planned.contains(it));
    let all = planned.iter().copied().chain(more);
    let missing = |case: CaseName| -> Option<String> {
        let Some(line) = lines.get(&case) else {
            return Some("has no line in the report".to_owned());
        };
        if line.variant != Variant::Real {
            return Some("ran as a simulation".to_owned());
        }
        match &line.outcome {
            Outcome::Passed { device, .. } | Outcome::PassedWithFallback { device, .. } => {
                let claims_hardware = cell.evidence == Evidence::Ci;
                (claims_hardware && in_software(line))
                    .then(|| format!("ran on a software stand-in ({device}); claim `ci_software`"))
            }
            Outcome::ExpectedFailure { .. } if cell.expected_failures.contains_key(&case) => None,
            Outcome::ExpectedFailure { reason } => {
                Some(format!("failed as another registry expects: {reason}"))
            }
            Outcome::Simulated { reason } => Some(format!("was simulated: {reason}")),
            Outcome::Skipped { reason } => Some(format!("was skipped: {reason}")),
            Outcome::Failed { stage, message } => Some(format!("failed at {stage}: {message}")),
        }
    };
    all.filter_map(|case| {
        let message = missing(case)?;
        Some(Finding { model: model.key.to_string(), platform, case: Some(case), message })
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use accel_core::{
        CaseName, CaseReport, Evidence, Outcome, Platform, REPORT_VERSION, Stage, Variant,
    };

    use super::{Findings, verify};
    use crate::cases;
    use crate::registry::{self, Registry};

    /// BERT claims `ci` on the CPU, and less elsewhere.
    fn registry() -> Registry {
        let text = include_str!("../../tests/registry/base.yaml");
        registry::parse(text, "registry.yaml").unwrap()
    }

    fn passed() -> Outcome {
        Outcome::Passed {
            engine: "rten".to_owned(),
            device: "cpu".to_owned(),
            placement: "all".to_owned(),
            software: false,
        }
    }

    /// A line of every case of a cell.
    fn lines(registry: &Registry, platform: Platform) -> Vec<CaseReport> {
        let model = registry.model("bert").unwrap();
        let line = |case| CaseReport {
            version: REPORT_VERSION,
            model: "bert".to_owned(),
            platform,
            variant: Variant::Real,
            case,
            outcome: passed(),
            measurements: BTreeMap::new(),
            elapsed_ms: 1.0,
        };
        cases::base(model.subfamily, platform, &model.precisions).into_iter().map(line).collect()
    }

    fn claimed(registry: &Registry) -> Vec<CaseReport> {
        let model = registry.model("bert").unwrap();
        let ci = model.cells.iter().filter(|(_, it)| it.evidence == accel_core::Evidence::Ci);
        ci.flat_map(|(platform, _)| lines(registry, *platform)).collect()
    }

    #[test]
    fn a_claim_with_all_its_cases_is_proved() {
        let registry = registry();
        let lines = claimed(&registry);
        assert!(!lines.is_empty());
        let findings = verify(&registry, &lines);
        assert!(findings.proved > 0 && findings.unproved.is_empty(), "{findings:?}");
        assert!(findings.hints.is_empty(), "{findings:?}");
    }

    #[test]
    fn a_case_that_is_missing_skipped_failed_or_simulated_is_no_proof() {
        let registry = registry();
        let all = claimed(&registry);
        let is_found = |lines: &[CaseReport], what: &str| {
            let findings = verify(&registry, lines);
            let [it] = &findings.unproved[..] else { panic!("{what}: {findings:?}") };
            assert_eq!(it.case, Some(CaseName::Loads));
            assert!(it.message.contains(what), "{}", it.message);
        };
        let cpu = |it: &CaseReport| it.platform == Platform::Cpu && it.case == CaseName::Loads;
        let index = all.iter().position(cpu).unwrap();
        let mut without = all.clone();
        without.remove(index);
        is_found(&without, "no line");
        let ends = [
            (Outcome::Skipped { reason: "none here".to_owned() }, "was skipped: none here"),
            (Outcome::Simulated { reason: "no".to_owned() }, "was simulated"),
            (Outcome::ExpectedFailure { reason: "no".to_owned() }, "another registry"),
            (
                Outcome::Failed { stage: Stage::Placement, message: "cpu".to_owned() },
                "failed at placement: cpu",
            ),
        ];
        for (outcome, what) in ends {
            let mut lines = all.clone();
            lines[index].outcome = outcome.clone();
            is_found(&lines, what);
            // The last line of a case counts, as it does where tests are retried.
            lines.push(all[index].clone());
            assert!(verify(&registry, &lines).unproved.is_empty());
            lines.push(CaseReport { outcome, ..all[index].clone() });
            is_found(&lines, what);
        }
    }

    #[test]
    fn a_software_stand_in_proves_no_device_and_a_device_more_than_a_stand_in() {
        let mut registry = registry();
        let mut lines = claimed(&registry);
        for line in &mut lines {
            let Outcome::Passed { software, .. } = &mut line.outcome else { panic!("{line:?}") };
            *software = true;
        }
        let findings = verify(&registry, &lines);
        assert_eq!((findings.proved, findings.unproved.len()), (0, lines.len()), "{findings:?}");
        assert!(findings.unproved[0].message.contains("claim `ci_software`"), "{findings:?}");
        for cell in registry.models.iter_mut().flat_map(|it| it.cells.values_mut()) {
            if cell.evidence == Evidence::Ci {
                cell.evidence = Evidence::CiSoftware;
            }
        }
        let findings = verify(&registry, &lines);
        assert!(findings.proved > 0 && findings.unproved.is_empty(), "{findings:?}");
        assert!(findings.hints.is_empty(), "{findings:?}");
        for line in &mut lines {
            line.outcome = passed();
        }
        let findings = verify(&registry, &lines);
        assert!(findings.proved > 0 && findings.unproved.is_empty(), "{findings:?}");
        assert_eq!(findings.hints.len(), findings.proved, "{findings:?}");
    }

    #[test]
    fn an_empty_report_proves_nothing() {
        let registry = registry();
        let Findings { proved, unproved, .. } = verify(&registry, &[]);
        assert_eq!(proved, 0);
        assert!(
            unproved.len() >= cases::base(registry.models[0].subfamily, Platform::Cpu, &[]).len()
        );
    }

    #[test]
    fn what_passed_and_is_not_claimed_is_a_hint() {
        let registry = registry();
        let unclaimed = registry.models[0].cells.iter().find(|(_, it)| {
            it.support == accel_core::Support::Real
                && matches!(
                    it.evidence,
                    accel_core::Evidence::None | accel_core::Evidence::Compiled
                )
        });
        let (platform, _) = unclaimed.unwrap();
        let mut lines = claimed(&registry);
        lines.extend(self::lines(&registry, *platform));
        let findings = verify(&registry, &lines);
        assert!(findings.unproved.is_empty(), "{findings:?}");
        let [hint] = &findings.hints[..] else { panic!("{findings:?}") };
        assert_eq!(hint.platform, *platform);
        assert!(hint.message.contains("claim `ci`,"), "{hint:?}");
        for line in lines.iter_mut().filter(|it| it.platform == *platform) {
            let Outcome::Passed { software, .. } = &mut line.outcome else { panic!("{line:?}") };
            *software = true;
        }
        let findings = verify(&registry, &lines);
        assert!(findings.hints[0].message.contains("claim `ci_software`"), "{findings:?}");
    }
}
