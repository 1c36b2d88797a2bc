"""Bodies of requests: the wire's names, and what they are inside."""

from typing import Any

from marshmallow import ValidationError, post_load, validates_schema

from ledger.domain.metering import MeteredResource
from ledger.domain.reports import Measured, UsageItem, UsageReport, UserUsageItem, UserUsageReport
from ledger.errors import InvalidItem
from web.wire.body import Body, Loading
from web.wire.errors import echo
from web.wire.expecting import Position
from web.wire.fields import (
    Amount,
    BulkItems,
    Choice,
    Items,
    Moment,
    NullableBoolean,
    OfferingUserUrl,
    OpenPlanPeriod,
    Reference,
    Text,
)
from web.wire.strict import StrictBody

POLICIES = ("none", "reuse", "zero")


class UsageItemBody(Body):
    type = Text(required=True, attribute="component_type")
    amount = Amount(required=True)
    description = Text(allow_blank=True, max_length=2000)
    missing_usage_policy = Choice(POLICIES)
    recurring = NullableBoolean()

    @validates_schema
    def check_recurring(self, data: dict[str, Any], **_: Any) -> None:
        recurring, policy = data.get("recurring"), data.get("missing_usage_policy")
        if recurring is not None and policy is not None and recurring != (policy == "reuse"):
            raise ValidationError(
                "Conflicting values of recurring and missing_usage_policy. Use missing_usage_policy alone.",
                "recurring",
            )

    @post_load
    def item(self, data: dict[str, Any], **_: Any) -> UsageItem | UsageReport:
        return usage_item(data)


def usage_item(data: dict[str, Any]) -> UsageItem:
    if data.pop("recurring", None):
        data["missing_usage_policy"] = "reuse"
    return UsageItem(**data)


class SetUsage(Body):
    """`resource` and `plan_period` load as what they name; the latter wins."""

    usages = Items(UsageItemBody(), required=True)
    plan_period = OpenPlanPeriod()
    resource = Reference("resources")
    date = Moment()

    @validates_schema
    def check_subject(self, data: dict[str, Any], **_: Any) -> None:
        check_subject(data)

    @post_load
    def report(self, data: dict[str, Any], **_: Any) -> UsageReport:
        period = data.get("plan_period")
        return UsageReport(
            resource_uuid=period.resource_uuid if period else data["resource"].resource.uuid,
            plan_period=period,
            items=tuple(data["usages"]),
            measured=data.get("date"),
        )


def check_subject(data: dict[str, Any]) -> None:
    if "resource" not in data and "plan_period" not in data:
        raise ValidationError("Either plan_period or resource should be provided.")


class SetUserUsage(Body):
    username = Text(required=True, max_length=100)
    usage = Amount(attribute="amount")
    user = OfferingUserUrl(attribute="offering_user_uuid")
    date = Moment(attribute="measured")

    @post_load
    def item(self, data: dict[str, Any], **_: Any) -> UserUsageItem | UserUsageReport:
        return UserUsageItem(**data)


class SetUserUsages(Body):
    usages = BulkItems(SetUserUsage(), required=True)

    @post_load
    def items(self, data: dict[str, Any], **_: Any) -> list[UserUsageItem | InvalidItem]:
        items: list[UserUsageItem | InvalidItem] = data["usages"]
        return items


class ComponentReport(StrictBody, UsageItemBody):
    """What `set_usage` takes, with a single usage."""

    plan_period = OpenPlanPeriod()
    resource = Reference("resources")
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
    component_usage = Reference("usages")
    resource = Reference("resources")
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
    item = UserUsageItem(**{"measured": Measured(at=Loading.get().now, written=None)} | data)
    assert item.measured is not None
    return UserUsageReport(
        usage_uuid=None,
        resource_uuid=resource.resource.uuid,
        component_uuid=component.uuid,
        month=item.measured.month(Loading.get().zone),
        items=(item,),
        expected=expected,
    )


NOT_OF_USAGE = "Is not the one that component_usage is of."

# Made once: to make a schema takes longer than to load with it.
SET_USAGE, SET_USER_USAGE, SET_USER_USAGES = SetUsage(), SetUserUsage(), SetUserUsages()
COMPONENT_REPORT, USER_REPORT = ComponentReport(), UserReport()

FIELDS = COMPONENT_REPORT.fields.keys() | USER_REPORT.fields.keys()

COMPONENT_REPORT.known = dict.fromkeys(
    FIELDS, "Belongs to the report of a user, and this one has no username: a component's has an amount."
)
USER_REPORT.known = dict.fromkeys(
    FIELDS, "Belongs to the report of a component, and this one has a username: a user's has a usage."
)
