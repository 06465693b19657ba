//! What matters most of each machine, written by hand, so that no snapshot is the only truth.

use accel_runtime::Platform;
use accel_runtime::hardware::{CpuLimit, DeviceKind, Inventory, MemoryLimit};

use crate::bundles::replayed;

/// Ids of a platform's usable devices.
fn usable(inventory: &Inventory, platform: Platform) -> Vec<&str> {
    inventory.platform(platform).unwrap().devices.iter().map(String::as_str).collect()
}

#[track_caller]
fn available(inventory: &Inventory, platform: Platform) {
    let state = inventory.platform(platform).unwrap();
    assert!(state.available, "{state:?}");
}

#[track_caller]
fn refused(inventory: &Inventory, platform: Platform, reason: &str, remedy: &str) {
    let obstacle = inventory.platform(platform).unwrap().obstacle.as_ref().unwrap();
    assert!(obstacle.reason.contains(reason), "{obstacle:?}");
    assert!(obstacle.remedy.contains(remedy), "{obstacle:?}");
}

#[test]
fn a_partitioned_a100_shows_one_slice_and_says_why_no_more() {
    let it = replayed("a100-mig");
    available(&it, Platform::Cuda);
    assert_eq!(usable(&it, Platform::Cuda), ["cuda:0"]);
    let first = it.device("cuda:0").unwrap();
    assert_eq!(first.kind, DeviceKind::MigSlice);
    assert_eq!(first.memory_total_bytes.value, Some(19968 << 20));
    assert_eq!(first.architecture.value.as_deref(), Some("8.0"));
    assert_eq!(it.devices.len(), 5, "two GPUs and three slices");
    let other = it.device("cuda:hidden-1").unwrap().obstacle.as_ref().unwrap();
    assert!(other.reason.contains("one slice at most"), "{other:?}");
    let named = replayed("a100-mig-by-id");
    let second = named.device("cuda:0").unwrap();
    assert_eq!(second.name.value.as_deref(), Some("NVIDIA A100-SXM4-40GB MIG 2g.10gb"));
    assert_eq!(usable(&named, Platform::Cuda).len(), 1);
}

#[test]
fn visible_devices_are_counted_and_ordered_as_cuda_does() {
    let name = |it: &Inventory, id: &str| {
        it.device(id).unwrap().more["pci_address"].value.clone().unwrap()
    };
    let by_uuid = replayed("cuda-visible-by-uuid");
    assert_eq!(usable(&by_uuid, Platform::Cuda), ["cuda:0", "cuda:1"]);
    assert_eq!(name(&by_uuid, "cuda:0"), "00000000:3C:00.0");
    assert_eq!(name(&by_uuid, "cuda:1"), "00000000:38:00.0");
    let by_index = replayed("cuda-visible-by-index");
    assert_eq!(usable(&by_index, Platform::Cuda), ["cuda:0", "cuda:1"]);
    assert_eq!(name(&by_index, "cuda:0"), "00000000:3E:00.0");
    let hidden = replayed("cuda-visible-empty");
    assert!(usable(&hidden, Platform::Cuda).is_empty());
    refused(&hidden, Platform::Cuda, "CUDA_VISIBLE_DEVICES is empty", "unset CUDA_VISIBLE_DEVICES");
    assert_eq!(hidden.devices.len(), 2, "hidden ones are told of");
}

#[test]
fn broken_nvidia_drivers_are_told_apart() {
    let mismatch = replayed("nvidia-driver-mismatch");
    refused(
        &mismatch,
        Platform::Cuda,
        "different versions (NVML 18); the driver that is loaded is 535.183.01",
        "restart the machine",
    );
    refused(
        &replayed("nvidia-not-loaded"),
        Platform::Cuda,
        "driver is not loaded",
        "modprobe nvidia",
    );
    refused(&replayed("nouveau"), Platform::Cuda, "nouveau", "nvidia-driver");
    refused(
        &replayed("container-without-toolkit"),
        Platform::Cuda,
        "NVIDIA's libraries are not given to this container",
        "--gpus all",
    );
    refused(
        &replayed("wsl-without-driver"),
        Platform::Cuda,
        "Windows shows no NVIDIA GPU",
        "wsl --shutdown",
    );
    let lost = replayed("gpu-off-bus");
    assert_eq!(usable(&lost, Platform::Cuda), ["cuda:0", "cuda:1", "cuda:2"]);
    let gone = lost.device("cuda:hidden-1").unwrap().obstacle.as_ref().unwrap();
    assert!(gone.reason.contains("fallen off the bus"), "{gone:?}");
    assert!(gone.remedy.contains("Xid"), "{gone:?}");
    assert_eq!(lost.devices.len(), 4, "the lost one is listed once");
}

#[test]
fn an_engine_without_a_device_and_a_device_without_an_engine_are_not_a_platform() {
    let laptop = replayed("rtx-laptop");
    assert_eq!(usable(&laptop, Platform::Cuda), ["cuda:0"]);
    refused(&laptop, Platform::Cuda, "needs CUDA 13, and the driver serves CUDA 12.4", "580");
    assert_eq!(usable(&laptop, Platform::Openvino), ["openvino:GPU"]);
    available(&replayed("wsl-nvidia"), Platform::Cuda);
    let container = replayed("mi50-container");
    assert_eq!(usable(&container, Platform::Rocm), ["rocm:0", "rocm:1"]);
    refused(&container, Platform::Rocm, "no provider `migraphx`", "onnxruntime-migraphx");
    // The engine is there, and nothing for it to run on.
    refused(&replayed("nvidia-not-loaded"), Platform::Cuda, "NVML 9", "");
}

#[test]
fn rocm_is_not_cuda() {
    let it = replayed("mi300x");
    available(&it, Platform::Rocm);
    refused(&it, Platform::Cuda, "no NVIDIA GPU on its PCI bus", "NVIDIA GPU");
    let first = it.device("rocm:0").unwrap();
    assert_eq!(first.architecture.value.as_deref(), Some("gfx942"));
    assert_eq!(first.memory_total_bytes.value, Some(206_141_652_992));
    assert_eq!(first.more["power_sensor"].value.as_deref(), Some("power1_input"));
    assert_eq!(first.more["power_limit_watts"].value.as_deref(), Some("750.000"));
    assert_eq!(usable(&it, Platform::Rocm).len(), 2);
    let closed = replayed("radeon-no-permission");
    refused(
        &closed,
        Platform::Rocm,
        "/dev/kfd cannot be opened: permission denied",
        "usermod -aG render",
    );
    let hidden = closed.devices.first().unwrap();
    assert_eq!(hidden.architecture.value.as_deref(), Some("gfx1100"), "what is known stays known");
}

#[test]
fn a_gpu_inside_of_a_processor_shares_its_memory() {
    let it = replayed("ryzen-with-gpu");
    let gpu = it.device("rocm:0").unwrap();
    assert_eq!(gpu.kind, DeviceKind::IntegratedGpu);
    assert!(gpu.shares_main_memory);
    assert_eq!(gpu.architecture.value.as_deref(), Some("gfx1103"));
    assert!(it.remarks.iter().any(|it| it.source == "GPU_DEVICE_ORDINAL"), "{:?}", it.remarks);
}

#[test]
fn macs_have_one_memory_and_their_own_engine() {
    let m1 = replayed("m1");
    refused(
        &m1,
        Platform::Mps,
        "ONNX Runtime's library was not found",
        "accel engines install onnxruntime",
    );
    assert_eq!(usable(&m1, Platform::Mps), ["mps:0"]);
    let max = replayed("m3-max");
    available(&max, Platform::Mps);
    let gpu = max.device("mps:0").unwrap();
    assert!(gpu.shares_main_memory);
    assert_eq!(gpu.more["gpu_cores"].value.as_deref(), Some("40"));
    assert_eq!(gpu.more["neural_engine"].value.as_deref(), Some("yes"));
    assert_eq!(gpu.memory_total_bytes.value, Some(96 << 30));
    assert_eq!(gpu.architecture.value.as_deref(), Some("Apple9"));
    assert_eq!((max.cpu.physical_cores.value, max.cpu.efficiency_cores.value), (Some(16), Some(4)));
    let intel = replayed("intel-mac");
    assert!(!intel.device("mps:0").unwrap().shares_main_memory);
    assert!(intel.cpu.extensions.value.unwrap().contains(&"avx2".to_owned()));
}

#[test]
fn intels_devices_are_those_that_openvino_can_use() {
    let lake = replayed("lunar-lake");
    assert_eq!(usable(&lake, Platform::Openvino), ["openvino:GPU", "openvino:NPU"]);
    assert_eq!(lake.device("openvino:NPU").unwrap().kind, DeviceKind::Npu);
    let arc = replayed("arc-a770").device("openvino:GPU").unwrap().clone();
    assert_eq!(arc.kind, DeviceKind::DiscreteGpu);
    assert_eq!(arc.memory_total_bytes.value, Some(0x3_fa00_0000));
    let meteor = replayed("meteor-lake-no-runtime");
    available(&meteor, Platform::Openvino);
    assert!(usable(&meteor, Platform::Openvino).is_empty(), "the processor alone");
    let gpu = meteor.device("openvino:hidden-GPU").unwrap().obstacle.clone().unwrap();
    assert!(gpu.remedy.contains("intel-opencl-icd"), "{gpu:?}");
    let npu = meteor.device("openvino:hidden-NPU").unwrap().obstacle.clone().unwrap();
    assert!(npu.reason.contains("permission denied") && npu.remedy.contains("render"), "{npu:?}");
}

#[test]
fn containers_leave_what_they_leave() {
    let pod = replayed("pod-cgroup-v2");
    assert_eq!(pod.system.inside.value.as_deref().unwrap(), ["kubernetes"]);
    assert_eq!(pod.memory.limit.value, Some(MemoryLimit::Bytes(4 << 30)));
    assert_eq!(pod.memory.limit_used_bytes.value, Some(2 << 30), "file pages are not used");
    assert_eq!(pod.memory.usable_bytes(), Some(2 << 30));
    assert_eq!(pod.memory.pressure_percent.value, Some(3.41));
    assert_eq!(pod.cpu.limit.value, Some(CpuLimit::Millicores(1500)));
    assert_eq!(pod.cpu.usable_cores.value, Some(2));
    assert_eq!(pod.cpu.logical_cores.value, Some(16));
    let docker = replayed("docker-cgroup-v1");
    assert_eq!(docker.system.inside.value.as_deref().unwrap(), ["docker"]);
    assert_eq!(docker.memory.usable_bytes(), Some((2 << 30) - 600 * (1 << 20)));
    assert_eq!(docker.cpu.usable_cores.value, Some(1));
    assert_eq!((docker.cpu.sockets.value, docker.cpu.physical_cores.value), (Some(2), Some(28)));
    let bare = replayed("sapphire-rapids");
    assert_eq!(bare.memory.limit.value, Some(MemoryLimit::Unlimited));
    assert!(bare.system.inside.value.unwrap().is_empty());
    assert_eq!(replayed("wsl-nvidia").system.inside.value.unwrap(), ["wsl2"]);
}

#[test]
fn affinity_limits_what_is_usable_and_not_what_is_there() {
    let it = replayed("h100-affinity");
    assert_eq!(it.cpu.usable_cores.value, Some(16));
    assert_eq!(it.cpu.logical_cores.value, Some(224));
    assert_eq!(it.cpu.physical_cores.value, Some(112));
    assert_eq!(it.cpu.numa_nodes.value, Some(2));
    assert_eq!(
        it.memory.limit.value,
        Some(MemoryLimit::Bytes(256 << 30)),
        "of a group above its own"
    );
    assert_eq!(usable(&it, Platform::Cuda), ["cuda:0", "cuda:1"]);
    assert_eq!(it.device("cuda:1").unwrap().more["processes"].value.as_deref(), Some("1"));
}

#[test]
fn extensions_are_those_that_arithmetic_needs() {
    let has = |name: &str, extension: &str| {
        replayed(name).cpu.extensions.value.unwrap().iter().any(|it| it == extension)
    };
    for it in ["amx_bf16", "amx_int8", "amx_tile", "avx512_fp16", "avx512_vnni", "avx512f"] {
        assert!(has("sapphire-rapids", it), "{it}");
        assert!(!has("a100-mig", it), "{it}");
    }
    for it in ["neon", "sve", "bf16", "i8mm", "dotprod", "fp16"] {
        assert!(has("graviton3", it), "{it}");
    }
    assert!(has("raspberry-pi-5", "neon") && !has("raspberry-pi-5", "sve"));
    assert!(!has("sapphire-rapids", "smep"), "x86's smep is not Arm's sme");
    let pi = replayed("raspberry-pi-5");
    assert_eq!(pi.cpu.name.value.as_deref(), Some("Cortex-A76"));
    assert_eq!(pi.system.machine.value.as_deref(), Some("Raspberry Pi 5 Model B Rev 1.0"));
    assert_eq!((pi.cpu.physical_cores.value, pi.cpu.max_mhz.value), (Some(4), Some(2400)));
    assert_eq!(replayed("graviton3").cpu.name.value.as_deref(), Some("Neoverse-V1"));
}

#[test]
fn what_cannot_be_read_is_unknown_and_says_so() {
    let it = replayed("unreadable-sysfs");
    refused(&it, Platform::Cuda, "the PCI bus cannot be seen", "/sys");
    assert_eq!(it.cpu.numa_nodes.value, None);
    assert!(it.cpu.numa_nodes.reason.unwrap().contains("permission denied"));
    assert_eq!(it.cpu.physical_cores.value, Some(16), "/proc/cpuinfo tells");
    assert_eq!(it.memory.limit.value, None, "a limit that cannot be read may be there");
    assert_eq!(it.cpu.limit.value, None);
    assert_eq!(it.cpu.usable_cores.value, Some(32));
    let windows = replayed("windows-without-gpu");
    assert_eq!(windows.cpu.logical_cores.value, Some(12));
    assert_eq!(windows.cpu.mhz.value, Some(2299));
    assert_eq!(windows.memory.total_bytes.value, None);
    refused(&windows, Platform::Cuda, "nvml.dll", "nvidia.com/drivers");
    assert_eq!(windows.system.os_version.value.as_deref(), Some("Windows 11 Pro (build 22631)"));
}

#[test]
fn browsers_serve_what_they_were_asked_for() {
    let it = replayed("browser-webgpu-webnn");
    available(&it, Platform::Webgpu);
    available(&it, Platform::Webnn);
    let refuses = replayed("browser-refuses");
    refused(&refuses, Platform::Webgpu, "no adapter", "ACCEL_BROWSER");
    refused(&refuses, Platform::Webnn, "navigator.ml", "--with-browser");
}
