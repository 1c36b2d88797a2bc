"""Has PostgreSQL know the tables of usages before many rows are written to them.

Of a table that was never analyzed it knows nothing. It may look up a usage by its month then, and not by its
key: both cost the same in an empty table. But each of ten thousand rows that are written at once would then
meet all those written before it, and so would whoever asks what ten thousand figures were. Autovacuum comes a
minute too late, and a plan that was kept goes with it.
"""

from typing import Any

from psycopg import Cursor
from psycopg.sql import SQL, Identifier

MANY = 500
"""So many facts are written before PostgreSQL looks at what the tables are like."""

BULKY = ("component_usage", "component_usage_past", "user_usage", "user_usage_past")
"""The tables that have nearly all of the bytes."""

# Of next to no rows it knows no more than of none.
UNKNOWN = """
SELECT relname AS table, pg_relation_size(oid) = 0 AS is_empty FROM pg_class
WHERE oid = ANY(%(bulky)s::regclass[]) AND reltuples < %(many)s"""


def are_unknown(cursor: Cursor[Any]) -> bool:
    """Return whether PostgreSQL knows nothing yet of one of the tables, or of next to no rows in it."""
    return bool(_unknown(cursor, MANY))


def analyze(cursor: Cursor[Any], many: float = MANY) -> None:
    """Have PostgreSQL look at tables of which it knows fewer rows: plans that it keeps are made anew.

    Not at empty ones, as it would think that they stay so.
    """
    if tables := [Identifier(row["table"]) for row in _unknown(cursor, many) if not row["is_empty"]]:
        cursor.execute(SQL("ANALYZE {}").format(SQL(", ").join(tables)))


def _unknown(cursor: Cursor[Any], many: float) -> list[Any]:
    return cursor.execute(UNKNOWN, {"bulky": list(BULKY), "many": many}).fetchall()
