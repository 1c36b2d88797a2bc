"""Request bodies: from bytes to plain values, and from those, by a schema, to objects of the ledger.

Numbers with a point become Decimals, never floats. Schemas look nothing up: zone, time and the objects that a
body names are handed to them, as marshmallow's Context.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, tzinfo
from decimal import Context as Precision
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from functools import lru_cache
from typing import Any, ClassVar
from uuid import UUID

import orjson
from marshmallow import EXCLUDE, RAISE, Schema, ValidationError, post_load, validates_schema
from marshmallow.experimental.context import Context
from msgspec import Struct
from werkzeug.datastructures import MultiDict

from ledger.domain.catalogue import Component, PlanPeriod
from ledger.domain.metering import MeteredResource
from web.fast.loader import FieldCache, load_well_formed
from web.wire.errors import MalformedBody

NON_FIELD = "non_field_errors"
TOO_DEEP = "JSON parse error - nested too deeply"

MOST_HINTS = 5
MOST_TOLD = 1_000
LONGEST_HINTED = 50
"""In characters: to look for what was meant takes longer than the rest of a request that means no good."""

Pairs = list[tuple[str, Any]]


class Found(Struct, frozen=True, kw_only=True):
    """The objects that the uuids in a request name, those of them that exist, by uuid."""

    resources: Mapping[UUID, MeteredResource] = {}
    version: tuple[int, ...] = ()
    """The version of the catalogue that `resources` were read at or after."""
    components: Mapping[UUID, Component] = {}
    plan_periods: Mapping[UUID, PlanPeriod] = {}
    usages: Mapping[UUID, Mapping[str, Any]] = {}
    """The component usages that the caller may see: what each is of, and whose."""
    offering_users: Collection[UUID] = ()
    offerings: Mapping[UUID, Mapping[str, Any]] = {}
    """Those that the caller may see as a provider, each with its `provider_uuid`."""


class LoadContext(Struct, frozen=True, kw_only=True):
    """What the fields of a body need besides its text. `token` is the request's, in lower case."""

    zone: tzinfo
    now: datetime
    found: Found = Found()
    token: str = ""


class Loading(Context[LoadContext]):
    """Hands a LoadContext to the fields, as marshmallow passes no parameter of ours on to them."""


Check = Callable[[dict[str, Any]], None]


class Body(Schema):
    """A request body, or an item of one. Unknown keys are ignored, unless a subclass says otherwise."""

    class Meta:
        unknown = EXCLUDE

    checks: ClassVar[tuple[Check, ...]] = ()
    """Functions that raise ValidationError if loaded values don't go together."""

    def build(self, values: dict[str, Any]) -> Any:
        """Return the object that loaded values are of."""
        return values

    def load(self, data: Any, *, cache: FieldCache | None = None, **options: Any) -> Any:
        """Return the object that data is of; `cache` is of the request. Raises ValidationError."""
        try:
            return load_well_formed(self, data, FieldCache(dict) if cache is None else cache)
        except ValidationError:
            return super().load(data, **options)

    @validates_schema
    def run_checks(self, data: dict[str, Any], **_: Any) -> None:
        messages: dict[str, Any] = {}
        for check in self.checks:
            try:
                check(data)
            except ValidationError as error:
                told = error.messages
                messages |= told if isinstance(told, dict) else {error.field_name: told}
        if messages:
            raise ValidationError(messages)

    @post_load
    def run_build(self, data: dict[str, Any], **_: Any) -> Any:
        return self.build(data)

    def handle_error(self, error: ValidationError, data: Any, *, many: bool, **kwargs: Any) -> None:
        """Tell errors of a whole object under Waldur's name for them."""
        if isinstance(error.messages, dict) and "_schema" in error.messages:
            error.messages[NON_FIELD] = error.messages.pop("_schema")


class StrictBody(Body):
    """An item that refuses unknown keys, each under its name: an ignored one may be a figure, or a date."""

    class Meta:
        unknown = RAISE

    known: Mapping[str, str] = {}
    """The keys of every kind of item, and what those are that this one does not have."""

    def handle_error(self, error: ValidationError, data: Any, *, many: bool, **kwargs: Any) -> None:
        super().handle_error(error, data, many=many, **kwargs)
        assert isinstance(error.messages, dict)
        of_strangers = data.keys() - self.load_fields.keys()
        others = {name: told for name, told in error.messages.items() if name not in of_strangers}
        error.messages = others | self.strangers(data)

    def strangers(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Return the errors of the keys that are not of this item, by key."""
        names = [name for name in data if name not in self.load_fields]
        told = {
            name: [self.known.get(name) or unknown("field", name, self.known, is_hinted=place < MOST_HINTS)]
            for place, name in enumerate(names[:MOST_TOLD])
        }
        if len(names) > MOST_TOLD:
            told[names[MOST_TOLD - 1]].append(f"So are {len(names) - MOST_TOLD} more.")
        return told


def unknown(kind: str, name: str, known: Collection[str], *, is_hinted: bool = True) -> str:
    """Return the error of an unknown field or parameter: it tells the likely name, or all that there are."""
    if not is_hinted:
        return f"Unknown {kind}."
    if not known:
        return f"Unknown {kind}. None is known here."
    meant = nearest(name, tuple(sorted(known))) if len(name) <= LONGEST_HINTED else None
    return f"Unknown {kind}. " + (
        f"Did you mean {meant}?" if meant else f"Known are {', '.join(sorted(known))}."
    )


@lru_cache(1_000)
def nearest(name: str, known: tuple[str, ...]) -> str | None:
    """Return the known name that is most like this one, in whatever case it is written."""
    return next(iter(get_close_matches(name.strip().lower(), known, 1)), None)


def not_a_dictionary(value: Any) -> str:
    return f"Invalid data. Expected a dictionary, but got {type_name(value)}."


def type_name(value: Any) -> str:
    """Return the name of a JSON value's type. Clients know nothing of Decimals."""
    return "float" if isinstance(value, Decimal) else type(value).__name__


def json_line(data: bytes) -> Any:
    """Return the values of a JSON text, or a MalformedBody."""
    try:
        return from_json(data, once)
    except MalformedBody as malformed:
        return MalformedBody(str(malformed))  # without all that led to it, which would be kept for each line
    except RecursionError:
        return MalformedBody(TOO_DEEP)


def not_a_list(value: Any) -> str:
    return f'Expected a list of items but got type "{type_name(value)}".'


def from_json(data: bytes, made: Callable[[Pairs], Any] | None = None) -> Any:
    """Return the values of a JSON text. Raises MalformedBody.

    orjson judges the text: its strictness and its messages are Waldur's. `made` makes an object of its pairs;
    without it the last value of a repeated key counts.
    """
    try:
        orjson.loads(data)
        return json.loads(data, parse_float=_decimal, parse_int=_integer, object_pairs_hook=made)
    except orjson.JSONDecodeError as error:
        raise MalformedBody(f"JSON parse error - {error}") from None
    except InvalidOperation:
        raise MalformedBody("JSON parse error - a number's exponent is out of range") from None


def to_send_on(data: bytes) -> Any:
    """Return the values of a JSON text for another one: amounts as texts, as floats would round them.

    Raises MalformedBody, also if a key is there more than once in an object.
    """
    from_json(data, only_once)
    return json.loads(data, parse_float=str, parse_int=_whole)


def _whole(literal: str) -> int | str:
    return int(literal) if len(literal) < len(str(2**63)) else literal


def once(pairs: Pairs) -> Any:
    """Return an object of JSON, or a MalformedBody if a key is there more than once."""
    values = dict(pairs)
    if len(values) == len(pairs):
        return values
    twice = next(name for name, number in Counter(name for name, _ in pairs).items() if number > 1)
    return MalformedBody(f"The key {json.dumps(twice[:100])} is there more than once.")


def only_once(pairs: Pairs) -> Any:
    """Return an object of JSON. Raises MalformedBody if a key is there more than once."""
    values = once(pairs)
    if isinstance(values, MalformedBody):
        raise values
    return values


def _decimal(literal: str) -> Decimal:
    """Return exactly the number that was written, without trailing zeros, which say nothing in JSON."""
    return Decimal(literal).normalize(Precision(prec=len(literal)))


def _integer(literal: str) -> int | Decimal:
    return int(literal) if len(literal) < 100 else Decimal(literal)


def from_form(form: MultiDict[str, str]) -> dict[str, Any]:
    """Return the values of a form. Lists of objects are written `usages[0]type=cpu&usages[0]amount=5`.

    Raises MalformedBody for a part without a name, which nobody would miss.
    """
    values: dict[str, Any] = {}
    lists: dict[str, dict[int, dict[str, str]]] = {}
    if None in form:  # what werkzeug names so
        raise MalformedBody("Form parse error - a part has no name")
    for key, value in form.items():
        if match := re.fullmatch(r"(\w+)\[(\d{1,6})\][.\[]?(\w+)\]?", key):
            name, index, field = match.groups()
            lists.setdefault(name, {}).setdefault(int(index), {})[field] = value
        else:
            values[key] = form.getlist(key)[-1]
    return values | {name: [items[index] for index in sorted(items)] for name, items in lists.items()}
