"""/api/marketplace-project-usage/ and /api/marketplace-customer-usage/: what a project or customer used.

The two differ in scope and not in code; only a customer can be split up by project.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, get_args
from uuid import UUID

from flask import Response, g
from marshmallow import ValidationError
from psycopg.rows import DictRow

from ledger.domain.access import PROJECT_LIST, RESOURCE_LIST
from ledger.domain.catalogue import LimitPeriod
from ledger.errors import NotFound
from projections.fast.position import End
from projections.queries import scope_usage
from projections.queries.limit_periods import Period, last_six_months, period_of
from projections.queries.scope_usage import Periods, Scope, ScopeKind
from web.request.authentication import caller
from web.request.pipeline import api
from web.request.services import services
from web.wire.errors import Missing
from web.wire.fields import TRUE, uuid_of
from web.wire.parameters import last_of
from web.wire.rendering import json_response

blueprint = api("scope_usages")

PROJECT = "/api/marketplace-project-usage/<object_id:uuid>"
CUSTOMER = "/api/marketplace-customer-usage/<object_id:uuid>"

MEGABYTES_SHOWN_AS_GIGABYTES = {("OpenStack.Tenant", "ram"), ("OpenStack.Tenant", "storage")}


@blueprint.get(f"{PROJECT}/components-usage/", defaults={"kind": "project"})
@blueprint.get(f"{CUSTOMER}/components-usage/", defaults={"kind": "customer"})
def components_usage(kind: ScopeKind, uuid: str) -> Response:
    periods = _periods(_today())
    with services().reading() as cursor:
        rows = scope_usage.components(cursor, _scope(kind, uuid), periods)
    _found(rows, kind)
    bounds = {name: _bounds(period) for name, period in periods.items() if period}
    described = (row for row in rows if row["component_type"] is not None)
    return json_response({"components": [_component(row) | bounds[row["limit_period"]] for row in described]})


@blueprint.get(f"{PROJECT}/components-usage-timeseries/", defaults={"kind": "project"})
@blueprint.get(f"{CUSTOMER}/components-usage-timeseries/", defaults={"kind": "customer"})
def components_usage_timeseries(kind: ScopeKind, uuid: str) -> Response:
    today = _today()
    periods = _periods(today, _offset()) | {"month": last_six_months(today)}
    component, rows, period = _series(_scope(kind, uuid), periods)
    return json_response(_envelope(component, period, today) | {"buckets": _buckets(rows)})


@blueprint.get(f"{CUSTOMER}/components-usage-by-project/", defaults={"kind": "customer"})
def components_usage_by_project(kind: ScopeKind, uuid: str) -> Response:
    today = _today()
    component, rows, period = _series(_scope(kind, uuid), _periods(today, _offset()))
    by_project = {
        project: [row for row in rows if row["project_uuid"] == project] for project in _projects(rows)
    }
    projects = [_project(of_project) for of_project in by_project.values()]
    projects.sort(key=lambda project: project["usage"], reverse=True)
    total = float(sum(row["used"] for row in rows))
    figures = {"total_usage": total, "projects": projects}
    return json_response(_envelope(component, period, today) | figures)


def _scope(kind: ScopeKind, uuid: str) -> Scope:
    """The project or customer that a path names. Raises NotFound if it can't be one."""
    if (wanted := uuid_of(uuid)) is None:
        raise NotFound(kind.capitalize())
    found = visible = None
    if not caller().sees_all:
        found = _roles(PROJECT_LIST if kind == "project" else None)
        visible = _roles(RESOURCE_LIST)
    return Scope(kind, wanted, found, visible, last_of("include_terminated").lower() in TRUE)


def _roles(permission: str | None) -> dict[str, list[UUID]]:
    """The customers and projects that the caller holds a role on, with this permission if one is named."""
    return {
        "customers": caller().scopes("customer", permission),
        "projects": caller().scopes("project", permission),
    }


def _found(rows: Sequence[DictRow], kind: ScopeKind) -> DictRow:
    """The first row. Raises NotFound if there is none."""
    if not rows:
        raise NotFound(kind.capitalize())
    g.end = End(*rows[0]["end"])
    return rows[0]


def _series(scope: Scope, periods: Periods) -> tuple[DictRow, list[DictRow], Period]:
    """The component that the query names, its usage, and the period of that. Errors in the query are bare
    strings on the wire, and told in the order of the reference."""
    offering, component_type = last_of("offering_uuid"), last_of("component_type")
    known = component_type.replace("\x00", "") or None
    with services().reading() as cursor:
        rows = scope_usage.series(cursor, scope, uuid_of(offering), known, periods)
    component = _found(rows, scope.kind)
    if not offering:
        raise ValidationError({"offering_uuid": "This query parameter is required."})
    if component["offering_found"] is None:
        raise Missing("Offering not found.")
    if _offset() is None:
        raise bad_offset()
    if component["component_uuid"] is None or "\x00" in component_type:
        raise Missing("No matching component on this offering.")
    if (period := periods[component["limit_period"]]) is None:
        raise bad_offset()
    return component, [row for row in rows if row["billing_period"] is not None], period


def _offset() -> int | None:
    """The `period_offset` of the query, None if it is no integer."""
    try:
        return int(last_of("period_offset") or "0")
    except ValueError:
        return None


def bad_offset() -> ValidationError:
    return ValidationError({"period_offset": "Must be an integer."})


def _periods(today: date, offset: int | None = 0) -> dict[LimitPeriod, Period | None]:
    """The period of every kind of limit. One outside of the calendar is answered as no integer at all."""
    return {name: _period(name, today, offset or 0) for name in get_args(LimitPeriod)}


def _period(limit_period: LimitPeriod, today: date, offset: int) -> Period | None:
    try:
        return period_of(limit_period, today, offset)
    except OverflowError:
        return None


def _today() -> date:
    return services().clock().astimezone(services().ledger.zone).date()


def _component(row: DictRow) -> dict[str, Any]:
    """A row but for its period. What was used stands under the name of how it is billed."""
    used, terminated, limit = row["used"], row["used_terminated"], number(row["limit"])
    unit = row["measured_unit"]
    if (row["offering_type"], row["component_type"]) in MEGABYTES_SHOWN_AS_GIGABYTES:
        used, terminated, limit = (figure and round(figure / 1024, 2) for figure in (used, terminated, limit))
        unit = "GB"
    by_usage, by_limit = row["billing_type"] == "usage", row["billing_type"] == "limit"
    return {
        "type": row["component_type"],
        "name": row["name"],
        "description": row["description"],
        "measured_unit": unit,
        "billing_type": row["billing_type"],
        "usage": used if by_usage else 0.0,
        "limit_usage": used if by_limit else 0.0,
        "usage_terminated": terminated if by_usage else 0.0,
        "limit_usage_terminated": terminated if by_limit else 0.0,
        "limit": limit,
        "offering_name": row["offering_name"],
        "offering_uuid": row["offering_uuid"],
        "limit_period": row["limit_period"],
    }


def _envelope(component: DictRow, period: Period, today: date) -> dict[str, Any]:
    return {
        "offering_uuid": component["offering_found"].hex,
        "offering_name": component["offering_name"],
        "type": component["component_type"],
        "name": component["name"],
        "measured_unit": component["measured_unit"],
        "billing_type": component["billing_type"],
        "limit_period": component["limit_period"],
        "limit": number(component["limit"]),
        **_bounds(period),
        "today": today,
    }


def _bounds(period: Period) -> dict[str, Any]:
    return {
        "current_period_label": period.label,
        "current_period_start": period.start,
        "current_period_end": period.end,
    }


def _buckets(rows: Iterable[DictRow]) -> list[dict[str, Any]]:
    """One for each month that has rows, ascending as the rows are."""
    months: dict[Any, list[DictRow]] = {}
    for row in rows:
        months.setdefault(row["billing_period"], []).append(row)
    return [{"billing_period": month, **_sums(of_month)} for month, of_month in months.items()]


def _projects(rows: Iterable[DictRow]) -> list[Any]:
    return list(dict.fromkeys(row["project_uuid"] for row in rows))


def _project(rows: list[DictRow]) -> dict[str, Any]:
    return {
        "project_uuid": rows[0]["project_uuid"].hex,
        "project_name": rows[0]["project_name"],
        "is_removed": rows[0]["is_removed"],
        **_sums(rows),
        "buckets": _buckets(rows),
    }


def _sums(rows: list[DictRow]) -> dict[str, float]:
    return {
        "usage": float(sum(row["used"] for row in rows)),
        "usage_terminated": float(sum(row["used_terminated"] for row in rows)),
    }


def number(figure: Decimal | None) -> float | None:
    """The one place where figures become floats: these two endpoints show JSON numbers."""
    return None if figure is None else float(figure)
