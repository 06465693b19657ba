//! Damaged files are errors, never a panic and never a dead process.

use std::fs;

use accel_runtime::{Error, GraphFiles, GraphModel, Stage, load};

use crate::onnx_bytes::{FLOAT, Message, copy_of, floats, folder, graph, model, node, value};
use crate::reference::{OPTIONS, SPEC, fixture};

/// A small generator of numbers, so that every run damages the same bytes.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        // xorshift64*
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let number = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(number).unwrap() % end
    }
}

/// Loads the bytes as a model; a damaged one may still load, since most bytes are weights.
fn load_bytes(bytes: &[u8]) -> Result<GraphModel, Error> {
    load(&SPEC, &folder(bytes).path().into(), &OPTIONS)
}

#[test]
fn random_damage_never_panics() {
    for (seed, name) in [(1, "bert"), (2, "qwen3")] {
        let intact = fs::read(fixture(name).join("onnx/model.onnx")).unwrap();
        let mut random = Random(seed);
        let (mut refused, mut loaded) = (0, 0);
        for round in 0..100 {
            let mut bytes = intact.clone();
            match round % 4 {
                0 => bytes.truncate(random.below(intact.len())),
                1 => {
                    let at = random.below(bytes.len());
                    bytes[at] ^= 1 << random.below(8);
                }
                2 => {
                    for _ in 0..32 {
                        let at = random.below(bytes.len());
                        bytes[at] = u8::try_from(random.below(256)).unwrap();
                    }
                }
                _ => {
                    let from = random.below(bytes.len());
                    let to = (from + random.below(4096)).min(bytes.len());
                    bytes.drain(from..to);
                }
            }
            match load_bytes(&bytes) {
                Ok(_) => loaded += 1,
                Err(error) => {
                    assert!(
                        matches!(
                            error,
                            Error::CorruptModel { .. }
                                | Error::Load { .. }
                                | Error::UnsupportedModel { .. }
                                | Error::MissingFile { .. }
                        ),
                        "{error:?}"
                    );
                    assert!(matches!(error.stage(), Stage::Load | Stage::Resolve));
                    refused += 1;
                }
            }
        }
        println!("{name}: {refused} refused, {loaded} loaded");
        assert!(refused > 0);
    }
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

#[test]
fn weights_in_another_file_are_loaded_and_checked() {
    let entry = |key: &str, value: &str| Message::default().text(1, key).text(2, value);
    let external = |location: &str, offset: &str| {
        let weights = Message::default()
            .number(1, 4)
            .number(2, FLOAT)
            .text(8, "w")
            .message(13, &entry("location", location))
            .message(13, &entry("offset", offset))
            .message(13, &entry("length", "16"))
            .number(14, 1);
        model(&graph(
            &[node("Add", &["x", "w"], &["y"])],
            &[weights],
            &[value("x", FLOAT, &["4"])],
            &[value("y", FLOAT, &["4"])],
        ))
    };
    let place = |bytes: &[u8]| {
        let folder = folder(bytes);
        let weights: Vec<_> = [9.0_f32, 1.0, 2.0, 3.0, 4.0].map(f32::to_le_bytes).concat();
        fs::write(folder.path().join("onnx/model.onnx_data"), weights).unwrap();
        folder
    };
    let load_from =
        |folder: &tempfile::TempDir| load::<GraphModel>(&SPEC, &folder.path().into(), &OPTIONS);

    let folder = place(&external("model.onnx_data", "4"));
    let input = accel_runtime::Tensor::new(vec![4], vec![10.0_f32; 4]).unwrap();
    let result = load_from(&folder).unwrap().run("model", vec![("x", input)], &["y"]).unwrap();
    assert_eq!(result[0].as_f32().unwrap(), [11.0, 12.0, 13.0, 14.0]);
    let files = GraphFiles::read("model", &folder.path().join("onnx/model.onnx")).unwrap();
    assert_eq!(files.external_data, [folder.path().join("onnx/model.onnx_data")]);
    let graph_bytes = fs::metadata(&files.path).unwrap().len();
    assert_eq!(files.bytes, graph_bytes + 20);

    let error = load_from(&place(&external("model.onnx_data", "8"))).unwrap_err();
    assert!(error.to_string().contains("beyond the end of their file"), "{error}");
    for location in ["../model.onnx_data", "/etc/hostname", ""] {
        let error = load_from(&place(&external(location, "0"))).unwrap_err();
        assert!(error.to_string().contains("beside the model"), "{error}");
    }
    let error = load_from(&place(&external("gone.onnx_data", "0"))).unwrap_err();
    assert!(matches!(error, Error::MissingFile { .. }), "{error}");
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
