"""What scikit-learn makes of small data: tests/js/teach-math.test.js holds wasm/teach/ to it.

    python training/golden_teach.py > tests/golden/teach.json
"""

from __future__ import annotations

import json

import numpy as np
from sklearn.covariance import LedoitWolf
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.linear_model import LogisticRegression

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
    "mean": numbers(covariance.location_),
    "distances": numbers(np.sqrt(covariance.mahalanobis(x))),
}))  # fmt: skip
