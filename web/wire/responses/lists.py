"""The rows of the lists: names of the columns in their order, the type of each, and what it shows."""

from typing import Any, get_args

from ledger.domain.catalogue import BillingType, LimitPeriod
from ledger.domain.reports import Policy
from web.wire.responses.columns import Boolean, Date, Decimal, Empty, Hex, Integer, Link, Moment, Text, Word
from web.wire.responses.schemas import RowSchema, declare

OWNERS = {
    "resource_name": Text(),
    "resource_uuid": Hex(),
    "offering_name": Text(),
    "offering_uuid": Hex(),
    "project_name": Text(),
    "project_uuid": Hex(),
    "customer_name": Text(),
    "customer_uuid": Hex(),
}
"""Name and uuid of the resource that something was used of, and of what that belongs to."""

FIGURE: dict[str, Any] = {
    "uuid": Hex(),
    "created": Moment(),
    "description": Text(),
    "type": Text(attribute="component_type"),
    "name": Text(attribute="component_name"),
    "measured_unit": Text(),
    "usage": Decimal(),
    "date": Moment(attribute="measured_at"),
    "missing_usage_policy": Word(get_args(Policy)),
    "recurring": Boolean(attribute="is_reused"),
}
"""What a component of a resource used, and how that was reported."""

COMPONENT_USAGE = declare(
    RowSchema,
    "ComponentUsage",
    all_if_unknown=False,
    **FIGURE,
    **OWNERS,
    billing_period=Date(),
    modified_by=Integer(attribute="reported_by_id", allow_none=True),
)

COMPONENT_USER_USAGE = declare(
    RowSchema,
    "ComponentUserUsage",
    uuid=Hex(),
    user=Link("marketplace-offering-users", attribute="offering_user_uuid", allow_none=True),
    username=Text(),
    component_usage=Link("marketplace-component-usages", attribute="component_usage_uuid"),
    usage=Decimal(),
    measured_unit=Text(),
    description=Empty(),
    created=Moment(),
    modified=Moment(),
    backend_id=Empty(),
    **OWNERS,
    component_type=Text(),
    date=Moment(attribute="measured_at"),
    billing_period=Date(),
)

USER_USAGE_LIMIT = declare(
    RowSchema,
    "ComponentUserUsageLimit",
    url=Link("component-user-usage-limits"),
    uuid=Hex(),
    resource=Link("marketplace-resources", attribute="resource_uuid"),
    component=Hex(attribute="component_uuid"),
    component_type=Text(),
    user=Link("marketplace-offering-users", attribute="offering_user_uuid"),
    limit=Decimal(),
    username=Text(),
)

MONTHLY_SUMMARY = declare(
    RowSchema,
    "ComponentUsageMonthly",
    offering_uuid=Hex(),
    offering_name=Text(),
    offering_type=Text(),
    service_provider_uuid=Hex(),
    service_provider_name=Text(),
    category_uuid=Hex(),
    category_title=Text(),
    component_type=Text(),
    component_name=Text(),
    measured_unit=Text(),
    billing_type=Word(get_args(BillingType)),
    limit_amount=Integer(allow_none=True),
    limit_period=Word(get_args(LimitPeriod)),
    billing_period=Date(),
    total_consumed=Decimal(),
    total_allocated=Decimal(),
    usage_percent=Decimal(allow_none=True),
)
