"""A head as a file, and what is measured with it through the command line that users have."""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from sklearn.covariance import LedoitWolf

from model import Config, Linformer
from model_file import decode, quantise
from trunk import Trunk

ROOT = Path(__file__).parent.parent
CLI = ROOT / "bin" / "linformer.js"
Command = Callable[[argparse.Namespace], None]


def head_options(description: str | None, head: str, sample: int, documents: str, jobs: str) -> argparse.ArgumentParser:
    """What the scripts take that make a shipped head: `sample` of its `documents` are read by the trunk, `jobs` is what runs at once"""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--trunk", type=Path)
    parser.add_argument("--runs", type=Path, default=Path("runs/heads"), help="where what the trunk makes of documents is kept")
    parser.add_argument("--out", type=Path, default=Path(f"models/{head}.safetensors"))
    parser.add_argument("--sample", type=int, default=sample, help=f"{documents} that the trunk reads, for the dense part")
    parser.add_argument("--jobs", type=int, default=1, help=jobs)
    parser.add_argument("--measure", type=Path, help="measure OUT on `test`, and write the figures here")
    parser.add_argument("--baselines", type=Path, help="measure TF-IDF on `test`, and add the figures here")
    return parser


def run(args: argparse.Namespace, train: Command, measure: Command, baselines: Command) -> None:
    """What the options ask for: a head's training, unless they name a file for figures"""
    (baselines if args.baselines else measure if args.measure else train)(args)


def digest_of(path: Path) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(path.read_bytes()).digest()).decode()


def typicality(pooled: np.ndarray, folds: int = 5) -> dict[str, torch.Tensor]:
    """What documents look like to the trunk, from the directions of their vectors [n, d_model]: as wasm/teach/typicality.js has it"""
    pooled = pooled / np.linalg.norm(pooled, axis=1, keepdims=True)

    def fitted(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        spread = LedoitWolf().fit(rows)
        return spread.location_, np.linalg.inv(np.linalg.cholesky(spread.covariance_))

    distances = np.zeros(len(pooled))
    for fold in range(folds):  # of documents that neither mean nor covariance has seen
        held = np.arange(len(pooled)) % folds == fold
        mean, whitening = fitted(pooled[~held])
        distances[held] = np.linalg.norm((pooled[held] - mean) @ whitening.T, axis=1)
    mean, whitening = fitted(pooled)
    rows, scale = quantise(torch.from_numpy(whitening).float())
    return {
        "typicality.direction": torch.from_numpy(mean).float(),
        "typicality.whitening": rows,
        "typicality.whitening.scale": scale,
        "typicality.quantiles": torch.from_numpy(np.percentile(distances, np.arange(101))).float(),
    }


def save_head(path: Path, trunk: Trunk, labels: list[str], weight: np.ndarray, bias: np.ndarray, words: dict[str, np.ndarray],
              like: dict[str, torch.Tensor], config: dict, **metadata: str) -> None:  # fmt: skip
    """`weight` is [n_classes, d_model]; `words` has ids [m] in ascending order, idf [m] and weight [m, n_classes]"""
    rows, scale = quantise(torch.from_numpy(words["weight"]).float())
    shape = {"d_model": trunk.config.d_model, "vocab_size": trunk.config.vocab_size, "n_classes": len(labels), "words": len(words["ids"]), **config}
    tensors = {
        "head.weight": torch.from_numpy(weight).float(),
        "head.bias": torch.from_numpy(bias).float(),
        "words.ids": torch.from_numpy(words["ids"]).int(),
        "words.idf": torch.from_numpy(words["idf"]).float(),
        "words.weight": rows,
        "words.weight.scale": scale,
        **like,
    }
    said = {"format": "linformer", "version": "2", "kind": "head", "trunk": trunk.digest, "trunk_name": trunk.name,
            "labels": json.dumps(labels), "config": json.dumps(shape), **metadata}  # fmt: skip
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, path, metadata=said)


def write_golden(path: Path, trunk: Trunk, head: Path, texts: list[str]) -> None:
    """What PyTorch computes in float64 with trunk and head of texts that one reading takes in: ids, logits, and with windows the evidence"""
    with safe_open(head, "pt") as file:
        config = json.loads(file.metadata()["config"])
        tensors = decode({name: file.get_tensor(name) for name in file.keys() if not name.startswith("typicality.")})
    model = Linformer(Config(**{**trunk.config.to_dict(), **config}))
    model.load_state_dict({**trunk.model.state_dict(), **tensors})
    model = model.double().eval()
    rows = []
    for text in texts:
        ids = torch.tensor([trunk.tokenizer.encode(text).ids])
        mask = torch.ones_like(ids, dtype=torch.bool)
        with torch.no_grad():
            row = {"text": text, "ids": ids[0].tolist(), "logits": [round(logit, 6) for logit in model(ids, mask)[0].tolist()]}
            if model.config.pooling == "window-max":
                h = model.norm(model.encode(ids, mask)[-1])
                row["evidence"] = torch.stack(model.evidence(ids, h @ model.head.weight.T, mask), -1)[0].tolist()
        rows.append(row)
    path.write_text(json.dumps(rows, indent=1) + "\n")


def classify(model: Path, texts: list[str], *options: str, jobs: int = 1) -> list[dict]:
    """What `linformer classify --jsonl` says of the texts, one result for each; by so many processes, each with its part of them"""
    parts = [texts[len(texts) * job // jobs : len(texts) * (job + 1) // jobs] for job in range(jobs)]
    with ThreadPoolExecutor(jobs) as pool:
        return [result for results in pool.map(lambda part: classify_part(model, part, *options), parts) for result in results]


def classify_part(model: Path, texts: list[str], *options: str) -> list[dict]:
    with tempfile.TemporaryFile("w+", encoding="utf-8") as lines:
        for i, text in enumerate(texts):
            lines.write(json.dumps({"id": i, "text": text}) + "\n")
        lines.seek(0)
        command = ["node", str(CLI), "classify", "--model", str(model), "--jsonl", *options, "-"]
        answer = subprocess.run(command, stdin=lines, stdout=subprocess.PIPE, text=True, check=False, start_new_session=True)
    results = [json.loads(line) for line in answer.stdout.splitlines()]
    if [r.get("id") for r in results] != list(range(len(texts))):
        raise SystemExit(f"{len(results)} results for {len(texts)} texts: exit status {answer.returncode}")
    return results


def scores_of(results: list[dict], labels: list[str]) -> np.ndarray:
    """[texts, labels]; a text without a result has zeros"""
    return np.array([[{s["label"]: s["score"] for s in r.get("scores", ())}.get(label, 0.0) for label in labels] for r in results])


def interval(measure: Callable[[np.ndarray], float], n: int, draws: int = 500) -> list[float]:
    """95% interval of a measure of rows: quantiles over documents drawn with replacement"""
    rng = np.random.default_rng(1)
    values = [measure(rng.integers(0, n, n)) for _ in range(draws)]
    return [round(float(q), 2) for q in np.nanquantile(values, [0.025, 0.975])]


def figure(measure: Callable[[np.ndarray], float], n: int) -> dict:
    """A measure of all rows in percent, with its interval"""
    return {"value": round(float(measure(np.arange(n))), 2), "interval": interval(measure, n)}


def mistakes(truth: Sequence, guess: Sequence, most: int = 8) -> list[tuple[str, int]]:
    """What was taken for what, and how often: the commonest first"""
    wrong = Counter(f"{t}, taken for {g}" for t, g in zip(truth, guess) if t != g)
    return sorted(wrong.items(), key=lambda pair: (-pair[1], pair[0]))[:most]


def write_baselines(path: Path, figures: dict) -> None:
    """What TF-IDF has on the same documents, whatever the file is"""
    known = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps({**known, "TF-IDF": figures}, indent=1) + "\n")


def write_figures(path: Path, model: Path, figures: dict) -> None:
    """What was measured of this very file; card.py puts it into the card. Figures of another file go, but for those of TF-IDF."""
    known = json.loads(path.read_text()) if path.exists() else {}
    if known.get("digest") != digest_of(model):
        known = {"TF-IDF": known["TF-IDF"]} if "TF-IDF" in known else {}
    path.write_text(json.dumps({**known, "file": model.name, "bytes": model.stat().st_size, "digest": digest_of(model), **figures}, indent=1) + "\n")
