"""The same graphs with smaller weights."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import onnx
import torch
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_dynamic,
    quantize_static as quantize_with_ranges,
)
from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer

from onnx_export.graph import Graph, Tensors

# The import above turns the root logger's level down, and ONNX Runtime's quantisers tell it of each node.
logging.getLogger().setLevel(logging.ERROR)

# Precisions and what the Hub puts behind a file's name; for `qdq`, eight bits whose ranges are in the
# file, it has no name of its own.
SUFFIXES = {"fp32": "", "fp16": "_fp16", "int8": "_int8", "q4": "_q4", "qdq": "_qdq"}
# Those of them that `export.py` makes: the others are for checking engines.
EXPORTED = ["fp32", "fp16", "int8"]
# Weights that share a scale in four bits.
BLOCK = 32


def half(graph: Graph) -> Graph:
    """`graph` for a model that was turned to half precision: inputs and outputs stay single."""

    return replace(graph, run=half_run(graph.run))


def half_run(run: Callable[[Tensors], Tensors]) -> Callable[[Tensors], Tensors]:
    """`run` of a model that was turned to half precision, from single to single."""

    def through(inputs: Tensors) -> Tensors:
        outputs = run({name: _cast(value, torch.float16) for name, value in inputs.items()})
        return {name: _cast(value, torch.float32) for name, value in outputs.items()}

    return through


def halve(model: torch.nn.Module) -> None:
    """Turns a model to half precision, but for the frequencies of rotary positions: times a position,
    their rounding would be an angle. transformers keeps them too when it loads halves."""
    kept = {name: value for name, value in model.named_buffers() if name.endswith("inv_freq")}
    model.half()
    for name, value in kept.items():
        owner, _, own = name.rpartition(".")
        setattr(model.get_submodule(owner), own, value)


@contextmanager
def halved(model: torch.nn.Module) -> Iterator[None]:
    """The model in half precision, and afterwards as it was."""
    kept = {
        name: value.detach().clone()
        for name, value in [*model.named_parameters(), *model.named_buffers()]
    }
    halve(model)
    try:
        yield
    finally:
        model.float()
        with torch.no_grad():
            for name, value in [*model.named_parameters(), *model.named_buffers()]:
                value.copy_(kept[name])


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
    return _anonymous(quantized)


class _Recorded(CalibrationDataReader):
    """Inputs that the ranges of values are learnt from."""

    def __init__(self, runs: list[Tensors]):
        self.runs = iter(runs)

    def get_next(self) -> dict | None:
        inputs = next(self.runs, None)
        return inputs and {name: value.numpy() for name, value in inputs.items()}


def quantize_static(graph: onnx.ModelProto, runs: list[Tensors]) -> onnx.ModelProto:
    """Operands and results of matrix products in eight bits, by ranges that were seen in `runs`:
    pairs of QuantizeLinear and DequantizeLinear, which engines make into integer operators."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "source.onnx", Path(folder) / "target.onnx"
        onnx.save_model(graph, source)
        quantize_with_ranges(
            source,
            target,
            _Recorded(runs),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=["MatMul", "Gemm"],
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            # See `quantize`.
            reduce_range=True,
            extra_options={"MatMulConstBOnly": True},
        )
        quantized = onnx.load(target)
    return _anonymous(quantized)


def quantize_blocks(graph: onnx.ModelProto) -> onnx.ModelProto:
    """Weights of matrix products in four bits, each block of a column with a scale of its own."""
    quantizer = MatMulNBitsQuantizer(graph, block_size=BLOCK, is_symmetric=True)
    quantizer.process()
    return _anonymous(quantizer.model.model)


def _anonymous(graph: onnx.ModelProto) -> onnx.ModelProto:
    """`graph` without the version of what made it."""
    graph.ClearField("producer_name")
    graph.ClearField("producer_version")
    return graph
