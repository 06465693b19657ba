//! The options of a session: this program's defaults, changed one by one.

use accel_core::{
    OptionField, OptionKind, Platform, Precision, SessionOptions, common_option_fields,
    device_option_fields, nearest,
};
use serde_json::Value;

use crate::defaults::default_options;
use crate::failure::Failure;

/// The defaults of `platform` with `precision` and every `key=value` of `changes`.
///
/// # Errors
/// A change that is not `key=value`, an option that the platform does not have, a value that the
/// option does not take, or the same option twice.
pub(super) fn session_options(
    platform: Platform,
    precision: Option<Precision>,
    changes: &[String],
) -> Result<SessionOptions, Failure> {
    let mut options = default_options(platform);
    options.precision = precision.unwrap_or(options.precision);
    let invalid = |message: String| Failure::input("invalid-option", message);
    // The options as a document in which a field is found by its name.
    let unreadable = |it: serde_json::Error| invalid(format!("the options: {it}"));
    let mut document = serde_json::to_value(options).map_err(unreadable)?;
    let mut seen = Vec::new();
    for change in changes {
        let Some((key, value)) = change.split_once('=') else {
            let message = format!("--option {change}: write a key and a value, as in `threads=2`");
            return Err(invalid(message));
        };
        let key = key.trim();
        let (field, of_device) = field(platform, key).map_err(invalid)?;
        if precision.is_some() && field.name == "precision" {
            return Err(invalid("--precision and --option precision=… say the same".to_owned()));
        }
        if seen.contains(&field.name) {
            return Err(invalid(format!("--option {key} is given twice")));
        }
        seen.push(field.name);
        let value = typed(field, value.trim()).map_err(invalid)?;
        let place =
            if of_device { &mut document["device"][platform.name()] } else { &mut document };
        place[field.name] = value;
    }
    serde_json::from_value(document).map_err(unreadable)
}

/// The option `key` of `platform`, and whether it is one that only this platform has.
fn field(platform: Platform, key: &str) -> Result<(&'static OptionField, bool), String> {
    let common = common_option_fields().iter().map(|it| (it, false));
    let own = device_option_fields(platform).iter().map(|it| (it, true));
    let all: Vec<_> = common.chain(own).collect();
    if let Some(found) = all.iter().find(|(it, _)| it.name == key) {
        return Ok(*found);
    }
    let names = || all.iter().map(|(it, _)| it.name);
    let suggestion = nearest(key, names());
    Err(format!(
        "{} has no option `{key}`{}; it has: {}",
        platform.label(),
        suggestion.map_or_else(String::new, |it| format!(" (did you mean `{it}`?)")),
        names().collect::<Vec<_>>().join(", ")
    ))
}

/// `text` as a value of the option.
fn typed(field: &OptionField, text: &str) -> Result<Value, String> {
    let wrong =
        |expected: &str| Err(format!("option `{}` = `{text}`: expected {expected}", field.name));
    match field.kind {
        OptionKind::Bool => match text {
            "true" => Ok(Value::Bool(true)),
            "false" => Ok(Value::Bool(false)),
            _ => wrong("true or false"),
        },
        OptionKind::Integer(most) => match text.replace('_', "").parse::<u64>() {
            Ok(it) if it <= most => Ok(it.into()),
            _ => wrong(&format!("an integer from 0 to {most}")),
        },
        OptionKind::Choice { members, .. } => {
            if members.iter().any(|(it, _)| *it == text) {
                return Ok(text.into());
            }
            let names: Vec<_> = members.iter().map(|(it, _)| *it).collect();
            let suggestion = nearest(text, names.iter().copied())
                .map_or_else(String::new, |it| format!(" (did you mean `{it}`?)"));
            wrong(&format!("one of {}{suggestion}", names.join(", ")))
        }
    }
}

#[cfg(test)]
mod tests {
    use accel_core::{CpuEngine, DeviceOptions, Platform, Precision, Vocabulary as _};

    use super::session_options;
    use crate::defaults::default_options;

    fn changed(platform: Platform, changes: &[&str]) -> Result<accel_core::SessionOptions, String> {
        let changes: Vec<_> = changes.iter().map(|it| (*it).to_owned()).collect();
        session_options(platform, None, &changes).map_err(|it| it.message)
    }

    #[test]
    fn every_platform_has_defaults_that_survive_the_document() {
        for platform in Platform::ALL {
            assert_eq!(default_options(*platform).device.platform(), *platform);
            assert_eq!(changed(*platform, &[]).unwrap(), default_options(*platform));
        }
    }

    #[test]
    fn changes_reach_common_and_own_fields() {
        let options =
            changed(Platform::Cpu, &["threads=2", " engine = ort ", "memory_limit_bytes=1_000"])
                .unwrap();
        assert_eq!((options.threads, options.memory_limit_bytes), (2, 1000));
        let DeviceOptions::Cpu(cpu) = options.device else { panic!("{options:?}") };
        assert_eq!(cpu.engine, CpuEngine::Ort);
        let half = session_options(Platform::Cpu, Some(Precision::Fp16), &[]).unwrap();
        assert_eq!(half.precision, Precision::Fp16);
    }

    #[test]
    fn what_is_wrong_is_said_with_what_would_be_right() {
        for (change, says) in [
            ("thread=2", "did you mean `threads`?"),
            ("threads", "write a key and a value"),
            ("threads=NaN", "expected an integer from 0 to 4294967295"),
            ("threads=-1", "expected an integer"),
            ("threads=4294967296", "expected an integer"),
            ("prepack_weights=yes", "expected true or false"),
            ("engine=ortt", "did you mean `ort`?"),
            ("device_id=0", "CPU has no option `device_id`"),
            ("=1", "CPU has no option ``"),
        ] {
            let error = changed(Platform::Cpu, &[change]).unwrap_err();
            assert!(error.contains(says), "{change}: {error}");
        }
        let error = changed(Platform::Cpu, &["threads=1", "threads=2"]).unwrap_err();
        assert!(error.contains("twice"), "{error}");
    }
}
