//! Which cases prove a cell. A case is written once, in the testkit; here it is only chosen.

use accel_core::CaseName::{
    self, BadInputIsTyped, BatchEqualsSingles, ClassifiesImages, ClassifiesZeroShot,
    ConcurrentCallersAgree, DescribesImages, DetectsObjects, DynamicShapes, Embeds, FillsMasks,
    Fp16MatchesReference, GeneratesText, Int8MatchesReference, Loads, MatchesReference, Measures,
    Q4MatchesReference, RecordsDeviceMemory, RecordsFirstRun, RefusesOverMemoryLimit,
    ReusesCompiledModel, SwitchingAgrees, TranscribesSpeech,
};
use accel_core::{Platform, Precision, Subfamily};

/// The cases of all test files of this kind of model on this platform, extra ones included.
pub(crate) fn all(
    subfamily: Subfamily,
    platform: Platform,
    precisions: &[Precision],
) -> Vec<CaseName> {
    let mut cases = base(subfamily, platform, precisions);
    cases.extend(extra_beside(platform, precisions));
    cases
}

/// The cases of every test file of this kind of model on this platform, whose files are there in
/// `precisions`, too.
pub(crate) fn base(
    subfamily: Subfamily,
    platform: Platform,
    precisions: &[Precision],
) -> Vec<CaseName> {
    let mut cases = vec![Loads, MatchesReference];
    cases.extend(task(subfamily));
    cases.extend([
        BatchEqualsSingles,
        DynamicShapes,
        BadInputIsTyped,
        ConcurrentCallersAgree,
        SwitchingAgrees,
        Measures,
    ]);
    match platform {
        Platform::Cpu | Platform::Openvino | Platform::Mps => cases.push(RefusesOverMemoryLimit),
        Platform::Cuda | Platform::Rocm => {
            cases.extend([RefusesOverMemoryLimit, RecordsDeviceMemory]);
        }
        Platform::Webnn | Platform::Webgpu => {}
    }
    // A case without its file could only fail, so it is the registry that says which are there.
    cases.extend(precisions.iter().filter_map(|it| of_precision(*it)));
    cases
}

/// The case that compares a precision with the 32-bit reference, which is no case of its own.
const fn of_precision(precision: Precision) -> Option<CaseName> {
    match precision {
        Precision::Fp32 => None,
        Precision::Fp16 => Some(Fp16MatchesReference),
        Precision::Int8 => Some(Int8MatchesReference),
        Precision::Q4 => Some(Q4MatchesReference),
    }
}

/// The extra cases that are not among the base ones already.
pub(crate) fn extra_beside(
    platform: Platform,
    precisions: &[Precision],
) -> impl Iterator<Item = CaseName> {
    let is_base = |case: CaseName| precisions.iter().any(|it| of_precision(*it) == Some(case));
    extra(platform).iter().copied().filter(move |it| !is_base(*it))
}

/// The cases that only a request for a platform's extra tests adds; empty where there are none.
pub(crate) const fn extra(platform: Platform) -> &'static [CaseName] {
    match platform {
        Platform::Openvino => &[Int8MatchesReference, ReusesCompiledModel],
        Platform::Webnn | Platform::Webgpu => &[RecordsFirstRun, RefusesOverMemoryLimit],
        Platform::Cpu | Platform::Cuda | Platform::Rocm | Platform::Mps => &[],
    }
}

/// The cases that check a task's own result.
const fn task(subfamily: Subfamily) -> &'static [CaseName] {
    match subfamily {
        Subfamily::MaskedLm => &[Embeds, FillsMasks],
        Subfamily::CausalLm | Subfamily::Seq2seq => &[GeneratesText],
        Subfamily::ImageClassifier => &[ClassifiesImages],
        Subfamily::ObjectDetector => &[DetectsObjects],
        Subfamily::SpeechRecognition => &[TranscribesSpeech],
        Subfamily::AudioTextEncoder | Subfamily::ImageTextEncoder | Subfamily::VideoTextEncoder => {
            &[Embeds, ClassifiesZeroShot]
        }
        Subfamily::VisionLanguage => &[DescribesImages],
        // Kinds that nothing runs: `Subfamily::has_pipeline`.
        _ => &[],
    }
}
