"""Tables of reports: CSV as spreadsheets and batch systems write it, row by row.

A row is read whole or refused: what is missing in it must not become something else, least of all "now".
"""

import csv
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import orjson

from web.sender.lines import LONGEST_LINE, Lines, UnreadableFile
from web.wire.body import nearest
from web.wire.requests import FIELDS

DELIMITERS = ",;\t|"
FIGURES = ("amount", "usage")
SEPARATOR_LINE = re.compile(r'"?sep=(.)"?', re.IGNORECASE)
DECIMAL_COMMA = re.compile(r"\s*[+-]?\d+,\d+\s*")
NO_DATE = "Is empty, and a line without a date is not taken for one of now where there is a column for it."
LONGEST_SHOWN = 200
"""In characters: of a line that can't be read."""

csv.field_size_limit(10 * LONGEST_LINE)  # rows end before: see _RowLines


class ReportLine(NamedTuple):
    """An item as JSON on one line, and the line of the file that it starts at.

    One with `errors`, by name as the service tells them, is not to be sent.
    """

    line: int
    body: bytes
    errors: dict[str, Any] | None = None


def refused_line(line: int, text: str, problem: str) -> ReportLine:
    """Return a line that could not be read as an item, with the reason."""
    return ReportLine(line, orjson.dumps(text.rstrip("\r\n")[:LONGEST_SHOWN]), {"detail": problem})


class Table:
    """The rows of a table as items. Raises UnreadableFile at once if its header can't be used."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        header, delimiter = _header(lines)
        self._names = _names(header)
        self._rows = _RowLines(lines)
        self._reader = csv.reader(self._rows, delimiter=delimiter, strict=True)
        self._has_decimal_commas = delimiter == ";"

    def __iter__(self) -> Iterator[ReportLine]:
        while True:
            first = self._rows.begin()
            try:
                cells = next(self._reader, None)
            except _TooLong:
                yield self._too_long(first)
                continue
            except csv.Error as error:
                yield self._refused(first, str(error))
                continue
            if cells is None:
                return
            if any(cell.strip() for cell in cells):
                yield self._item(first, cells)

    def _item(self, first: int, cells: list[str]) -> ReportLine:
        names = self._names
        if not self._rows.is_utf8:
            return self._refused(first, "it is not UTF-8")
        if len(cells) < len(names) or any(cell.strip() for cell in cells[len(names) :]):
            return self._refused(first, f"it has {len(cells)} cells, and the header names {len(names)}")
        item = {name: cell.strip() for name, cell in zip(names, cells, strict=False) if cell.strip()}
        if self._has_decimal_commas:
            for name in FIGURES:
                if DECIMAL_COMMA.fullmatch(item.get(name, "")):
                    item[name] = item[name].replace(",", ".")
        if "date" in names and "date" not in item and "component_usage" not in item:
            # Sent again from --refused it is to be refused again, not to be one of then.
            return ReportLine(first, orjson.dumps(item | {"date": ""}), {"date": [NO_DATE]})
        return ReportLine(first, orjson.dumps(item))

    def _refused(self, first: int, problem: str) -> ReportLine:
        last = self._lines.number
        if problem == "unexpected end of data":
            problem = "a quote that is opened in it is not closed"
        if last > first:
            problem += f"; nothing was read from line {first} to line {last}"
        return refused_line(first, self._rows.text, f"Can't be read: {problem}.")

    def _too_long(self, first: int) -> ReportLine:
        """Return a line that is too long, or has a quoted cell whose end is not to be found."""
        if self._lines.number == first:
            return self._refused(first, f"it has more than {LONGEST_LINE} bytes")
        for _ in self._lines:
            pass
        return self._refused(first, f"a quote that is opened in it is not closed for {LONGEST_LINE} bytes")


class _TooLong(Exception):
    """A row has more bytes than a line may have."""


class _RowLines:
    """The lines of a row for the reader, which asks for more than one where a quoted cell goes on."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self._size = 0
        self.is_utf8 = True
        self.text = ""
        """Of the row's first line."""

    def begin(self) -> int:
        """Return the number of the line that the next row starts at."""
        self._size, self.is_utf8, self.text = 0, True, ""
        return self._lines.number + 1

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        text, is_utf8 = _decoded(line)
        self.text = self.text or text
        self.is_utf8 &= is_utf8
        self._size += len(line)
        if self._lines.is_too_long or self._size > LONGEST_LINE:
            raise _TooLong
        return text


def _decoded(line: bytes) -> tuple[str, bool]:
    try:
        return line.decode(), True
    except UnicodeDecodeError:
        return line.decode(errors="replace"), False


def _header(lines: Lines) -> tuple[list[str], str]:
    """Return the cells of the first line that is not blank, and the delimiter, which `sep=;` may say."""
    delimiter = None
    for line in lines:
        text, is_utf8 = _decoded(line)
        if not is_utf8 or lines.is_too_long:
            wrong = "is not UTF-8" if not is_utf8 else f"has more than {LONGEST_LINE} bytes"
            raise UnreadableFile(f"line {lines.number} {wrong}")
        if told := SEPARATOR_LINE.fullmatch(text.strip("\r\n")):
            delimiter = told[1]
            continue
        separator = delimiter or max(DELIMITERS, key=text.count)  # no field has one of them in its name
        try:
            cells = next(csv.reader([text], delimiter=separator), [])
        except (csv.Error, TypeError, ValueError) as error:
            raise UnreadableFile(f"line {lines.number}: {error}") from None
        if any(cell.strip() for cell in cells):
            return cells, separator
    raise UnreadableFile("its first line is to name the columns")


def _names(header: list[str]) -> list[str]:
    """Return the names of the columns, without empty ones, which a delimiter behind every row makes."""
    names = [name.strip().lower() for name in header]
    while not names[-1]:
        names.pop()
    if wrong := [name for name in names if name not in FIELDS]:
        told = "; known are " + ", ".join(sorted(FIELDS))
        raise UnreadableFile(f"columns that are unknown: {_listed(wrong)}{told}")
    if wrong := [name for name in names if names.count(name) > 1]:
        raise UnreadableFile(
            f"columns that are there more than once: {', '.join(map(repr, dict.fromkeys(wrong)))}"
        )
    return names


def _listed(names: list[str]) -> str:
    shown = list(dict.fromkeys(names))[:10]
    return ", ".join(repr(name if len(name) <= 40 else f"{name[:40]}…") + _meant(name) for name in shown)


def _meant(name: str) -> str:
    meant = nearest(name, tuple(sorted(FIELDS))) if len(name) <= 40 else None
    return f" (did you mean {meant}?)" if meant else ""
