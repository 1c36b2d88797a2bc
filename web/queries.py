"""Query strings: filters, ordering, sparse fieldsets and pages, as the reference reads them."""

import re
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import unquote, urlencode, urlsplit
from uuid import UUID

from flask import Response, request
from marshmallow import EXCLUDE, Schema, ValidationError, fields, post_load

from ledger.months import start_of
from projections.lists import Listing
from web.auth import visible
from web.errors import detail
from web.fields import RESOURCE_PATH, uuid_of
from web.rendering import json_response
from web.services import services

PAGE_SIZE = 10
MAX_PAGE_SIZE = 300

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


class MonthFilter(fields.Field[date]):
    """A month, written YYYY-MM or with any of its days, as the first of them."""

    def _deserialize(self, value: str, attr: str | None, data: Any, **kwargs: Any) -> date:
        match = re.fullmatch(r"(\d{4})-(\d{1,2})(?:-(\d{1,2}))?", value.strip())
        try:
            year, month, day = map(int, match.groups("1") if match else ())
            return date(year, month, day).replace(day=1)
        except ValueError:
            raise ValidationError("Enter a valid date.") from None


class NumberFilter(fields.Field[int]):
    """A whole number; clients send floats, and decimals are cut off."""

    def _deserialize(self, value: str, attr: str | None, data: Any, **kwargs: Any) -> int:
        try:
            number = Decimal(value.strip())
        except InvalidOperation:
            number = Decimal("NaN")
        if not number.is_finite() or "_" in value:
            raise ValidationError("Enter a number.")
        return int(number) if abs(number) < NO_NUMBER_FITS else NO_NUMBER_FITS


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
        try:
            match = RESOURCE_PATH.fullmatch(unquote(urlsplit(value).path))
        except ValueError:
            return None
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
    return f"Select a valid choice. {choice} is not one of the available choices."


class UsageQuery(Schema):
    """The filters that lists of component usages and of user usages share."""

    class Meta:
        unknown = EXCLUDE

    resource = ResourceUrlFilter()
    resource_uuid = UuidFilter()
    offering_uuid = UuidFilter()
    project_uuid = UuidFilter()
    customer_uuid = UuidFilter()
    type = TextFilter(attribute="component_type")
    billing_period_year = NumberFilter()
    billing_period_month = NumberFilter()
    date_after = DateFilter(attribute="measured_from")
    date_before = DateFilter(attribute="measured_before")
    o = Ordering({})

    @post_load
    def restrictions(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Days become moments of the ledger's zone, the second one inclusive; no resource is nothing."""
        zone = services().ledger.zone
        if "measured_from" in data:
            data["measured_from"] = start_of(data["measured_from"], zone)
        if day := data.get("measured_before"):
            data["measured_before"] = start_of(min(day, date.max - timedelta(1)) + timedelta(1), zone)
        if "resource" in data and data["resource"] is None:
            data["nothing"] = data.pop("resource")
        return data


def load_query(schema: Schema) -> tuple[dict[str, Any], list[tuple[str, bool]]]:
    """The restrictions and the order that the query asks for.

    An empty value is as good as none, and of a repeated parameter the last one counts, but for those
    that take many. Raises ValidationError by parameter.
    """
    given: dict[str, Any] = {}
    for name, field in schema.fields.items():
        values = request.args.getlist(name)
        if isinstance(field, ChoicesFilter):
            values = [value for value in values if value]
            if values:
                given[name] = values
        elif values and values[-1]:
            given[name] = values[-1]
    restrictions: dict[str, Any] = schema.load(given)
    return restrictions, restrictions.pop("o", [])


def page(listing: Listing, query: Schema, row: Schema) -> Response:
    """The page of a list that the request asks for, with what is on other pages in the headers."""
    restrictions, order = load_query(query)
    scopes = visible()
    size = _page_size()
    with services().reading() as cursor:
        total = listing.count(cursor, restrictions, scopes)
        last = max(1, -(-total // size))
        number = _page_number(last)
        if number is None:
            return detail("Invalid page.", 404)
        rows = listing.select(cursor, restrictions, scopes, order, size, (number - 1) * size)
    response = json_response(row.dump(rows, many=True))
    response.headers["X-Result-Count"] = str(total)
    response.headers["Link"] = _links(number, last)
    return response


def _page_size() -> int:
    wanted = _whole_number(last_of("page_size"))
    return min(wanted, MAX_PAGE_SIZE) if wanted and wanted > 0 else PAGE_SIZE


def _page_number(last: int) -> int | None:
    """The number of the page that is asked for, None if there is no such page."""
    wanted = last_of("page") or "1"
    number = last if wanted == "last" else _whole_number(wanted)
    return number if number and 1 <= number <= last else None


def last_of(name: str) -> str:
    """The value of a parameter, the last one if it is repeated; empty if there is none."""
    return (request.args.getlist(name) or [""])[-1]


def _whole_number(text: str) -> int | None:
    try:
        return int(text)
    except ValueError:
        return None


def _links(number: int, last: int) -> str:
    pages = {"first": 1, "prev": number - 1, "next": number + 1, "last": last}
    return ", ".join(
        f'<{_url_of_page(page)}>; rel="{rel}"' for rel, page in pages.items() if 1 <= page <= last
    )


def _url_of_page(number: int) -> str:
    """This request's URL with another page. No raw comma may be in it: clients split the header there."""
    query = [(key, value) for key, value in request.args.items(multi=True) if key != "page"]
    if number > 1:
        query.append(("page", str(number)))
    encoded = urlencode(sorted(query, key=lambda each: each[0]))
    return f"{request.base_url}?{encoded}" if encoded else request.base_url


def fields_asked_for() -> set[str]:
    """The columns that `?field=a&field=b` names; none means all."""
    return set(filter(None, request.args.getlist("field")))
