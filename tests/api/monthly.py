"""The monthly summary, as tests read it."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.conftest import database
from tests.world import (
    CATALOGUE,
    CPU,
    GPU,
    OTHER_PROJECT,
    OTHER_RESOURCE,
    RESOURCE,
    SECOND_OFFERING,
    SECOND_RESOURCE,
    World,
    open_world,
    uid,
)

MONTHLY = "/api/marketplace-component-usage-monthly/"


Figures = list[tuple[str, str, str, str, str | None]]
"""Month, component, consumed, allocated and percent of each row."""


def entity(name: str, which: str, /, **changes: Any) -> dict[str, Any]:
    """An object of the world's catalogue, with some changes."""
    [found] = [each for each in CATALOGUE[name] if each["uuid"] == which]
    return found | changes


def describe_resource(world: World, limits: dict[str, Any], uuid: str = RESOURCE, **changes: Any) -> None:
    like = uuid if uuid in (RESOURCE, SECOND_RESOURCE, OTHER_RESOURCE) else RESOURCE
    world.describe(resources=[entity("resources", like, **{"uuid": uuid, "limits": limits, **changes})])


def describe_component(world: World, uuid: str = CPU, **changes: Any) -> None:
    world.describe(offering_components=[entity("offering_components", uuid, **changes)])


def report(world: World, amount: Any, date: str | None = None, **rest: Any) -> None:
    """Reports CPU of RESOURCE, unless told otherwise."""
    items = [{"type": rest.pop("type", "cpu"), "amount": amount}]
    dated = {"date": date} if date else {}
    assert world.report(usages=items, **dated, **rest).status_code == 201


def rows(world: World, *, by: str = "staff", **query: Any) -> list[dict[str, Any]]:
    response = world.as_(by).get(MONTHLY, **query)
    assert response.status_code == 200, response.data
    found: list[dict[str, Any]] = response.get_json()
    assert response.headers["X-Result-Count"] == str(len(found))
    return found


def figures(world: World, **query: Any) -> Figures:
    names = ("billing_period", "component_name", "total_consumed", "total_allocated", "usage_percent")
    found = rows(world, **query)
    return [(each["billing_period"][:7], *(each[name] for name in names[1:])) for each in found]


@pytest.fixture(scope="module", name="quarter")
def world_with_three_months(server: str, world_template: str) -> Iterator[World]:
    """For tests that only read: five rows of three months; a limit of 40 gives October a row of its own."""
    with database(server, world_template) as url, open_world(url) as world:
        offering = entity("offerings", SECOND_OFFERING, project_uuid=OTHER_PROJECT)
        world.describe(offerings=[offering])
        describe_resource(world, {"gpu": 40}, uid(0x77))
        describe_component(world, GPU, limit_period="annual")
        report(world, 5, "2026-09-30", type="gpu")
        report(world, 20, type="gpu")
        report(world, 20, "2026-10-31T23:59:59Z", resource=SECOND_RESOURCE)
        report(world, 1, resource=OTHER_RESOURCE)
        yield world


def found(world: World, query: Any) -> list[str]:
    """What a query finds, each row as month, component and consumption."""
    response = world.as_("staff").send("GET", MONTHLY, query_string=query)
    assert response.status_code == 200, response.data
    return [
        f"{row['billing_period'][:7]} {row['component_name']} {float(row['total_consumed']):.0f}"
        for row in response.get_json()
    ]
