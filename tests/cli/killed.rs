//! A run that is killed at any moment leaves whole files only, and the next one completes it.

#![cfg(unix)]

use std::path::Path;
use std::process::{Child, Stdio};

use crate::support::{Project, files_below, until};

/// Starts a write of everything.
fn start(project: &Project) -> Child {
    let mut command = project.command("");
    command.arg("--all").stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().unwrap()
}

/// Waits until `file` is there or the run is over, and kills it.
fn kill_at(mut run: Child, file: &Path) {
    until("the run gets there or ends", || file.exists() || run.try_wait().unwrap().is_some());
    // SIGKILL on Unix; a run that is over cannot be killed, and need not be.
    let _ = run.kill();
    run.wait().unwrap();
}

#[test]
fn every_file_is_whole_or_not_there() {
    let right = Project::written().generated();
    let paths: Vec<&String> = right.keys().collect();
    for step in [0, 1, 5, 11, 20, 30, 40, paths.len() - 1] {
        let project = Project::new();
        kill_at(start(&project), &project.path("generated").join(paths[step]));
        for (path, bytes) in files_below(&project.path("generated")) {
            let temporary = path.rsplit('/').next().unwrap().starts_with(".accelgen-");
            assert!(temporary || right[&path] == bytes, "{path} is neither absent nor whole");
        }
        project.run("--all").ended(0);
        assert_eq!(project.generated(), right, "killed at {}", paths[step]);
    }
}

#[test]
fn a_change_that_is_killed_leaves_each_file_old_or_new() {
    let old = Project::written();
    let before = old.generated();
    old.change_registry(
        "embedding:\n    platform_priority: [cuda, openvino, cpu]\n    options: { max_batch: 24 }",
        "embedding:\n    platform_priority: [cuda, openvino, cpu]\n    options: { max_batch: 23 }",
    );
    let registry = old.read("model_registry.yaml");
    old.run("--all").ended(0);
    let after = old.generated();
    assert_ne!(before, after);
    for wait in [0, 3, 9] {
        let project = Project::written();
        project.write("model_registry.yaml", &registry);
        let mut run = start(&project);
        let mut seen = 0;
        until("some files are new or the run ends", || {
            seen = project
                .generated()
                .iter()
                .filter(|(path, it)| before.get(*path) != Some(it))
                .count();
            seen >= wait || run.try_wait().unwrap().is_some()
        });
        let _ = run.kill();
        run.wait().unwrap();
        for (path, bytes) in project.generated() {
            let temporary = path.rsplit('/').next().unwrap().starts_with(".accelgen-");
            assert!(temporary || bytes == before[&path] || bytes == after[&path], "{path}");
        }
        project.run("--all").ended(0);
        assert_eq!(project.generated(), after);
    }
}
