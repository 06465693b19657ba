//! An image and a text in, more text out, against Hugging Face's `generate`.

use std::ops::ControlFlow;
use std::path::Path;

use accel_runtime::{
    CancelHandle, Error, GenerateOptions, Image, ImageTextGenerator, Message, Stop, Strategy, load,
};
use serde_json::Value;

use crate::onnx_bytes::copy_of;
use crate::reference::{OPTIONS, Reference, SPEC, fixture, float, ids, loaded, max_abs};

const MODELS: [&str; 2] = ["llava", "llava_next"];
const PROMPT: &str = "USER: <image>\nWhat is in the picture? ASSISTANT:";

fn image(model: &str, case: &Value) -> Image {
    Image::open(fixture(model).join(case["inputs"]["image"].as_str().unwrap())).unwrap()
}

fn options(case: &Value) -> GenerateOptions {
    let tokens = case["parameters"]["max_new_tokens"].as_u64().unwrap();
    GenerateOptions {
        max_new_tokens: usize::try_from(tokens).unwrap(),
        ..GenerateOptions::default()
    }
}

fn messages(case: &Value) -> Option<Vec<Message>> {
    let messages = case["inputs"].get("messages")?.as_array().unwrap();
    let text = |it: &Value| it.as_str().unwrap().to_owned();
    Some(messages.iter().map(|it| Message::new(text(&it["role"]), text(&it["content"]))).collect())
}

#[test]
fn pixel_values_equal_hugging_face() {
    for model in MODELS {
        let skill: ImageTextGenerator = loaded(model);
        let reference = Reference::open(model);
        for case in reference.tasks("image-text-to-text") {
            let name = case["tensor"].as_str().unwrap();
            let pixels = skill.pixel_values(&image(model, case)).unwrap();
            let expected = reference.tensor(name);
            assert_eq!(pixels.shape(), expected.shape(), "{model} {name}");
            let difference = max_abs(pixels.as_f32().unwrap(), expected.as_f32().unwrap());
            println!("{model} {name}: max abs difference {difference:e}");
            assert!(difference <= float(&case["tolerance"]["pixel_values"]), "{model} {name}");
        }
    }
}

#[test]
fn prompts_tokens_and_text_equal_hugging_face() {
    for model in MODELS {
        let skill: ImageTextGenerator = loaded(model);
        let reference = Reference::open(model);
        for case in reference.tasks("image-text-to-text") {
            let (expected, options) = (&case["expected"], options(case));
            let image = image(model, case);
            let what = format!("{model} {}", case["case"]);
            let (prompt, generated) = if let Some(messages) = messages(case) {
                let prompt = skill.apply_chat_template(&messages, true).unwrap();
                assert_eq!(prompt, expected["prompt_text"].as_str().unwrap(), "{what}");
                (prompt, skill.chat(&image, &messages, &options).unwrap())
            } else {
                let prompt = case["inputs"]["prompt"].as_str().unwrap();
                (prompt.to_owned(), skill.generate(&image, prompt, &options).unwrap())
            };
            let prompt_ids = skill.prompt_ids(&image, &prompt).unwrap();
            assert_eq!(prompt_ids, ids(&expected["prompt_ids"]), "{what}");
            assert_eq!(generated.token_ids, ids(&expected["token_ids"]), "{what}");
            assert_eq!(generated.text, expected["text"].as_str().unwrap(), "{what}");

            let mut pieces = String::new();
            let streamed = skill.stream(&image, &prompt, &options, |piece| {
                pieces += piece;
                ControlFlow::Continue(())
            });
            assert_eq!(streamed.unwrap(), generated, "{what}");
            assert_eq!(pieces, generated.text, "{what}");
        }
    }
}

/// What is generated depends on the image, also on parts of it that only its tiles show.
#[test]
fn other_images_are_answered_otherwise() {
    for model in MODELS {
        let skill: ImageTextGenerator = loaded(model);
        let open = |name: &str| Image::open(fixture(model).join("inputs").join(name)).unwrap();
        let options = GenerateOptions { max_new_tokens: 8, ..GenerateOptions::default() };
        let answer = |name| skill.generate(&open(name), PROMPT, &options).unwrap().text;
        assert_ne!(answer("exact.png"), answer("small.png"), "{model}");
    }
}

#[test]
fn a_prompt_has_one_place_for_the_image() {
    let skill: ImageTextGenerator = loaded("llava");
    let image = Image::from_rgb8(1, 1, vec![1, 2, 3]).unwrap();
    let options = GenerateOptions { max_new_tokens: 1, ..GenerateOptions::default() };
    for prompt in ["", "What is it?", "<image> or <image>?"] {
        let error = skill.generate(&image, prompt, &options).unwrap_err();
        assert!(
            matches!(error, Error::InvalidArgument { argument: "prompt", .. }),
            "{prompt}: {error}"
        );
    }
    for messages in [&[Message::new("user", "Hello")][..], &[]] {
        let error = skill.chat(&image, messages, &options).unwrap_err();
        assert!(matches!(error, Error::InvalidArgument { .. }), "{error}");
    }
    let none = GenerateOptions { max_new_tokens: 0, ..GenerateOptions::default() };
    let error = skill.generate(&image, PROMPT, &none).unwrap_err();
    assert!(matches!(error, Error::InvalidArgument { argument: "max_new_tokens", .. }), "{error}");
    let beams = Strategy::Beams { count: 2, length_penalty: 1.0, early_stopping: false };
    let beams = GenerateOptions { strategy: beams, ..options };
    let error = skill.stream(&image, PROMPT, &beams, |_| ControlFlow::Continue(())).unwrap_err();
    assert!(matches!(error, Error::InvalidArgument { argument: "strategy", .. }), "{error}");
}

/// The image's tokens count.
#[test]
fn the_context_is_kept() {
    let skill: ImageTextGenerator = loaded("llava_next");
    let open = |name: &str| Image::open(fixture("llava_next").join("inputs").join(name)).unwrap();
    let (few, many) = (open("wide.png"), open("exact.png"));
    let options = GenerateOptions { max_new_tokens: 1000, ..GenerateOptions::default() };
    let short = skill.prompt_ids(&few, "<image>").unwrap().len();
    // Each of these words is one token more.
    let prompt = |words: usize| format!("<image>{}", " the".repeat(words));
    let word = skill.prompt_ids(&few, &prompt(2)).unwrap().len()
        - skill.prompt_ids(&few, &prompt(1)).unwrap().len();
    assert_eq!(word, 1);
    let context = 512;
    let full = prompt(context - short - 10);
    let length = skill.prompt_ids(&few, &full).unwrap().len();
    assert!(length < context);
    let generated = skill.generate(&few, &full, &options).unwrap();
    match generated.stopped {
        Stop::ContextFull => assert_eq!(length + generated.token_ids.len(), context),
        Stop::Token(_) => assert!(length + generated.token_ids.len() <= context),
        other => panic!("{other:?}"),
    }
    let error = skill.generate(&many, &full, &options).unwrap_err();
    assert!(matches!(error, Error::ContextTooLong { context: 512, .. }), "{error}");
}

#[test]
fn a_generation_can_be_ended_from_outside() {
    let skill: ImageTextGenerator = loaded("llava");
    let image = Image::from_rgb8(2, 3, vec![9; 18]).unwrap();
    let mut options = GenerateOptions { max_new_tokens: 8, ..GenerateOptions::default() };
    let whole = skill.generate(&image, PROMPT, &options).unwrap();
    options.stop_tokens = vec![whole.token_ids[1]];
    let stopped = skill.generate(&image, PROMPT, &options).unwrap();
    assert!(stopped.token_ids.len() <= 2 && matches!(stopped.stopped, Stop::Token(_)));
    options.cancel = CancelHandle::default();
    options.cancel.cancel();
    let cancelled = skill.generate(&image, PROMPT, &options).unwrap();
    assert_eq!((cancelled.stopped, cancelled.token_ids.len()), (Stop::Cancelled, 0));
}

fn edit(dir: &Path, file: &str, change: impl FnOnce(&mut Value)) {
    let path = dir.join(file);
    let mut json = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    change(&mut json);
    std::fs::write(path, json.to_string()).unwrap();
}

#[test]
fn files_that_disagree_about_the_image_are_refused() {
    let opened = |dir: &Path| load::<ImageTextGenerator>(&SPEC, &dir.into(), &OPTIONS);
    let refused = |file: &str, change: fn(&mut Value)| {
        let copy = copy_of(&fixture("llava"));
        edit(copy.path(), file, change);
        let error = opened(copy.path()).unwrap_err();
        assert!(matches!(error, Error::UnsupportedModel { .. }), "{file}: {error}");
    };
    refused("config.json", |it| it["image_token_index"] = 3.into());
    refused("config.json", |it| it["model_type"] = "idefics3".into());
    refused("tokenizer_config.json", |it| it["image_token"] = "<picture>".into());

    let image = Image::from_rgb8(1, 1, vec![1, 2, 3]).unwrap();
    let options = GenerateOptions { max_new_tokens: 1, ..GenerateOptions::default() };
    for file in ["llava", "llava_next"] {
        let copy = copy_of(&fixture(file));
        edit(copy.path(), "processor_config.json", |it| {
            it["num_additional_image_tokens"] = 5.into();
        });
        let skill = opened(copy.path()).unwrap();
        let error = skill.generate(&image, PROMPT, &options).unwrap_err();
        assert!(matches!(error, Error::BadOutput { .. }), "{file}: {error}");
    }
}

/// Exports without `processor_config.json` say elsewhere how many tokens an image takes.
#[test]
fn the_processors_file_can_be_missing() {
    for model in MODELS {
        let copy = copy_of(&fixture(model));
        std::fs::remove_file(copy.path().join("processor_config.json")).unwrap();
        let skill: ImageTextGenerator = load(&SPEC, &copy.path().into(), &OPTIONS).unwrap();
        let reference = Reference::open(model);
        let case = reference.tasks("image-text-to-text")[0];
        let prompt = case["inputs"]["prompt"].as_str().unwrap();
        let ids_here = skill.prompt_ids(&image(model, case), prompt).unwrap();
        assert_eq!(ids_here, ids(&case["expected"]["prompt_ids"]), "{model}");
    }
}

/// Since transformers 5 a processor is saved whole, in one file.
#[test]
fn the_processors_file_can_hold_the_preprocessing() {
    for model in MODELS {
        let copy = copy_of(&fixture(model));
        let old = copy.path().join("preprocessor_config.json");
        let preprocessing: Value = serde_json::from_slice(&std::fs::read(&old).unwrap()).unwrap();
        edit(copy.path(), "processor_config.json", |it| it["image_processor"] = preprocessing);
        // It goes before the file of its own.
        std::fs::write(&old, r#"{"image_processor_type": "Nobody"}"#).unwrap();
        let skill: ImageTextGenerator = load(&SPEC, &copy.path().into(), &OPTIONS).unwrap();
        let reference = Reference::open(model);
        let case = reference.tasks("image-text-to-text")[0];
        let pixels = skill.pixel_values(&image(model, case)).unwrap();
        let expected = reference.tensor(case["tensor"].as_str().unwrap());
        assert!(max_abs(pixels.as_f32().unwrap(), expected.as_f32().unwrap()) <= 1e-6, "{model}");
    }
}
