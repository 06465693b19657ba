//! Where engines' files are looked for.
//!
//! In this order: the engine's environment variable, the folder that `accel engines install`
//! writes, the Python environments of this user, the system. The first file found is taken.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Names the folder of engines; else it is `.accel/engines` in this folder or one above it, else
/// `accel/engines` in the user's data folder.
pub const ENGINES_DIR: &str = "ACCEL_ENGINES_DIR";

/// Folders that may hold engines, the first one preferred. They need not exist.
pub fn engines_folders() -> Vec<PathBuf> {
    if let Some(folder) = variable(ENGINES_DIR) {
        return vec![folder];
    }
    let mut folders = Vec::new();
    if let Ok(here) = env::current_dir() {
        let project = here.ancestors().map(|it| it.join(".accel/engines")).find(|it| it.is_dir());
        folders.extend(project);
    }
    folders.extend(user_engines_folder());
    folders
}

/// The user's own folder of engines, where the system has one.
pub fn user_engines_folder() -> Option<PathBuf> {
    let data = if cfg!(windows) {
        variable("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        variable("HOME").map(|it| it.join("Library/Application Support"))
    } else {
        variable("XDG_DATA_HOME").or_else(|| variable("HOME").map(|it| it.join(".local/share")))
    };
    data.map(|it| it.join("accel/engines"))
}

/// The `site-packages` of the active virtual environment, of conda's, and of the `python3` that
/// is found first.
pub fn site_packages() -> Vec<PathBuf> {
    let mut folders = Vec::new();
    for prefix in ["VIRTUAL_ENV", "CONDA_PREFIX"].into_iter().filter_map(variable) {
        folders.push(prefix.join("Lib/site-packages"));
        folders.extend(
            matching(&prefix.join("lib"), "python3").into_iter().map(|it| it.join("site-packages")),
        );
    }
    // Version managers put a script in place of Python, so that only Python knows.
    let ask = "import site, sysconfig\n\
               for it in [sysconfig.get_path('purelib'), site.getusersitepackages()]: print(it)";
    if let Ok(output) = Command::new("python3").args(["-I", "-c", ask]).output() {
        folders.extend(String::from_utf8_lossy(&output.stdout).lines().map(PathBuf::from));
    }
    folders.retain(|it| it.is_dir());
    folders
}

/// Folders of the system that hold libraries.
pub fn system_folders() -> Vec<PathBuf> {
    let mut folders: Vec<_> = ["LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"]
        .iter()
        .filter_map(env::var_os)
        .flat_map(|it| env::split_paths(&it).collect::<Vec<_>>())
        .collect();
    folders.extend(
        [
            "/usr/local/lib",
            "/usr/lib/x86_64-linux-gnu",
            "/usr/lib/aarch64-linux-gnu",
            "/usr/lib64",
            "/usr/lib",
            "/opt/homebrew/lib",
        ]
        .map(PathBuf::from),
    );
    folders.retain(|it| !it.as_os_str().is_empty() && it.is_dir());
    folders
}

/// Entries of `folder` whose names begin with `start`, the last by name first, so that of two
/// versions the higher one usually wins. A link that leads nowhere is left out.
pub fn matching(folder: &Path, start: &str) -> Vec<PathBuf> {
    let mut found: Vec<_> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|it| it.path())
        .filter(|it| it.file_name().and_then(OsStr::to_str).is_some_and(|it| it.starts_with(start)))
        .filter(|it| it.exists())
        .collect();
    found.sort_unstable_by(|a, b| b.cmp(a));
    found
}

/// A variable's value as a path; an empty one counts as unset.
pub fn variable(name: &str) -> Option<PathBuf> {
    env::var_os(name).filter(|it| !it.is_empty()).map(PathBuf::from)
}

/// Says why the shared library at `path` cannot be loaded on this system, as far as its headers
/// tell: missing, for another system or processor, or cut off. Loading a library that is cut off
/// can end the process, so this comes first.
///
/// On Linux the ELF header and the program headers are read ("System V Application Binary
/// Interface", chapters 4 and 5); elsewhere only that it is a file with something in it.
///
/// # Errors
/// The reason, as the end of a sentence about the file: `is for aarch64, and this process …`.
pub fn check_library(path: &Path) -> std::result::Result<(), String> {
    let unreadable = |error: std::io::Error| format!("cannot be read ({error})");
    let mut file = std::fs::File::open(path).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    if !metadata.is_file() {
        return Err("is not a file".to_owned());
    }
    if metadata.len() == 0 {
        return Err("is empty".to_owned());
    }
    if cfg!(all(target_os = "linux", target_endian = "little")) {
        elf::check(&mut file, metadata.len(), env::consts::ARCH)?;
    }
    Ok(())
}

/// The parts of an ELF file that decide whether it can be loaded. Fields of 64-bit files are at
/// the places that the ABI's chapter 4 gives; all libraries in question are of 64 bits.
mod elf {
    use std::io::{ErrorKind, Read, Seek, SeekFrom};

    const HEADER_BYTES: usize = 64;
    const PROGRAM_HEADER_BYTES: usize = 56;
    /// A program header of a part that is mapped into memory.
    const LOADED: u64 = 1;
    /// A file that can be loaded into a running process.
    const SHARED_OBJECT: u64 = 3;

    pub(super) fn check<F: Read + Seek>(
        file: &mut F,
        length: u64,
        processor: &str,
    ) -> Result<(), String> {
        let mut header = [0; HEADER_BYTES];
        read(file, &mut header)?;
        if header[..4] != *b"\x7fELF" {
            return Err(format!("is not a shared library of Linux but {}", kind(&header)));
        }
        let machine = number(&header[18..20]);
        let name = machine_name(machine);
        if header[4] != 2 || header[5] != 1 || name.is_some_and(|it| it != processor) {
            let name = name.map_or_else(|| format!("machine {machine}"), str::to_owned);
            let bits = if header[4] == 2 { "" } else { " of 32 bits" };
            return Err(format!("is for {name}{bits}, and this process runs on {processor}"));
        }
        if number(&header[16..18]) != SHARED_OBJECT {
            return Err("is not a shared library".to_owned());
        }
        let count = number(&header[56..58]);
        let size = number(&header[54..56]);
        file.seek(SeekFrom::Start(number(&header[32..40]))).map_err(|it| it.to_string())?;
        if count == 0 || size != PROGRAM_HEADER_BYTES as u64 {
            return Err("is damaged: it has no program headers".to_owned());
        }
        let mut program_header = [0; PROGRAM_HEADER_BYTES];
        for _ in 0..count {
            read(file, &mut program_header)?;
            let end = number(&program_header[8..16]).checked_add(number(&program_header[32..40]));
            if number(&program_header[..4]) == LOADED && end.is_none_or(|end| end > length) {
                return Err(format!(
                    "is cut off: it has {length} bytes and its parts need {}",
                    end.unwrap_or(u64::MAX)
                ));
            }
        }
        Ok(())
    }

    fn read<F: Read>(file: &mut F, into: &mut [u8]) -> Result<(), String> {
        file.read_exact(into).map_err(|error| match error.kind() {
            ErrorKind::UnexpectedEof => "is cut off within its headers".to_owned(),
            _ => format!("cannot be read ({error})"),
        })
    }

    /// Little-endian.
    fn number(bytes: &[u8]) -> u64 {
        bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
    }

    /// What the file is instead, by its first bytes.
    fn kind(header: &[u8]) -> &'static str {
        match &header[..4] {
            [b'M', b'Z', ..] => "one of Windows",
            b"\xcf\xfa\xed\xfe" | b"\xca\xfe\xba\xbe" => "one of macOS",
            _ => "something else",
        }
    }

    /// `e_machine` as Rust names processors.
    fn machine_name(machine: u64) -> Option<&'static str> {
        Some(match machine {
            3 => "x86",
            40 => "arm",
            62 => "x86_64",
            183 => "aarch64",
            243 => "riscv64",
            258 => "loongarch64",
            _ => return None,
        })
    }

    #[cfg(test)]
    mod tests {
        use std::io::Cursor;

        use super::check;

        /// A header with one mapped part that ends at `end`.
        fn library(machine: u16, end: u64) -> Vec<u8> {
            let mut bytes = vec![0; 64 + 56];
            bytes[..6].copy_from_slice(b"\x7fELF\x02\x01");
            bytes[16] = 3;
            bytes[18..20].copy_from_slice(&machine.to_le_bytes());
            bytes[32] = 64;
            bytes[54] = 56;
            bytes[56] = 1;
            bytes[64] = 1;
            bytes[64 + 32..64 + 40].copy_from_slice(&end.to_le_bytes());
            bytes
        }

        #[track_caller]
        fn refused(bytes: Vec<u8>, why: &str) {
            let length = bytes.len() as u64;
            let reason = check(&mut Cursor::new(bytes), length, "x86_64").unwrap_err();
            assert!(reason.contains(why), "{reason}");
        }

        #[test]
        fn what_cannot_be_loaded_is_named() {
            let good = library(62, 120);
            assert_eq!(check(&mut Cursor::new(good.clone()), 120, "x86_64"), Ok(()));
            refused(library(183, 120), "is for aarch64, and this process runs on x86_64");
            refused(library(62, 121), "is cut off: it has 120 bytes and its parts need 121");
            refused(good[..40].to_vec(), "cut off within its headers");
            refused(good[..100].to_vec(), "cut off within its headers");
            let mut windows = vec![0; 64];
            windows[..2].copy_from_slice(b"MZ");
            refused(windows, "one of Windows");
            let mut program = good.clone();
            program[16] = 2;
            refused(program, "not a shared library");
            let mut narrow = good;
            narrow[4] = 1;
            refused(narrow, "of 32 bits");
        }
    }
}
