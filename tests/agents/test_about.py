"""What an agent asks of the ledger and of itself."""

from importlib.metadata import version
from typing import Any

import psycopg
import pytest

from tests.projections.rebuilding import rebuild_of
from tests.world import CONSUMER, OFFERING, PROJECT, PROVIDER, SERVICE_PROVIDER, World, uid

ME = "/api/users/me/"


def role(
    name: str, kind: str, scope: str, title: str, customer: str | None, customer_name: str | None
) -> dict[str, Any]:
    return {
        "role_name": name,
        "scope_type": kind,
        "scope_uuid": scope,
        "scope_name": title,
        "customer_uuid": customer,
        "customer_name": customer_name,
        "project_uuid": scope if kind == "project" else None,
        "expiration_time": None,
    }


AS_PROVIDER, AS_CONSUMER = (PROVIDER, "Provider"), (CONSUMER, "Consumer")


def test_the_version_is_that_of_the_installed_package(world: World) -> None:
    assert world.as_("stranger").get("/api/version/").get_json() == {"version": version("usage-ledger")}
    assert world.as_("staff").post("/api/version/", {}).status_code == 405


@pytest.mark.parametrize(
    ("username", "number", "permissions"),
    [
        ("staff", 1, []),
        ("support", 2, []),
        ("offering-manager", 3, [role("OFFERING.MANAGER", "offering", OFFERING, "Cluster", *AS_PROVIDER)]),
        ("provider-owner", 4, [role("CUSTOMER.OWNER", "customer", PROVIDER, "Provider", *AS_PROVIDER)]),
        (
            "service-provider-manager",
            5,
            [role("CUSTOMER.MANAGER", "service_provider", SERVICE_PROVIDER, "Provider", *AS_PROVIDER)],
        ),
        ("project-admin", 7, [role("PROJECT.ADMIN", "project", PROJECT, "Project", *AS_CONSUMER)]),
        ("stranger", 10, []),
        ("former-owner", 12, []),
    ],
)
def test_a_user_sees_themselves_with_their_active_roles(
    world: World, username: str, number: int, permissions: list[dict[str, Any]]
) -> None:
    assert world.as_(username).get(ME).get_json() == {
        "url": f"http://localhost/api/users/{uid(number)}/",
        "uuid": uid(number),
        "username": username,
        "full_name": "",
        "is_staff": username == "staff",
        "is_support": username == "support",
        "is_active": True,
        "permissions": permissions,
    }


def test_roles_come_by_scope_and_name_and_one_on_nothing_has_no_name(world: World) -> None:
    def on(number: int, name: str, kind: str, scope: str) -> dict[str, Any]:
        given = {"uuid": uid(number), "user_uuid": uid(10), "role_name": name}
        return given | {"scope_type": kind, "scope_uuid": scope}

    world.describe(
        user_roles=[
            on(0x91, "PROJECT.MEMBER", "structure.project", PROJECT),
            on(0x92, "PROJECT.ADMIN", "structure.project", PROJECT),
            on(0x93, "CUSTOMER.OWNER", "structure.customer", CONSUMER),
        ]
    )
    permissions = world.as_("stranger").get(ME).get_json()["permissions"]
    assert [each["role_name"] for each in permissions] == [
        "CUSTOMER.OWNER",
        "PROJECT.ADMIN",
        "PROJECT.MEMBER",
    ]


def test_only_the_named_fields_are_answered(world: World) -> None:
    assert world.as_("staff").get(ME, field=["uuid", "is_staff"]).get_json() == {
        "uuid": uid(1),
        "is_staff": True,
    }
    assert set(world.as_("staff").get(ME, field="bogus").get_json()) == set(
        world.as_("staff").get(ME).get_json()
    )


def test_a_user_whose_name_was_forgotten_has_an_empty_one(world: World) -> None:
    client = world.as_("stranger")
    with psycopg.connect(world.conninfo) as connection:
        connection.execute("DELETE FROM journal.person WHERE username = 'stranger'")
    assert rebuild_of(world).run()
    answer = client.get(ME).get_json()
    assert (answer["uuid"], answer["username"]) == (uid(10), "")
