//! Session options: read by the tables of `accel_core`, which also render them.

use accel_core::{
    OptionField, OptionKind, OptionValue, Platform, Vocabulary, common_option_fields,
    device_option_fields,
};

use super::context::{Context, Span, quote, suggest};
use super::decode::{self, Decode};
use super::yaml::{Entry, Node};
use super::{Code, OptionValues};

/// Options as written; which of them are allowed depends on where they are.
#[derive(Clone, Debug)]
pub(super) struct RawOptions(Vec<Entry>);

impl Decode for RawOptions {
    fn decode(node: &Node, cx: &mut Context<'_>) -> Option<Self> {
        decode::mapping(node, "options", cx).map(|it| Self(it.to_vec()))
    }
}

/// Every option of a platform, the common ones first.
pub(super) fn fields_of(platform: Platform) -> impl Iterator<Item = &'static OptionField> + Clone {
    common_option_fields().iter().chain(device_option_fields(platform))
}

/// The smallest value of an option that counts something.
pub(super) fn minimum(field: &OptionField) -> u64 {
    // A batch of none is no run; everywhere else 0 is an index or means "no limit".
    u64::from(field.name == "max_batch")
}

impl RawOptions {
    /// Whether nothing is written.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The values, every option that does not belong to `platform` (with none: to all platforms)
    /// reported.
    pub(super) fn values(&self, platform: Option<Platform>, cx: &mut Context<'_>) -> OptionValues {
        let fields: Vec<&OptionField> = match platform {
            Some(platform) => fields_of(platform).collect(),
            None => common_option_fields().iter().collect(),
        };
        let mut values = OptionValues::new();
        for entry in &self.0 {
            match fields.iter().find(|it| it.name == entry.key) {
                Some(field) => {
                    if let Some(value) = value_of(field, &entry.node, cx) {
                        values.insert(field.name, value);
                    }
                }
                None => report_unknown(entry, platform, &fields, cx),
            }
        }
        values
    }

    /// Reports every option of `platform` that is not written.
    pub(super) fn report_missing(&self, platform: Platform, at: Span, cx: &mut Context<'_>) {
        for field in fields_of(platform) {
            if self.0.iter().all(|it| it.key != field.name) {
                let message = format!("the options of `{platform}` need `{}`", field.name);
                cx.advise(Code::MissingKey, at, message, field.doc);
            }
        }
    }
}

fn report_unknown(
    entry: &Entry,
    platform: Option<Platform>,
    fields: &[&OptionField],
    cx: &mut Context<'_>,
) {
    let key = quote(&entry.key);
    let whose = match platform {
        Some(platform) => format!("`{platform}`"),
        None => "every platform".to_owned(),
    };
    let owners: Vec<&str> = Platform::ALL
        .iter()
        .filter(|it| device_option_fields(**it).iter().any(|field| field.name == entry.key))
        .map(|it| it.name())
        .collect();
    let help = if owners.is_empty() {
        suggest(&entry.key, fields.iter().map(|it| it.name))
    } else {
        Some(format!("it is an option of {} only", owners.join(", ")))
    };
    cx.report(Code::UnknownKey, entry.key_span, format!("{key} is no option of {whose}"), help);
}

fn value_of(field: &OptionField, node: &Node, cx: &mut Context<'_>) -> Option<OptionValue> {
    match field.kind {
        OptionKind::Bool => decode::boolean(node, cx).map(OptionValue::Bool),
        OptionKind::Integer(max) => {
            decode::integer(node, minimum(field), max, cx).map(OptionValue::Integer)
        }
        OptionKind::Choice { members, .. } => {
            let names = members.iter().map(|(name, _)| *name);
            let given = decode::word(node, &format!("a value of `{}`", field.name), cx)?;
            let name = names.clone().find(|it| *it == given);
            if name.is_none() {
                let message = format!("{} is no value of `{}`", quote(given), field.name);
                cx.report(Code::UnknownName, node.span, message, suggest(given, names));
            }
            name.map(OptionValue::Choice)
        }
    }
}
