//! Engines by their files, without loading any, and the two that can be asked more.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use accel_core::Engine as EngineName;

use crate::engine::{Engine as _, RtenEngine, built_in, locate};
use crate::hardware::{Answer, Bundle, EngineFiles, OpenvinoDevice};

/// All that were found.
pub(super) fn engines() -> Vec<EngineFiles> {
    let embedded = |engine, version| EngineFiles {
        engine,
        built_in: true,
        path: None,
        version: Some((version, "this program's build".to_owned())),
        parts: Vec::new(),
        problem: None,
    };
    let mut found = vec![
        embedded(EngineName::Rten, RtenEngine::new().version()),
        embedded(EngineName::Simulator, env!("CARGO_PKG_VERSION").to_owned()),
    ];
    let python = site_packages();
    found.extend(onnxruntime(&python));
    found.extend(openvino(&python));
    found.extend(browser());
    found
}

/// The folders of Python packages of this user that are known without starting Python, which
/// takes longer than all of detection.
fn site_packages() -> Vec<PathBuf> {
    let mut prefixes: Vec<PathBuf> =
        ["VIRTUAL_ENV", "CONDA_PREFIX"].into_iter().filter_map(locate::variable).collect();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let python = std::env::split_paths(&path).map(|it| it.join("python3")).find(|it| it.is_file());
    prefixes
        .extend(python.and_then(|it| Some(it.canonicalize().ok()?.parent()?.parent()?.to_owned())));
    prefixes.extend(locate::variable("HOME").map(|it| it.join(".local")));
    let mut folders = Vec::new();
    for prefix in prefixes {
        folders.push(prefix.join("Lib/site-packages"));
        for python in locate::matching(&prefix.join("lib"), "python3") {
            folders.extend(["site-packages", "dist-packages"].map(|it| python.join(it)));
        }
    }
    folders.retain(|it| it.is_dir());
    folders
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

fn name(path: &Path) -> &str {
    path.file_name().and_then(OsStr::to_str).unwrap_or_default()
}

/// The version in `libonnxruntime.so.1.31.1` or `libonnxruntime.1.31.1.dylib`, else of the Python
/// package that lies in `packages`.
fn version(library: &Path, packages: Option<&Path>, package: &str) -> Option<(String, String)> {
    let name = name(library);
    let tail = name.split_once(".so.").map(|it| it.1);
    let tail = tail.or_else(|| name.strip_suffix(".dylib")?.split_once('.').map(|it| it.1));
    let is_version =
        |it: &&str| it.contains('.') && it.bytes().all(|it| it.is_ascii_digit() || it == b'.');
    if let Some(version) = tail.filter(is_version) {
        return Some((version.to_owned(), "the library's name".to_owned()));
    }
    let mut about = packages.map(|it| locate::matching(it, package)).unwrap_or_default();
    about.retain(|it| it.extension().is_some_and(|it| it == "dist-info"));
    about.iter().find_map(|it| {
        let (_, version) = self::name(it).strip_suffix(".dist-info")?.rsplit_once('-')?;
        Some((version.to_owned(), "the Python package's metadata".to_owned()))
    })
}

/// The first library of use among `candidates`; without one, the first with what is wrong.
fn usable(candidates: Vec<PathBuf>) -> Option<(PathBuf, Option<String>)> {
    let mut broken = None;
    for path in candidates {
        match locate::check_library(&path) {
            Ok(()) => return Some((path, None)),
            Err(reason) => _ = broken.get_or_insert((path, Some(reason))),
        }
    }
    broken
}

fn onnxruntime(python: &[PathBuf]) -> Option<EngineFiles> {
    let start = match std::env::consts::OS {
        "windows" => "onnxruntime.dll",
        "macos" => "libonnxruntime.",
        _ => "libonnxruntime.so",
    };
    let named = locate::variable("ACCEL_ONNXRUNTIME");
    let candidates = if let Some(path) = &named {
        vec![path.clone()]
    } else {
        let engines = locate::engines_folders();
        // As the engine looks for it: the build for GPUs first.
        let installed = ["onnxruntime-gpu", "onnxruntime"].iter().flat_map(|build| {
            engines.iter().map(move |it| it.join(build).join("onnxruntime/capi"))
        });
        let folders = installed
            .chain(python.iter().map(|it| it.join("onnxruntime/capi")))
            .chain(locate::system_folders());
        folders.flat_map(|it| locate::matching(&it, start)).collect()
    };
    let (path, broken) = usable(candidates)?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let packages = path.ancestors().nth(3);
    let mut parts = vec!["cpu".to_owned()];
    for file in locate::matching(folder, "") {
        let part = name(&file).split_once("onnxruntime_providers_").map(|it| it.1);
        let part = part.and_then(|it| it.split('.').next()).filter(|it| *it != "shared");
        parts.extend(part.map(str::to_owned));
    }
    if cfg!(target_os = "macos") {
        parts.push("coreml".to_owned());
    }
    if parts.iter().any(|it| it == "cuda") {
        let nvidia = packages.map(|it| it.join("nvidia"));
        let runtime = nvidia
            .iter()
            .flat_map(|it| locate::matching(it, ""))
            .flat_map(|it| locate::matching(&it.join("lib"), "libcudart.so."))
            .find_map(|it| {
                Some(name(&it).strip_prefix("libcudart.so.")?.split('.').next()?.to_owned())
            });
        parts.extend(runtime.map(|it| format!("cuda-runtime={it}")));
    }
    parts.sort_unstable();
    parts.dedup();
    let remedy = match named {
        Some(_) => "let ACCEL_ONNXRUNTIME name another file, or unset it",
        None => "run `accel engines install onnxruntime` again",
    };
    Some(EngineFiles {
        engine: EngineName::Ort,
        built_in: built_in(EngineName::Ort),
        version: version(&path, packages, "onnxruntime"),
        parts,
        problem: broken.map(|it| (format!("{} {it}", shown(&path)), remedy.to_owned())),
        path: Some(shown(&path)),
    })
}

fn openvino(python: &[PathBuf]) -> Option<EngineFiles> {
    let start = if cfg!(windows) { "openvino_c.dll" } else { "libopenvino_c." };
    let named = locate::variable("ACCEL_OPENVINO");
    let candidates = if let Some(path) = &named {
        vec![path.clone()]
    } else {
        let engines = locate::engines_folders();
        let installed = engines.iter().map(|it| it.join("openvino/openvino/libs"));
        let intel = locate::matching(Path::new("/opt/intel"), "openvino");
        let folders = installed
            .chain(python.iter().map(|it| it.join("openvino/libs")))
            .chain(locate::system_folders())
            .chain(intel.into_iter().map(|it| it.join("runtime/lib/intel64")));
        folders.flat_map(|it| locate::matching(&it, start)).collect()
    };
    let (path, broken) = usable(candidates)?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut parts: Vec<_> = locate::matching(folder, "")
        .iter()
        .filter_map(|it| {
            let name = name(it).trim_start_matches("lib");
            let kind = name.strip_prefix("openvino_intel_")?.split_once("_plugin")?.0;
            Some(format!("{kind} plugin"))
        })
        .collect();
    parts.sort_unstable();
    let remedy = match named {
        Some(_) => "let ACCEL_OPENVINO name another file, or unset it",
        None => "run `accel engines install openvino` again",
    };
    Some(EngineFiles {
        engine: EngineName::Openvino,
        built_in: built_in(EngineName::Openvino),
        version: version(&path, path.ancestors().nth(3), "openvino-"),
        parts,
        problem: broken.map(|it| (format!("{} {it}", shown(&path)), remedy.to_owned())),
        path: Some(shown(&path)),
    })
}

#[cfg(feature = "browser")]
#[expect(clippy::unnecessary_wraps, reason = "without the feature there is nothing to tell")]
fn browser() -> Option<EngineFiles> {
    let found = crate::engine::BrowserFiles::find();
    Some(match found {
        Ok(files) => EngineFiles {
            engine: EngineName::Browser,
            built_in: true,
            path: Some(shown(&files.browser)),
            version: web_version(&files.web),
            parts: vec![format!("onnxruntime-web in {}", shown(&files.web))],
            problem: None,
        },
        Err(missing) => EngineFiles {
            engine: EngineName::Browser,
            built_in: true,
            path: None,
            version: None,
            parts: Vec::new(),
            problem: Some((missing.reason, missing.remedy)),
        },
    })
}

#[cfg(not(feature = "browser"))]
fn browser() -> Option<EngineFiles> {
    None
}

/// What the comment at the beginning of onnxruntime-web's module says.
#[cfg_attr(not(feature = "browser"), expect(dead_code, reason = "only for the browser"))]
fn web_version(folder: &Path) -> Option<(String, String)> {
    let mut head = String::new();
    let file = File::open(folder.join("ort.jspi.bundle.min.mjs")).ok()?;
    file.take(200).read_to_string(&mut head).ok()?;
    let version = head.split("ONNX Runtime Web v").nth(1)?.split_whitespace().next()?;
    Some((version.to_owned(), "the module's first lines".to_owned()))
}

/// Whether the bus shows something of Intel's that OpenVINO may run on, besides the processor.
pub(super) fn has_intel(bundle: &Bundle) -> bool {
    bundle.below("/sys/bus/pci/devices/").any(|(path, text)| {
        path.ends_with("/vendor") && text.given().is_some_and(|it| it.trim() == "0x8086")
    })
}

/// OpenVINO's list of devices, where its files are of use.
#[cfg(feature = "openvino")]
pub(super) fn openvino_devices(bundle: &Bundle) -> Option<Answer<Vec<OpenvinoDevice>>> {
    let files = bundle.engines.iter().find(|it| it.engine == EngineName::Openvino)?;
    if files.problem.is_some() {
        return None;
    }
    Some(Answer::from(crate::engine::openvino::found()).map(|found| {
        let own = |it: &crate::engine::openvino::Device| OpenvinoDevice {
            name: it.name.clone(),
            full_name: it.full_name.clone(),
        };
        found.devices.iter().map(own).collect()
    }))
}

#[cfg(not(feature = "openvino"))]
pub(super) fn openvino_devices(_: &Bundle) -> Option<Answer<Vec<OpenvinoDevice>>> {
    None
}

/// What the browser can do, by platform and, for WebNN, kind of device. It is started.
#[cfg(feature = "browser")]
pub(super) fn browsers(bundle: &Bundle) -> Option<BTreeMap<String, Answer<String>>> {
    use accel_core::{
        DeviceOptions, PowerPreference, TensorLayout, Vocabulary as _, WebgpuOptions, WebnnDevice,
        WebnnOptions,
    };
    let files = bundle.engines.iter().find(|it| it.engine == EngineName::Browser)?;
    if files.problem.is_some() {
        return None;
    }
    let engine = crate::engine::BrowserEngine::shared().ok()?;
    let power_preference = PowerPreference::Default;
    let webgpu =
        DeviceOptions::Webgpu(WebgpuOptions { power_preference, layout: TensorLayout::Nchw });
    let mut answers = BTreeMap::new();
    answers.insert("webgpu".to_owned(), Answer::from(engine.device(&webgpu)));
    for device in WebnnDevice::ALL {
        let webnn = DeviceOptions::Webnn(WebnnOptions { device: *device, power_preference });
        answers.insert(format!("webnn:{}", device.name()), Answer::from(engine.device(&webnn)));
    }
    Some(answers)
}

#[cfg(not(feature = "browser"))]
pub(super) fn browsers(_: &Bundle) -> Option<BTreeMap<String, Answer<String>>> {
    None
}
