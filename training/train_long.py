"""Trains the Supreme Court classifier: documents of 12,500 tokens, each one whole in each step.

    python training/train_long.py --data DATA/scotus --tokenizer runs/scotus/tokenizer.json --out runs/scotus/student

A document's verdict is a mean over its tokens, and with mean projection its keys and values come from means over its
segments. Position embeddings are zero and stay so: the area of law is in which words there are, not in where they
are. Then each distinct token need be computed only once, and counts as often as it occurs, in its segments and in the
verdict: the network trains on whole documents, exactly, at a fraction of their cost. Some documents are cut to a short
piece.

The first channels of the token vectors are a linear SVM, which the network holds exactly; the others come from latent
semantic analysis (truncated SVD of TF-IDF; Deerwester et al. 1990). An SVM of 16,384 features makes hardly a mistake on
the documents it was fitted to, so nothing could be learnt there from its mistakes. Therefore the documents are dealt
into folds, and each is trained on with the SVM of the other folds (cross-fitting, as in stacked generalisation; Wolpert
1992): the rest of the network learns from evidence as good as new documents have. What is written has the SVM of all.

OUT/start.pt is this linear start, OUT/model.pt the epoch of training that does best on `dev`; the log has the figures of
both. `--held-out` leaves one fold out of training, as a second set to choose by. Resumes from OUT/checkpoint.pt.
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path

import numpy as np
import scipy.sparse as sp
import torch
import torch.nn.functional as F
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.metrics import f1_score
from sklearn.model_selection import StratifiedKFold
from sklearn.svm import LinearSVC
from sklearn.utils.extmath import randomized_svd
from torch import Tensor

import initial
import loop
from data import LABELS, Corpus, fingerprint
from model import Config, Linformer, attend
from train import token_counts

CLASSES = LABELS["scotus"]
LENGTH = 8.0  # of every token vector
TOPIC_WEIGHT = 2.0  # of the latent semantics beside the words, in the linear model


class Bags(Linformer):
    """The same network and weights, reading each distinct token of a document once.

    `tables` [folds + 1, vocab, d_model] are frozen token vectors, the last table that of all folds; the network's own
    token embeddings are added to them.
    """

    def __init__(self, config: Config, tables: Tensor, dropout: float = 0.0) -> None:
        super().__init__(config, dropout)
        self.register_buffer("tables", tables, persistent=False)

    def forward(self, bags: tuple[Tensor, Tensor, Tensor], fold: Tensor | None = None) -> Tensor:
        """(ids [batch, u], weights [batch, u] that sum to 1, shares [batch, k, u]), fold [batch] -> logits

        Row s of `shares` holds each token's share of segment s, and is zero if there is no such segment.
        """
        ids, weights, shares = bags
        exists = shares.sum(-1)[:, None, None] > 0
        frozen = self.tables[-1][ids] if fold is None else self.tables[fold[:, None], ids]
        x = frozen + self.embed["token"](ids)
        for layer in self.layers:
            h, attn = layer.attn_norm(x), layer.attn
            p = (shares @ h)[:, None]
            ctx = attend(attn.split(attn.query(h)), attn.map_heads(p, attn.key), attn.map_heads(p, attn.value), exists)
            x = x + F.dropout(attn.out(ctx.transpose(1, 2).flatten(2)), self.dropout, self.training)
            x = x + F.dropout(layer.ffn(layer.ffn_norm(x)), self.dropout, self.training)
        return self.head((weights[:, None].float() @ self.norm(x).float())[:, 0])

    def weights(self) -> dict[str, Tensor]:
        """The plain network's weights, with the table of all folds in the token embeddings"""
        state = self.state_dict()
        return {**state, "embed.token.weight": state["embed.token.weight"] + self.tables[-1]}


def bag(ids: np.ndarray, config: Config) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of a document: its distinct tokens, their weights, and their shares of the segments"""
    n, segment, k = len(ids), config.n_max // config.k[0], config.k[0]
    tokens, which = np.unique(ids, return_inverse=True)
    cells = np.arange(n) // segment * len(tokens) + which
    shares = np.bincount(cells, minlength=k * len(tokens)).reshape(k, -1).astype(np.float32)
    return tokens, shares.sum(0) / n, shares / np.maximum(shares.sum(1, keepdims=True), 1)


def thinned(row: tuple[np.ndarray, ...], share: float, chance: np.random.Generator) -> tuple[np.ndarray, ...]:
    """A bag without `share` of its distinct tokens; the others count for more."""
    tokens, weights, shares = row
    kept = chance.random(len(tokens)) >= share
    kept[chance.integers(len(tokens))] = True
    return tokens[kept], weights[kept] / (1 - share), shares[:, kept] / (1 - share)


def stack(bags: list[tuple[np.ndarray, ...]]) -> tuple[Tensor, ...]:
    """Bags to one batch; what is padded has the weight 0."""
    ids, _ = loop.pad([row[0] for row in bags])
    weights = torch.zeros(ids.shape)
    shares = torch.zeros(len(bags), len(bags[0][2]), ids.shape[1])
    for i, (tokens, weight, share) in enumerate(bags):
        weights[i, : len(tokens)] = torch.from_numpy(weight)
        shares[i, :, : len(tokens)] = torch.from_numpy(share)
    return ids, weights, shares


def shares_of(counts: sp.csr_matrix) -> sp.csr_matrix:
    """Counts [documents, vocab] divided by the documents' lengths"""
    return (sp.diags(1 / np.asarray(counts.sum(1)).ravel()) @ counts).tocsr()


def saturated(shares: sp.csr_matrix, most: float = 1e-3) -> sp.csr_matrix:
    """A word's share of a document counts up to about `most`: a dozen repetitions in 12,500 tokens."""
    out = shares.copy()
    out.data = shares.data / np.sqrt(1 + (shares.data / most) ** 2)
    return out


def linear_evidence(counts: sp.csr_matrix, labels: np.ndarray, folds: np.ndarray, C: float, log: loop.Log) -> dict[str, np.ndarray]:
    """Linear SVMs of token shares, one without each fold and one of all: margins [folds + 1, vocab, classes], bias [classes]

    A document's margin is a mean over its tokens of margins, plus the bias, so a word that a document repeats a hundred
    times has a hundred votes. What a word's share tells is better told by its saturated share; a linear function of
    shares comes nearest to that if each share is scaled by the slope of the regression of the one on the other. To the
    scaled shares come their latent semantics, `topics` [vocab, 300], which rare words have in common with others.
    """
    shares, idf = shares_of(counts), TfidfTransformer().fit(counts).idf_
    bounded = saturated(shares)
    slope = np.asarray(bounded.multiply(shares).sum(0)).ravel() / (np.asarray(shares.multiply(shares).sum(0)).ravel() + 1e-12)
    bounded = (bounded @ sp.diags(idf)).tocsr()
    scale = idf * slope / float(np.sqrt(shares.multiply(idf * slope).power(2).sum(1)).mean())
    features = (shares @ sp.diags(scale)).tocsr()
    _, values, topics = randomized_svd(bounded, 300, n_iter=2, random_state=0)
    latent = TOPIC_WEIGHT * (features @ topics.T)
    centre = latent.mean(0)
    both = sp.hstack([features, sp.csr_matrix(latent - centre)]).tocsr()
    vocab, margins, right = features.shape[1], [], 0
    for fold in range(folds.max() + 2):
        rest = folds == fold
        svm = LinearSVC(C=C).fit(both[~rest], labels[~rest])
        right += (svm.predict(both[rest]) == labels[rest]).sum() if rest.any() else 0
        of_topics = svm.coef_[:, vocab:]
        margins.append(((svm.coef_[:, :vocab] + TOPIC_WEIGHT * of_topics @ topics) * scale).T)
        log(f"SVM {fold + 1} of {folds.max() + 2}")
    log(f"linear model out of fold: {100 * right / len(labels):.2f}%")
    return {"margins": np.stack(margins).astype(np.float32), "bias": svm.intercept_ - of_topics @ centre,
            "topics": (topics.T * np.sqrt(values)).astype(np.float32)}  # fmt: skip


def linear_start(model: Linformer, vectors: Tensor, margins: Tensor, bias: np.ndarray, sharpness: float) -> Tensor:
    """Token vectors [folds + 1, vocab, d_model] whose first channels are `margins`, and a head that reads them

    `vectors` [vocab, d_model - classes] fill the other channels. Every token vector gets the same length and the mean 0,
    so that LayerNorm only divides it by a constant; attention and feed-forward begin with output maps of zero. The
    network starts as the linear model.
    """
    margins = margins - margins.mean(-1, keepdim=True)  # softmax does not see what all classes have in common
    gain = margins.norm(dim=-1).max() / (0.8 * LENGTH)  # the word that says most has four fifths of its length in these channels
    own = margins / gain
    unseen = vectors.norm(dim=-1, keepdim=True) < 1e-9  # tokens of no training document
    rest = torch.where(unseen, torch.randn(vectors.shape), vectors)
    rest = rest - rest.mean(-1, keepdim=True)
    rest = rest / rest.norm(dim=-1, keepdim=True) * (LENGTH**2 - own.square().sum(-1, keepdim=True)).sqrt()
    model.embed["token"].weight.data.zero_()
    model.head.weight.data.mul_(0.01)
    classes = margins.shape[-1]
    model.head.weight.data[:, :classes] += torch.eye(classes) * gain * sharpness * LENGTH / model.config.d_model**0.5
    model.head.bias.data.copy_(torch.from_numpy(bias * sharpness))
    for layer in model.layers:
        for linear in (layer.attn.out, layer.ffn["out"]):
            linear.weight.data.zero_()
            linear.bias.data.zero_()
    return torch.cat([own, rest], -1)


@torch.no_grad()
def logits(model: Bags, documents: list[np.ndarray], fold: int | None = None) -> Tensor:
    """Logits of each document, cut to n_max tokens, [documents, classes]"""
    model.eval()
    out = []
    for i in range(0, len(documents), 8):
        rows = [bag(ids[: model.config.n_max], model.config) for ids in documents[i : i + 8]]
        with torch.autocast("cpu", dtype=torch.bfloat16):
            out.append(model(stack(rows), None if fold is None else torch.full((len(rows),), fold)).float())
    return torch.cat(out)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    loop.add_options(parser, d_model=96, n_layers=1, n_heads=4, d_ff=192, epochs=1, batch_tokens=12288, lr=2e-4, weight_decay=0.05,
                     word_dropout=0.25, label_smoothing=0.1, average=0.998, seed=1)  # fmt: skip
    parser.add_argument("--n-max", type=int, default=16384)
    parser.add_argument("--k", type=int, default=64)
    parser.add_argument("--C", type=float, default=0.5, help="of the linear SVM to begin with")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--sharpness", type=float, default=2.0, help="logits per margin of the SVM, at the start")
    parser.add_argument("--held-out", action="store_true", help="leave the first fold out of training, to choose by")
    parser.add_argument("--dropout", type=float, default=0.0, help="of what attention and feed-forward add")
    parser.add_argument("--short-share", type=float, default=0.3, help="share of documents that are cut short instead")
    parser.add_argument("--embedding-lr", type=float, default=0.0, help="as a multiple of lr")
    args = parser.parse_args()

    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    log = loop.Log(args.out / "train.log")
    log(str(vars(args)))
    corpora = [Corpus(args.data / f"{part}.jsonl.zst", args.tokenizer, args.tokenizer.parent) for part in ("train", "dev")]
    documents, check = ([c[i] for i in range(len(c))] for c in corpora)
    labels, check_labels = (np.array([CLASSES.index(label) for label in c.labels]) for c in corpora)
    vocab_size = -(-int(max(c.ids.max() for c in corpora) + 1) // 64) * 64
    counts = token_counts(documents, vocab_size)
    folds = np.zeros(len(labels), np.int64)
    for fold, (_, rest) in enumerate(StratifiedKFold(args.folds, shuffle=True, random_state=0).split(labels, labels)):
        folds[rest] = fold

    config = Config(vocab_size, args.n_max, args.d_model, args.n_layers, args.n_heads, args.d_ff, len(CLASSES),
                    [args.k] * args.n_layers, projection="mean", positions="learned")  # fmt: skip
    kept = args.tokenizer.parent / f"evidence-{fingerprint(args.tokenizer)}-{args.folds}-{args.C}.npz"
    if not kept.exists():
        np.savez(kept, **linear_evidence(counts, labels, folds, args.C, log))
    saved = np.load(kept)
    margins = torch.from_numpy(saved["margins"])
    vectors = torch.from_numpy(saved["topics"])[:, : args.d_model - len(CLASSES)]
    model = Bags(config, torch.zeros(args.folds + 1, vocab_size, args.d_model), args.dropout)
    model.tables = linear_start(model, vectors, margins, saved["bias"], args.sharpness)
    model.embed["position"].weight.requires_grad_(False).zero_()
    average = Bags(config, model.tables)
    average.load_state_dict(model.state_dict())
    optimizer = torch.optim.AdamW(loop.groups(model, args.lr, args.weight_decay, args.embedding_lr), betas=(0.9, 0.98))
    targets = F.one_hot(torch.from_numpy(labels), len(CLASSES)).float()
    targets = targets * (1 - args.label_smoothing) + args.label_smoothing / len(CLASSES)
    log(f"{len(labels)} documents, {sum(p.numel() for p in model.parameters()) / 1e6:.2f} M parameters")

    def batches(epoch: int) -> list:
        """Batches of (document, first and last token)"""
        rng = random.Random(args.seed * 1000 + epoch)
        rows = []
        for i, ids in enumerate(documents):
            if args.held_out and folds[i] == 0:
                continue
            n = len(ids)
            size = min(n, args.n_max)
            if rng.random() < args.short_share:
                size = min(n, int(2 ** rng.uniform(7, 13)))
            start = 0 if rng.random() < 0.5 else rng.randrange(n - size + 1)
            rows.append((i, start, start + size))
        # distinct tokens grow with the root of the length, nearly
        return loop.by_length(rows, lambda row: int(12 * (row[2] - row[1]) ** 0.5), args.batch_tokens, rng)

    chance = np.random.default_rng(args.seed)

    def loss(batch: list) -> Tensor:
        rows = [thinned(bag(documents[i][start:end], config), args.word_dropout, chance) for i, start, end in batch]
        which = [row[0] for row in batch]
        with torch.autocast("cpu", dtype=torch.bfloat16):
            out = model(stack(rows), torch.from_numpy(folds[which])).float()
        return F.cross_entropy(out, targets[which])

    def score(name: str, out: Tensor, truth: np.ndarray) -> float:
        verdicts = out.argmax(-1).numpy()
        right, f1 = (verdicts == truth).mean(), f1_score(truth, verdicts, average="macro")
        loss = F.cross_entropy(out, torch.from_numpy(truth))
        log(f"{name}: accuracy {100 * right:.2f}, macro F1 {100 * f1:.2f}, loss {loss:.4f}")
        return float(right + f1) / 2

    def evaluate(network: Bags) -> float:
        if args.held_out:
            score("held out", logits(network, [documents[i] for i in np.flatnonzero(folds == 0)], 0), labels[folds == 0])
        return score("dev", logits(network, check), check_labels)

    def state(network: Bags) -> dict:
        return {"config": config.to_dict(), "model": network.weights()}

    log("the linear start:")
    evaluate(average)
    torch.save(state(average), args.out / "start.pt")
    loop.train(model, average, optimizer, args.epochs, batches, loss, evaluate, state, args.out, log, args.average, 100)


if __name__ == "__main__":
    main()
