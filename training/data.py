"""Reading the data sets, and documents as token ids, tokenised once and cached in a file.

A data set is JSON Lines, zstd-compressed, one {"id", "text", "label"} a line, and perhaps "textPair".
"""

from __future__ import annotations

import hashlib
import io
import itertools
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import scipy.sparse as sp
import zstandard
from tokenizers import Tokenizer

LABELS = {"imdb": ("negative", "positive")}
IMDB_LABELS = LABELS["imdb"]


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


def fingerprint(path: Path) -> str:
    """A short hash of a file's content, for the names of what is cached because of it."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


class Corpus:
    """The documents of one file as token ids: document i is `ids[offsets[i] : offsets[i + 1]]`, uint16."""

    def __init__(self, path: Path, tokenizer: Path, cache: Path) -> None:
        """Tokenises `path` once; `cache`, a folder for one data set, holds the result under the tokenizer's hash."""
        cached = cache / f"{path.name.split('.')[0]}-{fingerprint(tokenizer)}.npz"
        if not cached.exists():
            encoder = Tokenizer.from_file(str(tokenizer))
            assert encoder.get_vocab_size() <= 1 << 16
            rows, names, labels = [], [], []
            documents = read_jsonl(path)
            while part := list(itertools.islice(documents, 256)):
                rows += [np.array(e.ids, dtype=np.uint16) for e in encoder.encode_batch([d["text"] for d in part])]
                names += [str(d["id"]) for d in part]
                labels += [d.get("label") or "" for d in part]
            cache.mkdir(parents=True, exist_ok=True)
            np.savez(cached, ids=np.concatenate(rows), offsets=np.cumsum([0, *map(len, rows)]), names=names, labels=labels)
        saved = np.load(cached)
        self.ids, self.offsets = saved["ids"], saved["offsets"]
        self.names, self.labels = saved["names"].tolist(), saved["labels"].tolist()

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, i: int) -> np.ndarray:
        return self.ids[self.offsets[i] : self.offsets[i + 1]]


def token_counts(rows: list[np.ndarray], vocab_size: int) -> sp.csr_matrix:
    """How often each token occurs in each document, [documents, vocab]"""
    offsets = np.cumsum([0, *map(len, rows)])
    counts = sp.csr_matrix((np.ones(offsets[-1], np.float32), np.concatenate(rows).astype(np.int32), offsets),
                           shape=(len(rows), vocab_size))  # fmt: skip
    counts.sum_duplicates()
    return counts
