"""Soft labels for unlabelled reviews and single sentences, from TF-IDF over words and word pairs with logistic regression.

Trained on the labelled reviews less the held-out part, it gives each unlabelled review a probability, and also
sentences drawn from the reviews. The student network then learns from three times as many documents, and learns that
a text may be one sentence long.

    python training/teacher.py --data DATA/imdb --out runs/imdb/teacher.json
"""

from __future__ import annotations

import argparse
import json
import random
import re
from pathlib import Path

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from data import IMDB_LABELS, held_out, read_jsonl


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with train.jsonl.zst and unsup.jsonl.zst")
    parser.add_argument("--out", type=Path, required=True, help="JSON file to write")
    parser.add_argument("--held-out", type=int, default=10, help="percent of train kept for validation")
    parser.add_argument("--sentences", type=int, default=150_000, help="how many sentences to label as well")
    args = parser.parse_args()

    train = list(read_jsonl(args.data / "train.jsonl.zst"))
    fit = [d for d in train if not held_out(d, args.held_out)]
    check = [d for d in train if held_out(d, args.held_out)]
    vectorizer = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True, token_pattern=r"\w+|[!?]")
    features = vectorizer.fit_transform(d["text"].replace("<br />", " ") for d in fit)
    model = LogisticRegression(C=10, max_iter=300).fit(features, [IMDB_LABELS.index(d["label"]) for d in fit])

    def predict(texts: list[str]) -> list[float]:
        """Probability of 'positive' of each text."""
        rows = vectorizer.transform(text.replace("<br />", " ") for text in texts)
        return [round(p, 5) for p in model.predict_proba(rows)[:, 1].tolist()]

    right = [(p > 0.5) == (d["label"] == IMDB_LABELS[1]) for p, d in zip(predict([d["text"] for d in check]), check)]
    print(f"teacher: {len(fit)} documents, held-out accuracy {sum(right) / len(right):.4f} of {len(right)}")
    unsup = list(read_jsonl(args.data / "unsup.jsonl.zst"))
    soft = dict(zip((d["id"] for d in unsup), predict([d["text"] for d in unsup])))
    sentences = [s for d in fit + unsup for s in re.split(r"(?<=[.!?])\s+|(?:<br />)+", d["text"]) if 10 <= len(s) <= 400]
    sentences = random.Random(1).sample(sentences, args.sentences)
    args.out.write_text(json.dumps({"reviews": soft, "sentences": list(zip(sentences, predict(sentences)))}))


if __name__ == "__main__":
    main()
