"""Projects, customers and offerings are listed for whoever sees usage of them, and for nobody else."""

import pytest

from tests.api.monthly import entity
from tests.api.test_visibility import SEES
from tests.figures.asking import LEDGER, Row, refused, table
from tests.world import (
    CATALOGUE,
    CONSUMER,
    OFFERING,
    OTHER_CONSUMER,
    OTHER_OFFERING,
    OTHER_PROJECT,
    OTHER_PROVIDER,
    PROJECT,
    PROVIDER,
    RESOURCE,
    SECOND_OFFERING,
    SECOND_PROJECT,
    SECOND_RESOURCE,
    World,
    uid,
)

ONE: Row = {"uuid": PROJECT, "name": "Project", "customer_uuid": CONSUMER, "customer_name": "Consumer"}
TWO = ONE | {"uuid": SECOND_PROJECT, "name": "Second project"}
OTHER: Row = {"uuid": OTHER_PROJECT, "name": "Other project"}
OTHER |= {"customer_uuid": OTHER_CONSUMER, "customer_name": "Other consumer"}

CLUSTER: Row = {
    "uuid": OFFERING,
    "name": "Cluster",
    "provider_uuid": PROVIDER,
    "provider_name": "Provider",
}
CLOUD = CLUSTER | {"uuid": SECOND_OFFERING, "name": "Cloud"}
ELSEWHERE: Row = {"uuid": OTHER_OFFERING, "name": "Elsewhere"}
ELSEWHERE |= {"provider_uuid": OTHER_PROVIDER, "provider_name": "Other provider"}


def customer(uuid: str, name: str, provides: bool, resources: int) -> Row:
    flags = {"is_provider": provides, "is_consumer": not provides}
    return {"uuid": uuid, "name": name, **flags, "resource_count": resources}


def of(rows: list[Row]) -> list[Row]:
    return [row | {"resource_count": 1} for row in rows]


ALL_CUSTOMERS = [
    customer(CONSUMER, "Consumer", provides=False, resources=2),
    customer(OTHER_CONSUMER, "Other consumer", provides=False, resources=1),
    customer(OTHER_PROVIDER, "Other provider", provides=True, resources=1),
    customer(PROVIDER, "Provider", provides=True, resources=2),
]
BOTH_SIDES = [ALL_CUSTOMERS[0], ALL_CUSTOMERS[3]]
ONE_RESOURCE = [row | {"resource_count": 1} for row in BOTH_SIDES]

EVERYTHING = of([OTHER, ONE, TWO]), ALL_CUSTOMERS, of([CLOUD, CLUSTER, ELSEWHERE])
BOTH = of([ONE, TWO]), BOTH_SIDES, of([CLOUD, CLUSTER])
FIRST = of([ONE]), ONE_RESOURCE, of([CLUSTER])
NOTHING: tuple[list[Row], ...] = ([], [], [])

LISTED = {
    "staff": EVERYTHING,
    "support": EVERYTHING,
    "offering-manager": FIRST,
    "provider-owner": BOTH,
    "service-provider-manager": BOTH,
    "consumer-owner": BOTH,
    "project-admin": FIRST,
    "project-manager": FIRST,
    "project-member": FIRST,
    "stranger": NOTHING,
    "customer-support": BOTH,
    "former-owner": NOTHING,
}
"""The projects, customers and offerings that each user is shown."""

PATHS = ("projects", "customers", "offerings")


def test_the_table_names_every_user_of_the_world() -> None:
    assert list(LISTED) == list(SEES)


@pytest.mark.parametrize("by", LISTED)
def test_each_user_is_listed_what_they_see_usage_of_and_finds_nothing_else_by_its_id(
    world: World, by: str
) -> None:
    for path, expected, everything in zip(PATHS, LISTED[by], EVERYTHING, strict=True):
        found = table(world, path, by)
        assert [list(row.items()) for row in found] == [list(row.items()) for row in expected]
        by_uuid = {row["uuid"]: row for row in expected}
        for row in everything:
            response = world.as_(by).get(f"{LEDGER}{path}/{row['uuid']}/")
            if row["uuid"] in by_uuid:
                assert (response.status_code, response.get_json()) == (200, by_uuid[row["uuid"]])
            else:
                kind = {"projects": "Project", "customers": "Customer", "offerings": "Offering"}[path]
                detail = f"No {kind} matches the given query."
                assert (response.status_code, response.get_json()) == (404, {"detail": detail})


def test_what_a_role_gives_sight_of_is_listed_before_anything_is_used(world: World) -> None:
    roles = [
        ("structure.project", "d0", "projects"),
        ("structure.customer", "d1", "customers"),
        ("marketplace.offering", "d2", "offerings"),
    ]
    world.describe(
        customers=[{"uuid": uid(0xD1), "name": "New"}],
        projects=[{"uuid": uid(0xD0), "name": "Empty", "customer_uuid": uid(0xD1)}],
        offerings=[{"uuid": uid(0xD2), "name": "Fresh", "type": "Basic", "customer_uuid": uid(0xD1)}],
    )
    for number, (scope, on, path) in enumerate(roles):
        role = {"uuid": uid(0x8F), "user_uuid": uid(10), "role_name": "Any", "scope_type": scope}
        world.describe(user_roles=[role | {"scope_uuid": uid(int(on, 16))}])
        rows = table(world, path, "stranger")
        assert [(row["uuid"], row["resource_count"]) for row in rows] == [(uid(int(on, 16)), 0)], number
    world.describe(user_roles=[role | {"scope_type": "structure.customer", "scope_uuid": uid(0xD1)}])
    [row] = table(world, "customers", "stranger")
    assert (row["is_provider"], row["is_consumer"]) == (True, True)


def test_auditors_are_listed_what_owners_are(world: World) -> None:
    role = {"uuid": uid(0x8F), "user_uuid": uid(10), "role_name": "AUDITOR"}
    world.describe(user_roles=[role | {"scope_type": "structure.customer", "scope_uuid": CONSUMER}])
    for path in PATHS:
        assert table(world, path, "stranger") == table(world, path, "consumer-owner")


def test_resources_of_two_roles_are_counted_once_and_those_of_others_not(world: World) -> None:
    world.describe(
        resources=[
            entity("resources", RESOURCE, project_uuid=OTHER_PROJECT),
            entity("resources", SECOND_RESOURCE, uuid=uid(0x901), project_uuid=PROJECT),
        ],
        projects=[{"uuid": uid(0xD0), "name": "Its own", "customer_uuid": PROVIDER}],
    )
    world.describe(resources=[entity("resources", RESOURCE, uuid=uid(0x902), project_uuid=uid(0xD0))])
    counts = {
        path: {row["name"]: row["resource_count"] for row in table(world, path, "provider-owner")}
        for path in PATHS
    }
    assert counts == {
        "projects": {"Its own": 1, "Other project": 1, "Project": 1, "Second project": 1},
        "customers": {"Consumer": 2, "Other consumer": 1, "Provider": 4},
        "offerings": {"Cloud": 2, "Cluster": 2},
    }


@pytest.mark.parametrize(
    ("path", "query", "names"),
    [
        ("projects", {"name": "SECOND"}, ["Second project"]),
        ("projects", {"name": "%"}, []),
        ("projects", {"name": "project", "o": "-name"}, ["Second project", "Project", "Other project"]),
        ("projects", {"customer_uuid": CONSUMER}, ["Project", "Second project"]),
        ("projects", {"provider_uuid": OTHER_PROVIDER}, ["Other project"]),
        ("projects", {"o": "-customer_name,-name"}, ["Other project", "Second project", "Project"]),
        ("customers", {"name": "other"}, ["Other consumer", "Other provider"]),
        ("customers", {"customer_uuid": CONSUMER}, ["Consumer", "Provider"]),
        ("customers", {"provider_uuid": OTHER_PROVIDER}, ["Other consumer", "Other provider"]),
        ("customers", {"o": "-name"}, ["Provider", "Other provider", "Other consumer", "Consumer"]),
        ("offerings", {"name": "cl"}, ["Cloud", "Cluster"]),
        ("offerings", {"customer_uuid": OTHER_CONSUMER}, ["Elsewhere"]),
        ("offerings", {"provider_uuid": PROVIDER}, ["Cloud", "Cluster"]),
        ("offerings", {"o": "-provider_name"}, ["Cluster", "Cloud", "Elsewhere"]),
    ],
)
def test_filters_and_orders(world: World, path: str, query: dict[str, str], names: list[str]) -> None:
    assert sorted(row["name"] for row in table(world, path, **query)) == sorted(names)
    if "o" in query and query["o"] != "-provider_name":
        assert [row["name"] for row in table(world, path, **query)] == names


def test_a_filter_tells_nothing_of_what_others_share(world: World) -> None:
    world.describe(resources=[entity("resources", RESOURCE, uuid=uid(0x901), offering_uuid=OTHER_OFFERING)])
    assert table(world, "projects", "provider-owner", provider_uuid=OTHER_PROVIDER) == []
    assert table(world, "customers", "provider-owner", provider_uuid=OTHER_PROVIDER) == []
    assert len(table(world, "projects", "consumer-owner", provider_uuid=OTHER_PROVIDER)) == 1


@pytest.mark.parametrize("path", PATHS)
def test_a_wrong_order_and_a_misspelt_filter_are_refused(world: World, path: str) -> None:
    assert refused(world, path, o="size") == {
        "o": ["Select a valid choice. size is not one of the available choices."]
    }
    assert list(refused(world, path, nmae="x")) == ["nmae"]


def test_as_of_a_position_names_and_owners_are_those_of_then(world: World) -> None:
    end = world.projector.catch_up()
    before = {path: table(world, path) for path in PATHS}
    world.describe(
        customers=[entity("customers", CONSUMER, name="Renamed")],
        projects=[entity("projects", PROJECT, customer_uuid=OTHER_CONSUMER)],
        offerings=[entity("offerings", OFFERING, customer_uuid=OTHER_PROVIDER)],
        resources=[entity("resources", RESOURCE, uuid=uid(0x901), project_uuid=SECOND_PROJECT)],
    )
    assert [path for path in PATHS if table(world, path) == before[path]] == []
    assert {path: table(world, path, as_of=end) for path in PATHS} == before


def test_all_users_of_the_catalogue_are_asked() -> None:
    assert len(LISTED) == len(CATALOGUE["users"])
