"""Writes the read tables as CSV, as they were at a position: for auditors, who have other tools.

It is CSV as in RFC 4180, in UTF-8 and with a header. Nothing is an empty cell, and an empty text is `""`.
Times are RFC 3339 in UTC, and uuids and bytes are in hex. Rows are sorted, so that two exports can be
compared line by line. Tables whose past is not kept are left out, and so are names of the forgotten.
"""

from collections.abc import Iterator
from typing import NamedTuple

from psycopg import Connection
from psycopg.rows import DictRow
from psycopg.sql import SQL, Composable, Identifier

from projections.forgotten_names import REMEMBERED_NAME
from projections.history import as_of
from projections.history.as_of import views_of
from projections.schema import SCHEMA

# Without the position at which another row came in the place of one, which was not known then, and without
# what is no figure, but helps to make some.
SELECT_VIEWS = """
SELECT c.relname AS name, array_agg(a.attname::text ORDER BY a.attnum) AS columns,
    array_agg(a.atttypid::regtype::text ORDER BY a.attnum) AS types
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
WHERE c.relnamespace = to_regnamespace(%(schema)s) AND c.relkind = 'v'
  AND c.relname NOT IN ('read_position', 'usage_count_span', 'listed_usage')
  AND NOT (a.attname = 'until' AND a.atttypid = 'bigint'::regtype)
GROUP BY c.relname ORDER BY c.relname"""

WRITTEN = {
    "bytea": SQL("encode({c}, 'hex')"),
    "uuid": SQL("replace({c}::text, '-', '')"),
    "uuid[]": SQL("replace({c}::text, '-', '')"),
    "date[]": SQL("{c}::text"),
    "boolean": SQL("{c}::text"),
    "timestamp with time zone": SQL(
        "CASE WHEN isfinite({c}) THEN to_char({c} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
        " ELSE {c}::text END"
    ),
}
"""How values of a type are written that PostgreSQL would write otherwise."""

COPY = SQL("""
COPY (SELECT {cells} FROM {view} t ORDER BY {order}) TO STDOUT (FORMAT csv, HEADER true, ENCODING 'UTF8')""")


class View(NamedTuple):
    """A read table of the past, with its columns and what PostgreSQL calls their types."""

    name: str
    columns: list[str]
    types: list[str]


def tables_as_of(connection: Connection[DictRow], position: int) -> Iterator[tuple[str, Iterator[bytes]]]:
    """Yield read tables as they were at a position, by name, each with its lines.

    Lines have to be read before the next table is asked for, in a transaction of one snapshot.
    """
    as_of.set_position(connection, position)
    schema = views_of(SCHEMA)
    connection.execute(SQL("SET LOCAL search_path TO {}, {}").format(Identifier(schema), Identifier(SCHEMA)))
    connection.execute("SET LOCAL datestyle TO ISO")
    for row in connection.execute(SELECT_VIEWS, {"schema": schema}).fetchall():
        view = View(**row)
        yield view.name, _lines(connection, view)


def _lines(connection: Connection[DictRow], view: View) -> Iterator[bytes]:
    statement = COPY.format(
        cells=SQL(", ").join(_cell(view, *each) for each in zip(view.columns, view.types, strict=True)),
        view=Identifier(view.name),
        order=SQL(", ").join(map(Identifier, view.columns)),
    )
    with connection.cursor() as cursor, cursor.copy(statement) as rows:
        for row in rows:  # PostgreSQL sends them one by one, and ends lines as Unix does
            yield bytes(row).removesuffix(b"\n") + b"\r\n"


def _cell(view: View, column: str, kind: str) -> Composable:
    if column == "username" and "person" in view.columns:
        return REMEMBERED_NAME
    name = Identifier("t", column)
    return SQL("{} AS {}").format(WRITTEN.get(kind, SQL("{c}")).format(c=name), Identifier(column))
