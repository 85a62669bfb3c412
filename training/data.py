"""Reading the data sets: JSON Lines, zstd-compressed, one {"id", "text", "label"} a line."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator
from pathlib import Path

import zstandard

IMDB_LABELS = ("negative", "positive")


def read_jsonl(path: Path | str) -> Iterator[dict]:
    """The documents of one .jsonl or .jsonl.zst file, in order."""
    with open(path, "rb") as file:
        stream = zstandard.ZstdDecompressor().stream_reader(file) if str(path).endswith(".zst") else file
        for line in io.TextIOWrapper(stream, encoding="utf-8"):
            yield json.loads(line)


def held_out(document: dict, percent: int) -> bool:
    """True for `percent` of the documents, chosen by a hash of the id, so that every script draws the same split."""
    digest = hashlib.sha256(str(document["id"]).encode()).digest()
    return int.from_bytes(digest[:4], "big") % 100 < percent
