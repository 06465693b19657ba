//! Which family, subfamily and task a model belongs to, and why.
//!
//! Evidence is taken in a fixed order of trust, strongest first: the `architectures` of its
//! `config.json`, then `model_type`, then its tasks. The strongest evidence decides; weaker
//! evidence that disagrees is kept and reported as a conflict, never voted down in silence.

use serde::Serialize;

use crate::{Family, Subfamily, Task};

/// What is known of a model.
#[derive(Clone, Copy, Debug, Default)]
pub struct ModelFacts<'a> {
    /// `architectures` of its `config.json`, such as `BertForMaskedLM`.
    pub architectures: &'a [String],
    /// `model_type` of its `config.json`, such as `bert`.
    pub model_type: Option<&'a str>,
    /// Tasks that its registry entry or model card names.
    pub tasks: &'a [Task],
}

/// The classifier's answer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Classification {
    /// The broad kind.
    pub family: Family,
    /// The precise kind.
    pub subfamily: Subfamily,
    /// The task a user most likely wants.
    pub task: Task,
    /// From 0 to 1: the trust in the deciding evidence, lessened by each conflict. These are
    /// ranks made into numbers, not yet calibrated against labelled models.
    pub confidence: f64,
    /// Everything that spoke, the deciding one first.
    pub evidence: Vec<Clue>,
}

impl Classification {
    /// The evidence that disagrees with the answer.
    pub fn conflicts(&self) -> impl Iterator<Item = &Clue> {
        self.evidence.iter().filter(|it| !it.agrees)
    }
}

/// One piece of evidence.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Clue {
    /// Where it was read.
    pub source: Source,
    /// What was read.
    pub value: String,
    /// The kind that it speaks for.
    pub subfamily: Subfamily,
    /// Whether it agrees with the answer.
    pub agrees: bool,
}

/// Where evidence comes from, the most trusted first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// `architectures` of `config.json`: names the exact class, head included.
    Architectures,
    /// `model_type` of `config.json`: names the network, not the head.
    ModelType,
    /// The tasks.
    Tasks,
}

impl Source {
    /// How far evidence of this kind is trusted on its own, from 0 to 1.
    const fn trust(self) -> f64 {
        match self {
            Self::Architectures => 0.95,
            Self::ModelType => 0.8,
            Self::Tasks => 0.6,
        }
    }
}

/// Classifies a model; `None` when nothing known about it says anything.
pub fn classify(facts: &ModelFacts<'_>) -> Option<Classification> {
    let spoken = facts
        .architectures
        .iter()
        .filter_map(|it| Some((Source::Architectures, it.clone(), by_architecture(it)?)))
        .chain(
            facts
                .model_type
                .and_then(|it| Some((Source::ModelType, it.to_owned(), by_model_type(it)?))),
        )
        .chain(
            facts
                .tasks
                .iter()
                .filter_map(|it| Some((Source::Tasks, it.name().to_owned(), by_task(*it)?))),
        );
    let mut evidence: Vec<Clue> = spoken
        .map(|(source, value, subfamily)| Clue { source, value, subfamily, agrees: true })
        .collect();
    let subfamily = evidence.first()?.subfamily;
    for clue in &mut evidence {
        clue.agrees = clue.subfamily == subfamily;
    }
    let conflicts = evidence.iter().filter(|it| !it.agrees).count();
    let trust = evidence.first()?.source.trust();
    Some(Classification {
        family: subfamily.family(),
        subfamily,
        task: preferred_task(subfamily, facts.tasks),
        confidence: trust * 0.7_f64.powi(i32::try_from(conflicts).unwrap_or(i32::MAX)),
        evidence,
    })
}

/// The first of the model's own tasks that its kind can do, else the kind's first task.
fn preferred_task(subfamily: Subfamily, tasks: &[Task]) -> Task {
    tasks.iter().copied().find(|it| subfamily.tasks().contains(it)).unwrap_or(
        // Every subfamily has a task; a test holds it.
        subfamily.tasks().first().copied().unwrap_or(Task::FeatureExtraction),
    )
}

/// The kind that a class of Hugging Face transformers belongs to, from its head's suffix or, for
/// classes without one, from its name.
fn by_architecture(class: &str) -> Option<Subfamily> {
    const WHOLE: &[(&str, Subfamily)] = &[
        ("CLIPModel", Subfamily::ImageTextEncoder),
        ("ClapModel", Subfamily::AudioTextEncoder),
        ("XCLIPModel", Subfamily::VideoTextEncoder),
        ("BertModel", Subfamily::MaskedLm),
        // Both end like text models; what they take decides.
        ("WhisperForConditionalGeneration", Subfamily::SpeechRecognition),
        ("T5ForConditionalGeneration", Subfamily::Seq2seq),
        ("LlavaForConditionalGeneration", Subfamily::VisionLanguage),
        ("LlavaNextForConditionalGeneration", Subfamily::VisionLanguage),
    ];
    const SUFFIXES: &[(&str, Subfamily)] = &[
        ("ForMaskedLM", Subfamily::MaskedLm),
        ("ForCausalLM", Subfamily::CausalLm),
        ("LMHeadModel", Subfamily::CausalLm),
        ("ForImageClassification", Subfamily::ImageClassifier),
        ("ForObjectDetection", Subfamily::ObjectDetector),
        ("ForCTC", Subfamily::SpeechRecognition),
        ("ForSpeechSeq2Seq", Subfamily::SpeechRecognition),
        ("ForZeroShotImageClassification", Subfamily::ImageTextEncoder),
    ];
    WHOLE
        .iter()
        .find(|(name, _)| *name == class)
        .or_else(|| SUFFIXES.iter().find(|(suffix, _)| class.ends_with(suffix)))
        .map(|(_, subfamily)| *subfamily)
}

fn by_model_type(model_type: &str) -> Option<Subfamily> {
    Some(match model_type {
        "bert" | "roberta" | "distilbert" | "albert" | "electra" => Subfamily::MaskedLm,
        "llama" | "mistral" | "qwen2" | "qwen3" | "gpt2" => Subfamily::CausalLm,
        "t5" | "mt5" | "bart" => Subfamily::Seq2seq,
        "vit" | "deit" | "beit" => Subfamily::ImageClassifier,
        "detr" => Subfamily::ObjectDetector,
        "whisper" | "wav2vec2" | "hubert" => Subfamily::SpeechRecognition,
        "clap" => Subfamily::AudioTextEncoder,
        "clip" | "siglip" => Subfamily::ImageTextEncoder,
        "llava" | "llava_next" => Subfamily::VisionLanguage,
        "xclip" => Subfamily::VideoTextEncoder,
        _ => return None,
    })
}

/// The kind that a task points to; `None` where several kinds do it.
fn by_task(task: Task) -> Option<Subfamily> {
    Some(match task {
        Task::FeatureExtraction => return None,
        Task::FillMask => Subfamily::MaskedLm,
        Task::TextGeneration => Subfamily::CausalLm,
        Task::Text2textGeneration => Subfamily::Seq2seq,
        Task::ImageClassification => Subfamily::ImageClassifier,
        Task::ObjectDetection => Subfamily::ObjectDetector,
        Task::ZeroShotImageClassification => Subfamily::ImageTextEncoder,
        Task::ZeroShotAudioClassification => Subfamily::AudioTextEncoder,
        Task::ZeroShotVideoClassification => Subfamily::VideoTextEncoder,
        Task::AutomaticSpeechRecognition => Subfamily::SpeechRecognition,
        Task::ImageTextToText => Subfamily::VisionLanguage,
    })
}

#[cfg(test)]
mod tests {
    use super::{ModelFacts, Source, by_task, classify};
    use crate::{Subfamily, Task, Vocabulary};

    fn by_class(class: &str) -> Option<Subfamily> {
        classify(&ModelFacts { architectures: &[class.to_owned()], ..ModelFacts::default() })
            .map(|it| it.subfamily)
    }

    #[test]
    fn the_class_decides_not_a_substring_of_the_name() {
        // The predecessor filed these by the first substring that matched.
        assert_eq!(by_class("CLIPModel"), Some(Subfamily::ImageTextEncoder));
        assert_eq!(by_class("LlavaForConditionalGeneration"), Some(Subfamily::VisionLanguage));
        assert_eq!(by_class("WhisperForConditionalGeneration"), Some(Subfamily::SpeechRecognition));
        assert_eq!(by_class("XCLIPModel"), Some(Subfamily::VideoTextEncoder));
        assert_eq!(by_class("Qwen3ForCausalLM"), Some(Subfamily::CausalLm));
        assert_eq!(by_class("Frobnicator"), None);
    }

    #[test]
    fn a_conflict_is_kept_and_costs_confidence() {
        let architectures = ["BertForMaskedLM".to_owned()];
        let sure = classify(&ModelFacts {
            architectures: &architectures,
            model_type: Some("bert"),
            tasks: &[Task::FillMask],
        })
        .unwrap();
        let torn = classify(&ModelFacts {
            architectures: &architectures,
            model_type: Some("llama"),
            tasks: &[],
        })
        .unwrap();
        assert_eq!(sure.conflicts().count(), 0);
        assert_eq!(torn.subfamily, Subfamily::MaskedLm);
        assert_eq!(torn.conflicts().next().unwrap().source, Source::ModelType);
        assert!(torn.confidence < sure.confidence);
    }

    #[test]
    fn every_kind_has_a_task_and_every_task_leads_back_to_a_kind_that_does_it() {
        for subfamily in Subfamily::ALL {
            assert!(!subfamily.tasks().is_empty(), "{subfamily}");
        }
        for task in Task::ALL {
            if let Some(subfamily) = by_task(*task) {
                assert!(subfamily.tasks().contains(task), "{task} → {subfamily}");
            }
        }
    }
}
