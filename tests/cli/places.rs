//! Paths resolve against the registry's folder, whatever the working directory is.

use crate::support::{Project, finish};

#[test]
fn from_a_folder_below_the_nearest_registry_above_is_used_and_named() {
    let project = Project::new();
    std::fs::create_dir_all(project.path("deep/er")).unwrap();
    let run = finish(project.command("deep/er").args(["--generate", "bert", "--platform", "cpu"]));
    run.ended(0).complains(&["note: using the registry", "model_registry.yaml"]);
    assert!(project.path("generated/src/skills/bert/cpu.rs").exists());
    assert!(!project.path("deep/er/generated").exists());
    let run = finish(project.command("deep/er").args(["--all", "--quiet"]));
    assert_eq!(run.ended(0).stderr, "");
    let run = finish(project.command("deep/er").args(["--check", "--format", "json"])).ended(0);
    let registry = run.json()["registry"].as_str().unwrap().to_owned();
    assert!(registry.ends_with("model_registry.yaml") && registry.len() > 30, "{registry}");
}

#[test]
fn the_output_lies_beside_a_named_registry() {
    let project = Project::empty();
    project.write("there/models.yaml", crate::support::REGISTRY);
    std::fs::create_dir_all(project.path("here")).unwrap();
    let registry = ["--registry", "../there/models.yaml"];
    let run = finish(project.command("here").args(["--generate", "bert"]).args(registry));
    run.ended(0);
    assert!(project.path("there/generated/src/lib.rs").exists());
    assert!(!project.path("here/generated").exists());
    finish(project.command("here").args(["--check", "--generate", "bert"]).args(registry)).ended(0);
}

#[test]
fn an_output_directory_may_have_any_name() {
    let project = Project::new();
    for name in ["with blank", "ünïcödé 模型", "a/b/c"] {
        let run = finish(project.command("").args(["--all", "--output-dir", name]));
        run.ended(0).says(&[name]);
        assert!(project.path(name).join("src/skills/bert/cpu.rs").exists());
        finish(project.command("").args(["--check", "--output-dir", name])).ended(0);
    }
    assert!(!project.path("generated").exists());
}

#[test]
fn without_a_registry_there_is_advice() {
    let project = Project::empty();
    // The temporary folder may lie below a registry of someone's, but not of a test's.
    let run = project.run("--all");
    if run.code == 2 {
        run.complains(&["there is no model_registry.yaml", "--registry FILE"]);
    }
    project.run("--all --registry nowhere.yaml").ended(2).complains(&["nowhere.yaml"]);
    std::fs::create_dir(project.path("folder")).unwrap();
    project.run("--all --registry folder").ended(2).complains(&["is not a file"]);
}
