"""Rows that PostgreSQL writes as JSON, byte for byte as orjson would: a page takes half of the time so.

The web declares the columns, each with the kind of its value. A list has the SQL of the values.

Price: columns are SQL. `tests/projections/test_rows_as_json.py` compares every list with what Python writes.
"""

from collections.abc import Mapping, Sequence
from typing import LiteralString, NamedTuple

from psycopg.sql import SQL, Composable, Literal


class Kind(NamedTuple):
    """The text of a value, with a place for its SQL. It is `in_quotes` if nothing in it has to be escaped."""

    text: LiteralString
    in_quotes: bool = True


TEXT = Kind("to_json({})::text", in_quotes=False)
PLAIN = Kind("({})::text")
NUMBER = Kind("({})::text", in_quotes=False)
HEX = Kind("encode(uuid_send({}), 'hex')")
# As Python writes it: microseconds with all of their digits or none. Sessions are in UTC.
MOMENT = Kind(
    "to_char({0}, CASE WHEN {0} = {0}::timestamptz(0) THEN 'YYYY-MM-DD\"T\"HH24:MI:SS+00:00'"
    " ELSE 'YYYY-MM-DD\"T\"HH24:MI:SS.US+00:00' END)"
)
MONTH = Kind("to_char({}, 'YYYY-MM')")
EMPTY = Kind("''")


def link(collection: LiteralString) -> Kind:
    """Return the kind of a uuid that is shown as the URL of its object, on the parameter `host_url`."""
    path = f"%(host_url)s || 'api/{collection}/' || encode(uuid_send({{}}), 'hex') || '/'"
    return Kind(f"to_json({path})::text", in_quotes=False)


class Column(NamedTuple):
    """A column of a row: its name on the wire, the name of its value inside, and how that is written."""

    name: str
    shows: str
    kind: Kind
    is_nullable: bool


class Written(NamedTuple):
    """A value that was written before, in the way of its kind: once for many rows."""

    text: SQL


Values = Mapping[str, SQL | Written]
"""The SQL of what a list can show, by names inside."""


def json_object(columns: Sequence[Column], values: Values) -> Composable:
    """Return the SQL of a JSON object of these columns, as one text called `json`."""
    members = [(column.name, *_member(column, values)) for column in columns]
    template = ",".join(f'"{name}":{place}' for name, place, _ in members)
    texts = [Literal(f"{{{template}}}"), *(text for *_, text in members)]
    return SQL("format({}) AS json").format(SQL(", ").join(texts))


def _member(column: Column, values: Values) -> tuple[str, Composable]:
    """Return the place of a value in the object, and its text. In quotes only what is declared so is null."""
    value = SQL("") if column.kind is EMPTY else values[column.shows]
    text = value.text if isinstance(value, Written) else SQL(column.kind.text).format(value)
    if not column.kind.in_quotes:
        return "%%s", SQL("coalesce({}, 'null')").format(text)
    if column.is_nullable:
        return "%%s", SQL("coalesce('\"' || {} || '\"', 'null')").format(text)
    return '"%%s"', text
