"""Writes the ONNX project's own backend tests: `python tools/operator_cases.py OUT_DIR [--check]`.

These are the cases of one operator that `onnx.backend.test.case.node` makes (about 1 900), and
the small models that the package brings: `simple`, `pytorch-converted`, `pytorch-operator`.
Nothing of them is committed; `cargo test -p accel-runtime --features testkit --test operators`
runs them through every engine of the machine when ACCEL_OPERATOR_CASES names OUT_DIR.

OUT_DIR gets `index.json`, a list of cases, and a folder a case with `model.onnx` and
`values.safetensors`. A case of the index has

    name, kind      its folder, and where it comes from
    operators       the operators of its graph, bodies and functions, each once, sorted
    rtol, atol      as numpy.testing.assert_allclose takes them
    undetermined    whether ONNX leaves the result to chance: only types and shapes are compared
    inputs, outputs for every value that is given or expected: `name`, `type` (ONNX's name of it),
                    `form` (tensor, sequence, optional, map) and for a tensor of numbers `key`,
                    its name in `values.safetensors`

Types that safetensors does not have are stored in the next wider one that holds them exactly:
half precision and narrower floats as F32, integers of 4 bits and less as I8. Texts, complex
numbers and whatever is not a tensor have no `key`.

The newest operator set's cases are in files of IR version 14, which no engine reads yet and
nothing in them needs. They are written as version 13, so that it is the operators that are tried.

Without --check, an OUT_DIR that is complete is left as it is. With it, the cases are made anew
and compared byte for byte.

Needs the packages of requirements-operators.txt, and no network.
"""

from __future__ import annotations

import argparse
import filecmp
import json
import sys
import tempfile
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import AttributeProto, ModelProto, NodeProto, TensorProto, TypeProto, ValueInfoProto
from onnx.backend.test.case.node import collect_testcases
from safetensors.numpy import save

VERSION = "1.23.2"
SHIPPED = ("simple", "pytorch-converted", "pytorch-operator")
# The tolerances of onnx.backend.test.loader for models of files.
RTOL, ATOL = 1e-3, 1e-7
IR_VERSION = 13
STORED = {np.dtype(name) for name in (
    "bool", "uint8", "int8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64",
)}  # fmt: skip
RANDOM = {"Bernoulli", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Multinomial"}


@dataclass
class Case:
    name: str
    kind: str
    model: ModelProto
    inputs: list[Any]
    outputs: list[Any]
    rtol: float
    atol: float


def node_cases() -> Iterator[Case]:
    with warnings.catch_warnings():
        # The cases of casts overflow on purpose.
        warnings.simplefilter("ignore", RuntimeWarning)
        cases = collect_testcases(None)
    for case in cases:
        for number, (inputs, outputs) in enumerate(case.data_sets):
            name = case.name if number == 0 else f"{case.name}_{number}"
            yield Case(name, case.kind, case.model, list(inputs), list(outputs), case.rtol, case.atol)


def shipped_cases() -> Iterator[Case]:
    data = Path(onnx.__file__).parent / "backend/test/data"
    for kind in SHIPPED:
        for folder in sorted(path for path in (data / kind).iterdir() if path.is_dir()):
            model = onnx.load(folder / "model.onnx")
            for number, values in enumerate(sorted(folder.glob("test_data_set_*"))):
                name = f"{kind}_{folder.name}" + (f"_{number}" if number else "")
                inputs = read(values, "input", given(model))
                outputs = read(values, "output", model.graph.output)
                yield Case(name, kind, model, inputs, outputs, RTOL, ATOL)


def given(model: ModelProto) -> list[ValueInfoProto]:
    constants = {tensor.name for tensor in model.graph.initializer}
    return [value for value in model.graph.input if value.name not in constants]


def read(folder: Path, what: str, declared: Iterable[ValueInfoProto]) -> list[Any]:
    values = []
    for number, value in enumerate(declared):
        file = folder / f"{what}_{number}.pb"
        if value.type.WhichOneof("value") != "tensor_type":
            values.append(file.read_bytes())
            continue
        tensor = TensorProto()
        tensor.ParseFromString(file.read_bytes())
        values.append(tensor)
    return values


def nodes(parts: Iterable[NodeProto]) -> Iterator[NodeProto]:
    for node in parts:
        yield node
        for attribute in node.attribute:
            if attribute.type == AttributeProto.GRAPH:
                yield from nodes(attribute.g.node)


def operators(model: ModelProto) -> list[str]:
    parts = [model.graph, *model.functions]
    return sorted({node.op_type for part in parts for node in nodes(part.node)})


def type_name(kind: TypeProto) -> tuple[str, str]:
    """The form of a value and its elements' type."""
    form = kind.WhichOneof("value")
    if form == "tensor_type":
        return "tensor", TensorProto.DataType.Name(kind.tensor_type.elem_type)
    if form == "map_type":
        return "map", TensorProto.DataType.Name(kind.map_type.key_type)
    inner = kind.sequence_type.elem_type if form == "sequence_type" else kind.optional_type.elem_type
    return form.removesuffix("_type"), type_name(inner)[1]


def elements(value: Any) -> np.ndarray | None:
    """The value as safetensors can hold it, or nothing."""
    array = onnx.numpy_helper.to_array(value) if isinstance(value, TensorProto) else np.asarray(value)
    if array.dtype not in STORED:
        if array.dtype.kind in "OUSc":
            return None
        # What ml_dtypes adds tells its kind by its name.
        array = array.astype(np.int8 if "int" in array.dtype.name else np.float32)
    # Not ascontiguousarray, which gives a scalar a dimension.
    return np.array(array, order="C")


def describe(
    what: str, declared: Iterable[ValueInfoProto], values: list[Any], stored: dict[str, np.ndarray]
) -> list[dict[str, Any]]:
    described = []
    for number, (info, value) in enumerate(zip(declared, values, strict=True)):
        form, kind = type_name(info.type)
        entry = {"name": info.name, "form": form, "type": kind}
        array = elements(value) if form == "tensor" else None
        if array is not None:
            entry["key"] = f"{what}_{number}"
            stored[entry["key"]] = array
        described.append(entry)
    return described


def undetermined(model: ModelProto) -> bool:
    """Whether a result is left to chance. A ratio of zero drops nothing, whatever is drawn."""
    if RANDOM & set(operators(model)):
        return True
    return any(
        node.op_type == "Dropout" and len(node.input) > 2 and node.input[2] and "zero_ratio" not in model.graph.name
        for node in model.graph.node
    )


def write(case: Case, folder: Path) -> dict[str, Any]:
    """Writes a case's files; its entry of the index."""
    stored: dict[str, np.ndarray] = {}
    entry = {
        "name": case.name,
        "kind": case.kind,
        "operators": operators(case.model),
        "rtol": case.rtol,
        "atol": case.atol,
        "undetermined": undetermined(case.model),
        "inputs": describe("input", given(case.model), case.inputs, stored),
        "outputs": describe("output", case.model.graph.output, case.outputs, stored),
    }
    case.model.ir_version = min(case.model.ir_version, IR_VERSION)
    (folder / case.name).mkdir(parents=True)
    (folder / case.name / "model.onnx").write_bytes(case.model.SerializeToString(deterministic=True))
    (folder / case.name / "values.safetensors").write_bytes(save(stored))
    return entry


def make(folder: Path) -> int:
    index = [write(case, folder) for case in (*node_cases(), *shipped_cases())]
    # Last: where it is, everything is.
    (folder / "index.json").write_text(json.dumps(index, indent=0))
    return len(index)


def differences(made: Path, there: Path) -> list[str]:
    names = {str(path.relative_to(folder)) for folder in (made, there) for path in folder.rglob("*") if path.is_file()}
    same, *other = filecmp.cmpfiles(made, there, names, shallow=False)
    return sorted(name for group in other for name in group)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, metavar="OUT_DIR")
    parser.add_argument("--check", action="store_true", help="make them anew and compare")
    arguments = parser.parse_args()
    if onnx.__version__ != VERSION:
        sys.exit(f"the cases are those of onnx {VERSION}, and {onnx.__version__} is installed")
    if arguments.check:
        with tempfile.TemporaryDirectory() as folder:
            count = make(Path(folder))
            different = differences(Path(folder), arguments.out)
        if different:
            sys.exit(f"{len(different)} files differ: {', '.join(different[:10])}")
        print(f"{count} cases are as they should be")
    elif (arguments.out / "index.json").is_file():
        print("the cases are there already")
    else:
        print(f"{make(arguments.out)} cases")


if __name__ == "__main__":
    main()
