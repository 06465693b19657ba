//! What a valid registry says, every default already applied.

use std::collections::BTreeMap;

use accel_core::classify::Classification;
use accel_core::{
    CaseName, Config, Evidence, Family, OptionValue, Platform, Precision, Subfamily, Support, Task,
    Tolerance,
};

use super::{Problem, RustIdent};

/// Session options by name. The names are those of [`accel_core::common_option_fields`] and
/// [`accel_core::device_option_fields`], the values are of those fields' kinds.
pub type OptionValues = BTreeMap<&'static str, OptionValue>;

/// How far a result may be from its reference, by precision.
pub type Tolerances = BTreeMap<Precision, Tolerance>;

/// A registry without errors.
#[derive(Clone, Debug, PartialEq)]
pub struct Registry {
    /// Defaults of every platform.
    pub platforms: BTreeMap<Platform, PlatformDefaults>,
    /// Defaults of every family that has a model, and of those that are written anyway.
    pub families: BTreeMap<Family, FamilyDefaults>,
    /// Every model, sorted by key.
    pub models: Vec<Model>,
    /// What is worth a look though nothing is wrong, in the order of the file.
    pub warnings: Vec<Problem>,
}

impl Registry {
    /// The model of that key.
    pub fn model(&self, key: &str) -> Option<&Model> {
        let found = self.models.binary_search_by(|it| it.key.as_str().cmp(key)).ok()?;
        self.models.get(found)
    }
}

/// What holds on a platform unless a family or a cell says otherwise.
#[derive(Clone, Debug, PartialEq)]
pub struct PlatformDefaults {
    /// Every common option and every option of the platform.
    pub options: OptionValues,
    /// Tolerances by precision; not necessarily of every precision.
    pub tolerances: Tolerances,
}

/// What holds for a family unless a cell says otherwise.
#[derive(Clone, Debug, PartialEq)]
pub struct FamilyDefaults {
    /// Where automatic choice looks first; no platform twice, at least one.
    pub platform_priority: Vec<Platform>,
    /// Common options that differ from the platforms' defaults.
    pub options: OptionValues,
    /// Tolerances that differ from the platforms' defaults.
    pub tolerances: Tolerances,
}

/// One model.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// Its name in the registry, in file names and in Rust.
    pub key: RustIdent,
    /// The model class as people write it, such as `BERT`.
    pub class: String,
    /// The repository on the Hugging Face Hub, `owner/name`.
    pub hub_id: String,
    /// A commit, tag or branch of that repository.
    pub revision: String,
    /// `architectures` of its `config.json`, at least one.
    pub architectures: Vec<String>,
    /// `model_type` of its `config.json`.
    pub model_type: String,
    /// What users want done with it, at least one; its kind can do every one of them.
    pub tasks: Vec<Task>,
    /// Whether it stands for one of the key classes.
    pub key_model: bool,
    /// Number of weights of the Hub's model.
    pub parameters: u64,
    /// Its `config.json` as far as the entry has it: what differs from transformers' defaults, and
    /// the entry's `architectures` and `model_type`. `None` when the entry has no `config`.
    pub config: Option<Config>,
    /// Where its files or its fixture lie: relative to the registry's folder, forward slashes, no
    /// `..`; empty when there are none.
    pub model_dir: String,
    /// Precisions beside the cells' own in which `model_dir` has every graph.
    pub precisions: Vec<Precision>,
    /// The classifier's answer. Without evidence and with confidence 0 when the classifier knew
    /// nothing and the entry names its subfamily itself.
    pub classification: Classification,
    /// The precise kind: the entry's own word, else the classifier's.
    pub subfamily: Subfamily,
    /// Every platform, always.
    pub cells: BTreeMap<Platform, Cell>,
}

impl Model {
    /// The broad kind; it chooses the templates.
    pub const fn family(&self) -> Family {
        self.subfamily.family()
    }
}

/// One model on one platform.
#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    /// Whether it runs there.
    pub support: Support,
    /// Why it does not really run; empty when it does.
    pub reason: String,
    /// What stands behind the claim.
    pub evidence: Evidence,
    /// Every common option and every option of the platform.
    pub options: OptionValues,
    /// Tolerances; the precision of `options` is always among them.
    pub tolerances: Tolerances,
    /// Cases that fail for a known reason.
    pub expected_failures: BTreeMap<CaseName, String>,
}
