//! Bytes that a network needs: weights, cache, tensors between layers, kernels, engine.

use serde::{Deserialize, Serialize};

use super::error::EstimateError;
use super::facts::Size;
use super::network::{Network, Stack};
use super::{MemoryBytes, Workload};
use crate::{Engine, Precision};

/// How weights are stored: the registry's precisions, and what else models are published in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WeightFormat {
    /// 32-bit floating point.
    Fp32,
    /// 16-bit IEEE floating point.
    Fp16,
    /// 16-bit floating point with 8 bits of exponent.
    Bf16,
    /// Matrices in 8-bit integers, everything else in 32 bits.
    Int8,
    /// Matrices in 4 bits with a 32-bit scale for every 32 weights, everything else in 32 bits.
    Q4,
}

impl WeightFormat {
    /// Every format, the widest first.
    pub const ALL: [Self; 5] = [Self::Fp32, Self::Fp16, Self::Bf16, Self::Int8, Self::Q4];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fp32 => "fp32",
            Self::Fp16 => "fp16",
            Self::Bf16 => "bf16",
            Self::Int8 => "int8",
            Self::Q4 => "q4",
        }
    }

    /// The registry's precision that takes as many bits.
    pub const fn precision(self) -> Precision {
        match self {
            Self::Fp32 => Precision::Fp32,
            Self::Fp16 | Self::Bf16 => Precision::Fp16,
            Self::Int8 => Precision::Int8,
            Self::Q4 => Precision::Q4,
        }
    }

    /// Bytes of a number between the layers and in the cache. Quantised graphs compute in 32 bits
    /// between their operators (`tools/onnx_export/precision.py`).
    const fn activation_bytes(self) -> Size {
        match self {
            Self::Fp16 | Self::Bf16 => 2,
            _ => 4,
        }
    }
}

impl From<Precision> for WeightFormat {
    fn from(precision: Precision) -> Self {
        match precision {
            Precision::Fp32 => Self::Fp32,
            Precision::Fp16 => Self::Fp16,
            Precision::Int8 => Self::Int8,
            Precision::Q4 => Self::Q4,
        }
    }
}

/// Weights of one block that share a scale; `BLOCK` of `tools/onnx_export/precision.py`, and what
/// the Hub's `_q4` files have.
const BLOCK: Size = 32;

/// What the process and its engine take before any model: the peak of `accel run` on the committed
/// fixtures of some hundred kilobytes, less what their weights and tensors take. Measured on Linux
/// x86-64 with rten 0.27, ONNX Runtime 1.31 and OpenVINO 2026.4; the numbers are in
/// `crates/accel-cli/README.md`. A browser is several processes, of which none was measured: it is
/// given what the largest of the others takes.
pub(super) const fn runtime_bytes(engine: Option<Engine>) -> u64 {
    let mebibytes = match engine {
        None | Some(Engine::Rten | Engine::Simulator) => 28,
        Some(Engine::Ort) => 54,
        Some(Engine::Openvino | Engine::Browser) => 96,
    };
    mebibytes << 20
}

/// What an engine holds beside the weights while it loads them: rten maps the file; ONNX Runtime packs
/// matrices for its kernels and folds constants before it lets go of the file's; OpenVINO compiles a
/// second copy beside the file. In thousandths of the weights, the most that was seen with BERT base
/// and ViT base in 32 bits on Linux x86-64; the numbers are in `crates/accel-cli/README.md`.
const fn loading_bytes(engine: Option<Engine>, weights: u64) -> u64 {
    let thousandths = match engine {
        None | Some(Engine::Rten | Engine::Simulator) => 0,
        Some(Engine::Ort) => 400,
        Some(Engine::Openvino | Engine::Browser) => 1650,
    };
    (weights / 1000).saturating_mul(thousandths)
}

/// Most inputs at once, and most tokens, that are reckoned with; far beyond any machine.
const MOST_BATCH: u32 = 1 << 20;
const MOST_CONTEXT: u32 = 1 << 26;

/// Bytes of `parameters` weights, of which `kept` stay as they are when matrices are quantised,
/// while `copied` of those are quantised as well.
pub(super) fn weights(
    format: WeightFormat,
    parameters: u64,
    kept: Size,
    copied: Size,
) -> Result<u64, EstimateError> {
    let all = Size::from(parameters);
    let kept = kept.min(all);
    let matrices = all - kept + copied;
    bytes(match format {
        WeightFormat::Fp32 => 4 * all,
        WeightFormat::Fp16 | WeightFormat::Bf16 => 2 * all,
        WeightFormat::Int8 => 4 * kept + matrices,
        WeightFormat::Q4 => 4 * kept + matrices.div_ceil(2) + 4 * matrices.div_ceil(BLOCK),
    })
}

/// The parts of memory.
pub(super) fn memory(
    network: &Network,
    parameters: u64,
    format: WeightFormat,
    workload: &Workload,
    engine: Option<Engine>,
) -> Result<MemoryBytes, EstimateError> {
    check(workload)?;
    let each = format.activation_bytes();
    let mut cache = 0;
    let mut peak = Peak::default();
    for stack in &network.stacks {
        cache += each * cached(stack, workload);
        let found = activations(stack, workload);
        // Stacks run one after another.
        peak = Peak {
            tensors: peak.tensors.max(found.tensors),
            largest: peak.largest.max(found.largest),
        };
    }
    let weights = weights(format, parameters, network.kept, network.tied_head)?;
    let packed = loading_bytes(engine, weights);
    Ok(MemoryBytes {
        weights,
        kv_cache: bytes(cache)?,
        activations: bytes(each * peak.tensors)?,
        workspace: bytes(each * peak.largest)?.saturating_add(packed),
        runtime: runtime_bytes(engine),
    })
}

pub(super) fn check(workload: &Workload) -> Result<(), EstimateError> {
    if workload.batch == 0 || workload.batch > MOST_BATCH {
        return Err(EstimateError::Absurd {
            reason: format!("a batch of {} (1 to {MOST_BATCH} are taken)", workload.batch),
        });
    }
    if workload.context > MOST_CONTEXT {
        return Err(EstimateError::Absurd {
            reason: format!("{} tokens of context (at most {MOST_CONTEXT})", workload.context),
        });
    }
    Ok(())
}

fn bytes(count: Size) -> Result<u64, EstimateError> {
    u64::try_from(count).map_err(|_| EstimateError::Absurd {
        reason: format!("{count} bytes are more than 64 bits count"),
    })
}

/// Tokens of one input.
fn tokens(stack: &Stack, workload: &Workload) -> Size {
    let context = Size::from(workload.context);
    stack.tokens.unwrap_or_else(|| stack.most_tokens.map_or(context, |it| it.min(context)))
}

/// Numbers that are kept of past tokens: two for every head's width, token and layer (Shazeer 2019,
/// "Fast Transformer Decoding", with as many heads as keys and values have); a window's layers keep
/// the window (Beltagy 2020, "Longformer").
fn cached(stack: &Stack, workload: &Workload) -> Size {
    let Some(cache) = &stack.cache else { return 0 };
    let tokens = tokens(stack, workload);
    let (full, layers) = cache.full;
    let (narrow, narrow_layers, window) = cache.sliding;
    let encoded = stack.attended.unwrap_or(tokens);
    Size::from(workload.batch)
        * (full * layers * tokens
            + narrow * narrow_layers * tokens.min(window)
            + cache.encoded * encoded)
}

/// Numbers that live at once at the worst moment, and those of the largest tensor.
#[derive(Default)]
struct Peak {
    tensors: Size,
    largest: Size,
}

/// Inside a layer the residual stream stays while either attention or the MLP has its tensors:
/// queries, keys and values with the scores of every pair of tokens, before and after the softmax
/// (attention that is written out, as exports have it; flash attention keeps no scores); or both
/// sides of the MLP. Behind the layers, logits for every token: exports do not cut them to the last.
fn activations(stack: &Stack, workload: &Workload) -> Peak {
    let tokens = tokens(stack, workload);
    let batch = Size::from(workload.batch);
    let attended = stack.attended.unwrap_or(tokens).max(1);
    let scores = stack.heads * tokens * attended;
    let stream = stack.hidden * tokens;
    let attention = stack.projected * tokens + 2 * scores;
    let inner = stack.inner * tokens;
    let logits = stack.logits * tokens;
    let widest = attention.max(2 * inner).max(logits).max(2 * stack.entry);
    let largest = scores.max(inner).max(logits).max(stack.entry);
    Peak { tensors: batch * (2 * stream + widest), largest: batch * largest }
}

#[cfg(test)]
mod tests {
    use super::{WeightFormat, weights};

    #[test]
    fn four_bits_come_with_their_scales() {
        // 3200 weights: 100 blocks of 16 bytes and a scale of 4.
        assert_eq!(weights(WeightFormat::Q4, 3200, 0, 0), Ok(2000));
        // Those that are looked up stay as they are.
        assert_eq!(weights(WeightFormat::Q4, 3200, 1600, 0), Ok(1000 + 6400));
        assert_eq!(weights(WeightFormat::Int8, 3200, 1600, 1600), Ok(6400 + 3200));
    }
}
