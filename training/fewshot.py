"""What a trunk's vectors are worth to somebody with a handful of examples, beside TF-IDF, a static table and the teacher.

    python training/fewshot.py --data DATA --model models/general.safetensors --table runs/general/table.npz \
        --tokenizer runs/general/tokenizer.json --wheel wheels/*.whl --vectors runs/general/vectors --results training/fewshot.json

Vectors are made once and cached in `--vectors`: ours by the library's `embed` (embed.js), static ones from static_table.py's table,
the teacher's from the first 256 tokens. For 8, 16 and 64 examples a label, 1,000 in
all and everything: logistic regression on the frozen vectors of a stratified sample of `train`, measured on up to 1,000
documents of `test` drawn once; five seeds draw the samples. `mixed` is what teaching does: two heads, one on our vectors and
one on TF-IDF, their logits added with the share that has the least log loss in cross-validation.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import warnings
from pathlib import Path

import numpy as np
from scipy.special import log_softmax
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score
from sklearn.model_selection import StratifiedKFold
from sklearn.multiclass import OneVsRestClassifier
from sklearn.preprocessing import MultiLabelBinarizer
from tokenizers import Tokenizer

from data import read_jsonl
from minilm import Teacher

SETS = ("agnews_small", "bbc", "20ng", "imdb", "sst2_glue", "sent_subj", "sent_trec", "opp115_segments", "openstax", "onestop")
SIZES = ("8", "16", "64", "1000", "all")
TEST = 1000  # documents of `test` that are measured
MOST = 3000  # documents of `train` that "all" takes at most
STRENGTHS = {"dense": (0.01, 0.1, 1.0, 10.0), "tfidf": (1.0, 10.0, 100.0)}


def documents(data: Path, name: str, split: str) -> list[dict]:
    """The documents of a split, those of `test` and of "all" drawn once by a fixed seed where there are more"""
    rows = [d for d in read_jsonl(data / name / f"{split}.jsonl.zst") if d["text"].strip()]
    random.Random(f"{name} {split}").shuffle(rows)
    return rows[: TEST if split == "test" else MOST]


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
    path = args.vectors / column / f"{name}-{split}.npy"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, vectors_of(column, [d["text"] for d in rows], args))
    return np.load(path)


class Features:
    """Vectors or words of the sample and of the test documents, ready for a linear model."""

    def __init__(self, kind: str, train, test) -> None:
        if kind == "tfidf":
            vectoriser = TfidfVectorizer(sublinear_tf=True, min_df=1, token_pattern=r"(?u)\b\w+\b")
            self.train, self.test = vectoriser.fit_transform(train), vectoriser.transform(test)
        else:
            # One scale for all dimensions, as in teaching: a scale for each would make the weakest as loud as the strongest.
            mean = train.mean(0)
            scale = 1 / (train - mean).std()
            self.train, self.test = (train - mean) * scale, (test - mean) * scale
        self.strengths = STRENGTHS["tfidf" if kind == "tfidf" else "dense"]
        if kind != "tfidf":
            self.strengths = tuple(c / self.train.shape[1] * 10 for c in self.strengths)


def fit(x, y: np.ndarray, strength: float):
    model = LogisticRegression(C=strength, max_iter=200)
    return (OneVsRestClassifier(model) if y.ndim == 2 else model).fit(x, y)


def out_of_fold(features: Features, y: np.ndarray, strength: float, folds: list) -> np.ndarray:
    """Log odds of each example by a model that has not seen it, [examples, labels]"""
    n_labels = y.shape[1] if y.ndim == 2 else y.max() + 1
    out = np.full((len(y), n_labels), -10.0)
    for fitted, left in folds:
        out[left] = logits(fit(features.train[fitted], y[fitted], strength), features.train[left], n_labels)
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


def loss(z: np.ndarray, y: np.ndarray) -> float:
    if y.ndim == 2:
        return float(np.mean(np.logaddexp(0, np.where(y > 0, -z, z))))
    return float(-log_softmax(z, axis=1)[np.arange(len(y)), y].mean())


def score(z: np.ndarray, y: np.ndarray) -> float:
    """Accuracy in percent; mean average precision where a document has many labels"""
    if y.ndim == 2:
        there = y.sum(0) > 0
        return 100 * float(average_precision_score(y[:, there], z[:, there], average="macro"))
    return 100 * float((z.argmax(1) == y).mean())


def chosen(features: Features, y: np.ndarray, seed: int) -> tuple[float, np.ndarray]:
    """The strength with the least log loss in cross-validation, and the log odds out of fold"""
    counts = y.sum(0).min() if y.ndim == 2 else np.bincount(y)[np.unique(y)].min()
    n_folds = int(max(2, min(5, counts)))
    by = y.argmax(1) if y.ndim == 2 else y
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        folds = list(StratifiedKFold(n_folds, shuffle=True, random_state=seed).split(np.zeros(len(y)), by))
    tried = [(out_of_fold(features, y, c, folds), c) for c in features.strengths]
    best = min(tried, key=lambda pair: loss(pair[0], y))
    return best[1], best[0]


def measure(columns: list[str], name: str, sizes: list[str], args: argparse.Namespace) -> dict:
    train, test = documents(args.data, name, "train"), documents(args.data, name, "test")
    single = [d["label"] for d in train]
    if "labels" in train[0]:
        binarizer = MultiLabelBinarizer().fit([d["labels"] for d in train])
        y_train, y_test = (binarizer.transform([d["labels"] for d in rows]) for rows in (train, test))
    else:
        names = sorted(set(single))
        y_train, y_test = (np.array([names.index(d["label"]) for d in rows]) for rows in (train, test))
    cached = {c: [cached_vectors(c, name, split, rows, args) for split, rows in (("train", train), ("test", test))]
              for c in columns if c not in ("tfidf", "mixed")}  # fmt: skip
    out: dict = {}
    for size in sizes:
        if size == "1000" and len(train) <= 1000:
            continue
        for seed in range(1 if size == "all" else args.seeds):
            rows = draw(single, size, seed)
            y = y_train[rows]
            parts = {}
            for column in columns:
                if column == "mixed":
                    (f, s, oof), (g, t, oof_words) = parts["ours"], parts["tfidf"]
                    share = min(np.linspace(0, 1, 11), key=lambda m: loss(m * oof + (1 - m) * oof_words, y))
                    n_labels = oof.shape[1]
                    z = share * logits(fit(f.train, y, s), f.test, n_labels) + (1 - share) * logits(fit(g.train, y, t), g.test, n_labels)
                else:
                    if column == "tfidf":
                        features = Features("tfidf", [train[i]["text"] for i in rows], [d["text"] for d in test])
                    else:
                        features = Features("dense", cached[column][0][rows], cached[column][1])
                    strength, oof = chosen(features, y, seed)
                    parts[column] = (features, strength, oof)
                    z = logits(fit(features.train, y, strength), features.test, oof.shape[1])
                out.setdefault(size, {}).setdefault(column, []).append(round(score(z, y_test), 2))
    return out


def table(results: dict, columns: list[str]) -> str:
    """Mean and spread of each set, and the average over the sets, as Markdown"""
    lines = ["| set | examples | " + " | ".join(columns) + " |", "|---" * (len(columns) + 2) + "|"]
    for size in SIZES:
        means: dict[str, list[float]] = {}
        for name, by_size in results.items():
            cells = []
            for column in columns:
                values = by_size.get(size, {}).get(column)
                if values:
                    means.setdefault(column, []).append(float(np.mean(values)))
                cells.append(f"{np.mean(values):.1f} ± {np.std(values):.1f}" if values else "")
            if any(cells):
                lines.append(f"| {name} | {size} | " + " | ".join(cells) + " |")
        if means:
            lines.append(f"| **average** | {size} | " + " | ".join(f"**{np.mean(means[c]):.1f}**" if c in means else "" for c in columns) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--vectors", type=Path, required=True)
    for option in ("model", "table", "tokenizer", "wheel"):
        parser.add_argument(f"--{option}", type=Path, help="for vectors that are not there yet")
    parser.add_argument("--columns", default="tfidf,static,minilm,ours,mixed")
    parser.add_argument("--sets", default=",".join(SETS))
    parser.add_argument("--sizes", default=",".join(SIZES))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--results", type=Path, required=True, help="what is there is kept, set by set and column by column")
    args = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    columns = args.columns.split(",")
    results = json.loads(args.results.read_text()) if args.results.exists() else {}
    for name in args.sets.split(","):
        for size, by_column in measure(columns, name, args.sizes.split(","), args).items():
            results.setdefault(name, {}).setdefault(size, {}).update(by_column)
        args.results.parent.mkdir(parents=True, exist_ok=True)
        args.results.write_text(json.dumps(results, indent=1) + "\n")
    measured = {c for by_size in results.values() for by_column in by_size.values() for c in by_column}
    print(table(results, [c for c in ("tfidf", "static", "minilm", "ours", "mixed") if c in measured]))


if __name__ == "__main__":
    main()
