//! What encoders of two kinds of input share: texts on one side, images, sounds or videos on the
//! other, and a score for every pair.
//!
//! ```text
//! model        texts and media ──> a vector each, length 1, and a score for every pair
//! text_model   texts           ──> a vector each, as the projection gives it
//! vision_model or audio_model  media ──> likewise
//! ```
//!
//! Those are the Hub's names. Whichever of them a folder has are loaded, and each task uses the
//! graph that computes no more than it needs: `model` alone serves all tasks but vectors of other
//! lengths than 1, the other two together serve embeddings. `model` always wants both inputs; where
//! only one is asked for, the other is a blank, and only the outputs of the one are asked from the
//! engine.

use std::path::PathBuf;

use accel_core::SessionOptions;

use super::labels::{check_labels, fill_in};
use super::{
    LabelScore, bad_output, batch_size, output_among, run_one, scale_to_unit_length, softmax, top_k,
};
use crate::engine::{Placement, Session};
use crate::text::{EncodedBatch, TextTokenizer};
use crate::{Error, ModelDir, ModelSource, Result, SkillSpec, Tensor};

const BOTH: &str = "model";
const TEXT: &str = "text_model";
const TEXT_INPUTS: &[&str] = &["input_ids", "attention_mask"];
const TEXT_EMBEDS: &str = "text_embeds";
/// The shortest text: `model` cannot do without one.
const BLANK: &str = "";

/// How a kind of encoder names its other side.
#[derive(Debug)]
pub(super) struct Side {
    /// The graph of that side alone.
    pub(super) graph: &'static str,
    /// What it may take.
    pub(super) inputs: &'static [&'static str],
    /// The output with its vectors.
    pub(super) embeds: &'static str,
    /// The output of `model` with a row of scores for each of its inputs.
    pub(super) logits: &'static str,
    /// Whether transformers gives vectors of length 1 even where nobody asks for it.
    pub(super) always_unit: bool,
}

/// Media as a graph's inputs.
pub(super) type Inputs = Vec<(&'static str, Tensor)>;

/// The graphs and the tokenizer of a model with two sides.
#[derive(Debug)]
pub(super) struct DualEncoder {
    side: &'static Side,
    /// The graphs that the folder has, by name.
    graphs: Vec<(&'static str, Box<dyn Session>)>,
    placement: Placement,
    tokenizer: TextTokenizer,
    path: PathBuf,
    max_batch: usize,
}

impl DualEncoder {
    pub(super) fn load(
        spec: &SkillSpec,
        source: &ModelSource,
        options: &SessionOptions,
        side: &'static Side,
    ) -> Result<(ModelDir, Self)> {
        let engine = source.engine(spec.platform, options)?;
        let dir = ModelDir::open(source.path())?;
        let present = dir.graph_names(options.precision)?;
        let mut names: Vec<_> = [BOTH, TEXT, side.graph].into();
        names.retain(|name| present.iter().any(|it| it == name));
        if names.is_empty() {
            // Asking for it gives the error that tells what there is instead.
            names.push(BOTH);
        }
        let mut graphs = Vec::with_capacity(names.len());
        for name in names {
            let files = dir.graph(name, options.precision)?;
            let session = engine.load(&files, spec.platform, options)?;
            let known = |it: &str| match name {
                TEXT => TEXT_INPUTS.contains(&it),
                BOTH => TEXT_INPUTS.contains(&it) || side.inputs.contains(&it),
                _ => side.inputs.contains(&it),
            };
            if let Some(stranger) = session.inputs().iter().find(|it| !known(&it.name)) {
                return Err(Error::UnsupportedModel {
                    path: files.path,
                    reason: format!("it wants the input `{}`", stranger.name),
                    remedy: format!(
                        "export a graph of {} and {}",
                        TEXT_INPUTS.join(", "),
                        side.inputs.join(", ")
                    ),
                });
            }
            graphs.push((name, session));
        }
        let placements = graphs.iter().map(|(_, session)| session.placement());
        let placement = Placement::merged(placements)
            .ok_or_else(|| missing(&dir.path().join("onnx"), BOTH, "it"))?;
        let tokenizer = TextTokenizer::open(&dir)?;
        let path = dir.path().to_owned();
        let max_batch = batch_size(options);
        Ok((dir, Self { side, graphs, placement, tokenizer, path, max_batch }))
    }

    pub(super) fn sessions(&self) -> Vec<&dyn Session> {
        self.graphs.iter().map(|(_, session)| &**session).collect()
    }

    pub(super) const fn placement(&self) -> &Placement {
        &self.placement
    }

    pub(super) const fn tokenizer(&self) -> &TextTokenizer {
        &self.tokenizer
    }

    /// A vector for every text; `blank` gives one piece of media, whatever it holds.
    pub(super) fn embed_text(
        &self,
        texts: &[&str],
        normalize: bool,
        blank: impl FnOnce() -> Result<Inputs>,
    ) -> Result<Vec<Vec<f32>>> {
        let (session, alone) = self.embedder(TEXT, TEXT_EMBEDS, normalize)?;
        let blank = if alone || texts.is_empty() { Vec::new() } else { blank()? };
        let mut vectors = Vec::with_capacity(texts.len());
        for texts in texts.chunks(self.max_batch) {
            let inputs = inputs(session, Some(self.tokenizer.encode_batch(texts)?), &blank);
            self.append(session, inputs, TEXT_EMBEDS, texts.len(), normalize, &mut vectors)?;
        }
        Ok(vectors)
    }

    /// A vector for each of `media`, which `prepare` turns into a graph's inputs.
    pub(super) fn embed_media<T>(
        &self,
        media: &[&T],
        normalize: bool,
        prepare: impl Fn(&[&T]) -> Result<Inputs>,
    ) -> Result<Vec<Vec<f32>>> {
        let embeds = self.side.embeds;
        let (session, alone) = self.embedder(self.side.graph, embeds, normalize)?;
        let text = if alone { None } else { Some(self.tokenizer.encode_batch(&[BLANK])?) };
        let mut vectors = Vec::with_capacity(media.len());
        for media in media.chunks(self.max_batch) {
            let inputs = inputs(session, text.clone(), &prepare(media)?);
            self.append(session, inputs, embeds, media.len(), normalize, &mut vectors)?;
        }
        Ok(vectors)
    }

    /// For each of `media` the labels with their probabilities, the likeliest first, equal ones
    /// in the order given. The labels share a total of 1.
    pub(super) fn zero_shot<T>(
        &self,
        media: &[&T],
        labels: &[&str],
        template: &str,
        prepare: impl Fn(&[&T]) -> Result<Inputs>,
    ) -> Result<Vec<Vec<LabelScore>>> {
        check_labels(labels)?;
        let texts: Vec<_> = labels.iter().map(|it| fill_in(template, it)).collect::<Result<_>>()?;
        let texts: Vec<_> = texts.iter().map(String::as_str).collect();
        let session = self
            .graph(BOTH)
            .ok_or_else(|| missing(&self.path, BOTH, "classification by labels"))?;
        let logits = output(session, self.side.logits)?;
        let mut results = Vec::with_capacity(media.len());
        for media in media.chunks(self.max_batch) {
            let prepared = prepare(media)?;
            let mut scores = vec![Vec::with_capacity(labels.len()); media.len()];
            for texts in texts.chunks(self.max_batch) {
                let text = self.tokenizer.encode_batch(texts)?;
                let inputs = inputs(session, Some(text), &prepared);
                let (shape, found) = run_one(session, inputs, logits)?;
                check_shape(logits, shape, [media.len(), texts.len()])?;
                for (scores, found) in scores.iter_mut().zip(found.chunks_exact(texts.len())) {
                    scores.extend_from_slice(found);
                }
            }
            results.extend(scores.into_iter().map(|scores| ranked(labels, scores)));
        }
        Ok(results)
    }

    /// The graph that gives the vectors `embeds`, and whether it is the one of that side alone.
    fn embedder(
        &self,
        alone: &'static str,
        embeds: &'static str,
        normalize: bool,
    ) -> Result<(&dyn Session, bool)> {
        if let Some(session) = self.graph(alone) {
            output(session, embeds)?;
            return Ok((session, true));
        }
        let missing = |what: &str| missing(&self.path, alone, what);
        let session = self.graph(BOTH).ok_or_else(|| missing(&format!("`{embeds}`")))?;
        output(session, embeds)?;
        // X-CLIP's third dimension is the video by which a text's vector has been changed.
        let rank = session.outputs().iter().find(|it| it.name == embeds).map(|it| it.dims.len());
        if rank != Some(2) {
            let what = format!("`{embeds}` that depend on nothing else, which `{BOTH}` has not,");
            return Err(missing(&what));
        }
        if !normalize && !self.side.always_unit {
            return Err(Error::InvalidArgument {
                argument: "normalize",
                given: "false".to_owned(),
                expected: format!(
                    "true, since the graph `{BOTH}` gives vectors of length 1 only; add the graph \
                     `{alone}`, which gives them as they are"
                ),
            });
        }
        Ok((session, false))
    }

    /// Runs the graph and appends its vectors, `rows` of them.
    fn append(
        &self,
        session: &dyn Session,
        inputs: Vec<(&str, Tensor)>,
        embeds: &str,
        rows: usize,
        normalize: bool,
        vectors: &mut Vec<Vec<f32>>,
    ) -> Result<()> {
        let ([found, width], embedded) = run_one(session, inputs, embeds)?;
        check_shape(embeds, [found, width], [rows, width.max(1)])?;
        for vector in embedded.chunks_exact(width) {
            let mut vector = vector.to_vec();
            if normalize || self.side.always_unit {
                scale_to_unit_length(&mut vector);
            }
            vectors.push(vector);
        }
        Ok(())
    }

    fn graph(&self, name: &str) -> Option<&dyn Session> {
        self.graphs.iter().find(|(it, _)| *it == name).map(|(_, session)| &**session)
    }
}

/// Those of the inputs that the graph takes.
fn inputs<'a>(
    session: &dyn Session,
    text: Option<EncodedBatch>,
    media: &Inputs,
) -> Vec<(&'a str, Tensor)> {
    let mut inputs = Vec::new();
    if let Some(EncodedBatch { input_ids, attention_mask, .. }) = text {
        inputs.extend([("input_ids", input_ids), ("attention_mask", attention_mask)]);
    }
    inputs.extend(media.iter().cloned());
    inputs.retain(|(name, _)| session.inputs().iter().any(|it| it.name == *name));
    inputs
}

fn output(session: &dyn Session, name: &'static str) -> Result<&'static str> {
    output_among(session, &[name]).ok_or_else(|| {
        let known = session.outputs().iter().map(|it| it.name.clone()).collect();
        Error::UnknownOutput { output: name.to_owned(), known }
    })
}

fn missing(dir: &std::path::Path, graph: &str, what: &str) -> Error {
    Error::MissingFile {
        path: dir.join("onnx").join(format!("{graph}.onnx")),
        what: format!("the graph `{graph}`, which {what} needs,"),
        remedy: "copy it from the model's repository or export it, in the precision asked for"
            .to_owned(),
    }
}

fn check_shape(output: &str, shape: [usize; 2], expected: [usize; 2]) -> Result<()> {
    if shape == expected {
        return Ok(());
    }
    Err(bad_output(output, &format!("{expected:?}"), &format!("{shape:?}")))
}

fn ranked(labels: &[&str], mut scores: Vec<f32>) -> Vec<LabelScore> {
    softmax(&mut scores);
    top_k(&scores, labels.len())
        .into_iter()
        .map(|index| LabelScore { label: labels[index].to_owned(), score: scores[index] })
        .collect()
}
