//! A new entry from a model's `config.json`.

use accel_core::classify::{Classification, ModelFacts, classify};
use accel_core::estimate::{self, EstimateError};
use accel_core::{Config, Platform, Vocabulary};

use super::context::{Context, quote};
use super::yaml::{self, Entry, Value};
use super::{IdentError, Problems, RustIdent, parse};

/// What is known of the model to add.
#[derive(Clone, Copy, Debug)]
pub struct NewEntry<'a> {
    /// Text of its `config.json`.
    pub config_json: &'a str,
    /// Its key; without one, `model_type`.
    pub key: Option<&'a str>,
    /// Its repository on the Hub; without one, the config's `_name_or_path`.
    pub hub_id: Option<&'a str>,
    /// Number of weights; without one, it is counted from the config.
    pub parameters: Option<u64>,
}

/// Why no entry was added.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AddError {
    /// The registry is already broken.
    #[error("the registry has problems; mend them first\n\n{0}")]
    Registry(Problems),
    /// The config is not JSON.
    #[error("the config is not JSON: {0}; give the model's own config.json")]
    Json(serde_json::Error),
    /// The config lacks something.
    #[error("the config has no `{key}`; {help}")]
    Missing {
        /// What it lacks.
        key: &'static str,
        /// What to do.
        help: &'static str,
    },
    /// The key is no identifier.
    #[error("the key {} {source}; give another one", quote(key))]
    Key {
        /// The key.
        key: String,
        /// What is wrong with it.
        source: IdentError,
    },
    /// The model is already there.
    #[error("the registry already has the {what} `{value}`; change that entry")]
    Duplicate {
        /// What is the same.
        what: &'static str,
        /// The value that both have.
        value: String,
    },
    /// Nothing in the config says what kind of model it is.
    #[error(
        "the classifier knows none of the architectures {architectures} nor the model type {model_type}; \
         write the entry by hand, with `subfamily:`"
    )]
    Unclassified {
        /// What the config says.
        architectures: String,
        /// What the config says.
        model_type: String,
    },
    /// The number of weights is not given, and the config does not tell it.
    #[error(
        "{0}; or say with --parameters how many weights the model has, which its page on the Hub tells"
    )]
    Uncounted(EstimateError),
    /// `models` is written in a way that has no place for lines.
    #[error("`models` is written in braces; write it as indented lines first")]
    FlowStyle,
    /// The registry with the entry would be broken.
    #[error("the registry with the new entry would have problems; the config is unusual\n\n{0}")]
    Entry(Problems),
}

/// The registry's text with an entry for one more model at the end of `models`; every byte that
/// was there stays.
///
/// The entry claims little: real on the CPU without evidence, a simulation everywhere else. Its
/// revision is `main`, to be pinned by whoever reviews it.
///
/// # Errors
/// [`AddError`]; the text that is returned is a valid registry.
pub fn add_entry(registry_yaml: &str, new: &NewEntry<'_>) -> Result<String, AddError> {
    let registry = parse(registry_yaml, "the registry").map_err(AddError::Registry)?;
    let facts = Facts::read(new)?;
    let same_hub_id = registry.models.iter().any(|it| it.hub_id == facts.hub_id);
    let duplicate = if registry.model(facts.key.as_str()).is_some() {
        Some(("key", facts.key.to_string()))
    } else {
        same_hub_id.then(|| ("Hub id", facts.hub_id.clone()))
    };
    if let Some((what, value)) = duplicate {
        return Err(AddError::Duplicate { what, value });
    }
    let parameters = match new.parameters {
        Some(it) => it,
        None => count(new.config_json)?,
    };
    let text = insert(registry_yaml, &facts.entry(parameters))?;
    parse(&text, "the registry with the new entry").map_err(AddError::Entry)?;
    Ok(text)
}

/// The number of weights by the rules of the config's model type.
fn count(config_json: &str) -> Result<u64, AddError> {
    let config: Config = serde_json::from_str(config_json).map_err(AddError::Json)?;
    let count = estimate::parameters(&config).map_err(AddError::Uncounted)?;
    Ok(count.parameters)
}

/// What the config says.
struct Facts {
    key: RustIdent,
    hub_id: String,
    architectures: Vec<String>,
    model_type: String,
    classification: Classification,
}

impl Facts {
    fn read(new: &NewEntry<'_>) -> Result<Self, AddError> {
        let config: serde_json::Value =
            serde_json::from_str(new.config_json).map_err(AddError::Json)?;
        let text = |key: &str| config.get(key)?.as_str().filter(|it| !it.is_empty());
        let help = "give the config.json of the Hub's repository";
        let model_type = text("model_type").ok_or(AddError::Missing { key: "model_type", help })?;
        let architectures: Vec<String> = config
            .get("architectures")
            .and_then(serde_json::Value::as_array)
            .map(|it| it.iter().filter_map(|it| it.as_str().map(str::to_owned)).collect())
            .unwrap_or_default();
        if architectures.is_empty() {
            return Err(AddError::Missing { key: "architectures", help });
        }
        let hub_id = new.hub_id.or_else(|| text("_name_or_path")).ok_or(AddError::Missing {
            key: "_name_or_path",
            help: "give the Hub id, `owner/name`, yourself",
        })?;
        let facts = ModelFacts {
            architectures: &architectures,
            model_type: Some(model_type),
            ..ModelFacts::default()
        };
        let classification = classify(&facts).map_err(|_| AddError::Unclassified {
            architectures: quote(&architectures.join(", ")),
            model_type: quote(model_type),
        })?;
        let name = new.key.map_or_else(|| model_type.replace('-', "_"), str::to_owned);
        let key = RustIdent::parse(&name).map_err(|source| AddError::Key { key: name, source })?;
        Ok(Self {
            key,
            hub_id: hub_id.to_owned(),
            model_type: model_type.to_owned(),
            architectures,
            classification,
        })
    }

    /// The entry's lines, the first one without indentation.
    fn entry(&self, parameters: u64) -> Vec<String> {
        let architectures: Vec<String> = self.architectures.iter().map(|it| scalar(it)).collect();
        let tasks: Vec<&str> =
            self.classification.subfamily.tasks().iter().map(|it| it.name()).collect();
        let class = self.architectures.first().map_or("", |it| class_of(it));
        let mut lines = vec![
            format!("{}:", self.key),
            format!("  class: {}", scalar(class)),
            format!("  hub_id: {}", scalar(&self.hub_id)),
            "  revision: main".to_owned(),
            format!("  architectures: [{}]", architectures.join(", ")),
            format!("  model_type: {}", scalar(&self.model_type)),
            format!("  tasks: [{}]", tasks.join(", ")),
            "  key_model: false".to_owned(),
            format!("  parameters: {parameters}"),
            "  platforms:".to_owned(),
        ];
        lines.extend(Platform::ALL.iter().map(|platform| match platform {
            Platform::Cpu => "    cpu: { support: real, evidence: none }".to_owned(),
            other => format!(
                "    {other}: {{ support: simulation, evidence: none, reason: \"No run on {} has shown it yet.\" }}",
                other.label()
            ),
        }));
        lines
    }
}

/// `BertForMaskedLM` → `Bert`.
fn class_of(architecture: &str) -> &str {
    let end = ["For", "LMHead", "Model"].iter().filter_map(|it| architecture.find(it)).min();
    match end {
        Some(end) if end > 0 => architecture.get(..end).unwrap_or(architecture),
        _ => architecture,
    }
}

/// Text as a YAML scalar: JSON strings are YAML.
fn scalar(text: &str) -> String {
    let plain = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '/' | '_' | '-' | '.'))
        && super::decode::is_text(text);
    if plain { text.to_owned() } else { serde_json::Value::from(text).to_string() }
}

/// The text with an entry at the end of `models`.
fn insert(text: &str, entry: &[String]) -> Result<String, AddError> {
    let mut cx = Context::new(text, "the registry");
    let source = cx.text();
    let root = yaml::read(&mut cx);
    let Some(Value::Mapping(top)) = root.map(|it| it.value) else {
        return Err(AddError::FlowStyle);
    };
    let models = top.iter().position(|it| it.key == "models").ok_or(AddError::FlowStyle)?;
    let indent = indent_of(source, top.get(models)).ok_or(AddError::FlowStyle)?;
    let end = match top.get(models + 1) {
        Some(next) => before_comments(source, next.key_span.start),
        None => source.len(),
    };

    let line_end = if source.contains("\r\n") { "\r\n" } else { "\n" };
    let (before, after) = source.split_at_checked(end).unwrap_or((source, ""));
    let bom = if text.len() > source.len() { "\u{feff}" } else { "" };
    let mut out = format!("{bom}{before}");
    if !before.ends_with(['\n', '\r']) {
        out.push_str(line_end);
    }
    if !before.ends_with(&line_end.repeat(2)) {
        out.push_str(line_end);
    }
    for line in entry {
        out.push_str(indent);
        out.push_str(line);
        out.push_str(line_end);
    }
    if !after.is_empty() {
        out.push_str(line_end);
    }
    out.push_str(after);
    Ok(out)
}

/// The blanks before the first model's key; `None` when it shares its line with something else.
fn indent_of<'t>(text: &'t str, models: Option<&Entry>) -> Option<&'t str> {
    let Value::Mapping(entries) = &models?.node.value else { return None };
    let before = text.get(..entries.first()?.key_span.start)?;
    let indent = before.rsplit(['\n', '\r']).next()?;
    (!indent.is_empty() && indent.bytes().all(|it| it == b' ')).then_some(indent)
}

/// The start of the comment lines that stand right above a line that begins at `at`.
fn before_comments(text: &str, at: usize) -> usize {
    let mut start = at;
    for line in text.get(..at).unwrap_or_default().split_inclusive('\n').rev() {
        if !line.starts_with('#') {
            break;
        }
        start -= line.len();
    }
    start
}
