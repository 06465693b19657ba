"""DETR: boxes in images of any size."""

from __future__ import annotations

import torch
from transformers import DetrForObjectDetection

from onnx_export.graph import Graph, Tensors


def graphs(model: DetrForObjectDetection) -> list[Graph]:
    def run(inputs: Tensors) -> Tensors:
        output = model(**inputs)
        return {"logits": output.logits, "pred_boxes": output.pred_boxes}

    def example(generator: torch.Generator, extra: int) -> Tensors:
        batch, height, width = 2 + extra, 96 + 32 * extra, 128 + 32 * extra
        mask = torch.ones(batch, height, width, dtype=torch.int64)
        mask[0, height // 2 :] = 0
        pixels = torch.randn(batch, 3, height, width, generator=generator)
        return {"pixel_values": pixels * mask[:, None], "pixel_mask": mask}

    axes = {
        "pixel_values": {0: "batch_size", 2: "height", 3: "width"},
        "pixel_mask": {0: "batch_size", 1: "height", 2: "width"},
        "logits": {0: "batch_size"},
        "pred_boxes": {0: "batch_size"},
    }
    return [Graph("model", model, run, axes, example)]
