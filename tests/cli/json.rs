//! `--format json` is one document, whatever happens.

use serde_json::{Value, json};

use crate::support::Project;

fn statuses(document: &Value) -> Vec<(String, String)> {
    let text = |it: &Value| it.as_str().unwrap().to_owned();
    let files = document["files"].as_array().unwrap();
    files.iter().map(|it| (text(&it["path"]), text(&it["status"]))).collect()
}

#[test]
fn a_write_lists_every_file_with_where_it_comes_from() {
    let project = Project::new();
    let run = project.run("--generate bert --platform cpu,webnn --format json").ended(0);
    let document = run.json();
    assert_eq!(document["mode"], "write");
    assert_eq!(document["registry"], "model_registry.yaml");
    assert_eq!(document["output_dir"], "generated");
    let files = document["files"].as_array().unwrap();
    let skill = files.iter().find(|it| it["path"] == "src/skills/bert/webnn.rs").unwrap();
    assert_eq!(
        *skill,
        json!({
            "path": "src/skills/bert/webnn.rs", "model": "bert", "platform": "webnn",
            "variant": "simulation", "kind": "skill", "family": "embedding",
            "template": "skill/embedding.rs.tera", "status": "created",
        })
    );
    let index = files.iter().find(|it| it["path"] == "src/lib.rs").unwrap();
    assert_eq!(index["kind"], "index");
    assert_eq!(index["model"], Value::Null);
    assert_eq!(document["summary"]["created"], files.len());
    assert_eq!(run.stderr, "", "what there is to say is in the document");

    let again = project.run("--generate bert --platform cpu,webnn --format json").ended(0).json();
    assert!(statuses(&again).iter().all(|(_, status)| status == "unchanged"));
}

#[test]
fn every_status_has_its_name() {
    let project = Project::written();
    project.remove_model("distilbert");
    project.change_registry("options: { threads: 3 }", "options: { threads: 4 }");
    std::fs::remove_file(project.path("generated/src/skills/bert/mps.rs")).unwrap();
    project.write("generated/src/mine.txt", "");
    let has = |document: &Value, path: &str, status: &str| {
        assert!(statuses(document).contains(&(path.to_owned(), status.to_owned())), "{document:#}");
    };
    let check = project.run("--check --format json").ended(1).json();
    has(&check, "src/skills/bert/cuda.rs", "would-change");
    has(&check, "src/skills/bert/mps.rs", "would-create");
    has(&check, "src/skills/distilbert/cpu.rs", "would-remove");
    has(&check, "src/mine.txt", "not-ours");
    let files = check["files"].as_array().unwrap();
    let cuda = files.iter().find(|it| it["path"] == "src/skills/bert/cuda.rs").unwrap();
    assert!(cuda["diff"].as_str().unwrap().contains("+    threads: 4,"));

    let dry = project.run("--dry-run --format json").ended(0).json();
    assert_eq!(dry["mode"], "dry-run");
    assert_eq!(statuses(&dry), statuses(&check));
    assert!(dry["files"].as_array().unwrap().iter().all(|it| it.get("diff").is_none()));

    let part = project.run("--generate bert --format json").ended(0).json();
    has(&part, "src/skills/bert/cuda.rs", "changed");
    has(&part, "src/skills/bert/mps.rs", "created");
    has(&part, "src/skills/distilbert/cpu.rs", "orphaned");
    assert_eq!(part["summary"]["orphaned"], 16);
    assert!(part["warnings"].as_array().unwrap().len() >= 2, "{part:#}");

    let all = project.run("--prune --format json").ended(0).json();
    assert_eq!(all["mode"], "prune");
    has(&all, "src/skills/distilbert/cpu.rs", "removed");
}

#[test]
fn unsupported_cells_come_with_their_reasons() {
    let document = Project::new().run("--generate qwen3 --dry-run --format json").ended(0).json();
    let expected = json!([
        { "model": "qwen3", "platform": "webnn", "reason": "Its key-value cache grows." }
    ]);
    assert_eq!(document["unsupported"], expected);
}

#[test]
fn errors_are_documents_too() {
    let project = Project::new();
    let error = |arguments: &str| {
        let document = project.run(arguments).ended(2).json();
        document["error"]["code"].as_str().unwrap().to_owned()
    };
    assert_eq!(error("--generate brt --format json"), "unknown-model");
    assert_eq!(error("--all --check --force --format json"), "usage");
    assert_eq!(error("--all --no-such-flag --format=json"), "usage");
    assert_eq!(error("--format json"), "usage");
    assert_eq!(error("--all --registry nowhere.yaml --format json"), "unreadable-registry");
    assert_eq!(error("--family video --format json"), "nothing-selected");
    project.write("generated/src/lib.rs", "// mine\n");
    assert_eq!(error("--all --format json"), "not-ours");
}

#[test]
fn problems_of_a_registry_have_places() {
    let project = Project::new();
    project.change_registry("tasks: [feature-extraction, fill-mask]", "tasks: [fill-maks]");
    project.change_registry(
        "cpu: { support: real, evidence: ci }",
        "cpu: { support: reel, evidence: ci }",
    );
    let document = project.run("--all --format json").ended(2).json();
    assert_eq!(document["error"]["code"], "invalid-registry");
    let problems = document["error"]["problems"].as_array().unwrap();
    assert_eq!(
        problems.len(),
        2 + usize::from(problems.iter().any(|it| it["severity"] == "warning"))
    );
    let first = &problems[0];
    assert_eq!(first["code"], "E204");
    assert_eq!(first["file"], "model_registry.yaml");
    assert!(first["line"].as_u64().unwrap() > 30 && first["column"].as_u64().unwrap() > 5);
    assert!(first["help"].as_str().unwrap().contains("fill-mask"), "{first}");
}

#[test]
fn lists_and_explanations_are_documents() {
    let project = Project::new();
    for (what, total) in [("models", 3), ("families", 6), ("platforms", 7)] {
        let list = project.run(&format!("--list {what} --format json")).ended(0).json();
        assert_eq!(list["list"], what);
        assert_eq!(list["total"], total);
        assert_eq!(list["items"].as_array().unwrap().len(), total);
    }
    let list = project.run("--list models --limit 2 --format json").ended(0).json();
    assert_eq!((&list["total"], list["items"].as_array().unwrap().len()), (&json!(3), 2));
    assert_eq!(list["items"][0]["model"], "bert");
    let explain = project.run("--explain bert --platform cuda --format json").ended(0).json();
    let cell = &explain["explain"]["platforms"][0];
    assert_eq!(cell["lookups"][0]["chosen"], "skill/embedding.rs.tera");
    let option = |name: &str| {
        let options = cell["options"].as_array().unwrap();
        options.iter().find(|it| it["name"] == name).unwrap().clone()
    };
    assert_eq!(option("threads"), json!({ "name": "threads", "value": 3, "from": "model's cell" }));
    assert_eq!(option("max_batch"), json!({ "name": "max_batch", "value": 24, "from": "family" }));
    assert_eq!(option("tf32"), json!({ "name": "tf32", "value": false, "from": "platform" }));
}
