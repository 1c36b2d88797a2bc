"""/api/marketplace-project-usage/ and /api/marketplace-customer-usage/: what a project or customer used.

The two differ in scope and not in code; only a customer can be split up by project.
"""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from flask import Response
from marshmallow import ValidationError
from psycopg.rows import DictRow

from ledger.catalogue import PROJECT_LIST, RESOURCE_LIST
from ledger.errors import NotFound
from projections import scope_usage
from projections.periods import Period, last_six_months, period_of
from projections.scope_usage import Scope, ScopeKind
from web.arrival import api
from web.auth import caller
from web.errors import Missing
from web.fields import TRUE, uuid_of
from web.queries import last_of
from web.rendering import json_response
from web.services import services

blueprint = api("scope_usages")

PROJECT = "/api/marketplace-project-usage/<object_id:uuid>"
CUSTOMER = "/api/marketplace-customer-usage/<object_id:uuid>"

MEGABYTES_SHOWN_AS_GIGABYTES = {("OpenStack.Tenant", "ram"), ("OpenStack.Tenant", "storage")}


@blueprint.get(f"{PROJECT}/components-usage/", defaults={"kind": "project"})
@blueprint.get(f"{CUSTOMER}/components-usage/", defaults={"kind": "customer"})
def components_usage(kind: ScopeKind, uuid: str) -> Response:
    scope = _scope(kind, uuid)
    today = _today()
    with services().reading() as cursor:
        rows = scope_usage.components(cursor, scope, today)
    return json_response(
        {"components": [_component(row, period_of(row["limit_period"], today)) for row in rows]}
    )


@blueprint.get(f"{PROJECT}/components-usage-timeseries/", defaults={"kind": "project"})
@blueprint.get(f"{CUSTOMER}/components-usage-timeseries/", defaults={"kind": "customer"})
def components_usage_timeseries(kind: ScopeKind, uuid: str) -> Response:
    scope = _scope(kind, uuid)
    component, offset = _component_asked_for(scope)
    today = _today()
    monthly = component["limit_period"] == "month"
    period = last_six_months(today) if monthly else _period(component, today, offset)
    buckets = _buckets(_used(scope, component, period))
    return json_response(_envelope(component, period, today) | {"buckets": buckets})


@blueprint.get(f"{CUSTOMER}/components-usage-by-project/", defaults={"kind": "customer"})
def components_usage_by_project(kind: ScopeKind, uuid: str) -> Response:
    scope = _scope(kind, uuid)
    component, offset = _component_asked_for(scope)
    today = _today()
    period = _period(component, today, offset)
    rows = _used(scope, component, period)
    by_project = {
        project: [row for row in rows if row["project_uuid"] == project] for project in _projects(rows)
    }
    projects = [_project(of_project) for of_project in by_project.values()]
    projects.sort(key=lambda project: project["usage"], reverse=True)
    total = float(sum(row["used"] for row in rows))
    figures = {"total_usage": total, "projects": projects}
    return json_response(_envelope(component, period, today) | figures)


def _scope(kind: ScopeKind, uuid: str) -> Scope:
    """The project or customer that a path names. Raises NotFound if there is none for the caller."""
    wanted = uuid_of(uuid)
    found = visible = None
    if not caller().sees_all:
        permission = PROJECT_LIST if kind == "project" else None
        found = _roles(permission)
        visible = _roles(RESOURCE_LIST)
    with services().reading() as cursor:
        if wanted is None or not scope_usage.is_found(cursor, kind, wanted, found):
            raise NotFound(kind.capitalize())
    terminated = last_of("include_terminated").lower() in TRUE
    return Scope(kind, wanted, visible, terminated)


def _roles(permission: str | None) -> dict[str, list[UUID]]:
    """The customers and projects that the caller holds a role on, with this permission if one is named."""
    return {
        "customers": caller().scopes("customer", permission),
        "projects": caller().scopes("project", permission),
    }


def _component_asked_for(scope: Scope) -> tuple[DictRow, int]:
    """The component and the offset that the query names; errors here are bare strings on the wire."""
    offering = last_of("offering_uuid")
    if not offering:
        raise ValidationError({"offering_uuid": "This query parameter is required."})
    uuid = uuid_of(offering)
    with services().reading() as cursor:
        if uuid is None or not scope_usage.has_offering(cursor, uuid):
            raise Missing("Offering not found.")
        offset = _offset()
        wanted = last_of("component_type")
        found = "\x00" not in wanted and scope_usage.component(cursor, scope, uuid, wanted or None)
    if not found:
        raise Missing("No matching component on this offering.")
    return found, offset


def _offset() -> int:
    try:
        return int(last_of("period_offset") or "0")
    except ValueError:
        raise bad_offset() from None


def bad_offset() -> ValidationError:
    return ValidationError({"period_offset": "Must be an integer."})


def _period(component: DictRow, today: date, offset: int) -> Period:
    """The period of a component's limit. One outside of the calendar is answered as no integer at all."""
    try:
        return period_of(component["limit_period"], today, offset)
    except OverflowError:
        raise bad_offset() from None


def _today() -> date:
    return services().clock().astimezone(services().ledger.zone).date()


def _used(scope: Scope, component: DictRow, period: Period) -> list[DictRow]:
    with services().reading() as cursor:
        return scope_usage.buckets(cursor, scope, component["component_uuid"], period)


def _component(row: DictRow, period: Period) -> dict[str, Any]:
    """A row of components-usage: what was used stands under the name of how it is billed."""
    figures = {name: number(row[name]) for name in ("used", "used_terminated", "limit")}
    unit = row["measured_unit"]
    if (row["offering_type"], row["component_type"]) in MEGABYTES_SHOWN_AS_GIGABYTES:
        figures = {name: figure and round(figure / 1024, 2) for name, figure in figures.items()}
        unit = "GB"
    by_usage, by_limit = row["billing_type"] == "usage", row["billing_type"] == "limit"
    return {
        "type": row["component_type"],
        "name": row["name"],
        "description": row["description"],
        "measured_unit": unit,
        "billing_type": row["billing_type"],
        "usage": figures["used"] if by_usage else 0.0,
        "limit_usage": figures["used"] if by_limit else 0.0,
        "usage_terminated": figures["used_terminated"] if by_usage else 0.0,
        "limit_usage_terminated": figures["used_terminated"] if by_limit else 0.0,
        "limit": figures["limit"],
        "offering_name": row["offering_name"],
        "offering_uuid": row["offering_uuid"].hex,
        "limit_period": row["limit_period"],
        **_bounds(period),
    }


def _envelope(component: DictRow, period: Period, today: date) -> dict[str, Any]:
    return {
        "offering_uuid": component["offering_uuid"].hex,
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
