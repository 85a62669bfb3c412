"""The cheap baselines that a model worth shipping has to beat, on the reviews that the card reports.

    python training/baselines.py --data DATA/imdb

Logistic regression on TF-IDF of words, and of words and word pairs; and NBSVM of word pairs (Wang and Manning 2012). Trained on `train`,
reported on `test`. Nothing here is tuned: C is 10, and 0.02 for NBSVM. (subjects.py and contracts.py measure their own baselines.)
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score

from data import LABELS, read_jsonl
from teacher import WORDS, Blend


def report(name: str, predictions: np.ndarray, truth: np.ndarray) -> None:
    """Prints one line: accuracy and macro F1, in percent"""
    f1 = f1_score(truth, predictions, average="macro")
    print(f"{name}: accuracy {100 * (predictions == truth).mean():.2f}, macro F1 {100 * f1:.2f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder named imdb")
    args = parser.parse_args()

    task = args.data.name
    parts = [list(read_jsonl(args.data / f"{part}.jsonl.zst")) for part in ("train", "test")]
    texts = [[d["text"].replace("<br />", " ") for d in part] for part in parts]
    labels, truth = (np.array([LABELS[task].index(d["label"]) for d in part]) for part in parts)
    print(f"{task}: {len(labels)} to train on, {len(truth)} to test on", flush=True)

    def counts(n: int) -> list:
        """n-grams of words: of the training documents, of the test documents"""
        vectorizer = CountVectorizer(ngram_range=(1, n), min_df=2, token_pattern=WORDS, dtype=np.float32)
        return [vectorizer.fit_transform(texts[0]), vectorizer.transform(texts[1])]

    def logistic(name: str, known: object, unknown: object, C: float) -> None:
        tfidf = TfidfTransformer(sublinear_tf=True).fit(known)
        model = LogisticRegression(C=C, max_iter=200).fit(tfidf.transform(known), labels)
        report(f"TF-IDF, {name}, logistic regression", model.predict(tfidf.transform(unknown)), truth)

    logistic("words", *counts(1), 10)
    known, unknown = counts(2)
    logistic("words and pairs", known, unknown, 10)  # the teacher's own stops early
    report("NBSVM, words and pairs", (Blend().fit(known, labels).parts(unknown)[1] > 0).astype(int), truth)


if __name__ == "__main__":
    main()
