//! Embeddings and filled masks against Hugging Face.

use accel_runtime::{Error, MaskFill, Pooling, SessionOptions, TextEncoder, load};
use serde_json::Value;

use crate::onnx_bytes::{FLOAT, INT64, copy_of, floats, graph, model, node, value};
use crate::reference::{OPTIONS, Reference, SPEC, assert_close, fixture, float, loaded, strings};

fn pooling(case: &Value) -> Pooling {
    match case["parameters"]["pooling"].as_str().unwrap() {
        "mean" => Pooling::Mean,
        "cls" => Pooling::Cls,
        "max" => Pooling::Max,
        other => panic!("{other}"),
    }
}

#[test]
fn embeddings_equal_hugging_face_in_any_split() {
    let reference = Reference::open("bert");
    for max_batch in [1, 2, 32] {
        let options = SessionOptions { max_batch, ..OPTIONS };
        let skill: TextEncoder = load(&SPEC, &fixture("bert").into(), &options).unwrap();
        for case in reference.tasks("feature-extraction") {
            let texts = strings(&case["inputs"]["texts"]);
            let normalize = case["parameters"]["normalize"].as_bool().unwrap();
            let embeddings = skill.embed(&texts, pooling(case), normalize).unwrap();
            let expected = reference.tensor(case["tensor"].as_str().unwrap());
            assert_eq!([embeddings.len(), embeddings[0].len()], expected.shape());
            let name = case["case"].as_str().unwrap();
            assert_close(name, &embeddings.concat(), expected.as_f32().unwrap(), 1e-5);
        }
    }
}

#[test]
fn filled_masks_equal_hugging_face() {
    let skill: TextEncoder = loaded("bert");
    for case in Reference::open("bert").tasks("fill-mask") {
        let top_k = usize::try_from(case["parameters"]["top_k"].as_u64().unwrap()).unwrap();
        let text = case["inputs"]["text"].as_str().unwrap();
        let masks = skill.fill_mask(text, top_k).unwrap();
        // Hugging Face leaves the outer list out for a single mask.
        let expected = case["expected"].as_array().unwrap();
        let expected: Vec<_> = if expected[0].is_array() {
            expected.iter().map(|it| it.as_array().unwrap()).collect()
        } else {
            vec![expected]
        };
        assert_eq!(masks.len(), expected.len(), "{text}");
        for (fills, expected) in masks.iter().zip(expected) {
            assert_eq!(fills.len(), expected.len(), "{text}");
            for (MaskFill { token_id, token, sequence, score }, expected) in
                fills.iter().zip(expected)
            {
                assert_eq!(*token_id, expected["token"].as_i64().unwrap(), "{text}");
                assert_eq!(token, expected["token_str"].as_str().unwrap());
                assert_eq!(sequence, expected["sequence"].as_str().unwrap());
                assert_close(text, &[*score], &[float(&expected["score"])], 1e-6);
            }
        }
    }
}

#[test]
fn scores_of_the_whole_vocabulary_add_up() {
    let skill: TextEncoder = loaded("bert");
    let fills = skill.fill_mask("The [MASK] wakes.", usize::MAX).unwrap().remove(0);
    let total: f32 = fills.iter().map(|it| it.score).sum();
    assert!((total - 1.0).abs() < 1e-5, "{total}");
    assert!(fills.is_sorted_by(|a, b| a.score >= b.score));
}

#[test]
fn what_cannot_be_filled_is_refused() {
    let skill: TextEncoder = loaded("bert");
    let error = skill.fill_mask("There is nothing to fill.", 5).unwrap_err();
    assert!(
        matches!(&error, Error::NoMask { mask_token, .. } if mask_token == "[MASK]"),
        "{error}"
    );
    let cut_off = format!("{} [MASK]", "harbour ".repeat(100));
    let error = skill.fill_mask(&cut_off, 5).unwrap_err();
    assert!(matches!(error, Error::NoMask { .. }), "{error}");
    assert!(error.to_string().len() < 300, "{error}");
    let error = skill.fill_mask("A [MASK].", 0).unwrap_err();
    assert!(matches!(error, Error::InvalidArgument { argument: "top_k", .. }), "{error}");
    assert!(skill.embed(&[], Pooling::Mean, true).unwrap().is_empty());
}

/// An encoder that looks tokens up in a table: it takes neither mask nor type ids, and has no
/// masked-token head.
#[test]
fn a_graph_is_given_only_what_it_takes() {
    let table: Vec<_> = (0_u16..320 * 2).map(f32::from).collect();
    let bytes = model(&graph(
        &[node("Gather", &["table", "input_ids"], &["last_hidden_state"])],
        &[floats("table", &[320, 2], &table)],
        &[value("input_ids", INT64, &["batch", "length"])],
        &[value("last_hidden_state", FLOAT, &["batch", "length", "2"])],
    ));
    let copy = copy_of(&fixture("bert"));
    std::fs::write(copy.path().join("onnx/model.onnx"), bytes).unwrap();
    let skill: TextEncoder = load(&SPEC, &copy.path().into(), &OPTIONS).unwrap();
    // [CLS] is token 2 and [SEP] token 3.
    let embeddings = skill.embed(&["", "the boat"], Pooling::Mean, false).unwrap();
    assert_close("mean of rows 2 and 3", &embeddings[0], &[5.0, 6.0], 0.0);
    let cls = skill.embed(&["the boat"], Pooling::Cls, false).unwrap();
    assert_close("row 2", &cls[0], &[4.0, 5.0], 0.0);
    let error = skill.fill_mask("A [MASK].", 1).unwrap_err();
    assert!(matches!(&error, Error::UnknownOutput { output, .. } if output == "logits"), "{error}");
}
