//! `--check` names everything that is not as it should be.

use crate::support::Project;

#[test]
fn what_was_just_written_is_up_to_date() {
    Project::written().run("--check").ended(0).says(&["is up to date: 50 files"]);
}

#[test]
fn touching_deleting_or_adding_a_file_is_found_and_named() {
    let project = Project::written();
    let cuda = "generated/src/skills/bert/cuda.rs";
    project.write(cuda, &project.read(cuda).replace("threads: 3", "threads: 5"));
    std::fs::remove_file(project.path("generated/tests/models/bert/cpu.rs")).unwrap();
    project.write("generated/src/mine.rs", "// mine\n");
    let header = project.read("generated/src/lib.rs");
    project.write("generated/src/skills/bert/gone.rs", &header);
    project.run("--check").ended(1).says(&[
        "stale         src/skills/bert/cuda.rs",
        "-    threads: 5,",
        "+    threads: 3,",
        "missing       tests/models/bert/cpu.rs",
        "not ours      src/mine.rs",
        "orphaned      src/skills/bert/gone.rs",
        "1 missing, 1 stale, 1 orphaned, 1 not ours",
        "accelgen --all",
    ]);
    project.run("--check --quiet").ended(1);
}

#[test]
fn every_single_change_is_found() {
    let project = Project::written();
    for (path, bytes) in project.generated() {
        let full = project.path("generated").join(&path);
        let mut longer = bytes.clone();
        longer.push(b'\n');
        std::fs::write(&full, longer).unwrap();
        project.run("--check").ended(1).says(&[&format!("stale         {path}\n")]);
        std::fs::remove_file(&full).unwrap();
        // A module file that is gone is missing like any other.
        project.run("--check").ended(1).says(&[&format!("missing       {path}\n")]);
        std::fs::write(&full, bytes).unwrap();
    }
    project.run("--check").ended(0);
}

#[test]
fn other_line_ends_are_stale_and_said_in_a_line() {
    let project = Project::written();
    let path = "generated/src/skills/bert/cpu.rs";
    project.write(path, &project.read(path).replace('\n', "\r\n"));
    let run = project.run("--check").ended(1).says(&["only the line ends differ"]);
    assert!(run.stdout.lines().count() < 6, "{}", run.stdout);
}

#[test]
fn a_check_can_be_narrowed() {
    let project = Project::new();
    project.run("--generate bert --platform cpu").ended(0);
    project.run("--check --generate bert --platform cpu").ended(0);
    project.run("--check --generate bert").ended(1).says(&["bert/cuda.rs"]);
    let run = project.run("--check --platform cuda").ended(1);
    assert!(!run.stdout.contains("cpu.rs"), "{}", run.stdout);
}

#[test]
fn the_rest_of_a_killed_run_is_an_orphan() {
    let project = Project::written();
    project.write("generated/src/skills/bert/.accelgen-cpu.rs-1.tmp", "half a fi");
    project.run("--check").ended(1).says(&["orphaned      src/skills/bert/.accelgen-cpu.rs-1.tmp"]);
    project.run("--all").ended(0).says(&["1 removed"]);
    project.run("--check").ended(0);
}
