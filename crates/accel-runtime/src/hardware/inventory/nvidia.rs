//! NVIDIA's GPUs and their slices.

use accel_core::Platform;
use accel_core::hardware::{Device, DeviceKind, Fact, Obstacle};

use super::no;
use super::nvml_status::{obstacle, text};
use super::pci::{self, PciDevice, same_address};
use super::unreached::{of_driver, unlisted};
use super::visible::{CudaDevice, CudaName, SliceName, Visible, cuda};
use crate::hardware::{Bundle, Nvml, NvmlGpu, NvmlSlice, NvmlValue};

pub(super) const DRIVER_FILE: &str = "/proc/driver/nvidia/version";
pub(super) const GPUS: &str = "/proc/driver/nvidia/gpus/";

/// All of them, usable ones first in CUDA's order, then what is hidden or broken.
pub(super) fn devices(bundle: &Bundle) -> Vec<Device> {
    let on_bus: Vec<_> = pci::devices(bundle)
        .into_iter()
        .filter(|it| it.vendor == pci::NVIDIA && it.is_gpu())
        .collect();
    let mut devices = match &bundle.nvml {
        Some(nvml) if nvml.status == 0 => from_nvml(bundle, nvml, &on_bus),
        _ => Vec::new(),
    };
    let listed: Vec<&str> = bundle
        .nvml
        .iter()
        .flat_map(|it| &it.gpus)
        .filter_map(|it| value(it.pci.as_ref()).map(String::as_str))
        .collect();
    // A GPU that NVML lists without an address has one of those that it does not list by address.
    let mut nameless = bundle
        .nvml
        .iter()
        .flat_map(|it| &it.gpus)
        .filter(|it| value(it.pci.as_ref()).is_none())
        .count();
    for device in &on_bus {
        if listed.iter().any(|it| same_address(it, device.address)) {
            continue;
        }
        if nameless > 0 {
            nameless -= 1;
            continue;
        }
        devices.push(unlisted(bundle, device));
    }
    if devices.is_empty() && on_bus.is_empty() {
        // Where the bus cannot be seen, the driver's own list.
        for address in bundle.children(GPUS) {
            devices.push(of_driver(bundle, address));
        }
    }
    devices
}

fn value<T>(it: Option<&NvmlValue<T>>) -> Option<&T> {
    match it {
        Some(NvmlValue::Value(it)) => Some(it),
        _ => None,
    }
}

/// A fact from an answer of NVML.
fn said<T, U>(it: Option<&NvmlValue<T>>, call: &str, show: impl FnOnce(&T) -> U) -> Fact<U> {
    let source = format!("NVML {call}");
    match it {
        Some(NvmlValue::Value(it)) => Fact::known(show(it), source),
        Some(NvmlValue::Status { status }) => Fact::unknown(source, text(*status)),
        None => Fact::unknown(source, "NVML was not asked, since it cannot reach the GPU"),
    }
}

fn from_nvml(bundle: &Bundle, nvml: &Nvml, on_bus: &[PciDevice<'_>]) -> Vec<Device> {
    let variable = bundle.environment.get("CUDA_VISIBLE_DEVICES").map(String::as_str);
    // CUDA passes over what it cannot reach, so that such a GPU has no index.
    let reachable: Vec<usize> =
        (0..nvml.gpus.len()).filter(|it| nvml.gpus[*it].status == 0).collect();
    let names: Vec<_> = reachable.iter().map(|it| name(&nvml.gpus[*it])).collect();
    let visible = cuda(&names, variable);
    let index_of = |gpu: usize, slice: Option<usize>| {
        let place = reachable.iter().position(|it| *it == gpu)?;
        visible.devices.iter().position(|it| *it == CudaDevice { gpu: place, slice })
    };
    let mut devices: Vec<(Option<usize>, Device)> = Vec::new();
    for (number, gpu) in nvml.gpus.iter().enumerate() {
        let partitioned = value(gpu.mig.as_ref()) == Some(&true);
        let index = index_of(number, None);
        let mut device = whole(bundle, nvml, gpu, on_bus);
        device.id = id(index, &number.to_string());
        device.visible = index.is_some();
        device.obstacle = if gpu.status != 0 {
            Some(obstacle(bundle, gpu.status))
        } else if partitioned && gpu.slices.is_empty() {
            Some(no(
                "it is partitioned (MIG), and no slice has been made",
                format!(
                    "make one with `sudo nvidia-smi mig -i {number} -cgi 0 -C`, or turn \
                     partitioning off with `sudo nvidia-smi -i {number} -mig 0`"
                ),
            ))
        } else if partitioned {
            Some(no(
                "it is partitioned (MIG), and used through its slices",
                format!(
                    "use a slice, or turn partitioning off with `sudo nvidia-smi -i {number} -mig 0`"
                ),
            ))
        } else {
            index.is_none().then(|| hidden(&visible))
        };
        devices.push((index, device));
        for (place, it) in gpu.slices.iter().enumerate() {
            let index = index_of(number, Some(place));
            let mut slice = slice(nvml, gpu, it, number);
            slice.id = id(index, &format!("{number}.{place}"));
            slice.visible = index.is_some();
            slice.obstacle = index.is_none().then(|| hidden(&visible));
            devices.push((index, slice));
        }
    }
    devices.sort_by_key(|(index, _)| index.unwrap_or(usize::MAX));
    let mut devices: Vec<_> = devices.into_iter().map(|(_, it)| it).collect();
    order(bundle, &mut devices);
    devices
}

fn id(index: Option<usize>, physical: &str) -> String {
    index.map_or_else(|| format!("cuda:hidden-{physical}"), |it| format!("cuda:{it}"))
}

fn hidden(visible: &Visible<CudaDevice>) -> Obstacle {
    match &visible.remark {
        Some(remark) => no(remark.clone(), "unset CUDA_VISIBLE_DEVICES, or name this GPU in it"),
        None => no(
            "CUDA shows a process one slice at most, and no whole GPU beside it",
            "name this one in CUDA_VISIBLE_DEVICES (`nvidia-smi -L` lists the names)",
        ),
    }
}

/// Says so where CUDA's numbers may be others than NVML's.
fn order(bundle: &Bundle, devices: &mut [Device]) {
    let by_bus = bundle.environment.get("CUDA_DEVICE_ORDER").is_some_and(|it| it == "PCI_BUS_ID");
    let names: Vec<_> =
        devices.iter().filter(|it| it.visible).map(|it| it.name.value.clone()).collect();
    if by_bus || names.windows(2).all(|it| it[0] == it[1]) {
        return;
    }
    for device in devices.iter_mut().filter(|it| it.visible) {
        device.more.insert(
            "cuda_index".to_owned(),
            Fact::unknown(
                "CUDA_DEVICE_ORDER",
                "these GPUs differ, and CUDA numbers the fastest first unless CUDA_DEVICE_ORDER is \
                 PCI_BUS_ID; the id follows the bus",
            ),
        );
    }
}

fn name(gpu: &NvmlGpu) -> CudaName {
    CudaName {
        uuid: value(gpu.uuid.as_ref()).cloned(),
        partitioned: value(gpu.mig.as_ref()) == Some(&true),
        slices: gpu
            .slices
            .iter()
            .map(|it| SliceName {
                uuid: value(it.uuid.as_ref()).cloned(),
                instance: value(it.instance.as_ref()).copied(),
            })
            .collect(),
    }
}

/// The driver's version, by NVML, else by the driver's own file.
pub(super) fn driver(bundle: &Bundle, nvml: Option<&Nvml>) -> Fact<String> {
    let asked = nvml.and_then(|it| it.driver.as_ref());
    if let Some(NvmlValue::Value(_)) = asked {
        return said(asked, "nvmlSystemGetDriverVersion", Clone::clone);
    }
    super::read::fact(bundle, DRIVER_FILE, "", |text| {
        // As `NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.54.03  Tue …`; with open modules
        // the words before the number are others.
        let line = text.lines().find(|it| it.starts_with("NVRM version"))?;
        let is_version = |it: &&str| {
            it.contains('.')
                && it
                    .split('.')
                    .all(|it| !it.is_empty() && it.bytes().all(|it| it.is_ascii_digit()))
        };
        line.split_whitespace().find(is_version).map(str::to_owned)
    })
}

/// `13000` as `13.0`.
fn cuda_version(number: i32) -> String {
    format!("{}.{}", number / 1000, number % 1000 / 10)
}

fn whole(bundle: &Bundle, nvml: &Nvml, gpu: &NvmlGpu, on_bus: &[PciDevice<'_>]) -> Device {
    let address = value(gpu.pci.as_ref());
    let on_bus = on_bus.iter().find(|it| address.is_some_and(|own| same_address(own, it.address)));
    let mut name = said(gpu.name.as_ref(), "nvmlDeviceGetName", Clone::clone);
    if let (None, Some(device)) = (&name.value, on_bus) {
        name = device.name(bundle);
    }
    let watts = |it: &u32| format!("{}.{:03}", it / 1000, it % 1000);
    let both = |it: &[u32; 2], at: usize| it[at].to_string();
    let more = [
        ("uuid", said(gpu.uuid.as_ref(), "nvmlDeviceGetUUID", Clone::clone)),
        ("pci_address", said(gpu.pci.as_ref(), "nvmlDeviceGetPciInfo_v3", Clone::clone)),
        (
            "cuda_version",
            said(nvml.cuda.as_ref(), "nvmlSystemGetCudaDriverVersion_v2", |it| cuda_version(*it)),
        ),
        (
            "pcie_generation",
            said(gpu.pcie_generation.as_ref(), "nvmlDeviceGetCurrPcieLinkGeneration", |it| {
                both(it, 0)
            }),
        ),
        (
            "pcie_generation_max",
            said(gpu.pcie_generation.as_ref(), "nvmlDeviceGetMaxPcieLinkGeneration", |it| {
                both(it, 1)
            }),
        ),
        (
            "pcie_width",
            said(gpu.pcie_width.as_ref(), "nvmlDeviceGetCurrPcieLinkWidth", |it| both(it, 0)),
        ),
        (
            "pcie_width_max",
            said(gpu.pcie_width.as_ref(), "nvmlDeviceGetMaxPcieLinkWidth", |it| both(it, 1)),
        ),
        (
            "power_limit_watts",
            said(gpu.power_limit_mw.as_ref(), "nvmlDeviceGetEnforcedPowerLimit", watts),
        ),
        ("power_watts", said(gpu.power_mw.as_ref(), "nvmlDeviceGetPowerUsage", watts)),
        ("clock_mhz", said(gpu.clock_mhz.as_ref(), "nvmlDeviceGetClockInfo", |it| both(it, 0))),
        (
            "clock_mhz_max",
            said(gpu.clock_mhz.as_ref(), "nvmlDeviceGetMaxClockInfo", |it| both(it, 1)),
        ),
        (
            "memory_clock_mhz",
            said(gpu.memory_clock_mhz.as_ref(), "nvmlDeviceGetClockInfo", |it| both(it, 0)),
        ),
        (
            "memory_clock_mhz_max",
            said(gpu.memory_clock_mhz.as_ref(), "nvmlDeviceGetMaxClockInfo", |it| both(it, 1)),
        ),
        (
            "processes",
            said(
                gpu.processes.as_ref(),
                "nvmlDeviceGet{Compute,Graphics}RunningProcesses_v3",
                |it| it[0].saturating_add(it[1]).to_string(),
            ),
        ),
        (
            "mig",
            said(gpu.mig.as_ref(), "nvmlDeviceGetMigMode", |it| {
                if *it { "on" } else { "off" }.to_owned()
            }),
        ),
    ];
    Device {
        id: String::new(),
        platforms: vec![Platform::Cuda],
        kind: DeviceKind::DiscreteGpu,
        name,
        memory_total_bytes: said(gpu.memory.as_ref(), "nvmlDeviceGetMemoryInfo", |it| it[0]),
        memory_free_bytes: said(gpu.memory.as_ref(), "nvmlDeviceGetMemoryInfo", |it| it[1]),
        shares_main_memory: false,
        architecture: said(
            gpu.compute_capability.as_ref(),
            "nvmlDeviceGetCudaComputeCapability",
            |it| format!("{}.{}", it[0], it[1]),
        ),
        driver: driver(bundle, Some(nvml)),
        visible: false,
        obstacle: None,
        more: more.into_iter().map(|(key, fact)| (key.to_owned(), fact)).collect(),
    }
}

fn slice(nvml: &Nvml, gpu: &NvmlGpu, it: &NvmlSlice, number: usize) -> Device {
    let instance = |at: usize| {
        said(it.instance.as_ref(), "nvmlDeviceGet{Gpu,Compute}InstanceId", |it| it[at].to_string())
    };
    let more = [
        ("uuid", said(it.uuid.as_ref(), "nvmlDeviceGetUUID", Clone::clone)),
        (
            "parent",
            Fact::known(format!("GPU {number}"), "NVML nvmlDeviceGetMigDeviceHandleByIndex"),
        ),
        ("gpu_instance", instance(0)),
        ("compute_instance", instance(1)),
        (
            "cuda_version",
            said(nvml.cuda.as_ref(), "nvmlSystemGetCudaDriverVersion_v2", |it| cuda_version(*it)),
        ),
        (
            "processes",
            said(
                it.processes.as_ref(),
                "nvmlDeviceGet{Compute,Graphics}RunningProcesses_v3",
                |it| it[0].saturating_add(it[1]).to_string(),
            ),
        ),
    ];
    Device {
        id: String::new(),
        platforms: vec![Platform::Cuda],
        kind: DeviceKind::MigSlice,
        name: said(it.name.as_ref(), "nvmlDeviceGetName", Clone::clone),
        memory_total_bytes: said(it.memory.as_ref(), "nvmlDeviceGetMemoryInfo", |it| it[0]),
        memory_free_bytes: said(it.memory.as_ref(), "nvmlDeviceGetMemoryInfo", |it| it[1]),
        shares_main_memory: false,
        architecture: said(
            gpu.compute_capability.as_ref(),
            "nvmlDeviceGetCudaComputeCapability",
            |it| format!("{}.{}", it[0], it[1]),
        ),
        driver: said(nvml.driver.as_ref(), "nvmlSystemGetDriverVersion", Clone::clone),
        visible: false,
        obstacle: None,
        more: more.into_iter().map(|(key, fact)| (key.to_owned(), fact)).collect(),
    }
}
