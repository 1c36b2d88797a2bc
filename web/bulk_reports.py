"""/api/ledger/reports/: many reports in one request, about any resources and months.

An item is what `set_usage` takes for one component, or what `set_user_usage` takes with the component usage
that it is about: by its uuid, or by resource, type and month.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any, get_args
from uuid import UUID

import orjson
from flask import Response, g
from marshmallow import ValidationError, post_load, validates_schema
from psycopg.rows import DictRow

from ledger.catalogue import MeteredResource
from ledger.errors import Unreadable
from ledger.months import month_of_report
from ledger.reporting import AnyReport, Outcome, Result
from ledger.reports import Measured, UsageReport, UserUsageItem, UserUsageReport
from projections import past
from web.arrival import api
from web.auth import visible
from web.body import TOO_DEEP, load_items
from web.errors import MalformedBody, answer_to
from web.fields import (
    FALSE,
    TRUE,
    Moment,
    Reference,
    Text,
    load_item,
    open_plan_period,
    uuid_of,
)
from web.queries import last_of
from web.rendering import json_response
from web.reporting import alone, submit
from web.schemas import SetUserUsage, UsageItemBody, check_subject, usage_item
from web.services import services

MOST = 10_000

blueprint = api("bulk_reports", "/api/ledger/reports")


@blueprint.post("/")
def report() -> Response:
    is_atomic, is_dry_run = _switch("atomic", default=True), _switch("dry_run", default=False)
    items = load_items()
    if not 0 < len(items) <= MOST:
        message = f"Between 1 and {MOST} reports are taken at once, and these are {len(items)}."
        raise ValidationError({"non_field_errors": [message]})

    def tell(outcomes: Sequence[Outcome]) -> Response:
        return told(outcomes, is_atomic=is_atomic)

    return submit(_reports(items), tell, is_atomic=is_atomic, is_dry_run=is_dry_run)


def told(outcomes: Sequence[Outcome], *, is_atomic: bool) -> Response:
    """201 if anything was stored, or would be in earnest; else 400 if anything was refused; else 200."""
    counted = Counter(outcome.result for outcome in outcomes)
    stores = counted["created"] + counted["changed"] > 0 and not (is_atomic and counted["refused"])
    status = 201 if stores else 400 if counted["refused"] else 200
    body = {result: counted[result] for result in get_args(Result)}
    return json_response(body | {"results": [_result(outcome) for outcome in outcomes]}, status)


def _result(outcome: Outcome) -> dict[str, Any]:
    if outcome.refusal:
        errors = answer_to(alone(outcome.refusal)).get_data()
        return {"result": outcome.result, "errors": orjson.Fragment(errors)}
    uuid = outcome.uuid.hex if outcome.uuid else None
    return {"result": outcome.result, "uuid": uuid, "position": outcome.position}


def _switch(name: str, *, default: bool) -> bool:
    word = last_of(name).lower()
    if word and word not in TRUE | FALSE:
        raise ValidationError({name: ["Must be a valid boolean."]})
    return word in TRUE if word else default


def _reports(items: Sequence[Any]) -> list[AnyReport]:
    """Every item as a report. What many of them name is looked up at once before."""
    dictionaries = [item for item in items if isinstance(item, dict)]
    g.resources_named = services().resources(_uuids(dictionaries, "resource"))
    with services().reading() as cursor:
        named = past.usages(cursor, _uuids(dictionaries, "component_usage"))
    g.usages_named = {uuid: usage for uuid, usage in named.items() if _is_visible(usage)}
    return [_report(item) for item in items]


def _uuids(items: Sequence[dict[str, Any]], name: str) -> set[UUID]:
    return {uuid for item in items if (uuid := uuid_of(item.get(name)))}


def _is_visible(usage: DictRow) -> bool:
    scopes = visible()
    return scopes is None or any(usage[f"{kind[:-1]}_uuid"] in uuids for kind, uuids in scopes.items())


def _report(item: Any) -> AnyReport:
    if isinstance(item, MalformedBody):
        return Unreadable({"detail": str(item)})
    is_of_user = isinstance(item, dict) and "username" in item
    try:
        report: AnyReport = load_item(USER_REPORT if is_of_user else COMPONENT_REPORT, item)
    except RecursionError:
        return Unreadable({"detail": TOO_DEEP})
    return report


def usage_named(uuid: UUID) -> DictRow | None:
    """A component usage that was looked up before, for all items at once."""
    named: dict[UUID, DictRow] = g.usages_named
    return named.get(uuid)


def resource_named(uuid: UUID) -> MeteredResource | None:
    """The same for a resource."""
    named: dict[UUID, MeteredResource] = g.resources_named
    return named.get(uuid)


class ComponentReport(UsageItemBody):
    """What `set_usage` takes, with a single usage."""

    plan_period = Reference(open_plan_period)
    resource = Reference(resource_named)
    date = Moment()

    @validates_schema
    def check_subject(self, data: dict[str, Any], **_: Any) -> None:
        check_subject(data)

    @post_load
    def item(self, data: dict[str, Any], **_: Any) -> UsageReport:
        period, resource, measured = (data.pop(name, None) for name in ("plan_period", "resource", "date"))
        return UsageReport(
            resource_uuid=period.resource_uuid if period else resource.resource.uuid,
            plan_period=period,
            items=(usage_item(data),),
            measured=measured,
        )


class UserReport(SetUserUsage):
    """What `set_user_usage` takes, and the component usage that it is about."""

    component_usage = Reference(usage_named)
    resource = Reference(resource_named)
    type = Text()

    @validates_schema
    def check_subject(self, data: dict[str, Any], **_: Any) -> None:
        if "component_usage" not in data and not {"resource", "type"} <= data.keys():
            raise ValidationError("Either component_usage or resource and type should be provided.")

    @post_load
    def item(self, data: dict[str, Any], **_: Any) -> UserUsageReport:
        usage, resource, name = (data.pop(key, None) for key in ("component_usage", "resource", "type"))
        if usage:
            return UserUsageReport(
                usage_uuid=usage["uuid"],
                resource_uuid=usage["resource_uuid"],
                component_uuid=usage["component_uuid"],
                month=usage["billing_period"],
                items=(UserUsageItem(**data),),
            )
        return _of_the_month(resource, name, data)


def _of_the_month(resource: MeteredResource, component_type: str, data: dict[str, Any]) -> UserUsageReport:
    """A report that names no component usage goes to that of its date's month, as a dated one does."""
    component = resource.find_component(component_type)
    if component is None:
        raise ValidationError(f"These components are invalid: {component_type}.")
    item = UserUsageItem(**{"measured": Measured(at=services().clock(), written=None)} | data)
    assert item.measured is not None
    return UserUsageReport(
        usage_uuid=None,
        resource_uuid=resource.resource.uuid,
        component_uuid=component.uuid,
        month=month_of_report(item.measured.at, services().ledger.zone),
        items=(item,),
    )


COMPONENT_REPORT, USER_REPORT = ComponentReport(), UserReport()
