//! What the environment asks of a run.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use accel_core::{Platform, Vocabulary, nearest};

/// Path of the report, one JSON line a case.
pub(super) const REPORT: &str = "ACCEL_REPORT";
/// Cells that may not be skipped.
pub(super) const REQUIRE: &str = "ACCEL_REQUIRE";
/// Seconds that one case may take.
pub(super) const TIMEOUT_SECONDS: &str = "ACCEL_TIMEOUT_SECONDS";
/// Folder that holds a folder for every model to test, instead of the registry's.
pub(super) const MODEL_DIR: &str = "ACCEL_MODEL_DIR";
/// Which cases run in a process of their own.
const ISOLATE: &str = "ACCEL_ISOLATE";
/// Set by nextest, which runs every test in a process of its own.
const NEXTEST: &str = "NEXTEST";

const DEFAULT_TIMEOUT: Duration = Duration::from_mins(2);

/// What the environment asks of a run.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where report lines go, if anywhere.
    pub report: Option<PathBuf>,
    /// Cells that may not be skipped.
    pub require: Vec<Requirement>,
    /// How long one case may take.
    pub timeout: Duration,
    /// Where the models lie, each in a folder of its registry key, instead of where the registry
    /// says.
    pub model_dir: Option<PathBuf>,
    /// Whether nextest started this process.
    pub nextest: bool,
    /// Which cells' cases run in a process of their own.
    pub isolate: Isolate,
    /// Program and arguments of such a process: something that ends in
    /// [`serve_if_worker`](super::serve_if_worker). Without a program nothing is isolated.
    pub worker: Vec<OsString>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            report: None,
            require: Vec::new(),
            timeout: DEFAULT_TIMEOUT,
            model_dir: None,
            nextest: false,
            isolate: Isolate::Libraries,
            worker: Vec::new(),
        }
    }
}

/// Which cells' cases run in a process of their own, so that a crash is one failed case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isolate {
    /// `libraries`: those whose engine is a vendor's library; those that are Rust and those that
    /// have a process of their own anyway are not.
    Libraries,
    /// `everything`.
    Everything,
    /// `nothing`, for a debugger.
    Nothing,
}

/// An entry of `ACCEL_REQUIRE`: `openvino`, or `bert::openvino` for one model only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
    /// The registry's key of the model; every model when there is none.
    pub model: Option<String>,
    /// The platform.
    pub platform: Platform,
}

impl Requirement {
    /// Whether a cell is among those meant.
    pub fn covers(&self, model: &str, platform: Platform) -> bool {
        self.platform == platform && self.model.as_deref().is_none_or(|it| it == model)
    }
}

impl std::fmt::Display for Requirement {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(model) = &self.model {
            write!(f, "{model}::")?;
        }
        write!(f, "{}", self.platform)
    }
}

/// Wrong use of the harness: the run does not start, and the process ends with exit code 2.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct UsageError(pub String);

impl Settings {
    /// Reads the environment of this process.
    ///
    /// # Errors
    /// When a variable has a value that means nothing.
    pub fn from_env() -> Result<Self, UsageError> {
        let settings = Self::read(|name| std::env::var(name).ok())?;
        // Without a path of its own a process cannot be started again; then nothing is isolated.
        let worker = std::env::current_exe().map(PathBuf::into_os_string).into_iter().collect();
        Ok(Self { worker, ..settings })
    }

    /// Reads variables from `get`.
    ///
    /// # Errors
    /// When a variable has a value that means nothing.
    pub fn read(get: impl Fn(&str) -> Option<String>) -> Result<Self, UsageError> {
        // An empty variable is how shells and CI files unset one.
        let get = |name: &str| get(name).filter(|it| !it.trim().is_empty());
        let timeout = match get(TIMEOUT_SECONDS) {
            None => DEFAULT_TIMEOUT,
            Some(text) => match text.trim().parse::<u32>() {
                Ok(seconds) if seconds > 0 => Duration::from_secs(seconds.into()),
                _ => {
                    return Err(UsageError(format!(
                        "{TIMEOUT_SECONDS} is `{text}`: give whole seconds, 1 or more"
                    )));
                }
            },
        };
        let mut require = Vec::new();
        for entry in get(REQUIRE).iter().flat_map(|it| it.split(',')).map(str::trim) {
            if !entry.is_empty() {
                require.push(parse_requirement(entry)?);
            }
        }
        let isolate = match get(ISOLATE).as_deref().map(str::trim) {
            None | Some("libraries") => Isolate::Libraries,
            Some("everything") => Isolate::Everything,
            Some("nothing") => Isolate::Nothing,
            Some(other) => {
                return Err(UsageError(format!(
                    "{ISOLATE} is `{other}`: give `libraries`, `everything` or `nothing`"
                )));
            }
        };
        let model_dir = get(MODEL_DIR).map(PathBuf::from);
        // Cargo runs a test in its package's folder, so a relative path would mean another one
        // than where it was typed.
        if let Some(it) = model_dir.as_ref().filter(|it| !(it.is_absolute() && it.is_dir())) {
            return Err(UsageError(format!(
                "{MODEL_DIR} is `{}`: give the absolute path of a folder that holds a folder for \
                 every model, such as `bert`",
                it.display()
            )));
        }
        Ok(Self {
            report: get(REPORT).map(PathBuf::from),
            require,
            timeout,
            model_dir,
            nextest: get(NEXTEST).is_some_and(|it| it == "1"),
            isolate,
            worker: Vec::new(),
        })
    }

    /// Refuses requirements that no planned cell could ever meet or break.
    ///
    /// # Errors
    /// Names the entry, and the closest model when one is close.
    pub fn check_requirements(&self, cells: &[(&str, Platform)]) -> Result<(), UsageError> {
        for requirement in &self.require {
            if cells.iter().any(|(model, platform)| requirement.covers(model, *platform)) {
                continue;
            }
            let hint = requirement
                .model
                .as_deref()
                .filter(|given| cells.iter().all(|(model, _)| model != given))
                .and_then(|given| nearest(given, cells.iter().map(|(model, _)| *model)))
                .map_or_else(String::new, |it| format!(" (did you mean `{it}`?)"));
            return Err(UsageError(format!(
                "{REQUIRE} asks for `{requirement}`, and this suite has no such cell{hint}"
            )));
        }
        Ok(())
    }
}

fn parse_requirement(entry: &str) -> Result<Requirement, UsageError> {
    let (model, platform) = match entry.split_once("::") {
        Some((model, platform)) => (Some(model.to_owned()), platform),
        None => (None, entry),
    };
    let platform =
        Platform::parse(platform).map_err(|error| UsageError(format!("{REQUIRE}: {error}")))?;
    Ok(Requirement { model, platform })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use accel_core::Platform;

    use super::{ISOLATE, Isolate, MODEL_DIR, REPORT, REQUIRE, Settings, TIMEOUT_SECONDS};

    fn read(variables: &[(&str, &str)]) -> Result<Settings, String> {
        Settings::read(|name| {
            variables.iter().find(|(it, _)| *it == name).map(|(_, value)| (*value).to_owned())
        })
        .map_err(|error| error.to_string())
    }

    #[test]
    fn nothing_set_means_the_defaults_and_empty_means_unset() {
        for variables in [&[][..], &[(REPORT, ""), (REQUIRE, " "), (TIMEOUT_SECONDS, "")]] {
            let settings = read(variables).unwrap();
            assert_eq!(settings.report, None);
            assert!(settings.require.is_empty());
            assert_eq!(settings.timeout, Duration::from_mins(2));
            assert!(!settings.nextest);
        }
    }

    #[test]
    fn requirements_name_platforms_or_cells() {
        let settings = read(&[(REQUIRE, "cpu, bert::openvino,")]).unwrap();
        assert_eq!(settings.require.len(), 2);
        assert!(settings.require[0].covers("anything", Platform::Cpu));
        assert!(settings.require[1].covers("bert", Platform::Openvino));
        assert!(!settings.require[1].covers("vit", Platform::Openvino));
        assert!(!settings.require[1].covers("bert", Platform::Cpu));
    }

    #[test]
    fn an_unknown_platform_gets_a_suggestion() {
        let error = read(&[(REQUIRE, "cpu,opnvino")]).unwrap_err();
        assert!(error.contains("did you mean `openvino`?"), "{error}");
        assert!(error.contains(REQUIRE), "{error}");
    }

    #[test]
    fn a_requirement_that_no_cell_can_meet_is_refused() {
        let cells = [("bert", Platform::Cpu), ("vit", Platform::Cpu)];
        let check = |text| read(&[(REQUIRE, text)]).unwrap().check_requirements(&cells);
        assert_eq!(check("cpu,bert::cpu"), Ok(()));
        assert!(check("cuda").unwrap_err().0.contains("`cuda`"));
        assert!(check("brt::cpu").unwrap_err().0.contains("did you mean `bert`?"));
    }

    #[test]
    fn models_lie_in_an_absolute_folder() {
        let here = env!("CARGO_MANIFEST_DIR");
        assert_eq!(read(&[(MODEL_DIR, here)]).unwrap().model_dir.unwrap().as_os_str(), here);
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
        for wrong in ["src", "/no/such/folder", file] {
            let error = read(&[(MODEL_DIR, wrong)]).unwrap_err();
            assert!(error.contains(wrong) && error.contains("absolute"), "{error}");
        }
    }

    #[test]
    fn what_is_isolated_is_one_of_three_words() {
        assert_eq!(read(&[]).unwrap().isolate, Isolate::Libraries);
        assert_eq!(read(&[(ISOLATE, "nothing")]).unwrap().isolate, Isolate::Nothing);
        assert!(read(&[(ISOLATE, "1")]).unwrap_err().contains("`everything`"));
    }

    #[test]
    fn a_timeout_is_whole_positive_seconds() {
        assert_eq!(read(&[(TIMEOUT_SECONDS, "7")]).unwrap().timeout, Duration::from_secs(7));
        for wrong in ["0", "-1", "soon", "1.5"] {
            assert!(read(&[(TIMEOUT_SECONDS, wrong)]).unwrap_err().contains(wrong));
        }
    }
}
