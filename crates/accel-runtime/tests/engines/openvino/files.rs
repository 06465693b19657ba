//! Model files and the cache of compiled models.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

use accel_runtime::{EngineName, Error, GraphModel, SessionOptions, Stage, Tensor, load};

use super::{ON_OPENVINO, in_child, is_child, load_bytes, options, plain};
use crate::needs::{Needs, tests};
use crate::onnx_bytes::{FLOAT, Message, copy_of, folder, graph, model, node, value};
use crate::reference::fixture;

tests! {
    Needs::Engine("openvino") => [
        weights_in_another_file_are_read,
        an_operator_that_it_lacks_is_named,
        damaged_files_are_typed_errors,
        a_second_load_comes_from_the_cache_and_nothing_else_does,
        loads_at_once_share_the_cache,
        a_cache_that_cannot_be_written_is_refused,
        the_case_of_the_cache_passes_where_the_cache_is_used,
    ],
}

fn adding(with: &Message) -> Vec<u8> {
    model(&graph(
        &[node("Add", &["x", "w"], &["y"])],
        std::slice::from_ref(with),
        &[value("x", FLOAT, &["4"])],
        &[value("y", FLOAT, &["4"])],
    ))
}

fn weights_in_another_file_are_read() {
    let pair = |key, value| Message::default().text(1, key).text(2, value);
    let weights = Message::default().number(1, 4).number(2, FLOAT).text(8, "w").number(14, 1);
    let weights = weights
        .message(13, &pair("location", "weights.bin"))
        .message(13, &pair("offset", "4096"))
        .message(13, &pair("length", "16"));
    let folder = folder(&adding(&weights));
    let mut bytes = vec![0; 4096];
    bytes.extend([1.0_f32, 2.0, 3.0, 4.0].iter().flat_map(|it| it.to_le_bytes()));
    let file = folder.path().join("onnx/weights.bin");
    fs::write(&file, bytes).unwrap();
    let load = || load::<GraphModel>(&ON_OPENVINO, &folder.path().into(), &plain());
    let x = Tensor::new(vec![4], vec![10.0_f32; 4]).unwrap();
    let y = load().unwrap().run("model", vec![("x", x)], &["y"]).unwrap().remove(0);
    assert_eq!(y.as_f32().unwrap(), [11.0, 12.0, 13.0, 14.0]);
    fs::remove_file(file).unwrap();
    assert!(matches!(load(), Err(Error::MissingFile { .. })));
}

fn an_operator_that_it_lacks_is_named() {
    let ports = ([value("x", FLOAT, &["4"])], [value("y", FLOAT, &["4"])]);
    let unknown = node("Frobnicate", &["x"], &["y"]).text(3, "the_node");
    let foreign = unknown.clone().text(7, "com.example");
    for (node, name) in [(unknown, "Frobnicate"), (foreign, "com.example.Frobnicate")] {
        let error = load_bytes(&model(&graph(&[node], &[], &ports.0, &ports.1))).unwrap_err();
        assert_eq!(error.stage(), Stage::Load);
        let Error::UnsupportedOperator { operator, node, engine, alternatives, .. } = error else {
            panic!("{error:?}")
        };
        assert_eq!((operator.as_str(), node.as_str()), (name, "the_node"));
        assert_eq!(engine, EngineName::Openvino);
        assert_eq!(alternatives, []);
    }
}

/// Neither crashes nor panics; the file is cut off, and bytes of it are changed.
fn damaged_files_are_typed_errors() {
    let intact = fs::read(fixture("vit").join("onnx/model.onnx")).unwrap();
    let mut refused = 0;
    for round in 0..40 {
        let mut bytes = intact.clone();
        let at = (round * 7919 + 13) % bytes.len();
        if round % 2 == 0 {
            bytes.truncate(at);
        } else {
            let end = (at + 64).min(bytes.len());
            bytes[at..end].fill(u8::try_from(round).unwrap());
        }
        let Err(error) = load_bytes(&bytes) else { continue };
        refused += 1;
        assert!(
            matches!(
                error,
                Error::CorruptModel { .. }
                    | Error::Load { .. }
                    | Error::UnsupportedModel { .. }
                    | Error::UnsupportedOperator { .. }
                    | Error::MissingFile { .. }
            ),
            "{error:?}"
        );
    }
    assert!(refused > 20, "{refused} of 40 refused");
    // A graph that is whole and makes no sense: two and three rows cannot be added.
    let weights = Message::default().number(1, 3).number(2, FLOAT).text(8, "w").bytes(9, &[0; 12]);
    let error = load_bytes(&adding(&weights)).unwrap_err();
    assert!(matches!(error, Error::Load { .. }), "{error:?}");
}

/// The files of compiled models below a folder.
fn blobs(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(blobs(&path));
        } else if path.extension().is_some_and(|it| it == "blob") {
            found.push(path);
        }
    }
    found
}

fn cached() -> SessionOptions {
    options(|it| it.model_cache = true)
}

/// Loads, runs, and says whether the cache was used.
fn from_cache(model: &Path, options: &SessionOptions) -> Option<bool> {
    let skill: GraphModel = load(&ON_OPENVINO, &model.into(), options).unwrap();
    let session = skill.graph("model").unwrap();
    let x = Tensor::new(vec![1, 4], vec![1_i64, 2, 3, 4]).unwrap();
    let ones = Tensor::new(vec![1, 4], vec![1_i64; 4]).unwrap();
    let zeros = Tensor::new(vec![1, 4], vec![0_i64; 4]).unwrap();
    let inputs = session.inputs().iter().map(|it| match it.name.as_str() {
        "input_ids" => ("input_ids", x.clone()),
        "attention_mask" => ("attention_mask", ones.clone()),
        _ => ("token_type_ids", zeros.clone()),
    });
    session.run(inputs.collect(), &["last_hidden_state"]).unwrap();
    session.loaded_from_cache()
}

fn a_second_load_comes_from_the_cache_and_nothing_else_does() {
    let test = "openvino::files::a_second_load_comes_from_the_cache_and_nothing_else_does";
    if !is_child() {
        let caches = tempfile::tempdir().unwrap();
        return in_child(test, &[("XDG_CACHE_HOME", caches.path().to_str().unwrap())]);
    }
    let caches = PathBuf::from(std::env::var_os("XDG_CACHE_HOME").unwrap());
    let copy = copy_of(&fixture("bert"));
    let model = copy.path();
    assert_eq!(from_cache(model, &plain()), Some(false));
    assert!(blobs(&caches).is_empty());
    assert_eq!(from_cache(model, &cached()), Some(false));
    assert_eq!(blobs(&caches).len(), 1);
    assert_eq!(from_cache(model, &cached()), Some(true));
    assert_eq!(blobs(&caches).len(), 1);
    // Other options and the same model elsewhere are other compiled models.
    assert_eq!(from_cache(model, &SessionOptions { threads: 0, ..cached() }), Some(false));
    assert_eq!(from_cache(&fixture("bert"), &cached()), Some(false));
    assert_eq!(blobs(&caches).len(), 3);
    // So is what another file of the same name computes.
    fs::copy(fixture("bert").join("onnx/model.onnx"), model.join("onnx/model.onnx")).unwrap();
    assert_eq!(from_cache(model, &cached()), Some(false));
    // Nothing is left but compiled models and the locks on them.
    let unfinished = |it: &PathBuf| it.to_string_lossy().contains("unfinished");
    assert!(!blobs(&caches).iter().any(unfinished));
    // A compiled model that is damaged is compiled again, or refused; it is not believed.
    for blob in blobs(&caches) {
        let bytes = fs::read(&blob).unwrap();
        fs::remove_file(&blob).unwrap();
        fs::write(&blob, &bytes[..bytes.len() / 2]).unwrap();
    }
    from_cache(model, &cached());
}

fn loads_at_once_share_the_cache() {
    let test = "openvino::files::loads_at_once_share_the_cache";
    if !is_child() {
        let caches = tempfile::tempdir().unwrap();
        return in_child(test, &[("XDG_CACHE_HOME", caches.path().to_str().unwrap())]);
    }
    let used: Vec<_> = thread::scope(|scope| {
        let load = || from_cache(&fixture("bert"), &cached()).unwrap();
        let loads: Vec<_> = (0..6).map(|_| scope.spawn(load)).collect();
        loads.into_iter().map(|it| it.join().unwrap()).collect()
    });
    assert_eq!(used.iter().filter(|it| !**it).count(), 1, "{used:?}");
}

fn a_cache_that_cannot_be_written_is_refused() {
    let test = "openvino::files::a_cache_that_cannot_be_written_is_refused";
    if !is_child() {
        return in_child(test, &[("XDG_CACHE_HOME", "/dev/null/caches")]);
    }
    let error = load::<GraphModel>(&ON_OPENVINO, &fixture("bert").into(), &cached()).unwrap_err();
    assert!(matches!(error, Error::InvalidOption { option: "model_cache", .. }), "{error:?}");
    load::<GraphModel>(&ON_OPENVINO, &fixture("bert").into(), &plain()).unwrap();
}

/// The testkit's case asks the engine; the first load of a new cache compiles, which is in order.
fn the_case_of_the_cache_passes_where_the_cache_is_used() {
    use accel_runtime::testkit as tk;
    use accel_runtime::{CaseName, ModelSource, Outcome, Precision, Tolerance};

    let test = "openvino::files::the_case_of_the_cache_passes_where_the_cache_is_used";
    if !is_child() {
        let caches = tempfile::tempdir().unwrap();
        return in_child(test, &[("XDG_CACHE_HOME", caches.path().to_str().unwrap())]);
    }
    let case = tk::Case::new(CaseName::ReusesCompiledModel, tk::reuses_compiled_model);
    for (options, passes) in [(cached(), true), (plain(), false)] {
        let cell = tk::Cell {
            spec: &ON_OPENVINO,
            options,
            load: tk::Load::GraphModel(|source, options| load(&ON_OPENVINO, source, options)),
            tolerances: &[(
                Precision::Fp32,
                Tolerance { max_abs: 1e-3, min_cosine: 0.9999, min_sqnr_db: 60.0 },
            )],
            expected_failures: &[],
            cases: &[],
        };
        let report = tk::run_case(&cell, &case, ModelSource::dir(fixture("whisper")));
        let passed = matches!(report.outcome, Outcome::Passed { .. });
        assert_eq!(passed, passes, "{:?}", report.outcome);
    }
}
