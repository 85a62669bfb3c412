"""Accuracy of a shipped model, measured through the command line that users have.

    python training/evaluate.py --data DATA/imdb/test.jsonl.zst --model models/sentiment.safetensors

Every document, or pair with a "textPair", goes through `linformer classify --jsonl`; one without a result counts as
wrong. Prints accuracy with its 95% interval (Wilson), macro F1 with a bootstrap interval, the expected calibration error
over 15 bins and with which temperature it would be how much, accuracy by length, and time. `--held-out 10` takes the
tenth of `train` that training leaves out: there, and not on `test`, is the place to read the temperature that export.py
takes.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax
from scipy.stats import binomtest, bootstrap
from sklearn.metrics import f1_score

from data import held_out, read_jsonl

CLI = Path(__file__).parent.parent / "bin" / "linformer.js"


def macro_f1(truth: np.ndarray, predictions: np.ndarray) -> float:
    """The mean of the F1 of all labels that occur in `truth`, each counting alike"""
    return f1_score(truth, predictions, labels=np.unique(truth), average="macro", zero_division=0)


def macro_f1_interval(truth: np.ndarray, predictions: np.ndarray, draws: int = 1000) -> tuple[float, float]:
    """95% interval: the 2.5% and 97.5% quantiles over documents drawn with replacement"""
    result = bootstrap((truth, predictions), macro_f1, paired=True, vectorized=False, n_resamples=draws, method="percentile", rng=1)
    return result.confidence_interval


def calibration_error(scores: np.ndarray, right: np.ndarray, bins: int = 15) -> float:
    """Guo et al. 2017: mean difference of confidence and accuracy, weighted by the number of documents in a bin."""
    bin_of = np.ceil(scores * bins)
    gap = np.bincount(bin_of.astype(int), weights=scores - right)
    return float(np.abs(gap).sum() / len(scores))


def tempered(scores: np.ndarray, temperature: float) -> np.ndarray:
    """Log probabilities [documents, labels] of `scores` after the logits have been divided by the temperature"""
    return log_softmax(np.log(np.maximum(scores, 1e-30)) / temperature, axis=1)


def best_temperature(scores: np.ndarray, targets: np.ndarray) -> float:
    """The temperature from 0.2 to 5 with the least negative log likelihood (Guo et al. 2017)"""

    def loss(temperature: float) -> float:
        return -tempered(scores, temperature)[np.arange(len(targets)), targets].mean()

    return float(minimize_scalar(loss, bounds=(0.2, 5.0), method="bounded").x)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--limit", type=int, help="only the first documents")
    parser.add_argument("--held-out", type=int, help="only the PERCENT of the documents that training leaves out")
    parser.add_argument("--cli", action="append", default=[], help="one more argument for the command line: --cli=--max-tokens=512")
    args = parser.parse_args()

    documents = list(read_jsonl(args.data))
    if args.held_out:
        documents = [d for d in documents if held_out(d, args.held_out)]
    documents = documents[: args.limit]
    started = time.time()
    with tempfile.TemporaryFile("w+", encoding="utf-8") as lines:
        for d in documents:
            lines.write(json.dumps({key: d[key] for key in ("id", "text", "textPair") if key in d}) + "\n")
        lines.seek(0)
        command = ["node", str(CLI), "classify", "--model", args.model, "--jsonl", *args.cli, "-"]
        answer = subprocess.run(command, stdin=lines, stdout=subprocess.PIPE, text=True, check=False)
    seconds = time.time() - started
    results = [json.loads(line) for line in answer.stdout.splitlines()]
    if [r.get("id") for r in results] != [d["id"] for d in documents]:
        raise SystemExit(f"{len(results)} results for {len(documents)} documents, or not in their order")

    names = sorted({d["label"] for d in documents})
    truth = np.array([names.index(d["label"]) for d in documents])
    predictions = np.array([names.index(label) if (label := r.get("label")) in names else -1 for r in results])
    right = predictions == truth
    failed = sum(r.get("label") is None for r in results)
    print(f"{args.model} on {args.data.parent.name}/{args.data.name}: exit status {answer.returncode}, {failed} failed")
    low, high = binomtest(int(right.sum()), len(right)).proportion_ci(method="wilson")
    print(f"accuracy {100 * right.mean():.2f}% of {len(right)}  (95% interval {100 * low:.2f} to {100 * high:.2f})")
    low, high = macro_f1_interval(truth, predictions)
    print(f"macro F1 {100 * macro_f1(truth, predictions):.2f}  (95% interval {100 * low:.2f} to {100 * high:.2f})")
    scored = np.array([i for i, r in enumerate(results) if r.get("score") is not None], dtype=int)
    if not len(scored):
        return
    error = calibration_error(np.array([results[i]["score"] for i in scored]), right[scored])
    print(f"expected calibration error {100 * error:.2f}%")
    scores = np.array([[{s["label"]: s["score"] for s in results[i]["scores"]}.get(name, 0.0) for name in names] for i in scored])
    best = best_temperature(scores, truth[scored])
    error = calibration_error(np.exp(tempered(scores, best).max(1)), right[scored])
    print(f"  {100 * error:.2f}% with temperature {best:.3f}, fitted on these documents")
    tokens = np.array([results[i]["tokens"] for i in scored])
    edges = (0, 128, 256, 512, 1024, 8192, 16384)
    for low, high in zip(edges, (*edges[1:], None)):
        inside = (tokens >= low) & (tokens < (high or np.inf))
        if inside.any():
            name = f"{low} to {high} tokens" if high else f"{low} tokens and more"
            print(f"  {name}: {100 * right[scored][inside].mean():.2f}% of {inside.sum()}")
    print(f"truth {dict(Counter(d['label'] for d in documents))}, predictions {dict(Counter(str(r.get('label')) for r in results))}")
    print(f"{seconds:.1f} s, {tokens.sum() / seconds:,.0f} tokens/s")


if __name__ == "__main__":
    main()
