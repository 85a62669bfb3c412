"""Trains the Supreme Court classifier: documents of 12,500 tokens, each one whole in each step.

    python training/train_long.py --data DATA/scotus --tokenizer runs/scotus/tokenizer.json --out runs/scotus

A document's verdict is a mean over its tokens, and with mean projection its keys and values come from means over its
segments. Position embeddings are zero and stay so: the area of law is in which words there are, not in where they
are. Then each distinct token need be computed only once, and counts as often as it occurs, in its
segments and in the verdict: the network trains on whole documents, exactly, at an eighth of their cost. Some documents
are cut to a short piece, so that short input works too.

Token embeddings start as latent semantic analysis of the training documents (truncated SVD of TF-IDF; Deerwester et al.
1990), and the network as a linear SVM that it holds exactly. Targets are the labels, blended with a linear model's
out-of-fold probabilities (`--teacher`). OUT/model.pt is the mean of the last weights and the first, of the shares
tried the one that does best on `dev`, with whole documents; the log has the linear start's figures too. Resumes from OUT/checkpoint.pt.
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path

import numpy as np
import scipy.sparse as sp
import torch
import torch.nn.functional as F
from sklearn.metrics import f1_score
from sklearn.model_selection import StratifiedKFold
from sklearn.svm import LinearSVC
from torch import Tensor

import initial
import loop
from data import LABELS, Corpus
from model import Config, Linformer, attend

CLASSES = LABELS["scotus"]


class Bags(Linformer):
    """The same network and weights, reading each distinct token of a document once."""

    def forward(self, bags: tuple[Tensor, Tensor, Tensor]) -> Tensor:
        """(ids [batch, u], weights [batch, u] that sum to 1, shares [batch, k, u]) -> logits

        Row s of `shares` holds each token's share of segment s, and is zero if there is no such segment.
        """
        ids, weights, shares = bags
        exists = shares.sum(-1)[:, None, None] > 0
        x = self.embed["token"](ids)
        for layer in self.layers:
            h, attn = layer.attn_norm(x), layer.attn
            p = (shares @ h)[:, None]
            ctx = attend(attn.split(attn.query(h)), attn.map_heads(p, attn.key), attn.map_heads(p, attn.value), exists)
            x = x + attn.out(ctx.transpose(1, 2).flatten(2))
            x = x + layer.ffn(layer.ffn_norm(x))
        return self.head((weights[:, None].float() @ self.norm(x).float())[:, 0])


def bag(ids: np.ndarray, config: Config) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of a document: its distinct tokens, their weights, and their shares of the segments"""
    n, segment = len(ids), config.n_max // config.k[0]
    tokens, which = np.unique(ids, return_inverse=True)
    shares = np.zeros((config.k[0], len(tokens)), np.float32)
    np.add.at(shares, (np.arange(n) // segment, which), 1)
    return tokens, shares.sum(0) / n, shares / np.maximum(shares.sum(1, keepdims=True), 1)


def stack(bags: list[tuple[np.ndarray, ...]]) -> tuple[Tensor, ...]:
    """Bags to one batch; what is padded has the weight 0."""
    ids, _ = loop.pad([row[0] for row in bags])
    weights = torch.zeros(ids.shape)
    shares = torch.zeros(len(bags), len(bags[0][2]), ids.shape[1])
    for i, (tokens, weight, share) in enumerate(bags):
        weights[i, : len(tokens)] = torch.from_numpy(weight)
        shares[i, :, : len(tokens)] = torch.from_numpy(share)
    return ids, weights, shares


def linear_start(model: Linformer, counts: sp.csr_matrix, idf: np.ndarray, labels: np.ndarray, C: float) -> np.ndarray:
    """The first channels of the token vectors become a linear SVM's weights, and the head begins by reading them.

    The SVM's features are idf * count / length, so its margin is a mean over tokens of weights, as the head computes it.
    Every token vector gets the same length and the mean 0, so that LayerNorm only divides it by a constant; attention
    and feed-forward begin with output maps of zero. The network starts as the linear model, and learns what that cannot.
    Returns the SVM's margins of the documents of `counts`, [documents, classes].
    """
    shares = (sp.diags(1 / np.asarray(counts.sum(1)).ravel()) @ counts @ sp.diags(idf)).tocsr()
    scale = 1 / float(np.sqrt(shares.multiply(shares).sum(1)).mean())
    classifier = LinearSVC(C=C).fit(shares * scale, labels)
    margins = torch.from_numpy(classifier.coef_ * idf * scale).float()  # [classes, vocab]
    margins -= margins.mean(0)  # softmax does not see what all classes have in common
    n_classes, token = len(margins), model.embed["token"].weight.data
    norm = 8.0
    gain = margins.norm(dim=0).max() / (0.8 * norm)  # the word that says most has four fifths of its length in these channels
    rest = token[:, n_classes:]
    rest = rest - rest.mean(-1, keepdim=True)
    own = (margins / gain).T
    token[:, n_classes:] = rest / rest.norm(dim=-1, keepdim=True) * (norm**2 - own.square().sum(-1, keepdim=True)).sqrt()
    token[:, :n_classes] = own
    deviation = float(token.std(-1).mean())
    model.head.weight.data.mul_(0.01)
    model.head.weight.data[:, :n_classes] += torch.eye(n_classes) * gain * 2 * deviation
    model.head.bias.data.copy_(torch.from_numpy(classifier.intercept_ * 2))
    for layer in model.layers:
        for linear in (layer.attn.out, layer.ffn["out"]):
            linear.weight.data.zero_()
            linear.bias.data.zero_()
    return np.asarray(classifier.decision_function(shares * scale))


def out_of_fold(features: sp.csr_matrix, labels: np.ndarray, seed: int, sharpness: float = 3.0) -> Tensor:
    """Softmax of a linear SVM's margins for each document, from a model that was not trained on it, [n, classes]"""
    margins = np.zeros((len(labels), len(CLASSES)))
    for fit, rest in StratifiedKFold(5, shuffle=True, random_state=seed).split(features, labels):
        model = LinearSVC(C=1).fit(features[fit], labels[fit])
        margins[np.ix_(rest, model.classes_)] = model.decision_function(features[rest])
    return torch.softmax(torch.from_numpy(margins * sharpness).float(), -1)


@torch.no_grad()
def logits(model: Bags, corpus: Corpus) -> Tensor:
    """Logits of each document, cut to n_max tokens, [documents, classes]"""
    model.eval()
    rows = [bag(corpus[i][: model.config.n_max], model.config) for i in range(len(corpus))]
    out = []
    for i in range(0, len(rows), 8):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            out.append(model(stack(rows[i : i + 8])).float())
    return torch.cat(out)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    loop.add_options(parser, d_model=96, n_layers=1, n_heads=4, d_ff=192, epochs=5, batch_tokens=12288, lr=3e-4, weight_decay=0.05,
                     word_dropout=0.2, label_smoothing=0.05, average=0.99, seed=1)  # fmt: skip
    parser.add_argument("--n-max", type=int, default=16384)
    parser.add_argument("--k", type=int, default=64)
    parser.add_argument("--short-share", type=float, default=0.3, help="share of documents that are cut short instead")
    parser.add_argument("--teacher", type=float, default=0.4, help="weight of the linear model in the targets")
    parser.add_argument("--linear-start", type=float, default=3.0, help="C of the linear SVM to begin with; 0: none")
    args = parser.parse_args()

    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    log = loop.Log(args.out / "train.log")
    log(str(vars(args)))
    train, dev = (Corpus(args.data / f"{part}.jsonl.zst", args.tokenizer, args.tokenizer.parent) for part in ("train", "dev"))
    labels, dev_labels = (np.array([CLASSES.index(label) for label in c.labels]) for c in (train, dev))
    vocab_size = int(max(train.ids.max(), dev.ids.max())) + 1
    vocab_size = -(-vocab_size // 64) * 64
    rows = np.repeat(np.arange(len(train)), np.diff(train.offsets))
    counts = sp.csr_matrix((np.ones(len(rows), np.float32), (rows, train.ids.astype(np.int32))), shape=(len(train), vocab_size))
    counts.sum_duplicates()
    features, idf = initial.tfidf(counts)
    targets = F.one_hot(torch.from_numpy(labels), len(CLASSES)).float()
    targets = targets * (1 - args.label_smoothing) + args.label_smoothing / len(CLASSES)
    if args.teacher:
        kept = args.tokenizer.parent / f"soft-{args.seed}.pt"
        if not kept.exists():
            torch.save(out_of_fold(features, labels, args.seed), kept)
        soft = torch.load(kept)
        log(f"linear model out of fold: {100 * (soft.argmax(-1).numpy() == labels).mean():.2f}%")
        targets = (1 - args.teacher) * targets + args.teacher * soft

    config = Config(vocab_size, args.n_max, args.d_model, args.n_layers, args.n_heads, args.d_ff, len(CLASSES),
                    [args.k] * args.n_layers, projection="mean", positions="learned")  # fmt: skip
    model, average = Bags(config), Bags(config)
    model.embed["position"].weight.requires_grad_(False).zero_()
    with torch.no_grad():
        model.embed["token"].weight.copy_(initial.latent_semantics(features, args.d_model, args.seed))
    if args.linear_start:
        linear_start(model, counts, idf, labels, args.linear_start)
    average.load_state_dict(model.state_dict())
    optimizer = torch.optim.AdamW(loop.groups(model, args.lr, args.weight_decay, 3.0), betas=(0.9, 0.98))
    log(f"{len(train)} documents, {sum(p.numel() for p in model.parameters()) / 1e6:.2f} M parameters")

    def batches(epoch: int) -> list:
        """Batches of (document, first and last token)"""
        rng = random.Random(args.seed * 1000 + epoch)
        rows = []
        for i in range(len(train)):
            n = int(train.offsets[i + 1] - train.offsets[i])
            size = min(n, args.n_max)
            if rng.random() < args.short_share:
                size = min(n, int(2 ** rng.uniform(7, 13)))
            start = 0 if rng.random() < 0.5 else rng.randrange(n - size + 1)
            rows.append((i, start, start + size))
        # distinct tokens grow with the root of the length, nearly
        return loop.by_length(rows, lambda row: int(12 * (row[2] - row[1]) ** 0.5), args.batch_tokens, rng)

    def loss(batch: list) -> Tensor:
        rows = [bag(train[i][start:end], config) for i, start, end in batch]
        ids, weights, shares = stack(rows)
        kept = (torch.rand(ids.shape) >= args.word_dropout) / (1 - args.word_dropout)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            out = model((ids, weights * kept, shares * kept[:, None])).float()
        return F.cross_entropy(out, targets[[row[0] for row in batch]])

    def evaluate(network: Bags) -> float:
        verdicts = logits(network, dev).argmax(-1).numpy()
        right, f1 = (verdicts == dev_labels).mean(), f1_score(dev_labels, verdicts, average="macro")
        log(f"dev accuracy {100 * right:.2f}, macro F1 {100 * f1:.2f}")
        return float(right + f1) / 2

    def saved(network: Bags) -> dict:
        return {"config": config.to_dict(), "model": network.state_dict()}

    if args.linear_start:
        log("the linear start:")
        evaluate(average)
        torch.save(saved(average), args.out / "start.pt")
    loop.train(model, average, optimizer, args.epochs, batches, loss, evaluate, args.out, log, args.average, 100, saved)
    if args.linear_start:  # a mean with the weights where training began (Wortsman et al. 2022): how much of it, dev says
        start, end = torch.load(args.out / "start.pt")["model"], {k: v.clone() for k, v in average.state_dict().items()}
        best = 0.0
        for share in (0.0, 0.25, 0.5):
            average.load_state_dict({name: torch.lerp(end[name], start[name], share) for name in end})
            log(f"{100 * share:.0f}% of the start:")
            value = evaluate(average)
            if value > best:
                best = value
                torch.save(saved(average), args.out / "model.pt")


if __name__ == "__main__":
    main()
