//! Configurations with values that nobody would write: an error that names what is wrong, or a
//! model, never a panic, never a wait and never a large allocation.

use std::fs;
use std::path::Path;

use accel_runtime::{
    Audio, AudioTextEncoder, GenerateOptions, Image, ImageClassifier, ImageTextEncoder,
    ImageTextGenerator, Message, ObjectDetector, Result, SpeechRecognizer, TextEncoder,
    TextGenerator, TextToText, Timestamps, TranscribeOptions, Video, VideoTextEncoder, load,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::damage::in_child;
use crate::onnx_bytes::copy_of;
use crate::reference::{OPTIONS, SPEC, fixture};

const MODELS: [&str; 13] = [
    "bert",
    "vit",
    "clip",
    "clap",
    "xclip",
    "detr",
    "t5",
    "llava",
    "llava_next",
    "wav2vec2",
    "whisper",
    "llama",
    "qwen3",
];
const FILES: [&str; 8] = [
    "config.json",
    "generation_config.json",
    "preprocessor_config.json",
    "processor_config.json",
    "special_tokens_map.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.json",
];

/// Where a value stands in a document.
type Place = Vec<String>;

/// The value at a place.
fn at<'v>(mut value: &'v mut Value, place: &[String]) -> &'v mut Value {
    for step in place {
        value = match value {
            Value::Array(all) => &mut all[step.parse::<usize>().unwrap()],
            other => &mut other[step],
        };
    }
    value
}

/// Every place but the middle of long lists, such as vocabularies.
fn places(value: &Value, place: &[String], found: &mut Vec<Place>) {
    let children: Vec<(String, &Value)> = match value {
        Value::Array(all) => all.iter().enumerate().map(|(i, it)| (i.to_string(), it)).collect(),
        Value::Object(all) => all.iter().map(|(name, it)| (name.clone(), it)).collect(),
        _ => vec![],
    };
    let count = children.len();
    for (index, (name, child)) in children.into_iter().enumerate() {
        if count > 40 && index > 2 && index + 2 < count {
            continue;
        }
        let place = [place, &[name]].concat();
        found.push(place.clone());
        places(child, &place, found);
    }
}

/// The document with the value at `place` changed in every way.
fn mutations(document: &Value, place: &[String]) -> Vec<Value> {
    let with = |new: Value| {
        let mut copy = document.clone();
        *at(&mut copy, place) = new;
        copy
    };
    let mut copy = document.clone();
    let old = at(&mut copy, place).clone();
    let mut all = match old {
        Value::Number(_) => [
            json!(0),
            json!(-1),
            json!(1),
            json!(1_000_000_000_000_000_000_i64),
            json!(i64::MAX),
            json!(u64::MAX),
            json!(4_294_967_295_u32),
            json!(65_535),
            json!(1e300),
            json!(0.5),
            json!("x"),
        ]
        .into_iter()
        .map(with)
        .collect(),
        Value::String(_) => {
            ["x", ""].into_iter().map(|it| with(json!(it))).chain([with(json!(7))]).collect()
        }
        Value::Bool(it) => vec![with(json!(!it)), with(json!("x"))],
        Value::Array(_) => vec![with(json!([])), with(json!("x"))],
        Value::Object(_) => vec![with(json!({})), with(json!(7))],
        Value::Null => vec![with(json!(1)), with(json!("x")), with(json!(true))],
    };
    let (last, parent) = place.split_last().unwrap();
    match at(&mut copy, parent) {
        Value::Array(it) => drop(it.remove(last.parse().unwrap())),
        Value::Object(it) => drop(it.remove(last)),
        _ => {}
    }
    all.push(copy);
    all
}

fn image(model: &str) -> Image {
    Image::open(fixture(model).join("inputs/exact.png")).unwrap()
}

fn options(default: &GenerateOptions) -> GenerateOptions {
    GenerateOptions { max_new_tokens: default.max_new_tokens.min(3), ..default.clone() }
}

/// Loads a folder as its class and asks for everything once.
fn use_all(model: &str, folder: &Path) -> Result<()> {
    let source = folder.into();
    match model {
        "bert" => {
            let skill: TextEncoder = load(&SPEC, &source, &OPTIONS)?;
            skill.fill_mask("the [MASK] wakes", 2)?;
        }
        "vit" => {
            let skill: ImageClassifier = load(&SPEC, &source, &OPTIONS)?;
            skill.image_classification(&image(model), 2)?;
        }
        "clip" => {
            let skill: ImageTextEncoder = load(&SPEC, &source, &OPTIONS)?;
            skill.zero_shot_image_classification(
                &image(model),
                &["a", "harbour wakes"],
                ImageTextEncoder::TEMPLATE,
            )?;
            skill.embed_text(&["a"], true)?;
        }
        "clap" => {
            let skill: AudioTextEncoder = load(&SPEC, &source, &OPTIONS)?;
            let audio = Audio::open(fixture(model).join("inputs/telephone.wav"))?;
            skill.zero_shot_audio_classification(
                &audio,
                &["a", "harbour wakes"],
                AudioTextEncoder::TEMPLATE,
            )?;
        }
        "xclip" => {
            let skill: VideoTextEncoder = load(&SPEC, &source, &OPTIONS)?;
            let frame = image("clip");
            let video = Video::from_frames(vec![frame.clone(), frame])?;
            skill.zero_shot_video_classification(
                &video,
                &["a", "harbour wakes"],
                VideoTextEncoder::TEMPLATE,
            )?;
        }
        "detr" => {
            let skill: ObjectDetector = load(&SPEC, &source, &OPTIONS)?;
            skill.object_detection(&image(model), 0.1)?;
        }
        "t5" => {
            let skill: TextToText = load(&SPEC, &source, &OPTIONS)?;
            skill.text2text("The harbour wakes", &options(skill.default_options()))?;
        }
        "llava" | "llava_next" => {
            let skill: ImageTextGenerator = load(&SPEC, &source, &OPTIONS)?;
            let messages = [Message::new("user", "<image>\nWhat?")];
            skill.chat(&image(model), &messages, &options(skill.default_options()))?;
        }
        "wav2vec2" | "whisper" => {
            let skill: SpeechRecognizer = load(&SPEC, &source, &OPTIONS)?;
            let file = if model == "whisper" { "short.wav" } else { "one_frame.wav" };
            let audio = Audio::open(fixture(model).join("inputs").join(file))?;
            skill.transcribe(&audio, &TranscribeOptions::default())?;
            if model == "whisper" {
                let options = TranscribeOptions {
                    timestamps: Timestamps::Segments,
                    ..TranscribeOptions::default()
                };
                skill.transcribe(&audio, &options)?;
            }
        }
        _ => {
            let skill: TextGenerator = load(&SPEC, &source, &OPTIONS)?;
            let options = options(skill.default_options());
            skill.generate("The harbour wakes", &options)?;
            skill.chat(&[Message::new("user", "hi")], &options)?;
        }
    }
    Ok(())
}

/// The document of a file of a fixture, and what is loaded with another one in its place.
struct Mutant {
    model: &'static str,
    file: String,
    intact: Vec<u8>,
    folder: TempDir,
}

impl Mutant {
    fn new(model: &'static str, file: &str) -> Self {
        let intact = fs::read(fixture(model).join(file)).unwrap();
        Self { model, file: file.to_owned(), intact, folder: copy_of(&fixture(model)) }
    }

    fn document(&self) -> Value {
        serde_json::from_slice(&self.intact).unwrap()
    }

    fn run(&self, mutated: &Value) -> Result<()> {
        let bytes = serde_json::to_vec(mutated).unwrap();
        fs::write(self.folder.path().join(&self.file), bytes).unwrap();
        use_all(self.model, self.folder.path())
    }
}

/// One in so many of each model's mutations is tried.
const STRIDE: usize = 101;

#[test]
fn no_configuration_ends_the_process() {
    in_child("mutations::no_configuration_ends_the_process", || {
        let mut tried = 0;
        let mut refused = 0;
        for model in MODELS {
            let mut count = 0;
            for file in FILES {
                if !fixture(model).join(file).is_file() {
                    continue;
                }
                let mutant = Mutant::new(model, file);
                let document = mutant.document();
                let mut found = vec![];
                places(&document, &[], &mut found);
                let of_file = found.iter().flat_map(|place| mutations(&document, place));
                for mutated in of_file {
                    count += 1;
                    if count % STRIDE == 0 {
                        tried += 1;
                        refused += u32::from(mutant.run(&mutated).is_err());
                    }
                }
            }
        }
        println!("{refused} of {tried} refused");
        assert!(tried > 60 && refused > 10);
    });
}

/// Unchecked, each of these panics, fills the memory, takes minutes, gives a wrong result without a
/// word, or is told only by the engine.
#[test]
fn what_makes_no_sense_is_refused_by_its_name() {
    in_child("mutations::what_makes_no_sense_is_refused_by_its_name", || {
        let huge = json!(1_000_000_000_000_000_000_i64);
        for (model, file, pointer, value, named) in [
            ("llava", "processor_config.json", "/num_additional_image_tokens", &huge, "tokens"),
            ("llava", "processor_config.json", "/patch_size", &json!(65_535), "patch_size"),
            ("xclip", "config.json", "/vision_config/num_frames", &huge, "num_frames"),
            ("whisper", "config.json", "/max_source_positions", &huge, "max_source_positions"),
            ("whisper", "config.json", "/max_source_positions", &json!(7), "max_source_positions"),
            ("whisper", "preprocessor_config.json", "/n_fft", &json!(65_535), "65535"),
            ("whisper", "preprocessor_config.json", "/padding_value", &json!(1e300), "padding"),
            (
                "whisper",
                "generation_config.json",
                "/no_timestamps_token_id",
                &json!(i64::MAX),
                "no_timestamps_token_id",
            ),
            ("detr", "preprocessor_config.json", "/image_std/1", &json!(0), "image_std"),
            ("vit", "preprocessor_config.json", "/rescale_factor", &json!(1e300), "rescale"),
            (
                "clip",
                "tokenizer.json",
                "/normalizer/normalizers/1/pattern/Regex",
                &json!(""),
                "tokenizer.json",
            ),
            (
                "t5",
                "tokenizer.json",
                "/normalizer/precompiled_charsmap",
                &json!(""),
                "tokenizer.json",
            ),
        ] {
            let mutant = Mutant::new(model, file);
            let mut document = mutant.document();
            *document.pointer_mut(pointer).unwrap_or_else(|| panic!("{model} {pointer}")) =
                value.clone();
            let error = mutant.run(&document).unwrap_err().to_string();
            assert!(error.contains(named), "{model} {pointer} = {value}: {error}");
        }
    });
}
