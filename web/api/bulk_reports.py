"""/api/ledger/reports/: many reports in one request, about any resources and months.

An item is what `set_usage` takes for one component, or what `set_user_usage` takes with the component usage
that it is about: by its uuid, or by resource, type and month.
"""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, cast, get_args
from uuid import UUID

import orjson
from flask import Response, g, request
from marshmallow import ValidationError, post_load, validates_schema
from msgspec import Struct
from psycopg.rows import DictRow

from ledger.decisions.requests import Answer, AnyReport, Outcome, Result
from ledger.domain.catalogue import PlanPeriod
from ledger.domain.metering import MeteredResource
from ledger.domain.reports import Measured, UsageReport, UserUsageItem, UserUsageReport
from ledger.errors import InvalidItem, LedgerError, MonthIsClosed, NotPermitted
from projections.lookups import catalogue
from projections.lookups import decision_state as past
from projections.queries.list_query import Scopes
from web.request.authentication import caller, visible
from web.request.pipeline import api
from web.request.services import services
from web.request.submit import alone, refused, submit
from web.wire.body import TOO_DEEP, Known, load_items
from web.wire.bounds import MOST_ITEMS
from web.wire.errors import MalformedBody, body_of, echo
from web.wire.expecting import Position, refuse_expected
from web.wire.fields import (
    FALSE,
    TRUE,
    Amount,
    Moment,
    OfferingUserUrl,
    Reference,
    Text,
    if_open,
    load_item,
    offering_user_of,
    uuid_of,
)
from web.wire.parameters import last_of
from web.wire.rendering import answers
from web.wire.requests import SetUserUsage, UsageItemBody, check_subject, usage_item
from web.wire.responses.messages import NOT_STORED, OUTCOMES
from web.wire.strict import StrictBody, check_parameters

MOST = MOST_ITEMS
MOST_OF_OTHERS = 100
"""How many items are looked at of a caller who may report nothing at all."""
SWITCHES = ("atomic", "dry_run")
WHO_MAY = "Only staff may report past months of other components."

blueprint = api("bulk_reports", "/api/ledger/reports")


@blueprint.post("/")
@answers(OUTCOMES, 200, 201, 400)
def report() -> Response:
    check_parameters(request.args, SWITCHES)
    refuse_expected()
    is_atomic, is_dry_run = _switch("atomic", default=True), _switch("dry_run", default=False)
    items = load_items()
    if not 0 < len(items) <= MOST:
        message = f"Between 1 and {MOST} reports are taken at once, and these are {len(items)}."
        raise ValidationError({"non_field_errors": [message]})
    if len(items) > MOST_OF_OTHERS and not caller().reports_somewhere:
        raise NotPermitted  # as it would be said of each

    def tell(outcomes: Sequence[Outcome]) -> Answer:
        is_undone = is_atomic and not is_dry_run and any(each.refusal for each in outcomes)
        return none_stored(outcomes) if is_undone else told(outcomes, is_atomic=is_atomic)

    return submit(_reports(items), tell, is_atomic=is_atomic, is_dry_run=is_dry_run)


def told(outcomes: Sequence[Outcome], *, is_atomic: bool) -> Answer:
    """201 if anything was stored, or would be in earnest; else 400 if anything was refused; else 200."""
    counted = Counter(outcome.result for outcome in outcomes)
    stores = counted["created"] + counted["changed"] > 0 and not (is_atomic and counted["refused"])
    status = 201 if stores else 400 if counted["refused"] else 200
    body = {result: counted[result] for result in get_args(Result)}
    results = [_result(outcome) for outcome in outcomes]
    return Answer(status, orjson.dumps(body | {"results": results}).decode())


def none_stored(outcomes: Sequence[Outcome]) -> Answer:
    """400: of an atomic request of which anything was refused. What it counts is what happened."""
    results = [_result(outcome) for outcome in outcomes]
    in_vain = set()
    for outcome, result in zip(outcomes, results, strict=True):
        # A figure is unchanged only if nothing before it in the request was to change it.
        if outcome.result in ("created", "changed") or outcome.uuid in in_vain:
            in_vain.add(outcome.uuid)
            result["result"] = NOT_STORED
    counted = Counter(result["result"] for result in results)
    body = {result: counted[result] for result in (*get_args(Result), NOT_STORED)}
    return Answer(400, orjson.dumps(body | {"results": results}).decode())


def _result(outcome: Outcome) -> dict[str, Any]:
    if outcome.refusal:
        return {"result": outcome.result, "errors": _errors(alone(outcome.refusal))}
    uuid = outcome.uuid.hex if outcome.uuid else None
    return {"result": outcome.result, "uuid": uuid, "position": outcome.position}


def _errors(refusal: LedgerError) -> Any:
    """In the words of the single endpoints. Agents match those, and people read on."""
    if isinstance(refusal, MonthIsClosed):
        return {name: [f"{message} {WHO_MAY}" for message in told] for name, told in body_of(refusal).items()}
    return orjson.Fragment(refused(refusal).body)


def _switch(name: str, *, default: bool) -> bool:
    if name not in request.args:
        return default
    word = last_of(name).lower()
    if word not in TRUE | FALSE:  # an empty one, too: `?dry_run` is not to store anything
        raise ValidationError({name: ["Must be a valid boolean."]})
    return word in TRUE


class Named(Struct, frozen=True, kw_only=True):
    """What items name, by uuid: looked up at once for all items, before they are read."""

    resources: Mapping[UUID, MeteredResource]
    usages: Mapping[UUID, DictRow]
    """Those that the caller sees."""
    plan_periods: Mapping[UUID, PlanPeriod]
    offering_users: Collection[UUID]


def _reports(items: Sequence[Any]) -> list[AnyReport]:
    """Every item as a report."""
    g.named, known = _named([item for item in items if isinstance(item, dict)]), Known(dict)
    return [_report(item, known) for item in items]


def _named(items: Sequence[dict[str, Any]]) -> Named:
    resources = services().resources(_uuids(items, "resource"))
    with services().reading() as cursor:
        usages = past.usages(cursor, _uuids(items, "component_usage"))
        plan_periods = catalogue.plan_periods(cursor, _uuids(items, "plan_period"))
        offering_users = catalogue.offering_users(cursor, _uuids(items, "user", offering_user_of))
    scopes = visible()
    return Named(
        resources=resources,
        usages={uuid: usage for uuid, usage in usages.items() if _is_visible(usage, scopes)},
        plan_periods=plan_periods,
        offering_users=offering_users,
    )


def _uuids(
    items: Sequence[dict[str, Any]], name: str, uuid_in: Callable[[str], UUID | None] = uuid_of
) -> set[UUID]:
    texts = {text for item in items if isinstance(text := item.get(name), str)}
    return {uuid for text in texts if (uuid := uuid_in(text))}


def _is_visible(usage: DictRow, scopes: Scopes) -> bool:
    return scopes is None or any(usage[f"{kind[:-1]}_uuid"] in uuids for kind, uuids in scopes.items())


def _report(item: Any, known: Known) -> AnyReport:
    if isinstance(item, MalformedBody):
        return InvalidItem({"detail": str(item)})
    is_of_user = isinstance(item, dict) and "username" in item
    try:
        report: AnyReport = load_item(USER_REPORT if is_of_user else COMPONENT_REPORT, item, known)
    except RecursionError:
        return InvalidItem({"detail": TOO_DEEP})
    return report


def named() -> Named:
    return cast(Named, g.named)


class ComponentReport(StrictBody, UsageItemBody):
    """What `set_usage` takes, with a single usage."""

    plan_period = Reference(lambda uuid: if_open(named().plan_periods.get(uuid)))
    resource = Reference(lambda uuid: named().resources.get(uuid))
    date = Moment()
    expect = Position()

    @validates_schema
    def check_subject(self, data: dict[str, Any], **_: Any) -> None:
        check_subject(data)
        period, resource = data.get("plan_period"), data.get("resource")
        if period and resource and period.resource_uuid != resource.resource.uuid:
            raise ValidationError("Is not the one that plan_period belongs to.", "resource")

    @post_load
    def item(self, data: dict[str, Any], **_: Any) -> UsageReport:
        period, resource = data.pop("plan_period", None), data.pop("resource", None)
        measured, expected = data.pop("date", None), data.pop("expect", None)
        return UsageReport(
            resource_uuid=period.resource_uuid if period else resource.resource.uuid,
            plan_period=period,
            items=(usage_item(data),),
            measured=measured,
            expected=expected,
        )


class UserReport(StrictBody, SetUserUsage):
    """What `set_user_usage` takes, with a usage in any case, and the component usage that it is about."""

    usage = Amount(attribute="amount", required=True)
    user = OfferingUserUrl(lambda uuid: uuid in named().offering_users, attribute="offering_user_uuid")
    component_usage = Reference(lambda uuid: named().usages.get(uuid))
    resource = Reference(lambda uuid: named().resources.get(uuid))
    type = Text()
    expect = Position()

    @validates_schema
    def check_subject(self, data: dict[str, Any], **_: Any) -> None:
        if "component_usage" not in data:
            if not {"resource", "type"} <= data.keys():
                raise ValidationError("Either component_usage or resource and type should be provided.")
            return
        usage, resource, name = data["component_usage"], data.get("resource"), data.get("type")
        wrong = {
            "resource": resource is not None and resource.resource.uuid != usage["resource_uuid"],
            "type": name is not None and name != usage["component_type"],
        }
        if any(wrong.values()):
            raise ValidationError({key: [NOT_OF_USAGE] for key in wrong if wrong[key]})

    @post_load
    def item(self, data: dict[str, Any], **_: Any) -> UserUsageReport:
        usage, resource, name = (data.pop(key, None) for key in ("component_usage", "resource", "type"))
        expected = data.pop("expect", None)
        if usage:
            return UserUsageReport(
                usage_uuid=usage["uuid"],
                resource_uuid=usage["resource_uuid"],
                component_uuid=usage["component_uuid"],
                month=usage["billing_period"],
                items=(UserUsageItem(**data),),
                expected=expected,
            )
        return _of_the_month(resource, name, data, expected)


def _of_the_month(
    resource: MeteredResource, component_type: str, data: dict[str, Any], expected: int | None
) -> UserUsageReport:
    """A report that names no component usage goes to that of its date's month, as a dated one does."""
    component = resource.find_component(component_type)
    if component is None:
        raise ValidationError(f"These components are invalid: {echo(component_type)}.")
    item = UserUsageItem(**{"measured": Measured(at=services().clock(), written=None)} | data)
    assert item.measured is not None
    return UserUsageReport(
        usage_uuid=None,
        resource_uuid=resource.resource.uuid,
        component_uuid=component.uuid,
        month=item.measured.month(services().ledger.zone),
        items=(item,),
        expected=expected,
    )


NOT_OF_USAGE = "Is not the one that component_usage is of."

COMPONENT_REPORT, USER_REPORT = ComponentReport(), UserReport()
FIELDS = COMPONENT_REPORT.fields.keys() | USER_REPORT.fields.keys()

COMPONENT_REPORT.known = dict.fromkeys(
    FIELDS, "Belongs to the report of a user, and this one has no username: a component's has an amount."
)
USER_REPORT.known = dict.fromkeys(
    FIELDS, "Belongs to the report of a component, and this one has a username: a user's has a usage."
)
