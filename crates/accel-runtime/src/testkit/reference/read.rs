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
    EmbeddingCase, Fill, FillCase, GenerationCase, GraphCase, ImageCase, Label, Prompt,
    REFERENCE_JSON, Reference, TokenizerCase,
};
use crate::{Error, Pooling, Result};

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
struct TaskEntry {
    task: String,
    case: String,
    inputs: Value,
    parameters: Value,
    expected: Option<Value>,
    tensor: Option<String>,
    #[serde(default)]
    tolerance: BTreeMap<String, f64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Texts {
    texts: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PoolingParameters {
    pooling: String,
    normalize: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    text: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TopK {
    top_k: usize,
}

/// Hugging Face's pipeline drops the outer list when there is one mask.
#[derive(Deserialize)]
#[serde(untagged)]
enum Fills {
    OneMask(Vec<Fill>),
    Masks(Vec<Vec<Fill>>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Image {
    image: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Message {
    role: String,
    content: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum PromptInputs {
    Text(Text),
    Chat { messages: Vec<Message> },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GenerationParameters {
    max_new_tokens: usize,
    do_sample: bool,
    #[serde(default)]
    stop_token_ids: Vec<i64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Generated {
    prompt_ids: Vec<i64>,
    #[serde(default)]
    prompt_text: Option<String>,
    token_ids: Vec<i64>,
    text: String,
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
        others: Vec::new(),
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
        Task::FeatureExtraction if entry.inputs.get("texts").is_some() => {
            reference.embeddings.push(embedding_case(&fields, tensors, entry)?);
        }
        Task::FillMask => reference.fills.push(fill_case(&fields, entry)?),
        Task::ImageClassification => {
            reference.images.push(image_case(&fields, tensors, entry)?);
        }
        Task::TextGeneration => {
            reference.generations.push(generation_case(&fields, tensors, entry)?);
        }
        _ => reference.others.push((task, entry.case)),
    }
    Ok(())
}

fn embedding_case(
    fields: &Fields<'_>,
    tensors: &Tensors<'_>,
    entry: TaskEntry,
) -> Result<EmbeddingCase> {
    let Texts { texts } = fields.parse("inputs", entry.inputs)?;
    let parameters: PoolingParameters = fields.parse("parameters", entry.parameters)?;
    let pooling = match parameters.pooling.as_str() {
        "mean" => Pooling::Mean,
        "cls" => Pooling::Cls,
        "max" => Pooling::Max,
        other => return Err(fields.damaged(&format!("unknown pooling `{other}`"))),
    };
    let want = tensors.take_f32(&fields.present("tensor", entry.tensor)?, 2)?;
    if texts.is_empty() || want.shape().first() != Some(&texts.len()) {
        let rows = format!("{} texts and a tensor of {:?}", texts.len(), want.shape());
        return Err(fields.damaged(&rows));
    }
    let normalize = parameters.normalize;
    Ok(EmbeddingCase { case: entry.case, texts, pooling, normalize, want })
}

fn fill_case(fields: &Fields<'_>, entry: TaskEntry) -> Result<FillCase> {
    let Text { text } = fields.parse("inputs", entry.inputs)?;
    let TopK { top_k } = fields.parse("parameters", entry.parameters)?;
    let want = match fields.parse("expected", fields.present("expected", entry.expected)?)? {
        Fills::OneMask(fills) => vec![fills],
        Fills::Masks(masks) => masks,
    };
    if want.is_empty() || want.iter().any(Vec::is_empty) {
        return Err(fields.damaged("a mask without answers"));
    }
    Ok(FillCase { case: entry.case, text, top_k, want })
}

fn image_case(fields: &Fields<'_>, tensors: &Tensors<'_>, entry: TaskEntry) -> Result<ImageCase> {
    let Image { image } = fields.parse("inputs", entry.inputs)?;
    let TopK { top_k } = fields.parse("parameters", entry.parameters)?;
    let want: Vec<Label> = fields.parse("expected", fields.present("expected", entry.expected)?)?;
    if want.is_empty() {
        return Err(fields.damaged("no labels"));
    }
    let pixel_values = tensors.take_f32(&fields.present("tensor", entry.tensor)?, 4)?;
    let mut tolerance = entry.tolerance;
    let mut bound = |name: &str| {
        let it = tolerance.remove(name).unwrap_or(0.0);
        if it.is_finite() && (0.0..0.1).contains(&it) {
            Ok(it)
        } else {
            Err(fields.damaged(&format!("tolerance {name} = {it} lets anything pass")))
        }
    };
    let (pixel_tolerance, score_tolerance) = (bound("pixel_values")?, bound("score")?);
    if let Some(name) = tolerance.keys().next() {
        return Err(fields.damaged(&format!("unknown tolerance `{name}`")));
    }
    let case = entry.case;
    Ok(ImageCase { case, image, top_k, want, pixel_values, pixel_tolerance, score_tolerance })
}

fn generation_case(
    fields: &Fields<'_>,
    tensors: &Tensors<'_>,
    entry: TaskEntry,
) -> Result<GenerationCase> {
    let prompt = match fields.parse("inputs", entry.inputs)? {
        PromptInputs::Text(Text { text }) => Prompt::Text(text),
        PromptInputs::Chat { messages } => {
            Prompt::Chat(messages.into_iter().map(|it| (it.role, it.content)).collect())
        }
    };
    let parameters: GenerationParameters = fields.parse("parameters", entry.parameters)?;
    if parameters.do_sample {
        // Nobody could repeat it: the generator of random numbers is not the same.
        return Err(fields.damaged("do_sample is true; only greedy results can be compared"));
    }
    let expected: Generated =
        fields.parse("expected", fields.present("expected", entry.expected)?)?;
    if expected.token_ids.is_empty() || expected.prompt_ids.is_empty() {
        return Err(fields.damaged("no prompt_ids or no token_ids"));
    }
    if matches!(prompt, Prompt::Chat(_)) && expected.prompt_text.is_none() {
        return Err(fields.damaged("a conversation without prompt_text"));
    }
    let logits = entry.tensor.map(|name| tensors.take_f32(&name, 2)).transpose()?;
    if logits.as_ref().is_some_and(|it| it.shape()[0] != expected.token_ids.len()) {
        return Err(fields.damaged("as many rows of logits as token_ids are needed"));
    }
    Ok(GenerationCase {
        case: entry.case,
        prompt,
        max_new_tokens: parameters.max_new_tokens,
        stop_tokens: parameters.stop_token_ids,
        prompt_ids: expected.prompt_ids,
        prompt_text: expected.prompt_text,
        token_ids: expected.token_ids,
        text: expected.text,
        logits,
    })
}

/// Names the case in every error about one of its fields.
struct Fields<'a> {
    path: &'a Path,
    task: Task,
    case: String,
}

impl Fields<'_> {
    fn damaged(&self, reason: &str) -> Error {
        damaged(self.path, format!("case `{}` of {}: {reason}", self.case, self.task))
    }

    fn parse<T: DeserializeOwned>(&self, field: &str, value: Value) -> Result<T> {
        serde_json::from_value(value).map_err(|error| self.damaged(&format!("{field}: {error}")))
    }

    fn present<T>(&self, field: &str, value: Option<T>) -> Result<T> {
        value.ok_or_else(|| self.damaged(&format!("`{field}` is missing")))
    }
}

fn twice(path: &Path, of: &str, case: &str) -> Error {
    damaged(path, format!("case `{case}` of {of} is recorded twice"))
}
