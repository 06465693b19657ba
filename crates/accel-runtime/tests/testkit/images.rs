//! Cases about images notice what is wrong with a result: the recorded one is changed, and the
//! model gives another.

use std::fs;
use std::path::Path;

use accel_runtime::testkit as tk;
use accel_runtime::{CaseName, ModelSource, Outcome, Stage};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::cells;

/// A copy of the cell's model with another `reference.json`.
fn changed(cell: &tk::Cell, change: impl FnOnce(&mut Value)) -> TempDir {
    let from = format!("{}/{}", cells::ROOT, cell.spec.model_dir);
    let copy = TempDir::new().unwrap();
    copy_all(Path::new(&from), copy.path());
    let file = copy.path().join("reference.json");
    let mut json: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    change(&mut json["tasks"][0]);
    fs::write(file, json.to_string()).unwrap();
    copy
}

fn copy_all(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let from = entry.unwrap().path();
        let to = to.join(from.file_name().unwrap());
        if from.is_dir() {
            fs::create_dir(&to).unwrap();
            copy_all(&from, &to);
        } else {
            fs::copy(from, to).unwrap();
        }
    }
}

#[track_caller]
fn mismatch(cell: &tk::Cell, name: CaseName, what: &str, change: impl FnOnce(&mut Value)) {
    let case = cell.cases.iter().find(|it| it.name == name).unwrap();
    let copy = changed(cell, change);
    let report = tk::run_case(cell, case, ModelSource::dir(copy.path()));
    let Outcome::Failed { stage: Stage::Mismatch, message } = &report.outcome else {
        panic!("{what}: {:?}", report.outcome);
    };
    assert!(message.contains(what), "{message}");
}

#[test]
fn another_object_is_noticed() {
    type Change = fn(&mut Value);
    let changes: [(&str, Change); 4] = [
        ("want [bottle", |it| it["expected"][0]["label"] = json!("bottle")),
        ("score", |it| {
            let score = it["expected"][0]["score"].as_f64().unwrap();
            it["expected"][0]["score"] = json!(score + 1e-3);
        }),
        ("xmin", |it| {
            let xmin = it["expected"][0]["box"]["xmin"].as_f64().unwrap();
            it["expected"][0]["box"]["xmin"] = json!(xmin + 0.1);
        }),
        ("got [", |it| {
            it["expected"].as_array_mut().unwrap().pop();
        }),
    ];
    for (what, change) in changes {
        mismatch(&cells::DETR, CaseName::DetectsObjects, what, change);
        mismatch(&cells::DETR, CaseName::BatchEqualsSingles, what, change);
    }
    mismatch(&cells::DETR, CaseName::DetectsObjects, "pixel values", |it| {
        it["inputs"]["image"] = json!("inputs/rgba.png");
    });
}

#[test]
fn another_text_about_an_image_is_noticed() {
    for cell in [&cells::LLAVA, &cells::LLAVA_NEXT] {
        let case = CaseName::DescribesImages;
        mismatch(cell, case, "the prompt's tokens", |it| {
            it["expected"]["prompt_ids"].as_array_mut().unwrap().pop();
        });
        mismatch(cell, case, "tokens", |it| it["expected"]["token_ids"][1] = json!(3));
        mismatch(cell, case, "text", |it| it["expected"]["text"] = json!("a harbour"));
        mismatch(cell, case, "pixel values", |it| it["inputs"]["image"] = json!("inputs/rgba.png"));
    }
}
