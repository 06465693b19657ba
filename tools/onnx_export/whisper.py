"""Whisper: an encoder of thirty seconds, and one decoder file for the first and later steps."""

from __future__ import annotations

from typing import Any

import torch
from transformers import WhisperForConditionalGeneration

from onnx_export import random_inputs, seq2seq
from onnx_export.graph import Graph, Tensors


def graphs(model: WhisperForConditionalGeneration) -> list[Graph]:
    """The decoders are two graphs that `merge.merge` makes into `decoder_model_merged`."""
    return [encoder(model), decoder(model), decoder_with_past(model)]


def encoder(model: WhisperForConditionalGeneration) -> Graph:
    config = model.config

    def run(inputs: Tensors) -> Tensors:
        return {"last_hidden_state": model.model.encoder(**inputs).last_hidden_state}

    def example(generator: torch.Generator, extra: int) -> Tensors:
        # Two frames become one position.
        shape = (2 + extra, config.num_mel_bins, 2 * config.max_source_positions)
        return {"input_features": torch.randn(shape, generator=generator)}

    batch = {0: "batch_size"}
    axes = {"input_features": batch, "last_hidden_state": batch}
    return Graph("encoder_model", model, run, axes, example)


def decoder(model: WhisperForConditionalGeneration) -> Graph:
    """The first step, which also computes what the cross-attention keeps."""
    config = model.config

    def run(inputs: Tensors) -> Tensors:
        cache = seq2seq.empty_cache()
        logits = _step(model, inputs["input_ids"], inputs["encoder_hidden_states"], cache)
        written = seq2seq.write_cache(cache, config.decoder_layers, "decoder", "encoder")
        return {"logits": logits, **written}

    def example(generator: torch.Generator, extra: int) -> Tensors:
        batch = 2 + extra
        shape = (batch, config.max_source_positions, config.d_model)
        return {
            "input_ids": random_inputs.token_ids(config.vocab_size, (batch, 3 + extra), generator),
            "encoder_hidden_states": torch.randn(shape, generator=generator),
        }

    return Graph("decoder_model", model, run, _axes(model), example)


def decoder_with_past(model: WhisperForConditionalGeneration) -> Graph:
    """Every later step."""
    config = model.config

    def run(inputs: Tensors) -> Tensors:
        cache = seq2seq.read_cache(inputs, config.decoder_layers)
        states = seq2seq.states_like(inputs, config.d_model)
        logits = _step(model, inputs["input_ids"], states, cache)
        return {"logits": logits, **seq2seq.write_cache(cache, config.decoder_layers, "decoder")}

    def example(generator: torch.Generator, extra: int) -> Tensors:
        batch, heads = 2 + extra, config.decoder_attention_heads
        width = config.d_model // heads
        shapes = {
            "decoder": (batch, heads, 5 + extra, width),
            "encoder": (batch, heads, config.max_source_positions, width),
        }
        return {
            "input_ids": random_inputs.token_ids(config.vocab_size, (batch, 3 + extra), generator),
            **seq2seq.random_cache(config.decoder_layers, shapes, generator),
        }

    return Graph("decoder_with_past_model", model, run, _axes(model), example)


def _step(
    model: WhisperForConditionalGeneration, tokens: torch.Tensor, states: torch.Tensor, cache: Any
) -> torch.Tensor:
    past = cache.get_seq_length()
    positions = (torch.arange(tokens.shape[1]) + past).unsqueeze(0).expand(tokens.shape[0], -1)
    output = model.model.decoder(
        input_ids=tokens,
        encoder_hidden_states=states,
        past_key_values=cache,
        position_ids=positions,
        use_cache=True,
    )
    return model.proj_out(output.last_hidden_state)


def _axes(model: WhisperForConditionalGeneration) -> dict[str, dict[int, str]]:
    batch = {0: "batch_size"}
    tokens = {**batch, 1: "decoder_sequence_length"}
    axes = {
        "input_ids": tokens,
        "encoder_hidden_states": batch,
        "logits": tokens,
        **seq2seq.cache_axes(model.config.decoder_layers, batch),
    }
    for entry in seq2seq.entries(model.config.decoder_layers, "encoder"):
        # None before the first step, which makes them.
        axes[f"past_key_values.{entry}"] = {**batch, 2: "past_encoder_sequence_length"}
    return axes
