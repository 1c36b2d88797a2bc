"""Compares the read models of two schemas, table by table, in one snapshot."""

from collections.abc import Sequence
from typing import NamedTuple

from psycopg import Connection
from psycopg.rows import DictRow
from psycopg.sql import SQL, Identifier

from projections.forgotten_names import columns_without_forgotten

SELECT_TABLES = """
SELECT tablename FROM pg_tables WHERE schemaname = %(schema)s AND tablename <> 'read_position'
  AND tablename NOT LIKE '%%\\_versions'
ORDER BY tablename"""

# Of all rows in any order. Nearly always the digests are equal, which is all there is to know, and quick.
DIGEST = SQL("SELECT count(*) AS rows, sum(hash_record_extended(t, 0)) AS hash FROM ({rows}) t")

ROWS = SQL("SELECT {columns} FROM {table} t")

COMPARE = SQL("""
WITH only_live AS MATERIALIZED ({live} EXCEPT ALL {rebuilt}), only_rebuilt AS MATERIALIZED (
    {rebuilt} EXCEPT ALL {live}
)
SELECT
    (SELECT count(*) FROM only_live) AS only_live,
    (SELECT count(*) FROM only_rebuilt) AS only_rebuilt,
    (SELECT to_jsonb(a)::text FROM only_live a LIMIT 1) AS live_example,
    (SELECT to_jsonb(b)::text FROM only_rebuilt b LIMIT 1) AS rebuilt_example""")


class Difference(NamedTuple):
    """A table in which live and rebuilt rows differ: how many rows only one of them has, and one each."""

    table: str
    only_live: int
    only_rebuilt: int
    live_example: str | None
    rebuilt_example: str | None


def tables_of(connection: Connection[DictRow], schema: str) -> list[str]:
    """Return the read tables of a schema, without the position, and without those that read others."""
    return [row["tablename"] for row in connection.execute(SELECT_TABLES, {"schema": schema})]


def differences(
    connection: Connection[DictRow], live: str, rebuilt: str, tables: Sequence[str]
) -> tuple[Difference, ...]:
    """Return the tables in which two schemas differ, apart from names of people who were removed."""
    found = [_compare(connection, live, rebuilt, table) for table in tables]
    return tuple(each for each in found if each)


def _compare(connection: Connection[DictRow], live: str, rebuilt: str, table: str) -> Difference | None:
    columns = columns_without_forgotten(connection, rebuilt, table)
    rows = {
        name: ROWS.format(columns=columns, table=Identifier(schema, table))
        for name, schema in (("live", live), ("rebuilt", rebuilt))
    }
    first, second = (connection.execute(DIGEST.format(rows=each)).fetchone() for each in rows.values())
    if first == second:
        return None
    row = connection.execute(COMPARE.format(**rows)).fetchone()
    assert row is not None
    found = Difference(table, **row)
    return found if found.only_live or found.only_rebuilt else None
