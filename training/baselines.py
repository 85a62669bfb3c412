"""The cheap baselines that a model worth shipping has to beat, on the texts that the card of `sentiment` reports.

    python training/baselines.py --data DATA --out training/sentiment.json

Logistic regression on TF-IDF of words, and of words and word pairs; and NBSVM of word pairs (Wang and Manning 2012). Trained on `train`,
reported on `test`, of IMDB's reviews and of SST-2's sentences; those of IMDB also on reviews of products. Nothing here is tuned: C is 10, and
0.02 for NBSVM. (subjects.py and contracts.py measure their own baselines.)
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer
from sklearn.linear_model import LogisticRegression

from data import read_jsonl
from heads import write_baselines
from sentiment_figures import products
from teacher import WORDS, Blend


def accuracies(train: list[dict], tests: dict[str, list[dict]]) -> dict[str, dict[str, float]]:
    """In percent, by baseline and test"""
    known_texts, *test_texts = [[d["text"].replace("<br />", " ") for d in part] for part in (train, *tests.values())]
    names = sorted({d["label"] for d in train})
    labels, *truths = [np.array([names.index(d["label"]) for d in part]) for part in (train, *tests.values())]
    out: dict[str, dict[str, float]] = {}

    def counts(n: int) -> list:
        """n-grams of words: of the training documents, and of each test"""
        vectorizer = CountVectorizer(ngram_range=(1, n), min_df=2, token_pattern=WORDS, dtype=np.float32)
        return [vectorizer.fit_transform(known_texts), [vectorizer.transform(texts) for texts in test_texts]]

    def report(title: str, predict: Callable, unknown: list) -> None:
        right = [predict(matrix) == truth for matrix, truth in zip(unknown, truths)]
        out[title] = {name: round(100 * float(each.mean()), 2) for name, each in zip(tests, right)}
        print(title, out[title], flush=True)

    def logistic(title: str, known: object, unknown: list, C: float) -> None:
        tfidf = TfidfTransformer(sublinear_tf=True).fit(known)
        model = LogisticRegression(C=C, max_iter=200).fit(tfidf.transform(known), labels)
        report(title, lambda matrix: model.predict(tfidf.transform(matrix)), unknown)

    logistic("TF-IDF, words", *counts(1), 10)
    known, unknown = counts(2)
    logistic("TF-IDF, words and pairs", known, unknown, 10)  # the teacher's own stops early
    nbsvm = Blend().fit(known, labels)
    report("NBSVM, words and pairs", lambda matrix: (nbsvm.parts(matrix)[1] > 0).astype(int), unknown)
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, help="add them to these figures, as TF-IDF")
    args = parser.parse_args()

    def rows(name: str, part: str) -> list[dict]:
        return list(read_jsonl(args.data / name / f"{part}.jsonl.zst"))

    reviews = accuracies(rows("imdb", "train"), {"reviews": rows("imdb", "test"), **products()})
    sentences = accuracies(rows("sst2_glue", "train"), {"sentences": rows("sst2_glue", "test")})
    if args.out:
        write_baselines(args.out, {title: reviews[title] | sentences[title] for title in reviews})


if __name__ == "__main__":
    main()
