"""A text tower beside one of images, videos or sounds: CLIP, X-CLIP and CLAP."""

from __future__ import annotations

from collections.abc import Callable

import torch
from transformers import ClapModel, CLIPModel, PreTrainedModel, XCLIPModel

from onnx_export import random_inputs
from onnx_export.graph import Axes, Graph, Tensors


def clip(model: CLIPModel) -> list[Graph]:
    def media(batch: int, generator: torch.Generator) -> Tensors:
        return random_inputs.pixels(model.config.vision_config, batch, generator)

    return [_graph(model, "image", "pixel_values", media)]


def xclip(model: XCLIPModel) -> list[Graph]:
    def media(batch: int, generator: torch.Generator) -> Tensors:
        vision = model.config.vision_config
        frames = random_inputs.pixels(vision, batch * vision.num_frames, generator)["pixel_values"]
        return {"pixel_values": frames.unflatten(0, (batch, vision.num_frames))}

    return [_graph(model, "video", "pixel_values", media)]


def clap(model: ClapModel) -> list[Graph]:
    audio = model.config.audio_config
    if audio.enable_fusion:
        raise ValueError("CLAP with fusion of long sounds cannot be exported; use an unfused one")

    def media(batch: int, generator: torch.Generator) -> Tensors:
        # Ten seconds in frames of ten milliseconds, as the published processors cut sounds.
        shape = (batch, 1, 1001, audio.num_mel_bins)
        return {"input_features": torch.randn(shape, generator=generator)}

    return [_graph(model, "audio", "input_features", media)]


def axes(media: str, features: str) -> Axes:
    """The batch of texts and that of the other tower, such as `image`, are independent."""
    batch = f"{media}_batch_size"
    texts = {0: "text_batch_size", 1: "sequence_length"}
    return {
        "input_ids": texts,
        "attention_mask": texts,
        features: {0: batch},
        f"logits_per_{media}": {0: batch, 1: "text_batch_size"},
        "logits_per_text": {0: "text_batch_size", 1: batch},
        "text_embeds": {0: "text_batch_size"},
        f"{media}_embeds": {0: batch},
    }


def _graph(
    model: PreTrainedModel,
    media: str,
    features: str,
    random_media: Callable[[int, torch.Generator], Tensors],
) -> Graph:
    outputs = (f"logits_per_{media}", "logits_per_text", "text_embeds", f"{media}_embeds")

    def run(inputs: Tensors) -> Tensors:
        output = model(**inputs)
        return {name: output[name] for name in outputs}

    def example(generator: torch.Generator, extra: int) -> Tensors:
        text = model.config.text_config
        inputs = random_inputs.texts(text.vocab_size, 3 + extra, 7 + extra, generator)
        # What pools a text looks for its end.
        end = text.vocab_size - 1 if text.eos_token_id in (None, 2) else text.eos_token_id
        inputs["input_ids"][:, -3] = end
        media_inputs = random_media(2 + extra, generator)
        return {
            "input_ids": inputs["input_ids"],
            features: media_inputs[features],
            "attention_mask": inputs["attention_mask"],
        }

    return Graph("model", model, run, axes(media, features), example)
