//! Intel's GPUs and NPUs, from sysfs and OpenVINO's list of devices.

use std::collections::BTreeMap;

use accel_core::Platform;
use accel_core::hardware::{Device, DeviceKind, Fact, Obstacle};

use super::no;
use super::pci::{self, PciDevice};
use super::read::fact;
use super::system::{in_container, wsl};
use crate::hardware::{Answer, Bundle};

/// All of them: GPUs in the bus's order, which is OpenVINO's, then NPUs.
pub(super) fn devices(bundle: &Bundle) -> Vec<Device> {
    let intel: Vec<_> =
        pci::devices(bundle).into_iter().filter(|it| it.vendor == pci::INTEL).collect();
    let gpus: Vec<_> = intel.iter().filter(|it| it.is_gpu()).collect();
    let npus: Vec<_> = intel.iter().filter(|it| it.is_npu()).collect();
    let numbered = |kind: &str, index: usize, of: usize| {
        if of == 1 { kind.to_owned() } else { format!("{kind}.{index}") }
    };
    let mut devices = Vec::new();
    for (index, pci) in gpus.iter().enumerate() {
        devices.push(device(bundle, pci, &numbered("GPU", index, gpus.len())));
    }
    for (index, pci) in npus.iter().enumerate() {
        devices.push(device(bundle, pci, &numbered("NPU", index, npus.len())));
    }
    devices
}

/// What OpenVINO says of the device that it calls `name`, if it was asked.
fn full_name<'a>(bundle: &'a Bundle, name: &str) -> Option<Result<&'a str, Vec<&'a str>>> {
    let Some(Answer::Given(list)) = &bundle.openvino else { return None };
    let own = list.iter().find(|it| it.name == name || it.name == format!("{name}.0"));
    Some(
        own.map(|it| it.full_name.as_str())
            .ok_or_else(|| list.iter().map(|it| it.name.as_str()).collect()),
    )
}

fn device(bundle: &Bundle, pci: &PciDevice<'_>, name: &str) -> Device {
    let npu = pci.is_npu();
    let listed = full_name(bundle, name);
    // The GPU in Intel's processors has been device 2 of the first bus on all of them.
    let integrated = pci.address.ends_with(":00:02.0");
    let obstacle = obstacle(bundle, pci, name, listed.as_ref());
    let called = match &listed {
        Some(Ok(full_name)) => {
            Fact::known((*full_name).to_owned(), format!("OpenVINO FULL_DEVICE_NAME of {name}"))
        }
        _ => pci.name(bundle),
    };
    let shares = npu || integrated;
    let total = if shares {
        Fact::unknown("OpenVINO", "it shares main memory, and the system tells no share of it")
    } else {
        local_memory(bundle, pci)
    };
    let mut more: BTreeMap<_, _> = if shares {
        BTreeMap::new()
    } else {
        pci.link(bundle).into_iter().map(|(key, fact)| (key.to_owned(), fact)).collect()
    };
    let mut add = |key: &str, value: String, source: String| {
        more.insert(key.to_owned(), Fact::known(value, source));
    };
    add("pci_address", pci.address.to_owned(), "/sys/bus/pci/devices".to_owned());
    add("pci_id", format!("{:04x}:{:04x}", pci.vendor, pci.device), pci.path("device"));
    Device {
        id: match obstacle {
            None => format!("openvino:{name}"),
            Some(_) => format!("openvino:hidden-{name}"),
        },
        platforms: vec![Platform::Openvino],
        kind: match (npu, integrated) {
            (true, _) => DeviceKind::Npu,
            (_, true) => DeviceKind::IntegratedGpu,
            _ => DeviceKind::DiscreteGpu,
        },
        name: called,
        memory_total_bytes: total,
        memory_free_bytes: Fact::unknown(
            "sysfs",
            if shares { "it shares main memory" } else { "Intel's drivers do not tell it" },
        ),
        shares_main_memory: shares,
        architecture: Fact::unknown("sysfs", "only OpenVINO tells it, once a model is compiled"),
        driver: driver(bundle, pci),
        visible: obstacle.is_none(),
        obstacle,
        more,
    }
}

/// A discrete GPU's own memory, as the driver `xe` tells it.
fn local_memory(bundle: &Bundle, pci: &PciDevice<'_>) -> Fact<u64> {
    let tiles: Vec<_> = bundle
        .below(&format!("/sys/bus/pci/devices/{}/tile", pci.address))
        .filter(|(path, _)| path.ends_with("/physical_vram_size_bytes"))
        .filter_map(|(_, text)| super::read::hexadecimal(text.given()?))
        .collect();
    if !tiles.is_empty() {
        let sum = tiles.iter().fold(0_u64, |sum, it| sum.saturating_add(*it));
        return Fact::known(sum, pci.path("tile*/physical_vram_size_bytes"));
    }
    // With a resizable BAR all of it is mapped; the usual 256 MiB window says nothing.
    let window = fact(bundle, &pci.path("resource"), "", |text| {
        let bars = text.lines().filter_map(|line| {
            let mut words = line.split(' ').filter_map(super::read::hexadecimal);
            let (start, end, flags) = (words.next()?, words.next()?, words.next()?);
            // Memory that may be fetched ahead (`IORESOURCE_MEM`, `IORESOURCE_PREFETCH`).
            (flags & 0x2200 == 0x2200 && end > start).then(|| (end - start).checked_add(1))?
        });
        bars.max().filter(|it| *it >= 1 << 30)
    });
    if window.value.is_some() {
        return Fact {
            source: format!("{} (the largest window onto it)", window.source),
            ..window
        };
    }
    Fact::unknown(
        pci.path("tile*/physical_vram_size_bytes"),
        "the driver does not tell it, and its window onto the bus is not resizable",
    )
}

fn driver(bundle: &Bundle, pci: &PciDevice<'_>) -> Fact<String> {
    let Some(name) = pci.driver else {
        return Fact::unknown(pci.path("driver"), "no driver is loaded for it");
    };
    let module = format!("/sys/module/{name}/version");
    match bundle.line(&module).filter(|it| !it.is_empty()) {
        Some(it) => Fact::known(format!("{name} {it}"), module),
        None => fact(bundle, "/proc/sys/kernel/osrelease", "", |it| {
            Some(format!("{name} of Linux {}", it.trim()))
        }),
    }
}

fn obstacle(
    bundle: &Bundle,
    pci: &PciDevice<'_>,
    name: &str,
    listed: Option<&Result<&str, Vec<&str>>>,
) -> Option<Obstacle> {
    let npu = pci.is_npu();
    let (module, folder, packages) = if npu {
        (
            "intel_vpu",
            "/dev/accel/",
            "install Intel's NPU driver from github.com/intel/linux-npu-driver (packages \
             `intel-driver-compiler-npu`, `intel-fw-npu`, `intel-level-zero-npu`)",
        )
    } else {
        (
            "i915 or xe",
            "/dev/dri/",
            "install Intel's compute runtime (Debian, Ubuntu: `sudo apt install intel-opencl-icd`; \
             Fedora: `sudo dnf install intel-compute-runtime`)",
        )
    };
    if pci.driver.is_none() {
        return Some(no(
            format!("no driver is loaded for it ({module} would be)"),
            format!("load it, or use a newer kernel; {packages}"),
        ));
    }
    let doors: Vec<_> =
        bundle.below(folder).filter(|(path, _)| npu || path.contains("/renderD")).collect();
    if doors.is_empty() {
        let reason = format!("there is no device file for it in {folder}");
        return Some(if in_container(bundle) {
            no(
                reason,
                format!("start the container with `--device {}`", folder.trim_end_matches('/')),
            )
        } else {
            no(reason, packages)
        });
    }
    if let Some((path, Answer::Refused { error })) = doors
        .iter()
        .find(|(_, it)| it.given().is_none())
        .filter(|_| doors.iter().all(|it| it.1.given().is_none()))
    {
        return Some(no(
            format!("{path} cannot be opened: {error}"),
            "let this user in: `sudo usermod -aG render $USER`, then log in anew",
        ));
    }
    match (listed, &bundle.openvino) {
        (Some(Err(others)), _) => Some(no(
            format!("OpenVINO does not list {name}; it lists {}", others.join(", ")),
            packages,
        )),
        (_, Some(Answer::Refused { error })) => {
            Some(no(format!("OpenVINO cannot list its devices: {error}"), packages))
        }
        _ => None,
    }
}

/// A remark for Linux inside Windows, where GPUs have no place on the bus.
pub(super) fn wsl_remark(bundle: &Bundle) -> Option<&'static str> {
    (wsl(bundle).is_some() && bundle.has("/dev/dxg")).then_some(
        "Intel's GPUs are shown to this Linux only through /dev/dxg, which OpenVINO finds itself",
    )
}
