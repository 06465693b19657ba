//! How often an answer of a sort was right on labelled models.
//!
//! `data/calibration.tsv` holds counts, measured on the development set of
//! `tests/classify/labelled_dev.tsv`; a test says when they are no longer what it gives. Where a
//! sort of evidence could not be measured, since no labelled model has it, the counts are 0 and
//! what was assumed stands alone.

use std::sync::LazyLock;

use super::Clue;
use crate::Vocabulary as _;
use crate::vocabulary::vocabulary;

vocabulary! {
    what = "basis";
    /// Which sort of knowledge a piece of evidence was looked up in.
    pub enum Basis {
        /// A `modules.json` is there.
        Modules = "modules",
        /// A known class with a head.
        Architecture = "architecture",
        /// A known class without a head.
        ArchitectureWithoutHead = "architecture_without_head",
        /// The ending of a class that is not known.
        ArchitectureSuffix = "architecture_suffix",
        /// A model type of one kind.
        ModelType = "model_type",
        /// A model type that several heads are put on.
        ModelTypeOfSeveralKinds = "model_type_of_several_kinds",
        /// A task or pipeline tag.
        Task = "task",
        /// A class that was named.
        Class = "class",
        /// A method that was named.
        Method = "method",
        /// The class of a processor.
        Processor = "processor",
        /// In the name, a network and what it was made for.
        NameNetworkAndWord = "name_network_and_word",
        /// In the name, a network, and an owner of such models.
        NameNetworkAndOwner = "name_network_and_owner",
        /// In the name, a network.
        NameNetwork = "name_network",
        /// In the name, a network that others are built of, or the end of a word that tells one.
        NameCommonNetwork = "name_common_network",
        /// In the name, a word for what the model does.
        NameWord = "name_word",
        /// The owner.
        NameOwner = "name_owner",
        /// In the name, a word that hints at what the model does.
        NameWeakWord = "name_weak_word",
        /// In the name, a network of no kind that this program knows.
        NameNoKind = "name_no_kind",
    }
}

vocabulary! {
    what = "agreement";
    /// Whether the other sources agree with the one that decided.
    pub enum Agreement {
        /// There is no other that tells more.
        Alone = "alone",
        /// All agree, and one tells more than the first.
        Supported = "supported",
        /// One does not.
        Contradicted = "contradicted",
    }
}

/// How many models the assumption weighs, beside those that were counted.
const WEIGHT_OF_ASSUMPTION: f64 = 2.0;
/// No answer is surer: a few hundred models, some counted with several sets of facts, cannot show
/// more.
const MOST: f64 = 0.99;

/// A row of the table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Row {
    /// What decided.
    pub basis: Basis,
    /// Whether the others agreed.
    pub agreement: Agreement,
    /// Answers that were right, family and subfamily.
    pub right: u32,
    /// Answers.
    pub total: u32,
    /// What was assumed before anything was counted, from 0 to 1.
    pub assumed: f64,
}

impl Row {
    /// The share of right answers, drawn towards the assumption where little was counted.
    pub fn confidence(&self) -> f64 {
        let right = f64::from(self.right) + WEIGHT_OF_ASSUMPTION * self.assumed;
        (right / (f64::from(self.total) + WEIGHT_OF_ASSUMPTION)).min(MOST)
    }
}

static ROWS: LazyLock<Vec<Row>> = LazyLock::new(|| {
    super::knowledge::rows(include_str!("data/calibration.tsv")).filter_map(row).collect()
});

fn row(line: &str) -> Option<Row> {
    let mut fields = line.split('\t');
    Some(Row {
        basis: Basis::parse(fields.next()?).ok()?,
        agreement: Agreement::parse(fields.next()?).ok()?,
        right: fields.next()?.parse().ok()?,
        total: fields.next()?.parse().ok()?,
        assumed: fields.next()?.parse().ok()?,
    })
}

/// Every row, in the order of the file.
pub fn all() -> &'static [Row] {
    &ROWS
}

/// From 0 to 1: how often an answer was right that this decided with this agreement.
pub fn confidence(basis: Basis, agreement: Agreement) -> f64 {
    let row = ROWS.iter().find(|it| it.basis == basis && it.agreement == agreement);
    // Every pair has a row; a test holds it.
    row.map_or(0.0, Row::confidence)
}

/// Whether the other sources agree with the first one, which decides.
pub fn agreement(evidence: &[Clue]) -> Agreement {
    let Some(first) = evidence.first() else { return Agreement::Alone };
    // A model type says of a class without a head nothing that the class does not.
    let adds =
        |it: &Clue| first.possible.is_one() || it.possible.and(first.possible) != first.possible;
    if evidence.iter().any(|it| !it.agrees) {
        Agreement::Contradicted
    } else if evidence.iter().any(|it| it.source != first.source && adds(it)) {
        Agreement::Supported
    } else {
        Agreement::Alone
    }
}

#[cfg(test)]
mod tests {
    use super::{Agreement, Basis, ROWS, Row, confidence};
    use crate::Vocabulary as _;

    #[test]
    fn every_pair_has_one_row_and_a_confidence() {
        assert_eq!(ROWS.len(), Basis::ALL.len() * Agreement::ALL.len());
        for basis in Basis::ALL {
            for agreement in Agreement::ALL {
                let it = confidence(*basis, *agreement);
                assert!(it > 0.0 && it < 1.0, "{basis} {agreement}: {it}");
            }
        }
    }

    #[test]
    fn little_evidence_stays_near_the_assumption() {
        let row = |right, total| Row {
            basis: Basis::Task,
            agreement: Agreement::Alone,
            right,
            total,
            assumed: 0.5,
        };
        assert!((row(0, 0).confidence() - 0.5).abs() < 1e-9);
        assert!(row(1, 1).confidence() < 0.7);
        assert!(row(98, 98).confidence() > 0.98);
    }
}
