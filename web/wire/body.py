"""Request bodies: from bytes to plain values. Numbers with a point become Decimals, never floats."""

import json
import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, tzinfo
from decimal import Context as Precision
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

import orjson
from flask import request
from marshmallow import EXCLUDE, RAISE, Schema, ValidationError
from marshmallow.decorators import POST_LOAD, VALIDATES_SCHEMA
from marshmallow.experimental.context import Context
from marshmallow.fields import Field
from msgspec import Struct
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import LengthRequired, RequestEntityTooLarge

from ledger.domain.catalogue import PlanPeriod
from ledger.domain.metering import MeteredResource
from web.request.deadline import note_received
from web.wire.bounds import check_fields, check_values, lines_of
from web.wire.errors import MalformedBody, UnsupportedMediaType

NON_FIELD = "non_field_errors"
LINES = ("application/x-ndjson", "application/ndjson", "application/jsonl")
TOO_DEEP = "JSON parse error - nested too deeply"
ENCODED = "application/x-www-form-urlencoded"
FORMS = (ENCODED, "multipart/form-data")

Pairs = list[tuple[str, Any]]
Known = defaultdict[Field[Any], dict[str, Any]]
"""What texts were loaded as before, by field: the many items of a request say many things again."""


class Found(Struct, frozen=True, kw_only=True):
    """The objects that the uuids in a request name, those of them that exist, by uuid."""

    resources: Mapping[UUID, MeteredResource] = {}
    version: tuple[int, int] = (0, 0)
    """The version of the catalogue that `resources` were read at or after."""
    plan_periods: Mapping[UUID, PlanPeriod] = {}
    usages: Mapping[UUID, Mapping[str, Any]] = {}
    """The component usages that the caller may see: what each is of, and whose."""
    offering_users: Collection[UUID] = ()


class LoadContext(Struct, frozen=True, kw_only=True):
    """What the fields of a body need besides its text."""

    zone: tzinfo
    now: datetime
    found: Found = Found()


class Loading(Context[LoadContext]):
    """Hands a LoadContext to the fields, as marshmallow passes no parameter of ours on to them."""


class Body(Schema):
    """A request body, or an item of one. Keys that nobody knows are ignored, unless a subclass says else."""

    class Meta:
        unknown = EXCLUDE

    def __init__(self) -> None:
        super().__init__()
        self._checks = [getattr(self, name) for name, *_ in self._hooks[VALIDATES_SCHEMA]]
        ((name, *_),) = self._hooks[POST_LOAD]
        self._made = getattr(self, name)

    def load(self, data: Any, *, known: Known | None = None, **options: Any) -> Any:
        """As marshmallow's, in a fraction of the time where nothing is wrong. What is wrong it words."""
        try:
            return self.well_formed(data, Known(dict) if known is None else known)
        except ValidationError:
            return super().load(data, **options)

    def well_formed(self, data: Mapping[str, Any], known: Known) -> Any:
        """What marshmallow makes of data without an error. Raises a ValidationError of no meaning."""
        values = {}
        for name, field in self.load_fields.items():
            if name in data:
                values[field.attribute or name] = _value(field, data[name], known)
            elif field.required:
                raise ValidationError(name)
        if self.unknown == RAISE and len(values) < len(data):
            raise ValidationError("unknown")
        for check in self._checks:
            check(values)
        return self._made(values)

    def handle_error(self, error: ValidationError, data: Any, *, many: bool, **kwargs: Any) -> None:
        """Errors of a whole object go by the reference's name for it."""
        if isinstance(error.messages, dict) and "_schema" in error.messages:
            error.messages[NON_FIELD] = error.messages.pop("_schema")


def _value(field: Field[Any], value: Any, known: Known) -> Any:
    if type(value) is not str:
        return field.deserialize(value)
    texts = known[field]
    if value not in texts:
        texts[value] = field.deserialize(value)
    return texts[value]


def read_object(listed: str) -> dict[str, Any]:
    """Return the body of the request, an object. Errors about its size are of the field `listed`.

    Raises MalformedBody, UnsupportedMediaType, ValidationError, Busy, and RecursionError for JSON that is
    nested too deeply.
    """
    body = _parsed(listed)
    if body is None:
        raise ValidationError({NON_FIELD: ["No data provided"]})
    if not isinstance(body, dict):
        raise ValidationError({NON_FIELD: [not_a_dictionary(body)]})
    return body


def not_a_dictionary(value: Any) -> str:
    return f"Invalid data. Expected a dictionary, but got {type_name(value)}."


def type_name(value: Any) -> str:
    """The type that a JSON value has for our clients, who know nothing of Decimals."""
    return "float" if isinstance(value, Decimal) else type(value).__name__


def read_items() -> list[Any]:
    """Return the items of a body that is a list: a JSON array, or JSON line by line.

    A line that can't be read, and an object that says something twice, is a MalformedBody in its place.
    Raises MalformedBody for an array, UnsupportedMediaType, ValidationError, Busy.
    """
    data = body_bytes()
    if request.mimetype in LINES:
        _refuse_chunks()
        lines = lines_of(data)
        check_values(data, NON_FIELD, items=len(lines))
        return [json_line(line) for line in lines]
    if request.mimetype != "application/json":
        raise UnsupportedMediaType(request.content_type or "")
    check_values(data, NON_FIELD)
    items = json_line(data) if data else None
    if isinstance(items, MalformedBody):
        raise items
    if not isinstance(items, list):
        raise ValidationError({NON_FIELD: [not_a_list(items)]})
    return items


def json_line(data: bytes) -> Any:
    """The values of a JSON text, or a MalformedBody."""
    try:
        return from_json(data, once)
    except MalformedBody as malformed:
        return MalformedBody(str(malformed))  # without all that led to it, which would be kept for each line
    except RecursionError:
        return MalformedBody(TOO_DEEP)


def not_a_list(value: Any) -> str:
    return f'Expected a list of items but got type "{type_name(value)}".'


def _parsed(listed: str) -> Any:
    """The values of the body. What is too much is said of the field `listed`."""
    if request.mimetype in FORMS:
        _refuse_chunks()
        if request.mimetype == ENCODED:  # of the other kind werkzeug takes a thousand parts
            check_fields(body_bytes(), listed)
        form = request.form
        note_received()
        return from_form(form)
    data = body_bytes()
    if not data:
        return {}
    if request.mimetype != "application/json":
        raise UnsupportedMediaType(request.content_type or "")
    check_values(data, listed)
    return from_json(data)


def _refuse_chunks() -> None:
    """Chunks that were cut off look whole to us: half a form is a form, and half of the lines are lines."""
    if "Transfer-Encoding" in request.headers:
        raise LengthRequired


def body_bytes() -> bytes:
    """The body as it came. Raises RequestEntityTooLarge."""
    data = request.get_data()
    note_received()
    if request.content_length is None and len(data) >= (request.max_content_length or math.inf):
        raise RequestEntityTooLarge  # of a chunked body nobody knew the length, and only so much was read
    return data


def from_json(data: bytes, made: Callable[[Pairs], Any] | None = None) -> Any:
    """Values of a JSON text, which orjson judges: its strictness and its messages are the wire's.

    `made` is what becomes of an object; of keys that are there twice the last one counts without it.
    """
    try:
        orjson.loads(data)
        return json.loads(data, parse_float=_decimal, parse_int=_integer, object_pairs_hook=made)
    except orjson.JSONDecodeError as error:
        raise MalformedBody(f"JSON parse error - {error}") from None
    except InvalidOperation:
        raise MalformedBody("JSON parse error - a number's exponent is out of range") from None


def once(pairs: Pairs) -> Any:
    """An object of JSON, or a MalformedBody if nobody knows which of its values is meant."""
    values = dict(pairs)
    if len(values) == len(pairs):
        return values
    twice = next(name for name, number in Counter(name for name, _ in pairs).items() if number > 1)
    return MalformedBody(f"The key {json.dumps(twice[:100])} is there more than once.")


def _decimal(literal: str) -> Decimal:
    """Exactly the number that was written; trailing zeros of a JSON number say nothing (5.000 is 5)."""
    return Decimal(literal).normalize(Precision(prec=len(literal)))


def _integer(literal: str) -> int | Decimal:
    return int(literal) if len(literal) < 100 else Decimal(literal)


def from_form(form: MultiDict[str, str]) -> dict[str, Any]:
    """Values of a form. Lists of objects are written `usages[0]type=cpu&usages[0]amount=5`."""
    values: dict[str, Any] = {}
    lists: dict[str, dict[int, dict[str, str]]] = {}
    for key, value in form.items():
        if match := re.fullmatch(r"(\w+)\[(\d{1,6})\][.\[]?(\w+)\]?", key):
            name, index, field = match.groups()
            lists.setdefault(name, {}).setdefault(int(index), {})[field] = value
        else:
            values[key] = form.getlist(key)[-1]
    return values | {name: [items[index] for index in sorted(items)] for name, items in lists.items()}
