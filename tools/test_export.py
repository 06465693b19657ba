"""`python -m unittest discover -s tools -p 'test_*.py'`, with the packages of requirements-export.txt.

Exports a tiny random checkpoint of every class. Most time goes into PyTorch's exporter: some minutes.
"""

import contextlib
import io
import json
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import numpy as np
import onnx
import onnxruntime
import torch
import transformers as hf

hf.utils.logging.disable_progress_bar()
HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import export  # noqa: E402

SMALL = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 64,
}
DECODER = {**SMALL, "vocab_size": 99, "num_key_value_heads": 2, "max_position_embeddings": 64}
VISION = {**SMALL, "image_size": 32, "patch_size": 8, "projection_dim": 16}
TEXT = {
    **SMALL,
    "vocab_size": 99,
    "max_position_embeddings": 32,
    "bos_token_id": 97,
    "eos_token_id": 98,
    "projection_dim": 16,
}
TOWER = {**VISION, "num_hidden_layers": 3}
DECODER_INPUTS = ["attention_mask", "position_ids", "past_key_values.0.key"]


def _whisper() -> hf.PreTrainedModel:
    config = hf.WhisperConfig(
        vocab_size=99,
        d_model=32,
        encoder_layers=2,
        decoder_layers=2,
        encoder_attention_heads=4,
        decoder_attention_heads=4,
        encoder_ffn_dim=64,
        decoder_ffn_dim=64,
        num_mel_bins=80,
        max_source_positions=50,
        max_target_positions=32,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
        decoder_start_token_id=1,
    )
    return hf.WhisperForConditionalGeneration(config)


def _clap() -> hf.PreTrainedModel:
    audio = {
        "window_size": 8,
        "num_mel_bins": 64,
        "spec_size": 256,
        "hidden_size": 64,
        "patch_size": 4,
        "patch_stride": [4, 4],
        "depths": [2, 2],
        "num_attention_heads": [2, 4],
        "patch_embeds_hidden_size": 32,
        "projection_dim": 16,
        "enable_fusion": False,
        "mlp_ratio": 2.0,
    }
    text = {**TEXT, "max_position_embeddings": 64, "pad_token_id": 1}
    return hf.ClapModel(hf.ClapConfig(text_config=text, audio_config=audio, projection_dim=16))


def _xclip() -> hf.PreTrainedModel:
    mit = {
        "mit_hidden_size": 16,
        "mit_intermediate_size": 32,
        "mit_num_hidden_layers": 1,
        "mit_num_attention_heads": 4,
    }
    config = hf.XCLIPConfig(
        text_config=TEXT,
        vision_config={**VISION, "num_frames": 4, **mit},
        projection_dim=16,
        prompt_layers=1,
        prompt_num_attention_heads=4,
    )
    return hf.XCLIPModel(config)


def _detr() -> hf.PreTrainedModel:
    backbone = hf.ResNetConfig(
        embedding_size=8,
        hidden_sizes=[8, 16, 16, 32],
        depths=[1, 1, 1, 1],
        layer_type="basic",
        out_features=["stage4"],
    )
    config = hf.DetrConfig(
        backbone_config=backbone,
        use_timm_backbone=False,
        use_pretrained_backbone=False,
        backbone=None,
        d_model=32,
        encoder_layers=2,
        decoder_layers=2,
        encoder_attention_heads=4,
        decoder_attention_heads=4,
        encoder_ffn_dim=64,
        decoder_ffn_dim=64,
        num_queries=10,
        num_labels=5,
    )
    return hf.DetrForObjectDetection(config)


def _wav2vec2() -> hf.PreTrainedModel:
    config = hf.Wav2Vec2Config(
        **SMALL,
        vocab_size=20,
        conv_dim=(16, 16, 16),
        conv_stride=(5, 4, 2),
        conv_kernel=(10, 4, 3),
        num_feat_extract_layers=3,
        num_conv_pos_embeddings=16,
        num_conv_pos_embedding_groups=4,
    )
    return hf.Wav2Vec2ForCTC(config)


def _t5() -> hf.PreTrainedModel:
    config = hf.T5Config(
        vocab_size=99, d_model=32, d_kv=8, d_ff=64, num_layers=2, num_heads=4, decoder_start_token_id=0
    )
    return hf.T5ForConditionalGeneration(config)


def _llava() -> hf.PreTrainedModel:
    config = hf.LlavaConfig(
        vision_config=hf.CLIPVisionConfig(**TOWER),
        text_config=hf.LlamaConfig(**DECODER),
        image_token_index=98,
    )
    return hf.LlavaForConditionalGeneration(config)


def _llava_next() -> hf.PreTrainedModel:
    config = hf.LlavaNextConfig(
        vision_config=hf.CLIPVisionConfig(**TOWER),
        text_config=hf.MistralConfig(**DECODER, sliding_window=None),
        image_token_index=98,
        image_grid_pinpoints=[[32, 64], [64, 32]],
    )
    return hf.LlavaNextForConditionalGeneration(config)


HALF = {"bert", "clip", "llama", "wav2vec2", "whisper"}
BERT = {**SMALL, "vocab_size": 99, "max_position_embeddings": 64}

# How far a file may be from PyTorch, relative to the largest value of its outputs. Eight bits are coarse
# for matrices of this size; what overflows is further off.
DIFFERENCES = {"fp32": 1e-3, "fp16": 1e-2, "int8": 0.3}

# The model, its task, and for every graph some of its inputs and outputs.
CASES = {
    "bert": (
        lambda: hf.BertForMaskedLM(hf.BertConfig(**BERT)),
        "fill-mask",
        {"model": ["input_ids", "token_type_ids", "logits", "last_hidden_state"]},
    ),
    "bert_model": (
        lambda: hf.BertModel(hf.BertConfig(**BERT)),
        "feature-extraction",
        {"model": ["input_ids", "last_hidden_state"]},
    ),
    "clap": (
        _clap,
        "zero-shot-audio-classification",
        {
            "model": ["input_features", "logits_per_audio", "audio_embeds"],
            "text_model": ["input_ids", "text_embeds"],
            "audio_model": ["input_features", "audio_embeds"],
        },
    ),
    "clip": (
        lambda: hf.CLIPModel(
            hf.CLIPConfig(text_config=TEXT, vision_config=VISION, projection_dim=16)
        ),
        "zero-shot-image-classification",
        {
            "model": ["pixel_values", "logits_per_image", "text_embeds", "image_embeds"],
            "text_model": ["input_ids", "text_embeds"],
            "vision_model": ["pixel_values", "image_embeds"],
        },
    ),
    "detr": (_detr, "object-detection", {"model": ["pixel_mask", "logits", "pred_boxes"]}),
    "llama": (
        lambda: hf.LlamaForCausalLM(hf.LlamaConfig(**DECODER)),
        "text-generation",
        {"model": ["input_ids", *DECODER_INPUTS, "logits", "present.1.value"]},
    ),
    "llava": (
        _llava,
        "image-text-to-text",
        {
            "vision_encoder": ["pixel_values", "image_features"],
            "embed_tokens": ["input_ids", "inputs_embeds"],
            "decoder_model_merged": ["inputs_embeds", *DECODER_INPUTS, "logits"],
        },
    ),
    "llava_next": (
        _llava_next,
        "image-text-to-text",
        {
            "vision_encoder": ["pixel_values", "image_features", "image_newline"],
            "embed_tokens": ["input_ids", "inputs_embeds"],
            "decoder_model_merged": ["inputs_embeds", *DECODER_INPUTS, "logits"],
        },
    ),
    "qwen2": (
        lambda: hf.Qwen2ForCausalLM(hf.Qwen2Config(**DECODER)),
        "text-generation",
        {"model": ["input_ids", *DECODER_INPUTS, "logits"]},
    ),
    "qwen3": (
        lambda: hf.Qwen3ForCausalLM(hf.Qwen3Config(**DECODER, head_dim=16)),
        "text-generation",
        {"model": ["input_ids", *DECODER_INPUTS, "logits"]},
    ),
    "t5": (
        _t5,
        "text2text-generation",
        {
            "encoder_model": ["input_ids", "attention_mask", "last_hidden_state"],
            "decoder_model": ["encoder_hidden_states", "present.0.encoder.key"],
            "decoder_with_past_model": ["past_key_values.0.encoder.key", "present.0.decoder.key"],
        },
    ),
    "vit": (
        lambda: hf.ViTForImageClassification(hf.ViTConfig(**{**VISION, "num_labels": 5})),
        "image-classification",
        {"model": ["pixel_values", "logits"]},
    ),
    "wav2vec2": (
        _wav2vec2,
        "automatic-speech-recognition",
        {"model": ["input_values", "logits"]},
    ),
    "whisper": (
        _whisper,
        "automatic-speech-recognition",
        {
            "encoder_model": ["input_features", "last_hidden_state"],
            "decoder_model_merged": [
                "input_ids",
                "encoder_hidden_states",
                "use_cache_branch",
                "past_key_values.1.encoder.value",
                "logits",
                "present.1.encoder.value",
            ],
        },
    ),
    "xclip": (
        _xclip,
        "zero-shot-video-classification",
        {
            "model": ["pixel_values", "logits_per_video", "video_embeds"],
            "text_model": ["input_ids", "text_embeds"],
            "vision_model": ["pixel_values", "video_embeds"],
        },
    ),
}


def run(*arguments: str) -> tuple[int, str, str]:
    """The exit code, and what was written to standard output and error."""
    output, errors = io.StringIO(), io.StringIO()
    with (
        mock.patch.object(sys, "argv", ["export.py", *map(str, arguments)]),
        contextlib.redirect_stdout(output),
        contextlib.redirect_stderr(errors),
    ):
        code = export.main()
    return code, output.getvalue(), errors.getvalue()


class Export(unittest.TestCase):
    def setUp(self) -> None:
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)

    def checkpoint(self, name: str) -> Path:
        torch.manual_seed(0)
        folder = self.folder / f"{name}_checkpoint"
        CASES[name][0]().save_pretrained(folder)
        return folder

    def names(self, path: Path) -> set[str]:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        return {value.name for value in [*session.get_inputs(), *session.get_outputs()]}

    def test_every_class(self) -> None:
        for name, (_, task, graphs) in CASES.items():
            with self.subTest(name):
                out = self.folder / name
                # Half precision is a second export, and takes as long again.
                suffixes = ("", "_int8", "_fp16") if name in HALF else ("", "_int8")
                precisions = ",".join(suffix.strip("_") or "fp32" for suffix in suffixes)
                code, output, errors = run(
                    self.checkpoint(name), "--out", out, "--format", "json",
                    "--precision", precisions,
                )  # fmt: skip
                self.assertEqual(code, 0, errors)
                result = json.loads(output)
                self.assertEqual(result["task"], task)
                self.assertIn("config.json", result["files"])
                made = {path.stem for path in (out / "onnx").iterdir()}
                wanted = {f"{graph}{suffix}" for graph in graphs for suffix in suffixes}
                self.assertEqual(made, wanted)
                for graph, values in graphs.items():
                    for suffix in suffixes:
                        found = self.names(out / "onnx" / f"{graph}{suffix}.onnx")
                        self.assertLessEqual(set(values), found)
                for entry in result["graphs"]:
                    relative = entry["difference"] / max(1.0, entry["largest_value"])
                    self.assertLess(relative, DIFFERENCES[entry["precision"]], entry)

    def test_the_task_decides_the_graph(self) -> None:
        checkpoint, out = self.checkpoint("bert"), self.folder / "out"
        code, _, errors = run(checkpoint, "--out", out, "--task", "feature-extraction")
        self.assertEqual(code, 0, errors)
        found = self.names(out / "onnx" / "model.onnx")
        self.assertIn("last_hidden_state", found)
        self.assertNotIn("logits", found)

    def test_a_wrong_task_names_the_possible_ones(self) -> None:
        out = self.folder / "out"
        code, _, errors = run(self.checkpoint("bert"), "--out", out, "--task", "text-generation")
        self.assertEqual(code, 1)
        self.assertIn("fill-mask, feature-extraction", errors)
        self.assertFalse(out.exists())

    def test_an_unknown_class_is_refused(self) -> None:
        checkpoint = self.folder / "gpt2"
        config = hf.GPT2Config(n_embd=32, n_layer=1, n_head=4, architectures=["GPT2LMHeadModel"])
        config.save_pretrained(checkpoint)
        code, _, errors = run(checkpoint, "--out", self.folder / "out", "--random-weights")
        self.assertEqual(code, 1)
        self.assertIn("GPT2LMHeadModel", errors)
        self.assertIn("LlamaForCausalLM", errors)

    def test_force_replaces_exports_and_nothing_else(self) -> None:
        checkpoint, out = self.checkpoint("vit"), self.folder / "out"
        self.assertEqual(run(checkpoint, "--out", out)[0], 0)
        before = (out / "onnx" / "model.onnx").read_bytes()
        (out / "old").write_text("left over")

        code, _, errors = run(checkpoint, "--out", out)
        self.assertEqual(code, 1)
        self.assertIn("--force", errors)
        self.assertTrue((out / "old").exists())

        # An export that fails leaves what is there.
        with mock.patch.object(export.check, "compare", side_effect=ValueError("broken")):
            with self.assertRaises(ValueError):
                run(checkpoint, "--out", out, "--force")
        self.assertEqual((out / "onnx" / "model.onnx").read_bytes(), before)
        self.assertTrue((out / "old").exists())

        self.assertEqual(run(checkpoint, "--out", out, "--force")[0], 0)
        self.assertFalse((out / "old").exists())
        leftovers = [path.name for path in self.folder.iterdir() if path.name.startswith(".")]
        self.assertEqual(leftovers, [])

        other = self.folder / "other"
        other.mkdir()
        (other / "letter.txt").write_text("dear")
        code, _, errors = run(checkpoint, "--out", other, "--force")
        self.assertEqual(code, 1)
        self.assertIn("not an earlier export", errors)
        self.assertEqual((other / "letter.txt").read_text(), "dear")

        code, _, errors = run(checkpoint, "--out", checkpoint, "--force")
        self.assertEqual(code, 1)
        self.assertTrue((checkpoint / "model.safetensors").exists())

    def test_external_data(self) -> None:
        checkpoint, out = self.checkpoint("llama"), self.folder / "out"
        code, _, errors = run(checkpoint, "--out", out, "--external-data")
        self.assertEqual(code, 0, errors)
        data = (out / "onnx" / "model.onnx_data").stat().st_size
        self.assertGreater(data, (out / "onnx" / "model.onnx").stat().st_size)
        self.names(out / "onnx" / "model.onnx")

    def test_random_weights_come_from_the_seed(self) -> None:
        checkpoint = self.checkpoint("vit")
        (checkpoint / "model.safetensors").unlink()
        code, _, errors = run(checkpoint, "--out", self.folder / "none")
        self.assertEqual(code, 1)
        self.assertIn("--random-weights", errors)

        def weights(seed: str) -> np.ndarray:
            out = self.folder / f"seed_{seed}_{len(list(self.folder.iterdir()))}"
            code, _, errors = run(checkpoint, "--out", out, "--random-weights", "--seed", seed)
            self.assertEqual(code, 0, errors)
            graph = onnx.load(out / "onnx" / "model.onnx").graph
            largest = max(graph.initializer, key=lambda tensor: len(tensor.raw_data))
            return onnx.numpy_helper.to_array(largest)

        self.assertTrue((weights("1") == weights("1")).all())
        self.assertFalse((weights("1") == weights("2")).all())


if __name__ == "__main__":
    unittest.main()
