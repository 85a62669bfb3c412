"""Soft labels for unlabelled reviews, from TF-IDF over words and word pairs with logistic regression.

Trained on the labelled reviews less the held-out part, it gives each unlabelled review a probability. The student
network then learns from three times as many documents.

    python training/teacher.py --data DATA/imdb --out runs/imdb/teacher.json
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from data import IMDB_LABELS, held_out, read_jsonl


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with train.jsonl.zst and unsup.jsonl.zst")
    parser.add_argument("--out", type=Path, required=True, help="JSON file to write: id -> probability of 'positive'")
    parser.add_argument("--held-out", type=int, default=10, help="percent of train kept for validation")
    args = parser.parse_args()

    train = list(read_jsonl(args.data / "train.jsonl.zst"))
    fit = [d for d in train if not held_out(d, args.held_out)]
    check = [d for d in train if held_out(d, args.held_out)]
    vectorizer = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True, token_pattern=r"\w+|[!?]")
    features = vectorizer.fit_transform(d["text"].replace("<br />", " ") for d in fit)
    model = LogisticRegression(C=10, max_iter=300).fit(features, [IMDB_LABELS.index(d["label"]) for d in fit])

    def predict(documents: list[dict]) -> list[float]:
        texts = (d["text"].replace("<br />", " ") for d in documents)
        return model.predict_proba(vectorizer.transform(texts))[:, 1].tolist()

    right = [(p > 0.5) == (d["label"] == IMDB_LABELS[1]) for p, d in zip(predict(check), check)]
    print(f"teacher: {len(fit)} documents, held-out accuracy {sum(right) / len(right):.4f} of {len(right)}")
    unsup = list(read_jsonl(args.data / "unsup.jsonl.zst"))
    soft = {d["id"]: round(p, 5) for d, p in zip(unsup, predict(unsup))}
    args.out.write_text(json.dumps(soft))


if __name__ == "__main__":
    main()
