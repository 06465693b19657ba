//! Labels that a caller makes up, and the texts that a template makes of them.

use std::collections::BTreeSet;

use crate::{Error, Result};

/// Refuses labels among which nothing can be chosen.
pub(super) fn check_labels(labels: &[&str]) -> Result<()> {
    let invalid = |given: String, expected: &str| Error::InvalidArgument {
        argument: "labels",
        given,
        expected: expected.to_owned(),
    };
    if labels.is_empty() {
        return Err(invalid("none".to_owned(), "at least one"));
    }
    let mut seen = BTreeSet::new();
    match labels.iter().find(|it| !seen.insert(**it)) {
        Some(twice) => Err(invalid(format!("{twice:?} twice"), "each label once")),
        None => Ok(()),
    }
}

/// The template with the label in the place of `{}`, as Python's `str.format` with one argument:
/// `{0}` is the same place by number, `{{` and `}}` are braces of the text itself.
pub(super) fn fill_in(template: &str, label: &str) -> Result<String> {
    let invalid = |expected: &str| Error::InvalidArgument {
        argument: "template",
        given: format!("{template:?}"),
        expected: expected.to_owned(),
    };
    let (mut filled, mut counted, mut numbered) = (String::new(), 0_usize, 0_usize);
    let mut rest = template;
    while let Some(at) = rest.find(['{', '}']) {
        filled.push_str(&rest[..at]);
        let from = &rest[at..];
        let (text, length) = if from.starts_with("{{") {
            ("{", 2)
        } else if from.starts_with("}}") {
            ("}", 2)
        } else if from.starts_with("{}") {
            counted += 1;
            (label, 2)
        } else if from.starts_with("{0}") {
            numbered += 1;
            (label, 3)
        } else {
            return Err(invalid("no other braces than `{}`; write `{{` for a brace of the text"));
        };
        filled.push_str(text);
        rest = &from[length..];
    }
    filled.push_str(rest);
    match (counted, numbered) {
        (1, 0) | (0, 1..) => Ok(filled),
        (0, 0) => Err(invalid("a text with `{}` where the label goes")),
        _ => Err(invalid("`{}` once, or `{0}` for each place of the label")),
    }
}

#[cfg(test)]
mod tests {
    use super::{check_labels, fill_in};
    use crate::Error;

    /// Expectations are Python's `template.format("cat")`.
    #[test]
    fn templates_are_filled_as_by_python() {
        for (template, expected) in [
            ("This is a photo of {}.", "This is a photo of cat."),
            ("{}", "cat"),
            ("{0} or {0}", "cat or cat"),
            ("{{{}}} {{}}", "{cat} {}"),
            ("写真 {} 🙂", "写真 cat 🙂"),
        ] {
            assert_eq!(fill_in(template, "cat").unwrap(), expected);
        }
        // A label's own braces are text.
        assert_eq!(fill_in("a {}", "{} {0}").unwrap(), "a {} {0}");
    }

    #[test]
    fn templates_without_one_place_for_the_label_are_refused() {
        for template in ["", "a photo", "{{}}", "{} {}", "{} {0}", "{1}", "{name}", "{", "a } {}"] {
            let error = fill_in(template, "cat").unwrap_err();
            assert!(
                matches!(error, Error::InvalidArgument { argument: "template", .. }),
                "{template}: {error}"
            );
        }
    }

    #[test]
    fn labels_must_be_some_and_differ() {
        check_labels(&["a", "b", ""]).unwrap();
        for labels in [&[][..], &["a", "b", "a"]] {
            let error = check_labels(labels).unwrap_err();
            assert!(matches!(error, Error::InvalidArgument { argument: "labels", .. }), "{error}");
        }
    }
}
