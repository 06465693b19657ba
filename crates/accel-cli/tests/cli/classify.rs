//! `accel classify`.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::{accel, finish, run};

/// The command with the Hub's cache in `cache`.
fn with_cache(cache: &Path) -> Command {
    let mut command = accel();
    command.env("HF_HUB_CACHE", cache).arg("classify");
    command
}

/// The one model of a document.
fn one(arguments: &[&str]) -> Value {
    let document = run(&[&["classify"], arguments, &["--format", "json"]].concat()).ended(0).json();
    assert_eq!(document["models"].as_array().unwrap().len(), 1);
    document["models"][0].clone()
}

#[test]
fn a_name_a_folder_and_words_are_classified_with_their_evidence() {
    let named = one(&["llava-hf/llava-v1.6-vicuna-13b-hf"]);
    assert_eq!(named["family"], "multimodal");
    assert_eq!(named["subfamily"], "vision_language");
    assert_eq!(named["evidence"][0]["source"], "name");
    assert_eq!(named["evidence"][0]["value"], "llava-v1-6");
    assert_eq!(named["read_from"], Value::Null);

    let folder = one(&["fixtures/whisper"]);
    assert_eq!(
        (&folder["family"], &folder["task"]),
        (&"audio".into(), &"automatic-speech-recognition".into())
    );
    assert_eq!(folder["evidence"][0]["source"], "architectures");
    assert_eq!(folder["conflicts"], Value::Array(Vec::new()));
    assert!(folder["confidence"].as_f64() > named["confidence"].as_f64());

    let class = one(&["--class", "ClapModel"]);
    assert_eq!((&class["model"], &class["family"]), (&Value::Null, &"audio".into()));
    let method = one(&["me/thing", "--method", "get_video_features"]);
    assert_eq!(method["subfamily"], "video_text_encoder");
    let tag = one(&["me/thing", "--task", "sentence-similarity"]);
    assert_eq!(
        (&tag["subfamily"], &tag["task"]),
        (&"sentence_encoder".into(), &"feature-extraction".into())
    );
    let config = one(&["me/bert", "--config", "fixtures/vit/config.json"]);
    assert_eq!(config["family"], "vision");
    assert_eq!(config["conflicts"][0]["source"], "name");
}

#[test]
fn a_model_of_the_registry_is_known_by_its_key_and_its_hub_id() {
    for name in ["xclip", "microsoft/xclip-base-patch32"] {
        let answer = one(&[name]);
        assert_eq!(answer["read_from"], "the registry", "{name}");
        assert_eq!(answer["subfamily"], "video_text_encoder");
        assert_eq!(answer["evidence"][0]["source"], "architectures");
        assert_eq!(answer["evidence"][0]["value"], "XCLIPModel");
    }
}

#[test]
fn unknown_is_an_answer_and_so_is_no_kind() {
    let unknown = one(&["someone/frobnicator"]);
    for field in ["family", "subfamily", "task"] {
        assert_eq!(unknown[field], Value::Null);
    }
    assert_eq!(unknown["confidence"], 0.0);
    run(&["classify", "someone/frobnicator"]).ended(0).says(&["unknown", "--config"]);
    let images = one(&["stabilityai/stable-diffusion-xl-base-1.0"]);
    assert_eq!((&images["family"], &images["reason"]), (&Value::Null, &"makes images".into()));
    run(&["classify", "google/timesfm-2.0"]).ended(0).says(&["unknown", "time series"]);
}

#[test]
fn several_models_are_a_table() {
    let table = run(&["classify", "fixtures/bert", "microsoft/xclip-base-patch16", "a/b"]).ended(0);
    let lines: Vec<&str> = table.stdout.lines().collect();
    assert_eq!(lines.len(), 4, "{}", table.stdout);
    assert!(lines[0].starts_with("model") && lines[0].contains("decided by"));
    assert!(lines[2].contains("video_text_encoder") && lines[2].ends_with("name xclip"));
    assert!(lines[3].contains("unknown"));
    run(&["classify", "a/b", "c/d", "--class", "BertModel"]).ended(2).complains(&["one at a time"]);
}

#[test]
fn the_hubs_cache_is_read_where_it_has_the_model() {
    let cache = tempfile::tempdir().unwrap();
    let repository = cache.path().join("models--me--thing");
    for (revision, kind) in [("aaaa", "vit"), ("bbbb", "whisper")] {
        let snapshot = repository.join("snapshots").join(revision);
        fs::create_dir_all(&snapshot).unwrap();
        fs::write(snapshot.join("config.json"), format!(r#"{{"model_type": "{kind}"}}"#)).unwrap();
    }
    fs::create_dir_all(repository.join("refs")).unwrap();
    fs::write(repository.join("refs/main"), "bbbb\n").unwrap();
    let run = finish(with_cache(cache.path()).args(["me/thing", "--format", "json"])).ended(0);
    assert_eq!(run.json()["models"][0]["family"], "audio");
    // A revision that would lead out of the cache is none.
    fs::write(repository.join("refs/main"), "../../elsewhere").unwrap();
    let run = finish(with_cache(cache.path()).args(["me/thing", "--format", "json"])).ended(0);
    assert_eq!(run.json()["models"][0]["family"], Value::Null);
    let run = finish(with_cache(cache.path()).args(["me/../thing", "--format", "json"])).ended(0);
    assert_eq!(run.json()["models"][0]["read_from"], Value::Null);
}

#[test]
fn what_lies_beside_a_config_is_evidence() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    let path = folder.path().to_str().unwrap();
    file("adapter_config.json", r#"{"base_model_name_or_path": "meta-llama/Llama-2-7b-hf"}"#);
    assert_eq!(one(&[path])["evidence"][0]["source"], "base_model");
    file("preprocessor_config.json", r#"{"processor_class": "WhisperProcessor"}"#);
    let processor = one(&[path]);
    assert_eq!(
        (&processor["family"], &processor["evidence"][0]["source"]),
        (&"audio".into(), &"processor".into())
    );
    file("config.json", r#"{"architectures": ["Qwen3ForCausalLM"], "model_type": "qwen3"}"#);
    assert_eq!(one(&[path])["subfamily"], "causal_lm");
    file("modules.json", "[]");
    let embedder = one(&[path]);
    assert_eq!(embedder["subfamily"], "sentence_encoder");
    assert_eq!(embedder["evidence"][0]["source"], "modules");
    file("config.json", "{\"architectures\": [");
    run(&["classify", path]).ended(2).complains(&["config.json", "not a JSON object"]);
    file("config.json", "[1, 2]");
    run(&["classify", path]).ended(2).complains(&["not a JSON object"]);
}

#[test]
fn answers_are_kept_only_when_asked_and_only_while_they_hold() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("answers.json");
    let database = path.to_str().unwrap();
    let config = folder.path().join("config.json");
    fs::write(&config, r#"{"model_type": "bert"}"#).unwrap();
    let config = config.to_str().unwrap();
    let arguments = ["me/thing", "--config", config, "--model-db", database];
    let family = |it: &Value| it["family"].as_str().unwrap().to_owned();
    assert_eq!(family(&one(&arguments)), "embedding");

    // What is kept is what is given.
    let kept = fs::read_to_string(&path).unwrap();
    fs::write(&path, kept.replace("\"embedding\"", "\"kept\"")).unwrap();
    assert_eq!(family(&one(&arguments)), "kept");
    let refresh = [&arguments[..], &["--force-refresh"]].concat();
    assert_eq!(family(&one(&refresh)), "embedding");
    // Another config is another question.
    fs::write(config, r#"{"model_type": "vit"}"#).unwrap();
    assert_eq!(family(&one(&arguments)), "vision");
    assert!(fs::read_to_string(&path).unwrap().contains("embedding"), "the first answer is lost");

    for broken in ["", "{", "{\"version\": 1}", "{\"version\": 99, \"answers\": {}}", "[]"] {
        fs::write(&path, broken).unwrap();
        run(&["classify", "a/b", "--model-db", database])
            .ended(2)
            .complains(&["answers.json is not a file of answers", "remove it"]);
        assert_eq!(fs::read_to_string(&path).unwrap(), broken, "it must not be overwritten");
    }
    run(&["classify", "a/b", "--force-refresh"]).ended(2).complains(&["--model-db"]);
}

#[test]
fn processes_that_write_at_once_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("answers.json");
    let database = path.to_str().unwrap();
    let children: Vec<_> = (0..8)
        .map(|it| {
            let name = format!("me/bert-{it}");
            accel()
                .args(["classify", &name, "--model-db", database])
                .stdout(Stdio::null())
                .spawn()
                .unwrap()
        })
        .collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let content: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    assert_eq!(content["answers"].as_object().unwrap().len(), 8);
}

#[test]
fn a_list_of_labelled_models_is_evaluated() {
    let list = "crates/accel-core/tests/classify/labelled_dev.tsv";
    run(&["classify", "--evaluate", list]).ended(0).says(&[
        "is \\ said",
        "name alone",
        "mean confidence",
    ]);
    let document = run(&["classify", "--evaluate", list, "--format", "json"]).ended(0).json();
    let config = &document["evaluations"][0];
    assert_eq!(config["given"], "config_and_name");
    assert!(config["right_family"].as_u64().unwrap() > 300);
    run(&["classify", "--evaluate", "README.md"]).ended(2).complains(&["README.md, line 3"]);
}

#[test]
fn wrong_words_get_the_right_ones_and_hostile_ones_no_panic() {
    for (arguments, says) in [
        (&["classify", "a/b", "--task", "fil-mask"][..], "did you mean `fill-mask`?"),
        (&["classify", "fixtures/bert/config.json"], "--config fixtures/bert/config.json"),
        (&["classify", "./nowhere"], "there is no folder ./nowhere"),
        (&["classify", "a/b", "--config", "absent.json"], "there is no file absent.json"),
        (&["classify", "a/b", "--config", "README.md"], "not a JSON object"),
        (&["classify", "a/b", "--model-db", "/nowhere/at/all.json"], "/nowhere/at/all.json"),
        (&["classify", ""], "MODEL"),
        (&["classify"], "MODEL"),
    ] {
        let run = run(arguments);
        assert!(run.code == 2 || run.code == 1, "{arguments:?}: {run:?}");
        run.complains(&[says]);
    }
    let long = "bert-".repeat(20_000);
    for name in ["\u{1b}[31mbert", "🤗", "a//b", "-x-/", long.as_str(), "models--a", "..x/y"] {
        let run = run(&["classify", "--", name]);
        assert!(!run.stdout.contains('\u{1b}') && !run.stderr.contains("panicked"), "{run:?}");
    }
}
