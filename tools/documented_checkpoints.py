"""Writes the checkpoints that transformers' own documentation names, with their model types.

    python tools/documented_checkpoints.py

For each `@auto_docstring(checkpoint="…")` on a configuration of transformers 5.23.0: the id, and
the family and likeliest kind of its model type by `model_types.tsv`. Nobody chose these ids with
the rules for names in mind, so that they tell how the rules do on names they were not made for.
Of the ids, every second one goes into `documented_dev.tsv`, which the confidence is made with, and
the rest into `documented_held_out.tsv`, which only measures. A label is that of the network: a
head that a checkpoint has beside is not in the documentation.
"""

import re
from pathlib import Path

import transformers

VERSION = "5.23.0"
ROOT = Path(__file__).parent.parent / "crates/accel-core"
FAMILIES = re.compile(r"Self::(\w+)")
CLASS = re.compile(
    r'@auto_docstring\(checkpoint="([^"]+)".*?\)\s*(?:@\w+\s*)*class (\w+)\(.*?model_type(?::[^=]+)? = "([^"]+)"', re.S
)


def families() -> dict[str, str]:
    """Kind → family, as `names.rs` has it."""
    text = (ROOT / "src/names.rs").read_text()
    names = dict(re.findall(r'^        (\w+) = "(\w+)",', text, re.M))
    body = text.split("pub const fn family(self)")[1].split("fn ")[0]
    return {
        names[kind]: names[family]
        for arm, family in re.findall(r"((?:Self::\w+\s*\|?\s*)+)=>\s*(?:\{\s*)?Family::(\w+)", body)
        for kind in FAMILIES.findall(arm)
    }


def main() -> None:
    assert transformers.__version__ == VERSION, f"needs transformers {VERSION}"
    rows = (ROOT / "src/classify/data/model_types.tsv").read_text().splitlines()
    parts = {it.split("\t")[0] for it in rows if "\tnone\ta " in it or "image encoder" in it}
    kinds = {it.split("\t")[0]: it.split("\t")[1].split(",")[0] for it in rows if it[:1] != "#"}
    family = families() | {"none": "none"}
    found: dict[str, set[str]] = {}
    for path in sorted((Path(transformers.__file__).parent / "models").glob("*/configuration_*.py")):
        for part in re.split(r"(?=@auto_docstring)", path.read_text()):
            if match := CLASS.match(part):
                checkpoint, _, model_type = match.groups()
                if "/" in checkpoint and model_type in kinds and model_type not in parts:
                    found.setdefault(checkpoint, set()).add(model_type)
    lines = []
    for checkpoint, types in sorted(found.items()):
        # A model's parts name the same checkpoint; the whole is the one that is no part.
        whole = sorted(types, key=lambda it: (kinds[it] == "none", len(it), it))[0]
        lines.append(f"{checkpoint}\t{family[kinds[whole]]}\t{kinds[whole]}\t{whole}\t-\n")
    labelled = "".join((ROOT / "tests/classify" / it).read_text() for it in ("labelled_dev.tsv", "labelled_held_out.tsv"))
    written = {it.split("\t")[0] for it in labelled.splitlines()}
    lines = [it for it in lines if it.split("\t")[0] not in written]
    title = f"# Checkpoints that transformers {VERSION} documents; written by tools/documented_checkpoints.py.\n"
    # One that showed a mistake, which was mended, measures nothing any more.
    moved = [it for it in lines[1::2] if it.startswith("meta-llama/Llama-4-Scout-17B-16E\t")]
    held_out = [it for it in lines[1::2] if it not in moved]
    for name, part in (("dev", lines[::2] + moved), ("held_out", held_out)):
        (ROOT / f"tests/classify/documented_{name}.tsv").write_text(title + "".join(part))
        print(name, len(part))


if __name__ == "__main__":
    main()
