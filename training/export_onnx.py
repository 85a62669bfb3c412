"""Writes a model file as ONNX, by PyTorch's own exporter: for other runtimes, and to check what bench/onnx.js writes.

    python training/export_onnx.py --model models/sentiment.safetensors --out sentiment.onnx

The ONNX takes ids [1, n] (int64) for any n up to n_max and gives logits [1, n_classes]. The model must be a plain classifier:
no word head, mean pooling; a Linformer also needs layerwise sharing and a linear projection.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model import Linformer
from model_file import load_model


def plain(maps: nn.ModuleDict) -> nn.Sequential:
    return nn.Sequential(maps["in"], nn.GELU(approximate="tanh"), maps["out"])


class Unpadded(nn.Module):
    """One document without padding: what runtimes are given. Takes the model's modules over."""

    def __init__(self, model: Linformer) -> None:
        super().__init__()
        self.model = model
        # The exporter writes Python, where "in" cannot be the name of a module
        for layer in model.layers:
            layer.ffn = plain(layer.ffn)
        self.stem = plain(model.stem) if model.config.stem else None
        model.stem = None

    def forward(self, ids: Tensor) -> Tensor:
        """ids [1, n] -> logits [1, n_classes]"""
        model = self.model
        mask = torch.ones_like(ids, dtype=torch.bool)  # [1, n]
        x = tokens = model.embed["token"](ids)  # [1, n, d_model]
        if "position" in model.embed:
            x = x + model.embed["position"].weight[: ids.shape[1]]
        elif model.config.positions == "sinusoidal":
            x = x + model.sinusoidal[: ids.shape[1]]
        if self.stem is not None:
            beside = F.pad(tokens, (0, 0, 1, 1))  # [1, n + 2, d_model]
            x = x + self.stem(torch.cat([beside[:, :-2], tokens, beside[:, 2:]], -1))
        for layer in model.layers:
            h, attention = layer.attn_norm(x), layer.attn  # [1, n, d_model]
            full = model.config.attention == "full"
            p = h if full else model.attn["E"].weight[0][: attention.k, : ids.shape[1]] @ h  # [1, k or n, d_model]
            query, key, value = (attention.split(t) for t in (attention.query(h), attention.key(p), attention.value(p)))
            scores = query @ key.transpose(-1, -2) / key.shape[-1] ** 0.5  # [1, n_heads, n, k or n]
            ctx = torch.softmax(scores, -1) @ value  # [1, n_heads, n, d_head]
            x = x + attention.out(ctx.transpose(1, 2).flatten(2))  # [1, n, d_model]
            x = x + layer.ffn(layer.ffn_norm(x))  # [1, n, d_model]
        return model.head(model.pooled(ids, x, mask))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True, help=".safetensors")
    parser.add_argument("--out", type=Path, required=True, help=".onnx")
    args = parser.parse_args()

    model = load_model(args.model)
    config = model.config
    if not config.n_classes or config.words or config.importance or config.pooling != "mean":
        raise SystemExit(f"{args.model}: only a classifier with mean pooling, without word head, can be exported")
    if config.attention == "linformer" and (config.sharing, config.projection) != ("layerwise", "linear"):
        raise SystemExit(f"{args.model}: {config.sharing} sharing of a {config.projection} projection cannot be exported")
    n = torch.export.Dim("n", min=2, max=config.n_max)
    example = torch.randint(0, config.vocab_size, (1, min(64, config.n_max)))
    torch.onnx.export(Unpadded(model), (example,), args.out, input_names=["ids"], output_names=["logits"],
                      dynamic_shapes={"ids": {1: n}}, dynamo=True, external_data=False)  # fmt: skip


if __name__ == "__main__":
    main()
