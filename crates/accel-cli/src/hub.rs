//! The Hugging Face Hub's cache on this machine; nothing is fetched.

use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;

/// The newest snapshot of a Hub id: the one that `main` points to, else the only one.
pub(crate) fn cached(id: &str) -> Option<PathBuf> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '-' | '_' | '.');
    let one_of_ours = !id.is_empty() && id.chars().all(plain) && id.matches('/').count() <= 1;
    if !one_of_ours || id.contains("..") {
        return None;
    }
    let repository = folder()?.join(format!("models--{}", id.replace('/', "--")));
    let snapshots = repository.join("snapshots");
    let main = fs::read_to_string(repository.join("refs").join("main")).ok();
    let main = main.filter(|it| it.trim().bytes().all(|it| it.is_ascii_hexdigit()));
    if let Some(folder) = main.map(|it| snapshots.join(it.trim())).filter(|it| it.is_dir()) {
        return Some(folder);
    }
    let mut all = fs::read_dir(snapshots).ok()?.flatten().map(|it| it.path());
    let only = all.next()?;
    all.next().is_none().then_some(only).filter(|it| it.is_dir())
}

/// The folder of the cache, as Python's `huggingface_hub` finds it.
fn folder() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|it: &OsString| !it.is_empty());
    if let Some(cache) = set("HF_HUB_CACHE").or_else(|| set("HUGGINGFACE_HUB_CACHE")) {
        return Some(cache.into());
    }
    if let Some(home) = set("HF_HOME") {
        return Some(PathBuf::from(home).join("hub"));
    }
    let cache = match set("XDG_CACHE_HOME") {
        Some(cache) => PathBuf::from(cache),
        None => PathBuf::from(set("HOME").or_else(|| set("USERPROFILE"))?).join(".cache"),
    };
    Some(cache.join("huggingface").join("hub"))
}
