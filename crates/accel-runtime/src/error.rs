//! What can go wrong, said so that the reader knows what to do next.

use std::path::PathBuf;

use accel_core::{Engine as EngineName, Platform, Precision, Stage};

use crate::choose::Rejection;
use crate::engine::Lack;

/// What this crate's functions return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What is wrong with a graph's input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InputProblem {
    /// The graph needs it and it was not given.
    Missing,
    /// The graph has no input of this name.
    Unknown,
    /// It was given more than once.
    Repeated,
    /// Its elements have the wrong type.
    Dtype,
    /// It has the wrong number of dimensions.
    Rank,
    /// A dimension that the graph fixes has another size.
    Dim,
    /// Two dimensions that the graph gives one name have two sizes.
    Symbol,
    /// An element is outside the range that the engine can take.
    Range,
}

/// Every failure of the runtime.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Nothing on this machine or in this build serves the platform. The only error that lets
    /// [`choose`](crate::choose()) try the next candidate.
    #[error("{platform} is not available: {reason} (engine `{engine}`); {remedy}", platform = .platform.label())]
    EngineUnavailable {
        /// The platform asked for.
        platform: Platform,
        /// The engine that would serve it.
        engine: EngineName,
        /// What is lacking.
        lack: Lack,
        /// Why it cannot.
        reason: String,
        /// What to do about it.
        remedy: String,
    },

    /// Every candidate was rejected.
    #[error("no candidate is available: {}; make one of these platforms available or add a candidate for the CPU", rejections(.rejected))]
    NoneAvailable {
        /// Why each was rejected, in the order tried.
        rejected: Vec<Rejection>,
    },

    /// A simulation was to be loaded as if it were real, or the other way round.
    #[error("{model} on {platform} is {is}, so it cannot be loaded as {wanted}; use {remedy}", platform = .platform.label())]
    WrongVariant {
        /// The registry's key of the model.
        model: &'static str,
        /// The platform.
        platform: Platform,
        /// What the skill is, with the reason.
        is: String,
        /// What it was asked to be.
        wanted: &'static str,
        /// The function to call instead.
        remedy: &'static str,
    },

    /// A file that the model's folder must have is not there.
    #[error("{what} is missing: {}; {remedy}", .path.display())]
    MissingFile {
        /// Where it should be.
        path: PathBuf,
        /// What it is.
        what: String,
        /// What to do.
        remedy: String,
    },

    /// The system refused to read a file.
    #[error("cannot read {}: {source}; check that it exists and may be read", .path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },

    /// A file of the model's folder is not what it should be.
    #[error("{} is not usable: {reason}; {remedy}", .path.display())]
    InvalidFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
        /// What to do.
        remedy: String,
    },

    /// The model's graph is damaged, or its weights are not where it says.
    #[error("the model {} is corrupt: {reason}; download or export it again", .path.display())]
    CorruptModel {
        /// The ONNX file.
        path: PathBuf,
        /// What is wrong, and where in the file.
        reason: String,
    },

    /// The model is intact but not of a form that this pipeline or engine can serve.
    #[error("the model {} cannot be used here: {reason}; {remedy}", .path.display())]
    UnsupportedModel {
        /// The model's file or folder.
        path: PathBuf,
        /// What it has or lacks.
        reason: String,
        /// What to do.
        remedy: String,
    },

    /// The engine would compute this operator wrongly, so it does not compute it at all.
    #[error("engine `{engine}` refuses operator {operator} (node `{node}`): {why}; {}", remedy(.alternatives))]
    UnsupportedOperator {
        /// The operator, such as `Resize (mode=cubic)`.
        operator: String,
        /// The node's name, or its first output when it has none.
        node: String,
        /// The engine that refuses.
        engine: EngineName,
        /// Why.
        why: String,
        /// Engines that are known to compute it rightly.
        alternatives: Vec<EngineName>,
    },

    /// The engine could not load the graph.
    #[error("engine `{engine}` cannot load {}: {reason}; try another precision, export or engine", .path.display())]
    Load {
        /// The engine.
        engine: EngineName,
        /// The ONNX file.
        path: PathBuf,
        /// What the engine said.
        reason: String,
    },

    /// The model's files are larger than the options allow.
    #[error("{} takes {needed_bytes} bytes and the limit is {limit_bytes} (option `memory_limit_bytes`); choose a smaller precision or raise the limit", .path.display())]
    MemoryLimit {
        /// The ONNX file.
        path: PathBuf,
        /// Bytes of the graph and its external data.
        needed_bytes: u64,
        /// The limit.
        limit_bytes: u64,
    },

    /// A session option has a value that makes no sense here.
    #[error("session option `{option}` = {given} is not usable: {reason}")]
    InvalidOption {
        /// The option.
        option: &'static str,
        /// Its value.
        given: String,
        /// Why not, and what to give instead.
        reason: String,
    },

    /// The model has no file of the precision asked for.
    #[error("{} has no graph `{graph}` in {precision}; present: {}; choose one of these or export it", .dir.display(), list(.present))]
    MissingPrecision {
        /// The folder of the graphs.
        dir: PathBuf,
        /// The graph, such as `model`.
        graph: String,
        /// The precision asked for.
        precision: Precision,
        /// The graphs that are there.
        present: Vec<String>,
    },

    /// An input does not fit the graph's declaration.
    #[error("input `{input}`: expected {expected}, given {given}")]
    InvalidInput {
        /// The input's name.
        input: String,
        /// What kind of misfit.
        problem: InputProblem,
        /// What the graph declares.
        expected: String,
        /// What was given.
        given: String,
    },

    /// An output was asked for that the graph does not have.
    #[error("the graph has no output `{output}`; it has: {}", list(.known))]
    UnknownOutput {
        /// The name asked for.
        output: String,
        /// The graph's outputs.
        known: Vec<String>,
    },

    /// A tensor's shape and number of elements do not agree.
    #[error("a tensor of shape {shape:?} holds {expected} elements, given {given}")]
    TensorShape {
        /// The shape.
        shape: Vec<usize>,
        /// What the shape asks for.
        expected: String,
        /// The number of elements given.
        given: usize,
    },

    /// A tensor holds another type of elements than the caller wants.
    #[error("a tensor of {given} was read as {expected}; read it as what it is")]
    TensorDtype {
        /// What the caller wants.
        expected: crate::DType,
        /// What the tensor holds.
        given: crate::DType,
    },

    /// An argument of a task makes no sense.
    #[error("argument `{argument}` = {given}: expected {expected}")]
    InvalidArgument {
        /// The argument.
        argument: &'static str,
        /// Its value.
        given: String,
        /// What is allowed.
        expected: String,
    },

    /// The prompt does not fit the model's context.
    #[error(
        "the prompt has {tokens} tokens and the model's context holds {context}, the answer included; shorten the prompt"
    )]
    ContextTooLong {
        /// Tokens of the prompt.
        tokens: usize,
        /// Tokens that the context holds.
        context: usize,
    },

    /// A text to fill has no mask in it, or truncation cut it off.
    #[error(
        "the text has no mask among its first {tokens} tokens; write `{mask_token}` where a word is to be filled in: {text:?}"
    )]
    NoMask {
        /// The text, or the beginning of a long one.
        text: String,
        /// How the model spells its mask.
        mask_token: String,
        /// Tokens that the model saw.
        tokens: usize,
    },

    /// The model has no chat template.
    #[error("{} has no chat template (neither chat_template.jinja nor `chat_template` in chat_template.json or tokenizer_config.json); use an instruction-tuned model or generate from plain text", .dir.display())]
    NoChatTemplate {
        /// The model's folder.
        dir: PathBuf,
    },

    /// The chat template failed on these messages, or refused them.
    #[error("the model's chat template failed: {reason}; check the messages' roles and order")]
    ChatTemplate {
        /// What it said.
        reason: String,
    },

    /// The tokenizer failed.
    #[error("the tokenizer failed: {reason}; check tokenizer.json")]
    Tokenizer {
        /// What it said.
        reason: String,
    },

    /// An image could not be read.
    #[error("{what} is not an image that can be read: {reason}; PNG and JPEG are supported")]
    Image {
        /// The file, or `image bytes`.
        what: String,
        /// What the decoder said.
        reason: String,
    },

    /// A sound could not be read.
    #[error("{what} is not sound that can be read: {reason}; WAV and FLAC are supported")]
    Audio {
        /// The file, or what was given instead.
        what: String,
        /// What is wrong with it.
        reason: String,
    },

    /// The engine failed while running.
    #[error("engine `{engine}` failed to run: {reason}")]
    Run {
        /// The engine.
        engine: EngineName,
        /// What it said.
        reason: String,
    },

    /// The engine returned something other than what the graph declares.
    #[error(
        "output `{output}`: expected {expected}, the engine returned {given}; the result is not used"
    )]
    BadOutput {
        /// The output's name.
        output: String,
        /// What was expected.
        expected: String,
        /// What came.
        given: String,
    },

    /// A result is not a number, or infinite.
    #[error(
        "output `{output}` holds {value} at element {index}: the result is not used; try another precision (half precision overflows easily)"
    )]
    NonFinite {
        /// The output's name.
        output: String,
        /// The first such element, counted in row-major order.
        index: usize,
        /// Its value.
        value: f32,
    },

    /// The model does not fit into the device's memory.
    #[error("{} takes {needed_bytes} bytes and {device} has {memory_bytes}; choose a smaller precision or a larger device", .path.display())]
    DeviceMemory {
        /// The ONNX file.
        path: PathBuf,
        /// The device.
        device: String,
        /// Bytes of the graph and its external data.
        needed_bytes: u64,
        /// Bytes of the device's memory.
        memory_bytes: u64,
    },
}

impl Error {
    /// Where in a model's life it failed.
    pub const fn stage(&self) -> Stage {
        match self {
            Self::EngineUnavailable { .. }
            | Self::NoneAvailable { .. }
            | Self::WrongVariant { .. }
            | Self::MissingFile { .. }
            | Self::MissingPrecision { .. }
            | Self::Io { .. }
            | Self::InvalidFile { .. } => Stage::Resolve,
            Self::CorruptModel { .. }
            | Self::UnsupportedModel { .. }
            | Self::UnsupportedOperator { .. }
            | Self::Load { .. }
            | Self::MemoryLimit { .. }
            | Self::DeviceMemory { .. }
            | Self::InvalidOption { .. } => Stage::Load,
            Self::InvalidInput { .. }
            | Self::UnknownOutput { .. }
            | Self::TensorShape { .. }
            | Self::TensorDtype { .. }
            | Self::InvalidArgument { .. }
            | Self::ContextTooLong { .. }
            | Self::NoMask { .. }
            | Self::NoChatTemplate { .. }
            | Self::ChatTemplate { .. }
            | Self::Tokenizer { .. }
            | Self::Image { .. }
            | Self::Audio { .. }
            | Self::Run { .. } => Stage::Run,
            Self::BadOutput { .. } | Self::NonFinite { .. } => Stage::Mismatch,
        }
    }
}

fn list(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

fn rejections(rejected: &[Rejection]) -> String {
    if rejected.is_empty() {
        return "no candidates were given".to_owned();
    }
    let each: Vec<_> = rejected.iter().map(ToString::to_string).collect();
    each.join(" | ")
}

fn remedy(engines: &[EngineName]) -> String {
    if engines.is_empty() {
        return "export the model without it".to_owned();
    }
    let names: Vec<_> = engines.iter().map(|it| format!("`{it}`")).collect();
    format!("run it on engine {}, or export the model without it", names.join(" or "))
}
