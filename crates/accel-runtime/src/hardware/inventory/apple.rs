//! The GPU of a Mac, and its Neural Engine.

use std::collections::BTreeMap;

use accel_core::Platform;
use accel_core::hardware::{Device, DeviceKind, Fact};

use super::memory::memory;
use super::read::field;
use super::system::printed;
use crate::hardware::{Answer, Bundle};

/// The one that Core ML uses; empty elsewhere.
pub(super) fn devices(bundle: &Bundle) -> Vec<Device> {
    if bundle.os != "macos" {
        return Vec::new();
    }
    let silicon = bundle.arch == "aarch64";
    let metal = bundle.metal.as_ref();
    let refused = match metal {
        Some(Answer::Refused { error }) => format!("Metal cannot be asked: {error}"),
        _ => "Metal was not asked".to_owned(),
    };
    let given = metal.and_then(Answer::given);
    let name = if silicon {
        printed(bundle, "sysctl", "machdep.cpu.brand_string")
    } else {
        Fact::unknown("Metal", "the name of an Intel Mac's GPU is not read")
    };
    let working_set = match given.filter(|it| it.working_set_bytes > 0) {
        Some(it) => Fact::known(it.working_set_bytes, "Metal recommendedMaxWorkingSetSize"),
        None => Fact::unknown("Metal recommendedMaxWorkingSetSize", &*refused),
    };
    let shares = given.map_or(silicon, |it| it.unified);
    let free = if shares {
        let available = memory(bundle).available_bytes;
        match (available.value, working_set.value) {
            (Some(available_bytes), Some(limit)) => {
                Fact::known(available_bytes.min(limit), available.source)
            }
            _ => available,
        }
    } else {
        Fact::unknown("Metal", "macOS does not tell the free memory of a GPU that has its own")
    };
    let family = given.and_then(|it| it.families.iter().filter_map(|it| family(*it)).next_back());
    let mut more = BTreeMap::new();
    let mut add = |key: &str, fact: Fact<String>| more.insert(key.to_owned(), fact);
    let ioreg = bundle.printed("ioreg AGXAccelerator").unwrap_or_default();
    add(
        "gpu_cores",
        match cores(ioreg) {
            Some(it) => Fact::known(it.to_owned(), "ioreg AGXAccelerator gpu-core-count"),
            None => Fact::unknown(
                "ioreg AGXAccelerator gpu-core-count",
                if silicon { "it does not say" } else { "only Apple's own GPUs tell it" },
            ),
        },
    );
    add(
        "neural_engine",
        Fact::known(
            if silicon { "yes" } else { "no" }.to_owned(),
            "the processor: each Mac with Apple silicon has one, and no other Mac",
        ),
    );
    add("macos", printed(bundle, "sysctl", "kern.osproductversion"));
    vec![Device {
        id: "mps:0".to_owned(),
        platforms: vec![Platform::Mps],
        kind: if shares { DeviceKind::IntegratedGpu } else { DeviceKind::DiscreteGpu },
        name,
        memory_total_bytes: working_set,
        memory_free_bytes: free,
        shares_main_memory: shares,
        architecture: match family {
            Some(it) => Fact::known(it.to_owned(), "Metal supportsFamily"),
            None => Fact::unknown("Metal supportsFamily", &*refused),
        },
        driver: super::read::map(printed(bundle, "sysctl", "kern.osproductversion"), |it| {
            format!("macOS {it}")
        }),
        visible: true,
        obstacle: None,
        more,
    }]
}

fn cores(ioreg: &str) -> Option<&str> {
    ioreg
        .lines()
        .find_map(|it| it.trim_start_matches(['|', ' ']).strip_prefix("\"gpu-core-count\" = "))
        .map(str::trim)
        .filter(|it| !it.is_empty() && it.bytes().all(|it| it.is_ascii_digit()))
        .or_else(|| field(ioreg, "gpu-core-count"))
}

/// A member of `MTLGPUFamily` (`MTLDevice.h`); the numbers ascend with what GPUs can do.
fn family(number: i64) -> Option<&'static str> {
    Some(match number {
        2002 => "Mac2",
        1007 => "Apple7",
        1008 => "Apple8",
        1009 => "Apple9",
        1010 => "Apple10",
        _ => return None,
    })
}
