"""Trains a classifier of reviews: labelled ones, and unlabelled ones with the teachers' soft labels.

    python training/train.py --data DATA/imdb --tokenizer runs/imdb/tokenizer.json --teacher runs/imdb/teacher.json \
        --out runs/imdb/student

A checkpoint is written every few minutes to OUT/checkpoint.pt; the same command resumes from it. The run is seeded,
prints progress and time left, and appends the same lines to OUT/train.log. OUT/model.pt holds the averaged weights of
the epoch that did best on the held-out part of `train`.
"""

from __future__ import annotations

import argparse
import json
import math
import random
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from tokenizers import Tokenizer
from torch import Tensor

import initial
import loop
from data import LABELS, Corpus, held_out, token_counts
from model import Config, Linformer
from tokenizer import MASK_ID

CLASSES = LABELS["imdb"]
SHORT = 64  # tokens
# tokens : segments of E, from the start of a document on: segments of 4 tokens, then 8, then 192
SPANS = "384:96,640:80,3072:16"


class Documents:
    """Token ids and the target probability of 'positive' of each document."""

    def __init__(self, ids: list | None = None, targets: list[float] | None = None) -> None:
        self.ids, self.targets = ids or [], targets or []


def log_odds(p: float) -> float:
    """Of a probability, which is kept from 0 and 1"""
    p = min(max(p, 1e-4), 1 - 1e-4)
    return math.log(p / (1 - p))


def teach(names: list[str], teacher: dict, encoder: dict | None, share: float) -> list[float]:
    """The teachers' probabilities: the log odds of both, `share` of them the encoder's where it has any."""
    out = []
    for name in names:
        odds = log_odds(teacher[name])
        if encoder and name in encoder:
            odds = (1 - share) * odds + share * encoder[name]
        out.append(1 / (1 + math.exp(-odds)))
    return out


def load_documents(args: argparse.Namespace, log: loop.Log) -> tuple[Documents, Documents, Documents]:
    """The documents and the sentences to learn from, and the held-out documents to choose by."""
    cache = args.tokenizer.parent
    reviews = Corpus(args.data / "train.jsonl.zst", args.tokenizer, cache)
    unsup = Corpus(args.data / "unsup.jsonl.zst", args.tokenizer, cache)
    teacher = json.loads(args.teacher.read_text())
    encoder = json.loads(args.encoder.read_text()) if args.encoder else None
    train, val, names = Documents(), Documents(), []
    soft = teach(reviews.names, teacher["reviews"], None, 0.0)
    for i, name in enumerate(reviews.names):
        hard = float(CLASSES.index(reviews.labels[i]))
        if held_out({"id": name}, args.held_out):
            names.append(name)
            val.ids.append(reviews[i])
            val.targets.append(hard)
        else:
            train.ids.append(reviews[i])
            smooth = abs(hard - args.label_smoothing)
            train.targets.append((1 - args.soft_share) * smooth + args.soft_share * soft[i])
    taught = teach(names, teacher["reviews"], encoder, args.encoder_share)
    right = sum((p > 0.5) == (target > 0.5) for p, target in zip(taught, val.targets))
    log(f"the teachers together: {100 * right / len(names):.2f}% of {len(names)} held out")
    train.ids += [unsup[i] for i in range(len(unsup))]
    train.targets += teach(unsup.names, teacher["reviews"], encoder, args.encoder_share)
    texts, targets = map(list, zip(*teacher["sentences"][: args.sentences]))
    encoded = Tokenizer.from_file(str(args.tokenizer)).encode_batch(texts)
    return train, Documents([np.array(e.ids, dtype=np.uint16) for e in encoded], targets), val


def long_documents(documents: Documents, n_max: int, count: int, rng: random.Random) -> list[tuple[np.ndarray, float]]:
    """Several reviews of the same label joined to one of up to n_max tokens, so that every column of E learns."""
    out = []
    sides = [[i for i, t in enumerate(documents.targets) if (t > 0.5) == side] for side in (False, True)]
    for _ in range(count):
        side, room, ids, targets = rng.choice(sides), rng.randint(n_max // 4, n_max), [], []
        while room > len(targets):
            i = rng.choice(side)
            ids.append(documents.ids[i][: room - len(targets)])
            targets += [documents.targets[i]] * len(ids[-1])
        out.append((np.concatenate(ids), sum(targets) / len(targets)))
    return out


def cropped(documents: Documents, crop: int, rng: random.Random) -> list[tuple[np.ndarray, float]]:
    """(ids, target) of each document that has a token; of a longer one its beginning, its end, or a piece of `crop` tokens"""
    rows = []
    for ids, target in zip(documents.ids, documents.targets):
        if len(ids) > crop:
            start = rng.choice([0, len(ids) - crop, rng.randrange(len(ids) - crop + 1)])
            ids = ids[start : start + crop]
        if len(ids):
            rows.append((ids, target))
    return rows


def epoch_batches(documents: Documents, sentences: Documents, args: argparse.Namespace, epoch: int) -> list[list]:
    """One pass over the documents: batches of (ids, target)"""
    rng = random.Random(args.seed * 1000 + epoch)
    rows = cropped(documents, args.crop, rng)
    short = list(zip(sentences.ids, sentences.targets))
    rows += rng.sample(short, min(len(short), int(len(rows) * args.short_share)))
    rows += long_documents(documents, args.n_max, int(len(rows) * args.long_share), rng)
    return loop.by_length(rows, lambda row: len(row[0]), args.batch_tokens, rng)


@torch.no_grad()
def accuracy(model: Linformer, documents: Documents, n_max: int) -> float:
    """The share of documents, cut to n_max tokens, whose prediction is their target"""
    model.eval()
    order = sorted(range(len(documents.ids)), key=lambda i: len(documents.ids[i]))
    right = 0
    for start in range(0, len(order), 16):
        part = order[start : start + 16]
        with torch.autocast("cpu", dtype=torch.bfloat16):
            predictions = model(*loop.pad([documents.ids[i][:n_max] for i in part])).argmax(-1).tolist()
        right += sum(prediction == (documents.targets[i] > 0.5) for prediction, i in zip(predictions, part))
    return right / len(order)


def with_hidden(ids: Tensor, mask: Tensor, word_dropout: float, short_dropout: float) -> Tensor:
    """ids [batch, n] with a share of the tokens hidden; that share is `short_dropout` in rows of at most SHORT tokens: there a hidden word
    is often the one that matters."""
    rate = torch.where(mask.sum(1, keepdim=True) > SHORT, word_dropout, short_dropout)  # [batch, 1]
    return ids.masked_fill(torch.rand(ids.shape) < rate, MASK_ID)


def loss(model: Linformer, batch: list[tuple[np.ndarray, float]], word_dropout: float, short_dropout: float | None = None) -> Tensor:
    """Mean cross-entropy of rows of (ids, probability of 'positive'), with a share of the tokens hidden"""
    ids, mask = loop.pad([row[0] for row in batch])  # [batch, n]
    target = torch.tensor([row[1] for row in batch])  # [batch]
    ids = with_hidden(ids, mask, word_dropout, word_dropout if short_dropout is None else short_dropout)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = model(ids, mask).float()  # [batch, 2]
    return F.cross_entropy(logits, torch.stack([1 - target, target], -1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    loop.add_options(parser, d_model=128, n_layers=2, n_heads=4, d_ff=256, epochs=5, batch_tokens=10240, lr=1.2e-3, weight_decay=0.02,
                     word_dropout=0.12, label_smoothing=0.03, ema=0.998, position_lr=0.1, seed=1)  # fmt: skip
    parser.add_argument("--teacher", type=Path, required=True, help="what teacher.py wrote")
    parser.add_argument("--encoder", type=Path, help="what encoder_teacher.py wrote, soft.json")
    parser.add_argument("--start", type=Path, help="model.pt to go on from; it has the shape of the model")
    parser.add_argument("--spans", type=initial.spans_of, default=SPANS, help="tokens:segments,... of E, from the start of a document on")
    parser.add_argument("--crop", type=int, default=384, help="longest piece of a review that a batch takes")
    parser.add_argument("--long-share", type=float, default=0.005, help="joined long documents, as a share of all")
    parser.add_argument("--short-share", type=float, default=0.3, help="single sentences, as a share of all")
    parser.add_argument("--sentences", type=int, default=150_000)
    parser.add_argument("--soft-share", type=float, default=0.4, help="weight of the teacher where there is a label")
    parser.add_argument("--encoder-share", type=float, default=0.5, help="weight of the encoder among the teachers")
    parser.add_argument("--dropout", type=float, default=0.0)
    parser.add_argument("--held-out", type=int, default=10, help="percent of train kept for validation")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()

    log = loop.start(args)
    train, sentences, val = load_documents(args, log)
    vocab_size = Tokenizer.from_file(str(args.tokenizer)).get_vocab_size()
    saved = torch.load(args.start, weights_only=True) if args.start else None
    n_max, k = (sum(column) for column in zip(*args.spans))
    config = Config(**saved["config"]) if saved else Config(
        vocab_size, n_max, args.d_model, args.n_layers, args.n_heads, args.d_ff, len(CLASSES), [k] * args.n_layers)  # fmt: skip
    args.n_max = config.n_max
    model, ema = Linformer(config, args.dropout), Linformer(config)
    if saved:
        model.load_state_dict(saved["model"])
    elif not (args.out / "checkpoint.pt").exists():
        initial.begin(model, token_counts(train.ids, vocab_size), args.spans, [[0, -3, 3], [0, -6]], args.seed)
    ema.load_state_dict(model.state_dict())
    optimizer = loop.adamw(model, args.lr, args.weight_decay, position_lr=args.position_lr)
    tokens = sum(min(len(ids), args.crop) for ids in train.ids)
    log(f"{len(train.ids)} documents, {tokens / 1e6:.1f} M tokens an epoch, {len(val.ids)} held out; "
        f"{sum(p.numel() for p in model.parameters()) / 1e6:.2f} M parameters")  # fmt: skip

    loop.train(model, ema, optimizer, args.epochs, lambda epoch: epoch_batches(train, sentences, args, epoch),
               lambda batch: loss(model, batch, args.word_dropout), lambda network: accuracy(network, val, args.n_max),
               lambda network: {"config": config.to_dict(), "model": network.state_dict()}, args.out, log, args.ema)  # fmt: skip


if __name__ == "__main__":
    main()
