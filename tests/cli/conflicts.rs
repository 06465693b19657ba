//! Command lines that make no sense end in 2 and say why; nothing is accepted and ignored.

use crate::support::Project;

/// A command line, and what the refusal must contain.
const REFUSED: &[(&str, &str)] = &[
    // Choosing twice.
    ("--all --generate bert", "`--all` cannot be used with `--generate`"),
    ("--all --family vision", "`--all` cannot be used with `--family`"),
    ("--generate bert --family vision", "`--generate` cannot be used with `--family`"),
    ("--all --generate-missing", "`--all` cannot be used with `--generate-missing`"),
    // Modes.
    ("--check --generate-missing", "reports what is missing anyway"),
    ("--check --dry-run", "`--check` cannot be used with `--dry-run`"),
    ("--check --diff", "`--check` cannot be used with `--diff`"),
    ("--check --prune", "`--check` cannot be used with `--prune`"),
    ("--check --force", "the check writes nothing"),
    ("--check --run-tests", "the check writes nothing"),
    ("--check --watch", "the check writes nothing"),
    ("--dry-run --diff", "--diff is a dry run already"),
    ("--all --dry-run --run-tests", "a dry run writes nothing"),
    ("--all --dry-run --watch", "a dry run writes nothing"),
    ("--all --diff --run-tests", "--diff writes nothing"),
    ("--all --diff --watch", "--diff writes nothing"),
    ("--all --force --watch", "unattended"),
    ("--all --run-tests --watch", "`--run-tests` cannot be used with `--watch`"),
    // Prune alone.
    ("--prune --platform cpu", "`--platform` has no effect with `--prune` alone"),
    ("--prune --force", "`--force` has no effect with `--prune` alone"),
    ("--prune --run-tests", "`--run-tests` has no effect with `--prune` alone"),
    ("--prune --watch", "`--watch` has no effect with `--prune` alone"),
    ("--prune --templates t", "`--templates` has no effect with `--prune` alone"),
    ("--prune --limit 3", "`--limit` has no effect with `--prune` alone"),
    ("--prune --key-models-only", "`--key-models-only` has no effect with `--prune` alone"),
    ("--prune --max-workers 2", "`--max-workers` has no effect with `--prune` alone"),
    // Kinds and extras.
    ("--all --run-tests --kind skill", "no test is chosen"),
    ("--enhance-openvino --kind skill", "what it adds are tests"),
    ("--enhance-web-platforms --kind skill", "what it adds are tests"),
    ("--enhance-openvino --platform cuda", "about openvino only"),
    ("--enhance-web-platforms --platform webnn,cpu", "about webnn, webgpu only"),
    ("--all --platform all,cuda", "`--platform all` includes every platform"),
    // Output.
    ("--all --quiet --debug", "`--quiet` cannot be used with `--debug`"),
    ("--all --quiet --dry-run", "`--quiet` cannot be used with `--dry-run`"),
    ("--all --quiet --diff", "`--quiet` cannot be used with `--diff`"),
    // Looking.
    ("--list models --all", "`--all` has no effect with `--list`"),
    ("--list models --generate bert", "`--generate` has no effect with `--list`"),
    ("--list models --platform cpu", "`--platform` has no effect with `--list`"),
    ("--list models --check", "`--check` has no effect with `--list`"),
    ("--list models --output-dir x", "`--output-dir` has no effect with `--list`"),
    ("--list models --templates x", "`--templates` has no effect with `--list`"),
    ("--list models --quiet", "`--quiet` has no effect with `--list`"),
    ("--list templates --registry x", "`--registry` has no effect with `--list templates`"),
    ("--list models --explain bert", "one question at a time"),
    ("--explain bert --generate bert", "`--generate` has no effect with `--explain`"),
    ("--explain bert --force", "`--force` has no effect with `--explain`"),
    ("--explain bert --limit 1", "`--limit` has no effect with `--explain`"),
    ("--explain bert --run-tests", "`--run-tests` has no effect with `--explain`"),
    ("--explain bert --prune", "`--prune` has no effect with `--explain`"),
    ("--explain bert --variant real", "`--variant` has no effect with `--explain`"),
    // Filters and modifiers choose nothing.
    ("", "nothing to do: choose models or a mode"),
    ("--key-models-only", "`--key-models-only` without a choice of models"),
    ("--platform cuda", "`--platform` without a choice of models"),
    ("--force", "`--force` without a choice of models"),
    ("--run-tests", "`--run-tests` without a choice of models"),
    ("--watch", "`--watch` without a choice of models"),
    ("--limit 3", "`--limit` without a choice of models"),
    // Values.
    ("--all --max-workers 0", "--max-workers"),
    ("--all --limit 0", "--limit"),
    ("--all --format yaml", "--format"),
    ("--generate", "--generate"),
    ("--generate bert,", "--generate"),
    // Flags of generation are not the subcommands'.
    ("--all registry validate", "registry"),
    ("registry validate --all", "--all"),
    ("registry", "Usage"),
    ("completions", "Usage"),
    ("completions tcsh", "tcsh"),
];

#[test]
fn every_one_is_refused_with_its_reason_and_writes_nothing() {
    let project = Project::new();
    let before = project.tree();
    for (arguments, reason) in REFUSED {
        let run = project.run(arguments);
        assert_eq!(run.code, 2, "{arguments}: {}{}", run.stdout, run.stderr);
        assert!(run.stderr.contains(reason), "{arguments}: {}", run.stderr);
        assert_eq!(run.stdout, "", "{arguments}");
    }
    assert_eq!(project.tree(), before);
}

#[test]
fn json_is_neither_watched_nor_quiet() {
    let project = Project::new();
    for (arguments, reason) in [
        ("--all --watch --format json", "`--watch` cannot be used with `--format json`"),
        ("--all --quiet --format json", "`--quiet` cannot be used with `--format json`"),
    ] {
        let error = project.run(arguments).ended(2).json();
        assert_eq!(error["error"]["code"], "usage");
        assert!(error["error"]["message"].as_str().unwrap().contains(reason), "{error}");
    }
}

/// Combinations that look odd and mean something.
#[test]
fn what_makes_sense_is_accepted() {
    let project = Project::written();
    for arguments in [
        "--generate bert --generate-missing",
        "--family embedding --key-models-only",
        "--generate-missing --key-models-only --platform cpu",
        "--generate bert --dry-run --force",
        "--generate bert --prune --force",
        "--prune --dry-run",
        "--prune --diff",
        "--prune --quiet",
        "--check --quiet --key-models-only",
        "--check --limit 1 --max-workers 1",
        "--all --prune",
        "--enhance-openvino --dry-run --platform openvino",
        "--enhance-web-platforms --generate-missing --dry-run",
        "--list models --limit 1 --debug",
        "--explain bert --platform cpu,cuda --debug",
    ] {
        project.run(arguments).ended(0);
    }
}

#[test]
fn wrong_use_without_flags_shows_four_examples() {
    let run = Project::new().run("").ended(2);
    assert_eq!(run.stderr.matches("\n  accelgen --").count(), 4, "{}", run.stderr);
    assert!(run.stderr.lines().count() < 16, "{}", run.stderr);
}
