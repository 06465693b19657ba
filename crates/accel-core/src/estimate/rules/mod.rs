//! The number of distinct parameters of each architecture, as transformers 5.23 builds it.
//!
//! A rule takes the config and what is left of the class's name behind the model's own (the
//! head, such as `ForMaskedLM`); `None` says that it knows no such head. Every rule is held
//! against transformers by `tests/estimate`.

mod audio;
mod bert;
mod bert_like;
mod convolutional;
mod decoder;
mod detection;
mod dual;
mod encoder_decoder;
mod gpt;
mod mixture;
mod swin;
mod vision;
mod vision_language;

use super::error::EstimateError;
use super::facts::{Facts, Size};

type Counted = Result<Option<Size>, EstimateError>;
type Rule = fn(&Facts<'_>, &str) -> Counted;

/// Rules of one model type.
pub(super) struct Entry {
    /// `model_type` in a config.
    pub(super) model_type: &'static str,
    /// What the names of its classes begin with; several where they differ.
    pub(super) prefixes: &'static [&'static str],
    /// The count.
    pub(super) rule: Rule,
}

const fn entry(model_type: &'static str, prefixes: &'static [&'static str], rule: Rule) -> Entry {
    Entry { model_type, prefixes, rule }
}

/// Every model type that rules exist for, sorted.
pub(super) static RULES: &[Entry] = &[
    entry("albert", &["Albert"], bert_like::albert),
    entry("audio-spectrogram-transformer", &["AST"], vision::spectrogram),
    entry("bart", &["Bart"], encoder_decoder::bart),
    entry("beit", &["Beit"], vision::beit),
    entry("bert", &["Bert"], bert::bert),
    entry("blenderbot", &["Blenderbot"], encoder_decoder::bart),
    entry("blenderbot-small", &["BlenderbotSmall"], encoder_decoder::bart),
    entry("blip", &["Blip"], vision_language::blip),
    entry("bloom", &["Bloom"], gpt::bloom),
    entry("camembert", &["Camembert"], bert::roberta),
    entry("clap", &["Clap"], audio::clap),
    entry("clip", &["CLIP"], dual::clip),
    entry("clip_text_model", &["CLIPText"], dual::clip_text),
    entry("clip_vision_model", &["CLIPVision"], dual::clip_vision),
    entry("cohere", &["Cohere"], decoder::decoder),
    entry("convnext", &["ConvNext"], convolutional::convnext),
    entry("deberta", &["Deberta"], bert_like::deberta),
    entry("deberta-v2", &["DebertaV2"], bert_like::deberta_v2),
    entry("deepseek_v3", &["DeepseekV3"], mixture::deepseek),
    entry("deit", &["DeiT"], vision::deit),
    entry("detr", &["Detr"], detection::detr),
    entry("dinov2", &["Dinov2"], vision::dinov2),
    entry("distilbert", &["DistilBert"], bert::distilbert),
    entry("electra", &["Electra"], bert_like::electra),
    entry("falcon", &["Falcon"], gpt::falcon),
    entry("gemma", &["Gemma"], decoder::decoder),
    entry("gemma2", &["Gemma2"], decoder::decoder),
    entry("gemma3", &["Gemma3"], vision_language::gemma3),
    entry("gemma3_text", &["Gemma3Text", "Gemma3"], decoder::decoder),
    entry("gpt2", &["GPT2"], gpt::gpt2),
    entry("gpt_neo", &["GPTNeo"], gpt::gpt_neo),
    entry("gpt_neox", &["GPTNeoX"], gpt::gpt_neox),
    entry("gptj", &["GPTJ"], gpt::gptj),
    entry("granite", &["Granite"], decoder::decoder),
    entry("hubert", &["Hubert"], audio::wav2vec2),
    entry("llama", &["Llama"], decoder::decoder),
    entry("llava", &["Llava"], vision_language::llava),
    entry("llava_next", &["LlavaNext"], vision_language::llava),
    entry("m2m_100", &["M2M100"], encoder_decoder::bart),
    entry("marian", &["Marian"], encoder_decoder::bart),
    entry("mbart", &["MBart"], encoder_decoder::bart),
    entry("mistral", &["Mistral"], decoder::decoder),
    entry("mixtral", &["Mixtral"], mixture::mixture),
    entry("mobilenet_v2", &["MobileNetV2"], convolutional::mobilenet_v2),
    entry("modernbert", &["ModernBert"], bert_like::modernbert),
    entry("mpnet", &["MPNet"], bert_like::mpnet),
    entry("mt5", &["MT5"], encoder_decoder::t5),
    entry("olmo", &["Olmo"], decoder::decoder),
    entry("olmo2", &["Olmo2"], decoder::decoder),
    entry("opt", &["OPT"], gpt::opt),
    entry("pegasus", &["Pegasus"], encoder_decoder::bart),
    entry("phi", &["Phi"], decoder::decoder),
    entry("phi3", &["Phi3"], decoder::decoder),
    entry("qwen2", &["Qwen2"], decoder::decoder),
    entry("qwen2_moe", &["Qwen2Moe"], mixture::mixture),
    entry("qwen2_vl", &["Qwen2VL"], vision_language::qwen2_vl),
    entry("qwen3", &["Qwen3"], decoder::decoder),
    entry("qwen3_moe", &["Qwen3Moe"], mixture::mixture),
    entry("resnet", &["ResNet"], convolutional::resnet),
    entry("roberta", &["Roberta"], bert::roberta),
    entry("segformer", &["Segformer"], swin::segformer),
    entry("siglip", &["Siglip"], dual::siglip),
    entry("siglip_text_model", &["SiglipText"], dual::siglip_text),
    entry("siglip_vision_model", &["SiglipVision"], dual::siglip_vision),
    entry("smollm3", &["SmolLM3"], decoder::decoder),
    entry("stablelm", &["StableLm"], decoder::decoder),
    entry("starcoder2", &["Starcoder2"], decoder::decoder),
    entry("swin", &["Swin"], swin::swin),
    entry("t5", &["T5"], encoder_decoder::t5),
    entry("timesformer", &["Timesformer"], vision::timesformer),
    entry("umt5", &["UMT5"], encoder_decoder::t5),
    entry("videomae", &["VideoMAE"], vision::videomae),
    entry("vit", &["ViT"], vision::vit),
    entry("wav2vec2", &["Wav2Vec2"], audio::wav2vec2),
    entry("whisper", &["Whisper"], audio::whisper),
    entry("xclip", &["XCLIP"], dual::xclip),
    entry("xlm-roberta", &["XLMRoberta"], bert::roberta),
    entry("yolos", &["Yolos"], detection::yolos),
];

/// The parameters of a nested model without a head; the error names where it is nested.
fn nested(facts: &Facts<'_>) -> Result<Size, EstimateError> {
    let found = RULES.iter().find(|it| it.model_type == facts.model_type);
    let unknown = || super::parameters::unknown(facts.model_type);
    (found.ok_or_else(unknown)?.rule)(facts, "Model")?.ok_or_else(unknown)
}
