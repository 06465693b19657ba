//! A model on disk, in the layout of the Hub's ONNX exports.
//!
//! ```text
//! config.json                      always
//! generation_config.json           generators
//! tokenizer.json                   text models, with tokenizer_config.json
//! chat_template.jinja              chat models, unless tokenizer_config.json holds it
//! preprocessor_config.json         image, audio and video models
//! processor_config.json            models of images and text
//! onnx/model.onnx                  graphs; precision by suffix: model_fp16.onnx, model_int8.onnx
//! ```

mod config;
mod elem_type;
mod graph;
mod onnx;
mod source;
mod wire;

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use accel_core::{Precision, Vocabulary};
use serde::de::DeserializeOwned;

use crate::{Error, Result};

pub use config::{
    ChatTemplates, Config, GenerationConfig, NamedTemplate, OneOrMany, Side, SpecialTokens, Token,
    TokenizerConfig,
};
pub use elem_type::elem_type_name;
pub use graph::GraphFiles;
pub use onnx::{Attribute, Initializer, Node, OnnxGraph, ValueInfo};
pub(crate) use onnx::{byte_size, element_count};
pub use source::ModelSource;

/// The largest configuration or tokenizer file that is read. The largest tokenizers in use take
/// 30 MB; a file beyond this is something else under a wrong name.
const MAX_TEXT_BYTES: u64 = 256 << 20;

/// A model's folder.
#[derive(Clone, Debug)]
pub struct ModelDir {
    path: PathBuf,
    config: Config,
}

impl ModelDir {
    /// Opens the folder and reads its `config.json`.
    ///
    /// # Errors
    /// [`Error::MissingFile`], [`Error::InvalidFile`] or [`Error::Io`], naming the file.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self> {
        let path = path.into();
        if !path.is_dir() {
            return Err(Error::MissingFile {
                what: "the model's folder".to_owned(),
                remedy: "give the path of a folder that holds config.json and onnx/".to_owned(),
                path,
            });
        }
        let file = path.join("config.json");
        let config = read_json(&file)?.ok_or_else(|| Error::MissingFile {
            path: file,
            what: "the model's configuration".to_owned(),
            remedy: "copy it from the model's repository".to_owned(),
        })?;
        Ok(Self { path, config })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// `config.json`.
    pub const fn config(&self) -> &Config {
        &self.config
    }

    /// `generation_config.json`, or nothing set when there is none.
    ///
    /// # Errors
    /// [`Error::InvalidFile`] or [`Error::Io`].
    pub fn generation_config(&self) -> Result<GenerationConfig> {
        Ok(read_json(&self.path.join("generation_config.json"))?.unwrap_or_default())
    }

    /// `tokenizer_config.json`, completed by `special_tokens_map.json`; nothing set when there
    /// is neither.
    ///
    /// # Errors
    /// [`Error::InvalidFile`] or [`Error::Io`].
    pub fn tokenizer_config(&self) -> Result<TokenizerConfig> {
        let mut config: TokenizerConfig =
            read_json(&self.path.join("tokenizer_config.json"))?.unwrap_or_default();
        let map: Option<SpecialTokens> = read_json(&self.path.join("special_tokens_map.json"))?;
        config.special_tokens = config.special_tokens.or(map.unwrap_or_default());
        Ok(config)
    }

    /// The chat template: `chat_template.jinja`, else that of `chat_template.json`, where older
    /// models with images have it, else that of `tokenizer_config.json`.
    ///
    /// # Errors
    /// [`Error::NoChatTemplate`] when there is neither; [`Error::InvalidFile`] or [`Error::Io`].
    pub fn chat_template(&self) -> Result<String> {
        let file = self.path.join("chat_template.jinja");
        if let Some(bytes) = read_bytes(&file)? {
            return String::from_utf8(bytes).map_err(|_| invalid(&file, "it is not UTF-8"));
        }
        let own: Option<TokenizerConfig> = read_json(&self.path.join("chat_template.json"))?;
        let own = own.and_then(|it| it.chat_template);
        if let Some(template) = own.as_ref().and_then(ChatTemplates::default_template) {
            return Ok(template.to_owned());
        }
        let config = self.tokenizer_config()?;
        let template = config.chat_template.as_ref().and_then(ChatTemplates::default_template);
        template.map(str::to_owned).ok_or_else(|| Error::NoChatTemplate { dir: self.path.clone() })
    }

    /// A file that a task cannot do without.
    ///
    /// # Errors
    /// [`Error::MissingFile`] saying that it is `what`; [`Error::InvalidFile`] or [`Error::Io`].
    pub fn required_bytes(&self, file: &str, what: &str) -> Result<Vec<u8>> {
        let path = self.path.join(file);
        read_bytes(&path)?.ok_or_else(|| missing(path, what))
    }

    /// A JSON file that a task cannot do without.
    ///
    /// # Errors
    /// As [`required_bytes`](Self::required_bytes).
    pub fn required_json<T: DeserializeOwned>(&self, file: &str, what: &str) -> Result<T> {
        let path = self.path.join(file);
        read_json(&path)?.ok_or_else(|| missing(path, what))
    }

    /// A JSON file that a task can do without.
    ///
    /// # Errors
    /// [`Error::InvalidFile`] or [`Error::Io`].
    pub fn optional_json<T: DeserializeOwned>(&self, file: &str) -> Result<Option<T>> {
        read_json(&self.path.join(file))
    }

    /// The graph `name`, such as `model`, in `precision`.
    ///
    /// # Errors
    /// [`Error::MissingFile`] when there is no such graph at all, [`Error::MissingPrecision`]
    /// when there is, but not in that precision; what [`GraphFiles::read`] reports.
    pub fn graph(&self, name: &str, precision: Precision) -> Result<GraphFiles> {
        let folder = self.graph_folder();
        for suffix in suffixes(precision) {
            let path = folder.join(format!("{name}{suffix}.onnx"));
            if path.is_file() {
                return GraphFiles::read(name, &path);
            }
        }
        let present = self.files()?;
        if present.iter().any(|it| split_precision(it).0 == name) {
            return Err(Error::MissingPrecision {
                dir: folder,
                graph: name.to_owned(),
                precision,
                present,
            });
        }
        let path = folder.join(format!("{name}{}.onnx", precision.file_suffix()));
        let found = if present.is_empty() { "nothing".to_owned() } else { present.join(", ") };
        Err(Error::MissingFile {
            path,
            what: format!("the graph `{name}`"),
            remedy: format!("export the model to ONNX in the Hub's layout (found: {found})"),
        })
    }

    /// Names of all graphs that are there in `precision`, sorted.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn graph_names(&self, precision: Precision) -> Result<Vec<String>> {
        let files = self.files()?;
        let mut names: Vec<_> = files
            .iter()
            .map(|it| split_precision(it))
            .filter(|(_, found)| *found == Some(precision))
            .map(|(name, _)| name.to_owned())
            .collect();
        names.sort_unstable();
        names.dedup();
        Ok(names)
    }

    /// `onnx/` where there is one, else the folder itself: exporters write the latter, the Hub
    /// holds the former.
    fn graph_folder(&self) -> PathBuf {
        let folder = self.path.join("onnx");
        if folder.is_dir() { folder } else { self.path.clone() }
    }

    /// Stems of all ONNX files, sorted.
    fn files(&self) -> Result<Vec<String>> {
        let folder = self.graph_folder();
        let io = |source| Error::Io { path: folder.clone(), source };
        let mut stems = Vec::new();
        for entry in fs::read_dir(&folder).map_err(io)? {
            let path = entry.map_err(io)?.path();
            if path.is_file()
                && path.extension().is_some_and(|it| it == "onnx")
                && let Some(stem) = path.file_stem().and_then(|it| it.to_str())
            {
                stems.push(stem.to_owned());
            }
        }
        stems.sort_unstable();
        Ok(stems)
    }
}

/// Suffixes of a precision's files, the preferred one first. The Hub has two names for 8 bits.
const fn suffixes(precision: Precision) -> &'static [&'static str] {
    match precision {
        Precision::Fp32 => &[""],
        Precision::Fp16 => &["_fp16"],
        Precision::Int8 => &["_int8", "_quantized"],
        Precision::Q4 => &["_q4"],
    }
}

/// A file's stem as the graph's name and precision. The precision is `None` for the Hub's
/// mixtures (`_q4f16`, `_bnb4`, `_uint8`) and for 8 bits with their ranges in the file (`_qdq`), which
/// nothing here asks for.
fn split_precision(stem: &str) -> (&str, Option<Precision>) {
    for mixture in ["_q4f16", "_bnb4", "_uint8", "_qdq"] {
        if let Some(name) = stem.strip_suffix(mixture) {
            return (name, None);
        }
    }
    for precision in Precision::ALL {
        for suffix in suffixes(*precision).iter().filter(|it| !it.is_empty()) {
            if let Some(name) = stem.strip_suffix(suffix) {
                return (name, Some(*precision));
            }
        }
    }
    (stem, Some(Precision::Fp32))
}

/// The file's bytes; `None` when there is no such file.
fn read_bytes(path: &Path) -> Result<Option<Vec<u8>>> {
    let io = |source| Error::Io { path: path.to_owned(), source };
    let metadata = match fs::metadata(path) {
        Ok(it) => it,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io(error)),
    };
    if !metadata.is_file() {
        return Err(invalid(path, "it is not a file"));
    }
    if metadata.len() > MAX_TEXT_BYTES {
        let reason = format!("it has {} bytes, more than such a file can have", metadata.len());
        return Err(invalid(path, &reason));
    }
    fs::read(path).map(Some).map_err(io)
}

fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>> {
    let Some(bytes) = read_bytes(path)? else { return Ok(None) };
    // Serde would take a list for an object whose fields come in order.
    if bytes.trim_ascii_start().first().is_some_and(|it| *it != b'{') {
        return Err(invalid(path, "it is not a JSON object"));
    }
    serde_json::from_slice(&bytes).map(Some).map_err(|error| invalid(path, &error.to_string()))
}

fn invalid(path: &Path, reason: &str) -> Error {
    Error::InvalidFile {
        path: path.to_owned(),
        reason: reason.to_owned(),
        remedy: "copy it again from the model's repository".to_owned(),
    }
}

fn missing(path: PathBuf, what: &str) -> Error {
    Error::MissingFile {
        path,
        what: what.to_owned(),
        remedy: "copy it from the model's repository".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use accel_core::Precision;

    use super::split_precision;

    #[test]
    fn the_suffix_tells_the_precision() {
        assert_eq!(split_precision("model"), ("model", Some(Precision::Fp32)));
        assert_eq!(split_precision("model_fp16"), ("model", Some(Precision::Fp16)));
        assert_eq!(split_precision("model_quantized"), ("model", Some(Precision::Int8)));
        assert_eq!(split_precision("decoder_model_q4"), ("decoder_model", Some(Precision::Q4)));
        assert_eq!(split_precision("decoder_model_q4f16"), ("decoder_model", None));
    }
}
