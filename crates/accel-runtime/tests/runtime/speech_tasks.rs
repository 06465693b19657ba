//! Sound in, text out: what is asked for wrongly, what ends early, what a folder lacks. That the
//! results are those of Hugging Face is a case of the testkit.

use std::fs;

use accel_runtime::{
    Audio, CancelHandle, Error, SpeechRecognizer, SpeechTask, Timestamps, TranscribeOptions, load,
};

use crate::onnx_bytes::copy_of;
use crate::reference::{OPTIONS, SPEC, fixture, loaded};

fn sound(model: &str, file: &str) -> Audio {
    Audio::open(fixture(model).join("inputs").join(file)).unwrap()
}

fn silence(samples: usize) -> Audio {
    Audio::from_samples(vec![0.0; samples], 16_000).unwrap()
}

/// The argument that is refused, and why.
fn refused(
    skill: &SpeechRecognizer,
    audio: &Audio,
    options: &TranscribeOptions,
) -> (&'static str, String) {
    let error = skill.transcribe(audio, options).unwrap_err();
    let Error::InvalidArgument { argument, .. } = error else { panic!("{error}") };
    (argument, error.to_string())
}

#[test]
fn options_that_a_model_cannot_honour_are_refused() {
    let (wav2vec2, whisper): (SpeechRecognizer, SpeechRecognizer) =
        (loaded("wav2vec2"), loaded("whisper"));
    let audio = silence(8000);
    let default = TranscribeOptions::default;
    let french = TranscribeOptions { language: Some("fr".to_owned()), ..default() };
    let translate = TranscribeOptions { task: SpeechTask::Translate, ..default() };
    let segments = TranscribeOptions { timestamps: Timestamps::Segments, ..default() };
    let characters = TranscribeOptions { timestamps: Timestamps::Characters, ..default() };
    let few = TranscribeOptions { max_new_tokens: Some(4), ..default() };
    for (options, argument) in [
        (&french, "language"),
        (&translate, "task"),
        (&segments, "timestamps"),
        (&few, "max_new_tokens"),
    ] {
        assert_eq!(refused(&wav2vec2, &audio, options).0, argument);
    }
    // The fixture knows English, German and Japanese.
    let (argument, message) = refused(&whisper, &audio, &french);
    assert_eq!(argument, "language");
    assert!(message.ends_with("a language of this model: de, en, ja"), "{message}");
    let germam = TranscribeOptions { language: Some("Germam".to_owned()), ..default() };
    let (_, message) = refused(&whisper, &audio, &germam);
    assert!(message.ends_with("did you mean de (german)?"), "{message}");
    assert_eq!(refused(&whisper, &audio, &characters).0, "timestamps");
    for tokens in [0, 61, usize::MAX] {
        let options = TranscribeOptions { max_new_tokens: Some(tokens), ..default() };
        let (argument, message) = refused(&whisper, &audio, &options);
        assert_eq!(argument, "max_new_tokens");
        assert!(message.contains("of the model's 64 positions"), "{message}");
    }
}

#[test]
fn a_model_for_english_takes_no_language() {
    let copy = copy_of(&fixture("whisper"));
    let path = copy.path().join("generation_config.json");
    let json = fs::read_to_string(&path).unwrap();
    let english = json.replace(r#""is_multilingual": true"#, r#""is_multilingual": false"#);
    assert_ne!(json, english);
    fs::write(path, english).unwrap();
    let skill: SpeechRecognizer = load(&SPEC, &copy.path().into(), &OPTIONS).unwrap();
    let audio = silence(8000);
    let default = TranscribeOptions::default;
    let language = TranscribeOptions { language: Some("en".to_owned()), ..default() };
    assert_eq!(refused(&skill, &audio, &language).0, "language");
    let translate = TranscribeOptions { task: SpeechTask::Translate, ..default() };
    assert_eq!(refused(&skill, &audio, &translate).0, "task");
    skill.transcribe(&audio, &default()).unwrap();
}

#[test]
fn a_sound_that_makes_no_frame_is_refused_with_the_least_that_does() {
    let skill: SpeechRecognizer = loaded("wav2vec2");
    let options = TranscribeOptions::default();
    let (argument, message) = refused(&skill, &silence(399), &options);
    assert_eq!(argument, "audio");
    assert!(message.contains("at least 400 samples (0.025 s)"), "{message}");
    assert_eq!(skill.transcribe(&silence(400), &options).unwrap().token_ids.len(), 1);
    // Counted at the model's rate: 200 samples at 8 kHz are 400 there.
    let slow = Audio::from_samples(vec![0.0; 200], 8000).unwrap();
    assert_eq!(skill.transcribe(&slow, &options).unwrap().token_ids.len(), 1);
}

#[test]
fn a_sound_longer_than_a_run_has_all_its_frames() {
    let skill: SpeechRecognizer = loaded("wav2vec2");
    let speech = sound("wav2vec2", "long.wav");
    let samples: Vec<_> = speech.samples().iter().copied().cycle().take(61 * 16_000).collect();
    let audio = Audio::from_samples(samples, 16_000).unwrap();
    let options =
        TranscribeOptions { timestamps: Timestamps::Characters, ..TranscribeOptions::default() };
    let transcript = skill.transcribe(&audio, &options).unwrap();
    // 50 frames a second; the last lacks the samples that its window reaches over.
    assert_eq!(transcript.token_ids.len(), 61 * 50 - 1);
    let ends: Vec<_> = transcript.chunks.iter().filter_map(|it| it.end_s).collect();
    assert!(ends.is_sorted() && ends.last().is_some_and(|it| (59.0..=61.0).contains(it)));
    let text: String = transcript.chunks.iter().map(|it| it.text.as_str()).collect();
    assert_eq!(text.trim(), transcript.text);
}

#[test]
fn whisper_goes_on_to_the_end_of_a_long_sound() {
    let skill: SpeechRecognizer = loaded("whisper");
    let audio = sound("whisper", "long.wav");
    let times =
        TranscribeOptions { timestamps: Timestamps::Segments, ..TranscribeOptions::default() };
    let transcript = skill.transcribe(&audio, &times).unwrap();
    let last = transcript.chunks.last().unwrap();
    assert!(last.start_s > 1.0, "the window is one second: {last:?}");
    // Without times asked for, the same text without chunks.
    let plain = skill.transcribe(&audio, &TranscribeOptions::default()).unwrap();
    assert_eq!((&plain.text, plain.chunks.len()), (&transcript.text, 0));
    assert_eq!(skill.input_features(&audio).unwrap().shape()[..2], [1, 80]);
}

#[test]
fn a_cancelled_transcription_gives_what_was_heard() {
    for model in ["wav2vec2", "whisper"] {
        let skill: SpeechRecognizer = loaded(model);
        let cancel = CancelHandle::default();
        cancel.cancel();
        let options = TranscribeOptions { cancel, ..TranscribeOptions::default() };
        let transcript = skill.transcribe(&silence(8000), &options).unwrap();
        assert_eq!((transcript.text.as_str(), transcript.token_ids.len()), ("", 0), "{model}");
    }
}

#[test]
fn what_a_folder_lacks_is_named() {
    for (model, file, what) in [
        ("wav2vec2", "vocab.json", "the model's vocabulary is missing"),
        ("wav2vec2", "preprocessor_config.json", "the model's audio preprocessing is missing"),
        ("whisper", "preprocessor_config.json", "the model's audio preprocessing is missing"),
        ("whisper", "tokenizer.json", "the model's tokenizer is missing"),
        ("whisper", "onnx/decoder_model_merged.onnx", "the graph `model` is missing"),
        // Without it the folder is taken for that of a CTC model.
        ("whisper", "onnx/encoder_model.onnx", "the graph `model` is missing"),
    ] {
        let copy = copy_of(&fixture(model));
        fs::remove_file(copy.path().join(file)).unwrap();
        let error = load::<SpeechRecognizer>(&SPEC, &copy.path().into(), &OPTIONS).unwrap_err();
        assert!(error.to_string().contains(what), "{file}: {error}");
    }
    for (model, file, text, what) in [
        ("wav2vec2", "vocab.json", r#"{"en": {"<pad>": 0}}"#, "target_lang"),
        ("wav2vec2", "vocab.json", "[]", "not a JSON object"),
        ("wav2vec2", "tokenizer_config.json", r#"{"target_lang": "en"}"#, "language `en`"),
        ("wav2vec2", "config.json", r#"{"conv_kernel": [], "conv_stride": [5]}"#, "no frames"),
        ("whisper", "generation_config.json", r#"{"forced_decoder_ids": [[2, 5]]}"#, "places 1"),
        ("whisper", "generation_config.json", r#"{"no_speech_threshold": 0.6}"#, "no_speech"),
    ] {
        let copy = copy_of(&fixture(model));
        fs::write(copy.path().join(file), text).unwrap();
        let error = load::<SpeechRecognizer>(&SPEC, &copy.path().into(), &OPTIONS).unwrap_err();
        assert!(error.to_string().contains(what), "{file} {text}: {error}");
    }
}
