//! How good the classifier is on labelled models: accuracy, confusion matrix, reliability.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Agreement, Basis, ModelFacts, classify};
use crate::{Family, Subfamily, Vocabulary as _};

/// A model and what it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Labelled {
    /// Its Hub id.
    pub name: String,
    /// What it is; `None` for a model of no kind that this program knows.
    pub subfamily: Option<Subfamily>,
    /// `model_type` of its `config.json`, where that is known.
    pub model_type: Option<String>,
    /// `architectures` of its `config.json`, where they are known.
    pub architectures: Vec<String>,
}

/// A list of labelled models that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct LabelError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub message: String,
}

/// Reads a list of labelled models: lines of id, family, subfamily, model type and architectures
/// (with commas between), tabs between them; `none` for no kind, `-` for what is not known; `#`
/// begins a comment.
///
/// # Errors
/// The first line that is not such.
pub fn read_labels(text: &str) -> Result<Vec<Labelled>, LabelError> {
    let lines = text.lines().zip(1..).filter(|(it, _)| !it.is_empty() && !it.starts_with('#'));
    lines.map(|(it, line)| label(it).map_err(|message| LabelError { line, message })).collect()
}

fn label(line: &str) -> Result<Labelled, String> {
    let fields: Vec<&str> = line.split('\t').map(str::trim).collect();
    let [name, family, subfamily, rest @ ..] = fields.as_slice() else {
        return Err("expected an id, a family and a subfamily, with tabs between them".to_owned());
    };
    let known = |it: &&&str| !it.is_empty() && **it != "-";
    let subfamily = match *subfamily {
        "none" => None,
        other => Some(Subfamily::parse(other).map_err(|it| it.to_string())?),
    };
    let expected = subfamily.map_or("none", |it| it.family().name());
    if *family != expected {
        return Err(format!(
            "the family is written `{family}`; that of the subfamily is `{expected}`"
        ));
    }
    let architectures =
        rest.get(1).filter(known).map(|it| it.split(',').map(str::to_owned).collect());
    Ok(Labelled {
        name: (*name).to_owned(),
        subfamily,
        model_type: rest.first().filter(known).map(|it| (*it).to_owned()),
        architectures: architectures.unwrap_or_default(),
    })
}

/// Which of a labelled model's facts the classifier is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Given {
    /// Its `config.json` and its name; models whose config is not known are left out.
    ConfigAndName,
    /// Its `config.json` alone; models whose config is not known are left out.
    Config,
    /// Its name alone.
    Name,
}

impl Given {
    /// Each of them.
    pub const ALL: [Self; 3] = [Self::ConfigAndName, Self::Config, Self::Name];

    /// What is given, in words.
    pub const fn label(self) -> &'static str {
        match self {
            Self::ConfigAndName => "config.json and name",
            Self::Config => "config.json alone",
            Self::Name => "name alone",
        }
    }

    fn facts(self, model: &Labelled) -> Option<ModelFacts<'_>> {
        let has_config = model.model_type.is_some() || !model.architectures.is_empty();
        let config = ModelFacts {
            architectures: &model.architectures,
            model_type: model.model_type.as_deref(),
            ..ModelFacts::default()
        };
        let name = Some(model.name.as_str());
        match self {
            Self::ConfigAndName => has_config.then_some(ModelFacts { name, ..config }),
            Self::Config => has_config.then_some(config),
            Self::Name => Some(ModelFacts { name, ..ModelFacts::default() }),
        }
    }
}

/// An answer on a labelled model.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Answered {
    /// The model.
    pub name: String,
    /// What it is.
    pub expected: Option<Subfamily>,
    /// What the classifier says.
    pub answer: Option<Subfamily>,
    /// With which confidence; 0 when nothing spoke.
    pub confidence: f64,
    /// What decided; `None` when nothing spoke.
    #[serde(skip)]
    pub decided: Option<(Basis, Agreement)>,
}

impl Answered {
    /// Whether family and subfamily are right. No answer is right for a model of no kind.
    pub fn is_right(&self) -> bool {
        self.expected == self.answer
    }

    /// Whether the family is right.
    pub fn family_is_right(&self) -> bool {
        self.expected.map(Subfamily::family) == self.answer.map(Subfamily::family)
    }
}

/// The classifier's answers on labelled models.
pub fn answers(models: &[Labelled], given: Given) -> Vec<Answered> {
    let answered = |model: &Labelled| {
        let facts = given.facts(model)?;
        let (answer, confidence, evidence) = match classify(&facts) {
            Ok(it) => (Some(it.subfamily), it.confidence, it.evidence),
            Err(it) => (None, it.confidence, it.evidence),
        };
        let decided =
            evidence.first().map(|it| (it.basis, super::calibration::agreement(&evidence)));
        let (name, expected) = (model.name.clone(), model.subfamily);
        Some(Answered { name, expected, answer, confidence, decided })
    };
    models.iter().filter_map(answered).collect()
}

/// How good the answers are.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Evaluation {
    /// What the classifier was given.
    pub given: Given,
    /// Models.
    pub models: usize,
    /// Models with the right family.
    pub right_family: usize,
    /// Models with the right family and subfamily.
    pub right_subfamily: usize,
    /// Expected family → answered family → models; `none` is no answer or no kind.
    pub confusion: BTreeMap<&'static str, BTreeMap<&'static str, usize>>,
    /// Answers by confidence, in tenths.
    pub reliability: Vec<Bin>,
    /// The answers that are wrong.
    pub wrong: Vec<Answered>,
}

/// Answers of about the same confidence.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Bin {
    /// The least confidence in it.
    pub from: f64,
    /// The confidence that is no longer in it; 1 is in the last.
    pub to: f64,
    /// Answers.
    pub answers: usize,
    /// Answers with the right family and subfamily.
    pub right: usize,
    /// Answers with the right family.
    pub right_family: usize,
    /// Mean of the confidence; null without answers.
    pub mean_confidence: Option<f64>,
}

/// Evaluates the classifier on labelled models.
pub fn evaluate(models: &[Labelled], given: Given) -> Evaluation {
    let answers = answers(models, given);
    let mut confusion: BTreeMap<_, BTreeMap<_, usize>> = BTreeMap::new();
    let family = |it: Option<Subfamily>| it.map_or("none", |it| it.family().name());
    for it in &answers {
        *confusion.entry(family(it.expected)).or_default().entry(family(it.answer)).or_default() +=
            1;
    }
    Evaluation {
        given,
        models: answers.len(),
        right_family: answers.iter().filter(|it| it.family_is_right()).count(),
        right_subfamily: answers.iter().filter(|it| it.is_right()).count(),
        confusion,
        reliability: (0..10).map(|tenth| bin(&answers, f64::from(tenth) / 10.0)).collect(),
        wrong: answers.into_iter().filter(|it| !it.is_right()).collect(),
    }
}

fn bin(answers: &[Answered], from: f64) -> Bin {
    let to = from + 0.1;
    // The classifier's numbers are rounded to hundredths where they are shown; so are the bins.
    let inside = |it: &&Answered| {
        it.decided.is_some()
            && it.confidence >= from - 1e-9
            && (it.confidence < to - 1e-9 || to > 0.99)
    };
    let inside: Vec<_> = answers.iter().filter(inside).collect();
    #[expect(clippy::cast_precision_loss, reason = "no list has 2^53 models")]
    let mean = |sum: f64| (!inside.is_empty()).then_some(sum / inside.len() as f64);
    Bin {
        from,
        to,
        answers: inside.len(),
        right: inside.iter().filter(|it| it.is_right()).count(),
        right_family: inside.iter().filter(|it| it.family_is_right()).count(),
        mean_confidence: mean(inside.iter().map(|it| it.confidence).sum()),
    }
}

/// The names of the families in the order of the confusion matrix, `none` last.
pub fn families() -> impl Iterator<Item = &'static str> {
    Family::ALL.iter().map(|it| it.name()).chain(["none"])
}

#[cfg(test)]
mod tests {
    use super::{Given, evaluate, read_labels};

    #[test]
    fn answers_are_counted_where_they_belong() {
        let text = "# comment\n\
            google-bert/bert-base-uncased\tembedding\tmasked_lm\tbert\tBertForMaskedLM\n\
            me/thing\tvision\timage_classifier\t-\t-\n\
            me/series\tnone\tnone\ttimesfm\t-\n";
        let models = read_labels(text).unwrap();
        let named = evaluate(&models, Given::Name);
        assert_eq!((named.models, named.right_family, named.right_subfamily), (3, 2, 2));
        assert_eq!(named.confusion["vision"]["none"], 1);
        assert_eq!(named.wrong[0].name, "me/thing");
        let config = evaluate(&models, Given::Config);
        assert_eq!((config.models, config.right_subfamily), (2, 2));
        assert_eq!(config.reliability.iter().map(|it| it.answers).sum::<usize>(), 2);
    }

    #[test]
    fn a_wrong_line_is_named() {
        for (text, says) in [
            ("a\tb", "line 1: expected an id"),
            ("\n# x\na\tvision\tmasked_lm\n", "line 3: the family is written `vision`"),
            ("a\tvision\timage_clasifier", "did you mean `image_classifier`?"),
        ] {
            let error = read_labels(text).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
    }
}
