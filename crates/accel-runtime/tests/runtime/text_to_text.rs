//! Answered texts against Hugging Face's greedy and beam search.

use std::ops::ControlFlow;

use accel_runtime::{Error, GenerateOptions, Stop, Strategy, TextToText, load};
use serde_json::Value;

use crate::onnx_bytes::copy_of;
use crate::reference::{OPTIONS, Reference, SPEC, assert_close, fixture, ids, loaded};

fn options(case: &Value) -> GenerateOptions {
    let parameters = &case["parameters"];
    let number = |name: &str| usize::try_from(parameters[name].as_u64().unwrap()).unwrap();
    #[expect(clippy::cast_possible_truncation, reason = "a small number")]
    let strategy = match number("num_beams") {
        1 => Strategy::Greedy,
        count => Strategy::Beams {
            count,
            length_penalty: parameters["length_penalty"].as_f64().unwrap() as f32,
            early_stopping: false,
        },
    };
    GenerateOptions {
        max_new_tokens: number("max_new_tokens"),
        strategy,
        ..GenerateOptions::default()
    }
}

#[test]
fn tokens_text_and_logits_equal_hugging_face() {
    let skill: TextToText = loaded("t5");
    let reference = Reference::open("t5");
    let mut beams = 0;
    for case in reference.tasks("text2text-generation") {
        let name = case["case"].as_str().unwrap();
        let options = options(case);
        beams += usize::from(options.strategy != Strategy::Greedy);
        let (texts, expected) = match case["inputs"]["texts"].as_array() {
            Some(texts) => (texts.clone(), case["expected"].as_array().unwrap().clone()),
            None => (vec![case["inputs"]["text"].clone()], vec![case["expected"].clone()]),
        };
        let texts: Vec<_> = texts.iter().map(|it| it.as_str().unwrap()).collect();
        let together = skill.text2text_batch(&texts, &options).unwrap();
        assert_eq!(together.len(), texts.len());
        for ((text, expected), batched) in texts.iter().zip(&expected).zip(together) {
            let prompt = ids(&expected["prompt_ids"]);
            assert_eq!(skill.tokenizer().encode(text, true).unwrap(), prompt, "{name}");
            assert_eq!(batched.token_ids, ids(&expected["token_ids"]), "{name}");
            assert_eq!(batched.text, expected["text"].as_str().unwrap(), "{name}");
            assert_eq!(skill.text2text(text, &options).unwrap(), batched, "{name}");
            if options.strategy != Strategy::Greedy {
                continue;
            }
            let mut pieces = Vec::new();
            let streamed = skill
                .stream(text, &options, |piece| {
                    pieces.push(piece.to_owned());
                    ControlFlow::Continue(())
                })
                .unwrap();
            assert_eq!(streamed, batched, "{name}");
            assert_eq!(pieces.concat(), batched.text, "{name}");
            if let Some(tensor) = case["tensor"].as_str() {
                let mut logits = Vec::new();
                let observe = |step: accel_runtime::Step<'_>| {
                    logits.extend_from_slice(step.logits);
                    ControlFlow::Continue(())
                };
                let (again, _) = skill.generate_ids(&prompt, &options, observe).unwrap();
                assert_eq!(again, batched.token_ids);
                assert_close(tensor, &logits, reference.tensor(tensor).as_f32().unwrap(), 1e-4);
            }
        }
    }
    assert!(beams >= 3, "{beams} cases with beams");
}

#[test]
fn an_answer_ends_for_a_told_reason() {
    let skill: TextToText = loaded("t5");
    let reference = Reference::open("t5");
    let cases = reference.tasks("text2text-generation");
    let case = cases.into_iter().find(|it| it["case"] == "plain").unwrap();
    let text = case["inputs"]["text"].as_str().unwrap();
    let never = |_: &str| ControlFlow::Continue(());
    let all = skill.text2text(text, &options(case)).unwrap();
    let letter = all.text.chars().find(char::is_ascii_alphabetic).unwrap().to_string();
    let strings = GenerateOptions { stop_strings: vec![letter.clone()], ..options(case) };
    let stopped = skill.text2text(text, &strings).unwrap();
    assert_eq!(stopped.stopped, Stop::Text(letter));
    assert!(all.token_ids.starts_with(&stopped.token_ids));

    let strategy = Strategy::Beams { count: 2, length_penalty: 1.0, early_stopping: true };
    let beams = GenerateOptions { strategy, ..options(case) };
    let error = skill.stream(text, &beams, never).unwrap_err();
    assert!(matches!(error, Error::InvalidArgument { argument: "strategy", .. }), "{error}");
    let cancelled = options(case);
    cancelled.cancel.cancel();
    let nothing = skill.text2text(text, &cancelled).unwrap();
    assert_eq!((nothing.token_ids.len(), nothing.stopped), (0, Stop::Cancelled));
    assert!(skill.text2text_batch(&[], &options(case)).unwrap().is_empty());
}

#[test]
fn what_the_decoder_starts_with_must_be_told() {
    let copy = copy_of(&fixture("t5"));
    for file in ["config.json", "generation_config.json"] {
        let path = copy.path().join(file);
        let mut config: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        config.as_object_mut().unwrap().remove("decoder_start_token_id");
        std::fs::write(path, config.to_string()).unwrap();
    }
    let error = load::<TextToText>(&SPEC, &copy.path().into(), &OPTIONS).unwrap_err();
    assert!(error.to_string().contains("decoder_start_token_id"), "{error}");
}
