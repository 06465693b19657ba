//! Machines as a detection would describe them, made by hand.

use std::collections::BTreeMap;

use accel_core::hardware::{
    Cpu, Device, DeviceKind, EngineState, Fact, INVENTORY_VERSION, Inventory, Memory, MemoryLimit,
    Obstacle, PlatformState, System,
};
use accel_core::{Engine, Platform, Vocabulary as _};

/// 2^30 bytes.
pub(crate) const GIB: u64 = 1 << 30;

fn known<T>(value: T) -> Fact<T> {
    Fact::known(value, "made by hand")
}

fn unknown<T>() -> Fact<T> {
    Fact::unknown("made by hand", "nobody asks")
}

/// A machine with a CPU of eight usable cores, so much main memory, and nothing else.
pub(crate) fn machine(total_bytes: u64, available_bytes: u64) -> Inventory {
    let engine = |it: &Engine| EngineState {
        engine: *it,
        version: unknown(),
        path: None,
        parts: Vec::new(),
        obstacle: (*it != Engine::Rten).then(|| obstacle(&format!("{it} is not installed"))),
    };
    let platform = |it: &Platform| PlatformState {
        platform: *it,
        available: *it == Platform::Cpu,
        devices: Vec::new(),
        obstacle: (*it != Platform::Cpu).then(|| obstacle(&format!("there is no {it} device"))),
    };
    Inventory {
        version: INVENTORY_VERSION,
        system: System {
            os: known("linux".to_owned()),
            arch: known("x86_64".to_owned()),
            inside: known(Vec::new()),
            ..System::default()
        },
        cpu: Cpu {
            name: known("Processor of eight cores".to_owned()),
            sockets: known(1),
            physical_cores: known(8),
            logical_cores: known(8),
            usable_cores: known(8),
            extensions: known(vec!["avx2".to_owned()]),
            ..Cpu::default()
        },
        memory: Memory {
            total_bytes: known(total_bytes),
            available_bytes: known(available_bytes),
            limit: known(MemoryLimit::Unlimited),
            limit_used_bytes: unknown(),
            swap_total_bytes: known(0),
            pressure_percent: known(0.0),
        },
        devices: Vec::new(),
        engines: Engine::ALL.iter().map(engine).collect(),
        platforms: Platform::ALL.iter().map(platform).collect(),
        remarks: Vec::new(),
    }
}

/// What is wrong, and that it can be mended.
pub(crate) fn obstacle(reason: &str) -> Obstacle {
    Obstacle { reason: reason.to_owned(), remedy: format!("mend this: {reason}") }
}

/// The same machine with a platform available, its usable devices being those named.
pub(crate) fn with_platform(
    mut machine: Inventory,
    platform: Platform,
    devices: &[&str],
) -> Inventory {
    for state in machine.platforms.iter_mut().filter(|it| it.platform == platform) {
        state.available = true;
        state.devices = devices.iter().map(|it| (*it).to_owned()).collect();
        state.obstacle = None;
    }
    machine
}

/// A usable device.
pub(crate) fn device(
    id: &str,
    platform: Platform,
    kind: DeviceKind,
    name: &str,
    memory: u64,
) -> Device {
    Device {
        id: id.to_owned(),
        platforms: vec![platform],
        kind,
        name: known(name.to_owned()),
        memory_total_bytes: known(memory),
        memory_free_bytes: known(memory - memory / 64),
        shares_main_memory: matches!(kind, DeviceKind::IntegratedGpu | DeviceKind::Npu),
        architecture: unknown(),
        driver: unknown(),
        visible: true,
        obstacle: None,
        more: BTreeMap::new(),
    }
}

/// No accelerator; 16 GiB, 12 of them available.
pub(crate) fn plain() -> Inventory {
    machine(16 * GIB, 12 * GIB)
}

/// A container with 4 GiB, one of them used, on a machine with 256 GiB.
pub(crate) fn pod() -> Inventory {
    let mut machine = machine(256 * GIB, 200 * GIB);
    machine.memory.limit = known(MemoryLimit::Bytes(4 * GIB));
    machine.memory.limit_used_bytes = known(GIB);
    machine.cpu.usable_cores = known(2);
    machine
}

/// Two A100 of 80 GiB, the second one in two MIG slices of 40 and 10 GiB.
pub(crate) fn two_a100_with_mig() -> Inventory {
    let mut machine = machine(512 * GIB, 480 * GIB);
    let cuda = Platform::Cuda;
    let mut parent =
        device("cuda:hidden-1", cuda, DeviceKind::DiscreteGpu, "NVIDIA A100-SXM4-80GB", 80 * GIB);
    parent.obstacle = Some(obstacle("the GPU is divided into MIG slices"));
    machine.devices = vec![
        device("cuda:0", cuda, DeviceKind::DiscreteGpu, "NVIDIA A100-SXM4-80GB", 80 * GIB),
        device("cuda:1", cuda, DeviceKind::MigSlice, "NVIDIA A100 MIG 3g.40gb", 40 * GIB),
        device("cuda:2", cuda, DeviceKind::MigSlice, "NVIDIA A100 MIG 1g.10gb", 10 * GIB),
        parent,
    ];
    with_platform(machine, cuda, &["cuda:0", "cuda:1", "cuda:2"])
}

/// Two GPUs of 24 GiB that nothing tells apart.
pub(crate) fn two_equal_gpus() -> Inventory {
    let mut machine = machine(64 * GIB, 48 * GIB);
    let gpu = |id| device(id, Platform::Cuda, DeviceKind::DiscreteGpu, "NVIDIA A10", 24 * GIB);
    machine.devices = vec![gpu("cuda:0"), gpu("cuda:1")];
    with_platform(machine, Platform::Cuda, &["cuda:0", "cuda:1"])
}

/// A laptop: an RTX of 8 GiB with 7 free, and an Intel GPU that OpenVINO serves.
pub(crate) fn rtx_laptop() -> Inventory {
    let mut machine = machine(16 * GIB, 8 * GIB);
    let mut rtx =
        device("cuda:0", Platform::Cuda, DeviceKind::DiscreteGpu, "NVIDIA RTX 4060", 8 * GIB);
    rtx.memory_free_bytes = known(7 * GIB);
    let mut iris = device(
        "openvino:GPU",
        Platform::Openvino,
        DeviceKind::IntegratedGpu,
        "Intel Iris Xe Graphics",
        8 * GIB,
    );
    iris.memory_free_bytes = unknown();
    machine.devices = vec![rtx, iris];
    let machine = with_platform(machine, Platform::Cuda, &["cuda:0"]);
    with_platform(machine, Platform::Openvino, &["openvino:CPU", "openvino:GPU"])
}

/// One MI300X, and one that `HIP_VISIBLE_DEVICES` hides.
pub(crate) fn mi300x() -> Inventory {
    let mut machine = machine(1024 * GIB, 1000 * GIB);
    let gpu =
        |id| device(id, Platform::Rocm, DeviceKind::DiscreteGpu, "AMD Instinct MI300X", 192 * GIB);
    let mut hidden = gpu("rocm:hidden-1");
    hidden.visible = false;
    machine.devices = vec![gpu("rocm:0"), hidden];
    with_platform(machine, Platform::Rocm, &["rocm:0"])
}

/// An M1 with 16 GiB, of which its GPU may have 11.
pub(crate) fn m1() -> Inventory {
    let mut machine = machine(16 * GIB, 9 * GIB);
    machine.system.os = known("macos".to_owned());
    machine.system.arch = known("aarch64".to_owned());
    let mut gpu = device("mps:0", Platform::Mps, DeviceKind::IntegratedGpu, "Apple M1", 11 * GIB);
    gpu.memory_free_bytes = unknown();
    machine.devices = vec![gpu];
    with_platform(machine, Platform::Mps, &["mps:0"])
}

/// Nine devices: four GPUs, an Intel GPU and NPU, OpenVINO's CPU, a browser, the CPU.
pub(crate) fn nine_devices() -> Inventory {
    let mut machine = machine(256 * GIB, 200 * GIB);
    let cuda = Platform::Cuda;
    let mut devices: Vec<Device> = (0..4)
        .map(|i| device(&format!("cuda:{i}"), cuda, DeviceKind::DiscreteGpu, "NVIDIA L4", 24 * GIB))
        .collect();
    let openvino = Platform::Openvino;
    devices.push(device("openvino:GPU", openvino, DeviceKind::IntegratedGpu, "Iris", 32 * GIB));
    devices.push(device("openvino:NPU", openvino, DeviceKind::Npu, "AI Boost", 16 * GIB));
    machine.devices = devices;
    let machine = with_platform(machine, cuda, &["cuda:0", "cuda:1", "cuda:2", "cuda:3"]);
    let listed = ["openvino:CPU", "openvino:GPU", "openvino:NPU"];
    let machine = with_platform(machine, openvino, &listed);
    with_platform(machine, Platform::Webgpu, &[])
}
