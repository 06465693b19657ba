"""Writes what the rules of accel-core's `estimate` are held against.

    python tools/parameter_counts.py

Three files, all made from transformers alone, without a download and without allocating weights
(every model is built on PyTorch's meta device):

- `crates/accel-core/src/estimate/defaults.tsv`: the defaults of every configuration class that the
  rules read, since a `config.json` may leave out what equals them.
- `crates/accel-core/tests/estimate/counts.json`: configurations with the exact number of distinct
  parameters: defaults, published shapes and random dimensions.
- `crates/accel-core/tests/estimate/counts_held_out.json`: random dimensions from another seed, for
  a last check: rules are not to be written while looking at them.

Parameters that are shared (tied) count once; buffers do not count. Needs requirements-export.txt.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import random
from pathlib import Path

import torch
import transformers
from parameter_specs import SPECS, SUB_CONFIGS, PUBLISHED, vary
from transformers import AutoConfig
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

ROOT = Path(__file__).resolve().parent.parent / "crates" / "accel-core"
VARIATIONS = 6
# Keys whose names say that no weight's shape depends on them.
IRRELEVANT = (
    "drop token_id init_range initializer _eps eps act_fn loss cost coeff prob rope theta cache "
    "transformers_version dtype chunk return_ output_hidden output_attentions problem_type "
    "label2id id2label is_encoder_decoder temperature scal softcapping layerdrop mask_time "
    "mask_feature pretraining_tp architectures router_ norm_topk alpha beam bos eos pad_ "
    "begin_suppress suppress forced_ max_length num_frozen median batch_norm_ apply_spec "
    "num_negatives diversity tdnn xvector ctc_ reduction gradient amp use_return hop_length "
    "sampling_rate sample_rate prefix"
).split()
LLAVA_TOWER = [
    "hidden_size",
    "image_size",
    "intermediate_size",
    "num_attention_heads",
    "num_channels",
    "num_hidden_layers",
    "patch_size",
]
# Texts that decide on shapes.
TEXTS = {
    "attention_type",
    "feed_forward_proj",
    "fusion_type",
    "layer_type",
    "position_embedding_type",
}
KEPT = {
    "layer_scale_init_value",
    "layerscale_value",
    "mask_time_prob",
    "mask_feature_prob",
    "feat_extract_norm",
    "add_final_layer_norm",
    "scale_embedding",
    "qk_rope_head_dim",
    "max_length",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", help="a model type, printed and not written")
    arguments = parser.parse_args()
    transformers.logging.set_verbosity_error()
    if arguments.only:
        for case in cases(random.Random(5), [arguments.only], fixed=True):
            print(json.dumps(case))
        return
    (ROOT / "src/estimate/defaults.tsv").write_text(defaults())
    target = ROOT / "tests/estimate"
    target.mkdir(parents=True, exist_ok=True)
    write(target / "counts.json", cases(random.Random(5), SPECS, fixed=True))
    write(target / "counts_held_out.json", cases(random.Random(1105), SPECS, fixed=False))


def write(path: Path, found: list[dict]) -> None:
    lines = ",\n".join(json.dumps(it, sort_keys=True) for it in found)
    path.write_text(f"[\n{lines}\n]\n")
    print(f"{path.name}: {len(found)} configurations")


def cases(rng: random.Random, types: list[str], fixed: bool) -> list[dict]:
    """Configurations as a `config.json` holds them, each with its count."""
    found = []
    for model_type in types:
        architectures, dimensions = SPECS[model_type]
        if fixed:
            for architecture in architectures:
                found.append(case("default", model_type, architecture, {}))
                if "?tie_word_embeddings" in dimensions or "tie_word_embeddings" in dimensions:
                    small = {**vary(rng, dimensions), "tie_word_embeddings": False}
                    found.append(case("untied", model_type, architecture, small))
            # A whole file, as `save_pretrained` writes it.
            found.append(case("whole", model_type, architectures[0], {}, whole=True))
            for name, architecture, keys in PUBLISHED.get(model_type, []):
                found.append(case(name, model_type, architecture, keys))
        for index in range(VARIATIONS):
            architecture = architectures[rng.randrange(len(architectures))]
            keys = vary(rng, dimensions)
            found.append(case(f"random {index}", model_type, architecture, keys))
    return [it for it in found if it]


def case(name: str, model_type: str, architecture: str, keys: dict, whole: bool = False) -> dict:
    try:
        # A copy, since configurations take parts of what they are given.
        config = AutoConfig.for_model(model_type, **json.loads(json.dumps(keys)))
        with torch.device("meta"):
            model = getattr(transformers, architecture)(config)
    except Exception as error:  # noqa: BLE001
        print(f"left out: {model_type} {architecture} {name} {keys}: {error!r:.300}")
        return {}
    written = {"model_type": model_type, "architectures": [architecture], **keys}
    if whole:
        written = json.loads(config.to_json_string(use_diff=False))
        written["architectures"] = [architecture]
    parameters = sum(it.numel() for it in model.parameters())
    # T5's classes say that they tie, and yet take a head of its own from a checkpoint that has one,
    # as those have whose config says so (v1.1, mT5, FLAN).
    if model_type in ("t5", "mt5", "umt5") and keys.get("tie_word_embeddings") is False:
        if hasattr(model, "lm_head"):
            parameters += model.lm_head.weight.numel()
    return {"name": name, "config": written, "parameters": parameters}


def defaults() -> str:
    rows = []
    for model_type in sorted({*SPECS, *SUB_CONFIGS}):
        if model_type == "llava_vision_config":
            # What LLaVA takes where nothing is said of the tower is not its class's default.
            tower = transformers.LlavaConfig().vision_config
            for key in LLAVA_TOWER:
                rows.append(f"{model_type}\t{key}\t{getattr(tower, key)}")
            continue
        kind = SUB_CONFIGS.get(model_type) or CONFIG_MAPPING[model_type]
        if isinstance(kind, str):
            kind = getattr(transformers, kind)
        for alias, key in sorted(getattr(kind, "attribute_map", {}).items()):
            rows.append(f"{model_type}\t={alias}\t{key}")
        for field in sorted(dataclasses.fields(kind), key=lambda it: it.name):
            value = field.default
            if value is dataclasses.MISSING:
                factory = field.default_factory
                value = None if factory is dataclasses.MISSING else factory()
            if field.name not in KEPT and any(it in field.name for it in IRRELEVANT):
                continue
            if isinstance(value, tuple):
                value = list(value)
            if isinstance(value, dict) or (isinstance(value, str) and field.name not in KEPT | TEXTS):
                continue
            rows.append(f"{model_type}\t{field.name}\t{json.dumps(value, separators=(',', ':'))}")
    return "".join(f"{row}\n" for row in rows)


if __name__ == "__main__":
    main()
