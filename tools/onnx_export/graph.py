"""What a graph is before it becomes a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch

Tensors = dict[str, torch.Tensor]
Axes = Mapping[str, Mapping[int, str]]


@dataclass(frozen=True)
class Graph:
    """One ONNX file: what computes it, and how its inputs look.

    `run` maps named inputs to named outputs and uses the weights of `model`; `axes` names the dynamic
    axes of both. `example` makes inputs from random numbers, with dynamic sizes that are larger by
    its second argument; no two of its sizes are alike, and none is one, or the exporter would take
    them for equal or constant.
    """

    name: str
    model: torch.nn.Module
    run: Callable[[Tensors], Tensors]
    axes: Axes
    example: Callable[[torch.Generator, int], Tensors]
