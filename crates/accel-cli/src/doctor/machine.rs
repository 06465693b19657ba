//! What is known of the machine.

use accel_core::hardware::{
    Cpu, EngineState, Fact, INVENTORY_VERSION, Inventory, Memory, Obstacle, PlatformState, System,
};
use accel_core::{Platform, Vocabulary as _};
use accel_runtime::{Availability, availability};

use crate::run::default_options;

/// Everything that is known of the machine.
///
/// Devices are known to their engines alone, and of memory what Linux tells; the one place to ask
/// a detection that knows more.
pub(super) fn inventory() -> Inventory {
    Inventory {
        version: INVENTORY_VERSION,
        system: System {
            os: Fact::known(std::env::consts::OS.to_owned(), "std::env::consts::OS"),
            os_version: unknown(),
            kernel: unknown(),
            arch: Fact::known(std::env::consts::ARCH.to_owned(), "std::env::consts::ARCH"),
            inside: unknown(),
        },
        cpu: Cpu {
            vendor: unknown(),
            name: unknown(),
            sockets: unknown(),
            physical_cores: unknown(),
            logical_cores: unknown(),
            usable_cores: unknown(),
            extensions: unknown(),
            l1d_bytes: unknown(),
            l2_bytes: unknown(),
            l3_bytes: unknown(),
            max_mhz: unknown(),
        },
        memory: Memory {
            total_bytes: meminfo("MemTotal"),
            available_bytes: meminfo("MemAvailable"),
            limit: unknown(),
            limit_used_bytes: unknown(),
            swap_total_bytes: meminfo("SwapTotal"),
            pressure_percent: unknown(),
        },
        devices: Vec::new(),
        engines: Vec::<EngineState>::new(),
        platforms: Platform::ALL.iter().map(|it| platform(*it)).collect(),
    }
}

fn platform(platform: Platform) -> PlatformState {
    let obstacle = match availability(&default_options(platform)) {
        Availability::Available { .. } => None,
        Availability::Unavailable { reason, remedy, .. } => Some(Obstacle { reason, remedy }),
    };
    PlatformState { platform, available: obstacle.is_none(), devices: Vec::new(), obstacle }
}

fn unknown<T>() -> Fact<T> {
    Fact::unknown("nowhere", "it is not looked for")
}

/// A line of `/proc/meminfo`, which counts in KiB (proc(5)).
fn meminfo(name: &str) -> Fact<u64> {
    let source = format!("/proc/meminfo {name}");
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = text.lines().find_map(|it| it.strip_prefix(name)?.strip_prefix(':'));
    let kib = line.and_then(|it| it.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    match kib {
        Some(kib) => Fact::known(kib.saturating_mul(1024), source),
        None => Fact::unknown(source, "the system does not show it"),
    }
}
