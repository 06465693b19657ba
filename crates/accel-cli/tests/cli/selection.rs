//! `accel select`, `recommend`, `compatible`, `pool-config`, `matrix`, on machines made by hand.

use std::fs;
use std::path::PathBuf;

use accel_core::hardware::Inventory;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Run, accel, finish, fixtures, run};

#[expect(dead_code, reason = "shared with accel-core's tests, which use all of it")]
#[path = "../../../accel-core/tests/select/machines.rs"]
mod machines;

/// A machine in a file.
struct Machine {
    folder: TempDir,
}

impl Machine {
    fn new(inventory: &Inventory) -> Self {
        let machine = Self { folder: tempfile::tempdir().unwrap() };
        fs::write(machine.file(), serde_json::to_string(inventory).unwrap()).unwrap();
        machine
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("machine.json")
    }

    /// Runs the words of a command line there.
    fn run(&self, words: &str) -> Run {
        let mut command = accel();
        finish(command.args(words.split_whitespace()).arg("--hardware").arg(self.file()))
    }

    fn json(&self, words: &str, code: i32) -> Value {
        self.run(&format!("{words} --format json")).ended(code).json()
    }
}

/// A text without its sizes, which are the estimates' business, and so without its alignment.
fn without_sizes(text: &str) -> String {
    let line = |line: &str| {
        let mut words: Vec<&str> = line.split_whitespace().collect();
        let unit = |it: &str| matches!(it.trim_end_matches(';'), "bytes" | "kB" | "MB" | "GB");
        for i in (1..words.len()).filter(|it| unit(words[*it])).collect::<Vec<_>>() {
            words[i - 1] = "#";
        }
        for i in 1..words.len() {
            if words[i - 1] == "#" {
                words[i] = if words[i].ends_with(';') { "B;" } else { "B" };
            }
        }
        words.join(" ")
    };
    text.lines().map(|it| line(it) + "\n").collect()
}

#[test]
fn the_device_alone_is_on_stdout() {
    let gpus = Machine::new(&machines::two_equal_gpus());
    for (words, device) in [
        ("select bert --priority cuda,mps,cpu", "cuda:0\n"),
        ("select bert --priority cuda,mps,cpu --index 1", "cuda:1\n"),
        ("select google-bert/bert-base-uncased --priority cuda:1", "cuda:1\n"),
        ("select bert --priority mps,cuda --policy next_best", "cuda:0\n"),
        ("select bert --priority mps,cuda --policy cpu", "cpu\n"),
        ("select llava --precision fp32 --priority cuda,cpu --policy next_best", "cpu\n"),
        ("select bert --override cuda=no --priority cuda,cpu --policy next_best", "cpu\n"),
    ] {
        let run = gpus.run(words).ended(0);
        assert_eq!(run.stdout, device, "{words}");
        assert!(!run.stderr.is_empty() && !run.stderr.contains('\u{1b}'), "{words}");
    }
    let m1 = Machine::new(&machines::m1());
    assert_eq!(m1.run("select vit --priority mps:0").ended(0).stdout, "mps\n");
}

#[test]
fn what_cannot_be_had_is_told_with_every_reason() {
    let gpus = Machine::new(&machines::two_equal_gpus());
    let run = gpus.run("select bert --priority cuda:7,mps").ended(1);
    assert_eq!(run.stdout, "");
    insta::assert_snapshot!(run.stderr, @r"
    error: `cuda:7` cannot be had: there is no cuda:7 here; CUDA has cuda:0, cuda:1
      cuda:7: there is no cuda:7 here; CUDA has cuda:0, cuda:1; take cuda:0 or cuda:1
      mps: there is no mps device; mend this: there is no mps device
    (ACC0601; see `accel explain ACC0601`)
    ");
    let document = gpus.json("select bert --priority cuda:7,mps", 1);
    assert_eq!(document["given"], Value::Null);
    assert_eq!(document["error"], Value::Null);
    assert_eq!(document["wanted"], json!(["cuda:7", "mps"]));
    assert_eq!(document["rejections"][0]["device"], "cuda:7");
    let reason = &document["rejections"][1]["reasons"][0];
    assert!(reason["message"].is_string() && reason["remedy"].is_string(), "{reason}");
}

#[test]
fn an_explanation_has_every_device_and_rule() {
    let laptop = Machine::new(&machines::rtx_laptop());
    let run = laptop.run("select bert --explain").ended(0);
    insta::assert_snapshot!("explained", without_sizes(&run.stdout));
    assert_eq!(run.stderr, "");
    let document = laptop.json("select bert --explain", 0);
    assert_eq!(document["classification"]["subfamily"], "masked_lm");
    assert_eq!(document["compatibility"].as_object().unwrap().len(), 7);
    assert_eq!(document["estimates"].as_array().unwrap().len(), 4);
    let one = laptop.run("select bert --explain --priority rocm").ended(1);
    one.says(&["rejected", "there is no rocm device"]);
}

#[test]
fn models_for_a_task_are_ranked() {
    let gpus = Machine::new(&machines::two_equal_gpus());
    let document = gpus.json("recommend --task text-generation --hw cuda mps", 0);
    let names = |document: &Value| -> Vec<String> {
        let list = document["recommendations"].as_array().unwrap();
        list.iter().map(|it| it["model"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&document), ["qwen2", "qwen3", "llama"]);
    assert_eq!(document["recommendations"][0]["given"]["platform"], "cuda");
    let most = document["recommendations"][1]["given"]["needed_bytes"].as_u64().unwrap();
    let document = gpus.json(&format!("recommend --task text-generation --max-memory {most}"), 0);
    assert_eq!(names(&document), ["qwen2", "qwen3"]);
    assert_eq!(document["excluded"][0]["model"], "llama");
    let none = gpus.run("recommend --task text-generation --hw mps").ended(1);
    none.says(&["no model of the catalogue does text-generation here", "there is no mps device"]);
}

#[test]
fn compatible_models_are_told_with_those_that_are_not() {
    let m1 = Machine::new(&machines::m1());
    let document = m1.json("compatible --hw mps", 0);
    assert_eq!(document["verdicts"].as_array().unwrap().len(), 14);
    let run = m1.run("compatible --hw mps bert qwen2 bert").ended(0);
    insta::assert_snapshot!("compatible", without_sizes(&run.stdout));
    m1.run("compatible --hw cuda bert").ended(1).says(&["none", "there is no cuda device"]);
    run_anywhere("compatible --hw cuda,webgpu bert --any-machine", 0).says(&["cuda", "webgpu"]);
}

fn run_anywhere(words: &str, code: i32) -> Run {
    run(&words.split_whitespace().collect::<Vec<_>>()).ended(code)
}

#[test]
fn a_pool_is_told_its_budgets() {
    let gpus = Machine::new(&machines::two_equal_gpus());
    let document = gpus.json("pool-config bert t5 clip", 0);
    assert_eq!(document["low_memory_mode"], false);
    assert_eq!(document["low_memory_threshold_bytes"], 4_294_967_296_u64);
    assert_eq!(document["idle_timeout_minutes"], 30);
    assert_eq!(document["budgets"].as_array().unwrap().len(), 3);
    assert_eq!(document["hardware"]["device_of"].as_object().unwrap().len(), 3);
    let pod = Machine::new(&machines::pod());
    let run = pod.run("pool-config llama llava --precision fp32").ended(1);
    run.says(&["no room anywhere", "llava:", "in all"]);
    gpus.run("pool-config bert t5").ended(0).says(&[
        "low-memory mode",
        "off: ",
        "resident together",
    ]);
}

#[test]
fn the_matrix_has_four_forms() {
    let text = run_anywhere("matrix --any-machine", 0).stdout;
    insta::assert_snapshot!("matrix", without_sizes(&text));
    let text = run_anywhere("matrix --family --any-machine --format md", 0).stdout;
    insta::assert_snapshot!("matrix_families", without_sizes(&text));
    let document = run_anywhere("matrix --any-machine --format json", 0).json();
    assert_eq!(document["rows"].as_array().unwrap().len(), 14);
    assert_eq!(document["rows"][0]["cells"]["cpu"]["level"], "high");
    assert_eq!(document["rules"].as_array().unwrap().len(), 27);
    let laptop = Machine::new(&machines::rtx_laptop());
    let page = laptop.run("matrix --format html").ended(0).stdout;
    assert!(page.starts_with("<!doctype html>") && page.ends_with("</html>\n"));
    assert!(!page.contains("http:") && !page.contains("https:") && !page.contains("<script"));
    for tag in ["table", "tr", "td", "th", "ul", "li", "details", "summary", "div"] {
        let (open, close) = (format!("<{tag}"), format!("</{tag}>"));
        let opened = page.matches(&open).count()
            - if tag == "th" { page.matches("<thead").count() } else { 0 }
            - if tag == "tr" { page.matches("<track").count() } else { 0 };
        assert_eq!(opened, page.matches(&close).count(), "{tag}");
    }
    laptop.run("matrix --family --format html").ended(0).says(&["at least half of its models"]);
}

#[test]
fn nothing_of_a_catalogue_or_machine_becomes_markup() {
    let folder = tempfile::tempdir().unwrap();
    let catalogue = folder.path().join("catalogue.json");
    let evil = "<script>alert('|\\u0007&\")</script>";
    let document = json!({ "version": 1, "items": [{
        "model": evil, "family": "vision", "subfamily": "image_classifier",
        "tasks": ["image-classification"], "parameters": u64::MAX,
        "platforms": { "cpu": { "support": "simulation", "evidence": "none", "reason": evil } },
    }]});
    fs::write(&catalogue, document.to_string()).unwrap();
    let with = |words: &str| {
        let mut command = accel();
        finish(command.args(words.split_whitespace()).arg("--models").arg(&catalogue)).ended(0)
    };
    let page = with("matrix --format html --any-machine").stdout;
    assert!(page.contains("&lt;script&gt;alert(&#39;|") && !page.contains("<script"), "{page}");
    let page = with("matrix --format md --any-machine").stdout;
    assert!(page.contains("&lt;script>alert('\\|") && !page.contains('\u{7}'), "{page}");
}

#[test]
fn a_folder_is_judged_by_its_kind() {
    let plain = Machine::new(&machines::plain());
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("mine");
    fs::create_dir_all(model.join("onnx")).unwrap();
    fs::copy(fixtures().join("bert/config.json"), model.join("config.json")).unwrap();
    let graph = "onnx/model_fp16.onnx";
    fs::copy(fixtures().join("bert").join(graph), model.join(graph)).unwrap();
    let select = |model: &std::path::Path| {
        let mut command = accel();
        command.args(["select", "--explain", "--format", "json", "--hardware"]);
        finish(command.arg(plain.file()).arg(model))
    };
    let document = select(&model).ended(0).json();
    assert_eq!(document["given"]["level"], "low");
    assert_eq!(document["given"]["precision"], "fp16");
    assert_eq!(document["estimates"][0]["parameters_source"], "weight_files");
    let findings: Vec<_> = document["given"]["reasons"].as_array().unwrap().iter().collect();
    assert!(findings.iter().any(|it| it["finding"] == "relative"), "{findings:?}");
    fs::write(model.join("config.json"), "{\"architectures\": [\"Frobnicator\"]}").unwrap();
    select(&model).ended(2).complains(&["Frobnicator", "what kind of model"]);
    fs::write(model.join("config.json"), "[").unwrap();
    select(&model).ended(2).complains(&["config.json"]);
    fs::remove_file(model.join("config.json")).unwrap();
    select(&model).ended(2).complains(&["config.json"]);
}

#[test]
fn wrong_words_get_the_right_ones() {
    for (words, says) in [
        ("select brt", "did you mean `bert`?"),
        ("select bert --priority cdua", "did you mean `cuda`?"),
        ("select bert --priority cuda,cuda", "twice"),
        ("select bert --priority cuda:x", "a number after the colon"),
        ("select bert --priority ,", "unknown platform"),
        ("select bert --policy nextbest", "did you mean `next_best`?"),
        ("select bert --min-level hihg", "did you mean `high`?"),
        ("select bert --precision fp17", "did you mean `fp16`?"),
        ("select bert --batch 0", "0 is not in 1.."),
        ("select bert --context 99999999999", "not in 1.."),
        ("select bert --index=-1", "--index"),
        ("select bert --override mps", "PLATFORM=yes"),
        ("select bert --override mps=no --override mps=yes", "mps twice"),
        ("select bert --hardware absent.json", "there is no such file; write one"),
        ("select bert --hardware README.md", "is not a machine's description"),
        ("select bert --models fixtures/bert/config.json", "is not a catalogue"),
        ("select fixtures/vit/inputs", "config.json"),
        ("recommend --task text-generatoin", "did you mean `text-generation`?"),
        ("recommend --task fill-mask --max-memory 2G", "such as 500MB"),
        ("compatible bert", "--hw"),
        ("compatible --hw mps, bert", "unknown platform"),
        ("pool-config", "MODEL"),
        ("matrix --family --model", "cannot be used with"),
        ("matrix --any-machine --hardware x.json", "cannot be used with"),
    ] {
        let run = run_anywhere(words, 2).complains(&["error: ", says]);
        assert_eq!(run.stdout, "", "{words}");
    }
    let long = "x".repeat(100_000);
    let run = run(&["select", &long]).ended(2);
    assert!(run.stderr.len() < 1000);
    let document = run_anywhere("select brt --format json", 2).json();
    assert_eq!(document["error"]["code"], "unknown-model");
}

#[test]
fn hostile_machines_and_catalogues_are_told_not_believed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file.json");
    let with = |flag: &str, text: &[u8]| {
        fs::write(&file, text).unwrap();
        finish(accel().args(["select", "bert", flag]).arg(&file))
    };
    let deep = "[".repeat(100_000);
    for text in [&b""[..], b"null", b"{}", b"\xff\xfe", deep.as_bytes(), b"{\"version\": 99}"] {
        with("--hardware", text).ended(2).complains(&["file.json"]);
        with("--models", text).ended(2).complains(&["file.json"]);
    }
    with("--models", b"{\"version\": 7, \"items\": []}").ended(2).complains(&["of version 7"]);
    with("--models", b"{\"version\": 1, \"items\": []}").ended(2).complains(&["no model `bert`"]);
    let mut newer = machines::plain();
    newer.version = 99;
    let text = serde_json::to_vec(&newer).unwrap();
    with("--hardware", &text).ended(2).complains(&["version 99"]);
    // A document with the inventory inside is taken as well.
    let text = json!({ "version": 1, "inventory": machines::plain() }).to_string();
    assert_eq!(with("--hardware", text.as_bytes()).ended(0).stdout, "cpu\n");
    // Numbers without end, and a machine that lists nothing.
    let mut endless = machines::machine(u64::MAX, u64::MAX);
    let text = serde_json::to_vec(&endless).unwrap();
    assert_eq!(with("--hardware", &text).ended(0).stdout, "cpu\n");
    endless.platforms.clear();
    let text = serde_json::to_vec(&endless).unwrap();
    with("--hardware", &text).ended(1).complains(&["nothing is known of CPU"]);
    fs::File::create(&file).unwrap().set_len(1 << 34).unwrap();
    finish(accel().args(["select", "bert", "--hardware"]).arg(&file))
        .ended(2)
        .complains(&["more than 16777216 bytes"]);
}

#[test]
fn help_teaches() {
    for command in ["select", "recommend", "compatible", "pool-config", "matrix"] {
        run(&[command, "--help"]).ended(0).says(&["Examples:", "--hardware", "--override"]);
    }
}
