"""Two decoders in one file, as the older exporters merged them."""

from __future__ import annotations

import onnx
from onnx import TensorProto, helper

SWITCH = "use_cache_branch"


def merge(first: onnx.ModelProto, later: onnx.ModelProto) -> onnx.ModelProto:
    """One graph: an `If` on `use_cache_branch`, a boolean of shape [1], over `later` and `first`.

    It takes the inputs of both. Weights that both have lie once in the outer graph. What `first`
    gives and `later` does not, the cross-attention's cache, the branch of `later` passes on as it came.
    """
    shared = _share_weights(first, later)
    outputs = [value.name for value in first.graph.output]
    later_outputs = {value.name for value in later.graph.output}
    passed = [name for name in outputs if name not in later_outputs]

    branches = {}
    for key, model in (("then_branch", later), ("else_branch", first)):
        nodes = list(model.graph.node)
        renamed = {}
        for name in outputs:
            # Values of the two branches and the outer graph must not share names.
            renamed[name] = f"{name}/{key}"
        if key == "then_branch":
            nodes += [
                helper.make_node("Identity", [name.replace("present", "past_key_values")], [name])
                for name in passed
            ]
        nodes = [_rename(node, renamed) for node in nodes]
        values = {value.name: value for value in first.graph.output}
        branches[key] = helper.make_graph(
            nodes,
            key,
            [],
            [
                helper.make_tensor_value_info(
                    renamed[name], values[name].type.tensor_type.elem_type, None
                )
                for name in outputs
            ],
        )
    condition = helper.make_node("Squeeze", [SWITCH, "use_cache_branch/axes"], ["use_cache"])
    choice = helper.make_node("If", ["use_cache"], outputs, **branches)
    inputs = {value.name: value for model in (first, later) for value in model.graph.input}
    # The order of the Hub's files: tokens, states, cache, switch.
    order = sorted(inputs, key=lambda name: name.startswith("past_key_values."))
    switch = helper.make_tensor_value_info(SWITCH, TensorProto.BOOL, [1])
    axes = helper.make_tensor("use_cache_branch/axes", TensorProto.INT64, [1], [0])
    graph = helper.make_graph(
        [condition, choice],
        "model",
        [*(inputs[name] for name in order), switch],
        list(first.graph.output),
        initializer=[*shared, axes],
    )
    for index, node in enumerate(graph.node):
        node.name = f"{node.op_type}_{index}"
    return helper.make_model(graph, opset_imports=first.opset_import, ir_version=first.ir_version)


def _share_weights(
    first: onnx.ModelProto, later: onnx.ModelProto
) -> list[onnx.TensorProto]:
    """Takes the weights out of both graphs and names them anew where the same name means another
    tensor; returns them, each once."""
    shared: dict[bytes, onnx.TensorProto] = {}
    for prefix, model in (("first", first), ("later", later)):
        renamed = {}
        for tensor in model.graph.initializer:
            name = tensor.name
            tensor.name = ""
            content = tensor.SerializeToString(deterministic=True)
            if content not in shared:
                shared[content] = tensor
                tensor.name = f"{prefix}/{name}"
            renamed[name] = shared[content].name
        nodes = [_rename(node, renamed) for node in model.graph.node]
        model.graph.ClearField("node")
        model.graph.node.extend(nodes)
        model.graph.ClearField("initializer")
        # Names of values may not be alike in the branches either.
        values = {output: f"{prefix}/{output}" for node in nodes for output in node.output if output}
        for value in model.graph.output:
            values.pop(value.name, None)
        for node in nodes:
            node.CopyFrom(_rename(node, values))
        model.graph.ClearField("node")
        model.graph.node.extend(nodes)
    return sorted(shared.values(), key=lambda tensor: tensor.name)


def _rename(node: onnx.NodeProto, names: dict[str, str]) -> onnx.NodeProto:
    if any(attribute.type == onnx.AttributeProto.GRAPH for attribute in node.attribute):
        raise ValueError(f"{node.op_type} within a decoder holds graphs, which are not merged")
    copy = onnx.NodeProto()
    copy.CopyFrom(node)
    for field in (copy.input, copy.output):
        new = [names.get(name, name) for name in field]
        del field[:]
        field.extend(new)
    return copy
