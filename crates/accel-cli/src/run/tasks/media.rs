//! Tasks on images and sounds.

use std::fmt::Write as _;

use accel_runtime::{
    ImageClassifier, ImageTextGenerator, Message, ObjectDetector, SpeechRecognizer, SpeechTask,
    Strategy, Timestamps, TranscribeOptions, Transcript,
};
use serde_json::json;

use super::text::{count, generate_options, written};
use super::{Answer, Run, labels};
use crate::failure::Failure;
use crate::run::args::TimestampsArg;
use crate::run::inputs::{Named, images, sounds};

pub(super) fn classify_images(run: &Run<'_>) -> Result<(), Failure> {
    let images = images(&run.arguments.inputs)?;
    let top_k = count(run.arguments.top_k, 5);
    run.with::<ImageClassifier>(|model, _| {
        images
            .iter()
            .map(|it| Ok(labels(&it.name, &model.image_classification(&it.value, top_k)?)))
            .collect()
    })
}

pub(super) fn detect_objects(run: &Run<'_>) -> Result<(), Failure> {
    let images = images(&run.arguments.inputs)?;
    let threshold = run.arguments.threshold.unwrap_or(0.5);
    run.with::<ObjectDetector>(|model, _| {
        let detect = |it: &Named<_>| {
            let objects = model.object_detection(&it.value, threshold)?;
            let mut text = format!("{}\n", it.name);
            let mut all = Vec::new();
            for object in &objects {
                let area = object.bounding_box;
                let _ = writeln!(
                    text,
                    "{:.4}  {}  ({:.1}, {:.1}) to ({:.1}, {:.1})",
                    object.score, object.label, area.xmin, area.ymin, area.xmax, area.ymax
                );
                all.push(json!({
                    "label": object.label,
                    "score": object.score,
                    "box": {
                        "xmin": area.xmin, "ymin": area.ymin, "xmax": area.xmax, "ymax": area.ymax,
                    },
                }));
            }
            if objects.is_empty() {
                let _ = writeln!(text, "nothing as sure as {threshold}; see --threshold");
            }
            Ok(Answer { result: json!({ "input": it.name, "objects": all }), text })
        };
        images.iter().map(detect).collect()
    })
}

pub(super) fn transcribe(run: &Run<'_>) -> Result<(), Failure> {
    let arguments = run.arguments;
    let sounds = sounds(&arguments.inputs)?;
    let options = TranscribeOptions {
        language: arguments.language.clone(),
        task: if arguments.translate { SpeechTask::Translate } else { SpeechTask::Transcribe },
        timestamps: match arguments.timestamps {
            None => Timestamps::None,
            Some(TimestampsArg::Segments) => Timestamps::Segments,
            Some(TimestampsArg::Characters) => Timestamps::Characters,
        },
        max_new_tokens: arguments.max_new_tokens.map(|it| count(Some(it), 0)),
        ..TranscribeOptions::default()
    };
    run.with::<SpeechRecognizer>(|model, _| {
        sounds
            .iter()
            .map(|it| Ok(transcript(&it.name, &model.transcribe(&it.value, &options)?)))
            .collect()
    })
}

fn transcript(input: &str, transcript: &Transcript) -> Answer {
    let mut text = String::new();
    for it in &transcript.chunks {
        let end = it.end_s.map_or_else(|| "?".to_owned(), |it| format!("{it:.2}"));
        let _ = writeln!(text, "{:.2} to {end} s  {}", it.start_s, it.text);
    }
    if transcript.chunks.is_empty() {
        text = format!("{}\n", transcript.text);
    }
    let chunks: Vec<_> = transcript
        .chunks
        .iter()
        .map(|it| json!({ "text": it.text, "start_s": it.start_s, "end_s": it.end_s }))
        .collect();
    Answer {
        result: json!({
            "input": input,
            "text": transcript.text,
            "token_ids": transcript.token_ids,
            "chunks": chunks,
        }),
        text,
    }
}

pub(super) fn describe_images(run: &Run<'_>) -> Result<(), Failure> {
    let arguments = run.arguments;
    let images = images(&arguments.inputs)?;
    let prompt = arguments.prompt.as_deref().unwrap_or_default();
    run.with::<ImageTextGenerator>(|model, on_text| {
        let options = generate_options(arguments, model.default_options());
        let plain = prompt.contains(model.image_token());
        // A question alone goes through the model's chat template, whose text is not streamed.
        let streams = plain && !matches!(options.strategy, Strategy::Beams { .. });
        let answer = |it: &Named<_>| {
            let generated = if streams {
                model.stream(&it.value, prompt, &options, &mut *on_text)?
            } else if plain {
                model.generate(&it.value, prompt, &options)?
            } else {
                let turn = format!("{}\n{prompt}", model.image_token());
                model.chat(&it.value, &[Message::new("user", turn)], &options)?
            };
            Ok(written(&it.name, &generated, streams, on_text))
        };
        images.iter().map(answer).collect()
    })
}
