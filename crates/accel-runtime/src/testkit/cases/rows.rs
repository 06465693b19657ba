//! Rows of recorded batches, cut out and freed of their padding.

mod blocks;
#[cfg(test)]
mod tests;

use std::ops::Range;

use self::blocks::{repeat, slice};
use super::agree;
use crate::Tensor;
use crate::testkit::Failure;
use crate::testkit::reference::GraphCase;

/// One row of a recorded batch as a run of its own. Of a graph with two batches it is one text
/// with all media, one piece of media with all texts, or one of each.
#[derive(Debug)]
pub(super) struct Row {
    batches: Batches,
    text: Option<usize>,
    media: Option<usize>,
    /// Inputs by name.
    pub(super) inputs: Vec<(String, Tensor)>,
    /// Whether there is padding in the batch's row; that of texts was cut away.
    pub(super) padded: bool,
    kept: Option<Kept>,
}

/// How many batches a graph takes at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Batches {
    /// One, which is the first dimension of everything. Its rows count as texts.
    One,
    /// Texts, and images, sounds or videos, as many of each as one likes.
    TextsAndMedia,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Texts,
    Media,
}

/// Which part of each length is not padding.
#[derive(Clone, Debug)]
struct Kept {
    /// Of this run's tokens.
    sequence: Range<usize>,
    /// Of the tokens in the cache.
    past: Range<usize>,
    /// Of both together.
    total: Range<usize>,
    /// This run's tokens, padding included.
    length: usize,
}

impl Batches {
    fn of(case: &GraphCase) -> Self {
        // Scores of texts against something else: the two need not be as many.
        let two = case.outputs.iter().any(|(name, _)| name == "logits_per_text");
        if two { Self::TextsAndMedia } else { Self::One }
    }

    /// The dimensions of a tensor that count rows.
    fn axes(self, name: &str, tensor: &Tensor) -> &'static [(usize, Side)] {
        const TEXTS: &[(usize, Side)] = &[(0, Side::Texts)];
        match name {
            // A vector of the model's own, which its vision encoder gives beside the images'; a
            // word to all rows at once.
            "image_newline" | "use_cache_branch" => &[],
            // What a merged decoder gives in place of a cache that its branch only reads.
            _ if tensor.shape().first() == Some(&0) => &[],
            _ if self == Self::One => TEXTS,
            "input_ids" | "attention_mask" | "position_ids" | "token_type_ids" => TEXTS,
            "text_embeds" if tensor.shape().len() == 2 => TEXTS,
            "logits_per_text" => &[(0, Side::Texts), (1, Side::Media)],
            // Of texts as each video changes them.
            "text_embeds" => &[(0, Side::Media), (1, Side::Texts)],
            _ if name.starts_with("logits_per_") => &[(0, Side::Media), (1, Side::Texts)],
            _ => &[(0, Side::Media)],
        }
    }

    /// The number of rows on one side of a case's inputs.
    fn count(self, case: &GraphCase, side: Side) -> usize {
        let sizes = case.inputs.iter().filter_map(|(name, it)| {
            let (axis, _) = self.axes(name, it).iter().find(|(_, of)| *of == side)?;
            it.shape().get(*axis).copied()
        });
        sizes.max().unwrap_or(0)
    }
}

/// Rows of the batch that a case runs; of two batches, of the larger.
pub(super) fn batch(case: &GraphCase) -> usize {
    let batches = Batches::of(case);
    batches.count(case, Side::Texts).max(batches.count(case, Side::Media))
}

/// Whether both batches of a graph that takes two have several rows in some case; true of a graph
/// that takes one.
pub(super) fn both_batches(cases: &[&GraphCase]) -> bool {
    [Side::Texts, Side::Media].iter().all(|side| {
        cases.iter().any(|case| {
            let batches = Batches::of(case);
            batches == Batches::One || batches.count(case, *side) > 1
        })
    })
}

/// Whether the case tells tokens from padding.
pub(super) fn has_mask(case: &GraphCase) -> bool {
    mask(case).is_some() || case.inputs.iter().any(|(name, _)| name == PIXEL_MASK)
}

/// Tells an image from its padding. That is left on: a convolutional backbone makes something of
/// padding before the mask hides it, also in PyTorch, so a row without it is another image.
const PIXEL_MASK: &str = "pixel_mask";

fn mask(case: &GraphCase) -> Option<&Tensor> {
    case.inputs.iter().find(|(name, _)| name == "attention_mask").map(|(_, it)| it)
}

impl Row {
    /// Every row of the case; of two batches, those of the one and then those of the other.
    pub(super) fn all(case: &GraphCase) -> Result<Vec<Self>, Failure> {
        let batches = Batches::of(case);
        let texts = (0..batches.count(case, Side::Texts)).map(|it| (Some(it), None));
        let media = (0..batches.count(case, Side::Media)).map(|it| (None, Some(it)));
        texts.chain(media).map(|(text, media)| Self::of(case, text, media)).collect()
    }

    /// The first row of the case; of two batches, the first of each.
    pub(super) fn first(case: &GraphCase) -> Result<Self, Failure> {
        let media = (Batches::of(case) == Batches::TextsAndMedia).then_some(0);
        Self::of(case, Some(0), media)
    }

    fn of(case: &GraphCase, text: Option<usize>, media: Option<usize>) -> Result<Self, Failure> {
        let kept = match (mask(case), text) {
            (Some(mask), Some(index)) => Some(kept(case, mask, index)?),
            _ => None,
        };
        let padded = kept.as_ref().is_some_and(|it| it.sequence.len() < it.length);
        let padded_past =
            kept.as_ref().is_some_and(|it| it.total.start > 0 && it.sequence.len() == it.length);
        let mut row = Self {
            batches: Batches::of(case),
            text,
            media,
            inputs: Vec::new(),
            padded: padded || padded_past,
            kept,
        };
        for (name, tensor) in &case.inputs {
            let cut = row.cut(name, tensor).map_err(|it| it.during(agree::name(case)))?;
            row.padded |= name == PIXEL_MASK && cut.as_i64().is_ok_and(|it| it.contains(&0));
            row.inputs.push((name.clone(), cut));
        }
        Ok(row)
    }

    /// The dimensions of a tensor along which this is one of several.
    fn picked(&self, name: &str, tensor: &Tensor) -> impl Iterator<Item = (usize, usize)> {
        let (text, media) = (self.text, self.media);
        self.batches.axes(name, tensor).iter().filter_map(move |(axis, side)| match side {
            Side::Texts => Some((*axis, text?)),
            Side::Media => Some((*axis, media?)),
        })
    }

    /// This row of a tensor of the batch, an input or an output, without its padding.
    pub(super) fn cut(&self, name: &str, tensor: &Tensor) -> Result<Tensor, Failure> {
        let mut row = tensor.clone();
        for (axis, index) in self.picked(name, tensor) {
            row = slice(&row, axis, &(index..index + 1)).ok_or_else(|| {
                let shape = tensor.shape();
                Failure::resolve(format!("`{name}` of shape {shape:?} has no row {index}"))
            })?;
        }
        let Some(kept) = &self.kept else {
            return Ok(row);
        };
        let (axis, range) = match name {
            "input_ids" | "position_ids" | "token_type_ids" => (1, &kept.sequence),
            "attention_mask" => (1, &kept.total),
            _ if self.batches == Batches::TextsAndMedia => return Ok(row),
            _ if name.starts_with("past_key_values.") => (2, &kept.past),
            _ if name.starts_with("present.") => (2, &kept.total),
            // A vector for every token, such as `logits`; others are one vector a text.
            _ if row.shape().len() >= 3 && row.shape()[1] == kept.length => (1, &kept.sequence),
            _ => return Ok(row),
        };
        slice(&row, axis, range).ok_or_else(|| {
            let shape = row.shape();
            Failure::resolve(format!("`{name}` of shape {shape:?} has no part {range:?}"))
        })
    }

    /// A tensor of this row as that of a batch of `times` equal rows; of two batches, `times` of
    /// each.
    pub(super) fn repeat(
        &self,
        name: &str,
        tensor: &Tensor,
        times: usize,
    ) -> Result<Tensor, Failure> {
        self.picked(name, tensor).try_fold(tensor.clone(), |tensor, (axis, _)| {
            repeat(&tensor, axis, times)
                .ok_or_else(|| Failure::resolve(format!("`{name}` has no rows to repeat")))
        })
    }
}

impl std::fmt::Display for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.batches, self.text, self.media) {
            (Batches::TextsAndMedia, Some(text), None) => write!(f, "text {text} with all media"),
            (Batches::TextsAndMedia, None, Some(media)) => {
                write!(f, "media {media} with all texts")
            }
            (_, text, _) => write!(f, "row {} alone", text.unwrap_or(0)),
        }
    }
}

fn kept(case: &GraphCase, mask: &Tensor, index: usize) -> Result<Kept, Failure> {
    let wrong = |what: &str| {
        Failure::resolve(format!("{}: row {index} of attention_mask {what}", agree::name(case)))
    };
    let row = slice(mask, 0, &(index..index + 1)).ok_or_else(|| wrong("is not there"))?;
    let row = row.as_i64().map_err(|error| wrong(&format!("is unusable: {error}")))?;
    let start = row.iter().position(|it| *it != 0).ok_or_else(|| wrong("masks everything"))?;
    let end = row.iter().rposition(|it| *it != 0).map_or(start, |it| it + 1);
    if row[start..end].contains(&0) {
        return Err(wrong("has holes"));
    }
    let length = case
        .inputs
        .iter()
        .find(|(name, _)| name == "input_ids" || name == "inputs_embeds")
        .and_then(|(_, it)| it.shape().get(1).copied())
        .unwrap_or(row.len());
    let past = row.len().checked_sub(length).ok_or_else(|| wrong("is shorter than the tokens"))?;
    let sequence = start.max(past) - past..end.max(past) - past;
    if sequence.is_empty() {
        return Err(wrong("masks every new token"));
    }
    Ok(Kept { sequence, past: start.min(past)..end.min(past), total: start..end, length })
}
