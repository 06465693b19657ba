//! What kind of library a file is, before the system's loader sees it: the loader's own words for
//! a library of another machine help nobody, and a file that was cut off can end the process.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

/// Enough of a library's beginning to hold the headers that are read here.
const HEAD_BYTES: u64 = 4096;

/// How an ELF file begins.
const ELF: &[u8] = b"\x7fELF";

/// Refuses a file that this machine cannot load; the reason.
pub(super) fn check(path: &Path) -> Result<(), String> {
    let unreadable = |error: std::io::Error| format!("it cannot be read: {error}");
    let file = File::open(path).map_err(unreadable)?;
    let length = file.metadata().map_err(unreadable)?.len();
    let mut head = Vec::new();
    file.take(HEAD_BYTES).read_to_end(&mut head).map_err(unreadable)?;
    check_head(&head, length, std::env::consts::OS, std::env::consts::ARCH)
}

/// Refuses a library of `length` bytes that begins with `head` on a machine of that system and
/// processor, as Rust names them.
fn check_head(head: &[u8], length: u64, os: &str, arch: &str) -> Result<(), String> {
    let (format, made_for) = if head.starts_with(ELF) {
        ("linux", elf_arch(head))
    } else if head.starts_with(&[0xcf, 0xfa, 0xed, 0xfe]) {
        ("macos", mach_arch(head))
    } else if head.starts_with(&[0xca, 0xfe, 0xba, 0xbe]) {
        ("macos", Some(arch))
    } else if head.starts_with(b"MZ") {
        ("windows", pe_arch(head))
    } else if head.is_empty() {
        return Err("the file is empty".to_owned());
    } else {
        return Err("it is corrupt: it does not begin like a library of any system".to_owned());
    };
    if (format == "macos" || format == "windows" || os == "macos" || os == "windows")
        && format != os
    {
        return Err(format!("it is a library for {format}, and this machine runs {os}"));
    }
    match made_for {
        Some(made_for) if made_for == arch => {}
        Some(made_for) => {
            return Err(format!(
                "it is built for {made_for} processors, and this machine is {arch}"
            ));
        }
        None => {
            return Err(format!("it is built for another processor than this machine's {arch}"));
        }
    }
    if head.starts_with(ELF) { check_elf_length(head, length) } else { Ok(()) }
}

/// Refuses an ELF file that ends before its parts do.
///
/// Offsets are those of the 64-bit ELF header and program header (System V ABI, chapter 4).
fn check_elf_length(head: &[u8], length: u64) -> Result<(), String> {
    let cut_off = || Err("it is corrupt: the file is cut off".to_owned());
    let (Some(segments), Some(size), Some(count)) =
        (u64_at(head, 32), u16_at(head, 54), u16_at(head, 56))
    else {
        return cut_off();
    };
    for index in 0..u64::from(count) {
        let at = segments.saturating_add(index * u64::from(size));
        let Some(at) = usize::try_from(at).ok().filter(|it| it.saturating_add(40) <= head.len())
        else {
            // Headers beyond the beginning of the file: none of the libraries in use.
            break;
        };
        let end = u64_at(head, at + 8).zip(u64_at(head, at + 32));
        let end = end.and_then(|(offset, bytes)| offset.checked_add(bytes));
        if end.is_none_or(|end| end > length) {
            return cut_off();
        }
    }
    Ok(())
}

/// The processor of an ELF file by its `e_machine`.
fn elf_arch(head: &[u8]) -> Option<&'static str> {
    match (head.get(4)?, u16_at(head, 18)?) {
        (2, 62) => Some("x86_64"),
        (2, 183) => Some("aarch64"),
        (2, 243) => Some("riscv64"),
        (1, 3) => Some("x86"),
        (1, 40) => Some("arm"),
        _ => None,
    }
}

/// The processor of a Mach-O file by its `cputype`.
fn mach_arch(head: &[u8]) -> Option<&'static str> {
    match u32_at(head, 4)? {
        0x0100_0007 => Some("x86_64"),
        0x0100_000c => Some("aarch64"),
        _ => None,
    }
}

/// The processor of a PE file by its `Machine`.
fn pe_arch(head: &[u8]) -> Option<&'static str> {
    let header = usize::try_from(u32_at(head, 60)?).ok()?;
    match u16_at(head, header.checked_add(4)?)? {
        0x8664 => Some("x86_64"),
        0xaa64 => Some("aarch64"),
        _ => None,
    }
}

fn bytes_at<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes_at(bytes, at).map(u16::from_le_bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes_at(bytes, at).map(u32::from_le_bytes)
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes_at(bytes, at).map(u64::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use super::check_head;

    /// An ELF header with one segment of 4096 bytes.
    fn elf(machine: u16) -> Vec<u8> {
        let mut head = vec![0; 120];
        head[..5].copy_from_slice(b"\x7fELF\x02");
        head[18..20].copy_from_slice(&machine.to_le_bytes());
        head[32] = 64;
        head[54] = 56;
        head[56] = 1;
        head[64 + 33] = 0x10;
        head
    }

    #[test]
    fn libraries_of_other_machines_are_told_apart() {
        let on_linux = |head: &[u8]| check_head(head, 4096, "linux", "x86_64");
        assert_eq!(on_linux(&elf(62)), Ok(()));
        let error = on_linux(&elf(183)).unwrap_err();
        assert_eq!(error, "it is built for aarch64 processors, and this machine is x86_64");
        assert_eq!(check_head(&elf(183), 4096, "linux", "aarch64"), Ok(()));
        assert!(on_linux(&elf(0)).unwrap_err().contains("another processor"));
        let mach = [0xcf, 0xfa, 0xed, 0xfe, 0x0c, 0, 0, 1];
        assert_eq!(check_head(&mach, 8, "macos", "aarch64"), Ok(()));
        assert!(on_linux(&mach).unwrap_err().contains("for macos"), "{:?}", on_linux(&mach));
        assert!(check_head(&elf(62), 4096, "macos", "x86_64").unwrap_err().contains("for linux"));
        let mut pe = vec![0; 80];
        pe[..2].copy_from_slice(b"MZ");
        pe[60] = 64;
        pe[68..70].copy_from_slice(&[0x64, 0x86]);
        assert_eq!(check_head(&pe, 80, "windows", "x86_64"), Ok(()));
    }

    #[test]
    fn files_that_are_cut_off_or_no_libraries_are_refused() {
        for (head, length, what) in [
            (elf(62), 4095, "cut off"),
            (elf(62)[..40].to_vec(), 40, "cut off"),
            (Vec::new(), 0, "empty"),
            (b"<html>".to_vec(), 6, "corrupt"),
        ] {
            let error = check_head(&head, length, "linux", "x86_64").unwrap_err();
            assert!(error.contains(what), "{error}");
        }
    }
}
