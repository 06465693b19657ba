//! From evidence to inventory: a pure function, so that a recorded machine is judged as the one
//! that it was recorded on.

mod amd;
mod apple;
mod arm;
mod clocks;
mod cpu;
mod engines;
mod extensions;
mod intel;
mod memory;
mod nvidia;
mod nvml_status;
mod pci;
mod platforms;
pub(super) mod read;
mod system;
mod unreached;
mod visible;

use accel_core::hardware::{INVENTORY_VERSION, Inventory, Obstacle};

use super::{Answer, Bundle};

/// What the evidence says of the machine. Texts that make no sense become unknown values, each
/// with its reason.
pub fn inventory(bundle: &Bundle) -> Inventory {
    let mut devices = nvidia::devices(bundle);
    devices.extend(amd::devices(bundle));
    devices.extend(apple::devices(bundle));
    devices.extend(intel::devices(bundle));
    let engines = engines::engines(bundle);
    let platforms = platforms::platforms(bundle, &devices, &engines);
    Inventory {
        version: INVENTORY_VERSION,
        system: system::system(bundle),
        cpu: cpu::cpu(bundle),
        memory: memory::memory(bundle),
        devices,
        engines,
        platforms,
        remarks: platforms::remarks(bundle),
    }
}

/// An obstacle.
fn no(reason: impl Into<String>, remedy: impl Into<String>) -> Obstacle {
    Obstacle { reason: reason.into(), remedy: remedy.into() }
}

/// Why the PCI bus cannot be seen; `None` when it can.
fn unseen_bus(bundle: &Bundle) -> Option<String> {
    const DEVICES: &str = "/sys/bus/pci/devices";
    match bundle.folders.get(DEVICES) {
        Some(Answer::Given(_)) => None,
        Some(Answer::Refused { error }) => Some(format!("{DEVICES}: {error}")),
        None => Some(format!("{DEVICES} is not there")),
    }
}
