//! Devices that are not here: true outputs, predicted times, and no way to miss which is which.

use std::fs;

use crate::support::run;

const TEXT: [&str; 3] = ["run", "bert", "The boat leaves."];

fn with<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&TEXT, more].concat()
}

#[test]
fn every_platform_gives_true_outputs_and_predicted_times() {
    let real = run(&with(&["--format", "json"])).ended(0).json();
    for platform in ["cpu", "cuda", "rocm", "mps", "openvino", "webnn", "webgpu"] {
        let line = with(&["--platform", platform, "--simulate", "--format", "json"]);
        let document = run(&line).ended(0).json();
        assert_eq!(document["results"], real["results"], "{platform}");
        assert_eq!(document["platform"], platform);
        assert!(document["device"].as_str().unwrap().ends_with("(simulated)"), "{platform}");
        assert_eq!(document["placement"]["engine"], "simulator", "{platform}");
        let predicted = &document["simulated"];
        assert_eq!(predicted["platform"], platform);
        assert_eq!(predicted["runs"], 1, "{platform}");
        let band =
            ["low", "expected", "high"].map(|it| predicted["predicted_ms"][it].as_f64().unwrap());
        assert!(band[0] > 0.0 && band.is_sorted(), "{platform}: {band:?}");
        // What this machine took has a name of its own.
        assert!(document.get("times").is_none(), "{platform}");
        assert!(document["host_times"]["first_run_ms"].as_f64().unwrap() > 0.0, "{platform}");
    }
    assert!(real.get("simulated").is_none() && real.get("host_times").is_none());
}

#[test]
fn a_device_says_its_platform_and_a_slower_one_takes_longer() {
    let predicted = |device: &str| {
        let document =
            run(&with(&[&format!("--simulate={device}"), "--format", "json"])).ended(0).json();
        assert_eq!(document["platform"], "cuda");
        assert_eq!(document["simulated"]["profile"], device);
        document["simulated"]["uncalibrated_work_ms"].as_f64().unwrap()
    };
    assert!(predicted("nvidia-t4") > predicted("nvidia-h100-sxm"));
}

#[test]
fn people_see_before_the_result_that_it_is_simulated() {
    let ended = run(&with(&["--platform", "rocm", "--simulate"])).ended(0);
    assert!(ended.stdout.starts_with("simulated: nothing ran on AMD"), "{}", ended.stdout);
    let ended = ended.complains(&["(simulated)", "this host  load", "predicted ", "uncalibrated"]);
    assert!(!ended.stderr.contains("\ntimes "), "{}", ended.stderr);
}

#[test]
fn written_text_is_marked_before_its_first_piece() {
    let line = ["run", "llama", "The", "--max-new-tokens", "3", "--simulate=apple-m1"];
    let ended = run(&line).ended(0).complains(&["3 runs of graphs"]);
    assert!(ended.stdout.starts_with("simulated: nothing ran on Apple M1"), "{}", ended.stdout);
}

#[test]
fn a_bare_graph_is_simulated_too() {
    let folder = tempfile::tempdir().unwrap();
    let written = |name: &str, more: &[&str]| {
        let out = folder.path().join(name);
        let inputs = crate::graph::inputs_of_vit(folder.path());
        let graph = ["run", "--graph", "fixtures/vit/onnx/model.onnx", "--inputs", &inputs];
        let line = [&graph[..], &["--outputs", out.to_str().unwrap()], more];
        (run(&line.concat()).ended(0), fs::read(&out).unwrap())
    };
    let (_, real) = written("real.safetensors", &[]);
    let (ended, simulated) = written("simulated.safetensors", &["--simulate=amd-mi210"]);
    assert_eq!(simulated, real);
    assert!(ended.stdout.starts_with("simulated: nothing ran on AMD"), "{}", ended.stdout);
    ended.complains(&["predicted ", "this host"]);
}

#[test]
fn what_cannot_be_simulated_is_refused_with_what_can() {
    run(&with(&["--simulate"])).ended(2).complains(&["--platform", "nvidia-h100-sxm"]);
    run(&with(&["--simulate=h200"])).ended(2).complains(&["h200", "nvidia-h100-sxm"]);
    run(&with(&["--simulate=nvidia-t4", "--platform", "mps"]))
        .ended(2)
        .complains(&["CUDA", "apple-m1"]);
    // A result alone would pass for the device's; a median of runs would be this machine's.
    run(&with(&["--simulate=nvidia-t4", "--quiet"])).ended(2).complains(&["--quiet"]);
    run(&with(&["--simulate=nvidia-t4", "--runs", "3"])).ended(2).complains(&["--runs"]);
    run(&with(&["--simulate=nvidia-t4", "--option", "memory_limit_bytes=1000"]))
        .ended(1)
        .complains(&["limit is 1000"]);
}
