"""Where training starts: token vectors from latent semantic analysis, and heads that look at their neighbours.

The Linformer has no notion of neighbourhood at its start: E is dense. Here E begins as means of short segments (finer
at the start of the document, where most documents are), positions begin as sinusoids in channels of their own, and some
heads begin with query and key maps that read those channels alone, so that a token attends to the segments around it.
Everything is then learned. The model's shape and arithmetic stay what they are.
"""

from __future__ import annotations

import math

import numpy as np
import scipy.sparse as sp
import torch
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.utils.extmath import randomized_svd
from torch import Tensor

from model import Linformer


def latent_semantics(counts: sp.csr_matrix, d: int, seed: int) -> Tensor:
    """Token vectors [vocab, d], entries of deviation 1/2: right singular vectors times the roots of the singular values,
    of the TF-IDF of `counts` [documents, vocab]

    Deerwester et al. 1990; the truncated SVD is Halko et al. 2011.
    """
    _, values, vectors = randomized_svd(TfidfTransformer(sublinear_tf=True).fit_transform(counts), d, random_state=seed, n_iter=2)
    rows = vectors.T * np.sqrt(values)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    rows = np.where(lengths > 1e-6, rows / np.maximum(lengths, 1e-6), np.random.default_rng(seed).normal(size=rows.shape) / d**0.5)
    return torch.from_numpy(rows * 0.5 * d**0.5).float()


def segments(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """[(tokens, segments), ...] from the start of a document on -> the first and the end of each segment"""
    out, start = [], 0
    for tokens, count in spans:
        out += [(start + i * tokens // count, start + (i + 1) * tokens // count) for i in range(count)]
        start += tokens
    return out


def spans_of(text: str) -> list[tuple[int, int]]:
    """"384:96,640:80": 384 tokens in 96 segments, then 640 tokens in 80 -> [(384, 96), (640, 80)]. Raises ValueError."""
    spans = [tuple(map(int, part.split(":"))) for part in text.split(",")]
    for tokens, count in spans:
        if tokens % count:
            raise ValueError(f"{tokens} tokens are not a multiple of {count} segments")
    return spans


def segment_means(model: Linformer, spans: list[tuple[int, int]]) -> None:
    """Row i of a layerwise E becomes the mean over segment i; a document that ends inside has a smaller sum, no mean."""
    E = model.attn["E"].weight.data
    rows = segments(spans)
    assert E.shape[1] == len(rows) and E.shape[2] == rows[-1][1]
    E.zero_()
    for i, (start, end) in enumerate(rows):
        E[:, i, start:end] = 1 / (end - start)


def resegment(E: Tensor, old: list[tuple[int, int]], new: list[tuple[int, int]]) -> Tensor:
    """A learned E [1, k, n_max] over `old` spans -> over `new` ones: what each token gives to its own segment, nothing else

    Segments that both have keep their learned weights. Others get equal weights, with the mean norm of the rows of the
    first old span, whose segments every document has: that keeps the scale of sums of unlike tokens.
    """
    learned = {(start, end): E[0, i, start:end] for i, (start, end) in enumerate(segments(old))}
    norm = torch.stack([row.norm() for (_, end), row in learned.items() if end <= old[0][0]]).mean()
    rows = segments(new)
    out = torch.zeros(1, len(rows), rows[-1][1])
    for i, (start, end) in enumerate(rows):
        out[0, i, start:end] = learned.get((start, end), norm / (end - start) ** 0.5)
    return out


def sinusoid(n: int, channels: int, shortest: float = 8.0, longest: float = 8192.0) -> tuple[Tensor, Tensor]:
    """Positions [n, channels], sine and cosine side by side, wavelengths in geometric steps; and the rates"""
    rates = 2 * math.pi / torch.logspace(math.log10(shortest), math.log10(longest), channels // 2, dtype=torch.float64)
    angle = torch.arange(n, dtype=torch.float64)[:, None] * rates
    return torch.stack([angle.sin(), angle.cos()], -1).flatten(1).float(), rates


def neighbourhood(model: Linformer, offsets: list[list[int]], amplitude: float = 0.8, sharpness: float = 1.5) -> None:
    """Heads offsets[layer][0], [1], ... begin by attending to the segment that many tokens further; others at random.

    Channels 0 to d_head - 1 hold the position. A query and a key that read only those have the score
    sum_f cos(rate_f (i + offset - j)), which is largest where j = i + offset.
    """
    d_head = model.config.d_model // model.config.n_heads
    sinusoids, rates = sinusoid(model.config.n_max, d_head)
    position = model.embed["position"].weight.data
    position[:, :d_head] = sinusoids * amplitude
    position[:, d_head:] = 0
    model.embed["token"].weight.data[:, :d_head] *= 0.1
    for layer, shifts in zip(model.layers, offsets):
        query, key = layer.attn.query, layer.attn.key
        query.bias.data.zero_()
        key.bias.data.zero_()
        for head, shift in enumerate(shifts):
            rows = slice(head * d_head, (head + 1) * d_head)
            query.weight.data[rows] = 0
            key.weight.data[rows] = 0
            key.weight.data[rows, :d_head] = torch.eye(d_head) * sharpness
            cos, sin = (rates * shift).cos().float(), (rates * shift).sin().float()
            for f in range(d_head // 2):
                a, b = 2 * f, 2 * f + 1  # (sin, cos) at i becomes (sin, cos) at i + shift
                rotation = torch.tensor([[cos[f], sin[f]], [-sin[f], cos[f]]]) * sharpness
                query.weight.data[head * d_head + a : head * d_head + b + 1, a : b + 1] = rotation


def begin(model: Linformer, counts: sp.csr_matrix, spans: list[tuple[int, int]], offsets: list[list[int]], seed: int) -> None:
    """The whole start of a layerwise model: token vectors from `counts` [documents, vocab], E from `spans`, heads from `offsets`"""
    content = model.config.d_model - model.config.d_model // model.config.n_heads  # the first d_head channels are the positions'
    model.embed["token"].weight.data[:, -content:] = latent_semantics(counts, content, seed)
    segment_means(model, spans)
    neighbourhood(model, offsets)


def without_attention(model: Linformer) -> None:
    """The twin that shows what attention is worth: it adds nothing, and learns nothing. Call it before the optimizer is made."""
    for layer in model.layers:
        for p in layer.attn.out.parameters():
            p.data.zero_()
        for p in layer.attn.parameters():
            p.requires_grad_(False)
