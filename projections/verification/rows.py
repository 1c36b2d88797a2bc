"""Compares the rows of a live read table with those that the journal makes anew: all of them, cell by cell.

PostgreSQL compares, and sends what differs as it finds it. Values are equal as PostgreSQL has them equal: an
amount of 1.0 is one of 1.00. Names of people who have been forgotten are no difference.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from psycopg import Connection
from psycopg.rows import DictRow
from psycopg.sql import SQL, Composable, Composed, Identifier, Literal

from projections.forgotten_names import REMEMBERED_NAME
from projections.history import as_of
from projections.history.as_of import views_of
from projections.schema import SCHEMA
from projections.verification.findings import ROW, Finding, of_row

COPY = "pg_temp"
"""The schema of the replayed tables."""

# An edition is of the live rows alone: it follows from no fact.
SELECT_TABLES = """
SELECT c.relname AS name,
    ARRAY(
        SELECT attname FROM pg_attribute
        WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped
          AND (c.relname, attname) <> ('read_position', 'edition')
        ORDER BY attnum
    )::text[] AS columns,
    ARRAY(
        SELECT a.attname
        FROM pg_index i CROSS JOIN unnest(i.indkey::smallint[]) WITH ORDINALITY AS k(number, place)
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.number
        WHERE i.indrelid = c.oid AND i.indisprimary ORDER BY k.place
    )::text[] AS key
FROM pg_class c WHERE c.relnamespace = pg_my_temp_schema() AND c.relkind = 'r' ORDER BY c.relname"""

# Of all rows in any order. Nearly always the digests are equal, which is all there is to know, and quick.
SAME = SQL("""
SELECT (SELECT (count(*), sum(hash_record_extended(t, 0))) FROM {live} t)
    = (SELECT (count(*), sum(hash_record_extended(t, 0))) FROM {replayed} t) AS same""")

# A row for each cell, or for a row that is on one side only.
DIFFERENCES = SQL("""
SELECT ARRAY[{key}] AS key, v.name, v.live::text AS live, v.replayed::text AS replayed
FROM {live} l FULL JOIN {replayed} r ON {joined}
CROSS JOIN LATERAL (
    SELECT {row} AS name, CASE WHEN l.{first} IS NOT NULL THEN to_jsonb(l) END AS live,
        CASE WHEN r.{first} IS NOT NULL THEN to_jsonb(r) END AS replayed
    WHERE l.{first} IS NULL OR r.{first} IS NULL
    UNION ALL
    SELECT c.name, c.live, c.replayed FROM (VALUES {cells}) c(name, live, replayed, differs)
    WHERE c.differs AND l.{first} IS NOT NULL AND r.{first} IS NOT NULL
) v
WHERE {differ}
ORDER BY key""")

# Of the views of the past, without the position at which another row came in the place of one.
SELECT_VIEW_COLUMNS = """
SELECT attname AS name FROM pg_attribute
WHERE attrelid = to_regclass('read_models_as_of.' || quote_ident(%(table)s)) AND attnum > 0
  AND NOT (attname = 'until' AND atttypid = 'bigint'::regtype)"""

ALL = SQL("")


class Table(NamedTuple):
    """A read table, with its columns and those of its key."""

    name: str
    columns: list[str]
    key: list[str]


def tables_of_copy(connection: Connection[DictRow]) -> list[Table]:
    """Return the tables that were made anew on a connection."""
    tables = [Table(**row) for row in connection.execute(SELECT_TABLES)]
    of_now = {table.name: table.key for table in tables}
    return [table if table.key else table._replace(key=_key_of_past(table, of_now)) for table in tables]


def _key_of_past(table: Table, of_now: Mapping[str, list[str]]) -> list[str]:
    """Return what tells the rows of the past apart: what does so now, and since when they held."""
    own = ["uuid"] if "uuid" in table.columns else of_now[table.name.rpartition("_")[0]]
    return [*own, "since"]


def live_rows(connection: Connection[DictRow]) -> Iterator[tuple[Table, Composable]]:
    """Yield each table with what reads its live rows."""
    for table in tables_of_copy(connection):
        yield table, source(table, SCHEMA)


def past_rows(connection: Connection[DictRow], position: int) -> Iterator[tuple[Table, Composable]]:
    """Yield the tables whose past is known, each with what reads its rows as they were at a position."""
    as_of.set_position(connection, position)
    for table in tables_of_copy(connection):
        if table.name.endswith("_past"):
            yield table, source(table, SCHEMA, SQL("WHERE until <= {}").format(Literal(position)))
        elif table.name != "read_position":
            rows = connection.execute(SELECT_VIEW_COLUMNS, {"table": table.name})
            seen = {row["name"] for row in rows}
            if seen:
                shown = table._replace(columns=[name for name in table.columns if name in seen])
                yield shown, source(shown, views_of(SCHEMA))


def differences(
    connection: Connection[DictRow], table: Table, live: Composable, position: int
) -> Iterator[Finding]:
    """Yield what differs between the rows of `live`, which reads a table's columns, and the replayed ones."""
    replayed = source(table, COPY)
    row = connection.execute(SAME.format(live=live, replayed=replayed)).fetchone()
    if row and row["same"]:
        return
    with connection.cursor("differences") as cursor:
        for found in cursor.execute(_statement(table, live, replayed)):
            yield of_row(table.name, found["key"], found["name"], found["live"], found["replayed"], position)


def source(table: Table, schema: str, condition: Composable = ALL) -> Composable:
    """Return what reads a table in a schema, with the names of people who are known."""
    names_people = {"person", "username"} <= set(table.columns)
    columns = [
        REMEMBERED_NAME if name == "username" and names_people else Identifier(name) for name in table.columns
    ]
    return SQL("(SELECT {} FROM ONLY {} t {})").format(
        SQL(", ").join(columns), Identifier(schema, table.name), condition
    )


def _statement(table: Table, live: Composable, replayed: Composable) -> Composed:
    value = "coalesce(to_jsonb({}.{{c}}), 'null')"
    cell = SQL(f"({{}}, {value.format('l')}, {value.format('r')}, l.{{c}} IS DISTINCT FROM r.{{c}})")
    return DIFFERENCES.format(
        key=SQL(", ").join(
            SQL("to_jsonb(coalesce(l.{c}, r.{c})) #>> '{{}}'").format(c=Identifier(name))
            for name in table.key
        ),
        joined=SQL(" AND ").join(SQL("l.{c} = r.{c}").format(c=Identifier(name)) for name in table.key),
        first=Identifier(table.key[0]),
        cells=SQL(", ").join(cell.format(Literal(name), c=Identifier(name)) for name in table.columns),
        differ=SQL(" OR ").join(
            SQL("l.{c} IS DISTINCT FROM r.{c}").format(c=Identifier(name)) for name in table.columns
        ),
        row=Literal(ROW),
        live=live,
        replayed=replayed,
    )
