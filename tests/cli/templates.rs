//! `--templates DIR`.

use crate::support::Project;

fn embedded(name: &str) -> String {
    let path = format!("{}/templates/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn a_template_of_the_same_name_replaces_the_embedded_one() {
    let project = Project::written();
    let text = embedded("skill/embedding.rs.tera");
    project.write("mine/skill/embedding.rs.tera", &format!("{text}\npub const MINE: u32 = 1;\n"));
    // What editors leave about.
    project.write("mine/skill/embedding.rs.tera~", "pub fn (");
    project.write("mine/.swap", "pub fn (");
    project.run("--all --templates mine").ended(0).says(&["wrote 14 files", "14 skills"]);
    assert!(project.read("generated/src/skills/bert/cpu.rs").contains("MINE"));
    assert!(!project.read("generated/src/skills/qwen3/cpu.rs").contains("MINE"));
    project.run("--check --templates mine").ended(0);
    project.run("--check").ended(1);
}

#[test]
fn the_most_specific_template_wins() {
    let project = Project::new();
    let text = embedded("skill/embedding.rs.tera");
    for (name, constant) in
        [("cuda", "BY_PLATFORM"), ("cuda.real", "BY_VARIANT"), ("webnn", "BY_PLATFORM")]
    {
        project.write(
            &format!("mine/skill/embedding/{name}.rs.tera"),
            &format!("{text}\npub const {constant}: u32 = 1;\n"),
        );
    }
    project.run("--generate bert --templates mine").ended(0);
    assert!(project.read("generated/src/skills/bert/cuda.rs").contains("BY_VARIANT"));
    assert!(project.read("generated/src/skills/bert/webnn.rs").contains("BY_PLATFORM"));
    assert!(!project.read("generated/src/skills/bert/cpu.rs").contains("BY_"));
}

#[test]
fn a_broken_template_is_named_with_its_line_and_nothing_is_written() {
    let project = Project::written();
    project.change_registry("options: { threads: 3 }", "options: { threads: 4 }");
    let before = project.generated();
    let broken = [
        ("{# first line #}\n{% for %}\n", "skill/embedding.rs.tera:2"),
        ("{# first line #}\n\n{{ no_such_name }}\n", "skill/embedding.rs.tera:3"),
        ("fn f() {\n    let = 1;\n}\n", "is not valid Rust at line 2, column 9"),
    ];
    for (text, place) in broken {
        project.write("mine/skill/embedding.rs.tera", text);
        for mode in ["", "--check", "--dry-run"] {
            project
                .run(&format!("--all --templates mine {mode}"))
                .ended(2)
                .complains(&["skill/embedding.rs.tera", place]);
        }
        assert_eq!(project.generated(), before);
    }
}

#[test]
fn a_template_that_nothing_looks_for_is_an_error() {
    let project = Project::new();
    project.write("mine/skill/visoin.rs.tera", "x");
    project
        .run("--all --templates mine")
        .ended(2)
        .complains(&["skill/visoin.rs.tera", "did you mean `skill/vision.rs.tera`?"]);
    project.run("--all --templates nowhere").ended(2).complains(&["nowhere"]);
    std::fs::create_dir(project.path("none")).unwrap();
    project.run("--all --templates none").ended(2).complains(&["no template in `none`"]);
    assert!(!project.path("generated").exists());
}

#[cfg(unix)]
#[test]
fn a_pipe_among_the_templates_is_an_error() {
    let project = Project::new();
    project.pipe("mine/skill/vision.rs.tera");
    project.run("--all --templates mine").ended(2).complains(&["neither a file nor a folder"]);
}
