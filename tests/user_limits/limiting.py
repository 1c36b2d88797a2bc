"""Limits of users: their bodies, and a world with one on each resource."""

from typing import Any

from werkzeug.test import TestResponse

from tests.world import (
    CPU,
    OFFERING_USER,
    OTHER_CPU,
    OTHER_OFFERING,
    OTHER_PROJECT,
    OTHER_RESOURCE,
    RESOURCE,
    SECOND_CPU,
    SECOND_OFFERING,
    SECOND_PROJECT,
    SECOND_RESOURCE,
    World,
    uid,
)

LIMITS = "/api/component-user-usage-limits/"

Answer = tuple[int, Any]

FORBIDDEN: Answer = (403, {"detail": "You do not have permission to perform this action."})
UNSEEN: Answer = (404, {"detail": "No ComponentUserUsageLimit matches the given query."})

COMPONENTS = {RESOURCE: CPU, SECOND_RESOURCE: SECOND_CPU, OTHER_RESOURCE: OTHER_CPU}
USERS = {RESOURCE: OFFERING_USER, SECOND_RESOURCE: uid(0x32), OTHER_RESOURCE: uid(0x33)}
"""Of each resource an offering user whose person is a member of the project: see `describe_members`."""


def describe_members(world: World) -> None:
    """Make the stranger a member of the other projects, with a name in the offering of each."""
    world.describe(
        offering_users=[
            {"uuid": uid(0x32), "offering_uuid": SECOND_OFFERING, "user_uuid": uid(13), "username": "m2"},
            {"uuid": uid(0x33), "offering_uuid": OTHER_OFFERING, "user_uuid": uid(13), "username": "m3"},
        ],
        users=[{"uuid": uid(13), "username": "member-elsewhere"}],
        user_roles=[
            {"uuid": uid(number), "user_uuid": uid(13), "role_name": "PROJECT.MEMBER"}
            | {"scope_type": "structure.project", "scope_uuid": project}
            for number, project in ((0x92, SECOND_PROJECT), (0x93, OTHER_PROJECT))
        ],
    )


def body(resource: str = RESOURCE, /, **changes: Any) -> dict[str, Any]:
    """Return the body that limits the member of a resource's project."""
    return {
        "resource": f"http://localhost/api/marketplace-resources/{resource}/",
        "component": COMPONENTS[resource],
        "user": f"http://localhost/api/marketplace-offering-users/{USERS[resource]}/",
        "limit": "20.00",
    } | changes


def row(uuid: str, resource: str = RESOURCE, limit: str = "20.00", username: str = "member01") -> Any:
    """Return the answer about such a limit, in the order of its keys."""
    return {
        "url": f"http://localhost{LIMITS}{uuid}/",
        "uuid": uuid,
        "resource": f"http://localhost/api/marketplace-resources/{resource}/",
        "component": COMPONENTS[resource],
        "component_type": "cpu",
        "user": f"http://localhost/api/marketplace-offering-users/{USERS[resource]}/",
        "limit": limit,
        "username": username,
    }


def imported(uuid: str, resource: str = RESOURCE, limit: Any = 20) -> dict[str, Any]:
    """Return such a limit as files have it."""
    return {
        "uuid": uuid,
        "resource_uuid": resource,
        "component_uuid": COMPONENTS[resource],
        "offering_user_uuid": USERS[resource],
        "limit": limit,
    }


def describe_each(world: World) -> dict[str, str]:
    """Import a limit on each resource. Returns their uuids by resource."""
    describe_members(world)
    uuids = {resource: uid(0x61 + number) for number, resource in enumerate(COMPONENTS)}
    world.describe(component_user_usage_limits=[imported(uuid, resource) for resource, uuid in uuids.items()])
    return uuids


def create(world: World, by: str = "staff", **changes: Any) -> str:
    """Set a limit and return its uuid."""
    response = world.as_(by).post(LIMITS, body(**changes))
    assert response.status_code == 201, response.text
    uuid: str = response.get_json()["uuid"]
    return uuid


def answer(response: TestResponse) -> Answer:
    return response.status_code, response.get_json() if response.data else None


def listed(world: World, by: str = "staff", **query: Any) -> list[dict[str, Any]]:
    """Return the limits that a user finds, which are as many as is said."""
    response = world.as_(by).get(LIMITS, **query)
    assert response.status_code == 200, response.text
    rows: list[dict[str, Any]] = response.get_json()
    assert response.headers["X-Result-Count"] == str(len(rows))
    return rows
