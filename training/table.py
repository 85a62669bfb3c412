"""Rows of text and label from a CSV file as spreadsheets write it: which separator, which encoding, which columns.

Whatever is wrong ends in one sentence that names the file and the line.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

# What the columns are called, in any case.
TEXT = ("text", "body", "content", "document", "message", "review")
LABEL = ("label", "class", "category", "target", "topic")


class TableError(SystemExit):
    """Says what is wrong and where; a script that does not catch it ends with that sentence and status 1."""


def decode(data: bytes, where: str) -> str:
    """UTF-8 or UTF-16 by their marks; else UTF-8, and what is not UTF-8 is Windows-1252, as Excel writes it."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings = ["utf-16"]
    else:
        encodings = ["utf-8-sig", "cp1252"]
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            break
        return text
    raise TableError(f"{where}: this is no text in UTF-8, UTF-16 or Windows-1252; save it as UTF-8")


def separator(header: str) -> str:
    """The one that the first line has most of: a comma, a semicolon or a tab."""
    return max(",;\t", key=header.count)


def column(header: list[str], names: tuple[str, ...], where: str) -> int:
    """The place of the first of the names, in any case."""
    found = [cell.strip().lower() for cell in header]
    for name in names:
        if name in found:
            return found.index(name)
    raise TableError(f"{where}, line 1: no column is called {names[0]!r}; there are {', '.join(map(repr, header))[:300]}")


def records(text: str, where: str) -> Iterator[tuple[int, list[str]]]:
    """Rows with the lines they begin in. A field may be as long as the file."""
    previous = csv.field_size_limit(max(len(text), 1))
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator(text.partition("\n")[0]), strict=True)
        while True:
            line = reader.line_num + 1
            try:
                row = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                raise TableError(f"{where}, line {line}: {error}; is a quote missing?") from None
            if any(cell.strip() for cell in row):
                yield line, row
    finally:
        csv.field_size_limit(previous)


def read(path: Path) -> list[tuple[str, str]]:
    """Rows of (text, label) in the order of the file."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise TableError(f"{path}: it could not be read: {error.strerror}") from None
    where = str(path)
    rows = records(decode(data, where), where)
    _, header = next(rows, (1, []))
    if not header:
        raise TableError(f"{where}: it is empty")
    text, label = column(header, TEXT, where), column(header, LABEL, where)
    pairs = []
    for line, row in rows:
        if len(row) <= max(text, label):
            raise TableError(f"{where}, line {line}: the row has {len(row)} fields; the header has {len(header)}")
        pair = (row[text].strip(), row[label].strip())
        if not all(pair):
            raise TableError(f"{where}, line {line}: the {'label' if pair[0] else 'text'} is empty")
        pairs.append(pair)
    if not pairs:
        raise TableError(f"{where}: there are no rows below the header")
    return pairs
