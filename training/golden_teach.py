"""What scikit-learn makes of small data: tests/js/teach-math.test.js holds wasm/teach/ to it.

    python training/golden_teach.py > tests/golden/teach.json
"""

from __future__ import annotations

import json

import numpy as np
from sklearn.covariance import LedoitWolf
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, f1_score

rng = np.random.default_rng(7)


def regression(x: np.ndarray, y: np.ndarray, strength: float) -> LogisticRegression:
    """Fitted far beyond the digits that the test compares."""
    return LogisticRegression(C=1 / strength, tol=1e-10, max_iter=100_000).fit(x, y)


def numbers(array: np.ndarray) -> list:
    return np.asarray(array, dtype=np.float64).round(9).tolist()


n, width, classes = 60, 6, 4
label = np.arange(n) % classes
x = (rng.normal(size=(n, width)) + 0.8 * rng.normal(size=(classes, width))[label]).round(3)
has = (x @ rng.normal(size=(width, 3)) + rng.normal(size=(n, 3)) > 0).astype(int)

vocabulary = 40
counts = rng.poisson(0.3 + 2 * rng.random((classes, vocabulary))[label] * (rng.random(vocabulary) < 0.5))
tfidf = TfidfTransformer(smooth_idf=True, norm="l2").fit(np.sqrt(counts))
rows = tfidf.transform(np.sqrt(counts)).toarray()

one, many, words = [], [], []
for strength in (0.1, 1.0, 10.0):
    model = regression(x, label, strength)
    one.append({"strength": strength, "weights": numbers(model.coef_), "bias": numbers(model.intercept_)})
    each = [regression(x, has[:, c], strength) for c in range(has.shape[1])]
    many.append({
        "strength": strength,
        "weights": numbers([model.coef_[0] for model in each]),
        "bias": numbers([model.intercept_[0] for model in each]),
    })  # fmt: skip
    model = regression(rows, label, strength)
    words.append({"strength": strength, "weights": numbers(model.coef_), "bias": numbers(model.intercept_)})

# Predictions of labels of which one is never there and one never predicted; scores with ties.
truth = np.column_stack([has, np.zeros(n, int), label == 1]).astype(int)
scores = (truth + rng.normal(size=truth.shape)).round(1)
predicted = (scores > 0.5).astype(int)
predicted[:, 4] = 0
there = np.flatnonzero(truth.sum(0))
measures = {
    "truth": truth.tolist(),
    "scores": scores.tolist(),
    "predicted": predicted.tolist(),
    "macroF1": f1_score(truth, predicted, labels=there, average="macro", zero_division=0),
    "microF1": f1_score(truth, predicted, average="micro"),
    "f1": [f1_score(truth[:, c], predicted[:, c], zero_division=0) if c in there else None for c in range(5)],
    "averagePrecision": [average_precision_score(truth[:, c], scores[:, c]) if c in there else None for c in range(5)],
}

covariance = LedoitWolf().fit(x)
print(json.dumps({
    "x": x.tolist(),
    "label": label.tolist(),
    "has": has.tolist(),
    "counts": counts.tolist(),
    "idf": numbers(tfidf.idf_),
    "rows": numbers(rows),
    "one": one,
    "many": many,
    "words": words,
    "measures": measures,
    "mean": numbers(covariance.location_),
    "distances": numbers(np.sqrt(covariance.mahalanobis(x))),
}))  # fmt: skip
