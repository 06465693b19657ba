//! What the variables that hide devices leave visible, exactly as each vendor's runtime reads them.

/// A CUDA device that a list can name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CudaName {
    /// `GPU-…`, where it is known.
    pub(super) uuid: Option<String>,
    /// Its slices' names.
    pub(super) slices: Vec<SliceName>,
    /// Whether it is partitioned.
    pub(super) partitioned: bool,
}

/// A slice that a list can name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SliceName {
    /// `MIG-…`, where it is known.
    pub(super) uuid: Option<String>,
    /// Numbers of its GPU instance and compute instance, for the older form of its name.
    pub(super) instance: Option<[u32; 2]>,
}

/// A device that CUDA shows: the GPU's place in its own order, and the slice's in the GPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CudaDevice {
    pub(super) gpu: usize,
    pub(super) slice: Option<usize>,
}

/// What CUDA shows, in its order, and why it ends where it does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Visible<T> {
    /// The devices, in the order in which the runtime numbers them.
    pub(super) devices: Vec<T>,
    /// What of the variable leaves others out, as a sentence.
    pub(super) remark: Option<String>,
}

/// What `CUDA_VISIBLE_DEVICES` leaves (CUDA C++ Programming Guide, "CUDA Environment Variables";
/// MIG User Guide, "Device Enumeration").
///
/// Entries are indices, `GPU-` identifiers, of which a beginning is enough while it names one GPU,
/// `MIG-` identifiers, and the older `MIG-GPU-…/gi/ci`. The list ends at the first entry that
/// names nothing; an entry that comes twice leaves nothing at all. A process sees one slice at
/// most, and no whole GPU beside it.
pub(super) fn cuda(gpus: &[CudaName], variable: Option<&str>) -> Visible<CudaDevice> {
    let mut remark = None;
    let chosen = match variable {
        None => (0..gpus.len()).map(|gpu| CudaDevice { gpu, slice: None }).collect(),
        Some(list) => {
            let (devices, why) = cuda_list(gpus, list);
            remark = why;
            devices
        }
    };
    // A partitioned GPU itself stands for its first slice.
    let resolved: Vec<_> = chosen
        .into_iter()
        .filter_map(|it| match it.slice {
            None if gpus[it.gpu].partitioned => {
                (!gpus[it.gpu].slices.is_empty()).then_some(CudaDevice { slice: Some(0), ..it })
            }
            _ => Some(it),
        })
        .collect();
    let devices = match resolved.iter().find(|it| it.slice.is_some()) {
        Some(slice) => vec![*slice],
        None => resolved,
    };
    Visible { devices, remark }
}

fn cuda_list(gpus: &[CudaName], list: &str) -> (Vec<CudaDevice>, Option<String>) {
    if list.trim().is_empty() {
        return (
            Vec::new(),
            Some("CUDA_VISIBLE_DEVICES is empty, which hides every GPU".to_owned()),
        );
    }
    let mut devices: Vec<CudaDevice> = Vec::new();
    for entry in list.split(',') {
        let entry = entry.trim();
        let device = if entry.starts_with("MIG-") {
            slice(gpus, entry)
        } else if entry.starts_with("GPU-") {
            let mut named = (0..gpus.len()).filter(|it| begins(gpus[*it].uuid.as_deref(), entry));
            // A beginning of several names none of them.
            named
                .next()
                .filter(|_| named.next().is_none())
                .map(|gpu| CudaDevice { gpu, slice: None })
        } else {
            index(entry).filter(|it| *it < gpus.len()).map(|gpu| CudaDevice { gpu, slice: None })
        };
        let Some(device) = device else {
            let why = format!(
                "CUDA_VISIBLE_DEVICES has `{entry}`, which names no GPU here; CUDA leaves out that \
                 entry and all after it"
            );
            return (devices, Some(why));
        };
        if devices.contains(&device) {
            let why = format!(
                "CUDA_VISIBLE_DEVICES has `{entry}` twice, at which CUDA shows no GPU at all"
            );
            return (Vec::new(), Some(why));
        }
        devices.push(device);
    }
    let left_out =
        (devices.len() < gpus.len()).then(|| format!("CUDA_VISIBLE_DEVICES={list} leaves it out"));
    (devices, left_out)
}

fn slice(gpus: &[CudaName], entry: &str) -> Option<CudaDevice> {
    let mut found = Vec::new();
    for (gpu, name) in gpus.iter().enumerate() {
        for (place, it) in name.slices.iter().enumerate() {
            let older = entry.strip_prefix("MIG-").filter(|it| it.starts_with("GPU-"));
            let is_it = match older {
                Some(rest) => {
                    let mut parts = rest.split('/');
                    let same_gpu = begins(name.uuid.as_deref(), parts.next()?);
                    let numbers = [parts.next()?.parse().ok()?, parts.next()?.parse().ok()?];
                    same_gpu && it.instance == Some(numbers)
                }
                None => begins(it.uuid.as_deref(), entry),
            };
            if is_it {
                found.push(CudaDevice { gpu, slice: Some(place) });
            }
        }
    }
    match found.as_slice() {
        [one] => Some(*one),
        _ => None,
    }
}

fn begins(uuid: Option<&str>, start: &str) -> bool {
    uuid.is_some_and(|it| it.starts_with(start))
}

/// The number at an entry's beginning; CUDA reads as C's `strtol` does, so that `1x` is 1.
fn index(entry: &str) -> Option<usize> {
    let digits = entry.strip_prefix('+').unwrap_or(entry);
    let end = digits.find(|it: char| !it.is_ascii_digit()).unwrap_or(digits.len());
    digits[..end].parse().ok()
}

/// An AMD GPU that a list can name: its `unique_id` where it is known.
pub(super) type RocmName = Option<u64>;

/// What `ROCR_VISIBLE_DEVICES` leaves of all GPUs, and of that `HIP_VISIBLE_DEVICES`, or where
/// that is empty or unset `CUDA_VISIBLE_DEVICES`; places in the driver's order (ROCm
/// documentation, "GPU isolation techniques"; order and stops as in ROCR-Runtime and clr).
///
/// An empty `ROCR_VISIBLE_DEVICES` hides all, an empty `HIP_VISIBLE_DEVICES` none. A list ends at
/// the first entry that names nothing. `GPU_DEVICE_ORDINAL` is for `OpenCL`: HIP does not read it.
pub(super) fn rocm(
    gpus: &[RocmName],
    rocr: Option<&str>,
    hip: Option<&str>,
    cuda: Option<&str>,
) -> Visible<usize> {
    let mut devices: Vec<usize> = (0..gpus.len()).collect();
    let mut remark = None;
    if let Some(list) = rocr {
        (devices, remark) = rocm_list(gpus, &devices, list, "ROCR_VISIBLE_DEVICES");
    }
    let second = [("HIP_VISIBLE_DEVICES", hip), ("CUDA_VISIBLE_DEVICES", cuda)];
    let second =
        second.iter().find_map(|(name, it)| Some((*name, it.filter(|it| !it.is_empty())?)));
    if let Some((name, list)) = second {
        let (left, why) = rocm_list(gpus, &devices, list, name);
        devices = left;
        remark = remark.or(why);
    }
    Visible { devices, remark }
}

fn rocm_list(
    gpus: &[RocmName],
    among: &[usize],
    list: &str,
    variable: &str,
) -> (Vec<usize>, Option<String>) {
    if list.trim().is_empty() {
        return (Vec::new(), Some(format!("{variable} is empty, which hides every GPU")));
    }
    let mut devices = Vec::new();
    for entry in list.split(',') {
        let entry = entry.trim();
        let place = match entry.strip_prefix("GPU-") {
            Some(id) => {
                let id = u64::from_str_radix(id, 16).ok();
                among.iter().position(|it| id.is_some() && gpus[*it] == id)
            }
            // Unlike CUDA, nothing may follow the digits.
            None => entry.parse::<usize>().ok().filter(|it| it.to_string() == entry),
        };
        match place.and_then(|it| among.get(it)) {
            Some(device) if devices.contains(device) => {}
            Some(device) => devices.push(*device),
            None => {
                let why = format!(
                    "{variable} has `{entry}`, which names no GPU here; that entry and all after \
                     it are left out"
                );
                return (devices, Some(why));
            }
        }
    }
    let left_out =
        (devices.len() < among.len()).then(|| format!("{variable}={list} leaves it out"));
    (devices, left_out)
}

#[cfg(test)]
mod tests {
    use super::{CudaDevice, CudaName, SliceName, cuda, rocm};

    fn gpu(uuid: &str) -> CudaName {
        CudaName { uuid: Some(uuid.to_owned()), slices: Vec::new(), partitioned: false }
    }

    fn four() -> Vec<CudaName> {
        ["GPU-8932f937-d72c", "GPU-8932aaaa-d72c", "GPU-1111", "GPU-2222"].map(gpu).into()
    }

    #[track_caller]
    fn shows(variable: Option<&str>, places: &[usize]) {
        let visible = cuda(&four(), variable);
        let found: Vec<_> = visible.devices.iter().map(|it| it.gpu).collect();
        assert_eq!(found, places, "{variable:?}: {visible:?}");
    }

    #[test]
    fn cudas_list_orders_and_ends_at_the_first_wrong_entry() {
        shows(None, &[0, 1, 2, 3]);
        shows(Some("2,1"), &[2, 1]);
        shows(Some("0,2,-1,1"), &[0, 2]);
        shows(Some("0,9,1"), &[0]);
        shows(Some(""), &[]);
        shows(Some("-1"), &[]);
        shows(Some("NoDevFiles"), &[]);
        shows(Some(" 3 , 0"), &[3, 0]);
        shows(Some("1x,2"), &[1, 2]);
        shows(Some("0,0"), &[]);
        shows(Some("GPU-1111,GPU-8932f"), &[2, 0]);
        shows(Some("GPU-8932,1"), &[]);
        shows(Some("GPU-ffff"), &[]);
        shows(Some("99999999999999999999"), &[]);
    }

    #[test]
    fn one_slice_is_seen_and_nothing_beside_it() {
        let slice =
            |uuid: &str, gi| SliceName { uuid: Some(uuid.to_owned()), instance: Some([gi, 0]) };
        let mut gpus = vec![gpu("GPU-a1"), gpu("GPU-b2")];
        gpus[0].partitioned = true;
        gpus[0].slices = vec![slice("MIG-77", 1), slice("MIG-88", 2)];
        let sees = |variable, expected: &[(usize, Option<usize>)]| {
            let found = cuda(&gpus, variable).devices;
            let expected: Vec<_> =
                expected.iter().map(|&(gpu, slice)| CudaDevice { gpu, slice }).collect();
            assert_eq!(found, expected, "{variable:?}");
        };
        sees(None, &[(0, Some(0))]);
        sees(Some("1"), &[(1, None)]);
        sees(Some("1,0"), &[(0, Some(0))]);
        sees(Some("MIG-88"), &[(0, Some(1))]);
        sees(Some("MIG-77,MIG-88"), &[(0, Some(0))]);
        sees(Some("MIG-GPU-a1/2/0"), &[(0, Some(1))]);
        sees(Some("MIG-GPU-a1/5/0"), &[]);
        sees(Some("MIG-99"), &[]);
        gpus[0].slices.clear();
        assert!(cuda(&gpus, Some("0")).devices.is_empty(), "partitioned, and no part");
    }

    #[test]
    fn rocms_lists_stack() {
        let gpus = [Some(0xa), Some(0xb), None, Some(0xd)];
        let sees = |rocr, hip, cuda| rocm(&gpus, rocr, hip, cuda).devices;
        assert_eq!(sees(None, None, None), [0, 1, 2, 3]);
        assert_eq!(sees(Some("1,3"), Some("1"), None), [3]);
        assert_eq!(sees(Some(""), Some("0"), None), [0; 0]);
        assert_eq!(sees(None, Some(""), None), [0, 1, 2, 3]);
        assert_eq!(sees(None, Some(""), Some("2")), [2]);
        assert_eq!(sees(None, Some("1"), Some("2")), [1]);
        assert_eq!(sees(Some("GPU-000000000000000d,0"), None, None), [3, 0]);
        assert_eq!(sees(None, Some("0,1x,2"), None), [0]);
        assert_eq!(sees(None, Some("-1"), None), [0; 0]);
        assert_eq!(sees(None, Some("2,2,1"), None), [2, 1]);
    }
}
