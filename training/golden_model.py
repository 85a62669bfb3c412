"""Writes tests/golden/model/: small models with random weights, and what PyTorch computes with them, layer by layer.

    python training/golden_model.py

Each NAME.safetensors holds the weights of one model under the names of the model file, and for documents of several
lengths `golden.N.ids` [N], `golden.N.x` [n_layers + 1, N, d_model] (before the first layer and after each),
`golden.N.pooled` [d_model], `golden.N.vector` [2 d_model] (what `embed` gives), `golden.N.contributions` [N, n_classes], `golden.N.logits` [n_classes], and with windows
`golden.N.evidence` [n_classes, 2], the token that each window starts with and its end. The reference runs in float64 on the weights
as the file has them, so the differences that the tests print are the engine's own error.
"""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import save_file

from model import PROJECTION, SHARING, Config, Linformer
from model_file import decode, encode, state_dict

OUT = Path(__file__).parent.parent / "tests" / "golden" / "model"
LENGTHS = (1, 5, 49, 144)  # one token; below k; one more than a tile; n_max and more than one block of keys


def write(name: str, config: Config, dtype: str = "F32") -> None:
    torch.manual_seed(sum(name.encode()))
    model = Linformer(config)
    with torch.no_grad():
        for parameter in model.parameters():  # far from the initial zeros and ones, so that no term can hide
            parameter.add_(torch.randn_like(parameter) * 0.15)
        if config.words:  # not the first tokens of the vocabulary, and not all
            model.words.ids.copy_(torch.randperm(config.vocab_size)[: config.words].sort().values)
    encoded = encode(model.tensors(), dtype)
    model = Linformer(config)
    model.load_state_dict(state_dict(decode(encoded), config))
    model = model.double().eval()
    tensors = dict(encoded)
    for n in LENGTHS:
        ids = torch.randint(0, config.vocab_size, (1, n))
        mask = torch.ones(1, n, dtype=torch.bool)
        with torch.no_grad():
            states = model.encode(ids, mask)
            h = model.norm(states[-1])
            tensors[f"golden.{n}.ids"] = ids[0].int()
            tensors[f"golden.{n}.x"] = torch.cat(states).float()
            tensors[f"golden.{n}.contributions"] = model.contributions(ids, states[-1], mask)[0].float()
            tensors[f"golden.{n}.pooled"] = model.pooled(ids, states[-1], mask)[0].float()
            tensors[f"golden.{n}.vector"] = model.vector(ids, states[-1], mask)[0].float()
            if config.pooling == "window-max":
                edges = model.evidence(ids, h @ model.head.weight.T, mask)
                tensors[f"golden.{n}.evidence"] = torch.stack(edges, -1)[0].int()
            tensors[f"golden.{n}.logits"] = model(ids, mask)[0].float()
    tensors = {key: tensor.contiguous() for key, tensor in tensors.items()}
    save_file(tensors, OUT / f"{name}.safetensors", metadata={"config": json.dumps(config.to_dict())})


def config(**changes: object) -> Config:
    fields = dict(vocab_size=32, n_max=144, d_model=12, n_layers=2, n_heads=3, d_ff=20, n_classes=3, k=[16, 16])
    return Config(**{**fields, **changes})


def main() -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    for old in OUT.glob("*.safetensors"):
        old.unlink()
    for sharing in SHARING:
        for projection in PROJECTION:
            write(f"{sharing}-{projection}", config(sharing=sharing, projection=projection))
    write("full", config(attention="full"))
    for dtype in ("F16", "I8"):
        write(f"layerwise-linear-{dtype}", config(), dtype)
        write(f"none-conv-{dtype}", config(sharing="none", projection="conv"), dtype)
        write(f"headwise-linear-{dtype}", config(sharing="headwise"), dtype)
        write(f"full-{dtype}", config(attention="full"), dtype)
    write("sinusoidal", config(positions="sinusoidal"))
    write("sinusoidal-odd", config(positions="sinusoidal", d_model=15, n_heads=5, d_ff=9, attention="full"))
    write("k-per-layer-layerwise", config(k=[18, 7, 1], n_layers=3))
    write("k-per-layer-none-mean", config(k=[18, 9, 144], n_layers=3, sharing="none", projection="mean"))
    write("k-per-layer-key-value-conv", config(k=[36, 12], sharing="key-value", projection="conv"))
    write("wide", config(d_model=40, n_heads=2, d_ff=72, n_classes=11, k=[131, 131]))
    write("stem", config(stem=24, positions="none"))
    write("stem-F16", config(stem=10, d_model=15, n_heads=5, d_ff=9), "F16")
    write("stem-full", config(stem=7, attention="full"))
    write("importance", config(importance=True))
    write("weighted", config(importance=True, pooling="weighted", positions="none", sharing="none", projection="mean"))
    write("window-max", config(pooling="window-max", window=20))
    write("words", config(words=10))
    write("all-I8", config(stem=24, importance=True, positions="none", pooling="weighted", words=20, projection="mean"), "I8")
    write("all-window-max", config(stem=24, importance=True, pooling="window-max", window=6, words=5, n_classes=5))
    write("directions", config(pooling="directions", words=7))
    write("all-directions-I8", config(stem=24, importance=True, positions="none", pooling="directions", words=20), "I8")
    print(f"{len(list(OUT.iterdir()))} files, {sum(f.stat().st_size for f in OUT.iterdir()) / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
