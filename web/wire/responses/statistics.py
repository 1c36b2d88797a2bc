"""The rows of statistics: figures over all resources, by month, component, project or offering."""

from web.wire.responses.columns import Date, Decimal, Empty, Hex, Integer, Moment, Month, Text, Word
from web.wire.responses.schemas import RowSchema, declare

NO_GROUPS = {
    "offering_country": Empty(),
    "organization_group_name": Empty(),
    "organization_group_uuid": Empty(),
}
"""What the ledger does not know of offerings; clients insist on text."""

AGGREGATED_USAGE_TREND = declare(
    RowSchema,
    "AggregatedUsageTrend",
    period=Month(attribute="billing_period"),
    year=Integer(),
    month=Integer(),
    total_usage=Decimal(),
    resource_count=Integer(),
    component_count=Integer(),
)

RESOURCE_MISSING_USAGE = declare(
    RowSchema,
    "ResourceMissingUsage",
    uuid=Hex(),
    name=Text(),
    state=Word(("OK", "Updating")),
    created=Moment(),
    offering_name=Text(),
    offering_uuid=Hex(),
    provider_name=Text(),
    provider_uuid=Hex(),
    customer_name=Text(),
    customer_uuid=Hex(),
    project_name=Text(),
    project_uuid=Hex(),
    last_usage_date=Moment(allow_none=True),
    days_since_last_report=Integer(allow_none=True),
)

COMPONENT_USAGES = declare(
    RowSchema,
    "ComponentUsagesStats",
    usage=Decimal(),
    offering_uuid=Hex(),
    component_type=Text(),
    **NO_GROUPS,
)

COMPONENT_USAGES_PER_MONTH = declare(
    RowSchema,
    "ComponentUsagesPerMonthStats",
    usage=Decimal(),
    offering_uuid=Hex(),
    component_type=Text(),
    month=Integer(),
    year=Integer(),
    **NO_GROUPS,
)

COMPONENT_USAGES_PER_PROJECT = declare(
    RowSchema,
    "ComponentUsagesPerProject",
    project_uuid=Hex(),
    component_type=Text(),
    usage=Decimal(),
)

OFFERING_COMPONENT_STAT = declare(
    RowSchema,
    "OfferingComponentStat",
    period=Month(attribute="month"),
    billing_period=Date(),
    date=Moment(attribute="last_day"),
    usage=Decimal(),
    description=Text(),
    measured_unit=Text(),
    type=Text(attribute="component_type"),
    name=Text(attribute="component_name"),
)
