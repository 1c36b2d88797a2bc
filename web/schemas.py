"""The wire's names, and what they are inside. Nothing else in the code says `type`, `usage` or `date`."""

from typing import Any

from flask import request
from marshmallow import EXCLUDE, Schema, ValidationError, post_load, validates_schema

from ledger.errors import Unreadable
from ledger.months import month_of
from ledger.reports import UsageItem, UsageReport, UserUsageItem, UserUsageReport
from web.body import Body
from web.fields import (
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
from web.pages import Row
from web.queries import (
    ChoicesFilter,
    DateFilter,
    LenientOrdering,
    MonthFilter,
    Ordering,
    TextFilter,
    UsageQuery,
    UuidFilter,
)
from web.services import services

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
    def items(self, data: dict[str, Any], **_: Any) -> list[UserUsageItem | Unreadable]:
        items: list[UserUsageItem | Unreadable] = data["usages"]
        return items


# Made once: to make a schema takes longer than to load with it.
SET_USAGE, SET_USER_USAGE, SET_USER_USAGES = SetUsage(), SetUserUsage(), SetUserUsages()


class ComponentUsageQuery(UsageQuery):
    billing_period = DateFilter()
    missing_usage_policy = ChoicesFilter(POLICIES, attribute="missing_usage_policies")
    o = Ordering({name: name for name in ("billing_period", "usage", "missing_usage_policy")})


class ComponentUserUsageQuery(UsageQuery):
    component_usage__billing_period = DateFilter(attribute="billing_period")
    username = TextFilter(attribute="username_part")
    o = Ordering(
        {
            "component_usage__billing_period": "billing_period",
            "usage": "usage",
            "username": "username",
        }
    )

    @post_load
    def pattern(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        if part := data.get("username_part"):
            data["username_part"] = f"%{part.translate(LIKE_LITERALLY)}%"
        return data


LIKE_LITERALLY = str.maketrans({"\\": r"\\", "%": r"\%", "_": r"\_"})


COMPONENT_USAGE_ROW = Row(
    "uuid",
    "created",
    "description",
    ("type", "component_type"),
    ("name", "component_name"),
    "measured_unit",
    "usage",
    ("date", "measured_at"),
    "missing_usage_policy",
    ("recurring", "is_reused"),
    "resource_name",
    "resource_uuid",
    "offering_name",
    "offering_uuid",
    "project_name",
    "project_uuid",
    "customer_name",
    "customer_uuid",
    "billing_period",
    ("modified_by", "reported_by_id"),
    all_if_unknown=False,
)

COMPONENT_USER_USAGE_ROW = Row(
    "uuid",
    ("user", "offering_user_url"),
    "username",
    ("component_usage", "component_usage_url"),
    "usage",
    "measured_unit",
    ("description", "nothing"),
    "created",
    "modified",
    ("backend_id", "nothing"),
    "resource_name",
    "resource_uuid",
    "offering_name",
    "offering_uuid",
    "project_name",
    "project_uuid",
    "customer_name",
    "customer_uuid",
    "component_type",
    ("date", "measured_at"),
    "billing_period",
)


class MonthlyQuery(Schema):
    """The filters of the monthly summary; `customer_uuid` is the provider."""

    class Meta:
        unknown = EXCLUDE

    offering_uuid = UuidFilter()
    customer_uuid = UuidFilter()
    project_uuid = UuidFilter()
    offering_type = TextFilter()
    component_type = TextFilter()
    billing_type = TextFilter()
    billing_period = MonthFilter()
    start = MonthFilter()
    end = MonthFilter()
    o = LenientOrdering(
        {name: name for name in ("usage_percent", "billing_period", "total_consumed", "total_allocated")}
    )

    @post_load
    def months(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        """The current month, unless the query has one of the keys, be it an empty one."""
        data["current"] = month_of(services().clock(), services().ledger.zone)
        if not request.args.keys() & {"billing_period", "start", "end"}:
            data["billing_period"] = data["current"]
        return data


MONTHLY_ROW = Row(
    "offering_uuid",
    "offering_name",
    "offering_type",
    "service_provider_uuid",
    "service_provider_name",
    "category_uuid",
    "category_title",
    "component_type",
    "component_name",
    "measured_unit",
    "billing_type",
    "limit_amount",
    "limit_period",
    "billing_period",
    "total_consumed",
    "total_allocated",
    "usage_percent",
)


# Made once: to make a schema takes longer than to load with it.
COMPONENT_USAGE_QUERY, COMPONENT_USER_USAGE_QUERY, MONTHLY_QUERY = (
    ComponentUsageQuery(),
    ComponentUserUsageQuery(),
    MonthlyQuery(),
)
