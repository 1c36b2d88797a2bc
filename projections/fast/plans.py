"""Has PostgreSQL know how large the tables are that many figures are looked up in, or written to.

Of a table that was never analyzed it knows nothing. It may look up a usage by its month then, and not by its
key: both cost the same in an empty table. But each of ten thousand rows that are written at once would then
meet all those written before it, and so would whoever asks what ten thousand figures were. Of one that was
small it may think that all of it is read sooner than an index. Autovacuum comes a minute too late, and a plan
that was kept goes with it.
"""

from typing import Any

from psycopg import Cursor
from psycopg.sql import SQL, Identifier

MANY = 500
"""So many facts are written before PostgreSQL looks at what the tables are like."""

BULKY = ("component_usage", "component_usage_past", "user_usage", "user_usage_past")
"""The tables that have nearly all of the bytes."""

LOOKED_UP = ("resource", "project", "offering", "component", "offering_user", "user_usage_limit")
"""Those that are looked up for each figure."""

# Twice as large as when it was looked at last. A table that stays small is not looked at again and again, as
# all plans of it are made anew then; an empty one never, as it would be thought to stay so.
UNKNOWN = """
SELECT * FROM (
    SELECT relname AS table, relpages = 0 AS is_new,
        pg_relation_size(oid) > %(times)s * greatest(relpages, 1) * current_setting('block_size')::bigint
            AS has_grown
    FROM pg_class WHERE oid = ANY(%(tables)s::regclass[])
) c WHERE is_new OR has_grown"""


def are_unknown(cursor: Cursor[Any]) -> bool:
    """Return whether PostgreSQL has not looked at one of the tables yet, or before it grew."""
    return bool(_unknown(cursor))


def analyze(cursor: Cursor[Any]) -> None:
    """Have PostgreSQL look at the tables that have grown: plans that it keeps are made anew."""
    _analyze(cursor, _unknown(cursor))


def analyze_all(cursor: Cursor[Any]) -> None:
    """Have PostgreSQL look at all of the tables that have rows."""
    _analyze(cursor, _unknown(cursor, times=0))


def _analyze(cursor: Cursor[Any], unknown: list[Any]) -> None:
    if tables := [Identifier(row["table"]) for row in unknown if row["has_grown"]]:
        cursor.execute(SQL("ANALYZE {}").format(SQL(", ").join(tables)))


def _unknown(cursor: Cursor[Any], times: int = 2) -> list[Any]:
    values = {"tables": [*BULKY, *LOOKED_UP], "times": times}
    return cursor.execute(UNKNOWN, values).fetchall()
