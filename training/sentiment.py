"""Trains `sentiment`: the film model, further, with a stem that sees the order of words, on reviews and on single sentences.

    python training/sentiment.py --data DATA/imdb --phrases DATA/sst2_glue --start runs/imdb/film.safetensors \
        --tokenizer runs/imdb/tokenizer.json --teacher runs/imdb/teacher.json --reviews runs/sentiment/reviews \
        --sentences runs/sentiment/sentences --out runs/sentiment/student

Reviews without a label get the opinion of three teachers: the linear models of `teacher.py`, the sentences of `review_teacher.py`, and the film
model itself. Their weights come from a logistic regression on the held-out reviews. Sentences have the sentence teacher's
opinion, and phrases of SST-2 their label too. Denial and contrast are taught by contrast/train.csv, pairs that were written for
this, and by sentences that each epoch composes (contrast/compose.py).

With --hints the student also learns to tell the sentence teacher's vector of a sentence from its own, through a linear map that is thrown away
(Romero et al. 2015, "FitNets"). --layers adds layers, copies of the last one whose outputs begin as zero (Gong et al. 2019, "progressive
stacking").

`--attention none` and `full` train the twins: the same start, data and order, with attention left out, or of each token to each.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from tokenizers import Tokenizer
from torch import Tensor, nn

import loop
from contrast.compose import compose
from contrast.written import written
from data import LABELS, Corpus, held_out, read_jsonl
from initial import without_attention
from model import Config, Linformer
from model_file import load_model
from train import Documents, accuracy, cropped, log_odds, long_documents, with_hidden

CLASSES = LABELS["imdb"]
ROWS = 160  # at most, of a batch of short rows
HINT = 384  # width of the teacher's vectors
Row = tuple[np.ndarray, float] | tuple[np.ndarray, float, tuple[int, int] | None]  # (ids, probability of 'positive'), and of a sentence also where its hint is, if it has one


def documents(rows: list[Row]) -> Documents:
    return Documents(*map(list, list(zip(*rows))[:2]))


@torch.inference_mode()
def opinions(model: Linformer, corpus: Corpus, log: loop.Log) -> dict[str, float]:
    """The model's log odds of 'positive' for each document, cut to n_max tokens"""
    out, started = {}, time.time()
    order = sorted(range(len(corpus)), key=lambda i: len(corpus[i]))
    for at in range(0, len(order), 32):
        part = order[at : at + 32]
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits = model(*loop.pad([corpus[i][: model.config.n_max] for i in part])).float()
        out |= zip((corpus.names[i] for i in part), (logits[:, 1] - logits[:, 0]).tolist())
        if at // 32 % 300 == 299:
            log(f"opinions: {at + 32} of {len(order)}, {(time.time() - started) / 60:.1f} min")
    return out


def load_reviews(args: argparse.Namespace, start: Linformer, log: loop.Log) -> tuple[Documents, Documents]:
    """The reviews to learn from, with the teachers' opinions, and the held-out ones"""
    labelled = Corpus(args.data / "train.jsonl.zst", args.tokenizer, args.tokenizer.parent)
    unsup = Corpus(args.data / "unsup.jsonl.zst", args.tokenizer, args.tokenizer.parent)
    cache = args.out.parent / "own.json"
    if not cache.exists():
        cache.write_text(json.dumps(opinions(start, labelled, log) | opinions(start, unsup, log)))
    own = json.loads(cache.read_text())
    linear = {name: log_odds(p) for name, p in json.loads(args.teacher.read_text())["reviews"].items()}
    teachers = [linear, *([json.loads((args.reviews / "reviews.json").read_text())] if args.reviews else [])]
    is_val = np.array([held_out({"id": name}, args.held_out) for name in labelled.names])
    truth = np.array([CLASSES.index(label) for label in labelled.labels])

    def table(names: list[str], with_own: bool) -> np.ndarray:
        return np.array([[*(teacher[name] for teacher in teachers), own[name] if with_own else 0.0] for name in names])

    val_names = [name for name, held in zip(labelled.names, is_val) if held]
    blends = {}
    for with_own in (False, True):
        x = table(val_names, with_own)
        blends[with_own] = LogisticRegression(C=10).fit(x, truth[is_val])
        log(f"teachers {'with' if with_own else 'without'} the film model: {100 * blends[with_own].score(x, truth[is_val]):.2f}% of "
            f"{len(x)} held out, weights {blends[with_own].coef_[0].round(2).tolist()}")  # fmt: skip
    train, val = Documents(), Documents()
    # The film model has learned these labels by heart, so its opinion of them is no news
    soft = expit(blends[False].decision_function(table(labelled.names[:], False)))
    for i, held in enumerate(is_val):
        hard = float(truth[i])
        (val if held else train).ids.append(labelled[i])
        smooth = abs(hard - args.label_smoothing)
        (val if held else train).targets.append(hard if held else (1 - args.soft_share) * smooth + args.soft_share * float(soft[i]))
    train.ids += [unsup[i] for i in range(len(unsup))]
    train.targets += expit(blends[True].decision_function(table(unsup.names, True))).tolist()
    return train, val


class Hints:
    """The sentence teacher's vectors of texts, out of which their mean is taken, from the folders of sentence_vectors.py"""

    def __init__(self, folders: list[Path]) -> None:
        self.odds, self.index, self.files = {}, {}, []
        for folder in folders:
            odds = json.loads((folder / "sentences.json").read_text())
            self.index |= {text: (len(self.files), row) for row, text in enumerate(odds)}
            self.odds |= odds
            self.files.append(np.load(folder / "vectors.npy", mmap_mode="r"))
        self.mean = self.files[0][:65536].mean(0, dtype=np.float32) if folders else None

    def __getitem__(self, where: list[tuple[int, int]]) -> Tensor:
        """[len(where), 384]"""
        return torch.from_numpy(np.stack([self.files[file][row] for file, row in where]) - self.mean)


class Short:
    """Phrases with a label, sentences with the teacher's opinion, and composed ones"""

    def __init__(self, args: argparse.Namespace) -> None:
        self.args = args
        self.tokenizer = Tokenizer.from_file(str(args.tokenizer))
        self.hints = Hints(args.hints)
        odds = {text: value for folder in args.sentences for text, value in json.loads((folder / "sentences.json").read_text()).items()}
        odds |= self.hints.odds
        labels = {d["text"]: float(d["label"]) for d in read_jsonl(args.phrases / "train.jsonl.zst")}
        pairs, held = written()
        apart = {*labels, *(text for text, _ in pairs + held)}
        others = [text for text in odds if text not in apart]
        share = args.soft_share
        self.phrases = self.encode(list(labels), [(1 - share) * abs(hard - args.label_smoothing) + share * float(expit(odds[text]))
                                                  for text, hard in labels.items()])  # fmt: skip
        self.sentences = self.encode(others, [float(expit(odds[text])) for text in others])
        smooth = args.label_smoothing
        self.written = self.encode([text for text, _ in pairs], [abs(positive - smooth) for _, positive in pairs])
        self.written_dev = documents(self.encode([text for text, _ in held], [float(positive) for _, positive in held]))
        dev = list(read_jsonl(args.phrases / "dev.jsonl.zst"))
        self.dev = documents(self.encode([d["text"] for d in dev], [float(d["label"]) for d in dev]))
        self.composed_dev = documents(self.composed(2000, 10**6))

    def encode(self, texts: list[str], targets: list[float]) -> list[Row]:
        encodings = self.tokenizer.encode_batch(texts)
        return [(np.array(e.ids, np.uint16), target, self.hints.index.get(text)) for text, e, target in zip(texts, encodings, targets) if e.ids]

    def composed(self, count: int, seed: int) -> list[Row]:
        texts, positive = zip(*compose(count, seed))
        return self.encode(list(texts), [0.95 if each else 0.05 for each in positive])

    def rows(self, epoch: int, rng: random.Random) -> list[Row]:
        sentences = rng.sample(self.sentences, min(len(self.sentences), self.args.sentence_rows))
        return self.phrases + sentences + self.args.written * self.written + self.composed(self.args.composed, self.args.seed * 1000 + epoch)


def epoch_batches(reviews: Documents, short: Short, args: argparse.Namespace, n_max: int, epoch: int) -> list[list]:
    """One pass over the reviews: batches of (ids, target)"""
    rng = random.Random(args.seed * 1000 + epoch)
    rows = cropped(reviews, args.crop, rng)
    rows = rng.sample(rows, int(len(rows) * args.review_share))
    rows += long_documents(reviews, n_max, int(len(rows) * args.long_share), rng)
    rows += short.rows(epoch, rng)
    batches = loop.by_length(rows, lambda row: max(len(row[0]), args.batch_tokens // ROWS), args.batch_tokens, rng)
    return batches[: int(len(batches) * args.share)]


def begin(args: argparse.Namespace, start: Linformer) -> Linformer:
    """The start, or the mean of the runs to go on from, with a new stem and new layers that add nothing at first, with the attention that is
    asked for, and with a map from its vectors to the teacher's"""
    state = {name: tensor for name, tensor in start.state_dict().items() if args.attention != "full" or not name.startswith("attn.")}
    runs = [torch.load(path, weights_only=True)["model"] for path in args.go_on]
    state |= {name: sum(run[name] for run in runs) / len(runs) for name in (runs[0] if runs else {})}
    last = max(int(name.split(".")[1]) for name in state if name.startswith("layers."))
    count = max(args.layers, last + 1)
    attention = "full" if args.attention == "full" else "linformer"
    sizes = {"stem": args.stem, "attention": attention, "n_layers": count, "k": [start.config.k[0]] * count}
    model = Linformer(Config(**{**asdict(start.config), **sizes}))
    for layer in range(last + 1, count):
        copied = {name.replace(f"layers.{last}.", f"layers.{layer}."): tensor for name, tensor in state.items() if name.startswith(f"layers.{last}.")}
        state |= {name: tensor * (".out." not in name) for name, tensor in copied.items()}
    missing, unexpected = model.load_state_dict(state, strict=False)
    assert not unexpected and all(name.startswith("stem.") for name in missing), (missing, unexpected)
    if missing:
        for p in model.stem["out"].parameters():
            p.data.zero_()
    if args.attention == "none":
        without_attention(model)
    if args.hints:
        model.hint = nn.Linear(model.config.d_model, HINT)
    return model


def loss(model: Linformer, batch: list[Row], hints: Hints, args: argparse.Namespace) -> Tensor:
    """Mean cross-entropy, with a share of the tokens hidden, and --hint-weight times the mean of 1 - cos to the hints that there are"""
    ids, mask = loop.pad([row[0] for row in batch])  # [batch, n]
    target = torch.tensor([row[1] for row in batch])  # [batch]
    ids = with_hidden(ids, mask, args.word_dropout, args.word_dropout / 4)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        pooled = model.pooled(ids, model.encode(ids, mask)[-1], mask)  # [batch, d_model]
        logits = model.head(pooled).float()  # [batch, 2]
    total = F.cross_entropy(logits, torch.stack([1 - target, target], -1))
    hinted = [i for i, row in enumerate(batch) if len(row) > 2 and row[2]]
    if hinted:
        distance = 1 - F.cosine_similarity(model.hint(pooled[hinted].float()), hints[[batch[i][2] for i in hinted]])  # [hinted]
        total = total + args.hint_weight * distance.sum() / len(batch)
    return total


def result(network: Linformer) -> dict:
    state = {name: tensor for name, tensor in network.state_dict().items() if not name.startswith("hint.")}
    return {"config": network.config.to_dict(), "model": state}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    loop.add_options(parser, epochs=2, batch_tokens=10240, lr=8e-4, weight_decay=0.02, word_dropout=0.12, label_smoothing=0.03,
                     ema=0.999, position_lr=0.1, seed=1)  # fmt: skip
    parser.add_argument("--phrases", type=Path, required=True, help="folder of SST-2")
    parser.add_argument("--sentences", type=Path, nargs="*", default=[], help="each an OUT of sentence_teacher.py")
    parser.add_argument("--teacher", type=Path, required=True, help="what teacher.py wrote")
    parser.add_argument("--reviews", type=Path, help="OUT of review_teacher.py")
    parser.add_argument("--start", type=Path, required=True, help="the film model's file")
    parser.add_argument("--go-on", type=Path, nargs="+", default=[], help="model.pt of earlier runs of this script: goes on from their mean")
    parser.add_argument("--attention", choices=("linformer", "none", "full"), default="linformer")
    parser.add_argument("--stem", type=int, default=128, help="hidden width of the new stem")
    parser.add_argument("--layers", type=int, default=0, help="layers in all, where there are fewer")
    parser.add_argument("--hints", type=Path, nargs="+", default=[], help="each an OUT of sentence_vectors.py; their sentences are learned too")
    parser.add_argument("--hint-weight", type=float, default=1.0)
    parser.add_argument("--crop", type=int, default=640, help="longest piece of a review that a batch takes")
    parser.add_argument("--review-share", type=float, default=1.0, help="share of the reviews that an epoch takes")
    parser.add_argument("--long-share", type=float, default=0.005, help="joined long documents, as a share of all")
    parser.add_argument("--sentence-rows", type=int, default=80_000, help="sentences of an epoch")
    parser.add_argument("--composed", type=int, default=16_000, help="composed sentences of an epoch")
    parser.add_argument("--written", type=int, default=5, help="how often an epoch takes each of the written sentences")
    parser.add_argument("--soft-share", type=float, default=0.4, help="weight of the teachers where there is a label")
    parser.add_argument("--share", type=float, default=1.0, help="of the batches of each epoch; the twins are trained for less")
    parser.add_argument("--held-out", type=int, default=10, help="percent of the labelled reviews kept for validation")
    args = parser.parse_args()
    if not args.sentences and not args.hints:
        parser.error("--sentences or --hints: the phrases need their teacher's opinion")
    log = loop.start(args)

    start = load_model(args.start)
    reviews, val = load_reviews(args, start, log)
    short = Short(args)
    n_max = start.config.n_max
    torch.manual_seed(args.seed)
    model, ema = begin(args, start), begin(args, start)
    ema.load_state_dict(model.state_dict())
    optimizer = loop.adamw(model, args.lr, args.weight_decay, position_lr=args.position_lr)
    log(f"{len(reviews.ids)} reviews, {len(short.phrases)} phrases, {len(short.sentences)} sentences; "
        f"{sum(p.numel() for p in model.parameters()) / 1e6:.2f} M parameters")  # fmt: skip

    def evaluate(network: Linformer) -> float:
        parts = {"reviews": val, "long reviews": Documents(*map(list, zip(*[row for row in zip(val.ids, val.targets) if len(row[0]) > 512]))),
                 "sentences of SST-2": short.dev, "composed": short.composed_dev, "written": short.written_dev}  # fmt: skip
        values = {name: 100 * accuracy(network, part, n_max) for name, part in parts.items()}
        log(", ".join(f"{name} {value:.2f}%" for name, value in values.items()))
        return (values["reviews"] + values["sentences of SST-2"] + values["written"]) / 3

    evaluate(ema)
    loop.train(model, ema, optimizer, args.epochs, lambda epoch: epoch_batches(reviews, short, args, n_max, epoch),
               lambda batch: loss(model, batch, short.hints, args), evaluate, result, args.out, log, args.ema)


if __name__ == "__main__":
    main()
