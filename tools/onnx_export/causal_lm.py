"""Decoders with a key-value cache: LLaMA, Qwen2, Qwen3, Mistral, and those behind a vision tower."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from transformers import PretrainedConfig, PreTrainedModel
from transformers.cache_utils import DynamicCache

from onnx_export import random_inputs
from onnx_export.graph import Graph, Tensors

# Calls the model with its keyword arguments; gives logits and the cache afterwards.
Call = Callable[..., tuple[torch.Tensor, DynamicCache]]


def graphs(model: PreTrainedModel) -> list[Graph]:
    def call(**inputs: Any) -> tuple[torch.Tensor, DynamicCache]:
        output = model(**inputs)
        return output.logits, output.past_key_values

    return [graph("model", model, model.config, call)]


def graph(
    name: str, model: torch.nn.Module, config: PretrainedConfig, call: Call, embedded: bool = False
) -> Graph:
    """The graph of a decoder that takes token ids, or with `embedded` their embeddings."""
    tokens = "inputs_embeds" if embedded else "input_ids"
    layers = range(config.num_hidden_layers)

    def run(inputs: Tensors) -> Tensors:
        cache = DynamicCache()
        for layer in layers:
            past = f"past_key_values.{layer}"
            cache.update(inputs[f"{past}.key"], inputs[f"{past}.value"], layer)
        logits, cache = call(
            **{tokens: inputs[tokens]},
            attention_mask=inputs["attention_mask"],
            position_ids=inputs["position_ids"],
            past_key_values=cache,
            use_cache=True,
        )
        outputs = {"logits": logits}
        for layer in layers:
            outputs[f"present.{layer}.key"] = cache.layers[layer].keys
            outputs[f"present.{layer}.value"] = cache.layers[layer].values
        return outputs

    def example(generator: torch.Generator, extra: int) -> Tensors:
        batch, past, new = 2 + extra, 5 + extra, 3 + extra
        if embedded:
            given = 0.3 * torch.randn(batch, new, config.hidden_size, generator=generator)
        else:
            given = random_inputs.token_ids(config.vocab_size, (batch, new), generator)
        mask = random_inputs.mask(batch, past + new, left=True)
        inputs = step(config, tokens, given, mask, None)
        for entry in _entries(config):
            shape = (batch, config.num_key_value_heads, past, head_dim(config))
            inputs[f"past_key_values.{entry}"] = torch.randn(shape, generator=generator)
        return inputs

    axes = {
        tokens: {0: "batch_size", 1: "sequence_length"},
        "attention_mask": {0: "batch_size", 1: "total_sequence_length"},
        "position_ids": {0: "batch_size", 1: "sequence_length"},
        "logits": {0: "batch_size", 1: "sequence_length"},
    }
    for entry in _entries(config):
        axes[f"past_key_values.{entry}"] = {0: "batch_size", 2: "past_sequence_length"}
        axes[f"present.{entry}"] = {0: "batch_size", 2: "total_sequence_length"}
    return Graph(name, model, run, axes, example)


def step(
    config: PretrainedConfig,
    tokens: str,
    given: torch.Tensor,
    mask: torch.Tensor,
    present: Tensors | None,
) -> Tensors:
    """The inputs for the new tokens `given`, after `present` if there is any."""
    batch, length = given.shape[:2]
    shape = (batch, config.num_key_value_heads, 0, head_dim(config))
    inputs = {
        tokens: given,
        "attention_mask": mask,
        # Positions count the tokens that are not padding.
        "position_ids": (mask.cumsum(-1) - 1).clamp(min=0)[:, -length:],
    }
    for entry in _entries(config):
        inputs[f"past_key_values.{entry}"] = (
            torch.zeros(shape) if present is None else present[f"present.{entry}"]
        )
    return inputs


def head_dim(config: PretrainedConfig) -> int:
    # Only some configurations state it apart, and some state null.
    stated = getattr(config, "head_dim", None)
    return stated or config.hidden_size // config.num_attention_heads


def _entries(config: PretrainedConfig) -> list[str]:
    layers = range(config.num_hidden_layers)
    return [f"{layer}.{part}" for layer in layers for part in ("key", "value")]
