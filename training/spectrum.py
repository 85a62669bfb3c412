"""The spectrum of attention: how much of a full-attention network's matrices the first singular values hold.

    python training/tokenizer_json.py web/data/full-attention.safetensors --out runs/spectrum/tokenizer.json
    python training/spectrum.py --data DATA/imdb --tokenizer runs/spectrum/tokenizer.json \
        --model web/data/full-attention.safetensors --out training/spectrum

As the paper's Figure 1: of each layer and head, the singular values of softmax(Q K^T / sqrt(d_head)) [n, n], cumulated
and divided by their sum, averaged over documents of at least n tokens that training left out. Writes OUT.json and
OUT.svg.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import matplotlib
import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from data import Corpus, held_out
from model import Linformer
from model_file import load_model

RANK = 128


@torch.no_grad()
def attention_matrices(model: Linformer, ids: Tensor) -> Tensor:
    """ids [n] -> the attention probabilities of each layer and head, [n_layers, n_heads, n, n]"""
    mask = torch.ones(1, len(ids), dtype=torch.bool)
    states = model.encode(ids[None], mask)
    out = []
    for layer, x in zip(model.layers, states):
        h = layer.attn_norm(x)
        query, key = layer.attn.split(layer.attn.query(h)), layer.attn.split(layer.attn.key(h))
        out.append(torch.softmax(query @ key.transpose(-1, -2) / query.shape[-1] ** 0.5, -1)[0])
    return torch.stack(out)


def spectra(model: Linformer, rows: list[np.ndarray], n: int) -> np.ndarray:
    """Cumulative singular values over their sum, averaged over documents, [n_layers, n_heads, n]"""
    total = 0.0
    for row in rows:
        values = torch.linalg.svdvals(attention_matrices(model, torch.from_numpy(row[:n].astype(np.int64))).double())
        cumulated = values.cumsum(-1)
        total = total + (cumulated / cumulated[..., -1:]).numpy()
    return total / len(rows)


def plot(curves: np.ndarray, path: Path, documents: int) -> None:
    """An SVG of `curves` [n_layers, n_heads, n]: a panel for each layer, a line for each head, and its value at RANK"""
    n = curves.shape[-1]
    # Letters stay text, and the same curves give the same bytes.
    matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "spectrum", "font.family": "sans-serif"})
    figure = Figure(figsize=(3.8 * len(curves), 3.4), layout="constrained")
    panels = figure.subplots(1, len(curves), sharey=True, squeeze=False)
    figure.suptitle(f"Cumulative singular values of the attention matrices, n = {n}, mean of {documents} reviews", fontsize=10)
    figure.supxlabel("index of the singular value", fontsize=9)
    for layer, (panel, heads) in enumerate(zip(panels[0], curves), 1):
        for head, curve in enumerate(heads, 1):
            panel.plot(range(1, n + 1), curve, linewidth=1.4, label=f"head {head}: {curve[RANK - 1]:.3f} at {RANK}")
        panel.axvline(RANK, color="grey", linestyle="--", linewidth=0.8)
        panel.set(title=f"layer {layer}", xlim=(0, n), ylim=(0, 1.02), xticks=(1, RANK, n // 2, n))
        panel.legend(loc="lower right", fontsize=8)
        panel.grid(axis="y", color="#ddd")
    figure.savefig(path, metadata={"Date": None})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--tokenizer", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True, help=".safetensors of a network with full attention")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--n", type=int, default=512)
    parser.add_argument("--documents", type=int, default=40)
    args = parser.parse_args()

    torch.set_num_threads(1)
    model = load_model(args.model)
    if model.config.attention != "full":
        raise SystemExit(f"{args.model} has no full attention: {model.config.attention}")
    corpus = Corpus(args.data / "train.jsonl.zst", args.tokenizer, args.tokenizer.parent)
    rows = [corpus[i] for i, name in enumerate(corpus.names) if held_out({"id": name}, 10) and len(corpus[i]) >= args.n]
    rows = rows[: args.documents]
    curves = spectra(model, rows, args.n)
    result = {"n": args.n, "documents": len(rows), "rank": RANK, "at_rank": curves[..., RANK - 1].round(4).tolist(),
              "mean_at_rank_by_layer": curves[..., RANK - 1].mean(-1).round(4).tolist()}  # fmt: skip
    args.out.with_suffix(".json").write_text(json.dumps(result, indent=1) + "\n")
    plot(curves, args.out.with_suffix(".svg"), len(rows))
    print(json.dumps(result))


if __name__ == "__main__":
    main()
