//! What a model can be put on: every device of a machine under every platform that it serves.

use serde::{Deserialize, Serialize};

use crate::hardware::{Device, DeviceKind, Inventory, MemoryLimit, Obstacle, PlatformState};
use crate::{Platform, Vocabulary as _};

/// What kind of device a target is, in the order in which equals are preferred.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TargetKind {
    /// A GPU, or a slice of one, with memory of its own.
    DiscreteGpu,
    /// A GPU that shares main memory.
    IntegratedGpu,
    /// A neural processor.
    Npu,
    /// The processor, through whichever engine.
    Cpu,
    /// A browser, which chooses its device itself.
    Browser,
}

/// Which memory a target takes from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MemoryPool {
    /// Main memory, which several targets share.
    Main,
    /// The memory of the device with this id.
    Device(String),
}

/// A device under a platform, usable or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// How programs name it: torch's names where torch has one (`cpu`, `cuda:1`, `mps`), ours in
    /// the same form elsewhere (`rocm:0`, `openvino:NPU`, `webgpu`).
    pub device: String,
    /// The platform.
    pub platform: Platform,
    /// Its number among the platform's devices, where they are numbered.
    pub index: Option<u32>,
    /// The device's own name, when it is known.
    pub name: Option<String>,
    /// What kind.
    pub kind: TargetKind,
    /// Which memory it takes from.
    pub pool: MemoryPool,
    /// Memory that it can have at most, in bytes.
    pub total_bytes: Option<u64>,
    /// Memory that it can have now, in bytes.
    pub free_bytes: Option<u64>,
    /// Why it cannot be used; `None` when nothing speaks against it.
    pub obstacle: Option<Obstacle>,
}

/// OpenVINO's CPU among its devices.
const OPENVINO_CPU: &str = "openvino:CPU";

/// The name of a device under a platform: the inventory's id, `mps` for Apple's one GPU, and the
/// platform's prefix where the inventory numbers the device under another platform.
fn name_of(id: &str, platform: Platform) -> String {
    match id.split_once(':') {
        Some(("mps", "0")) if platform == Platform::Mps => platform.name().to_owned(),
        Some((prefix, _)) if prefix == platform.name() => id.to_owned(),
        Some((_, rest)) => format!("{platform}:{rest}"),
        None => id.to_owned(),
    }
}

/// The number in `cuda:1`; `mps` is its own number 0.
fn index_of(device: &str, platform: Platform) -> Option<u32> {
    match device.split_once(':') {
        Some((_, number)) => number.parse().ok(),
        None => (platform == Platform::Mps).then_some(0),
    }
}

/// Every device under every platform that it serves, in the order of [`Platform`] and then of the
/// inventory. A platform without devices is one target with what speaks against it.
///
/// OpenVINO has its CPU beside what the inventory lists of it. The browser chooses its device itself, so that `webnn` and `webgpu` are one target each.
pub fn targets(inventory: &Inventory) -> Vec<Target> {
    let main = main_memory(inventory);
    let mut all = Vec::new();
    for platform in Platform::ALL.iter().copied() {
        let state = inventory.platform(platform);
        let before = all.len();
        match platform {
            Platform::Cpu | Platform::Webnn | Platform::Webgpu => {}
            Platform::Cuda | Platform::Rocm | Platform::Mps | Platform::Openvino => {
                let devices = inventory.devices.iter();
                for device in devices.filter(|it| it.platforms.contains(&platform)) {
                    all.push(of_device(device, platform, state, main));
                }
                let known = |id: &str| inventory.device(id).is_some();
                let listed = state.map(|it| it.devices.as_slice()).unwrap_or_default();
                let unknown = listed.iter().map(String::as_str).filter(|it| !known(it));
                // The device that is there wherever OpenVINO is, accelerators or not.
                let here = state.is_some_and(|it| it.available);
                let own = (platform == Platform::Openvino && here).then_some(OPENVINO_CPU);
                for id in unknown.chain(own) {
                    let device = name_of(id, platform);
                    if all[before..].iter().all(|it| it.device != device) {
                        all.push(of_platform(device, platform, state, main));
                    }
                }
            }
        }
        if all.len() == before {
            all.push(of_platform(platform.name().to_owned(), platform, state, main));
        }
    }
    all
}

/// Total and free main memory as this process may have them.
fn main_memory(inventory: &Inventory) -> (Option<u64>, Option<u64>) {
    let memory = &inventory.memory;
    let limit = match memory.limit.value {
        Some(MemoryLimit::Bytes(limit)) => Some(limit),
        Some(MemoryLimit::Unlimited) | None => None,
    };
    (least(memory.total_bytes.value, limit), memory.usable_bytes())
}

fn least(one: Option<u64>, other: Option<u64>) -> Option<u64> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

fn of_device(
    device: &Device,
    platform: Platform,
    state: Option<&PlatformState>,
    main: (Option<u64>, Option<u64>),
) -> Target {
    let name = name_of(&device.id, platform);
    let (mut total, mut free) = (device.memory_total_bytes.value, device.memory_free_bytes.value);
    if device.shares_main_memory {
        total = least(total, main.0);
        free = least(free, main.1);
    }
    let obstacle = device
        .obstacle
        .clone()
        .or_else(|| (!device.visible).then(|| hidden(&device.id, platform)))
        .or_else(|| unavailable(platform, state))
        .or_else(|| unlisted(device, platform, state));
    Target {
        index: index_of(&name, platform),
        device: name,
        platform,
        name: device.name.value.clone(),
        kind: match device.kind {
            DeviceKind::DiscreteGpu | DeviceKind::MigSlice => TargetKind::DiscreteGpu,
            DeviceKind::IntegratedGpu => TargetKind::IntegratedGpu,
            DeviceKind::Npu => TargetKind::Npu,
        },
        pool: if device.shares_main_memory {
            MemoryPool::Main
        } else {
            MemoryPool::Device(device.id.clone())
        },
        total_bytes: total,
        free_bytes: free,
        obstacle,
    }
}

/// A target that is no device of the inventory: the CPU, a browser, an engine's own device.
fn of_platform(
    device: String,
    platform: Platform,
    state: Option<&PlatformState>,
    main: (Option<u64>, Option<u64>),
) -> Target {
    Target {
        index: index_of(&device, platform),
        device,
        platform,
        name: None,
        kind: match platform {
            Platform::Webnn | Platform::Webgpu => TargetKind::Browser,
            Platform::Cuda | Platform::Rocm => TargetKind::DiscreteGpu,
            Platform::Mps => TargetKind::IntegratedGpu,
            Platform::Cpu | Platform::Openvino => TargetKind::Cpu,
        },
        pool: MemoryPool::Main,
        total_bytes: main.0,
        free_bytes: main.1,
        obstacle: unavailable(platform, state),
    }
}

fn hidden(id: &str, platform: Platform) -> Obstacle {
    let variable = match platform {
        Platform::Cuda => "CUDA_VISIBLE_DEVICES",
        Platform::Rocm => "HIP_VISIBLE_DEVICES or ROCR_VISIBLE_DEVICES",
        _ => "the environment",
    };
    Obstacle {
        reason: format!("{id} is hidden from this process by {variable}"),
        remedy: format!("name it in {variable}, or unset that"),
    }
}

fn unavailable(platform: Platform, state: Option<&PlatformState>) -> Option<Obstacle> {
    match state {
        Some(it) if it.available => None,
        Some(PlatformState { obstacle: Some(obstacle), .. }) => Some(obstacle.clone()),
        Some(_) => Some(Obstacle {
            reason: format!("{} is not available here", platform.label()),
            remedy: "`accel hardware` says what was looked for".to_owned(),
        }),
        None => Some(Obstacle {
            reason: format!("nothing is known of {} on this machine", platform.label()),
            remedy: "detect the hardware anew: `accel hardware --refresh`".to_owned(),
        }),
    }
}

/// A device that the platform does not count among its usable ones.
fn unlisted(
    device: &Device,
    platform: Platform,
    state: Option<&PlatformState>,
) -> Option<Obstacle> {
    let listed = &state?.devices;
    (!listed.is_empty() && !listed.contains(&device.id)).then(|| Obstacle {
        reason: format!("{} does not count {} as usable", platform.label(), device.id),
        remedy: "`accel hardware` says more about it".to_owned(),
    })
}
