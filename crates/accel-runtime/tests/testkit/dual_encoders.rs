//! Cases of encoders with two sides can fail.

use std::path::Path;
use std::{fs, sync::Arc};

use accel_runtime::engine::{Engine, RtenEngine};
use accel_runtime::testkit::{self as tk, Probe, Verdict};
use accel_runtime::{
    CaseName, EngineName, GraphFiles, ModelSource, Outcome, Placement, Platform, Result, Session,
    SessionOptions, Stage, Tensor, TensorData, TensorInfo,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::cells;

fn outcome(case: fn(&Probe<'_>) -> Verdict, source: impl Into<ModelSource>) -> Outcome {
    let case = tk::Case::new(CaseName::ClassifiesZeroShot, case);
    tk::run_case(&cells::IMAGE_TEXT, &case, source.into()).outcome
}

#[track_caller]
fn mismatch(outcome: &Outcome, what: &str) {
    match outcome {
        Outcome::Failed { stage: Stage::Mismatch, message } => {
            assert!(message.contains(what), "{message}");
        }
        other => panic!("{what}: {other:?}"),
    }
}

/// A copy of the fixture with another reference.
fn with_reference(change: impl FnOnce(&mut Value)) -> TempDir {
    let copy = TempDir::new().unwrap();
    let fixture = Path::new(cells::ROOT).join("fixtures/clip");
    for folder in ["", "onnx", "inputs"] {
        fs::create_dir_all(copy.path().join(folder)).unwrap();
        for entry in fs::read_dir(fixture.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                let target = copy.path().join(folder).join(path.file_name().unwrap());
                fs::copy(path, target).unwrap();
            }
        }
    }
    let file = copy.path().join("reference.json");
    let mut reference = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    change(&mut reference);
    fs::write(&file, reference.to_string()).unwrap();
    copy
}

fn first<'a>(reference: &'a mut Value, task: &str) -> &'a mut Value {
    let tasks = reference["tasks"].as_array_mut().unwrap();
    tasks.iter_mut().find(|it| it["task"] == task).unwrap()
}

#[test]
fn wrong_labels_scores_pixels_and_vectors_are_noticed() {
    const ZERO_SHOT: &str = "zero-shot-image-classification";
    let sound = with_reference(|_| ());
    for case in [tk::classifies_zero_shot, tk::embeds] {
        let passed = outcome(case, sound.path());
        assert!(matches!(passed, Outcome::Passed { .. }), "{passed:?}");
    }
    let changed = with_reference(|it| {
        let case = first(it, ZERO_SHOT);
        let (a, b) = (case["expected"][0]["label"].take(), case["expected"][1]["label"].take());
        case["expected"][0]["label"] = b;
        case["expected"][1]["label"] = a;
    });
    mismatch(&outcome(tk::classifies_zero_shot, changed.path()), "rank 1");
    mismatch(&outcome(tk::batch_equals_singles, changed.path()), "rank 1");
    let changed = with_reference(|it| {
        let score = &mut first(it, ZERO_SHOT)["expected"][0]["score"];
        *score = json!(score.as_f64().unwrap() + 1e-3);
    });
    mismatch(&outcome(tk::classifies_zero_shot, changed.path()), "rank 1");
    let changed = with_reference(|it| {
        let case = first(it, ZERO_SHOT);
        case["inputs"]["template"] = json!("{}");
    });
    mismatch(&outcome(tk::classifies_zero_shot, changed.path()), "rank 1");
    let changed = with_reference(|it| {
        first(it, ZERO_SHOT)["inputs"]["image"] = json!("inputs/small.png");
    });
    mismatch(&outcome(tk::classifies_zero_shot, changed.path()), "features is off");
    let changed = with_reference(|it| {
        let normalize = &mut first(it, "feature-extraction")["parameters"]["normalize"];
        *normalize = json!(!normalize.as_bool().unwrap());
    });
    mismatch(&outcome(tk::embeds, changed.path()), "vectors `");
}

/// rten, with scores in the wrong order where the input of this name has one row and there are
/// three or four of the other: right in every recorded batch of several of both.
#[derive(Debug)]
struct WrongFor(&'static str);

impl Engine for WrongFor {
    fn name(&self) -> EngineName {
        RtenEngine.name()
    }

    fn version(&self) -> String {
        RtenEngine.version()
    }

    fn load(
        &self,
        graph: &GraphFiles,
        platform: Platform,
        options: &SessionOptions,
    ) -> Result<Box<dyn Session>> {
        let session = RtenEngine.load(graph, platform, options)?;
        Ok(Box::new(Wrong { session, alone: self.0 }))
    }
}

#[derive(Debug)]
struct Wrong {
    session: Box<dyn Session>,
    alone: &'static str,
}

impl Session for Wrong {
    fn inputs(&self) -> &[TensorInfo] {
        self.session.inputs()
    }

    fn outputs(&self) -> &[TensorInfo] {
        self.session.outputs()
    }

    fn placement(&self) -> &Placement {
        self.session.placement()
    }

    fn execute(&self, inputs: Vec<(&str, Tensor)>, outputs: &[&str]) -> Result<Vec<Tensor>> {
        let rows = |name: &str| {
            inputs.iter().find(|(it, _)| *it == name).map_or(0, |(_, tensor)| tensor.shape()[0])
        };
        let others = rows("input_ids").max(rows("pixel_values"));
        let wrong = rows(self.alone) == 1 && (others == 3 || others == 4);
        let results = self.session.execute(inputs, outputs)?;
        let scores = |name: &str| name.starts_with("logits_per_");
        outputs
            .iter()
            .zip(results)
            .map(|(name, result)| match result.into_parts() {
                (shape, TensorData::F32(mut floats)) if wrong && scores(name) => {
                    floats.reverse();
                    Tensor::new(shape, floats)
                }
                (shape, data) => Tensor::new(shape, data),
            })
            .collect()
    }
}

#[test]
fn scores_that_are_wrong_for_one_of_a_side_are_noticed() {
    let fixture = || format!("{}/fixtures/clip", cells::ROOT);
    for (alone, what) in [("pixel_values", "with all texts"), ("input_ids", "with all media")] {
        let source = ModelSource::dir(fixture()).with_engine(Arc::new(WrongFor(alone)));
        mismatch(&outcome(tk::batch_equals_singles, source), what);
    }
}
