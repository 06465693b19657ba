"""Random inputs of the usual kinds."""

from __future__ import annotations

import torch
from transformers import PretrainedConfig

from onnx_export.graph import Tensors


def token_ids(vocabulary: int, shape: tuple[int, int], generator: torch.Generator) -> torch.Tensor:
    # The first ids are often special.
    return torch.randint(min(3, vocabulary - 1), vocabulary, shape, generator=generator)


def mask(batch: int, length: int, left: bool = False) -> torch.Tensor:
    """All ones, but for two places of padding in the first row."""
    values = torch.ones(batch, length, dtype=torch.int64)
    if left:
        values[0, :2] = 0
    else:
        values[0, -2:] = 0
    return values


def texts(vocabulary: int, batch: int, length: int, generator: torch.Generator) -> Tensors:
    return {
        "input_ids": token_ids(vocabulary, (batch, length), generator),
        "attention_mask": mask(batch, length),
    }


def pixels(config: PretrainedConfig, batch: int, generator: torch.Generator) -> Tensors:
    """Images of the one size that a vision tower takes."""
    size = config.image_size
    height, width = (size, size) if isinstance(size, int) else size
    channels = getattr(config, "num_channels", 3)
    return {"pixel_values": torch.randn(batch, channels, height, width, generator=generator)}
