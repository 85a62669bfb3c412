"""The spectrum of attention: how much of a full-attention network's matrices the first singular values hold.

    python training/spectrum.py --data DATA/imdb --tokenizer runs/imdb/tokenizer.json \
        --model runs/ablation/full-attention-1.pt --out training/spectrum

As the paper's Figure 1: of each layer and head, the singular values of softmax(Q K^T / sqrt(d_head)) [n, n], cumulated
and divided by their sum, averaged over documents of at least n tokens that training left out. Writes OUT.json and
OUT.svg.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from data import Corpus, held_out
from model import Config, Linformer

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


def svg(curves: np.ndarray, n: int, documents: int) -> str:
    """A panel for each layer, a line for each head, and the value at RANK."""
    width, height, left, top, gap = 300, 220, 52, 46, 36
    shades = ("#0b5fa5", "#d1495b", "#2e8b57", "#8d5fb0", "#c77d0a", "#39798f", "#7a5230", "#555555")
    total_width = left + len(curves) * (width + gap)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {total_width} {top + height + 62}" font-family="sans-serif" font-size="12">',
        f"<title>Cumulative singular values of the attention matrices, n = {n}</title>",
        f'<rect width="{total_width}" height="{top + height + 62}" fill="#fff"/>',
        f'<text x="{left}" y="18" font-size="14">Cumulative singular values of the attention matrices, n = {n}, mean of {documents} reviews</text>',
    ]
    for layer, heads in enumerate(curves):
        x0 = left + layer * (width + gap)
        parts.append(f'<text x="{x0}" y="{top - 8}">layer {layer + 1}</text>')
        for tick in range(0, 5):
            y = top + height * (1 - tick / 4)
            parts.append(f'<path d="M{x0} {y:.1f}h{width}" stroke="#ddd"/>')
            if layer == 0:
                parts.append(f'<text x="{x0 - 6}" y="{y + 4:.1f}" text-anchor="end">{tick / 4:.2f}</text>')
        for index in (1, RANK, n // 2, n):
            x = x0 + width * index / n
            parts.append(f'<text x="{x:.1f}" y="{top + height + 16}" text-anchor="middle">{index}</text>')
        x = x0 + width * RANK / n
        parts.append(f'<path d="M{x:.1f} {top}v{height}" stroke="#999" stroke-dasharray="4 3"/>')
        for head, curve in enumerate(heads):
            points = " ".join(f"{x0 + width * (i + 1) / n:.1f},{top + height * (1 - curve[i]):.1f}"
                              for i in sorted({*range(0, 32), *range(32, n, 8), n - 1}))  # fmt: skip
            colour = shades[head % len(shades)]
            parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.6"/>')
            parts.append(f'<text x="{x0 + width - 4}" y="{top + height - 12 - 15 * head}" text-anchor="end" fill="{colour}">'
                         f"head {head + 1}: {curve[RANK - 1]:.3f} at {RANK}</text>")  # fmt: skip
    parts.append(f'<text x="{left}" y="{top + height + 42}">index of the singular value</text></svg>')
    return "\n".join(parts) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--tokenizer", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True, help="weights of a full-attention network, as ablation.py writes them")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--n", type=int, default=512)
    parser.add_argument("--documents", type=int, default=40)
    args = parser.parse_args()

    torch.set_num_threads(1)
    saved = torch.load(args.model, weights_only=True)
    model = Linformer(Config(**saved["config"])).eval()
    model.load_state_dict(saved["model"])
    if model.config.attention != "full":
        raise SystemExit(f"{args.model} has no full attention: {model.config.attention}")
    corpus = Corpus(args.data / "train.jsonl.zst", args.tokenizer, args.tokenizer.parent)
    rows = [corpus[i] for i, name in enumerate(corpus.names) if held_out({"id": name}, 10) and len(corpus[i]) >= args.n]
    rows = rows[: args.documents]
    curves = spectra(model, rows, args.n)
    result = {"n": args.n, "documents": len(rows), "rank": RANK, "at_rank": curves[..., RANK - 1].round(4).tolist(),
              "mean_at_rank_by_layer": curves[..., RANK - 1].mean(-1).round(4).tolist()}  # fmt: skip
    args.out.with_suffix(".json").write_text(json.dumps(result, indent=1) + "\n")
    args.out.with_suffix(".svg").write_text(svg(curves, args.n, len(rows)))
    print(json.dumps(result))


if __name__ == "__main__":
    main()
