//! Finding and loading ONNX Runtime's library, once for a process.

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use accel_core::{Engine as EngineName, Platform};
use ort::environment::Environment;
use ort::ep::ExecutionProvider;
use ort::logging::LogLevel;

use super::{file, foreign};
use crate::engine::{Lack, locate};
use crate::{Error, Result};

/// The path of the library, instead of a search.
pub const ONNXRUNTIME: &str = "ACCEL_ONNXRUNTIME";

/// The oldest library that has every call made here: 1.17.
const OLDEST_MINOR: u32 = 17;

/// What is known of the library that serves this process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its file.
    pub path: PathBuf,
    /// Its version, such as `1.31.1`.
    pub version: String,
    /// The providers that it was built with, such as `CUDAExecutionProvider`.
    pub providers: Vec<&'static str>,
}

/// The library and its environment, of which a process may have one.
#[derive(Debug)]
pub(super) struct Library {
    pub(super) found: Found,
    pub(super) environment: Environment,
}

/// Why there is no library.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) reason: String,
    pub(super) remedy: String,
    /// Whether no library was found at all.
    pub(super) missing: bool,
    /// Whether there is no file; a variable can name one that is not there.
    pub(super) absent: bool,
}

impl Problem {
    pub(super) fn error(&self, platform: Platform) -> Error {
        Error::EngineUnavailable {
            platform,
            engine: EngineName::Ort,
            lack: if self.absent { Lack::Engine } else { Lack::WorkingEngine },
            reason: self.reason.clone(),
            remedy: self.remedy.clone(),
        }
    }
}

/// The library that serves this process: found and loaded now, or known from an earlier call.
///
/// # Errors
/// [`Error::EngineUnavailable`], for [`Platform::Cpu`], with what was wrong with the library that
/// was found, or where it was looked for.
pub fn found() -> Result<Found> {
    match library() {
        Ok(it) => Ok(it.found.clone()),
        Err(problem) => Err(problem.error(Platform::Cpu)),
    }
}

/// The library that serves this process. It stays loaded until the process ends.
pub(super) fn library() -> Result<&'static Library, &'static Problem> {
    static LIBRARY: OnceLock<Result<Library, Problem>> = OnceLock::new();
    LIBRARY.get_or_init(load).as_ref()
}

fn load() -> Result<Library, Problem> {
    if let Some(path) = locate::variable(ONNXRUNTIME) {
        return open(&path).map_err(|reason| Problem {
            reason: format!("{ONNXRUNTIME} names {}, and {reason}", path.display()),
            remedy: "name another file, or unset it and run `accel engines install onnxruntime`"
                .to_owned(),
            missing: false,
            absent: !path.exists(),
        });
    }
    // The first library that is of use is taken; what was wrong with others is told only when
    // there is none.
    let mut unusable = Vec::new();
    for folders in [engines_folders, python_folders, locate::system_folders] {
        for path in folders().iter().flat_map(|it| libraries(it)) {
            match open(&path) {
                Ok(library) => return Ok(library),
                Err(reason) => unusable.push(format!("{}: {reason}", path.display())),
            }
        }
    }
    let missing = unusable.is_empty();
    let reason = if missing {
        "ONNX Runtime's library is not on this machine (looked for it in the engines folder, in \
         Python's site-packages and among the system's libraries)"
            .to_owned()
    } else {
        format!("no ONNX Runtime library can be used: {}", unusable.join("; "))
    };
    let remedy = format!("run `accel engines install onnxruntime`, or let {ONNXRUNTIME} name it");
    Err(Problem { reason, remedy, missing, absent: missing })
}

/// The build for GPUs first: it serves the processor as well, and a process has one library.
fn engines_folders() -> Vec<PathBuf> {
    let folders = locate::engines_folders();
    ["onnxruntime-gpu", "onnxruntime"]
        .iter()
        .flat_map(|build| folders.iter().map(move |it| it.join(build).join("onnxruntime/capi")))
        .collect()
}

fn python_folders() -> Vec<PathBuf> {
    locate::site_packages().into_iter().map(|it| it.join("onnxruntime/capi")).collect()
}

/// The libraries in a folder, the highest version first by name. Python's packages have names
/// with a version only.
fn libraries(folder: &Path) -> Vec<PathBuf> {
    let start = match std::env::consts::OS {
        "windows" => "onnxruntime.dll",
        "macos" => "libonnxruntime.",
        _ => "libonnxruntime.so",
    };
    let mut found = locate::matching(folder, start);
    found.retain(|it| !cfg!(target_os = "macos") || it.extension().is_some_and(|it| it == "dylib"));
    found
}

/// Loads the library at `path`; the reason when it is of no use.
fn open(path: &Path) -> Result<Library, String> {
    if !path.is_file() {
        return Err("there is no such file".to_owned());
    }
    file::check(path)?;
    let version =
        foreign::version(path).map_err(|reason| format!("it cannot be loaded: {reason}"))?;
    if minor(&version).is_none_or(|it| it < OLDEST_MINOR) {
        return Err(format!(
            "it is version {version}, and 1.{OLDEST_MINOR} is the oldest that will do"
        ));
    }
    preload_cuda(path);
    // ort panics where a library does not keep its own rules.
    let opened = catch_unwind(AssertUnwindSafe(|| {
        let builder = ort::init_from(path).map_err(|error| error.to_string())?;
        let environment = builder
            .with_name("accel")
            .with_telemetry(false)
            // Everything that matters comes back as an error too.
            .with_logger(Arc::new(|_, _, _, _, _| {}))
            .build()
            .map_err(|error| error.to_string())?;
        environment.set_log_level(LogLevel::Error);
        Ok::<_, String>((environment, providers()))
    }));
    let (environment, providers) = opened.map_err(|panic| panic_message(&*panic))??;
    Ok(Library { found: Found { path: path.to_owned(), version, providers }, environment })
}

/// The minor number of a version `1.x`.
fn minor(version: &str) -> Option<u32> {
    version.strip_prefix("1.")?.split('.').next()?.parse().ok()
}

/// Loads CUDA's libraries where pip put them beside ONNX Runtime, so that the provider for CUDA
/// finds them; elsewhere the system's loader knows them.
fn preload_cuda(library: &Path) {
    let packages = library.ancestors().nth(3).map(|it| it.join("nvidia"));
    let Some(packages) = packages.filter(|it| it.is_dir()) else {
        return;
    };
    let folders: Vec<_> =
        locate::matching(&packages, "").into_iter().map(|it| it.join("lib")).collect();
    for name in ort::ep::cuda::CUDA_DYLIBS.iter().chain(ort::ep::cuda::CUDNN_DYLIBS) {
        if let Some(path) = folders.iter().map(|it| it.join(name)).find(|it| it.is_file()) {
            foreign::preload(&path);
        }
    }
}

/// What a panic said.
pub(super) fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("it panicked: {}", text.unwrap_or("no message"))
}

/// The providers that the library was built with, of those that ONNX Runtime's
/// `graph/constants.h` names.
fn providers() -> Vec<&'static str> {
    macro_rules! built_in {
        ($($name:ident),+ $(,)?) => {
            [$((stringify!($name), {
                struct Named;
                impl ExecutionProvider for Named {
                    const NAME: &'static str = stringify!($name);
                    fn register(&self, _: &mut ort::session::builder::SessionBuilder) -> ort::Result<()> {
                        Err(ort::Error::new("only asked for"))
                    }
                }
                Named::is_available().unwrap_or(false)
            })),+]
        };
    }
    let known = built_in![
        TensorrtExecutionProvider,
        NvTensorRTRTXExecutionProvider,
        CUDAExecutionProvider,
        MIGraphXExecutionProvider,
        ROCMExecutionProvider,
        CoreMLExecutionProvider,
        OpenVINOExecutionProvider,
        DnnlExecutionProvider,
        VitisAIExecutionProvider,
        QNNExecutionProvider,
        NnapiExecutionProvider,
        DmlExecutionProvider,
        ACLExecutionProvider,
        CANNExecutionProvider,
        WebGpuExecutionProvider,
        XnnpackExecutionProvider,
        AzureExecutionProvider,
        CPUExecutionProvider,
    ];
    known.into_iter().filter_map(|(name, available)| available.then_some(name)).collect()
}

impl fmt::Display for Found {
    /// As `ONNX Runtime 1.31.1 (/path/libonnxruntime.so.1.31.1: CPUExecutionProvider)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (path, providers) = (self.path.display(), self.providers.join(", "));
        write!(f, "ONNX Runtime {} ({path}: {providers})", self.version)
    }
}

#[cfg(test)]
mod tests {
    use super::minor;

    #[test]
    fn versions_are_read() {
        assert_eq!(minor("1.31.1"), Some(31));
        assert_eq!(minor("1.17"), Some(17));
        assert_eq!(minor("1.18.0-rc1"), Some(18));
        assert_eq!(minor("2.0.0"), None);
        assert_eq!(minor("one"), None);
    }
}
