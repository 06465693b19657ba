//! Which family, subfamily and task a model belongs to, and why.
//!
//! Evidence is taken in a fixed order of trust, strongest first: a `modules.json`, the
//! `architectures` of its `config.json`, then `model_type`, its tasks, its class, its methods, and
//! last its name. The strongest evidence decides; where it leaves several kinds open, as a network
//! without a head does, the next that has some of them narrows the choice. Evidence that
//! disagrees is kept and reported as a conflict, never voted down in silence. Where nothing
//! speaks the answer is [`Unknown`], never a guess.
//!
//! | module | what |
//! |---|---|
//! | [`knowledge`] | model types, classes, tags, methods: tables |
//! | `names` | rules on the words of a name |
//! | [`calibration`] | how often an answer of a sort was right on labelled models |
//! | [`evaluate`](mod@evaluate) | measures that: confusion matrix, reliability |

pub mod calibration;
pub mod evaluate;
mod kinds;
pub mod knowledge;
mod names;

use serde::Serialize;

pub use calibration::{Agreement, Basis};
pub use kinds::Kinds;

use crate::{Family, Subfamily, Task};
use knowledge::Known;

/// What is known of a model.
#[derive(Clone, Copy, Debug, Default)]
pub struct ModelFacts<'a> {
    /// Whether its folder has a `modules.json`, the file of sentence-transformers.
    pub has_modules: bool,
    /// `architectures` of its `config.json`, such as `BertForMaskedLM`.
    pub architectures: &'a [String],
    /// `model_type` of its `config.json`, such as `bert`.
    pub model_type: Option<&'a str>,
    /// Tasks that its registry entry names.
    pub tasks: &'a [Task],
    /// Pipeline tags of its model card, by the Hub's names, which are more than ours.
    pub tags: &'a [String],
    /// The class that it is loaded with, where that is known and no `config.json` is.
    pub class: Option<&'a str>,
    /// Methods of that class, such as `generate`.
    pub methods: &'a [String],
    /// The class of its processor (`preprocessor_config.json`), such as `WhisperProcessor`.
    pub processor: Option<&'a str>,
    /// Name of the model that it is an adapter of (`adapter_config.json`).
    pub base_model: Option<&'a str>,
    /// Its name, such as `openai/clip-vit-base-patch32`.
    pub name: Option<&'a str>,
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
    /// From 0 to 1: how often answers on such evidence, with as much agreement, had the right
    /// family and subfamily on labelled models ([`calibration`]).
    pub confidence: f64,
    /// Everything that spoke, in the order of trust; the first one decided; where it left
    /// several kinds open, the next that had some of them narrowed them.
    pub evidence: Vec<Clue>,
}

impl Classification {
    /// The evidence that disagrees with the answer.
    pub fn conflicts(&self) -> impl Iterator<Item = &Clue> {
        self.evidence.iter().filter(|it| !it.agrees)
    }
}

/// No answer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Unknown {
    /// Why: nothing spoke, or the strongest evidence says that the model is of no kind that this
    /// program knows, such as `time series`.
    pub reason: &'static str,
    /// From 0 to 1: how sure it is that the model is of no known kind; 0 when nothing spoke.
    pub confidence: f64,
    /// Everything that spoke.
    pub evidence: Vec<Clue>,
}

/// What [`Unknown::reason`] is when nothing spoke.
pub const NO_EVIDENCE: &str = "nothing that is known of it says what kind of model it is";

/// One piece of evidence.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Clue {
    /// Where it was read.
    pub source: Source,
    /// What was read.
    pub value: String,
    /// Which sort of knowledge it was looked up in.
    pub basis: Basis,
    /// The kind that it speaks for first; `None` for no kind that this program knows.
    pub subfamily: Option<Subfamily>,
    /// Every kind that it leaves open.
    pub possible: Kinds,
    /// From 0 to 1: how often evidence of this sort alone was right on labelled models.
    pub weight: f64,
    /// Whether it agrees with the answer.
    pub agrees: bool,
    /// Why it speaks for no kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
    /// The task of its head.
    #[serde(skip)]
    task: Option<Task>,
}

/// Where evidence comes from, the most trusted first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// `modules.json`: made for vectors of sentences, whatever the network.
    Modules,
    /// `architectures` of `config.json`: names the exact class, head included.
    Architectures,
    /// `model_type` of `config.json`: names the network, not the head.
    ModelType,
    /// The ending of a class in `architectures` that is not known, where classes of every sort end
    /// so (`ForCausalLM`).
    ArchitectureSuffix,
    /// The tasks or pipeline tags.
    Tasks,
    /// The class that it is loaded with.
    Class,
    /// Methods of that class.
    Methods,
    /// The class of its processor, which is named after the network.
    Processor,
    /// The name of the model that it is an adapter of.
    BaseModel,
    /// Its own name.
    Name,
}

/// Classifies a model.
///
/// # Errors
/// [`Unknown`] when nothing known about it says anything, or what decides says that it is of no
/// kind that this program knows.
pub fn classify(facts: &ModelFacts<'_>) -> Result<Classification, Unknown> {
    let mut evidence = gather(facts);
    let Some(first) = evidence.first() else {
        return Err(Unknown { reason: NO_EVIDENCE, confidence: 0.0, evidence });
    };
    let (possible, decides, reason) = (first.possible, first.basis, first.reason);
    let mut open = possible;
    for clue in &evidence {
        let common = open.and(clue.possible);
        open = if common.is_none() { open } else { common };
    }
    let answer = open.likeliest();
    for clue in &mut evidence {
        clue.agrees = answer.map_or(clue.possible.is_none(), |it| clue.possible.has(it));
    }
    let confidence = calibration::confidence(decides, calibration::agreement(&evidence));
    let Some(subfamily) = answer else {
        return Err(Unknown { reason: reason.unwrap_or(NO_EVIDENCE), confidence, evidence });
    };
    let task = task(subfamily, facts, &evidence);
    Ok(Classification { family: subfamily.family(), subfamily, task, confidence, evidence })
}

/// Everything that speaks, in the order of trust.
fn gather(facts: &ModelFacts<'_>) -> Vec<Clue> {
    use Source as S;
    let mut evidence = Vec::with_capacity(4);
    let mut add = |source, basis, value: &str, known: &Known| {
        evidence.push(Clue {
            source,
            value: value.to_owned(),
            basis,
            subfamily: known.kinds.likeliest(),
            possible: known.kinds,
            weight: calibration::confidence(basis, Agreement::Alone),
            agrees: true,
            reason: known.reason,
            task: known.task,
        });
    };
    if facts.has_modules {
        let kinds = Kinds::one(Subfamily::SentenceEncoder);
        add(S::Modules, Basis::Modules, "modules.json", &Known { kinds, task: None, reason: None });
    }
    let mut weak = Vec::new();
    for class in facts.architectures {
        match of_class(class) {
            Some((known, Basis::ArchitectureSuffix, true)) => weak.push((class, known)),
            Some((known, basis, _)) => add(S::Architectures, basis, class, known),
            None => {}
        }
    }
    if let Some((name, known)) =
        facts.model_type.and_then(|it| Some((it, knowledge::model_type(it)?)))
    {
        let basis =
            if known.kinds.is_one() { Basis::ModelType } else { Basis::ModelTypeOfSeveralKinds };
        add(S::ModelType, basis, name, known);
    }
    for (class, known) in weak {
        add(S::ArchitectureSuffix, Basis::ArchitectureSuffix, class, known);
    }
    let tags = facts.tasks.iter().map(|it| it.name()).chain(facts.tags.iter().map(String::as_str));
    for (tag, known) in tags.filter_map(|it| Some((it, knowledge::tag(it)?))) {
        add(S::Tasks, Basis::Task, tag, known);
    }
    if let Some((class, (known, ..))) = facts.class.and_then(|it| Some((it, of_class(it)?))) {
        add(S::Class, Basis::Class, class, known);
    }
    for (method, known) in facts.methods.iter().filter_map(|it| Some((it, knowledge::method(it)?)))
    {
        add(S::Methods, Basis::Method, method, known);
    }
    if let Some((class, known)) =
        facts.processor.and_then(|it| Some((it, knowledge::processor(it)?)))
    {
        add(S::Processor, Basis::Processor, class, known);
    }
    for (source, name) in [(S::BaseModel, facts.base_model), (S::Name, facts.name)] {
        if let Some(it) = name.and_then(names::read) {
            let known = Known { kinds: it.kinds, task: None, reason: it.reason };
            add(source, it.basis, &it.words, &known);
        }
    }
    evidence
}

/// What a class says: by the table, else by its ending; and whether that is weak.
fn of_class(class: &str) -> Option<(&'static Known, Basis, bool)> {
    if let Some(known) = knowledge::architecture(class) {
        let head = known.kinds.is_one() || known.kinds.is_none();
        let basis = if head { Basis::Architecture } else { Basis::ArchitectureWithoutHead };
        return Some((known, basis, false));
    }
    knowledge::suffix(class).map(|(known, weak)| (known, Basis::ArchitectureSuffix, weak))
}

/// The first of the model's own tasks that its kind can do, else its head's, else the kind's
/// first.
fn task(subfamily: Subfamily, facts: &ModelFacts<'_>, evidence: &[Clue]) -> Task {
    let tags = facts.tags.iter().filter_map(|it| knowledge::task_of_tag(it));
    let heads = evidence.iter().filter(|it| it.agrees).filter_map(|it| it.task);
    let mut wanted = facts.tasks.iter().copied().chain(tags).chain(heads);
    wanted.find(|it| subfamily.tasks().contains(it)).unwrap_or_else(|| {
        // Every subfamily has a task; a test holds it.
        subfamily.tasks().first().copied().unwrap_or(Task::FeatureExtraction)
    })
}

#[cfg(test)]
mod tests {
    use super::{Classification, ModelFacts, NO_EVIDENCE, Source, Unknown, classify};
    use crate::{Family, Subfamily, Task};

    fn by_class(class: &str) -> Option<Subfamily> {
        classify(&ModelFacts { architectures: &[class.to_owned()], ..ModelFacts::default() })
            .ok()
            .map(|it| it.subfamily)
    }

    #[test]
    fn the_class_decides_not_a_substring_of_the_name() {
        // The predecessor filed these by the first substring that matched.
        for (class, kind) in [
            ("CLIPModel", Subfamily::ImageTextEncoder),
            ("LlavaForConditionalGeneration", Subfamily::VisionLanguage),
            ("WhisperForConditionalGeneration", Subfamily::SpeechRecognition),
            ("XCLIPModel", Subfamily::VideoTextEncoder),
            ("Qwen3ForCausalLM", Subfamily::CausalLm),
            ("HubertForCTC", Subfamily::SpeechRecognition),
            ("MyOwnForTokenClassification", Subfamily::TokenClassifier),
        ] {
            assert_eq!(by_class(class), Some(kind), "{class}");
        }
        assert_eq!(by_class("Frobnicator"), None);
    }

    fn bert(architecture: &str, facts: &ModelFacts<'_>) -> Classification {
        let architectures = [architecture.to_owned()];
        classify(&ModelFacts { architectures: &architectures, model_type: Some("bert"), ..*facts })
            .unwrap()
    }

    #[test]
    fn a_conflict_is_kept_and_costs_confidence() {
        let facts = ModelFacts { tasks: &[Task::FillMask], ..ModelFacts::default() };
        let sure = bert("BertForMaskedLM", &facts);
        let torn = bert("T5ForConditionalGeneration", &ModelFacts::default());
        assert_eq!(sure.conflicts().count(), 0);
        assert_eq!(sure.task, Task::FillMask);
        assert_eq!(torn.subfamily, Subfamily::Seq2seq);
        assert_eq!(torn.conflicts().next().unwrap().source, Source::ModelType);
        assert!(torn.confidence < sure.confidence);
    }

    #[test]
    fn a_network_without_a_head_leaves_the_choice_to_the_next() {
        let plain = bert("BertModel", &ModelFacts::default());
        assert_eq!(plain.subfamily, Subfamily::MaskedLm);
        let tags = ["sentence-similarity".to_owned()];
        let tagged = bert("BertModel", &ModelFacts { tags: &tags, ..ModelFacts::default() });
        assert_eq!(
            (tagged.family, tagged.subfamily),
            (Family::Embedding, Subfamily::SentenceEncoder)
        );
        assert_eq!(tagged.task, Task::FeatureExtraction);
        let name = Some("cross-encoder/ms-marco-MiniLM-L6-v2");
        let tuned =
            classify(&ModelFacts { model_type: Some("bert"), name, ..ModelFacts::default() });
        assert_eq!(tuned.unwrap().subfamily, Subfamily::TextClassifier);
    }

    #[test]
    fn without_evidence_nothing_is_guessed() {
        let nothing = classify(&ModelFacts { name: Some("me/thing"), ..ModelFacts::default() });
        let expected = Unknown { reason: NO_EVIDENCE, confidence: 0.0, evidence: Vec::new() };
        assert_eq!(nothing, Err(expected));
        let series = classify(&ModelFacts { model_type: Some("timesfm"), ..ModelFacts::default() });
        assert_eq!(series.unwrap_err().reason, "time series");
    }

    #[test]
    fn each_input_is_evidence() {
        let (methods, tags) = (["get_audio_features".to_owned()], ["text-to-image".to_owned()]);
        let of = |facts: ModelFacts<'_>| classify(&facts).map(|it| it.subfamily).ok();
        let none = ModelFacts::default();
        let audio = Some(Subfamily::AudioTextEncoder);
        assert_eq!(of(ModelFacts { methods: &methods, ..none }), audio);
        assert_eq!(of(ModelFacts { class: Some("ClapModel"), ..none }), audio);
        assert_eq!(of(ModelFacts { name: Some("laion/clap-htsat-fused"), ..none }), audio);
        assert_eq!(of(ModelFacts { base_model: Some("laion/clap-htsat-fused"), ..none }), audio);
        assert_eq!(of(ModelFacts { has_modules: true, ..none }), Some(Subfamily::SentenceEncoder));
        assert_eq!(
            classify(&ModelFacts { tags: &tags, ..none }).unwrap_err().reason,
            "makes images; no kind here does"
        );
    }
}
