"""What attention is worth in the trunk: twins with full attention and with none, distilled as the trunk was, and measured as in fewshot.py.

    python training/distil.py ... --passages runs/general/half --epochs 1 --attention linformer --out runs/twins/linformer   # full, none: the same
    python training/export.py --task general --model runs/twins/linformer/model.pt --tokenizer runs/general/tokenizer.json --out runs/twins/linformer.safetensors
    python training/trunk_twins.py --data DATA --twins runs/twins --vectors runs/general/vectors --results training/trunk_twins.json

`half` has the passages that are held out and every second file of the others. All three begin as the static table and read the same passages
once in the same order. Logistic regression on their vectors: accuracy on
`test`, mean average precision for OPP-115. A difference is given with its 95% interval over sets and seeds, paired, by bootstrap.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import warnings
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from fewshot import Features, cached_vectors, chosen, dealt_folds, documents, draw, fit, logits, score, truth_of

TWINS = {"linformer": "Linformer", "full": "full attention", "none": "no attention"}
SETS = ("agnews_small", "bbc", "imdb", "sst2_glue", "sent_subj", "sent_trec", "opp115_segments", "onestop")
SIZES = ("8", "1000")


def measure(name: str, args: argparse.Namespace, results: dict, save) -> None:
    train, test = documents(args.data, name, "train"), documents(args.data, name, "test")
    single = [d["label"] for d in train]
    y_train, y_test = truth_of(train, test)
    for model in sorted(args.twins.glob("*.safetensors")):
        twin = model.stem
        where = SimpleNamespace(model=model, vectors=args.vectors, trunk=hashlib.sha256(model.read_bytes()).hexdigest())
        x_train, x_test = (cached_vectors("ours", name, split, rows, where) for split, rows in (("train", train), ("test", test)))
        for size in SIZES:
            if size == "1000" and len(train) <= 1000:
                continue
            for seed in range(args.seeds):
                done = results.setdefault(name, {}).setdefault(size, {}).setdefault(str(seed), {})
                if twin in done:
                    continue
                rows = draw(single, size, seed)
                y, features = y_train[rows], Features("dense", x_train[rows], x_test)
                strength, held = chosen(features, y, dealt_folds([train[i]["text"] for i in rows], [single[i] for i in rows]))
                done[twin] = round(score(logits(fit(features.train, y, strength), features.test, held.shape[1]), y_test), 2)
                save()
        print(name, twin, flush=True)


def interval(differences: list[np.ndarray], draws: int = 2000) -> tuple[float, float]:
    """95%, of the mean over sets of the mean over seeds"""
    rng = np.random.default_rng(0)
    means = []
    for _ in range(draws):
        sets = rng.integers(len(differences), size=len(differences))
        means.append(np.mean([rng.choice(differences[s], len(differences[s])).mean() for s in sets]))
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


def table(results: dict) -> str:
    """Markdown: each set's means, and how far the Linformer is from its twins on average"""
    every = {twin for sizes in results.values() for seeds in sizes.values() for seed in seeds.values() for twin in seed}
    twins = {twin: name for twin, name in TWINS.items() if twin in every}
    lines = ["| set | examples | " + " | ".join(twins.values()) + " |", "|---" * (len(twins) + 2) + "|"]
    for size in SIZES:
        runs = {name: [seed for seed in sizes[size].values() if set(twins) <= set(seed)] for name, sizes in results.items() if size in sizes}
        for name, seeds in runs.items():
            lines.append(f"| {name} | {size} | " + " | ".join(f"{np.mean([s[t] for s in seeds]):.1f}" for t in twins) + " |")
        lines.append(f"| average | {size} | " + " | ".join(f"{np.mean([np.mean([s[t] for s in seeds]) for seeds in runs.values()]):.1f}" for t in twins) + " |")
        for twin in (t for t in twins if t != "linformer"):
            apart = [np.array([s["linformer"] - s[twin] for s in seeds]) for seeds in runs.values()]
            low, high = interval(apart)
            lines.append(f"| Linformer less {twins[twin]} | {size} | {np.mean([a.mean() for a in apart]):+.1f} ({low:+.1f} to {high:+.1f}) |" + " |" * (len(twins) - 1))
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--twins", type=Path, help="folder of the model files: linformer, full and none, or some of them")
    parser.add_argument("--vectors", type=Path, help="folder where vectors are kept")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--table", action="store_true", help="only print the results")
    args = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    results = json.loads(args.results.read_text()) if args.results.exists() else {}
    for name in () if args.table else SETS:
        measure(name, args, results, lambda: args.results.write_text(json.dumps(results, indent=1) + "\n"))
    print(table(results))


if __name__ == "__main__":
    main()
