"""What the columns of an export hold, by the schema of its rows: the declaration that JSON has, too."""

from collections.abc import Mapping, Sequence
from enum import Enum, auto
from typing import Any, NamedTuple

import orjson
from marshmallow import fields

from web.wire.responses.audit import Row
from web.wire.responses.columns import Decimal, Json, Link, Month, Number


class Holds(Enum):
    """What a column holds. In JSON all are strings but NUMBER, INTEGER, FLOAT, BOOLEAN and NESTED."""

    TEXT = auto()
    DECIMAL = auto()
    """An exact number with two decimals."""
    NUMBER = auto()
    """An exact number with the decimals that it needs."""
    INTEGER = auto()
    FLOAT = auto()
    BOOLEAN = auto()
    DATE = auto()
    MOMENT = auto()
    NESTED = auto()
    """An object or a list, which is its JSON text in an export."""


class Column(NamedTuple):
    """A column of an export. Its value may be null, or not be in a row."""

    name: str
    holds: Holds


OF_FIELDS: Sequence[tuple[type[fields.Field[Any]], Holds]] = (
    (Decimal, Holds.DECIMAL),
    (Number, Holds.NUMBER),
    (fields.Integer, Holds.INTEGER),
    (fields.Float, Holds.FLOAT),
    (fields.Boolean, Holds.BOOLEAN),
    (fields.Date, Holds.DATE),
    (fields.DateTime, Holds.MOMENT),
    *((kind, Holds.NESTED) for kind in (fields.List, fields.Nested, fields.Mapping, Json, Row)),
    *((kind, Holds.TEXT) for kind in (fields.String, fields.UUID, Link, Month)),
)
"""What fields hold. The first class counts that a field is of."""


def columns_of(members: Mapping[str, fields.Field[Any]]) -> list[Column]:
    """Return the columns of rows with these members. Raises StopIteration for a field that is not known."""
    return [Column(name, _holds(field)) for name, field in members.items()]


def _holds(field: fields.Field[Any]) -> Holds:
    if isinstance(field, fields.Constant):
        return _held_by_all(field.constant)
    return next(holds for kind, holds in OF_FIELDS if isinstance(field, kind))


def _held_by_all(value: object) -> Holds:
    """Return what a column holds that has the same value in every row."""
    match value:
        case bool():
            return Holds.BOOLEAN
        case int():
            return Holds.INTEGER
        case None | str():
            return Holds.TEXT
    assert orjson.dumps(value)[:1] in (b"{", b"["), "nothing else is declared"
    return Holds.NESTED
