"""A catalogue with everything that its lists can show, and how tests read it."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.api.monthly import entity
from tests.conftest import database
from tests.world import (
    CATEGORY,
    GPU,
    OFFERING,
    OTHER_OFFERING,
    PROJECT,
    RESOURCE,
    SECOND_OFFERING,
    World,
    open_world,
    uid,
)

OFFERINGS = "/api/marketplace-provider-offerings/"
SERVICE_PROVIDERS = "/api/marketplace-service-providers/"
RESOURCES, CONSUMED = "/api/marketplace-provider-resources/", "/api/marketplace-resources/"
OFFERING_USERS = "/api/marketplace-offering-users/"

HOST = "http://localhost/api"
NOW = "2026-11-15T12:00:00+00:00"

PLAIN_RESOURCE, SECOND_USER, OTHER_USER = uid(0x14), uid(0x32), uid(0x33)


@pytest.fixture(scope="package")
def catalogued(server: str, world_template: str) -> Iterator[World]:
    """The world with all that a list can show, and some of it missing. For tests that only read."""
    with database(server, world_template) as url, open_world(url) as world:
        world.describe(
            offerings=[
                entity("offerings", OFFERING, category_uuid=CATEGORY, plugin_options={"account": "a, ö"})
            ],
            offering_components=[
                entity(
                    "offering_components",
                    GPU,
                    description="Cards",
                    limit_amount="10.5",
                    unit_factor=60,
                    is_prepaid=True,
                )
            ],
            resources=[
                entity(
                    "resources",
                    RESOURCE,
                    slug="res",
                    backend_id="hpc_1",
                    limits={"gpu": 5, "cpu": None},
                    attributes={"a": [1, None]},
                    backend_metadata={"cpu": {"n": 1}},
                ),
                {
                    "uuid": PLAIN_RESOURCE,
                    "name": "Plain",
                    "offering_uuid": SECOND_OFFERING,
                    "project_uuid": PROJECT,
                    "state": 3,
                },
            ],
            offering_users=[
                {"uuid": SECOND_USER, "offering_uuid": SECOND_OFFERING, "username": ""},
                {
                    "uuid": OTHER_USER,
                    "offering_uuid": OTHER_OFFERING,
                    "username": "other",
                    "user_uuid": uid(8),
                },
            ],
        )
        world.report(
            date="2026-10-05", usages=[{"type": "cpu", "amount": "7"}, {"type": "setup", "amount": 1}]
        )
        world.report(usages=[{"type": "cpu", "amount": "12.50"}, {"type": "gpu", "amount": 3}])
        yield world


def rows(world: World, path: str, *, by: str = "staff", **query: Any) -> list[dict[str, Any]]:
    response = world.as_(by).get(path, **query)
    assert response.status_code == 200, response.data
    found: list[dict[str, Any]] = response.get_json()
    return found


def uuids(world: World, path: str, *, by: str = "staff", **query: Any) -> list[str]:
    """The uuids of all rows that a query finds, whose count says the same."""
    response = world.as_(by).get(path, page_size=300, **query)
    assert response.status_code == 200, response.data
    found = [row["uuid"] for row in response.get_json()]
    assert response.headers["X-Result-Count"] == str(len(found))
    return found
