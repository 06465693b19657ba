//! What a case works with.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use accel_core::{Precision, SessionOptions, Stage, Tolerance, Variant};

use super::reference::Reference;
use super::{Cell, Failure, Load, Verdict, placement};
use crate::{
    GraphModel, ImageClassifier, ModelSource, Pipeline as _, Placement, Result, Session, Tensor,
    TensorInfo, TextEncoder, TextGenerator,
};

/// What a case works with: the cell, its model and what was recorded of it.
#[derive(Debug)]
pub struct Probe<'a> {
    /// The cell.
    pub cell: &'a Cell,
    /// Where the model comes from.
    pub source: &'a ModelSource,
    /// What Hugging Face computed.
    pub reference: &'a Reference,
    /// The skill's own session options.
    pub options: SessionOptions,
    notes: Mutex<Notes>,
}

/// What a case leaves behind besides its verdict.
#[derive(Clone, Debug, Default)]
pub(super) struct Notes {
    pub(super) measurements: BTreeMap<String, f64>,
    pub(super) placement: Option<Placement>,
}

impl<'a> Probe<'a> {
    pub(super) fn new(cell: &'a Cell, source: &'a ModelSource, reference: &'a Reference) -> Self {
        Self { cell, source, reference, options: cell.options, notes: Mutex::default() }
    }

    pub(super) fn into_notes(self) -> Notes {
        self.notes.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Loads the skill with its own options. Fails when it is placed elsewhere than on the
    /// cell's platform.
    ///
    /// # Errors
    /// Of the stage at which loading failed, or of the placement stage.
    pub fn load(&self) -> Result<Skill, Failure> {
        self.load_from(self.source, &self.options)
    }

    /// Loads the skill with other options.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn load_with(&self, options: &SessionOptions) -> Result<Skill, Failure> {
        self.load_from(self.source, options)
    }

    /// Loads the skill from another source.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn load_from(
        &self,
        source: &ModelSource,
        options: &SessionOptions,
    ) -> Result<Skill, Failure> {
        let skill = Skill::load(self.cell.load, source, options)?;
        self.accept(&skill, options)?;
        Ok(skill)
    }

    /// Checks the placement of a skill that a case loaded by itself, and notes it.
    ///
    /// # Errors
    /// Of the placement stage.
    pub fn accept(&self, skill: &Skill, options: &SessionOptions) -> Verdict {
        let placement = skill.placement();
        // A simulation computes on the CPU and says so; it has no placement to prove.
        if self.cell.spec.variant == Variant::Real {
            placement::check(&placement, self.cell.spec.platform, options)?;
        }
        self.notes().placement = Some(placement);
        Ok(())
    }

    /// Records a figure. The name carries the unit: `load_ms`, `weights_bytes`.
    pub fn measure(&self, name: impl Into<String>, value: f64) {
        self.notes().measurements.insert(name.into(), value);
    }

    /// How far results of `precision` may be off.
    ///
    /// # Errors
    /// When the registry has none: then nothing can be said about a result.
    pub fn tolerance(&self, precision: Precision) -> Result<Tolerance, Failure> {
        let found = self.cell.tolerances.iter().find(|(it, _)| *it == precision);
        found.map(|(_, tolerance)| *tolerance).ok_or_else(|| {
            Failure::resolve(format!(
                "the registry has no tolerance of `{}` for {precision}; add one",
                self.cell.spec.model
            ))
        })
    }

    /// How far results of the skill's own precision may be off.
    ///
    /// # Errors
    /// As [`tolerance`](Self::tolerance).
    pub fn own_tolerance(&self) -> Result<Tolerance, Failure> {
        self.tolerance(self.options.precision)
    }

    /// A case's data, or a failure: an empty list would make the case hold whatever happens.
    ///
    /// # Errors
    /// When `cases` is empty.
    pub fn recorded<'c, T>(&self, cases: &'c [T], what: &str) -> Result<&'c [T], Failure> {
        if cases.is_empty() {
            return Err(Failure::resolve(format!(
                "the reference of `{}` records no {what}; record some with tools/fixtures/make.py",
                self.cell.spec.model
            )));
        }
        Ok(cases)
    }
}

/// A loaded skill of any kind.
#[derive(Debug)]
pub enum Skill {
    /// A bidirectional text encoder.
    TextEncoder(TextEncoder),
    /// An image classifier.
    ImageClassifier(ImageClassifier),
    /// A text generator.
    TextGenerator(TextGenerator),
    /// A model without typed tasks yet.
    GraphModel(GraphModel),
}

impl Skill {
    /// Loads as `load` says.
    ///
    /// # Errors
    /// What the skill's own `load_with` returns.
    pub fn load(load: Load, source: &ModelSource, options: &SessionOptions) -> Result<Self> {
        Ok(match load {
            Load::TextEncoder(load) => Self::TextEncoder(load(source, options)?),
            Load::ImageClassifier(load) => Self::ImageClassifier(load(source, options)?),
            Load::TextGenerator(load) => Self::TextGenerator(load(source, options)?),
            Load::GraphModel(load) => Self::GraphModel(load(source, options)?),
        })
    }

    /// Every loaded graph.
    pub fn sessions(&self) -> Vec<&dyn Session> {
        match self {
            Self::TextEncoder(it) => it.sessions(),
            Self::ImageClassifier(it) => it.sessions(),
            Self::TextGenerator(it) => it.sessions(),
            Self::GraphModel(it) => it.sessions(),
        }
    }

    /// Where all its graphs' nodes run.
    pub fn placement(&self) -> Placement {
        match self {
            Self::TextEncoder(it) => it.placement(),
            Self::ImageClassifier(it) => it.placement(),
            Self::TextGenerator(it) => it.placement(),
            Self::GraphModel(it) => it.placement(),
        }
    }

    /// The session of the graph that `reference` records under `name`.
    ///
    /// A typed pipeline does not name its graphs: with one it is that one, and among several it
    /// is the one with the recorded inputs and outputs.
    ///
    /// # Errors
    /// When the skill has not loaded it.
    pub fn graph(&self, reference: &Reference, name: &str) -> Result<&dyn Session, Failure> {
        let sessions = self.sessions();
        let found = match self {
            Self::GraphModel(it) => it.graph(name).ok(),
            _ if sessions.len() == 1 => sessions.first().copied(),
            _ => sessions.iter().copied().find(|it| {
                reference.graph(name).next().is_some_and(|case| {
                    same_names(it.inputs(), &case.inputs) && same_names(it.outputs(), &case.outputs)
                })
            }),
        };
        found.ok_or_else(|| {
            Failure::new(
                Stage::Load,
                format!("none of the skill's {} graphs is `{name}`", sessions.len()),
            )
        })
    }

    /// The skill as a text encoder.
    ///
    /// # Errors
    /// When it is something else.
    pub fn text_encoder(&self) -> Result<&TextEncoder, Failure> {
        match self {
            Self::TextEncoder(it) => Ok(it),
            other => Err(other.is_not("a text encoder")),
        }
    }

    /// The skill as an image classifier.
    ///
    /// # Errors
    /// When it is something else.
    pub fn image_classifier(&self) -> Result<&ImageClassifier, Failure> {
        match self {
            Self::ImageClassifier(it) => Ok(it),
            other => Err(other.is_not("an image classifier")),
        }
    }

    /// The skill as a text generator.
    ///
    /// # Errors
    /// When it is something else.
    pub fn text_generator(&self) -> Result<&TextGenerator, Failure> {
        match self {
            Self::TextGenerator(it) => Ok(it),
            other => Err(other.is_not("a text generator")),
        }
    }

    fn is_not(&self, what: &str) -> Failure {
        let is = match self {
            Self::TextEncoder(_) => "a text encoder",
            Self::ImageClassifier(_) => "an image classifier",
            Self::TextGenerator(_) => "a text generator",
            Self::GraphModel(_) => "a model without typed tasks",
        };
        Failure::resolve(format!("this case needs {what}, and the skill is {is}"))
    }
}

fn same_names(infos: &[TensorInfo], recorded: &[(String, Tensor)]) -> bool {
    infos.len() == recorded.len()
        && infos.iter().all(|info| recorded.iter().any(|(name, _)| *name == info.name))
}
