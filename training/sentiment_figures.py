"""What `sentiment` is worth, through the command line: reviews, sentences, and pairs of sentences that differ in a denial.

    python training/sentiment_figures.py --data DATA
    python training/sentiment_figures.py --data DATA --twin "attention left out" runs/sentiment/none.safetensors

Writes training/sentiment.json, which card.py puts into the card; `baselines.py` adds TF-IDF, and `unlike.py` typicality. Reviews are
IMDB's `test`, sentences the `test` of SST-2 (the 872 of GLUE's dev set). Of each pair one text is positive and one negative: pairs are those
of contrast/test.csv, plain pairs those of contrast/plain.csv, older pairs those of contrast/pairs.csv, whose patterns training had in
mind. Reviews of products and services are whole ones, written for contrast/products.csv. A twin is another model of the same recipe; it
is measured after the model itself.
"""

from __future__ import annotations

import argparse
import csv
import json
from pathlib import Path

import numpy as np

from data import IMDB_LABELS, read_jsonl
from evaluate import calibration_error
from heads import ROOT, classify, figure, write_figures

FIGURES = ROOT / "training" / "sentiment.json"
EDGES = (0, 128, 256, 512, 1024, None)  # tokens
LONG = 512
PRODUCTS = ("plain", "mixed", "implied")  # kinds of reviews of products and services
GLUE = dict(zip("01", IMDB_LABELS))  # the labels of SST-2


def written(name: str) -> list[dict]:
    with open(ROOT / "training/contrast" / name, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def products() -> dict[str, list[dict]]:
    rows = written("products.csv")
    return {f"products, {kind}": [row for row in rows if row["kind"] == kind] for kind in PRODUCTS}


def documents_of(data: Path) -> dict[str, list[dict]]:
    return {
        "reviews": list(read_jsonl(data / "imdb" / "test.jsonl.zst")),
        "sentences": [{**d, "label": GLUE[str(d["label"])]} for d in read_jsonl(data / "sst2_glue" / "test.jsonl.zst")],
        "plain pairs": written("plain.csv"),
        "pairs": written("test.csv"),
        "older pairs": written("pairs.csv"),
        **products(),
    }


def told(right: np.ndarray, scores: np.ndarray) -> dict:
    """Accuracy with its interval, and the calibration error, both in percent; a text without a result is wrong, with score 0"""
    return {
        "documents": len(right),
        "accuracy": figure(lambda rows: 100 * right[rows].mean(), len(right)),
        "ECE": round(100 * calibration_error(scores, right), 2),
    }


def measure(model: Path, sets: dict[str, list[dict]], jobs: int) -> dict:
    figures: dict = {}
    for name, documents in sets.items():
        results = classify(model, [d["text"] for d in documents], jobs=jobs)
        right = np.array([r.get("label") == d["label"] for r, d in zip(results, documents)])
        scores = np.array([r.get("score", 0.0) for r in results])
        figures[name] = told(right, scores)
        if name == "reviews":
            tokens = np.array([r.get("tokens", 0) for r in results])
            lengths = {}
            for low, high in zip(EDGES, EDGES[1:]):
                inside = (tokens >= low) & (tokens < (high or np.inf))
                lengths[f"{low:,} to {high:,} tokens" if high else f"{low:,} tokens and more"] = told(right[inside], scores[inside])
            lengths[f"{LONG} tokens and more, in all"] = told(right[tokens >= LONG], scores[tokens >= LONG])
            figures["by length"] = lengths
        if name.endswith("pairs"):  # drawn as pairs, since the two are alike
            both = right.reshape(-1, 2)
            figures[name]["accuracy"] = figure(lambda rows: 100 * both[rows].mean(), len(both))
            figures[name]["both right"] = figure(lambda rows: 100 * both[rows].all(1).mean(), len(both))
        known = [r["typicality"] for r in results if "typicality" in r]
        if known:
            figures[name]["called unlike"] = round(100 * float(np.mean(np.array(known) < 0.01)), 2)
        print(name, figures[name], flush=True)
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", type=Path, default=ROOT / "models/sentiment.safetensors")
    parser.add_argument("--out", type=Path, default=FIGURES)
    parser.add_argument("--twin", nargs=2, metavar=("NAME", "FILE"), help="measure this file, and add what comes of it to the figures of the model")
    parser.add_argument("--jobs", type=int, default=1, help="processes that read")
    parser.add_argument("--limit", type=int, help="only so many reviews, to try it")
    args = parser.parse_args()
    sets = documents_of(args.data)
    sets["reviews"] = sets["reviews"][: args.limit]
    if args.twin is None:
        write_figures(args.out, args.model, measure(args.model, sets, args.jobs))
    else:
        name, file = args.twin
        known = json.loads(args.out.read_text()).get("twins", {})
        figures = measure(Path(file), sets, args.jobs)
        write_figures(args.out, args.model, {"twins": {**known, name: {key: figures[key] for key in sets}}})


if __name__ == "__main__":
    main()
