//! The tasks: inputs are read, the model is loaded, run and told about.

mod dual;
mod flags;
mod media;
mod text;

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use accel_core::{SessionOptions, Subfamily, Task, Vocabulary as _};
use accel_runtime::engine::SimulatorEngine;
use accel_runtime::{ModelSource, Pipeline, SkillSpec};
use serde_json::{Value, json};

pub(super) use flags::refuse_flags;

use super::model::Model;
use super::options::session_options;
use super::output::{Times, Told, mark, timed};
use super::place::Place;
use crate::console::Console;
use crate::failure::Failure;
use crate::json;
use crate::run::args::RunArgs;

/// Runs the model `name` on the inputs of `arguments`.
pub(super) fn run(name: &Path, arguments: &RunArgs, console: Console) -> Result<(), Failure> {
    let place = Place::of(arguments)?;
    let options = session_options(place.platform, arguments.precision, &arguments.option)?;
    let model = Model::find(name, arguments)?;
    refuse_flags(arguments, Some(model.task))?;
    let spec = model.spec(place.platform);
    let run = Run { model, arguments, place, options, spec, console };
    match run.model.kind {
        Subfamily::MaskedLm => text::encode(&run),
        Subfamily::CausalLm => text::generate(&run),
        Subfamily::Seq2seq => text::text_to_text(&run),
        Subfamily::ImageClassifier => media::classify_images(&run),
        Subfamily::ObjectDetector => media::detect_objects(&run),
        Subfamily::SpeechRecognition => media::transcribe(&run),
        Subfamily::VisionLanguage => media::describe_images(&run),
        Subfamily::AudioTextEncoder => dual::sounds(&run),
        Subfamily::ImageTextEncoder => dual::images(&run),
        Subfamily::VideoTextEncoder => dual::videos(&run),
        kind => {
            let served = Subfamily::ALL.iter().filter(|it| it.has_pipeline()).map(|it| it.name());
            Err(Failure::failed(
                "unsupported",
                format!(
                    "{} is a model of the kind {kind}, which no pipeline runs; there are those of {}",
                    run.model.folder.display(),
                    served.collect::<Vec<_>>().join(", ")
                ),
            ))
        }
    }
}

/// A run that is to be made.
struct Run<'a> {
    model: Model,
    arguments: &'a RunArgs,
    place: Place,
    options: SessionOptions,
    spec: SkillSpec,
    console: Console,
}

/// What came of one input.
struct Answer {
    /// For programs.
    result: Value,
    /// For people; empty when it was printed while it was made.
    text: String,
}

/// Gets every piece of a text as soon as it is certain.
type OnText<'a> = &'a mut dyn FnMut(&str) -> ControlFlow<()>;

impl Run<'_> {
    /// Loads the model, lets `work` do the task on all inputs, and prints what came of it.
    /// `work` prints what it makes through the function that it gets.
    ///
    /// # Errors
    /// What the runtime reports.
    fn with<P: Pipeline>(
        &self,
        mut work: impl FnMut(&P, OnText<'_>) -> Result<Vec<Answer>, Failure>,
    ) -> Result<(), Failure> {
        let console = self.console;
        let spinner = console.spinner(format!("loading {}", self.model.folder.display()));
        let start = Instant::now();
        let source = ModelSource::dir(&self.model.folder);
        let simulator = self.place.simulator.as_ref();
        let pipeline: P = match simulator {
            None => accel_runtime::load(&self.spec, &source, &self.options)?,
            Some(it) => {
                let source = source.with_engine(Arc::new(it.clone()));
                // The mark goes into what is printed.
                accel_runtime::simulate(&self.spec, &source, &self.options)?.into_inner()
            }
        };
        let load = start.elapsed();
        let placement = pipeline.placement();
        let findings = self.place.judge(&placement, &self.options)?;
        if simulator.is_some() {
            console.say(&mark(&placement));
        }
        let mut spinner = Some(spinner);
        let writes = writes_token_by_token(self.model.task);
        let runs = self.arguments.runs.unwrap_or(if writes || simulator.is_some() { 1 } else { 2 });
        let (answers, first_run, run) = timed(runs, |first| {
            work(&pipeline, &mut |piece| {
                if !first || console.json() {
                    return ControlFlow::Continue(());
                }
                spinner = None;
                console.piece(piece)
            })
        })?;
        drop(spinner);
        let told = Told {
            placement: &placement,
            findings,
            times: Times { load, first_run, run },
            prediction: simulator.and_then(SimulatorEngine::prediction),
        };
        if console.json() {
            console.print(&json::document(told.json(json!({
                "model": self.model.folder.display().to_string(),
                "kind": self.model.kind,
                "task": self.model.task,
                "platform": self.place.platform,
                "results": answers.into_iter().map(|it| it.result).collect::<Vec<_>>(),
            }))));
            return Ok(());
        }
        let all: Vec<_> = answers.into_iter().map(|it| it.text).collect();
        console.print(&all.join("\n"));
        console.aside(&told.human());
        Ok(())
    }
}

const fn writes_token_by_token(task: Task) -> bool {
    matches!(
        task,
        Task::TextGeneration
            | Task::Text2textGeneration
            | Task::ImageTextToText
            | Task::AutomaticSpeechRecognition
    )
}

/// An embedding as one input's answer.
fn vector(input: &str, vector: &[f32]) -> Answer {
    const SHOWN: usize = 8;
    let shown: Vec<_> = vector.iter().take(SHOWN).map(|it| format!("{it:.4}")).collect();
    let more = if vector.len() > SHOWN { ", …" } else { "" };
    Answer {
        result: json!({ "input": input, "vector": vector }),
        text: format!("{input}: {} values [{}{more}]\n", vector.len(), shown.join(", ")),
    }
}

/// Labels and scores as one input's answer.
fn labels(input: &str, labels: &[accel_runtime::LabelScore]) -> Answer {
    let each: Vec<_> =
        labels.iter().map(|it| json!({ "label": it.label, "score": it.score })).collect();
    let lines: Vec<_> = labels.iter().map(|it| format!("{:.4}  {}", it.score, it.label)).collect();
    Answer {
        result: json!({ "input": input, "labels": each }),
        text: format!("{input}\n{}\n", lines.join("\n")),
    }
}
