"""Bodies of requests: the names on the wire, and the reports that they are inside.

Unknown keys of single reports are ignored, as in Waldur. Items of the bulk endpoint refuse them.
"""

from decimal import Decimal
from typing import Any, ClassVar

from marshmallow import ValidationError
from msgspec import structs

from ledger.domain.metering import MeteredResource
from ledger.domain.reports import Measured, UsageItem, UsageReport, UserUsageItem, UserUsageReport
from ledger.errors import InvalidItem
from web.wire.audit.reasons import Reason
from web.wire.body import Body, Check, Loading, StrictBody
from web.wire.errors import echo
from web.wire.fields import (
    Amount,
    BulkItems,
    Choice,
    Items,
    Moment,
    NullableBoolean,
    OpenPlanPeriod,
    Position,
    Reference,
    Text,
)
from web.wire.urls import Url

POLICIES = ("none", "reuse", "zero")
NOT_OF_USAGE = "Is not the one that component_usage is of."


def check_recurring(values: dict[str, Any]) -> None:
    recurring, policy = values.get("recurring"), values.get("missing_usage_policy")
    if recurring is not None and policy is not None and recurring != (policy == "reuse"):
        raise ValidationError(
            "Conflicting values of recurring and missing_usage_policy. Use missing_usage_policy alone.",
            "recurring",
        )


def usage_item(values: dict[str, Any]) -> UsageItem:
    if values.pop("recurring", None):
        values["missing_usage_policy"] = "reuse"
    return UsageItem(**values)


class UsageItemBody(Body):
    checks: ClassVar[tuple[Check, ...]] = (check_recurring,)

    type = Text(required=True, attribute="component_type")
    amount = Amount(required=True)
    description = Text(allow_blank=True, max_length=2000)
    missing_usage_policy = Choice(POLICIES)
    recurring = NullableBoolean()

    def build(self, values: dict[str, Any]) -> UsageItem | UsageReport:
        return usage_item(values)


def check_resource(values: dict[str, Any]) -> None:
    if "resource" not in values and "plan_period" not in values:
        raise ValidationError("Either plan_period or resource should be provided.")


class SetUsage(Body):
    """The reports of a resource's components. A `plan_period` wins over a `resource`."""

    checks = (check_resource,)

    usages = Items(UsageItemBody(), required=True)
    plan_period = OpenPlanPeriod()
    resource = Reference("resources")
    date = Moment()

    def build(self, values: dict[str, Any]) -> UsageReport:
        period = values.get("plan_period")
        return UsageReport(
            resource_uuid=period.resource_uuid if period else values["resource"].resource.uuid,
            plan_period=period,
            items=tuple(values["usages"]),
            measured=values.get("date"),
        )


class SetUserUsage(Body):
    username = Text(required=True, max_length=100)
    usage = Amount(attribute="amount")
    user = Url("offering_users", attribute="offering_user_uuid")
    date = Moment(attribute="measured")

    def build(self, values: dict[str, Any]) -> UserUsageItem | UserUsageReport:
        return UserUsageItem(**values)


class SetUserUsages(Body):
    usages = BulkItems(SetUserUsage(), required=True)

    def build(self, values: dict[str, Any]) -> list[UserUsageItem | InvalidItem]:
        items: list[UserUsageItem | InvalidItem] = values["usages"]
        return items


def check_resource_of_period(values: dict[str, Any]) -> None:
    check_resource(values)
    period, resource = values.get("plan_period"), values.get("resource")
    if period and resource and period.resource_uuid != resource.resource.uuid:
        raise ValidationError("Is not the one that plan_period belongs to.", "resource")


class ComponentReport(StrictBody, UsageItemBody):
    """An item of the bulk endpoint: what `set_usage` takes, with a single usage."""

    checks = (check_recurring, check_resource_of_period)

    plan_period = OpenPlanPeriod()
    resource = Reference("resources")
    date = Moment()
    expect = Position()
    reason = Reason()

    def build(self, values: dict[str, Any]) -> UsageReport:
        period, resource = values.pop("plan_period", None), values.pop("resource", None)
        measured, expected = values.pop("date", None), values.pop("expect", None)
        reason = values.pop("reason", None)
        return UsageReport(
            resource_uuid=period.resource_uuid if period else resource.resource.uuid,
            plan_period=period,
            items=(usage_item(values),),
            measured=measured,
            expected=expected,
            reason=reason,
        )


def check_component_usage(values: dict[str, Any]) -> None:
    if "component_usage" not in values:
        if not {"resource", "type"} <= values.keys():
            raise ValidationError("Either component_usage or resource and type should be provided.")
        return
    usage, resource, name = values["component_usage"], values.get("resource"), values.get("type")
    wrong = {
        "resource": resource is not None and resource.resource.uuid != usage["resource_uuid"],
        "type": name is not None and name != usage["component_type"],
    }
    if any(wrong.values()):
        raise ValidationError({key: [NOT_OF_USAGE] for key in wrong if wrong[key]})


class UserReport(StrictBody, SetUserUsage):
    """An item of the bulk endpoint: what `set_user_usage` takes, and the component usage that it is about."""

    checks = (check_component_usage,)

    usage = Amount(attribute="amount", required=True)
    component_usage = Reference("usages")
    resource = Reference("resources")
    type = Text()
    expect = Position()
    reason = Reason()

    def build(self, values: dict[str, Any]) -> UserUsageReport:
        usage, resource, name = (values.pop(key, None) for key in ("component_usage", "resource", "type"))
        expected, reason = values.pop("expect", None), values.pop("reason", None)
        if usage:
            return UserUsageReport(
                usage_uuid=usage["uuid"],
                resource_uuid=usage["resource_uuid"],
                component_uuid=usage["component_uuid"],
                month=usage["billing_period"],
                items=(UserUsageItem(**values),),
                expected=expected,
                reason=reason,
            )
        return structs.replace(_of_the_month(resource, name, values, expected), reason=reason)


def _of_the_month(
    resource: MeteredResource, component_type: str, values: dict[str, Any], expected: int | None
) -> UserUsageReport:
    """Return a report that names no component usage: it is about that of the month of its date."""
    component = resource.find_component(component_type)
    if component is None:
        raise ValidationError(f"These components are invalid: {echo(component_type)}.")
    item = UserUsageItem(**{"measured": Measured(at=Loading.get().now, written=None)} | values)
    assert item.measured is not None
    return UserUsageReport(
        usage_uuid=None,
        resource_uuid=resource.resource.uuid,
        component_uuid=component.uuid,
        month=item.measured.month(Loading.get().zone),
        items=(item,),
        expected=expected,
    )


class UserLimit(Amount):
    """The most that a user may use: a figure from 0 on."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Decimal:
        limit = super()._deserialize(value, attr, data, **kwargs)
        if limit < 0:
            raise ValidationError("Limit must be a positive number.")
        return limit


class ChangeUserUsageLimit(Body):
    """Some values of a limit, by the names of UserUsageLimit."""

    resource = Url("resources", attribute="resource_uuid")
    component = Reference("components", attribute="component_uuid")
    user = Url("offering_users", attribute="offering_user_uuid")
    limit = UserLimit()

    def build(self, values: dict[str, Any]) -> dict[str, Any]:
        if component := values.get("component_uuid"):
            values["component_uuid"] = component.uuid
        return values


class SetUserUsageLimit(ChangeUserUsageLimit):
    """The values of a limit, of which the figure may be left out."""

    resource = Url("resources", attribute="resource_uuid", required=True)
    component = Reference("components", attribute="component_uuid", required=True)
    user = Url("offering_users", attribute="offering_user_uuid", required=True)


# Made once: to make a schema takes longer than to load with it.
CHANGE_USER_USAGE_LIMIT, SET_USER_USAGE_LIMIT = ChangeUserUsageLimit(), SetUserUsageLimit()
SET_USAGE, SET_USER_USAGE, SET_USER_USAGES = SetUsage(), SetUserUsage(), SetUserUsages()
COMPONENT_REPORT, USER_REPORT = ComponentReport(), UserReport()

FIELDS = COMPONENT_REPORT.fields.keys() | USER_REPORT.fields.keys()

COMPONENT_REPORT.known = dict.fromkeys(
    FIELDS, "Belongs to the report of a user, and this one has no username: a component's has an amount."
)
USER_REPORT.known = dict.fromkeys(
    FIELDS, "Belongs to the report of a component, and this one has a username: a user's has a usage."
)
