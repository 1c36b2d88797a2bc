"""The list of users' limits: its filters, its order and its counts."""

from typing import Any

import pytest

from projections.rebuild import Rebuilt
from tests.projections.rebuilding import rebuild_of
from tests.user_limits.limiting import LIMITS, body, create, describe_each, imported, listed, row
from tests.world import (
    GPU,
    OFFERING,
    OFFERING_USER,
    OTHER_CONSUMER,
    OTHER_PROJECT,
    OTHER_RESOURCE,
    PROJECT,
    RESOURCE,
    SECOND_PROJECT,
    SECOND_RESOURCE,
    World,
    uid,
)

READERS = ("staff", "provider-owner", "consumer-owner", "offering-manager", "project-admin", "stranger")


def world_with_limits(world: World) -> dict[str, str]:
    """Set limits on each resource, and one more on the first. Returns uuids by resource, and of the last."""
    return describe_each(world) | {"gpu": create(world, component=GPU)}


def found(world: World, **query: Any) -> list[str]:
    return [each["uuid"] for each in listed(world, **query)]


def test_the_newest_limit_comes_first_and_a_change_makes_none_newer(world: World) -> None:
    uuids = world_with_limits(world)
    newest_first = [uuids["gpu"], uuids[OTHER_RESOURCE], uuids[SECOND_RESOURCE], uuids[RESOURCE]]
    assert found(world) == newest_first
    world.as_("staff").send("PATCH", f"{LIMITS}{uuids[RESOURCE]}/", json={"limit": 3})
    world.describe(component_user_usage_limits=[imported(uuids[SECOND_RESOURCE], SECOND_RESOURCE, 8)])
    assert found(world) == newest_first
    pages = [world.as_("staff").get(LIMITS, page_size=3, page=page) for page in (1, 2)]
    assert [each["uuid"] for page in pages for each in page.get_json()] == newest_first
    assert {page.headers["X-Result-Count"] for page in pages} == {"4"}
    world.as_("staff").send("DELETE", f"{LIMITS}{uuids[RESOURCE]}/")
    world.describe(component_user_usage_limits=[imported(uuids[RESOURCE])])
    assert found(world) == [uuids[RESOURCE], *newest_first[:-1]]


def test_limits_are_found_by_each_filter_and_by_several(world: World) -> None:
    uuids = world_with_limits(world)
    first = [uuids["gpu"], uuids[RESOURCE]]
    for query, expected in (
        ({"resource": body()["resource"]}, first),
        ({"resource": f"/api/marketplace-resources/{SECOND_RESOURCE}/"}, [uuids[SECOND_RESOURCE]]),
        ({"resource": RESOURCE}, []),
        ({"resource": "/api/nowhere/"}, []),
        ({"resource_uuid": RESOURCE}, first),
        ({"resource_uuid": uid(0xDEAD)}, []),
        ({"offering_uuid": OFFERING}, first),
        ({"offering_uuid": uid(0xDEAD)}, []),
        ({"component_type": "gpu"}, [uuids["gpu"]]),
        ({"component_type": "GPU"}, []),
        ({"username": "member01"}, first),
        ({"username": "member"}, []),
        ({"username": "MEMBER01"}, []),
        ({"username": "m2"}, [uuids[SECOND_RESOURCE]]),
        ({"resource_uuid": RESOURCE, "component_type": "cpu", "username": "member01"}, [uuids[RESOURCE]]),
        ({"offering_uuid": OFFERING, "username": "m2"}, []),
        ({"resource_uuid": "", "username": ""}, found(world)),
        ({"limit": "3", "user": OFFERING_USER}, found(world)),
    ):
        assert found(world, **query) == expected, query


@pytest.mark.parametrize("name", ["resource_uuid", "offering_uuid"])
def test_a_filter_that_is_no_uuid_is_refused(world: World, name: str) -> None:
    response = world.as_("staff").get(LIMITS, **{name: "zzz"})
    assert (response.status_code, response.get_json()) == (400, {name: ["Enter a valid UUID."]})


def test_columns_are_chosen_by_name(world: World) -> None:
    uuid = create(world)
    assert listed(world, field=["limit", "uuid", "bogus"]) == [{"uuid": uuid, "limit": "20.00"}]
    assert listed(world, field="bogus") == [row(uuid)]
    one = world.as_("staff").get(f"{LIMITS}{uuid}/", field="username")
    assert one.get_json() == {"username": "member01"}


def test_a_forgotten_name_is_empty(world: World) -> None:
    uuid = create(world)
    with world.services.reading() as cursor:
        cursor.execute("UPDATE offering_user SET username = NULL")
    assert listed(world) == [row(uuid, username="")]


def test_a_count_is_how_many_there_are_for_everybody_and_rows_are_as_rebuilt(world: World) -> None:
    """`listed` compares each count with the rows."""
    uuids = world_with_limits(world)
    staff = world.as_("staff")
    resource = {"uuid": RESOURCE, "name": "Resource", "offering_uuid": OFFERING}
    for step in (
        lambda: None,
        lambda: world.describe(resources=[resource | {"project_uuid": OTHER_PROJECT}]),
        lambda: world.describe(resources=[resource | {"project_uuid": SECOND_PROJECT}]),
        lambda: world.describe(
            projects=[{"uuid": SECOND_PROJECT, "name": "P", "customer_uuid": OTHER_CONSUMER}]
        ),
        lambda: world.describe(
            offerings=[{"uuid": OFFERING, "name": "C", "type": "Basic", "customer_uuid": uid(0xC4)}]
        ),
        lambda: staff.send("DELETE", f"{LIMITS}{uuids['gpu']}/"),
        lambda: staff.send("DELETE", f"{LIMITS}{uuids[OTHER_RESOURCE]}/"),
        lambda: world.describe(resources=[resource | {"project_uuid": PROJECT}]),
        lambda: create(world, component=GPU),
    ):
        step()
        for username in READERS:
            listed(world, username)
            listed(world, username, offering_uuid=OFFERING)
            listed(world, username, resource_uuid=RESOURCE)
    for batch in (1, 3, 1_000_000):
        assert rebuild_of(world, batch=batch).run() == Rebuilt(is_live=True)
