"""Writes the ONNX of a model, for comparison with other runtimes: same weights, same result.

    python training/export_onnx.py --out OUT.onnx --safetensors OUT.safetensors --n-max 4096
    python training/export_onnx.py --out OUT.onnx --safetensors OUT.safetensors --n-max 4096 --attention full

The model has random weights from a seed; OUT.safetensors is the same model for this project's engine (F32). The ONNX
takes ids [1, n] (int64) for any n up to n_max and gives logits [1, n_classes].
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from model import ATTENTION, Config, Linformer
from model_file import encode, save_model


class Unpadded(nn.Module):
    """One document without padding: what runtimes are given. Takes the model's modules over."""

    def __init__(self, model: Linformer) -> None:
        super().__init__()
        self.model = model
        for layer in model.layers:  # the exporter writes Python, where "in" cannot be the name of a module
            layer.ffn = nn.Sequential(layer.ffn["in"], nn.GELU(approximate="tanh"), layer.ffn["out"])

    def forward(self, ids: Tensor) -> Tensor:
        model = self.model
        x = model.embeddings(ids)
        mask = torch.ones_like(ids, dtype=torch.bool)
        for layer in model.layers:
            h, attention = layer.attn_norm(x), layer.attn
            p = h if model.config.attention == "full" else model.attn["E"].weight[0][:, : ids.shape[1]] @ h
            query, key, value = (attention.split(t) for t in (attention.query(h), attention.key(p), attention.value(p)))
            scores = query @ key.transpose(-1, -2) / key.shape[-1] ** 0.5
            ctx = torch.softmax(scores, -1) @ value
            x = x + attention.out(ctx.transpose(1, 2).flatten(2))
            x = x + layer.ffn(layer.ffn_norm(x))
        return model.head(model.pool(x, mask))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--safetensors", type=Path, required=True)
    parser.add_argument("--attention", choices=ATTENTION, default="linformer")
    parser.add_argument("--n-max", type=int, default=4096)
    parser.add_argument("--d-model", type=int, default=128)
    parser.add_argument("--n-layers", type=int, default=4)
    parser.add_argument("--n-heads", type=int, default=4)
    parser.add_argument("--d-ff", type=int, default=512)
    parser.add_argument("--k", type=int, default=128)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()

    torch.manual_seed(args.seed)
    config = Config(257, args.n_max, args.d_model, args.n_layers, args.n_heads, args.d_ff, 2,
                    [args.k] * args.n_layers, attention=args.attention)  # fmt: skip
    model = Linformer(config).eval()
    with torch.no_grad():
        if args.attention == "linformer":
            model.attn["E"].weight.mul_(0.1)
    tables = {
        "vocab": np.arange(256, dtype=np.uint8),
        "offsets": np.maximum(0, np.arange(258) - 1).astype(np.uint32),
        "merges": np.zeros((0, 2), dtype=np.uint32),
        "lowercase": False,
    }
    save_model(args.safetensors, encode(model.tensors(), "F32"), config, ["a", "b"], tables, "none", "nothing")

    n = torch.export.Dim("n", min=2, max=args.n_max)
    example = torch.randint(0, config.vocab_size, (1, min(64, args.n_max)))
    torch.onnx.export(Unpadded(model), (example,), args.out, input_names=["ids"], output_names=["logits"],
                      dynamic_shapes={"ids": {1: n}}, dynamo=True, external_data=False)  # fmt: skip


if __name__ == "__main__":
    main()
