//! Where engines' files are looked for.
//!
//! In this order: the engine's environment variable, the folder that `accel engines install`
//! writes, the Python environments of this user, the system. The first file found is taken.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Names the folder of engines; else it is `.accel/engines` in this folder or one above it, else
/// `accel/engines` in the user's data folder.
pub const ENGINES_DIR: &str = "ACCEL_ENGINES_DIR";

/// Folders that may hold engines, the first one preferred. They need not exist.
pub fn engines_folders() -> Vec<PathBuf> {
    if let Some(folder) = variable(ENGINES_DIR) {
        return vec![folder];
    }
    let mut folders = Vec::new();
    if let Ok(here) = env::current_dir() {
        let project = here.ancestors().map(|it| it.join(".accel/engines")).find(|it| it.is_dir());
        folders.extend(project);
    }
    folders.extend(user_engines_folder());
    folders
}

/// The user's own folder of engines, where the system has one.
pub fn user_engines_folder() -> Option<PathBuf> {
    let data = if cfg!(windows) {
        variable("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        variable("HOME").map(|it| it.join("Library/Application Support"))
    } else {
        variable("XDG_DATA_HOME").or_else(|| variable("HOME").map(|it| it.join(".local/share")))
    };
    data.map(|it| it.join("accel/engines"))
}

/// The `site-packages` of the active virtual environment, of conda's, and of the `python3` that
/// is found first.
pub fn site_packages() -> Vec<PathBuf> {
    let mut folders = Vec::new();
    for prefix in ["VIRTUAL_ENV", "CONDA_PREFIX"].into_iter().filter_map(variable) {
        folders.push(prefix.join("Lib/site-packages"));
        folders.extend(
            matching(&prefix.join("lib"), "python3").into_iter().map(|it| it.join("site-packages")),
        );
    }
    // Version managers put a script in place of Python, so that only Python knows.
    let ask = "import site, sysconfig\n\
               for it in [sysconfig.get_path('purelib'), site.getusersitepackages()]: print(it)";
    if let Ok(output) = Command::new("python3").args(["-I", "-c", ask]).output() {
        folders.extend(String::from_utf8_lossy(&output.stdout).lines().map(PathBuf::from));
    }
    folders.retain(|it| it.is_dir());
    folders
}

/// Folders of the system that hold libraries.
pub fn system_folders() -> Vec<PathBuf> {
    let mut folders: Vec<_> = ["LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"]
        .iter()
        .filter_map(env::var_os)
        .flat_map(|it| env::split_paths(&it).collect::<Vec<_>>())
        .collect();
    folders.extend(
        [
            "/usr/local/lib",
            "/usr/lib/x86_64-linux-gnu",
            "/usr/lib/aarch64-linux-gnu",
            "/usr/lib64",
            "/usr/lib",
            "/opt/homebrew/lib",
        ]
        .map(PathBuf::from),
    );
    folders.retain(|it| !it.as_os_str().is_empty() && it.is_dir());
    folders
}

/// Entries of `folder` whose names begin with `start`, the last by name first, so that of two
/// versions the higher one usually wins. A link that leads nowhere is left out.
pub fn matching(folder: &Path, start: &str) -> Vec<PathBuf> {
    let mut found: Vec<_> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|it| it.path())
        .filter(|it| it.file_name().and_then(OsStr::to_str).is_some_and(|it| it.starts_with(start)))
        .filter(|it| it.exists())
        .collect();
    found.sort_unstable_by(|a, b| b.cmp(a));
    found
}

/// A variable's value as a path; an empty one counts as unset.
pub fn variable(name: &str) -> Option<PathBuf> {
    env::var_os(name).filter(|it| !it.is_empty()).map(PathBuf::from)
}
