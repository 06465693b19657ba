"""Which model types `parameter_counts.py` counts, with which architectures and dimensions."""

from __future__ import annotations

import random

# Types of nested configurations, with their classes where transformers maps none.
SUB_CONFIGS: dict[str, str | None] = {
    "llava_vision_config": None,
    "clip_text_model": None,
    "clip_vision_model": None,
    "siglip_text_model": None,
    "siglip_vision_model": None,
    "blip_text_model": "BlipTextConfig",
    "blip_vision_model": "BlipVisionConfig",
    "xclip_text_model": "XCLIPTextConfig",
    "xclip_vision_model": "XCLIPVisionConfig",
    "clap_text_model": "ClapTextConfig",
    "clap_audio_model": "ClapAudioConfig",
    "qwen2_vl_text": None,
    "qwen2_vl_vision": None,
}


class Times:
    """A multiple of another key's value."""

    def __init__(self, key: str, factors: list[int]):
        self.key, self.factors = key, factors


def one(*values):
    return list(values)


def many(length: int, *values):
    """A list of that length."""
    return ("list", length, values)


def vary(rng: random.Random, dimensions: dict) -> dict:
    """Draws a value for each key; about one in eight is left out, so that a default is taken."""
    drawn = {}
    for key, choices in dimensions.items():
        if isinstance(choices, Times):
            if choices.key in drawn:
                drawn[key] = drawn[choices.key] * rng.choice(choices.factors)
        elif isinstance(choices, dict):
            drawn[key] = vary(rng, choices)
        elif isinstance(choices, tuple):
            drawn[key] = [rng.choice(choices[2]) for _ in range(choices[1])]
        elif isinstance(choices, str):
            drawn[key] = choices
        elif key.startswith("?"):
            if rng.random() < 0.6:
                drawn[key[1:]] = rng.choice(choices)
        else:
            drawn[key] = rng.choice(choices)
    return drawn


HIDDEN = one(48, 96, 144, 240)
LAYERS = one(1, 2, 3, 5)
HEADS = one(2, 4, 6, 12)
INNER = one(56, 130, 200, 333)
VOCABULARY = one(101, 320, 777, 1000)
POSITIONS = one(40, 64, 130)
BOTH = one(True, False)
LABELS = one({"0": "a", "1": "b", "2": "c"}, {str(it): str(it) for it in range(11)})

ENCODER = {
    "hidden_size": HIDDEN,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": HEADS,
    "intermediate_size": INNER,
    "vocab_size": VOCABULARY,
    "?max_position_embeddings": POSITIONS,
    "?type_vocab_size": one(1, 2, 3),
    "?id2label": LABELS,
    "?tie_word_embeddings": BOTH,
}
DECODER = {
    "hidden_size": HIDDEN,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": one(4, 8, 12),
    "?num_key_value_heads": one(1, 2, 4),
    "?head_dim": one(8, 12, 32),
    "intermediate_size": INNER,
    "vocab_size": VOCABULARY,
    "?tie_word_embeddings": BOTH,
    "?id2label": LABELS,
}
BIASED = {**DECODER, "?attention_bias": BOTH, "?mlp_bias": BOTH}
TOKENS = {"pad_token_id": one(0), "bos_token_id": one(1), "eos_token_id": one(2)}
SEQ2SEQ = {
    "d_model": HIDDEN,
    "encoder_layers": LAYERS,
    "decoder_layers": LAYERS,
    "encoder_attention_heads": HEADS,
    "decoder_attention_heads": HEADS,
    "encoder_ffn_dim": INNER,
    "decoder_ffn_dim": INNER,
    "vocab_size": VOCABULARY,
    "max_position_embeddings": POSITIONS,
    "?id2label": LABELS,
    "?tie_word_embeddings": BOTH,
    **TOKENS,
    "decoder_start_token_id": one(2),
}
T5 = {
    "d_model": HIDDEN,
    "d_kv": one(8, 16, 20),
    "d_ff": INNER,
    "num_layers": LAYERS,
    "?num_decoder_layers": LAYERS,
    "num_heads": HEADS,
    "vocab_size": VOCABULARY,
    "?relative_attention_num_buckets": one(8, 16),
    "?feed_forward_proj": one("relu", "gated-gelu"),
    "?tie_word_embeddings": BOTH,
    "?id2label": LABELS,
}
VIT = {
    "hidden_size": HIDDEN,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": HEADS,
    "intermediate_size": INNER,
    "image_size": one(32, 48, 64),
    "patch_size": one(8, 16),
    "?num_channels": one(1, 3),
    "?qkv_bias": BOTH,
    "?id2label": LABELS,
}
SPEECH = {
    "hidden_size": one(48, 96, 144),
    "num_hidden_layers": LAYERS,
    "num_attention_heads": HEADS,
    "intermediate_size": INNER,
    "vocab_size": VOCABULARY,
    "conv_dim": many(3, 16, 32, 40),
    "conv_kernel": many(3, 3, 5, 10),
    "conv_stride": many(3, 2, 3),
    "?num_feat_extract_layers": one(3),
    "?conv_bias": BOTH,
    "?feat_extract_norm": one("group", "layer"),
    "?do_stable_layer_norm": BOTH,
    "num_conv_pos_embeddings": one(8, 16),
    "num_conv_pos_embedding_groups": one(2, 4),
    "?classifier_proj_size": one(20, 256),
    "?use_weighted_layer_sum": BOTH,
    "?id2label": LABELS,
}
CLIP_TEXT = {
    "hidden_size": one(48, 96),
    "num_hidden_layers": LAYERS,
    "num_attention_heads": HEADS,
    "intermediate_size": INNER,
    "vocab_size": VOCABULARY,
    "?max_position_embeddings": POSITIONS,
}
CLIP_VISION = {
    "hidden_size": one(48, 96),
    "num_hidden_layers": LAYERS,
    "num_attention_heads": HEADS,
    "intermediate_size": INNER,
    "image_size": one(32, 48, 64),
    "?patch_size": one(8, 16),
}
LLAVA = {
    "text_config": {
        "model_type": "llama",
        **{key: it for key, it in DECODER.items() if "tie" not in key},
    },
    "vision_config": {"model_type": "clip_vision_model", **CLIP_VISION},
    "?multimodal_projector_bias": BOTH,
    "?tie_word_embeddings": BOTH,
}
MOE = {
    **BIASED,
    "moe_intermediate_size": INNER,
    "num_experts": one(4, 6),
    "num_experts_per_tok": one(2),
    "?decoder_sparse_step": one(1, 2),
    "?mlp_only_layers": one([], [0]),
}


def heads(prefix: str, *names: str) -> list[str]:
    return [f"{prefix}{it}" for it in names]


ENCODER_HEADS = (
    "ForMaskedLM",
    "Model",
    "ForSequenceClassification",
    "ForTokenClassification",
    "ForQuestionAnswering",
    "ForMultipleChoice",
)
DECODER_HEADS = ("ForCausalLM", "Model", "ForSequenceClassification", "ForTokenClassification")

# Architectures, and what random dimensions are drawn from.
SPECS: dict[str, tuple[list[str], dict]] = {
    "bert": (
        heads("Bert", *ENCODER_HEADS, "LMHeadModel", "ForPreTraining", "ForNextSentencePrediction"),
        ENCODER,
    ),
    "roberta": (heads("Roberta", *ENCODER_HEADS, "ForCausalLM"), ENCODER),
    "xlm-roberta": (heads("XLMRoberta", *ENCODER_HEADS, "ForCausalLM"), ENCODER),
    "camembert": (heads("Camembert", *ENCODER_HEADS), ENCODER),
    "distilbert": (
        heads("DistilBert", *ENCODER_HEADS),
        {
            "dim": HIDDEN,
            "n_layers": LAYERS,
            "n_heads": HEADS,
            "hidden_dim": INNER,
            "vocab_size": VOCABULARY,
            "?max_position_embeddings": POSITIONS,
            "?id2label": LABELS,
            "?tie_word_embeddings": BOTH,
        },
    ),
    "albert": (
        heads("Albert", *ENCODER_HEADS, "ForPreTraining"),
        {**ENCODER, "?embedding_size": one(16, 40), "?num_hidden_groups": one(1, 2), "?inner_group_num": one(1, 2)},
    ),
    "electra": (
        heads("Electra", *ENCODER_HEADS, "ForPreTraining"),
        {**ENCODER, "?embedding_size": one(16, 48)},
    ),
    "deberta": (
        heads("Deberta", *ENCODER_HEADS[:5]),
        {
            **ENCODER,
            "?type_vocab_size": one(0, 2),
            "?relative_attention": BOTH,
            "?pos_att_type": one(["c2p"], ["c2p", "p2c"]),
            "?max_relative_positions": one(20),
            "?position_biased_input": BOTH,
            "legacy": one(True),
        },
    ),
    "deberta-v2": (
        heads("DebertaV2", *ENCODER_HEADS),
        {
            **ENCODER,
            "?type_vocab_size": one(0, 2),
            "?relative_attention": BOTH,
            "?pos_att_type": one(["c2p"], ["c2p", "p2c"]),
            "?position_buckets": one(16, 32),
            "?share_att_key": BOTH,
            "?norm_rel_ebd": one("layer_norm", "none"),
            "?conv_kernel_size": one(0, 3),
            "?position_biased_input": BOTH,
        },
    ),
    "mpnet": (heads("MPNet", *ENCODER_HEADS), {key: it for key, it in ENCODER.items() if "type" not in key}),
    "modernbert": (
        heads("ModernBert", *ENCODER_HEADS),
        {
            **{key: it for key, it in ENCODER.items() if "type" not in key},
            "?attention_bias": BOTH,
            "?mlp_bias": BOTH,
            "?norm_bias": BOTH,
            "?decoder_bias": BOTH,
            "?classifier_bias": BOTH,
            **TOKENS,
            "cls_token_id": one(1),
            "sep_token_id": one(2),
        },
    ),
    "gpt2": (
        heads("GPT2", "LMHeadModel", "Model", "DoubleHeadsModel", "ForSequenceClassification", "ForTokenClassification"),
        {
            "n_embd": HIDDEN,
            "n_layer": LAYERS,
            "n_head": HEADS,
            "?n_inner": INNER,
            "?n_positions": POSITIONS,
            "vocab_size": VOCABULARY,
            "?tie_word_embeddings": BOTH,
            "?id2label": LABELS,
        },
    ),
    "gpt_neo": (
        heads("GPTNeo", "ForCausalLM", "Model", "ForSequenceClassification"),
        {
            "hidden_size": HIDDEN,
            "num_layers": one(2),
            "attention_types": one([[["global", "local"], 1]]),
            "num_heads": HEADS,
            "?intermediate_size": INNER,
            "?max_position_embeddings": POSITIONS,
            "vocab_size": VOCABULARY,
        },
    ),
    "gpt_neox": (
        heads("GPTNeoX", "ForCausalLM", "Model", "ForSequenceClassification", "ForTokenClassification"),
        {**{k: v for k, v in DECODER.items() if "head_dim" not in k and "key_value" not in k}, "?attention_bias": BOTH},
    ),
    "gptj": (
        heads("GPTJ", "ForCausalLM", "Model", "ForSequenceClassification"),
        {"n_embd": HIDDEN, "n_layer": LAYERS, "n_head": one(2, 4), "?n_inner": INNER, "rotary_dim": one(4), "vocab_size": VOCABULARY},
    ),
    "opt": (
        heads("OPT", "ForCausalLM", "Model", "ForSequenceClassification", "ForQuestionAnswering"),
        {
            "hidden_size": HIDDEN,
            "num_hidden_layers": LAYERS,
            "num_attention_heads": HEADS,
            "ffn_dim": INNER,
            "?max_position_embeddings": POSITIONS,
            "vocab_size": VOCABULARY,
            "?word_embed_proj_dim": one(24, 48),
            "?do_layer_norm_before": BOTH,
            "?enable_bias": BOTH,
            "?layer_norm_elementwise_affine": BOTH,
        },
    ),
    "bloom": (
        heads("Bloom", *DECODER_HEADS),
        {"hidden_size": HIDDEN, "n_layer": LAYERS, "n_head": HEADS, "vocab_size": VOCABULARY},
    ),
    "llama": (heads("Llama", *DECODER_HEADS, "ForQuestionAnswering"), BIASED),
    "mistral": (heads("Mistral", *DECODER_HEADS), DECODER),
    "mixtral": (heads("Mixtral", *DECODER_HEADS), {**DECODER, "?num_local_experts": one(2, 5)}),
    "qwen2": (heads("Qwen2", *DECODER_HEADS), {k: v for k, v in DECODER.items() if "head_dim" not in k}),
    "qwen3": (heads("Qwen3", *DECODER_HEADS), {**DECODER, "?attention_bias": BOTH}),
    "qwen2_moe": (
        heads("Qwen2Moe", *DECODER_HEADS),
        {**{k: v for k, v in MOE.items() if "head_dim" not in k}, "?shared_expert_intermediate_size": INNER, "?qkv_bias": BOTH},
    ),
    "qwen3_moe": (heads("Qwen3Moe", *DECODER_HEADS), MOE),
    "gemma": (heads("Gemma", *DECODER_HEADS), {**DECODER, "?attention_bias": BOTH}),
    "gemma2": (heads("Gemma2", *DECODER_HEADS), {**DECODER, "?attention_bias": BOTH}),
    "gemma3_text": (
        ["Gemma3ForCausalLM", "Gemma3TextModel", "Gemma3TextForSequenceClassification"],
        {**DECODER, "?attention_bias": BOTH},
    ),
    "phi": (heads("Phi", *DECODER_HEADS), {**{k: v for k, v in DECODER.items() if "head_dim" not in k}, "?qk_layernorm": BOTH}),
    "phi3": (heads("Phi3", *DECODER_HEADS), {k: v for k, v in {**DECODER, **TOKENS}.items() if "head_dim" not in k}),
    "falcon": (
        heads("Falcon", *DECODER_HEADS, "ForQuestionAnswering"),
        {
            "hidden_size": HIDDEN,
            "num_hidden_layers": LAYERS,
            "num_attention_heads": HEADS,
            "?num_kv_heads": one(1, 2),
            "?new_decoder_architecture": BOTH,
            "?multi_query": BOTH,
            "?parallel_attn": BOTH,
            "?bias": BOTH,
            "?ffn_hidden_size": INNER,
            "?num_ln_in_parallel_attn": one(1, 2),
            "vocab_size": VOCABULARY,
        },
    ),
    "olmo": (heads("Olmo", "ForCausalLM", "Model"), {k: v for k, v in {**DECODER, "?attention_bias": BOTH}.items() if "head_dim" not in k}),
    "olmo2": (heads("Olmo2", "ForCausalLM", "Model"), {k: v for k, v in {**DECODER, "?attention_bias": BOTH}.items() if "head_dim" not in k}),
    "stablelm": (
        heads("StableLm", *DECODER_HEADS),
        {**{k: v for k, v in DECODER.items() if "head_dim" not in k}, "?use_qkv_bias": BOTH, "?qk_layernorm": BOTH, "?use_parallel_residual": BOTH},
    ),
    "starcoder2": (heads("Starcoder2", *DECODER_HEADS), {**{k: v for k, v in DECODER.items() if "head_dim" not in k}, "?use_bias": BOTH}),
    "cohere": (heads("Cohere", "ForCausalLM", "Model"), {**{k: v for k, v in DECODER.items() if "head_dim" not in k}, "?use_qk_norm": BOTH, "?attention_bias": BOTH}),
    "granite": (heads("Granite", "ForCausalLM", "Model"), {k: v for k, v in BIASED.items() if "head_dim" not in k}),
    "smollm3": (heads("SmolLM3", *DECODER_HEADS), {k: v for k, v in {**BIASED, **TOKENS}.items() if "head_dim" not in k}),
    "deepseek_v3": (
        heads("DeepseekV3", *DECODER_HEADS),
        {
            **{k: v for k, v in DECODER.items() if "head_dim" not in k and "key_value" not in k},
            "?attention_bias": BOTH,
            "moe_intermediate_size": INNER,
            "n_routed_experts": one(4, 8),
            "n_group": one(2),
            "topk_group": one(1),
            "num_experts_per_tok": one(2),
            "?n_shared_experts": one(1, 2),
            "?first_k_dense_replace": one(0, 1, 2),
            "q_lora_rank": one(None, 24, 40),
            "?kv_lora_rank": one(16, 32),
            "?qk_rope_head_dim": one(8, 16),
            "?qk_nope_head_dim": one(12, 32),
            "?v_head_dim": one(12, 20),
        },
    ),
    "t5": (heads("T5", "ForConditionalGeneration", "Model", "EncoderModel", "ForSequenceClassification", "ForTokenClassification", "ForQuestionAnswering"), T5),
    "mt5": (heads("MT5", "ForConditionalGeneration", "Model", "EncoderModel", "ForSequenceClassification"), T5),
    "umt5": (heads("UMT5", "ForConditionalGeneration", "Model", "EncoderModel"), T5),
    "bart": (heads("Bart", "ForConditionalGeneration", "Model", "ForSequenceClassification", "ForQuestionAnswering", "ForCausalLM"), SEQ2SEQ),
    "mbart": (heads("MBart", "ForConditionalGeneration", "Model", "ForSequenceClassification", "ForQuestionAnswering", "ForCausalLM"), SEQ2SEQ),
    "marian": (["MarianMTModel", "MarianModel"], {**SEQ2SEQ, "?decoder_vocab_size": VOCABULARY, "?share_encoder_decoder_embeddings": BOTH}),
    "pegasus": (heads("Pegasus", "ForConditionalGeneration", "Model"), SEQ2SEQ),
    "m2m_100": (heads("M2M100", "ForConditionalGeneration", "Model"), SEQ2SEQ),
    "blenderbot": (heads("Blenderbot", "ForConditionalGeneration", "Model"), SEQ2SEQ),
    "blenderbot-small": (heads("BlenderbotSmall", "ForConditionalGeneration", "Model"), SEQ2SEQ),
    "vit": (heads("ViT", "ForImageClassification", "Model"), VIT),
    "deit": (heads("DeiT", "ForImageClassification", "Model", "ForImageClassificationWithTeacher"), VIT),
    "beit": (
        heads("Beit", "ForImageClassification", "Model"),
        {
            **{k: v for k, v in VIT.items() if "qkv" not in k},
            "?use_absolute_position_embeddings": BOTH,
            "?use_relative_position_bias": BOTH,
            "?use_shared_relative_position_bias": BOTH,
            "?use_mask_token": BOTH,
            "?use_mean_pooling": BOTH,
            "?layer_scale_init_value": one(0.0, 0.1),
        },
    ),
    "dinov2": (
        heads("Dinov2", "ForImageClassification", "Model"),
        {**{k: v for k, v in VIT.items() if "inter" not in k}, "?mlp_ratio": one(2, 3), "?use_swiglu_ffn": BOTH, "?use_mask_token": BOTH},
    ),
    "yolos": (
        heads("Yolos", "ForObjectDetection", "Model"),
        {**VIT, "image_size": one([32, 48], [64, 64]), "?num_detection_tokens": one(5, 10), "?use_mid_position_embeddings": BOTH},
    ),
    "swin": (
        heads("Swin", "ForImageClassification", "Model"),
        {
            "image_size": one(64, 128),
            "patch_size": one(2, 4),
            "embed_dim": one(12, 24),
            "depths": many(3, 1, 2, 3),
            "num_heads": one([1, 2, 4], [3, 6, 12]),
            "window_size": one(4, 7),
            "?mlp_ratio": one(2.0, 3.0),
            "?qkv_bias": BOTH,
            "?use_absolute_embeddings": BOTH,
            "?id2label": LABELS,
        },
    ),
    "convnext": (
        heads("ConvNext", "ForImageClassification", "Model"),
        {"hidden_sizes": many(4, 8, 20, 24), "depths": many(4, 1, 2, 3), "?patch_size": one(2, 4), "?layer_scale_init_value": one(0.0, 0.1), "?num_channels": one(1, 3), "?id2label": LABELS},
    ),
    "resnet": (
        heads("ResNet", "ForImageClassification", "Model"),
        {"embedding_size": one(16, 24), "hidden_sizes": many(4, 16, 32, 64), "depths": many(4, 1, 2, 3), "?layer_type": one("basic", "bottleneck"), "?downsample_in_first_stage": BOTH, "?num_channels": one(1, 3), "?id2label": LABELS},
    ),
    "mobilenet_v2": (
        heads("MobileNetV2", "ForImageClassification", "Model"),
        {"?depth_multiplier": one(0.35, 0.5, 1.4), "?depth_divisible_by": one(8, 4), "?expand_ratio": one(4.0, 3.0), "?finegrained_output": BOTH, "?first_layer_is_expansion": BOTH, "?min_depth": one(8, 12), "?id2label": LABELS},
    ),
    "segformer": (
        heads("Segformer", "ForSemanticSegmentation", "Model", "ForImageClassification"),
        {
            "hidden_sizes": one([16, 32, 48, 64], [8, 16, 40, 80]),
            "depths": many(4, 1, 2, 3),
            "num_attention_heads": one([1, 2, 4, 8]),
            "?sr_ratios": one([8, 4, 2, 1], [4, 2, 1, 1]),
            "?mlp_ratios": one([2, 2, 4, 4]),
            "?patch_sizes": one([3, 3, 3, 3]),
            "?decoder_hidden_size": one(20, 64),
            "?id2label": LABELS,
        },
    ),
    "detr": (
        ["DetrForObjectDetection", "DetrModel"],
        {
            "d_model": one(32, 64, 128),
            "encoder_layers": LAYERS,
            "decoder_layers": LAYERS,
            "encoder_attention_heads": one(2, 4),
            "decoder_attention_heads": one(2, 4),
            "encoder_ffn_dim": INNER,
            "decoder_ffn_dim": INNER,
            "num_queries": one(5, 20),
            "?position_embedding_type": one("sine", "learned"),
            "?id2label": LABELS,
            "use_timm_backbone": one(False),
            "backbone_config": {"model_type": "resnet", "embedding_size": one(16, 24), "hidden_sizes": many(4, 16, 32, 64), "depths": many(4, 1, 2), "layer_type": one("basic", "bottleneck"), "out_features": one(["stage1", "stage2", "stage3", "stage4"])},
        },
    ),
    "clip": (
        heads("CLIP", "Model", "ForImageClassification"),
        {"text_config": CLIP_TEXT, "vision_config": CLIP_VISION, "?projection_dim": one(24, 64)},
    ),
    "clip_text_model": (["CLIPTextModel", "CLIPTextModelWithProjection"], {**CLIP_TEXT, "?projection_dim": one(24)}),
    "clip_vision_model": (["CLIPVisionModel", "CLIPVisionModelWithProjection"], {**CLIP_VISION, "?projection_dim": one(24)}),
    "siglip_text_model": (["SiglipTextModel"], {**CLIP_TEXT, "?projection_size": one(24)}),
    "siglip_vision_model": (["SiglipVisionModel"], {**CLIP_VISION, "?vision_use_head": BOTH}),
    "siglip": (
        heads("Siglip", "Model", "ForImageClassification"),
        {"text_config": {**CLIP_TEXT, "hidden_size": one(48)}, "vision_config": {**CLIP_VISION, "hidden_size": one(48), "?vision_use_head": BOTH}},
    ),
    "blip": (
        heads("Blip", "ForConditionalGeneration", "ForQuestionAnswering", "ForImageTextRetrieval", "Model"),
        {"text_config": {**CLIP_TEXT, "encoder_hidden_size": one(48), **TOKENS, "sep_token_id": one(3)}, "vision_config": {**CLIP_VISION, "hidden_size": one(48)}, "?projection_dim": one(24, 64), "?image_text_hidden_size": one(32)},
    ),
    "xclip": (
        heads("XCLIP", "Model"),
        {
            "text_config": {**CLIP_TEXT, "hidden_size": one(48)},
            "vision_config": {**CLIP_VISION, "?num_frames": one(4), "mit_hidden_size": one(48), "mit_intermediate_size": INNER, "mit_num_hidden_layers": LAYERS, "mit_num_attention_heads": HEADS},
            "projection_dim": one(48),
            "?prompt_layers": one(1, 3),
            "?prompt_num_attention_heads": one(4),
        },
    ),
    "clap": (
        heads("Clap", "Model"),
        {
            "text_config": {**CLIP_TEXT, **TOKENS, "?type_vocab_size": one(1, 2), "projection_dim": one(40)},
            "audio_config": {
                "patch_embeds_hidden_size": one(16, 32),
                "depths": many(4, 1, 2),
                "num_attention_heads": one([1, 2, 4, 8]),
                "?enable_fusion": BOTH,
                "?fusion_type": one("channel_map", None),
                "?mlp_ratio": one(2.0),
                "?qkv_bias": BOTH,
                "?enable_patch_layer_norm": BOTH,
                "?window_size": one(4, 8),
                "hidden_size": one(128, 256),
                "projection_dim": one(40),
            },
            "projection_dim": one(40),
        },
    ),
    "whisper": (
        heads("Whisper", "ForConditionalGeneration", "Model", "ForCausalLM", "ForAudioClassification"),
        {
            "d_model": HIDDEN,
            "encoder_layers": LAYERS,
            "decoder_layers": LAYERS,
            "encoder_attention_heads": HEADS,
            "decoder_attention_heads": HEADS,
            "encoder_ffn_dim": INNER,
            "decoder_ffn_dim": INNER,
            "vocab_size": VOCABULARY,
            "?num_mel_bins": one(80, 128),
            "?max_source_positions": one(100, 300),
            "?max_target_positions": one(50, 99),
            "?use_weighted_layer_sum": BOTH,
            "?classifier_proj_size": one(32),
            "?id2label": LABELS,
            **TOKENS,
        },
    ),
    "wav2vec2": (
        heads("Wav2Vec2", "ForCTC", "Model", "ForSequenceClassification", "ForAudioFrameClassification", "ForPreTraining"),
        {**SPEECH, "?add_adapter": BOTH, "?num_adapter_layers": one(1, 2), "?output_hidden_size": one(48), "?adapter_attn_dim": one(8)},
    ),
    "hubert": (heads("Hubert", "ForCTC", "Model", "ForSequenceClassification"), {**SPEECH, "?feat_proj_layer_norm": BOTH, "?conv_pos_batch_norm": BOTH}),
    "audio-spectrogram-transformer": (
        heads("AST", "ForAudioClassification", "Model"),
        {**{k: v for k, v in VIT.items() if "image" not in k and "channels" not in k}, "?max_length": one(64, 128), "?num_mel_bins": one(32, 64), "?frequency_stride": one(8, 10), "?time_stride": one(8, 10)},
    ),
    "videomae": (
        heads("VideoMAE", "ForVideoClassification", "Model"),
        {**VIT, "?tubelet_size": one(2, 4), "?num_frames": one(8), "?use_mean_pooling": BOTH},
    ),
    "timesformer": (
        heads("Timesformer", "ForVideoClassification", "Model"),
        {**VIT, "?num_frames": one(4), "?attention_type": one("divided_space_time", "space_only", "joint_space_time")},
    ),
    "llava": (heads("Llava", "ForConditionalGeneration"), LLAVA),
    "llava_next": (heads("LlavaNext", "ForConditionalGeneration"), LLAVA),
    "gemma3": (
        heads("Gemma3", "ForConditionalGeneration"),
        {
            "text_config": {"model_type": "gemma3_text", **{k: v for k, v in DECODER.items() if "tie" not in k}},
            "vision_config": {"model_type": "siglip_vision_model", **CLIP_VISION},
            "mm_tokens_per_image": one(4),
            "?tie_word_embeddings": BOTH,
        },
    ),
    "qwen2_vl": (
        heads("Qwen2VL", "ForConditionalGeneration", "Model"),
        {
            "text_config": {k: v for k, v in DECODER.items() if "head_dim" not in k and "tie" not in k},
            "vision_config": {"embed_dim": one(48, 96), "hidden_size": one(48), "depth": LAYERS, "num_heads": one(2, 4), "?mlp_ratio": one(2, 3), "?patch_size": one(8, 14), "?in_channels": one(1, 3), "?spatial_merge_size": one(2, 3), "?temporal_patch_size": one(1, 2)},
            "?tie_word_embeddings": BOTH,
        },
    ),
}

RESNET_50 = {"model_type": "resnet", "out_features": ["stage1", "stage2", "stage3", "stage4"]}
MISTRAL_7B = {"model_type": "mistral", "intermediate_size": 14336, "num_key_value_heads": 8, "vocab_size": 32064}


def whisper(size: int, layers: int, **keys) -> dict:
    return {
        "d_model": size,
        "encoder_layers": layers,
        "decoder_layers": layers,
        "encoder_ffn_dim": 4 * size,
        "decoder_ffn_dim": 4 * size,
        "encoder_attention_heads": size // 64,
        "decoder_attention_heads": size // 64,
        **keys,
    }


# Published shapes: a name, an architecture, and what differs from the defaults.
PUBLISHED: dict[str, list[tuple[str, str, dict]]] = {
    "bert": [
        ("bert-large-uncased", "BertForMaskedLM", {"hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16, "intermediate_size": 4096}),
        ("all-MiniLM-L6-v2", "BertModel", {"hidden_size": 384, "num_hidden_layers": 6, "intermediate_size": 1536}),
    ],
    "xlm-roberta": [("xlm-roberta-base", "XLMRobertaForMaskedLM", {"vocab_size": 250002, "max_position_embeddings": 514, "type_vocab_size": 1})],
    "roberta": [("roberta-base", "RobertaForMaskedLM", {"max_position_embeddings": 514, "type_vocab_size": 1})],
    "albert": [("albert-base-v2", "AlbertForMaskedLM", {"hidden_size": 768, "num_attention_heads": 12, "intermediate_size": 3072})],
    "deberta-v2": [("deberta-v3-base", "DebertaV2ForMaskedLM", {"hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12, "intermediate_size": 3072, "type_vocab_size": 0, "position_biased_input": False, "relative_attention": True, "pos_att_type": ["p2c", "c2p"], "position_buckets": 256, "share_att_key": True, "norm_rel_ebd": "layer_norm"})],
    "gpt2": [("gpt2-xl", "GPT2LMHeadModel", {"n_embd": 1600, "n_layer": 48, "n_head": 25})],
    "gpt_neox": [("pythia-410m", "GPTNeoXForCausalLM", {"hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16, "intermediate_size": 4096, "vocab_size": 50304})],
    "opt": [("opt-350m", "OPTForCausalLM", {"hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16, "ffn_dim": 4096, "word_embed_proj_dim": 512, "do_layer_norm_before": False})],
    "bloom": [("bloom-560m", "BloomForCausalLM", {"hidden_size": 1024, "n_layer": 24, "n_head": 16})],
    "llama": [
        ("Llama-2-7b", "LlamaForCausalLM", {}),
        ("TinyLlama-1.1B", "LlamaForCausalLM", {"hidden_size": 2048, "intermediate_size": 5632, "num_attention_heads": 32, "num_hidden_layers": 22, "num_key_value_heads": 4}),
        ("Llama-3-8B", "LlamaForCausalLM", {"intermediate_size": 14336, "num_key_value_heads": 8, "vocab_size": 128256}),
        ("Llama-3.2-1B", "LlamaForCausalLM", {"hidden_size": 2048, "intermediate_size": 8192, "num_hidden_layers": 16, "num_key_value_heads": 8, "vocab_size": 128256, "head_dim": 64, "tie_word_embeddings": True}),
    ],
    "mistral": [("Mistral-7B-v0.1", "MistralForCausalLM", {})],
    "mixtral": [("Mixtral-8x7B", "MixtralForCausalLM", {})],
    "qwen2": [("Qwen2.5-0.5B", "Qwen2ForCausalLM", {"hidden_size": 896, "intermediate_size": 4864, "num_hidden_layers": 24, "num_attention_heads": 14, "num_key_value_heads": 2, "tie_word_embeddings": True})],
    "qwen3": [("Qwen3-0.6B", "Qwen3ForCausalLM", {"hidden_size": 1024, "intermediate_size": 3072, "num_hidden_layers": 28, "num_attention_heads": 16, "num_key_value_heads": 8, "head_dim": 128, "tie_word_embeddings": True})],
    "qwen3_moe": [("Qwen3-30B-A3B", "Qwen3MoeForCausalLM", {"num_hidden_layers": 48, "num_key_value_heads": 4, "head_dim": 128})],
    "deepseek_v3": [("DeepSeek-V3", "DeepseekV3ForCausalLM", {})],
    "t5": [("flan-t5-base", "T5ForConditionalGeneration", {"d_model": 768, "d_ff": 2048, "num_layers": 12, "num_heads": 12, "feed_forward_proj": "gated-gelu", "tie_word_embeddings": False})],
    "bart": [("bart-base", "BartForConditionalGeneration", {"d_model": 768, "encoder_layers": 6, "decoder_layers": 6, "encoder_ffn_dim": 3072, "decoder_ffn_dim": 3072, "encoder_attention_heads": 12, "decoder_attention_heads": 12})],
    "vit": [("vit-large-patch16-224", "ViTForImageClassification", {"hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16, "intermediate_size": 4096, "id2label": {str(it): str(it) for it in range(1000)}})],
    "detr": [
        ("detr-resnet-50", "DetrForObjectDetection", {"use_timm_backbone": False, "backbone_config": RESNET_50, "id2label": {str(it): str(it) for it in range(91)}}),
        ("detr-resnet-101", "DetrForObjectDetection", {"use_timm_backbone": False, "backbone_config": {**RESNET_50, "depths": [3, 4, 23, 3]}, "id2label": {str(it): str(it) for it in range(91)}}),
    ],
    "resnet": [("resnet-18", "ResNetForImageClassification", {"depths": [2, 2, 2, 2], "hidden_sizes": [64, 128, 256, 512], "layer_type": "basic", "id2label": {str(it): str(it) for it in range(1000)}})],
    "clip": [("clip-vit-large-patch14", "CLIPModel", {"projection_dim": 768, "text_config": {"hidden_size": 768, "intermediate_size": 3072, "num_attention_heads": 12}, "vision_config": {"hidden_size": 1024, "intermediate_size": 4096, "num_attention_heads": 16, "num_hidden_layers": 24, "patch_size": 14}})],
    "whisper": [
        ("whisper-base", "WhisperForConditionalGeneration", whisper(512, 6)),
        ("whisper-small", "WhisperForConditionalGeneration", whisper(768, 12)),
        ("whisper-medium", "WhisperForConditionalGeneration", whisper(1024, 24)),
        ("whisper-large-v3", "WhisperForConditionalGeneration", whisper(1280, 32, num_mel_bins=128, vocab_size=51866)),
    ],
    "wav2vec2": [("wav2vec2-large-960h-lv60", "Wav2Vec2ForCTC", {"hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16, "intermediate_size": 4096, "feat_extract_norm": "layer", "do_stable_layer_norm": True, "conv_bias": True})],
    "llava": [("llava-1.5-7b", "LlavaForConditionalGeneration", {"text_config": {"model_type": "llama", "vocab_size": 32064}})],
    "llava_next": [("llava-v1.6-mistral-7b", "LlavaNextForConditionalGeneration", {"text_config": MISTRAL_7B})],
    "qwen2_vl": [("Qwen2-VL-2B", "Qwen2VLForConditionalGeneration", {"tie_word_embeddings": True, "text_config": {"hidden_size": 1536, "intermediate_size": 8960, "num_hidden_layers": 28, "num_attention_heads": 12, "num_key_value_heads": 2, "vocab_size": 151936}, "vision_config": {"hidden_size": 1536}})],
}
