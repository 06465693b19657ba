//! Damaged files are errors, never a panic and never a dead process.

use std::fs;

use accel_runtime::{Error, GraphModel, Stage, load};

use crate::onnx_bytes::{
    FLOAT, INT64, Message, copy_of, floats, folder, graph, integer_attribute, model, node, value,
};
use crate::reference::{OPTIONS, SPEC, fixture};

/// Loads the bytes as a model; a damaged one may still load, since most bytes are weights.
fn load_bytes(bytes: &[u8]) -> Result<GraphModel, Error> {
    load(&SPEC, &folder(bytes).path().into(), &OPTIONS)
}

/// Damage in the graph's structure, where it does most harm: the file without its weights' bulk.
#[test]
fn every_byte_of_a_small_file_can_be_any_other() {
    let intact = relu_model();
    load_bytes(&intact).unwrap();
    for at in 0..intact.len() {
        for bit in [0, 3, 6, 7] {
            let mut bytes = intact.clone();
            bytes[at] ^= 1 << bit;
            _ = load_bytes(&bytes);
        }
        _ = load_bytes(&intact[..at]);
    }
}

#[track_caller]
fn assert_corrupt(bytes: &[u8], reason: &str) {
    let error = load_bytes(bytes).unwrap_err();
    assert!(matches!(error, Error::CorruptModel { .. }), "{error:?}");
    assert!(error.to_string().contains(reason), "{error}");
}

#[test]
fn the_reason_is_told() {
    assert_corrupt(b"", "the file holds no graph");
    assert_corrupt(b"not a model at all", "at byte");
    let intact = relu_model();
    assert_corrupt(&intact[..intact.len() / 2], "a field is longer than what holds it");
    // Nested so deep that a recursive reader would overflow its stack.
    let deep = (0..200).fold(Message::default(), |inner, _| {
        let attribute = Message::default().text(1, "body").message(6, &inner);
        Message::default().message(1, &node("If", &[], &[]).message(5, &attribute))
    });
    assert_corrupt(&model(&deep), "nest too deep");
    let wrong = |dims: &[u64]| {
        let weights = floats("w", dims, &[1.0, 2.0, 3.0, 4.0]);
        model(&graph(&[], &[weights], &[], &[]))
    };
    assert_corrupt(&wrong(&[5]), "size of its shape");
    assert_corrupt(&wrong(&[u64::MAX]), "negative or too large");
    assert_corrupt(&wrong(&[1 << 40, 1 << 40]), "negative or too large");
}

/// A graph of one node whose sizes come from the constant `s`.
fn sized(operator: &str, inputs: &[&str], sizes: &[i64]) -> Vec<u8> {
    let raw: Vec<_> = sizes.iter().flat_map(|it| it.to_le_bytes()).collect();
    let count = u64::try_from(sizes.len()).unwrap();
    let constant = Message::default().number(1, count).number(2, INT64).text(8, "s").bytes(9, &raw);
    model(&graph(
        &[node(operator, inputs, &["y"])],
        &[constant],
        &[value("x", FLOAT, &["n", "2"])],
        &[value("y", FLOAT, &["a", "b"])],
    ))
}

/// rten would make these while it loads the graph, or at its first run, and the process would end.
#[test]
fn constants_that_ask_for_too_much_are_refused() {
    let terabyte = 1 << 20;
    for (operator, inputs) in
        [("ConstantOfShape", &["s"][..]), ("Expand", &["x", "s"]), ("Tile", &["x", "s"])]
    {
        assert_corrupt(&sized(operator, inputs, &[terabyte, terabyte]), "from constants");
        load_bytes(&sized(operator, inputs, &[3, 2])).unwrap();
    }
    assert_corrupt(&sized("Pad", &["x", "s"], &[0, 0, 0, 1 << 40]), "pads an edge");
    load_bytes(&sized("Pad", &["x", "s"], &[0, 0, 0, 1])).unwrap();
    // Hidden behind other nodes, one part of it known only while the graph runs.
    let raw: Vec<_> = [1_i64 << 40].iter().flat_map(|it| it.to_le_bytes()).collect();
    let constant = Message::default().number(1, 1).number(2, INT64).text(8, "s").bytes(9, &raw);
    let axis = |name| integer_attribute(name, 0);
    let hidden = model(&graph(
        &[
            node("Shape", &["x"], &["open"]).message(5, &integer_attribute("end", 1)),
            node("Mul", &["s", "s"], &["overflow"]),
            node("Max", &["s", "s"], &["most"]),
            node("Concat", &["open", "most"], &["shape"]).message(5, &axis("axis")),
            node("ConstantOfShape", &["shape"], &["y"]),
        ],
        &[constant],
        &[value("x", FLOAT, &["n", "2"])],
        &[value("y", FLOAT, &["a", "b"])],
    ));
    assert_corrupt(&hidden, "node `y` (ConstantOfShape) makes a tensor of 1099511627776 elements");
}

#[test]
fn damaged_configuration_is_told_by_its_file() {
    for file in ["config.json", "tokenizer.json", "tokenizer_config.json"] {
        let copy = copy_of(&fixture("bert"));
        fs::write(copy.path().join(file), "{\"model\": ").unwrap();
        let loaded = load::<accel_runtime::TextEncoder>(&SPEC, &copy.path().into(), &OPTIONS);
        let error = loaded.unwrap_err();
        assert!(
            matches!(&error, Error::InvalidFile { path, .. } if path.ends_with(file)),
            "{error}"
        );
        assert_eq!(error.stage(), Stage::Resolve);
    }
}

fn relu_model() -> Vec<u8> {
    model(&graph(
        &[node("Add", &["x", "w"], &["z"]), node("Relu", &["z"], &["y"])],
        &[floats("w", &[2, 2], &[1.0, 2.0, 3.0, 4.0])],
        &[value("x", FLOAT, &["n", "2"])],
        &[value("y", FLOAT, &["n", "2"])],
    ))
}
