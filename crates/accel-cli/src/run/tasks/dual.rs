//! Encoders of texts and of something else in one space.

use std::ffi::OsString;

use accel_core::Task;
use accel_runtime::{AudioTextEncoder, ImageTextEncoder, VideoTextEncoder};

use super::{Answer, Run, labels, vector};
use crate::failure::Failure;
use crate::run::inputs::{self, Named};

/// The labels to choose among.
fn given<'a>(run: &'a Run<'_>) -> Vec<&'a str> {
    run.arguments.label.iter().map(String::as_str).collect()
}

/// Vectors of inputs, then of texts.
fn vectors<T>(
    run: &Run<'_>,
    inputs: &[Named<T>],
    embed: impl FnOnce(&[&T]) -> accel_runtime::Result<Vec<Vec<f32>>>,
    embed_text: impl FnOnce(&[&str]) -> accel_runtime::Result<Vec<Vec<f32>>>,
) -> Result<Vec<Answer>, Failure> {
    let mut answers = Vec::new();
    if !inputs.is_empty() {
        let values: Vec<_> = inputs.iter().map(|it| &it.value).collect();
        let all = embed(&values)?;
        answers.extend(inputs.iter().zip(&all).map(|(it, each)| vector(&it.name, each)));
    }
    let texts: Vec<_> = run.arguments.text.iter().map(String::as_str).collect();
    if !texts.is_empty() {
        answers.extend(embed_text(&texts)?.iter().map(|it| vector("text", it)));
    }
    Ok(answers)
}

/// What `read` gives of the inputs; none are needed where texts are embedded.
fn read<T>(
    run: &Run<'_>,
    read: impl FnOnce(&[OsString]) -> Result<Vec<Named<T>>, Failure>,
) -> Result<Vec<Named<T>>, Failure> {
    let arguments = run.arguments;
    if arguments.inputs.is_empty() && !arguments.text.is_empty() {
        return Ok(Vec::new());
    }
    read(&arguments.inputs)
}

pub(super) fn images(run: &Run<'_>) -> Result<(), Failure> {
    let images = read(run, inputs::images)?;
    let normalize = run.arguments.normalize;
    if run.model.task == Task::FeatureExtraction {
        return run.with::<ImageTextEncoder>(|model, _| {
            vectors(
                run,
                &images,
                |it| model.embed_image(it, normalize),
                |it| model.embed_text(it, normalize),
            )
        });
    }
    let template = run.arguments.template.as_deref().unwrap_or(ImageTextEncoder::TEMPLATE);
    run.with::<ImageTextEncoder>(|model, _| {
        let choose = |it: &Named<_>| {
            let found = model.zero_shot_image_classification(&it.value, &given(run), template)?;
            Ok(labels(&it.name, &found))
        };
        images.iter().map(choose).collect()
    })
}

pub(super) fn sounds(run: &Run<'_>) -> Result<(), Failure> {
    let sounds = read(run, inputs::sounds)?;
    let normalize = run.arguments.normalize;
    if run.model.task == Task::FeatureExtraction {
        return run.with::<AudioTextEncoder>(|model, _| {
            vectors(
                run,
                &sounds,
                |it| model.embed_audio(it, normalize),
                |it| model.embed_text(it, normalize),
            )
        });
    }
    let template = run.arguments.template.as_deref().unwrap_or(AudioTextEncoder::TEMPLATE);
    run.with::<AudioTextEncoder>(|model, _| {
        let choose = |it: &Named<_>| {
            let found = model.zero_shot_audio_classification(&it.value, &given(run), template)?;
            Ok(labels(&it.name, &found))
        };
        sounds.iter().map(choose).collect()
    })
}

pub(super) fn videos(run: &Run<'_>) -> Result<(), Failure> {
    let videos = read(run, inputs::videos)?;
    let normalize = run.arguments.normalize;
    if run.model.task == Task::FeatureExtraction {
        return run.with::<VideoTextEncoder>(|model, _| {
            vectors(
                run,
                &videos,
                |it| model.embed_video(it, normalize),
                |it| model.embed_text(it, normalize),
            )
        });
    }
    let template = run.arguments.template.as_deref().unwrap_or(VideoTextEncoder::TEMPLATE);
    run.with::<VideoTextEncoder>(|model, _| {
        let choose = |it: &Named<_>| {
            let found = model.zero_shot_video_classification(&it.value, &given(run), template)?;
            Ok(labels(&it.name, &found))
        };
        videos.iter().map(choose).collect()
    })
}
