"""Counts are kept, not counted: X-Result-Count is how many rows there are, for everybody and every filter."""

from collections.abc import Sequence
from itertools import product
from typing import Any

import pytest

from tests.world import (
    BASIC,
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

SCOPES: list[dict[str, Any]] = [
    {},
    *({"offering_uuid": uuid} for uuid in (OFFERING, SECOND_OFFERING, uid(0xDEAD))),
    *({"project_uuid": uuid} for uuid in (PROJECT, SECOND_PROJECT)),
    *({"customer_uuid": uuid} for uuid in (CONSUMER, OTHER_CONSUMER, PROVIDER)),
    {"offering_uuid": OFFERING, "project_uuid": PROJECT},
    {"offering_uuid": OFFERING, "customer_uuid": CONSUMER},
    {"offering_uuid": OTHER_OFFERING, "customer_uuid": OTHER_CONSUMER},
    {"resource_uuid": RESOURCE},
    {"billing_period_year": 2026},
    {"billing_period_month": 11, "customer_uuid": CONSUMER},
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


SEVERAL = ["staff", "offering-manager", "provider-owner", "consumer-owner", "project-member", "stranger"]
EVERYBODY = [user["username"] for user in CATALOGUE["users"] if user["username"] != "former-owner"]


def check(world: World, names: Sequence[str] = EVERYBODY) -> None:
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
    world.describe(projects=[{"uuid": SECOND_PROJECT, "name": "Second", "customer_uuid": consumer}])
    check(world, SEVERAL)
    report_all(world)
    check(world, SEVERAL)


ON_CUSTOMER, ON_PROJECT = "structure.customer", "structure.project"
ON_OFFERING, ON_PROVIDER = "marketplace.offering", "marketplace.serviceprovider"


@pytest.mark.parametrize(
    "scopes",
    [
        {CONSUMER: ON_CUSTOMER, PROVIDER: ON_CUSTOMER},
        dict.fromkeys((CONSUMER, OTHER_CONSUMER, PROVIDER, OTHER_PROVIDER), ON_CUSTOMER),
        {OTHER_CONSUMER: ON_CUSTOMER, OFFERING: ON_OFFERING, SERVICE_PROVIDER: ON_PROVIDER},
        {OTHER_PROVIDER: ON_CUSTOMER, PROJECT: ON_PROJECT, OTHER_PROJECT: ON_PROJECT},
        {OTHER_OFFERING: ON_OFFERING, OTHER_PROJECT: ON_PROJECT, SECOND_PROJECT: ON_PROJECT},
    ],
)
def test_counts_are_right_for_those_with_several_roles(world: World, scopes: dict[str, str]) -> None:
    world.describe(
        user_roles=[
            {"uuid": uid(0x900 + number), "user_uuid": uid(10), "role_name": "A.ROLE"}
            | {"scope_type": kind, "scope_uuid": uuid}
            for number, (uuid, kind) in enumerate(scopes.items())
        ]
    )
    report_all(world)
    assert world.as_("stranger").get(USAGES).get_json()
    check(world, ["stranger"])
    move(world, RESOURCE, OTHER_PROJECT, OFFERING)
    cloud = {"uuid": SECOND_OFFERING, "name": "Cloud", "type": "Basic", "customer_uuid": CONSUMER}
    world.describe(offerings=[cloud])
    check(world, ["stranger", "staff", "provider-owner", "consumer-owner"])
