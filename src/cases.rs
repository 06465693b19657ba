//! Which cases prove a cell. A case is written once, in the testkit; here it is only chosen.

use accel_core::CaseName::{
    self, BadInputIsTyped, BatchEqualsSingles, ClassifiesImages, ClassifiesZeroShot,
    ConcurrentCallersAgree, DescribesImages, DetectsObjects, DynamicShapes, Embeds, FillsMasks,
    Fp16MatchesReference, GeneratesText, Int8MatchesReference, Loads, MatchesReference, Measures,
    RecordsDeviceMemory, RecordsFirstRun, RefusesOverMemoryLimit, ReusesCompiledModel,
    SwitchingAgrees, TranscribesSpeech,
};
use accel_core::{Platform, Subfamily};

/// The cases of all test files of this kind of model on this platform, extra ones included.
pub(crate) fn all(subfamily: Subfamily, platform: Platform) -> Vec<CaseName> {
    let mut cases = base(subfamily, platform);
    cases.extend(extra(platform));
    cases
}

/// The cases of every test file of this kind of model on this platform.
pub(crate) fn base(subfamily: Subfamily, platform: Platform) -> Vec<CaseName> {
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
        Platform::Cpu | Platform::Openvino => cases.push(RefusesOverMemoryLimit),
        Platform::Cuda | Platform::Rocm => {
            cases.extend([RefusesOverMemoryLimit, Fp16MatchesReference, RecordsDeviceMemory]);
        }
        Platform::Mps => cases.extend([RefusesOverMemoryLimit, Fp16MatchesReference]),
        Platform::Webnn | Platform::Webgpu => {}
    }
    cases
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
    }
}
