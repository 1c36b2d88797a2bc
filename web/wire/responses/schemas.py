"""The two kinds of schemas that answers have, and how one is declared."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any, TypeVar, cast

from marshmallow import Schema
from marshmallow.fields import Field

from projections.queries.json_columns import Column
from web.wire.responses.columns import ColumnField, Link, Objects

S = TypeVar("S", bound=Schema)
Members = dict[str, Field[Any]]


class ObjectSchema(Schema):
    """An object that Python writes."""

    @cached_property
    def _members(self) -> list[tuple[str, str]]:
        return [(name, field.attribute or name) for name, field in self.dump_fields.items()]

    def write(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return what `dump` would, ten times as fast, of values that orjson writes as their fields would."""
        return {name: values[shown] for name, shown in self._members}


class RowSchema(Schema):
    """A row of a list, which PostgreSQL writes.

    `all_if_unknown`: where `?field=` names unknown columns only, all are shown, and not none.
    """

    all_if_unknown = True

    @cached_property
    def columns(self) -> list[Column]:
        """Return the columns as PostgreSQL has to know them."""
        fields = cast("dict[str, ColumnField]", self.dump_fields)
        return [
            Column(name, field.attribute or name, field.kind, field.allow_none, field.left_out, field.members)
            for name, field in fields.items()
        ]

    @cached_property
    def has_links(self) -> bool:
        """Return whether the parameter `root_url` is needed."""
        fields = self.dump_fields.values()
        return any(
            isinstance(field, Link) or (isinstance(field, Objects) and field.row.has_links)
            for field in fields
        )


def declare(base: type[S], name: str, /, **members: Any) -> S:
    """Return a schema with these members in this order; the description of the API knows it by its name."""
    return cast(S, type(name, (base,), members)())
