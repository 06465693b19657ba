//! Memory of this process, where the system tells it.

use std::fs;

/// Linux keeps a process's peak, and lets the process begin it anew.
const RESET_PEAK: &str = "5";

/// The peak since it was begun anew.
#[derive(Debug)]
pub(super) struct Peak(());

impl Peak {
    /// Begins a new peak; `None` where the system has none, or does not let us: the peak of
    /// everything before would be taken for this case's.
    pub(super) fn start() -> Option<Self> {
        fs::write("/proc/self/clear_refs", RESET_PEAK).ok()?;
        Some(Self(()))
    }

    /// The largest resident set since then, in bytes.
    #[expect(clippy::unused_self, reason = "there is a peak only once it was begun")]
    pub(super) fn bytes(&self) -> Option<f64> {
        field("VmHWM:")
    }
}

/// The resident set now, in bytes.
pub(super) fn resident_bytes() -> Option<f64> {
    field("VmRSS:")
}

fn field(name: &str) -> Option<f64> {
    kibibytes(&fs::read_to_string("/proc/self/status").ok()?, name)
}

/// The value of a line such as `VmHWM:    1234 kB`, which counts units of 1024, in bytes.
fn kibibytes(status: &str, name: &str) -> Option<f64> {
    let line = status.lines().find_map(|it| it.strip_prefix(name))?;
    let count: u32 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(f64::from(count) * 1024.0)
}

#[cfg(test)]
mod tests {
    use super::kibibytes;

    #[test]
    fn the_kernel_says_kb_and_means_1024() {
        let status = "Name:\tx\nVmHWM:\t    2048 kB\nVmRSS:\t  10 kB\n";
        assert_eq!(kibibytes(status, "VmHWM:"), Some(2_097_152.0));
        assert_eq!(kibibytes(status, "VmRSS:"), Some(10_240.0));
        assert_eq!(kibibytes(status, "VmSwap:"), None);
        assert_eq!(kibibytes("VmHWM: many", "VmHWM:"), None);
    }
}
