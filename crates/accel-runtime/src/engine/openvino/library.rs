//! Finding OpenVINO's library, and loading it once per process.

use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use accel_core::{Engine as EngineName, OpenvinoDevice, OpenvinoOptions, Platform, Vocabulary};
use openvino::{Core, DeviceType, PropertyKey};

use crate::engine::{Lack, locate};
use crate::{Error, Result};

/// Names OpenVINO's C library (`libopenvino_c.so…`), which then is the only one considered.
pub const LIBRARY: &str = "ACCEL_OPENVINO";

/// The oldest version whose numbers of element types are those that the bindings use.
const OLDEST: &str = "2025.1";

/// A function that every version has; a file that does not name it is another library.
const KNOWN_FUNCTION: &[u8] = b"ov_get_openvino_version\0";

/// OpenVINO as this process found it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The C library.
    pub path: PathBuf,
    /// OpenVINO's version, such as `2026.4.1`.
    pub version: String,
    /// What it can run models on here, in its order.
    pub devices: Vec<Device>,
}

/// One of OpenVINO's devices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// As OpenVINO is asked for it: `CPU`, `GPU`, `GPU.1`.
    pub name: String,
    /// As its maker calls it.
    pub full_name: String,
}

/// Why there is no OpenVINO.
#[derive(Debug)]
struct Missing {
    lack: Lack,
    reason: String,
    remedy: String,
}

/// OpenVINO, loaded at the first call; later calls get the same answer.
///
/// # Errors
/// [`Error::EngineUnavailable`] when its library is not there or cannot be used.
pub fn found() -> Result<&'static Found> {
    static FOUND: OnceLock<std::result::Result<Found, Missing>> = OnceLock::new();
    FOUND.get_or_init(|| locate().and_then(load)).as_ref().map_err(|missing| {
        unavailable(missing.lack, missing.reason.clone(), missing.remedy.clone())
    })
}

/// OpenVINO's name for the device that `options` ask for.
///
/// # Errors
/// [`Error::EngineUnavailable`] when it is not among the devices found, naming those that are;
/// [`Error::InvalidOption`] for the index of a device that is always one.
pub(super) fn device(found: &Found, options: &OpenvinoOptions) -> Result<String> {
    let kind = match options.device {
        OpenvinoDevice::Cpu => "CPU",
        OpenvinoDevice::Gpu => "GPU",
        OpenvinoDevice::Npu => "NPU",
        OpenvinoDevice::Auto => "AUTO",
    };
    let index = options.device_index;
    let there = |name: &str| found.devices.iter().any(|it| it.name == name);
    match options.device {
        OpenvinoDevice::Cpu | OpenvinoDevice::Auto if index > 0 => {
            return Err(Error::InvalidOption {
                option: "device_index",
                given: index.to_string(),
                reason: format!(
                    "OpenVINO has one device {kind}; give 0, or name a device that there are \
                     several of"
                ),
            });
        }
        // It stands for the others and is not among them.
        OpenvinoDevice::Auto if !found.devices.is_empty() => return Ok(kind.to_owned()),
        _ => {}
    }
    let numbered = format!("{kind}.{index}");
    if there(&numbered) {
        return Ok(numbered);
    }
    if index == 0 && there(kind) {
        return Ok(kind.to_owned());
    }
    let names: Vec<_> = found.devices.iter().map(|it| it.name.as_str()).collect();
    let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    let wanted = if index == 0 { kind } else { &numbered };
    Err(unavailable(
        Lack::Device,
        format!("OpenVINO {} has no device {wanted} here; its devices: {names}", found.version),
        format!(
            "install the device's driver, or set option `device` ({}) and `device_index` to one \
             that is there",
            OpenvinoDevice::ALL.iter().map(|it| it.name()).collect::<Vec<_>>().join(", ")
        ),
    ))
}

fn unavailable(lack: Lack, reason: String, remedy: String) -> Error {
    Error::EngineUnavailable {
        platform: Platform::Openvino,
        engine: EngineName::Openvino,
        lack,
        reason,
        remedy,
    }
}

/// The library's file, links resolved: OpenVINO looks for its other libraries beside it.
fn locate() -> std::result::Result<PathBuf, Missing> {
    let found = match locate::variable(LIBRARY) {
        Some(path) => path,
        None => search().ok_or_else(|| Missing {
            lack: Lack::Engine,
            reason: "OpenVINO's library was not found".to_owned(),
            remedy: format!(
                "run `accel engines install openvino`, or set {LIBRARY} to libopenvino_c"
            ),
        })?,
    };
    found.canonicalize().map_err(|error| Missing {
        lack: Lack::Engine,
        reason: format!("{} cannot be found ({error})", found.display()),
        remedy: format!(
            "set {LIBRARY} to libopenvino_c, or unset it and run `accel engines install openvino`"
        ),
    })
}

/// The first library in the order of [`locate`](mod@locate).
fn search() -> Option<PathBuf> {
    let name = if cfg!(windows) { "openvino_c.dll" } else { "libopenvino_c." };
    let in_folder = |folder: PathBuf| locate::matching(&folder, name).into_iter().next();
    let engines = locate::engines_folders().into_iter().map(|it| it.join("openvino"));
    // Python is started only when nothing is installed for it.
    engines
        .map(|it| it.join("openvino/libs"))
        .find_map(in_folder)
        .or_else(|| {
            let folders = locate::site_packages().into_iter();
            folders.map(|it| it.join("openvino/libs")).find_map(in_folder)
        })
        .or_else(|| {
            let system = locate::system_folders().into_iter();
            let intel = locate::matching(Path::new("/opt/intel"), "openvino").into_iter();
            system.chain(intel.map(|it| it.join("runtime/lib/intel64"))).find_map(in_folder)
        })
}

fn load(path: PathBuf) -> std::result::Result<Found, Missing> {
    let broken = |reason: String| Missing {
        lack: Lack::WorkingEngine,
        reason,
        remedy: format!(
            "run `accel engines install openvino` again, or set {LIBRARY} to another libopenvino_c"
        ),
    };
    check(&path).map_err(broken)?;
    let failed = |what: String| broken(format!("{} cannot be loaded: {what}", path.display()));
    // The bindings assert what a strange library need not keep.
    let loaded = catch_unwind(|| openvino_sys::library::load_from(path.clone()))
        .map_err(|_| failed("it is not a version of OpenVINO that is known".to_owned()))?;
    loaded.map_err(|error| {
        if error.contains("too old") {
            let version = error.rsplit(": ").next().unwrap_or_default();
            broken(format!(
                "OpenVINO {version} at {} is too old; {OLDEST} is the oldest that works",
                path.display()
            ))
        } else {
            failed(error)
        }
    })?;
    let version = openvino::version().build_number;
    let version = version.split('-').next().unwrap_or_default().to_owned();
    let devices = devices().map_err(failed)?;
    Ok(Found { path, version, devices })
}

/// Refuses what would end the process when loaded: OpenVINO's libraries that are not for this
/// machine or are cut off, and libraries of something else.
fn check(path: &Path) -> std::result::Result<(), String> {
    let refuse = |path: &Path, reason: String| format!("{} {reason}", path.display());
    locate::check_library(path).map_err(|reason| refuse(path, reason))?;
    let bytes =
        fs::read(path).map_err(|error| refuse(path, format!("cannot be read ({error})")))?;
    if !bytes.windows(KNOWN_FUNCTION.len()).any(|it| it == KNOWN_FUNCTION) {
        return Err(refuse(path, "is not OpenVINO's C library".to_owned()));
    }
    let folder = path.parent().unwrap_or(Path::new(""));
    for name in ["libopenvino", "libtbb.so"] {
        for library in locate::matching(folder, name) {
            if library.to_string_lossy().contains(".so") {
                locate::check_library(&library).map_err(|reason| refuse(&library, reason))?;
            }
        }
    }
    Ok(())
}

fn devices() -> std::result::Result<Vec<Device>, String> {
    let core = Core::new().map_err(|error| error.to_string())?;
    let devices = core.available_devices().map_err(|error| error.to_string())?;
    devices
        .iter()
        .map(|it| {
            Ok(Device {
                name: it.to_string(),
                full_name: full_name(&core, it).map_err(|it| it.to_string())?,
            })
        })
        .collect()
}

/// The device as its maker calls it.
fn full_name(core: &Core, device: &DeviceType<'_>) -> Result<String, openvino::InferenceError> {
    core.get_property(device, &PropertyKey::DeviceFullName).map(|it| it.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use accel_core::{InferencePrecision, OpenvinoDevice, OpenvinoOptions, PerformanceHint};

    use super::{Device, Found};
    use crate::Error;

    fn named(devices: &[&str], device: OpenvinoDevice, index: u32) -> Result<String, Error> {
        let found = Found {
            path: "libopenvino_c.so".into(),
            version: "2026.4.1".to_owned(),
            devices: devices
                .iter()
                .map(|it| Device { name: (*it).to_owned(), full_name: String::new() })
                .collect(),
        };
        let options = OpenvinoOptions {
            device,
            device_index: index,
            inference_precision: InferencePrecision::F32,
            performance_hint: PerformanceHint::Latency,
            streams: 0,
            pin_threads: false,
            model_cache: false,
        };
        super::device(&found, &options)
    }

    #[test]
    fn one_of_a_kind_has_no_number_and_one_of_many_has() {
        use OpenvinoDevice::{Auto, Cpu, Gpu, Npu};
        assert_eq!(named(&["CPU", "GPU"], Gpu, 0).unwrap(), "GPU");
        assert_eq!(named(&["CPU", "GPU.0", "GPU.1"], Gpu, 0).unwrap(), "GPU.0");
        assert_eq!(named(&["CPU", "GPU.0", "GPU.1"], Gpu, 1).unwrap(), "GPU.1");
        assert_eq!(named(&["CPU"], Cpu, 0).unwrap(), "CPU");
        assert_eq!(named(&["CPU"], Auto, 0).unwrap(), "AUTO");
        for (devices, kind, index) in
            [(vec!["CPU"], Npu, 0), (vec!["CPU", "GPU"], Gpu, 1), (vec![], Auto, 0)]
        {
            let error = named(&devices, kind, index).unwrap_err();
            assert!(matches!(error, Error::EngineUnavailable { .. }), "{error}");
            assert!(devices.iter().all(|it| error.to_string().contains(it)), "{error}");
        }
        for kind in [Cpu, Auto] {
            let error = named(&["CPU"], kind, 1).unwrap_err();
            assert!(
                matches!(error, Error::InvalidOption { option: "device_index", .. }),
                "{error}"
            );
        }
    }
}
