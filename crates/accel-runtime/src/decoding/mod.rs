//! Everything that writes token by token: decoder-only models, encoder-decoders, and decoders
//! that are fed with embeddings.
//!
//! ```text
//! Decoder::open ──start──> DecoderState ──step──> Logits     one run of the graph, with its cache
//!                               ^  │ select                  rows that go on, beams that swap
//! Generation::run ──────────────┘  └── processors, choice, stops ──> Continuation per prompt
//! ```
//!
//! - [`Decoder`] takes whatever export the folder holds: `model`, or `decoder_model_merged` with
//!   or without `use_cache_branch`, or `decoder_model` with `decoder_with_past_model`, each with
//!   `embed_tokens` where it wants embeddings. What a graph takes and gives is read from its
//!   declarations.
//! - [`Encoded`] is what an encoder made of the input, one row a text; the decoder computes the
//!   keys and values of it once.
//! - [`DecoderState`] holds the rows of a batch. [`step`](DecoderState::step) takes the fresh
//!   tokens of every row, as ids or embeddings, and gives the scores after the last one;
//!   prompts of unequal length are padded on the left. [`select`](DecoderState::select) keeps,
//!   drops, repeats and reorders rows. After an error a state is of no more use.
//! - [`processors::LogitsProcessor`] changes scores before a token is chosen. `processors::standard` gives
//!   those of the options in transformers' order; a pipeline's own come after the repetition
//!   penalty and before temperature, as transformers puts them.
//! - [`Generation`] is the loop: it continues a batch of [`Prompt`]s greedily, by sampling or
//!   with beams, until an end token, a stop string, a limit or a cancellation. Every row has its
//!   own random stream, so that a batch gives what its texts give alone.
//! - [`streamed`] turns tokens into pieces of text that are never taken back.

mod beams;
mod choose;
mod columns;
mod decoder;
mod encoded;
mod generate;
mod graph;
mod options;
pub(crate) mod processors;
mod state;
mod stops;
mod stream;

pub use options::{CancelHandle, GenerateOptions, Generated, Step, Stop, Strategy};

pub(crate) use choose::softmax_scores;
pub(crate) use decoder::Decoder;
pub(crate) use encoded::Encoded;
pub(crate) use generate::{Continuation, Generation, Observe, Prompt};
pub(crate) use state::{DecoderState, Fresh, Logits};
pub(crate) use stream::streamed;
