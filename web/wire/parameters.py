"""Parameters of query strings: the kinds of filters and orders, as Waldur reads them."""

import re
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from flask import request
from marshmallow import Schema, ValidationError, fields

from web.wire.body import LoadContext, Loading
from web.wire.errors import echo
from web.wire.fields import FALSE, TRUE, moment_of, uuid_of
from web.wire.urls import RESOURCE_PATH, path_of

DATE_FORMATS = (
    *("%Y-%m-%d", "%m/%d/%Y", "%m/%d/%y", "%b %d %Y", "%b %d, %Y", "%d %b %Y", "%d %b, %Y"),
    *("%B %d %Y", "%B %d, %Y", "%d %B %Y", "%d %B, %Y"),
)
NO_NUMBER_FITS = 10**9


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
