"""Writes src/unicode.c: character classes and lower case, as Hugging Face `tokenizers` has them.

    python tools/unicode_tables.py

The tables are found by asking that library (the version in training/requirements.txt) about every code point, so the
C tokenizer agrees with it by construction, whichever version of Unicode it was built with.
"""

from __future__ import annotations

from pathlib import Path

import tokenizers
from tokenizers import normalizers, pre_tokenizers

OTHER, LETTER, NUMBER, SPACE = range(4)
CODE_POINTS = [c for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]
HEAD = '''/* unicode.c - made by tools/unicode_tables.py from tokenizers {version}; do not edit */
#include "unicode.h"
'''


def classes() -> dict[int, int]:
    """A code point's class is that of the neighbour which it joins in one piece of the byte-level pre-tokenizer."""
    split = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True).pre_tokenize_str
    out = {}
    for c in CODE_POINTS:
        out[c] = SPACE
        for neighbour, kind in (("a", LETTER), ("1", NUMBER), ("!", OTHER)):
            if len(split(neighbour + chr(c))) == 1:
                out[c] = kind
                break
    return out


def lower() -> dict[int, str]:
    normalise = normalizers.Lowercase().normalize_str
    return {c: low for c in CODE_POINTS if (low := normalise(chr(c))) != chr(c)}


def class_changes(table: dict[int, int]) -> list[int]:
    """Where the class changes: code point << 2 | class from there on."""
    changes, last = [], None
    for c in range(0x110000):
        kind = table.get(c, OTHER)
        if kind != last:
            changes.append(c << 2 | kind)
            last = kind
    return changes


def lower_ranges(table: dict[int, str]) -> list[tuple[int, int, int, int]]:
    """(first, last, stride, difference) of runs of code points whose lower case is at one distance."""
    ranges: list[list[int]] = []
    for c, low in sorted(table.items()):
        if len(low) > 1:
            continue
        difference = ord(low) - c
        if ranges:
            first, last, stride, known = ranges[-1]
            step = c - last
            if known == difference and (step == stride or (first == last and step in (1, 2))):
                ranges[-1] = [first, c, step, known]
                continue
        ranges.append([c, c, 1, difference])
    return [tuple(r) for r in ranges]


def rows(items: list[str], width: int = 116) -> str:
    lines, line = [], ""
    for item in items:
        if len(line) + len(item) + 2 > width:
            lines.append("    " + line.rstrip())
            line = ""
        line += item + ", "
    return "\n".join([*lines, "    " + line.rstrip()])


def main() -> None:
    changes = class_changes(classes())
    low = lower()
    ranges = lower_ranges(low)
    longer = {c: text for c, text in low.items() if len(text) > 1}
    assert longer == {0x130: "i\u0307"}, longer  # the one that unicode.h treats on its own
    text = HEAD.format(version=tokenizers.__version__)
    text += f"\nconst uint32_t lf_class_changes[{len(changes)}] = {{\n{rows([f'{v:#x}' for v in changes])}\n}};\n"
    text += f"const size_t lf_class_change_count = {len(changes)};\n"
    text += f"\nconst lf_lower_range lf_lower_ranges[{len(ranges)}] = {{\n"
    text += rows([f"{{{a:#x}, {b:#x}, {s}, {d}}}" for a, b, s, d in ranges]) + "\n};\n"
    text += f"const size_t lf_lower_range_count = {len(ranges)};\n"
    path = Path(__file__).parent.parent / "src" / "unicode.c"
    path.write_text(text)
    print(f"{len(changes)} class changes, {len(ranges)} lower-case ranges")


if __name__ == "__main__":
    main()
