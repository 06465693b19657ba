//! `--hardware`: generation for what a machine can run.

use accel_core::hardware::{
    Cpu, Fact, INVENTORY_VERSION, Inventory, Memory, Obstacle, PlatformState, System,
};
use accel_core::{Platform, Vocabulary as _};

use crate::support::{Project, finish};

/// A machine of which only its platforms are known.
fn machine(available: &[Platform]) -> Inventory {
    let platforms = Platform::ALL.iter().map(|platform| PlatformState {
        platform: *platform,
        available: available.contains(platform),
        devices: Vec::new(),
        obstacle: (!available.contains(platform)).then(|| Obstacle {
            reason: format!("there is no {} here", platform.label()),
            remedy: "buy one".to_owned(),
        }),
    });
    Inventory {
        version: INVENTORY_VERSION,
        system: System::default(),
        cpu: Cpu::default(),
        memory: Memory::default(),
        devices: Vec::new(),
        engines: Vec::new(),
        platforms: platforms.collect(),
        remarks: Vec::new(),
    }
}

fn text(available: &[Platform]) -> String {
    serde_json::to_string(&machine(available)).unwrap()
}

fn skills(project: &Project) -> Vec<String> {
    let written = project.generated().into_keys();
    written
        .filter_map(|it| Some(it.strip_prefix("src/skills/bert/")?.strip_suffix(".rs")?.to_owned()))
        .filter(|it| it != "mod")
        .collect()
}

#[test]
fn a_recorded_machine_limits_real_cells_and_leaves_simulations() {
    let project = Project::new();
    project.write("machine.json", &text(&[Platform::Cpu, Platform::Cuda]));
    let run =
        project.run("--generate-missing --generate bert --kind skill --hardware machine.json");
    run.ended(0).complains(&["leaves out rocm: there is no ROCm here", "leaves out mps"]);
    // The registry simulates bert in the browser, and a simulation needs no such device.
    assert_eq!(skills(&project), ["cpu", "cuda", "webgpu", "webnn"]);
    project.run("--generate-missing --generate bert --kind skill --hardware all").ended(0);
    assert_eq!(skills(&project).len(), 7);
}

#[test]
fn a_model_that_no_device_has_memory_for_is_left_out() {
    let project = Project::new();
    let mut small = machine(&[Platform::Cpu]);
    // bert's weights alone are 438 MB, qwen3's 2.4 GB.
    small.memory.total_bytes = Fact::known(1_000_000_000, "a test");
    project.write("small.json", &serde_json::to_string(&small).unwrap());
    let run = project.run("--generate bert,qwen3 --platform cpu --hardware small.json");
    run.ended(0).complains(&["leaves out qwen3 on cpu: it needs", "there is 1.0 GB in all"]);
    let written = project.generated();
    assert!(written.contains_key("src/skills/bert/cpu.rs"));
    assert!(!written.contains_key("src/skills/qwen3/cpu.rs"));
}

#[test]
fn what_a_machine_cannot_run_is_no_orphan() {
    let project = Project::written();
    let before = project.generated();
    project.write("machine.json", &text(&[Platform::Cpu]));
    project.run("--all --hardware machine.json").ended(0);
    assert_eq!(project.generated(), before);
}

#[test]
fn nothing_is_left_where_the_machine_has_none_of_the_platforms() {
    let project = Project::new();
    project.write("machine.json", &text(&[Platform::Cpu]));
    let run = project.run("--generate bert --platform cuda --hardware machine.json");
    run.ended(2).complains(&["no cell passes the platform, hardware"]);
    assert!(project.generated().is_empty());
}

#[test]
fn what_is_no_machine_is_refused_and_nothing_is_written() {
    let project = Project::new();
    let mut part = machine(&[Platform::Cpu]);
    part.platforms.truncate(3);
    project.write("part.json", &serde_json::to_string(&part).unwrap());
    project.write("text.json", "no JSON");
    project.write("other.json", r#"{"platforms": 3}"#);
    project.write("folder/file", "");
    for (file, says) in [
        ("folder", "it is no file"),
        ("absent.json", "cannot read the machine in absent.json"),
        ("text.json", "cannot read the machine in text.json"),
        ("other.json", "no inventory of a machine"),
        ("part.json", "says nothing of mps"),
    ] {
        let run = project.run(&format!("--all --hardware {file}"));
        run.ended(2).complains(&[says]);
    }
    let json = project.run("--all --hardware absent.json --format json").ended(2).json();
    assert_eq!(json["error"]["code"], "hardware");
    project.run("--list --hardware detected").ended(2).complains(&["--hardware"]);
    assert!(project.generated().is_empty());
}

#[cfg(unix)]
#[test]
fn this_machine_and_bundles_are_asked_of_accel() {
    use std::os::unix::fs::PermissionsExt as _;

    let project = Project::new();
    project.write("said.json", &text(&[Platform::Cpu]));
    project.write("bundle.json", r#"{"files": {}}"#);
    // Notes how it was called, and answers with an inventory.
    project.write("accel", "#!/bin/sh\necho \"$@\" >> asked\ncat said.json\n");
    project.write("broken", "#!/bin/sh\necho 'the bundle is damaged' >&2\nexit 2\n");
    for program in ["accel", "broken"] {
        let mode = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(project.path(program), mode).unwrap();
    }
    let run = |hardware: &str, program: &str| {
        let flags = ["--generate", "bert", "--kind", "skill", "--hardware", hardware];
        let accel = project.path(program);
        finish(project.command("").args(flags).env("ACCEL", accel))
    };
    run("detected", "accel").ended(0);
    run("bundle.json", "accel").ended(0);
    assert_eq!(
        project.read("asked"),
        "hardware --format json\nhardware --format json --replay bundle.json\n"
    );
    assert_eq!(skills(&project), ["cpu", "webgpu", "webnn"]);
    run("detected", "broken").ended(2).complains(&["the bundle is damaged", "cargo build"]);
    run("detected", "absent").ended(2).complains(&["cannot ask", "--hardware the file"]);
}
