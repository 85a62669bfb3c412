"""The written pairs of train.csv: what to learn from, and the part that is held out to choose by.

Two texts of a pair follow each other, so whole blocks of lines are held out, not single ones.
"""

from __future__ import annotations

import csv
from pathlib import Path

TRAIN = Path(__file__).parent / "train.csv"
BLOCK, EVERY = 24, 16  # one block of lines in so many is held out

Written = list[tuple[str, bool]]  # text, and whether it is positive


def written() -> tuple[Written, Written]:
    with TRAIN.open(encoding="utf-8", newline="") as file:
        rows = [(row["text"], row["label"] == "positive") for row in csv.DictReader(file)]
    parts: tuple[Written, Written] = [], []
    for i, row in enumerate(rows):
        parts[i // BLOCK % EVERY == 0].append(row)
    return parts
