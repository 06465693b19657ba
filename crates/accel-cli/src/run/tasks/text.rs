//! Tasks on texts.

use std::ops::ControlFlow;

use accel_core::Task;
use accel_runtime::{
    GenerateOptions, Generated, MaskFill, Message, Pooling, Stop, Strategy, TextEncoder,
    TextGenerator, TextToText,
};
use serde_json::{Value, json};

use super::{Answer, Run, vector};
use crate::failure::Failure;
use crate::run::args::{PoolingArg, RunArgs};
use crate::run::inputs::{Named, texts};

/// New tokens when nobody says how many: enough to see what a model does.
const MAX_NEW_TOKENS: usize = 128;

pub(super) fn encode(run: &Run<'_>) -> Result<(), Failure> {
    let arguments = run.arguments;
    let texts = texts(&arguments.inputs, &arguments.text)?;
    if run.model.task == Task::FillMask {
        let top_k = count(arguments.top_k, 5);
        return run.with::<TextEncoder>(|model, _| {
            let fill =
                |it: &Named<String>| Ok(filled(&it.value, &model.fill_mask(&it.value, top_k)?));
            texts.iter().map(fill).collect()
        });
    }
    let pooling = match arguments.pooling {
        None | Some(PoolingArg::Mean) => Pooling::Mean,
        Some(PoolingArg::Cls) => Pooling::Cls,
        Some(PoolingArg::Max) => Pooling::Max,
    };
    let all: Vec<_> = texts.iter().map(|it| it.value.as_str()).collect();
    run.with::<TextEncoder>(|model, _| {
        let vectors = model.embed(&all, pooling, arguments.normalize)?;
        Ok(texts.iter().zip(&vectors).map(|(it, each)| vector(&it.name, each)).collect())
    })
}

/// A number of the command line, or what it is by default.
pub(super) fn count(given: Option<u32>, otherwise: usize) -> usize {
    given.map_or(otherwise, |it| usize::try_from(it).unwrap_or(usize::MAX))
}

fn filled(text: &str, masks: &[Vec<MaskFill>]) -> Answer {
    let mut lines = vec![text.to_owned()];
    let mut all = Vec::new();
    for (i, fills) in masks.iter().enumerate() {
        if masks.len() > 1 {
            lines.push(format!("mask {}:", i + 1));
        }
        for it in fills {
            lines.push(format!("{:.4}  {}  {}", it.score, it.token, it.sequence));
        }
        let each: Vec<_> = fills
            .iter()
            .map(|it| {
                json!({
                    "token": it.token,
                    "token_id": it.token_id,
                    "sequence": it.sequence,
                    "score": it.score,
                })
            })
            .collect();
        all.push(each);
    }
    Answer { result: json!({ "input": text, "masks": all }), text: lines.join("\n") + "\n" }
}

pub(super) fn generate(run: &Run<'_>) -> Result<(), Failure> {
    let arguments = run.arguments;
    let texts = texts(&arguments.inputs, &arguments.text)?;
    run.with::<TextGenerator>(|model, on_text| {
        let options = generate_options(arguments, model.default_options());
        let streams = !matches!(options.strategy, Strategy::Beams { .. });
        let answer = |it: &Named<String>| {
            let chat = || [Message::new("user", it.value.as_str())];
            let generated = match (arguments.chat, streams) {
                (true, true) => model.stream_chat(&chat(), &options, &mut *on_text)?,
                (true, false) => model.chat(&chat(), &options)?,
                (false, true) => model.stream(&it.value, &options, &mut *on_text)?,
                (false, false) => model.generate(&it.value, &options)?,
            };
            Ok(written(&it.name, &generated, streams, on_text))
        };
        texts.iter().map(answer).collect()
    })
}

pub(super) fn text_to_text(run: &Run<'_>) -> Result<(), Failure> {
    let arguments = run.arguments;
    let texts = texts(&arguments.inputs, &arguments.text)?;
    run.with::<TextToText>(|model, on_text| {
        let options = generate_options(arguments, model.default_options());
        let streams = !matches!(options.strategy, Strategy::Beams { .. });
        let answer = |it: &Named<String>| {
            let generated = if streams {
                model.stream(&it.value, &options, &mut *on_text)?
            } else {
                model.text2text(&it.value, &options)?
            };
            Ok(written(&it.name, &generated, streams, on_text))
        };
        texts.iter().map(answer).collect()
    })
}

/// A text that was written; `streamed` when its reader has it already.
pub(super) fn written(
    input: &str,
    generated: &Generated,
    streamed: bool,
    on_text: super::OnText<'_>,
) -> Answer {
    let text = if streamed {
        // The reader may have gone, which the next piece will tell again.
        let _: ControlFlow<()> = on_text("\n");
        String::new()
    } else {
        format!("{}\n", generated.text)
    };
    Answer {
        result: json!({
            "input": input,
            "text": generated.text,
            "token_ids": generated.token_ids,
            "stopped": stopped(&generated.stopped),
        }),
        text,
    }
}

fn stopped(stop: &Stop) -> Value {
    match stop {
        Stop::Token(id) => json!({ "by": "token", "token_id": id }),
        Stop::Text(text) => json!({ "by": "text", "text": text }),
        Stop::MaxNewTokens => json!({ "by": "max-new-tokens" }),
        Stop::ContextFull => json!({ "by": "context-full" }),
        Stop::Cancelled => json!({ "by": "cancelled" }),
    }
}

/// How a text is to be written: the likeliest token each time, so that platforms can be compared,
/// unless the command line says otherwise.
pub(super) fn generate_options(arguments: &RunArgs, of_model: &GenerateOptions) -> GenerateOptions {
    let max_new_tokens = count(arguments.max_new_tokens, MAX_NEW_TOKENS);
    if arguments.sample {
        let new_seed = arguments.seed.unwrap_or(0);
        let strategy = match of_model.strategy {
            Strategy::Sample { temperature, top_k, top_p, min_p, .. } => {
                Strategy::Sample { temperature, top_k, top_p, min_p, seed: new_seed }
            }
            // What transformers takes for a model that says nothing.
            _ => Strategy::Sample {
                temperature: 1.0,
                top_k: 50,
                top_p: 1.0,
                min_p: 0.0,
                seed: new_seed,
            },
        };
        return GenerateOptions { max_new_tokens, strategy, ..of_model.clone() };
    }
    let strategy = match arguments.beams {
        Some(beams @ 2..) => Strategy::Beams {
            count: count(Some(beams), 1),
            length_penalty: 1.0,
            early_stopping: false,
        },
        _ => Strategy::Greedy,
    };
    GenerateOptions { max_new_tokens, strategy, ..GenerateOptions::default() }
}
