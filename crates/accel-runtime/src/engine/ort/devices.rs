//! Which accelerators the machine has, from what the system shows without a vendor's library.

use std::fs;
use std::path::Path;

/// Graphics processors, in the order in which the system shows them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Gpus {
    /// How many a program may use, where that can be told.
    pub(super) count: Option<usize>,
    /// Their names, where all have the same one.
    pub(super) name: Option<String>,
}

/// NVIDIA's, of those that `CUDA_VISIBLE_DEVICES` shows; the reason when there are none.
pub(super) fn nvidia() -> Result<Gpus, String> {
    nvidia_under(Path::new("/"), std::env::var("CUDA_VISIBLE_DEVICES").ok().as_deref())
}

/// AMD's, of those that `HIP_VISIBLE_DEVICES` shows; the reason when there are none.
pub(super) fn amd() -> Result<Gpus, String> {
    amd_under(Path::new("/"), std::env::var("HIP_VISIBLE_DEVICES").ok().as_deref())
}

fn nvidia_under(root: &Path, visible: Option<&str>) -> Result<Gpus, String> {
    let mut names: Vec<Option<String>> = entries(&root.join("proc/driver/nvidia/gpus"))
        .iter()
        .map(|it| model(&fs::read_to_string(it.join("information")).unwrap_or_default()))
        .collect();
    names.dedup();
    let present = entries(&root.join("proc/driver/nvidia/gpus")).len();
    // Windows and its Linux subsystem show the driver's files only.
    let uncounted =
        ["dev/dxg", "Windows/System32/nvcuda.dll"].iter().any(|it| root.join(it).exists());
    if present == 0 && !uncounted {
        return Err("this machine has no NVIDIA GPU with a loaded driver".to_owned());
    }
    let name = if let [Some(name)] = names.as_slice() { Some(name.clone()) } else { None };
    let count = visible_count((present > 0).then_some(present), visible);
    if count == Some(0) {
        return Err("CUDA_VISIBLE_DEVICES hides every GPU".to_owned());
    }
    Ok(Gpus { count, name })
}

fn amd_under(root: &Path, visible: Option<&str>) -> Result<Gpus, String> {
    if !root.join("dev/kfd").exists() {
        return Err("this machine has no AMD GPU with a loaded ROCm driver (/dev/kfd)".to_owned());
    }
    let present = entries(&root.join("sys/class/kfd/kfd/topology/nodes"))
        .iter()
        // The processor is a node too, and its number is 0.
        .filter(|it| {
            fs::read_to_string(it.join("gpu_id")).is_ok_and(|it| !matches!(it.trim(), "" | "0"))
        })
        .count();
    if present == 0 {
        return Err("the ROCm driver shows no GPU".to_owned());
    }
    let count = visible_count(Some(present), visible);
    if count == Some(0) {
        return Err("HIP_VISIBLE_DEVICES hides every GPU".to_owned());
    }
    Ok(Gpus { count, name: None })
}

/// How many of `present` GPUs a list of visible ones leaves. As for CUDA and HIP, the list ends at
/// the first entry that names none.
fn visible_count(present: Option<usize>, visible: Option<&str>) -> Option<usize> {
    let Some(visible) = visible else {
        return present;
    };
    let names_one = |entry: &&str| {
        let entry = entry.trim();
        match entry.parse::<i64>() {
            Ok(index) => {
                index >= 0
                    && present.is_none_or(|it| usize::try_from(index).is_ok_and(|index| index < it))
            }
            Err(_) => !entry.is_empty(),
        }
    };
    Some(visible.split(',').take_while(names_one).count())
}

/// The model in NVIDIA's description of a GPU.
fn model(information: &str) -> Option<String> {
    let line = information.lines().find_map(|it| it.strip_prefix("Model:"))?;
    Some(line.trim().to_owned()).filter(|it| !it.is_empty())
}

fn entries(folder: &Path) -> Vec<std::path::PathBuf> {
    fs::read_dir(folder).into_iter().flatten().flatten().map(|it| it.path()).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::{amd_under, nvidia_under, visible_count};

    fn write(root: &Path, path: &str, text: &str) {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    #[test]
    fn gpus_are_counted_as_the_driver_shows_them() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        assert!(nvidia_under(root, None).unwrap_err().contains("no NVIDIA GPU"));
        for bus in ["0000:01:00.0", "0000:02:00.0"] {
            let file = format!("proc/driver/nvidia/gpus/{bus}/information");
            write(root, &file, "Model: \t\t NVIDIA L4\nIRQ:   57\n");
        }
        let gpus = nvidia_under(root, None).unwrap();
        assert_eq!((gpus.count, gpus.name.as_deref()), (Some(2), Some("NVIDIA L4")));
        assert_eq!(nvidia_under(root, Some("1")).unwrap().count, Some(1));
        assert!(nvidia_under(root, Some("-1")).unwrap_err().contains("hides"));

        assert!(amd_under(root, None).unwrap_err().contains("/dev/kfd"));
        write(root, "dev/kfd", "");
        write(root, "sys/class/kfd/kfd/topology/nodes/0/gpu_id", "0\n");
        assert!(amd_under(root, None).unwrap_err().contains("no GPU"));
        write(root, "sys/class/kfd/kfd/topology/nodes/1/gpu_id", "50212\n");
        assert_eq!(amd_under(root, None).unwrap().count, Some(1));
    }

    #[test]
    fn a_list_of_visible_gpus_ends_where_it_names_none() {
        assert_eq!(visible_count(Some(4), Some("2,0,9,1")), Some(2));
        assert_eq!(visible_count(Some(4), Some("GPU-8932f937,1")), Some(2));
        assert_eq!(visible_count(None, Some("0,1")), Some(2));
        assert_eq!(visible_count(Some(4), Some("")), Some(0));
    }
}
