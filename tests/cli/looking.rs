//! Lists, explanations, help and completions.

use crate::support::{Project, finish};

#[test]
fn lists_are_tables() {
    let project = Project::new();
    let run = project.run("--list models").ended(0);
    insta::assert_snapshot!(run.stdout, @r"
    model       class       family           subfamily  key  real  simulation  unsupported  hub id
    bert        BERT        embedding        masked_lm  yes  5     2           0            google-bert/bert-base-uncased
    distilbert  DistilBERT  embedding        masked_lm  no   2     5           0            distilbert/distilbert-base-uncased
    qwen3       Qwen3       text_generation  causal_lm  yes  2     4           1            Qwen/Qwen3-0.6B
    ");
    project.run("--list platforms").ended(0).says(&["openvino  openvino   1", "Intel's runtime"]);
    project.run("--list families").ended(0).says(&["embedding        bert, distilbert"]);
    project.run("--list templates").ended(0).says(&["skill/vision.rs.tera", "embedded"]);
    let run = project.run("--list models --limit 1").ended(0).complains(&["1 of 3 models"]);
    assert_eq!(run.stdout.lines().count(), 2);
}

#[test]
fn the_matrix_shows_every_cell_with_its_evidence() {
    let project = Project::new();
    let run = project.run("--list --matrix").ended(0);
    insta::assert_snapshot!("matrix_table", run.stdout);
    let json = project.run("--list --matrix --format json").ended(0).json();
    assert_eq!((&json["list"], &json["total"]), (&"matrix".into(), &3.into()));
    assert_eq!(json["items"][0]["model"], "bert");
    assert_eq!(json["items"][0]["platforms"]["cpu"]["support"], "real");
    let run = project.run("--list --matrix --format markdown").ended(0);
    insta::assert_snapshot!("matrix", run.stdout);
    for (flags, why) in [
        ("--matrix", "needs `--list`"),
        ("--list --format markdown", "for `--list --matrix` only"),
        ("--list platforms --matrix", "of models and platforms"),
        ("--all --format markdown", "for `--list --matrix` only"),
    ] {
        project.run(flags).ended(2).complains(&[why]);
    }
}

/// `accel` has no reader of YAML: it judges the registry's models by this document.
#[test]
fn the_catalogue_that_accel_embeds_is_the_registry_s() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let registry = root.join("model_registry.yaml");
    let run = Project::new()
        .run(&format!("--list --matrix --format json --registry {}", registry.display()))
        .ended(0);
    let place = "crates/accel-cli/data/catalogue.json";
    let committed = std::fs::read_to_string(root.join(place)).unwrap_or_default();
    assert!(
        committed.replace("\r\n", "\n") == run.stdout,
        "{place} is not what the registry says; run: \
         cargo run --release -- --list --matrix --format json > {place}"
    );
}

#[test]
fn evidence_is_compared_with_a_report() {
    let project = Project::new();
    project.write("report.jsonl", "");
    let run = project.run("registry verify-evidence report.jsonl").ended(1);
    let run = run.says(&["unproved: bert::cpu::loads: has no line in the report", "0 cells"]);
    assert!(!run.stdout.contains("hint:"), "{}", run.stdout);
    let json = project.run("registry verify-evidence report.jsonl --format json").ended(1).json();
    assert_eq!(json["unproved"][0]["case"], "loads");
    project.write("report.jsonl", "{\"outcome\": \"green\"}\n");
    let run = project.run("registry verify-evidence report.jsonl").ended(2);
    run.complains(&["line 1 of the tests' report"]);
    project.run("registry verify-evidence nowhere.jsonl").ended(2).complains(&["nowhere.jsonl"]);
    if cfg!(unix) {
        // A device says no size and has no end.
        for line in ["registry verify-evidence /dev/zero", "registry add /dev/zero"] {
            project.run(line).ended(2).complains(&["/dev/zero", "more than"]);
        }
    }
}

#[test]
fn templates_are_listed_without_a_registry() {
    let project = Project::empty();
    project.run("--list templates").ended(0);
    project.write("mine/skill/vision/cuda.rs.tera", "x");
    project.write("mine/platform/cpu.tera", "x");
    project.run("--list templates --templates mine").ended(0).says(&[
        "platform/cpu.tera                  replaced",
        "skill/vision/cuda.rs.tera          added",
    ]);
}

#[test]
fn an_explanation_tells_where_everything_comes_from() {
    let project = Project::new();
    let run = project.run("--explain bert --platform cuda").ended(0);
    insta::assert_snapshot!("explain", run.stdout);
    project
        .run("--explain qwen3 --platform webnn")
        .ended(0)
        .says(&["webnn: unsupported: Its key-value cache grows."]);
    let run = project.run("--explain distilbert").ended(0);
    for platform in ["cpu: real", "webgpu: simulation: No run has shown it yet."] {
        assert!(run.stdout.contains(platform), "{}", run.stdout);
    }
}

#[test]
fn an_explanation_follows_the_templates_given() {
    let project = Project::new();
    project.write("mine/skill/embedding/cuda.real.rs.tera", "x");
    project.run("--explain bert --platform cuda --templates mine").ended(0).says(&[
        "chosen    skill/embedding/cuda.real.rs.tera",
        "not asked skill/embedding.rs.tera",
    ]);
}

#[test]
fn help_teaches() {
    let project = Project::empty();
    let help = project.run("--help").ended(0);
    insta::assert_snapshot!("help", help.stdout);
    let short =
        project.run("-h").ended(0).says(&["Examples:", "Choose models:", "--batch-generate"]);
    assert!(short.stdout.lines().count() < 100, "{}", short.stdout);
    project.run("--version").ended(0).says(&["accelgen "]);
    project.run("registry add --help").ended(0).says(&["--parameters", "--dry-run"]);
}

#[test]
fn completions_are_there_for_every_shell() {
    let project = Project::empty();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        project.run(&format!("completions {shell}")).ended(0).says(&["generate-missing"]);
    }
}

#[test]
fn there_are_no_colours_in_a_pipe() {
    let project = Project::new();
    for arguments in ["--all", "--check", "--list models", "--explain bert", "--help"] {
        let run = project.run(arguments);
        assert!(!run.stdout.contains('\u{1b}') && !run.stderr.contains('\u{1b}'), "{arguments}");
    }
}

#[test]
fn the_catalogue_of_the_accel_command_is_up_to_date() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = "crates/accel-cli/data/catalogue.json";
    let committed = std::fs::read_to_string(root.join(path)).unwrap();
    let flags = ["--list", "--matrix", "--format", "json", "--registry"];
    let registry = root.join("model_registry.yaml");
    let run = finish(Project::empty().command("").args(flags).arg(registry)).ended(0);
    assert!(
        run.stdout == committed,
        "{path} is not what the registry says; run: \
         cargo run --release -- --list --matrix --format json > {path}"
    );
}
