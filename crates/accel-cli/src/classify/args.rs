//! What `accel classify` takes.

use std::path::PathBuf;

use accel_core::classify::knowledge;
use accel_core::nearest;
use clap::builder::NonEmptyStringValueParser;

use crate::args::Format;

pub(crate) const EXAMPLES: &str = "\
Examples:
  accel classify openai/clip-vit-large-patch14       from the Hub's cache on this machine, else its name
  accel classify whisper                             a model of the registry, by key or Hub id
  accel classify fixtures/whisper                    from a folder: config.json and what lies beside
  accel classify me/model --config config.json       from a config.json that lies elsewhere
  accel classify me/model --task sentence-similarity --method encode
  accel classify --class LlamaForCausalLM            without a name
  accel classify a/b c/d e/f                         a table
  accel classify a/b --format json --model-db answers.json
  accel classify --evaluate labelled.tsv             how often it is right on models that you know

Evidence in the order of trust: modules.json, architectures, model_type, tasks, class, methods, the
processor, the base model of an adapter, the name. The first that speaks decides; what disagrees is
listed as a conflict. The confidence says how often such answers were right on labelled models.
Nothing is fetched. A model of which nothing is known is `unknown`, and that is no error.";

/// What `classify` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct ClassifyArgs {
    /// Hub ids, or folders of models
    #[arg(
        value_name = "MODEL", value_parser = NonEmptyStringValueParser::new(),
        required_unless_present_any = ["config", "class", "task", "method", "evaluate"]
    )]
    pub(crate) models: Vec<String>,

    /// The model's config.json, where it does not lie in its folder
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    /// The class that it is loaded with, such as `BertForMaskedLM`
    #[arg(long, value_name = "CLASS", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) class: Option<String>,

    /// A task or pipeline tag of it, by the Hub's name; can be repeated
    #[arg(long, value_name = "TASK", value_parser = tag)]
    pub(crate) task: Vec<String>,

    /// A method of its class, such as `get_image_features`; can be repeated
    #[arg(long, value_name = "METHOD", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) method: Vec<String>,

    /// Keep answers in this JSON file, and take them from it where nothing has changed
    #[arg(long, value_name = "FILE")]
    pub(crate) model_db: Option<PathBuf>,

    /// Answer anew, whatever the file of --model-db holds
    #[arg(long, requires = "model_db")]
    pub(crate) force_refresh: bool,

    /// Print accuracy, confusion matrix and reliability on a list of labelled models: lines of
    /// id, family, subfamily, model type and architecture, with tabs between
    #[arg(
        long, value_name = "FILE.tsv",
        conflicts_with_all = ["models", "config", "class", "task", "method", "model_db"]
    )]
    pub(crate) evaluate: Option<PathBuf>,

    /// What is printed
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub(crate) format: Format,
}

/// A pipeline tag of the Hub.
fn tag(name: &str) -> Result<String, String> {
    let name = name.trim();
    if knowledge::tags().any(|it| it == name) {
        return Ok(name.to_owned());
    }
    let mut tags: Vec<_> = knowledge::tags().collect();
    tags.sort_unstable();
    let meant = nearest(name, tags.iter().copied());
    let meant = meant.map_or_else(String::new, |it| format!(" (did you mean `{it}`?)"));
    Err(format!("the Hub has no such task{meant}; known: {}", tags.join(", ")))
}
