//! A model's `config.json` as plain data, without a JSON parser: whoever reads the file
//! deserialises it into [`Config`] with the parser of their choice.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A model's `config.json`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Config(pub BTreeMap<String, Value>);

/// A value of a [`Config`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// Any other number.
    Number(f64),
    /// Text.
    Text(String),
    /// A list.
    List(Vec<Value>),
    /// A nested mapping, such as `text_config`.
    Map(Config),
}

impl Config {
    /// The value of a key, or of keys joined with dots (`text_config.hidden_size`); `None` when
    /// one of them is absent or `null`.
    pub fn get(&self, path: &str) -> Option<&Value> {
        let mut keys = path.split('.');
        let mut value = self.0.get(keys.next()?)?;
        for key in keys {
            let Value::Map(map) = value else { return None };
            value = map.0.get(key)?;
        }
        (*value != Value::Null).then_some(value)
    }

    /// A whole number that is not negative.
    pub fn integer(&self, path: &str) -> Option<u64> {
        match self.get(path)? {
            Value::Integer(it) => u64::try_from(*it).ok(),
            _ => None,
        }
    }

    /// A number.
    pub fn number(&self, path: &str) -> Option<f64> {
        match self.get(path)? {
            #[expect(clippy::cast_precision_loss, reason = "no config holds numbers above 2^53")]
            Value::Integer(it) => Some(*it as f64),
            Value::Number(it) => Some(*it),
            _ => None,
        }
    }

    /// A truth value.
    pub fn flag(&self, path: &str) -> Option<bool> {
        match self.get(path)? {
            Value::Bool(it) => Some(*it),
            _ => None,
        }
    }

    /// A text.
    pub fn text(&self, path: &str) -> Option<&str> {
        match self.get(path)? {
            Value::Text(it) => Some(it),
            _ => None,
        }
    }

    /// A list.
    pub fn list(&self, path: &str) -> Option<&[Value]> {
        match self.get(path)? {
            Value::List(it) => Some(it),
            _ => None,
        }
    }

    /// A nested mapping.
    pub fn map(&self, path: &str) -> Option<&Self> {
        match self.get(path)? {
            Value::Map(it) => Some(it),
            _ => None,
        }
    }

    /// `model_type`.
    pub fn model_type(&self) -> Option<&str> {
        self.text("model_type")
    }

    /// `architectures`, those that are text.
    pub fn architectures(&self) -> Vec<String> {
        let all = self.list("architectures").unwrap_or_default();
        all.iter()
            .filter_map(|it| if let Value::Text(text) = it { Some(text.clone()) } else { None })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{Config, Value};

    #[test]
    fn a_config_is_read_by_path_and_by_kind() {
        let config: Config = serde_json::from_str(
            r#"{"model_type": "llava", "architectures": ["A", 3], "tie": true, "eps": 1e-5,
                "text_config": {"hidden_size": 64, "none": null}, "negative": -1}"#,
        )
        .unwrap();
        assert_eq!(config.model_type(), Some("llava"));
        assert_eq!(config.architectures(), ["A"]);
        assert_eq!(config.integer("text_config.hidden_size"), Some(64));
        assert_eq!(config.number("text_config.hidden_size"), Some(64.0));
        assert_eq!(config.number("eps"), Some(1e-5));
        assert_eq!(config.flag("tie"), Some(true));
        assert_eq!(config.get("text_config.none"), None);
        assert_eq!(config.get("tie.deeper"), None);
        assert_eq!(config.integer("negative"), None);
        assert_eq!(config.get("negative"), Some(&Value::Integer(-1)));
    }
}
