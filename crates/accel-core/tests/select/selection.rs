//! One model, several devices.

use accel_core::compatibility::{
    Finding, Level, Model, Override, Target, cells_of_relatives, targets,
};
use accel_core::diagnosis::FallbackPolicy;
use accel_core::hardware::Inventory;
use accel_core::select::{
    Request, Selection, Wish, WishError, classify_model, parse_priority, select,
};
use accel_core::{Evidence, Platform, Precision, Subfamily, Vocabulary as _};

use crate::machines::{self, GIB};
use crate::models::{bert, model, real};

fn request(list: &str, policy: FallbackPolicy) -> Request {
    let priority = parse_priority(list.split(',')).unwrap();
    Request { priority, policy, ..Request::default() }
}

fn given(model: &Model, machine: &Inventory, request: &Request) -> (Option<String>, Selection) {
    let selection = checked(select(model, &targets(machine), request));
    (selection.given.as_ref().map(|it| it.device.clone()), selection)
}

/// What holds of every answer.
fn checked(selection: Selection) -> Selection {
    for rejection in &selection.rejections {
        assert!(!rejection.reasons.is_empty(), "{rejection:?}");
        for reason in &rejection.reasons {
            assert!(!reason.message.is_empty(), "{rejection:?}");
            let remedy = reason.remedy.as_deref().unwrap_or_default();
            assert!(!remedy.is_empty(), "no remedy: {rejection:?}");
        }
    }
    assert!(selection.given.is_some() || !selection.rejections.is_empty(), "{selection:?}");
    assert!(!selection.why.is_empty());
    assert!(!(selection.fell_back && selection.given.is_none()));
    selection
}

#[test]
fn policies_decide_what_happens_when_the_first_choice_cannot_be_had() {
    use FallbackPolicy::{Cpu, NextBest, Strict};
    let laptop = machines::rtx_laptop();
    for (list, policy, device, fell_back) in [
        ("cuda,cpu", Strict, Some("cuda:0"), false),
        ("mps,cuda,cpu", Strict, None, false),
        ("mps,cuda,cpu", NextBest, Some("cuda:0"), true),
        ("mps,rocm", NextBest, None, false),
        ("mps,cuda", Cpu, Some("cpu"), true),
        ("cuda,mps", Cpu, Some("cuda:0"), false),
        ("cpu", Cpu, Some("cpu"), false),
        ("cuda:7", Strict, None, false),
        ("cuda:7,cuda:0", NextBest, Some("cuda:0"), true),
        ("openvino:NPU,openvino:gpu", NextBest, Some("openvino:GPU"), true),
        ("openvino:cpu", Strict, Some("openvino:CPU"), false),
    ] {
        let (answer, selection) = given(&bert(), &laptop, &request(list, policy));
        assert_eq!(answer.as_deref(), device, "{list} {policy}: {selection:#?}");
        assert_eq!(selection.fell_back, fell_back, "{list} {policy}");
        assert_eq!(selection.wanted.len(), list.split(',').count());
        assert!(!selection.automatic);
    }
}

#[test]
fn without_an_answer_every_entry_is_told_with_reason_and_remedy() {
    let (_, selection) =
        given(&bert(), &machines::plain(), &request("cuda,rocm:1,mps", FallbackPolicy::NextBest));
    let devices: Vec<_> = selection.rejections.iter().map(|it| it.device.as_str()).collect();
    assert_eq!(devices, ["cuda", "rocm:1", "mps"]);
    let (_, strict) =
        given(&bert(), &machines::plain(), &request("cuda,mps,cpu", FallbackPolicy::Strict));
    assert_eq!(strict.given, None);
    assert!(strict.why.contains("there is no cuda device"), "{}", strict.why);
    assert!(strict.why.ends_with("the policy next_best would give cpu"), "{}", strict.why);
    assert_eq!(strict.alternatives[0].device, "cpu");
}

#[test]
fn a_device_that_is_not_there_is_refused_by_name() {
    let machine = machines::two_equal_gpus();
    let (_, selection) = given(&bert(), &machine, &request("cuda:7", FallbackPolicy::Strict));
    let reason = &selection.rejections[0].reasons[0];
    assert_eq!(reason.finding, Finding::Absent);
    assert_eq!(reason.message, "there is no cuda:7 here; CUDA has cuda:0, cuda:1");
    assert_eq!(reason.remedy.as_deref(), Some("take cuda:0 or cuda:1"));
    let (_, none) = given(&bert(), &machines::plain(), &request("cuda:7", FallbackPolicy::Strict));
    let message = &none.rejections[0].reasons[0].message;
    assert_eq!(message, "there is no cuda:7 here: there is no cuda device");
    let mps = request("mps:1", FallbackPolicy::Strict);
    assert_eq!(given(&bert(), &machines::m1(), &mps).0, None);
    let mps = request("mps:0", FallbackPolicy::Strict);
    assert_eq!(given(&bert(), &machines::m1(), &mps).0.as_deref(), Some("mps"));
}

#[test]
fn a_preferred_number_is_what_a_platform_means() {
    let machine = machines::two_equal_gpus();
    let numbered =
        |list, policy, index| Request { preferred_index: Some(index), ..request(list, policy) };
    let give = |it: &Request| given(&bert(), &machine, it);
    assert_eq!(give(&numbered("cuda,cpu", FallbackPolicy::Strict, 1)).0.as_deref(), Some("cuda:1"));
    assert_eq!(give(&numbered("cuda,cpu", FallbackPolicy::Strict, 7)).0, None);
    // The platform's other devices come before the next platform.
    let (device, selection) = give(&numbered("cuda,cpu", FallbackPolicy::NextBest, 7));
    assert_eq!((device.as_deref(), selection.fell_back), (Some("cuda:0"), true));
    let (device, _) = give(&numbered("cuda,cpu", FallbackPolicy::Cpu, 7));
    assert_eq!(device.as_deref(), Some("cpu"));
    // The CPU has no numbers.
    assert_eq!(give(&numbered("cpu", FallbackPolicy::Strict, 7)).0.as_deref(), Some("cpu"));
    // Without a list the number decides among equals, and one that nobody has is refused.
    let automatic = |index| Request { preferred_index: Some(index), ..Request::default() };
    assert_eq!(give(&automatic(1)).0.as_deref(), Some("cuda:1"));
    let (device, selection) = give(&automatic(7));
    assert_eq!(device, None);
    assert_eq!(selection.rejections[0].reasons[0].message, "no device here has the number 7");
}

#[test]
fn of_equal_gpus_the_first_is_taken_and_of_others_the_freer_one() {
    let mut machine = machines::two_equal_gpus();
    let cuda = request("cuda", FallbackPolicy::Strict);
    assert_eq!(given(&bert(), &machine, &cuda).0.as_deref(), Some("cuda:0"));
    machine.devices[0].memory_free_bytes.value = Some(20 * GIB);
    assert_eq!(given(&bert(), &machine, &cuda).0.as_deref(), Some("cuda:1"));
}

#[test]
fn free_memory_decides_not_all_of_it() {
    let mut machine = machines::two_equal_gpus();
    let large = model("large", Subfamily::CausalLm, 12 * GIB);
    let single = |list| Request {
        precision: Some(Precision::Fp32),
        ..request(list, FallbackPolicy::Strict)
    };
    machine.devices[0].memory_free_bytes.value = Some(10 * GIB);
    let (device, selection) = given(&large, &machine, &single("cuda"));
    assert_eq!(device.as_deref(), Some("cuda:1"));
    assert_eq!(selection.rejections[0].device, "cuda:0");
    assert_eq!(selection.rejections[0].reasons[0].finding, Finding::FitsOnceFree);
    let (device, selection) = given(&large, &machine, &single("cuda:0"));
    assert_eq!(device, None);
    let remedy = selection.rejections[0].reasons[0].remedy.as_deref().unwrap();
    assert!(remedy.starts_with("free 5.4 GB more"), "{remedy}");
    // Without a precision the narrower file is taken that fits now.
    let (device, selection) = given(&large, &machine, &request("cuda:0", FallbackPolicy::Strict));
    assert_eq!(device.as_deref(), Some("cuda:0"));
    assert_eq!(selection.given.unwrap().precision, Precision::Fp16);
}

#[test]
fn the_computed_order_prefers_what_is_proved_then_what_fits_then_gpus() {
    let machine = machines::nine_devices();
    let first = |model: &Model| given(model, &machine, &Request::default());
    let (device, selection) = first(&bert());
    assert_eq!(device.as_deref(), Some("cuda:0"));
    assert!(selection.automatic && !selection.fell_back);
    let order: Vec<&str> = selection.wanted.iter().map(String::as_str).collect();
    assert_eq!(order[..4], ["cuda:0", "cuda:1", "cuda:2", "cuda:3"]);
    assert_eq!(order[4..9], ["openvino:GPU", "openvino:NPU", "cpu", "openvino:CPU", "webgpu"]);
    // What nothing has shown on CUDA goes where it was shown.
    let mut unproved = bert();
    unproved.cells.insert(Platform::Cuda, real(Evidence::Compiled));
    assert_eq!(first(&unproved).0.as_deref(), Some("openvino:GPU"));
    // What does not fit a GPU goes where it fits.
    let large = model("large", Subfamily::CausalLm, 100 * GIB);
    assert_eq!(first(&large).0.as_deref(), Some("cpu"));
}

#[test]
fn unified_memory_is_not_counted_twice() {
    // The GPU may have 11 GiB, but only 9 GiB of main memory are available.
    let mps = request("mps", FallbackPolicy::Strict);
    let ten = model("ten", Subfamily::CausalLm, 8 * GIB);
    let fp32 = Request { precision: Some(Precision::Fp32), ..mps.clone() };
    let (device, selection) = given(&ten, &machines::m1(), &fp32);
    assert_eq!(device, None);
    assert_eq!(selection.rejections[0].reasons[0].finding, Finding::FitsOnceFree);
    let five = model("five", Subfamily::CausalLm, 5 * GIB);
    assert_eq!(given(&five, &machines::m1(), &fp32).0.as_deref(), Some("mps"));
}

#[test]
fn a_container_s_limit_is_the_memory_that_there_is() {
    let four = model("four", Subfamily::CausalLm, 4 * GIB);
    let fp32 =
        Request { precision: Some(Precision::Fp32), ..request("cpu", FallbackPolicy::Strict) };
    let (device, selection) = given(&four, &machines::pod(), &fp32);
    assert_eq!(device, None);
    let reason = &selection.rejections[0].reasons[0];
    assert_eq!(reason.finding, Finding::TooLarge);
    assert_eq!(reason.message, "fp32 needs 5.4 GB; there is 4.3 GB in all");
    assert_eq!(reason.remedy.as_deref(), Some("take fp16"));
}

#[test]
fn hidden_broken_and_divided_devices_are_never_given() {
    let (device, selection) =
        given(&bert(), &machines::mi300x(), &request("rocm:hidden-1", FallbackPolicy::Strict));
    assert_eq!(device, None);
    let message = &selection.rejections[0].reasons[0].message;
    assert!(message.contains("HIP_VISIBLE_DEVICES"), "{message}");
    let (device, _) = given(&bert(), &machines::mi300x(), &request("rocm", FallbackPolicy::Strict));
    assert_eq!(device.as_deref(), Some("rocm:0"));

    let mut machine = machines::two_equal_gpus();
    machine.devices[0].obstacle = Some(machines::obstacle("the GPU has fallen off the bus"));
    let (device, selection) = given(&bert(), &machine, &request("cuda", FallbackPolicy::Strict));
    assert_eq!(device.as_deref(), Some("cuda:1"));
    assert!(selection.rejections[0].reasons[0].message.contains("fallen off the bus"));

    // Of a divided GPU the slices are given, the whole is not.
    let machine = machines::two_a100_with_mig();
    let thirty = model("thirty", Subfamily::CausalLm, 24 * GIB);
    let (device, _) = given(&thirty, &machine, &request("cuda:1", FallbackPolicy::Strict));
    assert_eq!(device.as_deref(), Some("cuda:1"));
    let fp32 = Request {
        precision: Some(Precision::Fp32),
        ..request("cuda:2,cuda:1", FallbackPolicy::NextBest)
    };
    let (device, selection) = given(&thirty, &machine, &fp32);
    assert_eq!((device.as_deref(), selection.fell_back), (Some("cuda:1"), true));
    assert_eq!(selection.rejections[0].reasons[0].finding, Finding::TooLarge);
}

#[test]
fn an_override_counts_and_can_be_seen() {
    let mut request = request("cuda,cpu", FallbackPolicy::NextBest);
    request
        .overrides
        .insert(Platform::Cuda, Override { compatible: false, peak_memory_bytes: None });
    let (device, selection) = given(&bert(), &machines::rtx_laptop(), &request);
    assert_eq!(device.as_deref(), Some("cpu"));
    let reason = &selection.rejections[0].reasons[0];
    assert_eq!(reason.finding, Finding::DeclaredIncompatible);
    assert!(reason.message.starts_with("override: "), "{}", reason.message);

    // A declared peak replaces the estimate: 9 GiB do not fit into 7.
    let peak = Some(9 * GIB);
    request
        .overrides
        .insert(Platform::Cuda, Override { compatible: true, peak_memory_bytes: peak });
    let (device, selection) = given(&bert(), &machines::rtx_laptop(), &request);
    assert_eq!(device.as_deref(), Some("cpu"));
    assert_eq!(selection.rejections[0].reasons[0].finding, Finding::TooLarge);
}

#[test]
fn hostile_lists_are_told_what_is_wrong() {
    for (list, says) in [
        ("cdua", "did you mean `cuda`?"),
        ("gpu", "unknown platform `gpu`"),
        ("cuda,", "unknown platform ``"),
        ("", "unknown platform ``"),
        ("cuda,cuda", "`cuda` is in the priority list twice"),
        ("cuda:0,cuda:00", "`cuda:0` is in the priority list twice"),
        ("cuda:", "there can be no device `cuda:`"),
        ("cuda:-1", "a number after the colon"),
        ("cuda:99999999999999999999", "a number after the colon"),
        ("cuda:0:1", "a number after the colon"),
        ("cuda:²", "a number after the colon"),
        ("cpu:0", "its name alone"),
        ("openvino:\u{1b}[31m", "OpenVINO's name"),
        ("CUDA", "did you mean `cuda`?"),
    ] {
        let error = parse_priority(list.split(',')).unwrap_err().to_string();
        assert!(error.contains(says), "{list}: {error}");
    }
    assert_eq!(parse_priority([]), Err(WishError::Empty));
    let long = "x".repeat(100_000);
    assert!(Wish::parse(&format!("cuda:{long}")).unwrap_err().to_string().len() < 300);
    assert_eq!(Wish::parse(" cuda:007 ").unwrap().to_string(), "cuda:7");
}

#[test]
fn no_targets_and_no_estimates_are_answers_too() {
    let nothing: [Target; 0] = [];
    let selection = select(&bert(), &nothing, &Request::default());
    assert_eq!(selection.given, None);
    let selection = select(&bert(), &nothing, &request("cuda:0", FallbackPolicy::Strict));
    assert_eq!(selection.rejections[0].device, "cuda:0");
    let mut unknown = bert();
    unknown.estimates.clear();
    let (device, selection) =
        given(&unknown, &machines::plain(), &request("cpu", FallbackPolicy::Strict));
    assert_eq!(device.as_deref(), Some("cpu"));
    assert_eq!(selection.given.unwrap().level, Level::Medium);
}

#[test]
fn a_least_level_is_kept_to() {
    let mut stranger = bert();
    stranger.cells = cells_of_relatives(&[bert()], Subfamily::MaskedLm);
    let wants = |min_level| Request { min_level, ..request("cpu", FallbackPolicy::Strict) };
    let (device, selection) = given(&stranger, &machines::plain(), &wants(Level::Low));
    assert_eq!((device.as_deref(), selection.given.unwrap().level), (Some("cpu"), Level::Low));
    let (device, selection) = given(&stranger, &machines::plain(), &wants(Level::Medium));
    assert_eq!(device, None);
    assert_eq!(selection.rejections[0].reasons[0].finding, Finding::Relative);
}

#[test]
fn a_model_is_classified_with_all_that_follows() {
    let architectures = ["BertForMaskedLM".to_owned()];
    let facts = accel_core::classify::ModelFacts {
        architectures: &architectures,
        ..accel_core::classify::ModelFacts::default()
    };
    let mut request = Request::default();
    request
        .overrides
        .insert(Platform::Mps, Override { compatible: false, peak_memory_bytes: None });
    let all = classify_model(&facts, &bert(), &machines::rtx_laptop(), &request);
    assert_eq!(all.classification.unwrap().subfamily, Subfamily::MaskedLm);
    assert_eq!(all.compatibility.len(), Platform::ALL.len());
    assert_eq!(all.compatibility[&Platform::Cuda].level, Level::High);
    assert_eq!(all.compatibility[&Platform::Cuda].device.as_deref(), Some("cuda:0"));
    assert!(all.compatibility[&Platform::Mps].found(Finding::DeclaredIncompatible));
    assert_eq!(all.selection.given.unwrap().device, "cuda:0");
    assert_eq!(all.estimates.len(), Precision::ALL.len());
}
