//! Levels and where they come from.

use std::collections::BTreeMap;

use accel_core::compatibility::{
    Finding, Level, MatrixBy, Model, Override, Overrides, Rule, Verdict, cells_of_relatives,
    matrix, targets, verdict, verdict_here, verdict_on,
};
use accel_core::{
    CaseName, Evidence, Family, Platform, Precision, Subfamily, Support, Vocabulary as _,
};

use crate::machines::{self, GIB};
use crate::models::{bert, model, real, registry};

/// What holds of every verdict.
fn checked(verdict: Verdict) -> Verdict {
    let least = verdict.reasons.iter().map(|it| it.allows).min().unwrap();
    assert_eq!(verdict.level, least, "{verdict:#?}");
    assert!(verdict.level == Level::High || verdict.decisive().next().is_some());
    let mut rules: Vec<Rule> = verdict.reasons.iter().map(|it| it.rule).collect();
    rules.dedup();
    assert_eq!(rules.len(), verdict.reasons.len(), "one finding a rule: {verdict:#?}");
    for it in &verdict.reasons {
        assert_eq!((it.rule, it.allows), (it.finding.rule(), it.finding.allows()));
        assert!(it.message.len() > 3, "{it:?}");
        assert!(it.allows > Level::None || it.remedy.is_some(), "no remedy: {it:?}");
    }
    verdict
}

fn anywhere(model: &Model, platform: Platform, precision: Option<Precision>) -> Verdict {
    checked(verdict(model, platform, precision, &Overrides::new()))
}

#[test]
fn evidence_decides_how_high_a_level_can_be() {
    let device = Evidence::Device { device: "H100".to_owned(), date: "2026-11-20".to_owned() };
    for (evidence, level, finding) in [
        (Evidence::Ci, Level::High, Finding::Executed),
        (device, Level::High, Finding::Executed),
        (Evidence::CiSoftware, Level::Medium, Finding::ExecutedInSoftware),
        (Evidence::Compiled, Level::Medium, Finding::Compiled),
        (Evidence::None, Level::Low, Finding::Claimed),
    ] {
        let mut model = bert();
        model.cells.insert(Platform::Cuda, real(evidence.clone()));
        let verdict = anywhere(&model, Platform::Cuda, None);
        assert_eq!(verdict.level, level, "{evidence:?}");
        assert!(verdict.found(finding));
        assert_eq!(verdict.evidence, Some(evidence));
    }
}

#[test]
fn what_is_simulated_unsupported_or_unknown_does_not_run() {
    for (support, finding) in
        [(Support::Simulation, Finding::Simulated), (Support::Unsupported, Finding::Unsupported)]
    {
        let mut model = bert();
        let cell = model.cells.get_mut(&Platform::Mps).unwrap();
        cell.support = support;
        cell.reason = "No run has shown it yet.".to_owned();
        let verdict = anywhere(&model, Platform::Mps, None);
        assert_eq!(verdict.level, Level::None);
        let reason = verdict.decisive().next().unwrap();
        assert_eq!(reason.finding, finding);
        assert!(reason.message.contains("No run has shown it yet"), "{}", reason.message);
    }
    let mut model = bert();
    model.cells.clear();
    assert!(anywhere(&model, Platform::Cpu, None).found(Finding::Unlisted));
}

#[test]
fn a_stranger_is_judged_by_its_kind_and_never_above_low() {
    let mut weak = bert();
    weak.key = "weak".to_owned();
    weak.cells.insert(Platform::Cuda, real(Evidence::Compiled));
    let other = model("vit", Subfamily::ImageClassifier, GIB);
    let cells = cells_of_relatives(&[weak, bert(), other], Subfamily::MaskedLm);
    let mut stranger = bert();
    stranger.key = "stranger".to_owned();
    stranger.cells = cells;
    let verdict = anywhere(&stranger, Platform::Cuda, None);
    assert_eq!(verdict.level, Level::Low);
    let reason = verdict.decisive().next().unwrap();
    assert_eq!(
        reason.message,
        "stranger itself was not tested there; bert, a masked_lm, was: executed in CI"
    );
    assert!(cells_of_relatives(&[bert()], Subfamily::CausalLm).is_empty());
}

#[test]
fn a_refused_precision_says_so_and_an_untested_one_is_low() {
    let mut model = bert();
    let cell = model.cells.get_mut(&Platform::Webnn).unwrap();
    let why = "No WebNN form of MatMulInteger.".to_owned();
    cell.expected_failures = BTreeMap::from([(CaseName::Fp16MatchesReference, why)]);
    let verdict = anywhere(&model, Platform::Webnn, Some(Precision::Fp16));
    assert_eq!(verdict.level, Level::None);
    let reason = verdict.decisive().next().unwrap();
    assert!(reason.message.contains("MatMulInteger"), "{}", reason.message);
    assert_eq!(reason.remedy.as_deref(), Some("take fp32"));
    let verdict = anywhere(&model, Platform::Webnn, Some(Precision::Q4));
    assert_eq!(verdict.level, Level::Low);
    assert!(verdict.found(Finding::PrecisionUntested));
    assert_eq!(anywhere(&model, Platform::Webnn, None).precision, Precision::Fp32);
}

#[test]
fn a_folder_of_reduced_graphs_is_not_judged_in_single_precision() {
    let mut model = bert();
    model.lacks_fp32 = true;
    assert_eq!(anywhere(&model, Platform::Cpu, None).precision, Precision::Fp16);
    let fp32 = anywhere(&model, Platform::Cpu, Some(Precision::Fp32));
    assert!(fp32.found(Finding::PrecisionUntested));
}

#[test]
fn the_platform_s_limit_leads_to_a_narrower_file_or_to_none() {
    let mut large = model("large", Subfamily::CausalLm, 3 * GIB);
    large.cells.get_mut(&Platform::Webgpu).unwrap().memory_limit_bytes = 2 * GIB;
    let verdict = anywhere(&large, Platform::Webgpu, None);
    assert_eq!((verdict.precision, verdict.level), (Precision::Fp16, Level::High));
    let verdict = anywhere(&large, Platform::Webgpu, Some(Precision::Fp32));
    let reason = verdict.decisive().next().unwrap();
    assert_eq!(reason.finding, Finding::OverLimit);
    assert_eq!(reason.message, "weights of 3.2 GB in fp32, over the limit of 2.1 GB on WebGPU");
    assert_eq!(reason.remedy.as_deref(), Some("take fp16"));
    let huge = Model { cells: large.cells.clone(), ..model("huge", Subfamily::CausalLm, 30 * GIB) };
    let verdict = anywhere(&huge, Platform::Webgpu, None);
    let reason = verdict.decisive().next().unwrap();
    assert_eq!(reason.finding, Finding::OverLimit);
    let remedy = reason.remedy.as_deref().unwrap();
    assert_eq!(remedy, "take a smaller batch, context or model, or another device");
    // Where no tested file would do, those that a test has not seen are named as such.
    large.precisions.clear();
    let verdict = anywhere(&large, Platform::Webgpu, None);
    let remedy = verdict.decisive().next().unwrap().remedy.clone().unwrap();
    assert_eq!(remedy, "take fp16 or int8 or q4, of which no test has files");
}

#[test]
fn evidence_of_tiny_models_says_less_about_large_ones() {
    let two = model("two", Subfamily::CausalLm, 2 * GIB);
    assert_eq!(anywhere(&two, Platform::Cpu, None).level, Level::High);
    let more = model("more", Subfamily::CausalLm, 2 * GIB + 4);
    let verdict = anywhere(&more, Platform::Cpu, None);
    assert_eq!(verdict.level, Level::Medium);
    assert_eq!(verdict.decisive().next().unwrap().finding, Finding::SizeLarge);
}

#[test]
fn memory_is_what_is_free_then_what_there_is() {
    let mut machine = machines::two_equal_gpus();
    let model = model("ten", Subfamily::CausalLm, 8 * GIB);
    for (free, total, level, finding) in [
        (Some(20), Some(24), Level::Medium, Finding::FitsRecommended),
        (Some(12), Some(24), Level::Medium, Finding::FitsRecommended),
        (Some(11), Some(24), Level::Medium, Finding::FitsMinimum),
        (Some(9), Some(24), Level::Low, Finding::FitsOnceFree),
        (Some(9), Some(9), Level::None, Finding::TooLarge),
        (Some(9), None, Level::None, Finding::TooLarge),
        (None, Some(9), Level::None, Finding::TooLarge),
        (None, Some(24), Level::Medium, Finding::MemoryUnknown),
        (None, None, Level::Medium, Finding::MemoryUnknown),
    ] {
        machine.devices[0].memory_free_bytes.value = free.map(|it: u64| it * GIB);
        machine.devices[0].memory_total_bytes.value = total.map(|it: u64| it * GIB);
        let targets = targets(&machine);
        let target = targets.iter().find(|it| it.device == "cuda:0").unwrap();
        let verdict = verdict_on(&model, target, Some(Precision::Fp32), &Overrides::new());
        let verdict = checked(verdict);
        assert!(verdict.found(finding), "{free:?} {total:?}: {verdict:#?}");
        assert_eq!(verdict.level, level, "{free:?} {total:?}");
    }
}

#[test]
fn the_best_device_speaks_for_its_platform() {
    let machine = machines::two_a100_with_mig();
    let thirty = model("thirty", Subfamily::CausalLm, 40 * GIB);
    let fp32 = Some(Precision::Fp32);
    let here = |platform| {
        checked(verdict_here(&thirty, platform, &targets(&machine), fp32, &Overrides::new()))
    };
    assert_eq!(here(Platform::Cuda).device.as_deref(), Some("cuda:0"));
    let absent = here(Platform::Rocm);
    assert_eq!(absent.level, Level::None);
    let reason = absent.decisive().next().unwrap();
    assert_eq!(reason.message, "there is no rocm device");
    assert_eq!(reason.remedy.as_deref(), Some("mend this: there is no rocm device"));
    let nothing = verdict_here(&thirty, Platform::Cpu, &[], fp32, &Overrides::new());
    assert!(checked(nothing).found(Finding::Absent));
}

#[test]
fn tests_on_openvino_s_cpu_say_less_about_its_gpu_and_npu() {
    let mut model = bert();
    model.cells.get_mut(&Platform::Openvino).unwrap().device = "cpu".to_owned();
    for target in targets(&machines::nine_devices()) {
        let verdict = checked(verdict_on(&model, &target, None, &Overrides::new()));
        let expected = match target.device.as_str() {
            "openvino:GPU" | "openvino:NPU" => Finding::ExecutedElsewhere,
            _ => Finding::Executed,
        };
        assert!(verdict.found(expected), "{verdict:#?}");
    }
}

#[test]
fn an_override_takes_the_place_of_the_catalogue_and_of_nothing_else() {
    let mut model = bert();
    model.cells.clear();
    let yes = |peak| Override { compatible: true, peak_memory_bytes: peak };
    let judge = |it: Override| {
        let overrides = Overrides::from([(Platform::Cuda, it)]);
        let machine = targets(&machines::rtx_laptop());
        checked(verdict_here(&model, Platform::Cuda, &machine, None, &overrides))
    };
    let verdict = judge(yes(None));
    assert_eq!(verdict.level, Level::High);
    assert!(verdict.reasons[0].message.starts_with("override: "));
    assert_eq!(judge(yes(Some(9 * GIB))).level, Level::None);
    assert_eq!(judge(Override { compatible: false, peak_memory_bytes: None }).level, Level::None);
    // Nobody can declare hardware that is not there.
    let overrides = Overrides::from([(Platform::Mps, yes(None))]);
    let machine = targets(&machines::rtx_laptop());
    assert!(verdict_here(&model, Platform::Mps, &machine, None, &overrides).found(Finding::Absent));
}

#[test]
fn a_family_has_the_level_that_half_of_its_models_reach() {
    let kind = Subfamily::CausalLm;
    let mut models: Vec<Model> = ["a", "b", "c", "d"].map(|it| model(it, kind, GIB)).into();
    for (model, evidence) in
        models.iter_mut().zip([Evidence::None, Evidence::Compiled, Evidence::Ci, Evidence::Ci])
    {
        model.cells.insert(Platform::Cuda, real(evidence));
    }
    let level = |models: &[Model]| {
        let matrix = matrix(models, MatrixBy::Family, None, None, &Overrides::new());
        assert_eq!(matrix.rows.len(), 1);
        let cell = &matrix.rows[0].cells[&Platform::Cuda];
        assert_eq!(cell.counts.values().sum::<usize>(), models.len());
        cell.level
    };
    assert_eq!(level(&models), Level::High);
    assert_eq!(level(&models[..3]), Level::Medium);
    assert_eq!(level(&models[..1]), Level::Low);
    assert!(matrix(&[], MatrixBy::Family, None, None, &Overrides::new()).rows.is_empty());
}

#[test]
fn every_machine_and_model_of_the_registry_gives_verdicts_that_hold_together() {
    let machines = [
        machines::plain(),
        machines::pod(),
        machines::two_a100_with_mig(),
        machines::two_equal_gpus(),
        machines::rtx_laptop(),
        machines::mi300x(),
        machines::m1(),
        machines::nine_devices(),
    ];
    let models = registry();
    assert_eq!(models.len(), 14);
    for machine in &machines {
        let targets = targets(machine);
        let by = |by| matrix(&models, by, Some(&targets), None, &Overrides::new());
        let rows = by(MatrixBy::Model).rows;
        assert_eq!(rows.len(), 14);
        let cells = rows.into_iter().flat_map(|it| it.cells.into_values());
        cells.flat_map(|it| it.verdicts).for_each(|it| drop(checked(it)));
        assert_eq!(by(MatrixBy::Family).rows.len(), Family::ALL.len());
    }
}

#[test]
fn the_rules_that_are_written_down_are_those_that_compute() {
    let source = include_str!("../../src/compatibility/mod.rs");
    let readme = include_str!("../../../accel-cli/README.md");
    let documented: Vec<&str> = source.lines().filter(|it| it.starts_with("//! | ")).collect();
    for finding in Finding::ALL {
        let rule = format!("//! | {} |", finding.rule());
        let name = format!("`{finding}`");
        let row = documented.iter().find(|it| it.starts_with(&rule) && it.contains(&name));
        let row = row.unwrap_or_else(|| panic!("no row for {finding}"));
        let column = row.trim_end_matches(" |").rsplit(" | ").next().unwrap();
        let rows: Vec<&str> = readme
            .lines()
            .filter(|it| it.starts_with(&format!("| {} |", finding.rule())) && it.contains(&name))
            .collect();
        let end = format!("| {} |", finding.allows());
        assert!(rows.len() == 1 && rows[0].ends_with(&end), "the README on {finding}: {rows:?}");
        // A row has one level for all of its findings, or one each in their order.
        let levels: Vec<&str> = column.split(", ").collect();
        let names: Vec<&str> = row.split('`').skip(1).step_by(2).collect();
        let place = names.iter().position(|it| *it == finding.name()).unwrap();
        let level = if levels.len() == 1 { levels[0] } else { levels[place] };
        assert_eq!(level, finding.allows().name(), "{row}");
    }
}
