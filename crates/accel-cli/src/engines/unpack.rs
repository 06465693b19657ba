//! What is taken out of npm packages.

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read};
use std::path::{Component as Part, Path};

use accel_runtime::engine::locate;
use brotli_decompressor::Decompressor;

use super::component::{Take, WEB_FILES};
use crate::failure::Failure;

/// More than any of the packed files holds: a damaged one must not fill the disk.
const MOST_BYTES: u64 = 2_000_000_000;
/// Libraries that the browser needs and small systems lack.
const SYSTEM_LIBRARIES: [&str; 3] = ["libnss3.so", "libnspr4.so", "libexpat.so.1"];

/// Takes what is wanted out of `node_modules` in `packages` and puts it into `into`.
pub(super) fn take(take: Take, packages: &Path, into: &Path) -> Result<(), Failure> {
    match take {
        Take::WebFiles => {
            let dist = packages.join("node_modules/onnxruntime-web/dist");
            for name in WEB_FILES {
                let from = dist.join(name);
                fs::copy(&from, into.join(name)).map_err(Failure::io("copy", &from))?;
            }
            Ok(())
        }
        Take::Chromium => {
            let bin = packages.join("node_modules/@sparticuz/chromium/bin");
            decompress(&bin.join("chromium.br"), &into.join("chromium"))?;
            unpack(&bin.join("swiftshader.tar.br"), into)?;
            let folders = locate::system_folders();
            let there = |it: &str| folders.iter().any(|folder| folder.join(it).exists());
            if !SYSTEM_LIBRARIES.iter().all(|it| there(it)) {
                unpack(&bin.join("al2023.tar.br"), into)?;
            }
            Ok(())
        }
    }
}

fn open(path: &Path) -> Result<impl Read + use<>, Failure> {
    let file = File::open(path).map_err(Failure::io("open", path))?;
    Ok(Decompressor::new(BufReader::new(file), 1 << 16).take(MOST_BYTES))
}

/// Decompresses a program.
fn decompress(from: &Path, to: &Path) -> Result<(), Failure> {
    let mut packed = open(from)?;
    let file = File::create_new(to).map_err(Failure::io("create", to))?;
    let mut writer = BufWriter::with_capacity(1 << 20, file);
    io::copy(&mut packed, &mut writer).map_err(Failure::io("unpack", from))?;
    writer
        .into_inner()
        .map_err(io::IntoInnerError::into_error)
        .map_err(Failure::io("write", to))?;
    make_executable(to)
}

#[cfg(unix)]
fn make_executable(path: &Path) -> Result<(), Failure> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
        .map_err(Failure::io("make executable", path))
}

#[cfg(not(unix))]
fn make_executable(_: &Path) -> Result<(), Failure> {
    Ok(())
}

/// Unpacks an archive's files below `into`.
fn unpack(from: &Path, into: &Path) -> Result<(), Failure> {
    let mut archive = tar::Archive::new(open(from)?);
    let broken = || Failure::io("unpack", from);
    for entry in archive.entries().map_err(broken())? {
        let mut entry = entry.map_err(broken())?;
        let path = entry.path().map_err(broken())?.into_owned();
        let plain = path.components().all(|it| matches!(it, Part::Normal(_) | Part::CurDir));
        let kind = entry.header().entry_type();
        if !plain || !(kind.is_file() || kind.is_dir() || kind.is_symlink()) {
            let message =
                format!("{} holds `{}`, which is no plain file", from.display(), path.display());
            return Err(Failure::failed("install", message));
        }
        entry.unpack_in(into).map_err(broken())?;
    }
    Ok(())
}
