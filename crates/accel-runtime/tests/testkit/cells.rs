//! Cells by hand, as the generator writes them.

use accel_runtime as rt;
use accel_runtime::testkit as tk;

/// The folder that the cells' `model_dir` is relative to.
pub(crate) const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

pub(crate) const OPTIONS: rt::SessionOptions = rt::SessionOptions {
    precision: rt::Precision::Fp32,
    graph_optimization: rt::GraphOptimization::All,
    threads: 1,
    max_batch: 8,
    memory_limit_bytes: 0,
    cpu_fallback_percent: 0,
    device: rt::DeviceOptions::Cpu(rt::CpuOptions {
        engine: rt::CpuEngine::Rten,
        prepack_weights: true,
        pin_threads: false,
    }),
};

pub(crate) const TOLERANCES: &[(rt::Precision, rt::Tolerance)] = &[(
    rt::Precision::Fp32,
    rt::Tolerance { max_abs: 1e-4, min_cosine: 0.99999, min_sqnr_db: 80.0 },
)];

const fn spec(
    model: &'static str,
    platform: rt::Platform,
    subfamily: rt::Subfamily,
    model_dir: &'static str,
) -> rt::SkillSpec {
    rt::SkillSpec {
        model,
        class: "Test",
        hub_id: "nobody/nothing",
        revision: "0000000000000000000000000000000000000000",
        platform,
        family: subfamily.family(),
        subfamily,
        tasks: subfamily.tasks(),
        variant: rt::Variant::Real,
        reason: "",
        evidence: "executed by this test",
        parameters: 1,
        needs: None,
        model_dir,
    }
}

macro_rules! cases {
    ($($variant:ident $run:ident),* $(,)?) => {
        &[
            $(tk::Case::new(rt::CaseName::$variant, tk::$run),)*
            tk::Case::new(rt::CaseName::Loads, tk::loads),
            tk::Case::new(rt::CaseName::MatchesReference, tk::matches_reference),
            tk::Case::new(rt::CaseName::BatchEqualsSingles, tk::batch_equals_singles),
            tk::Case::new(rt::CaseName::DynamicShapes, tk::dynamic_shapes),
            tk::Case::new(rt::CaseName::BadInputIsTyped, tk::bad_input_is_typed),
            tk::Case::new(rt::CaseName::ConcurrentCallersAgree, tk::concurrent_callers_agree),
            tk::Case::new(rt::CaseName::SwitchingAgrees, tk::switching_agrees),
            tk::Case::new(rt::CaseName::Measures, tk::measures),
            tk::Case::new(rt::CaseName::RefusesOverMemoryLimit, tk::refuses_over_memory_limit),
            tk::Case::new(rt::CaseName::RecordsFirstRun, tk::records_first_run),
        ]
    };
}

pub(crate) const BERT_SPEC: rt::SkillSpec =
    spec("bert", rt::Platform::Cpu, rt::Subfamily::MaskedLm, "fixtures/bert");
pub(crate) const VIT_SPEC: rt::SkillSpec =
    spec("vit", rt::Platform::Cpu, rt::Subfamily::ImageClassifier, "fixtures/vit");
pub(crate) const QWEN3_SPEC: rt::SkillSpec =
    spec("qwen3", rt::Platform::Cpu, rt::Subfamily::CausalLm, "fixtures/qwen3");
pub(crate) const DETR_SPEC: rt::SkillSpec =
    spec("detr", rt::Platform::Cpu, rt::Subfamily::ObjectDetector, "fixtures/detr");
pub(crate) const LLAVA_SPEC: rt::SkillSpec =
    spec("llava", rt::Platform::Cpu, rt::Subfamily::VisionLanguage, "fixtures/llava");
pub(crate) const LLAVA_NEXT_SPEC: rt::SkillSpec =
    spec("llava_next", rt::Platform::Cpu, rt::Subfamily::VisionLanguage, "fixtures/llava_next");
pub(crate) const WAV2VEC2_SPEC: rt::SkillSpec =
    spec("wav2vec2", rt::Platform::Cpu, rt::Subfamily::SpeechRecognition, "fixtures/wav2vec2");
pub(crate) const WHISPER_SPEC: rt::SkillSpec =
    spec("whisper", rt::Platform::Cpu, rt::Subfamily::SpeechRecognition, "fixtures/whisper");
pub(crate) const T5_SPEC: rt::SkillSpec =
    spec("t5", rt::Platform::Cpu, rt::Subfamily::Seq2seq, "fixtures/t5");
/// BERT without typed tasks.
pub(crate) const GRAPH_SPEC: rt::SkillSpec =
    spec("graph", rt::Platform::Cpu, rt::Subfamily::MaskedLm, "fixtures/bert");
pub(crate) const IMAGE_TEXT_SPEC: rt::SkillSpec =
    spec("clip", rt::Platform::Cpu, rt::Subfamily::ImageTextEncoder, "fixtures/clip");
pub(crate) const AUDIO_TEXT_SPEC: rt::SkillSpec =
    spec("clap", rt::Platform::Cpu, rt::Subfamily::AudioTextEncoder, "fixtures/clap");
pub(crate) const VIDEO_TEXT_SPEC: rt::SkillSpec =
    spec("xclip", rt::Platform::Cpu, rt::Subfamily::VideoTextEncoder, "fixtures/xclip");
/// A platform that machines of developers rarely have.
pub(crate) const ROCM_SPEC: rt::SkillSpec =
    spec("bert", rt::Platform::Rocm, rt::Subfamily::MaskedLm, "fixtures/bert");
/// A model of which nothing was recorded.
pub(crate) const CLIP_SPEC: rt::SkillSpec =
    spec("clip", rt::Platform::Cpu, rt::Subfamily::ImageTextEncoder, "");
pub(crate) const SIMULATED_SPEC: rt::SkillSpec = rt::SkillSpec {
    variant: rt::Variant::Simulation,
    reason: "no machine with this device",
    ..spec("bert", rt::Platform::Webnn, rt::Subfamily::MaskedLm, "fixtures/bert")
};

pub(crate) const BERT: tk::Cell = tk::Cell {
    spec: &BERT_SPEC,
    options: OPTIONS,
    load: tk::Load::TextEncoder(|source, options| rt::load(&BERT_SPEC, source, options)),
    tolerances: TOLERANCES,
    expected_failures: &[],
    cases: cases!(Embeds embeds, FillsMasks fills_masks),
};
pub(crate) const VIT: tk::Cell = tk::Cell {
    spec: &VIT_SPEC,
    load: tk::Load::ImageClassifier(|source, options| rt::load(&VIT_SPEC, source, options)),
    cases: cases!(ClassifiesImages classifies_images),
    ..BERT
};
pub(crate) const QWEN3: tk::Cell = tk::Cell {
    spec: &QWEN3_SPEC,
    load: tk::Load::TextGenerator(|source, options| rt::load(&QWEN3_SPEC, source, options)),
    cases: cases!(GeneratesText generates_text),
    ..BERT
};
pub(crate) const DETR: tk::Cell = tk::Cell {
    spec: &DETR_SPEC,
    load: tk::Load::ObjectDetector(|source, options| rt::load(&DETR_SPEC, source, options)),
    cases: cases!(DetectsObjects detects_objects),
    ..BERT
};
pub(crate) const LLAVA: tk::Cell = tk::Cell {
    spec: &LLAVA_SPEC,
    load: tk::Load::ImageTextGenerator(|source, options| rt::load(&LLAVA_SPEC, source, options)),
    cases: cases!(DescribesImages describes_images),
    ..BERT
};
pub(crate) const LLAVA_NEXT: tk::Cell = tk::Cell {
    spec: &LLAVA_NEXT_SPEC,
    load: tk::Load::ImageTextGenerator(|source, options| {
        rt::load(&LLAVA_NEXT_SPEC, source, options)
    }),
    ..LLAVA
};
pub(crate) const T5: tk::Cell = tk::Cell {
    spec: &T5_SPEC,
    load: tk::Load::TextToText(|source, options| rt::load(&T5_SPEC, source, options)),
    cases: cases!(GeneratesText generates_text),
    ..BERT
};
pub(crate) const WAV2VEC2: tk::Cell = tk::Cell {
    spec: &WAV2VEC2_SPEC,
    load: tk::Load::SpeechRecognizer(|source, options| rt::load(&WAV2VEC2_SPEC, source, options)),
    cases: cases!(TranscribesSpeech transcribes_speech),
    ..BERT
};
pub(crate) const WHISPER: tk::Cell = tk::Cell {
    spec: &WHISPER_SPEC,
    load: tk::Load::SpeechRecognizer(|source, options| rt::load(&WHISPER_SPEC, source, options)),
    ..WAV2VEC2
};
pub(crate) const GRAPH: tk::Cell = tk::Cell {
    spec: &GRAPH_SPEC,
    load: tk::Load::GraphModel(|source, options| rt::load(&GRAPH_SPEC, source, options)),
    cases: cases!(),
    ..BERT
};
pub(crate) const IMAGE_TEXT: tk::Cell = tk::Cell {
    spec: &IMAGE_TEXT_SPEC,
    load: tk::Load::ImageTextEncoder(|source, options| rt::load(&IMAGE_TEXT_SPEC, source, options)),
    cases: cases!(Embeds embeds, ClassifiesZeroShot classifies_zero_shot),
    ..BERT
};
pub(crate) const AUDIO_TEXT: tk::Cell = tk::Cell {
    spec: &AUDIO_TEXT_SPEC,
    load: tk::Load::AudioTextEncoder(|source, options| rt::load(&AUDIO_TEXT_SPEC, source, options)),
    ..IMAGE_TEXT
};
pub(crate) const VIDEO_TEXT: tk::Cell = tk::Cell {
    spec: &VIDEO_TEXT_SPEC,
    load: tk::Load::VideoTextEncoder(|source, options| rt::load(&VIDEO_TEXT_SPEC, source, options)),
    ..IMAGE_TEXT
};
pub(crate) const ROCM: tk::Cell = tk::Cell {
    spec: &ROCM_SPEC,
    options: rt::SessionOptions {
        device: rt::DeviceOptions::Rocm(rt::RocmOptions {
            device_id: 0,
            fp16: false,
            int8: false,
            exhaustive_tune: false,
            model_cache: false,
        }),
        ..OPTIONS
    },
    load: tk::Load::TextEncoder(|source, options| rt::load(&ROCM_SPEC, source, options)),
    ..BERT
};
pub(crate) const CLIP: tk::Cell = tk::Cell {
    spec: &CLIP_SPEC,
    load: tk::Load::GraphModel(|source, options| rt::load(&CLIP_SPEC, source, options)),
    cases: cases!(),
    ..BERT
};
pub(crate) const SIMULATED: tk::Cell = tk::Cell {
    spec: &SIMULATED_SPEC,
    options: rt::SessionOptions {
        device: rt::DeviceOptions::Webnn(rt::WebnnOptions {
            device: rt::WebnnDevice::Npu,
            power_preference: rt::PowerPreference::Default,
        }),
        ..OPTIONS
    },
    load: tk::Load::TextEncoder(|source, options| {
        rt::simulate(&SIMULATED_SPEC, source, options).map(rt::Simulated::into_inner)
    }),
    ..BERT
};
