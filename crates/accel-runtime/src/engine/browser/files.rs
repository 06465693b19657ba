//! Where the browser and onnxruntime-web are found.

use std::env;
use std::path::{Path, PathBuf};

use crate::engine::locate::{engines_folders, variable};

/// Path of the browser's executable.
pub const BROWSER: &str = "ACCEL_BROWSER";
/// Folder of the two files of onnxruntime-web.
pub const WEB_DIR: &str = "ACCEL_WEB_DIR";

/// onnxruntime-web's module for browsers with JavaScript Promise Integration.
pub(super) const MODULE: &str = "ort.jspi.bundle.min.mjs";
/// What the module loads.
pub(super) const WASM: &str = "ort-wasm-simd-threaded.jspi.wasm";

/// Names on `PATH`, the one preferred first.
const NAMES: [&str; 5] =
    ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge"];

/// Where macOS has applications.
const APPLICATIONS: [&str; 3] = [
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
];

/// What the engine needs on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrowserFiles {
    /// The browser's executable.
    pub browser: PathBuf,
    /// The folder of onnxruntime-web's two files.
    pub web: PathBuf,
}

/// What was not found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotFound {
    /// What, and where it was looked for.
    pub reason: String,
    /// What to do about it.
    pub remedy: String,
}

impl BrowserFiles {
    /// Looks for both: environment variables, the engines folders, then, for the browser, `PATH`
    /// and the applications of macOS.
    ///
    /// # Errors
    /// What is missing.
    pub fn find() -> Result<Self, NotFound> {
        Self::among(
            variable(BROWSER),
            variable(WEB_DIR),
            &engines_folders(),
            &env::split_paths(&env::var_os("PATH").unwrap_or_default()).collect::<Vec<_>>(),
        )
    }

    fn among(
        browser: Option<PathBuf>,
        web: Option<PathBuf>,
        engines: &[PathBuf],
        path: &[PathBuf],
    ) -> Result<Self, NotFound> {
        let listed = engines.iter().map(|it| it.display().to_string()).collect::<Vec<_>>();
        let web = match web {
            Some(folder) if is_web(&folder) => folder,
            Some(folder) => {
                return Err(NotFound {
                    reason: format!(
                        "{WEB_DIR} is {}, which does not hold {MODULE} and {WASM}",
                        folder.display()
                    ),
                    remedy: format!("unset {WEB_DIR}, or run `accel engines install web`"),
                });
            }
            None => engines.iter().map(|it| it.join("web")).find(|it| is_web(it)).ok_or_else(
                || NotFound {
                    reason: format!(
                        "onnxruntime-web is not there ({MODULE} and {WASM} in a folder `web` of {})",
                        listed.join(", ")
                    ),
                    remedy: "run `accel engines install web`".to_owned(),
                },
            )?,
        };
        let browser = match browser {
            Some(file) if file.is_file() => file,
            Some(file) => {
                return Err(NotFound {
                    reason: format!("{BROWSER} is {}, which is not a file", file.display()),
                    remedy: format!("set {BROWSER} to a browser's executable, or unset it"),
                });
            }
            None => installed(engines)
                .or_else(|| {
                    NAMES
                        .iter()
                        .flat_map(|name| path.iter().map(move |it| it.join(name)))
                        .chain(APPLICATIONS.iter().map(PathBuf::from))
                        .find(|it| it.is_file())
                })
                .ok_or_else(|| NotFound {
                    reason: format!(
                        "no browser is there (chromium in a folder `web/chromium` of {}; {} on PATH)",
                        listed.join(", "),
                        NAMES.join(", ")
                    ),
                    remedy: format!(
                        "run `accel engines install web --with-browser`, install Chromium or \
                         Chrome, or name one in {BROWSER}"
                    ),
                })?,
        };
        Ok(Self { browser, web })
    }
}

fn installed(engines: &[PathBuf]) -> Option<PathBuf> {
    engines.iter().map(|it| it.join("web/chromium/chromium")).find(|it| it.is_file())
}

fn is_web(folder: &Path) -> bool {
    folder.join(MODULE).is_file() && folder.join(WASM).is_file()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use super::{BrowserFiles, MODULE, WASM};

    #[test]
    fn the_installed_browser_comes_before_the_systems_and_a_named_one_before_both() {
        let folder = tempfile::tempdir().unwrap();
        let path = |it: &str| folder.path().join(it);
        for file in [
            format!("engines/web/{MODULE}"),
            format!("engines/web/{WASM}"),
            "bin/google-chrome".to_owned(),
            "mine".to_owned(),
        ] {
            fs::create_dir_all(path(&file).parent().unwrap()).unwrap();
            fs::write(path(&file), "").unwrap();
        }
        let engines = [path("engines")];
        let find = |named: Option<PathBuf>, bin: &str| {
            BrowserFiles::among(named, None, &engines, &[path(bin)])
        };
        assert_eq!(find(None, "bin").unwrap().browser, path("bin/google-chrome"));
        let missing = find(None, "nothing").unwrap_err();
        assert!(missing.reason.contains("no browser"), "{missing:?}");
        assert!(missing.remedy.contains("--with-browser"), "{missing:?}");
        fs::create_dir_all(path("engines/web/chromium")).unwrap();
        fs::write(path("engines/web/chromium/chromium"), "").unwrap();
        assert_eq!(find(None, "bin").unwrap().browser, path("engines/web/chromium/chromium"));
        assert_eq!(find(Some(path("mine")), "bin").unwrap().browser, path("mine"));
        assert!(find(Some(path("gone")), "bin").unwrap_err().reason.contains("ACCEL_BROWSER"));
        let nowhere = BrowserFiles::among(None, None, &[path("empty")], &[path("bin")]);
        assert!(nowhere.unwrap_err().remedy.contains("accel engines install web"));
        let wrong = BrowserFiles::among(None, Some(path("bin")), &engines, &[]).unwrap_err();
        assert!(wrong.reason.contains("ACCEL_WEB_DIR"), "{wrong:?}");
    }
}
