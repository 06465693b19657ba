//! Registries written to break something.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use accelgen::registry::{Code, MAX_BYTES, parse};

use super::support::{BASE, base_with, codes, problems, valid};

/// The codes, and that finding them was quick.
#[track_caller]
fn quickly(text: &str) -> Vec<Code> {
    let start = Instant::now();
    let codes = codes(text);
    assert!(start.elapsed() < Duration::from_secs(20), "took {:?}", start.elapsed());
    codes
}

/// That nothing hidden reaches the terminal.
#[track_caller]
fn prints_nothing_hidden(text: &str) {
    let page = problems(text).to_string();
    let hidden = |c: char| (c.is_control() && c != '\n') || ('\u{202a}'..='\u{202e}').contains(&c);
    assert!(!page.contains(hidden), "{page:?}");
}

#[test]
fn an_alias_bomb_is_refused_at_its_first_anchor() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for i in 1..30 {
        let aliases = vec![format!("*a{}", i - 1); 9].join(", ");
        writeln!(bomb, "a{i}: &a{i} [{aliases}]").unwrap();
    }
    let codes = quickly(&bomb);
    assert!(codes.contains(&Code::Alias));
    assert_eq!(quickly("&a [*a]"), [Code::Alias, Code::WrongType, Code::Alias]);
    assert!(quickly("<<: *missing").contains(&Code::Alias));
}

#[test]
fn text_over_the_limit_is_refused_whatever_it_is() {
    let scalar = base_with(&[("class: BERT", &format!("class: {}", "x".repeat(100_000_000)))]);
    assert_eq!(quickly(&scalar), [Code::TooLarge]);
}

#[test]
fn a_scalar_just_under_the_limit_is_too_long() {
    let long = "x".repeat(MAX_BYTES - BASE.len() - 100);
    let text = base_with(&[("class: BERT", &format!("class: {long}"))]);
    assert_eq!(quickly(&text), [Code::BadText]);
    assert!(problems(&text).to_string().len() < 1000);
    let text = base_with(&[("    class: BERT\n", &format!("    \"{long}\": BERT\n"))]);
    let codes = quickly(&text);
    assert!(
        codes.iter().all(|it| matches!(it, Code::Syntax | Code::UnknownKey | Code::MissingKey))
    );
}

#[test]
fn depth_ends_in_an_error() {
    let flow = "[".repeat(10_000);
    assert_eq!(quickly(&flow), [Code::TooDeep]);
    assert_eq!(quickly(&"{a: ".repeat(10_000)), [Code::TooDeep]);
    assert_eq!(quickly(&"[a: ".repeat(10_000)), [Code::TooDeep]);
    assert_eq!(quickly(&"- ".repeat(10_000)), [Code::TooDeep]);
    assert_eq!(quickly(&"? ".repeat(10_000)), [Code::TooDeep]);
    let mut block = String::new();
    for depth in 0..1_500 {
        writeln!(block, "{}a:", " ".repeat(depth)).unwrap();
    }
    assert_eq!(quickly(&block), [Code::TooDeep]);
}

#[test]
fn very_many_values_are_refused() {
    let list = format!("a: [{}]", "1,".repeat(200_000));
    assert_eq!(quickly(&list), [Code::TooLarge]);
    let mut keys = String::new();
    for i in 0..60_000 {
        writeln!(keys, "a{i}: 1").unwrap();
    }
    assert!(quickly(&keys).contains(&Code::TooLarge));
    // One long line with a problem in every word.
    let line = format!("{{{}}}", "&a x: 1, ".repeat(40_000));
    assert!(!quickly(&line).is_empty());
}

#[test]
fn long_lists_and_texts_are_refused() {
    let tasks = format!("[{}]", "fill-mask, ".repeat(10_000));
    let text = base_with(&[("[feature-extraction, fill-mask]", &tasks)]);
    assert!(quickly(&text).contains(&Code::TooLarge));
    let text = base_with(&[("No browser.", &"long ".repeat(200))]);
    assert_eq!(quickly(&text), [Code::BadText]);
}

#[test]
fn hidden_characters_are_refused_where_they_are_and_when_escaped() {
    for hidden in [
        '\0',
        '\u{1}',
        '\u{1b}',
        '\u{7f}',
        '\u{85}',
        '\u{200b}',
        '\u{202e}',
        '\u{2028}',
        '\u{2066}',
        '\u{feff}',
        '\u{e0041}',
    ] {
        let raw = base_with(&[("No browser.", &format!("No {hidden}browser."))]);
        assert_eq!(quickly(&raw), [Code::HiddenCharacter], "{hidden:?}");
        prints_nothing_hidden(&raw);
        let escape = format!("\"No \\U{:08X}browser.\"", u32::from(hidden));
        let escaped = base_with(&[("No browser.", &escape)]);
        assert_eq!(quickly(&escaped), [Code::BadText], "{hidden:?}");
        prints_nothing_hidden(&escaped);
        let key =
            base_with(&[("  bert:\n", &format!("  \"b\\U{:08X}ert\":\n", u32::from(hidden)))]);
        assert_eq!(quickly(&key), [Code::BadIdentifier], "{hidden:?}");
        prints_nothing_hidden(&key);
    }
    assert_eq!(
        quickly(&"\0".repeat(100_000)).iter().filter(|it| **it == Code::HiddenCharacter).count(),
        20
    );
}

#[test]
fn text_that_tries_to_leave_a_literal_or_a_comment_stays_text() {
    for text in [
        "\"]; evil(); //",
        "*/ fn main() {}",
        "{{ config }} {% include x %}",
        "\\\"; \\u{22}",
        "`#[x]` \"#\"##",
        "r#\"\"#",
        "'a' \\n",
    ] {
        let scalar = format!("'{}'", text.replace('\'', "''"));
        let registry = valid(&base_with(&[("class: BERT", &format!("class: {scalar}"))]));
        assert_eq!(registry.model("bert").unwrap().class, text);
        let registry = valid(&base_with(&[("No browser.", &scalar)]));
        let cells = &registry.model("bert").unwrap().cells;
        assert!(cells.values().any(|it| it.reason == text));
        // Everything else that reaches a path or an identifier refuses it.
        for (from, code) in [
            ("google-bert/bert-base-uncased", Code::BadHubId),
            ("0123456789abcdef0123456789abcdef01234567", Code::BadRevision),
            ("fixtures/bert", Code::BadModelDir),
        ] {
            assert_eq!(quickly(&base_with(&[(from, &scalar)])), [code], "{text}");
        }
        assert_eq!(
            quickly(&base_with(&[("[BertForMaskedLM]", &format!("[{scalar}]"))])),
            [Code::BadConfigName]
        );
        assert_eq!(
            quickly(&base_with(&[("model_type: bert", &format!("model_type: {scalar}"))])),
            [Code::BadConfigName]
        );
    }
    for text in ["\"a\\nb\"", "|\n      a\n      b", "\"a\\rb\""] {
        assert_eq!(
            quickly(&base_with(&[("class: BERT", &format!("class: {text}"))])),
            [Code::BadText],
            "{text}"
        );
    }
    // A folded text is one line; so is one that goes on in the next.
    let registry = valid(&base_with(&[("class: BERT", "class: >-\n      a\n      b")]));
    assert_eq!(registry.model("bert").unwrap().class, "a b");
}

#[test]
fn no_path_leaves_the_registrys_folder() {
    for dir in [
        "../bert",
        "/etc/bert",
        "fixtures/../../bert",
        "C:/bert",
        "c:bert",
        "\\\\host\\bert",
        "fixtures\\bert",
        "fixtures//bert",
        "./bert",
        "~/bert",
        "fixtures/bert/",
        "fixtures/%2e%2e/x",
        "file:///etc",
    ] {
        let text = base_with(&[("fixtures/bert", &format!("'{dir}'"))]);
        assert_eq!(quickly(&text), [Code::BadModelDir], "{dir}");
    }
    for key in
        ["../bert", "/bert", "a/b", "..", "b.rs", "c:", "b\\x", "bért", "ｂert", "b ert", "-bert"]
    {
        let text = base_with(&[("  bert:\n", &format!("  '{key}':\n"))]);
        assert_eq!(quickly(&text), [Code::BadIdentifier], "{key}");
    }
}

#[test]
fn editors_on_other_systems_are_welcome() {
    let base = valid(BASE);
    assert_eq!(valid(&format!("\u{feff}{BASE}")), base);
    assert_eq!(valid(&BASE.replace('\n', "\r\n")), base);
    assert_eq!(valid(&format!("\u{feff}{}", BASE.replace('\n', "\r\n"))), base);
    assert_eq!(valid(BASE.trim_end()), base);
    assert_eq!(valid(&format!("---\n{BASE}...\n")), base);
    // Places are the same with any line end.
    let place = |text: &str| problems(text).list.first().map(|it| it.location.clone()).unwrap();
    let broken = base_with(&[("support: simulation", "support: simulated")]);
    assert_eq!(place(&broken.replace('\n', "\r\n")), place(&broken));
    assert_eq!(place(&format!("\u{feff}{broken}")), place(&broken));
}

#[test]
fn tabs_as_indentation_are_an_error_with_a_place() {
    let text = base_with(&[("    class: BERT\n", "\tclass: BERT\n")]);
    assert_eq!(quickly(&text), [Code::Syntax]);
    let line = BASE.lines().position(|it| it.contains("class: BERT")).unwrap() + 1;
    assert_eq!(problems(&text).list.first().unwrap().location.line, line);
}

#[test]
fn nothing_is_an_error_too() {
    for text in ["", "\n\n", "# only a comment", "\u{feff}", "   ", "\r\n"] {
        assert_eq!(quickly(text), [Code::Empty], "{text:?}");
    }
    for text in ["---\n", "~", "bert", "[]", "- a", "42", "'version: 1'"] {
        assert_eq!(quickly(text), [Code::WrongType], "{text:?}");
    }
    assert_eq!(quickly("{}"), [Code::MissingKey; 4]);
    assert_eq!(quickly("%YAML 1.2\n---\n{}"), [Code::Syntax]);
}

#[test]
fn numbers_out_of_every_range_are_errors() {
    for number in ["1e400", "-1e400", ".inf", "-.inf", ".nan", "0", "-1", "0.0", "1e-400"] {
        let text = base_with(&[("max_abs: 1.0e-4", &format!("max_abs: {number}"))]);
        assert_eq!(quickly(&text), [Code::BadTolerance], "{number}");
    }
    let digits = "9".repeat(1_000_000);
    let text = base_with(&[("parameters: 109514298", &format!("parameters: {digits}"))]);
    assert_eq!(quickly(&text), [Code::OutOfRange]);
    let text = base_with(&[("max_abs: 1.0e-4", &format!("max_abs: 1.{digits}"))]);
    assert_eq!(quickly(&text), []);
    for number in ["4294967296", "18446744073709551616"] {
        let text = base_with(&[("streams: 1", &format!("streams: {number}"))]);
        assert_eq!(quickly(&text), [Code::OutOfRange], "{number}");
    }
    for number in ["0x10", "0o17", "1e3", "1.0", "+1", "-1", "007", "1_000", "\"1\"", "true", "one"]
    {
        let text = base_with(&[("streams: 1", &format!("streams: {number}"))]);
        assert_eq!(quickly(&text), [Code::WrongType], "{number}");
    }
}

#[test]
fn the_name_of_the_file_is_only_shown() {
    let problems = parse("", "/no/such/file.yaml").unwrap_err();
    assert!(problems.to_string().starts_with("/no/such/file.yaml:1:1: error[E108]"));
}
