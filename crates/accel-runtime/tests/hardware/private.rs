//! What a record must not tell.

use accel_runtime::Platform;
use accel_runtime::hardware::{Answer, Bundle, Private, RecordOptions, inventory, record, redact};

use crate::bundles::bundle;

const UUID: &str = "8932f937-d72c-4106-c12f-20bd9faed9f6";
const POD: &str = "3b1d2f64_11aa_4b6c_9d5e_0123456789ab";
const CONTAINER: &str = "3f4e9c1b2a7d8e6f5c4b3a29181706f5e4d3c2b1a09f8e7d6c5b4a3928170615";

fn recorded() -> Bundle {
    let it = bundle("cuda-visible-by-uuid");
    let text = serde_json::to_string(&it).unwrap();
    // Another identifier for the first GPU, as a vendor would give it.
    let text = text
        .replace("00000071-5b1e-4c77-9a40-000000000071", UUID)
        .replace("GPU-00000071-5b1e", "GPU-8932f937-d72c");
    let mut it: Bundle = serde_json::from_str(&text).unwrap();
    it.files.insert(
        "/proc/self/cgroup".to_owned(),
        Answer::Given(format!("0::/kubepods.slice/kubepods-pod{POD}.slice/cri-containerd-{CONTAINER}.scope/alices-job\n")),
    );
    it.files.insert(
        "/proc/cpuinfo".to_owned(),
        Answer::Given("model name\t: made for alice on node-17 in /home/alice/x\n".to_owned()),
    );
    it.environment.insert("KUBERNETES_SERVICE_HOST".to_owned(), "10.11.12.13".to_owned());
    it.engines[0].path = Some("/srv/alice/engines/libonnxruntime.so".to_owned());
    it.engines[1].path = Some(r"C:\Users\Bob Smith\engines".to_owned());
    it
}

fn private() -> Private {
    Private {
        names: vec!["node-17.cluster.example".to_owned(), "alice".to_owned(), "root".to_owned()],
        home: Some("/srv/alice".to_owned()),
    }
}

#[test]
fn names_folders_and_identifiers_are_taken_out() {
    let shown = serde_json::to_string(&redact(&recorded(), &private())).unwrap();
    for secret in [
        "alice",
        "node-17",
        "cluster.example",
        "10.11.12.13",
        UUID,
        "8932f937",
        POD,
        CONTAINER,
        "/home/",
        "Bob",
    ] {
        assert!(!shown.contains(secret), "{secret} is in {shown}");
    }
    assert!(shown.contains("~/engines/libonnxruntime.so"), "{shown}");
    assert!(shown.contains("kubepods"), "who made a group is no secret: {shown}");
}

#[test]
fn a_list_of_visible_devices_names_the_same_ones_afterwards() {
    let (before, after) = (inventory(&recorded()), inventory(&redact(&recorded(), &private())));
    let addresses = |it: &accel_runtime::hardware::Inventory| {
        let cuda = it.platform(Platform::Cuda).unwrap().devices.clone();
        cuda.iter()
            .map(|id| it.device(id).unwrap().more["pci_address"].value.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(addresses(&before).len(), 2);
    assert_eq!(addresses(&before), addresses(&after));
    let mut amd = bundle("mi300x");
    amd.environment.insert(
        "ROCR_VISIBLE_DEVICES".to_owned(),
        format!("GPU-{:016x}", 22_222_222_222_222_222_u64),
    );
    let shown = redact(&amd, &Private::default());
    assert!(!serde_json::to_string(&shown).unwrap().contains("22222222222222222"));
    let device =
        |it: &Bundle| inventory(it).device("rocm:0").unwrap().more["pci_address"].value.clone();
    assert_eq!(device(&amd), device(&shown));
    assert_eq!(device(&amd).as_deref(), Some("0000:26:00.0"));
}

#[test]
fn strange_paths_and_names_that_are_words_do_no_harm() {
    let mut it = bundle("h100-affinity");
    it.engines[0].path = Some("é:\\Users\\ü/home/".to_owned());
    it.engines[1].path = Some("/home/\n/Users/ /home/x\\Users\\".to_owned());
    let names = ["nvidia", "é", "", ".", "gpu"].map(str::to_owned).into();
    let shown = redact(&it, &Private { names, home: Some("/".to_owned()) });
    let path = shown.engines[0].path.as_deref().unwrap();
    assert!(!path.contains('ü'), "{path}");
    assert_eq!(inventory(&shown).devices.len(), inventory(&it).devices.len());
}

#[test]
fn limits_are_found_in_renamed_groups() {
    let mut pod = bundle("h100-affinity");
    let text = serde_json::to_string(&pod).unwrap().replace("job_41", "alices_job");
    pod = serde_json::from_str(&text).unwrap();
    let shown = redact(&pod, &private());
    assert!(!serde_json::to_string(&shown).unwrap().contains("alices"));
    assert_eq!(inventory(&shown).memory.limit.value, inventory(&pod).memory.limit.value);
}

#[test]
fn this_machines_names_are_not_in_its_record() {
    let private = Private::here();
    let shown =
        serde_json::to_string(&redact(&record(RecordOptions::default()), &private)).unwrap();
    for path in ["/proc/sys/kernel/random/boot_id", "/etc/machine-id"] {
        let id = std::fs::read_to_string(path).unwrap_or_default();
        assert!(id.trim().is_empty() || !shown.contains(id.trim()), "{path}");
    }
    if let Some(home) = private.home.filter(|it| it.len() > 1) {
        assert!(!shown.contains(&home), "{shown}");
    }
}

#[test]
fn redacting_twice_changes_nothing_more() {
    for (name, bundle) in crate::bundles::all() {
        let once = redact(&bundle, &Private::default());
        assert_eq!(inventory(&once).platforms, inventory(&bundle).platforms, "{name}");
        assert_eq!(redact(&once, &Private::default()), once, "{name}");
    }
}
