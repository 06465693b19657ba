//! Every model type and class of transformers 5.23 is accounted for.

use accel_core::classify::knowledge::{architecture, architectures, model_type, model_types};

/// Model types of transformers 5.23.0.
const MODEL_TYPES: &str = include_str!("model_types_5_23.txt");

#[test]
fn every_model_type_has_kinds_or_a_reason() {
    let all: Vec<&str> = MODEL_TYPES.lines().collect();
    assert_eq!(all.len(), 804);
    let mut without = 0;
    for name in all {
        let known = model_type(name).unwrap_or_else(|| panic!("`{name}` is not known"));
        assert_eq!(known.kinds.is_none(), known.reason.is_some(), "{name}");
        without += usize::from(known.kinds.is_none());
    }
    println!(
        "{} model types, {without} of transformers' of no kind; {} classes",
        model_types().count(),
        architectures().count()
    );
}

#[test]
fn classes_of_one_model_type_go_by_their_heads() {
    use accel_core::Subfamily as K;
    for (class, kind) in [
        ("BartForConditionalGeneration", K::Seq2seq),
        ("BartForSequenceClassification", K::TextClassifier),
        ("Wav2Vec2ForCTC", K::SpeechRecognition),
        ("Wav2Vec2ForSequenceClassification", K::AudioClassifier),
        ("Wav2Vec2Model", K::AudioEncoder),
        ("ViTModel", K::ImageEncoder),
        ("BeitForSemanticSegmentation", K::ImageSegmenter),
        ("SpeechT5ForTextToSpeech", K::TextToSpeech),
        ("SpeechT5ForSpeechToText", K::SpeechRecognition),
        ("SpeechT5ForSpeechToSpeech", K::AudioToAudio),
        ("BlipForQuestionAnswering", K::VisualQuestionAnswerer),
        ("GitForCausalLM", K::ImageToText),
        ("FuyuForCausalLM", K::VisionLanguage),
        ("Gemma3ForCausalLM", K::CausalLm),
        ("PerceiverForMaskedLM", K::MaskedLm),
        ("LlavaNextVideoForConditionalGeneration", K::VideoLanguage),
        ("Qwen2AudioForConditionalGeneration", K::AudioLanguage),
        ("VisionEncoderDecoderModel", K::ImageToText),
        ("T5EncoderModel", K::SentenceEncoder),
        ("Owlv2ForObjectDetection", K::OpenVocabularyDetector),
    ] {
        let known = architecture(class).unwrap_or_else(|| panic!("`{class}` is not known"));
        assert_eq!(known.kinds.likeliest(), Some(kind), "{class}");
        assert!(class.ends_with("Model") || known.kinds.is_one(), "{class}");
    }
    for (class, reason) in [
        ("TimesFmModelForPrediction", "time series"),
        ("DecisionTransformerModel", "chooses actions from states and rewards"),
    ] {
        assert_eq!(architecture(class).and_then(|it| it.reason), Some(reason), "{class}");
    }
}
