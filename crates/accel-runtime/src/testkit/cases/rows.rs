//! Rows of recorded batches, cut out and freed of their padding.

use std::ops::Range;

use super::agree;
use crate::testkit::Failure;
use crate::testkit::reference::GraphCase;
use crate::{Tensor, TensorData};

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

/// `range` along `axis`; `None` when the tensor does not reach that far.
fn slice(tensor: &Tensor, axis: usize, range: &Range<usize>) -> Option<Tensor> {
    let shape = tensor.shape();
    if *shape.get(axis)? < range.end || range.start > range.end {
        return None;
    }
    let inner: usize = shape[axis + 1..].iter().product();
    let blocks = Blocks { size: shape[axis] * inner, part: range.start * inner..range.end * inner };
    let mut cut = shape.to_vec();
    cut[axis] = range.len();
    Tensor::new(cut, blocks.of(tensor.data())).ok()
}

/// The tensor `times` times, one after the other along `axis`.
fn repeat(tensor: &Tensor, axis: usize, times: usize) -> Option<Tensor> {
    let mut shape = tensor.shape().to_vec();
    *shape.get_mut(axis)? *= times;
    let size: usize = tensor.shape().get(axis..)?.iter().product();
    let data = match tensor.data() {
        TensorData::F32(it) => TensorData::F32(repeated(it, size, times)),
        TensorData::I64(it) => TensorData::I64(repeated(it, size, times)),
        TensorData::I32(it) => TensorData::I32(repeated(it, size, times)),
        TensorData::I8(it) => TensorData::I8(repeated(it, size, times)),
        TensorData::U8(it) => TensorData::U8(repeated(it, size, times)),
        TensorData::Bool(it) => TensorData::Bool(repeated(it, size, times)),
    };
    Tensor::new(shape, data).ok()
}

/// Every block of `size` elements `times` times.
fn repeated<T: Copy>(elements: &[T], size: usize, times: usize) -> Vec<T> {
    elements.chunks(size.max(1)).flat_map(|it| it.repeat(times)).collect()
}

/// The same part of every block of `size` elements.
struct Blocks {
    size: usize,
    part: Range<usize>,
}

impl Blocks {
    fn of(&self, data: &TensorData) -> TensorData {
        match data {
            TensorData::F32(it) => TensorData::F32(self.take(it)),
            TensorData::I64(it) => TensorData::I64(self.take(it)),
            TensorData::I32(it) => TensorData::I32(self.take(it)),
            TensorData::I8(it) => TensorData::I8(self.take(it)),
            TensorData::U8(it) => TensorData::U8(self.take(it)),
            TensorData::Bool(it) => TensorData::Bool(self.take(it)),
        }
    }

    fn take<T: Copy>(&self, elements: &[T]) -> Vec<T> {
        if self.size == 0 {
            return Vec::new();
        }
        elements.chunks(self.size).flat_map(|it| &it[self.part.clone()]).copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{Row, batch, both_batches, has_mask, repeat, slice};
    use crate::Tensor;
    use crate::testkit::reference::GraphCase;

    fn ids(shape: [usize; 2], elements: &[i64]) -> Tensor {
        Tensor::new(shape.to_vec(), elements.to_vec()).unwrap()
    }

    fn case(inputs: &[(&str, Tensor)]) -> GraphCase {
        GraphCase {
            graph: "model".to_owned(),
            case: "padded".to_owned(),
            inputs: inputs.iter().map(|(name, it)| ((*name).to_owned(), it.clone())).collect(),
            outputs: Vec::new(),
        }
    }

    #[test]
    fn slices_follow_row_major_order() {
        let tensor = Tensor::new(vec![2, 3, 2], (0..12).collect::<Vec<i64>>()).unwrap();
        assert_eq!(slice(&tensor, 0, &(1..2)).unwrap().as_i64().unwrap(), [6, 7, 8, 9, 10, 11]);
        let middle = slice(&tensor, 1, &(1..2)).unwrap();
        assert_eq!((middle.shape(), middle.as_i64().unwrap()), (&[2, 1, 2][..], &[2, 3, 8, 9][..]));
        assert_eq!(slice(&tensor, 2, &(0..1)).unwrap().as_i64().unwrap(), [0, 2, 4, 6, 8, 10]);
        assert!(slice(&tensor, 1, &(2..4)).is_none());
        assert!(slice(&tensor, 3, &(0..1)).is_none());
        assert_eq!(repeat(&ids([1, 2], &[1, 2]), 0, 2).unwrap(), ids([2, 2], &[1, 2, 1, 2]));
        assert_eq!(repeat(&ids([2, 1], &[1, 2]), 1, 2).unwrap(), ids([2, 2], &[1, 1, 2, 2]));
        assert!(repeat(&ids([1, 1], &[1]), 2, 2).is_none());
    }

    #[test]
    fn right_padding_is_cut_from_tokens_and_token_vectors() {
        let case = case(&[
            ("input_ids", ids([2, 3], &[1, 2, 3, 4, 0, 0])),
            ("attention_mask", ids([2, 3], &[1, 1, 1, 1, 0, 0])),
        ]);
        assert_eq!(batch(&case), 2);
        let rows = Row::all(&case).unwrap();
        assert_eq!(rows.len(), 2);
        assert!(!rows[0].padded);
        let row = &rows[1];
        assert!(row.padded);
        assert_eq!(row.inputs[0].1, ids([1, 1], &[4]));
        let logits = Tensor::new(vec![2, 3, 1], vec![0.0_f32, 1.0, 2.0, 3.0, 4.0, 5.0]).unwrap();
        assert_eq!(row.cut("logits", &logits).unwrap().as_f32().unwrap(), [3.0]);
        let pooled = Tensor::new(vec![2, 3], vec![0.0_f32, 1.0, 2.0, 3.0, 4.0, 5.0]).unwrap();
        assert_eq!(row.cut("pooled", &pooled).unwrap().as_f32().unwrap(), [3.0, 4.0, 5.0]);
    }

    #[test]
    fn left_padding_reaches_into_the_cache() {
        let cache = Tensor::new(vec![2, 1, 2, 1], vec![10_i64, 11, 20, 21]).unwrap();
        let case = case(&[
            ("input_ids", ids([2, 1], &[7, 8])),
            ("attention_mask", ids([2, 3], &[1, 1, 1, 0, 1, 1])),
            ("past_key_values.0.key", cache),
        ]);
        let row = Row::of(&case, Some(1), None).unwrap();
        assert!(row.padded);
        assert_eq!(row.inputs[0].1, ids([1, 1], &[8]));
        assert_eq!(row.inputs[1].1, ids([1, 2], &[1, 1]));
        assert_eq!(row.inputs[2].1.as_i64().unwrap(), [21]);
    }

    #[test]
    fn embeddings_are_cut_like_tokens() {
        let floats = |shape: [usize; 3], from: u8| {
            let count = shape.iter().product();
            let values: Vec<_> = (from..).map(f32::from).take(count).collect();
            Tensor::new(shape.to_vec(), values).unwrap()
        };
        let case = case(&[
            ("inputs_embeds", floats([2, 2, 2], 0)),
            ("attention_mask", ids([2, 3], &[1, 1, 1, 0, 0, 1])),
        ]);
        let row = Row::of(&case, Some(1), None).unwrap();
        assert!(row.padded);
        assert_eq!(row.inputs[0].1, floats([1, 1, 2], 6));
        assert_eq!(row.inputs[1].1, ids([1, 1], &[1]));
    }

    #[test]
    fn images_keep_their_padding() {
        let pixels = Tensor::new(vec![2, 1, 1, 2], vec![1.0_f32, 2.0, 3.0, 0.0]).unwrap();
        let mask = Tensor::new(vec![2, 1, 2], vec![1_i64, 1, 1, 0]).unwrap();
        let case = case(&[("pixel_values", pixels), ("pixel_mask", mask)]);
        assert!(has_mask(&case));
        let rows = Row::all(&case).unwrap();
        assert!(!rows[0].padded && rows[1].padded);
        assert_eq!(rows[1].inputs[0].1.as_f32().unwrap(), [3.0, 0.0]);
        assert_eq!(rows[1].inputs[1].1.as_i64().unwrap(), [1, 0]);
    }

    /// A vector of the model's own has no rows.
    #[test]
    fn what_belongs_to_no_row_stays_whole() {
        let mut case = case(&[("pixel_values", ids([2, 1], &[1, 2]))]);
        let newline = Tensor::new(vec![3], vec![7.0_f32, 8.0, 9.0]).unwrap();
        case.outputs = vec![("image_newline".to_owned(), newline.clone())];
        let row = Row::of(&case, Some(1), None).unwrap();
        assert_eq!(row.inputs[0].1, ids([1, 1], &[2]));
        assert_eq!(row.cut("image_newline", &newline).unwrap(), newline);
        assert_eq!(row.repeat("image_newline", &newline, 4).unwrap(), newline);
    }

    /// Two texts, three images.
    fn two_batches() -> GraphCase {
        let floats = |shape: &[usize]| {
            let count: usize = shape.iter().product();
            let values = (0..count).map(|it| f32::from(u8::try_from(it).unwrap()));
            Tensor::new(shape.to_vec(), values.collect::<Vec<_>>()).unwrap()
        };
        let mut case = case(&[
            ("input_ids", ids([2, 2], &[1, 2, 3, 0])),
            ("pixel_values", floats(&[3, 1])),
            ("attention_mask", ids([2, 2], &[1, 1, 1, 0])),
        ]);
        case.outputs = [
            ("logits_per_image", &[3, 2][..]),
            ("logits_per_text", &[2, 3]),
            ("text_embeds", &[2, 1]),
            ("image_embeds", &[3, 1]),
        ]
        .map(|(name, shape)| (name.to_owned(), floats(shape)))
        .into();
        case
    }

    #[test]
    fn two_batches_are_cut_one_at_a_time() {
        let case = two_batches();
        assert_eq!(batch(&case), 3);
        assert!(both_batches(&[&case]));
        let rows = Row::all(&case).unwrap();
        let cut = |row: &Row| -> Vec<(Vec<usize>, Vec<f32>)> {
            let tensors = case.outputs.iter().map(|(name, it)| row.cut(name, it).unwrap());
            tensors.map(|it| (it.shape().to_vec(), it.as_f32().unwrap().to_vec())).collect()
        };
        let names: Vec<_> = rows.iter().map(ToString::to_string).collect();
        assert_eq!((names.len(), names[1].as_str()), (5, "text 1 with all media"));
        assert!(rows[1].padded && !rows[4].padded);
        assert_eq!(rows[1].inputs[0].1, ids([1, 1], &[3]));
        assert_eq!(rows[1].inputs[1].1.shape(), [3, 1]);
        assert_eq!(
            cut(&rows[1]),
            [
                (vec![3, 1], vec![1.0, 3.0, 5.0]),
                (vec![1, 3], vec![3.0, 4.0, 5.0]),
                (vec![1, 1], vec![1.0]),
                (vec![3, 1], vec![0.0, 1.0, 2.0]),
            ]
        );
        assert_eq!(names[4], "media 2 with all texts");
        assert_eq!(rows[4].inputs[0].1.shape(), [2, 2]);
        assert_eq!(rows[4].inputs[1].1.as_f32().unwrap(), [2.0]);
        assert_eq!(
            cut(&rows[4]),
            [
                (vec![1, 2], vec![4.0, 5.0]),
                (vec![2, 1], vec![2.0, 5.0]),
                (vec![2, 1], vec![0.0, 1.0]),
                (vec![1, 1], vec![2.0]),
            ]
        );
        let conditioned = Tensor::new(vec![3, 2, 1], vec![0.0_f32, 1.0, 2.0, 3.0, 4.0, 5.0]);
        let conditioned = conditioned.unwrap();
        assert_eq!(
            rows[1].cut("text_embeds", &conditioned).unwrap().as_f32().unwrap(),
            [1.0, 3.0, 5.0]
        );
    }

    #[test]
    fn two_batches_are_repeated_together() {
        let case = two_batches();
        let row = Row::first(&case).unwrap();
        let shape = |name: &str, tensor: &Tensor| {
            let one = row.cut(name, tensor).unwrap();
            row.repeat(name, &one, 4).unwrap().shape().to_vec()
        };
        assert_eq!(shape("logits_per_image", &case.outputs[0].1), [4, 4]);
        assert_eq!(shape("text_embeds", &case.outputs[2].1), [4, 1]);
        assert_eq!(row.repeat("input_ids", &row.inputs[0].1, 4).unwrap().shape(), [4, 2]);
    }

    #[test]
    fn one_image_for_every_text_tells_nothing_of_images() {
        let mut case = two_batches();
        case.inputs[1].1 = Tensor::new(vec![1, 1], vec![0.0_f32]).unwrap();
        assert!(!both_batches(&[&case]));
        assert!(both_batches(&[&case, &two_batches()]));
    }

    #[test]
    fn masks_that_mean_nothing_are_refused() {
        for (mask, what) in [([0, 0, 0], "masks everything"), ([1, 0, 1], "has holes")] {
            let case = case(&[
                ("input_ids", ids([1, 3], &[1, 2, 3])),
                ("attention_mask", ids([1, 3], &mask)),
            ]);
            let failure = Row::of(&case, Some(0), None).unwrap_err();
            assert!(failure.message.contains(what), "{failure}");
        }
    }
}
