//! Generation from a `build.rs`, into `OUT_DIR` and nowhere else.
//!
//! ```no_run
//! // build.rs, with `accelgen = { …, default-features = false }` under [build-dependencies]
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     accelgen::build::Config::new("model_registry.yaml")
//!         .models(["bert"])
//!         .platforms(["cpu", "cuda"])
//!         .generate()?;
//!     Ok(())
//! }
//! ```
//!
//! and in the crate, with `accel-runtime` under `[dependencies]`:
//!
//! ```rs
//! pub mod skills {
//!     include!(concat!(env!("OUT_DIR"), "/accelgen/src/skills/mod.rs"));
//! }
//! ```

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use accel_core::{Platform, UnknownName};

use crate::error::Error;
use crate::files::{FileSet, Kind};
use crate::registry::{self, LoadError};
use crate::request::{Layout, Request};
use crate::sync::{self, RealDisk, WriteOptions};
use crate::templates::{TemplateError, Templates};

/// What a `build.rs` asks for. Relative paths are relative to the package, where cargo runs
/// build scripts.
#[derive(Clone, Debug)]
pub struct Config {
    registry: PathBuf,
    templates: Option<PathBuf>,
    models: Option<BTreeSet<String>>,
    platforms: Option<Vec<String>>,
}

/// Why a build script generated nothing.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// Not run by cargo.
    #[error(
        "OUT_DIR is not set: accelgen::build is for build scripts, which cargo runs; elsewhere call accelgen::generate"
    )]
    NoOutDir,
    /// The registry.
    #[error(transparent)]
    Registry(#[from] LoadError),
    /// A platform's name.
    #[error(transparent)]
    Platform(#[from] UnknownName),
    /// The folder of templates.
    #[error(transparent)]
    Templates(#[from] TemplateError),
    /// Generation or writing.
    #[error(transparent)]
    Generate(#[from] Error),
    /// Cargo could not be told what was read.
    #[error("cannot write to standard output, where cargo listens: {0}")]
    Stdout(#[from] io::Error),
}

/// What `main` prints when a build script returns the error: the message for people, with the
/// registry's lines and carets.
impl std::fmt::Debug for BuildError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self}")
    }
}

impl Config {
    /// Every model and platform of a registry.
    pub fn new(registry: impl Into<PathBuf>) -> Self {
        Self { registry: registry.into(), templates: None, models: None, platforms: None }
    }

    /// Only these models, by key.
    #[must_use]
    pub fn models(mut self, keys: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.models = Some(keys.into_iter().map(Into::into).collect());
        self
    }

    /// Only these platforms, by name.
    #[must_use]
    pub fn platforms(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.platforms = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// A folder of templates laid over the embedded ones.
    #[must_use]
    pub fn templates(mut self, folder: impl Into<PathBuf>) -> Self {
        self.templates = Some(folder.into());
        self
    }

    /// Writes the skills to `OUT_DIR/accelgen`, where that changes anything, and tells cargo to
    /// run the script again when a file that was read changes. Gives what was generated.
    ///
    /// # Errors
    /// [`BuildError`]; the generated files of an earlier run are then as they were.
    pub fn generate(&self) -> Result<FileSet, BuildError> {
        #[expect(
            clippy::disallowed_methods,
            reason = "cargo tells build scripts by the environment"
        )]
        let out = std::env::var_os("OUT_DIR").ok_or(BuildError::NoOutDir)?;
        let root = Path::new(&out).join("accelgen");
        // First of all, so that a registry which does not load is looked at again once mended.
        tell_cargo("rerun-if-changed", &self.registry.display().to_string())?;
        let mut templates = Templates::default();
        if let Some(folder) = &self.templates {
            // The folder itself, so that cargo notices new files in it.
            tell_cargo("rerun-if-changed", &folder.display().to_string())?;
            for file in templates.overlay_folder(folder)? {
                tell_cargo("rerun-if-changed", &file.display().to_string())?;
            }
        }
        let registry = registry::load(&self.registry)?;
        for warning in &registry.warnings {
            let place = &warning.location;
            let text = format!("{}:{}: {}", place.file, place.line, warning.message);
            tell_cargo("warning", &text.replace(['\n', '\r'], " "))?;
        }
        let mut request = Request {
            models: self.models.clone(),
            kinds: [Kind::Skill].into(),
            layout: Layout::Modules,
            templates,
            ..Request::default()
        };
        if let Some(names) = &self.platforms {
            request.platforms =
                names.iter().map(|it| it.parse::<Platform>()).collect::<Result<_, _>>()?;
        }
        let files = crate::generate(&registry, &request)?;
        let compared = sync::compare_owned(&RealDisk, &root, &files)?;
        sync::write(
            &RealDisk,
            &root,
            &files,
            &compared,
            WriteOptions { prune: true, force: false },
        )?;
        Ok(files)
    }
}

fn tell_cargo(key: &str, value: &str) -> io::Result<()> {
    use io::Write;
    writeln!(io::stdout(), "cargo::{key}={value}")
}
