"""Counts are kept, not counted: X-Result-Count is how many rows there are, for everybody and every filter."""

from itertools import product
from typing import Any

import pytest

from tests.world import (
    BASIC,
    CATALOGUE,
    CONSUMER,
    OFFERING,
    OTHER_CONSUMER,
    OTHER_PROVIDER,
    OTHER_RESOURCE,
    PROJECT,
    PROVIDER,
    RESOURCE,
    SECOND_OFFERING,
    SECOND_PROJECT,
    SECOND_RESOURCE,
    USAGES,
    USER_USAGES,
    World,
    uid,
)

SCOPES: list[dict[str, Any]] = [
    {},
    *({"offering_uuid": uuid} for uuid in (OFFERING, SECOND_OFFERING, uid(0xDEAD))),
    *({"project_uuid": uuid} for uuid in (PROJECT, SECOND_PROJECT)),
    *({"customer_uuid": uuid} for uuid in (CONSUMER, OTHER_CONSUMER, PROVIDER)),
    {"offering_uuid": OFFERING, "project_uuid": PROJECT},
    {"resource_uuid": RESOURCE},
]
MONTHS = {USAGES: "billing_period", USER_USAGES: "component_usage__billing_period"}


def report_all(world: World) -> None:
    for resource, types in {RESOURCE: "cpu gpu", SECOND_RESOURCE: "cpu", OTHER_RESOURCE: "cpu"}.items():
        for month in ("2026-10-05", "2026-11-05"):
            usages = [{"type": each, "amount": 0} for each in types.split()]
            assert world.report(resource=resource, usages=usages, date=month).status_code == 201
    for number, row in enumerate(world.usages()):
        for user in ("ann", "bob", "cem")[: number % 4]:
            world.report_user(row["uuid"], username=user, usage=1)


def move(world: World, resource: str, project: str, offering: str) -> None:
    described = {"uuid": resource, "name": "R", "project_uuid": project, "offering_uuid": offering}
    world.describe(resources=[described | {"plan_uuid": BASIC}])


def check(world: World) -> None:
    names = [user["username"] for user in CATALOGUE["users"] if user["username"] != "former-owner"]
    for path, name, scope, month in product(MONTHS, names, SCOPES, ("", "2026-11-01")):
        query = scope | ({MONTHS[path]: month} if month else {})
        response = world.as_(name).get(path, page_size=300, **query)
        count = response.headers["X-Result-Count"]
        assert int(count) == len(response.get_json()), (path, name, query)


def test_counts_are_right_for_everybody_and_every_filter(world: World) -> None:
    report_all(world)
    check(world)
    assert world.as_("staff").head(USAGES).headers["X-Result-Count"] == "8"
    assert world.as_("staff").head(USER_USAGES).headers["X-Result-Count"] == "12"


@pytest.mark.parametrize("consumer", [OTHER_CONSUMER, PROVIDER, OTHER_PROVIDER])
def test_counts_follow_resources_and_projects_that_move(world: World, consumer: str) -> None:
    report_all(world)
    move(world, RESOURCE, SECOND_PROJECT, OFFERING)
    check(world)
    world.describe(projects=[{"uuid": SECOND_PROJECT, "name": "Second", "customer_uuid": consumer}])
    check(world)
    report_all(world)
    check(world)
