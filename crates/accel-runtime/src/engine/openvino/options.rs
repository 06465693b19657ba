//! Session options as OpenVINO's properties.

use accel_core::{
    GraphOptimization, InferencePrecision, OpenvinoDevice, OpenvinoOptions, PerformanceHint,
    SessionOptions,
};
use openvino::RwPropertyKey as Key;

use crate::{Error, Result};

/// A property, and the option that asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Property {
    pub(super) option: &'static str,
    pub(super) key: Key,
    pub(super) value: String,
}

/// What is set before a model is compiled.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Properties {
    /// For the device asked for, or for each device that `AUTO` may choose.
    pub(super) device: Vec<Property>,
    /// For `AUTO` itself.
    pub(super) auto: Vec<Property>,
}

/// The properties of `options`, the cache apart.
///
/// # Errors
/// [`Error::InvalidOption`] for what OpenVINO cannot do on any such device.
pub(super) fn properties(options: &SessionOptions, device: &OpenvinoOptions) -> Result<Properties> {
    let refuse = |option, given: &dyn ToString, reason: &str| {
        Err(Error::InvalidOption { option, given: given.to_string(), reason: reason.to_owned() })
    };
    if options.graph_optimization != GraphOptimization::All {
        return refuse(
            "graph_optimization",
            &options.graph_optimization.name(),
            "OpenVINO compiles a graph for its device with everything it has, and offers nothing \
             to limit it; give `all`",
        );
    }
    let cpu = device.device == OpenvinoDevice::Cpu;
    if options.threads > 0 && !cpu {
        return refuse(
            "threads",
            &options.threads,
            "only OpenVINO's device `cpu` has threads to choose; give 0",
        );
    }
    if device.pin_threads && !cpu {
        return refuse(
            "pin_threads",
            &true,
            "only OpenVINO's device `cpu` has threads to bind; give false",
        );
    }
    let property = |option, key, value: &str| Property { option, key, value: value.to_owned() };
    let hint = property(
        "performance_hint",
        Key::HintPerformanceMode,
        match device.performance_hint {
            PerformanceHint::Latency => "LATENCY",
            PerformanceHint::Throughput => "THROUGHPUT",
        },
    );
    let mut properties = Properties::default();
    // Always set: the default is bf16 on processors with AMX, and f16 on GPUs.
    properties.device.push(property(
        "inference_precision",
        Key::HintInferencePrecision,
        match device.inference_precision {
            InferencePrecision::F32 => "f32",
            InferencePrecision::F16 => "f16",
            InferencePrecision::Bf16 => "bf16",
        },
    ));
    if device.streams > 0 {
        properties.device.push(property("streams", Key::NumStreams, &device.streams.to_string()));
    }
    if cpu {
        let pin = if device.pin_threads { "YES" } else { "NO" };
        properties.device.push(property("pin_threads", Key::HintEnableCpuPinning, pin));
        if options.threads > 0 {
            let threads = options.threads.to_string();
            properties.device.push(property("threads", Key::InferenceNumThreads, &threads));
        }
    }
    if device.device == OpenvinoDevice::Auto {
        // Else it begins on the CPU while another device compiles, and goes back there when that
        // one fails, without a word.
        for key in ["ENABLE_STARTUP_FALLBACK", "ENABLE_RUNTIME_FALLBACK"] {
            properties.auto.push(property("device", Key::Other(key.into()), "NO"));
        }
        properties.auto.push(hint);
    } else {
        properties.device.push(hint);
    }
    Ok(properties)
}

/// Refuses a value that the compiled model reports differently: OpenVINO replaces what a device
/// does not have by what it has, without a word.
///
/// # Errors
/// [`Error::InvalidOption`] with the value in effect.
pub(super) fn check_effect(property: &Property, effective: &str) -> Result<()> {
    if same(&property.value, effective) {
        return Ok(());
    }
    Err(Error::InvalidOption {
        option: property.option,
        given: property.value.clone(),
        reason: format!(
            "OpenVINO takes {} = {effective} on this device instead; give what the device has",
            property.key.as_ref()
        ),
    })
}

/// The value of `key` in OpenVINO's `{CPU:{A:1,B:x}}`.
pub(super) fn stated<'a>(properties: &'a str, key: &str) -> Option<&'a str> {
    let value = properties.match_indices(key).find_map(|(at, _)| {
        let begins = properties[..at].ends_with(['{', ',']);
        properties[at + key.len()..].strip_prefix(':').filter(|_| begins)
    })?;
    value.split([',', '}']).next()
}

/// Whether two spellings of a property's value mean the same.
fn same(given: &str, effective: &str) -> bool {
    let plain = |value: &str| match value.trim() {
        "YES" | "true" | "TRUE" => "1".to_owned(),
        "NO" | "false" | "FALSE" => "0".to_owned(),
        other => other.to_owned(),
    };
    plain(given) == plain(effective)
}

#[cfg(test)]
mod tests {
    use accel_core::{
        DeviceOptions, GraphOptimization, InferencePrecision, OpenvinoDevice, OpenvinoOptions,
        PerformanceHint, Precision, SessionOptions,
    };

    use super::{Property, check_effect, properties, stated};
    use crate::Error;

    const DEVICE: OpenvinoOptions = OpenvinoOptions {
        device: OpenvinoDevice::Cpu,
        device_index: 0,
        inference_precision: InferencePrecision::F32,
        performance_hint: PerformanceHint::Latency,
        streams: 0,
        pin_threads: false,
        model_cache: false,
    };

    fn options(threads: u32, device: OpenvinoOptions) -> SessionOptions {
        SessionOptions {
            precision: Precision::Fp32,
            graph_optimization: GraphOptimization::All,
            threads,
            max_batch: 8,
            memory_limit_bytes: 0,
            cpu_fallback_percent: 0,
            device: DeviceOptions::Openvino(device),
        }
    }

    fn texts(properties: &[Property]) -> Vec<String> {
        properties.iter().map(|it| format!("{}={}", it.key.as_ref(), it.value)).collect()
    }

    #[test]
    fn every_option_is_a_property() {
        let plain = properties(&options(0, DEVICE), &DEVICE).unwrap();
        assert_eq!(
            texts(&plain.device),
            ["INFERENCE_PRECISION_HINT=f32", "ENABLE_CPU_PINNING=NO", "PERFORMANCE_HINT=LATENCY"]
        );
        assert_eq!(plain.auto, []);
        let all = OpenvinoOptions {
            inference_precision: InferencePrecision::Bf16,
            performance_hint: PerformanceHint::Throughput,
            streams: 3,
            pin_threads: true,
            ..DEVICE
        };
        assert_eq!(
            texts(&properties(&options(5, all), &all).unwrap().device),
            [
                "INFERENCE_PRECISION_HINT=bf16",
                "NUM_STREAMS=3",
                "ENABLE_CPU_PINNING=YES",
                "INFERENCE_NUM_THREADS=5",
                "PERFORMANCE_HINT=THROUGHPUT",
            ]
        );
        let gpu = OpenvinoOptions {
            device: OpenvinoDevice::Gpu,
            inference_precision: InferencePrecision::F16,
            ..DEVICE
        };
        assert_eq!(
            texts(&properties(&options(0, gpu), &gpu).unwrap().device),
            ["INFERENCE_PRECISION_HINT=f16", "PERFORMANCE_HINT=LATENCY"]
        );
    }

    #[test]
    fn auto_may_not_change_its_mind() {
        let auto = OpenvinoOptions { device: OpenvinoDevice::Auto, ..DEVICE };
        let properties = properties(&options(0, auto), &auto).unwrap();
        assert_eq!(texts(&properties.device), ["INFERENCE_PRECISION_HINT=f32"]);
        assert_eq!(
            texts(&properties.auto),
            [
                "ENABLE_STARTUP_FALLBACK=NO",
                "ENABLE_RUNTIME_FALLBACK=NO",
                "PERFORMANCE_HINT=LATENCY"
            ]
        );
    }

    #[test]
    fn what_openvino_cannot_do_is_refused() {
        #[track_caller]
        fn refused(options: &SessionOptions, device: &OpenvinoOptions, name: &str) {
            let error = properties(options, device).unwrap_err();
            assert!(
                matches!(&error, Error::InvalidOption { option, .. } if *option == name),
                "{error}"
            );
        }
        let optimizations =
            [GraphOptimization::Off, GraphOptimization::Basic, GraphOptimization::Extended];
        for graph_optimization in optimizations {
            let options = SessionOptions { graph_optimization, ..options(0, DEVICE) };
            refused(&options, &DEVICE, "graph_optimization");
        }
        for device in [OpenvinoDevice::Gpu, OpenvinoDevice::Npu, OpenvinoDevice::Auto] {
            let plain = OpenvinoOptions { device, ..DEVICE };
            refused(&options(1, plain), &plain, "threads");
            let pinned = OpenvinoOptions { pin_threads: true, ..plain };
            refused(&options(0, pinned), &pinned, "pin_threads");
        }
    }

    #[test]
    fn a_value_that_is_not_in_effect_is_refused() {
        let all = OpenvinoOptions { inference_precision: InferencePrecision::Bf16, ..DEVICE };
        let properties = properties(&options(0, all), &all).unwrap().device;
        check_effect(&properties[0], "bf16").unwrap();
        check_effect(&properties[1], "false").unwrap();
        let error = check_effect(&properties[0], "f32").unwrap_err().to_string();
        assert!(error.contains("inference_precision") && error.contains("= f32"), "{error}");
        check_effect(&properties[1], "true").unwrap_err();
    }

    #[test]
    fn what_auto_states_is_found() {
        let all = "{GPU:{MY_NUM_STREAMS:2,NUM_STREAMS:1,SUPPORTED:NUM_STREAMS LAST,LAST:f32}}";
        assert_eq!(stated(all, "NUM_STREAMS"), Some("1"));
        assert_eq!(stated(all, "MY_NUM_STREAMS"), Some("2"));
        assert_eq!(stated(all, "LAST"), Some("f32"));
        assert_eq!(stated(all, "STREAMS"), None);
    }
}
