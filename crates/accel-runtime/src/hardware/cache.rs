//! Detection that remembers, for a while, what does not change.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::record::{self, RecordOptions};
use super::{BUNDLE_VERSION, Bundle, Inventory, inventory, whole};
use crate::engine::locate;

/// How long a record is believed.
const LONGEST: Duration = Duration::from_hours(7 * 24);
/// A file that is longer is none of ours.
const LARGEST_BYTES: u64 = 4 << 20;

/// How [`detect_cached`] goes about it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CacheOptions {
    /// The cache's file; `None` takes `accel/hardware.json` in the user's cache folder.
    pub path: Option<PathBuf>,
    /// Whether what is there is passed over, and written anew.
    pub refresh: bool,
    /// Whether browsers are asked, unless the cache has their answer.
    pub browsers: bool,
}

/// What [`detect_cached`] found.
#[derive(Clone, Debug, PartialEq)]
pub struct Detected {
    /// The machine.
    pub inventory: Inventory,
    /// The evidence that it was judged by, not redacted.
    pub bundle: Bundle,
    /// Whether the lasting part of it came from the cache.
    pub from_cache: bool,
    /// What went wrong with the cache, for people; detection itself does not fail.
    pub notes: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct Cached {
    version: u32,
    /// Seconds since 1970.
    recorded_at: u64,
    /// What must be the same for it to hold.
    key: BTreeMap<String, String>,
    bundle: Bundle,
}

/// As [`detect`](super::detect), with what does not change taken from a cache that is at most
/// seven days old. It does not hold after a restart, with another driver, device, folder of
/// engines, variable or version of this program. Free memory, pressure and what differs between
/// processes are read anew each time, and so is what NVML says.
///
/// A cache that cannot be read is written anew; one that cannot be written is a note.
///
/// ```
/// use accel_runtime::hardware::{CacheOptions, detect_cached};
///
/// let folder = tempfile::tempdir()?;
/// let options = CacheOptions { path: Some(folder.path().join("hardware.json")), ..Default::default() };
/// assert!(!detect_cached(&options).from_cache);
/// assert!(detect_cached(&options).from_cache);
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn detect_cached(options: &CacheOptions) -> Detected {
    let mut notes = Vec::new();
    let path = options.path.clone().or_else(default_path);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let key = key();
    let mut cached = None;
    if let Some(path) = path.as_deref().filter(|_| !options.refresh) {
        match read(path) {
            Ok(it) => cached = it,
            Err(reason) => notes.push(format!(
                "the cache {} is of no use ({reason}); it is written anew",
                path.display()
            )),
        }
    }
    let holds = |it: &Cached| {
        it.key == key
            && now.checked_sub(it.recorded_at).is_some_and(|age| age <= LONGEST.as_secs())
            && (!options.browsers || it.bundle.browsers.is_some())
    };
    let (bundle, from_cache) = match cached.filter(holds) {
        Some(mut it) => {
            record::refresh(&mut it.bundle);
            (it.bundle, true)
        }
        None => (record::record(RecordOptions { browsers: options.browsers }), false),
    };
    if let Some(path) = path.filter(|_| !from_cache) {
        let cached =
            Cached { version: BUNDLE_VERSION, recorded_at: now, key, bundle: bundle.clone() };
        if let Err(error) = write(&path, &cached) {
            notes.push(format!("the cache {} cannot be written: {error}", path.display()));
        }
    }
    Detected { inventory: inventory(&bundle), bundle, from_cache, notes }
}

/// The cache's file in the user's cache folder, where the system has one.
fn default_path() -> Option<PathBuf> {
    let folder = if cfg!(windows) {
        locate::variable("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        locate::variable("HOME").map(|it| it.join("Library/Caches"))
    } else {
        let named = locate::variable("XDG_CACHE_HOME").filter(|it| it.is_absolute());
        named.or_else(|| locate::variable("HOME").map(|it| it.join(".cache")))
    };
    folder.map(|it| it.join("accel/hardware.json"))
}

/// What is cached; `None` when nothing is, an error when it makes no sense.
fn read(path: &Path) -> Result<Option<Cached>, String> {
    let length = match fs::metadata(path) {
        Ok(it) if it.is_file() => it.len(),
        Ok(_) => return Err("it is not a file".to_owned()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.to_string()),
    };
    if length > LARGEST_BYTES {
        return Err(format!("it has {length} bytes"));
    }
    let text = fs::read(path).map_err(|it| it.to_string())?;
    let cached: Cached = serde_json::from_slice(&text).map_err(|it| it.to_string())?;
    // One of another version is no damage.
    Ok((cached.version == BUNDLE_VERSION).then_some(cached))
}

fn write(path: &Path, cached: &Cached) -> std::io::Result<()> {
    if let Some(folder) = path.parent().filter(|it| !it.as_os_str().is_empty()) {
        fs::create_dir_all(folder)?;
    }
    whole::write(path, &serde_json::to_vec(cached)?)
}

/// What a record depends on.
fn key() -> BTreeMap<String, String> {
    let mut key = BTreeMap::new();
    let mut add = |name: &str, value: String| key.insert(name.to_owned(), value);
    add("program", env!("CARGO_PKG_VERSION").to_owned());
    let text = |path: &str| fs::read_to_string(path).unwrap_or_default().trim().to_owned();
    for path in [
        "/proc/sys/kernel/random/boot_id",
        "/proc/sys/kernel/osrelease",
        "/proc/driver/nvidia/version",
        "/sys/module/amdgpu/version",
        "/sys/module/i915/version",
        "/sys/module/xe/version",
        "/sys/module/intel_vpu/version",
        "/sys/devices/system/cpu/online",
    ] {
        add(path, text(path));
    }
    // The bus by places and by what is there, and the drivers' device files.
    let mut bus = Vec::new();
    for name in names(Path::new("/sys/bus/pci/devices")) {
        let folder = format!("/sys/bus/pci/devices/{name}");
        bus.push(format!(
            "{name} {} {}",
            text(&format!("{folder}/vendor")),
            text(&format!("{folder}/device"))
        ));
        let driver = fs::read_link(format!("{folder}/driver")).unwrap_or_default();
        bus.push(driver.file_name().unwrap_or_default().to_string_lossy().into_owned());
    }
    add("pci", format!("{:016x}", hash(&bus.join("\n"))));
    for folder in ["/dev/accel", "/dev/dri"] {
        add(folder, names(Path::new(folder)).join(" "));
    }
    // Whether a door may be opened follows from its owner and mode, and from who this process is.
    let doors =
        ["/dev/dri/renderD128", "/dev/accel/accel0", "/dev/dxg", "/dev/kfd", "/dev/nvidiactl"];
    for door in doors {
        add(&format!("{door} stamp"), stamp(Path::new(door)));
    }
    let status = text("/proc/self/status");
    let who = status.lines().filter(|it| it.starts_with("Uid") || it.starts_with("Groups"));
    add("process", who.collect::<Vec<_>>().join(" "));
    for (name, value) in record::environment() {
        add(&name, value);
    }
    for name in [
        "ACCEL_BROWSER",
        "ACCEL_ENGINES_DIR",
        "ACCEL_ONNXRUNTIME",
        "ACCEL_OPENVINO",
        "ACCEL_WEB_DIR",
        "CONDA_PREFIX",
        "LD_LIBRARY_PATH",
        "PATH",
        "VIRTUAL_ENV",
    ] {
        let value = std::env::var_os(name).unwrap_or_default().to_string_lossy().into_owned();
        if matches!(name, "ACCEL_BROWSER" | "ACCEL_ONNXRUNTIME" | "ACCEL_OPENVINO") {
            add(&format!("{name} stamp"), stamp(Path::new(&value)));
        }
        add(name, value);
    }
    for folder in locate::engines_folders() {
        let parts = ["", "onnxruntime", "onnxruntime-gpu", "openvino", "web", "web/chromium"];
        let stamps = parts.map(|it| stamp(&folder.join(it)));
        add(&folder.display().to_string(), stamps.join(" "));
    }
    key
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<_> = entries.filter_map(|it| it.file_name().into_string().ok()).collect();
    names.sort_unstable();
    names
}

/// When a file or folder was changed; empty when it is not there.
fn stamp(path: &Path) -> String {
    let Ok(metadata) = fs::metadata(path) else { return String::new() };
    let changed = metadata.modified().ok().and_then(|it| it.duration_since(UNIX_EPOCH).ok());
    #[cfg(unix)]
    let owner = {
        use std::os::unix::fs::MetadataExt as _;
        format!(" {}:{} {:o}", metadata.uid(), metadata.gid(), metadata.mode())
    };
    #[cfg(not(unix))]
    let owner = String::new();
    format!("{}{owner}", changed.map_or(0, |it| it.as_nanos()))
}

/// FNV-1a, which is the same in every version of this program.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
