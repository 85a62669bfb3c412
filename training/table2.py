"""The paper's Table 2 at our scale: the trunk, fine-tuned for four tasks with each kind of sharing, with full attention, and with none.

    python training/table2.py --data DATA --trunk models/general.safetensors --results training/table2.json --seeds 3
    python training/table2.py --results training/table2.json --table

All variants begin with the trunk's weights, and read up to 512 tokens. E begins as means of segments, k 128, a matrix for each layer
and head where these do not share. Of a pair the network reads text, <sep>, pair. Token vectors stay as they are; all else learns, E at a tenth of
the rate. A round is `ROUND` tokens. After each the averaged weights are measured on `dev`; training stops when PATIENCE rounds have
brought nothing, and the best round is measured on `test`. A seed draws the head and the order. Each run is written to the
results when it is done, and not done again.

SST-2: all phrases of GLUE's training set, `test` is GLUE's dev set. IMDB: a tenth of `train` is `dev`. QQP: 20,000 balanced pairs, half of them
`test`. QNLI: GLUE's dev set, of which a fifth is `test` and a tenth `dev`, because the training set could not be had.
"""

from __future__ import annotations

import argparse
import copy
import itertools
import json
import random
import statistics
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

import initial
import loop
from data import held_out, read_jsonl
from model import Config, Linformer
from tokenizer import MASK_ID, SEP_ID
from trunk import Trunk

VARIANTS = {
    "full attention": {"attention": "full"},
    "headwise": {"sharing": "headwise"},
    "key-value": {"sharing": "key-value"},
    "layerwise": {"sharing": "layerwise"},
    "no attention": {},
}
NONE = "no attention"
N, K = 512, 128
ROUND, PATIENCE = 150_000, 4
BATCH_TOKENS, LR, WEIGHT_DECAY, WORD_DROPOUT, AVERAGE = 4096, 6e-4, 0.02, 0.05, 0.98
MOST = {"train": 100_000, "dev": 1_000, "test": 2_500}  # documents

Row = tuple[np.ndarray, int]  # token ids and label


@dataclass
class Task:
    name: str
    folder: str
    splits: dict[str, str]  # train, dev and test -> "file", or "file from-to" for these percent of it by a hash of the id


TASKS = [
    Task("SST-2", "sst2_glue", {"train": "train", "dev": "dev", "test": "test"}),
    Task("IMDB", "imdb", {"train": "train 10-100", "dev": "train 0-10", "test": "test"}),
    Task("QQP", "qqp_20k", {"train": "train", "dev": "dev", "test": "test"}),
    Task("QNLI", "qnli_dev", {"train": "test 30-100", "dev": "test 20-30", "test": "test 0-20"}),
]


def read_task(task: Task, data: Path, trunk: Trunk) -> dict[str, list[Row]]:
    """The documents of each split, as token ids cut to N"""
    splits, labels = {}, []
    for split, where in task.splits.items():
        file, _, percents = where.partition(" ")
        first, end = map(int, (percents or "0-100").split("-"))
        documents = [d for d in read_jsonl(data / task.folder / f"{file}.jsonl.zst") if held_out(d, end) and not held_out(d, first)]
        random.Random(f"{task.name} {split}").shuffle(documents)
        documents = documents[: MOST[split]]
        labels = labels or sorted({d["label"] for d in documents})
        keys = ("a", "b") if "a" in documents[0] else ("text",)
        parts = [[e.ids for e in trunk.tokenizer.encode_batch([d[key] for d in documents])] for key in keys]
        joined = [a + [SEP_ID] + b for a, b in zip(*parts)] if len(parts) == 2 else parts[0]
        splits[split] = [(np.array(ids[:N]), labels.index(d["label"])) for ids, d in zip(joined, documents) if ids]
    return splits


def begin(trunk: Trunk, options: dict, without: bool, seed: int) -> Linformer:
    """The trunk with the attention that is asked for, and a new head"""
    torch.manual_seed(seed)
    old = trunk.config
    config = Config(old.vocab_size, N, old.d_model, old.n_layers, old.n_heads, old.d_ff, 2, [K] * old.n_layers, positions="none",
                    stem=old.stem, importance=True, pooling="weighted", **options)  # fmt: skip
    model = Linformer(config)
    weights = {name: tensor for name, tensor in trunk.model.state_dict().items() if name != "attn.E.weight"}
    missing, unexpected = model.load_state_dict(weights, strict=False)
    assert not unexpected and all(name.startswith("head.") or name.endswith((".E.weight", ".F.weight")) for name in missing), missing
    with torch.no_grad():
        for name, E in model.named_parameters():
            if name.endswith((".E.weight", ".F.weight")):
                E.zero_()
                for i, (start, end) in enumerate(initial.segments([(N, K)])):
                    E[:, i, start:end] = 1 / (end - start)
        model.head.weight.mul_(0.1)
    model.embed["token"].weight.requires_grad_(False)
    if without:
        initial.without_attention(model)
    return model


def logits(model: Linformer, rows: list[Row], hidden: float = 0.0) -> torch.Tensor:
    ids, mask = loop.pad([row[0] for row in rows])
    if hidden:
        ids = ids.masked_fill((torch.rand(ids.shape) < hidden) & (ids != SEP_ID), MASK_ID)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        return model(ids, mask).float()


@torch.no_grad()
def accuracy(model: Linformer, rows: list[Row]) -> float:
    """Percent of the documents whose largest logit is their label's"""
    model.eval()
    rows = sorted(rows, key=lambda row: len(row[0]))
    right = 0
    for i in range(0, len(rows), 16):
        part = rows[i : i + 16]
        right += (logits(model, part).argmax(-1) == torch.tensor([row[1] for row in part])).sum().item()
    return 100 * right / len(rows)


def batches_of(rows: list[Row], seed: int):
    """Endlessly: all rows in shuffled batches, again and again"""
    for epoch in itertools.count():
        yield from loop.by_length(rows, lambda row: len(row[0]), BATCH_TOKENS, random.Random(seed * 1000 + epoch))


def run(trunk: Trunk, splits: dict[str, list[Row]], options: dict, without: bool, seed: int) -> dict:
    """Trains and tests one variant on one task"""
    started = time.process_time()
    model = begin(trunk, options, without, seed)
    ema, best = copy.deepcopy(model), copy.deepcopy(model.state_dict())
    optimizer = loop.adamw(model, LR, WEIGHT_DECAY, position_lr=0.1)
    batches, steps, dev = batches_of(splits["train"], seed), 0, []
    while not dev or len(dev) - 1 - dev.index(max(dev)) < PATIENCE:
        tokens = 0
        while tokens < ROUND:
            batch = next(batches)
            tokens += sum(len(row[0]) for row in batch)
            labels = torch.tensor([row[1] for row in batch])
            steps += 1
            loop.step(model, ema, optimizer, lambda: F.cross_entropy(logits(model, batch, WORD_DROPOUT), labels), min(1.0, steps / 50),
                      min(AVERAGE, (steps + 1) / (steps + 10)))  # fmt: skip
        dev.append(accuracy(ema, splits["dev"]))
        if dev[-1] > max(dev[:-1], default=-1):
            best = copy.deepcopy(ema.state_dict())
    ema.load_state_dict(best)
    return {"test": round(accuracy(ema, splits["test"]), 2), "dev": round(max(dev), 2), "rounds": len(dev),
            "seconds": round(time.process_time() - started)}  # fmt: skip


def table(runs: dict) -> str:
    """Markdown: mean and standard deviation over the seeds, for each variant and task; and by how much a variant is ahead of no attention with
    the same task and seed, the mean with its standard error"""
    lines = ["| attention | " + " | ".join(task.name for task in TASKS) + " | average | ahead of none |", "|---" * (len(TASKS) + 3) + "|"]
    for name in VARIANTS:
        cells, means = [], []
        for task in TASKS:
            values = [row["test"] for key, row in runs.items() if key.startswith(f"{task.name} / {name} / ")]
            spread = f" ± {statistics.stdev(values):.1f}" if len(values) > 1 else ""
            means += [statistics.mean(values)] if values else []
            cells.append(f"{statistics.mean(values):.1f}{spread} ({len(values)})" if values else "")
        average = f"{statistics.mean(means):.1f}" if len(means) == len(TASKS) else ""
        without = {key: runs.get(key.replace(f" / {name} / ", f" / {NONE} / ")) for key in runs if f" / {name} / " in key}
        more = [runs[key]["test"] - row["test"] for key, row in without.items() if row]
        gain = f"{statistics.mean(more):.1f} ± {statistics.stdev(more) / len(more) ** 0.5:.1f}" if len(more) > 1 and name != NONE else ""
        lines.append(f"| {name} | " + " | ".join([*cells, average, gain]) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--trunk", type=Path)
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--tasks", default=",".join(task.name for task in TASKS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--table", action="store_true", help="only print the results")
    args = parser.parse_args()
    results = json.loads(args.results.read_text()) if args.results.exists() else {"runs": {}}
    if args.table:
        print(table(results["runs"]))
        return
    torch.set_num_threads(1)
    trunk = Trunk(args.trunk)
    if results.setdefault("trunk", trunk.digest) != trunk.digest:
        raise SystemExit(f"{args.results} is of another trunk, {results['trunk']}")
    tasks = [task for task in TASKS if task.name in args.tasks.split(",")]
    splits = {task.name: read_task(task, args.data, trunk) for task in tasks}
    for seed in range(1, args.seeds + 1):
        for task in tasks:
            for name, options in VARIANTS.items():
                key = f"{task.name} / {name} / {seed}"
                if key in results["runs"]:
                    continue
                results["runs"][key] = run(trunk, splits[task.name], options, name == "no attention", seed)
                args.results.write_text(json.dumps(results, indent=1) + "\n")
                print(key, results["runs"][key], flush=True)


if __name__ == "__main__":
    main()
