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

from fewshot import fit_mix, frequencies

rng = np.random.default_rng(7)


def regression(x: np.ndarray, y: np.ndarray, strength: float) -> LogisticRegression:
    """Fitted far beyond the digits that the test compares."""
    return LogisticRegression(C=1 / strength, tol=1e-10, max_iter=100_000).fit(x, y)


def numbers(array: np.ndarray) -> list:
    return np.asarray(array, dtype=np.float64).round(9).tolist()


def chosen_power(counts: np.ndarray, label: np.ndarray, encoder: np.ndarray) -> dict:
    """
    The power of the IDF that teaching should choose, with five folds dealt in turns: 1, unless with another one the held-out log loss of the
    words mixed with `encoder` falls by more than 2 nats in all. The strength is the best at power 1.
    """
    n, n_labels = encoder.shape
    fold = np.arange(n) % 5
    idf = TfidfTransformer(smooth_idf=True).fit(np.sqrt(counts)).idf_

    def held_out(power: float, strength: float) -> np.ndarray:
        rows = np.sqrt(counts) * idf**power
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        scores = np.zeros((n, n_labels))
        for held in range(5):
            fitted = fold != held
            shift = frequencies(label, n_labels) - frequencies(label[fitted], n_labels)
            scores[~fitted] = regression(rows[fitted], label[fitted], strength).decision_function(rows[~fitted]) + shift
        return scores

    strength = min((10.0, 1.0, 0.1, 0.01), key=lambda strength: fit_mix([held_out(1, strength)], label)[1])
    mixes = {power: fit_mix([encoder, held_out(power, strength)], label) for power in (0.5, 1, 1.5)}
    best = min(mixes, key=lambda power: mixes[power][1])
    power = best if n * (mixes[1][1] - mixes[best][1]) > 2 else 1
    return {
        "counts": counts.tolist(), "encoder": numbers(encoder), "strength": strength, "power": power, "idf": numbers(idf**power),
        "losses": {power: round(loss, 6) for power, (_, loss) in mixes.items()}, "factors": numbers(mixes[power][0]),
    }  # fmt: skip


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

# 10 frequent words, each `rate` times in a document, and 30 rare ones. `tells` is how much the rates of either kind differ from label to
# label, `varies` how much those of frequent words do anyway.
powers = []
for rate, tells, varies in ((3.0, (0.6, 0.0), 0.0), (3.0, (0.2, 1.0), 0.5), (4.0, (0.0, 1.2), 1.5)):
    own = np.random.default_rng(3)
    rates = np.repeat((rate, 0.1), (10, 30)) * np.exp(np.repeat(tells, (10, 30)) * own.normal(size=(classes, 40)))[label]
    rates[:, :10] *= np.exp(varies * own.normal(size=(n, 10)))
    powers.append(chosen_power(own.poisson(rates), label, (np.eye(classes)[label] + own.normal(size=(n, classes))).round(3)))

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
    "powers": powers,
    "measures": measures,
    "mean": numbers(covariance.location_),
    "distances": numbers(np.sqrt(covariance.mahalanobis(x))),
}))  # fmt: skip
