//! Every program runs on the fixtures, and says in words what is wrong with its arguments.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::process::{Command, Output};

/// Every program and the lines that it prints at least.
const PROGRAMS: [(&str, &str, usize); 10] = [
    ("chat", env!("CARGO_BIN_EXE_chat"), 2),
    ("classify", env!("CARGO_BIN_EXE_classify"), 3),
    ("describe", env!("CARGO_BIN_EXE_describe"), 1),
    ("detect", env!("CARGO_BIN_EXE_detect"), 1),
    ("embed", env!("CARGO_BIN_EXE_embed"), 2),
    ("match_image", env!("CARGO_BIN_EXE_match_image"), 3),
    ("match_sound", env!("CARGO_BIN_EXE_match_sound"), 3),
    ("match_video", env!("CARGO_BIN_EXE_match_video"), 3),
    ("transcribe", env!("CARGO_BIN_EXE_transcribe"), 2),
    ("translate", env!("CARGO_BIN_EXE_translate"), 1),
];

fn run(program: &str, arguments: &[&str]) -> Output {
    Command::new(program).args(arguments).output().unwrap()
}

#[test]
fn every_program_of_the_folder_is_in_the_list() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/bin");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|it| it.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    files.sort();
    assert_eq!(files, PROGRAMS.map(|(name, _, _)| name));
}

#[test]
fn every_program_runs_on_the_fixtures() {
    for (name, program, lines) in PROGRAMS {
        let output = run(program, &[]);
        let (said, complained) =
            (String::from_utf8(output.stdout).unwrap(), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{name}: {complained}");
        assert!(said.lines().count() >= lines, "{name} printed {said:?}");
        // The same again: nothing here is drawn at random.
        assert_eq!(String::from_utf8(run(program, &[]).stdout).unwrap(), said, "{name}");
    }
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    for (name, program, _) in PROGRAMS {
        let output = run(program, &["no/such/folder"]);
        let complained = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{name}");
        assert!(complained.contains("no/such/folder"), "{name}: {complained}");
    }
}
