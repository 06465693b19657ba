"""Makes the Hub's ONNX layout of a checkpoint: `python tools/export.py MODEL --out DIR`.

MODEL is a folder or a model's name on the Hub. See README.md.
"""

from __future__ import annotations

import argparse
import gc
import json
import shutil
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import onnx
import torch
import transformers
from huggingface_hub import hf_hub_download, list_repo_files
from huggingface_hub.errors import HfHubHTTPError, HFValidationError
from onnx_export import check, kinds, merge, precision, save
from onnx_export.graph import Tensors
from onnx_export.kinds import Kind, Unsupported
from transformers import AutoConfig, AutoTokenizer, PretrainedConfig, PreTrainedModel

# What a model needs beside its weights. `modules.json` and the pooling's configuration are those
# of sentence-transformers.
SMALL_FILES = [
    "1_Pooling/config.json",
    "added_tokens.json",
    "chat_template.jinja",
    "chat_template.json",
    "config_sentence_transformers.json",
    "generation_config.json",
    "merges.txt",
    "modules.json",
    "normalizer.json",
    "preprocessor_config.json",
    "processor_config.json",
    "sentence_bert_config.json",
    "special_tokens_map.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "video_preprocessor_config.json",
    "vocab.json",
    "vocab.txt",
]
# From one of these a missing tokenizer.json can be made.
TOKENIZER_SOURCES = ["spiece.model", "tokenizer.model", "vocab.txt", "merges.txt"]
# How far ONNX Runtime may be from PyTorch in single precision, relative to the largest value of
# an output if that is above one. What differs is the order of sums.
LARGEST_DIFFERENCE = 1e-3
# A checkpoint's seed, if its weights are random, and that of the inputs for checking.
SEED = 0


class Refused(Exception):
    """A request that cannot be met; the message says why and what to do."""


@dataclass(frozen=True)
class Checked:
    """One file: how far ONNX Runtime is from PyTorch in single precision, on random inputs."""

    graph: str
    precision: str
    difference: float
    largest_value: float


def main() -> int:
    arguments = _arguments()
    transformers.logging.set_verbosity_error()
    started = time.monotonic()
    try:
        result = export(arguments)
    except (Refused, Unsupported) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    result["seconds"] = round(time.monotonic() - started, 1)
    if arguments.format == "json":
        print(json.dumps(result, indent=2, sort_keys=True))
    else:
        total = sum(result["files"].values())
        print(f"{result['out']}: {total / 1e6:.1f} MB in {result['seconds']} s")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Make the Hub's ONNX layout of a checkpoint.")
    parser.add_argument("model", metavar="MODEL_OR_DIRECTORY", help="a folder, or a name on the Hub")
    parser.add_argument("--task", help="inferred from config.json if absent")
    parser.add_argument("--out", type=Path, required=True, help="the new model's folder")
    parser.add_argument(
        "--precision", default="fp32", help="fp32, fp16, int8; several with commas between"
    )
    parser.add_argument("--opset", type=int, default=save.OPSET, help="of ONNX (%(default)s)")
    parser.add_argument("--revision", help="a branch, tag or commit on the Hub")
    parser.add_argument(
        "--external-data",
        action="store_true",
        help="put weights into files of their own; done anyway beyond two gigabytes",
    )
    parser.add_argument(
        "--random-weights", action="store_true", help="take only the configuration, no weights"
    )
    parser.add_argument("--seed", type=int, default=SEED, help="of random weights (%(default)s)")
    parser.add_argument("--force", action="store_true", help="replace an earlier export")
    parser.add_argument("--format", choices=["text", "json"], default="text")
    arguments = parser.parse_args()
    arguments.precision = list(dict.fromkeys(arguments.precision.split(",")))
    unknown = sorted(set(arguments.precision) - set(precision.EXPORTED))
    if unknown:
        known = ", ".join(precision.EXPORTED)
        parser.error(f"no such precision: {', '.join(unknown)} (known: {known})")
    return arguments


def export(arguments: argparse.Namespace) -> dict:
    """Does what the arguments say; returns what was made, as `--format json` prints it."""
    _check_target(arguments)
    config = _config(arguments)
    task, kind = kinds.choose(config, arguments.task)
    _progress(f"{arguments.model}: {type(config).__name__}, {task}")
    out = arguments.out.resolve()
    out.parent.mkdir(parents=True, exist_ok=True)
    # Beside the target: moving it there is one step, and needs no second copy.
    with tempfile.TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent) as temporary:
        made = Path(temporary) / "made"
        made.mkdir()
        model = _model(arguments, config, kind)
        _small_files(arguments, config, model, kind, made)
        checked = _graphs(arguments, model, kind, made / "onnx")
        if out.exists():
            out.rename(Path(temporary) / "replaced")
        made.rename(out)
    files = {
        str(path.relative_to(out)): path.stat().st_size
        for path in sorted(out.rglob("*"))
        if path.is_file()
    }
    return {
        "files": files,
        "graphs": [asdict(entry) for entry in checked],
        "model": arguments.model,
        "out": str(arguments.out),
        "task": task,
    }


def _check_target(arguments: argparse.Namespace) -> None:
    out, source = arguments.out.resolve(), Path(arguments.model).resolve()
    if Path(arguments.model).is_dir() and (out == source or out in source.parents):
        raise Refused(f"{arguments.out} holds the checkpoint itself; give another --out")
    if not out.exists():
        return
    if not out.is_dir():
        raise Refused(f"{arguments.out} is a file; give a folder")
    if not any(out.iterdir()):
        return
    if not arguments.force:
        raise Refused(f"{arguments.out} is not empty; --force replaces an earlier export")
    if not ((out / "config.json").is_file() and (out / "onnx").is_dir()):
        raise Refused(
            f"{arguments.out} is not an earlier export (config.json and onnx/ are not both there), "
            "and --force replaces nothing else; give another --out"
        )


def _config(arguments: argparse.Namespace) -> PretrainedConfig:
    try:
        return AutoConfig.from_pretrained(arguments.model, revision=arguments.revision)
    except (OSError, ValueError, HFValidationError) as error:
        raise Refused(f"{arguments.model} has no configuration to read: {_first(error)}") from error


def _model(arguments: argparse.Namespace, config: PretrainedConfig, kind: Kind) -> PreTrainedModel:
    # The attention that is written out in plain operators.
    if arguments.random_weights:
        _progress(f"random weights from seed {arguments.seed}")
        torch.manual_seed(arguments.seed)
        config._attn_implementation = "eager"
        return kind.model(config).float().eval()
    _progress("loading weights")
    try:
        model = kind.model.from_pretrained(
            arguments.model,
            revision=arguments.revision,
            dtype=torch.float32,
            attn_implementation="eager",
        )
    except (OSError, ImportError, ValueError) as error:
        raise Refused(
            f"{arguments.model} cannot be loaded as {kind.model.__name__}: {_first(error)}; "
            "--random-weights needs the configuration only"
        ) from error
    return model.eval()


def _small_files(
    arguments: argparse.Namespace,
    config: PretrainedConfig,
    model: PreTrainedModel,
    kind: Kind,
    made: Path,
) -> None:
    source = Path(arguments.model)
    if source.is_dir():
        found = {name for name in SMALL_FILES + TOKENIZER_SOURCES if (source / name).is_file()}
    else:
        try:
            listed = set(list_repo_files(arguments.model, revision=arguments.revision))
        except HfHubHTTPError as error:
            raise Refused(f"the files of {arguments.model} cannot be listed: {_first(error)}") from error
        found = listed & set(SMALL_FILES + TOKENIZER_SOURCES)

    def local(name: str) -> str:
        if source.is_dir():
            return str(source / name)
        return hf_hub_download(arguments.model, name, revision=arguments.revision)

    for name in ["config.json", *sorted(found & set(SMALL_FILES))]:
        (made / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(local(name), made / name)
    if kind.generates and "generation_config.json" not in found:
        model.generation_config.save_pretrained(made)
    if "tokenizer.json" not in found and found & set(TOKENIZER_SOURCES):
        _progress("converting the tokenizer")
        with tempfile.TemporaryDirectory() as folder:
            tokenizer = AutoTokenizer.from_pretrained(arguments.model, revision=arguments.revision)
            tokenizer.save_pretrained(folder)
            converted = Path(folder) / "tokenizer.json"
            if converted.is_file():
                shutil.copyfile(converted, made / "tokenizer.json")


def _graphs(
    arguments: argparse.Namespace, model: PreTrainedModel, kind: Kind, folder: Path
) -> list[Checked]:
    """Exports every graph in every precision, and compares each with PyTorch in single precision."""
    try:
        graphs = kind.graphs(model)
    except ValueError as error:
        raise Refused(str(error)) from error
    generator = torch.Generator().manual_seed(SEED)
    inputs = {graph.name: graph.example(generator, 1) for graph in graphs}
    expected = {}
    for graph in graphs:
        with torch.no_grad():
            expected[graph.name] = graph.run(inputs[graph.name])

    checked = []
    # Half precision turns the model itself, so it comes last.
    for half in (False, True):
        wanted = [name for name in arguments.precision if (name == "fp16") == half]
        if not wanted:
            continue
        if half:
            precision.halve(model)
        parts: dict[tuple[str, str], onnx.ModelProto] = {}
        for graph in graphs:
            _progress(f"exporting {graph.name}{' in half precision' if half else ''}")
            example = graph.example(torch.Generator().manual_seed(SEED), 0)
            run = precision.half(graph).run if half else graph.run
            made = save.export(graph.model, run, example, graph.axes, arguments.opset)
            # Eight bits first: writing moves the weights out of a graph.
            for name in sorted(wanted, reverse=True):
                part = precision.quantize(made) if name == "int8" else made
                file, runs = graph.name, [(inputs[graph.name], expected[graph.name])]
                if kind.merged and graph.name in kind.merged:
                    parts[graph.name, name] = part
                    file, first, later = kind.merged
                    if graph.name != later:
                        continue
                    runs = _merged_runs(first, later, inputs, expected)
                    order = list(runs[0][0])
                    part = merge.merge(parts.pop((first, name)), parts.pop((later, name)), order)
                path = folder / f"{file}{precision.SUFFIXES[name]}.onnx"
                save.write(part, path, external=arguments.external_data or None)
                del part
                checked.append(_compare(path, file, name, runs))
            del made
            gc.collect()
    return checked


def _merged_runs(
    first: str, later: str, inputs: dict[str, Tensors], expected: dict[str, Tensors]
) -> list[tuple[Tensors, Tensors]]:
    """What to give to the merged file, once for each branch, and what it should answer."""
    batch, states = inputs[first]["input_ids"].shape[0], inputs[first]["encoder_hidden_states"]
    cache = {name: value for name, value in inputs[later].items() if name.startswith("past_")}
    # The first step's cache is there, but empty.
    empty = {
        name: value.new_zeros(batch, value.shape[1], 0, value.shape[3])
        for name, value in cache.items()
    }
    begin = {**inputs[first], **empty, merge.FLAG: torch.tensor([False])}
    go_on = {
        "input_ids": inputs[later]["input_ids"],
        "encoder_hidden_states": states,
        **cache,
        merge.FLAG: torch.tensor([True]),
    }
    return [
        (begin, expected[first]),
        (go_on, merge.with_unchanged(go_on, expected[later])),
    ]


def _compare(
    path: Path, graph: str, wanted: str, runs: list[tuple[Tensors, Tensors]]
) -> Checked:
    worst = largest = 0.0
    for given, answer in runs:
        for name, (difference, value) in check.compare(path, given, answer).items():
            if wanted == "fp32" and not difference <= LARGEST_DIFFERENCE * max(1.0, value):
                raise Refused(f"{path.name}: {name} is off by {difference} of {value}; not kept")
            worst, largest = max(worst, difference), max(largest, value)
    _progress(f"{path.name}: within {worst:.1e} of PyTorch, whose largest value is {largest:.3g}")
    return Checked(graph, wanted, worst, largest)


def _first(error: Exception) -> str:
    """The first line of a message that is often long."""
    return str(error).strip().split("\n", 1)[0]


def _progress(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
