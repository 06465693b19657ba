//! Which flags choose which cells.

use std::collections::BTreeSet;

use crate::support::Project;

/// The cell files that are written in an empty project.
#[track_caller]
fn chosen(flags: &str) -> BTreeSet<String> {
    let project = Project::new();
    project.run(flags).ended(0);
    project
        .generated()
        .into_keys()
        .filter(|it| it.matches('/').count() == 3 && !it.ends_with("mod.rs"))
        .map(|it| it.replace("src/skills/", "skill ").replace("tests/models/", "test "))
        .collect()
}

fn of(files: &[&str]) -> BTreeSet<String> {
    files.iter().map(|it| (*it).to_owned()).collect()
}

#[test]
fn models_platforms_kinds_and_variants_narrow() {
    assert_eq!(
        chosen("--generate bert --platform cpu"),
        of(&["skill bert/cpu.rs", "test bert/cpu.rs"])
    );
    assert_eq!(
        chosen("--batch-generate bert,qwen3 --platform cpu,cuda --kind skill"),
        of(&[
            "skill bert/cpu.rs",
            "skill bert/cuda.rs",
            "skill qwen3/cpu.rs",
            "skill qwen3/cuda.rs"
        ])
    );
    assert_eq!(
        chosen("--generate bert --generate qwen3 --kind test --platform cpu"),
        of(&["test bert/cpu.rs", "test qwen3/cpu.rs"])
    );
    assert_eq!(
        chosen("--generate bert --variant simulation --kind skill"),
        of(&["skill bert/webgpu.rs", "skill bert/webnn.rs"])
    );
    assert_eq!(chosen("--generate bert --variant real --kind skill").len(), 5);
    assert_eq!(chosen("--generate bert --variant auto --kind skill").len(), 7);
    assert_eq!(
        chosen("--family text_generation --platform cpu --kind test"),
        of(&["test qwen3/cpu.rs"])
    );
    assert_eq!(
        chosen("--all --key-models-only --platform mps --kind skill"),
        of(&["skill bert/mps.rs", "skill qwen3/mps.rs"])
    );
    assert_eq!(chosen("--all --limit 1 --platform cpu --kind skill"), of(&["skill bert/cpu.rs"]));
}

#[test]
fn enhancing_restricts_to_its_platforms_and_adds_their_tests() {
    assert_eq!(
        chosen("--generate bert --enhance-openvino"),
        of(&["skill bert/openvino.rs", "test bert/openvino.rs", "test bert/openvino_extra.rs"])
    );
    assert_eq!(
        chosen("--generate bert --enhance-web-platforms --kind test --platform webgpu"),
        of(&["test bert/webgpu.rs", "test bert/webgpu_extra.rs"])
    );
    assert_eq!(chosen("--enhance-openvino --kind test").len(), 6);
    assert_eq!(chosen("--enhance-openvino --enhance-web-platforms --generate bert").len(), 9);
}

#[test]
fn extra_tests_stay_up_to_date_once_they_are_there() {
    let project = Project::written();
    project.run("--enhance-openvino").ended(0).says(&["3 extra tests"]);
    project.run("--check").ended(0);
    project.run("--all").ended(0).says(&["wrote nothing"]);
    project.write(
        "generated/tests/models/bert/openvino_extra.rs",
        &(project.read("generated/tests/models/bert/openvino_extra.rs") + "\n"),
    );
    project.run("--check").ended(1).says(&["openvino_extra.rs"]);
    project.run("--generate-missing --enhance-openvino").ended(0).says(&["wrote nothing"]);
}

#[test]
fn models_written_one_by_one_are_the_same_as_all_at_once() {
    let project = Project::new();
    for flags in [
        "--generate qwen3",
        "--generate bert --kind test",
        "--generate bert --kind skill",
        "--family embedding",
    ] {
        project.run(flags).ended(0);
    }
    assert_eq!(project.generated(), Project::written().generated());
}

#[test]
fn an_unknown_name_gets_a_suggestion() {
    let project = Project::new();
    let cases = [
        ("--generate brt", "no model `brt` in the registry (did you mean `bert`?)"),
        ("--generate bert,BRET", "did you mean `bert`?"),
        ("--explain qwen", "did you mean `qwen3`?"),
        ("--all --platform opnvino", "unknown platform `opnvino` (did you mean `openvino`?)"),
        ("--family visoin", "unknown family `visoin` (did you mean `vision`?)"),
        ("--all --variant reel", "real"),
        ("--all --frce", "--force"),
        ("--list model", "models"),
        ("--generate zebra", "known: bert, distilbert, qwen3"),
    ];
    for (flags, expected) in cases {
        project.run(flags).ended(2).complains(&[expected]);
    }
    assert!(!project.path("generated").exists());
}

#[test]
fn choosing_nothing_is_an_error_with_a_reason() {
    let project = Project::new();
    project
        .run("--generate qwen3 --platform webnn")
        .ended(2)
        .complains(&["unsupported", "Its key-value cache grows."]);
    project.run("--family video").ended(2).complains(&["no model of the registry"]);
    project.run("--generate distilbert --key-models-only").ended(2).complains(&["key-model"]);
    project
        .run("--generate bert,distilbert --key-models-only")
        .ended(0)
        .complains(&["`distilbert` is no key model"]);
    project
        .run("--generate bert,distilbert --key-models-only --limit 5")
        .ended(0)
        .complains(&["`distilbert` is no key model"]);
    assert!(!project.path("generated/src/skills/distilbert").exists());
}
