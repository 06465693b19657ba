"""Times whole tasks beside Python's ONNX Runtime and transformers, on the same models and machine.

    python tools/real_size.py bert vit clip llama whisper --out real_size
    cargo build --release -p generated --benches
    python tools/compare_speed.py real_size --threads 2

Each row is one task from raw input to final answer: a sentence to a normalised vector, an image
file to a label or a vector, a prompt to new tokens, a sound file to tokens. Both sides get the
same file or text and must come to the same answer, or the row is an error. They run in turn,
process by process, and the medians of all runs are compared. What is Python's is written as a
careful user would: the session's threads set, caches kept as ONNX Runtime's own values.

`around` is what a skill takes outside of its engine's runs, in per cent of these.
`memory` is the peak of the whole process, divided by the bytes of the graphs' files.

Needs the packages of fixtures/requirements.txt.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np

MODELS = ("bert", "vit", "clip", "llama", "whisper")
SENTENCE = "The harbour is quiet in the morning, and the boats wait for the tide. "
TEMPLATE = "{:<9}{:>12}{:>12}{:>8}{:>12}{:>9}{:>9}"


def session(path: Path, threads: int):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def bert(folder: Path, text: str, threads: int, _tokens: int) -> Callable[[], str]:
    from transformers import AutoTokenizer

    graph = session(folder / "onnx/model.onnx", threads)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    names = {value.name for value in graph.get_inputs()}

    def run() -> str:
        encoded = tokenizer([text], padding=True, truncation=True, return_tensors="np")
        feeds = {name: encoded[name] for name in names}
        hidden = graph.run(["last_hidden_state"], feeds)[0]
        mask = encoded["attention_mask"][..., None].astype(np.float32)
        vector = (hidden * mask).sum(1) / mask.sum(1)
        vector /= np.linalg.norm(vector, axis=-1, keepdims=True)
        return f"{vector[0, 0]:.3f}"

    return run


def vit(folder: Path, path: str, threads: int, _tokens: int) -> Callable[[], str]:
    from transformers import AutoConfig, ViTImageProcessorPil
    from transformers.image_utils import load_image

    graph = session(folder / "onnx/model.onnx", threads)
    processor = ViTImageProcessorPil.from_pretrained(folder)
    labels = AutoConfig.from_pretrained(folder).id2label

    def run() -> str:
        pixels = processor(load_image(path), return_tensors="np")["pixel_values"]
        logits = graph.run(["logits"], {"pixel_values": pixels})[0][0]
        scores = np.exp(logits - logits.max())
        return labels[int((scores / scores.sum()).argmax())]

    return run


def clip(folder: Path, path: str, threads: int, _tokens: int) -> Callable[[], str]:
    from transformers import CLIPImageProcessorPil
    from transformers.image_utils import load_image

    graph = session(folder / "onnx/model.onnx", threads)
    processor = CLIPImageProcessorPil.from_pretrained(folder)
    # The graph wants a text as well; the shortest there is.
    text = np.zeros((1, 1), np.int64)

    def run() -> str:
        pixels = processor(load_image(path), return_tensors="np")["pixel_values"]
        feeds = {"input_ids": text, "attention_mask": text + 1, "pixel_values": pixels}
        vector = graph.run(["image_embeds"], feeds)[0][0]
        return f"{(vector / np.linalg.norm(vector))[0]:.3f}"

    return run


def llama(folder: Path, text: str, threads: int, tokens: int) -> Callable[[], str]:
    import onnxruntime
    from transformers import AutoConfig, AutoTokenizer

    graph = session(folder / "onnx/model.onnx", threads)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    config = AutoConfig.from_pretrained(folder)
    ends = config.eos_token_id if isinstance(config.eos_token_id, list) else [config.eos_token_id]
    past = [value for value in graph.get_inputs() if value.name.startswith("past_key_values.")]
    presents = [value.name.replace("past_key_values.", "present.") for value in past]
    value = onnxruntime.OrtValue.ortvalue_from_numpy

    def run() -> str:
        fresh = tokenizer(text, return_tensors="np")["input_ids"]
        seen, new = 0, []
        empty = [
            value(np.zeros([1 if i == 0 else d if isinstance(d, int) else 0
                            for i, d in enumerate(it.shape)], np.float32))
            for it in past
        ]
        cache = dict(zip((it.name for it in past), empty))
        while True:
            length = fresh.shape[1]
            feeds = {
                "input_ids": value(fresh),
                "attention_mask": value(np.ones((1, seen + length), np.int64)),
                "position_ids": value(np.arange(seen, seen + length)[None]),
                **cache,
            }
            logits, *kept = graph.run_with_ort_values(["logits", *presents], feeds)
            seen += length
            cache = dict(zip((it.name for it in past), kept))
            token = int(logits.numpy()[0, -1].argmax())
            new.append(token)
            if token in ends or len(new) == tokens:
                return str(new)
            fresh = np.array([[token]], np.int64)

    return run


def whisper(folder: Path, path: str, threads: int, tokens: int) -> Callable[[], str]:
    import onnxruntime
    from transformers import GenerationConfig, WhisperFeatureExtractor

    encoder = session(folder / "onnx/encoder_model.onnx", threads)
    decoder = session(folder / "onnx/decoder_model_merged.onnx", threads)
    extractor = WhisperFeatureExtractor.from_pretrained(folder)
    generation = GenerationConfig.from_pretrained(folder)
    past = [it for it in decoder.get_inputs() if it.name.startswith("past_key_values.")]
    presents = [it.name.replace("past_key_values.", "present.") for it in past]
    value = onnxruntime.OrtValue.ortvalue_from_numpy
    prompt = [
        generation.decoder_start_token_id,
        generation.lang_to_id["<|en|>"],
        generation.task_to_id["transcribe"],
        generation.no_timestamps_token_id,
    ]

    def run() -> str:
        with wave.open(path) as file:
            frames = np.frombuffer(file.readframes(file.getnframes()), np.int16)
            rate = file.getframerate()
        samples = frames.astype(np.float32) / 2**15
        features = extractor(samples, sampling_rate=rate, return_tensors="np")["input_features"]
        hidden = value(encoder.run(None, {"input_features": features})[0])
        cache, seen, new, fresh = {}, 0, [], np.array([prompt], np.int64)
        for it in past:
            heads, width = it.shape[1], it.shape[3]
            cache[it.name] = value(np.zeros((1, heads, 0, width), np.float32))
        while True:
            feeds = {
                "input_ids": value(fresh),
                "encoder_hidden_states": hidden,
                "use_cache_branch": value(np.array([seen > 0])),
                **cache,
            }
            logits, *kept = decoder.run_with_ort_values(["logits", *presents], feeds)
            for it, present in zip(past, kept):
                # The second branch does not give the encoder's part again.
                if ".decoder." in it.name or seen == 0:
                    cache[it.name] = present
            seen += fresh.shape[1]
            scores = logits.numpy()[0, -1].copy()
            scores[generation.suppress_tokens or []] = -math.inf
            if not new:
                scores[generation.begin_suppress_tokens or []] = -math.inf
            token = int(scores.argmax())
            new.append(token)
            if token == generation.eos_token_id or len(new) == tokens:
                return str(new)
            fresh = np.array([[token]], np.int64)

    return run


def child(arguments: argparse.Namespace) -> None:
    """Python's side of one row, in a process of its own: prints one JSON line."""
    import resource

    start = time.perf_counter()
    task = globals()[arguments.child](
        arguments.models / arguments.child, arguments.input, arguments.threads, arguments.tokens
    )
    load_ms = (time.perf_counter() - start) * 1e3
    result, total_ms = task(), []
    for _ in range(arguments.runs):
        start = time.perf_counter()
        task()
        total_ms.append((time.perf_counter() - start) * 1e3)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"result": result, "load_ms": load_ms, "total_ms": total_ms, "peak": peak}))


def write_inputs(folder: Path) -> dict[str, str]:
    """A text of about 128 tokens, a photograph-like image, ten seconds of sound."""
    from PIL import Image

    rng = np.random.default_rng(0)
    coarse = Image.fromarray(rng.integers(0, 256, (24, 32, 3), dtype=np.uint8))
    image = folder / "image.png"
    coarse.resize((640, 480), Image.Resampling.BICUBIC).save(image)
    sound = folder / "sound.wav"
    seconds = np.arange(10 * 16000) / 16000
    samples = 0.3 * np.sin(2 * np.pi * (200 + 150 * seconds) * seconds)
    with wave.open(str(sound), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16000)
        file.writeframes((samples * 2**15).astype(np.int16).tobytes())
    return {
        "bert": SENTENCE * 8,
        "llama": SENTENCE * 2,
        "vit": str(image),
        "clip": str(image),
        "whisper": str(sound),
    }


def last_line(command: list[str], environment: dict[str, str]) -> dict:
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)}\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def weights_bytes(folder: Path) -> int:
    return sum(file.stat().st_size for file in (folder / "onnx").iterdir())


def compare(arguments: argparse.Namespace) -> None:
    root = Path(__file__).resolve().parent.parent
    threads = {"OMP_NUM_THREADS": str(arguments.threads), "TOKENIZERS_PARALLELISM": "false"}
    environment = {**os.environ, **threads, "HF_HUB_OFFLINE": "1"}
    present = [name for name in MODELS if (arguments.models / name).is_dir()]
    if not present:
        raise SystemExit(f"{arguments.models} holds none of {', '.join(MODELS)}")
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        inputs = write_inputs(Path(folder))
        for name in present:
            ours: dict[str, list[float]] = {"total_ms": [], "engine_ms": []}
            theirs: list[float] = []
            common = [inputs[name], str(arguments.runs), str(arguments.threads)]
            for _ in range(arguments.rounds):
                line = last_line(
                    ["cargo", "bench", "--quiet", "--package", "generated", "--bench", "skills",
                     "--manifest-path", str(root / "Cargo.toml"), "--",
                     name, str(arguments.models / name), *common, str(arguments.tokens)],
                    environment,
                )  # fmt: skip
                ours["total_ms"] += line["total_ms"]
                ours["engine_ms"] += line["engine_ms"]
                other = last_line(
                    [sys.executable, __file__, str(arguments.models), "--child", name,
                     "--input", common[0], "--runs", common[1], "--threads", common[2],
                     "--tokens", str(arguments.tokens)],
                    environment,
                )  # fmt: skip
                theirs += other["total_ms"]
                if line["result"] != other["result"]:
                    raise SystemExit(f"{name}: {line['result']} here, {other['result']} in Python")
            total, engine = (statistics.median(ours[key]) for key in ("total_ms", "engine_ms"))
            around = statistics.median(
                whole / inside - 1 for whole, inside in zip(ours["total_ms"], ours["engine_ms"])
            )
            size = weights_bytes(arguments.models / name)
            rows.append(
                {
                    "model": name,
                    "skill_ms": total,
                    "python_ms": statistics.median(theirs),
                    "ratio": total / statistics.median(theirs),
                    "engine_ms": engine,
                    "around_percent": 100 * around,
                    "weights_bytes": size,
                    "peak_rss_bytes": line["peak_rss_bytes"],
                    "memory_ratio": (line["peak_rss_bytes"] or math.nan) / size,
                }
            )
            if arguments.format == "table":
                if len(rows) == 1:
                    print(TEMPLATE.format("model", "skill ms", "Python ms", "ratio", "engine ms",
                                          "around", "memory"))  # fmt: skip
                row = rows[-1]
                print(
                    TEMPLATE.format(
                        name,
                        f"{row['skill_ms']:.1f}",
                        f"{row['python_ms']:.1f}",
                        f"{row['ratio']:.2f}",
                        f"{row['engine_ms']:.1f}",
                        f"{row['around_percent']:.1f} %",
                        f"{row['memory_ratio']:.2f}",
                    ),
                    flush=True,
                )
    if arguments.format == "json":
        print(json.dumps({"threads": arguments.threads, "rows": rows}, indent=2))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("models", type=Path, help="the folder that real_size.py wrote")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--runs", type=int, default=5, help="runs in each process")
    parser.add_argument("--rounds", type=int, default=3, help="processes of each side, in turn")
    parser.add_argument("--tokens", type=int, default=32, help="tokens that decoders generate")
    parser.add_argument("--format", choices=("table", "json"), default="table")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--input", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        child(arguments)
    else:
        compare(arguments)


if __name__ == "__main__":
    main()
