//! Where compiled models are kept between processes.

use std::fmt::Debug;
use std::fs::{self, File};
use std::hash::{DefaultHasher, Hasher};
use std::io::Read;
use std::path::{Path, PathBuf};

use accel_core::SessionOptions;

use crate::engine::locate::variable;
use crate::model::GraphFiles;
use crate::{Error, Result};

/// The folder for what is compiled of this graph with these options by this version of the
/// library. It is made where it is missing.
///
/// The folder's name stands for all three, since a provider may know a compiled model by the
/// graph's path only and would take an older one for it.
pub(super) fn folder(
    graph: &GraphFiles,
    options: &SessionOptions,
    version: &str,
) -> Result<PathBuf> {
    let caches = user_caches().ok_or_else(|| Error::InvalidOption {
        option: "model_cache",
        given: "true".to_owned(),
        reason: "the system names no cache folder for this user (set XDG_CACHE_HOME or HOME), or \
                 give false"
            .to_owned(),
    })?;
    let platform = options.device.platform().name();
    let folder = caches.join("accel/compiled").join(platform).join(key(graph, options, version)?);
    fs::create_dir_all(&folder).map_err(|source| Error::Io { path: folder.clone(), source })?;
    Ok(folder)
}

/// Stands for the bytes of the graph's files and everything else that a compiled model depends on.
fn key(graph: &GraphFiles, options: &SessionOptions, version: &str) -> Result<String> {
    let mut hasher = DefaultHasher::new();
    for path in std::iter::once(&graph.path).chain(&graph.external_data) {
        hash_file(path, &mut hasher)?;
    }
    let others: [&dyn Debug; 3] =
        [&options.device, &(options.graph_optimization, options.memory_limit_bytes), &version];
    for it in others {
        hasher.write(format!("{it:?}\n").as_bytes());
    }
    Ok(format!("{:016x}", hasher.finish()))
}

fn hash_file(path: &Path, hasher: &mut DefaultHasher) -> Result<()> {
    let failed = |source| Error::Io { path: path.to_owned(), source };
    let mut file = File::open(path).map_err(failed)?;
    let mut buffer = vec![0; 1 << 20];
    let mut length = 0_u64;
    loop {
        let read = file.read(&mut buffer).map_err(failed)?;
        if read == 0 {
            hasher.write_u64(length);
            return Ok(());
        }
        hasher.write(&buffer[..read]);
        length += read as u64;
    }
}

/// The user's folder for what can be made again.
fn user_caches() -> Option<PathBuf> {
    if cfg!(windows) {
        variable("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        variable("HOME").map(|it| it.join("Library/Caches"))
    } else {
        variable("XDG_CACHE_HOME").or_else(|| variable("HOME").map(|it| it.join(".cache")))
    }
}

#[cfg(test)]
mod tests {
    use accel_core::{DeviceOptions, GraphOptimization, Precision, RocmOptions, SessionOptions};

    use super::key;
    use crate::{GraphFiles, ModelDir};

    #[test]
    fn a_compiled_model_is_known_by_bytes_options_and_version() {
        let options = SessionOptions {
            precision: Precision::Fp32,
            graph_optimization: GraphOptimization::All,
            threads: 0,
            max_batch: 8,
            memory_limit_bytes: 0,
            cpu_fallback_percent: 0,
            device: DeviceOptions::Rocm(RocmOptions {
                device_id: 0,
                fp16: false,
                int8: false,
                exhaustive_tune: false,
                model_cache: true,
            }),
        };
        let DeviceOptions::Rocm(rocm) = options.device else { panic!("{options:?}") };
        let fp16 = DeviceOptions::Rocm(RocmOptions { fp16: true, ..rocm });
        let fp16 = SessionOptions { device: fp16, ..options };
        let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures");
        let graph = |model: &str| -> GraphFiles {
            let dir = ModelDir::open(format!("{fixtures}/{model}")).unwrap();
            dir.graph("model", Precision::Fp32).unwrap()
        };
        let bert = graph("bert");
        let copy = tempfile::tempdir().unwrap();
        let path = copy.path().join("other_name.onnx");
        std::fs::copy(&bert.path, &path).unwrap();
        let same = GraphFiles::read("model", &path).unwrap();
        let first = key(&bert, &options, "1.31.1").unwrap();
        assert_eq!(key(&same, &options, "1.31.1").unwrap(), first);
        let others = [
            key(&graph("vit"), &options, "1.31.1").unwrap(),
            key(&bert, &fp16, "1.31.1").unwrap(),
            key(&bert, &options, "1.32.0").unwrap(),
        ];
        assert!(!others.contains(&first), "{others:?}");
    }
}
