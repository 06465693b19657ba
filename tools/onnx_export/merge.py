"""One graph for the first and the later steps of a decoder: `decoder_model_merged.onnx`.

Made as the older exporters of the Hub's models made it: an `If` over both graphs, chosen by the
input `use_cache_branch`, with the weights outside, where both see them. The later steps give back
the encoder's keys and values as tensors of no elements: they have not changed.
"""

from __future__ import annotations

import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper

from onnx_export.graph import Tensors

FLAG = "use_cache_branch"


def with_unchanged(inputs: Tensors, later: Tensors) -> Tensors:
    """What the merged graph gives for a later step, from what that step's own graph gives: what
    does not change is without elements."""
    complete = {"logits": later["logits"]}
    for name in inputs:
        if name.startswith("past_key_values."):
            present = name.replace("past_key_values.", "present.", 1)
            _, heads, _, width = inputs[name].shape
            complete[present] = later.get(present, torch.zeros(0, heads, 1, width))
    return complete


def merge(
    first: onnx.ModelProto, later: onnx.ModelProto, inputs: list[str]
) -> onnx.ModelProto:
    """The graph of both; `inputs` in the order that it takes them, `FLAG` among them."""
    weights: dict[tuple, onnx.TensorProto] = {}
    names = [value.name for value in first.graph.output]
    no_cache = _branch(first.graph, "first", names, weights)
    with_cache = _branch(later.graph, "later", names, weights)
    chosen = helper.make_node(
        "If", [FLAG], names, name="If", then_branch=with_cache, else_branch=no_cache
    )
    transposed, kept = _share_transposed(list(weights.values()))
    values = {value.name: value for graph in (later, first) for value in graph.graph.input}
    values[FLAG] = helper.make_tensor_value_info(FLAG, onnx.TensorProto.BOOL, [1])
    graph = helper.make_graph(
        [*transposed, chosen],
        "model",
        [values[name] for name in inputs],
        # The first steps give every output its true shape.
        list(first.graph.output),
        kept,
    )
    return helper.make_model(
        graph, opset_imports=first.opset_import, ir_version=first.ir_version
    )


def _branch(
    graph: onnx.GraphProto, prefix: str, outputs: list[str], weights: dict[tuple, onnx.TensorProto]
) -> onnx.GraphProto:
    """`graph` as a branch: its values renamed so that no two graphs share a name, its weights moved
    to `weights`, where equal ones are kept once, and the missing `outputs` added without elements."""
    renamed = {value.name: value.name for value in graph.input}
    for tensor in graph.initializer:
        content = (tensor.data_type, *tensor.dims, numpy_helper.to_array(tensor).tobytes())
        if content not in weights:
            weights[content] = onnx.TensorProto()
            weights[content].CopyFrom(tensor)
            weights[content].name = f"weight_{len(weights)}"
        renamed[tensor.name] = weights[content].name
    nodes = []
    for node in graph.node:
        if any(attribute.HasField("g") for attribute in node.attribute):
            raise AssertionError(f"{node.name} holds a graph: its values would need renaming")
        copy = onnx.NodeProto()
        copy.CopyFrom(node)
        copy.name = f"{prefix}_{node.name}"
        for output in node.output:
            renamed[output] = f"{prefix}_{output}" if output else ""
        copy.input[:] = [renamed[name] if name else "" for name in node.input]
        copy.output[:] = [renamed[name] for name in node.output]
        nodes.append(copy)
    values = []
    own = {value.name: value for value in graph.output}
    for name in outputs:
        value = onnx.ValueInfoProto()
        if name in own:
            value.CopyFrom(own[name])
            value.name = renamed[name]
        else:
            past = name.replace("present.", "past_key_values.", 1)
            dims = next(it for it in graph.input if it.name == past).type.tensor_type.shape.dim
            empty = np.zeros((0, dims[1].dim_value, 1, dims[3].dim_value), dtype=np.float32)
            constant = numpy_helper.from_array(empty)
            output = f"{prefix}_{name}"
            nodes.append(
                helper.make_node("Constant", [], [output], name=f"{output}_none", value=constant)
            )
            value.CopyFrom(
                helper.make_tensor_value_info(output, onnx.TensorProto.FLOAT, list(empty.shape))
            )
        values.append(value)
    # An input that is an output has no node, which a branch needs.
    produced = {output for node in nodes for output in node.output}
    assert all(value.name in produced for value in values), "an output is an input"
    return helper.make_graph(nodes, prefix, [], values)


def _share_transposed(
    weights: list[onnx.TensorProto],
) -> tuple[list[onnx.NodeProto], list[onnx.TensorProto]]:
    """Nodes that make weights from others that they are the transposition of, and the others.

    The exporter stores a matrix that embeds tokens and also scores them in both directions.
    """
    nodes, kept, arrays = [], [], {}
    for tensor in weights:
        array = numpy_helper.to_array(tensor)
        source = next(
            (name for name, other in arrays.items() if _is_transposed(array, other)), None
        )
        if source is None:
            arrays[tensor.name] = array
            kept.append(tensor)
        else:
            nodes.append(
                helper.make_node(
                    "Transpose",
                    [source],
                    [tensor.name],
                    name=f"Transpose_{tensor.name}",
                    perm=[1, 0],
                )
            )
    return nodes, kept


def _is_transposed(array: np.ndarray, other: np.ndarray) -> bool:
    return (
        array.ndim == 2
        and array.size > 1
        and array.shape == other.shape[::-1]
        and np.array_equal(array, other.T)
    )
