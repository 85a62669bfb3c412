"""What a trunk's vectors are worth to somebody with a handful of examples, beside TF-IDF, a static table and the teacher.

    python training/fewshot.py --data DATA --model models/general.safetensors --table runs/general/table.npz \
        --tokenizer runs/general/tokenizer.json --wheel wheels/*.whl --vectors runs/general/vectors --results training/fewshot.json

Vectors are made once and cached in `--vectors`: ours by the library's `embed` (embed.js), static ones from static_table.py's table,
the teacher's from the first 256 tokens, in bfloat16. For 8, 16 and 64 examples a label, 1,000 in all and everything (up to 5,000, or 2,000 of the
sets with long documents):
logistic regression on the frozen vectors of a sample of `train`, measured on up to 1,000 documents of `test` drawn once; five seeds draw
the samples, one with everything. Penalties come from cross-validation on teaching's folds (folds.js), which hold out versions of a text
together. `mixed` is what teaching does, but for the power of the IDF: two heads, one on our vectors and one on TF-IDF, whose logits are added, each
with a factor of its own. What is in the results already is not measured again, unless the trunk is another; `--table-only` prints them.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import subprocess
import time
import warnings
from pathlib import Path

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, softmax
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score
from sklearn.multiclass import OneVsRestClassifier
from sklearn.preprocessing import MultiLabelBinarizer
from tokenizers import Tokenizer

from data import read_jsonl
from folds import dealt_folds
from minilm import Teacher

SETS = ("agnews_small", "bbc", "20ng", "imdb", "sst2_glue", "sent_subj", "sent_trec", "opp115_segments", "openstax", "onestop")
VECTORS = ("static", "minilm", "ours")
COLUMNS = ("tfidf", *VECTORS, "mixed")
SIZES = ("8", "16", "64", "1000", "all")
TEST = 1000  # documents of `test` that are measured
MOST = 5000  # documents of `train` that are drawn from, and that "all" takes at most
MOST_LONG = 2000  # of these sets, whose documents are long
LONG = ("20ng", "imdb", "openstax")
SPREAD = 1.0  # how far the factors of a mix lie from 1 beforehand: their standard deviation
STRENGTHS = {"dense": (0.01, 0.1, 1.0, 10.0), "tfidf": (1.0, 10.0, 100.0)}


def documents(data: Path, name: str, split: str) -> list[dict]:
    """The documents of a split, those of `test` and of "all" drawn once by a fixed seed where there are more"""
    rows = [d for d in read_jsonl(data / name / f"{split}.jsonl.zst") if d["text"].strip()]
    random.Random(f"{name} {split}").shuffle(rows)
    return rows[: TEST if split == "test" else MOST_LONG if name in LONG else MOST]


def draw(labels: list[str], size: str, seed: int) -> list[int]:
    """Indices of a sample: `size` of each label below 1,000, that many in all from there on, or all"""
    order = list(range(len(labels)))
    random.Random(seed).shuffle(order)
    if size == "all":
        return order
    if int(size) >= 1000:
        return order[: int(size)]
    taken: dict[str, list[int]] = {}
    for i in order:
        taken.setdefault(labels[i], []).append(i)
    return [i for rows in taken.values() for i in rows[: int(size)]]


def vectors_of(column: str, texts: list[str], args: argparse.Namespace) -> np.ndarray:
    """[len(texts), d] float32"""
    if column == "ours":
        lines = "".join(json.dumps({"text": text}) + "\n" for text in texts)
        command = ["node", str(Path(__file__).parent / "embed.js"), str(args.model)]
        out = subprocess.run(command, input=lines.encode(), stdout=subprocess.PIPE, check=True).stdout
        return np.frombuffer(out, np.float32).reshape(len(texts), -1)
    if column == "static":
        table = np.load(args.table)["table"]
        rows = (e.ids for e in Tokenizer.from_file(str(args.tokenizer)).encode_batch(texts))
        return np.stack([table[ids].mean(0) if ids else table[0] for ids in rows])
    return Teacher(args.wheel)(texts)


def cached_vectors(column: str, name: str, split: str, rows: list[dict], args: argparse.Namespace) -> np.ndarray:
    """Those that are there already are kept: `documents` gives more documents in the same order"""
    path = args.vectors / (f"{column}-{args.trunk[:12]}" if column == "ours" else column) / f"{name}-{split}.npy"
    there = [np.load(path)] if path.exists() else []
    done = sum(map(len, there))
    if done < len(rows):
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, np.concatenate([*there, vectors_of(column, [d["text"] for d in rows[done:]], args)]))
    return np.load(path)[: len(rows)]


class Features:
    """Vectors or words of the sample and of the test documents, ready for a linear model."""

    def __init__(self, kind: str, train, test) -> None:
        if kind == "tfidf":
            vectoriser = TfidfVectorizer(sublinear_tf=True, min_df=1, token_pattern=r"(?u)\b\w+\b")
            self.train, self.test = vectoriser.fit_transform(train), vectoriser.transform(test)
        else:
            # Length 1, which the teacher's have anyway. One scale for all dimensions, as in teaching: a scale for each would make the
            # weakest as loud as the strongest.
            train, test = (x / np.linalg.norm(x, axis=1, keepdims=True).clip(1e-9) for x in (train, test))
            mean = train.mean(0)
            scale = 1 / (train - mean).std()
            self.train, self.test = (train - mean) * scale, (test - mean) * scale
        self.strengths = STRENGTHS["tfidf" if kind == "tfidf" else "dense"]
        if kind != "tfidf":
            self.strengths = tuple(c / self.train.shape[1] * 10 for c in self.strengths)


def fit(x, y: np.ndarray, strength: float):
    model = LogisticRegression(C=strength, max_iter=200)
    return (OneVsRestClassifier(model) if y.ndim == 2 else model).fit(x, y)


def frequencies(y: np.ndarray, n_labels: int) -> np.ndarray:
    """How frequent each label is: logarithm of its share, or of its odds where a document may have many"""
    counts = 0.5 + (y.sum(0) if y.ndim == 2 else np.bincount(y, minlength=n_labels))
    return np.log(counts / (len(y) + 1 - counts)) if y.ndim == 2 else np.log(counts / len(y))


def out_of_fold(features: Features, y: np.ndarray, strength: float, folds: list) -> np.ndarray:
    """
    Log odds of each example by a model that has not seen it, [examples, labels], moved to the frequencies of all examples: what is
    rare among those fitted is frequent among those held out
    """
    n_labels = y.shape[1] if y.ndim == 2 else y.max() + 1
    out = np.full((len(y), n_labels), -10.0)
    for fitted, left in folds:
        shift = frequencies(y, n_labels) - frequencies(y[fitted], n_labels)
        out[left] = logits(fit(features.train[fitted], y[fitted], strength), features.train[left], n_labels) + shift
    return out


def logits(model, x, n_labels: int) -> np.ndarray:
    z = model.decision_function(x)
    if z.ndim == 1:
        z = np.stack([-z / 2, z / 2], 1) if n_labels == 2 else z[:, None]
    if z.shape[1] == n_labels:
        return z
    out = np.full((len(z), n_labels), -10.0)
    out[:, model.classes_] = z
    return out


def score(z: np.ndarray, y: np.ndarray) -> float:
    """Accuracy in percent; mean average precision where a document has many labels"""
    if y.ndim == 2:
        there = y.sum(0) > 0
        return 100 * float(average_precision_score(y[:, there], z[:, there], average="macro"))
    return 100 * float((z.argmax(1) == y).mean())


def fit_mix(heads: list[np.ndarray], y: np.ndarray) -> tuple[np.ndarray, float]:
    """
    The factors of a mix of heads, by their log odds out of fold, and the loss with them: the least log loss against the truth as Platt
    smoothed it, of factors that are not far from 1 (see wasm/teach/mix.js)
    """
    n, n_labels = heads[0].shape
    truth = y if y.ndim == 2 else np.eye(n_labels)[y]
    truth = np.where(truth > 0, n + 1, 1) / (n + (2 if y.ndim == 2 else n_labels))

    def value(factors: np.ndarray) -> tuple[float, np.ndarray]:
        z = sum(factor * head for factor, head in zip(factors, heads, strict=True))
        if y.ndim == 2:
            total, probabilities = (np.logaddexp(0, z) - truth * z).sum(), expit(z)
        else:
            # A smoothed truth adds up to a little less or more than 1.
            total, probabilities = -(truth * (z - z.max(1, keepdims=True))).sum(), softmax(z, axis=1)
            total += np.log(np.exp(z - z.max(1, keepdims=True)).sum(1)).sum()
        apart = (factors - 1) / SPREAD
        slopes = np.array([((probabilities - truth) * head).sum() for head in heads]) + apart / SPREAD
        return float(total + (apart**2).sum() / 2) / n, slopes / n

    found = minimize(value, np.ones(len(heads)) / len(heads), jac=True, method="L-BFGS-B", bounds=[(0, None)] * len(heads))
    return found.x, found.fun


def chosen(features: Features, y: np.ndarray, folds: list) -> tuple[float, np.ndarray]:
    """The strength with the least log loss in cross-validation, at its best temperature, and the log odds out of fold"""
    tried = [(out_of_fold(features, y, c, folds), c) for c in features.strengths]
    best = min(tried, key=lambda pair: fit_mix([pair[0]], y)[1])
    return best[1], best[0]


def truth_of(train: list[dict], test: list[dict]) -> tuple[np.ndarray, np.ndarray]:
    """The labels of each part: indices, or rows of 0 and 1 where a document may have many"""
    if "labels" in train[0]:
        binarizer = MultiLabelBinarizer().fit([d["labels"] for d in train])
        return tuple(binarizer.transform([d["labels"] for d in rows]) for rows in (train, test))
    names = sorted({d["label"] for d in train})
    return tuple(np.array([names.index(d["label"]) for d in rows]) for rows in (train, test))


def measure(name: str, sizes: list[str], seeds: int, args: argparse.Namespace, results: dict, save) -> None:
    train, test = documents(args.data, name, "train"), documents(args.data, name, "test")
    single = [d["label"] for d in train]
    y_train, y_test = truth_of(train, test)
    cached = {c: [cached_vectors(c, name, split, rows, args) for split, rows in (("train", train), ("test", test))] for c in VECTORS}
    for size in sizes:
        if size == "1000" and len(train) <= 1000:
            continue
        for seed in range(1 if size == "all" else seeds):
            done = results.setdefault(name, {}).setdefault(size, {}).setdefault(str(seed), {})
            if set(COLUMNS) <= set(done):
                continue
            started = time.process_time()
            rows = draw(single, size, seed)
            y = y_train[rows]
            held, measured = {}, {}
            folds = dealt_folds([train[i]["text"] for i in rows], [single[i] for i in rows])
            for column in ("tfidf", *VECTORS):
                if column == "tfidf":
                    features = Features("tfidf", [train[i]["text"] for i in rows], [d["text"] for d in test])
                else:
                    features = Features("dense", cached[column][0][rows], cached[column][1])
                strength, held[column] = chosen(features, y, folds)
                measured[column] = logits(fit(features.train, y, strength), features.test, held[column].shape[1])
            factors, _ = fit_mix([held["ours"], held["tfidf"]], y)
            measured["mixed"] = factors[0] * measured["ours"] + factors[1] * measured["tfidf"]
            done.update({column: round(score(measured[column], y_test), 2) for column in COLUMNS})
            save()
            print(name, size, seed, json.dumps(done), f"{time.process_time() - started:.1f} s", flush=True)


def mean_of(results: dict, name: str, size: str, column: str) -> float | None:
    values = [run[column] for run in results.get(name, {}).get(size, {}).values() if column in run]
    return float(np.mean(values)) if values else None


def averages(results: dict) -> str:
    """The mean over the sets for each size, as Markdown; a set that lacks a size is left out there"""
    lines = ["| examples | sets | " + " | ".join(COLUMNS) + " |", "|---" * (len(COLUMNS) + 2) + "|"]
    for size in SIZES:
        rows = [[mean_of(results, name, size, column) for column in COLUMNS] for name in SETS]
        rows = [row for row in rows if None not in row]
        if rows:
            lines.append(f"| {size} | {len(rows)} | " + " | ".join(f"{mean:.1f}" for mean in np.mean(rows, axis=0)) + " |")
    return "\n".join(lines)


def table(results: dict) -> str:
    """Mean and spread of each set, as Markdown"""
    lines = ["| set | examples | " + " | ".join(COLUMNS) + " |", "|---" * (len(COLUMNS) + 2) + "|"]
    for name in SETS:
        for size in SIZES:
            runs = [run for run in results.get(name, {}).get(size, {}).values() if run]
            cells = [[run[column] for run in runs] for column in COLUMNS]
            if runs:
                spread = [f" ± {np.std(values):.1f}" if len(runs) > 1 else "" for values in cells]
                lines.append(f"| {name} | {size} | " + " | ".join(f"{np.mean(v):.1f}{s}" for v, s in zip(cells, spread, strict=True)) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--vectors", type=Path, required=True)
    for option in ("table", "tokenizer", "wheel"):
        parser.add_argument(f"--{option}", type=Path, help="for vectors that are not there yet")
    parser.add_argument("--sets", default=",".join(SETS))
    parser.add_argument("--sizes", default=",".join(SIZES))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--table-only", action="store_true")
    args = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    args.trunk = hashlib.sha256(args.model.read_bytes()).hexdigest()
    results = json.loads(args.results.read_text()) if args.results.exists() else {}
    if results.get("trunk") != args.trunk:
        results = {"trunk": args.trunk, "sets": {}}

    def save() -> None:
        args.results.parent.mkdir(parents=True, exist_ok=True)
        args.results.write_text(json.dumps(results, indent=1) + "\n")

    if not args.table_only:
        for name in args.sets.split(","):
            measure(name, args.sizes.split(","), args.seeds, args, results["sets"], save)
    print(averages(results["sets"]), table(results["sets"]), sep="\n\n")


if __name__ == "__main__":
    main()
