"""The wire's names, and what they are inside. Nothing else in the code says `type`, `usage` or `date`."""

from decimal import ROUND_HALF_EVEN, Decimal
from functools import lru_cache
from typing import Any
from uuid import UUID

from flask import request
from marshmallow import EXCLUDE, Schema, ValidationError, fields, post_load, validates_schema

from ledger.errors import Unreadable
from ledger.months import month_of
from ledger.reports import UsageItem, UsageReport, UserUsageItem, UserUsageReport
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
    any_resource,
    open_plan_period,
)
from web.queries import (
    ChoicesFilter,
    DateFilter,
    LenientOrdering,
    MonthFilter,
    Ordering,
    TextFilter,
    UsageQuery,
    UuidFilter,
    fields_asked_for,
)
from web.services import services

POLICIES = ("none", "reuse", "zero")


class Body(Schema):
    """A request body. Keys that nobody knows are ignored."""

    class Meta:
        unknown = EXCLUDE

    def handle_error(self, error: ValidationError, data: Any, *, many: bool, **kwargs: Any) -> None:
        """Errors of a whole object go by the reference's name for it."""
        if isinstance(error.messages, dict) and "_schema" in error.messages:
            error.messages["non_field_errors"] = error.messages.pop("_schema")


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
    user = OfferingUserUrl(attribute="offering_user_uuid")
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


class Hex(fields.Field[UUID]):
    """A uuid as 32 hex digits."""

    def _serialize(self, value: UUID | None, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return value.hex if value else None


class ObjectUrl(fields.Field[UUID | None]):
    """The absolute URL of an object, on the host that the request came to."""

    def __init__(self, collection: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.collection = collection

    def _serialize(self, value: UUID | None, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else f"{request.host_url}api/{self.collection}/{value.hex}/"


class Row(Schema):
    """A row of a list, with the columns that `?field=` asks for."""

    @classmethod
    def asked_for(cls) -> Schema:
        """With those of the named columns that there are; if they are unknown ones only, with all."""
        return _rows(cls, frozenset(fields_asked_for() & cls._declared_fields.keys()) or None)


class ComponentUsageRow(Row):
    uuid = Hex()
    created = fields.DateTime()
    description = fields.String()
    type = fields.String(attribute="component_type")
    name = fields.String(attribute="component_name")
    measured_unit = fields.String()
    usage = fields.Decimal(as_string=True)
    date = fields.DateTime(attribute="measured_at")
    missing_usage_policy = fields.String()
    recurring = fields.Function(lambda row: row["missing_usage_policy"] == "reuse")
    resource_name = fields.String()
    resource_uuid = Hex()
    offering_name = fields.String()
    offering_uuid = Hex()
    project_name = fields.String()
    project_uuid = Hex()
    customer_name = fields.String()
    customer_uuid = Hex()
    billing_period = fields.Date()
    modified_by = fields.Integer()

    @classmethod
    def asked_for(cls) -> Schema:
        """With the columns that are named; if they are unknown ones only, with none at all."""
        wanted = fields_asked_for()
        return _rows(cls, frozenset(wanted & cls._declared_fields.keys()) if wanted else None)


class ComponentUserUsageRow(Row):
    uuid = Hex()
    user = ObjectUrl("marketplace-offering-users", attribute="offering_user_uuid")
    username = fields.String()
    component_usage = ObjectUrl("marketplace-component-usages", attribute="component_usage_uuid")
    usage = fields.Decimal(as_string=True)
    measured_unit = fields.String()
    description = fields.Constant("")
    created = fields.DateTime()
    modified = fields.DateTime()
    backend_id = fields.Constant("")
    resource_name = fields.String()
    resource_uuid = Hex()
    offering_name = fields.String()
    offering_uuid = Hex()
    project_name = fields.String()
    project_uuid = Hex()
    customer_name = fields.String()
    customer_uuid = Hex()
    component_type = fields.String()
    date = fields.DateTime(attribute="measured_at")
    billing_period = fields.Date()


NO_CATEGORY = UUID(int=0)
"""Clients insist on a category; an offering that came without one shows this."""


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
        data["current"] = month_of(services().clock())
        if not request.args.keys() & {"billing_period", "start", "end"}:
            data["billing_period"] = data["current"]
        return data


class MonthlyRow(Row):
    offering_uuid = Hex()
    offering_name = fields.String()
    offering_type = fields.String()
    service_provider_uuid = Hex()
    service_provider_name = fields.String()
    category_uuid = fields.Function(lambda row: (row["category_uuid"] or NO_CATEGORY).hex)
    category_title = fields.String()
    component_type = fields.String()
    component_name = fields.String()
    measured_unit = fields.String()
    billing_type = fields.String()
    limit_amount = fields.Integer()
    limit_period = fields.String()
    billing_period = fields.Date()
    total_consumed = fields.Decimal(places=2, as_string=True)
    total_allocated = fields.Decimal(places=2, as_string=True)
    usage_percent = fields.Function(lambda row: percentage(row["total_consumed"], row["total_allocated"]))


def percentage(consumed: Decimal, allocated: Decimal) -> str | None:
    """How much of what is allocated was consumed, in percent with two decimals, halves to even."""
    if allocated <= 0:
        return None
    return str((consumed * 100 / allocated).quantize(Decimal("0.01"), ROUND_HALF_EVEN))


@lru_cache(maxsize=256)
def _rows(schema: type[Schema], columns: frozenset[str] | None) -> Schema:
    """Schemas are slow to make, and clients ask for few of the many that there could be."""
    if columns is None:
        return schema()
    return schema(only=[name for name in schema._declared_fields if name in columns])
