"""The filters and orders of the lists: their names on the wire, and what those restrict inside."""

from collections.abc import Collection, Mapping
from datetime import date, timedelta
from typing import Any

from flask import request
from marshmallow import EXCLUDE, Schema, ValidationError, post_load

from ledger.domain.months import month_of, start_of
from web.wire.body import Loading
from web.wire.parameters import (
    ChoicesFilter,
    DateFilter,
    LenientOrdering,
    MonthFilter,
    NumberFilter,
    Ordering,
    PlainMonthFilter,
    ResourceUrlFilter,
    TextFilter,
    UuidFilter,
)
from web.wire.requests import POLICIES


class ByResourceQuery(Schema):
    """The filters of lists of what belongs to resources."""

    class Meta:
        unknown = EXCLUDE

    resource = ResourceUrlFilter()
    resource_uuid = UuidFilter()
    offering_uuid = UuidFilter()


class UsageQuery(ByResourceQuery):
    """The filters that lists of component usages and of user usages share."""

    project_uuid = UuidFilter()
    customer_uuid = UuidFilter()
    type = TextFilter(attribute="component_type")
    billing_period_year = NumberFilter()
    billing_period_month = NumberFilter()
    date_after = DateFilter(attribute="measured_from")
    date_before = DateFilter(attribute="measured_before")
    o = Ordering({})

    @post_load
    def restrictions(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Return the restrictions: days as moments of the ledger's zone, the second one inclusive."""
        zone = Loading.get().zone
        if "measured_from" in data:
            data["measured_from"] = start_of(data["measured_from"], zone)
        if day := data.get("measured_before"):
            data["measured_before"] = start_of(min(day, date.max - timedelta(1)) + timedelta(1), zone)
        if {"billing_period_year", "billing_period_month"} <= data.keys() and "billing_period" not in data:
            _as_month(data)
        return data


def _as_month(data: dict[str, Any]) -> None:
    """Make one month of year and month: it is found quicker, and counted."""
    year, month = data["billing_period_year"], data["billing_period_month"]
    if date.min.year <= year <= date.max.year and 1 <= month <= 12:
        del data["billing_period_year"], data["billing_period_month"]
        data["billing_period"] = date(year, month, 1)


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
            data["username_part"] = containing(part)
        return data


LIKE_LITERALLY = str.maketrans({"\\": r"\\", "%": r"\%", "_": r"\_"})


def containing(part: str) -> str:
    """Return the ILIKE pattern of texts that contain this one, letter by letter."""
    return f"%{part.translate(LIKE_LITERALLY)}%"


class UserUsageLimitQuery(ByResourceQuery):
    component_type = TextFilter()
    username = TextFilter()


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
        """Restrict the query to the current month, unless it has one of the keys, be it an empty one."""
        data["current"] = _current_month()
        if not request.args.keys() & {"billing_period", "start", "end"}:
            data["billing_period"] = data["current"]
        return data


class CurrentMonthQuery(Schema):
    """No filters: a list of this month."""

    class Meta:
        unknown = EXCLUDE

    @post_load
    def month(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        return {"billing_period": _current_month()}


def month_of_range() -> PlainMonthFilter:
    return PlainMonthFilter(
        'Value "{value}" should be in valid format YYYY-MM', "Month has to be from 1 to 12."
    )


class MonthRangeQuery(Schema):
    """A range of months, both ends inclusive; without any the last 13 months."""

    class Meta:
        unknown = EXCLUDE

    start = month_of_range()
    end = month_of_range()

    @post_load
    def months(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Return both ends. Raises ValidationError if only one is given, or they are in the wrong order."""
        if not data:
            current = _current_month()
            return {"start": current.replace(year=current.year - 1), "end": current}
        if len(data) == 1:
            raise ValidationError({"non_field_errors": ["Both parameters must be specified."]})
        if data["start"] > data["end"]:
            message = "Start date must be earlier or equal to end date."
            raise ValidationError({"non_field_errors": [message]})
        return data


NO_BILLING_PERIOD = "billing_period must be in YYYY-MM format"


class MissingUsageQuery(Schema):
    """A month, without any this one; `provider_uuid` is the customer of the offering."""

    class Meta:
        unknown = EXCLUDE

    billing_period = PlainMonthFilter(NO_BILLING_PERIOD, NO_BILLING_PERIOD)
    provider_uuid = UuidFilter()

    @post_load
    def moment(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Add the month that is asked for, and the present."""
        return {"billing_period": _current_month(), "now": Loading.get().now} | data

    def handle_error(self, error: ValidationError, data: Any, **_: Any) -> None:
        """Tell of a wrong month without its name, as Waldur does."""
        if messages := error.messages_dict.get("billing_period"):
            raise ValidationError(messages)


def _current_month() -> date:
    context = Loading.get()
    return month_of(context.now, context.zone)


# Made once: to make a schema takes longer than to load with it.
COMPONENT_USAGE_QUERY, COMPONENT_USER_USAGE_QUERY, USER_USAGE_LIMIT_QUERY, MONTHLY_QUERY = (
    ComponentUsageQuery(),
    ComponentUserUsageQuery(),
    UserUsageLimitQuery(),
    MonthlyQuery(),
)
ALL_QUERY, CURRENT_MONTH_QUERY, MONTH_RANGE_QUERY, MISSING_USAGE_QUERY = (
    Schema(unknown=EXCLUDE),
    CurrentMonthQuery(),
    MonthRangeQuery(),
    MissingUsageQuery(),
)

IGNORED: Mapping[str, Collection[str]] = {
    "marketplace-offering-users": {
        *("has_complete_profile", "has_consent", "is_provider_backed", "offering"),
        *("offering_has_active_tos", "offering_slug", "query", "runtime_state"),
        *("service_provider_account_uuid", "state"),
    },
    "marketplace-provider-offerings": {
        *("accessible", "accessible_via_calls", "allowed_customer_uuid", "attributes", "billable"),
        *("can_create_offering_user", "category_group_uuid", "consumer_customer_uuid", "customer"),
        *("description", "has_active_terms_of_service", "has_terms_of_service", "importable", "keyword"),
        *("offering_group_uuid", "open_for_proposals", "organization_group_uuid", "query"),
        *("resource_customer_uuid", "resource_project_uuid", "scope_uuid", "service_manager_uuid"),
        *("shared", "slug", "tag", "tag_name", "tag_names_and", "tags_and", "user_has_consent"),
        *("user_has_offering_user", "uuid_list"),
    },
    "marketplace-provider-resources": {
        *("component_count", "customer", "downscaled", "flavor_name", "has_terminate_date", "image_name"),
        *("is_attached", "lexis_links_supported", "limit_component_count", "offering", "offering_billable"),
        *("offering_shared", "offering_slug", "only_limit_based", "only_usage_based", "order_state"),
        *("paused", "query", "resource_attributes", "restrict_member_access", "runtime_state", "scope"),
        *("service_manager_uuid", "visible_to_providers", "visible_to_username"),
    },
    "marketplace-service-providers": {"customer", "customer_keyword"},
    "marketplace-site-agent-identities": {"orphaned"},
    "marketplace-site-agent-processors": {"last_run", "last_run_before", "stale"},
    "marketplace-site-agent-services": {"stale"},
}
"""Parameters of Waldur's lists that change nothing here, by the list; the README states them."""
