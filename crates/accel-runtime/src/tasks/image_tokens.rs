//! How many tokens of a prompt an image takes, and which they are: what the processors of LLaVA
//! and LLaVA-NeXT do to a prompt. After transformers 5.23, `processing_llava.py` and
//! `processing_llava_next.py`.

use std::path::PathBuf;

use serde::Deserialize;
use serde_json::Value;

use crate::model::{OneOrMany, Token};
use crate::text::TextTokenizer;
use crate::vision::{Grid, ImagePreprocessor, TilePreprocessor};
use crate::{Error, Image, ModelDir, Result, Tensor};

/// Tokens of an image at most: hundreds of times what models have, and nothing that fills the
/// memory, whatever a configuration says.
const MAX_TOKENS: usize = 1 << 20;

/// `processor_config.json`, as far as it is about prompts.
#[derive(Debug, Default, Deserialize)]
struct ProcessorConfig {
    patch_size: Option<usize>,
    num_additional_image_tokens: Option<usize>,
    vision_feature_select_strategy: Option<String>,
    image_token: Option<Token>,
}

/// `config.json`, as far as it is about images and their place in a text.
#[derive(Debug, Deserialize)]
struct ModelConfig {
    model_type: Option<String>,
    // The older name of two; some files have both.
    image_token_index: Option<i64>,
    image_token_id: Option<i64>,
    image_seq_length: Option<usize>,
    #[serde(default)]
    text_config: TextConfig,
    #[serde(default)]
    vision_config: VisionConfig,
}

#[derive(Debug, Default, Deserialize)]
struct TextConfig {
    max_position_embeddings: Option<usize>,
    eos_token_id: Option<OneOrMany>,
}

#[derive(Debug, Default, Deserialize)]
struct VisionConfig {
    patch_size: Option<usize>,
}

/// `tokenizer_config.json`, whose image token goes before the processor's.
#[derive(Debug, Default, Deserialize)]
struct TokenizerConfig {
    image_token: Option<Token>,
    #[serde(default)]
    extra_special_tokens: Value,
}

/// What a model makes of an image before it sees it.
#[derive(Debug)]
enum Preprocessor {
    /// One picture of a fixed size: LLaVA.
    Whole(ImagePreprocessor),
    /// The picture and its tiles: LLaVA-NeXT.
    Tiles(TilePreprocessor),
}

/// An image as a model takes it.
#[derive(Debug)]
pub(super) struct Pixels {
    /// `f32 [tiles, 3, height, width]`.
    pub(super) values: Tensor,
    /// How features of tiles are put together; none for one picture.
    pub(super) grid: Option<Grid>,
    /// Tokens that stand for the image in a prompt.
    pub(super) tokens: usize,
}

/// The model's image preprocessing and its image tokens.
#[derive(Debug)]
pub(super) struct ImageTokens {
    path: PathBuf,
    preprocessor: Preprocessor,
    /// How a prompt spells an image.
    pub(super) text: String,
    /// The token's id.
    pub(super) id: i64,
    /// Edge of a patch in pixels.
    patch_size: Option<usize>,
    /// Tokens besides those of the patches, and patches that get none.
    added: usize,
    dropped: usize,
    /// Tokens of an image where no patch size tells them.
    sequence_length: Option<usize>,
    /// Tokens that the text model can tell apart.
    pub(super) max_positions: Option<usize>,
    /// The tokens that end a text of the text model.
    pub(super) end_tokens: Option<OneOrMany>,
}

impl ImageTokens {
    pub(super) fn open(dir: &ModelDir, tokenizer: &TextTokenizer) -> Result<Self> {
        let config: ModelConfig = dir.required_json("config.json", "the model's configuration")?;
        let processor: Option<ProcessorConfig> = dir.optional_json("processor_config.json")?;
        let of_tokenizer: Option<TokenizerConfig> = dir.optional_json("tokenizer_config.json")?;
        let unsupported = |reason: String| Error::UnsupportedModel {
            path: dir.path().to_owned(),
            reason,
            remedy: "run its graphs with GraphModel".to_owned(),
        };
        let model_type = config.model_type.as_deref();
        let preprocessor = match model_type {
            Some("llava") => Preprocessor::Whole(ImagePreprocessor::open(dir)?),
            Some("llava_next") => Preprocessor::Tiles(TilePreprocessor::open(dir)?),
            other => {
                let kind = other.unwrap_or("none");
                return Err(unsupported(format!(
                    "its model_type is {kind}, and only prompts of llava and llava_next are known"
                )));
            }
        };

        let processor = processor.unwrap_or_default();
        let text = of_tokenizer.unwrap_or_default().image_token();
        let text = text.or_else(|| processor.image_token.as_ref().map(|it| it.text().to_owned()));
        let text = text.filter(|it| !it.is_empty()).unwrap_or_else(|| "<image>".to_owned());
        let expected = config.image_token_id.or(config.image_token_index);
        let id = tokenizer.token_id(&text).filter(|id| expected.is_none_or(|it| it == *id));
        let id = id.ok_or_else(|| {
            unsupported(format!(
                "its image token `{text}` has the id {:?}, and the model takes {expected:?}",
                tokenizer.token_id(&text)
            ))
        })?;

        let mut patch_size = processor.patch_size;
        // Without a processor's file nothing says what is added to the patches, so nothing is.
        let (mut added, mut dropped) = (0, 0);
        if patch_size.is_some() {
            added = processor.num_additional_image_tokens.unwrap_or(0);
            let strategy = processor.vision_feature_select_strategy.as_deref();
            dropped = usize::from(strategy == Some("default"));
        } else if matches!(preprocessor, Preprocessor::Tiles(_)) {
            patch_size = config.vision_config.patch_size;
        }
        let tokens_known = match preprocessor {
            Preprocessor::Whole(_) => patch_size.or(config.image_seq_length),
            Preprocessor::Tiles(_) => patch_size,
        };
        if tokens_known.is_none_or(|it| it == 0) {
            let reason = "nothing says how many tokens an image takes (patch_size of \
                          processor_config.json)";
            return Err(unsupported(reason.to_owned()));
        }
        Ok(Self {
            path: dir.path().to_owned(),
            preprocessor,
            text,
            id,
            patch_size,
            added,
            dropped,
            sequence_length: config.image_seq_length,
            max_positions: config.text_config.max_position_embeddings,
            end_tokens: config.text_config.eos_token_id,
        })
    }

    /// Whether the model takes an image in tiles.
    pub(super) const fn tiles(&self) -> bool {
        matches!(self.preprocessor, Preprocessor::Tiles(_))
    }

    /// The image as the model takes it, and how many tokens stand for it.
    pub(super) fn prepare(&self, image: &Image) -> Result<Pixels> {
        let values = match &self.preprocessor {
            Preprocessor::Whole(it) => it.pixel_values(&[image])?,
            Preprocessor::Tiles(it) => it.pixel_values(image)?,
        };
        let (height, width) = match *values.shape() {
            [_, _, height, width] => (height, width),
            _ => (0, 0),
        };
        let patches = self.patch_size.map(|it| (height / it, width / it));
        let grid = match (&self.preprocessor, patches) {
            (Preprocessor::Tiles(it), Some(patches)) => {
                let (rows, columns) = it.resolution(image);
                let tiles = (rows as usize / height.max(1), columns as usize / width.max(1));
                Some(Grid { tiles, patches })
            }
            _ => None,
        };
        let counted = match (grid, patches) {
            (Some(grid), _) => grid.packed_len((image.height(), image.width())),
            (None, Some((rows, columns))) => rows * columns,
            (None, None) => self.sequence_length.unwrap_or(0),
        };
        let tokens = counted.saturating_add(self.added).saturating_sub(self.dropped);
        if !(1..=MAX_TOKENS).contains(&tokens) {
            return Err(Error::UnsupportedModel {
                path: self.path.clone(),
                reason: format!(
                    "an image would take {tokens} tokens by patch_size and \
                     num_additional_image_tokens of processor_config.json, or image_seq_length of \
                     config.json"
                ),
                remedy: "copy these files again from the model's repository".to_owned(),
            });
        }
        Ok(Pixels { values, grid, tokens })
    }

    /// The tokens of a prompt with one image in it, which takes `tokens` of them.
    pub(super) fn encode(
        &self,
        tokenizer: &TextTokenizer,
        prompt: &str,
        tokens: usize,
        special_tokens: bool,
    ) -> Result<Vec<i64>> {
        let images = prompt.matches(&self.text).count();
        if images != 1 {
            return Err(Error::InvalidArgument {
                argument: "prompt",
                given: format!("`{}` {images} times", self.text),
                expected: format!("`{}` once, where the image belongs", self.text),
            });
        }
        // In the text and not among the tokens: what is around an image is split by it.
        let prompt = prompt.replace(&self.text, &self.text.repeat(tokens));
        let ids = tokenizer.encode(&prompt, special_tokens)?;
        let found = ids.iter().filter(|it| **it == self.id).count();
        if found != tokens {
            return Err(Error::Tokenizer {
                reason: format!("it made {found} tokens of {tokens} times `{}`", self.text),
            });
        }
        Ok(ids)
    }
}

impl TokenizerConfig {
    fn image_token(self) -> Option<String> {
        let extra = self.extra_special_tokens.get("image_token");
        let extra = extra.and_then(|it| it.as_str().or_else(|| it.get("content")?.as_str()));
        self.image_token.map(|it| it.text().to_owned()).or(extra.map(str::to_owned))
    }
}
