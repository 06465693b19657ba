//! The words that the generator, the runtime and the reports share, and the pure logic on them.
//!
//! Nothing here reads a file, a clock or the environment, so that the generator, which every
//! `build.rs` user compiles, and the runtime can both depend on it at no cost.

mod vocabulary;

pub mod classify;
pub mod compatibility;
mod config;
pub mod diagnosis;
pub mod estimate;
mod evidence;
pub mod hardware;
mod names;
mod options;
mod outcome;
pub mod select;
mod tolerance;

pub use config::{Config, Value};
pub use evidence::Evidence;
pub use names::{
    CaseName, Engine, Family, Platform, Precision, Stage, Subfamily, Support, Task, Variant,
};
pub use options::{
    Arena, ComputeUnits, ConvSearch, CoremlFormat, CoremlSpecialization, CpuEngine, CpuOptions,
    CudaOptions, DeviceOptions, GraphOptimization, InferencePrecision, MpsOptions, OpenvinoDevice,
    OpenvinoOptions, OptionField, OptionKind, OptionValue, PerformanceHint, PowerPreference,
    RocmOptions, SessionOptions, TensorLayout, WebgpuOptions, WebnnDevice, WebnnOptions,
    common_option_fields, device_option_fields, group_digits,
};
pub use outcome::{CaseReport, Outcome, REPORT_VERSION};
pub use tolerance::Tolerance;
pub use vocabulary::{UnknownName, Vocabulary, nearest};
