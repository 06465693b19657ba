//! The generation loop over every form of decoder export, on an engine that checks what it is
//! given.

use accel_runtime::{Error, GenerateOptions, Pipeline, Stop, TextGenerator, TextToText, load};

use crate::counting::{Form, START, counting, next};
use crate::reference::{OPTIONS, SPEC};

const TEXTS: [&str; 3] = ["The harbour", "A", "Red leaves, green leaves, blue"];
const END: i64 = 381;
/// Longer than what is read at once.
const LONG: usize = 70;

fn options() -> GenerateOptions {
    GenerateOptions { max_new_tokens: 6, ..GenerateOptions::default() }
}

fn model<'a>(inputs: &'a [&'a str], outputs: &'a [&'a str]) -> Vec<Form<'a>> {
    vec![("model", inputs, outputs)]
}

/// The tokens that follow `text`, until one ends it.
fn continued(text: &[i64], source: &[i64]) -> Vec<i64> {
    let mut all = text.to_vec();
    while all.len() < text.len() + 6 && all[text.len()..].last() != Some(&END) {
        all.push(next(&all, source));
    }
    all.split_off(text.len())
}

fn loaded<P: Pipeline>(forms: &[Form<'_>]) -> Result<P, Error> {
    let (_folder, source) = counting(forms, false);
    load(&SPEC, &source, &OPTIONS)
}

const PLAIN: [&str; 3] = ["input_ids", "attention_mask", "position_ids"];

#[test]
fn every_form_of_decoder_gives_the_same_tokens_alone_and_together() {
    let embedded: Form<'_> = ("embed_tokens", &["input_ids"], &["inputs_embeds"]);
    let forms: [Vec<Form<'_>>; 11] = [
        model(
            &["input_ids", "attention_mask", "position_ids", "past_key_values.0.key"],
            &["logits", "present.0.key"],
        ),
        model(
            &["input_ids", "attention_mask", "past_key_values.0.decoder.key"],
            &["logits", "present.0.decoder.key"],
        ),
        model(
            &["past_key_values.1.key", "input_ids", "past_key_values.0.key"],
            &["present.0.key", "logits", "present.1.key"],
        ),
        model(
            &["input_ids", "cache_position", "num_logits_to_keep", "past_key_values.0.key"],
            &["logits", "present.0.key"],
        ),
        model(&PLAIN, &["logits"]),
        model(&["input_ids", "attention_mask"], &["logits"]),
        model(&["input_ids", "position_ids"], &["logits"]),
        vec![(
            "decoder_model_merged",
            &["input_ids", "attention_mask", "past_key_values.0.key", "use_cache_branch"],
            &["logits", "present.0.key"],
        )],
        vec![
            ("decoder_model", &PLAIN, &["logits", "present.0.key"]),
            (
                "decoder_with_past_model",
                &["input_ids", "attention_mask", "position_ids", "past_key_values.0.key"],
                &["logits", "present.0.key"],
            ),
        ],
        vec![
            embedded,
            (
                "decoder_model_merged",
                &["inputs_embeds", "attention_mask", "position_ids", "past_key_values.0.key"],
                &["logits", "present.0.key"],
            ),
        ],
        vec![
            embedded,
            ("model", &["inputs_embeds", "attention_mask", "position_ids"], &["logits"]),
        ],
    ];
    for forms in &forms {
        let skill: TextGenerator = loaded(forms).unwrap();
        let want: Vec<_> = TEXTS
            .iter()
            .map(|it| continued(&skill.tokenizer().encode(it, true).unwrap(), &[]))
            .collect();
        for (text, want) in TEXTS.iter().zip(&want) {
            assert_eq!(skill.generate(text, &options()).unwrap().token_ids, *want, "{forms:?}");
        }
        let together = skill.generate_batch(&TEXTS, &options()).unwrap();
        let together: Vec<_> = together.into_iter().map(|it| it.token_ids).collect();
        assert_eq!(together, want, "{forms:?}");
        assert!(skill.generate_batch(&[], &options()).unwrap().is_empty());
        let long = "boat, ".repeat(LONG);
        let texts = [TEXTS[0], &long];
        let want = texts.map(|it| continued(&skill.tokenizer().encode(it, true).unwrap(), &[]));
        let together = skill.generate_batch(&texts, &options()).unwrap();
        assert_eq!([0, 1].map(|it| together[it].token_ids.clone()), want, "{forms:?}");
    }
}

#[test]
fn every_form_of_encoder_decoder_gives_the_same_tokens_alone_and_together() {
    let encoder: Form<'_> =
        ("encoder_model", &["input_ids", "attention_mask"], &["last_hidden_state"]);
    let presents: &[&str] = &["logits", "present.0.decoder.key", "present.0.encoder.key"];
    let forms: [Vec<Form<'_>>; 5] = [
        vec![
            encoder,
            (
                "decoder_model",
                &["input_ids", "encoder_attention_mask", "encoder_hidden_states"],
                presents,
            ),
            (
                "decoder_with_past_model",
                &[
                    "encoder_attention_mask",
                    "input_ids",
                    "past_key_values.0.decoder.key",
                    "past_key_values.0.encoder.key",
                ],
                &["logits", "present.0.decoder.key"],
            ),
        ],
        vec![
            encoder,
            (
                "decoder_model_merged",
                &[
                    "encoder_attention_mask",
                    "input_ids",
                    "encoder_hidden_states",
                    "past_key_values.0.decoder.key",
                    "past_key_values.0.encoder.key",
                    "use_cache_branch",
                ],
                presents,
            ),
        ],
        // Without a cache of the encoder's, and without any.
        vec![
            encoder,
            (
                "decoder_model_merged",
                &[
                    "input_ids",
                    "encoder_hidden_states",
                    "encoder_attention_mask",
                    "past_key_values.0.key",
                ],
                &["logits", "present.0.key"],
            ),
        ],
        vec![
            encoder,
            (
                "decoder_model",
                &["input_ids", "encoder_hidden_states", "encoder_attention_mask"],
                presents,
            ),
        ],
        // Nothing masks padding, so nothing may be padded.
        vec![
            ("encoder_model", &["input_ids"], &["last_hidden_state"]),
            ("decoder_model", &["input_ids", "encoder_hidden_states"], presents),
        ],
    ];
    for forms in &forms {
        let skill: TextToText = loaded(forms).unwrap();
        let want: Vec<_> = TEXTS
            .iter()
            .map(|it| continued(&[START], &skill.tokenizer().encode(it, true).unwrap()))
            .collect();
        for (text, want) in TEXTS.iter().zip(&want) {
            assert_eq!(skill.text2text(text, &options()).unwrap().token_ids, *want, "{forms:?}");
        }
        let together = skill.text2text_batch(&TEXTS, &options()).unwrap();
        let together: Vec<_> = together.into_iter().map(|it| it.token_ids).collect();
        assert_eq!(together, want, "{forms:?}");
    }
}

#[test]
fn graphs_that_the_loop_cannot_serve_are_refused() {
    let refused = |forms: &[Form<'_>]| {
        let error = loaded::<TextGenerator>(forms).unwrap_err();
        assert!(matches!(error, Error::UnsupportedModel { .. }), "{error}");
    };
    refused(&[("model", &["input_ids", "token_type_ids"], &["logits"])]);
    refused(&[("model", &["input_ids", "encoder_hidden_states"], &["logits"])]);
    refused(&[("model", &["attention_mask"], &["logits"])]);
    refused(&[("model", &["input_ids", "past_key_values.0.key"], &["logits"])]);
    refused(&[("model", &["input_ids"], &["last_hidden_state"])]);
    // The second graph wants what the first does not give.
    refused(&[
        ("decoder_model", &["input_ids"], &["logits"]),
        (
            "decoder_with_past_model",
            &["input_ids", "past_key_values.0.key"],
            &["logits", "present.0.key"],
        ),
    ]);
    let plain: Form<'_> = ("decoder_model", &["input_ids"], &["logits"]);
    let encoder: Form<'_> = ("encoder_model", &["input_ids"], &["last_hidden_state"]);
    let error = loaded::<TextToText>(&[encoder, plain]).unwrap_err();
    assert!(matches!(error, Error::UnsupportedModel { .. }), "{error}");
}

#[test]
fn a_score_that_is_no_number_ends_the_generation() {
    let form: Form<'_> =
        ("model", &["input_ids", "past_key_values.0.key"], &["logits", "present.0.key"]);
    let (_folder, source) = counting(&[form], true);
    let skill: TextGenerator = load(&SPEC, &source, &OPTIONS).unwrap();
    let error = skill.generate("The harbour", &options()).unwrap_err();
    assert!(matches!(&error, Error::NonFinite { output, .. } if output == "logits"), "{error}");
}

#[test]
fn a_cancelled_generation_keeps_what_it_has() {
    let form: Form<'_> =
        ("model", &["input_ids", "past_key_values.0.key"], &["logits", "present.0.key"]);
    let skill: TextGenerator = loaded(&[form]).unwrap();
    let options = options();
    let prompt = skill.tokenizer().encode(TEXTS[0], true).unwrap();
    let mut steps = 0;
    let (token_ids, stopped) = skill
        .generate_ids(&prompt, &options, |_| {
            steps += 1;
            if steps == 2 {
                options.cancel.cancel();
            }
            std::ops::ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!((token_ids.len(), stopped), (2, Stop::Cancelled));
    assert_eq!(token_ids, continued(&prompt, &[])[..2]);
    // The handle stays cancelled, for clones of the options too.
    let generated = skill.generate(TEXTS[0], &options.clone()).unwrap();
    assert_eq!((generated.token_ids.len(), generated.stopped), (0, Stop::Cancelled));
}
