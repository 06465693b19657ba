"""Writes the classifier's knowledge of transformers' model types and classes.

    python tools/model_types.py [--check]

Reads the auto mappings of the installed transformers (5.23.0) and two tables beside it,
`model_types/judgement.tsv` and `model_types/elsewhere.tsv`, and writes `model_types.tsv` and
`architectures.tsv` into `crates/accel-core/src/classify/data`. `--check` compares instead. The
same versions give the same bytes; nothing is fetched and no model is loaded.

A line of the output is a name, the kinds that it speaks for (the likeliest first; one alone is a
head that decides), the Hub's task where a head says it, and for `none` the reason.
"""

import argparse
import sys
from pathlib import Path

import transformers
from transformers.models.auto import modeling_auto
from transformers.models.auto.configuration_auto import CONFIG_MAPPING_NAMES

VERSION = "5.23.0"
HERE = Path(__file__).parent / "model_types"
DATA = Path(__file__).parent.parent / "crates/accel-core/src/classify/data"

# Auto mapping, kind, the Hub's task. A class or a model type that is in several goes by the first.
HEADS = [
    ("DECISION", None, None),
    ("TEXT_TO_WAVEFORM", "text_to_speech", "text-to-speech"),
    ("TEXT_TO_SPECTROGRAM", "text_to_speech", "text-to-speech"),
    ("ZERO_SHOT_OBJECT_DETECTION", "open_vocabulary_detector", "zero-shot-object-detection"),
    ("DOCUMENT_QUESTION_ANSWERING", "document_encoder", "document-question-answering"),
    ("IMAGE_TEXT_TO_TEXT", "vision_language", "image-text-to-text"),
    ("SPEECH_SEQ_2_SEQ", "speech_recognition", "automatic-speech-recognition"),
    ("CTC", "speech_recognition", "automatic-speech-recognition"),
    ("RNNT", "speech_recognition", "automatic-speech-recognition"),
    ("TDT", "speech_recognition", "automatic-speech-recognition"),
    ("MULTIMODAL_LM", "vision_language", "image-text-to-text"),
    ("VISUAL_QUESTION_ANSWERING", "visual_question_answerer", "visual-question-answering"),
    ("SEQ_TO_SEQ_CAUSAL_LM", "seq2seq", "text2text-generation"),
    ("MASKED_LM", "masked_lm", "fill-mask"),
    ("CAUSAL_LM", "causal_lm", "text-generation"),
    ("NEXT_SENTENCE_PREDICTION", "text_classifier", "text-classification"),
    ("RETRIEVAL", "image_text_encoder", "feature-extraction"),
    ("ZERO_SHOT_IMAGE_CLASSIFICATION", "image_text_encoder", "zero-shot-image-classification"),
    ("OBJECT_DETECTION", "object_detector", "object-detection"),
    ("VIDEO_CLASSIFICATION", "video_classifier", "video-classification"),
    ("IMAGE_CLASSIFICATION", "image_classifier", "image-classification"),
    ("DEPTH_ESTIMATION", "depth_estimator", "depth-estimation"),
    ("UNIVERSAL_SEGMENTATION", "image_segmenter", "image-segmentation"),
    ("INSTANCE_SEGMENTATION", "image_segmenter", "image-segmentation"),
    ("SEMANTIC_SEGMENTATION", "image_segmenter", "image-segmentation"),
    ("IMAGE_SEGMENTATION", "image_segmenter", "image-segmentation"),
    ("MASK_GENERATION", "image_segmenter", "mask-generation"),
    ("POSE_ESTIMATION", "keypoint_detector", "keypoint-detection"),
    ("KEYPOINT_DETECTION", "keypoint_detector", "keypoint-detection"),
    ("KEYPOINT_MATCHING", "keypoint_detector", "keypoint-detection"),
    ("IMAGE_TO_IMAGE", "image_to_image", "image-to-image"),
    ("IMAGE_MATTING", "image_to_image", "image-to-image"),
    ("NORMAL_ESTIMATION", "image_to_image", "image-to-image"),
    ("POINTMAP_ESTIMATION", "image_to_image", "image-to-image"),
    ("TEXT_RECOGNITION", "image_to_text", "image-to-text"),
    ("TABLE_RECOGNITION", "image_to_text", "image-to-text"),
    ("AUDIO_CLASSIFICATION", "audio_classifier", "audio-classification"),
    ("AUDIO_FRAME_CLASSIFICATION", "audio_classifier", "audio-classification"),
    ("AUDIO_XVECTOR", "audio_classifier", "audio-classification"),
    ("TABLE_QUESTION_ANSWERING", "question_answerer", "question-answering"),
    ("SEQUENCE_CLASSIFICATION", "text_classifier", "text-classification"),
    ("TOKEN_CLASSIFICATION", "token_classifier", "token-classification"),
    ("QUESTION_ANSWERING", "question_answerer", "question-answering"),
    ("MULTIPLE_CHOICE", "text_classifier", "text-classification"),
    ("MASKED_IMAGE_MODELING", "image_encoder", "image-feature-extraction"),
    ("CAUSAL_IMAGE_MODELING", None, None),
    ("TIME_SERIES_CLASSIFICATION", None, None),
    ("TIME_SERIES_REGRESSION", None, None),
    ("TIME_SERIES_PREDICTION", None, None),
]
# Mappings of networks without a head of their own.
HEADLESS = ["MODEL", "PRETRAINING", "TEXT_ENCODING", "IMAGE", "BACKBONE"]
REASONS = {
    "DECISION": "makes decisions; no kind here does",
    "CAUSAL_IMAGE_MODELING": "makes images; no kind here does",
    "TIME_SERIES_CLASSIFICATION": "time series",
    "TIME_SERIES_REGRESSION": "time series",
    "TIME_SERIES_PREDICTION": "time series",
}
TEXT_NETWORKS = {"masked_lm", "causal_lm", "seq2seq", "sentence_encoder"}
# Mappings that hold more than their name says, and the kinds of networks whose own kind goes:
# IMAGE_TEXT_TO_TEXT lists whatever reads images and writes, CAUSAL_LM also decoders of other things.
GENERATIVE = {
    "image_to_text", "video_language", "any_to_any", "audio_language", "speech_recognition",
    "image_text_encoder", "document_encoder", "audio_to_audio",
}
OWN_KIND = {
    "IMAGE_TEXT_TO_TEXT": GENERATIVE,
    "MULTIMODAL_LM": GENERATIVE,
    "CAUSAL_LM": GENERATIVE - {"image_text_encoder", "any_to_any"},
    "TEXT_TO_WAVEFORM": {"any_to_any"},
    "SEQ_TO_SEQ_CAUSAL_LM": {"audio_language", "speech_recognition"},
    "SPEECH_SEQ_2_SEQ": {"audio_language", "text_to_speech"},
    "TOKEN_CLASSIFICATION": {"document_encoder"},
    "SEQUENCE_CLASSIFICATION": {"document_encoder"},
    "MASKED_LM": {"document_encoder", "image_text_encoder"},
    "IMAGE_CLASSIFICATION": {"vision_language"},
}
# Heads whose classes the auto mappings do not list.
UNLISTED = [
    ("WithTeacher", "image_classifier", "image-classification"),
    ("ConvProcessing", "image_classifier", "image-classification"),
    ("ForImageClassificationFourier", "image_classifier", "image-classification"),
    ("ForImageClassificationLearned", "image_classifier", "image-classification"),
    ("ForImageTextRetrieval", "image_text_encoder", "feature-extraction"),
    ("ForTextToSpeech", "text_to_speech", "text-to-speech"),
    ("ForSpeechToSpeech", "audio_to_audio", "audio-to-audio"),
    ("ForSpeechToText", "speech_recognition", "automatic-speech-recognition"),
    ("ForTextToText", "seq2seq", "text2text-generation"),
]


def table(name: str) -> dict[str, tuple[list[str], str]]:
    """A hand-written table: name → its kinds and its reason."""
    rows = {}
    for line in (HERE / name).read_text().splitlines():
        if line and not line.startswith("#"):
            key, kinds, *reason = line.split("\t")
            assert key not in rows, f"{name}: {key} twice"
            assert (kinds == "none") == bool(reason), f"{name}: {key}: `none` and its reason"
            rows[key] = ([] if kinds == "none" else kinds.split(","), "".join(reason))
    return rows


def mappings() -> dict[str, dict[str, list[str]]]:
    """Auto mapping → model type → its classes."""
    found = {}
    for name in dir(modeling_auto):
        if name.endswith("_MAPPING_NAMES") and name != "CONFIG_MAPPING_NAMES":
            short = name.removesuffix("_MAPPING_NAMES").removeprefix("MODEL_FOR_")
            found[short.removesuffix("_MAPPING").removeprefix("MODEL_") or "MODEL"] = {
                key: [value] if isinstance(value, str) else list(value)
                for key, value in getattr(modeling_auto, name).items()
            }
    known = {head for head, _, _ in HEADS} | set(HEADLESS)
    assert set(found) == known, f"auto mappings that this tool does not know: {set(found) ^ known}"
    return found


def part_of(name: str, all_names: set[str]) -> str | None:
    """The model type that `name` is a part of, by their names."""
    stem = name
    while "_" in stem:
        stem = stem.rsplit("_", 1)[0]
        for candidate in (stem, stem.replace("_", "-"), stem + "_vl", stem + "_mm_model"):
            if candidate in all_names:
                return candidate
    return None


def model_types(auto, judgement):
    """model type → (kinds, reason)."""
    rows, first_head = {}, {}
    for head, _, _ in HEADS:
        for classes in auto[head].values():
            for cls in classes:
                first_head.setdefault(cls, head)
    names = set(CONFIG_MAPPING_NAMES)
    for name in sorted(names):
        if name in judgement and not judgement[name][0]:
            rows[name] = judgement[name]
            continue
        heads = [head for head, _, _ in HEADS if name in auto[head]]
        kinds = list(judgement.get(name, ([], ""))[0])
        for head, kind, _ in HEADS:
            own = any(first_head[it] == head for it in auto[head].get(name, []))
            if kinds and kinds[0] in OWN_KIND.get(head, ()):
                own = any(it.endswith(suffix) for it in auto[head].get(name, []) for suffix, _, _ in UNLISTED)
            if own and kind and kind not in kinds:
                kinds.append(kind)
        if not kinds:
            for mapping, kind in (("TEXT_ENCODING", "sentence_encoder"), ("IMAGE", "image_encoder")):
                if name in auto[mapping] and not part_of(name, names):
                    kinds.append(kind)
        if kinds:
            if TEXT_NETWORKS & set(kinds[:1]) and "sentence_encoder" not in kinds:
                kinds.append("sentence_encoder")
            if name in auto["IMAGE"] and kinds[0] == "image_classifier" and "image_encoder" not in kinds:
                kinds.append("image_encoder")
            rows[name] = (kinds, "")
            continue
        reasons = [REASONS[head] for head in heads if head in REASONS and head != "DECISION"]
        whole = part_of(name, names)
        if reasons:
            rows[name] = ([], reasons[0])
        elif whole:
            rows[name] = ([], f"a part of {whole}")
        elif name in auto["BACKBONE"]:
            rows[name] = ([], "a backbone: a part of other models")
        else:
            sys.exit(f"model_types/judgement.tsv: say what {name} is; the auto mappings do not")
    return rows


def headless(cls: str, kinds: list[str]) -> list[str]:
    """What a class without a head speaks for, its network's kinds being known."""
    first = kinds[0]
    if "Encoder" in cls and first == "seq2seq":
        return ["sentence_encoder"]
    if first == "masked_lm":
        return ["masked_lm", "sentence_encoder"]
    if first == "causal_lm":
        # Decoders are saved without their head where they give vectors.
        return ["sentence_encoder", "causal_lm"]
    if first == "seq2seq":
        return ["seq2seq", "sentence_encoder"]
    if "audio_encoder" in kinds:
        return ["audio_encoder", *[it for it in kinds if it != "audio_encoder"]]
    if "image_encoder" in kinds:
        return ["image_encoder", *[it for it in kinds if it != "image_encoder"]]
    return kinds


def architectures(auto, types):
    """class → (kinds, task, reason)."""
    rows, networks = {}, {}
    for head, kind, task in HEADS:
        for model_type, classes in auto[head].items():
            for cls in classes:
                if cls in rows:
                    continue
                kinds, reason = types[model_type]
                listed = [it for it in UNLISTED if cls.endswith(it[0])]
                if listed:
                    rows[cls] = ([listed[0][1]], listed[0][2], "")
                elif not kind:
                    rows[cls] = ([], "", REASONS[head])
                elif not kinds and model_type != "perceiver":
                    rows[cls] = ([], "", reason)
                elif kinds and kinds[0] in OWN_KIND.get(head, ()):
                    rows[cls] = (kinds[:1], "", "")
                else:
                    rows[cls] = ([kind], task, "")
    for mapping in HEADLESS:
        for model_type, classes in auto[mapping].items():
            for cls in classes:
                networks.setdefault(cls, model_type)
    for cls, model_type in sorted(networks.items()):
        if cls not in rows:
            kinds, reason = types[model_type]
            rows[cls] = (headless(cls, kinds), "", "") if kinds else ([], "", reason)
    # Classes of transformers that no auto mapping lists.
    for cls in transformers.__all__ if hasattr(transformers, "__all__") else dir(transformers):
        for suffix, kind, task in UNLISTED:
            if cls.endswith(suffix) and cls not in rows and not cls.startswith("AutoModel"):
                rows[cls] = ([kind], task, "")
    return rows


def text(title: str, rows) -> str:
    lines = [f"# {title}", f"# transformers {VERSION}; written by tools/model_types.py, not by hand."]
    for name, (kinds, *rest) in sorted(rows.items()):
        lines.append("\t".join([name, ",".join(kinds) or "none", *rest]).rstrip("\t"))
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare with the files, write nothing")
    check = parser.parse_args().check
    if transformers.__version__ != VERSION:
        sys.exit(f"needs transformers {VERSION}, found {transformers.__version__}")
    auto, judgement, elsewhere = mappings(), table("judgement.tsv"), table("elsewhere.tsv")
    unknown = set(judgement) - set(CONFIG_MAPPING_NAMES)
    assert not unknown, f"judgement.tsv: transformers has no {unknown}"
    types = model_types(auto, judgement)
    classes = architectures(auto, types)
    for name, (kinds, reason) in elsewhere.items():
        if name[0].islower():
            types.setdefault(name, (kinds, reason))
        else:
            classes.setdefault(name, (kinds, "", reason))
    files = {
        "model_types.tsv": text("model type, kinds, reason", types),
        "architectures.tsv": text("class, kinds, task, reason", classes),
    }
    for name, content in files.items():
        path = DATA / name
        if check:
            if path.read_text() != content:
                sys.exit(f"{name} is not what this tool writes; run it without --check")
        else:
            path.write_text(content)
            print(f"{name}: {content.count(chr(10)) - 2} rows, {len(content)} bytes")


if __name__ == "__main__":
    main()
