//! Devices, memory, engines and platforms: what is there, and what keeps the rest from use.

use accel_core::diagnosis::{
    Check, Code, Component, Finding, Severity, Verdict, severity_of_unusable,
};
use accel_core::hardware::Inventory;
use accel_core::{Engine, Platform};
use accel_runtime::engine::{self, BrowserFiles, Lack};
use accel_runtime::{Availability, Error, availability};

use super::probe::Probed;
use crate::console;
use crate::defaults::default_options;

/// Share of the last ten seconds in which tasks waited for memory, in percent, from which on it
/// is short. Linux's own example of a threshold for action is 15 % of a window
/// (`Documentation/accounting/psi.rst`); this is a warning before it.
const PRESSURE_PERCENT: f64 = 10.0;

/// Memory is short when less than this part of it can be taken.
const LEAST_PART: u64 = 20;

/// Looks at memory and devices.
pub(super) fn hardware(inventory: &Inventory) -> Probed {
    let mut probed = Probed::default();
    memory(inventory, &mut probed);
    for device in &inventory.devices {
        let name = device.name.value.as_deref().unwrap_or("a device without a name");
        let check = |verdict, detail: String| Check {
            component: Component::Hardware,
            what: "device".to_owned(),
            platform: device.platforms.first().copied(),
            model: None,
            verdict,
            detail: format!("{} ({name}){detail}", device.id),
        };
        let seen = |finding: Finding| {
            let finding = finding.seen("device", device.id.as_str()).seen("name", name);
            match device.platforms.first() {
                Some(platform) => finding.on(*platform),
                None => finding,
            }
        };
        if let Some(obstacle) = &device.obstacle {
            let code = if device.visible { Code::DeviceUnusable } else { Code::HiddenDevice };
            let message = format!("{} ({name}) cannot be used: {}", device.id, obstacle.reason);
            let finding = Finding::new(code, message)
                .because(obstacle.reason.as_str())
                .advise(obstacle.remedy.as_str());
            probed.findings.push(seen(finding));
            probed.checks.push(check(Verdict::Failed, format!(": {}", obstacle.reason)));
        } else if device.visible {
            probed.checks.push(check(Verdict::Passed, String::new()));
        } else {
            let message = format!("{} ({name}) is hidden from this process", device.id);
            probed.findings.push(seen(Finding::new(Code::HiddenDevice, message)));
            probed.checks.push(check(Verdict::Failed, ": hidden from this process".to_owned()));
        }
    }
    probed
}

fn memory(inventory: &Inventory, probed: &mut Probed) {
    let memory = &inventory.memory;
    let check = |verdict, detail| Check {
        component: Component::Hardware,
        what: "memory".to_owned(),
        platform: None,
        model: None,
        verdict,
        detail,
    };
    let Some(usable) = memory.usable_bytes() else {
        let fact = &memory.available_bytes;
        let reason = fact.reason.as_deref().unwrap_or("nothing was read");
        let message = format!("how much memory can be taken is unknown: {reason}");
        let finding =
            Finding::new(Code::FactUnknown, message).seen(fact.source.as_str(), "unknown");
        probed.findings.push(finding);
        probed.checks.push(check(Verdict::Skipped, "unknown".to_owned()));
        return;
    };
    let pressure = memory.pressure_percent.value.filter(|it| *it >= PRESSURE_PERCENT);
    let total = memory.total_bytes.value;
    let short = total.is_some_and(|it| usable < it / LEAST_PART);
    let shown = console::bytes(usable);
    if pressure.is_some() || short {
        let message = match pressure {
            Some(percent) => format!(
                "tasks waited for memory in {percent:.0} % of the last ten seconds; {shown} can be \
                 taken"
            ),
            None => format!("only {shown} of memory can be taken"),
        };
        let finding = Finding::new(Code::MemoryPressure, message)
            .seen(memory.available_bytes.source.as_str(), format!("{usable} bytes"));
        probed.findings.push(match total {
            Some(total) => {
                finding.seen(memory.total_bytes.source.as_str(), format!("{total} bytes"))
            }
            None => finding,
        });
        probed.checks.push(check(Verdict::Failed, format!("{shown} can be taken")));
    } else {
        probed.checks.push(check(Verdict::Passed, format!("{shown} can be taken")));
    }
}

/// Looks at the engines that are loaded at run time: what is there and does not work is an error,
/// whether or not a device would use it.
pub(super) fn engines() -> Probed {
    let ort = engine::ort::found().map(|it| format!("{} at {}", it.version, it.path.display()));
    let openvino =
        engine::openvino::found().map(|it| format!("{} at {}", it.version, it.path.display()));
    let browser = BrowserFiles::find().map(|it| {
        format!("{}, with onnxruntime-web in {}", it.browser.display(), it.web.display())
    });
    let mut probed = Probed::default();
    for (engine, found) in [(Engine::Ort, ort), (Engine::Openvino, openvino)] {
        match found {
            Ok(detail) => probed.checks.push(check(engine, Verdict::Passed, detail)),
            Err(Error::EngineUnavailable { lack: Lack::WorkingEngine, reason, remedy, .. }) => {
                let message = format!("engine `{engine}` is there and cannot be used: {reason}");
                let finding = Finding::new(Code::EngineBroken, message)
                    .because(reason.as_str())
                    .seen("engine", engine.name())
                    .advise(remedy);
                probed.findings.push(finding);
                probed.checks.push(check(engine, Verdict::Failed, reason));
            }
            Err(error) => probed.checks.push(check(engine, Verdict::Skipped, error.to_string())),
        }
    }
    probed.checks.push(match browser {
        Ok(detail) => check(Engine::Browser, Verdict::Passed, detail),
        Err(missing) => check(Engine::Browser, Verdict::Skipped, missing.reason),
    });
    probed
}

fn check(engine: Engine, verdict: Verdict, detail: String) -> Check {
    Check {
        component: Component::Engine,
        what: format!("engine {engine}"),
        platform: None,
        model: None,
        verdict,
        detail,
    }
}

/// A platform, and why it cannot be used.
#[derive(Clone, Debug)]
pub(super) struct Usable {
    /// Which.
    pub(super) platform: Platform,
    /// Why not; `None` when it can.
    pub(super) obstacle: Option<String>,
}

/// Looks at `platforms`; those that are `asked_for` are missed if they are not there.
pub(super) fn platforms(
    platforms: &[Platform],
    asked_for: &[Platform],
    inventory: &Inventory,
) -> (Vec<Usable>, Probed) {
    let mut probed = Probed::default();
    let mut usable = Vec::new();
    for platform in platforms.iter().copied() {
        let check = |verdict, detail| Check {
            component: Component::Engine,
            what: "platform".to_owned(),
            platform: Some(platform),
            model: None,
            verdict,
            detail,
        };
        match availability(&default_options(platform)) {
            Availability::Available { engine } => {
                probed.checks.push(check(Verdict::Passed, format!("engine `{engine}` serves it")));
                usable.push(Usable { platform, obstacle: None });
            }
            Availability::Unavailable { engine, lack, reason, remedy } => {
                let devices =
                    inventory.devices.iter().filter(|it| it.platforms.contains(&platform));
                let devices: Vec<_> = devices.map(|it| it.id.as_str()).collect();
                let severity = severity_of_unusable(
                    asked_for.contains(&platform),
                    !devices.is_empty(),
                    lack == Lack::WorkingEngine,
                );
                let message = format!("{} cannot be used: {reason}", platform.label());
                let mut finding = Finding::new(lack.code(), message)
                    .severity(severity)
                    .on(platform)
                    .because(reason.as_str())
                    .seen("engine", engine.name())
                    .advise(remedy);
                if !devices.is_empty() {
                    finding = finding.seen("devices", devices.join(", "));
                }
                if asked_for.contains(&platform) {
                    finding = finding.seen("asked for", format!("--platform {platform}"));
                }
                let verdict =
                    if severity == Severity::Info { Verdict::Skipped } else { Verdict::Failed };
                probed.checks.push(check(verdict, reason.clone()));
                probed.findings.push(finding);
                usable.push(Usable { platform, obstacle: Some(reason) });
            }
        }
    }
    (usable, probed)
}

#[cfg(test)]
mod tests {
    use accel_core::Platform;
    use accel_core::diagnosis::{Code, Severity};
    use accel_core::hardware::{Device, DeviceKind, Fact, MemoryLimit, Obstacle};

    use super::hardware;
    use crate::doctor::machine;

    fn device(visible: bool, obstacle: Option<Obstacle>) -> Device {
        Device {
            id: "cuda:0".to_owned(),
            platforms: vec![Platform::Cuda],
            kind: DeviceKind::DiscreteGpu,
            name: Fact::known("NVIDIA T4".to_owned(), "a double"),
            memory_total_bytes: Fact::known(1 << 34, "a double"),
            memory_free_bytes: Fact::unknown("a double", "none"),
            shares_main_memory: false,
            architecture: Fact::unknown("a double", "none"),
            driver: Fact::unknown("a double", "none"),
            visible,
            obstacle,
            more: std::collections::BTreeMap::new(),
        }
    }

    #[test]
    fn devices_that_are_hidden_or_broken_are_found() {
        let mut inventory = machine::inventory();
        inventory.devices = vec![
            device(true, None),
            device(false, None),
            device(
                true,
                Some(Obstacle {
                    reason: "the driver's module and library differ".to_owned(),
                    remedy: "restart the machine".to_owned(),
                }),
            ),
        ];
        let probed = hardware(&inventory);
        let devices: Vec<_> =
            probed.findings.iter().filter(|it| it.platform.is_some()).map(|it| it.code).collect();
        assert_eq!(devices, [Code::HiddenDevice, Code::DeviceUnusable]);
        let broken = probed.findings.iter().find(|it| it.code == Code::DeviceUnusable).unwrap();
        assert_eq!(broken.severity, Severity::Warning);
        assert_eq!(broken.recommendations[0], "Restart the machine.");
    }

    #[test]
    fn a_container_that_is_nearly_full_is_short_of_memory() {
        let mut inventory = machine::inventory();
        inventory.memory.total_bytes = Fact::known(64 << 30, "a double");
        inventory.memory.available_bytes = Fact::known(60 << 30, "a double");
        inventory.memory.pressure_percent = Fact::known(0.0, "a double");
        assert_eq!(hardware(&inventory).findings, []);
        inventory.memory.limit = Fact::known(MemoryLimit::Bytes(4 << 30), "a double");
        inventory.memory.limit_used_bytes = Fact::known(3 << 30, "a double");
        assert_eq!(hardware(&inventory).findings[0].code, Code::MemoryPressure);
        inventory.memory.limit_used_bytes = Fact::known(0, "a double");
        assert_eq!(hardware(&inventory).findings, []);
        inventory.memory.pressure_percent = Fact::known(40.0, "a double");
        assert!(hardware(&inventory).findings[0].message.contains("40 %"));
    }
}
