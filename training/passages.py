"""Cuts documents into passages and asks the teacher, MiniLM, for the vector of each; once, for all trainings.

    python training/passages.py --data DATA --wheel wheels/*.whl --out runs/general/passages --part 0 --parts 2

Passages of a document stand together and in order, so that a student can read a document whole and be asked for each
of its passages. Parts are independent processes; each goes on where it stopped. OUT/0000.npz and so on hold `texts`,
`documents` (the number of the document that each passage is of) and `vectors` [passages, 384] float16, of length 1.
"""

from __future__ import annotations

import argparse
import random
import re
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

import loop
from data import held_out, read_jsonl
from minilm import Teacher

# Data set: the file, and how many passages of it. Only training files; texts that allow it, and IMDB and SST-2 as research sets.
SOURCES = {
    "wiki_vital": ("train", 26_000),
    "openstax": ("train", 45_000),
    "msdocs": ("train", 18_000),
    "imdb": ("unsup", 40_000),
    "novels100": ("train", 30_000),
    "terms_docs": ("train", 14_000),
    "cuad_contracts": ("train", 18_000),
    "sst2_glue": ("train", 12_000),
    "qnli_dev": ("test", 8_000),  # not those that are kept for measuring
}
RUN = 16  # most passages in a row of one document
SHARD = 1024
SENTENCE = re.compile(r"(?<=[.!?])[\"'”’)]*\s+|\n+")


def cut(text: str, rng: random.Random) -> list[str]:
    """Whole sentences, grouped to passages of 8 to 100 words; a longer sentence is a passage, up to 120 words of it"""
    out, words, limit = [], [], rng.choice((8, 16, 32, 48, 64, 100))
    for sentence in SENTENCE.split(text.replace("<br />", "\n")):
        words += sentence.split()
        if len(words) >= limit:
            out.append(" ".join(words[:120]))
            words, limit = [], rng.choice((8, 16, 32, 48, 64, 100))
    return out + ([" ".join(words)] if words else [])


def documents(data: Path, seed: int) -> list[list[str]]:
    """Runs of passages, each of one document, from all sources, shuffled"""
    out = []
    for name, (file, budget) in SOURCES.items():
        rng = random.Random(f"{seed} {name}")
        found = read_jsonl(data / name / f"{file}.jsonl.zst")
        texts = [d["text"].replace(" ||| ", "\n") for d in found if file != "test" or not held_out(d, 20)]
        rng.shuffle(texts)
        rounds = 0
        while budget > 0 and rounds < 200:  # long documents, such as novels, give several runs
            for text in texts:
                if len(text) > 200_000:
                    start = rng.randrange(len(text) - 20_000)
                    text = text[start : start + 20_000]
                passages = cut(text, rng)
                start = rng.randrange(max(1, len(passages) - RUN + 1))
                out.append(passages[start : start + RUN])
                budget -= len(out[-1])
                if budget <= 0:
                    break
            rounds += 1
    random.Random(seed).shuffle(out)
    return [run for run in out if run]


def shards(runs: list[list[str]]) -> Iterator[tuple[list[str], list[int]]]:
    """(texts, the number of the document of each), about SHARD passages each, documents whole"""
    texts, numbers = [], []
    for number, run in enumerate(runs):
        texts += run
        numbers += [number] * len(run)
        if len(texts) >= SHARD:
            yield texts, numbers
            texts, numbers = [], []
    if texts:
        yield texts, numbers


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--wheel", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--part", type=int, default=0)
    parser.add_argument("--parts", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(1)
    log = loop.Log(args.out / f"part-{args.part}.log")
    every = list(shards(documents(args.data, args.seed)))
    todo = [i for i in range(args.part, len(every), args.parts) if not (args.out / f"{i:04}.npz").exists()]
    log(f"{sum(len(texts) for texts, _ in every)} passages in {len(every)} shards, {len(todo)} to do here")
    teacher, started = Teacher(args.wheel), time.time()
    for done, i in enumerate(todo, 1):
        texts, numbers = every[i]
        np.savez(args.out / f"{i:04}.tmp.npz", texts=texts, documents=numbers, vectors=teacher(texts).astype(np.float16))
        (args.out / f"{i:04}.tmp.npz").rename(args.out / f"{i:04}.npz")
        log(f"shard {i} of {len(every)}, {(time.time() - started) / done * (len(todo) - done) / 60:.0f} min left")


if __name__ == "__main__":
    main()
