//! Weights in files beside the graph's.

use std::fs;

use accel_runtime::engine::{Engine, RtenEngine};
use accel_runtime::{Error, GraphFiles, GraphModel, Platform, Tensor, load};
use tempfile::TempDir;

use crate::onnx_bytes::{
    FLOAT, INT64, Message, folder, graph, integer_attribute, model, node, value,
};
use crate::reference::{OPTIONS, SPEC};

/// Where a tensor lies, in ONNX's words.
type Place<'a> = &'a [(&'a str, &'a str)];

/// A graph that adds four weights from another file, and after it takes the greatest if asked.
fn adding(place: Place<'_>, greatest: bool) -> Vec<u8> {
    let weights = Message::default().number(1, 4).number(2, FLOAT).text(8, "w").number(14, 1);
    let weights = place.iter().fold(weights, |weights, (key, value)| {
        weights.message(13, &Message::default().text(1, key).text(2, value))
    });
    let mut nodes = vec![node("Add", &["x", "w"], &["sum"])];
    let output = if greatest {
        nodes.push(node("ArgMax", &["sum"], &["y"]).message(5, &integer_attribute("keepdims", 0)));
        value("y", INT64, &[])
    } else {
        nodes.push(node("Identity", &["sum"], &["y"]));
        value("y", FLOAT, &["4"])
    };
    model(&graph(&nodes, &[weights], &[value("x", FLOAT, &["4"])], &[output]))
}

/// The graph's folder, with the weights 1, 2, 3, 4 after `before` other bytes.
fn place(bytes: &[u8], file: &str, before: usize) -> TempDir {
    let folder = folder(bytes);
    let mut weights = vec![0; before];
    weights.extend([1.0_f32, 2.0, 3.0, 4.0].iter().flat_map(|it| it.to_le_bytes()));
    fs::write(folder.path().join("onnx").join(file), weights).unwrap();
    folder
}

fn load_from(folder: &TempDir) -> Result<GraphModel, Error> {
    load(&SPEC, &folder.path().into(), &OPTIONS)
}

#[track_caller]
fn assert_adds(folder: &TempDir) {
    let input = Tensor::new(vec![4], vec![10.0_f32; 4]).unwrap();
    let result = load_from(folder).unwrap().run("model", vec![("x", input)], &["y"]).unwrap();
    assert_eq!(result[0].as_f32().unwrap(), [11.0, 12.0, 13.0, 14.0]);
}

#[test]
fn they_are_loaded_and_counted() {
    let at = [("location", "model.onnx_data"), ("offset", "4"), ("length", "16")];
    let folder = place(&adding(&at, false), "model.onnx_data", 4);
    assert_adds(&folder);
    let files = GraphFiles::read("model", &folder.path().join("onnx/model.onnx")).unwrap();
    assert_eq!(files.external_data, [folder.path().join("onnx/model.onnx_data")]);
    let graph_bytes = fs::metadata(&files.path).unwrap().len();
    assert_eq!(files.bytes, graph_bytes + 20);
}

#[test]
fn any_name_and_place_will_do() {
    assert_adds(&place(&adding(&[("location", "weights.bin")], false), "weights.bin", 0));
    // Where no processor reads four bytes at once.
    let at = [("location", "model.onnx_data"), ("offset", "3")];
    assert_adds(&place(&adding(&at, false), "model.onnx_data", 3));
    let more = [("location", "w.data"), ("basepath", "."), ("checksum", "none")];
    assert_adds(&place(&adding(&more, false), "w.data", 0));
}

#[test]
fn a_rewritten_graph_finds_them_too() {
    let folder = place(&adding(&[("location", "w.data")], true), "w.data", 0);
    let input = Tensor::new(vec![4], vec![0.0, 5.0, 4.0, 0.0_f32]).unwrap();
    let result = load_from(&folder).unwrap().run("model", vec![("x", input)], &["y"]).unwrap();
    assert_eq!(result[0].as_i64().unwrap(), [1]);
}

#[test]
fn they_must_lie_where_the_graph_says() {
    let beyond = [("location", "w.data"), ("offset", "8"), ("length", "16")];
    let error = load_from(&place(&adding(&beyond, false), "w.data", 4)).unwrap_err();
    assert!(error.to_string().contains("beyond the end of their file"), "{error}");
    for location in ["../w.data", "/etc/hostname", ""] {
        let folder = place(&adding(&[("location", location)], false), "w.data", 0);
        let error = load_from(&folder).unwrap_err();
        assert!(error.to_string().contains("beside the model"), "{error}");
    }
    let folder = place(&adding(&[("location", "gone.data")], false), "w.data", 0);
    let error = load_from(&folder).unwrap_err();
    assert!(matches!(error, Error::MissingFile { .. }), "{error}");
    assert!(error.to_string().contains("gone.data"), "{error}");
}

#[test]
fn files_that_change_after_they_were_looked_at_are_refused() {
    let at = [("location", "w.data")];
    for file in ["w.data", "model.onnx"] {
        let folder = place(&adding(&at, false), "w.data", 0);
        let onnx = folder.path().join("onnx");
        let files = GraphFiles::read("model", &onnx.join("model.onnx")).unwrap();
        fs::write(onnx.join(file), "short").unwrap();
        let engine = RtenEngine::new();
        let error = engine.load(&files, Platform::Cpu, &OPTIONS).unwrap_err();
        assert!(matches!(error, Error::CorruptModel { .. }), "{error}");
        assert!(error.to_string().contains("a moment ago"), "{error}");
    }
}

/// Elsewhere the system does not tell which files are mapped.
#[cfg(target_os = "linux")]
#[test]
fn they_are_used_where_they_are_on_disk() {
    let name = "mapped_and_not_read.data";
    let is_mapped = || fs::read_to_string("/proc/self/maps").unwrap().contains(name);
    for greatest in [false, true] {
        let folder = place(&adding(&[("location", name)], greatest), name, 0);
        let skill = load_from(&folder).unwrap();
        assert!(is_mapped());
        drop(skill);
        assert!(!is_mapped(), "the map outlives the model");
    }
}
