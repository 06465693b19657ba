//! Where a model comes from.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use accel_core::{Engine as EngineName, Platform, SessionOptions};

use crate::Result;
use crate::engine::{self, Engine};

/// A model's folder, and optionally the engine that is to run it.
#[derive(Clone, Debug)]
pub struct ModelSource {
    dir: PathBuf,
    engine: Option<Arc<dyn Engine>>,
}

impl ModelSource {
    /// The model in the folder `path`, in the Hub's layout; see [`ModelDir`](crate::ModelDir).
    pub fn dir(path: impl Into<PathBuf>) -> Self {
        Self { dir: path.into(), engine: None }
    }

    /// The same model on an engine of your own.
    #[must_use]
    pub fn with_engine(mut self, engine: Arc<dyn Engine>) -> Self {
        self.engine = Some(engine);
        self
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.dir
    }

    /// The name of the engine that the source has of its own, if it has one.
    pub fn own_engine(&self) -> Option<EngineName> {
        self.engine.as_ref().map(|it| it.name())
    }

    /// Whether the source has an engine of its own, of that name.
    pub fn brings(&self, name: EngineName) -> bool {
        self.own_engine() == Some(name)
    }

    /// The engine for `options`: the source's own, else the one that serves them.
    ///
    /// # Errors
    /// [`Error::InvalidOption`](crate::Error::InvalidOption) for the options of another platform
    /// than `platform`; [`Error::EngineUnavailable`](crate::Error::EngineUnavailable).
    pub fn engine(&self, platform: Platform, options: &SessionOptions) -> Result<Arc<dyn Engine>> {
        engine::check_platform(platform, options)?;
        match &self.engine {
            Some(engine) => Ok(Arc::clone(engine)),
            None => engine::for_options(options),
        }
    }
}

impl From<&str> for ModelSource {
    fn from(path: &str) -> Self {
        Self::dir(path)
    }
}

impl From<String> for ModelSource {
    fn from(path: String) -> Self {
        Self::dir(path)
    }
}

impl From<&Path> for ModelSource {
    fn from(path: &Path) -> Self {
        Self::dir(path)
    }
}

impl From<PathBuf> for ModelSource {
    fn from(path: PathBuf) -> Self {
        Self::dir(path)
    }
}

impl From<&Self> for ModelSource {
    fn from(source: &Self) -> Self {
        source.clone()
    }
}
