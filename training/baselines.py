"""The cheap baselines that a model worth shipping has to beat, on the texts that the card of `sentiment` reports.

    python training/baselines.py --data DATA --out training/sentiment.json

Logistic regression on TF-IDF of words, and of words and word pairs; and NBSVM of word pairs (Wang and Manning 2012). Trained on `train`,
reported on `test`, of IMDB's reviews and of SST-2's sentences. Nothing here is tuned: C is 10, and 0.02 for NBSVM. (subjects.py and
contracts.py measure their own baselines.)
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score

from data import read_jsonl
from heads import write_baselines
from teacher import WORDS, Blend


def accuracies(data: Path, name: str) -> dict[str, float]:
    """In percent, by baseline"""
    parts = [list(read_jsonl(data / name / f"{part}.jsonl.zst")) for part in ("train", "test")]
    texts = [[d["text"].replace("<br />", " ") for d in part] for part in parts]
    names = sorted({d["label"] for d in parts[1]})
    labels, truth = (np.array([names.index(d["label"]) for d in part]) for part in parts)
    print(f"{name}: {len(labels)} to train on, {len(truth)} to test on", flush=True)
    out: dict[str, float] = {}

    def counts(n: int) -> list:
        """n-grams of words: of the training documents, of the test documents"""
        vectorizer = CountVectorizer(ngram_range=(1, n), min_df=2, token_pattern=WORDS, dtype=np.float32)
        return [vectorizer.fit_transform(texts[0]), vectorizer.transform(texts[1])]

    def report(title: str, predictions: np.ndarray) -> None:
        out[title] = round(100 * float((predictions == truth).mean()), 2)
        print(f"{title}: accuracy {out[title]:.2f}, macro F1 {100 * f1_score(truth, predictions, average='macro'):.2f}", flush=True)

    def logistic(title: str, known: object, unknown: object, C: float) -> None:
        tfidf = TfidfTransformer(sublinear_tf=True).fit(known)
        model = LogisticRegression(C=C, max_iter=200).fit(tfidf.transform(known), labels)
        report(title, model.predict(tfidf.transform(unknown)))

    logistic("TF-IDF, words", *counts(1), 10)
    known, unknown = counts(2)
    logistic("TF-IDF, words and pairs", known, unknown, 10)  # the teacher's own stops early
    report("NBSVM, words and pairs", (Blend().fit(known, labels).parts(unknown)[1] > 0).astype(int))
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, help="add them to these figures, as TF-IDF")
    args = parser.parse_args()
    reviews, sentences = (accuracies(args.data, name) for name in ("imdb", "sst2_glue"))
    if args.out:
        write_baselines(args.out, {title: {"reviews": reviews[title], "sentences": sentences[title]} for title in reviews})


if __name__ == "__main__":
    main()
