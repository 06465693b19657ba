//! What is known of model types, classes, tags and methods: tables in `data`, read once.
//!
//! `model_types.tsv` and `architectures.tsv` are written by `tools/model_types.py` from the auto
//! mappings of transformers 5.23 and two hand-written tables; the others are hand-written.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::Kinds;
use crate::{Subfamily, Task, Vocabulary as _};

/// What a table says of a name.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Known {
    /// The kinds it speaks for; several where only a head would decide; none where it is of no
    /// kind that this program knows.
    pub kinds: Kinds,
    /// The task that its head is for.
    pub task: Option<Task>,
    /// Why there is no kind.
    pub reason: Option<&'static str>,
}

type Table = HashMap<&'static str, Known>;

static MODEL_TYPES: LazyLock<Table> =
    LazyLock::new(|| table(include_str!("data/model_types.tsv"), false));
static ARCHITECTURES: LazyLock<Table> =
    LazyLock::new(|| table(include_str!("data/architectures.tsv"), true));
static TAGS: LazyLock<Table> = LazyLock::new(|| table(include_str!("data/tags.tsv"), true));
static METHODS: LazyLock<Table> = LazyLock::new(|| table(include_str!("data/methods.tsv"), false));
static SUFFIXES: LazyLock<Vec<(&'static str, Known, bool)>> = LazyLock::new(|| {
    let text = include_str!("data/suffixes.tsv");
    let weak = |line: &str| line.ends_with("\tweak");
    rows(text).filter_map(|it| row(it, true).map(|(name, known)| (name, known, weak(it)))).collect()
});

/// What a model type says, such as `bert`; `None` for one that is not known.
pub fn model_type(name: &str) -> Option<&'static Known> {
    MODEL_TYPES.get(name)
}

/// What a class of transformers says, such as `BertForMaskedLM`; `None` for one that is not known.
pub fn architecture(class: &str) -> Option<&'static Known> {
    ARCHITECTURES.get(class)
}

/// Every model type that is known, in no order.
pub fn model_types() -> impl Iterator<Item = (&'static str, &'static Known)> {
    MODEL_TYPES.iter().map(|(name, known)| (*name, known))
}

/// Every class that is known, in no order.
pub fn architectures() -> impl Iterator<Item = (&'static str, &'static Known)> {
    ARCHITECTURES.iter().map(|(name, known)| (*name, known))
}

/// Every pipeline tag of the Hub that is known, in no order.
pub fn tags() -> impl Iterator<Item = &'static str> {
    TAGS.keys().copied()
}

/// Every method that is known, in no order.
pub fn methods() -> impl Iterator<Item = &'static str> {
    METHODS.keys().copied()
}

/// What a pipeline tag says. One that every kind does, `feature-extraction`, says nothing.
pub(super) fn tag(name: &str) -> Option<&'static Known> {
    TAGS.get(name).filter(|it| !it.kinds.is_none() || it.reason.is_some())
}

/// The task of this program that a pipeline tag of the Hub stands for.
pub fn task_of_tag(name: &str) -> Option<Task> {
    TAGS.get(name)?.task
}

pub(super) fn method(name: &str) -> Option<&'static Known> {
    METHODS.get(name)
}

/// What a processor's class says, such as `WhisperProcessor`: what its network does. Those of
/// images and sounds alone (`ViTImageProcessor`) are shared by networks of every sort.
pub(super) fn processor(class: &str) -> Option<&'static Known> {
    let network = class.strip_suffix("Processor")?;
    // Nothing of transformers has a longer name.
    if network.len() > 64 {
        return None;
    }
    let of = |ending: &str| ARCHITECTURES.get(format!("{network}{ending}").as_str());
    of("ForConditionalGeneration").or_else(|| of("ForCTC")).or_else(|| of("Model"))
}

/// A number that is another one when one of the tables is, for whoever keeps answers.
pub fn fingerprint() -> u64 {
    static OF_TABLES: LazyLock<u64> = LazyLock::new(|| {
        let tables = [
            include_str!("data/model_types.tsv"),
            include_str!("data/architectures.tsv"),
            include_str!("data/tags.tsv"),
            include_str!("data/methods.tsv"),
            include_str!("data/suffixes.tsv"),
            include_str!("data/names.tsv"),
            include_str!("data/calibration.tsv"),
        ];
        // FNV-1a.
        tables.iter().flat_map(|it| it.bytes()).fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        })
    });
    *OF_TABLES
}

/// What the ending of a class says that the table does not know, and whether it is weak.
pub(super) fn suffix(class: &str) -> Option<(&'static Known, bool)> {
    SUFFIXES.iter().find(|(end, ..)| class.ends_with(end)).map(|(_, known, weak)| (known, *weak))
}

fn table(text: &'static str, with_task: bool) -> Table {
    rows(text).filter_map(|it| row(it, with_task)).collect()
}

/// The lines of a table without its comments.
pub(super) fn rows(text: &'static str) -> impl Iterator<Item = &'static str> {
    text.lines().filter(|it| !it.is_empty() && !it.starts_with('#'))
}

/// Name, kinds, with a task or without, reason. A row that cannot be read is left out; a test
/// reads each.
fn row(line: &'static str, with_task: bool) -> Option<(&'static str, Known)> {
    let mut fields = line.split('\t');
    let (name, kinds) = (fields.next()?, kinds(fields.next()?)?);
    let task = if with_task { fields.next().filter(|it| !it.is_empty()) } else { None };
    let task = task.map(Task::parse).transpose().ok()?;
    let reason = fields.next().filter(|it| !it.is_empty());
    Some((name, Known { kinds, task, reason }))
}

/// `causal_lm,seq2seq`; `none` and `*` are no kinds.
pub(super) fn kinds(text: &str) -> Option<Kinds> {
    if matches!(text, "none" | "*") {
        return Some(Kinds::NONE);
    }
    let list: Result<Vec<_>, _> = text.split(',').map(Subfamily::parse).collect();
    list.ok().map(Kinds::of)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::{
        ARCHITECTURES, METHODS, MODEL_TYPES, SUFFIXES, TAGS, architecture, model_type, rows, tag,
        task_of_tag,
    };
    use crate::{Subfamily, Task, Vocabulary as _};

    #[test]
    fn every_row_of_every_table_is_read() {
        for (text, read) in [
            (include_str!("data/model_types.tsv"), MODEL_TYPES.len()),
            (include_str!("data/architectures.tsv"), ARCHITECTURES.len()),
            (include_str!("data/tags.tsv"), TAGS.len()),
            (include_str!("data/methods.tsv"), METHODS.len()),
            (include_str!("data/suffixes.tsv"), SUFFIXES.len()),
        ] {
            assert_eq!(rows(text).count(), read);
        }
    }

    #[test]
    fn what_is_of_no_kind_has_a_reason_and_nothing_else_has() {
        for (name, known) in MODEL_TYPES.iter().chain(ARCHITECTURES.iter()) {
            assert_eq!(known.kinds.is_none(), known.reason.is_some(), "{name}");
            let task = known.task.zip(known.kinds.likeliest());
            assert!(task.is_none_or(|(task, kind)| kind.tasks().contains(&task)), "{name}");
        }
    }

    #[test]
    fn every_task_is_a_tag_that_leads_back_to_a_kind_that_does_it() {
        for task in Task::ALL {
            assert_eq!(task_of_tag(task.name()), Some(*task));
            if let Some(kind) = tag(task.name()).and_then(|it| it.kinds.likeliest()) {
                assert!(kind.tasks().contains(task), "{task} → {kind}");
            }
        }
        for kind in Subfamily::ALL {
            assert!(!kind.tasks().is_empty(), "{kind}");
        }
    }

    #[test]
    fn every_kind_is_reached() {
        let reached: HashSet<_> =
            MODEL_TYPES.values().filter_map(|it| it.kinds.likeliest()).collect();
        for kind in Subfamily::ALL {
            let by_head = ARCHITECTURES.values().any(|it| it.kinds.likeliest() == Some(*kind));
            assert!(reached.contains(kind) || by_head, "{kind}");
        }
    }

    #[test]
    fn a_head_decides_and_a_network_leaves_open() {
        assert!(architecture("BertForSequenceClassification").unwrap().kinds.is_one());
        assert!(!architecture("BertModel").unwrap().kinds.is_one());
        assert!(model_type("bert").unwrap().kinds.has(Subfamily::TokenClassifier));
        assert_eq!(model_type("timesfm").unwrap().reason, Some("time series"));
        assert_eq!(model_type("qwen2_vl_vision").unwrap().reason, Some("a part of qwen2_vl"));
        assert_eq!(tag("feature-extraction"), None);
    }
}
