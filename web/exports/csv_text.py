"""Rows as CSV: RFC 4180 in UTF-8, with a header, such that a spreadsheet opens it right and runs nothing.

* It begins with the mark of UTF-8. Excel takes a file without it for one in the letters of Windows, and every
  umlaut for two others. LibreOffice, pandas and DuckDB know the mark; Python does as `utf-8-sig`.
* A cell of text that a spreadsheet would take for a formula has an apostrophe before it: what begins with
  = + - @, a tab or the end of a line. Figures are no text: a negative one stays what it is.
* Nothing is an empty cell, and an empty text is `""`. What is nested is JSON in its cell.
"""

import re
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Any

import msgspec

from web.exports.columns import Column, Holds

MARK = "\ufeff"

END = "\r\n"

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")

NEEDS_QUOTES = re.compile(r'[",\r\n]|^\s|\s$|^$')

NULL = msgspec.Raw(b"null")

IN_QUOTES = {Holds.TEXT, Holds.DECIMAL, Holds.DATE, Holds.MOMENT}
"""What is a string in JSON."""

Cells = Callable[[Sequence[Any]], Sequence[str]]
"""From the values of a column to its cells, a batch at a time: a call a cell would take most of the time."""

Parts = Generator[bytes, None, None]


def csv_of(columns: Sequence[Column], batches: Iterator[Sequence[str]]) -> Parts:
    """Yield the parts of a file with these columns of the rows, which come as JSON objects."""
    writers, read = [_cells(column) for column in columns], _reader(columns)
    yield f"{MARK}{','.join(column.name for column in columns)}{END}".encode()
    for batch in batches:
        values = zip(*map(msgspec.structs.astuple, read(f"[{','.join(batch)}]")), strict=True)
        cells = [write(each) for write, each in zip(writers, values, strict=True)]
        yield "".join([",".join(line) + END for line in zip(*cells, strict=True)]).encode()


def _reader(columns: Sequence[Column]) -> Callable[[str], list[msgspec.Struct]]:
    """Return what reads rows in which all but strings stay as they are written: no figure loses a digit."""
    members: list[Any] = [
        (f"c{place}", str | None, None) if column.holds in IN_QUOTES else (f"c{place}", msgspec.Raw, NULL)
        for place, column in enumerate(columns)
    ]
    names = {f"c{place}": column.name for place, column in enumerate(columns)}
    return msgspec.json.Decoder(list[msgspec.defstruct("Row", members, rename=names)]).decode  # type: ignore[misc]


def _cells(column: Column) -> Cells:
    match column.holds:
        case Holds.TEXT:
            return _texts
        case Holds.NESTED:
            return lambda values: [quoted(text) if (text := _written(each)) else "" for each in values]
        case holds if holds in IN_QUOTES:
            return lambda values: [each or "" for each in values]
    return lambda values: [_written(each) for each in values]


def _texts(values: Sequence[str | None]) -> Sequence[str]:
    """Return the cells of texts: names come again and again."""
    known = {each: _text(each) for each in set(values)}
    return [known[each] for each in values]


def _text(value: str | None) -> str:
    if value is None:
        return ""
    return quoted(f"'{value}" if value.startswith(FORMULA_STARTS) else value)


def quoted(text: str) -> str:
    """Return a text as a cell, in quotes where it needs them."""
    return '"' + text.replace('"', '""') + '"' if NEEDS_QUOTES.search(text) else text


def _written(value: msgspec.Raw) -> str:
    text = bytes(value).decode()
    return "" if text == "null" else text
