"""PyTorch to ONNX: export, clean up, and where large weights lie."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable
from pathlib import Path

import onnx
import torch

from onnx_export.graph import Axes, Tensors

OPSET = 18
# What one protobuf file can hold is two gigabytes, with some room for the graph itself.
LARGEST_FILE = 2**31 - 2**26
# Weights below this many bytes stay in the graph: engines look into small constants.
SMALLEST_EXTERNAL = 1024

# The exporter logs each of its passes.
logging.getLogger("torch.onnx").setLevel(logging.ERROR)


class _ByName(torch.nn.Module):
    """Adapts `run`, which maps named tensors to named tensors, to positional tensors."""

    def __init__(self, model: torch.nn.Module, run: Callable[[Tensors], Tensors], names: list[str]):
        super().__init__()
        self.model = model
        self.run = run
        self.names = names

    def forward(self, *tensors: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return tuple(self.run(dict(zip(self.names, tensors))).values())


def export(
    model: torch.nn.Module,
    run: Callable[[Tensors], Tensors],
    example: Tensors,
    axes: Axes,
    opset: int = OPSET,
) -> onnx.ModelProto:
    """The graph of `run`, weights included.

    `example` names the inputs in their order, the result of `run` names the outputs. `axes` names
    the dynamic axes of inputs and outputs. Sizes in `example` should differ from each other, and
    from one, or the exporter takes them for equal or constant.
    """
    with torch.no_grad():
        outputs = list(run(example))
    dynamic = tuple(
        {axis: torch.export.Dim.DYNAMIC for axis in axes.get(name, {})} for name in example
    )
    with torch.no_grad():
        program = torch.onnx.export(
            _ByName(model, run, list(example)).eval(),
            tuple(example.values()),
            dynamo=True,
            opset_version=opset,
            input_names=list(example),
            output_names=outputs,
            # `forward` has one variadic argument, which holds all inputs.
            dynamic_shapes=(dynamic,),
            optimize=True,
            verbose=False,
        )
    # Through a file: a graph with its weights may be larger than one message can be.
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        program.save(path)
        graph = onnx.load(path)
    _clean(graph, axes)
    return graph


def write(graph: onnx.ModelProto, path: Path, external: bool | None = None) -> None:
    """Writes `graph` to `path`, and its weights beside it into `<name>.onnx_data` if they are
    `external`; without a word on that, if they are too large for one file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if external is None:
        external = weight_bytes(graph) > LARGEST_FILE
    if not external:
        onnx.checker.check_model(graph, full_check=True)
        path.write_bytes(graph.SerializeToString(deterministic=True))
        return
    # This moves the weights out of `graph` itself.
    onnx.save_model(
        graph,
        path,
        save_as_external_data=True,
        all_tensors_to_one_file=True,
        location=f"{path.name}_data",
        size_threshold=SMALLEST_EXTERNAL,
    )
    # Written for its owner alone, unlike every other file.
    path.with_name(f"{path.name}_data").chmod(path.stat().st_mode)
    onnx.checker.check_model(str(path))


def weight_bytes(graph: onnx.ModelProto) -> int:
    return sum(len(tensor.raw_data) for tensor in graph.graph.initializer)


def _clean(model: onnx.ModelProto, axes: Axes) -> None:
    """Names the axes and removes everything that computes nothing.

    The exporter's metadata (stack traces, the version of PyTorch, shapes of every value) triples
    the size of a small file and would make it depend on where it was made.
    """
    graph = model.graph
    for value in [*graph.input, *graph.output]:
        for axis, name in axes.get(value.name, {}).items():
            value.type.tensor_type.shape.dim[axis].dim_param = name
    for message in [model, graph, *graph.node, *graph.input, *graph.output, *graph.initializer]:
        message.ClearField("doc_string")
        message.ClearField("metadata_props")
    model.ClearField("producer_name")
    model.ClearField("producer_version")
    graph.ClearField("value_info")
    graph.name = "model"
    for index, node in enumerate(graph.node):
        node.name = f"{node.op_type}_{index}"
    initializers = sorted(graph.initializer, key=lambda tensor: tensor.name)
    graph.ClearField("initializer")
    graph.initializer.extend(initializers)

    if len(model.functions) > 0:
        raise AssertionError("the graph holds functions: not every engine inlines them")
