//! Every fixture on the CPU, compared with what Hugging Face's own pipelines gave.

use std::collections::BTreeSet;
use std::fs;

use safetensors::SafeTensors;
use serde_json::Value;

use crate::support::{fixtures, run};

/// Cases of one task of one fixture that are run; the rest is the runtime's own tests' business.
const CASES: usize = 2;
/// What the engine may differ by from PyTorch.
const TOLERANCE: f64 = 2e-4;

#[test]
fn every_task_of_every_fixture_gives_the_recorded_result() {
    let (mut models, mut tasks) = (BTreeSet::new(), BTreeSet::new());
    for entry in fs::read_dir(fixtures()).unwrap() {
        let folder = entry.unwrap().path();
        let model = folder.file_name().unwrap().to_str().unwrap().to_owned();
        let text = fs::read_to_string(folder.join("reference.json")).unwrap();
        let reference: Value = serde_json::from_str(&text).unwrap();
        let bytes = fs::read(folder.join("reference.safetensors")).unwrap();
        let tensors = SafeTensors::deserialize(&bytes).unwrap();
        let mut done = std::collections::BTreeMap::new();
        for case in reference["tasks"].as_array().unwrap() {
            let task = case["task"].as_str().unwrap();
            let Some(arguments) = arguments(&model, case) else { continue };
            let count = done.entry(task.to_owned()).or_insert(0_usize);
            if *count == CASES {
                continue;
            }
            *count += 1;
            let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
            let document = run(&arguments).ended(0).json();
            let name = format!("{model} {}", case["case"]);
            assert_eq!(document["task"], task, "{name}");
            assert!(document["device"].as_str().unwrap().starts_with("CPU"), "{name}");
            assert_eq!(document["placement"]["engine"], "rten", "{name}");
            assert_eq!(document["findings"].as_array().map(Vec::len), Some(0), "{name}");
            assert!(document["placement"]["nodes"][0]["nodes"].as_u64().unwrap() > 0, "{name}");
            for time in ["load_ms", "first_run_ms"] {
                assert!(document["times"][time].as_f64().unwrap() > 0.0, "{name}: {time}");
            }
            compare(&name, case, &document["results"], &tensors);
            tasks.insert(task.to_owned());
        }
        assert!(!done.is_empty(), "{model} has no case that can be written on a command line");
        models.insert(model);
    }
    assert_eq!(models.len(), 14, "{models:?}");
    assert_eq!(tasks.len(), 11, "{tasks:?}");
}

/// The command line of a recorded case; `None` for one that needs more than it can say.
fn arguments(model: &str, case: &Value) -> Option<Vec<String>> {
    let mut line: Vec<String> =
        ["run", model, "--format", "json", "--task", case["task"].as_str()?]
            .map(str::to_owned)
            .into();
    for (name, value) in case["parameters"].as_object()? {
        match (name.as_str(), value) {
            ("normalize", Value::Bool(on)) => {
                line.extend(on.then(|| "--normalize".to_owned()));
            }
            ("do_sample", Value::Bool(false)) => {}
            ("task", Value::String(it)) if it == "transcribe" => {}
            ("pooling" | "language" | "timestamps", Value::String(it)) => {
                line.push(format!("--{name}={it}"));
            }
            ("num_beams", it) => line.push(format!("--beams={it}")),
            ("max_new_tokens" | "top_k" | "threshold", it) => {
                line.push(format!("--{}={it}", name.replace('_', "-")));
            }
            _ => return None,
        }
    }
    let file = |it: &Value| {
        let path = fixtures().join(model).join(it.as_str()?);
        Some(path.to_str()?.to_owned())
    };
    for (name, value) in case["inputs"].as_object()? {
        match (name.as_str(), value) {
            ("text", it) => line.push(format!("--text={}", it.as_str()?)),
            ("texts", it) => {
                for it in it.as_array()? {
                    line.push(format!("--text={}", it.as_str()?));
                }
            }
            ("image" | "audio", it) => line.push(file(it)?),
            ("images" | "audios" | "video", it) => {
                for it in it.as_array()? {
                    line.push(file(it)?);
                }
            }
            ("labels", it) => {
                for it in it.as_array()? {
                    line.push(format!("--label={}", it.as_str()?));
                }
            }
            ("template" | "prompt", it) => line.push(format!("--{name}={}", it.as_str()?)),
            _ => return None,
        }
    }
    Some(line)
}

fn compare(name: &str, case: &Value, results: &Value, tensors: &SafeTensors<'_>) {
    let expected = &case["expected"];
    let first = &results[0];
    match case["task"].as_str().unwrap() {
        "feature-extraction" => {
            let view = tensors.tensor(case["tensor"].as_str().unwrap()).unwrap();
            let recorded: Vec<f64> = view
                .data()
                .as_chunks::<4>()
                .0
                .iter()
                .map(|it| f64::from(f32::from_le_bytes(*it)))
                .collect();
            let given: Vec<f64> = results
                .as_array()
                .unwrap()
                .iter()
                .flat_map(|it| it["vector"].as_array().unwrap())
                .map(|it| it.as_f64().unwrap())
                .collect();
            assert_eq!(given.len(), recorded.len(), "{name}");
            for (given, recorded) in given.iter().zip(&recorded) {
                assert!((given - recorded).abs() < TOLERANCE, "{name}: {given} {recorded}");
            }
        }
        "fill-mask" => {
            let masks = first["masks"].as_array().unwrap();
            let one = masks.len() == 1;
            for (i, fills) in masks.iter().enumerate() {
                let expected = if one { expected } else { &expected[i] };
                same_list(name, fills, expected, |fill, expected| {
                    assert_eq!(fill["token_id"], expected["token"], "{name}");
                    assert_eq!(fill["sequence"], expected["sequence"], "{name}");
                    close(name, &fill["score"], &expected["score"], TOLERANCE);
                });
            }
        }
        "object-detection" => same_list(name, &first["objects"], expected, |object, expected| {
            assert_eq!(object["label"], expected["label"], "{name}");
            close(name, &object["score"], &expected["score"], TOLERANCE);
            for side in ["xmin", "ymin", "xmax", "ymax"] {
                close(name, &object["box"][side], &expected["box"][side], 0.02);
            }
        }),
        "image-classification"
        | "zero-shot-image-classification"
        | "zero-shot-audio-classification"
        | "zero-shot-video-classification" => {
            same_list(name, &first["labels"], expected, |label, expected| {
                assert_eq!(label["label"], expected["label"], "{name}");
                close(name, &label["score"], &expected["score"], TOLERANCE);
            });
        }
        _ => {
            assert_eq!(first["text"], expected["text"], "{name}");
            assert_eq!(first["token_ids"], expected["token_ids"], "{name}");
            if let Some(chunks) = expected["chunks"].as_array() {
                assert_eq!(first["chunks"].as_array().unwrap().len(), chunks.len(), "{name}");
                for (chunk, expected) in first["chunks"].as_array().unwrap().iter().zip(chunks) {
                    assert_eq!(chunk["text"], expected["text"], "{name}");
                    close(name, &chunk["start_s"], &expected["start"], 1e-6);
                }
            }
        }
    }
}

fn same_list(name: &str, given: &Value, expected: &Value, each: impl Fn(&Value, &Value)) {
    let (given, expected) = (given.as_array().unwrap(), expected.as_array().unwrap());
    assert_eq!(given.len(), expected.len(), "{name}");
    for (given, expected) in given.iter().zip(expected) {
        each(given, expected);
    }
}

fn close(name: &str, given: &Value, expected: &Value, tolerance: f64) {
    let (given, expected) = (given.as_f64().unwrap(), expected.as_f64().unwrap());
    assert!((given - expected).abs() < tolerance, "{name}: {given} is not {expected}");
}

#[test]
fn the_result_alone_goes_to_stdout() {
    let text = "The harbour wakes";
    let run = run(&["run", "llama", text, "--max-new-tokens", "16"]).ended(0);
    let reference = fs::read_to_string(fixtures().join("llama/reference.json")).unwrap();
    let reference: Value = serde_json::from_str(&reference).unwrap();
    let expected = reference["tasks"][0]["expected"]["text"].as_str().unwrap();
    assert_eq!(run.stdout, format!("{expected}\n"), "streamed text, and one line end");
    let _ = run.complains(&["device     CPU", "placement", "cpu ", "times      load "]);
    let quiet =
        crate::support::run(&["run", "llama", text, "--max-new-tokens", "16", "--quiet"]).ended(0);
    assert_eq!(quiet.stderr, "");
}
