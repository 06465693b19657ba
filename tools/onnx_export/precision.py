"""The same graphs with smaller weights."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import onnx
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic

from onnx_export.graph import Graph, Tensors

# Precisions and what the Hub puts behind a file's name.
SUFFIXES = {"fp32": "", "fp16": "_fp16", "int8": "_int8"}


def half(graph: Graph) -> Graph:
    """`graph` for a model that was turned to half precision: inputs and outputs stay single."""

    def run(inputs: Tensors) -> Tensors:
        outputs = graph.run({name: _cast(value, torch.float16) for name, value in inputs.items()})
        return {name: _cast(value, torch.float32) for name, value in outputs.items()}

    return replace(graph, run=run)


def _cast(value: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    return value.to(dtype) if value.is_floating_point() else value


def quantize(graph: onnx.ModelProto) -> onnx.ModelProto:
    """Weights of matrix products in eight bits, and their other operand as well, while running."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "source.onnx", Path(folder) / "target.onnx"
        onnx.save_model(graph, source, save_as_external_data=True, location="source.onnx_data")
        # Saving has moved the weights out.
        onnx.load_external_data_for_model(graph, folder)
        quantize_dynamic(
            source,
            target,
            op_types_to_quantize=["MatMul"],
            weight_type=QuantType.QInt8,
            # Seven bits of the eight: x86 CPUs without VNNI add pairs of products in 16 bits, which
            # overflow otherwise, silently.
            reduce_range=True,
            # Products of two activations stay as they are.
            extra_options={"MatMulConstBOnly": True},
            use_external_data_format=True,
        )
        quantized = onnx.load(target)
    quantized.ClearField("producer_name")
    quantized.ClearField("producer_version")
    return quantized
