"""Trains a classifier on the IMDB reviews: labelled ones, and unlabelled ones with a teacher's soft labels.

    python training/train.py --data DATA/imdb --tokenizer runs/imdb/tokenizer.json --teacher runs/imdb/teacher.json \
        --out runs/imdb

A checkpoint is written every few minutes to OUT/checkpoint.pt; the same command resumes from it. The run is seeded,
prints progress and time left, and appends the same lines to OUT/train.log. OUT/model.pt holds the averaged weights of
the epoch that did best on the held-out part of `train`.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from tokenizers import Tokenizer
from torch import Tensor

from data import IMDB_LABELS, held_out, read_jsonl
from model import Config, Linformer

MASK_ID = 1


class Documents:
    """Token ids and the target distribution of each document."""

    def __init__(self) -> None:
        self.ids: list[list[int]] = []
        self.targets: list[float] = []

    def extend(self, tokenizer: Tokenizer, texts: list[str], targets: list[float]) -> None:
        self.ids += [encoding.ids for encoding in tokenizer.encode_batch(texts)]
        self.targets += targets


def load_documents(args: argparse.Namespace) -> tuple[Documents, Documents, Documents]:
    """The documents and the sentences to learn from, and the held-out documents to choose by."""
    tokenizer = Tokenizer.from_file(str(args.tokenizer))
    train, sentences, check = Documents(), Documents(), Documents()
    for part, keep in ((train, False), (check, True)):
        rows = [d for d in read_jsonl(args.data / "train.jsonl.zst") if held_out(d, args.held_out) == keep]
        part.extend(tokenizer, [d["text"] for d in rows], [float(IMDB_LABELS.index(d["label"])) for d in rows])
    train.targets = [abs(t - args.label_smoothing) for t in train.targets]
    if args.teacher:
        soft = json.loads(args.teacher.read_text())
        rows = list(read_jsonl(args.data / "unsup.jsonl.zst"))
        train.extend(tokenizer, [d["text"] for d in rows], [soft["reviews"][d["id"]] for d in rows])
        sentences.extend(tokenizer, *map(list, zip(*soft["sentences"])))
    return train, sentences, check


def pad(rows: list[list[int]]) -> tuple[Tensor, Tensor]:
    """Rows of ids to one batch: ids [batch, n] and mask [batch, n]"""
    n = max(map(len, rows))
    ids = torch.zeros(len(rows), n, dtype=torch.long)
    mask = torch.zeros(len(rows), n, dtype=torch.bool)
    for i, row in enumerate(rows):
        ids[i, : len(row)] = torch.tensor(row)
        mask[i, : len(row)] = True
    return ids, mask


def long_documents(documents: Documents, n_max: int, count: int, rng: random.Random) -> list[tuple[list[int], float]]:
    """Several reviews of the same verdict joined to one of up to n_max tokens, so that every column of E learns."""
    out = []
    sides = [[i for i, t in enumerate(documents.targets) if (t > 0.5) == side] for side in (False, True)]
    for _ in range(count):
        side, room, ids, targets = rng.choice(sides), rng.randint(n_max // 4, n_max), [], []
        while room > len(ids):
            i = rng.choice(side)
            piece = documents.ids[i][: room - len(ids)]
            ids = ids + piece
            targets += [documents.targets[i]] * len(piece)
        out.append((ids, sum(targets) / len(targets)))
    return out


def epoch_batches(documents: Documents, sentences: Documents, args: argparse.Namespace,
                  epoch: int) -> list[list[tuple[list[int], float]]]:  # fmt: skip
    """One pass over the documents in batches of similar length and about batch_tokens tokens each."""
    rng = random.Random(args.seed * 1000 + epoch)
    rows = []
    for ids, target in zip(documents.ids, documents.targets):
        if len(ids) > args.crop:
            start = rng.choice([0, len(ids) - args.crop, rng.randrange(len(ids) - args.crop + 1)])
            ids = ids[start : start + args.crop]
        if ids:
            rows.append((ids, target))
    short = list(zip(sentences.ids, sentences.targets))
    rows += rng.sample(short, min(len(short), int(len(rows) * args.short_share)))
    rows += long_documents(documents, args.n_max, int(len(rows) * args.long_share), rng)
    rows.sort(key=lambda row: len(row[0]) * rng.uniform(0.95, 1.05))
    batches, batch, widest = [], [], 0
    for row in rows:
        widest = max(widest, len(row[0]))
        if batch and widest * (len(batch) + 1) > args.batch_tokens:
            batches.append(batch)
            batch, widest = [], len(row[0])
        batch.append(row)
    batches.append(batch)
    rng.shuffle(batches)
    return batches


@torch.no_grad()
def accuracy(model: Linformer, documents: Documents, n_max: int) -> float:
    model.eval()
    order = sorted(range(len(documents.ids)), key=lambda i: len(documents.ids[i]))
    right = 0
    for start in range(0, len(order), 32):
        part = order[start : start + 32]
        ids, mask = pad([documents.ids[i][:n_max] for i in part])
        verdicts = model(ids, mask).argmax(-1).tolist()
        right += sum(verdict == (documents.targets[i] > 0.5) for verdict, i in zip(verdicts, part))
    return right / len(order)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--tokenizer", type=Path, required=True)
    parser.add_argument("--teacher", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--n-max", type=int, default=4096)
    parser.add_argument("--d-model", type=int, default=128)
    parser.add_argument("--n-layers", type=int, default=2)
    parser.add_argument("--n-heads", type=int, default=4)
    parser.add_argument("--d-ff", type=int, default=512)
    parser.add_argument("--k", type=int, default=64)
    parser.add_argument("--sharing", default="layerwise")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--batch-tokens", type=int, default=12288)
    parser.add_argument("--crop", type=int, default=1024, help="longest piece of a review that a batch takes")
    parser.add_argument("--long-share", type=float, default=0.01, help="joined long documents, as a share of all")
    parser.add_argument("--short-share", type=float, default=0.3, help="single sentences, as a share of all")
    parser.add_argument("--lr", type=float, default=1.5e-3)
    parser.add_argument("--weight-decay", type=float, default=0.02)
    parser.add_argument("--dropout", type=float, default=0.1)
    parser.add_argument("--word-dropout", type=float, default=0.15)
    parser.add_argument("--label-smoothing", type=float, default=0.05)
    parser.add_argument("--average", type=float, default=0.998, help="decay of the averaged weights, a step")
    parser.add_argument("--held-out", type=int, default=10, help="percent of train kept for validation")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()

    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    args.out.mkdir(parents=True, exist_ok=True)
    log_file = open(args.out / "train.log", "a", encoding="utf-8")

    def log(line: str) -> None:
        print(line, flush=True)
        print(line, file=log_file, flush=True)

    train, sentences, check = load_documents(args)
    vocab_size = Tokenizer.from_file(str(args.tokenizer)).get_vocab_size()
    config = Config(vocab_size, args.n_max, args.d_model, args.n_layers, args.n_heads, args.d_ff, 2,
                    [args.k] * args.n_layers, sharing=args.sharing)  # fmt: skip
    model, average = Linformer(config, args.dropout), Linformer(config)
    average.load_state_dict(model.state_dict())
    matrices = [p for p in model.parameters() if p.dim() >= 2]
    vectors = [p for p in model.parameters() if p.dim() < 2]
    optimizer = torch.optim.AdamW(
        [{"params": matrices, "weight_decay": args.weight_decay}, {"params": vectors, "weight_decay": 0.0}],
        lr=args.lr, betas=(0.9, 0.98))  # fmt: skip
    n_tokens = sum(min(len(ids), args.crop) for ids in train.ids)
    log(f"{len(train.ids)} documents, {n_tokens / 1e6:.1f} M tokens an epoch, {len(check.ids)} held out; "
        f"{sum(p.numel() for p in model.parameters()) / 1e6:.2f} M parameters")  # fmt: skip

    checkpoint_path = args.out / "checkpoint.pt"
    first_epoch, first_batch, step, best = 0, 0, 0, 0.0
    if checkpoint_path.exists():
        saved = torch.load(checkpoint_path, weights_only=False)
        model.load_state_dict(saved["model"])
        average.load_state_dict(saved["average"])
        optimizer.load_state_dict(saved["optimizer"])
        first_epoch, first_batch, step, best = saved["epoch"], saved["batch"], saved["step"], saved["best"]
        log(f"resumed at epoch {first_epoch}, batch {first_batch}")

    def save(epoch: int, batch: int) -> None:
        state = {"model": model.state_dict(), "average": average.state_dict(), "optimizer": optimizer.state_dict(),
                 "epoch": epoch, "batch": batch, "step": step, "best": best}  # fmt: skip
        torch.save(state, checkpoint_path.with_suffix(".tmp"))
        checkpoint_path.with_suffix(".tmp").rename(checkpoint_path)

    started = saved_at = time.time()
    steps_here = 0
    for epoch in range(first_epoch, args.epochs):
        batches = epoch_batches(train, sentences, args, epoch)
        total_steps = len(batches) * args.epochs
        loss_sum = loss_count = 0.0
        for index, batch in enumerate(batches):
            if epoch == first_epoch and index < first_batch:
                continue
            progress = step / total_steps
            rate = args.lr * min(1.0, (step + 1) / 300) * 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))
            for group in optimizer.param_groups:
                group["lr"] = rate
            ids, mask = pad([row[0] for row in batch])
            target = torch.tensor([row[1] for row in batch])
            ids = ids.masked_fill(torch.rand(ids.shape) < args.word_dropout, MASK_ID)
            model.train()
            with torch.autocast("cpu", dtype=torch.bfloat16):
                logits = model(ids, mask).float()
            loss = F.cross_entropy(logits, torch.stack([1 - target, target], -1))
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            step += 1
            steps_here += 1
            with torch.no_grad():
                decay = min(args.average, (step + 1) / (step + 10))
                for slow, fast in zip(average.parameters(), model.parameters()):
                    slow.lerp_(fast, 1 - decay)
            loss_sum, loss_count = loss_sum + loss.item(), loss_count + 1
            if index % 200 == 199:
                left = (time.time() - started) / steps_here * (total_steps - step)
                log(f"epoch {epoch} batch {index + 1}/{len(batches)} loss {loss_sum / loss_count:.4f} "
                    f"lr {rate:.2e} left {left / 60:.0f} min")  # fmt: skip
                loss_sum = loss_count = 0.0
            if time.time() - saved_at > 180:
                save(epoch, index + 1)
                saved_at = time.time()
        held_out_accuracy = accuracy(average, check, args.n_max)
        log(f"epoch {epoch} done: held-out accuracy {held_out_accuracy:.4f} ({(time.time() - started) / 60:.0f} min)")
        if held_out_accuracy >= best:
            best = held_out_accuracy
            torch.save({"config": config.to_dict(), "model": average.state_dict()}, args.out / "model.pt")
        save(epoch + 1, 0)


if __name__ == "__main__":
    main()
