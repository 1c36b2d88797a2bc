"""Loads well-formed objects in a fraction of marshmallow's time.

marshmallow keeps account of every field for the errors that it may have to tell, and most objects have none.
So an object is loaded here first, field by field; where anything is wrong, marshmallow loads it again and
finds the words.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from marshmallow import RAISE, ValidationError
from marshmallow.fields import Field

FieldCache = defaultdict[Field[Any], dict[str, Any]]
"""Loaded values by field and text: the many items of a request repeat many texts."""


class FastSchema(Protocol):
    """A schema that declares what is done with its values once they are loaded: `checks`, then `build`."""

    load_fields: dict[str, Field[Any]]
    unknown: Any

    @property
    def checks(self) -> Sequence[Callable[[dict[str, Any]], None]]:
        """Return functions that raise ValidationError if values don't go together."""

    def build(self, values: dict[str, Any]) -> Any:
        """Return the object that values are of."""


def load_well_formed(schema: FastSchema, data: Mapping[str, Any], cache: FieldCache) -> Any:
    """Return the object that marshmallow loads from data, if data has no error.

    Raises some ValidationError if it has one: its messages are not those of marshmallow.
    """
    values = {}
    for name, field in schema.load_fields.items():
        if name in data:
            values[field.attribute or name] = _value(field, data[name], cache)
        elif field.required:
            raise ValidationError(name)
    if schema.unknown == RAISE and len(values) < len(data):
        raise ValidationError("unknown")
    for check in schema.checks:
        check(values)
    return schema.build(values)


def _value(field: Field[Any], value: Any, cache: FieldCache) -> Any:
    if type(value) is not str:
        return field.deserialize(value)
    values = cache[field]
    if value not in values:
        values[value] = field.deserialize(value)
    return values[value]
