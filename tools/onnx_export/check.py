"""What ONNX Runtime computes with a file, beside what PyTorch computed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime

from onnx_export.graph import Tensors


def run(path: Path, inputs: Tensors, outputs: list[str]) -> dict[str, np.ndarray]:
    """Runs the file on the CPU, on one thread.

    Raises `ValueError` when the file's inputs are not these.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    feeds = {value.name: inputs[value.name].numpy() for value in session.get_inputs()}
    if set(feeds) != set(inputs):
        raise ValueError(f"{path}: the export dropped inputs {set(inputs) - set(feeds)}")
    return dict(zip(outputs, session.run(outputs, feeds)))


def compare(path: Path, inputs: Tensors, expected: Tensors) -> dict[str, tuple[float, float]]:
    """Runs the file on the CPU. For every output: the largest difference from `expected`, and the
    largest value expected.

    Raises `ValueError` when inputs or shapes are not those of PyTorch, or numbers are not finite.
    """
    differences = {}
    for name, actual in run(path, inputs, list(expected)).items():
        reference = expected[name].numpy()
        if actual.shape != reference.shape:
            raise ValueError(f"{path}: {name} is {actual.shape}, not {reference.shape}")
        if not np.isfinite(actual).all():
            raise ValueError(f"{path}: {name} holds values that are not finite")
        if actual.size == 0:
            differences[name] = (0.0, 0.0)
            continue
        worst = float(np.abs(actual - reference).max())
        differences[name] = (worst, float(np.abs(reference).max()))
    return differences
