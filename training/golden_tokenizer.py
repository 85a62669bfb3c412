"""Writes tests/golden/tokenizer/: two small tokenizers, and what Hugging Face `tokenizers` makes of hard strings.

    python training/golden_tokenizer.py DATA/imdb/train.jsonl.zst

Each NAME.safetensors.gz has the tokenizer's tables as a model file has them, and the cases: `cases.text` (UTF-8, one after
another) with `cases.text.offsets`, and `cases.tokens` [tokens, 3] (id, start, end in UTF-16 units of the text) with
`cases.tokens.offsets`.
"""

from __future__ import annotations

import argparse
import gzip
import random
import tempfile
from itertools import islice
from pathlib import Path

import numpy as np
from safetensors.numpy import save
from tokenizers import Tokenizer, normalizers, pre_tokenizers

from data import read_jsonl
from tokenizer import tables, train

OUT = Path(__file__).parent.parent / "tests" / "golden" / "tokenizer"
POOLS = (
    "abcdefghij ",
    "aA'sSreveLLmdTt ' ’",
    " \t\n\r\x0b\x0c\u00a0\u1680\u2003\u2028\u202f\u3000\x85a1!'s",
    "0123٣४五Ⅷ²½๓𝟘a ",
    "İIıiſKKΣςßẞȺȾΩÅǅ'S a",
    "éÉñÜçÇøØőŐğĞ ",
    "Привет мир ΑΒΓαβγ שלום مرحبا नमस्ते ไทย ",
    "你好世界。，、漢字かなカナ한글 ab",
    "😀👩\u200d👩\u200d👧🏽🇩🇪❤\ufe0f𝔘𐐀𐐨 a",
    "\u0301\u0300\u200d\u200b\u202e\u2066\ufeff\u00ada ",
    "\x00\x01\x1c\x1f\x7f\x80\x9f a",
    "<br />.,!?-()\"'`~@#$%^&*_+=[]{}|\\:; ab",
    "\ufffd\ufffe\uffff\U0010ffff\ue000\u0378\U0001f1e6 a",
)
WORDS = ["'s", "'re", "'l", "'ll", "'v", "'ve", "''", "'", " ", "  ", "\n\n", "the", "The", "movie", "isn't", "<br />",
         "<sep>", "<mask>", "aaa", "ha" * 90, "ab" * 70, "a" * 127, "a" * 128, "a" * 129, "z" * 300, "!" * 200,
         " " * 150, "é" * 64, "好" * 50]  # fmt: skip


def class_of(c: int) -> int:
    """Whether the pre-tokenizer holds the code point together with a letter (0), a digit (1), a sign (2) or none of them"""
    split = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True).pre_tokenize_str
    return next((i for i, neighbour in enumerate("a1!") if len(split(neighbour + chr(c))) == 1), 3)


def strings(rng: random.Random) -> list[str]:
    out = ["", " ", "'", "''s", " 's", "x's", "x'S", "x're x've x'll x'r x'v x'l", "x'", "a  b", "a   ", "\n", " \n b"]
    # Every code point where a character class begins or ends, and every one that has a lower case.
    lower = normalizers.Lowercase().normalize_str
    edges, last = [], None
    for c in range(0x110000):
        if 0xD800 <= c <= 0xDFFF:
            continue
        kind = class_of(c)
        if kind != last:
            edges += [c - 1, c] if c and c != 0xE000 else [c]
            last = kind
        elif lower(chr(c)) != chr(c):
            edges.append(c)
    for i in range(0, len(edges), 40):
        out.append("".join(rng.choice(["a", "1", "!", " ", ""]) + chr(c) for c in edges[i : i + 40]))
    while len(out) < 2600:
        kind = rng.random()
        if kind < 0.6:
            pool = rng.choice(POOLS)
            length = rng.choice([1, 2, 3, 5, 10, 20, 40])
            out.append("".join(rng.choice(rng.choice(POOLS) if rng.random() < 0.2 else pool) for _ in range(length)))
        elif kind < 0.75:
            planes = (0x80, 0x800, 0x3000, 0xD800)
            codes = [rng.choice([rng.randrange(rng.choice(planes)), rng.randrange(0xE000, 0x110000)]) for _ in range(12)]
            out.append("".join(map(chr, codes)))
        else:
            out.append("".join(rng.choice(WORDS) for _ in range(rng.randrange(5))))
    out.append("".join(rng.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(9000)))
    out.append("".join(rng.choice("你好世界天地玄黄") for _ in range(3000)))
    out.append("ha" * 5000 + " " * 5000 + "?!" * 2500)
    return out


def utf16(text: str, spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Spans in code points -> in UTF-16 units, as JavaScript counts"""
    at = [0]
    for character in text:
        at.append(at[-1] + (2 if ord(character) > 0xFFFF else 1))
    return [(at[start], at[end]) for start, end in spans]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("texts", type=Path, help="what the two tokenizers learn from")
    args = parser.parse_args()
    OUT.mkdir(parents=True, exist_ok=True)
    learn = [document["text"] for document in islice(read_jsonl(args.texts), 0, 25000, 10)]
    cases = strings(random.Random(1))
    text = [case.encode() for case in cases]
    for name, vocab_size, lowercase in (("lowercase", 2000, True), ("cased", 1200, False)):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "tokenizer.json"
            path.write_text(train(learn, vocab_size, lowercase), encoding="utf-8")
            reference, known = Tokenizer.from_file(str(path)), tables(path)
        rows, ends = [], [0]
        for case in cases:
            encoding = reference.encode(case)
            rows += [(i, *span) for i, span in zip(encoding.ids, utf16(case, encoding.offsets))]
            ends.append(len(rows))
        tensors = {f"tokenizer.{key}": known[key] for key in ("vocab", "offsets", "merges")}
        tensors["cases.text"] = np.frombuffer(b"".join(text), dtype=np.uint8)
        tensors["cases.text.offsets"] = np.cumsum([0, *map(len, text)], dtype=np.uint32)
        tensors["cases.tokens"] = np.array(rows, dtype=np.uint32)
        tensors["cases.tokens.offsets"] = np.array(ends, dtype=np.uint32)
        packed = gzip.compress(save(tensors, metadata={"lowercase": str(int(lowercase))}), mtime=0)
        (OUT / f"{name}.safetensors.gz").write_bytes(packed)
        print(f"{name}: {len(cases)} cases, {len(rows)} tokens, {len(packed):,} bytes")


if __name__ == "__main__":
    main()
