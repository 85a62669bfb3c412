"""A trunk's file, read back: its network, its tokenizer, and what heads are taught on.

Heads are linear on each token's LN(x), so of a frozen trunk they need nothing but sums over halves of windows. `Trunk.read` reads
a document as the engine does, and `read_documents` keeps what comes of it, in a file that is named by the trunk's digest.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors import safe_open
from tokenizers import Tokenizer
from torch import Tensor

from data import read_jsonl
from model_file import load_model
from tokenizer_json import from_model

SLICE = 2048  # rows


@dataclass
class Document:
    """A document as heads see it; it has `n` tokens, and `halves` of them end where `ends` says."""

    ids: np.ndarray  # [n] uint16
    starts: np.ndarray  # [n] int32, offset of each token in the text, in characters
    ends: np.ndarray  # [halves] int32, in tokens
    windows: np.ndarray  # [halves] int32: which reading of the trunk a half belongs to
    sums: np.ndarray  # [halves, d_model] float32, of LN(x)
    pooled: np.ndarray  # [d_model] float32, the mean of the outputs, of which `embed` gives the direction

    @property
    def n(self) -> int:
        return len(self.ids)


class Trunk:
    def __init__(self, path: Path) -> None:
        with safe_open(path, "pt") as file:
            self.name = file.metadata().get("name", path.stem)
        self.digest = "sha256-" + base64.b64encode(hashlib.sha256(path.read_bytes()).digest()).decode()
        self.tokenizer = Tokenizer.from_str(json.dumps(from_model(path)))
        self.model = load_model(path)
        self.config = self.model.config
        if self.config.stem:
            with torch.no_grad():
                parts = self.model.stem["in"].weight.split(self.config.d_model, 1)
                self.stem = [self.model.embed["token"].weight @ part.T for part in parts]  # each [vocab_size, stem]

    @torch.no_grad()
    def normalised(self, ids: Tensor) -> Tensor:
        """LN(x) of one reading of the trunk, ids [n] -> [n, d_model]: what `model.encode` computes, without batches, padding and
        their masks, and in slices of rows that stay in the processor's cache"""
        config, model = self.config, self.model
        if config.attention != "linformer" or config.sharing != "layerwise" or config.projection != "linear" or config.positions != "none":
            states = model.encode(ids[None], torch.ones(1, len(ids), dtype=torch.bool))
            return model.norm(states[-1])[0]
        x = model.embed["token"](ids)  # [n, d_model]
        if config.stem:
            # The convolution's three maps, applied to the vocabulary once
            hidden = self.stem[1][ids] + model.stem["in"].bias  # [n, stem]
            hidden[1:] += self.stem[0][ids[:-1]]
            hidden[:-1] += self.stem[2][ids[1:]]
            x = x + model.stem["out"](F.gelu(hidden, approximate="tanh"))
        projection = model.attn["E"].weight[0]  # [k, n_max]
        for layer, k in zip(model.layers, config.k, strict=True):
            h = layer.attn_norm(x)
            p = projection[:k, : len(ids)] @ h  # [k, d_model]
            key, value = (linear(p).unflatten(-1, (config.n_heads, -1)).transpose(0, 1) for linear in (layer.attn.key, layer.attn.value))
            for at in range(0, len(ids), SLICE):
                rows = slice(at, at + SLICE)
                query = layer.attn.query(h[rows]).unflatten(-1, (config.n_heads, -1)).transpose(0, 1)  # [n_heads, SLICE, d_head]
                scores = torch.softmax(query @ key.transpose(1, 2) * query.shape[-1] ** -0.5, -1)
                x[rows] += layer.attn.out((scores @ value).transpose(0, 1).flatten(1))
                x[rows] += layer.ffn(layer.ffn_norm(x[rows]))
        return model.norm(x)

    def runs(self, n: int) -> list[tuple[int, int]]:
        """The parts, all about as long, that the engine reads a document of n tokens in"""
        count = math.ceil(n / self.config.n_max)
        return [(w * n // count, (w + 1) * n // count) for w in range(count)]

    def tokens(self, text: str, half: int) -> Document:
        """A text in halves of windows, whose sums and vector are not known yet: empty"""
        encoding = self.tokenizer.encode(text)
        ends, windows = [], []
        for run, (start, end) in enumerate(self.runs(len(encoding.ids))):
            edges = np.append(np.arange(start + half, end, half), end)
            ends.append(edges)
            windows.append(np.full(len(edges), run))
        ids = np.array(encoding.ids, dtype=np.uint16)
        starts = np.array([a for a, _ in encoding.offsets], dtype=np.int32)
        nothing = np.zeros((sum(map(len, ends)), 0), dtype=np.float32)
        return Document(ids, starts, np.concatenate(ends).astype(np.int32), np.concatenate(windows).astype(np.int32), nothing, nothing[0])

    @torch.no_grad()
    def read(self, text: str, half: int) -> Document:
        """Reads a text with windows of two times `half` tokens in mind"""
        document = self.tokens(text, half)
        ids = torch.from_numpy(document.ids.astype(np.int64))
        pooled, weight = torch.zeros(self.config.d_model, dtype=torch.float64), 0.0
        sums = []
        for start, end in self.runs(len(ids)):
            with torch.autocast("cpu", dtype=torch.bfloat16):
                h = self.normalised(ids[start:end]).float()
            a = self.model.pool(ids[start:end], h).double() if self.config.importance else torch.ones(len(h), dtype=torch.float64)
            pooled += a @ h.double()
            weight += a.sum().item()
            sums.append(F.pad(h, (0, 0, 0, -len(h) % half)).unflatten(0, (-1, half)).sum(1))
        return replace(document, sums=torch.cat(sums).numpy(), pooled=(pooled / weight).float().numpy())


FIELDS = ("ids", "starts", "ends", "windows", "sums", "pooled")


def read_documents(trunk: Trunk, texts: list[str], half: int, kept: Path, name: str, jobs: int = 1) -> list[Document]:
    """What the trunk makes of texts, from the file KEPT/NAME-DIGEST.npz if they have been read before; read in so many threads"""
    digest = hashlib.sha256(trunk.digest.encode() + str(half).encode() + "\0".join(texts).encode("utf-8", "replace")).hexdigest()[:12]
    path = kept / f"{name}-{digest}.npz"
    if not path.exists():
        with ThreadPoolExecutor(jobs) as pool:
            documents = list(pool.map(lambda text: trunk.read(text, half), texts))
        parts = {field: [getattr(d, field) for d in documents] for field in FIELDS}
        lengths = {f"{field}_lengths": [len(part) for part in parts[field]] for field in FIELDS}
        kept.mkdir(parents=True, exist_ok=True)
        np.savez(path, **{field: np.concatenate(part) for field, part in parts.items()}, **lengths)
    saved = np.load(path)
    split = {field: np.split(saved[field], np.cumsum(saved[f"{field}_lengths"])[:-1]) for field in FIELDS}
    return [Document(*parts) for parts in zip(*(split[field] for field in FIELDS), strict=True)]


def documents_of(data: Path, name: str, split: str) -> list[dict]:
    return list(read_jsonl(data / name / f"{split}.jsonl.zst"))
