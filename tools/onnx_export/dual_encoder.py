"""A text tower beside one of images, videos or sounds: CLIP, X-CLIP and CLAP."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from transformers import ClapModel, CLIPModel, PreTrainedModel, XCLIPModel

from onnx_export import random_inputs
from onnx_export.graph import Axes, Graph, Tensors


def clip(model: CLIPModel) -> list[Graph]:
    """Both towers, and each alone: alone, embeddings are not scaled to length one."""

    def media(batch: int, generator: torch.Generator) -> Tensors:
        return random_inputs.pixels(model.config.vision_config, batch, generator)

    def image(inputs: Tensors) -> Tensors:
        return {"image_embeds": model.get_image_features(**inputs).pooler_output}

    def image_example(generator: torch.Generator, extra: int) -> Tensors:
        return media(2 + extra, generator)

    batch = {name: {0: "batch_size"} for name in ("pixel_values", "image_embeds")}
    return [
        _both(model, "image", "pixel_values", media),
        text(model),
        Graph("vision_model", model, image, batch, image_example),
    ]


def xclip(model: XCLIPModel) -> list[Graph]:
    """Both towers, and each alone: beside a video, the embeddings of a text depend on it."""

    def media(batch: int, generator: torch.Generator) -> Tensors:
        vision = model.config.vision_config
        frames = random_inputs.pixels(vision, batch * vision.num_frames, generator)["pixel_values"]
        return {"pixel_values": frames.unflatten(0, (batch, vision.num_frames))}

    def video(inputs: Tensors) -> Tensors:
        return {"video_embeds": model.get_video_features(**inputs).pooler_output}

    def video_example(generator: torch.Generator, extra: int) -> Tensors:
        return media(2 + extra, generator)

    both = _both(model, "video", "pixel_values", media)
    axes = {**both.axes, "text_embeds": {0: "video_batch_size", 1: "text_batch_size"}}
    batch = {name: {0: "batch_size"} for name in ("pixel_values", "video_embeds")}
    return [
        replace(both, axes=axes),
        text(model),
        Graph("vision_model", model, video, batch, video_example),
    ]


def clap(model: ClapModel) -> list[Graph]:
    """Both towers, and each alone: beside the other, a text costs a sound's share as well."""
    audio = model.config.audio_config
    if audio.enable_fusion:
        raise ValueError("CLAP with fusion of long sounds cannot be exported; use an unfused one")

    def media(batch: int, generator: torch.Generator) -> Tensors:
        # The spectrogram is stretched to a square of patches, from frames that are a bit fewer:
        # 1001 of the published models, ten seconds in hundredths.
        longest = audio.spec_size * (audio.spec_size // audio.num_mel_bins)
        shape = (batch, 1, min(1001, longest), audio.num_mel_bins)
        return {"input_features": torch.randn(shape, generator=generator)}

    # `get_text_features` and `get_audio_features` scale to length one, which the published graphs
    # of one side leave to their caller.
    def sound(inputs: Tensors) -> Tensors:
        return {"audio_embeds": model.audio_projection(model.audio_model(**inputs).pooler_output)}

    def sound_example(generator: torch.Generator, extra: int) -> Tensors:
        return media(2 + extra, generator)

    def text_embeds(inputs: Tensors) -> Tensors:
        return {"text_embeds": model.text_projection(model.text_model(**inputs).pooler_output)}

    batch = {name: {0: "batch_size"} for name in ("input_features", "audio_embeds")}
    return [
        _both(model, "audio", "input_features", media),
        replace(text(model), run=text_embeds),
        Graph("audio_model", model, sound, batch, sound_example),
    ]


def text(model: CLIPModel | XCLIPModel | ClapModel) -> Graph:
    def run(inputs: Tensors) -> Tensors:
        return {"text_embeds": model.get_text_features(**inputs).pooler_output}

    def example(generator: torch.Generator, extra: int) -> Tensors:
        return _texts(model, generator, extra)

    names = {0: "batch_size", 1: "sequence_length"}
    axes = {"input_ids": names, "attention_mask": names, "text_embeds": {0: "batch_size"}}
    return Graph("text_model", model, run, axes, example)


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


def _both(
    model: PreTrainedModel,
    media: str,
    features: str,
    random_media: Callable[[int, torch.Generator], Tensors],
) -> Graph:
    embeddings = ("text_embeds", f"{media}_embeds")
    # The order of the published files.
    embeddings = embeddings[::-1] if media == "video" else embeddings
    outputs = (f"logits_per_{media}", "logits_per_text", *embeddings)

    def run(inputs: Tensors) -> Tensors:
        output = model(**inputs)
        return {name: output[name] for name in outputs}

    def example(generator: torch.Generator, extra: int) -> Tensors:
        return {**_texts(model, generator, extra), **random_media(2 + extra, generator)}

    return Graph("model", model, run, axes(media, features), example)


def _texts(model: PreTrainedModel, generator: torch.Generator, extra: int) -> Tensors:
    config = model.config.text_config
    inputs = random_inputs.texts(config.vocab_size, 3 + extra, 7 + extra, generator)
    # What pools a text looks for its end; 2 is what openai's configurations say for the last one.
    end = config.vocab_size - 1 if config.eos_token_id in (None, 2) else config.eos_token_id
    inputs["input_ids"][:, -3] = end
    return inputs
