"""Has PostgreSQL know the tables of usages before many rows are written to them.

Of a table that was never analyzed it knows nothing. It may look up a usage by its month then, and not by its
key: both cost the same in an empty table. But each of ten thousand rows that are written at once would then
meet all those written before it. Autovacuum comes a minute too late, and a plan that was kept goes with it.
"""

from typing import Any

from psycopg import Cursor

MANY = 500
"""So many facts are written before PostgreSQL looks at what the tables are like."""

ARE_UNKNOWN = "SELECT reltuples < %(many)s AS unknown FROM pg_class WHERE oid = 'component_usage'::regclass"

ANALYZE = "ANALYZE component_usage, user_usage"


def are_unknown(cursor: Cursor[Any]) -> bool:
    """Return whether PostgreSQL knows nothing yet of the tables, or of next to no rows in them."""
    row = cursor.execute(ARE_UNKNOWN, {"many": MANY}).fetchone()
    return row is not None and row["unknown"]


def analyze(cursor: Cursor[Any]) -> None:
    """Have PostgreSQL look at the tables: plans that it keeps are made anew."""
    cursor.execute(ANALYZE)
