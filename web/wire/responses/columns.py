"""The types of columns: how Python dumps a value as JSON, and the kind by which PostgreSQL writes the same.

`attribute` names the value inside. Both ways give the same bytes: `tests/projections/test_rows_as_json.py`
compares them.
"""

import json
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, LiteralString
from uuid import UUID

import orjson
from marshmallow import fields
from marshmallow.validate import OneOf

from projections.queries.json_columns import (
    ARRAY,
    EXACT,
    HEX,
    JSON,
    MOMENT,
    MONTH,
    NUMBER,
    OBJECT,
    OBJECTS,
    PLAIN,
    TEXT,
    ZULU,
    Column,
    Kind,
    constant,
    link,
)

if TYPE_CHECKING:
    from web.wire.responses.schemas import RowSchema


class ColumnField(fields.Field[Any]):
    """A field that PostgreSQL can write, too."""

    kind: Kind
    members: tuple[Column, ...] = ()
    """The columns of the objects that the value is a list of."""
    left_out = False
    """Is a null left out of the object?"""


class Text(fields.String, ColumnField):
    """Any string."""

    kind = TEXT


class Word(fields.String, ColumnField):
    """One of some words, in which nothing has to be escaped."""

    kind = PLAIN

    def __init__(self, words: tuple[str, ...], **kwargs: Any) -> None:
        super().__init__(validate=OneOf(words), **kwargs)


class Hex(fields.UUID, ColumnField):
    """A uuid as 32 hex digits."""

    kind = HEX

    def _serialize(self, value: UUID | None, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else value.hex


class HexIfAny(Hex):
    """A uuid as 32 hex digits. Clients take no null for it: without one the key is left out."""

    left_out = True

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(allow_none=True, **kwargs)


class Moment(fields.AwareDateTime, ColumnField):
    """A time in UTC, ISO 8601 with `+00:00`: microseconds with all of their digits or none."""

    kind = MOMENT

    def _serialize(self, value: datetime | None, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return super()._serialize(value and value.astimezone(UTC), attr, obj, **kwargs)


class Zulu(fields.AwareDateTime, ColumnField):
    """A time in UTC to the second, ISO 8601 with `Z`."""

    kind = ZULU

    def _serialize(self, value: datetime | None, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return value and f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


class Date(fields.Date, ColumnField):
    """A day, `YYYY-MM-DD`."""

    kind = PLAIN


class Month(ColumnField):
    """A month, `YYYY-MM`. The value is its first day."""

    kind = MONTH

    def _serialize(self, value: date | None, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else value.isoformat()[:7]

    def _deserialize(self, value: str, attr: str | None, data: Any, **kwargs: Any) -> date:
        return date.fromisoformat(f"{value}-01")


class Decimal(fields.Decimal, ColumnField):
    """An exact number with two decimals, as a string."""

    kind = PLAIN

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(places=2, as_string=True, **kwargs)


class Integer(fields.Integer, ColumnField):
    kind = NUMBER


class Number(fields.Raw, ColumnField):
    """An exact number with the decimals that it needs."""

    kind = EXACT


class Json(fields.Raw, ColumnField):
    """JSON as PostgreSQL writes it, with a space after each comma and colon."""

    kind = JSON

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> orjson.Fragment:
        return orjson.Fragment(json.dumps(value, ensure_ascii=False))


class Boolean(fields.Boolean, ColumnField):
    kind = NUMBER


class Constant(fields.Constant[Any], ColumnField):
    """The same JSON in every row."""

    def __init__(self, json: LiteralString) -> None:
        super().__init__(orjson.loads(json))
        self.kind = constant(json)


class Empty(Constant):
    """An empty string: the ledger has no value for this column."""

    def __init__(self) -> None:
        super().__init__('""')


class Integers(fields.List[Any], ColumnField):
    """A list of whole numbers."""

    kind = ARRAY

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(fields.Integer(), **kwargs)


class Texts(fields.List[Any], ColumnField):
    """A list of strings."""

    kind = ARRAY

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(fields.String(), **kwargs)


class Object(fields.Nested, ColumnField):
    """An object, written as a row of the other schema is, or null."""

    kind = OBJECT

    def __init__(self, row: "RowSchema", **kwargs: Any) -> None:
        super().__init__(row, **kwargs)
        self.row, self.members = row, tuple(row.columns)


class Objects(fields.List[Any], ColumnField):
    """A list of objects, each of them written as a row of the other schema is."""

    kind = OBJECTS

    def __init__(self, row: "RowSchema", **kwargs: Any) -> None:
        super().__init__(fields.Nested(row), **kwargs)
        self.row, self.members = row, tuple(row.columns)


class Link(ColumnField):
    """The URL of the object with this uuid, in a collection of the API where the client came in.

    `root_url` is a value beside those of the row.
    """

    def __init__(self, collection: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.collection, self.kind = collection, link(collection)

    def _serialize(self, value: UUID | None, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else f"{obj['root_url']}api/{self.collection}/{value.hex}/"
