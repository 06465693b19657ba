//! What one decoder graph takes and gives, read from its declarations.

use crate::engine::{Dim, Session, TensorInfo};
use crate::{DType, Result};

pub(super) const LOGITS: &str = "logits";

/// A decoder graph.
#[derive(Debug)]
pub(super) struct DecoderGraph {
    pub(super) session: Box<dyn Session>,
    /// What each input is, in the order of declaration.
    pub(super) inputs: Vec<(String, Role)>,
    /// Cache entries that grow with the text, by the graph's own names.
    pub(super) growing: Vec<CacheEntry>,
    /// Cache entries that the encoder's output fixes.
    pub(super) fixed: Vec<CacheEntry>,
}

/// What an input is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    InputIds,
    InputsEmbeds,
    AttentionMask,
    PositionIds,
    CachePosition,
    EncoderHiddenStates,
    EncoderAttentionMask,
    UseCacheBranch,
    LogitsToKeep,
    /// A cache entry of this index among those that grow.
    Growing(usize),
    /// A cache entry of this index among those that are fixed.
    Fixed(usize),
}

/// One tensor of the cache.
#[derive(Clone, Debug)]
pub(super) struct CacheEntry {
    /// Its name without prefix, such as `0.decoder.key`; the same in every graph.
    pub(super) name: String,
    /// The output that gives it, if this graph does.
    pub(super) present: Option<String>,
    /// The input that takes it, if this graph does.
    pub(super) past: Option<TensorInfo>,
}

impl DecoderGraph {
    /// Reads the declarations; `Err` says what cannot be served.
    pub(super) fn new(session: Box<dyn Session>) -> Result<Self, String> {
        let (mut growing, mut fixed): (Vec<CacheEntry>, Vec<CacheEntry>) = (vec![], vec![]);
        for output in session.outputs() {
            let name = ["present.", "present_key_values."]
                .iter()
                .find_map(|prefix| output.name.strip_prefix(prefix));
            let Some(name) = name.filter(|_| output.dtype == DType::F32) else { continue };
            let present = Some(output.name.clone());
            let entry = CacheEntry { name: name.to_owned(), present, past: None };
            (if of_encoder(name) { &mut fixed } else { &mut growing }).push(entry);
        }
        let mut inputs = Vec::new();
        for input in session.inputs() {
            let role = match input.name.as_str() {
                "input_ids" | "decoder_input_ids" => Role::InputIds,
                "inputs_embeds" => Role::InputsEmbeds,
                "attention_mask" | "decoder_attention_mask" => Role::AttentionMask,
                "position_ids" => Role::PositionIds,
                "cache_position" => Role::CachePosition,
                "encoder_hidden_states" => Role::EncoderHiddenStates,
                "encoder_attention_mask" => Role::EncoderAttentionMask,
                "use_cache_branch" => Role::UseCacheBranch,
                "num_logits_to_keep" | "logits_to_keep" => Role::LogitsToKeep,
                name => {
                    let Some(entry) = name.strip_prefix("past_key_values.") else {
                        return Err(format!("its graph wants the input `{name}`"));
                    };
                    let of_encoder = of_encoder(entry);
                    let entries = if of_encoder { &mut fixed } else { &mut growing };
                    let index = entries.iter().position(|it| it.name == entry);
                    let index = index.unwrap_or_else(|| {
                        let name = entry.to_owned();
                        entries.push(CacheEntry { name, present: None, past: None });
                        entries.len() - 1
                    });
                    if input.dtype != DType::F32 {
                        return Err(format!("`{name}` is of type {}", input.dtype));
                    }
                    entries[index].past = Some(input.clone());
                    if of_encoder { Role::Fixed(index) } else { Role::Growing(index) }
                }
            };
            inputs.push((input.name.clone(), role));
        }
        if !session.outputs().iter().any(|it| it.name == LOGITS) {
            return Err(format!("its graph has no output `{LOGITS}`"));
        }
        let graph = Self { session, inputs, growing, fixed };
        if graph.takes(Role::InputIds) == graph.takes(Role::InputsEmbeds) {
            return Err("its graph does not want one of `input_ids` and `inputs_embeds`".to_owned());
        }
        let lost = graph.growing.iter().find(|it| it.present.is_none());
        if let Some(past) = lost.and_then(|it| it.past.as_ref()) {
            return Err(format!("its graph does not give `{}` back", past.name));
        }
        Ok(graph)
    }

    /// Whether some input has the role.
    pub(super) fn takes(&self, role: Role) -> bool {
        self.inputs.iter().any(|(_, it)| *it == role)
    }
}

impl CacheEntry {
    /// The dimension that grows with the text: `[batch, heads, length, size]`.
    pub(super) const LENGTH: usize = 2;

    /// The shape before the first token: every size that the graph fixes, `rows`, the sizes of
    /// `symbols` where a run's other inputs set them, and no length.
    pub(super) fn empty(&self, rows: usize, symbols: &[(&str, usize)]) -> Option<Vec<usize>> {
        let dims = &self.past.as_ref()?.dims;
        let size = |(index, dim): (usize, &Dim)| match dim {
            Dim::Fixed(size) => *size,
            _ if index == 0 => rows,
            Dim::Symbol(name) => {
                symbols.iter().find(|(it, _)| it == name).map_or(0, |(_, size)| *size)
            }
            Dim::Unknown => 0,
        };
        Some(dims.iter().enumerate().map(size).collect())
    }
}

/// Whether a cache entry, such as `0.encoder.key`, is of the encoder's output.
fn of_encoder(entry: &str) -> bool {
    entry.split('.').any(|it| it == "encoder")
}
