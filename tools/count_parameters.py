"""Counts the parameters of the registry's models, without downloading or allocating weights.

    python tools/count_parameters.py

Every architecture is built on PyTorch's meta device from a configuration written here, with the
head that the registry uses. Parameters that are shared (tied) count once; buffers do not count.
Needs the packages of fixtures/requirements.txt.

Where a default of transformers is the published configuration, nothing is written; what is
written by hand is what the published `config.json` of the checkpoint says and the default does
not. A default is right for us only while it keeps that value, hence the pinned version.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import transformers as hf


def bert() -> torch.nn.Module:
    # bert-base-uncased is the default.
    return hf.BertForMaskedLM(hf.BertConfig())


def t5() -> torch.nn.Module:
    # t5-small is the default (ReLU feed-forward, tied embeddings).
    return hf.T5ForConditionalGeneration(hf.T5Config())


def tiny_llama() -> torch.nn.Module:
    config = hf.LlamaConfig(
        hidden_size=2048,
        intermediate_size=5632,
        num_attention_heads=32,
        num_hidden_layers=22,
        num_key_value_heads=4,
        vocab_size=32000,
        tie_word_embeddings=False,
    )
    return hf.LlamaForCausalLM(config)


def clip() -> torch.nn.Module:
    # clip-vit-base-patch32 is the default.
    return hf.CLIPModel(hf.CLIPConfig())


def vit() -> torch.nn.Module:
    # vit-base-patch16-224 is the default, but for its labels (ImageNet-1k).
    return hf.ViTForImageClassification(hf.ViTConfig(num_labels=1000))


def clap() -> torch.nn.Module:
    # clap-htsat-unfused is the default: HTSAT-tiny (96, 2-2-6-2) and RoBERTa-base, both
    # projected to 512.
    return hf.ClapModel(hf.ClapConfig())


def whisper() -> torch.nn.Module:
    # whisper-tiny is the default (multilingual: 51865 tokens).
    return hf.WhisperForConditionalGeneration(hf.WhisperConfig())


def wav2vec2() -> torch.nn.Module:
    # wav2vec2-base-960h is the default (32 characters, group norm in the feature extractor).
    return hf.Wav2Vec2ForCTC(hf.Wav2Vec2Config())


def llava() -> torch.nn.Module:
    # The default vision tower is the checkpoint's, CLIP large with 336 pixels. The text model is
    # Vicuna 7B: the default of LlamaConfig, with 64 more tokens, among them the image's.
    return hf.LlavaForConditionalGeneration(
        hf.LlavaConfig(text_config=hf.LlamaConfig(vocab_size=32064))
    )


def llava_next() -> torch.nn.Module:
    # The same vision tower, and Mistral 7B Instruct v0.2: the default of MistralConfig (eight
    # key-value heads, feed-forward 14336), with 64 more tokens.
    return hf.LlavaNextForConditionalGeneration(
        hf.LlavaNextConfig(text_config=hf.MistralConfig(vocab_size=32064))
    )


def xclip() -> torch.nn.Module:
    # xclip-base-patch32 is the default (eight frames).
    return hf.XCLIPModel(hf.XCLIPConfig())


def qwen2() -> torch.nn.Module:
    config = hf.Qwen2Config(
        hidden_size=896,
        intermediate_size=4864,
        num_attention_heads=14,
        num_hidden_layers=24,
        num_key_value_heads=2,
        vocab_size=151936,
        tie_word_embeddings=True,
    )
    return hf.Qwen2ForCausalLM(config)


def qwen3() -> torch.nn.Module:
    config = hf.Qwen3Config(
        head_dim=128,
        hidden_size=1024,
        intermediate_size=3072,
        num_attention_heads=16,
        num_hidden_layers=28,
        num_key_value_heads=8,
        vocab_size=151936,
        tie_word_embeddings=True,
    )
    return hf.Qwen3ForCausalLM(config)


def detr() -> torch.nn.Module:
    # The default is detr-resnet-50's transformer; its backbone would come from another package,
    # so the same ResNet-50 is built from transformers' own. COCO's 91 category ids are labels,
    # and the model adds "no object".
    config = hf.DetrConfig(
        backbone_config=hf.ResNetConfig(out_features=["stage4"]),
        use_timm_backbone=False,
        use_pretrained_backbone=False,
        backbone=None,
        num_labels=91,
    )
    return hf.DetrForObjectDetection(config)


MODELS: dict[str, Callable[[], torch.nn.Module]] = {
    "bert-base-uncased": bert,
    "t5-small": t5,
    "TinyLlama-1.1B-Chat-v1.0": tiny_llama,
    "clip-vit-base-patch32": clip,
    "vit-base-patch16-224": vit,
    "clap-htsat-unfused": clap,
    "whisper-tiny": whisper,
    "wav2vec2-base-960h": wav2vec2,
    "llava-1.5-7b-hf": llava,
    "llava-v1.6-mistral-7b-hf": llava_next,
    "xclip-base-patch32": xclip,
    "Qwen2-0.5B-Instruct": qwen2,
    "Qwen3-0.6B": qwen3,
    "detr-resnet-50": detr,
}


def main() -> None:
    print(f"{'model':26} {'class':33} {'parameters':>13}")
    for name, build in MODELS.items():
        with torch.device("meta"):
            model = build()
        # Loading a checkpoint ties weights; building on the meta device may not have.
        model.tie_weights()
        count = sum(parameter.numel() for parameter in model.parameters())
        print(f"{name:26} {type(model).__name__:33} {count:>13,}")


if __name__ == "__main__":
    main()
