//! The binary, and how a run of it ended.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

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
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
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

/// The folder of fixtures.
pub(crate) fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures")
}

/// The binary with no engines but the embedded one, whatever the machine has, in the fixtures'
/// parent.
pub(crate) fn accel() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_accel"));
    command.env_clear().stdin(Stdio::null()).current_dir(fixtures().join(".."));
    command.env("ACCEL_ENGINES_DIR", fixtures().join("none"));
    for named in ["ACCEL_ONNXRUNTIME", "ACCEL_OPENVINO", "ACCEL_BROWSER", "ACCEL_WEB_DIR"] {
        command.env(named, fixtures().join("none"));
    }
    for kept in ["SystemRoot", "TMPDIR", "TEMP"] {
        if let Some(value) = std::env::var_os(kept) {
            command.env(kept, value);
        }
    }
    command
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

/// Runs the binary with arguments.
pub(crate) fn run(arguments: &[&str]) -> Run {
    finish(accel().args(arguments))
}

/// Runs a command with `input` on its stdin.
pub(crate) fn fed(command: &mut Command, input: &[u8]) -> Run {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // One that has read enough closes the pipe.
    let _ = child.stdin.take().unwrap().write_all(input);
    let output = child.wait_with_output().unwrap();
    Run {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}
