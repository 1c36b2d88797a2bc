"""Usage of projects and customers over periods of every kind."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from tests import controls
from tests.conftest import database
from tests.world import (
    CATALOGUE,
    CONSUMER,
    OTHER_PROJECT,
    PROJECT,
    PROVIDER,
    RESOURCE,
    SECOND_PROJECT,
    SECOND_RESOURCE,
    World,
    open_world,
    uid,
)

MAY_15 = datetime(2026, 5, 15, 12, 0, tzinfo=UTC)


KINDS = {"project": PROJECT, "customer": CONSUMER}


PERIODS, CHILD, EMPTY = uid(0xF4), uid(0xF5), uid(0xF6)


FIRST, SECOND, GONE, IN_CHILD = uid(0x21), uid(0x22), uid(0x23), uid(0x24)


COMPONENTS: dict[str, dict[str, Any]] = {
    "y": {"name": "Annual", "billing_type": "limit", "limit_period": "annual", "description": "Per year"},
    "m": {"name": "Monthly", "billing_type": "limit", "measured_unit": "h"},
    "q": {"name": "Quarterly", "billing_type": "usage", "limit_period": "quarterly"},
    "t": {"name": "Total", "billing_type": "one", "limit_period": "total", "limit_amount": 5},
}


USED: dict[str, dict[str, dict[str, Any]]] = {
    FIRST: {
        "m": {"2025-11": 99, "2025-12": 1, "2026-04": 10, "2026-05": 20},
        "q": {"2026-03": 99, "2026-04": 30, "2026-05": 40},
        "y": {"2025-12": 98, "2026-01": 100, "2026-05": 200},
        "t": {"2024-02": 300, "2026-05": 400},
    },
    SECOND: {"m": {"2026-05": 5}, "q": {"2026-04": "7.5", "2026-06": "0.5"}},
    GONE: {"m": {"2026-05": 3}, "q": {"2026-05": 2}, "y": {"2026-02": 6}},
    IN_CHILD: {"c": {"2026-05": 50}},
}
"""Consumption by resource, component and month. What lies outside of a period is about a hundred."""


def component_uuid(component_type: str) -> str:
    return uid(0xE00 + ord(component_type))


def catalogue() -> dict[str, list[dict[str, Any]]]:
    """An offering with components of all four periods, and resources of two projects that use them."""
    like = {"offering_uuid": PERIODS, "project_uuid": PROJECT}
    elsewhere = [each for each in CATALOGUE["resources"] if each["uuid"] in (RESOURCE, SECOND_RESOURCE)]
    return {
        "offerings": [
            {"uuid": PERIODS, "name": "Periods", "customer_uuid": PROVIDER},
            {"uuid": CHILD, "name": "Child", "customer_uuid": PROVIDER, "parent_uuid": PERIODS},
            {"uuid": EMPTY, "name": "Empty", "customer_uuid": PROVIDER},
        ],
        "offering_components": [
            {"uuid": component_uuid(each), "offering_uuid": PERIODS, "type": each} | component
            for each, component in COMPONENTS.items()
        ]
        + [{"uuid": component_uuid("c"), "offering_uuid": CHILD, "type": "c", "name": "Child's"}],
        "resources": [
            *({**each, "project_uuid": OTHER_PROJECT} for each in elsewhere),
            like | {"uuid": FIRST, "name": "First", "limits": {"m": 100, "q": "50.5", "y": 1000}},
            like
            | {"uuid": SECOND, "name": "Second", "limits": {"m": 20, "t": None}, "state": 1}
            | {"project_uuid": SECOND_PROJECT},
            like | {"uuid": GONE, "name": "Gone", "limits": {"m": 7, "t": 9}, "state": 6},
            like | {"uuid": IN_CHILD, "name": "In child", "offering_uuid": CHILD, "limits": {"m": 11}},
        ],
        "component_usages": [
            {"uuid": uid(int(resource, 16) * 0x100000 + ord(each) * 0x1000 + number), "usage": amount}
            | {"resource_uuid": resource, "component_uuid": component_uuid(each)}
            | {"billing_period": f"{month}-01", "date": "2026-05-15"}
            for resource, by_component in USED.items()
            for each, by_month in by_component.items()
            for number, (month, amount) in enumerate(by_month.items())
        ],
    }


@pytest.fixture(scope="module", name="used")
def world_with_usage(server: str, world_template: str) -> Iterator[World]:
    """For tests that only read."""
    with database(server, world_template) as url, open_world(url) as world:
        world.now = MAY_15
        world.describe(**catalogue())
        yield world


def path(kind: str, action: str, uuid: str | None = None) -> str:
    return f"/api/marketplace-{kind}-usage/{uuid or KINDS[kind]}/components-usage{action}/"


def read(world: World, kind: str, action: str = "", *, by: str = "staff", **query: Any) -> Any:
    response = world.as_(by).get(path(kind, action), **query)
    assert response.status_code == 200, response.data
    return response.get_json()


BOUNDS = {
    "y": ("2026", "2026-01-01", "2026-12-31"),
    "m": ("May 2026", "2026-05-01", "2026-05-01"),
    "q": ("Q2 2026", "2026-04-01", "2026-06-30"),
    "t": ("Total", None, None),
}


def bounds(label: str, start: str | None, end: str | None) -> dict[str, Any]:
    return {"current_period_label": label, "current_period_start": start, "current_period_end": end}


def buckets(by_month: dict[str, float], terminated: dict[str, float] | None = None) -> list[dict[str, Any]]:
    return [
        controls.bucket(
            billing_period=f"{month}-01",
            usage=usage,
            usage_terminated=(terminated or {}).get(month, 0.0),
        )
        for month, usage in by_month.items()
    ]
