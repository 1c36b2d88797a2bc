"""The filters and orders of the lists: the wire's names, and what they are inside."""

from typing import Any

from flask import request
from marshmallow import EXCLUDE, Schema, post_load

from ledger.domain.months import month_of
from web.wire.body import Loading
from web.wire.parameters import (
    ChoicesFilter,
    DateFilter,
    LenientOrdering,
    MonthFilter,
    Ordering,
    TextFilter,
    UsageQuery,
    UuidFilter,
)
from web.wire.requests import POLICIES


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
        context = Loading.get()
        data["current"] = month_of(context.now, context.zone)
        if not request.args.keys() & {"billing_period", "start", "end"}:
            data["billing_period"] = data["current"]
        return data


# Made once: to make a schema takes longer than to load with it.
COMPONENT_USAGE_QUERY, COMPONENT_USER_USAGE_QUERY, MONTHLY_QUERY = (
    ComponentUsageQuery(),
    ComponentUserUsageQuery(),
    MonthlyQuery(),
)
