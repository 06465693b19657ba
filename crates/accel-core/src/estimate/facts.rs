//! A config read as its class in transformers reads it: aliases, and defaults where a key is
//! absent.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::LazyLock;

use super::error::EstimateError;
use crate::{Config, Value};

/// Sizes and counts. Every number read is below [`LARGEST`], and rules multiply at most five of
/// them, so that sums and products cannot overflow.
pub(super) type Size = u128;

/// Above any size of a tensor that is in use, by more than ten times.
const LARGEST: u64 = 1 << 24;

/// Above the depth of any model.
const MOST_LAYERS: u64 = 1 << 13;

/// Above the number of entries that any list of sizes has.
const LONGEST: usize = 1 << 10;

type Result<T> = std::result::Result<T, EstimateError>;

/// Defaults and aliases of transformers 5.23's config classes, written by
/// `tools/parameter_counts.py`: type, key (an alias with `=` before it), value as JSON.
struct Defaults {
    values: HashMap<&'static str, HashMap<&'static str, Value>>,
    aliases: HashMap<&'static str, Vec<(&'static str, &'static str)>>,
}

static DEFAULTS: LazyLock<Defaults> = LazyLock::new(|| {
    let mut table = Defaults { values: HashMap::new(), aliases: HashMap::new() };
    for line in include_str!("defaults.tsv").lines() {
        let mut columns = line.split('\t');
        let (Some(kind), Some(key), Some(value)) = (columns.next(), columns.next(), columns.next())
        else {
            continue;
        };
        if let Some(alias) = key.strip_prefix('=') {
            table.aliases.entry(kind).or_default().push((alias, value));
        } else {
            table.values.entry(kind).or_default().insert(key, value_of(value));
        }
    }
    table
});

static EMPTY: LazyLock<Config> = LazyLock::new(Config::default);

/// A scalar or a flat list, as the table writes it.
fn value_of(text: &str) -> Value {
    if let Some(list) = text.strip_prefix('[').and_then(|it| it.strip_suffix(']')) {
        return Value::List(list.split(',').filter(|it| !it.is_empty()).map(value_of).collect());
    }
    match text {
        "null" => Value::Null,
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        _ => text
            .parse()
            .map(Value::Integer)
            .or_else(|_| text.parse().map(Value::Number))
            .unwrap_or_else(|_| Value::Text(text.trim_matches('"').to_owned())),
    }
}

/// Defaults that were taken: by model type, `key = value`.
pub(super) type Taken = RefCell<BTreeMap<String, BTreeSet<String>>>;

/// A config, or a part of one, of a known type.
pub(super) struct Facts<'a> {
    config: &'a Config,
    /// The type whose defaults hold.
    pub(super) model_type: &'a str,
    /// Where it is nested, with a dot behind.
    path: String,
    taken: &'a Taken,
}

impl<'a> Facts<'a> {
    pub(super) const fn new(config: &'a Config, model_type: &'a str, taken: &'a Taken) -> Self {
        Self { config, model_type, path: String::new(), taken }
    }

    /// A nested config; its own `model_type` decides on the defaults, `otherwise` where it has
    /// none.
    pub(super) fn part(&self, key: &str, otherwise: &'static str) -> Result<Facts<'a>> {
        let config: &'a Config = match self.config.0.get(key) {
            None | Some(Value::Null) => &EMPTY,
            Some(Value::Map(it)) => it,
            Some(other) => return Err(self.malformed(key, "a mapping", other)),
        };
        Ok(Facts {
            config,
            model_type: config.model_type().unwrap_or(otherwise),
            path: format!("{}{key}.", self.path),
            taken: self.taken,
        })
    }

    /// The same config, read with another type's defaults.
    pub(super) fn with_type(&self, model_type: &'a str) -> Facts<'a> {
        Facts { config: self.config, model_type, path: self.path.clone(), taken: self.taken }
    }

    /// Whether the config itself has the key.
    pub(super) fn has(&self, key: &str) -> bool {
        self.written(key).is_some()
    }

    /// A size, a count or a number of channels.
    pub(super) fn size(&self, key: &str) -> Result<Size> {
        self.optional(key)?.ok_or_else(|| self.missing(key))
    }

    /// A size that may be absent or `null`, and is then derived from others.
    pub(super) fn optional(&self, key: &str) -> Result<Option<Size>> {
        match self.value(key) {
            None => Ok(None),
            Some(it) => self.sized(key, &it).map(Some),
        }
    }

    /// How many layers or the like there are.
    pub(super) fn layers(&self, key: &str) -> Result<Size> {
        let layers = self.size(key)?;
        if layers > Size::from(MOST_LAYERS) {
            return Err(self.absurd(key, layers, MOST_LAYERS));
        }
        Ok(layers)
    }

    /// A truth value; `null` is false.
    pub(super) fn flag(&self, key: &str) -> Result<bool> {
        match self.value(key) {
            None => Ok(false),
            Some(Value::Bool(it)) => Ok(it),
            Some(other) => Err(self.malformed(key, "true or false", &other)),
        }
    }

    /// A factor that is not negative.
    pub(super) fn factor(&self, key: &str) -> Result<f64> {
        match self.value(key) {
            #[expect(clippy::cast_precision_loss, reason = "bounded on the next line")]
            Some(Value::Integer(it)) if (0..=1 << 16).contains(&it) => Ok(it as f64),
            Some(Value::Number(it)) if (0.0..=65536.0).contains(&it) => Ok(it),
            Some(other) => Err(self.malformed(key, "a number from 0 to 65536", &other)),
            None => Err(self.missing(key)),
        }
    }

    /// A text; empty when absent.
    pub(super) fn text(&self, key: &str) -> Result<String> {
        match self.value(key) {
            None => Ok(String::new()),
            Some(Value::Text(it)) => Ok(it),
            Some(other) => Err(self.malformed(key, "a text", &other)),
        }
    }

    /// The texts of a list; none when absent.
    pub(super) fn texts(&self, key: &str) -> Result<Vec<String>> {
        let Some(value) = self.value(key) else { return Ok(Vec::new()) };
        // Older configs join them with `|`.
        if let Value::Text(it) = &value {
            return Ok(it.split('|').map(|it| it.trim().to_owned()).collect());
        }
        let Value::List(list) = &value else {
            return Err(self.malformed(key, "a list of texts", &value));
        };
        let text = |it: &Value| match it {
            Value::Text(it) => Ok(it.clone()),
            other => Err(self.malformed(key, "a list of texts", other)),
        };
        self.bounded(key, list)?.iter().map(text).collect()
    }

    /// A list of sizes.
    pub(super) fn sizes(&self, key: &str) -> Result<Vec<Size>> {
        match self.value(key) {
            None => Err(self.missing(key)),
            Some(Value::List(list)) => {
                self.bounded(key, &list)?.iter().map(|it| self.sized(key, it)).collect()
            }
            Some(other) => Err(self.malformed(key, "a list of whole numbers", &other)),
        }
    }

    /// Height and width: one number for both, or a list of two.
    pub(super) fn pair(&self, key: &str) -> Result<(Size, Size)> {
        match self.value(key) {
            Some(Value::List(list)) if list.len() == 2 => {
                Ok((self.sized(key, &list[0])?, self.sized(key, &list[1])?))
            }
            Some(other) => self.sized(key, &other).map(|it| (it, it)),
            None => Err(self.missing(key)),
        }
    }

    /// How many entries a value has: those of a list, else one.
    pub(super) fn entries(&self, key: &str) -> Size {
        match self.written(key) {
            Some(Value::List(it)) => it.len().min(LONGEST) as Size,
            _ => 1,
        }
    }

    /// Classes that a head tells apart: `id2label`, `num_labels`, or two.
    pub(super) fn labels(&self) -> Result<Size> {
        self.labels_or(2)
    }

    /// The same, with another number where nothing is said.
    pub(super) fn labels_or(&self, otherwise: Size) -> Result<Size> {
        if let Some(Value::Map(it)) = self.written("id2label") {
            return Ok(it.0.len() as Size);
        }
        match self.written("num_labels") {
            Some(it) => self.sized("num_labels", it),
            None => Ok(otherwise),
        }
    }

    /// `a / b` rounded down, where `key` is what `b` was read from.
    pub(super) fn divide(&self, a: Size, b: Size, key: &str) -> Result<Size> {
        a.checked_div(b).ok_or_else(|| self.malformed(key, "more than 0", &Value::Integer(0)))
    }

    /// An error that says that a value is none of those that are known.
    pub(super) fn malformed(
        &self,
        key: &str,
        expected: &'static str,
        found: &Value,
    ) -> EstimateError {
        let found = match found {
            Value::Null => "null".to_owned(),
            Value::Bool(it) => it.to_string(),
            Value::Integer(it) => it.to_string(),
            Value::Number(it) => it.to_string(),
            Value::Text(it) => {
                let short: String = it.chars().take(40).collect();
                format!("\"{}\"", short.escape_debug())
            }
            Value::List(it) => format!("a list of {}", it.len()),
            Value::Map(_) => "a mapping".to_owned(),
        };
        EstimateError::Malformed { key: format!("{}{key}", self.path), expected, found }
    }

    fn missing(&self, key: &str) -> EstimateError {
        EstimateError::Missing {
            key: format!("{}{key}", self.path),
            model_type: self.model_type.to_owned(),
        }
    }

    fn absurd(&self, key: &str, found: Size, most: u64) -> EstimateError {
        EstimateError::Absurd {
            reason: format!("`{}{key}` is {found}, at most {most} is taken", self.path),
        }
    }

    fn bounded<'b>(&self, key: &str, list: &'b [Value]) -> Result<&'b [Value]> {
        if list.len() > LONGEST {
            return Err(EstimateError::Absurd {
                reason: format!("`{}{key}` has {} entries", self.path, list.len()),
            });
        }
        Ok(list)
    }

    fn sized(&self, key: &str, value: &Value) -> Result<Size> {
        match value {
            Value::Integer(it) => match u64::try_from(*it) {
                Ok(it) if it <= LARGEST => Ok(it.into()),
                Ok(it) => Err(self.absurd(key, it.into(), LARGEST)),
                Err(_) => Err(self.malformed(key, "a whole number that is not negative", value)),
            },
            other => Err(self.malformed(key, "a whole number that is not negative", other)),
        }
    }

    /// What the config itself says, under this name or another that its class takes.
    fn written(&self, key: &str) -> Option<&'a Value> {
        let direct = self.config.0.get(key);
        let found = direct.or_else(|| {
            let aliases = DEFAULTS.aliases.get(self.model_type)?;
            aliases.iter().filter(|it| it.1 == key).find_map(|it| self.config.0.get(it.0))
        });
        found.filter(|it| **it != Value::Null)
    }

    fn value(&self, key: &str) -> Option<Value> {
        if let Some(it) = self.written(key) {
            return Some(it.clone());
        }
        let default = DEFAULTS.values.get(self.model_type)?.get(key)?;
        // A key that says `null` says so; its class derives the value.
        if *default == Value::Null || self.config.0.contains_key(key) {
            return None;
        }
        let mut taken = self.taken.borrow_mut();
        let entry = taken.entry(self.model_type.to_owned()).or_default();
        entry.insert(format!("{}{key} = {}", self.path, shown(default)));
        Some(default.clone())
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(it) => it.to_string(),
        Value::Integer(it) => it.to_string(),
        Value::Number(it) => it.to_string(),
        Value::Text(it) => it.clone(),
        Value::List(it) => format!("[{}]", it.iter().map(shown).collect::<Vec<_>>().join(", ")),
        Value::Map(_) => "{…}".to_owned(),
    }
}
