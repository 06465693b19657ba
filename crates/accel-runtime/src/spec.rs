//! What a generated skill says about itself.

use accel_core::estimate::Requirements;
use accel_core::{Family, Platform, Subfamily, Task, Variant};

/// One cell of the model × platform matrix; a constant in every generated skill.
#[derive(Clone, Copy, Debug)]
pub struct SkillSpec {
    /// The registry's key, such as `bert`.
    pub model: &'static str,
    /// The model class, such as `BERT`.
    pub class: &'static str,
    /// The model on the Hub, such as `google-bert/bert-base-uncased`.
    pub hub_id: &'static str,
    /// The commit of the model on the Hub.
    pub revision: &'static str,
    /// Where the skill runs.
    pub platform: Platform,
    /// The broad kind of the model.
    pub family: Family,
    /// The precise kind of the model.
    pub subfamily: Subfamily,
    /// What the model can do.
    pub tasks: &'static [Task],
    /// Real or simulation.
    pub variant: Variant,
    /// Why it is a simulation; empty when it is real.
    pub reason: &'static str,
    /// What stands behind the claim that it runs, for people.
    pub evidence: &'static str,
    /// The number of weights of the Hub's model.
    pub parameters: u64,
    /// What it needs of the machine, in the precision of the skill's options, for one input of at
    /// most 2048 tokens; `None` where nobody estimated it. `accel estimate` tells it for others.
    pub needs: Option<Requirements>,
    /// The model's folder relative to the registry's, such as `fixtures/bert`; empty when the
    /// registry names none.
    pub model_dir: &'static str,
}
