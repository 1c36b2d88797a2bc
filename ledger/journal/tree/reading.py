"""Reads the tree: how far it is, its tiles, and where facts are in it.

Tiles of a tree that was there once can be read for ever, each with one statement, so no snapshot is needed.
"""

from collections.abc import Collection
from typing import Any, NamedTuple
from uuid import UUID

from eventsourcing.persistence import Notification
from psycopg import Cursor

from ledger.errors import TreeDamaged
from ledger.journal.tree.growth import LEAF
from ledger.proof.entries import entry_of
from ledger.proof.hashing import HASH_BYTES
from ledger.proof.tiles import TILE_WIDTH, Tile

SELECT_REACH = """
SELECT first_leaf + octet_length(hashes) / 32 AS size, last_position AS position
FROM journal.tree_tail ORDER BY first_leaf DESC LIMIT 1"""

# One that is full is asked for its first hashes, too.
SELECT_TILE = """
SELECT coalesce(
    (SELECT substr(hashes, 1, %(bytes)s) FROM journal.tree_tile
        WHERE level = %(level)s AND index = %(index)s),
    CASE WHEN %(level)s = 0 THEN (
        SELECT substr(string_agg(hashes, '' ORDER BY first_leaf), 1, %(bytes)s) FROM journal.tree_tail
        WHERE first_leaf >= %(index)s * 256 AND first_leaf < %(index)s * 256 + 256
    ) ELSE (
        SELECT string_agg(root, '' ORDER BY index) FROM journal.tree_tile
        WHERE level = %(level)s - 1 AND index >= %(index)s * 256 AND index < %(index)s * 256 + %(width)s
    ) END
) AS hashes"""

# Where a tile begins is known, and within it facts are counted. Each tile is looked at once.
SELECT_LEAVES = """
WITH wanted AS (
    SELECT w.position, coalesce(b.index + 1, 0) AS tile, coalesce(b.last_position, 0) AS before
    FROM unnest(%(positions)s::bigint[]) w(position) LEFT JOIN LATERAL (
        SELECT index, last_position FROM journal.tree_tile
        WHERE level = 0 AND last_position < w.position ORDER BY last_position DESC LIMIT 1
    ) b ON true
)
SELECT n.position, n.leaf
FROM (SELECT tile, before, max(position) AS last FROM wanted GROUP BY tile, before) t
CROSS JOIN LATERAL (
    SELECT e.notification_id AS position,
        t.tile * 256 + row_number() OVER (ORDER BY e.notification_id) - 1 AS leaf
    FROM journal.ledger_events e WHERE e.notification_id > t.before AND e.notification_id <= t.last
) n
JOIN wanted w ON w.position = n.position"""

SELECT_BEFORE = """
SELECT last_position FROM journal.tree_tile WHERE level = 0 AND index = %(index)s::bigint - 1"""

SELECT_FACTS = """
SELECT originator_id, originator_version, topic, state, notification_id FROM journal.ledger_events
WHERE notification_id > %(after)s ORDER BY notification_id LIMIT %(limit)s"""

SELECT_HASHED = """
SELECT coalesce(string_agg(leaf, '' ORDER BY position), '') AS hashes,
    coalesce(array_agg(position ORDER BY position), '{}') AS positions
FROM (
    SELECT notification_id AS position, <leaf> AS leaf FROM journal.ledger_events
    WHERE notification_id > %(after)s ORDER BY notification_id LIMIT %(limit)s
) n""".replace("<leaf>", LEAF)


HIGHEST_INDEX = 2**54
"""No tree is as far: its leaves would have more than 63 bits."""


class Reach(NamedTuple):
    """How many facts are in the tree, and the position of the last of them."""

    size: int
    position: int


class Hashed(NamedTuple):
    """Hashes of facts, as they are in the journal now, one after another, and their positions."""

    hashes: bytes
    positions: list[int]


class Tree:
    """The tree, as it is read with a cursor whose rows are dicts."""

    def __init__(self, cursor: Cursor[Any]) -> None:
        self._cursor = cursor

    def reach(self) -> Reach:
        """Return how far the tree is. Raises TreeDamaged."""
        row = self._cursor.execute(SELECT_REACH).fetchone()
        if row is None:
            raise TreeDamaged("the journal has no tree")
        return Reach(**row)

    def find(self, tile: Tile) -> bytes | None:
        """Return the hashes of a tile, None where the tree is not as far, or lacks it."""
        if tile.index > HIGHEST_INDEX:
            return None
        values = {
            "level": tile.level,
            "index": tile.index,
            "width": tile.width,
            "bytes": tile.width * HASH_BYTES,
        }
        row = self._cursor.execute(SELECT_TILE, values).fetchone()
        hashes = bytes(row["hashes"] or b"") if row else b""
        return hashes if len(hashes) == tile.width * HASH_BYTES else None

    def read(self, tile: Tile) -> bytes:
        """Return the hashes of a tile that has been there. Raises TreeDamaged."""
        if (hashes := self.find(tile)) is None:
            raise TreeDamaged(f"the tree lacks {tile.path}")
        return hashes

    def leaves(self, positions: Collection[int]) -> dict[int, int]:
        """Return by position which leaf each of these facts is. The first fact of the journal is leaf 0."""
        if not positions:
            return {}
        rows = self._cursor.execute(SELECT_LEAVES, {"positions": list(positions)})
        return {row["position"]: row["leaf"] for row in rows}

    def before(self, tile: int) -> int | None:
        """Return the position after which a tile of facts begins, None where the tree is not as far."""
        if tile == 0:
            return 0
        row = self._cursor.execute(SELECT_BEFORE, {"index": tile}).fetchone()
        return None if row is None else int(row["last_position"])

    def facts(self, tile: Tile) -> list[Notification]:
        """Return the facts whose hashes a tile of level 0 has, fewer where the journal is not as far."""
        assert tile.level == 0, tile
        after = self.before(tile.index)
        if after is None:
            return []
        values = {"after": after, "limit": tile.width}
        return [
            Notification(
                row["originator_id"],
                row["originator_version"],
                row["topic"],
                bytes(row["state"]),
                row["notification_id"],
            )
            for row in self._cursor.execute(SELECT_FACTS, values)
        ]

    def position(self, leaf: int) -> int:
        """Return the position of a leaf, counted in the journal as it is. Raises TreeDamaged."""
        facts = self.hashed(self.before(leaf // TILE_WIDTH) or 0, leaf % TILE_WIDTH + 1)
        if len(facts.positions) <= leaf % TILE_WIDTH:
            raise TreeDamaged(f"the journal has no fact for leaf {leaf} of its tree")
        return facts.positions[-1]

    def hashed(self, after: int, limit: int) -> Hashed:
        """Return the hashes of up to so many facts after a position, made anew from the journal."""
        row = self._cursor.execute(SELECT_HASHED, {"after": after, "limit": limit}).fetchone()
        assert row
        return Hashed(bytes(row["hashes"]), row["positions"])


def entry_of_fact(fact: Notification) -> bytes:
    """Return the entry of a fact as the journal stores it."""
    assert isinstance(fact.originator_id, UUID), "so they are here"
    return entry_of(fact.originator_id.hex, fact.originator_version, fact.id, fact.topic, fact.state)
