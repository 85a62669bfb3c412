"""How much of a second training a trunk should have, by few examples of training documents: nothing of `test` is read.

    python training/blend.py --data DATA --tokenizer runs/general/tokenizer.json --first runs/general/first.safetensors \
        --second runs/general/student/model.pt

For each share of the second training's weights: the mean accuracy of logistic regression on the trunk's vectors, with 8 examples of each
label (five draws, measured on the others) and with 600 in all (measured on 300). `export.py --blend` writes the chosen mean.
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from tokenizers import Tokenizer

import loop
from data import read_jsonl
from fewshot import draw
from model import Linformer
from model_file import load_model

SETS = ("agnews_small", "bbc", "20ng", "sst2_glue", "sent_subj", "sent_trec", "imdb")
DOCUMENTS, FITTED = 900, 600
LONGEST = 300  # tokens of a document that are read


def documents(data: Path, name: str, tokenizer: Tokenizer) -> tuple[list[list[int]], np.ndarray]:
    """Token ids and labels of some training documents"""
    rows = [d for d in read_jsonl(data / name / "train.jsonl.zst") if d["text"].strip()]
    random.Random(f"{name}dev").shuffle(rows)
    rows = rows[:DOCUMENTS]
    return [tokenizer.encode(d["text"][: 10 * LONGEST]).ids[:LONGEST] for d in rows], np.array([str(d["label"]) for d in rows])


@torch.no_grad()
def vectors(trunk: Linformer, rows: list[list[int]]) -> np.ndarray:
    """[documents, d_model], with one scale for all dimensions"""
    out = np.zeros((len(rows), trunk.config.d_model), np.float32)
    order = sorted(range(len(rows)), key=lambda i: len(rows[i]))
    for start in range(0, len(order), 32):
        chosen = order[start : start + 32]
        ids, mask = loop.pad([rows[i] for i in chosen])
        with torch.autocast("cpu", torch.bfloat16):
            x = trunk.encode(ids, mask)[-1]
        out[chosen] = trunk.pooled(ids, x.float(), mask).numpy()
    out -= out.mean(0)
    return out / out.std()


def accuracy(z: np.ndarray, labels: np.ndarray, fitted: np.ndarray, strength: float) -> float:
    rest = np.setdiff1d(np.arange(len(labels)), fitted)
    model = LogisticRegression(C=strength, max_iter=200).fit(z[fitted], labels[fitted])
    return 100 * float((model.predict(z[rest]) == labels[rest]).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--tokenizer", type=Path, required=True)
    parser.add_argument("--first", type=Path, required=True, help="a model file")
    parser.add_argument("--second", type=Path, required=True, help="model.pt of the training that went on from it")
    parser.add_argument("--shares", type=float, nargs="+", default=[0, 0.3, 0.4, 0.5, 0.7, 1])
    args = parser.parse_args()
    torch.set_num_threads(1)
    tokenizer = Tokenizer.from_file(str(args.tokenizer))
    sets = {name: documents(args.data, name, tokenizer) for name in SETS}
    first, second = load_model(args.first).eval(), torch.load(args.second, weights_only=True)["model"]
    old = {name: tensor.clone() for name, tensor in first.state_dict().items()}
    for share in args.shares:
        first.load_state_dict({name: tensor.lerp(second[name], share) for name, tensor in old.items()})
        scores = []
        for rows, labels in sets.values():
            z = vectors(first, rows)
            few = [accuracy(z, labels, np.array(draw(labels.tolist(), "8", seed)), 0.1) for seed in range(5)]
            scores.append((float(np.mean(few)), accuracy(z, labels, np.arange(FITTED), 0.05)))
        parts = "  ".join(f"{name} {few:.1f} {many:.1f}" for name, (few, many) in zip(sets, scores))
        print(f"share {share:.1f}: {parts}  mean {np.mean([s[0] for s in scores]):.1f} {np.mean([s[1] for s in scores]):.1f}", flush=True)


if __name__ == "__main__":
    main()
