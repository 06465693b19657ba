//! Generated tokens and text against Hugging Face's greedy search, and how a generation ends.

use std::ops::ControlFlow;

use accel_runtime::{
    Dim, Error, GenerateOptions, Generated, Message, Pipeline as _, Stop, Strategy, Tensor,
    TextGenerator,
};
use serde_json::Value;

use crate::onnx_bytes::copy_of;
use crate::reference::{OPTIONS, Reference, SPEC, assert_close, fixture, ids, loaded};

const PROMPT: &str = "The harbour wakes";
/// Qwen's tokens hold parts of characters; LLaMA has tokens for single bytes.
const MODELS: [&str; 3] = ["llama", "qwen2", "qwen3"];

fn options(case: &Value) -> GenerateOptions {
    let parameters = &case["parameters"];
    assert_eq!(parameters["do_sample"], false);
    let strings = parameters.get("stop_strings").and_then(Value::as_array);
    GenerateOptions {
        max_new_tokens: usize::try_from(parameters["max_new_tokens"].as_u64().unwrap()).unwrap(),
        repetition_penalty: parameters.get("repetition_penalty").map_or(1.0, float),
        stop_strings: strings
            .map_or_else(Vec::new, |it| it.iter().map(|it| it.as_str().unwrap().into()).collect()),
        stop_tokens: parameters.get("stop_token_ids").map_or_else(Vec::new, ids),
        ..GenerateOptions::default()
    }
}

/// The recorded cases of one text, those of several, and those that record probabilities.
fn cases(reference: &Reference) -> [Vec<&Value>; 3] {
    let mut cases = [vec![], vec![], vec![]];
    for case in reference.tasks("text-generation") {
        let sampled = case["case"].as_str().unwrap().starts_with("sampling_");
        let batched = case["inputs"].get("texts").is_some();
        cases[if sampled { 2 } else { usize::from(batched) }].push(case);
    }
    cases
}

#[expect(clippy::cast_possible_truncation, reason = "a float that JSON widened")]
fn float(value: &Value) -> f32 {
    value.as_f64().unwrap() as f32
}

const fn sample(temperature: f32, top_k: usize, top_p: f32, seed: u64) -> Strategy {
    Strategy::Sample { temperature, top_k, top_p, min_p: 0.0, seed }
}

fn messages(case: &Value) -> Option<Vec<Message>> {
    let messages = case["inputs"].get("messages")?.as_array().unwrap();
    let text = |it: &Value| it.as_str().unwrap().to_owned();
    Some(messages.iter().map(|it| Message::new(text(&it["role"]), text(&it["content"]))).collect())
}

#[test]
fn greedy_tokens_text_and_logits_equal_hugging_face() {
    for model in MODELS {
        let skill: TextGenerator = loaded(model);
        let reference = Reference::open(model);
        let [singles, ..] = cases(&reference);
        for case in singles {
            let expected = &case["expected"];
            let options = options(case);
            let prompt = ids(&expected["prompt_ids"]);
            let Generated { token_ids, text, .. } = if let Some(messages) = messages(case) {
                let rendered = skill.apply_chat_template(&messages, true).unwrap();
                assert_eq!(rendered, expected["prompt_text"].as_str().unwrap());
                assert_eq!(skill.tokenizer().encode(&rendered, false).unwrap(), prompt);
                skill.chat(&messages, &options).unwrap()
            } else {
                let text = case["inputs"]["text"].as_str().unwrap();
                assert_eq!(skill.tokenizer().encode(text, true).unwrap(), prompt);
                skill.generate(text, &options).unwrap()
            };
            assert_eq!(token_ids, ids(&expected["token_ids"]), "{model} {}", case["case"]);
            assert_eq!(text, expected["text"].as_str().unwrap(), "{model} {}", case["case"]);

            let mut logits = Vec::new();
            let observe = |step: accel_runtime::Step<'_>| {
                logits.extend_from_slice(step.logits);
                ControlFlow::Continue(())
            };
            let (again, _) = skill.generate_ids(&prompt, &options, observe).unwrap();
            assert_eq!(again, token_ids);
            if let Some(name) = case["tensor"].as_str() {
                let expected = reference.tensor(name);
                assert_close(name, &logits, expected.as_f32().unwrap(), 1e-4);
            }
        }
    }
}

/// A long prompt is read in pieces; the graph over all of it at once is what counts.
#[test]
fn a_long_prompt_gives_the_scores_of_the_whole() {
    for model in MODELS {
        let skill: TextGenerator = loaded(model);
        let prompt: Vec<_> = (0..200).map(|it| 20 + it * 7 % 300).collect();
        let session = skill.sessions()[0];
        let positions: Vec<_> = (0..200).collect();
        let inputs = session.inputs().iter().map(|it| {
            let ids = |ids: Vec<i64>| Tensor::new(vec![1, 200], ids).unwrap();
            let tensor = match it.name.as_str() {
                "input_ids" => ids(prompt.clone()),
                "attention_mask" => ids(vec![1; 200]),
                "position_ids" => ids(positions.clone()),
                _ => {
                    let size = |dim: &Dim| if let Dim::Fixed(size) = dim { *size } else { 0 };
                    let mut shape: Vec<_> = it.dims.iter().map(size).collect();
                    shape[0] = 1;
                    Tensor::new(shape, Vec::<f32>::new()).unwrap()
                }
            };
            (it.name.as_str(), tensor)
        });
        let whole = session.run(inputs.collect(), &["logits"]).unwrap();
        let whole = whole[0].as_f32().unwrap();
        let options = GenerateOptions { max_new_tokens: 1, ..GenerateOptions::default() };
        let mut logits = Vec::new();
        let observe = |step: accel_runtime::Step<'_>| {
            logits.extend_from_slice(step.logits);
            ControlFlow::Continue(())
        };
        skill.generate_ids(&prompt, &options, observe).unwrap();
        let last = &whole[whole.len() - logits.len()..];
        assert_close(&format!("{model}: a long prompt"), &logits, last, 1e-4);
    }
}

#[test]
fn batches_equal_hugging_face_and_their_texts_alone() {
    for model in MODELS {
        let skill: TextGenerator = loaded(model);
        let reference = Reference::open(model);
        let [_, batches, _] = cases(&reference);
        assert!(!batches.is_empty());
        for case in batches {
            let texts = case["inputs"]["texts"].as_array().unwrap();
            let texts: Vec<_> = texts.iter().map(|it| it.as_str().unwrap()).collect();
            let together = skill.generate_batch(&texts, &options(case)).unwrap();
            let expected = case["expected"].as_array().unwrap();
            assert_eq!((together.len(), expected.len()), (texts.len(), texts.len()));
            for ((text, expected), together) in texts.iter().zip(expected).zip(together) {
                assert_eq!(together.token_ids, ids(&expected["token_ids"]), "{model} {text:?}");
                assert_eq!(together.text, expected["text"].as_str().unwrap());
                assert_eq!(skill.generate(text, &options(case)).unwrap(), together);
            }
            // Each text draws from a random stream of its own.
            let drawn = GenerateOptions { strategy: sample(0.9, 0, 1.0, 5), ..options(case) };
            let together = skill.generate_batch(&texts, &drawn).unwrap();
            for (text, together) in texts.iter().zip(together) {
                assert_eq!(skill.generate(text, &drawn).unwrap(), together, "{model} {text:?}");
            }
        }
    }
}

#[test]
fn tokens_are_drawn_from_hugging_faces_probabilities() {
    for model in MODELS {
        let skill: TextGenerator = loaded(model);
        let reference = Reference::open(model);
        let [.., samplings] = cases(&reference);
        assert!(samplings.len() >= 4);
        for case in samplings {
            let value = |name: &str| &case["parameters"][name];
            let options = GenerateOptions {
                strategy: Strategy::Sample {
                    temperature: float(value("temperature")),
                    top_k: usize::try_from(value("top_k").as_u64().unwrap()).unwrap(),
                    top_p: float(value("top_p")),
                    min_p: float(value("min_p")),
                    seed: 0,
                },
                repetition_penalty: float(value("repetition_penalty")),
                ..GenerateOptions::default()
            };
            let text = case["inputs"]["text"].as_str().unwrap();
            let got = skill.next_token_probabilities(text, &options).unwrap();
            let name = case["tensor"].as_str().unwrap();
            let want = reference.tensor(name);
            let want = want.as_f32().unwrap();
            assert_close(&format!("{model} {name}"), &got, want, 1e-5);
            assert!(got.iter().zip(want).all(|(a, b)| (*a > 0.0) == (*b > 0.0)), "{model} {name}");
        }
    }
}

#[test]
fn options_follow_the_models_own_configuration() {
    let skill: TextGenerator = loaded("qwen2");
    let options = skill.default_options();
    let published =
        Strategy::Sample { temperature: 0.7, top_k: 20, top_p: 0.8, min_p: 0.0, seed: 0 };
    assert_eq!((options.strategy, options.repetition_penalty), (published, 1.1));
    assert_eq!(loaded::<TextGenerator>("llama").default_options().strategy, Strategy::Greedy);
}

#[test]
fn beams_find_what_is_likelier_than_the_greedy_text() {
    let skill: TextGenerator = loaded("qwen3");
    let beams = |count| GenerateOptions {
        max_new_tokens: 6,
        strategy: Strategy::Beams { count, length_penalty: 1.0, early_stopping: false },
        ..GenerateOptions::default()
    };
    let greedy = GenerateOptions { max_new_tokens: 6, ..GenerateOptions::default() };
    let one = skill.generate(PROMPT, &beams(1)).unwrap();
    assert_eq!(one, skill.generate(PROMPT, &greedy).unwrap());
    let several = skill.generate_batch(&[PROMPT, "A clock"], &beams(4)).unwrap();
    assert_eq!(several[0], skill.generate(PROMPT, &beams(4)).unwrap());
    assert_ne!(several[0].token_ids, one.token_ids);
    let error = skill.stream(PROMPT, &beams(4), |_| ControlFlow::Continue(())).unwrap_err();
    assert!(matches!(error, Error::InvalidArgument { argument: "strategy", .. }), "{error}");
    // More beams than tokens to follow.
    let error = skill.generate(PROMPT, &beams(400)).unwrap_err();
    assert!(matches!(error, Error::InvalidArgument { argument: "count", .. }), "{error}");
}

#[test]
fn streamed_pieces_are_whole_characters_and_add_up_to_the_text() {
    for model in MODELS {
        let skill: TextGenerator = loaded(model);
        let reference = Reference::open(model);
        let [singles, ..] = cases(&reference);
        for case in singles {
            let options = options(case);
            let mut streamed = Vec::new();
            let on_text = |piece: &str| {
                streamed.push(piece.to_owned());
                ControlFlow::Continue(())
            };
            let generated = match messages(case) {
                Some(messages) => skill.stream_chat(&messages, &options, on_text).unwrap(),
                None => skill
                    .stream(case["inputs"]["text"].as_str().unwrap(), &options, on_text)
                    .unwrap(),
            };
            assert_eq!(streamed.concat(), generated.text);
            assert_eq!(generated.text, case["expected"]["text"].as_str().unwrap());
            assert!(streamed.iter().all(|it| !it.is_empty()));
        }
    }
}

/// A character of several tokens arrives as one piece.
#[test]
fn no_piece_ends_inside_a_character() {
    for model in MODELS {
        let skill: TextGenerator = loaded(model);
        let mut seen = String::new();
        for seed in 0..20 {
            let options = GenerateOptions {
                max_new_tokens: 24,
                strategy: sample(2.0, 0, 1.0, seed),
                ..GenerateOptions::default()
            };
            let mut pieces = Vec::new();
            let on_text = |piece: &str| {
                pieces.push(piece.to_owned());
                ControlFlow::Continue(())
            };
            let generated = skill.stream(PROMPT, &options, on_text).unwrap();
            // Only the last piece may end in bytes that are no character: the text ends there.
            let all_but_last = &pieces[..pieces.len().saturating_sub(1)];
            assert!(all_but_last.iter().all(|it| !it.ends_with('\u{fffd}')), "{pieces:?}");
            assert_eq!(pieces.concat(), generated.text);
            seen += &generated.text;
        }
        assert!(seen.contains('\u{fffd}'), "{model}: no broken character was tried");
    }
}

#[test]
fn a_generation_ends_for_a_told_reason() {
    let skill: TextGenerator = loaded("qwen3");
    let greedy = |max_new_tokens, stop_tokens: &[i64]| GenerateOptions {
        max_new_tokens,
        stop_tokens: stop_tokens.to_vec(),
        ..GenerateOptions::default()
    };
    let all = skill.generate(PROMPT, &greedy(8, &[])).unwrap();
    assert_eq!((all.token_ids.len(), all.stopped), (8, Stop::MaxNewTokens));
    let stop = all.token_ids[2];
    let stopped = skill.generate(PROMPT, &greedy(8, &[stop])).unwrap();
    assert_eq!(stopped.token_ids, all.token_ids[..3]);
    assert_eq!(stopped.stopped, Stop::Token(stop));

    let mut pieces = 0;
    let cancelled = skill
        .stream(PROMPT, &greedy(8, &[]), |_| {
            pieces += 1;
            ControlFlow::Break(())
        })
        .unwrap();
    assert_eq!((pieces, cancelled.stopped), (1, Stop::Cancelled));
    assert!(!cancelled.text.is_empty() && all.text.starts_with(&cancelled.text));

    // The context holds 256 tokens.
    let never = |_: accel_runtime::Step<'_>| ControlFlow::Continue(());
    let sampled = GenerateOptions { strategy: sample(1.0, 0, 1.0, 1), ..greedy(1000, &[]) };
    let (tokens, stopped) = skill.generate_ids(&[32; 250], &sampled, never).unwrap();
    assert!(
        (tokens.len() == 6 && stopped == Stop::ContextFull) || matches!(stopped, Stop::Token(_)),
        "{stopped:?}"
    );
    let error = skill.generate_ids(&[32; 256], &greedy(1, &[]), never).unwrap_err();
    assert!(matches!(error, Error::ContextTooLong { tokens: 256, context: 256 }), "{error}");
}

#[test]
fn sampling_repeats_with_its_seed() {
    let skill: TextGenerator = loaded("qwen3");
    let sampled = |seed| {
        let strategy = sample(0.9, 50, 0.95, seed);
        let options =
            GenerateOptions { max_new_tokens: 12, strategy, ..GenerateOptions::default() };
        skill.generate(PROMPT, &options).unwrap().token_ids
    };
    assert_eq!(sampled(1), sampled(1));
    assert!((2..6).any(|seed| sampled(seed) != sampled(1)));
    // So sharp that only the likeliest is left.
    let sharp = sample(1e-4, 0, 1.0, 3);
    let options =
        |strategy| GenerateOptions { max_new_tokens: 8, strategy, ..GenerateOptions::default() };
    assert_eq!(
        skill.generate(PROMPT, &options(sharp)).unwrap(),
        skill.generate(PROMPT, &options(Strategy::Greedy)).unwrap()
    );
}

#[test]
fn senseless_requests_are_refused() {
    let skill: TextGenerator = loaded("qwen3");
    let none = GenerateOptions { max_new_tokens: 0, ..GenerateOptions::default() };
    let error = skill.generate(PROMPT, &none).unwrap_err();
    assert!(matches!(error, Error::InvalidArgument { argument: "max_new_tokens", .. }), "{error}");
    let error = skill.generate("", &GenerateOptions::default()).unwrap_err();
    assert!(matches!(error, Error::InvalidArgument { .. }), "{error}");
    let never = |_: accel_runtime::Step<'_>| ControlFlow::Continue(());
    let error = skill.generate_ids(&[5, -1], &GenerateOptions::default(), never).unwrap_err();
    assert!(matches!(error, Error::InvalidArgument { argument: "prompt", .. }), "{error}");
    let error = skill.chat(&[], &GenerateOptions::default()).unwrap_err();
    assert!(matches!(error, Error::InvalidArgument { argument: "messages", .. }), "{error}");
}

#[test]
fn a_model_without_chat_template_still_continues_text() {
    let copy = copy_of(&fixture("qwen3"));
    std::fs::write(copy.path().join("tokenizer_config.json"), "{}").unwrap();
    let skill: TextGenerator = accel_runtime::load(&SPEC, &copy.path().into(), &OPTIONS).unwrap();
    let messages = [Message::new("user", "Hello")];
    let error = skill.chat(&messages, &GenerateOptions::default()).unwrap_err();
    assert!(matches!(error, Error::NoChatTemplate { .. }), "{error}");
    let options = GenerateOptions { max_new_tokens: 2, ..GenerateOptions::default() };
    assert_eq!(skill.generate(PROMPT, &options).unwrap().token_ids.len(), 2);
    // A file of its own is found too, and may refuse.
    let template = "{%- if messages[0].role != 'user' %}{{ raise_exception('users first') }}{% endif -%}\n<{{ messages[0].content }}>\n";
    std::fs::write(copy.path().join("chat_template.jinja"), template).unwrap();
    assert_eq!(skill.apply_chat_template(&messages, true).unwrap(), "<Hello>");
    let error = skill.apply_chat_template(&[Message::new("system", "x")], true).unwrap_err();
    assert!(error.to_string().contains("users first"), "{error}");
}

#[test]
fn the_generation_configuration_says_what_ends_a_text() {
    for (generation, end_tokens) in [(r#"{"eos_token_id": [7, 8]}"#, &[7, 8][..]), ("{}", &[9])] {
        let copy = copy_of(&fixture("qwen3"));
        let file = copy.path().join("config.json");
        let mut config: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        config["eos_token_id"] = 9.into();
        std::fs::write(file, config.to_string()).unwrap();
        std::fs::write(copy.path().join("generation_config.json"), generation).unwrap();
        let skill: TextGenerator =
            accel_runtime::load(&SPEC, &copy.path().into(), &OPTIONS).unwrap();
        assert_eq!(skill.end_tokens(), end_tokens);
    }
}
