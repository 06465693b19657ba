//! The machine that is judged: this one, or one from a file.

use std::num::NonZero;
use std::path::Path;

use accel_core::hardware::{
    Cpu, EngineState, Fact, INVENTORY_VERSION, Inventory, Memory, MemoryLimit, Obstacle,
    PlatformState, System,
};
use accel_core::{Engine, Platform, Vocabulary as _};
use serde_json::Value;

use super::args::Common;
use super::models::read_limited;
use crate::failure::Failure;

/// The most bytes that a machine's description may have.
const MOST_BYTES: u64 = 16 << 20;

/// What the machine has: from `--hardware`, or detected.
pub(super) fn inventory(args: &Common) -> Result<Inventory, Failure> {
    match &args.hardware {
        Some(path) => from_file(path),
        None => Ok(here()),
    }
}

/// An inventory by itself, or the `inventory` of a document.
fn from_file(path: &Path) -> Result<Inventory, Failure> {
    let text = read_limited(path, MOST_BYTES, "a machine's description")?;
    let wrong = |why: String| {
        let path = path.display();
        let advice = "write one with `accel hardware --format json`";
        Failure::input(
            "unreadable",
            format!("{path} is not a machine's description: {why}; {advice}"),
        )
    };
    let mut value: Value = serde_json::from_str(&text).map_err(|it| wrong(it.to_string()))?;
    if let Some(inner) = value.get_mut("inventory") {
        value = inner.take();
    }
    let inventory: Inventory = serde_json::from_value(value).map_err(|it| wrong(it.to_string()))?;
    if inventory.version > INVENTORY_VERSION {
        return Err(wrong(format!(
            "it is of version {}, and this program reads up to {INVENTORY_VERSION}",
            inventory.version
        )));
    }
    Ok(inventory)
}

/// This machine.
fn here() -> Inventory {
    let unasked = "not looked for";
    let cores = std::thread::available_parallelism().ok().map(NonZero::get);
    let cores = cores.and_then(|it| u32::try_from(it).ok());
    let usable = match cores {
        Some(it) => Fact::known(it, "available_parallelism"),
        None => Fact::unknown("available_parallelism", "the system does not tell"),
    };
    let obstacle = || Obstacle {
        reason: "hardware is not detected".to_owned(),
        remedy: "describe the machine with --hardware FILE.json".to_owned(),
    };
    Inventory {
        version: INVENTORY_VERSION,
        system: System {
            os: Fact::known(std::env::consts::OS.to_owned(), "compiled in"),
            os_version: Fact::unknown("", unasked),
            kernel: Fact::unknown("", unasked),
            arch: Fact::known(std::env::consts::ARCH.to_owned(), "compiled in"),
            inside: Fact::unknown("", unasked),
        },
        cpu: Cpu {
            vendor: Fact::unknown("", unasked),
            name: Fact::unknown("", unasked),
            sockets: Fact::unknown("", unasked),
            physical_cores: Fact::unknown("", unasked),
            logical_cores: Fact::unknown("", unasked),
            usable_cores: usable,
            extensions: Fact::unknown("", unasked),
            l1d_bytes: Fact::unknown("", unasked),
            l2_bytes: Fact::unknown("", unasked),
            l3_bytes: Fact::unknown("", unasked),
            max_mhz: Fact::unknown("", unasked),
        },
        memory: Memory {
            total_bytes: Fact::unknown("", unasked),
            available_bytes: Fact::unknown("", unasked),
            limit: Fact::<MemoryLimit>::unknown("", unasked),
            limit_used_bytes: Fact::unknown("", unasked),
            swap_total_bytes: Fact::unknown("", unasked),
            pressure_percent: Fact::unknown("", unasked),
        },
        devices: Vec::new(),
        engines: vec![EngineState {
            engine: Engine::Rten,
            version: Fact::unknown("", unasked),
            obstacle: None,
        }],
        platforms: Platform::ALL
            .iter()
            .map(|it| PlatformState {
                platform: *it,
                available: *it == Platform::Cpu,
                devices: Vec::new(),
                obstacle: (*it != Platform::Cpu).then(obstacle),
            })
            .collect(),
    }
}
