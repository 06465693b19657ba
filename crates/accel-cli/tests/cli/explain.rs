//! `accel explain`.

use crate::support::run;

#[test]
fn a_code_is_explained_however_its_letters_are_written() {
    for code in ["ACC0201", "acc0201", " Acc0201"] {
        run(&["explain", code]).ended(0).says(&[
            "ACC0201  An engine is not installed",
            "Causes:",
            "1. Install it: `accel engines install",
        ]);
    }
    let text = run(&["explain", "ACC0101", "ACC0801"]).ended(0).says(&["ACC0101", "ACC0801"]);
    assert!(!text.stdout.contains('\u{1b}'));
}

#[test]
fn a_code_that_is_not_one_gets_a_suggestion() {
    for (given, meant) in [
        ("ACC201", "did you mean ACC0201?"),
        ("201", "did you mean ACC0201?"),
        ("ACC-0201", "did you mean ACC0201?"),
        ("ACC0291", "did you mean ACC0"),
        ("ACD0201", "did you mean ACC0201?"),
        ("hello\u{1b}[31m", "there is no code `hello\\u{1b}[31m`"),
    ] {
        run(&["explain", given]).ended(2).complains(&[meant, "accel explain --list"]);
    }
    run(&["explain"]).ended(2).complains(&["CODE"]);
    let error = run(&["explain", "ACC9", "--format", "json"]).ended(2).json();
    assert_eq!(error["error"]["acc"], "ACC1001");
}

#[test]
fn all_codes_are_listed_in_every_format() {
    let document = run(&["explain", "--list", "--format", "json"]).ended(0).json();
    let codes = document["codes"].as_array().unwrap();
    assert!(codes.len() >= 60, "{}", codes.len());
    for code in codes {
        assert!(code["remedies"].as_array().is_some_and(|it| !it.is_empty()), "{code}");
    }
    run(&["explain", "--list"]).ended(0).says(&["ACC0101", "ACC1003", "critical"]);
    run(&["explain", "--list", "--format", "md"]).ended(0).says(&["| ACC0716 | critical | run |"]);
    run(&["explain", "ACC0716", "--format", "md"]).ended(0).says(&["# ACC0716: ", "## What helps"]);
}
