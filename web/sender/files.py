"""Files of reports, read as a stream: CSV with a header line, or JSON line by line.

An item is one of the bulk endpoint (`web/api/bulk_reports.py`). Lines of JSON go out as they are, and the
service says what is wrong with one. Of CSV every cell goes out as text, and empty ones are left out. An item
without a date gets the moment at which the upload began, however long it takes.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import BinaryIO, Literal, Protocol

import orjson

from web.sender.lines import LONGEST_LINE, FilePosition, Lines, UnreadableFile
from web.sender.tables import ReportLine, Table, refused_line

LARGEST_CHUNK = 1_000_000
"""Bytes after which a chunk ends: proxies before a service often let no more through."""

Format = Literal["csv", "ndjson"]
STDIN = Path("-")
FORMATS: dict[str, Format] = {".csv": "csv", ".ndjson": "ndjson", ".jsonl": "ndjson", ".json": "ndjson"}


@contextmanager
def opened_file(path: Path) -> Iterator[BinaryIO]:
    """Yield the file at `path`, standard input for `-`. An UnreadableFile of the block gets its name."""
    try:
        if path == STDIN and sys.stdin is None:
            raise UnreadableFile("standard input is closed")
        with nullcontext(sys.stdin.buffer) if path == STDIN else path.open("rb") as file:
            yield file
    except UnreadableFile as error:
        raise UnreadableFile(f"{path}: {error}") from None


class Reports(Protocol):
    """Items of a file in chunks."""

    @property
    def place(self) -> FilePosition:
        """Return the end of the last chunk."""

    @property
    def is_cut_off(self) -> bool:
        """Return whether the last line that was read has no end: there may have been more of it."""

    def skip_to(self, place: FilePosition) -> bool:
        """Go on to a place where a chunk ended. Return False if the file has changed before it."""

    def chunk(self, most: int) -> list[ReportLine]:
        """Return the next items; none at the end. Raises UnreadableFile."""


class ReportFile:
    """The items of a file as its lines say them. `begun` is the date of those that have none.

    Raises UnreadableFile; for CSV with a header that can't be used at once, before there is any item.
    """

    def __init__(self, file: BinaryIO, kind: Format, begun: str) -> None:
        self._lines = Lines(file, old_ends=kind == "csv")
        self.undated = iter(Table(self._lines)) if kind == "csv" else json_items(self._lines)
        """The items as they are written."""
        self._items = (dated(item, begun) for item in self.undated)

    @property
    def place(self) -> FilePosition:
        return self._lines.place

    @property
    def is_cut_off(self) -> bool:
        return not self._lines.is_ended

    def skip_to(self, place: FilePosition) -> bool:
        while self._lines.offset < place.offset and next(self._lines, None) is not None:
            pass
        return self.place == place

    def chunk(self, most: int) -> list[ReportLine]:
        return chunk_of(self._items, most)


def chunk_of(items: Iterator[ReportLine], most: int) -> list[ReportLine]:
    chunk: list[ReportLine] = []
    size = 0
    while len(chunk) < most and size < LARGEST_CHUNK and (item := next(items, None)):
        chunk.append(item)
        size += len(item.body)
    return chunk


def json_items(lines: Lines) -> Iterator[ReportLine]:
    is_first = True
    for line in lines:
        body = line.replace(b"\r", b" ").strip()  # the service ends a line at either
        if body and is_first and body.startswith(b"["):
            raise UnreadableFile("it is a JSON array, where one object a line is taken (jq -c '.[]' does it)")
        if not body:
            continue
        is_first = False
        if lines.is_too_long:
            text = line[:1000].decode(errors="replace")
            yield refused_line(lines.number, text, f"Can't be read: it has more than {LONGEST_LINE} bytes.")
        else:
            yield ReportLine(lines.number, body)


def dated(item: ReportLine, begun: str) -> ReportLine:
    """Return an item with a date added if it is an object without. All else stays as it is written.

    An item that names its component usage is of that one's month, and a date would lead elsewhere.
    """
    values = _object(item.body)
    if values is None or "date" in values or "component_usage" in values:
        return item
    separator = b"," if values else b""
    body = b'%s%s"date":"%s"}' % (item.body[:-1], separator, begun.encode())
    return ReportLine(item.line, body, item.errors)


def _object(body: bytes) -> dict[str, object] | None:
    try:
        values = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return values if isinstance(values, dict) else None
