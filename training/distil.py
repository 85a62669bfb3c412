"""Trains a trunk: what MiniLM makes of passages, learned by a small Linformer that reads whole documents.

    python training/distil.py --data DATA --tokenizer runs/general/tokenizer.json --passages runs/general/passages \
        --table runs/general/table.npz --out runs/general/student

The start is the static table: token vectors are its rows, importance is their length, stem and layers add nothing. What is
learned then:

- the vector of a passage, read alone or in a document: through a linear map it has the direction of the teacher's, and
  passages are as similar to each other as they are to the teacher. In a document each passage is the mean of its own
  tokens, so every column of E learns from every document.
- single tokens of the vocabulary, so that words the passages are short of are not lost.
- what the teacher does not know, through heads of their own: sentiment of films and phrases, subjects of textbooks, topics
  of summaries, clauses of contracts.

Token vectors, E and importance learn slowly. A checkpoint is written every few minutes; the same command resumes.
"""

from __future__ import annotations

import argparse
import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from tokenizers import Tokenizer
from torch import Tensor, nn

import initial
import loop
from data import Corpus, read_jsonl
from model import Config, Linformer
from model_file import load_model
from tokenizer import MASK_ID, SPECIAL

SPANS = "128:32,384:24,1536:16,6144:24"  # 8,192 tokens in 96 segments of 4, 16, 96 and 256
HELD_OUT_SHARDS = 2


@dataclass
class Task:
    """Labelled texts. A label is an index, or a row of 0 and 1 where a text has many."""

    ids: Corpus
    labels: np.ndarray
    n_labels: int
    share: float  # of all batches


def label_indices(names: list[str]) -> tuple[np.ndarray, int]:
    order = sorted(set(names))
    return np.array([order.index(name) for name in names]), len(order)


def read_tasks(data: Path, tokenizer: Path) -> dict[str, Task]:
    """The labelled training sets, as token ids, which are cached beside the tokenizer"""

    def read(name: str) -> Corpus:
        return Corpus(data / name / "train.jsonl.zst", tokenizer, tokenizer.parent / name)

    films, phrases, sections, topics, clauses = (read(n) for n in ("imdb", "sst2_glue", "openstax", "wiki_vital", "cuad_passages"))
    found = [d["labels"] for d in read_jsonl(data / "cuad_passages" / "train.jsonl.zst")]
    names = sorted({label for labels in found for label in labels})
    many = np.array([[name in labels for name in names] for labels in found], np.float32)
    return {
        "films": Task(films, np.array([int(label == "positive") for label in films.labels]), 2, 0.12),
        "phrases": Task(phrases, np.array([int(label) for label in phrases.labels]), 2, 0.10),
        "subjects": Task(sections, *label_indices(sections.labels), 0.05),
        "topics": Task(topics, *label_indices(topics.labels), 0.03),
        "clauses": Task(clauses, many, len(names), 0.05),
    }


class Passages:
    """Runs of passages with the teacher's vectors: texts as ids, `runs` as lists of indices."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer
        self.ids: list[np.ndarray] = []
        self.runs: list[list[int]] = []
        self.vectors = torch.zeros(0, 384)
        self.paths: set[Path] = set()

    def add(self, paths: list[Path]) -> None:
        """Takes the shards of `paths` that it has not yet."""
        for path in (path for path in paths if path not in self.paths):
            shard, last = np.load(path), None
            for encoding, document in zip(self.tokenizer.encode_batch(shard["texts"].tolist()), shard["documents"]):
                if document != last:
                    self.runs.append([])
                    last = document
                self.runs[-1].append(len(self.ids))
                self.ids.append(np.array(encoding.ids or [MASK_ID], np.uint16))
            self.vectors = torch.cat([self.vectors, torch.from_numpy(shard["vectors"]).float()])
            self.paths.add(path)


class Student(nn.Module):
    """The trunk, the map to the teacher's space, and the heads of the tasks"""

    def __init__(self, config: Config, tasks: dict[str, Task]) -> None:
        super().__init__()
        self.trunk = Linformer(config)
        self.to_teacher = nn.Linear(config.d_model, 384)
        heads = {name: task.n_labels for name, task in tasks.items()}
        self.heads = nn.ModuleDict({name: nn.Linear(config.d_model, n) for name, n in heads.items()})

    def vectors(self, ids: Tensor, mask: Tensor, passage: Tensor, n_passages: int) -> Tensor:
        """passage [batch, n]: the number of the passage that each token is of, below n_passages; -> [n_passages, d_model]"""
        trunk = self.trunk
        with torch.autocast("cpu", torch.bfloat16, enabled=torch.is_grad_enabled()):
            x = trunk.encode(ids, mask)[-1]
        h = trunk.norm(x.float())  # [batch, n, d_model]
        a = (trunk.pool(ids, h) * mask).flatten()  # [batch * n]
        where = passage.flatten()
        total = torch.zeros(n_passages).index_add(0, where, a)  # [n_passages]
        sums = torch.zeros(n_passages, h.shape[-1]).index_add(0, where, a[:, None] * h.flatten(0, 1))
        return sums / total[:, None].clamp(min=1e-9)


def begin(student: Student, table: dict, spans: list[tuple[int, int]], seed: int) -> None:
    """The static table as a trunk: LN of a token vector times its importance is the table's row, turned by a random rotation
    (so that the mean over channels, which LayerNorm takes away, is next to nothing)."""
    rows = torch.from_numpy(table["table"]).float()
    d = rows.shape[1]
    rotation = torch.linalg.qr(torch.randn(d, d, generator=torch.Generator().manual_seed(seed)))[0]
    length = rows.norm(dim=1)
    known = length > 1e-6
    trunk = student.trunk
    with torch.no_grad():
        trunk.embed["token"].weight[:] = torch.where(known[:, None], rows / length.clamp(min=1e-6)[:, None], 0.0) @ rotation * d**0.5 * 0.5
        trunk.pool.token[:] = torch.where(known, torch.log(length.clamp(min=1e-6) / length[known].median()), torch.tensor(-5.0))
        for module in [trunk.stem["out"], *(m for layer in trunk.layers for m in (layer.attn.out, layer.ffn["out"]))]:
            module.weight.mul_(0.02)
            module.bias.zero_()
        if "E" in trunk.attn:
            initial.segment_means(trunk, spans)
        student.to_teacher.weight[:] = (rotation.T @ torch.from_numpy(table["directions"]).float()).T / d**0.5
        student.to_teacher.bias[:] = torch.from_numpy(table["mean"]).float()


def go_on_from(student: Student, path: Path, passages: Passages) -> None:
    """The trunk of a model file; its map to the teacher's space by least squares on the first passages."""
    student.trunk.load_state_dict(load_model(path).state_dict())
    z = []
    with torch.no_grad():
        for i in range(0, 4096, 64):
            ids, mask = loop.pad(passages.ids[i : i + 64])
            z.append(student.vectors(ids, mask, torch.arange(len(ids))[:, None].expand(ids.shape), len(ids)))
        inputs = F.pad(torch.cat(z), (0, 1), value=1.0)
        solution = torch.linalg.lstsq(inputs, passages.vectors[: len(inputs)]).solution  # [d_model + 1, 384]
        student.to_teacher.weight[:] = solution[:-1].T
        student.to_teacher.bias[:] = solution[-1]


def shards(folder: Path) -> list[Path]:
    return sorted(folder.glob("????.npz"))


Batch = tuple  # ("passages", rows of (ids, passage of each token), indices) or (task, indices)


def epoch_batches(passages: Passages, tasks: dict[str, Task], n_max: int, tokens: int, seed: int) -> list[Batch]:
    """Each passage once alone and once in its document; documents joined to up to n_max tokens now and then; tasks by their shares"""
    rng = random.Random(seed)
    alone = loop.by_length([[i] for i in range(len(passages.ids))], lambda row: len(passages.ids[row[0]]), tokens, rng)
    runs = list(passages.runs)
    rng.shuffle(runs)
    joined = []
    while runs:
        limit = rng.choice((1, 1, 1, 1, 2, 4)) if rng.random() < 0.98 else 99  # runs of one document; others follow it
        row: list[int] = []
        for _ in range(min(limit, len(runs))):
            if row and sum(len(passages.ids[i]) for i in row + runs[-1]) > n_max:
                break
            row += runs.pop()
        joined.append(row)
    together = loop.by_length(joined, lambda row: sum(len(passages.ids[i]) for i in row), tokens, rng)
    out: list[Batch] = [("passages", batch) for batch in [*alone, *together]]
    share = sum(task.share for task in tasks.values())
    for name, task in tasks.items():
        wanted, mine = int(len(out) * task.share / (1 - share)), []
        while len(mine) < wanted:
            part = rng.sample(range(len(task.ids)), min(4096, len(task.ids)))
            mine += loop.by_length(part, lambda i: min(len(task.ids[i]), 768), tokens, rng)
        out += [(name, batch) for batch in mine[:wanted]]
    rng.shuffle(out)
    return out


def similarity_loss(student: Tensor, teacher: Tensor) -> Tensor:
    """How differently two sets of vectors of length 1 are similar among themselves"""
    off = 1 - torch.eye(len(student))
    return (((student @ student.T - teacher @ teacher.T) * off) ** 2).sum() / off.sum().clamp(min=1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    loop.add_options(parser, d_model=192, n_layers=2, n_heads=4, d_ff=256, stem=96, epochs=6, batch_tokens=6144, lr=1.5e-3, weight_decay=0.01,
                     word_dropout=0.08, ema=0.998, position_lr=0.1, embedding_lr=0.03, seed=1)  # fmt: skip
    parser.add_argument("--passages", type=Path, required=True, help="what passages.py wrote")
    parser.add_argument("--table", type=Path, required=True, help="what static_table.py wrote")
    parser.add_argument("--trunk", type=Path, help="a trunk to go on from, a model file, in place of the static table")
    parser.add_argument("--spans", type=initial.spans_of, default=SPANS)
    parser.add_argument("--attention", default="linformer", choices=("linformer", "full", "none"), help="for the twins")
    parser.add_argument("--task-weight", type=float, default=0.15)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()

    log = loop.start(args)
    tokenizer = Tokenizer.from_file(str(args.tokenizer))
    val, passages = Passages(tokenizer), Passages(tokenizer)
    val.add(shards(args.passages)[:HELD_OUT_SHARDS])
    passages.add(shards(args.passages)[HELD_OUT_SHARDS:])
    tasks = read_tasks(args.data, args.tokenizer)
    table = dict(np.load(args.table))
    n_max, k = (sum(column) for column in zip(*args.spans))
    config = Config(tokenizer.get_vocab_size(), n_max, args.d_model, args.n_layers, args.n_heads, args.d_ff, 0, [k] * args.n_layers,
                    attention="full" if args.attention == "full" else "linformer", positions="none", stem=args.stem, importance=True)  # fmt: skip
    student, ema = Student(config, tasks), Student(config, tasks)
    begin(student, table, args.spans, args.seed)
    if args.trunk:
        go_on_from(student, args.trunk, passages)
    if args.attention == "none":  # the twin: attention's output stays zero
        for layer in student.trunk.layers:
            for p in layer.attn.out.parameters():
                p.data.zero_()
                p.requires_grad = False
    ema.load_state_dict(student.state_dict())
    optimizer = loop.adamw(student, args.lr, args.weight_decay, embedding_lr=args.embedding_lr, position_lr=args.position_lr)
    log(f"{sum(p.numel() for p in student.trunk.parameters()) / 1e6:.2f} M parameters")
    words = torch.from_numpy(np.load(args.table.with_suffix(".raw.npy"))).float()
    teacher_mean = torch.from_numpy(table["mean"]).float()
    rng = random.Random(args.seed)

    def hide(ids: Tensor) -> Tensor:
        return ids.masked_fill(torch.rand(ids.shape) < args.word_dropout, MASK_ID)

    def read_passages(network: Student, source: Passages, batch: list, hidden: bool) -> tuple[Tensor, Tensor]:
        """The student's vectors of the passages of `batch`, rows of indices that are read as one document each, and the teacher's"""
        rows = [[source.ids[i] for i in row] for row in batch]
        ids, mask = loop.pad([np.concatenate(row)[:n_max] for row in rows])
        passage = torch.zeros(ids.shape, dtype=torch.long)
        targets, number = [], 0
        for r, (row, indices) in enumerate(zip(rows, batch)):
            at = 0
            for part, index in zip(row, indices):
                if at >= n_max:
                    break
                passage[r, at : at + len(part)] = number
                at, number = at + len(part), number + 1
                targets.append(index)
        return network.vectors(hide(ids) if hidden else ids, mask, passage, number), source.vectors[targets]

    def distance(network: Student, z: Tensor, target: Tensor) -> Tensor:
        mapped = F.normalize(network.to_teacher(z), dim=-1)
        return (1 - (mapped * target).sum(-1)).mean()

    def loss(batch: Batch) -> Tensor:
        name, rows = batch
        if name != "passages":
            task = tasks[name]
            pieces = []
            for i in rows:
                start = rng.randrange(max(1, len(task.ids[i]) - 768 + 1))
                pieces.append(task.ids[i][start : start + 768])
            ids, mask = loop.pad(pieces)
            number = torch.arange(len(rows))[:, None].expand(ids.shape)
            out = student.heads[name](student.vectors(hide(ids), mask, number, len(rows)))
            wanted = torch.from_numpy(task.labels[rows])
            value = F.cross_entropy(out, wanted) if wanted.dim() == 1 else 4 * F.binary_cross_entropy_with_logits(out, wanted)
            return args.task_weight * value
        z, target = read_passages(student, passages, rows, True)
        chosen = torch.randint(len(SPECIAL), len(words), (256,))
        alone = student.vectors(chosen[:, None], torch.ones(256, 1, dtype=torch.bool), torch.arange(256)[:, None], 256)
        centred = F.normalize(target - teacher_mean, dim=-1)
        similar = similarity_loss(F.normalize(z - z.mean(0), dim=-1), F.normalize(centred - centred.mean(0), dim=-1))
        return distance(student, z, target) + 0.5 * similar + 0.1 * distance(student, alone, words[chosen])

    @torch.no_grad()
    def evaluate(network: Student) -> float:
        """Mean cosine to the teacher over held-out passages, each read alone and each in its document; the mean of both is kept"""
        values = []
        for rows in ([[i] for i in range(len(val.ids))], val.runs):
            parts = [read_passages(network, val, rows[i : i + 16], False) for i in range(0, len(rows), 16)]
            z, target = torch.cat([p[0] for p in parts]), torch.cat([p[1] for p in parts])
            values.append(1 - distance(network, z, target).item())
        log(f"cosine to the teacher: passages alone {values[0]:.4f}, in their documents {values[1]:.4f}")
        return sum(values) / 2

    def batches(epoch: int) -> list[Batch]:
        passages.add(shards(args.passages)[HELD_OUT_SHARDS:])  # passages.py may still be at work
        log(f"epoch {epoch}: {len(passages.ids)} passages, {sum(map(len, passages.ids)) / 1e6:.2f} M tokens, of {len(passages.runs)} runs")
        return epoch_batches(passages, tasks, n_max, args.batch_tokens, args.seed * 1000 + epoch)

    evaluate(ema.eval())
    loop.train(student, ema, optimizer, args.epochs, batches, loss, evaluate,
               lambda network: {"config": config.to_dict(), "model": network.trunk.state_dict(), "student": network.state_dict()},
               args.out, log, args.ema)  # fmt: skip


if __name__ == "__main__":
    main()
