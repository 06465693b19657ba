//! References that are damaged or hostile: an error of the resolve stage, never a panic and
//! never a pass.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use accel_runtime::testkit::{self as tk, Reference};
use accel_runtime::{CaseName, ModelSource, Outcome, Stage, Strategy};
use safetensors::tensor::{Dtype, TensorView};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::cells;

/// A reference of one run of one graph, which tests then damage.
struct Files {
    dir: TempDir,
    json: Value,
    tensors: Vec<(&'static str, Dtype, Vec<usize>, Vec<u8>)>,
}

impl Files {
    fn new() -> Self {
        let ids = [1_i64, 2].iter().flat_map(|it| it.to_le_bytes()).collect();
        let logits = [0.5_f32, 1.5].iter().flat_map(|it| it.to_le_bytes()).collect();
        let image = [0.0_f32; 3].iter().flat_map(|it| it.to_le_bytes()).collect();
        Self {
            dir: TempDir::new().unwrap(),
            json: json!({
                "version": 1,
                "made_by": {"torch": "0"},
                "seed": 0,
                "graphs": [
                    {"graph": "model", "case": "one", "inputs": ["ids"], "outputs": ["logits"]}
                ],
                "tasks": [],
            }),
            tensors: vec![
                ("graphs/model/one/in/ids", Dtype::I64, vec![1, 2], ids),
                ("graphs/model/one/out/logits", Dtype::F32, vec![1, 2], logits),
                ("tasks/image-classification/x/pixel_values", Dtype::F32, vec![1, 3, 1, 1], image),
            ],
        }
    }

    fn with_task(task: &Value) -> Self {
        let mut files = Self::new();
        files.json["tasks"] = json!([task]);
        files
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    fn write(&self) -> &Self {
        fs::write(self.path().join("reference.json"), self.json.to_string()).unwrap();
        let views: HashMap<_, _> = self
            .tensors
            .iter()
            .map(|(name, dtype, shape, bytes)| {
                (*name, TensorView::new(*dtype, shape.clone(), bytes).unwrap())
            })
            .collect();
        let bytes = safetensors::serialize(views, None).unwrap();
        fs::write(self.path().join("reference.safetensors"), bytes).unwrap();
        self
    }

    #[track_caller]
    fn refused(&self, what: &str) {
        self.write();
        refused(self.path(), what);
    }
}

#[track_caller]
fn refused(dir: &Path, what: &str) {
    let error = Reference::open(dir).unwrap_err();
    assert_eq!(error.stage(), Stage::Resolve, "{error}");
    assert!(error.to_string().contains(what), "{error}");
    // And so it ends through the front door.
    let case = tk::Case::new(CaseName::MatchesReference, tk::matches_reference);
    let report = tk::run_case(&cells::BERT, &case, ModelSource::dir(dir));
    assert!(
        matches!(report.outcome, Outcome::Failed { stage: Stage::Resolve, .. }),
        "{:?}",
        report.outcome
    );
}

#[test]
fn the_committed_references_are_read() {
    for (model, graphs) in [("bert", 4), ("vit", 3), ("llama", 5), ("qwen2", 5), ("qwen3", 5)] {
        let dir = PathBuf::from(format!("{}/fixtures/{model}", cells::ROOT));
        let reference = Reference::open(&dir).unwrap();
        assert_eq!(reference.graphs.len(), graphs, "{model}");
        assert_eq!(reference.graph_names(), ["model"]);
    }
}

#[test]
fn the_sound_one_is_read() {
    let files = Files::new();
    let reference = Reference::open(files.write().path()).unwrap();
    assert_eq!(reference.graphs[0].outputs[0].1.as_f32().unwrap(), [0.5, 1.5]);
    assert!(reference.embeddings.is_empty());
}

#[test]
fn files_must_be_there_and_whole() {
    let files = Files::new();
    refused(files.path(), "reference.json");
    files.write();
    let tensors = files.path().join("reference.safetensors");
    let bytes = fs::read(&tensors).unwrap();
    for length in [0, 4, 8, 9, 100, bytes.len() - 1] {
        fs::write(&tensors, &bytes[..length]).unwrap();
        refused(files.path(), "reference.safetensors");
    }
    let mut longer = bytes.clone();
    longer.push(0);
    fs::write(&tensors, longer).unwrap();
    refused(files.path(), "reference.safetensors");
    // A header that claims to be larger than any memory.
    let mut huge = bytes;
    huge[..8].copy_from_slice(&u64::MAX.to_le_bytes());
    fs::write(&tensors, huge).unwrap();
    refused(files.path(), "reference.safetensors");
    fs::remove_file(&tensors).unwrap();
    refused(files.path(), "reference.safetensors");
    fs::write(files.path().join("reference.json"), "{\"version\": 1").unwrap();
    refused(files.path(), "reference.json");
}

#[test]
fn named_tensors_must_be_there() {
    let mut files = Files::new();
    files.tensors.remove(1);
    files.refused("no tensor `graphs/model/one/out/logits`");
}

#[test]
fn tensors_must_be_of_a_type_that_graphs_take() {
    let mut files = Files::new();
    files.tensors[1].1 = Dtype::U16;
    files.tensors[1].2 = vec![1, 4];
    files.refused("U16");
}

#[test]
fn tensors_must_be_finite() {
    for value in [f32::NAN, f32::INFINITY] {
        let mut files = Files::new();
        files.tensors[1].3[..4].copy_from_slice(&value.to_le_bytes());
        files.refused("graphs/model/one/out/logits");
    }
}

#[test]
fn json_must_say_what_the_format_says() {
    type Damage = fn(&mut Value);
    let damages: [(&str, Damage); 7] = [
        ("version is 2", |it| it["version"] = json!(2)),
        ("version is none", |it| it["version"] = json!("1")),
        ("no run of any graph", |it| it["graphs"] = json!([])),
        ("recorded twice", |it| {
            let graph = it["graphs"][0].clone();
            it["graphs"] = json!([graph, graph]);
        }),
        ("unknown field", |it| it["grahps"] = json!([])),
        ("no inputs or no outputs", |it| it["graphs"][0]["outputs"] = json!([])),
        ("unknown task `fill_mask`", |it| {
            it["tasks"] =
                json!([{"task": "fill_mask", "case": "x", "inputs": {}, "parameters": {}}]);
        }),
    ];
    for (what, damage) in damages {
        let mut files = Files::new();
        damage(&mut files.json);
        files.refused(what);
    }
}

#[test]
fn tasks_must_be_recorded_whole() {
    let fill = json!({
        "task": "fill-mask", "case": "x", "inputs": {"text": "a [MASK]"},
        "parameters": {"top_k": 1}, "expected": [],
    });
    Files::with_task(&fill).refused("a mask without answers");

    let generation = |change: fn(&mut Value)| {
        let mut task = json!({
            "task": "text-generation", "case": "x", "inputs": {"text": "a"},
            "parameters": {"max_new_tokens": 2, "do_sample": false},
            "expected": {"prompt_ids": [1], "token_ids": [2, 3], "text": "b"},
        });
        change(&mut task);
        Files::with_task(&task)
    };
    Reference::open(generation(|_| ()).write().path()).unwrap();
    generation(|it| it["parameters"]["do_sample"] = json!(true)).refused("only greedy");
    generation(|it| it["expected"]["token_ids"] = json!([])).refused("no token_ids");
    generation(|it| it["inputs"] = json!({"messages": [{"role": "user", "content": "a"}]}))
        .refused("without prompt_text");
    generation(|it| it["tensor"] = json!("tasks/nothing")).refused("no tensor `tasks/nothing`");
    generation(|it| it["inputs"]["texts"] = json!(["a"])).refused("one of `text`");
    generation(|it| it["parameters"]["repetition_penalty"] = json!(0)).refused("above 0");
    generation(|it| {
        it["inputs"] = json!({"texts": ["a", "b"]});
        it["expected"] = json!([it["expected"]]);
    })
    .refused("2 texts and 1 results");
    generation(|it| it["case"] = json!("sampling_x")).refused("unknown field");

    let answer = |beams: u32, penalty: Value| {
        let mut parameters = json!({"max_new_tokens": 2, "num_beams": beams});
        if !penalty.is_null() {
            parameters["length_penalty"] = penalty;
        }
        Files::with_task(&json!({
            "task": "text2text-generation", "case": "x", "inputs": {"text": "a"},
            "parameters": parameters,
            "expected": {"prompt_ids": [1], "token_ids": [2, 3], "text": "b"},
        }))
    };
    let read = Reference::open(answer(3, json!(2.0)).write().path()).unwrap();
    let strategy = Strategy::Beams { count: 3, length_penalty: 2.0, early_stopping: false };
    assert_eq!(read.answers[0].options.strategy, strategy);
    answer(3, Value::Null).refused("length_penalty is for several beams");
    answer(1, json!(1.0)).refused("length_penalty is for several beams");

    let image = |tolerance: f64| {
        Files::with_task(&json!({
            "task": "image-classification", "case": "x", "inputs": {"image": "x.png"},
            "parameters": {"top_k": 1}, "expected": [{"label": "a", "score": 1.0}],
            "tensor": "tasks/image-classification/x/pixel_values",
            "tolerance": {"score": tolerance},
        }))
    };
    Reference::open(image(1e-5).write().path()).unwrap();
    image(2.0).refused("lets anything pass");
}

#[test]
fn labels_and_vectors_must_be_recorded_whole() {
    let pixels = "tasks/image-classification/x/pixel_values";
    let choice = |change: fn(&mut Value)| {
        let mut task = json!({
            "task": "zero-shot-image-classification", "case": "x",
            "inputs": {"image": "x.png", "labels": ["a", "b"], "template": "{}"},
            "parameters": {},
            "expected": [{"label": "b", "score": 0.6}, {"label": "a", "score": 0.4}],
            "tensor": pixels, "tolerance": {"pixel_values": 1e-6, "score": 1e-5},
        });
        change(&mut task);
        Files::with_task(&task)
    };
    let sound = Reference::open(choice(|_| ()).write().path()).unwrap();
    assert_eq!(sound.zero_shots[0].labels, ["a", "b"]);
    choice(|it| it["inputs"]["audio"] = json!("x.wav")).refused("exactly one image");
    choice(|it| it["inputs"] = json!({"labels": ["a", "b"], "template": "{}"}))
        .refused("exactly one image");
    choice(|it| it["expected"] = json!([])).refused("2 labels and 0 scores");
    choice(|it| it["tolerance"]["score"] = json!(0.5)).refused("lets anything pass");
    choice(|it| it["tolerance"]["pixel_values"] = json!(0.5)).refused("lets anything pass");
    choice(|it| it["tolerance"]["input_features"] = json!(1e-6)).refused("unknown tolerance");
    choice(|it| it["parameters"] = json!({"top_k": 1})).refused("unknown field");
    choice(|it| it["tensor"] = json!(null)).refused("`tensor` is missing");

    let vectors = |inputs: Value| {
        Files::with_task(&json!({
            "task": "feature-extraction", "case": "x", "inputs": inputs,
            "parameters": {"normalize": true}, "tensor": "graphs/model/one/out/logits",
        }))
    };
    let sound = Reference::open(vectors(json!({"texts": ["a"]})).write().path()).unwrap();
    assert_eq!((sound.vectors.len(), sound.embeddings.len()), (1, 0));
    Reference::open(vectors(json!({"videos": [["a.png", "b.png"]]})).write().path()).unwrap();
    vectors(json!({"images": ["a.png", "b.png"]})).refused("2 inputs and a tensor of [1, 2]");
    vectors(json!({"audios": []})).refused("0 inputs");
    vectors(json!({"pictures": ["a.png"]})).refused("unknown variant");
}

#[test]
fn objects_and_texts_about_images_must_be_recorded_whole() {
    let pixels = "tasks/image-classification/x/pixel_values";
    let sides = json!({"xmin": 1.0, "ymin": 2.0, "xmax": 3.0, "ymax": 4.0});
    let objects = |change: fn(&mut Value)| {
        let object = |score: f64| json!({"label": "boat", "score": score, "box": sides});
        let mut task = json!({
            "task": "object-detection", "case": "x",
            "inputs": {"image": "x.png"}, "parameters": {"threshold": 0.25},
            "expected": [object(0.75), object(0.5)],
            "tolerance": {"pixel_values": 1e-6, "score": 1e-5, "box": 2.0},
        });
        change(&mut task);
        Files::with_task(&task)
    };
    let sound = Reference::open(objects(|_| ()).write().path()).unwrap();
    assert_eq!(sound.detections[0].want.len(), 2);
    Reference::open(objects(|it| it["expected"] = json!([])).write().path()).unwrap();
    objects(|it| it["parameters"]["threshold"] = json!(0.5)).refused("below the threshold");
    objects(|it| it["expected"][0]["score"] = json!(0.4)).refused("the most certain one");
    objects(|it| it["expected"][0]["box"]["xmin"] = json!(null)).refused("expected");
    objects(|it| it["tolerance"]["box"] = json!(50.0)).refused("lets anything pass");
    objects(|it| it["tolerance"]["boxes"] = json!(1.0)).refused("unknown tolerance");
    // The mask stands beside the pixels.
    objects(|it| it["tensor"] = json!("tasks/image-classification/x/pixel_values"))
        .refused("no tensor `tasks/image-classification/x/pixel_mask`");
    objects(|it| it["tensor"] = json!("graphs/model/one/out/logits")).refused("not `pixel_values`");

    let texts = |change: fn(&mut Value)| {
        let mut task = json!({
            "task": "image-text-to-text", "case": "x",
            "inputs": {"image": "x.png", "prompt": "<image>"},
            "parameters": {"max_new_tokens": 2},
            "expected": {"prompt_ids": [1, 2], "token_ids": [3, 4], "text": "a b"},
            "tensor": pixels, "tolerance": {"pixel_values": 1e-6},
        });
        change(&mut task);
        Files::with_task(&task)
    };
    let sound = Reference::open(texts(|_| ()).write().path()).unwrap();
    assert_eq!(sound.image_texts[0].token_ids, [3, 4]);
    texts(|it| it["inputs"] = json!({"image": "x.png"})).refused("one of prompt and messages");
    texts(|it| it["inputs"]["messages"] = json!([])).refused("one of prompt and messages");
    texts(|it| it["inputs"] = json!({"image": "x.png", "messages": []}))
        .refused("without prompt_text");
    texts(|it| it["expected"]["token_ids"] = json!([])).refused("no token_ids");
    texts(|it| it["parameters"]["do_sample"] = json!(true)).refused("unknown field");
    texts(|it| it["tensor"] = json!(null)).refused("`tensor` is missing");
    texts(|it| it["tolerance"]["pixel_values"] = json!(1.0)).refused("lets anything pass");
}
