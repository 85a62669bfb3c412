"""Writes a model file as ONNX, by PyTorch's own exporter: for other runtimes, and to check what bench/onnx.js writes.

    python training/export_onnx.py --model models/imdb.safetensors --out imdb.onnx

The ONNX takes ids [1, n] (int64) for any n up to n_max and gives logits [1, n_classes]. Linformers need layerwise
sharing and a linear projection.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch
from safetensors import safe_open
from torch import Tensor, nn

from model import Config, Linformer
from model_file import decode, state_dict


class Unpadded(nn.Module):
    """One document without padding: what runtimes are given. Takes the model's modules over."""

    def __init__(self, model: Linformer) -> None:
        super().__init__()
        self.model = model
        for layer in model.layers:  # the exporter writes Python, where "in" cannot be the name of a module
            layer.ffn = nn.Sequential(layer.ffn["in"], nn.GELU(approximate="tanh"), layer.ffn["out"])

    def forward(self, ids: Tensor) -> Tensor:
        model = self.model
        x = model.embeddings(ids, torch.ones_like(ids, dtype=torch.bool))
        mask = torch.ones_like(ids, dtype=torch.bool)
        for layer in model.layers:
            h, attention = layer.attn_norm(x), layer.attn
            full = model.config.attention == "full"
            p = h if full else model.attn["E"].weight[0][: attention.k, : ids.shape[1]] @ h
            query, key, value = (attention.split(t) for t in (attention.query(h), attention.key(p), attention.value(p)))
            scores = query @ key.transpose(-1, -2) / key.shape[-1] ** 0.5
            ctx = torch.softmax(scores, -1) @ value
            x = x + attention.out(ctx.transpose(1, 2).flatten(2))
            x = x + layer.ffn(layer.ffn_norm(x))
        return model.head(model.pooled(ids, x, mask))


def load(path: Path) -> Linformer:
    """The model of a .safetensors file."""
    with safe_open(path, "pt") as file:
        config = Config(**json.loads(file.metadata()["config"]))
        tensors = {name: file.get_tensor(name) for name in file.keys() if not name.startswith("tokenizer.")}
    if config.attention == "linformer" and (config.sharing, config.projection) != ("layerwise", "linear"):
        raise SystemExit(f"{path}: {config.sharing} sharing of a {config.projection} projection cannot be exported")
    model = Linformer(config)
    model.load_state_dict(state_dict(decode(tensors), config))
    return model.eval()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True, help=".safetensors")
    parser.add_argument("--out", type=Path, required=True, help=".onnx")
    args = parser.parse_args()

    model = load(args.model)
    n = torch.export.Dim("n", min=2, max=model.config.n_max)
    example = torch.randint(0, model.config.vocab_size, (1, min(64, model.config.n_max)))
    torch.onnx.export(Unpadded(model), (example,), args.out, input_names=["ids"], output_names=["logits"],
                      dynamic_shapes={"ids": {1: n}}, dynamo=True, external_data=False)  # fmt: skip


if __name__ == "__main__":
    main()
