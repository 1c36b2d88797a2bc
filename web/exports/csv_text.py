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

Cell = Callable[[Any], str]

Parts = Generator[bytes, None, None]


def csv_of(columns: Sequence[Column], batches: Iterator[Sequence[str]]) -> Parts:
    """Yield the parts of a file with these columns of the rows, which come as JSON objects."""
    cells, read = [_cell(column) for column in columns], _reader(columns)
    yield f"{MARK}{','.join(column.name for column in columns)}{END}".encode()
    for batch in batches:
        rows = (msgspec.structs.astuple(row) for row in read(f"[{','.join(batch)}]"))
        yield "".join([_line(cells, row) for row in rows]).encode()


def _line(cells: Sequence[Cell], row: Sequence[Any]) -> str:
    return ",".join([cell(value) for cell, value in zip(cells, row, strict=True)]) + END


def _reader(columns: Sequence[Column]) -> Callable[[str], list[msgspec.Struct]]:
    """Return what reads rows in which all but strings stay as they are written: no figure loses a digit."""
    members: list[Any] = [
        (f"c{place}", str | None, None) if column.holds in IN_QUOTES else (f"c{place}", msgspec.Raw, NULL)
        for place, column in enumerate(columns)
    ]
    names = {f"c{place}": column.name for place, column in enumerate(columns)}
    return msgspec.json.Decoder(list[msgspec.defstruct("Row", members, rename=names)]).decode  # type: ignore[misc]


def _cell(column: Column) -> Cell:
    match column.holds:
        case Holds.TEXT:
            return _text
        case Holds.NESTED:
            return _nested
        case holds if holds in IN_QUOTES:
            return _plain
    return _written


def _text(value: str | None) -> str:
    if value is None:
        return ""
    return quoted(f"'{value}" if value.startswith(FORMULA_STARTS) else value)


def quoted(text: str) -> str:
    """Return a text as a cell, in quotes where it needs them."""
    return '"' + text.replace('"', '""') + '"' if NEEDS_QUOTES.search(text) else text


def _plain(value: str | None) -> str:
    return value or ""


def _written(value: msgspec.Raw) -> str:
    text = bytes(value).decode()
    return "" if text == "null" else text


def _nested(value: msgspec.Raw) -> str:
    return quoted(text) if (text := _written(value)) else ""
