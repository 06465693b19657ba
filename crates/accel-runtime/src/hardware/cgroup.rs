//! Which control groups limit this process, and where their files are.

use std::collections::BTreeSet;

/// More levels than any hierarchy has in practice.
const DEEPEST: usize = 32;

/// A process's group in one hierarchy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Group {
    /// Whether it is of the unified hierarchy (version 2).
    pub(crate) unified: bool,
    /// The controllers of a hierarchy of version 1; empty for version 2, whose files tell.
    pub(crate) controllers: BTreeSet<String>,
    /// Its folder and those above it, the innermost first: a limit of any of them holds.
    pub(crate) folders: Vec<String>,
}

/// The groups of a process, from its `/proc/self/cgroup` and `/proc/self/mountinfo`
/// (`cgroups(7)`, `proc(5)`).
pub(crate) fn groups(cgroup: &str, mountinfo: &str) -> Vec<Group> {
    let mounts: Vec<Mount<'_>> = mountinfo.lines().filter_map(Mount::read).collect();
    let mut groups = Vec::new();
    for line in cgroup.lines() {
        let mut parts = line.splitn(3, ':');
        let (Some(_), Some(names), Some(path)) = (parts.next(), parts.next(), parts.next()) else {
            continue;
        };
        let controllers: BTreeSet<String> =
            names.split(',').filter(|it| !it.is_empty()).map(str::to_owned).collect();
        let unified = controllers.is_empty();
        let mount = mounts.iter().find(|mount| {
            mount.unified == unified
                && (unified || mount.options.iter().any(|it| controllers.contains(*it)))
        });
        if let Some(mount) = mount {
            groups.push(Group { unified, controllers, folders: mount.folders(path) });
        }
    }
    groups
}

/// Where a hierarchy is mounted.
struct Mount<'a> {
    /// The group that its top shows.
    root: &'a str,
    point: &'a str,
    unified: bool,
    options: Vec<&'a str>,
}

impl<'a> Mount<'a> {
    fn read(line: &'a str) -> Option<Self> {
        let (place, kind) = line.split_once(" - ")?;
        let mut place = place.split(' ').skip(3);
        let (root, point) = (place.next()?, place.next()?);
        let mut kind = kind.split(' ');
        let unified = match kind.next()? {
            "cgroup2" => true,
            "cgroup" => false,
            _ => return None,
        };
        let options = kind.nth(1).unwrap_or_default().split(',').collect();
        Some(Self { root, point, unified, options })
    }

    /// The folder that shows the group `path`, and those above it up to the mount point. Of a
    /// group outside of what is mounted (`/..`), only the top can be seen.
    fn folders(&self, path: &str) -> Vec<String> {
        let below =
            if self.root == "/" { path } else { path.strip_prefix(self.root).unwrap_or_default() };
        let below = if below.split('/').any(|it| it == "..") { "" } else { below };
        let mut names: Vec<_> = below.split('/').filter(|it| !it.is_empty()).collect();
        names.truncate(DEEPEST);
        let point = self.point.trim_end_matches('/');
        let mut folders = Vec::new();
        loop {
            folders.push(names.iter().fold(point.to_owned(), |path, it| path + "/" + it));
            if names.pop().is_none() {
                return folders;
            }
        }
    }
}

/// The files of a group's folders that are read here.
pub(crate) fn files(group: &Group) -> Vec<String> {
    let names: &[&str] = if group.unified {
        &["cpu.max", "memory.current", "memory.max", "memory.stat"]
    } else if group.controllers.contains("memory") {
        &["memory.limit_in_bytes", "memory.stat", "memory.usage_in_bytes"]
    } else if group.controllers.contains("cpu") {
        &["cpu.cfs_period_us", "cpu.cfs_quota_us"]
    } else {
        &[]
    };
    let paths = group.folders.iter();
    paths.flat_map(|folder| names.iter().map(move |it| format!("{folder}/{it}"))).collect()
}

#[cfg(test)]
mod tests {
    use super::groups;

    #[test]
    fn a_group_is_found_below_its_mount_and_every_level_counts() {
        let found = groups(
            "0::/user.slice/user-1000.slice\n",
            "31 23 0:28 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n",
        );
        assert!(found[0].unified);
        assert_eq!(
            found[0].folders,
            [
                "/sys/fs/cgroup/user.slice/user-1000.slice",
                "/sys/fs/cgroup/user.slice",
                "/sys/fs/cgroup"
            ]
        );
    }

    #[test]
    fn what_a_container_mounts_of_its_own_group_is_its_top() {
        let found = groups(
            "5:memory:/docker/0f\n3:cpu,cpuacct:/docker/0f\n0::/\n",
            "40 39 0:35 /docker/0f /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n\
             41 39 0:36 /docker/0f /sys/fs/cgroup/cpu,cpuacct ro - cgroup cgroup rw,cpu,cpuacct\n",
        );
        assert_eq!(found.len(), 2, "the unified hierarchy is not mounted");
        assert_eq!(found[0].folders, ["/sys/fs/cgroup/memory"]);
        assert_eq!(found[1].folders, ["/sys/fs/cgroup/cpu,cpuacct"]);
        let outside = groups("0::/../other\n", "1 1 0:1 / /sys/fs/cgroup rw - cgroup2 x rw\n");
        assert_eq!(outside[0].folders, ["/sys/fs/cgroup"]);
    }

    #[test]
    fn nonsense_gives_no_groups() {
        assert!(groups("", "").is_empty());
        assert!(groups("0::/", "- - -\n 1 2 - cgroup2").is_empty());
        assert!(groups("::::::\n0:\n", "1 1 0:1 / /x rw - cgroup2 x rw\n").len() < 2);
    }
}
