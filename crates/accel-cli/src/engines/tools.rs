//! pip and npm: whether they are there, and running them.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use super::component::{Component, MARK, Source};
use crate::console::Console;
use crate::failure::Failure;

/// How much of a tool's output is shown when it fails.
const TAIL_LINES: usize = 12;

/// A program that installs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tool {
    /// Python's, as `python3 -m pip`.
    Pip,
    /// Node's.
    Npm,
}

impl Tool {
    /// What a component needs.
    pub(super) const fn of(component: &Component) -> Self {
        match component.source {
            Source::Pip { .. } => Self::Pip,
            Source::Npm { .. } => Self::Npm,
        }
    }

    /// The command line without arguments.
    fn command(self) -> Command {
        let (program, first): (&str, &[&str]) = match self {
            // Windows' installer of Python gives the other name.
            Self::Pip if cfg!(windows) => ("python", &["-m", "pip"]),
            Self::Pip => ("python3", &["-m", "pip"]),
            Self::Npm if cfg!(windows) => ("npm.cmd", &[]),
            Self::Npm => ("npm", &[]),
        };
        let mut command = Command::new(program);
        command.args(first).stdin(Stdio::null());
        command
    }

    /// Nothing when it answers.
    ///
    /// # Errors
    /// What is missing, and how to get it.
    pub(super) fn check(self) -> Result<(), Failure> {
        let missing = |message: &str| Err(Failure::input("missing-tool", message));
        match (self, self.command().arg("--version").output()) {
            (_, Ok(output)) if output.status.success() => Ok(()),
            (Self::Pip, Err(_)) => missing(
                "Python was not found: there is no `python3` on PATH; install Python 3.11 or \
                 later (Debian and Ubuntu: `apt install python3-venv`, macOS: `brew install \
                 python`), then repeat",
            ),
            (Self::Pip, Ok(_)) => missing(
                "`python3` has no pip; make an environment that has it and repeat there: \
                 `python3 -m venv .venv && . .venv/bin/activate` (Debian and Ubuntu: `apt \
                 install python3-venv` first)",
            ),
            (Self::Npm, Err(_)) => missing(
                "npm was not found on PATH; install Node.js 20 or later, which brings it (Debian \
                 and Ubuntu: `apt install npm`, macOS: `brew install node`), then repeat",
            ),
            (Self::Npm, Ok(output)) => Err(Failure::input(
                "missing-tool",
                format!(
                    "npm is there and does not run: {}; install Node.js 20 or later",
                    tail(&output.stderr, 3)
                ),
            )),
        }
    }
}

/// Fetches `component` into the empty folder `into`.
///
/// # Errors
/// What the tool said, with advice where it is understood.
pub(super) fn fetch(component: &Component, into: &Path, console: Console) -> Result<(), Failure> {
    let tool = Tool::of(component);
    let mut command = tool.command();
    match component.source {
        Source::Pip { lock } => {
            let file = into.join(MARK);
            fs::write(&file, lock).map_err(Failure::io("write", &file))?;
            command
                .args(["install", "--require-hashes", "--no-deps", "--only-binary", ":all:"])
                .args(["--no-compile", "--disable-pip-version-check", "--no-input"])
                .arg("--target")
                .arg(into)
                .arg("--requirement")
                .arg(&file)
                // Settings of the user's that cannot stand beside --target.
                .env("PIP_USER", "0")
                .env("PIP_REQUIRE_VIRTUALENV", "0");
            for stray in ["PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_REQUIREMENT"] {
                command.env_remove(stray);
            }
        }
        Source::Npm { package, lock, .. } => {
            for (name, text) in [("package.json", package), ("package-lock.json", lock)] {
                let file = into.join(name);
                fs::write(&file, text).map_err(Failure::io("write", &file))?;
            }
            command
                .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"])
                .current_dir(into);
        }
    }
    let spinner = console.spinner(format!("{} {}", component.name, component.version));
    let output = command.output();
    drop(spinner);
    let output = output.map_err(|error| {
        Failure::failed("install", format!("{tool:?} could not be started: {error}"))
    })?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].concat();
    Err(explain(component, tool, &String::from_utf8_lossy(&said)))
}

/// Why a tool failed, in words of what to do.
fn explain(component: &Component, tool: Tool, said: &str) -> Failure {
    let name = match tool {
        Tool::Pip => "pip",
        Tool::Npm => "npm",
    };
    let end = tail(said.as_bytes(), TAIL_LINES);
    let what = format!("{} {}", component.name, component.version);
    if said.contains("DO NOT MATCH THE HASHES") || said.contains("EINTEGRITY") {
        return Failure::failed(
            "checksum",
            format!(
                "a file of {what} does not have the checksum that this program carries, and \
                 nothing was installed: it was damaged on the way, or a mirror serves another \
                 file; clear {name}'s cache (`{}`) and repeat, or use another mirror\n{end}",
                if tool == Tool::Pip { "pip cache purge" } else { "npm cache clean --force" }
            ),
        );
    }
    let advice = if said.contains("No matching distribution") {
        "there is no package for this system or this version of Python: Python 3.11 or later on \
         Linux, macOS or Windows, 64 bits, is needed"
    } else if ["ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ETIMEDOUT", "NewConnectionError"]
        .iter()
        .any(|it| said.contains(it))
    {
        "check the network, the proxy settings and the mirror that the tool uses, and repeat"
    } else if said.contains("No space left") || said.contains("ENOSPC") {
        "make room on the disk, and repeat"
    } else {
        "nothing was changed; repeat once the cause is gone"
    };
    Failure::failed("install", format!("{name} could not install {what}: {advice}\n{end}"))
}

/// The last lines of an output.
fn tail(output: &[u8], count: usize) -> String {
    let text = String::from_utf8_lossy(output);
    let lines: Vec<_> = text.lines().filter(|it| !it.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}
