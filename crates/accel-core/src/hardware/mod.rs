//! What a machine has: plain data, read by the runtime, recorded in bundles, judged by selection.
//!
//! Every value says where it was read. Unknown is `null` with the reason, never a guess; what is
//! not there says why and what would help.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Engine, Platform};

/// The version of [`Inventory`] as JSON.
pub const INVENTORY_VERSION: u32 = 1;

/// A value and where it was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact<T> {
    /// The value; `None` when it could not be read.
    pub value: Option<T>,
    /// Where it was read, such as `/proc/meminfo MemTotal`, or where it was looked for.
    pub source: String,
    /// Why there is no value; `None` when there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl<T> Fact<T> {
    /// A value that was read.
    pub fn known(value: T, source: impl Into<String>) -> Self {
        Self { value: Some(value), source: source.into(), reason: None }
    }

    /// A value that could not be read, and why.
    pub fn unknown(source: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { value: None, source: source.into(), reason: Some(reason.into()) }
    }
}

impl<T> Default for Fact<T> {
    /// A value that was not looked for: what an inventory of an earlier version lacks.
    fn default() -> Self {
        Self::unknown("", "not looked for")
    }
}

/// Why something cannot be used, and what would help.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Obstacle {
    /// What is missing or wrong, as it was found.
    pub reason: String,
    /// What would mend it, as an instruction.
    pub remedy: String,
}

/// Everything that is known of a machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Inventory {
    /// [`INVENTORY_VERSION`] of the program that wrote it.
    pub version: u32,
    /// The system.
    pub system: System,
    /// The processor.
    pub cpu: Cpu,
    /// Main memory.
    pub memory: Memory,
    /// Accelerators, hidden and broken ones included, in the order of their ids.
    pub devices: Vec<Device>,
    /// The engines that were looked for.
    pub engines: Vec<EngineState>,
    /// All seven platforms, in the order of their declaration.
    pub platforms: Vec<PlatformState>,
    /// What else is worth knowing, such as a variable that does not do what its name says.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<Fact<String>>,
}

impl Inventory {
    /// What is known of a platform; `None` when the inventory leaves it out.
    pub fn platform(&self, platform: Platform) -> Option<&PlatformState> {
        self.platforms.iter().find(|it| it.platform == platform)
    }

    /// The device of that id, such as `cuda:0`.
    pub fn device(&self, id: &str) -> Option<&Device> {
        self.devices.iter().find(|it| it.id == id)
    }
}

/// The operating system and what it runs in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct System {
    /// `linux`, `macos`, `windows`.
    pub os: Fact<String>,
    /// The machine's model, such as `MacBookPro18,3` or `Raspberry Pi 5 Model B Rev 1.0`.
    #[serde(default)]
    pub machine: Fact<String>,
    /// The system's name and version for people, such as `Debian GNU/Linux 12 (bookworm)`.
    pub os_version: Fact<String>,
    /// The kernel's version.
    pub kernel: Fact<String>,
    /// `x86_64`, `aarch64`.
    pub arch: Fact<String>,
    /// `docker`, `podman`, `kubernetes`, `lxc`, `wsl2`, …; an empty list on bare metal.
    pub inside: Fact<Vec<String>>,
}

/// The processor.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cpu {
    /// Such as `AuthenticAMD`, `GenuineIntel`, `ARM`, `Apple`.
    pub vendor: Fact<String>,
    /// Such as `AMD EPYC 7B13`.
    pub name: Fact<String>,
    /// Sockets.
    pub sockets: Fact<u32>,
    /// Cores that are whole; two hardware threads of one core count once.
    pub physical_cores: Fact<u32>,
    /// Hardware threads.
    pub logical_cores: Fact<u32>,
    /// Of the hardware threads, those of the weaker kind; 0 where all are alike.
    #[serde(default)]
    pub efficiency_cores: Fact<u32>,
    /// Parts of the machine that have memory of their own (NUMA nodes).
    #[serde(default)]
    pub numa_nodes: Fact<u32>,
    /// Hardware threads that this process may use: affinity, and the container's quota rounded up.
    pub usable_cores: Fact<u32>,
    /// Hardware threads that this process may be scheduled on, as the system lists them: `0-7,16`.
    #[serde(default)]
    pub affinity: Fact<String>,
    /// How much processor time the container may use.
    #[serde(default)]
    pub limit: Fact<CpuLimit>,
    /// Extensions that matter to arithmetic, sorted: `avx2`, `avx512f`, `amx_int8`, `neon`, `sve`, …
    pub extensions: Fact<Vec<String>>,
    /// Level-1 data cache of one core, in bytes.
    pub l1d_bytes: Fact<u64>,
    /// Level-2 cache of one core, in bytes.
    pub l2_bytes: Fact<u64>,
    /// Level-3 cache of one socket, in bytes.
    pub l3_bytes: Fact<u64>,
    /// The highest clock, in MHz.
    pub max_mhz: Fact<u32>,
    /// The clock when it was read, in MHz.
    #[serde(default)]
    pub mhz: Fact<u32>,
}

/// How much processor time a container may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CpuLimit {
    /// As much as there is.
    Unlimited,
    /// So many thousandths of one core's time.
    Millicores(u64),
}

/// Main memory.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    /// What the machine has, in bytes.
    pub total_bytes: Fact<u64>,
    /// What can be taken now without swapping, in bytes, the container's limit left aside.
    pub available_bytes: Fact<u64>,
    /// The container's limit.
    pub limit: Fact<MemoryLimit>,
    /// What the container uses of its limit, in bytes.
    pub limit_used_bytes: Fact<u64>,
    /// Swap that is configured, in bytes.
    pub swap_total_bytes: Fact<u64>,
    /// Share of the last ten seconds in which some task waited for memory, in percent (PSI `some
    /// avg10`).
    pub pressure_percent: Fact<f64>,
}

impl Memory {
    /// What this process can take now, in bytes: the least of what the machine has available and
    /// what the container leaves. `None` when neither is known.
    pub fn usable_bytes(&self) -> Option<u64> {
        let left = match self.limit.value {
            Some(MemoryLimit::Bytes(limit)) => {
                Some(limit.saturating_sub(self.limit_used_bytes.value.unwrap_or(0)))
            }
            Some(MemoryLimit::Unlimited) | None => None,
        };
        match (self.available_bytes.value, left) {
            (Some(available), Some(left)) => Some(available.min(left)),
            (available, left) => available.or(left),
        }
    }
}

/// How much memory a container may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MemoryLimit {
    /// As much as there is.
    Unlimited,
    /// So many bytes.
    Bytes(u64),
}

/// What kind of accelerator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviceKind {
    /// A GPU with memory of its own.
    DiscreteGpu,
    /// A GPU that shares main memory.
    IntegratedGpu,
    /// A slice of a partitioned NVIDIA GPU.
    MigSlice,
    /// A neural processor.
    Npu,
}

/// An accelerator, or a slice of one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Device {
    /// The name by which a user selects it, such as `cuda:0`, `rocm:1`, `mps:0`, `openvino:NPU`;
    /// numbered as the programs of this process number it. A device hidden from this process has
    /// an id that ends in its physical number, such as `cuda:hidden-2`.
    pub id: String,
    /// The platforms that it can serve once their engines are there.
    pub platforms: Vec<Platform>,
    /// What kind.
    pub kind: DeviceKind,
    /// Such as `NVIDIA A100-SXM4-80GB`.
    pub name: Fact<String>,
    /// Memory of its own, or for one that shares main memory what the system lets it have, in bytes.
    pub memory_total_bytes: Fact<u64>,
    /// What of it is free now, in bytes.
    pub memory_free_bytes: Fact<u64>,
    /// Whether its memory is main memory.
    pub shares_main_memory: bool,
    /// NVIDIA's compute capability (`9.0`), AMD's target (`gfx942`), Apple's GPU family.
    pub architecture: Fact<String>,
    /// The driver's version.
    pub driver: Fact<String>,
    /// Whether this process may see it (`CUDA_VISIBLE_DEVICES` and its like).
    pub visible: bool,
    /// Why it cannot be used; `None` when nothing speaks against it.
    pub obstacle: Option<Obstacle>,
    /// Everything else, by name: `pcie_generation`, `pcie_width`, `power_limit_watts`,
    /// `clock_mhz`, `processes`, `cuda_version`, `gpu_cores`, `power_sensor`, `parent`, …
    pub more: BTreeMap<String, Fact<String>>,
}

/// An engine, found or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineState {
    /// Which.
    pub engine: Engine,
    /// Its version, from its library or files.
    pub version: Fact<String>,
    /// Where it was found; `None` when it was not, or when it needs no files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// What it has here, in its own words: providers, plugins, devices, adapters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<String>,
    /// What speaks against it; `None` when it was found.
    pub obstacle: Option<Obstacle>,
}

/// Whether a platform can be used on this machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlatformState {
    /// Which.
    pub platform: Platform,
    /// Whether both a device and an engine are there. Only a run proves more.
    pub available: bool,
    /// Ids of the usable devices; empty for the CPU, and where only the engine knows.
    pub devices: Vec<String>,
    /// What speaks against it; `None` exactly when it is available.
    pub obstacle: Option<Obstacle>,
}
