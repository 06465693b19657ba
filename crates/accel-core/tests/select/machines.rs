//! Machines as a detection would describe them, made by hand.

use accel_core::hardware::{Device, DeviceKind, Fact, INVENTORY_VERSION, Inventory, Obstacle};
use accel_core::{Engine, Platform, Vocabulary as _};
use serde_json::{Value, json};

/// 2^30 bytes.
pub(crate) const GIB: u64 = 1 << 30;

fn known<T>(value: T) -> Fact<T> {
    Fact::known(value, "made by hand")
}

fn unknown<T>() -> Fact<T> {
    Fact::unknown("made by hand", "nobody asks")
}

/// A value as JSON, as a recorded machine has it.
fn fact(value: impl Into<Value>) -> Value {
    let value = value.into();
    let mut fact = json!({ "value": value, "source": "made by hand" });
    if fact["value"].is_null() {
        fact["reason"] = json!("nobody asks");
    }
    fact
}

/// A machine with a CPU of eight usable cores, so much main memory, and nothing else.
pub(crate) fn machine(total_bytes: u64, available_bytes: u64) -> Inventory {
    let nothing = || fact(Value::Null);
    let engines = Engine::ALL.iter().map(|it| {
        let obstacle = (*it != Engine::Rten).then(|| obstacle(&format!("{it} is not installed")));
        json!({ "engine": it, "version": nothing(), "obstacle": obstacle })
    });
    let platforms = Platform::ALL.iter().map(|it| {
        let here = *it == Platform::Cpu;
        let obstacle = (!here).then(|| obstacle(&format!("there is no {it} device")));
        json!({ "platform": it, "available": here, "devices": [], "obstacle": obstacle })
    });
    serde_json::from_value(json!({
        "version": INVENTORY_VERSION,
        "system": {
            "os": fact("linux"), "os_version": nothing(), "kernel": nothing(),
            "arch": fact("x86_64"), "inside": fact(json!([])),
        },
        "cpu": {
            "vendor": nothing(), "name": fact("Processor of eight cores"), "sockets": fact(1),
            "physical_cores": fact(8), "logical_cores": fact(8), "usable_cores": fact(8),
            "extensions": fact(json!(["avx2"])), "l1d_bytes": nothing(), "l2_bytes": nothing(),
            "l3_bytes": nothing(), "max_mhz": nothing(),
        },
        "memory": {
            "total_bytes": fact(total_bytes), "available_bytes": fact(available_bytes),
            "limit": fact("unlimited"), "limit_used_bytes": nothing(),
            "swap_total_bytes": fact(0), "pressure_percent": fact(0.0),
        },
        "devices": [],
        "engines": engines.collect::<Vec<_>>(),
        "platforms": platforms.collect::<Vec<_>>(),
    }))
    .unwrap()
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

/// A usable device, of whose memory a sixty-fourth is taken.
pub(crate) fn device(
    id: &str,
    platform: Platform,
    kind: DeviceKind,
    name: &str,
    memory: u64,
) -> Device {
    let nothing = || fact(Value::Null);
    serde_json::from_value(json!({
        "id": id, "platforms": [platform], "kind": kind, "name": fact(name),
        "memory_total_bytes": fact(memory), "memory_free_bytes": fact(memory - memory / 64),
        "shares_main_memory": matches!(kind, DeviceKind::IntegratedGpu | DeviceKind::Npu),
        "architecture": nothing(), "driver": nothing(),
        "visible": true, "obstacle": null, "more": {},
    }))
    .unwrap()
}

/// No accelerator; 16 GiB, 12 of them available.
pub(crate) fn plain() -> Inventory {
    machine(16 * GIB, 12 * GIB)
}

/// A container with 4 GiB, one of them used, on a machine with 256 GiB.
pub(crate) fn pod() -> Inventory {
    let mut machine = machine(256 * GIB, 200 * GIB);
    machine.memory.limit = known(accel_core::hardware::MemoryLimit::Bytes(4 * GIB));
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
    with_platform(machine, Platform::Openvino, &["openvino:GPU"])
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
    let listed = ["openvino:GPU", "openvino:NPU"];
    let machine = with_platform(machine, openvino, &listed);
    with_platform(machine, Platform::Webgpu, &[])
}
