"""The filters of the lists that pages are made of. Months are written YYYY-MM."""

from datetime import date, timedelta
from typing import Any

from marshmallow import EXCLUDE, Schema, ValidationError, fields, post_load

from ledger.domain.months import month_of
from web.wire.audit.filters import DiffQuery
from web.wire.body import Loading
from web.wire.filters import NO_BILLING_PERIOD, MonthRangeQuery, containing
from web.wire.parameters import (
    BooleanFilter,
    Ordering,
    PlainMonthFilter,
    TextFilter,
    UuidFilter,
    not_available,
)

MOST_MONTHS = 60
MOST_GROUPS = 100
GROUPS = 8
"""Of a component, where a request does not say how many."""

GROUPINGS = ("resource", "project", "customer", "offering", "user", "component")
"""By what usages can be grouped."""


class ScopesQuery(Schema):
    """The filters of what there is to see; the order is by name, unless told otherwise."""

    class Meta:
        unknown = EXCLUDE

    name = TextFilter(attribute="name_part")
    customer_uuid = UuidFilter()
    provider_uuid = UuidFilter()
    o = Ordering({"name": "name"})

    @post_load
    def pattern(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Look for names that contain the part, whatever the case."""
        if part := data.get("name_part"):
            data["name_part"] = containing(part)
        return data


class ProjectsQuery(ScopesQuery):
    o = Ordering({name: name for name in ("name", "customer_name")})


class OfferingsQuery(ScopesQuery):
    o = Ordering({name: name for name in ("name", "provider_name")})


class GroupFilter(fields.Field[str]):
    """By what usages are grouped: one of these names."""

    def _deserialize(self, value: str, attr: str | None, data: Any, **kwargs: Any) -> str:
        if value not in GROUPINGS:
            raise ValidationError(f"{not_available(value)} There are {', '.join(GROUPINGS)}.")
        return value


class MostFilter(fields.Field[int]):
    """A whole number from 1 on, in digits, and not a larger one than MOST_GROUPS."""

    def _deserialize(self, value: str, attr: str | None, data: Any, **kwargs: Any) -> int:
        if value.isascii() and value.isdigit() and len(value) < 4 and 1 <= int(value) <= MOST_GROUPS:
            return int(value)
        raise ValidationError(f"Enter a whole number from 1 to {MOST_GROUPS}.")


class MonthlyUsagesQuery(MonthRangeQuery):
    """A range of months, both ends inclusive, without any the last 12; and whose usage it is about.

    Without `by_month` there is one sum of all of them.
    """

    group_by = GroupFilter()
    by_month = BooleanFilter()
    most = MostFilter()
    project_uuid = UuidFilter()
    customer_uuid = UuidFilter()
    offering_uuid = UuidFilter()
    provider_uuid = UuidFilter()
    resource_uuid = UuidFilter()
    type = TextFilter(attribute="component_type")

    @post_load
    def months(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Return all of it. Raises ValidationError for a range that is none, or too long a one."""
        ends = {name: data.pop(name) for name in ("start", "end") if name in data}
        found: dict[str, Any] = super().months(ends)
        if not ends:
            found["start"] = _month_after(found["start"])
        if _months_between(found["start"], found["end"]) >= MOST_MONTHS:
            message = f"No more than {MOST_MONTHS} months are answered at once."
            raise ValidationError({"non_field_errors": [message]})
        return {"group_by": "component", "most": GROUPS} | found | data


def _months_between(start: date, end: date) -> int:
    return 12 * (end.year - start.year) + end.month - start.month


def _month_after(month: date) -> date:
    return (month + timedelta(31)).replace(day=1)


def _month_before(month: date) -> date:
    """Return the month before; the first one that there is has itself."""
    return (month - timedelta(1)).replace(day=1) if month > date.min else month


class MonthQuery(Schema):
    """A month, without any this one."""

    class Meta:
        unknown = EXCLUDE

    billing_period = PlainMonthFilter(NO_BILLING_PERIOD, NO_BILLING_PERIOD)

    @post_load
    def moment(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Add the month that is asked for, and the present."""
        context = Loading.get()
        return {"billing_period": month_of(context.now, context.zone), "now": context.now} | data


class FreshnessQuery(MonthQuery):
    offering_uuid = UuidFilter()
    provider_uuid = UuidFilter()


class SilentResourcesQuery(FreshnessQuery):
    customer_uuid = UuidFilter()
    project_uuid = UuidFilter()


class MoversQuery(SilentResourcesQuery):
    resource_uuid = UuidFilter()
    type = TextFilter(attribute="component_type")
    o = Ordering({name: name for name in ("delta", "usage", "usage_before")})

    @post_load
    def moment(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Add the month that is asked for, and the one before."""
        found: dict[str, Any] = super().moment(data)
        return found | {"month_before": _month_before(found["billing_period"])}


class DiffTotalsQuery(DiffQuery):
    o = Ordering({name: name for name in ("delta", "usage_after", "figures")})


PROJECTS_QUERY, CUSTOMERS_QUERY, OFFERINGS_QUERY = ProjectsQuery(), ScopesQuery(), OfferingsQuery()
MONTHLY_USAGES_QUERY, MOVERS_QUERY = MonthlyUsagesQuery(), MoversQuery()
SILENT_RESOURCES_QUERY, FRESHNESS_QUERY = SilentResourcesQuery(), FreshnessQuery()
DIFF_TOTALS_QUERY = DiffTotalsQuery()
