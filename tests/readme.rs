//! What the README says is so: its commands run, its excerpts are in the files that it names.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::path::Path;
use std::process::{Command, Output};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(ROOT).join(path)).unwrap()
}

/// The fenced blocks of a language, such as `rs`.
fn blocks(readme: &str, language: &str) -> Vec<String> {
    let fence = format!("```{language}\n");
    readme
        .split(&fence)
        .skip(1)
        .map(|it| it.split("```").next().unwrap_or_default().to_owned())
        .collect()
}

#[test]
fn the_excerpt_of_a_skill_is_in_the_skill() {
    let readme = read("README.md");
    let excerpts = blocks(&readme, "rs");
    assert_eq!(excerpts.len(), 2);
    assert!(read("generated/src/skills/bert/cuda.rs").contains(&excerpts[0]), "{}", excerpts[0]);
    assert!(read("examples/downstream/build.rs").contains(&excerpts[1]), "{}", excerpts[1]);
}

#[test]
fn ci_runs_the_commands() {
    let ci = read(".ci/run").replace(" --locked", "");
    let commands = blocks(&read("README.md"), "sh");
    let commands: Vec<_> = commands.iter().flat_map(|it| it.lines()).collect();
    assert_eq!(commands.len(), 6);
    for command in commands {
        assert!(ci.contains(command), "`.ci/run` does not run `{command}`");
    }
}

/// Runs one of the README's calls in a folder that has what it speaks of.
fn run(call: &str, folder: &Path) -> Output {
    let arguments = call.split_whitespace().skip(1);
    Command::new(env!("CARGO_BIN_EXE_accelgen"))
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap()
}

#[test]
fn every_call_of_the_table_does_what_it_says() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let put = |path: &str, text: &str| {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    put("model_registry.yaml", &read("model_registry.yaml"));
    put("my_templates/skill/video.rs.tera", &read("templates/skill/video.rs.tera"));
    let config = r#"{"architectures": ["GPT2LMHeadModel"], "model_type": "gpt2", "_name_or_path": "openai-community/gpt2"}"#;
    put("path/to/config.json", config);

    let readme = read("README.md");
    let calls: Vec<&str> = readme
        .lines()
        .filter(|it| it.starts_with('|'))
        .filter_map(|it| it.split('`').nth(1))
        .filter(|it| it.starts_with("accelgen "))
        .collect();
    assert!(calls.len() >= 9, "{calls:?}");
    for call in calls {
        let output = run(call, folder);
        let said =
            String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        if call.contains("--hardware detected") && !accel_is_beside() {
            // Only tests of the whole workspace build the program that it asks.
            assert_eq!(output.status.code(), Some(2), "{call}: {said}");
            assert!(said.contains("cargo build --release -p accel-cli"), "{call}: {said}");
        } else if call.contains("--run-tests") {
            // There is no package around the output here, and it says that instead of half working.
            assert_eq!(output.status.code(), Some(2), "{call}: {said}");
            assert!(said.contains("Cargo.toml"), "{call}: {said}");
        } else {
            assert_eq!(output.status.code(), Some(0), "{call}: {said}");
        }
    }
    let registry = std::fs::read_to_string(folder.join("model_registry.yaml")).unwrap();
    assert!(registry.contains("openai-community/gpt2"));
}

/// Whether the `accel` program was built where accelgen looks for it.
fn accel_is_beside() -> bool {
    let accelgen = Path::new(env!("CARGO_BIN_EXE_accelgen"));
    accelgen.with_file_name(format!("accel{}", std::env::consts::EXE_SUFFIX)).is_file()
}

/// The programs themselves are run by the tests of their crate.
#[test]
fn the_table_of_tasks_names_every_program() {
    let readme = read("README.md");
    let folder = Path::new(ROOT).join("examples/tasks/src/bin");
    let mut programs = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy();
        assert!(readme.contains(&format!("`cargo run -p tasks --bin {name}`")), "{name}");
        programs += 1;
    }
    assert_eq!(readme.matches("`cargo run -p tasks --bin ").count(), programs);
}
