"""The training loop that all scripts share: seeded, averaged, logged, and resumable from a checkpoint.

`ema` is the network whose weights are an exponential moving average of the trained ones; it is what is measured and kept.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

CHECKPOINT_SECONDS = 120
LOG_STEPS = 50

HELP = {
    "data": "folder of the data set's .jsonl.zst files",
    "out": "folder for checkpoint, log and model",
    "batch_tokens": "tokens of a batch, with its padding",
    "word_dropout": "share of the tokens that training hides or leaves out",
    "label_smoothing": "what a label gives to the others",
    "ema": "decay of the averaged weights in each step",
    "position_lr": "how fast E and positions learn, as a share of --lr",
}


def add_options(parser: argparse.ArgumentParser, **defaults: float) -> None:
    """The options that all trainings have: --data, --tokenizer and --out, and one for each of `defaults`."""
    for name in ("data", "tokenizer", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True, help=HELP.get(name))
    for name, value in defaults.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(value), default=value, help=HELP.get(name))


class Log:
    """Prints lines and appends them to a file."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.file = open(path, "a", encoding="utf-8")

    def __call__(self, line: str) -> None:
        print(line, flush=True)
        print(line, file=self.file, flush=True)


def start(args: argparse.Namespace) -> Log:
    """Seeds PyTorch, gives it its threads (--threads, or one), and logs the options to OUT/train.log."""
    torch.set_num_threads(vars(args).get("threads", 1))
    torch.manual_seed(args.seed)
    log = Log(args.out / "train.log")
    log(str({name: str(value) for name, value in vars(args).items()}))
    return log


def groups(model: nn.Module, lr: float, weight_decay: float, embedding_lr: float = 1.0, position_lr: float = 1.0) -> list[dict]:
    """Parameter groups: no decay of vectors; token embeddings learn `embedding_lr` times as fast, and what belongs to
    a position in the document (E, F, position embeddings) `position_lr` times.

    Few documents reach the later positions. Adam makes as large a step on a gradient that comes once in a thousand batches
    as on one that comes always, so at the full rate the later columns of E fill with noise.
    """
    rows = {"matrix": [], "vector": [], "token": [], "position": []}
    for name, p in ((name, p) for name, p in model.named_parameters() if p.requires_grad):
        by_position = name.endswith((".E.weight", ".F.weight", "embed.position.weight"))
        rows["position" if by_position else "token" if "embed." in name else "matrix" if p.dim() >= 2 else "vector"].append(p)
    return [
        {"params": rows["matrix"], "weight_decay": weight_decay, "peak": lr},
        {"params": rows["vector"], "weight_decay": 0.0, "peak": lr},
        {"params": rows["token"], "weight_decay": weight_decay, "peak": lr * embedding_lr},
        {"params": rows["position"], "weight_decay": weight_decay, "peak": lr * position_lr},
    ]


def adamw(model: nn.Module, lr: float, weight_decay: float, **rates: float) -> torch.optim.AdamW:
    """AdamW over `groups`, which takes the `rates`."""
    return torch.optim.AdamW(groups(model, lr, weight_decay, **rates), betas=(0.9, 0.98), fused=True)


def pad(rows: list, n_multiple: int = 1) -> tuple[Tensor, Tensor]:
    """Rows of ids to one batch: ids [batch, n] and mask [batch, n], n a multiple of `n_multiple`"""
    n = -(-max(map(len, rows)) // n_multiple) * n_multiple
    ids = torch.zeros(len(rows), n, dtype=torch.long)
    mask = torch.zeros(len(rows), n, dtype=torch.bool)
    for i, row in enumerate(rows):
        ids[i, : len(row)] = torch.as_tensor(row, dtype=torch.long)
        mask[i, : len(row)] = True
    return ids, mask


def by_length(rows: list, length: Callable[[object], int], batch_tokens: int, rng) -> list[list]:
    """Rows in shuffled batches of similar length, each of at most `batch_tokens` tokens with its padding."""
    rows = sorted(rows, key=lambda row: length(row) * rng.uniform(0.95, 1.05))
    batches, batch, widest = [], [], 0
    for row in rows:
        widest = max(widest, length(row))
        if batch and widest * (len(batch) + 1) > batch_tokens:
            batches.append(batch)
            batch, widest = [], length(row)
        batch.append(row)
    batches.append(batch)
    rng.shuffle(batches)
    return batches


def step(model: nn.Module, ema: nn.Module, optimizer: torch.optim.Optimizer, loss: Callable[[], Tensor],
         rate: float, decay: float) -> float:  # fmt: skip
    """One step at `rate` times each group's peak; then `ema` moves towards the model. Returns the loss."""
    for group in optimizer.param_groups:
        group["lr"] = group["peak"] * rate
    model.train()
    value = loss()
    optimizer.zero_grad()
    value.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    with torch.no_grad():
        for slow, fast in zip(ema.parameters(), model.parameters()):
            slow.lerp_(fast, 1 - decay)
    return value.item()


def train(model: nn.Module, ema: nn.Module, optimizer: torch.optim.Optimizer, epochs: int,
          batches: Callable[[int], list], loss: Callable[[object], Tensor], evaluate: Callable[[nn.Module], float],
          result: Callable[[nn.Module], dict], out: Path, log: Log, decay: float = 0.998, warmup: int = 200) -> float:  # fmt: skip
    """Trains for `epochs`, cosine schedule; returns the best value of `evaluate`, which is given `ema`.

    `batches(epoch)` must give the same list each time it is called. OUT/model.pt holds result(ema) of the best epoch;
    OUT/checkpoint.pt what it takes to go on, and result(ema) as it is by then.
    """
    checkpoint = out / "checkpoint.pt"
    first_epoch, first_batch, steps, best = 0, 0, 0, -math.inf
    if checkpoint.exists():
        saved = torch.load(checkpoint, weights_only=True)
        model.load_state_dict(saved["model"])
        ema.load_state_dict(saved["ema"])
        optimizer.load_state_dict(saved["optimizer"])
        first_epoch, first_batch, steps, best = saved["epoch"], saved["batch"], saved["step"], saved["best"]
        log(f"resumed at epoch {first_epoch}, batch {first_batch}")

    def save_checkpoint(epoch: int, batch: int) -> None:
        state = {"model": model.state_dict(), "ema": ema.state_dict(), "result": result(ema), "optimizer": optimizer.state_dict(),
                 "epoch": epoch, "batch": batch, "step": steps, "best": best}  # fmt: skip
        torch.save(state, checkpoint.with_suffix(".tmp"))
        checkpoint.with_suffix(".tmp").rename(checkpoint)

    started = saved_at = time.time()
    steps_here = 0
    for epoch in range(first_epoch, epochs):
        rows = batches(epoch)
        losses: list[float] = []
        for index, batch in enumerate(rows):
            if epoch == first_epoch and index < first_batch:
                continue
            progress = min(1.0, (epoch + index / len(rows)) / epochs)
            rate = min(1.0, (steps + 1) / warmup) * 0.5 * (1 + math.cos(math.pi * progress))
            steps, steps_here = steps + 1, steps_here + 1
            losses.append(step(model, ema, optimizer, lambda: loss(batch), rate, min(decay, (steps + 1) / (steps + 10))))
            if index % LOG_STEPS == LOG_STEPS - 1:
                left = (time.time() - started) / steps_here * (len(rows) * (epochs - epoch) - index)
                log(f"epoch {epoch} batch {index + 1}/{len(rows)} loss {sum(losses) / len(losses):.4f} "
                    f"left {left / 60:.1f} min")  # fmt: skip
                losses = []
            if time.time() - saved_at > CHECKPOINT_SECONDS:
                save_checkpoint(epoch, index + 1)
                saved_at = time.time()
        ema.eval()
        value = evaluate(ema)
        log(f"epoch {epoch} done: {value:.4f} ({(time.time() - started) / 60:.1f} min)")
        if value >= best:
            best = value
            torch.save(result(ema), out / "model.pt")
        save_checkpoint(epoch + 1, 0)
        saved_at = time.time()
    return best
