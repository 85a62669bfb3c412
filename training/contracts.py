"""The head `contracts`: which of 34 types of clause a contract holds, and where.

    python training/contracts.py --data DATA --trunk models/general.safetensors --runs runs/heads --out models/contracts.safetensors
    python training/contracts.py --data DATA --out models/contracts.safetensors --measure training/contracts.json
    python training/contracts.py --data DATA --baselines training/contracts.json

A label's logit is the largest of windows of 128 tokens. TF-IDF of a window's own tokens is fitted by logistic regression on windows,
with the lawyers' spans as labels; that needs no trunk. A window holds a clause if it has half of a span, or half of it is span; one
that has less is left out for that label. Beside it the mean of the trunk's LN(x) is fitted, and kept if held-out contracts are the
better for it. Fitted on `train` and `dev`, four folds of them and all; the folds give the calibration of the maximum and the threshold.
`test` is for --measure alone, through the command line.
"""

from __future__ import annotations

import argparse
import hashlib
import multiprocessing
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.sparse as sp
import torch
import torch.nn.functional as F
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score
from sklearn.multiclass import OneVsRestClassifier

from heads import ROOT, classify, figure, head_options, interval, run, save_head, scores_of, typicality, write_baselines, write_figures, write_golden
from trunk import Document, Trunk, documents_of, read_documents

HALF = 64  # tokens of half a window
FEWEST = 20  # contracts of `train` that have a label
MOST = 0.99  # share of them that have it: a label that all have says nothing
KNOWN = 8  # windows that a token has to be in, for the word head to know it
DENSE, WORDS = 30.0, 0.02  # penalties
FOLDS = 4
NEGATIVES = 3  # one in so many of the windows without any label is fitted on, with that weight
ABOUT = {
    "license": "MIT",
    "trained_on": "CUAD v1 (The Atticus Project, CC BY 4.0): 411 contracts with lawyers' annotations; a head on general",
}
TEXTS = [
    "This Agreement shall be governed by and construed in accordance with the laws of the State of New York, without regard to its conflict of laws rules.",
    "Neither party may assign this Agreement without the prior written consent of the other. Licensee shall keep complete books of account, "
    "and Licensor may audit them once a year, upon ten days' notice, at its own expense.",
    "The parties met on Tuesday and had lunch. " * 8 + "IN NO EVENT SHALL EITHER PARTY BE LIABLE FOR MORE THAN THE FEES PAID IN THE TWELVE MONTHS BEFORE THE CLAIM. "
    + "Nothing else was agreed upon. " * 8,
    "notice",
]  # fmt: skip


def labels_of(documents: list[dict]) -> list[str]:
    counts = Counter(clause for document in documents for clause in document["clauses"])
    return sorted(clause for clause, n in counts.items() if n >= FEWEST and n < MOST * len(documents))


@dataclass
class Windows:
    """All windows of some contracts"""

    means: np.ndarray  # [windows, d_model] of LN(x)
    counts: sp.csr_matrix  # [windows, vocab_size] of tokens
    holds: np.ndarray  # [windows, labels]: 1 yes, 0 no, -1 neither
    contract: np.ndarray  # [windows]

    def of(self, contracts: np.ndarray) -> "Windows":
        """Those of the contracts for which it is True, which are numbered anew"""
        rows = contracts[self.contract]
        return Windows(self.means[rows], self.counts[rows], self.holds[rows], (np.cumsum(contracts) - 1)[self.contract[rows]])


def windows_of(documents: list[dict], read: list[Document], labels: list[str], vocab_size: int) -> Windows:
    number = {label: c for c, label in enumerate(labels)}
    means, counts, holds, contract = [], [], [], []
    for i, (document, own) in enumerate(zip(documents, read, strict=True)):
        begins = np.concatenate([[0], own.ends[:-1]])
        follows = np.concatenate([own.windows[1:] == own.windows[:-1], [False]])  # a half is followed by one of its reading
        alone = ~follows & np.concatenate([[True], own.windows[1:] != own.windows[:-1]])
        first = np.flatnonzero(follows | alone)
        second = np.where(follows[first], first + 1, first)
        start, end = begins[first], own.ends[second]
        sums = own.sums[first] + np.where(follows[first][:, None], own.sums[second], 0)
        means.append((sums / (end - start)[:, None]).astype(np.float32))
        half = np.repeat(np.arange(len(own.ends)), own.ends - begins)
        in_halves = sp.csr_matrix((np.ones(own.n, np.float32), (half, own.ids.astype(np.int64))), shape=(len(own.ends), vocab_size))
        counts.append(in_halves[first] + sp.diags(follows[first].astype(np.float32)) @ in_halves[second])
        has = np.zeros((len(first), len(labels)), np.int8)
        for a, b, clause in document["spans"]:
            if clause not in number:
                continue
            from_token = max(0, np.searchsorted(own.starts, a, "right") - 1)
            to_token = max(from_token + 1, np.searchsorted(own.starts, b, "left"))
            overlap = np.minimum(end, to_token) - np.maximum(start, from_token)
            enough = (2 * overlap >= to_token - from_token) | (2 * overlap >= end - start)
            column = has[:, number[clause]]
            column[(overlap > 0) & ~enough & (column == 0)] = -1
            column[(overlap > 0) & enough] = 1
        holds.append(has)
        contract.append(np.full(len(first), i))
    return Windows(np.concatenate(means), sp.vstack(counts).tocsr(), np.concatenate(holds), np.concatenate(contract))


def tfidf(counts: sp.csr_matrix, idf: np.ndarray) -> sp.csr_matrix:
    """sqrt(count) idf, rows of length 1: what the word head computes"""
    weighted = counts.copy()
    weighted.data = np.sqrt(weighted.data)
    weighted = weighted @ sp.diags(idf)
    lengths = np.sqrt(np.asarray(weighted.multiply(weighted).sum(1)).ravel())
    return (sp.diags(1 / np.maximum(lengths, 1e-9)) @ weighted).tocsr().astype(np.float32)


class Sparse(torch.autograd.Function):
    """rows @ weight, of a SciPy matrix"""

    @staticmethod
    def forward(ctx, weight: torch.Tensor, rows: sp.csr_matrix, columns: sp.csr_matrix) -> torch.Tensor:
        ctx.columns = columns
        return torch.from_numpy(rows @ weight.numpy())

    @staticmethod
    def backward(ctx, gradient: torch.Tensor) -> tuple:
        return torch.from_numpy(ctx.columns @ gradient.numpy()), None, None


@dataclass
class Words:
    """The word head, which needs no trunk; it knows the tokens `ids`"""

    ids: np.ndarray
    idf: np.ndarray
    weight: np.ndarray  # [len(ids), labels]
    bias: np.ndarray  # [labels]

    def logits(self, windows: Windows) -> np.ndarray:
        return tfidf(windows.counts[:, self.ids], self.idf) @ self.weight + self.bias


def loss_of(logits: torch.Tensor, holds: torch.Tensor, share: torch.Tensor) -> torch.Tensor:
    """Log loss of windows, of the labels that each says something about"""
    return (F.binary_cross_entropy_with_logits(logits, (holds == 1).float(), reduction="none") * (holds >= 0) * share).sum()


def minimise(loss: Callable[[], torch.Tensor], parameters: list[torch.Tensor], steps: int) -> None:
    optimizer = torch.optim.LBFGS(parameters, max_iter=steps, history_size=10, line_search_fn="strong_wolfe", tolerance_change=1e-7)

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        value = loss()
        value.backward()
        return value

    optimizer.step(closure)


def fit_words(windows: Windows) -> Words:
    frequency = np.asarray((windows.counts > 0).sum(0)).ravel()
    ids = np.flatnonzero(frequency >= KNOWN)
    idf = np.log((1 + len(windows.holds)) / (1 + frequency[ids])) + 1
    some = (windows.holds != 0).any(1)
    kept = some | (np.random.default_rng(0).random(len(some)) < 1 / NEGATIVES)
    rows = tfidf(windows.counts[kept][:, ids], idf)
    columns = rows.T.tocsr()
    holds = torch.from_numpy(windows.holds[kept])
    share = torch.from_numpy(np.where(some[kept], 1, NEGATIVES).astype(np.float32))[:, None]
    weight = torch.zeros(len(ids), holds.shape[1], requires_grad=True)
    bias = torch.full((holds.shape[1],), -4.0, requires_grad=True)
    minimise(lambda: loss_of(Sparse.apply(weight, rows, columns) + bias, holds, share) + WORDS * (weight**2).sum(), [weight, bias], 40)
    return Words(ids, idf, weight.detach().numpy(), bias.detach().numpy())


def fit_dense(means: np.ndarray, words: np.ndarray, holds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """weight [d_model, labels] and bias [labels] of means @ weight + bias, which is added to the logits `words` of windows, by models
    that have not seen them"""
    centre = means.mean(0)
    scale = 1 / np.sqrt(((means - centre) ** 2).sum(1).mean())  # one for all dimensions, as in teaching
    x, z, y = torch.from_numpy((means - centre) * scale).float(), torch.from_numpy(words).float(), torch.from_numpy(holds)
    weight, bias = torch.zeros(x.shape[1], y.shape[1], requires_grad=True), torch.zeros(y.shape[1], requires_grad=True)
    minimise(lambda: loss_of(z + x @ weight + bias, y, torch.ones(1)) + DENSE * (weight**2).sum() + 10 * (bias**2).sum(), [weight, bias], 30)
    out = weight.detach().numpy() * scale
    return out, bias.detach().numpy() - centre @ out


def largest(logits: np.ndarray, contract: np.ndarray, n: int) -> np.ndarray:
    """Of the windows of each of n contracts, [n, labels]"""
    out = np.full((n, logits.shape[1]), -np.inf)
    np.maximum.at(out, contract, logits)
    return out


def calibrate(logits: np.ndarray, truth: np.ndarray) -> tuple[float, np.ndarray]:
    """factor and [labels] bias, so that sigmoid(factor logit + bias) is a probability of held-out contracts; biases are held together"""
    z, y = torch.from_numpy(logits), torch.from_numpy(truth.astype(np.float64))
    factor, common = torch.ones((), dtype=torch.float64), torch.zeros((), dtype=torch.float64)
    own = torch.zeros(z.shape[1], dtype=torch.float64)
    parameters = [p.requires_grad_() for p in (factor, common, own)]
    optimizer = torch.optim.LBFGS(parameters, max_iter=200, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = F.binary_cross_entropy_with_logits(factor * z + common + own, y, reduction="sum") + 2.0 * (own**2).sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    return factor.item(), (common + own).detach().numpy()


def micro_f1(found: np.ndarray, truth: np.ndarray) -> float:
    return 100 * 2 * float((found & truth).sum()) / max(1, found.sum() + truth.sum())


def mean_precision(scores: np.ndarray, truth: np.ndarray) -> float:
    """Macro mean average precision in percent, of labels that some contract has"""
    there = np.flatnonzero(truth.any(0))
    return 100 * float(np.mean([average_precision_score(truth[:, c], scores[:, c]) for c in there]))


def words_of(windows: Windows, fold_of: np.ndarray, kept: Path, jobs: int) -> list[Words]:
    """The word heads of each fold's contracts left out, and of all, from KEPT if they are there: another trunk of the same tokenizer
    needs no others"""
    if not kept.exists():
        rows = [fold_of != fold for fold in range(FOLDS)] + [fold_of >= 0]
        with ProcessPoolExecutor(jobs, multiprocessing.get_context("fork")) as pool:
            models = list(pool.map(fit_words, (windows.of(own) for own in rows)))
        np.savez(kept, **{f"{i} {name}": value for i, model in enumerate(models) for name, value in vars(model).items()})
    saved = np.load(kept)
    return [Words(*(saved[f"{i} {name}"] for name in ("ids", "idf", "weight", "bias"))) for i in range(FOLDS + 1)]


def train(args: argparse.Namespace) -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    trunk = Trunk(args.trunk)
    splits = [documents_of(args.data, "cuad_contracts", split) for split in ("train", "dev")]
    labels, documents = labels_of(splits[0]), splits[0] + splits[1]
    n = len(documents)
    truth = np.array([[label in d["clauses"] for label in labels] for d in documents])
    read = [trunk.tokens(d["text"], HALF) for d in documents]
    windows = windows_of(documents, read, labels, trunk.config.vocab_size)
    print(f"{n} contracts, {len(labels)} labels, {len(windows.holds):,} windows", flush=True)

    fold_of = np.arange(n) % FOLDS
    *of_others, words = words_of(windows, fold_of, args.runs / f"contracts-words-{fingerprint_of(windows)}.npz", args.jobs)
    held_out = np.zeros(windows.holds.shape)  # logits of words, by models that have not seen the contract
    for fold, model in enumerate(of_others):
        rows = fold_of[windows.contract] == fold
        held_out[rows] = model.logits(Windows(windows.means[rows], windows.counts[rows], windows.holds[rows], windows.contract[rows]))
    alone = largest(held_out, windows.contract, n)
    print(f"words alone, held out: mAP {mean_precision(alone, truth):.2f}", flush=True)

    # The dense part has few parameters: some contracts are enough for it, and for typicality.
    sample = np.arange(n) % (n // args.sample if args.sample < n else 1) == 0
    some = [d for d, own in zip(documents, sample) if own]
    read = read_documents(trunk, [d["text"] for d in some], HALF, args.runs, "cuad_contracts", args.jobs)
    dense = windows_of(some, read, labels, trunk.config.vocab_size)
    offset = held_out[sample[windows.contract]]
    logits = np.zeros(dense.holds.shape)
    for part in range(3):
        own = dense.contract % 3 == part
        weight, bias = fit_dense(dense.means[~own], offset[~own], dense.holds[~own])
        logits[own] = offset[own] + dense.means[own] @ weight + bias
    without, both = (mean_precision(largest(z, dense.contract, len(some)), truth[sample]) for z in (offset, logits))
    print(f"{len(some)} of them, held out: mAP of words {without:.2f}, and with what the trunk makes of windows {both:.2f}")
    weight, bias = np.zeros((trunk.config.d_model, len(labels))), np.zeros(len(labels))
    if both > without:
        weight, bias = fit_dense(dense.means, offset, dense.holds)
    else:
        print("the trunk's part is left out")

    # Calibration and threshold: of all contracts by words, or of those that the trunk has read.
    z, own_truth = (largest(logits, dense.contract, len(some)), truth[sample]) if both > without else (alone, truth)
    scale, shift = calibrate(z, own_truth)
    scores = 1 / (1 + np.exp(-(scale * z + shift)))
    threshold = max(np.linspace(0.2, 0.8, 61), key=lambda t: micro_f1(scores >= t, own_truth))
    print(f"held out: micro F1 {micro_f1(scores >= threshold, own_truth):.2f} at {threshold:.2f}, {micro_f1(scores >= 0.5, own_truth):.2f} at 0.5; factor {scale:.3f}")
    save_head(args.out, trunk, labels, scale * weight.T, scale * (bias + words.bias) + shift,
              {"ids": words.ids, "idf": words.idf, "weight": scale * words.weight}, typicality(np.stack([document.pooled for document in read])),
              {"pooling": "window-max", "window": 2 * HALF},
              name="contracts", labels_kind="many", thresholds=str([round(float(threshold), 2)] * len(labels)), **ABOUT)  # fmt: skip
    write_golden(ROOT / "tests" / "golden" / "contracts.json", trunk, args.out, TEXTS)
    print(f"{args.out}: {args.out.stat().st_size:,} bytes, {len(words.ids):,} words")


def fingerprint_of(windows: Windows) -> str:
    """Of what the word heads are fitted on"""
    digest = hashlib.sha256(f"{HALF} {KNOWN} {WORDS} {FOLDS} {NEGATIVES}".encode())
    for part in (windows.counts.data, windows.counts.indices, windows.counts.indptr, windows.holds, windows.contract):
        digest.update(np.ascontiguousarray(part).tobytes())
    return digest.hexdigest()[:12]


def overlaps(result: dict, document: dict) -> tuple[int, int]:
    """Of the labels rightly found: how many there are, and of how many the evidence meets a span of the label"""
    at = np.cumsum([0] + [2 if ord(c) > 0xFFFF else 1 for c in document["text"]])  # characters to UTF-16 units
    right = [f for f in result["found"] if f["label"] in document["clauses"]]
    met = [any(at[a] < f["end"] and at[b] > f["start"] for a, b, clause in document["spans"] if clause == f["label"]) for f in right]
    return len(right), sum(met)


def measure(args: argparse.Namespace) -> None:
    documents = documents_of(args.data, "cuad_contracts", "test")
    labels = labels_of(documents_of(args.data, "cuad_contracts", "train"))
    truth = np.array([[label in d["clauses"] for label in labels] for d in documents])
    results = classify(args.out, [d["text"] for d in documents], jobs=args.jobs)
    scores = scores_of(results, labels)
    found = np.array([[any(f["label"] == label for f in r["found"]) for label in labels] for r in results])
    met = np.array([overlaps(r, d) for r, d in zip(results, documents, strict=True)])
    n = len(documents)
    tokens = np.array([r["tokens"] for r in results])
    by_length = {}
    for low, high in ((0, 4096), (4096, 8192), (8192, 1 << 30)):
        rows = np.flatnonzero((tokens >= low) & (tokens < high))
        by_length[f"{low:,} tokens and more" if high == 1 << 30 else f"{low:,} to {high:,} tokens"] = {
            "contracts": len(rows), "micro F1": round(micro_f1(found[rows], truth[rows]), 2), "ECE": round(calibration(scores[rows], truth[rows]), 2),
        }  # fmt: skip
    per_label = {
        label: {"contracts": int(truth[:, c].sum()), "AP": round(100 * average_precision_score(truth[:, c], scores[:, c]), 1),
                "precision": round(100 * float((found & truth)[:, c].sum() / max(1, found[:, c].sum())), 1),
                "recall": round(100 * float((found & truth)[:, c].sum() / truth[:, c].sum()), 1)}
        for c, label in enumerate(labels)
    }  # fmt: skip
    figures = {
        "documents": n,
        "mAP": figure(lambda rows: mean_precision(scores[rows], truth[rows]), n),
        "micro F1": figure(lambda rows: micro_f1(found[rows], truth[rows]), n),
        "evidence": figure(lambda rows: 100 * met[rows, 1].sum() / met[rows, 0].sum(), n),
        "ECE": figure(lambda rows: calibration(scores[rows], truth[rows]), n),
        "by length": by_length,
        "labels": per_label,
    }
    first = classify(args.out, [" ".join(d["text"].split()[:400]) for d in documents], jobs=args.jobs)
    first = scores_of(first, labels)
    figures["first 400 words"] = {"mAP": round(mean_precision(first, truth), 2), "interval": interval(lambda r: mean_precision(first[r], truth[r]), n)}
    write_figures(args.measure, args.out, figures)
    for name in ("mAP", "micro F1", "evidence", "ECE", "first 400 words"):
        print(name, figures[name])


def calibration(scores: np.ndarray, truth: np.ndarray, bins: int = 15) -> float:
    """Expected calibration error of the labels' scores, each label of each document by itself, in percent"""
    place = np.minimum((scores * bins).astype(int), bins - 1).ravel()
    gap = np.bincount(place, (scores - truth).ravel(), bins)
    return 100 * float(np.abs(gap).sum() / scores.size)


def baselines(args: argparse.Namespace) -> None:
    """TF-IDF of words and logistic regression, C 30: of the whole contract, of its first 400 words, and of paragraphs that hold spans,
    with the largest logit of overlapping windows of 120 words"""
    documents, test = (documents_of(args.data, "cuad_contracts", split) for split in ("train", "test"))
    labels = labels_of(documents)
    y, truth = (np.array([[label in d["clauses"] for label in labels] for d in rows]) for rows in (documents, test))

    def model(texts: list[str], y: np.ndarray) -> tuple[TfidfVectorizer, OneVsRestClassifier]:
        vectorizer = TfidfVectorizer(sublinear_tf=True, min_df=2, max_features=100_000)
        return vectorizer, OneVsRestClassifier(LogisticRegression(C=30, max_iter=200)).fit(vectorizer.fit_transform(texts), y)

    out = {}
    for name, words in (("whole contract", None), ("first 400 words", 400)):
        cut = [[" ".join(d["text"].split()[:words]) for d in rows] for rows in (documents, test)]
        vectorizer, fitted = model(cut[0], y)
        scores = fitted.decision_function(vectorizer.transform(cut[1]))
        out[name] = {"mAP": round(mean_precision(scores, truth), 2), "micro F1": round(micro_f1(scores >= 0, truth), 2)}
        print(name, out[name], flush=True)
    paragraphs = documents_of(args.data, "cuad_passages", "train")
    vectorizer, fitted = model([p["text"] for p in paragraphs], np.array([[label in p["labels"] for label in labels] for p in paragraphs]))
    scores = []
    for d in test:
        words = d["text"].split()
        parts = [" ".join(words[at : at + 120]) for at in range(0, max(1, len(words) - 60), 60)]
        scores.append(fitted.decision_function(vectorizer.transform(parts)).max(0))
    scores = np.array(scores)
    out["windows of 120 words"] = {"mAP": round(mean_precision(scores, truth), 2), "micro F1": round(micro_f1(scores >= 0, truth), 2)}
    print("windows of 120 words", out["windows of 120 words"])
    write_baselines(args.baselines, out)


def main() -> None:
    parser = head_options(__doc__, "contracts", 137, "contracts", "threads that read, models that are fitted at once, processes that measure")
    run(parser.parse_args(), train, measure, baselines)


if __name__ == "__main__":
    main()
