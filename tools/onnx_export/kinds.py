"""Which checkpoints can be exported, for which tasks, and how."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import transformers as hf

from onnx_export import (
    bert,
    causal_lm,
    ctc,
    dual_encoder,
    image_classification,
    object_detection,
    seq2seq,
    vision_language,
    whisper,
)
from onnx_export.graph import Graph

Graphs = Callable[[Any], list[Graph]]


@dataclass(frozen=True)
class Kind:
    """How one class of models becomes graphs.

    `merged` names a file made of two of them, its own name, the first step's and the later steps'.
    """

    model: type[hf.PreTrainedModel]
    graphs: Graphs
    merged: tuple[str, str, str] | None = None
    generates: bool = False


@dataclass(frozen=True)
class Architecture:
    """What one name in `architectures` of a `config.json` serves; the first task is the default."""

    tasks: dict[str, Kind] = field(default_factory=dict)


_BERT_STATES = Kind(hf.BertModel, bert.states)


def _only(task: str, *arguments: Any, **keywords: Any) -> Architecture:
    return Architecture({task: Kind(*arguments, **keywords)})


def _dual(media: str, model: type[hf.PreTrainedModel], graphs: Graphs) -> Architecture:
    # One file serves both.
    kind = Kind(model, graphs)
    return Architecture({f"zero-shot-{media}-classification": kind, "feature-extraction": kind})


def _decoder(model: type[hf.PreTrainedModel]) -> Architecture:
    return _only("text-generation", model, causal_lm.graphs, generates=True)


def _vision_language(model: type[hf.PreTrainedModel]) -> Architecture:
    return _only("image-text-to-text", model, vision_language.graphs, generates=True)


_T5 = _only("text2text-generation", hf.T5ForConditionalGeneration, seq2seq.t5, generates=True)

ARCHITECTURES: dict[str, Architecture] = {
    "BertForMaskedLM": Architecture(
        {
            "fill-mask": Kind(hf.BertForMaskedLM, bert.masked_lm),
            "feature-extraction": _BERT_STATES,
        }
    ),
    "BertModel": Architecture({"feature-extraction": _BERT_STATES}),
    "CLIPModel": _dual("image", hf.CLIPModel, dual_encoder.clip),
    "ClapModel": _dual("audio", hf.ClapModel, dual_encoder.clap),
    "DetrForObjectDetection": _only(
        "object-detection", hf.DetrForObjectDetection, object_detection.graphs
    ),
    "LlamaForCausalLM": _decoder(hf.LlamaForCausalLM),
    "LlavaForConditionalGeneration": _vision_language(hf.LlavaForConditionalGeneration),
    "LlavaNextForConditionalGeneration": _vision_language(hf.LlavaNextForConditionalGeneration),
    "Qwen2ForCausalLM": _decoder(hf.Qwen2ForCausalLM),
    "Qwen3ForCausalLM": _decoder(hf.Qwen3ForCausalLM),
    "T5ForConditionalGeneration": _T5,
    # The class's old name, in the configurations of the first checkpoints.
    "T5WithLMHeadModel": _T5,
    "ViTForImageClassification": _only(
        "image-classification", hf.ViTForImageClassification, image_classification.graphs
    ),
    "Wav2Vec2ForCTC": _only("automatic-speech-recognition", hf.Wav2Vec2ForCTC, ctc.graphs),
    "WhisperForConditionalGeneration": _only(
        "automatic-speech-recognition",
        hf.WhisperForConditionalGeneration,
        whisper.graphs,
        merged=("decoder_model_merged", "decoder_model", "decoder_with_past_model"),
        generates=True,
    ),
    "XCLIPModel": _dual("video", hf.XCLIPModel, dual_encoder.xclip),
}


class Unsupported(ValueError):
    """A checkpoint or task that cannot be exported; the message says what can."""


def choose(config: hf.PretrainedConfig, task: str | None) -> tuple[str, Kind]:
    """The task, inferred if it is none, and how to export the checkpoint for it."""
    named = config.architectures or []
    known = [name for name in named if name in ARCHITECTURES]
    if not known:
        said = ", ".join(named) or "no architecture"
        raise Unsupported(
            f"config.json names {said} (model type {config.model_type!r}), which cannot be exported; "
            f"supported are {', '.join(ARCHITECTURES)}"
        )
    tasks = ARCHITECTURES[known[0]].tasks
    if task is None:
        task = next(iter(tasks))
    if task not in tasks:
        raise Unsupported(f"{known[0]} does not do {task}; possible: {', '.join(tasks)}")
    return task, tasks[task]
