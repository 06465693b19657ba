//! `--hardware`: which platforms a machine can run, from its inventory.
//!
//! The generator never sees an engine, so it does not look at the machine itself: the `accel`
//! command does, and an inventory that it printed is as good.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use accel_core::compatibility::targets;
use accel_core::hardware::Inventory;
use accel_core::{Platform, Vocabulary as _};
use serde_json::Value;

use super::failure::Failure;

/// Names the `accel` program, where it is neither beside this one nor on the `PATH`.
pub(super) const ACCEL: &str = "ACCEL";

/// No description of a machine is larger.
const MAX_BYTES: u64 = 64 << 20;

/// Where the inventory comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum HardwareArg {
    /// Every platform, whatever this machine has.
    All,
    /// This machine.
    Detected,
    /// A recorded machine: a bundle, or an inventory as JSON.
    File(PathBuf),
}

impl HardwareArg {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        match text {
            "" => Err("expected `detected`, `all` or a file".to_owned()),
            "all" => Ok(Self::All),
            "detected" => Ok(Self::Detected),
            path => Ok(Self::File(path.into())),
        }
    }
}

/// The inventory of the machine that is meant; `None` for all hardware.
pub(super) fn inventory(argument: &HardwareArg) -> Result<Option<Inventory>, Failure> {
    let given = match argument {
        HardwareArg::All => return Ok(None),
        HardwareArg::Detected => ask(&[])?,
        HardwareArg::File(path) => {
            let metadata = fs::metadata(path).map_err(|it| unreadable(path, &it.to_string()))?;
            if !metadata.is_file() || metadata.len() > MAX_BYTES {
                let why = format!("it is no file of at most {MAX_BYTES} bytes");
                return Err(unreadable(path, &why));
            }
            let text = fs::read_to_string(path).map_err(|it| unreadable(path, &it.to_string()))?;
            let value: Value =
                serde_json::from_str(&text).map_err(|it| unreadable(path, &it.to_string()))?;
            if value.get("platforms").is_some() {
                value
            } else {
                ask(&["--replay".into(), path.into()])?
            }
        }
    };
    let inventory: Inventory = serde_json::from_value(given).map_err(|it| {
        Failure::new(
            "hardware",
            format!(
                "this is no inventory of a machine: {it}; `accel hardware --format json` prints one"
            ),
        )
    })?;
    let missing = Platform::ALL.iter().find(|it| inventory.platform(**it).is_none());
    match missing {
        Some(platform) => Err(Failure::new(
            "hardware",
            format!(
                "the inventory says nothing of {platform}; `accel hardware --format json` prints a whole one"
            ),
        )),
        None => Ok(Some(inventory)),
    }
}

/// The most memory that a device of the platform has, in bytes; `None` when one does not tell.
pub(super) fn memory_bytes(machine: &Inventory, platform: Platform) -> Option<u64> {
    let targets = targets(machine);
    let usable = targets.iter().filter(|it| it.platform == platform && it.obstacle.is_none());
    usable.map(|it| it.total_bytes).max_by_key(|it| it.unwrap_or(u64::MAX)).flatten()
}

fn unreadable(path: &Path, why: &str) -> Failure {
    Failure::new(
        "hardware",
        format!(
            "cannot read the machine in {}: {why}; `accel hardware --record FILE` writes one",
            path.display()
        ),
    )
}

/// What `accel hardware` says.
fn ask(arguments: &[OsString]) -> Result<Value, Failure> {
    let program = program();
    let failed = |why: String| {
        Failure::new(
            "hardware",
            format!(
                "cannot ask `{} hardware`: {why}; build it with `cargo build --release -p accel-cli`, name it in {ACCEL}, or give --hardware the file that `accel hardware --format json` printed",
                program.display()
            ),
        )
    };
    let output = Command::new(&program)
        .args(["hardware", "--format", "json"])
        .args(arguments)
        .output()
        .map_err(|it| failed(it.to_string()))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let said = said.trim();
        return Err(failed(format!("{}: {said}", output.status)));
    }
    serde_json::from_slice(&output.stdout).map_err(|it| failed(it.to_string()))
}

/// The `accel` program: the one that the environment names, the one beside this program, the one
/// on the `PATH`.
fn program() -> PathBuf {
    let name = format!("accel{}", std::env::consts::EXE_SUFFIX);
    let named = std::env::var_os(ACCEL).filter(|it| !it.is_empty()).map(PathBuf::from);
    let beside = || {
        let here = std::env::current_exe().ok()?;
        Some(here.parent()?.join(&name)).filter(|it| it.is_file())
    };
    named.or_else(beside).unwrap_or_else(|| name.clone().into())
}
