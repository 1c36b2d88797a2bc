"""The rows of the catalogue: names of the columns in their order, the type of each, and what it shows."""

from typing import get_args

from ledger.domain.catalogue import BillingType, LimitPeriod, OfferingState, ResourceState
from web.wire.responses.columns import (
    Boolean,
    Constant,
    Empty,
    Hex,
    HexIfAny,
    Integer,
    Json,
    Link,
    Moment,
    Number,
    Objects,
    Text,
    Word,
)
from web.wire.responses.lists import FIGURE
from web.wire.responses.schemas import RowSchema, declare

RESOURCE_STATES = {
    "OK" if state is ResourceState.OK else state.name.capitalize(): state for state in ResourceState
}
OFFERING_STATES = {state.name.capitalize(): state for state in OfferingState}
"""States by the words that clients know."""

COMPONENT = declare(
    RowSchema,
    "OfferingComponent",
    uuid=Hex(),
    offering_uuid=Hex(),
    billing_type=Word(get_args(BillingType)),
    type=Text(attribute="component_type"),
    name=Text(),
    description=Text(),
    measured_unit=Text(),
    unit_factor=Number(),
    limit_period=Word(get_args(LimitPeriod)),
    limit_amount=Number(allow_none=True),
    is_prepaid=Boolean(),
)

OFFERING = declare(
    RowSchema,
    "ProviderOffering",
    url=Link("marketplace-provider-offerings"),
    uuid=Hex(),
    created=Moment(),
    name=Text(),
    slug=Empty(),
    description=Empty(),
    customer=Link("customers"),
    customer_uuid=Hex(),
    customer_name=Text(),
    project_uuid=Hex(allow_none=True),
    project_name=Text(allow_none=True),
    category_uuid=HexIfAny(),
    category_title=Text(),
    parent_uuid=Hex(allow_none=True),
    parent_name=Text(allow_none=True),
    state=Word(tuple(OFFERING_STATES)),
    type=Text(attribute="offering_type"),
    backend_id=Empty(),
    plugin_options=Json(),
    partitions=Constant("[]"),
    components=Objects(COMPONENT),
)

USER_ATTRIBUTE_CONFIG = declare(
    RowSchema,
    "OfferingUserAttributeConfig",
    uuid=Hex(attribute="config_uuid"),
    created=Moment(),
    modified=Moment(),
    offering_uuid=Hex(attribute="uuid"),
    offering_name=Text(attribute="name"),
    exposed_fields=Constant('["username"]'),
    expose_username=Constant("true"),
    is_default=Constant("true"),
)
"""What an offering is told of its users: here always the username, and nothing else."""

SERVICE_PROVIDER = declare(
    RowSchema,
    "ServiceProvider",
    url=Link("marketplace-service-providers"),
    uuid=Hex(),
    created=Moment(),
    description=Empty(),
    customer=Link("customers"),
    customer_name=Text(),
    customer_uuid=Hex(),
    customer_abbreviation=Text(),
    customer_slug=Empty(),
    organization_groups=Constant("[]"),
    offering_count=Integer(),
)

RESOURCE = declare(
    RowSchema,
    "Resource",
    url=Link("marketplace-resources"),
    uuid=Hex(),
    name=Text(),
    slug=Text(),
    description=Empty(),
    backend_id=Text(),
    effective_id=Empty(),
    state=Word(tuple(RESOURCE_STATES)),
    created=Moment(),
    modified=Moment(),
    offering=Link("marketplace-public-offerings"),
    offering_uuid=Hex(),
    offering_name=Text(),
    offering_slug=Empty(),
    offering_type=Text(),
    offering_backend_id=Empty(),
    provider_uuid=Hex(),
    provider_name=Text(),
    category_uuid=HexIfAny(),
    category_title=Text(),
    plan_uuid=Hex(allow_none=True),
    plan_name=Text(allow_none=True),
    project=Link("projects"),
    project_uuid=Hex(),
    project_name=Text(),
    project_slug=Empty(),
    customer_uuid=Hex(),
    customer_name=Text(),
    customer_slug=Empty(),
    limits=Json(),
    attributes=Json(),
    backend_metadata=Json(),
    current_usages=Json(),
    offering_plugin_options=Json(),
    is_usage_based=Boolean(),
    is_limit_based=Boolean(),
    end_date=Constant("null"),
)

PLAN_PERIOD = declare(
    RowSchema,
    "ResourcePlanPeriod",
    uuid=Hex(),
    plan_name=Text(),
    plan_uuid=Hex(),
    start=Moment(allow_none=True),
    end=Moment(allow_none=True),
    components=Objects(declare(RowSchema, "BaseComponentUsage", **FIGURE)),
)

OFFERING_USER = declare(
    RowSchema,
    "OfferingUser",
    url=Link("marketplace-offering-users"),
    uuid=Hex(),
    user=Link("users", allow_none=True),
    offering=Link("marketplace-provider-offerings"),
    username=Text(),
    offering_uuid=Hex(),
    offering_name=Text(),
    user_uuid=HexIfAny(),
    user_username=Text(),
    created=Moment(),
    modified=Moment(),
    customer_uuid=Hex(),
    customer_name=Text(),
    is_restricted=Constant("false"),
)
