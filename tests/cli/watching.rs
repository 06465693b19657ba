//! `--watch`.

use std::process::Child;
use std::time::Duration;

use crate::support::{Project, until};

/// A watch that is ended with the test.
struct Watch(Child);

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn watch(project: &Project, arguments: &[&str]) -> Watch {
    let mut command = project.command("");
    let stderr = std::fs::File::create(project.path("stderr")).unwrap();
    let stdout = std::fs::File::create(project.path("stdout")).unwrap();
    command.args(arguments).arg("--watch").stdout(stdout).stderr(stderr);
    Watch(command.spawn().unwrap())
}

#[test]
fn a_change_of_the_registry_is_written_and_an_error_does_not_end_it() {
    let project = Project::new();
    let mut watch = watch(&project, &["--generate", "bert"]);
    let cuda = project.path("generated/src/skills/bert/cuda.rs");
    let has = |text: &str| std::fs::read_to_string(&cuda).is_ok_and(|it| it.contains(text));
    until("the first run", || {
        project.path("generated/tests/main.rs").exists() && has("threads: 3")
    });

    let good = project.read("model_registry.yaml");
    project.write("model_registry.yaml", "version: [");
    until("the broken registry is reported", || project.read("stderr").contains("error[E101]"));
    assert!(watch.0.try_wait().unwrap().is_none(), "a broken registry ended the watch");
    // As editors do it: a new file in the old one's place.
    project.write("new.yaml", &good.replace("options: { threads: 3 }", "options: { threads: 4 }"));
    std::fs::rename(project.path("new.yaml"), project.path("model_registry.yaml")).unwrap();
    until("the change is written", || has("threads: 4"));
}

#[test]
fn a_change_of_a_template_is_written() {
    let project = Project::new();
    let path = format!("{}/templates/skill/embedding.rs.tera", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    project.write("mine/skill/embedding.rs.tera", &text);
    let _watch = watch(&project, &["--generate", "bert", "--templates", "mine"]);
    let main = project.path("generated/tests/main.rs");
    until("the first run", || main.exists());
    project.write("mine/skill/embedding.rs.tera", &format!("{text}\npub const MINE: u32 = 1;\n"));
    let cpu = project.path("generated/src/skills/bert/cpu.rs");
    until("the change is written", || {
        std::fs::read_to_string(&cpu).is_ok_and(|it| it.contains("MINE"))
    });
}

#[test]
fn reading_is_no_change_and_neither_is_a_file_beside_the_registry() {
    let project = Project::new();
    let _watch = watch(&project, &["--generate", "bert"]);
    until("the first run", || project.read("stdout").ends_with('\n'));
    project.read("model_registry.yaml");
    project.write("notes.txt", "mine");
    // Longer than the watch waits for the end of a series of changes.
    std::thread::sleep(Duration::from_millis(600));
    assert_eq!(project.read("stdout").lines().count(), 1, "{}", project.read("stdout"));
}
