"""Waldur's own client, unchanged, reads the catalogue with every value."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from waldur_api_client import AuthenticatedClient
from waldur_api_client.api.marketplace_offering_users import (
    marketplace_offering_users_count,
    marketplace_offering_users_list,
    marketplace_offering_users_retrieve,
)
from waldur_api_client.api.marketplace_provider_offerings import (
    marketplace_provider_offerings_count,
    marketplace_provider_offerings_list,
    marketplace_provider_offerings_retrieve,
    marketplace_provider_offerings_user_attribute_config_retrieve,
)
from waldur_api_client.api.marketplace_provider_resources import (
    marketplace_provider_resources_count,
    marketplace_provider_resources_list,
    marketplace_provider_resources_plan_periods_list,
    marketplace_provider_resources_retrieve,
)
from waldur_api_client.api.marketplace_resources import (
    marketplace_resources_plan_periods_list,
    marketplace_resources_retrieve,
)
from waldur_api_client.api.marketplace_service_providers import (
    marketplace_service_providers_count,
    marketplace_service_providers_list,
    marketplace_service_providers_retrieve,
)
from waldur_api_client.models import (
    ProviderOfferingDetailsFieldEnum,
    ResourceFieldEnum,
    ResourceState,
    ServiceProviderFieldEnum,
)

from tests.api.plans import FIRST, describe_periods
from tests.catalogue.reading import OFFERING_USERS, OFFERINGS, RESOURCES, SERVICE_PROVIDERS, rows
from tests.world import BASIC, OFFERING, PROVIDER, RESOURCE, SERVICE_PROVIDER, World

Call = Callable[..., Any]


@pytest.mark.parametrize(
    ("path", "list_all", "retrieve", "count"),
    [
        (
            OFFERINGS,
            marketplace_provider_offerings_list.sync_all,
            marketplace_provider_offerings_retrieve.sync,
            marketplace_provider_offerings_count.sync,
        ),
        (
            SERVICE_PROVIDERS,
            marketplace_service_providers_list.sync_all,
            marketplace_service_providers_retrieve.sync,
            marketplace_service_providers_count.sync,
        ),
        (
            RESOURCES,
            marketplace_provider_resources_list.sync_all,
            marketplace_provider_resources_retrieve.sync,
            marketplace_provider_resources_count.sync,
        ),
        (
            OFFERING_USERS,
            marketplace_offering_users_list.sync_all,
            marketplace_offering_users_retrieve.sync,
            marketplace_offering_users_count.sync,
        ),
    ],
    ids=["offerings", "service providers", "resources", "offering users"],
)
def test_each_list_is_read_counted_and_retrieved(
    world: World, client: AuthenticatedClient, path: str, list_all: Call, retrieve: Call, count: Call
) -> None:
    found = list_all(client=client)
    assert count(client=client) == len(found) > 0
    shown = rows(world, path)
    for each, row in zip(found, shown, strict=True):
        assert plain(each.to_dict()).items() >= plain(row).items()
        assert retrieve(each.uuid, client=client) == each


def plain(value: Any) -> Any:
    """A value without what differs between hosts and ways to write a uuid, and without empty models."""
    match value:
        case dict():
            return {name: plain(each) for name, each in value.items()}
        case list():
            return [plain(each) for each in value]
        case str():
            return value.replace("-", "").rpartition("/api/")[2]
    return value


def test_the_questions_of_the_agent_are_answered(client: AuthenticatedClient) -> None:
    offering = marketplace_provider_offerings_retrieve.sync(
        UUID(OFFERING),
        client=client,
        field=[ProviderOfferingDetailsFieldEnum.COMPONENTS, ProviderOfferingDetailsFieldEnum.CUSTOMER_UUID],
    )
    assert offering.customer_uuid == UUID(PROVIDER)
    components = offering.to_dict()["components"]
    assert [(each["type"], each["unit_factor"]) for each in components[:2]] == [("cpu", 1), ("fee", 1)]
    [provider] = marketplace_service_providers_list.sync_all(
        client=client, customer_uuid=UUID(PROVIDER), field=[ServiceProviderFieldEnum.UUID]
    )
    assert provider.uuid == UUID(SERVICE_PROVIDER)
    [resource] = marketplace_provider_resources_list.sync_all(
        client=client,
        offering_uuid=[UUID(OFFERING)],
        state=[ResourceState.OK, ResourceState.ERRED],
        field=[ResourceFieldEnum.UUID, ResourceFieldEnum.NAME, ResourceFieldEnum.LIMITS],
    )
    assert (resource.uuid, resource.name, resource.to_dict()["limits"]) == (UUID(RESOURCE), "Resource", {})
    config = marketplace_provider_offerings_user_attribute_config_retrieve.sync(UUID(OFFERING), client=client)
    assert (config.is_default, config.exposed_fields) == (True, ["username"])


@pytest.mark.parametrize(
    "list_periods",
    [marketplace_provider_resources_plan_periods_list.sync, marketplace_resources_plan_periods_list.sync],
    ids=["provider", "consumer"],
)
def test_plan_periods_are_read_with_their_usage(
    world: World, client: AuthenticatedClient, list_periods: Call
) -> None:
    describe_periods(world, (FIRST, BASIC, None, None))
    world.report(usages=[{"type": "cpu", "amount": "2.5"}])
    [period] = list_periods(UUID(RESOURCE), client=client)
    assert (period.uuid, period.plan_name, period.start, period.end) == (UUID(FIRST), "Basic", None, None)
    assert [(each.type_, each.usage, each.recurring) for each in period.components] == [
        ("cpu", "2.50", False)
    ]
    both = marketplace_resources_retrieve.sync(UUID(RESOURCE), client=client)
    assert both.to_dict()["current_usages"] == {"cpu": 2.5}
