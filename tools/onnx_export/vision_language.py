"""LLaVA and LLaVA-Next: an image tower, the token embeddings, and a decoder over embeddings.

Merging image features into the embeddings, and packing the tiles of LLaVA-Next, is left to the
caller: both depend on the size of the picture.
"""

from __future__ import annotations

from typing import Any

import torch
from transformers import LlavaForConditionalGeneration, LlavaNextForConditionalGeneration
from transformers.cache_utils import DynamicCache

from onnx_export import causal_lm, random_inputs
from onnx_export.graph import Graph, Tensors

Model = LlavaForConditionalGeneration | LlavaNextForConditionalGeneration


def graphs(model: Model) -> list[Graph]:
    return [vision_encoder(model), embed_tokens(model), decoder(model)]


def vision_encoder(model: Model) -> Graph:
    """`pixel_values` to `image_features`, which lie in the space of the token embeddings.

    LLaVA-Next takes the tiles of one or more pictures for images. Its second output,
    `image_newline`, is what ends every row of packed tiles.
    """
    config = model.config
    parts = model.model
    layers = config.vision_feature_layer
    layers = [layers] if isinstance(layers, int) else layers
    tiled = hasattr(parts, "image_newline")

    def run(inputs: Tensors) -> Tensors:
        states = parts.vision_tower(
            inputs["pixel_values"], output_hidden_states=True, return_dict=True
        ).hidden_states
        chosen = torch.cat([states[layer] for layer in layers], dim=-1)
        if config.vision_feature_select_strategy == "default":
            # Without the class token.
            chosen = chosen[:, 1:]
        outputs = {"image_features": parts.multi_modal_projector(chosen)}
        if tiled:
            outputs["image_newline"] = parts.image_newline.clone()
        return outputs

    def example(generator: torch.Generator, extra: int) -> Tensors:
        return random_inputs.pixels(config.vision_config, 2 + extra, generator)

    batch = {0: "tiles" if tiled else "batch_size"}
    axes = {"pixel_values": batch, "image_features": batch}
    return Graph("vision_encoder", model, run, axes, example)


def embed_tokens(model: Model) -> Graph:
    embeddings = model.get_input_embeddings()

    def run(inputs: Tensors) -> Tensors:
        return {"inputs_embeds": embeddings(inputs["input_ids"])}

    def example(generator: torch.Generator, extra: int) -> Tensors:
        vocabulary = model.config.text_config.vocab_size
        return {"input_ids": random_inputs.token_ids(vocabulary, (2 + extra, 5 + extra), generator)}

    names = {0: "batch_size", 1: "sequence_length"}
    axes = {"input_ids": names, "inputs_embeds": names}
    return Graph("embed_tokens", model, run, axes, example)


def decoder(model: Model) -> Graph:
    def call(**inputs: Any) -> tuple[torch.Tensor, DynamicCache]:
        output = model.model.language_model(**inputs)
        return model.lm_head(output.last_hidden_state), output.past_key_values

    return causal_lm.graph(
        "decoder_model_merged", model, model.config.text_config, call, embedded=True
    )
