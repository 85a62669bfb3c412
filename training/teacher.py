"""Soft labels for unlabelled reviews and single sentences, from linear models over words, word pairs and triples.

A weighted sum of two margins: TF-IDF with logistic regression, and the same on presence weighted by naive Bayes log-count
ratios (NBSVM; Wang and Manning 2012). Trained on the labelled reviews less the held-out part, it gives each unlabelled
review a probability, and also sentences drawn from the reviews; each labelled review gets one from a fold that did not
see it. The student network then learns from three times as many documents, and that a text may be one sentence long.

    python training/teacher.py --data DATA/imdb --out runs/imdb/teacher.json
"""

from __future__ import annotations

import argparse
import json
import random
import re
from pathlib import Path

import numpy as np
import scipy.sparse as sp
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from data import IMDB_LABELS, held_out, read_jsonl

WORDS = r"\w+(?:'\w+)?|[!?]"  # what n-grams are made of


class Blend:
    """Log odds of 'positive' from counts of n-grams; the weights of the two margins were chosen on held-out reviews."""

    def fit(self, counts: sp.csr_matrix, labels: np.ndarray) -> Blend:
        self.tfidf = TfidfTransformer(sublinear_tf=True).fit(counts)
        self.linear = LogisticRegression(C=10, max_iter=60, tol=1e-3).fit(self.tfidf.transform(counts), labels)
        present = (counts > 0).astype(np.float32)
        p, q = (np.asarray(present[labels == c].sum(0)).ravel() + 1 for c in (1, 0))
        self.ratio = sp.diags(np.log((p / p.sum()) / (q / q.sum())).astype(np.float32))
        self.bayes = LinearSVC(C=0.02, max_iter=200, tol=1e-3).fit(present @ self.ratio, labels)
        return self

    def parts(self, counts: sp.csr_matrix) -> tuple[np.ndarray, np.ndarray]:
        """Margins [documents] of TF-IDF with logistic regression, and of NBSVM"""
        present = (counts > 0).astype(np.float32)
        return (self.linear.decision_function(self.tfidf.transform(counts)),
                self.bayes.decision_function(present @ self.ratio))

    def probability(self, counts: sp.csr_matrix) -> np.ndarray:
        """Of 'positive', [documents]: the sigmoid of the weighted sum"""
        linear, bayes = self.parts(counts)
        return 1 / (1 + np.exp(-0.4 * linear - 1.4 * bayes))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with train.jsonl.zst and unsup.jsonl.zst")
    parser.add_argument("--out", type=Path, required=True, help="JSON file to write")
    parser.add_argument("--held-out", type=int, default=10, help="percent of train kept for validation")
    parser.add_argument("--sentences", type=int, default=150_000, help="how many sentences to label as well")
    parser.add_argument("--folds", type=int, default=2)
    args = parser.parse_args()

    train = list(read_jsonl(args.data / "train.jsonl.zst"))
    fit = [d for d in train if not held_out(d, args.held_out)]
    val = [d for d in train if held_out(d, args.held_out)]
    labels, truth = (np.array([IMDB_LABELS.index(d["label"]) for d in part]) for part in (fit, val))
    vectorizer = CountVectorizer(ngram_range=(1, 3), min_df=3, token_pattern=WORDS, dtype=np.float32)

    def clean(documents: list[dict]) -> list[str]:
        return [d["text"].replace("<br />", " ") for d in documents]

    counts = vectorizer.fit_transform(clean(fit))
    val_counts = vectorizer.transform(clean(val))
    print(f"{counts.shape[1]} n-grams", flush=True)
    model = Blend().fit(counts, labels)
    for name, margin in zip(("tf-idf", "nbsvm"), model.parts(val_counts)):
        print(f"{name}: held-out accuracy {100 * ((margin > 0) == truth).mean():.2f}%, deviation {margin.std():.2f}")
    print(f"teacher: {len(fit)} documents, held-out accuracy "
          f"{100 * ((model.probability(val_counts) > 0.5) == truth).mean():.2f}% of {len(val)}", flush=True)  # fmt: skip

    def predict(texts: list[str]) -> list[float]:
        """Probability of 'positive' of each text."""
        parts = [model.probability(vectorizer.transform(texts[i : i + 10_000])) for i in range(0, len(texts), 10_000)]
        return np.concatenate(parts).round(5).tolist()

    unsup = list(read_jsonl(args.data / "unsup.jsonl.zst"))
    soft = dict(zip((d["id"] for d in unsup), predict(clean(unsup))))
    fold = np.random.default_rng(1).integers(0, args.folds, len(fit))
    for f in range(args.folds):
        unseen = np.flatnonzero(fold == f)
        part = Blend().fit(counts[fold != f], labels[fold != f])
        soft |= zip((fit[i]["id"] for i in unseen), part.probability(counts[unseen]).round(5).tolist())
    soft |= zip((d["id"] for d in val), model.probability(val_counts).round(5).tolist())
    sentences = [s for d in fit + unsup for s in re.split(r"(?<=[.!?])\s+|(?:<br />)+", d["text"]) if 10 <= len(s) <= 400]
    sentences = random.Random(1).sample(sentences, args.sentences)
    args.out.write_text(json.dumps({"reviews": soft, "sentences": list(zip(sentences, predict(sentences)))}))


if __name__ == "__main__":
    main()
