"""Writes tests/golden/heads/: a small trunk with random weights, heads of every kind, and what PyTorch computes with them.

    python training/golden_heads.py

`trunk.safetensors` reads bytes (byte b is token b + 1). `NAME.safetensors` are its heads. `golden.json` has documents as token ids,
some longer than the trunk's n_max, which are read in windows; and for each the vector that `embed` gives, and of each head logits,
contributions and evidence, computed in float64 on the weights as the files have them.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from model import Config, Linformer

OUT = Path(__file__).parent.parent / "tests" / "golden" / "heads"
TRUNK = Config(vocab_size=257, n_max=96, d_model=12, n_layers=2, n_heads=3, d_ff=20, n_classes=0, k=[16, 16])
CLASSES = 3
WINDOW = 20
KNOWN = 60  # tokens that a word head knows
LENGTHS = (1, 7, 33, 96, 97, 250)


def byte_tables() -> dict[str, Tensor]:
    return {
        "tokenizer.vocab": torch.arange(256, dtype=torch.uint8),
        "tokenizer.offsets": torch.tensor([max(0, i - 1) for i in range(258)]).to(torch.uint32),
        "tokenizer.merges": torch.zeros(0, 2).to(torch.uint32),
    }


def write_trunk(path: Path) -> Linformer:
    model = Linformer(TRUNK)
    with torch.no_grad():
        for parameter in model.parameters():  # far from the initial zeros and ones, so that no term can hide
            parameter.add_(torch.randn_like(parameter) * 0.15)
    config = {key: value for key, value in TRUNK.to_dict().items() if key != "n_classes"}
    metadata = {
        "format": "linformer", "version": "2", "kind": "trunk", "name": "bytes", "config": json.dumps(config), "license": "MIT",
        "trained_on": "nothing", "tokenizer": json.dumps({"type": "byte-level-bpe", "lowercase": False, "sep": 0}),
    }  # fmt: skip
    save_file({**model.tensors(), **byte_tables()}, path, metadata=metadata)
    return model.double().eval()


def write_head(name: str, trunk: str, tensors: dict[str, Tensor], config: dict, **metadata: str) -> None:
    shape = {"d_model": TRUNK.d_model, "vocab_size": TRUNK.vocab_size, "n_classes": CLASSES, **config}
    labels = json.dumps([f"{name} {c}" for c in range(CLASSES)])
    said = {
        "format": "linformer", "version": "2", "kind": "head", "name": name, "trunk": trunk, "trunk_name": "bytes", "labels": labels,
        "config": json.dumps(shape), "license": "MIT", "trained_on": "nothing",
    }  # fmt: skip
    save_file(tensors, OUT / f"{name}.safetensors", metadata={**said, **metadata})


def windows_of(n: int) -> list[tuple[int, int]]:
    """Windows of even length that a document of n tokens is read in"""
    count = math.ceil(n / TRUNK.n_max)
    return [(w * n // count, (w + 1) * n // count) for w in range(count)]


def normalised(model: Linformer, ids: Tensor) -> Tensor:
    """LN(x) of all tokens, each window read by itself, [n, d_model]"""
    parts = []
    for start, end in windows_of(len(ids)):
        part = ids[None, start:end]
        states = model.encode(part, torch.ones_like(part, dtype=torch.bool))
        parts.append(model.norm(states[-1])[0])
    return torch.cat(parts)


def word_shares(head: dict[str, Tensor], ids: Tensor) -> Tensor:
    """What the word head adds to the logits, token by token, [n, classes]"""
    out = torch.zeros(len(ids), CLASSES, dtype=torch.float64)
    if "words.ids" not in head:
        return out
    counts = torch.bincount(ids, minlength=TRUNK.vocab_size)[head["words.ids"].long()].double()  # [m]
    v = counts.sqrt() * head["words.idf"]
    length = v.norm()
    if length > 0:
        share = (v / length / counts.clamp(min=1))[:, None] * head["words.weight"]  # of one occurrence, [m, classes]
        for row, token in enumerate(head["words.ids"].tolist()):
            out[ids == token] = share[row]
    return out


def judge(head: dict[str, Tensor], h: Tensor, tokens: Tensor, ids: Tensor, window: int | None) -> dict:
    """Logits, contributions [n, classes] and evidence of a head, from LN(x) and token vectors, both [n, d_model]"""
    n = len(ids)
    products = h @ head["head.weight"].T  # [n, classes]
    contributions = products.clone()
    if "head.token_weight" in head:
        contributions = products / h.mean(0).norm() + tokens @ head["head.token_weight"].T / tokens.mean(0).norm()
    evidence = None
    if window:
        contributions = torch.zeros_like(products)
        evidence = []
        for c in range(CLASSES):
            spans = []
            for start, end in windows_of(n):  # windows of a document longer than n_max combine by their largest
                size = end - start
                for j in range(max(1, math.ceil(size / (window // 2)) - 1)):
                    first = j * window // 2
                    spans.append((start + first, start + min(size, first + window)))
            words = {span: word_shares(head, ids[span[0] : span[1]])[:, c] for span in spans}  # each a document of its own
            best = max(spans, key=lambda span: products[span[0] : span[1], c].mean() + words[span].sum())
            contributions[best[0] : best[1], c] = products[best[0] : best[1], c] * n / (best[1] - best[0]) + n * words[best]
            evidence.append(best)
    else:
        contributions += n * word_shares(head, ids)
    logits = head["head.bias"] + contributions.mean(0)
    return {"logits": logits.tolist(), "contributions": contributions.tolist(), "evidence": evidence}


def typicality(head: dict[str, Tensor], pooled: Tensor) -> float:
    if "typicality.direction" in head:
        apart = pooled / pooled.norm() - head["typicality.direction"]
    else:
        apart = pooled - head["typicality.mean"]
    distance = (head["typicality.whitening"] @ apart).norm().item()
    quantiles = head["typicality.quantiles"].numpy()
    if distance > quantiles[-1]:
        return 0.005 * (quantiles[-1] / distance) ** 8
    return max(0.005, 1 - float(np.interp(distance, quantiles, np.linspace(0, 1, 101))))


def main() -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    for old in OUT.iterdir():
        old.unlink()
    torch.manual_seed(0)
    model = write_trunk(OUT / "trunk.safetensors")
    trunk = "sha256-" + base64.b64encode(hashlib.sha256((OUT / "trunk.safetensors").read_bytes()).digest()).decode()

    def dense() -> dict[str, Tensor]:
        return {"head.weight": torch.randn(CLASSES, TRUNK.d_model), "head.bias": torch.randn(CLASSES) * 0.3}

    def words() -> dict[str, Tensor]:
        return {
            "words.ids": torch.randperm(TRUNK.vocab_size)[:KNOWN].sort().values.int(),
            "words.idf": 1 + 3 * torch.rand(KNOWN),
            "words.weight": torch.randn(KNOWN, CLASSES),
        }

    def both(h: Tensor, tokens: Tensor) -> Tensor:
        """What `embed` gives of a document"""
        means = [h.mean(0), tokens.mean(0)]
        return torch.cat([mean / mean.norm() for mean in means])

    documents = [torch.randint(1, TRUNK.vocab_size, (n,)) for n in LENGTHS]
    with torch.no_grad():
        rows = [normalised(model, ids) for ids in documents]
        pooled = [h.mean(0) for h in rows]
        spread = torch.stack(pooled)
        whitening = torch.randn(5, TRUNK.d_model)

        def like(centre: str, vectors: torch.Tensor) -> dict[str, torch.Tensor]:
            distances = ((vectors - vectors.mean(0)).float() @ whitening.T).norm(dim=1)
            return {
                f"typicality.{centre}": vectors.mean(0).float(),
                "typicality.whitening": whitening,
                # so that some documents lie among the known ones, and some beyond them
                "typicality.quantiles": torch.linspace(distances.min().item() * 0.9, distances.median().item() * 1.2, 101),
            }

        write_head("mean", trunk, {**dense(), **like("mean", spread)}, {})
        write_head("words", trunk, {**dense(), **words()}, {"words": KNOWN})
        window = {"pooling": "window-max", "window": WINDOW}
        thresholds = json.dumps([0.5, 0.4, 0.9])
        direction = like("direction", spread / spread.norm(dim=1, keepdim=True))
        write_head("window", trunk, {**dense(), **words(), **direction}, {**window, "words": KNOWN}, labels_kind="many", thresholds=thresholds)

        tokens = {"head.token_weight": torch.randn(CLASSES, TRUNK.d_model)}
        write_head("directions", trunk, {**dense(), **tokens, **words()}, {"pooling": "directions", "words": KNOWN})

        golden = []
        for ids, h, vector in zip(documents, rows, pooled, strict=True):
            of_heads = {}
            e = model.embed["token"](ids)
            for name in ("mean", "words", "window", "directions"):
                head = {key: tensor if key == "words.ids" else tensor.double() for key, tensor in load_file(OUT / f"{name}.safetensors").items()}
                of_heads[name] = judge(head, h, e, ids, WINDOW if name == "window" else None)
                if "typicality.whitening" in head:
                    of_heads[name]["typicality"] = typicality(head, vector)
            golden.append({"ids": ids.tolist(), "vector": both(h, e).tolist(), "heads": of_heads})
    rounded = json.loads(json.dumps(golden), parse_float=lambda text: round(float(text), 7))
    (OUT / "golden.json").write_text(json.dumps(rounded, separators=(",", ":")) + "\n")
    print(f"{len(list(OUT.iterdir()))} files, {sum(f.stat().st_size for f in OUT.iterdir()) / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
