"""A world with usage of several tenants in several months, and what each user reads of it."""

from collections.abc import Iterator
from decimal import Decimal
from itertools import count
from typing import Any

import pytest

from tests.api.monthly import entity
from tests.conftest import database
from tests.world import (
    OTHER_RESOURCE,
    RESOURCE,
    SECOND_RESOURCE,
    USAGES,
    USER_USAGES,
    World,
    open_world,
    uid,
)

Row = dict[str, Any]

LEDGER = "/api/ledger/"

NAMES_OF_OTHERS = ("Other", "Elsewhere", "Core", "zoe")
"""What is nobody's but the other tenants'."""

MONTHS = [*(f"2025-{month:02}" for month in range(9, 13)), *(f"2026-{month:02}" for month in range(1, 12))]

EXTRA = [uid(0x900 + number) for number in range(6)]
"""Resources like the first one, so that there are some to rank."""


def table(world: World, name: str, by: str = "staff", /, **query: Any) -> list[Row]:
    """All rows of a list below `/api/ledger/`, page by page."""
    return pages(world, f"{LEDGER}{name}/", by, **query)


def pages(world: World, path: str, by: str, /, **query: Any) -> list[Row]:
    rows: list[Row] = []
    for page in count(1):
        response = world.as_(by).get(path, page=page, page_size=300, **query)
        assert response.status_code == 200, response.data
        rows += response.get_json()
        if len(rows) == int(response.headers["X-Result-Count"]):
            return rows
    raise AssertionError


def refused(world: World, name: str, /, **query: Any) -> Any:
    """What a request with bad parameters is told."""
    response = world.as_("staff").get(f"{LEDGER}{name}/", **query)
    assert response.status_code == 400
    return response.get_json()


def usages(world: World, by: str, **query: Any) -> list[Row]:
    """All component usages that somebody sees, with the amount as a number."""
    return [row | {"usage": Decimal(row["usage"])} for row in pages(world, USAGES, by, **query)]


def user_usages(world: World, by: str, **query: Any) -> list[Row]:
    return [row | {"usage": Decimal(row["usage"])} for row in pages(world, USER_USAGES, by, **query)]


def fill(world: World) -> None:
    """Report every month but some, other figures each, with users' shares here and there."""
    world.describe(
        resources=[
            entity("resources", RESOURCE, uuid=uuid, name=f"Resource {number}")
            for number, uuid in enumerate(EXTRA)
        ]
    )
    resources = [RESOURCE, *EXTRA, SECOND_RESOURCE, OTHER_RESOURCE]
    for place, month in enumerate(MONTHS):
        items: list[Row] = [
            {"resource": uuid, "type": kind, "amount": amount_of(place, number), "date": f"{month}-05"}
            for number, uuid in enumerate(resources)
            for kind in (("cpu", "gpu") if number < 7 else ("cpu",))
            if (place * 7 + number) % 11 != 3
        ]
        items += [
            {"resource": item["resource"], "type": "cpu", "username": name, "usage": 1 + place % 3}
            | {"date": item["date"]}
            for item in items
            if item["type"] == "cpu"
            for name in (["zoe"] if item["resource"] == OTHER_RESOURCE else ["ann", "bo"])
        ]
        answer = world.as_("staff").post("/api/ledger/reports/", items)
        assert answer.status_code == 201, answer.text


def amount_of(place: int, number: int) -> str:
    return f"{(place * 37 + number * 101) % 97 + 5}.{(place + number) % 10}5"


@pytest.fixture(scope="module", name="full")
def full_world(server: str, world_template: str) -> Iterator[World]:
    """For tests that only read."""
    with database(server, world_template) as url, open_world(url) as world:
        fill(world)
        yield world
