"""Makes models of the size of published ones, with random weights and what transformers computes
with them: `python tools/real_size.py MODEL ... --out DIR`.

The result has the form of a fixture, in `DIR/<MODEL>/`. See README.md.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "fixtures"))

# Also makes PyTorch the same on every machine, and keeps it from the network.
import make  # noqa: E402, F401  (for what it sets)
import torch  # noqa: E402
import transformers  # noqa: E402
from fixture import Fixture, RealSize  # noqa: E402

IMAGENET = {index: f"LABEL_{index}" for index in range(1000)}

TOWER = {"num_hidden_layers": 12, "projection_dim": 512}

# The name, the fixture that it is made from, its seed, and its size.
MODELS: dict[str, tuple[str, int, RealSize]] = {
    # bert-base-uncased, but for texts of 64 tokens, as the fixture cuts them.
    "bert": (
        "bert",
        1,
        RealSize(
            {
                "vocab_size": 30522,
                "hidden_size": 768,
                "num_hidden_layers": 12,
                "num_attention_heads": 12,
                "intermediate_size": 3072,
                "max_position_embeddings": 512,
            },
            std=0.08,
        ),
    ),
    # vit-base-patch16-224.
    "vit": (
        "vit",
        1,
        RealSize(
            {
                "hidden_size": 768,
                "num_hidden_layers": 12,
                "num_attention_heads": 12,
                "intermediate_size": 3072,
                "image_size": 224,
                "patch_size": 16,
                "id2label": IMAGENET,
                "label2id": {label: index for index, label in IMAGENET.items()},
            },
            std=0.05,
        ),
    ),
    # clip-vit-base-patch32, but for texts of 32 tokens. Its tokenizer stays tiny: the end of a text
    # must be the largest id.
    "clip": (
        "clip",
        1,
        RealSize(
            {
                "text_config": {
                    **TOWER,
                    "vocab_size": 49408,
                    "hidden_size": 512,
                    "num_attention_heads": 8,
                    "intermediate_size": 2048,
                    "max_position_embeddings": 77,
                },
                "vision_config": {
                    **TOWER,
                    "hidden_size": 768,
                    "num_attention_heads": 12,
                    "intermediate_size": 3072,
                    "image_size": 224,
                    "patch_size": 32,
                },
                "projection_dim": 512,
            },
            std=0.05,
        ),
    ),
    # A decoder of a tenth of a billion weights, as the small ones of LLaMA's shape are built.
    "llama": (
        "llama",
        1,
        RealSize(
            {
                "vocab_size": 32000,
                "hidden_size": 768,
                "num_hidden_layers": 12,
                "num_attention_heads": 12,
                "num_key_value_heads": 4,
                "intermediate_size": 2048,
                "max_position_embeddings": 2048,
            },
            std=0.05,
            external_data=True,
        ),
    ),
    # whisper-tiny: `whisper_parts.PUBLISHED` has its tokens, window and positions.
    "whisper": (
        "whisper",
        1,
        RealSize(
            {
                "d_model": 384,
                "encoder_layers": 4,
                "encoder_attention_heads": 6,
                "encoder_ffn_dim": 1536,
                "decoder_layers": 4,
                "decoder_attention_heads": 6,
                "decoder_ffn_dim": 1536,
            },
            std=0.08,
        ),
    ),
}


def main() -> int:
    parser = argparse.ArgumentParser(description="Make random models of published sizes.")
    parser.add_argument("models", nargs="+", metavar="MODEL", help=f"of {', '.join(MODELS)}")
    parser.add_argument("--out", type=Path, required=True, help="each gets a folder in here")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    arguments = parser.parse_args()
    unknown = sorted(set(arguments.models) - set(MODELS))
    if unknown:
        parser.error(f"no such model: {', '.join(unknown)} (known: {', '.join(MODELS)})")
    taken = [str(arguments.out / name) for name in arguments.models if (arguments.out / name).exists()]
    if taken:
        parser.error(f"{', '.join(taken)} exists; remove it or give another --out")

    torch.set_num_threads(arguments.threads)
    transformers.logging.set_verbosity_error()
    arguments.out.mkdir(parents=True, exist_ok=True)
    for name in arguments.models:
        print(f"{name}:", flush=True)
        started = time.monotonic()
        # A model appears whole or not at all.
        with tempfile.TemporaryDirectory(prefix=f".{name}.", dir=arguments.out) as temporary:
            made = Path(temporary) / name
            _make(name, made)
            made.rename(arguments.out / name)
        files = [path for path in (arguments.out / name).rglob("*") if path.is_file()]
        size = sum(path.stat().st_size for path in files) / 1e6
        print(f"  {size:.0f} MB in {time.monotonic() - started:.0f} s", flush=True)
    return 0


def _make(name: str, directory: Path) -> None:
    fixture_name, seed, real_size = MODELS[name]
    module = importlib.import_module(f"models.{fixture_name}")
    module.SEED = seed
    fixture = Fixture(directory, seed, real_size)
    module.make(fixture)
    if not fixture.tasks:
        raise AssertionError(f"{name}: every task was left out; choose another seed")
    fixture.save()


if __name__ == "__main__":
    sys.exit(main())
