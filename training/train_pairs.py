"""Trains a small classifier of pairs: do two pieces of text come from one review? Labels: different, same.

    python training/train_pairs.py --data DATA/imdb --out runs/pairs --model tests/golden/pairs.safetensors \
        --golden tests/golden/pairs.json

The pieces are what stands before and after some place in a review, 24 to 110 tokens each; half of the pairs take the
second piece from another review. The network reads text, <sep>, pair, as the engine does for { text, textPair }. A
linear layer over a mean cannot compare two texts: attention has to, so one head begins by looking for similar words
(equal query and key maps), and rows of E h past the document's end, which are zero, are where it looks when there are
none. Long pieces teach it to compare at all; the first epochs have no others. Pairs for any other task, such as question
and answer, go the same way.

The model, its tokenizer and PyTorch's logits for pairs of our own are a test's. The epoch is chosen by some held-out
reviews; OUT/test.jsonl has pairs of others as text, for `evaluate.py`.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from tokenizers import Tokenizer, decoders
from torch import Tensor

import initial
import loop
import tokenizer as bpe
from data import held_out, read_jsonl, token_counts
from model import Config, Linformer
from model_file import decode, encode, save_model, state_dict
from tokenizer import SEP_ID

LABELS = ("different", "same")
SHORTEST, LONG, LONGEST = 24, 80, 110  # tokens of a piece
N_MAX, D_MODEL, HEADS, D_FF, K = 256, 48, 3, 96, 64


def join(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Ids of a text and of its pair as the network reads them"""
    return np.concatenate([a, [SEP_ID], b])


def draw(reviews: list[np.ndarray], count: int, shortest: int, rng: random.Random) -> list[tuple[np.ndarray, np.ndarray, int]]:
    """`count` pairs, every other one of the same review: text, pair, label

    Lengths are uniform in their logarithm, from `shortest` to LONGEST. Each review has room for two of the longest
    pieces, so a length tells nothing about the label.
    """
    out = []
    for i in range(count):
        a, b = (reviews[j] for j in rng.sample(range(len(reviews)), 2))
        before, after = (round(shortest * (LONGEST / shortest) ** rng.random()) for _ in range(2))
        cut = rng.randint(before, len(a) - after)
        second, start = (a, cut) if i % 2 else (b, rng.randint(before, len(b) - after))
        out.append((a[cut - before : cut], second[start : start + after], i % 2))
    return out


def compare_words(model: Linformer, d_head: int, strength: float = 1.3) -> None:
    """The first head of the first layer begins with equal query and key maps, a random projection of the whole of h."""
    layer = model.layers[0].attn
    shared = torch.randn(d_head, model.config.d_model) * (strength / d_head**0.5)
    for linear in (layer.query, layer.key):
        linear.weight.data[:d_head] = shared
        linear.bias.data[:d_head] = 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True, help=".safetensors file to write")
    parser.add_argument("--golden", type=Path, required=True, help="JSON: in, pairs of our own; out, with ids and logits")
    parser.add_argument("--vocab-size", type=int, default=3072)
    parser.add_argument("--epochs", type=int, default=18)
    parser.add_argument("--long-epochs", type=int, default=2, help="first epochs, of long pieces alone")
    parser.add_argument("--pairs", type=int, default=60_000, help="pairs drawn for an epoch")
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--lr", type=float, default=3e-3)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()

    log = loop.start(args)
    texts, val_texts = [], []
    for d in itertools.chain(read_jsonl(args.data / "train.jsonl.zst"), read_jsonl(args.data / "unsup.jsonl.zst")):
        (val_texts if held_out(d, 10) else texts).append(d["text"].replace("<br />", " "))
    path = args.out / "tokenizer.json"
    if not path.exists():
        path.write_text(bpe.train(texts[::4], args.vocab_size, True), encoding="utf-8")
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.decoder = decoders.ByteLevel()

    def tokenised(part: list[str]) -> list[np.ndarray]:
        rows = []
        for i in range(0, len(part), 1000):
            rows += [np.array(e.ids, dtype=np.int32) for e in tokenizer.encode_batch([text[:3000] for text in part[i : i + 1000]])]
        return [ids for ids in rows if len(ids) >= 2 * LONGEST]

    known, unknown = tokenised(texts), tokenised(val_texts)
    val = draw(unknown[::2], 4000, SHORTEST, random.Random(0))
    test, long_test = (draw(unknown[1::2], 4000, shortest, random.Random(1)) for shortest in (SHORTEST, LONG))
    with open(args.out / "test.jsonl", "w", encoding="utf-8") as lines:
        for i, (a, b, label) in enumerate(test):
            row = {"id": i, "text": tokenizer.decode(a), "textPair": tokenizer.decode(b), "label": LABELS[label]}
            print(json.dumps(row), file=lines)
    vocab_size = tokenizer.get_vocab_size()
    config = Config(vocab_size, N_MAX, D_MODEL, args.layers, HEADS, D_FF, 2, [K] * args.layers)
    model, ema = Linformer(config), Linformer(config)
    vectors = initial.latent_semantics(token_counts(known[:30_000], vocab_size), D_MODEL, args.seed)
    model.embed["token"].weight.data.copy_(vectors)
    initial.segment_means(model, [(N_MAX, K)])
    compare_words(model, D_MODEL // HEADS)
    ema.load_state_dict(model.state_dict())
    optimizer = loop.adamw(model, args.lr, 0.02, position_lr=0.1)
    log(f"{len(known)} reviews, {len(unknown)} held out, {sum(p.numel() for p in model.parameters())} parameters")

    def batches(epoch: int) -> list:
        rng = random.Random(args.seed * 1000 + epoch)
        rows = draw(known, args.pairs, LONG if epoch < args.long_epochs else SHORTEST, rng)
        return loop.by_length(rows, lambda row: len(row[0]) + len(row[1]), 12288, rng)

    def loss(batch: list) -> Tensor:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits = model(*loop.pad([join(a, b) for a, b, _ in batch])).float()
        return F.cross_entropy(logits, torch.tensor([label for _, _, label in batch]))

    @torch.no_grad()
    def evaluate(network: Linformer, pairs: list = val) -> float:
        right = 0
        for i in range(0, len(pairs), 100):
            part = pairs[i : i + 100]
            predictions = network(*loop.pad([join(a, b) for a, b, _ in part])).argmax(-1).tolist()
            right += sum(prediction == label for prediction, (_, _, label) in zip(predictions, part))
        return right / len(pairs)

    loop.train(model, ema, optimizer, args.epochs, batches, loss, evaluate, lambda network: network.state_dict(),
               args.out, log, 0.995, 100)  # fmt: skip

    ema.load_state_dict(torch.load(args.out / "model.pt", weights_only=True))
    encoded = encode(ema.tensors(), "I8")
    ema.load_state_dict(state_dict(decode(encoded), config))
    accuracy = evaluate(ema, test)
    log(f"int8: {100 * accuracy:.2f}% of {len(test)} pairs, {100 * evaluate(ema, long_test):.2f}% of as many with pieces of "
        f"{LONG} to {LONGEST} tokens")  # fmt: skip
    save_model(args.model, encoded, config, list(LABELS), bpe.tables(path), "MIT",
               "pieces of reviews of the Large Movie Review Dataset v1.0 (Maas et al. 2011)", name="pairs",
               held_out_accuracy=f"{accuracy:.4f} of {len(test)} pairs")  # fmt: skip
    rows = json.loads(args.golden.read_text())
    network = ema.double().eval()
    for row in rows:
        ids = join(*(np.array(tokenizer.encode(row[part]).ids, dtype=np.int64) for part in ("text", "textPair")))
        with torch.no_grad():
            logits = network(torch.from_numpy(ids)[None], torch.ones(1, len(ids), dtype=torch.bool))[0]
        row["ids"], row["logits"] = ids.tolist(), logits.tolist()
    args.golden.write_text(json.dumps(rows, indent=1) + "\n")
    right = sum((row["logits"][1] > row["logits"][0]) == (row["label"] == "same") for row in rows)
    log(f"{args.model}: {args.model.stat().st_size:,} bytes; {right} of {len(rows)} pairs of our own are right")


if __name__ == "__main__":
    main()
