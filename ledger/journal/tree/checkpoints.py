"""The checkpoints that were signed: kept for ever, one for each size of the tree that had one."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

from psycopg import Cursor

SELECT = "SELECT size, position, note, signed_at FROM journal.checkpoint"

SELECT_NEWEST = f"{SELECT} ORDER BY size DESC LIMIT 1"
SELECT_OF_SIZE = f"{SELECT} WHERE size = %(size)s"
SELECT_ALL = f"{SELECT} WHERE size > %(after)s ORDER BY size LIMIT %(limit)s"

INSERT = """
INSERT INTO journal.checkpoint (size, position, note, signed_at)
VALUES (%(size)s, %(position)s, %(note)s, %(signed_at)s)"""

AT_A_TIME = 1_000


class Kept(NamedTuple):
    """A checkpoint: how many facts it covers, the position of the last of them, the signed note, and when."""

    size: int
    position: int
    note: bytes
    signed_at: datetime


def newest(cursor: Cursor[Any]) -> Kept | None:
    """Return the checkpoint that covers most, None where none was signed yet."""
    row = cursor.execute(SELECT_NEWEST).fetchone()
    return Kept(**row) if row else None


def of_size(cursor: Cursor[Any], size: int) -> Kept | None:
    """Return the checkpoint that covers exactly so many facts, None where there is none."""
    row = cursor.execute(SELECT_OF_SIZE, {"size": size}).fetchone()
    return Kept(**row) if row else None


def all_of_them(cursor: Cursor[Any]) -> Iterator[Kept]:
    """Yield all checkpoints, the smallest first, some of them at a time."""
    after = -1
    while rows := cursor.execute(SELECT_ALL, {"after": after, "limit": AT_A_TIME}).fetchall():
        yield from (Kept(**row) for row in rows)
        after = rows[-1]["size"]


def keep(cursor: Cursor[Any], kept: Kept) -> None:
    """Keep a checkpoint that was signed."""
    cursor.execute(INSERT, kept._asdict())
