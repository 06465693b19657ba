//! What a case works with.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use accel_core::{Precision, SessionOptions, Tolerance, Variant};

use super::reference::Reference;
use super::{Cell, Failure, Skill, Verdict, placement};
use crate::{ModelSource, Placement, Result};

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
    /// Why the simulator takes the platform's place, if it does.
    pub simulated: Option<&'a str>,
    notes: Mutex<Notes>,
}

/// What a case leaves behind besides its verdict.
#[derive(Clone, Debug, Default)]
pub(super) struct Notes {
    pub(super) measurements: BTreeMap<String, f64>,
    pub(super) placement: Option<Placement>,
    /// Share of `placement`'s compute nodes on the CPU, in percent.
    pub(super) fallback_percent: f64,
}

impl<'a> Probe<'a> {
    pub(super) fn new(
        cell: &'a Cell,
        source: &'a ModelSource,
        reference: &'a Reference,
        simulated: Option<&'a str>,
    ) -> Self {
        let options = cell.options;
        Self { cell, source, reference, options, simulated, notes: Mutex::default() }
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
        let skill = self.load_unchecked(source, options)?;
        self.accept(&skill, options)?;
        Ok(skill)
    }

    /// Loads the skill, real or simulated as the case runs, without looking at its placement.
    ///
    /// # Errors
    /// What the skill's own `load_with` returns.
    pub fn load_unchecked(&self, source: &ModelSource, options: &SessionOptions) -> Result<Skill> {
        match (self.simulated, self.cell.spec.variant) {
            (Some(_), Variant::Real) => {
                Skill::simulate(self.cell.load, self.cell.spec, source, options)
            }
            _ => Skill::load(self.cell.load, source, options),
        }
    }

    /// Checks the placement of a skill that a case loaded by itself, or has just run, and notes
    /// it. Of several the one with the largest share of nodes on the CPU stays noted: a case is no
    /// better than the worst of its loads.
    ///
    /// # Errors
    /// Of the placement stage.
    pub fn accept(&self, skill: &Skill, options: &SessionOptions) -> Verdict {
        let placement = skill.placement();
        // A simulation computes on the CPU and says so; it has no placement to prove.
        let fallback_percent = match self.simulated {
            None => placement::check(&placement, self.cell.spec.platform, options)?,
            Some(_) => 0.0,
        };
        let mut notes = self.notes();
        if notes.placement.is_none() || fallback_percent >= notes.fallback_percent {
            notes.placement = Some(placement);
            notes.fallback_percent = fallback_percent;
        }
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
