//! The processors that this process may use.

use std::collections::BTreeSet;
use std::fs;
use std::thread::available_parallelism;

/// The processors that this process may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Processors {
    /// Their numbers, from 0, one for every physical core first.
    pub(super) ids: Vec<usize>,
    /// How many physical cores these are.
    pub(super) cores: usize,
}

impl Processors {
    /// Those that the system allows this process.
    pub(super) fn of_this_machine() -> Self {
        let parallel = available_parallelism().map_or(1, usize::from);
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let allowed = allowed(&status).unwrap_or_else(|| (0..parallel).collect());
        let siblings = |id: usize| {
            let file = format!("/sys/devices/system/cpu/cpu{id}/topology/thread_siblings_list");
            fs::read_to_string(file).ok().map(|it| it.trim().to_owned())
        };
        let mut it = Self::grouped(&allowed, siblings);
        // A quota may allow less than the mask shows.
        it.cores = it.cores.clamp(1, parallel.max(1));
        it
    }

    /// `siblings` names the core of a processor; processors of one core have the same name.
    fn grouped(allowed: &[usize], siblings: impl Fn(usize) -> Option<String>) -> Self {
        let mut seen = BTreeSet::new();
        let is_new_core = |id: &usize| siblings(*id).is_none_or(|core| seen.insert(core));
        let (mut ids, twins): (Vec<_>, Vec<_>) = allowed.iter().copied().partition(is_new_core);
        let cores = ids.len();
        ids.extend(twins);
        Self { ids, cores }
    }
}

/// The processors in Linux's `/proc/self/status`, such as `0-3,8`.
fn allowed(status: &str) -> Option<Vec<usize>> {
    let ranges = status.lines().find_map(|it| it.strip_prefix("Cpus_allowed_list:"))?;
    let mut ids = Vec::new();
    for part in ranges.trim().split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        ids.extend(first.parse::<usize>().ok()?..=last.parse().ok()?);
    }
    Some(ids)
}

#[cfg(test)]
mod tests {
    use super::{Processors, allowed};

    #[test]
    fn physical_cores_come_first() {
        let ids = allowed("Name:\tx\nCpus_allowed_list:\t0-3,8\n").unwrap();
        assert_eq!(ids, [0, 1, 2, 3, 8]);
        let core = |id: usize| Some(format!("core {}", id / 2));
        let processors = Processors::grouped(&ids, core);
        assert_eq!(processors, Processors { ids: vec![0, 2, 8, 1, 3], cores: 3 });
        assert_eq!(Processors::grouped(&[5], |_| None).cores, 1);
        assert_eq!(allowed("Cpus_allowed_list:\tmany\n"), None);
    }
}
