"""What a verification finds, and the line that tells of it."""

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec

MISSING = "-"
"""In place of a row that is not there."""

ROW = "*"
"""In place of the column where a row is on one side only: the other shows the whole of it."""

PLAIN = re.compile(r"[\w.:+-]+")


class Finding(NamedTuple):
    """A place in the journal, or in a read table, that is not what it should be."""

    line: str


OnFinding = Callable[[Finding], None]


def of_journal(position: int, what: str) -> Finding:
    """Return the finding that the fact at a position is not what it should be."""
    return Finding(f"journal {position} {what}")


def of_place(place: str, what: str) -> Finding:
    """Return the finding that something is wrong where no single fact can be named: `positions 120..135`."""
    return Finding(f"journal {place} {what}")


def of_row(
    table: str, key: Sequence[str], column: str, live: str | None, replayed: str | None, position: int
) -> Finding:
    """Return the finding that live and replayed rows differ. Values are JSON, None where there is no row."""
    parts = ",".join(map(_key, key)) or MISSING
    return Finding(f"{table} {parts} {column} {live or MISSING} {replayed or MISSING} {position}")


def _key(value: str) -> str:
    return value if PLAIN.fullmatch(value) else msgspec.json.encode(value).decode()
