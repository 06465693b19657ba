"""wav2vec 2.0 with its head over characters."""

from __future__ import annotations

import torch
from transformers import Wav2Vec2ForCTC

from onnx_export.graph import Graph, Tensors


def graphs(model: Wav2Vec2ForCTC) -> list[Graph]:
    """`input_values` to `logits`. Sounds of a batch are equally long: the models with group norm,
    such as the base ones, take no mask, and the others' is not exported."""

    def run(inputs: Tensors) -> Tensors:
        return {"logits": model(inputs["input_values"]).logits}

    def example(generator: torch.Generator, extra: int) -> Tensors:
        samples = 6000 + 1700 * extra
        return {"input_values": torch.randn(2 + extra, samples, generator=generator)}

    axes = {
        "input_values": {0: "batch_size", 1: "sequence_length"},
        "logits": {0: "batch_size", 1: "frames"},
    }
    return [Graph("model", model, run, axes, example)]
