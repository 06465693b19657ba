"""ViT with its classification head."""

from __future__ import annotations

import torch
from transformers import ViTForImageClassification

from onnx_export import random_inputs
from onnx_export.graph import Graph, Tensors


def graphs(model: ViTForImageClassification) -> list[Graph]:
    def run(inputs: Tensors) -> Tensors:
        return {"logits": model(**inputs).logits}

    def example(generator: torch.Generator, extra: int) -> Tensors:
        return random_inputs.pixels(model.config, 2 + extra, generator)

    batch = {0: "batch_size"}
    return [Graph("model", model, run, {"pixel_values": batch, "logits": batch}, example)]
