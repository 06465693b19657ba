//! Session options: what a skill asks of its engine, spelt out field by field.
//!
//! One declaration gives the struct that engines read and the table that the registry is checked
//! against and rendered from. There are no defaults here: they live in the registry, where they
//! can be seen.

mod choices;

use serde::{Deserialize, Serialize};

use crate::{Platform, Precision, Vocabulary};

pub use choices::{
    Arena, ComputeUnits, ConvSearch, CoremlFormat, CoremlSpecialization, CpuEngine,
    GraphOptimization, InferencePrecision, OpenvinoDevice, PerformanceHint, PowerPreference,
    TensorLayout, WebnnDevice,
};

/// A value of an option, as read from the registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OptionValue {
    /// On or off.
    Bool(bool),
    /// A count, an index or a number of bytes.
    Integer(u64),
    /// A member of the option's vocabulary, by name.
    Choice(&'static str),
}

/// What values an option takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OptionKind {
    /// `true` or `false`.
    Bool,
    /// An integer from 0 to the given maximum.
    Integer(u64),
    /// One of a vocabulary.
    Choice {
        /// The Rust type, for rendering.
        rust_type: &'static str,
        /// Names and the Rust variants they stand for.
        members: &'static [(&'static str, &'static str)],
    },
}

/// One option: a field of [`SessionOptions`] or of a platform's own options.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OptionField {
    /// The name, in the registry and in Rust.
    pub name: &'static str,
    /// What values it takes.
    pub kind: OptionKind,
    /// What it does, in a sentence.
    pub doc: &'static str,
}

impl OptionField {
    /// The value as a Rust expression, enums prefixed by `path` (such as `rt::`); `None` when
    /// the value is not of this option's kind.
    pub fn rust_literal(&self, value: OptionValue, path: &str) -> Option<String> {
        match (self.kind, value) {
            (OptionKind::Bool, OptionValue::Bool(it)) => Some(it.to_string()),
            (OptionKind::Integer(max), OptionValue::Integer(it)) if it <= max => {
                Some(group_digits(it))
            }
            (OptionKind::Choice { rust_type, members }, OptionValue::Choice(name)) => members
                .iter()
                .find(|(it, _)| *it == name)
                .map(|(_, variant)| format!("{path}{rust_type}::{variant}")),
            _ => None,
        }
    }
}

/// Digits in groups of three, as Rust reads them: `4_294_967_296`.
pub fn group_digits(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            grouped.push('_');
        }
        grouped.push(digit);
    }
    grouped
}

/// A type that an option can have.
trait OptionType {
    const KIND: OptionKind;
}
impl OptionType for bool {
    const KIND: OptionKind = OptionKind::Bool;
}
impl OptionType for u8 {
    // The only options this small are percentages.
    const KIND: OptionKind = OptionKind::Integer(100);
}
impl OptionType for u32 {
    const KIND: OptionKind = OptionKind::Integer(u32::MAX as u64);
}
impl OptionType for u64 {
    // YAML and JSON readers agree on integers up to here.
    const KIND: OptionKind = OptionKind::Integer(i64::MAX as u64);
}

impl<T: Vocabulary> OptionType for T {
    const KIND: OptionKind = OptionKind::Choice { rust_type: T::RUST_TYPE, members: T::MEMBERS };
}

/// Declares a struct of options and its table. The first doc line of a field is its `doc`.
macro_rules! options {
    (
        $(#[$meta:meta])*
        pub struct $name:ident ($table:ident) {
            $( #[doc = $doc:literal] pub $field:ident: $ty:ty, )*
        }
        $( $rest:tt )*
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        pub struct $name {
            $( #[doc = $doc] pub $field: $ty, )*
            $( $rest )*
        }

        const $table: &[OptionField] = &[
            $( OptionField {
                name: stringify!($field),
                kind: <$ty as OptionType>::KIND,
                doc: $doc.trim_ascii(),
            }, )*
        ];
    };
}

options! {
    /// Everything a session is asked for.
    pub struct SessionOptions (COMMON) {
        /// Precision of the weights; picks the model's file.
        pub precision: Precision,
        /// How much the engine may rewrite the graph.
        pub graph_optimization: GraphOptimization,
        /// Threads of the engine's pool; 0 is one for every physical core.
        pub threads: u32,
        /// The largest batch in one run; larger ones are split.
        pub max_batch: u32,
        /// Bytes that weights may take on the device; 0 is no limit.
        pub memory_limit_bytes: u64,
        /// Percent of the nodes that may run on the CPU because the device cannot; 0 makes one an error.
        pub cpu_fallback_percent: u8,
    }
    /// What only this platform has.
    pub device: DeviceOptions,
}

options! {
    /// The processor.
    pub struct CpuOptions (CPU) {
        /// What runs the model.
        pub engine: CpuEngine,
        /// Repack weights at load for faster runs; takes up to twice their memory.
        pub prepack_weights: bool,
        /// Whether to bind each thread to a processor of its own; ONNX Runtime only.
        pub pin_threads: bool,
    }
}

options! {
    /// NVIDIA GPUs through ONNX Runtime's CUDA provider.
    pub struct CudaOptions (CUDA) {
        /// Index of the GPU among those that `CUDA_VISIBLE_DEVICES` shows.
        pub device_id: u32,
        /// How the device's memory arena grows.
        pub arena: Arena,
        /// Whether matrix products may use TF32: faster, 10 bits of mantissa instead of 23.
        pub tf32: bool,
        /// Whether to record runs as CUDA graphs; needs static shapes.
        pub cuda_graph: bool,
        /// How cuDNN chooses a convolution's algorithm.
        pub conv_search: ConvSearch,
        /// Whether cuDNN may take all the workspace that its fastest algorithm wants.
        pub conv_max_workspace: bool,
        /// Whether convolutions run in the NHWC layout of tensor cores.
        pub prefer_nhwc: bool,
        /// Whether copies to and from the GPU wait in the same stream as the kernels.
        pub copy_in_default_stream: bool,
    }
}

options! {
    /// AMD GPUs through ONNX Runtime's `MIGraphX` provider.
    pub struct RocmOptions (ROCM) {
        /// Index of the GPU among those that `HIP_VISIBLE_DEVICES` shows.
        pub device_id: u32,
        /// Whether `MIGraphX` computes in half precision, whatever the weights are stored as.
        pub fp16: bool,
        /// Whether `MIGraphX` quantizes matrix products and convolutions to 8 bits.
        pub int8: bool,
        /// Whether to measure every kernel when compiling: slower first load, faster runs.
        pub exhaustive_tune: bool,
        /// Whether to keep compiled models on disk.
        pub model_cache: bool,
    }
}

options! {
    /// Apple's GPU and neural engine through ONNX Runtime's Core ML provider.
    pub struct MpsOptions (MPS) {
        /// The kind of Core ML model that the graph is turned into.
        pub format: CoremlFormat,
        /// Which units may be used.
        pub compute_units: ComputeUnits,
        /// What Core ML tunes the model for when it compiles it.
        pub specialization: CoremlSpecialization,
        /// Whether the GPU may sum up in half precision.
        pub low_precision_accumulation: bool,
        /// Whether to take only nodes whose shapes are static; the neural engine needs it.
        pub static_shapes: bool,
        /// Whether to keep compiled models on disk.
        pub model_cache: bool,
    }
}

options! {
    /// Intel's runtime.
    pub struct OpenvinoOptions (OPENVINO) {
        /// Which of its devices.
        pub device: OpenvinoDevice,
        /// Index among several devices of that kind; the processor is one.
        pub device_index: u32,
        /// What it computes in, whatever the weights are stored as.
        pub inference_precision: InferencePrecision,
        /// What to tune for.
        pub performance_hint: PerformanceHint,
        /// Parallel inference streams; 0 is OpenVINO's choice.
        pub streams: u32,
        /// Whether to bind each thread to a processor of its own.
        pub pin_threads: bool,
        /// Whether to keep compiled models on disk.
        pub model_cache: bool,
    }
}

options! {
    /// The browser's neural network interface through onnxruntime-web.
    pub struct WebnnOptions (WEBNN) {
        /// The device type that the context is asked for.
        pub device: WebnnDevice,
        /// What the browser is told about power.
        pub power_preference: PowerPreference,
    }
}

options! {
    /// The browser's GPU interface through onnxruntime-web.
    pub struct WebgpuOptions (WEBGPU) {
        /// What the browser is told about power.
        pub power_preference: PowerPreference,
        /// The order of an image tensor's axes inside the engine.
        pub layout: TensorLayout,
    }
}

/// The options that only one platform has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviceOptions {
    /// The processor.
    Cpu(CpuOptions),
    /// NVIDIA GPUs.
    Cuda(CudaOptions),
    /// AMD GPUs.
    Rocm(RocmOptions),
    /// Apple's GPU and neural engine.
    Mps(MpsOptions),
    /// Intel's runtime.
    Openvino(OpenvinoOptions),
    /// The browser's neural network interface.
    Webnn(WebnnOptions),
    /// The browser's GPU interface.
    Webgpu(WebgpuOptions),
}

impl DeviceOptions {
    /// The platform these belong to.
    pub const fn platform(&self) -> Platform {
        match self {
            Self::Cpu(_) => Platform::Cpu,
            Self::Cuda(_) => Platform::Cuda,
            Self::Rocm(_) => Platform::Rocm,
            Self::Mps(_) => Platform::Mps,
            Self::Openvino(_) => Platform::Openvino,
            Self::Webnn(_) => Platform::Webnn,
            Self::Webgpu(_) => Platform::Webgpu,
        }
    }
}

/// The options that every platform has, in the order of [`SessionOptions`]' fields.
pub const fn common_option_fields() -> &'static [OptionField] {
    COMMON
}

/// The options that only `platform` has, in the order of its struct's fields.
pub const fn device_option_fields(platform: Platform) -> &'static [OptionField] {
    match platform {
        Platform::Cpu => CPU,
        Platform::Cuda => CUDA,
        Platform::Rocm => ROCM,
        Platform::Mps => MPS,
        Platform::Openvino => OPENVINO,
        Platform::Webnn => WEBNN,
        Platform::Webgpu => WEBGPU,
    }
}

#[cfg(test)]
mod tests {
    use super::{
        OptionKind, OptionValue, common_option_fields, device_option_fields, group_digits,
    };
    use crate::{Platform, Vocabulary};

    #[test]
    fn no_device_option_hides_a_common_one() {
        for platform in Platform::ALL {
            for field in device_option_fields(*platform) {
                assert!(common_option_fields().iter().all(|it| it.name != field.name), "{field:?}");
            }
        }
    }

    #[test]
    fn values_render_as_rust_and_wrong_kinds_do_not() {
        let precision = common_option_fields()[0];
        assert_eq!(
            precision.rust_literal(OptionValue::Choice("fp16"), "rt::").as_deref(),
            Some("rt::Precision::Fp16")
        );
        assert_eq!(precision.rust_literal(OptionValue::Bool(true), "rt::"), None);
        assert_eq!(precision.rust_literal(OptionValue::Choice("fp17"), "rt::"), None);
        assert!(matches!(device_option_fields(Platform::Cuda)[0].kind, OptionKind::Integer(_)));
    }

    #[test]
    fn digits_are_grouped_from_the_right() {
        assert_eq!(group_digits(0), "0");
        assert_eq!(group_digits(999), "999");
        assert_eq!(group_digits(4_294_967_296), "4_294_967_296");
    }
}
