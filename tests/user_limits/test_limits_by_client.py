"""Limits of users by Waldur's own client, which has a function for each thing that is done with them."""

from uuid import UUID, uuid4

import pytest
from waldur_api_client import AuthenticatedClient
from waldur_api_client.api.component_user_usage_limits import (
    component_user_usage_limits_count,
    component_user_usage_limits_create,
    component_user_usage_limits_destroy,
    component_user_usage_limits_list,
    component_user_usage_limits_partial_update,
    component_user_usage_limits_retrieve,
    component_user_usage_limits_update,
)
from waldur_api_client.errors import UnexpectedStatus
from waldur_api_client.models import ComponentUserUsageLimitRequest, PatchedComponentUserUsageLimitRequest

from tests.user_limits.limiting import USERS, body, describe_each
from tests.world import CPU, GPU, OFFERING, OFFERING_USER, RESOURCE, World


def request_of(component: str = CPU, **changes: str) -> ComponentUserUsageLimitRequest:
    return ComponentUserUsageLimitRequest.from_dict(body(component=component, **changes))


def test_a_limit_is_set_read_changed_and_removed(client: AuthenticatedClient) -> None:
    host = str(client.get_httpx_client().base_url).rstrip("/")
    created = component_user_usage_limits_create.sync(client=client, body=request_of(limit="7.5"))
    expected = {
        "url": f"{host}/api/component-user-usage-limits/{created.uuid.hex}/",
        "uuid": str(created.uuid),
        "resource": f"{host}/api/marketplace-resources/{RESOURCE}/",
        "component": str(UUID(CPU)),
        "component_type": "cpu",
        "user": f"{host}/api/marketplace-offering-users/{OFFERING_USER}/",
        "limit": "7.50",
        "username": "member01",
    }
    assert created.to_dict() == expected
    found = component_user_usage_limits_retrieve.sync(uuid=created.uuid, client=client)
    assert found.to_dict() == expected
    whole = component_user_usage_limits_update.sync(
        uuid=created.uuid,
        client=client,
        body=ComponentUserUsageLimitRequest(
            resource=found.resource, component=UUID(GPU), user=found.user, limit="8"
        ),
    )
    expected |= {"component": str(UUID(GPU)), "component_type": "gpu", "limit": "8.00"}
    assert whole.to_dict() == expected
    part = component_user_usage_limits_partial_update.sync(
        uuid=created.uuid, client=client, body=PatchedComponentUserUsageLimitRequest(limit="9")
    )
    assert part.to_dict() == expected | {"limit": "9.00"}
    assert component_user_usage_limits_destroy.sync_detailed(uuid=created.uuid, client=client).content == b""
    assert component_user_usage_limits_count.sync(client=client) == 0
    for uuid in (created.uuid, uuid4()):
        with pytest.raises(UnexpectedStatus):
            component_user_usage_limits_retrieve.sync(uuid=uuid, client=client)
        with pytest.raises(UnexpectedStatus):
            component_user_usage_limits_destroy.sync_detailed(uuid=uuid, client=client)


def test_limits_are_listed_and_counted_by_every_filter(world: World, client: AuthenticatedClient) -> None:
    uuids = describe_each(world)
    found = component_user_usage_limits_list.sync_all(client=client)
    assert [each.uuid.hex for each in found] == list(uuids.values())[::-1]
    listed, count = component_user_usage_limits_list.sync, component_user_usage_limits_count.sync
    assert [each.uuid.hex for each in listed(client=client, resource_uuid=UUID(RESOURCE))] == [
        uuids[RESOURCE]
    ]
    assert listed(client=client, page=2, page_size=2) == found[2:]
    assert count(client=client, resource=body()["resource"]) == 1
    assert count(client=client, offering_uuid=UUID(OFFERING)) == 1
    assert count(client=client, component_type="cpu") == 3
    assert count(client=client, username="member01") == 1
    assert {each.user.split("/")[-2] for each in found} == set(USERS.values())
