//! A bare graph.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use serde_json::Value;

use crate::support::{accel, finish, fixtures};

/// The inputs of a recorded case of `vit`'s graph in a file, and its recorded output.
fn prepared(folder: &Path) -> Vec<f32> {
    let bytes = fs::read(fixtures().join("vit/reference.safetensors")).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let text = fs::read_to_string(fixtures().join("vit/reference.json")).unwrap();
    let reference: Value = serde_json::from_str(&text).unwrap();
    let case = reference["graphs"][0]["case"].as_str().unwrap();
    let find = |name: &str| {
        let found = tensors.names().into_iter().find(|it| it.contains(case) && it.ends_with(name));
        tensors.tensor(found.unwrap()).unwrap()
    };
    let input = find("pixel_values");
    let inputs = BTreeMap::from([("pixel_values", input)]);
    fs::write(folder.join("in.safetensors"), safetensors::serialize(inputs, None).unwrap())
        .unwrap();
    floats(find("logits").data())
}

/// The path of a file with these inputs, below `folder`.
pub(crate) fn inputs_of_vit(folder: &Path) -> String {
    prepared(folder);
    folder.join("in.safetensors").to_str().unwrap().to_owned()
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks::<4>().0.iter().map(|it| f32::from_le_bytes(*it)).collect()
}

fn command(folder: &Path, inputs: &str) -> std::process::Command {
    let mut command = accel();
    command.current_dir(folder).arg("run").arg("--graph");
    command.arg(fixtures().join("vit/onnx/model.onnx"));
    command.args(["--inputs", inputs, "--outputs", "out.safetensors", "--format", "json"]);
    command
}

#[test]
fn tensors_in_tensors_out() {
    let folder = tempfile::tempdir().unwrap();
    let expected = prepared(folder.path());
    let run = finish(&mut command(folder.path(), "in.safetensors")).ended(0);
    let document = run.json();
    assert_eq!(document["outputs"][0]["name"], "logits");
    assert_eq!(document["outputs"][0]["dtype"], "f32");
    assert_eq!(document["outputs"][0]["not_finite"], 0);
    assert_eq!(document["placement"]["engine"], "rten");
    let bytes = fs::read(folder.path().join("out.safetensors")).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let given = floats(tensors.tensor("logits").unwrap().data());
    assert_eq!(given.len(), expected.len());
    for (given, expected) in given.iter().zip(&expected) {
        assert!((given - expected).abs() < 1e-4, "{given} {expected}");
    }
    let names: Vec<_> = fs::read_dir(folder.path())
        .unwrap()
        .map(|it| it.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(names.len(), 2, "no temporary file is left: {names:?}");
}

#[test]
fn what_does_not_fit_the_graph_is_told_and_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    prepared(folder.path());
    let write = |name: &str, tensors: BTreeMap<&str, TensorView<'_>>| {
        let bytes = safetensors::serialize(tensors, None).unwrap();
        fs::write(folder.path().join(name), bytes).unwrap();
    };
    let ids = [0_u8; 8];
    let view = |dtype, shape: &[usize], bytes: usize| {
        TensorView::new(dtype, shape.to_vec(), &ids[..bytes]).unwrap()
    };
    write("unknown", BTreeMap::from([("pixels", view(Dtype::F32, &[2], 8))]));
    write("type", BTreeMap::from([("pixel_values", view(Dtype::I64, &[1], 8))]));
    write("half", BTreeMap::from([("pixel_values", view(Dtype::F16, &[1], 2))]));
    write("none", BTreeMap::new());
    fs::write(folder.path().join("text"), "no tensors here").unwrap();
    for (file, says) in [
        ("unknown", "pixel"),
        ("type", "i64"),
        ("half", "give half precision as F32"),
        ("none", "pixel_values"),
        ("text", "it is no SafeTensors file"),
        ("absent", "absent"),
        (".", "it is not a file"),
    ] {
        let run = finish(&mut command(folder.path(), file)).ended(2).complains(&["error: ", says]);
        assert!(run.json()["error"]["message"].as_str().unwrap().contains(says), "{file}");
        assert!(!folder.path().join("out.safetensors").exists(), "{file}");
    }
}

#[test]
fn flags_of_models_and_graphs_do_not_mix() {
    let folder = tempfile::tempdir().unwrap();
    prepared(folder.path());
    finish(command(folder.path(), "in.safetensors").args(["--label", "x"]))
        .ended(2)
        .complains(&["--label is for zero-shot"]);
    finish(command(folder.path(), "in.safetensors").args(["--task", "fill-mask"])).ended(2);
    finish(accel().args(["run", "--graph", "x.onnx"])).ended(2).complains(&["--inputs"]);
    finish(accel().args(["run", "vit", "--outputs", "x"])).ended(2).complains(&["--graph"]);
    for (to, says) in [(".", "it is a folder"), ("absent/x", "there is no folder absent")] {
        let mut command = accel();
        command.current_dir(folder.path()).arg("run").arg("--graph");
        command.arg(fixtures().join("vit/onnx/model.onnx"));
        command.args(["--inputs", "in.safetensors", "--outputs", to]);
        finish(&mut command).ended(2).complains(&[says]);
    }
}
