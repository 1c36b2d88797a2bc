"""What a project or customer used, in JSON numbers: by component, by month, and by project."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, get_args

from marshmallow import fields
from psycopg.rows import DictRow

from ledger.domain.catalogue import BillingType, LimitPeriod
from projections.queries.limit_periods import Period
from web.wire.responses.columns import Hex, Word
from web.wire.responses.schemas import Members, ObjectSchema, declare

MEGABYTES_SHOWN_AS_GIGABYTES = {("OpenStack.Tenant", "ram"), ("OpenStack.Tenant", "storage")}

TYPE = fields.String(attribute="component_type")
BILLING_TYPE, LIMIT_PERIOD = Word(get_args(BillingType)), Word(get_args(LimitPeriod))
LIMIT = fields.Float(allow_none=True)
BOUNDS: Members = {
    "current_period_label": fields.String(),
    "current_period_start": fields.Date(allow_none=True),
    "current_period_end": fields.Date(allow_none=True),
}
SUMS: Members = {"usage": fields.Float(), "usage_terminated": fields.Float()}

COMPONENT = declare(
    ObjectSchema,
    "ScopeComponentUsage",
    type=TYPE,
    name=fields.String(),
    description=fields.String(),
    measured_unit=fields.String(),
    billing_type=BILLING_TYPE,
    usage=fields.Float(),
    limit_usage=fields.Float(),
    usage_terminated=fields.Float(),
    limit_usage_terminated=fields.Float(),
    limit=LIMIT,
    offering_name=fields.String(),
    offering_uuid=Hex(),
    limit_period=LIMIT_PERIOD,
    **BOUNDS,
)
COMPONENTS = declare(ObjectSchema, "ScopeComponentsUsage", components=fields.List(fields.Nested(COMPONENT)))

BUCKET = declare(ObjectSchema, "ScopeUsageBucket", billing_period=fields.Date(), **SUMS)
BUCKETS = fields.List(fields.Nested(BUCKET))
PROJECT = declare(
    ObjectSchema,
    "ScopeProjectUsage",
    project_uuid=Hex(),
    project_name=fields.String(),
    is_removed=fields.Boolean(),
    **SUMS,
    buckets=BUCKETS,
)
ENVELOPE: Members = {
    "offering_uuid": Hex(),
    "offering_name": fields.String(),
    "type": TYPE,
    "name": fields.String(),
    "measured_unit": fields.String(),
    "billing_type": BILLING_TYPE,
    "limit_period": LIMIT_PERIOD,
    "limit": LIMIT,
    **BOUNDS,
    "today": fields.Date(),
}
TIME_SERIES = declare(ObjectSchema, "ScopeUsageTimeSeries", **ENVELOPE, buckets=BUCKETS)
BY_PROJECT = declare(
    ObjectSchema,
    "ScopeUsageByProject",
    **ENVELOPE,
    total_usage=fields.Float(),
    projects=fields.List(fields.Nested(PROJECT)),
)


def components(rows: Iterable[DictRow], periods: Mapping[LimitPeriod, Period | None]) -> dict[str, Any]:
    """Return the answer with a component for each row, in the period of its limit."""
    bounds = {name: _bounds(period) for name, period in periods.items() if period}
    values = ({**row, **_figures(row), **bounds[row["limit_period"]]} for row in rows)
    return COMPONENTS.write({"components": [COMPONENT.write(each) for each in values]})


def time_series(component: DictRow, rows: Sequence[DictRow], period: Period, today: date) -> dict[str, Any]:
    """Return the answer with a bucket for each month of `rows`."""
    return TIME_SERIES.write(_envelope(component, period, today) | {"buckets": _buckets(rows)})


def by_project(component: DictRow, rows: Sequence[DictRow], period: Period, today: date) -> dict[str, Any]:
    """Return the answer with a project for each of `rows`, the largest usage first."""
    projects = [_project(of_project) for of_project in _grouped(rows, "project_uuid").values()]
    projects.sort(key=lambda project: project["usage"], reverse=True)
    figures = {"total_usage": float(sum(row["used"] for row in rows)), "projects": projects}
    return BY_PROJECT.write(_envelope(component, period, today) | figures)


def _figures(row: DictRow) -> dict[str, Any]:
    """Return the figures of a component. Its usage stands under the name of how it is billed."""
    used, terminated, limit = row["used"], row["used_terminated"], _number(row["limit"])
    unit = row["measured_unit"]
    if (row["offering_type"], row["component_type"]) in MEGABYTES_SHOWN_AS_GIGABYTES:
        used, terminated, limit = (figure and round(figure / 1024, 2) for figure in (used, terminated, limit))
        unit = "GB"
    by_usage, by_limit = row["billing_type"] == "usage", row["billing_type"] == "limit"
    return {
        "measured_unit": unit,
        "usage": used if by_usage else 0.0,
        "limit_usage": used if by_limit else 0.0,
        "usage_terminated": terminated if by_usage else 0.0,
        "limit_usage_terminated": terminated if by_limit else 0.0,
        "limit": limit,
    }


def _envelope(component: DictRow, period: Period, today: date) -> dict[str, Any]:
    shown = {"offering_uuid": component["offering_found"].hex, "limit": _number(component["limit"])}
    return component | shown | _bounds(period) | {"today": today}


def _bounds(period: Period) -> dict[str, Any]:
    return dict(zip(BOUNDS, (period.label, period.start, period.end), strict=True))


def _project(rows: list[DictRow]) -> dict[str, Any]:
    shown = {"project_uuid": rows[0]["project_uuid"].hex, "buckets": _buckets(rows)}
    return PROJECT.write(rows[0] | shown | _sums(rows))


def _buckets(rows: Iterable[DictRow]) -> list[dict[str, Any]]:
    """Return a bucket for each month that has rows, ascending as the rows are."""
    by_month = _grouped(rows, "billing_period")
    return [BUCKET.write({"billing_period": month} | _sums(of_month)) for month, of_month in by_month.items()]


def _grouped(rows: Iterable[DictRow], name: str) -> dict[Any, list[DictRow]]:
    """Group rows by one of their values, in the order in which it is first met."""
    groups: dict[Any, list[DictRow]] = {}
    for row in rows:
        groups.setdefault(row[name], []).append(row)
    return groups


def _sums(rows: list[DictRow]) -> dict[str, float]:
    return {
        name: float(sum(row[summed] for row in rows))
        for name, summed in zip(SUMS, ("used", "used_terminated"), strict=True)
    }


def _number(figure: Decimal | None) -> float | None:
    """Turn a figure into a float, here only: these answers show JSON numbers."""
    return None if figure is None else float(figure)
