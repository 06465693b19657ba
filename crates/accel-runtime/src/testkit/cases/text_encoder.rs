//! Text encoders against Hugging Face's pipelines.

use accel_core::SessionOptions;

use super::agree::{self, Agreement, Scored};
use super::dual::{self, DualEncoder};
use super::errors::expect;
use super::tasks::invalid_argument;
use super::tokenizer;
use crate::testkit::reference::{EmbeddingCase, Fill};
use crate::testkit::{Failure, Probe, Verdict};
use crate::{Error, MaskFill, Tensor, TextEncoder};

/// Embeddings equal Hugging Face's, tokens first: of texts, and of images, sounds or videos where
/// the skill takes them.
///
/// # Errors
/// Of stage `mismatch`; `resolve` when none are recorded.
pub fn embeds(probe: &Probe<'_>) -> Verdict {
    let skill = probe.load()?;
    if let Some(encoder) = DualEncoder::of(&skill) {
        return dual::embeds(probe, encoder);
    }
    let encoder = skill.text_encoder()?;
    tokenizer::check(probe, encoder.tokenizer())?;
    let tolerance = probe.own_tolerance()?;
    let mut all = Agreement::new();
    for case in probe.recorded(&probe.reference.embeddings, "text embeddings")? {
        let got = embed(encoder, case, &case.texts)?;
        let what = format!("embedding `{}`", case.case);
        all.add(&agree::tensors(&what, &got, &case.want, tolerance)?);
    }
    all.record(probe, "all");
    Ok(())
}

/// The embeddings of `texts`, one row each, computed as the case says.
pub(super) fn embed(
    encoder: &TextEncoder,
    case: &EmbeddingCase,
    texts: &[String],
) -> Result<Tensor, Failure> {
    let texts: Vec<_> = texts.iter().map(String::as_str).collect();
    let what = || format!("embedding `{}`", case.case);
    let rows = encoder
        .embed(&texts, case.pooling, case.normalize)
        .map_err(|error| Failure::from(error).during(what()))?;
    let width = rows.first().map_or(0, Vec::len);
    if rows.iter().any(|it| it.len() != width) {
        return Err(Failure::mismatch(format!("{}: vectors of several lengths", what())));
    }
    Ok(Tensor::new(vec![rows.len(), width], rows.concat())?)
}

/// Masked tokens are filled as by Hugging Face's pipeline.
///
/// # Errors
/// Of stage `mismatch`; `resolve` when none are recorded.
pub fn fills_masks(probe: &Probe<'_>) -> Verdict {
    let skill = probe.load()?;
    let encoder = skill.text_encoder()?;
    let tolerance = probe.own_tolerance()?;
    for case in probe.recorded(&probe.reference.fills, "filled masks")? {
        let what = format!("text `{}`", case.case);
        let masks = encoder
            .fill_mask(&case.text, case.top_k)
            .map_err(|error| Failure::from(error).during(&what))?;
        if masks.len() != case.want.len() {
            let counts = format!("{} masks, want {}", masks.len(), case.want.len());
            return Err(Failure::mismatch(format!("{what}: {counts}")));
        }
        for (index, (got, want)) in masks.iter().zip(&case.want).enumerate() {
            let what = format!("{what}, mask {index}");
            let got: Vec<_> = got.iter().map(found).collect();
            let want: Vec<_> = want.iter().map(recorded).collect();
            agree::rankings(&what, &got, &want, tolerance.max_abs, 0.0)?;
        }
    }
    Ok(())
}

fn found(it: &MaskFill) -> Scored {
    Scored { name: answer(it.token_id, &it.token, &it.sequence), score: it.score.into() }
}

fn recorded(it: &Fill) -> Scored {
    Scored { name: answer(it.token, &it.token_str, &it.sequence), score: it.score }
}

/// All that must be equal of an answer.
fn answer(id: i64, token: &str, sequence: &str) -> String {
    format!("{token}` (token {id}) in `{sequence}")
}

/// A batch of texts gives what the texts give one by one, split or not.
pub(super) fn batch_equals_singles(probe: &Probe<'_>, encoder: &TextEncoder) -> Verdict {
    let one_by_one = SessionOptions { max_batch: 1, ..probe.options };
    texts(probe, encoder)?;
    texts(probe, probe.load_with(&one_by_one)?.text_encoder()?)
        .map_err(|it| it.during("with max_batch = 1"))
}

fn texts(probe: &Probe<'_>, encoder: &TextEncoder) -> Verdict {
    let tolerance = probe.own_tolerance()?;
    let cases = &probe.reference.embeddings;
    let batches: Vec<_> = cases.iter().filter(|it| it.texts.len() > 1).collect();
    for case in probe.recorded(&batches, "embeddings of several texts")? {
        let together = embed(encoder, case, &case.texts)?;
        let what = format!("embedding `{}`", case.case);
        agree::tensors(&what, &together, &case.want, tolerance)?;
        let width = case.want.shape()[1];
        for (row, want) in together.as_f32()?.chunks(width).enumerate() {
            let alone = embed(encoder, case, &case.texts[row..=row])?;
            let what = format!("{what}, text {row} alone");
            agree::floats(&what, alone.as_f32()?, want, &[width], tolerance)?;
        }
    }
    Ok(())
}

/// Wrong arguments are typed errors.
pub(super) fn bad_input_is_typed(probe: &Probe<'_>, encoder: &TextEncoder) -> Verdict {
    let result = encoder.fill_mask("There is nothing to fill in here.", 1);
    expect("a text without a mask", result, |it| matches!(it, Error::NoMask { .. }))?;
    let Some(case) = probe.reference.fills.first() else { return Ok(()) };
    let result = encoder.fill_mask(&case.text, 0);
    expect("top_k of 0", result, |it| invalid_argument(it, "top_k"))
}
