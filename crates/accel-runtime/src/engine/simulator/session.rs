//! A simulated session: rten computes, and what it ran is remembered for predictions.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use accel_core::DeviceOptions;

use super::cost::{CostGraph, InputForm, cost};
use super::prediction::{Prediction, predict};
use super::profile::Profile;
use crate::engine::{Feed, Keep, Kept, Placement, Session, TensorInfo};
use crate::{Error, Result, Tensor, TensorData};

/// What a session of the simulator knows of its device and of its runs.
#[derive(Debug)]
pub struct Simulation {
    profile: Profile,
    options: DeviceOptions,
    graph: CostGraph,
    runs: Mutex<Runs>,
}

/// Runs by their form: a decoder's steps are many, and most differ by one size.
#[derive(Debug, Default)]
struct Runs {
    counts: BTreeMap<Form, u64>,
    last: Option<Form>,
}

/// What a run's cost depends on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Form {
    inputs: Vec<InputForm>,
    /// Outputs that came back to the host.
    transferred: Vec<String>,
}

impl Simulation {
    pub(super) fn new(profile: Profile, options: DeviceOptions, graph: CostGraph) -> Self {
        Self { profile, options, graph, runs: Mutex::default() }
    }

    /// The device.
    pub const fn profile(&self) -> &Profile {
        &self.profile
    }

    /// Bytes that the weights take.
    pub const fn weight_bytes(&self) -> f64 {
        self.graph.weight_bytes
    }

    /// What the last run would take on the device; `None` before the first.
    pub fn last_run(&self) -> Option<Prediction> {
        let last = self.runs().last.clone()?;
        Some(self.of_form(&last))
    }

    /// What all runs since the load, or since [`forget_runs`](Self::forget_runs), would take on
    /// the device, one after another; `None` when there was none.
    pub fn all_runs(&self) -> Option<Prediction> {
        let counts = self.runs().counts.clone();
        let mut each = counts.iter().map(|(form, count)| self.of_form(form).repeated(*count));
        let mut total = each.next()?;
        each.for_each(|it| total.add_runs(&it));
        Some(total)
    }

    /// Forgets the runs so far.
    pub fn forget_runs(&self) {
        *self.runs() = Runs::default();
    }

    /// What one run with inputs of these sizes would take on the device, all inputs and outputs
    /// transferred; nothing is computed.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] when the sizes are not those of exactly the graph's inputs.
    pub fn predict(&self, sizes: &[(&str, &[usize])]) -> Result<Prediction> {
        let wrong = |given: String| Error::InvalidArgument {
            argument: "sizes",
            given,
            expected: format!(
                "the sizes of each of {}",
                self.graph.input_names().collect::<Vec<_>>().join(", ")
            ),
        };
        if let Some((name, _)) =
            sizes.iter().find(|(name, _)| self.graph.input_names().all(|it| it != *name))
        {
            return Err(wrong(format!("those of `{name}`")));
        }
        let inputs = self
            .graph
            .input_names()
            .map(|name| {
                let found = sizes.iter().find(|(it, _)| *it == name);
                let (_, shape) = found.ok_or_else(|| wrong(format!("none of `{name}`")))?;
                Ok(InputForm { shape: shape.to_vec(), is_kept: false, truth: None })
            })
            .collect::<Result<_>>()?;
        let transferred = self.graph.output_names().to_vec();
        Ok(self.of_form(&Form { inputs, transferred }))
    }

    fn of_form(&self, form: &Form) -> Prediction {
        let cost = cost(&self.graph, &form.inputs, &form.transferred);
        predict(&self.profile, &self.options, &cost, self.graph.weight_bytes)
    }

    /// The form of a run with these inputs.
    fn form(&self, inputs: &[(&str, Feed<'_>)], transferred: &[&str]) -> Form {
        let form = |name: &str| {
            let feed = inputs.iter().find(|(it, _)| *it == name).map(|(_, feed)| feed);
            InputForm {
                shape: feed.map(Feed::shape).unwrap_or_default(),
                is_kept: matches!(feed, Some(Feed::Kept(_) | Feed::Shared(_))),
                truth: match feed {
                    Some(Feed::Tensor(tensor)) => match tensor.data() {
                        TensorData::Bool(it) if it.len() == 1 => it.first().copied(),
                        _ => None,
                    },
                    _ => None,
                },
            }
        };
        Form {
            inputs: self.graph.input_names().map(form).collect(),
            transferred: transferred.iter().map(|it| (*it).to_owned()).collect(),
        }
    }

    fn note(&self, form: Form) {
        let mut runs = self.runs();
        *runs.counts.entry(form.clone()).or_default() += 1;
        runs.last = Some(form);
    }

    fn runs(&self) -> MutexGuard<'_, Runs> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A graph loaded by rten on behalf of a device that is not there.
#[derive(Debug)]
pub(super) struct SimulatedSession {
    pub(super) inner: Box<dyn Session>,
    pub(super) placement: Placement,
    pub(super) simulation: Arc<Simulation>,
}

impl Session for SimulatedSession {
    fn inputs(&self) -> &[TensorInfo] {
        self.inner.inputs()
    }

    fn outputs(&self) -> &[TensorInfo] {
        self.inner.outputs()
    }

    fn placement(&self) -> &Placement {
        &self.placement
    }

    fn execute(&self, inputs: Vec<(&str, Tensor)>, outputs: &[&str]) -> Result<Vec<Tensor>> {
        let inputs = inputs.into_iter().map(|(name, it)| (name, Feed::Tensor(it))).collect();
        Ok(self.execute_keeping(inputs, outputs, &[])?.0)
    }

    fn execute_keeping(
        &self,
        inputs: Vec<(&str, Feed<'_>)>,
        outputs: &[&str],
        keep: &[Keep<'_>],
    ) -> Result<(Vec<Tensor>, Vec<Kept>)> {
        let form = self.simulation.form(&inputs, outputs);
        let results = self.inner.execute_keeping(inputs, outputs, keep)?;
        self.simulation.note(form);
        Ok(results)
    }

    fn simulation(&self) -> Option<&Simulation> {
        Some(&self.simulation)
    }
}
