"""Trees as a stranger makes them of the stored journal, with no line of the ledger's own code."""

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from typing import Any

import psycopg

SELECT_FACTS = """
SELECT originator_id, originator_version, notification_id, topic, state
FROM journal.ledger_events ORDER BY notification_id"""

SELECT_TILES = "SELECT level, index, hashes FROM journal.tree_tile ORDER BY level, index"

SELECT_TAIL = "SELECT coalesce(string_agg(hashes, '' ORDER BY first_leaf), '') FROM journal.tree_tail"


def execute(url: str, statement: str, *values: Any) -> list[Any]:
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(statement.encode(), values or None)
        return cursor.fetchall() if cursor.description else []


def entry(stream: Any, version: int, position: int, topic: str, state: bytes) -> bytes:
    """The bytes of section 7 of the contract."""
    head = f"{stream.hex} {version} {position} {topic}\n".encode()
    if len(head + state) > 65_535:
        return head + b"sha256:" + sha256(state).hexdigest().encode()
    return head + state


def entries(url: str) -> list[bytes]:
    """What is hashed of each fact."""
    return [entry(row[0], row[1], row[2], row[3], bytes(row[4])) for row in execute(url, SELECT_FACTS)]


def leaves(url: str) -> list[bytes]:
    return [sha256(b"\0" + each).digest() for each in entries(url)]


def root(hashes: list[bytes]) -> bytes:
    """MTH of RFC 6962, section 2.1, as it is written there."""
    if len(hashes) < 2:
        return hashes[0] if hashes else sha256().digest()
    split = 1 << (len(hashes) - 1).bit_length() - 1
    return sha256(b"\1" + root(hashes[:split]) + root(hashes[split:])).digest()


def expected_tiles(hashes: list[bytes]) -> Iterator[tuple[int, int, bytes]]:
    """All full tiles, level by level."""
    level = 0
    while hashes:
        full = len(hashes) // 256
        above = []
        for index in range(full):
            tile = hashes[index * 256 : index * 256 + 256]
            yield level, index, b"".join(tile)
            above.append(root(tile))
        hashes, level = above, level + 1


def stored_tiles(url: str) -> list[tuple[int, int, bytes]]:
    return [(level, index, bytes(hashes)) for level, index, hashes in execute(url, SELECT_TILES)]


def stored_tail(url: str) -> bytes:
    ((hashes,),) = execute(url, SELECT_TAIL)
    return bytes(hashes)


def assert_whole(url: str) -> list[bytes]:
    """That the tree is the one that follows from the journal. Returns its leaves."""
    hashes = leaves(url)
    assert stored_tiles(url) == [*expected_tiles(hashes)]
    assert stored_tail(url) == b"".join(hashes[len(hashes) // 256 * 256 :])
    return hashes


@contextmanager
def as_administrator(url: str, *tables: str) -> Iterator[psycopg.Connection[Any]]:
    """A connection in whose block nothing guards these tables, the journal's by default."""
    with psycopg.connect(url, autocommit=True) as connection:
        guards = connection.execute(
            "SELECT tgrelid::regclass::text, tgname FROM pg_trigger WHERE NOT tgisinternal"
            " AND tgrelid = ANY(%s::regclass[])",
            [[f"journal.{table}" for table in tables or ("ledger_events",)]],
        ).fetchall()
        for table, guard in guards:
            connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER {guard}".encode())
        yield connection
        for table, guard in guards:
            connection.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {guard}".encode())
