"""Model files: one .safetensors with weights, tokenizer and metadata, as the engine reads it."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from model import Config, Linformer
from tokenizer import SEP_ID

DTYPES = ("F32", "F16", "I8")


def quantise(weight: Tensor) -> tuple[Tensor, Tensor]:
    """Symmetric int8 with one scale a row (all dimensions but the last): weight is about int8 * scale.

    The largest magnitude of a row becomes 127, so no value is clipped; a row of zeros has scale 1.
    """
    largest = weight.abs().amax(-1)
    scale = torch.where(largest > 0, largest / 127, torch.ones_like(largest)).float()
    return torch.round(weight / scale[..., None]).clamp(-127, 127).to(torch.int8), scale


def encode(tensors: dict[str, Tensor], dtype: str) -> dict[str, Tensor]:
    """Matrices in `dtype`, vectors in F32 (in F16 if that is the dtype)."""
    out = {}
    for name, tensor in tensors.items():
        if tensor.dtype == torch.int32:
            out[name] = tensor
        elif dtype == "F16":
            out[name] = tensor.half()
        elif dtype == "I8" and tensor.dim() > 1:
            out[name], out[name + ".scale"] = quantise(tensor)
        else:
            out[name] = tensor.float()
    return out


def decode(encoded: dict[str, Tensor]) -> dict[str, Tensor]:
    """What the engine computes with: the weights as they come back from the file."""
    out = {}
    for name, tensor in encoded.items():
        if tensor.dtype == torch.int8:
            out[name] = tensor.float() * encoded[name + ".scale"][..., None]
        elif not name.endswith(".scale"):
            out[name] = tensor if tensor.dtype == torch.int32 else tensor.float()
    return out


def state_dict(tensors: dict[str, Tensor], config: Config) -> dict[str, Tensor]:
    """Tensors under the file's names, back under the names of `model.Linformer.state_dict`."""
    out = {}
    for name, tensor in tensors.items():
        if name.endswith((".E", ".F")):
            out[name + ".weight"] = tensor if config.sharing == "none" else tensor[None]
        else:
            out[name] = tensor
    return out


def load_model(path: Path) -> Linformer:
    """The model of a .safetensors file, a trunk or a classifier, ready to predict"""
    with safe_open(path, "pt") as file:
        config = Config(**{"n_classes": 0, **json.loads(file.metadata()["config"])})
        tensors = {name: file.get_tensor(name) for name in file.keys() if not name.startswith(("tokenizer.", "typicality."))}
    model = Linformer(config)
    model.load_state_dict(state_dict(decode(tensors), config))
    return model.eval()


def save_model(path: Path, encoded: dict[str, Tensor], config: Config, labels: list[str], tables: dict,
               license: str, trained_on: str, **metadata: str) -> None:  # fmt: skip
    """`tables` are the tokenizer's, from `tokenizer.tables`; `metadata` is added as it is. With no labels it is a trunk.

    `encoded` may hold a head's typicality, as `heads.typicality` gives it: then readers of version 1 would refuse the file.
    """
    known = any(name.startswith("typicality.") for name in encoded)
    shape = config.to_dict()
    if labels:
        metadata["labels"] = json.dumps(labels)
    else:
        del shape["n_classes"]
        metadata["kind"] = "trunk"
    tensors = {name: tensor.contiguous() for name, tensor in encoded.items()}
    for key in ("vocab", "offsets", "merges"):
        tensors["tokenizer." + key] = torch.from_numpy(tables[key])
    save_file(
        tensors,
        path,
        metadata={
            "format": "linformer",
            "version": str(max(config.version(), 2 if known else 1)),
            "config": json.dumps(shape),
            "tokenizer": json.dumps({"type": "byte-level-bpe", "lowercase": bool(tables["lowercase"]), "sep": SEP_ID}),
            "license": license,
            "trained_on": trained_on,
            **metadata,
        },
    )
