//! The template files: embedded ones, overlaid by a user's.

mod lookup;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use accel_core::{Family, Platform, Variant, Vocabulary, nearest};

pub use lookup::Resolution;
use lookup::candidates;

macro_rules! embedded {
    ($($name:literal),+ $(,)?) => {
        &[$(($name, include_str!(concat!("../../templates/", $name)))),+]
    };
}

/// Every template in the binary. A test compares this list with the folder.
const EMBEDDED: &[(&str, &str)] = embedded![
    "example/audio_text_encoder.tera",
    "example/image_classifier.tera",
    "example/image_text_encoder.tera",
    "example/image_text_generator.tera",
    "example/object_detector.tera",
    "example/speech_recognizer.tera",
    "example/text_encoder.tera",
    "example/text_generator.tera",
    "example/text_to_text.tera",
    "example/video_text_encoder.tera",
    "index/lib.rs.tera",
    "index/model_skills.rs.tera",
    "index/model_tests.rs.tera",
    "index/skills.rs.tera",
    "index/tests.rs.tera",
    "index/tests_main.rs.tera",
    "partial/about.tera",
    "partial/options.tera",
    "partial/spec.tera",
    "platform/cpu.tera",
    "platform/cuda.tera",
    "platform/mps.tera",
    "platform/openvino.tera",
    "platform/rocm.tera",
    "platform/webgpu.tera",
    "platform/webnn.tera",
    "skill/audio.rs.tera",
    "skill/embedding.rs.tera",
    "skill/multimodal.rs.tera",
    "skill/text_generation.rs.tera",
    "skill/video.rs.tera",
    "skill/vision.rs.tera",
    "test/default.rs.tera",
    "variant/real.tera",
    "variant/simulation.tera",
];

/// Template files by name, such as `skill/vision.rs.tera`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Templates {
    sources: BTreeMap<String, String>,
}

impl Default for Templates {
    /// The embedded ones.
    fn default() -> Self {
        let sources =
            EMBEDDED.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        Self { sources }
    }
}

impl Templates {
    /// Lays another set over this one: files of the same name replace, others are added.
    ///
    /// # Errors
    /// [`TemplateError::Unreachable`] for a name that nothing would ever look for.
    pub fn overlay(
        &mut self,
        sources: impl IntoIterator<Item = (String, String)>,
    ) -> Result<(), TemplateError> {
        let reachable = reachable_names();
        let check = |(name, text): (String, String)| {
            if reachable.contains(&name) {
                return Ok((name, text));
            }
            let suggestion = nearest(&name, reachable.iter().map(String::as_str));
            Err(TemplateError::Unreachable { name, suggestion })
        };
        let checked: Vec<_> = sources.into_iter().map(check).collect::<Result<_, _>>()?;
        self.sources.extend(checked);
        Ok(())
    }

    /// Lays the files of a folder over this set, by their paths in it, and gives the files read.
    ///
    /// # Errors
    /// [`TemplateError`]; this set is then as it was.
    pub fn overlay_folder(&mut self, folder: &Path) -> Result<Vec<PathBuf>, TemplateError> {
        let mut read = Vec::new();
        let mut sources = Vec::new();
        let mut folders = vec![(folder.to_path_buf(), String::new())];
        while let Some((folder, prefix)) = folders.pop() {
            let failed = |source| TemplateError::Io { path: folder.clone(), source };
            #[expect(clippy::disallowed_methods, reason = "reading a user's templates")]
            let entries = std::fs::read_dir(&folder).map_err(failed)?;
            for entry in entries {
                let path = entry.map_err(failed)?.path();
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                // Editors leave files of this kind about.
                if name.starts_with('.') || name.ends_with('~') {
                    continue;
                }
                let name = format!("{prefix}{name}");
                if path.is_dir() {
                    folders.push((path, format!("{name}/")));
                    continue;
                }
                // Reading a pipe would wait for a writer that never comes.
                if path.exists() && !path.is_file() {
                    let source = io::Error::other("it is neither a file nor a folder");
                    return Err(TemplateError::Io { path, source });
                }
                #[expect(clippy::disallowed_methods, reason = "reading a user's templates")]
                let text = std::fs::read_to_string(&path)
                    .map_err(|source| TemplateError::Io { path: path.clone(), source })?;
                sources.push((name, text));
                read.push(path);
            }
        }
        if read.is_empty() {
            return Err(TemplateError::NoTemplates { folder: folder.to_owned() });
        }
        self.overlay(sources)?;
        read.sort();
        Ok(read)
    }

    /// Every template: name and text, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.sources.iter().map(|(name, text)| (name.as_str(), text.as_str()))
    }

    /// Whether there is a template of this name.
    pub fn contains(&self, name: &str) -> bool {
        self.sources.contains_key(name)
    }
}

/// Why a folder of templates was not taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TemplateError {
    /// A file that nothing would ever look for, most likely misspelt.
    #[error("nothing looks for a template named `{name}`{}; `accelgen --list templates` shows the names", .suggestion.as_ref().map_or_else(String::new, |it| format!(" (did you mean `{it}`?)")))]
    Unreachable {
        /// Its path in the folder.
        name: String,
        /// The closest name that is looked for.
        suggestion: Option<String>,
    },
    /// A folder without a single file: most likely another one is meant.
    #[error("there is no template in `{}`; `accelgen --list templates` shows the names", .folder.display())]
    NoTemplates {
        /// The folder.
        folder: PathBuf,
    },
    /// It cannot be read.
    #[error("cannot read templates from `{}`: {source}", .path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// Every name that a lookup can end at: the embedded ones and the more specific ones.
fn reachable_names() -> BTreeSet<String> {
    let mut names: BTreeSet<String> = EMBEDDED.iter().map(|(name, _)| (*name).to_owned()).collect();
    for kind in ["skill", "test"] {
        for family in Family::ALL {
            for platform in Platform::ALL {
                for variant in Variant::ALL {
                    names.extend(candidates(kind, *family, *platform, *variant));
                }
            }
        }
    }
    names
}
