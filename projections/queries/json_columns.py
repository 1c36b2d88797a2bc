"""Rows that PostgreSQL writes as JSON, byte for byte as orjson would: a page takes half of the time so.

The web declares the columns, each with the kind of its value. A list has the SQL of the values.

Price: columns are SQL. `tests/projections/test_rows_as_json.py` compares every list with what Python writes.
"""

from collections.abc import Mapping, Sequence
from typing import LiteralString, NamedTuple

from psycopg.sql import SQL, Composable, Literal


class Kind(NamedTuple):
    """The text of a value, with a place for its SQL unless it `is_constant`.

    It is `in_quotes` if nothing in it has to be escaped.
    """

    text: LiteralString
    in_quotes: bool = True
    is_constant: bool = False


TEXT = Kind("to_json({})::text", in_quotes=False)
PLAIN = Kind("({})::text")
NUMBER = Kind("({})::text", in_quotes=False)
HEX = Kind("encode(uuid_send({}), 'hex')")
# As Python writes it: microseconds with all of their digits or none. Sessions are in UTC.
MOMENT = Kind(
    "to_char({0}, CASE WHEN {0} = {0}::timestamptz(0) THEN 'YYYY-MM-DD\"T\"HH24:MI:SS+00:00'"
    " ELSE 'YYYY-MM-DD\"T\"HH24:MI:SS.US+00:00' END)"
)
# A moment to the second, as formats have it that want a Z.
ZULU = Kind('to_char({}, \'YYYY-MM-DD"T"HH24:MI:SS"Z"\')')
EXACT = Kind("trim_scale({})::text", in_quotes=False)
JSON = Kind("({})::text", in_quotes=False)
ARRAY = Kind("to_json({})::text", in_quotes=False)
MONTH = Kind("to_char({}, 'YYYY-MM')")
OBJECT = Kind("{}", in_quotes=False)
OBJECTS = Kind("coalesce('[' || string_agg({}, ',') || ']', '[]')", in_quotes=False)


def constant(json: LiteralString) -> Kind:
    """Return the kind of a value that is the same in every row: this JSON, without quotes or percents."""
    return Kind("'" + json + "'", in_quotes=False, is_constant=True)


def link(collection: LiteralString) -> Kind:
    """Return the kind of a uuid that is shown as the URL of its object, on the parameter `root_url`."""
    path = f"%(root_url)s || 'api/{collection}/' || encode(uuid_send({{}}), 'hex') || '/'"
    return Kind(f"to_json({path})::text", in_quotes=False)


class Column(NamedTuple):
    """A column of a row: its name on the wire, the name of its value inside, and how that is written.

    One that is `left_out` where it is null is not in the object then. `members` are the columns of the
    objects that OBJECTS lists, or of the one that OBJECT is.
    """

    name: str
    shows: str
    kind: Kind
    is_nullable: bool
    left_out: bool = False
    members: tuple["Column", ...] = ()


class Written(NamedTuple):
    """A value that was written before, in the way of its kind: once for many rows."""

    text: SQL


class Listed(NamedTuple):
    """The objects of one row in their order: a subquery with a place for {json}, and what they can show.

    For OBJECT it finds one, or none, which is null.
    """

    rows: SQL
    values: "Values"


Values = Mapping[str, "SQL | Written | Listed"]
"""The SQL of what a list can show, by names inside."""


def json_object(columns: Sequence[Column], values: Values) -> Composable:
    """Return the SQL of a JSON object of these columns, as one text called `json`."""
    members = [_member(column, values) for column in columns]
    template, texts = "".join(place for place, _ in members), [text for _, text in members]
    if any(column.left_out for column in columns):
        whole = SQL("format({})").format(SQL(", ").join([Literal(template), *texts]))
        return SQL("'{{' || substr({}, 2) || '}}' AS json").format(whole)
    return SQL("format({}) AS json").format(SQL(", ").join([Literal(f"{{{template[1:]}}}"), *texts]))


def _member(column: Column, values: Values) -> tuple[str, Composable]:
    """Return the place of a member, which begins with a comma, and its text."""
    place, text = _value(column, values)
    if not column.left_out:
        return f',"{column.name}":{place}', text
    return "%%s", SQL("coalesce({} || nullif({}, 'null'), '')").format(Literal(f',"{column.name}":'), text)


def _value(column: Column, values: Values) -> tuple[str, Composable]:
    """Return the place of a value in the object, and its text. In quotes only what is declared so is null."""
    text = _text(column, values)
    if not column.kind.in_quotes:
        return "%%s", SQL("coalesce({}, 'null')").format(text)
    if column.is_nullable:
        return "%%s", SQL("coalesce('\"' || {} || '\"', 'null')").format(text)
    return '"%%s"', text


def _text(column: Column, values: Values) -> Composable:
    if column.kind.is_constant:
        return SQL(column.kind.text)
    match values[column.shows]:
        case Written(text):
            return text
        case Listed(rows, of_members):
            objects = rows.format(json=json_object(column.members, of_members))
            return SQL("(SELECT {} FROM ({}) o)").format(SQL(column.kind.text).format(SQL("o.json")), objects)
        case value:
            return SQL(column.kind.text).format(value)
