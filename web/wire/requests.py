"""Bodies of requests: the wire's names, and what they are inside."""

from typing import Any

from marshmallow import ValidationError, post_load, validates_schema

from ledger.domain.reports import UsageItem, UsageReport, UserUsageItem, UserUsageReport
from ledger.errors import InvalidItem
from web.wire.body import Body
from web.wire.fields import (
    Amount,
    BulkItems,
    Choice,
    Items,
    Moment,
    NullableBoolean,
    OfferingUserUrl,
    Reference,
    Text,
    any_offering_user,
    any_resource,
    open_plan_period,
)

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
    plan_period = Reference(open_plan_period)
    resource = Reference(any_resource)
    date = Moment()

    @validates_schema
    def check_subject(self, data: dict[str, Any], **_: Any) -> None:
        check_subject(data)

    @post_load
    def report(self, data: dict[str, Any], **_: Any) -> UsageReport:
        period = data.get("plan_period")
        return UsageReport(
            resource_uuid=period.resource_uuid if period else data["resource"],
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
    user = OfferingUserUrl(any_offering_user, attribute="offering_user_uuid")
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


# Made once: to make a schema takes longer than to load with it.
SET_USAGE, SET_USER_USAGE, SET_USER_USAGES = SetUsage(), SetUserUsage(), SetUserUsages()
