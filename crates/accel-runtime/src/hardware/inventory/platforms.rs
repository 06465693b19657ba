//! Whether each platform can be used: a device that is there and seen, and its engine.

use accel_core::hardware::{Device, EngineState, Fact, Obstacle, PlatformState};
use accel_core::{Engine as EngineName, Platform, Vocabulary as _};

use super::engines::files;
use super::{amd, intel, no, unreached};
use crate::hardware::{Answer, Bundle, NvmlValue};

/// All seven.
pub(super) fn platforms(
    bundle: &Bundle,
    devices: &[Device],
    engines: &[EngineState],
) -> Vec<PlatformState> {
    let all = Platform::ALL.iter();
    all.map(|platform| state(bundle, *platform, devices, engines)).collect()
}

fn state(
    bundle: &Bundle,
    platform: Platform,
    devices: &[Device],
    engines: &[EngineState],
) -> PlatformState {
    let own: Vec<_> = devices.iter().filter(|it| it.platforms.contains(&platform)).collect();
    let usable: Vec<_> = own
        .iter()
        .filter(|it| it.visible && it.obstacle.is_none())
        .map(|it| it.id.clone())
        .collect();
    let engine =
        |name| engines.iter().find(|it| it.engine == name).and_then(|it| it.obstacle.clone());
    let obstacle = match platform {
        Platform::Cpu => engine(EngineName::Rten),
        Platform::Cuda => no_device(&own, &usable, || unreached::none(bundle))
            .or_else(|| provider(bundle, "cuda", engine(EngineName::Ort), CUDA_REMEDY))
            .or_else(|| old_driver(bundle)),
        Platform::Rocm => no_device(&own, &usable, || amd::none(bundle))
            .or_else(|| provider(bundle, "migraphx", engine(EngineName::Ort), ROCM_REMEDY)),
        Platform::Mps => no_device(&own, &usable, || {
            no(
                format!("Core ML is a part of macOS, and this machine runs {}", bundle.os),
                "run it on a Mac",
            )
        })
        .or_else(|| provider(bundle, "coreml", engine(EngineName::Ort), MPS_REMEDY)),
        Platform::Openvino => engine(EngineName::Openvino).or_else(|| match &bundle.openvino {
            Some(Answer::Refused { error }) => Some(no(
                format!("OpenVINO cannot be started: {error}"),
                "run `accel engines install openvino` again, or let ACCEL_OPENVINO name another \
                 libopenvino_c",
            )),
            _ => None,
        }),
        Platform::Webnn | Platform::Webgpu => {
            engine(EngineName::Browser).or_else(|| browser(bundle, platform))
        }
    };
    PlatformState { platform, available: obstacle.is_none(), devices: usable, obstacle }
}

const CUDA_REMEDY: &str = "run `accel engines install onnxruntime-gpu`";
const ROCM_REMEDY: &str = "install AMD's build of ONNX Runtime (Python package \
                           onnxruntime-migraphx) and let ACCEL_ONNXRUNTIME name its library";
const MPS_REMEDY: &str =
    "run `accel engines install onnxruntime`, whose build for Macs has Core ML";

/// Why no device can be used.
fn no_device(
    own: &[&Device],
    usable: &[String],
    none: impl FnOnce() -> Obstacle,
) -> Option<Obstacle> {
    if !usable.is_empty() {
        return None;
    }
    // One obstacle often stands behind all of them.
    let mut told: Vec<(&Obstacle, Vec<&str>)> = Vec::new();
    for device in own {
        let Some(obstacle) = &device.obstacle else { continue };
        let name = device.name.value.as_deref().unwrap_or(&device.id);
        match told.iter_mut().find(|(known, _)| *known == obstacle) {
            Some((_, names)) => names.push(name),
            None => told.push((obstacle, vec![name])),
        }
    }
    let reasons: Vec<_> =
        told.iter().map(|(it, names)| format!("{}: {}", names.join(", "), it.reason)).collect();
    match told.first() {
        Some((first, _)) => Some(no(reasons.join("; "), first.remedy.clone())),
        None => Some(none()),
    }
}

/// Why ONNX Runtime cannot serve.
fn provider(
    bundle: &Bundle,
    part: &str,
    missing: Option<Obstacle>,
    remedy: &str,
) -> Option<Obstacle> {
    if let Some(missing) = missing {
        let remedy = match files(bundle, EngineName::Ort) {
            Some(_) => missing.remedy,
            None => remedy.to_owned(),
        };
        return Some(no(missing.reason, remedy));
    }
    let files = files(bundle, EngineName::Ort)?;
    if files.parts.iter().any(|it| it == part) {
        return None;
    }
    let version = files.version.as_ref().map_or("", |it| &it.0);
    let path = files.path.as_deref().unwrap_or("its folder");
    Some(no(
        format!("the build of ONNX Runtime {version} at {path} has no provider `{part}`"),
        remedy,
    ))
}

/// Why a driver is too old for the CUDA that ONNX Runtime's folder brings. Within one major
/// version of CUDA any driver will do (CUDA Compatibility, "Minor Version Compatibility").
fn old_driver(bundle: &Bundle) -> Option<Obstacle> {
    let files = files(bundle, EngineName::Ort)?;
    let wanted = files.parts.iter().find_map(|it| it.strip_prefix("cuda-runtime="))?;
    let wanted = wanted.parse::<i32>().ok()?;
    let Some(NvmlValue::Value(served)) = bundle.nvml.as_ref()?.cuda.as_ref() else { return None };
    if served / 1000 >= wanted {
        return None;
    }
    // CUDA Toolkit release notes, "Driver Versions".
    let driver = match wanted {
        12 => "525",
        13 => "580",
        _ => "the newest branch",
    };
    Some(no(
        format!(
            "ONNX Runtime's build needs CUDA {wanted}, and the driver serves CUDA {}.{} at most",
            served / 1000,
            served % 1000 / 10
        ),
        format!("update NVIDIA's driver (CUDA {wanted} needs {driver} or newer)"),
    ))
}

fn browser(bundle: &Bundle, platform: Platform) -> Option<Obstacle> {
    let Some(answers) = &bundle.browsers else {
        return Some(no(
            "a browser and onnxruntime-web are there, and it was not asked what it can do",
            "run `accel hardware --browsers`, which starts it",
        ));
    };
    let own = |(key, answer): (&String, &'_ Answer<String>)| {
        let kind = key.split(':').next()?;
        (kind == platform.name()).then(|| answer.clone())
    };
    let answers: Vec<_> = answers.iter().filter_map(own).collect();
    if answers.iter().any(|it| it.given().is_some()) {
        return None;
    }
    let why = answers.iter().find_map(|it| match it {
        Answer::Refused { error } => Some(error.clone()),
        Answer::Given(_) => None,
    });
    Some(no(
        why.unwrap_or_else(|| "the browser did not tell of it".to_owned()),
        "run `accel engines install web --with-browser`, or name a browser that can in \
         ACCEL_BROWSER",
    ))
}

/// What else is worth knowing of a machine as a whole.
pub(super) fn remarks(bundle: &Bundle) -> Vec<Fact<String>> {
    let mut remarks = Vec::new();
    if let Some(it) = intel::wsl_remark(bundle) {
        remarks.push(Fact::known(it.to_owned(), "/dev/dxg"));
    }
    if bundle.environment.contains_key("GPU_DEVICE_ORDINAL") {
        remarks.push(Fact::known(
            "GPU_DEVICE_ORDINAL is set; it limits OpenCL, and HIP does not read it".to_owned(),
            "GPU_DEVICE_ORDINAL",
        ));
    }
    remarks
}
