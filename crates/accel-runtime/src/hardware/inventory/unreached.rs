//! NVIDIA's GPUs that NVML does not reach, and why there may be none.

use std::collections::BTreeMap;

use accel_core::Platform;
use accel_core::hardware::{Device, DeviceKind, Fact, Obstacle};

use super::nvidia::{DRIVER_FILE, GPUS, driver};
use super::nvml_status::obstacle;
use super::pci::PciDevice;
use super::system::{in_container, wsl};
use super::{no, unseen_bus};
use crate::hardware::Bundle;

/// Why there is no NVIDIA GPU at all.
pub(super) fn none(bundle: &Bundle) -> Obstacle {
    if wsl(bundle).is_some() {
        return no(
            if bundle.has("/dev/dxg") {
                "Windows shows no NVIDIA GPU to this Linux"
            } else {
                "Windows shares no GPU with this Linux: /dev/dxg is not there"
            },
            "install NVIDIA's driver in Windows (never a Linux driver here), run `wsl --update` and \
             `wsl --shutdown` there, and start anew",
        );
    }
    match bundle.os.as_str() {
        "macos" => no(
            "no Mac that runs a current macOS has CUDA",
            "use mps, or a machine with an NVIDIA GPU",
        ),
        "windows" => no(
            "NVIDIA's driver (nvml.dll) is not on this machine",
            "on a machine with an NVIDIA GPU, install its driver from nvidia.com/drivers",
        ),
        _ => {
            let unseen = unseen_bus(bundle);
            match unseen {
                Some(why) if in_container(bundle) => no(
                    format!("no NVIDIA GPU is given to this container ({why})"),
                    "on a machine with one, install the NVIDIA Container Toolkit and start the \
                     container with `--gpus all` (in Kubernetes: request `nvidia.com/gpu`)",
                ),
                Some(why) => no(
                    format!("the PCI bus cannot be seen ({why}), and no NVIDIA driver is loaded"),
                    "mount /sys, or run where it can be read",
                ),
                None => no(
                    "this machine has no NVIDIA GPU on its PCI bus",
                    "run it on a machine with an NVIDIA GPU and its driver",
                ),
            }
        }
    }
}

/// A GPU that NVML does not show.
pub(super) fn unlisted(bundle: &Bundle, device: &PciDevice<'_>) -> Device {
    let why = match &bundle.nvml {
        Some(nvml) if nvml.status == 0 && in_container(bundle) => no(
            "it is not given to this container",
            "start the container with `--gpus all`, or with this GPU among NVIDIA_VISIBLE_DEVICES",
        ),
        Some(nvml) if nvml.status == 0 => match device.driver {
            Some("nvidia") => no(
                "the driver has it and does not list it: it may have fallen off the bus, or be too \
                 old for this driver",
                "look for `Xid` and `NVRM` in `sudo dmesg`; restart the machine, or install the \
                 driver branch that serves this GPU",
            ),
            _ => without_driver(device),
        },
        Some(nvml) => obstacle(bundle, nvml.status),
        None if bundle.has(DRIVER_FILE) && in_container(bundle) => no(
            "NVIDIA's libraries are not given to this container",
            "install the NVIDIA Container Toolkit on the host and start the container with \
             `--gpus all`",
        ),
        None if bundle.has(DRIVER_FILE) => no(
            "NVIDIA's driver is loaded and its library libnvidia-ml.so.1 is not there",
            "install the driver's libraries in the driver's version (Debian, Ubuntu: \
             `nvidia-utils-…` and `libnvidia-compute-…`; Fedora: `xorg-x11-drv-nvidia-cuda-libs`)",
        ),
        None => without_driver(device),
    };
    bare(bundle, device.address, device.name(bundle), why, device.link(bundle))
}

fn without_driver(device: &PciDevice<'_>) -> Obstacle {
    let has = match device.driver {
        Some("nouveau") => "the driver nouveau has it, which has no CUDA".to_owned(),
        Some("vfio-pci") => {
            return no(
                "it is set apart for a virtual machine (driver vfio-pci)",
                "use it in that machine, or give it back to the driver nvidia",
            );
        }
        Some(other) => format!("the driver {other} has it, and not NVIDIA's"),
        None => "no driver is loaded for it".to_owned(),
    };
    no(
        has,
        "install NVIDIA's driver and restart (Ubuntu: `sudo ubuntu-drivers install`; Debian: \
         `sudo apt install nvidia-driver`; Fedora with RPM Fusion: `sudo dnf install akmod-nvidia`)",
    )
}

/// A GPU of which only the driver's list tells.
pub(super) fn of_driver(bundle: &Bundle, address: &str) -> Device {
    let path = format!("{GPUS}{address}/information");
    let name = super::read::fact(bundle, &path, "Model", |text| {
        super::read::field(text, "Model").filter(|it| !it.is_empty()).map(str::to_owned)
    });
    let why = match &bundle.nvml {
        Some(nvml) if nvml.status != 0 => obstacle(bundle, nvml.status),
        _ if in_container(bundle) => no(
            "NVIDIA's libraries are not given to this container",
            "install the NVIDIA Container Toolkit on the host and start the container with \
             `--gpus all`",
        ),
        _ => no(
            "NVIDIA's library libnvidia-ml.so.1 is not there",
            "install the driver's libraries in the driver's version",
        ),
    };
    bare(bundle, address, name, why, Vec::new())
}

fn bare(
    bundle: &Bundle,
    address: &str,
    name: Fact<String>,
    obstacle: Obstacle,
    link: Vec<(&'static str, Fact<String>)>,
) -> Device {
    let by_nvml = |what: &str| format!("only NVML tells {what}, and it cannot reach this GPU");
    let mut more: BTreeMap<_, _> =
        link.into_iter().map(|(key, fact)| (key.to_owned(), fact)).collect();
    more.insert("pci_address".to_owned(), Fact::known(address.to_owned(), "/sys/bus/pci/devices"));
    Device {
        id: format!("cuda:hidden-{address}"),
        platforms: vec![Platform::Cuda],
        kind: DeviceKind::DiscreteGpu,
        name,
        memory_total_bytes: Fact::unknown("NVML", by_nvml("its memory")),
        memory_free_bytes: Fact::unknown("NVML", by_nvml("its memory")),
        shares_main_memory: false,
        architecture: Fact::unknown("NVML", by_nvml("its compute capability")),
        driver: driver(bundle, bundle.nvml.as_ref()),
        visible: false,
        obstacle: Some(obstacle),
        more,
    }
}
