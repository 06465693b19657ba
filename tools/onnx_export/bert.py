"""BERT: filling masks, and the states that embeddings pool."""

from __future__ import annotations

import torch
from transformers import BertForMaskedLM, BertModel

from onnx_export import random_inputs
from onnx_export.graph import Graph, Tensors

INPUTS = ("input_ids", "attention_mask", "token_type_ids")


def masked_lm(model: BertForMaskedLM) -> list[Graph]:
    """One graph for both tasks: the head's logits, and the states below it."""

    def run(inputs: Tensors) -> Tensors:
        output = model(**inputs, output_hidden_states=True)
        return {"logits": output.logits, "last_hidden_state": output.hidden_states[-1]}

    return [_graph(model, run, ("logits", "last_hidden_state"))]


def states(model: BertModel) -> list[Graph]:
    def run(inputs: Tensors) -> Tensors:
        return {"last_hidden_state": model(**inputs).last_hidden_state}

    return [_graph(model, run, ("last_hidden_state",))]


def _graph(model: BertForMaskedLM | BertModel, run, outputs: tuple[str, ...]) -> Graph:
    def example(generator: torch.Generator, extra: int) -> Tensors:
        inputs = random_inputs.texts(model.config.vocab_size, 2 + extra, 7 + extra, generator)
        types = torch.zeros_like(inputs["input_ids"])
        if model.config.type_vocab_size > 1:
            types[:, 4:] = 1
        return {**inputs, "token_type_ids": types}

    names = {0: "batch_size", 1: "sequence_length"}
    return Graph("model", model, run, {name: names for name in (*INPUTS, *outputs)}, example)
