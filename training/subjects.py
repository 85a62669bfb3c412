"""The head `subjects`: which of 21 subjects is a text about?

    python training/subjects.py --data DATA --trunk models/general.safetensors --runs runs/heads --out models/subjects.safetensors
    python training/subjects.py --data DATA --out models/subjects.safetensors --measure training/subjects.json
    python training/subjects.py --data DATA --baselines training/subjects.json

Logistic regression in two parts: on TF-IDF of the tokens, which needs no trunk; then on the trunk's vector, beside the logits that
word heads of other folds of chapters give, so that these logits are calibrated. Each section of a textbook comes three times: whole,
and as two pieces of 128 and 32 tokens from anywhere in it, so that the head knows what short texts are like; of a whole one the trunk
reads 512 tokens. Fitted on `train` and `dev`. `test` is for --measure alone, through the command line.
"""

from __future__ import annotations

import argparse
import hashlib
import multiprocessing
import random
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import scipy.sparse as sp
import torch
import torch.nn.functional as F
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score

from contracts import Sparse, Words, minimise, tfidf
from evaluate import calibration_error
from heads import ROOT, classify, figure, head_options, mistakes, run, save_head, typicality, write_baselines, write_figures, write_golden
from trunk import Trunk, documents_of, read_documents

READ = 512  # tokens of a section that the trunk reads, for fitting
PIECES = (128, 32)  # tokens
KNOWN = 11_500  # words that the head knows: those in the most texts
WORDS = 0.03  # penalty
DENSE = (0.0, 3.0, 30.0, 300.0)  # penalties of which held-out texts choose one; 0: words alone
FOLDS = 3
ABOUT = {"license": "MIT", "trained_on": "textbooks of OpenStax (CC BY 4.0, Rice University; access for free at openstax.org); a head on general"}
TEXTS = [
    "Mitochondria make most of the ATP that a cell needs.",
    "Supply and demand meet at the price at which the quantity that buyers want equals the quantity that sellers offer. " * 5,
    "The Senate ratified the treaty in 1848, and Mexico ceded half of its territory.",
    "print",
]


class Texts:
    """Sections and pieces of them, as rows: all whole sections, then the pieces of each length"""

    def __init__(self, trunk: Trunk, documents: list[dict]) -> None:
        encodings = trunk.tokenizer.encode_batch([d["text"] for d in documents])
        rng = random.Random(0)
        self.texts = [d["text"][: e.offsets[READ - 1][1]] if len(e.ids) > READ else d["text"] for d, e in zip(documents, encodings)]
        ids = [np.array(e.ids) for e in encodings]
        for length in PIECES:
            for d, e in zip(documents, encodings):
                start = rng.randrange(max(1, len(e.ids) - length))
                end = min(len(e.ids), start + length)
                self.texts.append(d["text"][e.offsets[start][0] : e.offsets[end - 1][1]])
                ids.append(np.array(e.ids[start:end]))
        row = np.repeat(np.arange(len(ids)), [len(own) for own in ids])
        self.counts = sp.csr_matrix((np.ones(len(row), np.float32), (row, np.concatenate(ids))), shape=(len(ids), trunk.config.vocab_size))
        self.section = np.tile(np.arange(len(documents)), 1 + len(PIECES))


def fit_words(counts: sp.csr_matrix, target: np.ndarray) -> Words:
    frequency = np.asarray((counts > 0).sum(0)).ravel()
    ids = np.sort(np.argsort(-frequency, kind="stable")[:KNOWN])
    idf = np.log((1 + counts.shape[0]) / (1 + frequency[ids])) + 1
    rows = tfidf(counts[:, ids], idf)
    columns = rows.T.tocsr()
    weight, bias = (torch.zeros(n, int(target.max()) + 1, requires_grad=True) for n in (len(ids), 1))
    y = torch.from_numpy(target)
    minimise(lambda: F.cross_entropy(Sparse.apply(weight, rows, columns) + bias, y, reduction="sum") + WORDS * (weight**2).sum(), [weight, bias], 40)
    return Words(ids, idf, weight.detach().numpy(), bias.detach().numpy()[0])


def words_of(texts: Texts, target: np.ndarray, fold_of: np.ndarray, kept: Path, jobs: int) -> list[Words]:
    """The word heads of each fold left out, and of all, from KEPT if they are there: another trunk of the same tokenizer needs no others"""
    if not kept.exists():
        rows = [fold_of != fold for fold in range(FOLDS)] + [fold_of >= 0]
        with ProcessPoolExecutor(jobs, multiprocessing.get_context("fork")) as pool:
            models = list(pool.map(fit_words, [texts.counts[own] for own in rows], [target[own] for own in rows]))
        np.savez(kept, **{f"{i} {name}": value for i, model in enumerate(models) for name, value in vars(model).items()})
    saved = np.load(kept)
    return [Words(*(saved[f"{i} {name}"] for name in ("ids", "idf", "weight", "bias"))) for i in range(FOLDS + 1)]


def fit_dense(pooled: np.ndarray, words: np.ndarray, target: np.ndarray, penalty: float) -> tuple[np.ndarray, float, np.ndarray]:
    """weight [d_model, labels], factor and bias [labels] of pooled @ weight + factor * words + bias, for logits `words` by models that
    have not seen the texts; so these logits are calibrated. Without a penalty the weight is 0."""
    centre = pooled.mean(0)
    scale = 1 / np.sqrt(((pooled - centre) ** 2).sum(1).mean())
    x, z, y = torch.from_numpy((pooled - centre) * scale).float(), torch.from_numpy(words).float(), torch.from_numpy(target)
    weight, factor, bias = (torch.zeros(*shape, requires_grad=True) for shape in ((x.shape[1], z.shape[1]), (1,), (z.shape[1],)))

    def logits() -> torch.Tensor:
        return (x @ weight if penalty else 0) + (1 + factor) * z + bias

    minimise(lambda: F.cross_entropy(logits(), y, reduction="sum") + penalty * (weight**2).sum() + 10 * (bias**2).sum(), [weight, factor, bias], 40)
    out = weight.detach().numpy() * scale
    return out, 1 + factor.item(), bias.detach().numpy() - centre @ out


def told(name: str, logits: np.ndarray, y: np.ndarray) -> None:
    guess = logits.argmax(1)
    loss = F.cross_entropy(torch.from_numpy(logits), torch.from_numpy(y)).item()
    print(f"{name}: {len(y):,} held out: accuracy {100 * (guess == y).mean():.2f}, macro F1 {100 * f1_score(y, guess, average='macro'):.2f}, loss {loss:.4f}", flush=True)


def train(args: argparse.Namespace) -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    trunk = Trunk(args.trunk)
    documents = [d for split in ("train", "dev") for d in documents_of(args.data, "openstax", split)]
    labels = sorted({d["label"] for d in documents})
    texts = Texts(trunk, documents)
    n = len(documents)
    target = np.array([labels.index(d["label"]) for d in documents])[texts.section]
    chapters = {chapter: i for i, chapter in enumerate(sorted({f"{d['book']} {d['chapter']}" for d in documents}))}
    fold_of = np.array([chapters[f"{d['book']} {d['chapter']}"] % FOLDS for d in documents])[texts.section]
    digest = hashlib.sha256(f"{KNOWN} {WORDS} {FOLDS}".encode() + texts.counts.indices.tobytes() + texts.counts.indptr.tobytes()).hexdigest()[:12]
    *of_others, words = words_of(texts, target, fold_of, args.runs / f"subjects-words-{digest}.npz", args.jobs)
    held_out = np.zeros((len(target), len(labels)))
    for fold, model in enumerate(of_others):
        held_out[fold_of == fold] = tfidf(texts.counts[fold_of == fold][:, model.ids], model.idf) @ model.weight + model.bias
    for i, name in enumerate(("whole sections", *(f"pieces of {length} tokens" for length in PIECES))):
        told(f"words alone, {name}", held_out[i * n : (i + 1) * n], target[i * n : (i + 1) * n])

    # The dense part has few parameters: some sections are enough for it.
    rows = np.flatnonzero(np.random.default_rng(0).permutation(n)[texts.section] < args.sample)
    read = read_documents(trunk, [texts.texts[row] for row in rows], READ, args.runs, "openstax", args.jobs)
    pooled, z, y = np.stack([document.pooled for document in read]), held_out[rows], target[rows]
    tried = {}
    for penalty in DENSE:
        logits = np.zeros(z.shape)
        for fold in range(FOLDS):
            held = fold_of[rows] == fold
            weight, factor, bias = fit_dense(pooled[~held], z[~held], y[~held], penalty)
            logits[held] = pooled[held] @ weight + factor * z[held] + bias
        tried[penalty] = F.cross_entropy(torch.from_numpy(logits), torch.from_numpy(y)).item()
        for i, name in enumerate(("whole sections", *(f"pieces of {length} tokens" for length in PIECES))):
            told(f"of some, {f'penalty {penalty}' if penalty else 'words alone'}, {name}", logits[rows // n == i], y[rows // n == i])
    penalty = min(tried, key=tried.get)
    print(f"penalty {penalty}" if penalty else "the trunk's part is left out")
    weight, factor, bias = fit_dense(pooled, z, y, penalty)
    save_head(args.out, trunk, labels, weight.T, bias + factor * words.bias, {"ids": words.ids, "idf": words.idf, "weight": factor * words.weight},
              typicality(pooled[rows // n < 2]), {"pooling": "weighted"}, name="subjects", **ABOUT)  # fmt: skip
    write_golden(ROOT / "tests" / "golden" / "subjects.json", trunk, args.out, TEXTS)
    print(f"{args.out}: {args.out.stat().st_size:,} bytes, factor {factor:.2f}")


def chapters_of(sections: list[dict]) -> list[dict]:
    together: dict = {}
    for d in sections:
        together.setdefault((d["book"], d["chapter"], d["label"]), []).append(d["text"])
    return [{"text": "\n\n".join(texts), "label": label} for (_, _, label), texts in together.items()]


def measure(args: argparse.Namespace) -> None:
    sections = documents_of(args.data, "openstax", "test")
    figures: dict = {}
    for name, documents, options in (
        ("sections", sections, ()),
        ("chapters", chapters_of(sections), ()),
        ("sections, first 2,048 tokens", sections, ("--max-tokens", "2048", "--overflow", "truncate")),
        ("sections, first 400 words", [{**d, "text": " ".join(d["text"].split()[:400])} for d in sections], ()),
        ("sections, first 100 words", [{**d, "text": " ".join(d["text"].split()[:100])} for d in sections], ()),
        ("sections, first 25 words", [{**d, "text": " ".join(d["text"].split()[:25])} for d in sections], ()),
    ):
        if args.only and name not in args.only:
            continue
        results = classify(args.out, [d["text"] for d in documents], *options, jobs=args.jobs)
        truth = np.array([d["label"] for d in documents])
        guess = np.array([r["label"] for r in results])
        figures[name] = {
            "documents": len(documents),
            "accuracy": figure(lambda rows: 100 * (truth[rows] == guess[rows]).mean(), len(documents)),
            "macro F1": figure(lambda rows: 100 * f1_score(truth[rows], guess[rows], average="macro"), len(documents)),
            "ECE": round(100 * calibration_error(np.array([r["score"] for r in results]), truth == guess), 2),
        }
        if name == "sections":
            labels = sorted(set(truth))
            figures["labels"] = {
                label: {"sections": int((truth == label).sum()), "F1": round(100 * f1_score(truth == label, guess == label), 1)} for label in labels
            }
            figures["mistakes"] = mistakes(truth, guess)
        print(name, figures[name], flush=True)
    write_figures(args.measure, args.out, figures)


def baselines(args: argparse.Namespace) -> None:
    """TF-IDF of words and logistic regression, C 30, of whole sections and of their first 400 words"""
    train, test = (documents_of(args.data, "openstax", split) for split in ("train", "test"))
    y, truth = ([d["label"] for d in rows] for rows in (train, test))
    out = {}
    for name, words in (("sections", None), ("sections, first 400 words", 400)):
        vectorizer = TfidfVectorizer(sublinear_tf=True, min_df=2, max_features=100_000)
        cut = [[" ".join(d["text"].split()[:words]) for d in rows] for rows in (train, test)]
        model = LogisticRegression(C=30, max_iter=100).fit(vectorizer.fit_transform(cut[0]), y)
        guess = model.predict(vectorizer.transform(cut[1]))
        out[name] = {"accuracy": round(100 * float((guess == np.array(truth)).mean()), 2), "macro F1": round(100 * f1_score(truth, guess, average="macro"), 2)}
        print(name, out[name], flush=True)
    write_baselines(args.baselines, out)


def main() -> None:
    parser = head_options(__doc__, "subjects", 1000, "sections", "threads that read, processes that measure")
    parser.add_argument("--only", action="append", help="of what is measured, only this: sections, chapters, ...")
    run(parser.parse_args(), train, measure, baselines)


if __name__ == "__main__":
    main()
