"""Gives `sentiment`, a model with a trunk of its own, its typicality: what tells the texts that it knows from others.

    python training/typicality.py --data DATA --model models/sentiment.safetensors

The trunk was trained for one question, so its vectors say little about the subject of a text, and the distance from the known texts
alone (`heads.typicality`) takes a news item for a sentence about a film. Hence other texts come in, as Hendrycks et al. have it
(2019, "Deep Anomaly Detection with Outlier Exposure"): a logistic regression on the direction of the vector tells both kinds apart, and
its score is the distance. Its strength is the one that tells best a set that it has not seen. Typicality is then the share of known texts
that look at least as much like others.

Known are reviews, beginnings of reviews, and single sentences, all left out of the training: IMDB's reviews that `data.held_out` draws,
SST-2's `dev`, and the written pairs that are held out. The others are sentences and passages of encyclopedia articles, manuals, novels,
textbooks, contracts, terms of service and simplified news, and questions. `unlike.py` asks with other documents of these kinds, and with
kinds that are not among them. Weights, tokenizer and the rest of the metadata stay as they are.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import subprocess
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from contrast.written import written
from data import held_out, read_jsonl
from heads import ROOT
from model_file import quantise

BEGINNING = (8, 120)  # words of a beginning, and of a passage
LONG = (150, 800)  # words of a long passage
WHOLE = (800, 8000)  # words of what stands for a whole document
SENTENCES = ("wiki_vital", "msdocs", "novels100", "openstax", "cuad_contracts", "terms_docs", "sent_trec")
PASSAGES = SENTENCES[:-1]
LONGS = (*PASSAGES[1:], "onestop")
WHOLES = ("msdocs", "novels100", "openstax", "cuad_contracts", "terms_docs")
STRENGTHS = (0.01, 0.1, 1.0, 10.0)  # C of the regression, on vectors of length 10
SCALE = 10.0


def passage(text: str, words: tuple[int, int], rng: random.Random) -> str:
    """Some words from anywhere"""
    all_words = text.split()
    length = rng.randint(*words)
    start = rng.randrange(max(1, len(all_words) - length + 1))
    return " ".join(all_words[start : start + length])


def sentence(text: str, rng: random.Random) -> str:
    sentences = [part for part in re.split(r"(?<=[.!?])\s+|\n", text) if 3 < len(part.split()) < 50]
    return rng.choice(sentences) if sentences else text[:200]


def known_texts(data: Path, count: int, rng: random.Random) -> list[str]:
    """About a third each: reviews, beginnings of others, sentences about films and other things"""
    reviews = [d["text"] for d in read_jsonl(data / "imdb" / "train.jsonl.zst") if held_out(d, 10)]
    rng.shuffle(reviews)
    phrases = [d["text"] for d in read_jsonl(data / "sst2_glue" / "dev.jsonl.zst")]
    part = count // 3
    pairs = [text for text, _ in written()[1]]
    sentences = rng.sample(phrases, part // 2) + rng.sample(pairs, part // 2)
    beginnings = [" ".join(text.split()[: rng.randint(*BEGINNING)]) for text in reviews[part : 2 * part]]
    return reviews[:part] + beginnings + sentences


def other_texts(data: Path, count: int, rng: random.Random) -> list[tuple[str, str]]:
    """A third each: single sentences, passages, long passages; and whole documents, a tenth of `count`; each with the name of its set"""
    read = {name: [d["text"] for d in read_jsonl(data / name / "train.jsonl.zst")] for name in sorted({*SENTENCES, *PASSAGES, *LONGS})}
    cut = {words: lambda text, rng, words=words: passage(text, words, rng) for words in (BEGINNING, LONG, WHOLE)}
    kinds = ((SENTENCES, sentence, 3), (PASSAGES, cut[BEGINNING], 3), (LONGS, cut[LONG], 3), (WHOLES, cut[WHOLE], 10))
    return [(name, piece(rng.choice(read[name]), rng)) for names, piece, part in kinds for name in names for _ in range(count // part // len(names))]


def directions(model: Path, texts: list[str]) -> np.ndarray:
    """The first halves of the vectors that the library's `embed` gives, [n, d_model], of length 1; zeros for a text that cannot be read"""
    lines = "".join(json.dumps({"text": text}) + "\n" for text in texts)
    answer = subprocess.run(["node", ROOT / "training/embed.js", model], input=lines.encode(), stdout=subprocess.PIPE, check=True).stdout
    return np.frombuffer(answer, dtype="<f4").reshape(len(texts), 2, -1)[:, 0]


def regression(known: np.ndarray, others: np.ndarray, strength: float) -> LogisticRegression:
    x, y = np.concatenate([known, others]), np.r_[np.zeros(len(known)), np.ones(len(others))]
    return LogisticRegression(C=strength, class_weight="balanced", max_iter=3000).fit(SCALE * x, y)


def strength_for_new_kinds(known: np.ndarray, others: np.ndarray, sets: np.ndarray) -> float:
    """The C that tells a set best that the regression has not seen: AUROC, each set left out in turn"""
    fit, held = known[::2], known[1::2]
    values = {}
    for strength in STRENGTHS:
        aurocs = []
        for name in np.unique(sets):
            model = regression(fit, others[sets != name], strength)
            scores = [model.decision_function(SCALE * rows) for rows in (held, others[sets == name])]
            aurocs.append(roc_auc_score(np.repeat([0, 1], [len(held), len(scores[1])]), np.concatenate(scores)))
        values[strength] = float(np.mean(aurocs))
        print(f"C {strength}: AUROC {values[strength]:.4f} of sets left out", flush=True)
    return max(STRENGTHS, key=values.__getitem__)


def fitted(known: np.ndarray, others: np.ndarray, strength: float, folds: int = 5) -> dict[str, torch.Tensor]:
    """Directions [n, d_model] of both kinds -> the tensors of a file"""
    model = regression(known, others, strength)
    row, bias = SCALE * model.coef_, float(model.intercept_[0])
    scores = np.zeros(len(known))  # of texts that their regression has not seen
    for fold in range(folds):
        held = np.arange(len(known)) % folds == fold
        scores[held] = regression(known[~held], others, strength).decision_function(SCALE * known[held])
    rows, scale = quantise(torch.from_numpy(row).float())
    # A file has |W (x - m)|. With one row, and m against it, farther than any direction reaches, that is the score and a constant.
    w = (rows.float() * scale[:, None]).double().numpy()[0]
    reach = float(np.linalg.norm(w))
    distances = np.maximum(scores - bias + reach, 0)
    return {
        "typicality.direction": torch.from_numpy(-w / reach).float(),
        "typicality.whitening": rows,
        "typicality.whitening.scale": scale,
        "typicality.quantiles": torch.from_numpy(np.percentile(distances, np.arange(101))).float(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True, help="the file that gets it")
    parser.add_argument("--out", type=Path, help="default: the same file")
    parser.add_argument("--texts", type=int, default=4000, help="of each kind")
    args = parser.parse_args()

    rng = random.Random(1)
    texts = known_texts(args.data, args.texts, rng)
    rng.shuffle(texts)  # folds are drawn by turns
    known = directions(args.model, texts)
    sets, texts = zip(*other_texts(args.data, args.texts, rng))
    others = directions(args.model, list(texts))
    strength = strength_for_new_kinds(known, others, np.array(sets))
    with safe_open(args.model, "pt") as file:
        metadata = file.metadata()
        tensors = {name: file.get_tensor(name) for name in file.keys() if not name.startswith("typicality.")}
    tensors |= fitted(known, others, strength)
    metadata["version"] = "2"  # readers of version 1 would refuse the tensors
    out = args.out or args.model
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, out, metadata=metadata)
    out.chmod(0o644)
    print(f"{out}: typicality from {len(known)} known texts and {len(others)} others, C {strength}, {out.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
