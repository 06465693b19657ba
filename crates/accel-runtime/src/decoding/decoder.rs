//! A decoder, in whatever files its export has.

use accel_core::{Platform, SessionOptions};

use super::graph::{CacheEntry, DecoderGraph, Role};
use super::{DecoderState, Encoded};
use crate::engine::{Engine, Session};
use crate::tasks::bad_output;
use crate::{Error, ModelDir, Result, Tensor};

/// The graphs that write token by token.
#[derive(Debug)]
pub(crate) struct Decoder {
    /// Runs first, and always where there is no other.
    pub(super) first: DecoderGraph,
    /// Goes on from the cache that `first` gave.
    pub(super) next: Option<DecoderGraph>,
    /// Makes embeddings of ids for a decoder that wants them.
    pub(super) embed: Option<Box<dyn Session>>,
    /// Cache entries that are carried from step to step, by name.
    pub(super) growing: Vec<String>,
    /// Cache entries of the encoder's output, by name.
    pub(super) fixed: Vec<String>,
}

impl Decoder {
    /// Loads the decoder of a folder: `decoder_model_merged`, else `decoder_model` with
    /// `decoder_with_past_model` if that is there, else `model`; with `embed_tokens` where the
    /// decoder wants embeddings. A decoder without a cache sees the whole text in every step.
    ///
    /// # Errors
    /// [`Error::MissingFile`] and [`Error::MissingPrecision`] for files that are not there;
    /// [`Error::UnsupportedModel`] for inputs that nobody here knows, or a cache that is not
    /// given back; what the engine reports.
    pub(crate) fn open(
        engine: &dyn Engine,
        dir: &ModelDir,
        platform: Platform,
        options: &SessionOptions,
    ) -> Result<Self> {
        let load =
            |name: &str| engine.load(&dir.graph(name, options.precision)?, platform, options);
        let unsupported = |reason: String| Error::UnsupportedModel {
            path: dir.path().to_owned(),
            reason,
            remedy: "export it with its cache, for a task such as text-generation-with-past"
                .to_owned(),
        };
        let present = dir.graph_names(options.precision)?;
        let has = |name: &str| present.iter().any(|it| it == name);
        let name = ["decoder_model_merged", "decoder_model"].into_iter().find(|it| has(it));
        let name = name.unwrap_or("model");
        let first = DecoderGraph::new(load(name)?).map_err(unsupported)?;
        let pair = name == "decoder_model" && has("decoder_with_past_model");
        let next = if pair {
            Some(DecoderGraph::new(load("decoder_with_past_model")?).map_err(unsupported)?)
        } else {
            None
        };
        let last = next.as_ref().unwrap_or(&first);
        let embeds = first.takes(Role::InputsEmbeds) || last.takes(Role::InputsEmbeds);
        let embed = if embeds { Some(load("embed_tokens")?) } else { None };
        let taken = |entries: &[CacheEntry]| {
            let taken = entries.iter().filter(|it| it.past.is_some());
            taken.map(|it| it.name.clone()).collect::<Vec<_>>()
        };
        let (growing, fixed) = (taken(&last.growing), taken(&last.fixed));
        for (wanted, given) in [(&growing, &first.growing), (&fixed, &first.fixed)] {
            let gives =
                |name: &&String| given.iter().any(|it| it.name == **name && it.present.is_some());
            if let Some(name) = wanted.iter().find(|it| !gives(it)) {
                return Err(unsupported(format!("its graph does not give `present.{name}`")));
            }
        }
        if next.is_some() && growing.is_empty() {
            return Err(unsupported("its `decoder_with_past_model` takes no cache".to_owned()));
        }
        Ok(Self { first, next, embed, growing, fixed })
    }

    /// Every loaded graph.
    pub(crate) fn sessions(&self) -> impl Iterator<Item = &dyn Session> {
        let graphs = std::iter::once(&self.first).chain(&self.next);
        graphs.map(|it| &*it.session).chain(self.embed.as_deref())
    }

    /// A state of `rows` rows that has seen nothing. A decoder of an encoder-decoder needs
    /// `encoded`, with as many rows.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] when `encoded` is missing or has other rows.
    pub(crate) fn start(&self, rows: usize, encoded: Option<Encoded>) -> Result<DecoderState<'_>> {
        DecoderState::new(self, rows, encoded)
    }

    /// Whether rows of unequal length can be one batch: their padding can be masked, and their
    /// positions told.
    pub(crate) fn pads(&self) -> bool {
        std::iter::once(&self.first)
            .chain(&self.next)
            .all(|it| it.takes(Role::AttentionMask) && it.takes(Role::PositionIds))
    }

    /// Whether the decoder reads embeddings instead of ids.
    pub(crate) const fn reads_embeddings(&self) -> bool {
        self.embed.is_some()
    }

    /// Whether the decoder reads an encoder's output.
    pub(crate) fn reads_encoder(&self) -> bool {
        self.first.takes(Role::EncoderHiddenStates) || !self.fixed.is_empty()
    }

    /// Whether the padding of encoded rows is masked.
    pub(crate) fn masks_encoder(&self) -> bool {
        let mut graphs = std::iter::once(&self.first).chain(&self.next);
        graphs.all(|it| it.takes(Role::EncoderAttentionMask))
    }

    /// Whether later steps read only the fresh tokens.
    pub(super) const fn is_cached(&self) -> bool {
        !self.growing.is_empty()
    }

    /// Whether a long prompt can be read in pieces: the graph takes several tokens after a cache
    /// and is told where they stand, and gives scores that nobody needs.
    pub(super) fn reads_in_pieces(&self) -> bool {
        let takes = |role| self.first.takes(role);
        let one_form = self.next.is_none() && !takes(Role::UseCacheBranch);
        one_form && self.fixed.is_empty() && self.pads() && !takes(Role::LogitsToKeep)
    }

    /// The graph that goes on when `seen` tokens are in the cache.
    pub(super) fn graph(&self, seen: usize) -> &DecoderGraph {
        self.next.as_ref().filter(|_| seen > 0).unwrap_or(&self.first)
    }

    /// The embeddings of `rows × tokens` ids, `[rows, tokens, width]`.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a decoder that reads ids; what the engine reports.
    pub(crate) fn embed(&self, ids: Tensor) -> Result<Tensor> {
        let embed = self.embed.as_deref().ok_or_else(|| Error::InvalidArgument {
            argument: "embeddings",
            given: "ids to embed".to_owned(),
            expected: "ids as they are: this decoder has no `embed_tokens`".to_owned(),
        })?;
        let wanted = ["inputs_embeds", "embeddings"];
        let named = crate::tasks::output_among(embed, &wanted);
        let name = named.or_else(|| embed.outputs().first().map(|it| it.name.as_str()));
        let name = name.ok_or_else(|| bad_output("inputs_embeds", "an output", "none"))?;
        let mut results = embed.run(vec![("input_ids", ids)], &[name])?;
        results.pop().ok_or_else(|| bad_output(name, "a tensor", "nothing"))
    }
}
