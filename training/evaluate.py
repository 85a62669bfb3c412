"""Accuracy of a shipped model, measured through the command line that users have.

    python training/evaluate.py --data DATA/imdb/test.jsonl.zst --model models/imdb.safetensors

Every document, or pair with a "textPair", goes through `linformer classify --jsonl`; one without a result counts as
wrong. Prints accuracy with its 95% interval (Wilson), macro F1 with a bootstrap interval, the expected calibration error
over 15 bins and with which temperature it would be how much, accuracy by length, and time. `--held-out 10` takes the
tenth of `train` that training leaves out: there, and not on `test`, is the place to read the temperature that export.py
takes.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import subprocess
import tempfile
import time
from collections import Counter
from pathlib import Path

from data import held_out, read_jsonl

CLI = Path(__file__).parent.parent / "bin" / "linformer.js"


def wilson(right: int, n: int, z: float = 1.96) -> tuple[float, float]:
    """95% interval of a proportion (Wilson 1927)."""
    p = right / n
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return centre - half, centre + half


def macro_f1(truth: list[str], verdicts: list[str | None]) -> float:
    """The mean of the F1 of all labels, each counting alike"""
    scores = []
    for label in sorted(set(truth)):
        hits = sum(t == v == label for t, v in zip(truth, verdicts))
        scores.append(2 * hits / max(1, truth.count(label) + verdicts.count(label)))
    return sum(scores) / len(scores)


def calibration_error(scores: list[float], right: list[bool], bins: int = 15) -> float:
    """Guo et al. 2017: mean difference of confidence and accuracy, weighted by the number of documents in a bin."""
    total = 0.0
    for b in range(bins):
        inside = [i for i, s in enumerate(scores) if b / bins < s <= (b + 1) / bins]
        if inside:
            total += abs(sum(scores[i] for i in inside) - sum(right[i] for i in inside))
    return total / len(scores)


def macro_f1_interval(truth: list[str], verdicts: list[str | None], draws: int = 1000) -> tuple[float, float]:
    """95% interval: the 2.5% and 97.5% quantiles over documents drawn with replacement."""
    rng, n = random.Random(1), len(truth)
    values = []
    for _ in range(draws if n < 2000 else draws // 10):
        chosen = rng.choices(range(n), k=n)
        values.append(macro_f1([truth[i] for i in chosen], [verdicts[i] for i in chosen]))
    values.sort()
    return values[int(0.025 * len(values))], values[int(0.975 * len(values))]


def tempered(scores: list[float], temperature: float) -> list[float]:
    """The probabilities after the logits have been divided by the temperature"""
    powers = [max(s, 1e-30) ** (1 / temperature) for s in scores]
    return [p / sum(powers) for p in powers]


def best_temperature(rows: list[list[float]], targets: list[int]) -> float:
    """The temperature with the least negative log likelihood (Guo et al. 2017), by ternary search on 0.2 to 5"""

    def loss(temperature: float) -> float:
        return -sum(math.log(max(tempered(row, temperature)[t], 1e-30)) for row, t in zip(rows, targets))

    low, high = 0.2, 5.0
    for _ in range(25):
        a, b = low + (high - low) / 3, high - (high - low) / 3
        low, high = (low, b) if loss(a) < loss(b) else (a, high)
    return (low + high) / 2


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

    truth = [d["label"] for d in documents]
    verdicts = [r.get("label") for r in results]
    right = [t == v for t, v in zip(truth, verdicts)]
    low, high = wilson(sum(right), len(right))
    failed = sum(v is None for v in verdicts)
    print(f"{args.model} on {args.data.parent.name}/{args.data.name}: exit status {answer.returncode}, {failed} failed")
    print(f"accuracy {100 * sum(right) / len(right):.2f}% of {len(right)}  (95% interval {100 * low:.2f} to {100 * high:.2f})")
    low, high = macro_f1_interval(truth, verdicts)
    print(f"macro F1 {100 * macro_f1(truth, verdicts):.2f}  (95% interval {100 * low:.2f} to {100 * high:.2f})")
    scored = [i for i, r in enumerate(results) if r.get("score") is not None]
    error = calibration_error([results[i]["score"] for i in scored], [right[i] for i in scored])
    print(f"expected calibration error {100 * error:.2f}%")
    names = sorted(set(truth))
    rows = [[{s["label"]: s["score"] for s in results[i]["scores"]}.get(name, 0.0) for name in names] for i in scored]
    best = best_temperature(rows, [names.index(truth[i]) for i in scored])
    error = calibration_error([max(tempered(row, best)) for row in rows], [right[i] for i in scored])
    print(f"  {100 * error:.2f}% with temperature {best:.3f}, fitted on these documents")
    for low_tokens, high_tokens in ((0, 128), (128, 256), (256, 512), (512, 1024), (1024, 8192), (8192, 16384), (16384, 1 << 30)):
        inside = [i for i in scored if low_tokens <= results[i]["tokens"] < high_tokens]
        if inside:
            name = f"{low_tokens} to {high_tokens} tokens" if high_tokens < 1 << 30 else f"{low_tokens} tokens and more"
            print(f"  {name}: {100 * sum(right[i] for i in inside) / len(inside):.2f}% of {len(inside)}")
    tokens = sum(results[i]["tokens"] for i in scored)
    print(f"truth {dict(Counter(truth))}, verdicts {dict(Counter(map(str, verdicts)))}")
    print(f"{seconds:.1f} s, {tokens / seconds:,.0f} tokens/s")


if __name__ == "__main__":
    main()
