//! What a model's `config.json` says, written in its entry.

use accel_core::{Config, Value as Said};

use super::Code;
use super::context::{Context, quote};
use super::decode::{self, Decode, Plain};
use super::yaml::{Node, Value};

/// The keys of a `config.json` in which the model differs from the defaults of its config class.
#[derive(Clone, Debug)]
pub(super) struct ModelConfig(pub(super) Config);

impl Decode for ModelConfig {
    fn decode(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        let entries = decode::mapping(node, "the keys of a config.json", cx)?;
        for entry in entries.iter().filter(|it| ELSEWHERE.contains(&it.key.as_str())) {
            let message = format!("{} is written twice: here and in the entry", quote(&entry.key));
            cx.advise(Code::Repeated, entry.key_span, message, "remove it here");
        }
        map(node, cx).map(Self)
    }
}

/// Keys of a `config.json` that the entry has itself.
const ELSEWHERE: [&str; 2] = ["architectures", "model_type"];

fn map(node: &Node, cx: &mut Context<'_>) -> Option<Config> {
    let Value::Mapping(entries) = &node.value else { return None };
    let mut config = Config::default();
    for entry in entries {
        config.0.insert(entry.key.clone(), value(&entry.node, cx)?);
    }
    Some(config)
}

fn value(node: &Node, cx: &mut Context<'_>) -> Option<Said> {
    Some(match &node.value {
        Value::Refused => return None,
        Value::Mapping(_) => Said::Map(map(node, cx)?),
        Value::Sequence(nodes) => {
            Said::List(nodes.iter().map(|it| value(it, cx)).collect::<Option<_>>()?)
        }
        Value::Scalar { text, plain: false } => Said::Text(text.clone()),
        Value::Scalar { text, plain: true } => match decode::resolve(text) {
            Plain::Null => Said::Null,
            Plain::Bool(it) => Said::Bool(it),
            Plain::Text => Said::Text(text.clone()),
            Plain::Integer => match text.parse() {
                Ok(it) => Said::Integer(it),
                Err(_) => return out_of_range(node, text, cx),
            },
            Plain::Float => match text.parse::<f64>() {
                Ok(it) if it.is_finite() => Said::Number(it),
                _ => return out_of_range(node, text, cx),
            },
        },
    })
}

fn out_of_range(node: &Node, text: &str, cx: &mut Context<'_>) -> Option<Said> {
    let message = format!("{} is no number that a config.json has", quote(text));
    cx.advise(Code::OutOfRange, node.span, message, "write it as config.json does, in decimal");
    None
}
