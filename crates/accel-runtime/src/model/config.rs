//! The model's own configuration files, as far as pipelines need them.

use std::collections::BTreeMap;

use serde::Deserialize;

/// `config.json`.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Config {
    /// Names of a classifier's classes.
    #[serde(default)]
    pub id2label: Option<BTreeMap<usize, String>>,
    /// What a classifier was trained for: `single_label_classification`,
    /// `multi_label_classification` or `regression`.
    #[serde(default)]
    pub problem_type: Option<String>,
    /// Positions that the model can tell apart.
    #[serde(default)]
    pub max_position_embeddings: Option<usize>,
    /// The tokens that end a text.
    #[serde(default)]
    pub eos_token_id: Option<OneOrMany>,
    /// What an encoder-decoder's decoder starts with.
    #[serde(default)]
    pub decoder_start_token_id: Option<i64>,
}

impl Config {
    /// The name of class `index`, as Hugging Face names it.
    pub fn label(&self, index: usize) -> String {
        match self.id2label.as_ref().and_then(|it| it.get(&index)) {
            Some(label) => label.clone(),
            None => format!("LABEL_{index}"),
        }
    }
}

/// `generation_config.json`.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct GenerationConfig {
    /// The tokens that end a text.
    #[serde(default)]
    pub eos_token_id: Option<OneOrMany>,
    /// What an encoder-decoder's decoder starts with.
    #[serde(default)]
    pub decoder_start_token_id: Option<i64>,
    /// New tokens at most.
    #[serde(default)]
    pub max_new_tokens: Option<usize>,
    /// Whether tokens are drawn at random.
    #[serde(default)]
    pub do_sample: Option<bool>,
    /// Flattens or sharpens the probabilities.
    #[serde(default)]
    pub temperature: Option<f32>,
    /// Only so many of the likeliest tokens.
    #[serde(default)]
    pub top_k: Option<usize>,
    /// Only the likeliest tokens that together have this probability.
    #[serde(default)]
    pub top_p: Option<f32>,
    /// Only tokens that have this share of the likeliest one's probability.
    #[serde(default)]
    pub min_p: Option<f32>,
    /// Makes tokens that the text already has less likely.
    #[serde(default)]
    pub repetition_penalty: Option<f32>,
    /// Texts that are followed side by side.
    #[serde(default)]
    pub num_beams: Option<usize>,
    /// How beams of unequal length are compared.
    #[serde(default)]
    pub length_penalty: Option<f32>,
    /// When beam search ends: true, false or `"never"`.
    #[serde(default)]
    pub early_stopping: Option<serde_json::Value>,
}

impl GenerationConfig {
    /// The tokens that end a text: these, or else those that another file names; none when no file
    /// does.
    pub fn end_tokens(&self, otherwise: Option<&OneOrMany>) -> Vec<i64> {
        self.eos_token_id.as_ref().or(otherwise).map_or_else(Vec::new, |it| it.ids().to_vec())
    }
}

/// A token id, or several.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum OneOrMany {
    /// One.
    One(i64),
    /// Several.
    Many(Vec<i64>),
}

impl OneOrMany {
    /// The ids.
    pub fn ids(&self) -> &[i64] {
        match self {
            Self::One(it) => std::slice::from_ref(it),
            Self::Many(it) => it,
        }
    }
}

/// `tokenizer_config.json`.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct TokenizerConfig {
    /// Tokens that the model takes; astronomically large when nobody set it.
    #[serde(default)]
    pub model_max_length: Option<f64>,
    /// The template of a chat.
    #[serde(default)]
    pub chat_template: Option<ChatTemplates>,
    /// Whether decoding removes the spaces before punctuation.
    #[serde(default)]
    pub clean_up_tokenization_spaces: Option<bool>,
    /// Where short texts of a batch are filled up; right when nobody set it.
    #[serde(default)]
    pub padding_side: Side,
    /// Where long texts are cut; right when nobody set it.
    #[serde(default)]
    pub truncation_side: Side,
    /// The special tokens, by role.
    #[serde(flatten)]
    pub special_tokens: SpecialTokens,
}

/// An end of a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// Its beginning.
    Left,
    /// Its end.
    #[default]
    Right,
}

/// Special tokens by role, as `tokenizer_config.json` and `special_tokens_map.json` name them.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct SpecialTokens {
    /// Begins a text.
    #[serde(default)]
    pub bos_token: Option<Token>,
    /// Ends a text.
    #[serde(default)]
    pub eos_token: Option<Token>,
    /// Stands for what the vocabulary lacks.
    #[serde(default)]
    pub unk_token: Option<Token>,
    /// Separates texts.
    #[serde(default)]
    pub sep_token: Option<Token>,
    /// Pads a batch.
    #[serde(default)]
    pub pad_token: Option<Token>,
    /// Stands for the whole text.
    #[serde(default)]
    pub cls_token: Option<Token>,
    /// Stands for what is to be filled in.
    #[serde(default)]
    pub mask_token: Option<Token>,
}

impl SpecialTokens {
    /// The tokens with the names that chat templates know them by.
    pub fn named(&self) -> impl Iterator<Item = (&'static str, &str)> {
        [
            ("bos_token", &self.bos_token),
            ("eos_token", &self.eos_token),
            ("unk_token", &self.unk_token),
            ("sep_token", &self.sep_token),
            ("pad_token", &self.pad_token),
            ("cls_token", &self.cls_token),
            ("mask_token", &self.mask_token),
        ]
        .into_iter()
        .filter_map(|(name, token)| token.as_ref().map(|it| (name, it.text())))
    }

    /// These, and from `other` those that are missing here.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            bos_token: self.bos_token.or(other.bos_token),
            eos_token: self.eos_token.or(other.eos_token),
            unk_token: self.unk_token.or(other.unk_token),
            sep_token: self.sep_token.or(other.sep_token),
            pad_token: self.pad_token.or(other.pad_token),
            cls_token: self.cls_token.or(other.cls_token),
            mask_token: self.mask_token.or(other.mask_token),
        }
    }
}

/// A special token: its text, or an object that holds it.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Token {
    /// The text.
    Text(String),
    /// An added token with its settings.
    Added {
        /// The text.
        content: String,
    },
}

impl Token {
    /// The token's text.
    pub fn text(&self) -> &str {
        match self {
            Self::Text(text) | Self::Added { content: text } => text,
        }
    }
}

/// One chat template, or several with names.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum ChatTemplates {
    /// The only one.
    One(String),
    /// Several; `default` is used.
    Named(Vec<NamedTemplate>),
}

/// A chat template with a name.
#[derive(Clone, Debug, Deserialize)]
pub struct NamedTemplate {
    /// Its name.
    pub name: String,
    /// Its text.
    pub template: String,
}

impl ChatTemplates {
    /// The only template, or the one called `default`.
    pub fn default_template(&self) -> Option<&str> {
        match self {
            Self::One(text) => Some(text),
            Self::Named(all) => {
                all.iter().find(|it| it.name == "default").map(|it| it.template.as_str())
            }
        }
    }
}
