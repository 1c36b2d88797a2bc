"""Who sees which usage, and who may say how much of it a user had."""

from typing import Any

import pytest

from tests.world import (
    CATALOGUE,
    CONSUMER,
    OFFERING,
    OTHER_CONSUMER,
    OTHER_OFFERING,
    OTHER_PROJECT,
    OTHER_PROVIDER,
    OTHER_RESOURCE,
    PROJECT,
    PROVIDER,
    RESOURCE,
    SECOND_OFFERING,
    SECOND_PROJECT,
    SECOND_RESOURCE,
    SERVICE_PROVIDER,
    USAGES,
    USER_USAGES,
    World,
    uid,
)

ALL = {RESOURCE, SECOND_RESOURCE, OTHER_RESOURCE}

SEES = {
    "staff": ALL,
    "support": ALL,
    "offering-manager": {RESOURCE},
    "provider-owner": {RESOURCE, SECOND_RESOURCE},
    "service-provider-manager": {RESOURCE, SECOND_RESOURCE},
    "consumer-owner": {RESOURCE, SECOND_RESOURCE},
    "project-admin": {RESOURCE},
    "project-manager": {RESOURCE},
    "project-member": {RESOURCE},
    "stranger": set(),
    "customer-support": {RESOURCE, SECOND_RESOURCE},
    "former-owner": set(),
}
"""The resources whose usage each user sees."""

WRITES = {
    "staff": ALL,
    "offering-manager": {RESOURCE},
    "provider-owner": {RESOURCE, SECOND_RESOURCE},
    "service-provider-manager": {RESOURCE, SECOND_RESOURCE},
}
"""Those of them whose users' shares they may report."""

NO_USAGE = {"detail": "No ComponentUsage matches the given query."}
NO_USER_USAGE = {"detail": "No ComponentUserUsage matches the given query."}
FORBIDDEN = {"detail": "You do not have permission to perform this action."}


def report_all(world: World) -> None:
    for resource in sorted(ALL):
        world.report(resource=resource, usages=[{"type": "cpu", "amount": 10}])
        [usage] = world.usages(resource_uuid=resource)
        world.report_user(usage["uuid"], username="ann", usage=1)


def seen(world: World, username: str, path: str = USAGES) -> set[str]:
    """The resources that a user sees usage of in a list, whose count says the same."""
    response = world.as_(username).get(path)
    assert response.status_code == 200
    rows = response.get_json()
    assert response.headers["X-Result-Count"] == str(len(rows))
    return {row["resource_uuid"] for row in rows}


def test_the_table_names_every_user_of_the_world() -> None:
    assert list(SEES) == [user["username"] for user in CATALOGUE["users"]]


@pytest.mark.parametrize("username", SEES)
def test_a_user_finds_what_they_may_see_in_lists_and_by_its_id_and_nothing_else(
    world: World, username: str
) -> None:
    report_all(world)
    for path, missing in ((USAGES, NO_USAGE), (USER_USAGES, NO_USER_USAGE)):
        everything = world.as_("staff").get(path).get_json()
        visible = [row for row in everything if row["resource_uuid"] in SEES[username]]
        response = world.as_(username).get(path)
        assert (response.status_code, response.get_json()) == (200, visible)
        assert response.headers["X-Result-Count"] == str(len(visible))
        for row in everything:
            expected = (200, row) if row in visible else (404, missing)
            response = world.as_(username).get(f"{path}{row['uuid']}/")
            assert (response.status_code, response.get_json()) == expected
            filtered = world.as_(username).get(path, resource_uuid=row["resource_uuid"])
            assert filtered.get_json() == ([row] if row in visible else [])


@pytest.mark.parametrize("action", ["set_user_usage", "set_user_usages"])
@pytest.mark.parametrize("username", SEES)
def test_what_a_user_does_not_see_is_not_found_and_what_they_only_see_is_forbidden(
    world: World, username: str, action: str
) -> None:
    report_all(world)
    item = {"username": "ann", "usage": 2}
    good: Any = item if action == "set_user_usage" else {"usages": [item]}
    bad: Any = {} if action == "set_user_usage" else {"usages": []}
    for usage in world.usages():
        path = f"{USAGES}{usage['uuid']}/{action}/"
        if usage["resource_uuid"] in WRITES.get(username, set()):
            assert world.as_(username).post(path, bad).status_code == 400
            expected: tuple[int, Any] = (201, None)
        elif usage["resource_uuid"] in SEES[username]:
            assert answer(world, username, path, bad) == (403, FORBIDDEN)
            expected = (403, FORBIDDEN)
        else:
            assert answer(world, username, path, bad) == (404, NO_USAGE)
            expected = (404, NO_USAGE)
        assert answer(world, username, path, good) == expected
    assert {row["resource_uuid"]: row["usage"] for row in world.user_usages()} == {
        resource: "2.00" if resource in WRITES.get(username, set()) else "1.00" for resource in ALL
    }


def answer(world: World, username: str, path: str, body: Any) -> tuple[int, Any]:
    response = world.as_(username).post(path, body)
    return response.status_code, response.get_json() if response.data else None


@pytest.mark.parametrize(
    ("role_name", "scope_type", "scope_uuid", "sees"),
    [
        ("CUSTOMER.OWNER", "structure.customer", CONSUMER, {RESOURCE, SECOND_RESOURCE}),
        ("CUSTOMER.SUPPORT", "structure.customer", PROVIDER, {RESOURCE, SECOND_RESOURCE}),
        ("CUSTOMER.MANAGER", "structure.customer", OTHER_CONSUMER, {OTHER_RESOURCE}),
        ("CUSTOMER.OWNER", "structure.customer", OTHER_PROVIDER, {OTHER_RESOURCE}),
        ("PROJECT.MEMBER", "structure.project", SECOND_PROJECT, {SECOND_RESOURCE}),
        ("PROJECT.MEMBER", "structure.project", OTHER_PROJECT, {OTHER_RESOURCE}),
        ("OFFERING.MANAGER", "marketplace.offering", SECOND_OFFERING, {SECOND_RESOURCE}),
        ("OFFERING.MANAGER", "marketplace.offering", OTHER_OFFERING, {OTHER_RESOURCE}),
        ("Anything of their own", "structure.project", PROJECT, {RESOURCE}),
        ("Anything of their own", "marketplace.offering", OFFERING, {RESOURCE}),
        (
            "Anything of their own",
            "marketplace.serviceprovider",
            SERVICE_PROVIDER,
            {RESOURCE, SECOND_RESOURCE},
        ),
    ],
)
def test_any_active_role_lets_see_what_it_is_held_on_from_the_next_request_on(
    world: World, role_name: str, scope_type: str, scope_uuid: str, sees: set[str]
) -> None:
    report_all(world)
    role = {
        "uuid": uid(0x8F),
        "user_uuid": uid(10),
        "role_name": role_name,
        "scope_type": scope_type,
        "scope_uuid": scope_uuid,
    }
    assert seen(world, "stranger") == set()
    world.describe(user_roles=[role])
    assert seen(world, "stranger") == seen(world, "stranger", USER_USAGES) == sees
    world.describe(user_roles=[role | {"is_active": False}])
    assert seen(world, "stranger") == seen(world, "stranger", USER_USAGES) == set()


def test_roles_add_up_and_show_nothing_twice(world: World) -> None:
    report_all(world)
    world.describe(
        user_roles=[
            {
                "uuid": uid(0x90 + number),
                "user_uuid": uid(10),
                "role_name": "Some role",
                "scope_type": scope_type,
                "scope_uuid": scope_uuid,
            }
            for number, (scope_type, scope_uuid) in enumerate(
                [
                    ("structure.customer", CONSUMER),
                    ("structure.customer", PROVIDER),
                    ("structure.project", PROJECT),
                    ("marketplace.offering", OFFERING),
                    ("marketplace.offering", OTHER_OFFERING),
                ]
            )
        ]
    )
    for path in (USAGES, USER_USAGES):
        everything = world.as_("staff").get(path)
        response = world.as_("stranger").get(path)
        assert response.get_json() == everything.get_json()
        assert response.headers["X-Result-Count"] == "3"


def test_a_role_that_has_ended_is_not_revived_by_another_ones_end(world: World) -> None:
    report_all(world)
    active = {
        "uuid": uid(0x90),
        "user_uuid": uid(12),
        "role_name": "PROJECT.MEMBER",
        "scope_type": "structure.project",
        "scope_uuid": PROJECT,
    }
    world.describe(user_roles=[active])
    assert seen(world, "former-owner") == {RESOURCE}
    world.describe(user_roles=[active | {"is_active": False}])
    assert seen(world, "former-owner") == set()


def test_usage_of_a_resource_that_moves_is_seen_where_it_is_now(world: World) -> None:
    report_all(world)
    moved = {
        "uuid": RESOURCE,
        "name": "Resource",
        "offering_uuid": OFFERING,
        "project_uuid": OTHER_PROJECT,
    }
    world.describe(resources=[moved])
    for path in (USAGES, USER_USAGES):
        assert seen(world, "project-admin", path) == set()
        assert seen(world, "consumer-owner", path) == {SECOND_RESOURCE}
        assert seen(world, "provider-owner", path) == {RESOURCE, SECOND_RESOURCE}
        [row] = world.as_("offering-manager").get(path).get_json()
        assert (row["project_uuid"], row["customer_uuid"]) == (OTHER_PROJECT, OTHER_CONSUMER)


def test_usage_of_an_offering_that_changes_hands_is_seen_by_its_provider_now(world: World) -> None:
    report_all(world)
    world.describe(
        offerings=[
            {
                "uuid": OFFERING,
                "name": "Cluster",
                "type": "Marketplace.Slurm",
                "customer_uuid": OTHER_PROVIDER,
            }
        ]
    )
    for path in (USAGES, USER_USAGES):
        assert seen(world, "provider-owner", path) == {SECOND_RESOURCE}
        assert seen(world, "service-provider-manager", path) == {SECOND_RESOURCE}
        assert seen(world, "offering-manager", path) == {RESOURCE}
        assert seen(world, "consumer-owner", path) == {RESOURCE, SECOND_RESOURCE}


def test_staff_who_are_made_ordinary_see_what_their_roles_show(world: World) -> None:
    report_all(world)
    assert seen(world, "support") == ALL
    world.describe(users=[{"uuid": uid(2), "username": "support"}])
    assert seen(world, "support") == set()
