//! Whether nodes ran where they were told to.

use accel_core::{
    CpuEngine, CpuOptions, DeviceOptions, Engine, OpenvinoDevice, Platform, SessionOptions,
};

use crate::Placement;

/// Operators of which an engine may keep some on the host by design: they compute shapes, indices
/// and bounds, which are small and needed there. Nothing else counts as the arithmetic of shapes:
/// a product of matrices among an engine's host nodes is a fallback under another name.
const SHAPE_ARITHMETIC: &[&str] = &[
    "Abs",
    "Add",
    "And",
    "Cast",
    "Ceil",
    "Clip",
    "Concat",
    "Constant",
    "ConstantOfShape",
    "CumSum",
    "Div",
    "Equal",
    "Expand",
    "Flatten",
    "Floor",
    "Gather",
    "GatherElements",
    "GatherND",
    "Greater",
    "GreaterOrEqual",
    "Identity",
    "If",
    "Less",
    "LessOrEqual",
    "Loop",
    "Max",
    "Min",
    "Mod",
    "Mul",
    "Neg",
    "NonZero",
    "Not",
    "Or",
    "Pow",
    "Range",
    "Reciprocal",
    "ReduceMax",
    "ReduceMin",
    "ReduceProd",
    "ReduceSum",
    "Reshape",
    "Round",
    "ScatterElements",
    "ScatterND",
    "Shape",
    "Sign",
    "Size",
    "Slice",
    "Split",
    "Sqrt",
    "Squeeze",
    "Sub",
    "Tile",
    "Transpose",
    "Unsqueeze",
    "Where",
];

/// Refuses a placement that is not `platform`'s, and tells which share of the compute nodes, in
/// percent, fell back to the CPU: 0 where all are where they should be.
///
/// The engine must serve the platform, and every node must be on it, or at most the options' share
/// of them on the CPU instead, and never all of them. What the engine keeps on the host by design
/// must be the arithmetic of shapes.
///
/// # Errors
/// What was asked for, and where nodes are instead.
pub fn check_placement(
    placement: &Placement,
    platform: Platform,
    options: &SessionOptions,
) -> Result<f64, String> {
    let refuse =
        |why: String| Err(format!("asked for {}, but {why} ({placement})", platform.label()));
    if !platform.engines().contains(&placement.engine) {
        return refuse(format!("engine `{}` does not serve it", placement.engine));
    }
    if let DeviceOptions::Cpu(CpuOptions { engine, .. }) = options.device {
        let ran = placement.engine;
        let is_asked_for = match engine {
            CpuEngine::Rten => ran == Engine::Rten,
            CpuEngine::Ort => ran == Engine::Ort,
            CpuEngine::OrtElseRten => true,
        };
        if !is_asked_for {
            return refuse(format!("it ran on engine `{ran}`, and the options say `{engine}`"));
        }
    }
    let on_device = |name: &str| is_on(name, platform, &options.device);
    let total: usize = placement.nodes.iter().map(|(_, count)| count).sum();
    let there: usize =
        placement.nodes.iter().filter(|(name, _)| on_device(name)).map(|(_, count)| count).sum();
    if there == 0 {
        return refuse(format!("none of {total} nodes is known to be there"));
    }
    let elsewhere = placement.nodes.iter().filter(|(name, count)| *count > 0 && !on_device(name));
    // Of all names of the CPU together: two small shares are not each a share of their own.
    let mut fallen = 0;
    for (name, count) in elsewhere {
        fallen += count;
        if !is_cpu(name) || fallen * 100 > total * usize::from(options.cpu_fallback_percent) {
            return refuse(format!("{count} of {total} nodes are on `{name}`"));
        }
    }
    let is_compute =
        |(name, count): &&(String, usize)| *count > 0 && !SHAPE_ARITHMETIC.contains(&name.as_str());
    if let Some((name, count)) = placement.host_nodes.iter().find(is_compute) {
        return refuse(format!(
            "{count} `{name}` are kept on the host, which is no arithmetic of shapes"
        ));
    }
    if placement.device.trim().is_empty() || placement.evidence.trim().is_empty() {
        return refuse("the engine names no device or no evidence".to_owned());
    }
    #[expect(clippy::cast_precision_loss, reason = "nodes of a graph are far below 2^52")]
    let percent = 100.0 * fallen as f64 / total as f64;
    Ok(percent)
}

fn is_cpu(name: &str) -> bool {
    ["cpu", "CPUExecutionProvider"].iter().any(|it| it.eq_ignore_ascii_case(name))
}

/// Whether `name`, a provider or device as an engine calls it, is the platform's.
fn is_on(name: &str, platform: Platform, device: &DeviceOptions) -> bool {
    let known: &[&str] = match platform {
        Platform::Cpu => return is_cpu(name),
        Platform::Cuda => &["CUDAExecutionProvider"],
        Platform::Rocm => &["MIGraphXExecutionProvider"],
        Platform::Mps => &["CoreMLExecutionProvider"],
        Platform::Webnn => &["WebNNExecutionProvider"],
        Platform::Webgpu => &["WebGpuExecutionProvider", "JsExecutionProvider"],
        Platform::Openvino => return is_openvino(name, device),
    };
    name.eq_ignore_ascii_case(platform.name())
        || known.iter().any(|it| it.eq_ignore_ascii_case(name))
}

/// OpenVINO has devices of its own, its CPU among them: `GPU`, or `GPU.1` when there are several.
fn is_openvino(name: &str, device: &DeviceOptions) -> bool {
    let DeviceOptions::Openvino(options) = device else {
        return false;
    };
    let kind = name.split('.').next().unwrap_or(name);
    let allowed: &[&str] = match options.device {
        OpenvinoDevice::Cpu => &["CPU"],
        OpenvinoDevice::Gpu => &["GPU"],
        OpenvinoDevice::Npu => &["NPU"],
        OpenvinoDevice::Auto => &["CPU", "GPU", "NPU"],
    };
    allowed.iter().any(|it| it.eq_ignore_ascii_case(kind))
}

#[cfg(test)]
mod tests {
    use accel_core::{
        CudaOptions, DeviceOptions, Engine, GraphOptimization, OpenvinoDevice, OpenvinoOptions,
        PerformanceHint, Platform, Precision, SessionOptions,
    };

    use super::check_placement as check;
    use crate::Placement;

    fn placement(engine: Engine, nodes: &[(&str, usize)]) -> Placement {
        Placement {
            engine,
            engine_version: "1.0".to_owned(),
            device: "a device".to_owned(),
            software: false,
            nodes: nodes.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect(),
            host_nodes: Vec::new(),
            evidence: "seen in the profile".to_owned(),
        }
    }

    fn options(cpu_fallback_percent: u8, device: DeviceOptions) -> SessionOptions {
        SessionOptions {
            precision: Precision::Fp32,
            graph_optimization: GraphOptimization::All,
            threads: 0,
            max_batch: 8,
            memory_limit_bytes: 0,
            cpu_fallback_percent,
            device,
        }
    }

    fn cuda(cpu_fallback_percent: u8) -> SessionOptions {
        let device = CudaOptions {
            device_id: 0,
            arena: accel_core::Arena::SameAsRequested,
            tf32: false,
            cuda_graph: false,
            conv_search: accel_core::ConvSearch::Default,
            conv_max_workspace: true,
            prefer_nhwc: false,
            copy_in_default_stream: true,
        };
        options(cpu_fallback_percent, DeviceOptions::Cuda(device))
    }

    #[track_caller]
    fn refused(placement: &Placement, options: &SessionOptions, what: &str) {
        let failure = check(placement, Platform::Cuda, options).unwrap_err();
        assert!(failure.contains(what), "{failure}");
    }

    #[test]
    fn every_node_is_on_the_device() {
        let provider = "CUDAExecutionProvider";
        let all = placement(Engine::Ort, &[(provider, 120)]);
        assert_eq!(check(&all, Platform::Cuda, &cuda(0)), Ok(0.0));

        let some = placement(Engine::Ort, &[(provider, 119), ("CPUExecutionProvider", 1)]);
        refused(&some, &cuda(0), "1 of 120 nodes are on `CPUExecutionProvider`");
        assert_eq!(check(&some, Platform::Cuda, &cuda(1)), Ok(100.0 / 120.0));
        let more = placement(Engine::Ort, &[(provider, 118), ("CPUExecutionProvider", 2)]);
        refused(&more, &cuda(1), "2 of 120 nodes are on `CPUExecutionProvider`");
    }

    /// Two shares of one in a hundred are two in a hundred, under whatever names.
    #[test]
    fn shares_of_the_cpu_add_up() {
        let nodes = [("cuda", 98), ("CPUExecutionProvider", 1), ("cpu", 1)];
        let twice = placement(Engine::Ort, &nodes);
        refused(&twice, &cuda(1), "1 of 100 nodes are on `cpu`");
        assert_eq!(check(&twice, Platform::Cuda, &cuda(2)), Ok(2.0));
    }

    #[test]
    fn the_host_keeps_shape_arithmetic_only() {
        let mut kept = placement(Engine::Ort, &[("cuda", 100)]);
        kept.host_nodes = vec![("Shape".to_owned(), 4), ("Gather".to_owned(), 2)];
        assert_eq!(check(&kept, Platform::Cuda, &cuda(0)), Ok(0.0));
        kept.host_nodes.push(("MatMul".to_owned(), 12));
        refused(&kept, &cuda(0), "12 `MatMul` are kept on the host");
    }

    #[test]
    fn a_silent_cpu_and_a_placement_nobody_knows_are_refused() {
        let cpu = placement(Engine::Ort, &[("CPUExecutionProvider", 120)]);
        refused(&cpu, &cuda(1), "none of 120 nodes");
        refused(&placement(Engine::Ort, &[]), &cuda(0), "none of 0 nodes");
        refused(&placement(Engine::Rten, &[("cuda", 1)]), &cuda(0), "engine `rten`");
        let mut unproven = placement(Engine::Ort, &[("cuda", 1)]);
        unproven.evidence.clear();
        refused(&unproven, &cuda(0), "no evidence");
    }

    #[test]
    fn openvino_runs_on_the_device_asked_for() {
        let on = |device| {
            let device = OpenvinoOptions {
                device,
                device_index: 0,
                inference_precision: accel_core::InferencePrecision::F32,
                performance_hint: PerformanceHint::Latency,
                streams: 0,
                pin_threads: false,
                model_cache: false,
            };
            options(0, DeviceOptions::Openvino(device))
        };
        let gpu = placement(Engine::Openvino, &[("GPU.0", 5)]);
        assert_eq!(check(&gpu, Platform::Openvino, &on(OpenvinoDevice::Gpu)), Ok(0.0));
        assert_eq!(check(&gpu, Platform::Openvino, &on(OpenvinoDevice::Auto)), Ok(0.0));
        assert!(check(&gpu, Platform::Openvino, &on(OpenvinoDevice::Npu)).is_err());
        assert!(check(&gpu, Platform::Openvino, &on(OpenvinoDevice::Cpu)).is_err());
    }
}
