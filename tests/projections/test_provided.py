"""Rows of resources and offering users: how old they are, whose they are, and how many there are."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from tests.api.monthly import entity
from tests.world import (
    CONSUMER,
    NOW,
    OFFERING,
    OFFERING_USER,
    OTHER_CONSUMER,
    OTHER_OFFERING,
    OTHER_PROVIDER,
    PROJECT,
    PROVIDER,
    RESOURCE,
    SECOND_PROJECT,
    World,
    uid,
)

NEW = uid(0x77)
PLAIN = {"uuid": NEW, "name": "New", "offering_uuid": OFFERING, "project_uuid": PROJECT}


def rows(world: World, statement: str) -> list[dict[str, Any]]:
    with world.services.reading() as cursor:
        return cursor.execute(statement.encode()).fetchall()


def times(world: World) -> list[Any]:
    [row] = rows(world, f"SELECT id, described, created, modified FROM resource WHERE uuid = '{NEW}'")  # noqa: S608
    return [row.pop("id"), {name: at - NOW for name, at in row.items()}]


def test_a_resource_is_as_old_as_it_says_or_as_its_first_description(world: World) -> None:
    day, none = timedelta(1), timedelta(0)
    world.describe(resources=[PLAIN])
    position, first = times(world)
    assert first == {"described": none, "created": none, "modified": none}
    world.now += day
    world.describe(resources=[PLAIN | {"created": (NOW - 9 * day).isoformat()}])
    assert times(world) == [position, {"described": none, "created": -9 * day, "modified": day}]
    world.now += day
    world.describe(resources=[PLAIN])
    assert times(world) == [position, {"described": none, "created": none, "modified": 2 * day}]


def owners(world: World) -> tuple[str, str]:
    [row] = rows(world, f"SELECT customer_uuid, provider_uuid FROM resource WHERE uuid = '{RESOURCE}'")  # noqa: S608
    return row["customer_uuid"].hex, row["provider_uuid"].hex


def test_an_offering_user_is_of_the_provider_that_the_offering_has_now(world: World) -> None:
    for provider in (OTHER_PROVIDER, PROVIDER):
        world.describe(offerings=[entity("offerings", OFFERING, customer_uuid=provider)])
        [row] = rows(world, "SELECT provider_uuid FROM offering_user")
        assert row["provider_uuid"].hex == provider
    user = entity("offering_users", OFFERING_USER, offering_uuid=OTHER_OFFERING)
    world.describe(offering_users=[user, user | {"uuid": uid(0x32)}])
    assert {row["provider_uuid"].hex for row in rows(world, "SELECT provider_uuid FROM offering_user")} == {
        OTHER_PROVIDER
    }
    assert rows(world, "SELECT kind, scope, offering_users FROM offering_user_count ORDER BY kind") == [
        {"kind": "all", "scope": UUID(int=0), "offering_users": 2},
        {"kind": "offering", "scope": UUID(OTHER_OFFERING), "offering_users": 2},
    ]


def test_a_resource_belongs_to_whom_its_project_and_its_offering_belong_to_now(world: World) -> None:
    assert owners(world) == (CONSUMER, PROVIDER)
    world.describe(offerings=[entity("offerings", OFFERING, customer_uuid=OTHER_PROVIDER)])
    assert owners(world) == (CONSUMER, OTHER_PROVIDER)
    world.describe(projects=[entity("projects", PROJECT, customer_uuid=OTHER_CONSUMER)])
    assert owners(world) == (OTHER_CONSUMER, OTHER_PROVIDER)
    world.describe(resources=[entity("resources", RESOURCE, project_uuid=SECOND_PROJECT)])
    assert owners(world) == (CONSUMER, OTHER_PROVIDER)


COUNTED = """
SELECT s.kind, s.scope, s.offering_uuid, c.state, count(*) AS resources
FROM resource c CROSS JOIN LATERAL (VALUES
    ('all', uuid_nil, uuid_nil), ('offering', c.offering_uuid, c.offering_uuid),
    ('project', c.project_uuid, uuid_nil), ('customer', c.customer_uuid, c.offering_uuid)
) s(kind, scope, offering_uuid) GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4""".replace(
    "uuid_nil", f"'{uid(0)}'::uuid"
)
KEPT = "SELECT kind, scope, offering_uuid, state, resources FROM resource_count ORDER BY 1, 2, 3, 4"


def test_counters_are_what_there_is_to_count(world: World) -> None:
    for change in (
        {"resources": [PLAIN, entity("resources", RESOURCE, state=6)]},
        {"resources": [PLAIN | {"state": 3}, PLAIN | {"uuid": uid(0x78), "project_uuid": SECOND_PROJECT}]},
        {"projects": [entity("projects", PROJECT, customer_uuid=OTHER_CONSUMER)]},
        {"resources": [PLAIN | {"project_uuid": SECOND_PROJECT}], "projects": [entity("projects", PROJECT)]},
    ):
        before = rows(world, KEPT)
        world.describe(**change)
        assert rows(world, COUNTED) == rows(world, KEPT) != before
