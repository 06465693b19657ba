//! The registry as it is written: one record per kind of mapping.

use accel_core::{CaseName, Evidence, Family, Platform, Precision, Subfamily, Support, Task};

use super::config::ModelConfig;
use super::context::{Context, Span, quote, suggest};
use super::decode::{self, Decode, Field, Flag, List, Map, record};
use super::options::RawOptions;
use super::text::{Architecture, Day, HubId, Line, ModelDir, ModelType, Revision};
use super::yaml::{Node, Value};
use super::{Code, VERSION};

record! {
    /// Every model, every platform, and what is claimed of each pair. Generated from this: a test
    /// and a skill for every pair that is not unsupported.
    struct RawRegistry = "the registry" {
        /// Version of this file's layout.
        required version: Version,
        /// What holds on each platform unless a family or a cell says otherwise.
        required platforms: PerPlatform<RawPlatform>,
        /// What holds for each family unless a cell says otherwise; only families with models are needed.
        required families: Map<Family, RawFamily>,
        /// The models by key. A key is a `snake_case` Rust identifier and names the generated files.
        required models: Models,
    }
}

record! {
    /// What holds on a platform unless a family or a cell says otherwise.
    struct RawPlatform = "a platform's defaults" {
        /// Every session option of the platform.
        required options: RawOptions,
        /// How far a result may be from its reference, by precision.
        required tolerances: Map<Precision, RawTolerance>,
    }
}

record! {
    /// What holds for a family unless a cell says otherwise.
    struct RawFamily = "a family's defaults" {
        /// Where automatic choice looks first.
        required platform_priority: List<Platform>,
        /// Session options, of those that every platform has, that differ from the platforms' defaults.
        optional options: RawOptions,
        /// Tolerances that differ from the platforms' defaults.
        optional tolerances: Map<Precision, RawTolerance>,
    }
}

record! {
    /// How far a result may be from its reference; all bounds must hold.
    struct RawTolerance = "a tolerance" {
        /// Largest absolute difference of any element.
        required max_abs: MaxAbs,
        /// Smallest cosine similarity of the flattened tensors.
        required min_cosine: MinCosine,
        /// Smallest ratio of signal to quantisation noise of the flattened tensors, in decibels.
        required min_sqnr_db: MinSqnrDb,
    }
}

record! {
    /// One model.
    struct RawModel = "a model" {
        /// The model class as people write it, such as `BERT`.
        required class: Line,
        /// The repository on the Hugging Face Hub, `owner/name`.
        required hub_id: HubId,
        /// A commit, tag or branch of that repository; only a commit stays what it is.
        required revision: Revision,
        /// `architectures` of its `config.json`.
        required architectures: List<Architecture>,
        /// `model_type` of its `config.json`.
        required model_type: ModelType,
        /// What users want done with it.
        required tasks: List<Task>,
        /// Whether it stands for one of the key classes.
        required key_model: Flag,
        /// Number of weights of the Hub's model; shared ones count once.
        required parameters: Count,
        /// What its `config.json` says where it differs from transformers' defaults for the model
        /// type; `{}` where it does not. Memory is estimated from it, and `parameters` must agree.
        optional config: ModelConfig,
        /// Where its files or its fixture lie, relative to this file's folder.
        optional model_dir: ModelDir,
        /// Precisions beside fp32 in which its `model_dir` has every graph; each is tested on every
        /// platform.
        optional precisions: List<Precision>,
        /// The kind of model, when the classifier does not find it.
        optional subfamily: Subfamily,
        /// What is claimed on each platform.
        required platforms: PerPlatform<RawCell>,
    }
}

record! {
    /// One model on one platform.
    struct RawCell = "a cell" {
        /// Whether the model runs there.
        required support: Support,
        /// Why it does not, or is only simulated; not for `real`.
        optional reason: Line,
        /// What stands behind the claim.
        required evidence: RawEvidence,
        /// Session options that differ from the family's and the platform's.
        optional options: RawOptions,
        /// Tolerances that differ from the family's and the platform's.
        optional tolerances: Map<Precision, RawTolerance>,
        /// Cases that fail for a known reason. One that passes after all is a failure.
        optional expected_failures: Map<CaseName, Line>,
    }
}

record! {
    /// The device on which the generated tests passed.
    struct RawDevice = "evidence of a run" {
        /// The device as its driver names it.
        required device: Line,
        /// The day of the run, `YYYY-MM-DD`.
        required date: Day,
    }
}

impl RawRegistry {
    /// Reads the root of a document.
    pub(super) fn read(root: &Node, cx: &mut Context<'_>) -> Option<Self> {
        Self::decode(root, cx)
    }
}

/// A mapping by platform whose options depend on the platform. Which platforms must be there is
/// said by whoever has it.
#[derive(Clone, Debug)]
pub(super) struct PerPlatform<V>(pub(super) Map<Platform, V>);

impl<V: Decode> Decode for PerPlatform<V> {
    fn decode(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        Map::decode(node, cx).map(Self)
    }
}

/// Models by key, in the order of the file. A model is `None` when it was no mapping.
#[derive(Clone, Debug)]
pub(super) struct Models(pub(super) Vec<(String, Span, Option<RawModel>)>);

impl Decode for Models {
    fn decode(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        let entries = decode::mapping(node, "models by key", cx)?;
        if entries.is_empty() {
            let help = "add one; `accelgen registry add config.json` writes an entry";
            cx.advise(Code::EmptyValue, node.span, "the registry has no model", help);
        }
        let model = |it: &super::yaml::Entry, cx: &mut Context<'_>| {
            (it.key.clone(), it.key_span, RawModel::decode(&it.node, cx))
        };
        Some(Self(entries.iter().map(|it| model(it, cx)).collect()))
    }
}

/// The layout's version.
#[derive(Clone, Copy, Debug)]
pub(super) struct Version;

impl Decode for Version {
    fn decode(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        let version = decode::integer(node, 0, u64::MAX, cx)?;
        if version == VERSION {
            return Some(Self);
        }
        let message = format!("version {version} of the registry's layout is not known");
        let help = format!("this program reads version {VERSION}; is there a newer program?");
        cx.advise(Code::UnknownVersion, node.span, message, help);
        None
    }
}

/// A number of things, at least one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Count(pub(super) u64);

impl Decode for Count {
    fn decode(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        // The largest integer that YAML and JSON readers agree on.
        decode::integer(node, 1, i64::MAX as u64, cx).map(Self)
    }
}

/// A bound on an absolute difference.
#[derive(Clone, Copy, Debug)]
pub(super) struct MaxAbs(pub(super) f64);

impl Decode for MaxAbs {
    fn decode(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        let number = decode::float(node, cx)?;
        if number > 0.0 && number.is_finite() {
            return Some(Self(number));
        }
        let help = "write a number above 0 that is not infinite, such as `1.0e-4`";
        cx.advise(Code::BadTolerance, node.span, "no bound on an absolute difference", help);
        None
    }
}

/// A bound on a cosine.
#[derive(Clone, Copy, Debug)]
pub(super) struct MinCosine(pub(super) f64);

impl Decode for MinCosine {
    fn decode(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        let number = decode::float(node, cx)?;
        if number > 0.0 && number <= 1.0 {
            return Some(Self(number));
        }
        let help = "write a number above 0 and at most 1, such as `0.9999`";
        cx.advise(Code::BadTolerance, node.span, "no bound on a cosine similarity", help);
        None
    }
}

/// A bound on a ratio of signal to noise.
#[derive(Clone, Copy, Debug)]
pub(super) struct MinSqnrDb(pub(super) f64);

impl MinSqnrDb {
    /// As much as 32-bit floats could ever show: their products have 48 bits, 289 dB.
    pub(super) const MAX: f64 = 200.0;
}

impl Decode for MinSqnrDb {
    fn decode(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        let number = decode::float(node, cx)?;
        if (0.0..=Self::MAX).contains(&number) {
            return Some(Self(number));
        }
        let help = "write decibels from 0 to 200, such as `60.0`";
        cx.advise(Code::BadTolerance, node.span, "no bound on a ratio of signal to noise", help);
        None
    }
}

/// Evidence that is one word.
pub(super) const EVIDENCE: [(&str, Evidence, &str); 4] = [
    ("none", Evidence::None, "Nothing ran yet."),
    ("compiled", Evidence::Compiled, "The generated code compiles; nothing ran."),
    ("ci", Evidence::Ci, "The generated tests pass in every CI run."),
    (
        "ci_software",
        Evidence::CiSoftware,
        "They pass in every CI run, on a program that stands in for the platform's hardware.",
    ),
];

/// What stands behind a claim.
#[derive(Clone, Debug)]
pub(super) struct RawEvidence(pub(super) Evidence);

impl Decode for RawEvidence {
    fn decode(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        if let Value::Mapping(_) = node.value {
            let RawDevice { device, date, .. } = RawDevice::decode(node, cx)?;
            let (Field::Good { value: device, .. }, Field::Good { value: date, .. }) =
                (device, date)
            else {
                return None;
            };
            return Some(Self(Evidence::Device { device: device.0, date: date.0 }));
        }
        let what = "`none`, `compiled`, `ci`, `ci_software` or `{ device: …, date: … }`";
        let word = decode::text(node, what, cx)?;
        let known = EVIDENCE.into_iter().find(|(name, ..)| *name == word);
        if known.is_none() {
            let message = format!("unknown evidence {}; it is {what}", quote(word));
            let help = suggest(word, EVIDENCE.iter().map(|it| it.0));
            cx.report(Code::UnknownName, node.span, message, help);
        }
        known.map(|(_, evidence, _)| Self(evidence))
    }
}
