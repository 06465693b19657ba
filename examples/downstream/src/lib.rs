//! What this crate's users call: two functions over the generated skills.

/// The generated skills of this crate's registry.
pub mod skills {
    include!(concat!(env!("OUT_DIR"), "/accelgen/src/skills/mod.rs"));
}

use accel_runtime::{Error, Image, Pooling};

/// How alike two texts are: the cosine of their embeddings, from -1 to 1.
///
/// # Errors
/// When the model in `model_dir` cannot be loaded or run.
pub fn similarity(model_dir: &str, one: &str, other: &str) -> Result<f32, Error> {
    let encoder = skills::sentence_encoder::auto(model_dir)?.skill;
    let vectors = encoder.embed(&[one, other], Pooling::Mean, true)?;
    // The vectors have length 1, so their product is the cosine.
    Ok(vectors[0].iter().zip(&vectors[1]).map(|(a, b)| a * b).sum())
}

/// The likeliest label of an image file.
///
/// # Errors
/// When the model or the image cannot be loaded, or the model cannot run.
pub fn label(model_dir: &str, image: &str) -> Result<Option<String>, Error> {
    let labeller = skills::image_labeller::cpu::load(model_dir)?;
    let labels = labeller.image_classification(&Image::open(image)?, 1)?;
    Ok(labels.into_iter().next().map(|it| it.label))
}

/// The README's examples have to compile.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
pub struct Readme;
