//! `registry validate | schema | add`.

use crate::support::Project;

const CONFIG: &str = r#"{
  "_name_or_path": "FacebookAI/roberta-base",
  "architectures": ["RobertaForMaskedLM"],
  "model_type": "roberta"
}"#;

#[test]
fn a_valid_registry_shows_its_warnings() {
    let project = Project::new();
    project.run("registry validate").ended(0).says(&["W503", "is valid: 3 models, 1 warning"]);
    let document = project.run("registry validate --format json").ended(0).json();
    assert_eq!(document["valid"], true);
    assert_eq!(document["problems"][0]["code"], "W503");
}

#[test]
fn a_broken_registry_shows_every_problem_and_nothing_is_written() {
    let project = Project::new();
    project.change_registry("tasks: [feature-extraction, fill-mask]", "tasks: [fill-maks]");
    project.change_registry("key_model: false", "key_model: maybe");
    for arguments in ["registry validate", "--all", "--check", "--list models"] {
        let run =
            project.run(arguments).ended(2).complains(&["E204", "E201", "fill-mask", "2 errors"]);
        assert_eq!(run.stdout, "", "{arguments}");
    }
    assert!(!project.path("generated").exists());
}

#[test]
fn the_schema_is_json() {
    let run = Project::empty().run("registry schema").ended(0);
    let schema: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert!(schema["properties"]["models"].is_object());
}

#[test]
fn an_entry_is_added_and_can_be_generated() {
    let project = Project::new();
    project.write("config.json", CONFIG);
    let before = project.tree();
    project
        .run("registry add config.json --parameters 124697433 --dry-run")
        .ended(0)
        .says(&["would add `roberta`", "architectures: [RobertaForMaskedLM]"]);
    assert_eq!(project.tree(), before);
    let run = project.run("registry add config.json --parameters 124697433 --format json").ended(0);
    let document = run.json();
    assert_eq!(document["key"], "roberta");
    assert_eq!(document["written"], true);
    assert!(document["entry"].as_str().unwrap().contains("parameters: 124697433"));
    assert!(project.read("model_registry.yaml").starts_with("# Three models"));
    let names: Vec<_> = project.tree().into_keys().collect();
    assert_eq!(names, ["config.json", "model_registry.yaml"], "no temporary file is left");
    project.run("--generate roberta").ended(0);
    project
        .run("registry add config.json --parameters 124697433")
        .ended(2)
        .complains(&["already has the key `roberta`"]);
    project
        .run("registry add config.json --parameters 1 --key mine --hub-id me/mine")
        .ended(0)
        .says(&["added `mine`"]);
}

#[test]
fn an_entry_that_cannot_be_added_changes_nothing() {
    let project = Project::new();
    project.write("config.json", CONFIG);
    project.write("broken.json", "{");
    project.write(
        "strange.json",
        r#"{ "_name_or_path": "a/b", "architectures": ["X"], "model_type": "y" }"#,
    );
    project.write(
        "unknown.json",
        r#"{ "_name_or_path": "a/b", "architectures": ["FrobForMaskedLM"], "model_type": "frob" }"#,
    );
    let before = project.tree();
    for (arguments, reason) in [
        ("unknown.json", "--parameters"),
        ("config.json --parameters 1 --key Not-A-Key", "snake_case"),
        ("config.json --parameters 0", "--parameters"),
        ("broken.json --parameters 1", "not JSON"),
        ("strange.json --parameters 1", "classifier"),
        ("nowhere.json --parameters 1", "nowhere.json"),
    ] {
        project.run(&format!("registry add {arguments}")).ended(2).complains(&[reason]);
    }
    assert_eq!(project.tree(), before);
}

#[cfg(unix)]
#[test]
fn the_registrys_permissions_stay() {
    use std::os::unix::fs::PermissionsExt as _;
    let project = Project::new();
    project.write("config.json", CONFIG);
    let path = project.path("model_registry.yaml");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    project.run("registry add config.json --parameters 1").ended(0);
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
}

#[cfg(unix)]
#[test]
fn a_registry_that_is_a_link_stays_one() {
    let project = Project::new();
    let (link, real) = (project.path("model_registry.yaml"), project.path("real.yaml"));
    std::fs::rename(&link, &real).unwrap();
    std::os::unix::fs::symlink(&real, &link).unwrap();
    project.write("config.json", CONFIG);
    project.run("registry add config.json --parameters 124000000").ended(0);
    assert!(link.is_symlink());
    assert!(project.read("real.yaml").contains("roberta-base"));
}
