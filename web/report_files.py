"""Files of reports, read as a stream: CSV with a header line, or JSON line by line.

An item is what the bulk endpoint takes (`web/bulk_reports.py`). Lines of JSON go out as they are, and what is
wrong with one is for the service to say; of CSV every cell goes out as text, and empty ones are left out.
"""

import csv
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, Literal, NamedTuple

import orjson
from msgspec import Struct

from web.bulk_reports import FIELDS

DELIMITERS = ",;\t"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
LONGEST_LINE = 1_000_000
LARGEST_CHUNK = 1_000_000
"""Bytes after which a chunk ends: proxies before a service often let no more through."""

Format = Literal["csv", "ndjson"]
STDIN = Path("-")
FORMATS: dict[str, Format] = {".csv": "csv", ".ndjson": "ndjson", ".jsonl": "ndjson", ".json": "ndjson"}


class UnreadableFile(Exception):
    """The file is not what it should be. The message says where."""


class Item(NamedTuple):
    """An item as JSON on one line, and the line of the file that it starts at."""

    line: int
    body: bytes


class Place(Struct, frozen=True):
    """The end of what was read of a file: in lines, in bytes, and the SHA-256 of all before it."""

    lines: int
    offset: int
    digest: str


@contextmanager
def opened_file(path: Path) -> Iterator[BinaryIO]:
    """The file at `path`, standard input for `-`. Its name is in what is raised in the block."""
    try:
        with nullcontext(sys.stdin.buffer) if path == STDIN else path.open("rb") as file:
            yield file
    except UnreadableFile as error:
        raise UnreadableFile(f"{path}: {error}") from None


class Lines:
    """The lines of a file, and how far it was read."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._digest = file, sha256()
        self.number = self.offset = 0

    @property
    def place(self) -> Place:
        return Place(self.number, self.offset, self._digest.hexdigest())

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        line = self._file.readline(LONGEST_LINE + 1)
        if not line:
            raise StopIteration
        self.number += 1
        if len(line) > LONGEST_LINE:
            raise UnreadableFile(f"line {self.number} has more than {LONGEST_LINE} bytes")
        self.offset += len(line)
        self._digest.update(line)
        return line.removeprefix(BYTE_ORDER_MARK) if self.number == 1 else line


class ReportFile:
    """The items of a file in chunks. `place` is the end of the last one.

    Raises UnreadableFile; for CSV with a header that can't be used at once, before there is any item.
    """

    def __init__(self, file: BinaryIO, kind: Format) -> None:
        self._lines = Lines(file)
        self._items = csv_items(self._lines) if kind == "csv" else json_items(self._lines)

    @property
    def place(self) -> Place:
        return self._lines.place

    def skip_to(self, place: Place) -> bool:
        """Goes on to a place where a chunk ended. False if what is before it is not what it was."""
        while self._lines.offset < place.offset and next(self._lines, None) is not None:
            pass
        return self.place == place

    def chunk(self, most: int) -> list[Item]:
        items: list[Item] = []
        size = 0
        while len(items) < most and size < LARGEST_CHUNK and (item := next(self._items, None)):
            items.append(item)
            size += len(item.body)
        return items


def json_items(lines: Lines) -> Iterator[Item]:
    is_first = True
    for line in lines:
        body = line.replace(b"\r", b" ").strip()  # the service ends a line at either
        if body and is_first and body.startswith(b"["):
            raise UnreadableFile("it is a JSON array, where one object a line is taken (jq -c '.[]' does it)")
        if body:
            is_first = False
            yield Item(lines.number, body)


def csv_items(lines: Lines) -> Iterator[Item]:
    header = next(_decoded(lines), "")
    delimiter = max(DELIMITERS, key=header.count)  # no field has one of them in its name
    names = _names(next(csv.reader([header], delimiter=delimiter), []))
    return _rows(lines, names, delimiter)


def _names(header: list[str]) -> list[str]:
    names = [name.strip() for name in header]
    if not any(names):
        raise UnreadableFile("its first line is to name the columns")
    for wrong, about in (
        ([name for name in names if name not in FIELDS], "unknown"),
        ([name for name in names if names.count(name) > 1], "there more than once"),
    ):
        if wrong:
            named = ", ".join(repr(name) for name in dict.fromkeys(wrong))
            raise UnreadableFile(f"columns that are {about}: {named}; known are {', '.join(sorted(FIELDS))}")
    return names


def _rows(lines: Lines, names: list[str], delimiter: str) -> Iterator[Item]:
    rows = csv.reader(_decoded(lines), delimiter=delimiter, strict=True)
    while True:
        first = lines.number + 1
        try:
            cells = next(rows, None)
        except csv.Error as error:
            raise UnreadableFile(f"line {first}: {error}") from None
        if cells is None:
            return
        if len(cells) > len(names):
            raise UnreadableFile(f"line {first} has {len(cells)} cells, and the first line {len(names)}")
        item = {name: cell for name, cell in zip(names, cells, strict=False) if cell.strip()}
        if item:
            yield Item(first, orjson.dumps(item))


def _decoded(lines: Lines) -> Iterator[str]:
    for line in lines:
        try:
            yield line.decode()
        except UnicodeDecodeError:
            raise UnreadableFile(f"line {lines.number} is not UTF-8") from None
