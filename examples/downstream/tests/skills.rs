//! The generated skills do their work, through this crate's own functions.

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures");

#[test]
fn a_text_is_most_like_itself() {
    let bert = format!("{FIXTURES}/bert");
    let same = downstream::similarity(&bert, "the red fox", "the red fox").unwrap();
    let other = downstream::similarity(&bert, "the red fox", "1, 2 and 3!").unwrap();
    assert!((same - 1.0).abs() < 1e-5, "{same}");
    assert!(other < same - 1e-3, "{other} against {same}");
}

/// The label that Hugging Face's pipeline gives, as recorded with the fixture.
#[test]
fn an_image_gets_the_recorded_label() {
    let vit = format!("{FIXTURES}/vit");
    let label = downstream::label(&vit, &format!("{vit}/inputs/rgb.png")).unwrap();
    assert_eq!(label.as_deref(), Some("whale"));
}

/// No engine of this build drives CUDA: that is said, with what to do, and nothing runs elsewhere.
#[test]
fn a_platform_without_an_engine_is_a_typed_error_and_choice_says_why_it_was_passed_over() {
    let vit = format!("{FIXTURES}/vit");
    let error = downstream::skills::image_labeller::cuda::load(&*vit).unwrap_err();
    assert!(
        matches!(
            error,
            accel_runtime::Error::EngineUnavailable { platform: accel_runtime::Platform::Cuda, .. }
        ),
        "{error}"
    );
    let chosen = downstream::skills::image_labeller::auto(&*vit).unwrap();
    assert_eq!(chosen.spec.platform, accel_runtime::Platform::Cpu);
    assert_eq!(chosen.rejected.len(), 1);
    assert_eq!(chosen.rejected[0].platform, accel_runtime::Platform::Cuda);
}

#[test]
fn only_what_was_asked_for_is_generated() {
    use downstream::skills::{image_labeller, sentence_encoder};
    assert_eq!(sentence_encoder::cpu::SPEC.model, "sentence_encoder");
    assert_eq!(image_labeller::cuda::SPEC.platform, accel_runtime::Platform::Cuda);
    let out = std::path::Path::new(env!("OUT_DIR")).join("accelgen/src/skills");
    let count = |path: &std::path::Path| std::fs::read_dir(path).unwrap().count();
    assert_eq!(count(&out), 3, "two models and mod.rs");
    assert_eq!(count(&out.join("image_labeller")), 3, "two platforms and mod.rs");
}
