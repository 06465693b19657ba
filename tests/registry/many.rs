//! Many problems are all reported at once, in the order of the file.

use accelgen::registry::Code;

use super::support::{BASE, base_and, base_with, codes, problems};

#[test]
fn problems_of_every_kind_are_reported_in_one_run() {
    let text = base_with(&[
        ("version: 1\n", "version: 3\nversoin: 1\n"),
        (
            "tf32: false, cuda_graph: false, conv_search: heuristic",
            "tf32: off, cuda_graph: false, conv_search: heuristc",
        ),
        ("[cuda, openvino, cpu]", "[cuda, opnvino, cpu, cuda]"),
        ("  bert:\n", "  Bert:\n"),
        ("google-bert/bert-base-uncased", "bert"),
        ("revision: 0123456789abcdef0123456789abcdef01234567", "revision: main"),
        ("model_type: bert", "model_type: llama"),
        ("[feature-extraction, fill-mask]", "[fill-mask, object-detection, fill_mask]"),
        ("    parameters: 109514298\n", ""),
        ("fixtures/bert", "C:\\bert"),
        ("      cuda: {", "      cudda: {"),
        ("support: real, evidence: compiled", "support: real, reason: None., evidence: compiled"),
        ("support: simulation, evidence: none", "support: simulation, evidence: ci"),
        (", reason: No browser.", ""),
    ]);
    let problems = problems(&text);
    insta::assert_snapshot!(problems.to_string());
    assert!(problems.list.is_sorted_by_key(|it| (it.location.line, it.location.column)));
}

#[test]
fn a_broken_model_does_not_hide_the_next_one() {
    let text = base_and("other").replace("class: BERT", "class: 1");
    assert_eq!(codes(&text), [Code::WrongType, Code::WrongType]);
    assert_eq!(codes(&base_and("b_e_r_t")), [Code::CollidingIdentifier]);
    assert_eq!(codes(&base_and("bert")), [Code::DuplicateKey]);
}

#[test]
fn a_duplicate_key_names_both_places() {
    let problems = problems(&base_and("bert"));
    let problem = problems.list.first().unwrap();
    let first = BASE.lines().position(|it| it == "  bert:").unwrap() + 1;
    assert!(problem.message.contains(&format!("line {first}, column 3")), "{problem}");
    assert_eq!(problem.location.line, BASE.lines().count() + 1);
}

#[test]
fn an_option_of_another_platform_is_named_as_such() {
    let text = base_with(&[("options: { precision: fp16 }", "options: { tf32: true }")]);
    let problems = problems(&text);
    assert_eq!(problems.list.len(), 1, "{problems}");
    let help = problems.list.first().and_then(|it| it.help.as_deref());
    assert_eq!(help, Some("it is an option of cuda only"));
}

#[test]
fn a_mistyped_platform_is_still_checked_below() {
    let text = base_with(&[(
        "      mps: { support: real, evidence: compiled }",
        "      mpss: { support: reel, evidence: compiled }",
    )]);
    assert_eq!(codes(&text), [Code::MissingPlatform, Code::UnknownName, Code::UnknownName]);
}

#[test]
fn thousands_of_problems_are_counted_and_not_all_kept() {
    use std::fmt::Write as _;

    let mut text = BASE.to_owned();
    for i in 0..3000 {
        writeln!(text, "key{i}: 1").unwrap();
    }
    let problems = problems(&text);
    assert_eq!((problems.list.len(), problems.omitted), (1000, 2000));
    assert!(problems.to_string().ends_with("1000 errors, and 2000 more that are not shown"));
}
