"""Writes the tokenizer.json of a model file, for when only the model is left.

    python training/tokenizer_json.py models/sentiment.safetensors --out runs/imdb/tokenizer.json

The result encodes every text as the model's own tokenizer does, so training can go on with it. `tokenizer.tables` is the
other direction. Python alone is enough to run this: nothing has to be installed.
"""

from __future__ import annotations

import argparse
import json
import struct
from collections.abc import Sequence
from pathlib import Path

SPECIAL = ("<sep>", "<mask>")  # between a text and its pair; a word that training hides
TABLES = {"vocab": ("U8", "B"), "offsets": ("U32", "I"), "merges": ("U32", "I")}  # dtype in the file, format of `struct`


def characters() -> list[str]:
    """The printable character that stands for each byte in byte-level BPE (GPT-2's bytes_to_unicode)"""
    printable = {*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    others = iter(range(256, 512))
    return [chr(byte if byte in printable else next(others)) for byte in range(256)]


def description(vocab: dict[str, int], merges: list[list[str]], lowercase: bool) -> dict:
    """The content of a tokenizer.json: byte-level BPE, split as GPT-2 does"""
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [],  # or the library would find special tokens in a text
        "normalizer": {"type": "Lowercase"} if lowercase else None,
        "pre_tokenizer": byte_level,
        "post_processor": None,
        "decoder": None,
        "model": {
            "type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None, "end_of_word_suffix": None,
            "fuse_unk": False, "byte_fallback": False, "ignore_merges": False, "vocab": vocab, "merges": merges,
        },
    }  # fmt: skip


def from_tables(vocab: bytes, offsets: Sequence[int], merges: Sequence[tuple[int, int]], lowercase: bool) -> dict:
    """The tokenizer.json of a model file's tables: token i is the bytes vocab[offsets[i] : offsets[i + 1]]; a special one has none."""
    to_character = characters()
    tokens = ["".join(to_character[byte] for byte in vocab[start:end]) for start, end in zip(offsets, offsets[1:])]
    special = [i for i, token in enumerate(tokens) if not token]
    if len(special) > len(SPECIAL):
        raise ValueError(f"{len(special)} tokens have no bytes; only {' and '.join(SPECIAL)} may have none")
    for i, name in zip(special, SPECIAL):
        tokens[i] = name
    return description({token: i for i, token in enumerate(tokens)}, [[tokens[a], tokens[b]] for a, b in merges], lowercase)


def from_model(path: Path) -> dict:
    """The tokenizer.json of a .safetensors model file. Raises ValueError where it is no such file."""
    with open(path, "rb") as file:
        size = file.read(8)
        if len(size) < 8 or not 2 <= (length := struct.unpack("<Q", size)[0]) <= path.stat().st_size - 8:
            raise ValueError(f"{path} is no safetensors file")
        header = json.loads(file.read(length))
        metadata = header.get("__metadata__", {})
        missing = [name for name in TABLES if f"tokenizer.{name}" not in header]
        if missing or "tokenizer" not in metadata:
            raise ValueError(f"{path} has no tokenizer: it lacks {', '.join(missing) or 'the metadata'}")
        tables = {}
        for name, (dtype, code) in TABLES.items():
            entry = header[f"tokenizer.{name}"]
            if entry["dtype"] != dtype:
                raise ValueError(f"{path}: tokenizer.{name} is {entry['dtype']}, not {dtype}")
            start, end = entry["data_offsets"]
            file.seek(8 + length + start)
            raw = file.read(end - start)
            tables[name] = raw if code == "B" else struct.unpack(f"<{len(raw) // 4}{code}", raw)
    merges = list(zip(tables["merges"][::2], tables["merges"][1::2]))
    return from_tables(tables["vocab"], tables["offsets"], merges, json.loads(metadata["tokenizer"])["lowercase"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, help=".safetensors")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    try:
        content = from_model(args.model)
    except (OSError, ValueError) as error:
        raise SystemExit(f"tokenizer_json: {error}") from None
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    print(f"{args.out}: {len(content['model']['vocab'])} tokens")


if __name__ == "__main__":
    main()
