"""/api/marketplace-project-usage/ and /api/marketplace-customer-usage/: what a project or customer used.

The two differ in scope and not in code; only a customer can be split up by project.
"""

from collections.abc import Sequence
from datetime import date
from typing import get_args
from uuid import UUID

from flask import Response
from marshmallow import ValidationError
from psycopg.rows import DictRow

from ledger.domain.access import PROJECT_LIST, RESOURCE_LIST
from ledger.domain.catalogue import LimitPeriod
from ledger.errors import NotFound
from projections.fast.position import End
from projections.queries import project_usages as queries
from projections.queries.limit_periods import Period, last_six_months, period_of
from projections.queries.project_usages import Periods, Scope, ScopeKind
from web.request.audit.past import AS_OF, moment, reading
from web.request.authentication import caller
from web.request.pipeline import api
from web.request.services import current, services
from web.wire.declared.parameters import takes
from web.wire.errors import Missing
from web.wire.fields import TRUE, uuid_of
from web.wire.parameters import last_of
from web.wire.rendering import answers, json_response
from web.wire.responses import project_usages

blueprint = api("project_usages")

PROJECT = "/api/marketplace-project-usage/<object_id:uuid>"
CUSTOMER = "/api/marketplace-customer-usage/<object_id:uuid>"

SERIES = ("offering_uuid", "component_type", "period_offset", "include_terminated", AS_OF)
"""The parameters of series of periods."""


@blueprint.get(f"{PROJECT}/components-usage/", defaults={"kind": "project"})
@blueprint.get(f"{CUSTOMER}/components-usage/", defaults={"kind": "customer"})
@takes("include_terminated", AS_OF)
@answers(project_usages.COMPONENTS)
def components_usage(kind: ScopeKind, uuid: str) -> Response:
    periods = _periods(_today())
    with reading() as cursor:
        rows = queries.components(cursor, _scope(kind, uuid), periods)
    _found(rows, kind)
    described = (row for row in rows if row["component_type"] is not None)
    return json_response(project_usages.components(described, periods))


@blueprint.get(f"{PROJECT}/components-usage-timeseries/", defaults={"kind": "project"})
@blueprint.get(f"{CUSTOMER}/components-usage-timeseries/", defaults={"kind": "customer"})
@takes(*SERIES)
@answers(project_usages.TIME_SERIES)
def components_usage_timeseries(kind: ScopeKind, uuid: str) -> Response:
    today = _today()
    periods = _periods(today, _offset()) | {"month": last_six_months(today)}
    return json_response(project_usages.time_series(*_series(_scope(kind, uuid), periods), today))


@blueprint.get(f"{CUSTOMER}/components-usage-by-project/", defaults={"kind": "customer"})
@takes(*SERIES)
@answers(project_usages.BY_PROJECT)
def components_usage_by_project(kind: ScopeKind, uuid: str) -> Response:
    today = _today()
    series = _series(_scope(kind, uuid), _periods(today, _offset()))
    return json_response(project_usages.by_project(*series, today))


def _scope(kind: ScopeKind, uuid: str) -> Scope:
    """Return the project or customer that a path names. Raises NotFound if it can't be one."""
    if (wanted := uuid_of(uuid)) is None:
        raise NotFound(kind.capitalize())
    found = visible = None
    if not caller().sees_all:
        found = _roles(PROJECT_LIST if kind == "project" else None)
        visible = _roles(RESOURCE_LIST)
    return Scope(kind, wanted, found, visible, last_of("include_terminated").lower() in TRUE)


def _roles(permission: str | None) -> dict[str, list[UUID]]:
    """Return customers and projects that the caller holds a role on, with this permission if one is named."""
    return {
        "customers": caller().scopes("customer", permission),
        "projects": caller().scopes("project", permission),
    }


def _found(rows: Sequence[DictRow], kind: ScopeKind) -> DictRow:
    """Return the first row. Raises NotFound if there is none."""
    if not rows:
        raise NotFound(kind.capitalize())
    current().end = End(*rows[0]["end"])
    return rows[0]


def _series(scope: Scope, periods: Periods) -> tuple[DictRow, list[DictRow], Period]:
    """Return the component that the query names, its usage, and the period of that. Errors there are bare
    strings on the wire, and told in the order in which Waldur tells them."""
    offering, component_type = last_of("offering_uuid"), last_of("component_type")
    known = component_type.replace("\x00", "") or None
    with reading() as cursor:
        rows = queries.series(cursor, scope, uuid_of(offering), known, periods)
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
    """Return the `period_offset` of the query, None if it is no integer."""
    try:
        return int(last_of("period_offset") or "0")
    except ValueError:
        return None


def bad_offset() -> ValidationError:
    return ValidationError({"period_offset": "Must be an integer."})


def _periods(today: date, offset: int | None = 0) -> dict[LimitPeriod, Period | None]:
    """Return the period of every kind of limit. One outside of the calendar is answered as no integer is."""
    return {name: _period(name, today, offset or 0) for name in get_args(LimitPeriod)}


def _period(limit_period: LimitPeriod, today: date, offset: int) -> Period | None:
    try:
        return period_of(limit_period, today, offset)
    except OverflowError:
        return None


def _today() -> date:
    return moment().astimezone(services().ledger.zone).date()
