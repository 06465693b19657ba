"""Encoder-decoders: the caches of both attentions, and T5."""

from __future__ import annotations

from typing import Any

import torch
from transformers import T5ForConditionalGeneration
from transformers.cache_utils import DynamicCache, EncoderDecoderCache

from onnx_export import random_inputs
from onnx_export.graph import Graph, Tensors


def entries(layers: int, *sides: str) -> list[str]:
    """What the cache holds, as the graphs name it after `past_key_values.` and `present.`."""
    return [
        f"{layer}.{side}.{part}"
        for layer in range(layers)
        for side in sides
        for part in ("key", "value")
    ]


def empty_cache() -> EncoderDecoderCache:
    """The cache of a decoder that has seen nothing."""
    return EncoderDecoderCache(DynamicCache(), DynamicCache())


def read_cache(inputs: Tensors, layers: int) -> EncoderDecoderCache:
    """The cache that the inputs `past_key_values.*` hold."""
    cache = empty_cache()
    sides = {"decoder": cache.self_attention_cache, "encoder": cache.cross_attention_cache}
    for layer in range(layers):
        for side, half in sides.items():
            past = f"past_key_values.{layer}.{side}"
            half.update(inputs[f"{past}.key"], inputs[f"{past}.value"], layer)
        # Keys and values of the encoder's states are there: not to be computed again.
        cache.is_updated[layer] = True
    return cache


def states_like(inputs: Tensors, width: int) -> torch.Tensor:
    """In place of the encoder's states, where the cache holds what they give: transformers looks at
    their shape alone."""
    key = inputs["past_key_values.0.encoder.key"]
    return key[:, :1, :, :1].flatten(2).transpose(1, 2).expand(-1, -1, width)


def write_cache(cache: EncoderDecoderCache, layers: int, *sides: str) -> Tensors:
    """The outputs `present.*` of those `sides`."""
    halves = {"decoder": cache.self_attention_cache, "encoder": cache.cross_attention_cache}
    outputs = {}
    for layer in range(layers):
        for side in sides:
            outputs[f"present.{layer}.{side}.key"] = halves[side].layers[layer].keys
            outputs[f"present.{layer}.{side}.value"] = halves[side].layers[layer].values
    return outputs


def cache_axes(layers: int, encoder_axes: dict[int, str]) -> dict[str, dict[int, str]]:
    """The dynamic axes of the cache, before a step and after it."""
    axes = {}
    for entry in entries(layers, "decoder"):
        axes[f"past_key_values.{entry}"] = {0: "batch_size", 2: "past_decoder_sequence_length"}
        axes[f"present.{entry}"] = {0: "batch_size", 2: "total_decoder_sequence_length"}
    for entry in entries(layers, "encoder"):
        for side in ("past_key_values", "present"):
            axes[f"{side}.{entry}"] = encoder_axes
    return axes


def random_cache(
    layers: int,
    shapes: dict[str, tuple[int, ...]],
    generator: torch.Generator,
) -> Tensors:
    """Inputs `past_key_values.*`; `shapes` says how large they are for decoder and encoder."""
    return {
        f"past_key_values.{entry}": torch.randn(shapes[entry.split(".")[1]], generator=generator)
        for entry in entries(layers, *shapes)
    }


def t5(model: T5ForConditionalGeneration) -> list[Graph]:
    return [t5_encoder(model), t5_decoder(model), t5_decoder_with_past(model)]


def t5_encoder(model: T5ForConditionalGeneration) -> Graph:
    def run(inputs: Tensors) -> Tensors:
        return {"last_hidden_state": model.encoder(**inputs).last_hidden_state}

    def example(generator: torch.Generator, extra: int) -> Tensors:
        return random_inputs.texts(model.config.vocab_size, 2 + extra, 7 + extra, generator)

    names = ("input_ids", "attention_mask", "last_hidden_state")
    axes = {name: {0: "batch_size", 1: "encoder_sequence_length"} for name in names}
    return Graph("encoder_model", model, run, axes, example)


def t5_decoder(model: T5ForConditionalGeneration) -> Graph:
    """The first step, which also computes what the cross-attention keeps."""
    config = model.config

    def run(inputs: Tensors) -> Tensors:
        cache = empty_cache()
        logits = _t5_step(model, inputs, inputs["encoder_hidden_states"], cache)
        written = write_cache(cache, config.num_decoder_layers, "decoder", "encoder")
        return {"logits": logits, **written}

    def example(generator: torch.Generator, extra: int) -> Tensors:
        batch, length = 2 + extra, 7 + extra
        states = torch.randn(batch, length, config.d_model, generator=generator)
        return {
            "input_ids": random_inputs.token_ids(config.vocab_size, (batch, 3 + extra), generator),
            "encoder_attention_mask": random_inputs.mask(batch, length),
            "encoder_hidden_states": states,
        }

    return Graph("decoder_model", model, run, _t5_axes(model), example)


def t5_decoder_with_past(model: T5ForConditionalGeneration) -> Graph:
    """Every later step."""
    config = model.config

    def run(inputs: Tensors) -> Tensors:
        cache = read_cache(inputs, config.num_decoder_layers)
        states = states_like(inputs, config.d_model)
        logits = _t5_step(model, inputs, states, cache)
        return {"logits": logits, **write_cache(cache, config.num_decoder_layers, "decoder")}

    def example(generator: torch.Generator, extra: int) -> Tensors:
        batch, length, past = 2 + extra, 7 + extra, 5 + extra
        shapes = {
            "decoder": (batch, config.num_heads, past, config.d_kv),
            "encoder": (batch, config.num_heads, length, config.d_kv),
        }
        return {
            "input_ids": random_inputs.token_ids(config.vocab_size, (batch, 3 + extra), generator),
            "encoder_attention_mask": random_inputs.mask(batch, length),
            **random_cache(config.num_decoder_layers, shapes, generator),
        }

    return Graph("decoder_with_past_model", model, run, _t5_axes(model), example)


def _t5_step(
    model: T5ForConditionalGeneration, inputs: Tensors, states: torch.Tensor, cache: Any
) -> torch.Tensor:
    # `attention_mask` is the encoder's where its outputs are given.
    return model(
        decoder_input_ids=inputs["input_ids"],
        attention_mask=inputs["encoder_attention_mask"],
        encoder_outputs=(states,),
        past_key_values=cache,
        use_cache=True,
    ).logits


def _t5_axes(model: T5ForConditionalGeneration) -> dict[str, dict[int, str]]:
    batch = {0: "batch_size"}
    source = {**batch, 1: "encoder_sequence_length"}
    return {
        "input_ids": {**batch, 1: "decoder_sequence_length"},
        "encoder_attention_mask": source,
        "encoder_hidden_states": source,
        "logits": {**batch, 1: "decoder_sequence_length"},
        **cache_axes(model.config.num_decoder_layers, {**batch, 2: "encoder_sequence_length"}),
    }
