"""A classifier of your own from a CSV file with the columns `text` and `label` (table.py): docs/train-your-own.md walks through it.

    python training/from_csv.py training/examples/tickets.csv --out models/tickets.safetensors --name tickets

Everything in one run: a tokenizer from the texts, a small Linformer trained on 80% of the rows, its accuracy on the
rest, and the model file. For a few thousand rows and labels that words tell apart; train.py and train_long.py show what
more data asks for.
"""

from __future__ import annotations

import argparse
import random
import tempfile
from pathlib import Path

import torch
import torch.nn.functional as F
from tokenizers import Tokenizer

import loop
import table
import tokenizer as bpe
from data import held_out
from model import Config, Linformer
from model_file import DTYPES, encode, save_model


def fit(model: Linformer, rows: list[tuple[list[int], int]], epochs: int, lr: float, word_dropout: float) -> None:
    """AdamW with one cycle of the learning rate; each time, some words of each text are hidden as <mask>."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=0.05)
    size = 16
    steps = epochs * -(-len(rows) // size)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, total_steps=steps)
    for epoch in range(epochs):
        model.train()
        random.shuffle(rows)
        total = 0.0
        for at in range(0, len(rows), size):
            part = rows[at : at + size]
            ids, mask = loop.pad([row for row, _ in part])
            ids = ids.where(torch.rand(ids.shape) >= word_dropout, bpe.MASK_ID)
            loss = F.cross_entropy(model(ids, mask), torch.tensor([label for _, label in part]), label_smoothing=0.05)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            total += loss.item() * len(part)
        print(f"epoch {epoch + 1}/{epochs}: loss {total / len(rows):.3f}", flush=True)


def right(model: Linformer, rows: list[tuple[list[int], int]]) -> int:
    """How many of the rows the model labels as they are labelled."""
    model.eval()
    with torch.no_grad():
        return sum(int(model(*loop.pad([ids]))[0].argmax()) == label for ids, label in rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("csv", type=Path)
    parser.add_argument("--out", type=Path, required=True, help="the .safetensors to write")
    parser.add_argument("--name", help="the model's name (default: that of the file)")
    parser.add_argument("--license", default="not said", help="of the weights")
    parser.add_argument("--vocab-size", type=int, default=2048)
    parser.add_argument("--n-max", type=int, default=2048, help="most tokens read at once")
    parser.add_argument("--d-model", type=int, default=64)
    parser.add_argument("--k", type=int, default=32)
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--word-dropout", type=float, default=0.1)
    parser.add_argument("--dtype", choices=DTYPES, default="I8")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    random.seed(args.seed)
    torch.manual_seed(args.seed)

    documents = table.read(args.csv)
    labels = sorted({label for _, label in documents})
    test = [held_out({"id": text}, 20) for text, _ in documents]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tokenizer.json"
        path.write_text(bpe.train((t for (t, _), out in zip(documents, test) if not out), args.vocab_size, True), encoding="utf-8")
        tokens = Tokenizer.from_file(str(path))
        tables = bpe.tables(path)
    rows = [(tokens.encode(text).ids[: args.n_max], labels.index(label)) for text, label in documents]
    # Sinusoidal positions and mean projection have no weights to learn, which suits few documents.
    config = Config(tokens.get_vocab_size(), args.n_max, args.d_model, n_layers=1, n_heads=4, d_ff=2 * args.d_model,
                    n_classes=len(labels), k=[args.k], projection="mean", positions="sinusoidal")  # fmt: skip
    model = Linformer(config, dropout=0.1)
    learn = [row for row, out in zip(rows, test) if not out]
    check = [row for row, out in zip(rows, test) if out]
    print(f"{len(learn)} rows to learn from, {len(check)} to check; {len(labels)} labels: {', '.join(labels)}")
    fit(model, learn, args.epochs, args.lr, args.word_dropout)
    print(f"{right(model, check)} of the {len(check)} rows it has not seen are right")
    name = args.name or args.out.stem
    save_model(args.out, encode(model.tensors(), args.dtype), config, labels, tables, args.license, str(args.csv.name), name=name)
    print(f"{args.out}: {args.out.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
