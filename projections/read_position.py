"""The position that all read models share: how far it is, and how it moves.

It is in the one row of `read_position`, with the digest of the fact that it is at. A position alone does not
name a fact: where a journal is put back, or replaced, positions come again.

Position and digest are compared with the journal at start, before every decision, and every second
(`web/runtime/listener.py`). Where a database was put back, replaced or promoted, all that is in memory is
forgotten. Where the read models end at a fact that the journal does not have, nothing is served (503) until
they are rebuilt. Price: eight bytes, and one SHA-256 for each batch of reports.

The `edition` tells rows that a rebuild made otherwise from those before, which had the same position.
"""

from typing import NamedTuple

from psycopg import Connection, Cursor
from psycopg.rows import DictRow
from psycopg.sql import SQL

from ledger.journal.digests import FACT_DIGEST
from projections.fast.position import BeingReplaced, End, KnownPosition

CHANNEL = "usage_ledger"
"""Where every move of the position is told, as in TELL: numbers with spaces between."""

SELECT_HEAD = "SELECT coalesce(max(notification_id), 0) AS head FROM journal.ledger_events"

SELECT_TABLES = """
SELECT
    to_regclass('journal.ledger_events') IS NOT NULL AS journal,
    to_regclass('read_models.read_position') IS NOT NULL AS read_models"""

# Both digests are of facts that are in the journal now: `follows` compares that at the position of the read
# models, and `known_digest` is that at the position that a process knows.
SELECT_POSITIONS = (
    SQL("""
SELECT position, digest, described, edition, ({head}) AS head,
    digest = coalesce((
        SELECT {digest} FROM journal.ledger_events WHERE notification_id = position), 0) AS follows,
    coalesce((
        SELECT {digest} FROM journal.ledger_events WHERE notification_id = %(known)s), 0) AS known_digest
FROM read_position""")
    .format(head=SQL(SELECT_HEAD), digest=FACT_DIGEST)
    .as_string()
)

SELECT_POSITION = "SELECT position FROM read_position"
SELECT_END = "SELECT position, digest, described, edition FROM read_position"

TELL = SQL("pg_notify('usage_ledger', concat_ws(' ', position, digest, described, edition))")

# Fails unless every fact before the first one is projected, and no other: the position would become null, and
# must not. So nobody has to check first. A copy in another schema notifies nobody.
MOVE_POSITION = (
    SQL("""
UPDATE read_position SET
    position = CASE WHEN position = (
        SELECT coalesce(max(notification_id), 0) FROM journal.ledger_events WHERE notification_id < %(first)s
    ) THEN %(last)s::bigint END,
    digest = (SELECT {digest} FROM journal.ledger_events WHERE notification_id = %(last)s),
    described = greatest(described, %(described)s)
RETURNING CASE WHEN current_schema() = 'read_models'
    THEN {tell} END""")
    .format(digest=FACT_DIGEST, tell=TELL)
    .as_string()
)


class Reached(NamedTuple):
    """How far the read models are in the database, as `SELECT_POSITIONS` says it."""

    position: int
    digest: int
    described: int
    edition: int
    head: int
    """Position of the journal's last fact."""
    follows: bool
    """Is the fact that the read models end at in the journal?"""
    known_digest: int

    @property
    def end(self) -> End:
        return End(self.position, self.digest)


def reached(connection: Connection[DictRow], known: KnownPosition) -> Reached:
    """Return how far the read models are, and the digest of the fact at a known position."""
    row = connection.execute(SELECT_POSITIONS, {"known": known.end.position}).fetchone()
    if row is None:
        raise BeingReplaced
    return Reached(**row)


def position_of(cursor: Cursor[DictRow]) -> int:
    """Return the position of the read models in the schema that the cursor is in."""
    row = cursor.execute(SELECT_POSITION).fetchone()
    assert row is not None, "create_read_models makes the row, and nothing deletes it"
    position: int = row["position"]
    return position


def position_without_journal(connection: Connection[DictRow]) -> int:
    """Return the position of read models whose journal has no fact, or is not even there; else 0."""
    tables = connection.execute(SELECT_TABLES).fetchone()
    if not tables or not tables["read_models"]:
        return 0
    head = connection.execute(SELECT_HEAD).fetchone() if tables["journal"] else None
    return 0 if head and head["head"] else position_of(connection.cursor())
