"""What `linformer teach` reaches, through the command line, beside TF-IDF with logistic regression.

    python training/teach_figures.py --data DATA --model models/general.safetensors --results training/teach.json

`accuracy`: for 8 examples a label, 1,000 in all and everything up to 10,000, a sample of `train` is taught and evaluated on 1,000
documents of `test` that were drawn once; several seeds draw the samples, one with everything. TF-IDF is of words, scikit-learn's, its
penalty chosen by cross-validation on teaching's folds (folds.js), which hold out versions of a text together. `mislabelled`: of 1,000
examples of AG News 5% get another label at random; how many of them are in the first tenth of the examples that the report names.
`typicality`: the area under the curve between test documents of a BBC model and film reviews, and newsgroups; and between those of an
AG News model, which knows 16 short texts of each label, and pieces of novels, from shorter to much longer ones. What is in the results already
is not measured again, unless the trunk is another.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import subprocess
import tempfile
import warnings
from pathlib import Path

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from data import read_jsonl
from folds import dealt_folds

CLI = Path(__file__).parent.parent / "bin" / "linformer.js"
SETS = ("agnews_small", "20ng", "imdb", "bbc", "sst2_glue", "sent_subj", "sent_trec", "onestop")
SIZES = ("8", "1000", "all")
PARTS = ("accuracy", "mislabelled", "typicality")
MOST = 10_000  # examples that "all" takes at most
FLIPPED = 0.05
NAMED = 0.1
FEW = "16"  # examples of each label of the model of short texts
PIECES = (30, 100, 300, 1000)  # words


class Run:
    """The command line on one trunk, in a folder for its files."""

    def __init__(self, args: argparse.Namespace, folder: Path) -> None:
        self.args, self.folder = args, folder
        self.head = folder / "head.safetensors"

    def documents(self, name: str, split: str) -> list[dict]:
        """Those of `test` and of "all" are drawn once, by a fixed seed"""
        rows = [d for d in read_jsonl(self.args.data / name / f"{split}.jsonl.zst") if d["text"].strip()]
        random.Random(f"{name} {split}").shuffle(rows)
        return rows[: self.args.test if split == "test" else MOST]

    def linformer(self, *command: str | Path) -> str:
        return subprocess.run(["node", CLI, *command], stdout=subprocess.PIPE, check=True, text=True).stdout

    def lines(self, name: str, rows: list[dict]) -> Path:
        path = self.folder / f"{name}.jsonl"
        path.write_text("".join(json.dumps({"id": d.get("id"), "text": d["text"], "label": d["label"]}) + "\n" for d in rows))
        return path

    def teach(self, rows: list[dict]) -> dict:
        return json.loads(self.linformer("teach", self.lines("train", rows), "--model", self.args.model, "--out", self.head, "--json"))

    def evaluate(self, rows: list[dict]) -> dict:
        return json.loads(self.linformer("evaluate", "--model", self.head, "--trunk", self.args.model, "--json", self.lines("test", rows)))

    def typicalities(self, rows: list[dict]) -> list[float]:
        out = self.linformer("classify", "--model", self.head, "--trunk", self.args.model, "--jsonl", self.lines("test", rows))
        return [json.loads(line)["typicality"] for line in out.splitlines()]


def draw(rows: list[dict], size: str, seed: int) -> list[dict]:
    """`size` of each label below 1,000, that many in all from there on, or all"""
    order = rows[:]
    random.Random(seed).shuffle(order)
    if size == "all":
        return order
    if int(size) >= 1000:
        return order[: int(size)]
    taken: dict[str, list[dict]] = {}
    for row in order:
        taken.setdefault(row["label"], []).append(row)
    return [row for own in taken.values() for row in own[: int(size)]]


def tfidf(train: list[dict], test: list[dict]) -> float:
    """Accuracy of TF-IDF with logistic regression"""
    labels = [d["label"] for d in train]
    words = TfidfVectorizer(sublinear_tf=True, token_pattern=r"(?u)\b\w+\b")
    texts = [d["text"] for d in train]
    search = GridSearchCV(make_pipeline(words, LogisticRegression(max_iter=300)), {"logisticregression__C": (1.0, 10.0, 100.0)},
                          scoring="neg_log_loss", cv=dealt_folds(texts, labels))  # fmt: skip
    search.fit(texts, labels)
    return float(np.mean(search.predict([d["text"] for d in test]) == np.array([d["label"] for d in test])))


def accuracy(run: Run, results: dict, save) -> None:
    for name in run.args.sets.split(","):
        train, test = run.documents(name, "train"), run.documents(name, "test")
        for size in run.args.sizes.split(","):
            if size == "1000" and len(train) <= 1000:
                continue
            for seed in range(1 if size == "all" else run.args.seeds):
                done = results.setdefault(name, {}).setdefault(size, {}).setdefault(str(seed), {})
                sample = draw(train, size, seed)
                if "tfidf" not in done:
                    done["tfidf"] = round(100 * tfidf(sample, test), 2)
                if "teach" not in done:
                    report = run.teach(sample)
                    measured = run.evaluate(test)
                    done["teach"] = round(100 * measured["accuracy"]["value"], 2)
                    done["reported"] = round(100 * report["accuracy"]["value"], 2)
                    done["calibration"] = round(100 * measured["calibrationError"], 2)
                save()
                print(name, size, seed, json.dumps(done), flush=True)


def mislabelled(run: Run, results: dict, save) -> None:
    train = run.documents("agnews_small", "train")
    for seed in range(run.args.seeds):
        if str(seed) in results:
            continue
        sample = [dict(d) for d in draw(train, "1000", seed)]
        labels = sorted({d["label"] for d in sample})
        wrong = random.Random(seed).sample(range(len(sample)), round(FLIPPED * len(sample)))
        for i in wrong:
            sample[i]["label"] = random.Random(seed * 1000 + i).choice([label for label in labels if label != sample[i]["label"]])
        named = [suspect["index"] for suspect in run.teach(sample)["suspects"]][: round(NAMED * len(sample))]
        results[str(seed)] = round(100 * len(set(wrong) & set(named)) / len(wrong), 1)
        save()
        print("mislabelled", seed, results[str(seed)], flush=True)


def pieces(novels: list[dict], words: int) -> list[dict]:
    """One from the middle of each"""
    texts = [d["text"].split() for d in novels]
    return [{"text": " ".join(text[len(text) // 2 :][:words]), "label": ""} for text in texts]


def typicality(run: Run, results: dict, save) -> None:
    novels = list(read_jsonl(run.args.data / "novels100" / "train.jsonl.zst"))
    unlike = {
        ("bbc", "all"): {name: run.documents(name, "test") for name in ("imdb", "20ng")},
        ("agnews_small", FEW): {f"novels, {words} words": pieces(novels, words) for words in PIECES},
    }
    for (name, size), sets in unlike.items():
        if name in results:
            continue
        run.teach(draw(run.documents(name, "train"), size, 0))
        own = run.typicalities(run.documents(name, "test"))
        found = {"own below 0.05": round(100 * float(np.mean(np.array(own) < 0.05)), 1)}
        for other, rows in sets.items():
            others = run.typicalities(rows)
            found[other] = round(float(roc_auc_score([1] * len(own) + [0] * len(others), own + others)), 3)
        results[name] = found
        save()
        print("typicality", name, json.dumps(found), flush=True)


def tables(results: dict) -> str:
    lines = ["| set | examples | seeds | TF-IDF | teach | its own estimate | calibration error |", "|---|---|---|---|---|---|---|"]
    for size in SIZES:
        means: list[tuple[float, float]] = []
        for name in SETS:
            runs = [r for r in results.get("accuracy", {}).get(name, {}).get(size, {}).values() if "teach" in r]
            if not runs:
                continue
            means.append((np.mean([r["tfidf"] for r in runs]), np.mean([r["teach"] for r in runs])))
            cells = [f"{np.mean([r[key] for r in runs]):.1f} ± {np.std([r[key] for r in runs]):.1f}" for key in ("tfidf", "teach")]
            cells += [f"{np.mean([r[key] for r in runs]):.1f}" for key in ("reported", "calibration")]
            lines.append(f"| {name} | {size} | {len(runs)} | " + " | ".join(cells) + " |")
        if means:
            lines.append(f"| **average** | {size} | | **{np.mean([m[0] for m in means]):.1f}** | **{np.mean([m[1] for m in means]):.1f}** | | |")
    found = list(results.get("mislabelled", {}).values())
    if found:
        lines.append(f"\nOf {FLIPPED:.0%} flipped labels, {np.mean(found):.1f}% are among the first {NAMED:.0%} named ({len(found)} seeds).")
    like = results.get("typicality", {})
    for name, found in like.items():
        told = ", ".join(f"{value} against {other}" for other, value in found.items() if not other.startswith("own"))
        lines.append(f"\nTypicality of a model of {name}, AUROC: {told}; {found['own below 0.05']}% of its own kind are below 0.05.")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--parts", default=",".join(PARTS))
    parser.add_argument("--sets", default=",".join(SETS))
    parser.add_argument("--sizes", default=",".join(SIZES))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--test", type=int, default=1000, help="most documents of a set that are measured")
    parser.add_argument("--results", type=Path, required=True)
    args = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    results = json.loads(args.results.read_text()) if args.results.exists() else {}
    trunk = hashlib.sha256(args.model.read_bytes()).hexdigest()
    if results.get("trunk", trunk) != trunk:  # TF-IDF stays as it was
        kept = {name: {size: {seed: {"tfidf": run["tfidf"]} for seed, run in runs.items()} for size, runs in sizes.items()}
                for name, sizes in results.get("accuracy", {}).items()}  # fmt: skip
        results = {"accuracy": kept}
    results["trunk"] = trunk

    def save() -> None:
        args.results.write_text(json.dumps(results, indent=1) + "\n")

    with tempfile.TemporaryDirectory() as folder:
        run = Run(args, Path(folder))
        for part in args.parts.split(","):
            {"accuracy": accuracy, "mislabelled": mislabelled, "typicality": typicality}[part](run, results.setdefault(part, {}), save)
    print(tables(results))


if __name__ == "__main__":
    main()
