//! Accelerators as the PCI bus shows them, drivers or none.

use accel_core::hardware::Fact;

use super::read::{hexadecimal, map};
use crate::hardware::Bundle;

const DEVICES: &str = "/sys/bus/pci/devices/";

pub(super) const NVIDIA: u64 = 0x10de;
pub(super) const AMD: u64 = 0x1002;
pub(super) const INTEL: u64 = 0x8086;

/// A display controller or processing accelerator on the bus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PciDevice<'a> {
    /// Such as `0000:01:00.0`.
    pub(super) address: &'a str,
    pub(super) vendor: u64,
    pub(super) device: u64,
    /// Class and subclass, such as `0x0302` for a 3D controller (PCI Code and ID Assignment).
    pub(super) class: u64,
    /// The driver that has it.
    pub(super) driver: Option<&'a str>,
}

/// What is on the bus, in its order.
pub(super) fn devices(bundle: &Bundle) -> Vec<PciDevice<'_>> {
    let number = |address: &str, name: &str| {
        hexadecimal(bundle.line(&format!("{DEVICES}{address}/{name}"))?)
    };
    let read = |address| {
        Some(PciDevice {
            address,
            vendor: number(address, "vendor")?,
            device: number(address, "device")?,
            class: number(address, "class")? >> 8,
            driver: bundle.links.get(&format!("{DEVICES}{address}/driver")).map(String::as_str),
        })
    };
    let mut found: Vec<_> = bundle.children(DEVICES).into_iter().filter_map(read).collect();
    found.sort_by_key(|it| it.address);
    found
}

impl PciDevice<'_> {
    /// Whether it draws or computes as a GPU does.
    pub(super) fn is_gpu(&self) -> bool {
        self.class >> 8 == 0x03 || (self.class == 0x1200 && self.vendor != INTEL)
    }

    /// Whether it is another kind of processor, such as an NPU.
    pub(super) fn is_npu(&self) -> bool {
        self.class == 0x1200 && self.vendor == INTEL
    }

    /// The path of one of its files.
    pub(super) fn path(&self, name: &str) -> String {
        format!("{DEVICES}{}/{name}", self.address)
    }

    /// What it is called: by its driver, else in the system's list of PCI devices.
    pub(super) fn name(&self, bundle: &Bundle) -> Fact<String> {
        let product = self.path("product_name");
        if let Some(it) = bundle.line(&product).filter(|it| !it.is_empty()) {
            return Fact::known(it.to_owned(), product);
        }
        let id = format!("{:04x}:{:04x}", self.vendor, self.device);
        match bundle.pci_names.get(&id) {
            Some(it) => Fact::known(it.clone(), format!("pci.ids {id}")),
            None => Fact::unknown(
                format!("pci.ids {id}"),
                "its driver gives no name, and the system has no list of PCI devices that has it",
            ),
        }
    }

    /// Generation and lanes of its link, now and at most.
    pub(super) fn link(&self, bundle: &Bundle) -> Vec<(&'static str, Fact<String>)> {
        let text = |name: &str| {
            super::read::fact(bundle, &self.path(name), "", |it| {
                Some(it.trim().to_owned()).filter(|it| !it.is_empty() && !it.starts_with("Unknown"))
            })
        };
        let generation = |name: &str| {
            let speed = text(name);
            let known = speed.value.as_deref().and_then(generation);
            let reason = if known.is_some() {
                None
            } else {
                speed.reason.or_else(|| Some("the speed is not one of PCIe".to_owned()))
            };
            Fact { value: known.map(str::to_owned), source: speed.source, reason }
        };
        let width = |name: &str| map(text(name), |it| it);
        vec![
            ("pcie_generation", generation("current_link_speed")),
            ("pcie_generation_max", generation("max_link_speed")),
            ("pcie_width", width("current_link_width")),
            ("pcie_width_max", width("max_link_width")),
        ]
    }
}

/// The generation of `PCIe` by the speed of a lane, as the kernel writes it.
fn generation(speed: &str) -> Option<&'static str> {
    Some(match speed.split(' ').next()? {
        "2.5" => "1",
        "5.0" | "5" => "2",
        "8.0" | "8" => "3",
        "16.0" | "16" => "4",
        "32.0" | "32" => "5",
        "64.0" | "64" => "6",
        _ => return None,
    })
}

/// Whether two addresses are of one device: NVML writes the domain with eight digits.
pub(super) fn same_address(a: &str, b: &str) -> bool {
    let parts = |it: &str| {
        let (domain, rest) = it.split_once(':')?;
        Some((u32::from_str_radix(domain, 16).ok()?, rest.to_ascii_lowercase()))
    };
    parts(a).is_some() && parts(a) == parts(b)
}
