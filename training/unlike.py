"""How well typicality tells documents of a head's own kind from others: AUROC against other sets, for each head of one trunk.

    python training/unlike.py --data DATA --trunk models/general.safetensors models/contracts.safetensors models/subjects.safetensors

    python training/unlike.py --data DATA --trunk models/sentiment.safetensors models/sentiment.safetensors

A head's own kind are 60 documents of its `test`; of each other set 60 are drawn. The first 6,000 characters of each are read, once for
all heads. The figures are added to training/NAME.json. A model with its own trunk is its own head; to `sentiment`, reviews and
sentences are both its own.
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file
from sklearn.metrics import roc_auc_score

from data import read_jsonl
from heads import write_figures
from typicality import directions

EACH, CHARACTERS = 60, 6000
OWN = {"contracts": ("cuad_contracts",), "sentiment": ("imdb", "sst2_glue"), "subjects": ("openstax",)}
SETS = {"cuad_contracts": "contracts", "openstax": "textbooks", "imdb": "film reviews", "20ng": "20 Newsgroups", "bbc": "BBC News", "agnews_small": "AG News",
        "sst2_glue": "sentences about films", "wiki_vital": "Wikipedia summaries", "terms_docs": "terms of service", "contractnli_devtest": "confidentiality agreements"}  # fmt: skip


def texts_of(data: Path, name: str) -> list[str]:
    """Drawn from `test`; one text once"""
    texts = sorted({d["text"][:CHARACTERS] for d in read_jsonl(data / name / "test.jsonl.zst")})
    return random.Random(name).sample(texts, min(EACH, len(texts)))


def distances(head: Path, vectors: np.ndarray) -> np.ndarray:
    tensors = load_file(head)
    whitening = tensors["typicality.whitening"] * tensors["typicality.whitening.scale"][:, None]
    return np.linalg.norm((vectors - tensors["typicality.direction"]) @ whitening.T, axis=1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--trunk", type=Path, required=True)
    parser.add_argument("heads", type=Path, nargs="+")
    args = parser.parse_args()
    found = {name: directions(args.trunk, texts_of(args.data, name)) for name in SETS}
    for head in args.heads:
        own = distances(head, np.concatenate([found[name] for name in OWN[head.stem]]))
        out = {}
        for name, vectors in found.items():
            if name not in OWN[head.stem]:
                other = distances(head, vectors)
                out[SETS[name]] = round(roc_auc_score([0] * len(own) + [1] * len(other), [*own, *other]), 3)
        write_figures(Path(__file__).parent / f"{head.stem}.json", head, {"unlike": out})
        print(head.stem, out)


if __name__ == "__main__":
    main()
