//! Models × platforms and families × platforms, from the same verdicts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Level, Model, Overrides, Target, Verdict, verdict, verdict_here};
use crate::vocabulary::vocabulary;
use crate::{Family, Platform, Precision, Vocabulary as _};

/// How a family's level follows from its models', for readers.
pub const FAMILY_RULE: &str = "A family has the highest level that at least half of its models \
                               reach on that platform.";

vocabulary! {
    what = "kind of row";
    /// What a row of a matrix stands for.
    pub enum MatrixBy {
        /// One model.
        Model = "model",
        /// All models of a family; see [`FAMILY_RULE`].
        Family = "family",
    }
}

/// Compatibility as a table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Matrix {
    /// What a row stands for.
    pub by: MatrixBy,
    /// Whether the machine was looked at; otherwise every platform is taken to be there.
    pub on_this_machine: bool,
    /// The columns.
    pub platforms: Vec<Platform>,
    /// The rows: models by key, families in their order.
    pub rows: Vec<MatrixRow>,
}

/// A model or a family.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MatrixRow {
    /// The model's key or the family's name.
    pub name: String,
    /// The family.
    pub family: Family,
    /// A cell for every platform.
    pub cells: BTreeMap<Platform, MatrixCell>,
}

/// A row on one platform.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MatrixCell {
    /// The model's level, or the family's.
    pub level: Level,
    /// How many models have which level; levels that none has are left out.
    pub counts: BTreeMap<Level, usize>,
    /// The verdict of every model that counts.
    pub verdicts: Vec<Verdict>,
}

impl MatrixCell {
    fn of(verdicts: Vec<Verdict>) -> Self {
        let mut counts = BTreeMap::new();
        for verdict in &verdicts {
            *counts.entry(verdict.level).or_insert(0) += 1;
        }
        Self { level: reached_by_half(&counts), counts, verdicts }
    }
}

/// The highest level that at least half of those counted reach; none when nothing is counted.
fn reached_by_half(counts: &BTreeMap<Level, usize>) -> Level {
    let all: usize = counts.values().sum();
    let mut reached = 0;
    for (level, count) in counts.iter().rev() {
        reached += count;
        if reached * 2 >= all {
            return *level;
        }
    }
    Level::None
}

/// The matrix of `models`: for any machine, or with its `targets` for the one that they were
/// detected on.
///
/// Without a `precision` each cell is judged in the one that suits it.
pub fn matrix(
    models: &[Model],
    by: MatrixBy,
    targets: Option<&[Target]>,
    precision: Option<Precision>,
    overrides: &Overrides,
) -> Matrix {
    let judge = |model: &Model, platform| match targets {
        Some(targets) => verdict_here(model, platform, targets, precision, overrides),
        None => verdict(model, platform, precision, overrides),
    };
    let row = |name: &str, family, models: &[&Model]| MatrixRow {
        name: name.to_owned(),
        family,
        cells: Platform::ALL
            .iter()
            .map(|it| (*it, MatrixCell::of(models.iter().map(|model| judge(model, *it)).collect())))
            .collect(),
    };
    let mut sorted: Vec<&Model> = models.iter().collect();
    sorted.sort_by(|a, b| a.key.cmp(&b.key));
    let rows = match by {
        MatrixBy::Model => sorted.iter().map(|it| row(&it.key, it.family, &[it])).collect(),
        MatrixBy::Family => Family::ALL
            .iter()
            .map(|family| {
                let members: Vec<&Model> =
                    sorted.iter().copied().filter(|it| it.family == *family).collect();
                (family, members)
            })
            .filter(|(_, members)| !members.is_empty())
            .map(|(family, members)| row(family.name(), *family, &members))
            .collect(),
    };
    Matrix { by, on_this_machine: targets.is_some(), platforms: Platform::ALL.to_vec(), rows }
}
