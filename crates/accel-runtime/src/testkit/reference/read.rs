//! From the files' text to typed cases.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use accel_core::{Task, Vocabulary as _};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::file::{damaged, read_file};
use super::tensors::{TensorFile, Tensors};
use super::{
    GraphCase, REFERENCE_JSON, Reference, TokenizerCase, detection, dual, generation, image,
    image_text, speech, text,
};
use crate::{Error, Result};

const VERSION: u64 = 1;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[expect(dead_code, reason = "checked before the rest is read")]
    version: u64,
    #[expect(dead_code, reason = "for people; its presence is part of the format")]
    made_by: BTreeMap<String, String>,
    #[expect(dead_code, reason = "for people; its presence is part of the format")]
    seed: u64,
    graphs: Vec<GraphEntry>,
    #[serde(default)]
    tasks: Vec<TaskEntry>,
    #[serde(default)]
    tokenizer: Vec<TokenizerCase>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GraphEntry {
    graph: String,
    case: String,
    inputs: Vec<String>,
    outputs: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TaskEntry {
    task: String,
    pub(super) case: String,
    pub(super) inputs: Value,
    pub(super) parameters: Value,
    pub(super) expected: Option<Value>,
    pub(super) tensor: Option<String>,
    #[serde(default)]
    pub(super) tolerance: BTreeMap<String, f64>,
}

/// How many answers are asked for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TopK {
    pub(super) top_k: usize,
}

pub(super) fn open(dir: &Path) -> Result<Reference> {
    let path = dir.join(REFERENCE_JSON);
    let value: Value = serde_json::from_slice(&read_file(&path)?)
        .map_err(|error| damaged(&path, error.to_string()))?;
    // Before the fields: a later version may have others, and the version says it best.
    let version = value.get("version").and_then(Value::as_u64);
    if version != Some(VERSION) {
        let found = version.map_or_else(|| "none".to_owned(), |it| it.to_string());
        let reason = format!("its version is {found}, and this testkit reads version {VERSION}");
        return Err(damaged(&path, reason));
    }
    let file: File =
        serde_json::from_value(value).map_err(|error| damaged(&path, error.to_string()))?;
    if file.graphs.is_empty() {
        return Err(damaged(&path, "it records no run of any graph".to_owned()));
    }

    let tensors = TensorFile::read(dir)?;
    let tensors = tensors.index()?;
    let mut reference = Reference {
        dir: dir.to_owned(),
        graphs: Vec::new(),
        embeddings: Vec::new(),
        fills: Vec::new(),
        images: Vec::new(),
        generations: Vec::new(),
        answers: Vec::new(),
        samplings: Vec::new(),
        vectors: Vec::new(),
        zero_shots: Vec::new(),
        detections: Vec::new(),
        image_texts: Vec::new(),
        speeches: Vec::new(),
        tokenizer: file.tokenizer,
    };
    let mut seen = BTreeSet::new();
    for graph in file.graphs {
        if !seen.insert((graph.graph.clone(), graph.case.clone())) {
            return Err(twice(&path, &graph.graph, &graph.case));
        }
        reference.graphs.push(graph_case(&path, &tensors, graph)?);
    }
    for case in file.tasks {
        if !seen.insert((case.task.clone(), case.case.clone())) {
            return Err(twice(&path, &case.task, &case.case));
        }
        task_case(&path, &tensors, case, &mut reference)?;
    }
    Ok(reference)
}

fn graph_case(path: &Path, tensors: &Tensors<'_>, entry: GraphEntry) -> Result<GraphCase> {
    let GraphEntry { graph, case, inputs, outputs } = entry;
    if inputs.is_empty() || outputs.is_empty() {
        let reason = format!("case `{case}` of graph `{graph}` has no inputs or no outputs");
        return Err(damaged(path, reason));
    }
    let take = |side: &str, names: Vec<String>| -> Result<Vec<_>> {
        names
            .into_iter()
            .map(|name| {
                Ok((name.clone(), tensors.take(&format!("graphs/{graph}/{case}/{side}/{name}"))?))
            })
            .collect()
    };
    let (inputs, outputs) = (take("in", inputs)?, take("out", outputs)?);
    Ok(GraphCase { graph, case, inputs, outputs })
}

fn task_case(
    path: &Path,
    tensors: &Tensors<'_>,
    entry: TaskEntry,
    reference: &mut Reference,
) -> Result<()> {
    let task = Task::parse(&entry.task).map_err(|error| damaged(path, error.to_string()))?;
    let fields = Fields { path, task, case: entry.case.clone() };
    match task {
        Task::FeatureExtraction if entry.parameters.get("pooling").is_some() => {
            reference.embeddings.push(text::embedding_case(&fields, tensors, entry)?);
        }
        Task::FeatureExtraction => {
            reference.vectors.push(dual::vector_case(&fields, tensors, entry)?);
        }
        Task::FillMask => reference.fills.push(text::fill_case(&fields, entry)?),
        Task::ImageClassification => {
            reference.images.push(image::image_case(&fields, tensors, entry)?);
        }
        Task::TextGeneration if entry.case.starts_with("sampling_") => {
            reference.samplings.push(generation::drawn(&fields, tensors, entry)?);
        }
        Task::TextGeneration => {
            reference.generations.push(generation::continued(&fields, tensors, entry)?);
        }
        Task::Text2textGeneration => {
            reference.answers.push(generation::answered(&fields, tensors, entry)?);
        }
        Task::ZeroShotImageClassification
        | Task::ZeroShotAudioClassification
        | Task::ZeroShotVideoClassification => {
            reference.zero_shots.push(dual::zero_shot_case(&fields, tensors, entry)?);
        }
        Task::ObjectDetection => {
            reference.detections.push(detection::detection_case(&fields, tensors, entry)?);
        }
        Task::ImageTextToText => {
            reference.image_texts.push(image_text::image_text_case(&fields, tensors, entry)?);
        }
        Task::AutomaticSpeechRecognition => {
            reference.speeches.push(speech::speech_case(&fields, tensors, entry)?);
        }
        other => {
            let reason = format!("no pipeline does `{other}`, so that nothing can be compared");
            return Err(damaged(path, reason));
        }
    }
    Ok(())
}

/// Names the case in every error about one of its fields.
pub(super) struct Fields<'a> {
    path: &'a Path,
    task: Task,
    case: String,
}

impl Fields<'_> {
    pub(super) fn damaged(&self, reason: &str) -> Error {
        damaged(self.path, format!("case `{}` of {}: {reason}", self.case, self.task))
    }

    pub(super) fn parse<T: DeserializeOwned>(&self, field: &str, value: Value) -> Result<T> {
        serde_json::from_value(value).map_err(|error| self.damaged(&format!("{field}: {error}")))
    }

    /// The tolerances called `names`, 0 where there is none, and no others.
    pub(super) fn bounds<const N: usize>(
        &self,
        tolerance: BTreeMap<String, f64>,
        names: [&str; N],
    ) -> Result<[f64; N]> {
        self.bounds_below(tolerance, names.map(|name| (name, 0.1)))
    }

    /// The same, each with the limit from which on it would let anything pass.
    pub(super) fn bounds_below<const N: usize>(
        &self,
        mut tolerance: BTreeMap<String, f64>,
        limits: [(&str, f64); N],
    ) -> Result<[f64; N]> {
        let mut bounds = [0.0; N];
        for (bound, (name, limit)) in bounds.iter_mut().zip(limits) {
            *bound = tolerance.remove(name).unwrap_or(0.0);
            if !(bound.is_finite() && (0.0..limit).contains(bound)) {
                let reason = format!("tolerance {name} = {bound} lets anything pass");
                return Err(self.damaged(&reason));
            }
        }
        match tolerance.keys().next() {
            Some(name) => Err(self.damaged(&format!("unknown tolerance `{name}`"))),
            None => Ok(bounds),
        }
    }

    pub(super) fn present<T>(&self, field: &str, value: Option<T>) -> Result<T> {
        value.ok_or_else(|| self.damaged(&format!("`{field}` is missing")))
    }
}

fn twice(path: &Path, of: &str, case: &str) -> Error {
    damaged(path, format!("case `{case}` of {of} is recorded twice"))
}
