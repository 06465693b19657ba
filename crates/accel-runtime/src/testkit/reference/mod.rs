//! What Hugging Face computed: `reference.json` and `reference.safetensors` beside a model.
//!
//! Reading is strict. A tensor that is named and not there, of a type no graph takes, or not
//! finite, a field nobody knows, a case recorded twice: each is an [`Error`](crate::Error) of the resolve stage,
//! because a test against half a reference proves half of what it says.

mod detection;
mod dual;
mod file;
mod generation;
mod image;
mod image_text;
mod read;
mod speech;
mod tensors;
mod text;

use std::path::{Path, PathBuf};

use crate::{Result, Tensor};

pub use detection::{Detected, DetectionCase, Sides};
pub use dual::{Media, VectorCase, VectorInputs, ZeroShotCase};
pub use generation::{GeneratedText, GenerationCase, Prompt, SamplingCase};
pub use image::{ImageCase, Label};
pub use image_text::ImageTextCase;
pub use speech::{SpeechCase, SpeechChunk};
pub use text::{EmbeddingCase, Fill, FillCase, TokenizerCase};

/// Name of the file that lists what was recorded.
pub const REFERENCE_JSON: &str = "reference.json";
/// Name of the file that holds the tensors.
pub const REFERENCE_TENSORS: &str = "reference.safetensors";

/// Everything recorded of one model.
#[derive(Clone, Debug)]
pub struct Reference {
    /// The model's folder, to which the cases' file names are relative.
    pub dir: PathBuf,
    /// Raw runs of graphs; at least one.
    pub graphs: Vec<GraphCase>,
    /// Text embeddings.
    pub embeddings: Vec<EmbeddingCase>,
    /// Filled masks.
    pub fills: Vec<FillCase>,
    /// Classified images.
    pub images: Vec<ImageCase>,
    /// Continued texts.
    pub generations: Vec<GenerationCase>,
    /// Answered texts, of models that read a text and write another.
    pub answers: Vec<GenerationCase>,
    /// What new tokens are drawn from.
    pub samplings: Vec<SamplingCase>,
    /// Vectors of texts, images, sounds and videos.
    pub vectors: Vec<VectorCase>,
    /// Labels chosen for images, sounds and videos.
    pub zero_shots: Vec<ZeroShotCase>,
    /// Images and the objects in them.
    pub detections: Vec<DetectionCase>,
    /// Images with prompts, and texts that continue them.
    pub image_texts: Vec<ImageTextCase>,
    /// Transcribed sounds.
    pub speeches: Vec<SpeechCase>,
    /// Texts and their tokens.
    pub tokenizer: Vec<TokenizerCase>,
}

/// One run of one graph.
#[derive(Clone, Debug)]
pub struct GraphCase {
    /// The graph's file stem, such as `model`.
    pub graph: String,
    /// The case's name, such as `padded_batch`.
    pub case: String,
    /// Inputs by name, in the graph's order.
    pub inputs: Vec<(String, Tensor)>,
    /// Outputs by name, in the graph's order.
    pub outputs: Vec<(String, Tensor)>,
}

impl Reference {
    /// Reads what was recorded of the model in `dir`.
    ///
    /// # Errors
    /// When a file is missing or is not what it should be; always of the resolve stage.
    pub fn open(dir: &Path) -> Result<Self> {
        read::open(dir)
    }

    /// The recorded runs of `graph`.
    pub fn graph<'a>(&'a self, graph: &'a str) -> impl Iterator<Item = &'a GraphCase> {
        self.graphs.iter().filter(move |it| it.graph == graph)
    }

    /// The recorded graphs' names, each once, in the order recorded.
    pub fn graph_names(&self) -> Vec<&str> {
        let mut names = Vec::new();
        for case in &self.graphs {
            if !names.contains(&case.graph.as_str()) {
                names.push(&case.graph);
            }
        }
        names
    }
}
