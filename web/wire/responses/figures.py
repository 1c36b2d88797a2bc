"""The rows of the lists that pages are made of."""

from web.wire.responses.columns import Boolean, ColumnField, Date, Decimal, Hex, Integer, Moment, Number, Text
from web.wire.responses.schemas import RowSchema, declare
from web.wire.responses.statistics import RESOURCE_MISSING_USAGE

PROJECT_SEEN = declare(
    RowSchema,
    "ProjectSeen",
    uuid=Hex(),
    name=Text(),
    customer_uuid=Hex(attribute="owner_uuid"),
    customer_name=Text(attribute="owner_name"),
    resource_count=Integer(attribute="resources"),
)

OFFERING_SEEN = declare(
    RowSchema,
    "OfferingSeen",
    uuid=Hex(),
    name=Text(),
    provider_uuid=Hex(attribute="owner_uuid"),
    provider_name=Text(attribute="owner_name"),
    resource_count=Integer(attribute="resources"),
)

CUSTOMER_SEEN = declare(
    RowSchema,
    "CustomerSeen",
    uuid=Hex(),
    name=Text(),
    is_provider=Boolean(),
    is_consumer=Boolean(),
    resource_count=Integer(attribute="resources"),
)

COMPONENT: dict[str, ColumnField] = {
    "type": Text(attribute="component_type"),
    "name": Text(attribute="component_name"),
    "measured_unit": Text(),
}

OFFERING: dict[str, ColumnField] = {"offering_uuid": Hex(), "offering_name": Text()}
PROJECT: dict[str, ColumnField] = {"project_uuid": Hex(), "project_name": Text()}
CUSTOMER: dict[str, ColumnField] = {"customer_uuid": Hex(), "customer_name": Text()}

MONTHLY_USAGE = declare(
    RowSchema,
    "MonthlyUsage",
    billing_period=Date(allow_none=True),
    **OFFERING,
    **COMPONENT,
    group_uuid=Hex(allow_none=True),
    group_name=Text(allow_none=True),
    is_rest=Boolean(),
    usage=Decimal(),
)

MOVER = declare(
    RowSchema,
    "Mover",
    billing_period=Date(),
    resource_uuid=Hex(),
    resource_name=Text(),
    **OFFERING,
    **PROJECT,
    **CUSTOMER,
    **COMPONENT,
    usage_before=Decimal(),
    usage=Decimal(),
    delta=Decimal(),
    share=Number(allow_none=True),
)

SILENT_RESOURCE = RESOURCE_MISSING_USAGE

FRESHNESS = declare(
    RowSchema,
    "Freshness",
    **OFFERING,
    provider_uuid=Hex(),
    provider_name=Text(),
    last_usage_date=Moment(attribute="measured_at", allow_none=True),
    last_reported_at=Moment(attribute="recorded_at", allow_none=True),
    resources_reported=Integer(attribute="reported"),
    resources_silent=Integer(attribute="silent"),
)

DIFF_TOTAL = declare(
    RowSchema,
    "DiffTotal",
    **CUSTOMER,
    **PROJECT,
    **OFFERING,
    **COMPONENT,
    usage_before=Decimal(),
    usage_after=Decimal(),
    delta=Decimal(),
    figures=Integer(),
)

FIGURES = (
    *(
        PROJECT_SEEN,
        OFFERING_SEEN,
        CUSTOMER_SEEN,
        MONTHLY_USAGE,
        MOVER,
        SILENT_RESOURCE,
        FRESHNESS,
        DIFF_TOTAL,
    ),
)
"""All of them."""
