//! AMD's GPUs, from what the kernel's driver shows of them (KFD's topology and sysfs).

use std::collections::BTreeMap;

use accel_core::Platform;
use accel_core::hardware::{Device, DeviceKind, Fact, Obstacle};

use super::pci::{self, PciDevice};
use super::read::{fact, word};
use super::system::in_container;
use super::visible::rocm;
use super::{no, unseen_bus};
use crate::hardware::{Answer, Bundle};

const KFD: &str = "/dev/kfd";
const NODES: &str = "/sys/class/kfd/kfd/topology/nodes/";

/// All of them, usable ones first in HIP's order, then what is hidden or broken.
pub(super) fn devices(bundle: &Bundle) -> Vec<Device> {
    let on_bus: Vec<_> = pci::devices(bundle)
        .into_iter()
        .filter(|it| it.vendor == pci::AMD && it.is_gpu())
        .collect();
    let nodes: Vec<Node<'_>> =
        bundle.children(NODES).into_iter().filter_map(|it| Node::read(bundle, it)).collect();
    let variable = |name: &str| bundle.environment.get(name).map(String::as_str);
    let names: Vec<_> = nodes.iter().map(|it| it.unique_id).collect();
    let visible = rocm(
        &names,
        variable("ROCR_VISIBLE_DEVICES"),
        variable("HIP_VISIBLE_DEVICES"),
        variable("CUDA_VISIBLE_DEVICES"),
    );
    let closed = closed(bundle);
    let mut devices: Vec<(usize, Device)> = Vec::new();
    for (place, node) in nodes.iter().enumerate() {
        let index = visible.devices.iter().position(|it| *it == place);
        let pci = on_bus.iter().find(|it| node.address.as_deref() == Some(it.address));
        let mut device = node.device(bundle, pci);
        device.id = match index {
            Some(index) if closed.is_none() => format!("rocm:{index}"),
            _ => format!("rocm:hidden-{}", node.number),
        };
        device.visible = index.is_some();
        device.obstacle = match (index, &closed) {
            (_, Some(closed)) => Some(closed.clone()),
            (None, None) => Some(no(
                visible.remark.clone().unwrap_or_else(|| "a variable hides it".to_owned()),
                "unset ROCR_VISIBLE_DEVICES and HIP_VISIBLE_DEVICES, or name this GPU in them",
            )),
            _ => None,
        };
        devices.push((index.unwrap_or(usize::MAX), device));
    }
    devices.sort_by_key(|(index, _)| *index);
    let mut devices: Vec<_> = devices.into_iter().map(|(_, it)| it).collect();
    for pci in &on_bus {
        if !nodes.iter().any(|it| it.address.as_deref() == Some(pci.address)) {
            devices.push(without_node(bundle, pci));
        }
    }
    devices
}

/// Why there is no AMD GPU at all.
pub(super) fn none(bundle: &Bundle) -> Obstacle {
    if bundle.os != "linux" {
        return no(
            format!("ROCm is looked for on Linux only, and this is {}", bundle.os),
            "run it on Linux with an AMD GPU",
        );
    }
    if let Some(why) = unseen_bus(bundle) {
        return if in_container(bundle) {
            no(format!("no AMD GPU is given to this container ({why})"), CONTAINER)
        } else {
            no(
                format!(
                    "the PCI bus cannot be seen ({why}), and there is no AMD driver (/dev/kfd)"
                ),
                "mount /sys, or run where it can be read",
            )
        };
    }
    no(
        "this machine has no AMD GPU on its PCI bus",
        "run it on a machine with an AMD GPU and its driver (amdgpu)",
    )
}

const CONTAINER: &str = "on a machine with one, start the container with `--device /dev/kfd --device \
                         /dev/dri --group-add video --group-add render`";

/// Why the driver's door is closed, if it is.
fn closed(bundle: &Bundle) -> Option<Obstacle> {
    match bundle.files.get(KFD) {
        Some(Answer::Given(_)) => None,
        Some(Answer::Refused { error }) => Some(no(
            format!("{KFD} cannot be opened: {error}"),
            if in_container(bundle) {
                "start the container with `--group-add render --group-add video`, as the group of \
                 /dev/kfd asks"
            } else {
                "let this user in: `sudo usermod -aG render,video $USER`, then log in anew"
            },
        )),
        None if in_container(bundle) => {
            Some(no(format!("{KFD} is not in this container"), CONTAINER))
        }
        None => Some(no(
            format!("{KFD} is not there: the driver amdgpu has no ROCm here"),
            "install AMD's driver (`amdgpu-install --usecase=rocm`), or a kernel built with \
             CONFIG_HSA_AMD",
        )),
    }
}

/// Targets that are parts of processors only (LLVM, "User Guide for AMDGPU Backend", Processors).
const INTEGRATED: [&str; 13] = [
    "gfx902", "gfx909", "gfx90c", "gfx1013", "gfx1033", "gfx1035", "gfx1036", "gfx1037", "gfx1103",
    "gfx1150", "gfx1151", "gfx1152", "gfx1153",
];

/// A GPU in KFD's topology.
struct Node<'a> {
    /// The node's number, as `rocminfo` counts agents.
    number: &'a str,
    /// `properties`.
    properties: &'a str,
    /// Its place on the PCI bus.
    address: Option<String>,
    unique_id: Option<u64>,
}

impl<'a> Node<'a> {
    /// A node of a GPU that this process may use; the processor is a node too, and a GPU that is
    /// not given to a container cannot be read.
    fn read(bundle: &'a Bundle, number: &'a str) -> Option<Self> {
        let gpu_id = bundle.line(&format!("{NODES}{number}/gpu_id"))?;
        if matches!(gpu_id, "" | "0") {
            return None;
        }
        let properties = bundle.text(&format!("{NODES}{number}/properties")).ok()?;
        let own = |key: &str| word(properties, key)?.parse::<u64>().ok();
        // Bus in the upper byte, device and function in the lower (`kfd_topology.c`).
        let address = own("location_id").map(|it| {
            format!(
                "{:04x}:{:02x}:{:02x}.{}",
                own("domain").unwrap_or(0),
                it >> 8 & 0xff,
                it >> 3 & 0x1f,
                it & 7
            )
        });
        let unique_id = own("unique_id").filter(|it| *it != 0);
        Some(Self { number, properties, address, unique_id })
    }

    fn property(&self, key: &str) -> Option<u64> {
        word(self.properties, key)?.parse().ok()
    }

    fn path(&self, name: &str) -> String {
        format!("{NODES}{}/{name}", self.number)
    }

    fn device(&self, bundle: &Bundle, pci: Option<&PciDevice<'_>>) -> Device {
        let properties = self.path("properties");
        // On older kernels a processor with a GPU in it is one node that has both.
        let integrated = self.property("cpu_cores_count").is_some_and(|it| it > 0)
            || self
                .property("gfx_target_version")
                .and_then(target)
                .is_some_and(|it| INTEGRATED.contains(&&*it));
        let (memory_total_bytes, memory_free_bytes) = self.memory(bundle, pci);
        let target = self.property("gfx_target_version").and_then(target);
        let architecture = match target {
            Some(it) => Fact::known(it, format!("{properties} gfx_target_version")),
            None => Fact::unknown(format!("{properties} gfx_target_version"), "it does not say"),
        };
        let name = match pci {
            Some(pci) => pci.name(bundle),
            None => {
                Fact::unknown("/sys/bus/pci/devices", "its place on the PCI bus cannot be seen")
            }
        };
        let mut more = BTreeMap::new();
        let mut add = |key: &str, fact: Fact<String>| more.insert(key.to_owned(), fact);
        if let Some(pci) = pci {
            add("pci_address", Fact::known(pci.address.to_owned(), "/sys/bus/pci/devices"));
            for (key, fact) in pci.link(bundle) {
                add(key, fact);
            }
            for (key, fact) in sensors(bundle, pci) {
                add(key, fact);
            }
        }
        if let Some(id) = self.unique_id {
            add("uuid", Fact::known(format!("GPU-{id:016x}"), format!("{properties} unique_id")));
        }
        let units = self.property("simd_count").zip(self.property("simd_per_cu"));
        if let Some(units) = units.and_then(|(all, per_unit)| all.checked_div(per_unit)) {
            let source = format!("{properties} simd_count / simd_per_cu");
            add("compute_units", Fact::known(units.to_string(), source));
        }
        if let Some(clock) = self.property("max_engine_clk_fcompute").filter(|it| *it > 0) {
            add(
                "clock_mhz_max",
                Fact::known(clock.to_string(), format!("{properties} max_engine_clk_fcompute")),
            );
        }
        Device {
            id: String::new(),
            platforms: vec![Platform::Rocm],
            kind: if integrated { DeviceKind::IntegratedGpu } else { DeviceKind::DiscreteGpu },
            name,
            memory_total_bytes,
            memory_free_bytes,
            shares_main_memory: integrated,
            architecture,
            driver: driver(bundle),
            visible: false,
            obstacle: None,
            more,
        }
    }

    /// Total and free memory: by the display driver, else the node's own banks.
    fn memory(&self, bundle: &Bundle, pci: Option<&PciDevice<'_>>) -> (Fact<u64>, Fact<u64>) {
        let number = |path: &str| fact(bundle, path, "", |it| it.trim().parse::<u64>().ok());
        if let Some(pci) = pci {
            let total = number(&pci.path("mem_info_vram_total"));
            if total.value.is_some() {
                let used = number(&pci.path("mem_info_vram_used"));
                return free(total, used);
            }
        }
        let folder = self.path("mem_banks/");
        let mut sum = 0_u64;
        for bank in bundle.children(&folder) {
            let text = bundle.text(&format!("{folder}{bank}/properties")).unwrap_or_default();
            let own = |key: &str| word(text, key)?.parse::<u64>().ok();
            // Heaps 1 and 2 are the GPU's own memory, seen and not seen by the processor.
            if matches!(own("heap_type"), Some(1 | 2)) {
                sum = sum.saturating_add(own("size_in_bytes").unwrap_or(0));
            }
        }
        if sum == 0 {
            let reason = "neither the display driver nor KFD tells its memory";
            return (Fact::unknown(&*folder, reason), Fact::unknown(&*folder, reason));
        }
        let used = number(&format!("{folder}0/used_memory"));
        free(Fact::known(sum, format!("{folder}*/properties size_in_bytes")), used)
    }
}

fn free(total: Fact<u64>, used: Fact<u64>) -> (Fact<u64>, Fact<u64>) {
    let left = match (total.value, used.value) {
        (Some(total_bytes), Some(used_bytes)) => Fact::known(
            u64::saturating_sub(total_bytes, used_bytes),
            format!("{} − {}", total.source, used.source),
        ),
        _ => used,
    };
    (total, left)
}

/// `90402` as `gfx942`: major, minor and, in hexadecimal, stepping (`kfd_topology.c`).
fn target(version: u64) -> Option<String> {
    let (major, minor, step) = (version / 10_000, version / 100 % 100, version % 100);
    (major > 0 && minor < 16 && step < 16).then(|| format!("gfx{major}{minor:x}{step:x}"))
}

fn driver(bundle: &Bundle) -> Fact<String> {
    const MODULE: &str = "/sys/module/amdgpu/version";
    match bundle.line(MODULE).filter(|it| !it.is_empty()) {
        Some(it) => Fact::known(format!("amdgpu {it}"), MODULE),
        None => super::read::fact(bundle, "/proc/sys/kernel/osrelease", "", |it| {
            Some(format!("amdgpu of Linux {}", it.trim()))
        }),
    }
}

/// Power and clock, from the card's `hwmon` (kernel, "AMDGPU thermal controls").
fn sensors(bundle: &Bundle, pci: &PciDevice<'_>) -> Vec<(&'static str, Fact<String>)> {
    let folder = pci.path("hwmon/");
    let Some(sensor) = bundle.children(&folder).into_iter().next() else {
        return vec![("power_sensor", Fact::unknown(&*folder, "the driver shows no sensors"))];
    };
    let read = |name: &str, divisor: u64| {
        fact(bundle, &format!("{folder}{sensor}/{name}"), "", |it| {
            let number = it.trim().parse::<u64>().ok()? / divisor;
            Some(number)
        })
    };
    let watts = |name: &str| {
        super::read::map(read(name, 1000), |milliwatts| {
            format!("{}.{:03}", milliwatts / 1000, milliwatts % 1000)
        })
    };
    let (average, now) = (watts("power1_average"), watts("power1_input"));
    let (power, which) =
        if average.value.is_some() { (average, "power1_average") } else { (now, "power1_input") };
    let present = match &power.value {
        Some(_) => Fact::known(which.to_owned(), folder.clone()),
        None => Fact::unknown(&*folder, "neither power1_average nor power1_input can be read"),
    };
    vec![
        ("power_sensor", present),
        ("power_watts", power),
        ("power_limit_watts", watts("power1_cap")),
        ("clock_mhz", super::read::map(read("freq1_input", 1_000_000), |it| it.to_string())),
    ]
}

/// A GPU on the bus that KFD does not show.
fn without_node(bundle: &Bundle, pci: &PciDevice<'_>) -> Device {
    let why = match pci.driver {
        Some("vfio-pci") => no(
            "it is set apart for a virtual machine (driver vfio-pci)",
            "use it in that machine, or give it back to the driver amdgpu",
        ),
        Some("amdgpu") if in_container(bundle) => {
            no("it is not given to this container", CONTAINER)
        }
        Some("amdgpu") => closed(bundle).unwrap_or_else(|| {
            no(
                "the driver does not offer it to ROCm: it is too old, or too small for it",
                "see AMD's list of GPUs that ROCm supports; others serve webgpu",
            )
        }),
        _ if in_container(bundle) => no("it is not given to this container", CONTAINER),
        Some(other) => no(
            format!("the driver {other} has it, and not amdgpu"),
            "load amdgpu (`sudo modprobe amdgpu`), and remove what keeps it from loading",
        ),
        None => no(
            "no driver is loaded for it",
            "load amdgpu (`sudo modprobe amdgpu`), or install AMD's driver (`amdgpu-install \
             --usecase=rocm`)",
        ),
    };
    let number = |name: &str| fact(bundle, &pci.path(name), "", |it| it.trim().parse::<u64>().ok());
    let (memory_total_bytes, memory_free_bytes) =
        free(number("mem_info_vram_total"), number("mem_info_vram_used"));
    let mut more: BTreeMap<_, _> =
        pci.link(bundle).into_iter().map(|(key, fact)| (key.to_owned(), fact)).collect();
    more.insert(
        "pci_address".to_owned(),
        Fact::known(pci.address.to_owned(), "/sys/bus/pci/devices"),
    );
    Device {
        id: format!("rocm:hidden-{}", pci.address),
        platforms: vec![Platform::Rocm],
        kind: DeviceKind::DiscreteGpu,
        name: pci.name(bundle),
        memory_total_bytes,
        memory_free_bytes,
        shares_main_memory: false,
        architecture: Fact::unknown(NODES, "only KFD tells its target, and does not show it"),
        driver: driver(bundle),
        visible: false,
        obstacle: Some(why),
        more,
    }
}
