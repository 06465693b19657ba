//! `accel estimate`.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{accel, finish, run};

/// A folder with a config.json.
fn folder(config: &Value) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("config.json"), config.to_string()).unwrap();
    folder
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn a_fixture_is_counted_from_its_headers() {
    run(&["estimate", "bert"]).ended(0).says(&[
        "30 944 parameters, from the headers of model.onnx",
        "weights",
        "121 KiB",
    ]);
    let found = run(&["estimate", "bert", "--format", "json"]).ended(0).json();
    let estimate = &found["estimates"][0];
    assert_eq!(estimate["parameters"], 30_944);
    assert_eq!(estimate["parameters_source"], "weight_files");
    assert_eq!(estimate["memory_bytes"]["weights"], 4 * 30_944);
    for key in ["min_memory_bytes", "recommended_memory_bytes", "cpu_cores", "disk_bytes"] {
        assert!(estimate["requirements"][key].as_u64().unwrap() > 0, "{estimate}");
    }
}

#[test]
fn a_config_alone_is_counted_by_rules_in_every_precision() {
    let folder = folder(&json!({"model_type": "llama", "architectures": ["LlamaForCausalLM"]}));
    let config = folder.path().join("config.json");
    let found = run(&[
        "estimate",
        "--config",
        text(&config),
        "--precision",
        "all",
        "--context",
        "4096",
        "--format",
        "json",
    ])
    .ended(0)
    .json();
    let estimates = found["estimates"].as_array().unwrap();
    let formats: Vec<_> = estimates.iter().map(|it| it["weight_format"].clone()).collect();
    assert_eq!(json!(formats), json!(["fp32", "fp16", "bf16", "int8", "q4"]));
    assert!(estimates.iter().all(|it| it["parameters"] == 6_738_415_616_u64));
    assert_eq!(estimates[1]["memory_bytes"]["kv_cache"], 2_u64 << 30);
    // The same folder, without weights.
    run(&["estimate", text(folder.path())]).ended(0).says(&["6 738 415 616", "LlamaForCausalLM"]);
}

#[test]
fn the_batch_that_fits_is_said_and_none_is_a_failure() {
    run(&["estimate", "llama", "--memory", "8GiB"]).ended(0).says(&["inputs at once fit into 8"]);
    run(&["estimate", "llama", "--memory", "1MiB"])
        .ended(1)
        .says(&["not even one input"])
        .complains(&["needs", "--memory is 1.00 MiB"]);
}

#[test]
fn a_model_of_the_hubs_cache_is_found_by_its_id() {
    let home = tempfile::tempdir().unwrap();
    let model = home.path().join("hub/models--someone--something");
    let snapshot = model.join("snapshots/0123abcd");
    fs::create_dir_all(&snapshot).unwrap();
    fs::create_dir_all(model.join("refs")).unwrap();
    fs::write(model.join("refs/main"), "0123abcd\n").unwrap();
    let config = json!({"model_type": "bert", "architectures": ["BertForMaskedLM"]});
    fs::write(snapshot.join("config.json"), config.to_string()).unwrap();
    finish(accel().args(["estimate", "someone/something"]).env("HF_HOME", home.path()))
        .ended(0)
        .says(&["109 514 298 parameters, from config.json"]);
    // Nothing outside of the cache is reached by an id.
    finish(accel().args(["estimate", "../../something"]).env("HF_HOME", home.path()))
        .ended(2)
        .complains(&["no model"]);
}

#[test]
fn a_name_is_the_last_resort_and_says_so() {
    run(&["estimate", "mistral-7b"])
        .ended(0)
        .says(&["7 000 000 000 parameters, from the name alone", "lower bound"]);
    run(&["estimate", "brt"]).ended(2).complains(&["no model `brt`", "did you mean `bert`"]);
}

#[test]
fn what_is_broken_or_unknown_is_named() {
    let unknown = folder(&json!({"model_type": "berrt"}));
    run(&["estimate", text(unknown.path())]).ended(2).complains(&[
        "no rules count",
        "did you mean `bert`",
        "headers",
    ]);
    fs::write(unknown.path().join("config.json"), "[1, 2").unwrap();
    run(&["estimate", text(unknown.path())]).ended(2).complains(&["not a JSON object"]);
    let hostile = folder(&json!({"model_type": "bert"}));
    fs::write(hostile.path().join("model.safetensors"), u64::MAX.to_le_bytes()).unwrap();
    run(&["estimate", text(hostile.path())]).ended(2).complains(&["model.safetensors", "claims"]);
    let deep = "[".repeat(200_000);
    fs::write(hostile.path().join("config.json"), deep).unwrap();
    let config = hostile.path().join("config.json");
    run(&["estimate", "--config", text(&config)]).ended(2).complains(&["config.json"]);
    for wrong in ["fp33", "int9"] {
        run(&["estimate", "bert", "--precision", wrong]).ended(2).complains(&["did you mean"]);
    }
    run(&["estimate", "bert", "--memory", "lots"]).ended(2).complains(&["1.5GiB"]);
    run(&["estimate"]).ended(2).complains(&["MODEL"]);
    run(&["estimate", "bert", "--store", "x.json"]).ended(2).complains(&["--verify"]);
}

#[test]
fn weights_of_an_unknown_type_are_counted_all_the_same() {
    let folder = folder(&json!({"model_type": "brand-new"}));
    let header = r#"{"w":{"dtype":"F16","shape":[3,5],"data_offsets":[0,30]}}"#;
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes.extend([0; 30]);
    fs::write(folder.path().join("model.safetensors"), bytes).unwrap();
    run(&["estimate", text(folder.path())]).ended(0).says(&[
        "15 parameters, from the headers of model.safetensors",
        "no rules exist for model type `brand-new`",
        "lower bound",
    ]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_true_run_is_measured_and_stored() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("measured.json");
    let arguments = ["estimate", "bert", "vit", "--verify", "--context", "32", "--store"];
    run(&[&arguments[..], &[text(&file)]].concat()).ended(0).says(&["measured", "ratio", "rten"]);
    run(&[&arguments[..], &[text(&file), "--format", "json"]].concat()).ended(0).json();
    let list: Vec<Value> = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    assert_eq!(list.len(), 4);
    for entry in &list {
        assert_eq!(entry["engine"], "rten");
        assert!(entry["measured_peak_bytes"].as_u64().unwrap() > 1 << 20, "{entry}");
        assert!(entry["ratio"].as_f64().unwrap() > 0.0, "{entry}");
        assert!(entry["workload"]["context"].as_u64().unwrap() <= 32, "{entry}");
    }
    // What is there and is something else is not written over.
    fs::write(&file, "precious").unwrap();
    run(&[&arguments[..], &[text(&file)]].concat()).ended(2).complains(&["JSON list"]);
    assert_eq!(fs::read(&file).unwrap(), b"precious");
    run(&["estimate", "mistral-7b", "--verify"]).ended(2).complains(&["cannot be run"]);
}

#[test]
fn a_model_of_the_registry_is_estimated_by_its_config() {
    let id = "google-bert/bert-base-uncased";
    let run = run(&["estimate", id, "--format", "json"]).ended(0);
    let estimate = &run.json()["estimates"][0];
    // What transformers 5.23 builds.
    assert_eq!(estimate["parameters"], 109_514_298);
    assert_eq!(estimate["parameters_source"], "config");
    assert_eq!(estimate["memory_bytes"]["weights"], 109_514_298 * 4);
}
