"""Parameters of query strings: the kinds of filters and orders, as Waldur reads them, and who takes which."""

import re
from collections.abc import Callable, Collection, Iterable
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from typing import Any, NamedTuple, ParamSpec
from urllib.parse import quote
from uuid import UUID

from flask import Response, request
from marshmallow import Schema, ValidationError, fields

from web.wire.body import LONGEST_HINTED, MOST_HINTS, LoadContext, Loading, unknown
from web.wire.errors import echo
from web.wire.fields import FALSE, TRUE, moment_of, uuid_of
from web.wire.rendering import DECLARED
from web.wire.urls import RESOURCE_PATH, path_of

DATE_FORMATS = (
    *("%Y-%m-%d", "%m/%d/%Y", "%m/%d/%y", "%b %d %Y", "%b %d, %Y", "%d %b %Y", "%d %b, %Y"),
    *("%B %d %Y", "%B %d, %Y", "%d %B %Y", "%d %B, %Y"),
)
NO_NUMBER_FITS = 10**9

OF_EVERY_GET = {"min_position"}
OURS = {"as_of", "format", "min_position"}
LIKENESS = 0.75
"""How much a name has to be like one of these to be taken for it: 1 is the same."""

MOST_NAMED = 20
"""How many unknown parameters a header names."""

P = ParamSpec("P")


class UuidFilter(fields.Field[UUID]):
    def _deserialize(self, value: str, attr: str | None, data: Any, **kwargs: Any) -> UUID:
        if (uuid := uuid_of(value.strip())) is None:
            raise ValidationError("Enter a valid UUID.")
        return uuid


class TextFilter(fields.Field[str]):
    def _deserialize(self, value: str, attr: str | None, data: Any, **kwargs: Any) -> str:
        if "\x00" in value:
            raise ValidationError("Null characters are not allowed.")
        return value


class DateFilter(fields.Field[date]):
    def _deserialize(self, value: str, attr: str | None, data: Any, **kwargs: Any) -> date:
        for each in DATE_FORMATS:
            try:
                return datetime.strptime(value.strip(), each).date()
            except ValueError:
                continue
        raise ValidationError("Enter a valid date.")


class MomentFilter(fields.Field[datetime]):
    """A date with or without time, in the ledger's zone if it names no offset."""

    def _deserialize(self, value: str, attr: str | None, data: Any, **kwargs: Any) -> datetime:
        try:
            return moment_of(value.strip(), Loading.get().zone)
        except ValueError:
            raise ValidationError("Enter a valid date/time.") from None


class MonthFilter(fields.Field[date]):
    """A month, written YYYY-MM or with any of its days, as the first of them."""

    def _deserialize(self, value: str, attr: str | None, data: Any, **kwargs: Any) -> date:
        match = re.fullmatch(r"(\d{4})-(\d{1,2})(?:-(\d{1,2}))?", value.strip())
        try:
            year, month, day = map(int, match.groups("1") if match else ())
            return date(year, month, day).replace(day=1)
        except ValueError:
            raise ValidationError("Enter a valid date.") from None


class PlainMonthFilter(fields.Field[date]):
    """A month, written YYYY-MM and in no other way, as the first of its days. `no_month` may show {value}."""

    def __init__(self, no_month: str, not_in_year: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.no_month, self.not_in_year = no_month, not_in_year

    def _deserialize(self, value: str, attr: str | None, data: Any, **kwargs: Any) -> date:
        match = re.fullmatch(r"([0-9]{4})-([0-9]{1,2})", value.strip())
        year, month = map(int, match.groups()) if match else (0, 0)
        if year < date.min.year:
            raise ValidationError(self.no_month.format(value=echo(value)))
        if not 1 <= month <= 12:
            raise ValidationError(self.not_in_year.format(value=echo(value)))
        return date(year, month, 1)


class NumberFilter(fields.Field[int]):
    """A whole number; clients send floats, and decimals are cut off. What is out of bounds is at a bound."""

    def __init__(self, most: int = NO_NUMBER_FITS, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.most = most

    def _deserialize(self, value: str, attr: str | None, data: Any, **kwargs: Any) -> int:
        try:
            number = Decimal(value.strip())
        except InvalidOperation:
            number = Decimal("NaN")
        if not number.is_finite() or "_" in value:
            raise ValidationError("Enter a number.")
        return int(max(Decimal(-self.most), min(number, Decimal(self.most))))


class BooleanFilter(fields.Field[bool]):
    def _deserialize(self, value: str, attr: str | None, data: Any, **kwargs: Any) -> bool:
        word = value.strip().lower()
        if word not in TRUE | FALSE:
            raise ValidationError(not_available(value))
        return word in TRUE


class AnyFilter(fields.Field[list[Any]]):
    """Any of the values of a repeated parameter, each as `inner` reads it."""

    def __init__(self, inner: fields.Field[Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.inner = inner

    def _deserialize(self, value: list[str], attr: str | None, data: Any, **kwargs: Any) -> list[Any]:
        return [self.inner.deserialize(each) for each in value]


class ChoicesFilter(fields.Field[list[str]]):
    """Any of the values of a repeated parameter."""

    def __init__(self, choices: tuple[str, ...], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.choices = choices

    def _deserialize(self, value: list[str], attr: str | None, data: Any, **kwargs: Any) -> list[str]:
        for each in value:
            if each not in self.choices:
                raise ValidationError(not_available(each))
        return value


class ResourceUrlFilter(fields.Field[UUID | None]):
    """The URL of a resource, of which only the path counts; None for anything else, which finds nothing."""

    def _deserialize(self, value: str, attr: str | None, data: Any, **kwargs: Any) -> UUID | None:
        match = RESOURCE_PATH.fullmatch(path_of(value))
        return uuid_of(match[1]) if match else None


class Ordering(fields.Field[list[tuple[str, bool]]]):
    """Comma-separated keys, each with a minus to descend, as pairs of (inner name, descending)."""

    def __init__(self, keys: dict[str, str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.keys = keys

    def _deserialize(self, value: str, attr: str | None, data: Any, **kwargs: Any) -> list[tuple[str, bool]]:
        order = []
        for key in filter(None, (each.strip() for each in value.split(","))):
            if key.removeprefix("-") not in self.keys:
                raise ValidationError(not_available(key))
            order.append((self.keys[key.removeprefix("-")], key.startswith("-")))
        return order


class LenientOrdering(Ordering):
    """Drops keys that nobody knows."""

    def _deserialize(self, value: str, attr: str | None, data: Any, **kwargs: Any) -> list[tuple[str, bool]]:
        known = (key for key in value.split(",") if key.strip().removeprefix("-") in self.keys)
        return super()._deserialize(",".join(known), attr, data, **kwargs)


def not_available(choice: str) -> str:
    return f"Select a valid choice. {echo(choice)} is not one of the available choices."


def load_query(schema: Schema, context: LoadContext) -> tuple[dict[str, Any], list[tuple[str, bool]]]:
    """Return the restrictions and the order that the query asks for; `context` has zone and time.

    An empty value is as good as none, and of a repeated parameter the last one counts, but for those
    that take many. Raises ValidationError by parameter.
    """
    given: dict[str, Any] = {}
    for name, values in request.args.lists():
        if isinstance(schema.fields.get(name), ChoicesFilter | AnyFilter):
            given[name] = [value for value in values if value]
        else:
            given[name] = values[-1]
    with Loading(context):
        restrictions: dict[str, Any] = schema.load({name: value for name, value in given.items() if value})
    return restrictions, restrictions.pop("o", [])


def last_of(name: str) -> str:
    """Return the value of a parameter, the last one if it is repeated; empty if there is none."""
    return (request.args.getlist(name) or [""])[-1]


class Taken(NamedTuple):
    """The parameters that a view reads, the columns that one of them may name, and schemas of some."""

    names: frozenset[str]
    columns: frozenset[str]
    schemas: tuple[Schema, ...] = ()


TAKEN: dict[Callable[..., Any], Taken] = {}

NOTHING = Taken(frozenset(), frozenset())

OF_EVERY_LIST = {"format"}


def takes(
    *taken: str | Schema, columns: Iterable[str] | None = None
) -> Callable[[Callable[P, Response]], Callable[P, Response]]:
    """Return a decorator that declares which parameters a view reads, besides those that every GET may have.

    They are told by name or by their schema. With `columns` there is one more, `field`, which names some.
    """
    schemas = tuple(each for each in taken if isinstance(each, Schema))
    names = {each for each in taken if isinstance(each, str)} | ({"field"} if columns is not None else set())
    names.update(field.data_key or name for each in schemas for name, field in each.fields.items())
    declared = Taken(frozenset(names), frozenset(columns or ()), schemas)

    def declare(view: Callable[P, Response]) -> Callable[P, Response]:
        TAKEN[view] = declared
        return view

    return declare


def is_taken(name: str, view: Callable[..., Any]) -> bool:
    """Return whether a view reads a parameter."""
    return name in taken_by(view).names


def taken_by(view: Callable[..., Any]) -> Taken:
    """Return what a view reads: what it declares, and of lists also the form that is asked for."""
    taken = TAKEN.get(view, NOTHING)
    if view in DECLARED and DECLARED[view].is_list:
        return taken._replace(names=taken.names | OF_EVERY_LIST)
    return taken


class Strangers(NamedTuple):
    """What a query has that its view does not read."""

    names: list[str]
    columns: list[str]
    taken: Taken
    ignored: Collection[str]
    """Names that Waldur reads."""

    def __str__(self) -> str:
        """Return them as a header: in ASCII, and of a bounded length, whatever a client sends."""
        words = [*map(_word, self.names), *(f"field={_word(column)}" for column in self.columns)]
        more = [f"{len(words) - MOST_NAMED} more"] if len(words) > MOST_NAMED else []
        return ", ".join(words[:MOST_NAMED] + more)

    def check(self) -> None:
        """Raise ValidationError, by name, if there are any."""
        told = {name: [self._told("parameter", name, place)] for place, name in enumerate(self.names)}
        if self.columns:
            told["field"] = [self._told("column", name, place) for place, name in enumerate(self.columns)]
        if told:
            raise ValidationError(told)

    def check_misspelt(self) -> None:
        """Raise ValidationError for parameters that look like ours, as none of Waldur's does.

        Without it the answer would be that of now, and look as if it were that of then.
        """
        if told := {
            name: [self._told("parameter", name, 0)]
            for name in self.names
            if name not in OURS and name not in self.ignored and _is_like_ours(name)
        }:
            raise ValidationError(told)

    def _told(self, kind: str, name: str, place: int) -> str:
        if kind == "parameter" and name in self.ignored:
            return "Is one of Waldur's, and ignored here."
        known = self.taken.columns if kind == "column" else self.taken.names
        return unknown(kind, name, known, is_hinted=place < MOST_HINTS)


def _is_like_ours(name: str) -> bool:
    plain = re.sub("[-_ ]", "", name).lower()
    return bool(get_close_matches(plain, [each.replace("_", "") for each in OURS], cutoff=LIKENESS))


def _word(name: str) -> str:
    return quote(name[:LONGEST_HINTED], safe="") or '""'


def strangers(view: Callable[..., Any] | None, ignored: Collection[str]) -> Strangers:
    """Return what the query of the request has that this view does not read, and Waldur may."""
    taken = taken_by(view) if view else NOTHING
    if request.method in ("GET", "HEAD"):
        taken = taken._replace(names=taken.names | OF_EVERY_GET)
    names = [name for name in request.args if name not in taken.names]
    asked = dict.fromkeys(filter(None, request.args.getlist("field"))) if "field" in taken.names else {}
    return Strangers(names, [name for name in asked if name not in taken.columns], taken, ignored)
