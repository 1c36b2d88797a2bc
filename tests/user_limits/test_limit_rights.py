"""Who sees the limits of users, and who may set them: everybody, on resources of theirs and of others."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.api.test_visibility import ALL, SEES
from tests.user_limits.limiting import (
    FORBIDDEN,
    LIMITS,
    UNSEEN,
    answer,
    body,
    create,
    describe_each,
    describe_members,
    listed,
    row,
)
from tests.world import (
    CONSUMER,
    GPU,
    OFFERING,
    OTHER_CONSUMER,
    OTHER_PROJECT,
    OTHER_PROVIDER,
    OTHER_RESOURCE,
    PROJECT,
    PROVIDER,
    RESOURCE,
    SECOND_RESOURCE,
    SERVICE_PROVIDER,
    World,
    uid,
)

WRITES = {
    "staff": ALL,
    "consumer-owner": {RESOURCE, SECOND_RESOURCE},
    "provider-owner": {RESOURCE, SECOND_RESOURCE},
    "service-provider-manager": {RESOURCE, SECOND_RESOURCE},
}
"""The resources whose users each user may limit; the others may limit nobody."""

NAMES = {RESOURCE: "member01", SECOND_RESOURCE: "m2", OTHER_RESOURCE: "m3"}


@pytest.mark.parametrize("username", SEES)
def test_a_user_finds_the_limits_of_resources_that_they_see_and_no_others(
    world: World, username: str
) -> None:
    uuids = describe_each(world)
    seen = {resource: uuid for resource, uuid in uuids.items() if resource in SEES[username]}
    expected = [row(uuid, resource, username=NAMES[resource]) for resource, uuid in seen.items()]
    assert listed(world, username) == expected[::-1]
    for resource, uuid in uuids.items():
        [found] = [each for each in expected if each["uuid"] == uuid] or [None]
        assert listed(world, username, resource_uuid=resource) == ([found] if found else [])
        one = answer(world.as_(username).get(f"{LIMITS}{uuid}/"))
        assert one == ((200, found) if found else UNSEEN)


@pytest.mark.parametrize("username", SEES)
def test_a_user_sets_limits_where_their_roles_permit_and_is_told_no_more_elsewhere(
    world: World, username: str
) -> None:
    uuids, writes = describe_each(world), WRITES.get(username, set())
    world.describe(offering_users=[{"uuid": uid(0x34), "offering_uuid": OFFERING, "username": "nobody"}])
    nobody = f"/api/marketplace-offering-users/{uid(0x34)}/"
    client = world.as_(username)
    for resource, uuid in uuids.items():
        path, shown = f"{LIMITS}{uuid}/", row(uuid, resource, username=NAMES[resource])
        refused = FORBIDDEN if resource in SEES[username] else UNSEEN
        # Of a body that is wrong nobody hears who may not change the limit.
        for method, values, wrong in (("PUT", body(resource), {}), ("PATCH", {}, {"limit": "x"})):
            may = resource in writes
            assert answer(client.send(method, path, json=values)) == ((200, shown) if may else refused)
            assert (client.send(method, path, json=wrong).status_code == 400) == may
        # Nor of who is in a project, or has a limit: there is one.
        for changes in ({}, {"user": nobody}):
            response = client.post(LIMITS, body(resource, **changes))
            assert response.status_code == (400 if resource in writes else 403)
            assert response.status_code == 400 or answer(response) == FORBIDDEN
        assert client.post(LIMITS, {}).status_code == 400
        removed = answer(client.send("DELETE", path))
        assert removed == ((204, None) if resource in writes else refused)
        if resource in writes:
            assert client.post(LIMITS, body(resource)).status_code == 201
    assert {each["resource"] for each in listed(world)} == {body(each)["resource"] for each in ALL}


@pytest.mark.parametrize(
    ("role_name", "scope_type", "scope_uuid", "expected"),
    [
        ("CUSTOMER.OWNER", "structure.customer", CONSUMER, 201),
        ("CUSTOMER.OWNER", "structure.customer", PROVIDER, 201),
        ("CUSTOMER.OWNER", "structure.customer", OTHER_CONSUMER, 403),
        ("CUSTOMER.OWNER", "structure.customer", OTHER_PROVIDER, 403),
        ("CUSTOMER.MANAGER", "marketplace.serviceprovider", SERVICE_PROVIDER, 201),
        ("CUSTOMER.SUPPORT", "structure.customer", CONSUMER, 403),
        ("CUSTOMER.SUPPORT", "structure.customer", PROVIDER, 403),
        ("CUSTOMER.OWNER", "structure.project", PROJECT, 201),
        ("CUSTOMER.OWNER", "structure.project", OTHER_PROJECT, 403),
        ("CUSTOMER.OWNER", "marketplace.offering", OFFERING, 403),
        ("PROJECT.MANAGER", "structure.project", PROJECT, 403),
        ("OFFERING.MANAGER", "marketplace.offering", OFFERING, 403),
    ],
)
def test_a_role_counts_for_what_it_permits_and_where_it_is_held(
    world: World, role_name: str, scope_type: str, scope_uuid: str, expected: int
) -> None:
    role = {"uuid": uid(0x9F), "user_uuid": uid(10), "role_name": role_name}
    role |= {"scope_type": scope_type, "scope_uuid": scope_uuid}
    assert world.as_("stranger").post(LIMITS, body()).status_code == 403
    world.describe(user_roles=[role])
    assert world.as_("stranger").post(LIMITS, body()).status_code == expected
    world.describe(user_roles=[role | {"is_active": False}])
    assert world.as_("stranger").post(LIMITS, body(component=GPU)).status_code == 403


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_a_limit_moves_only_to_a_resource_whose_users_the_caller_may_limit_too(
    world: World, method: str
) -> None:
    describe_members(world)
    uuid = create(world)
    path = f"{LIMITS}{uuid}/"
    foreign = body(OTHER_RESOURCE)
    assert answer(world.as_("consumer-owner").send(method, path, json=foreign)) == FORBIDDEN
    # Before it is told who is in the project.
    nobody = foreign | {"user": body()["user"]}
    assert answer(world.as_("consumer-owner").send(method, path, json=nobody)) == FORBIDDEN
    assert listed(world) == [row(uuid)]
    own = world.as_("consumer-owner").send(method, path, json=body(SECOND_RESOURCE))
    assert answer(own) == (200, row(uuid, SECOND_RESOURCE, username="m2"))
    assert listed(world) == [row(uuid, SECOND_RESOURCE, username="m2")]


def test_limits_of_a_resource_that_moves_are_seen_and_set_by_whoever_has_it_now(world: World) -> None:
    uuid = create(world)
    moved = {"uuid": RESOURCE, "name": "Resource", "offering_uuid": OFFERING, "project_uuid": OTHER_PROJECT}
    world.describe(resources=[moved])
    for username in ("consumer-owner", "project-admin"):
        assert listed(world, username) == []
        assert answer(world.as_(username).send("DELETE", f"{LIMITS}{uuid}/")) == UNSEEN
    assert [each["uuid"] for each in listed(world, "provider-owner")] == [uuid]
    world.describe(
        offerings=[{"uuid": OFFERING, "name": "Cluster", "type": "Basic", "customer_uuid": OTHER_PROVIDER}]
    )
    assert listed(world, "provider-owner") == []
    assert [each["uuid"] for each in listed(world, "offering-manager")] == [uuid]


@pytest.mark.parametrize("path", [LIMITS, f"{LIMITS}{uid(0x61)}/"])
def test_nobody_known_is_told_nothing(world: World, path: str) -> None:
    describe_each(world)
    for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"):
        assert world.anonymous.send(method, path, json={}).status_code == 401


def test_what_is_no_uuid_is_not_found(world: World) -> None:
    send: Callable[..., Any] = world.as_("staff").send
    for path in (f"{LIMITS}zzz/", f"{LIMITS}{uid(0xDEAD)}/"):
        for method in ("GET", "PUT", "PATCH", "DELETE"):
            assert answer(send(method, path, json={})) == UNSEEN
