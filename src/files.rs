//! What generation gives: a map from relative path to text, and where each file came from.

use std::collections::BTreeMap;

use accel_core::{Family, Platform, Variant};
use serde::Serialize;

/// What a generated file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A typed module that loads and runs a model on a platform.
    Skill,
    /// The test of a skill.
    Test,
    /// A platform's extra tests, on request.
    Extra,
    /// A module file that ties the others together.
    Index,
}

impl Kind {
    /// The name in reports and flags.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Skill => "skill",
            Self::Test => "test",
            Self::Extra => "extra",
            Self::Index => "index",
        }
    }
}

/// The file of one kind for one (model, platform) cell.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CellFile {
    /// The registry key.
    pub model: String,
    /// The platform.
    pub platform: Platform,
    /// Never [`Kind::Index`].
    pub kind: Kind,
}

impl CellFile {
    /// Where it lies below the output directory, with forward slashes.
    pub fn path(&self) -> String {
        let Self { model, platform, .. } = self;
        match self.kind {
            Kind::Skill => format!("src/skills/{model}/{platform}.rs"),
            Kind::Extra => format!("tests/models/{model}/{platform}_extra.rs"),
            Kind::Test | Kind::Index => format!("tests/models/{model}/{platform}.rs"),
        }
    }
}

/// Where a file came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Origin {
    /// What it is for.
    pub kind: Kind,
    /// The registry key; none for index files of several models.
    pub model: Option<String>,
    /// The platform; none for index files.
    pub platform: Option<Platform>,
    /// Real or simulation; none for index files.
    pub variant: Option<Variant>,
    /// The family; none for index files.
    pub family: Option<Family>,
    /// The template that decided its layout.
    pub template: String,
}

/// A file to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GeneratedFile {
    /// Formatted Rust with our header.
    pub text: String,
    /// Where it came from.
    pub origin: Origin,
}

/// Everything that one request generates, by path below the output directory, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileSet {
    /// Path (forward slashes, never leaving the output directory) → file.
    pub files: BTreeMap<String, GeneratedFile>,
}
