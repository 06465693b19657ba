//! A project in a temporary folder, and the binary run in it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use serde_json::Value;
use tempfile::TempDir;

/// The registry that projects have: `bert` and `qwen3` (key models), `distilbert`.
pub(crate) const REGISTRY: &str = include_str!("registry.yaml");

/// How a run ended.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    /// The run, once its exit code is as expected.
    #[track_caller]
    pub(crate) fn ended(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// The run, once stdout has every one of `parts`.
    #[track_caller]
    pub(crate) fn says(self, parts: &[&str]) -> Self {
        for part in parts {
            assert!(self.stdout.contains(part), "no {part:?} in stdout:\n{}", self.stdout);
        }
        self
    }

    /// The run, once stderr has every one of `parts`.
    #[track_caller]
    pub(crate) fn complains(self, parts: &[&str]) -> Self {
        for part in parts {
            assert!(self.stderr.contains(part), "no {part:?} in stderr:\n{}", self.stderr);
        }
        self
    }

    /// Stdout as JSON of the one version that there is.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        let value: Value = serde_json::from_str(&self.stdout)
            .unwrap_or_else(|it| panic!("{it}\n{}\n{}", self.stdout, self.stderr));
        assert_eq!(value["version"], 1);
        value
    }
}

/// A project folder.
pub(crate) struct Project {
    folder: TempDir,
}

impl Project {
    /// With a registry and nothing else.
    pub(crate) fn new() -> Self {
        let project = Self::empty();
        project.write("model_registry.yaml", REGISTRY);
        project
    }

    /// With nothing.
    pub(crate) fn empty() -> Self {
        Self { folder: TempDir::with_prefix("accelgen cli ünï").unwrap() }
    }

    /// With everything written.
    pub(crate) fn written() -> Self {
        let project = Self::new();
        project.run("--all").ended(0);
        project
    }

    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.folder.path().join(below)
    }

    pub(crate) fn write(&self, below: &str, text: &str) {
        let path = self.path(below);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// A named pipe: whoever reads it without a writer waits for ever.
    #[cfg(unix)]
    pub(crate) fn pipe(&self, below: &str) {
        let path = self.path(below);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
    }

    pub(crate) fn read(&self, below: &str) -> String {
        std::fs::read_to_string(self.path(below)).unwrap()
    }

    /// The registry with one place changed, which is in it exactly once.
    #[track_caller]
    pub(crate) fn change_registry(&self, from: &str, to: &str) {
        let text = self.read("model_registry.yaml");
        assert_eq!(text.matches(from).count(), 1, "{from:?} must be in the registry once");
        self.write("model_registry.yaml", &text.replacen(from, to, 1));
    }

    /// The registry without one of its models, which is not the last one.
    #[track_caller]
    pub(crate) fn remove_model(&self, key: &str) {
        let text = self.read("model_registry.yaml");
        let (before, rest) = text.split_once(&format!("  {key}:\n    class")).unwrap();
        let (_, after) = rest.split_once("\n\n").unwrap();
        self.write("model_registry.yaml", &format!("{before}{after}"));
    }

    /// The binary in this folder; arguments are separated by blanks.
    pub(crate) fn run(&self, arguments: &str) -> Run {
        finish(self.command("").args(arguments.split_whitespace()))
    }

    /// The binary in a folder below this one.
    pub(crate) fn command(&self, below: &str) -> Command {
        let folder = self.path(below);
        let mut command = Command::new(env!("CARGO_BIN_EXE_accelgen"));
        command.current_dir(folder).env_clear().stdin(Stdio::null());
        for kept in ["PATH", "SystemRoot", "TMPDIR", "TEMP"] {
            if let Some(value) = std::env::var_os(kept) {
                command.env(kept, value);
            }
        }
        command
    }

    /// Every file below the folder with its bytes and the time of its last change.
    pub(crate) fn tree(&self) -> BTreeMap<String, (Vec<u8>, SystemTime)> {
        let mut tree = BTreeMap::new();
        collect(self.folder.path(), self.folder.path(), &mut tree);
        tree
    }

    /// The files below the output directory, by path there.
    pub(crate) fn generated(&self) -> BTreeMap<String, Vec<u8>> {
        files_below(&self.path("generated"))
    }
}

/// Runs a command to its end.
pub(crate) fn finish(command: &mut Command) -> Run {
    let output = command.output().unwrap();
    Run {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// The files below a folder with their bytes; none when it is not there.
pub(crate) fn files_below(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut tree = BTreeMap::new();
    if folder.is_dir() {
        collect(folder, folder, &mut tree);
    }
    tree.into_iter().map(|(path, (bytes, _))| (path, bytes)).collect()
}

fn collect(root: &Path, folder: &Path, tree: &mut BTreeMap<String, (Vec<u8>, SystemTime)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(root, &path, tree);
        } else {
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/");
            // A run that is under way renames its temporary files while this looks.
            let gone = |error: &std::io::Error| error.kind() == std::io::ErrorKind::NotFound;
            match std::fs::metadata(&path).and_then(|it| Ok((std::fs::read(&path)?, it))) {
                Ok((bytes, metadata)) => {
                    tree.insert(name, (bytes, metadata.modified().unwrap()));
                }
                Err(error) => assert!(gone(&error), "{}: {error}", path.display()),
            }
        }
    }
}

/// Waits until something holds; a minute is long on any machine.
#[track_caller]
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_mins(1), "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}
