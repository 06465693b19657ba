//! Rows of batches that are made up here.

use super::{Row, batch, both_batches, has_mask};
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
        let case =
            case(&[("input_ids", ids([1, 3], &[1, 2, 3])), ("attention_mask", ids([1, 3], &mask))]);
        let failure = Row::of(&case, Some(0), None).unwrap_err();
        assert!(failure.message.contains(what), "{failure}");
    }
}
