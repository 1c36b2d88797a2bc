"""Plan periods and plan switches."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any
from uuid import UUID

import pytest
from werkzeug.test import TestResponse

from ledger.events import UsageReported
from tests.world import (
    BASIC,
    PREMIUM,
    RESOURCE,
    World,
    open_world,
    uid,
)

FIRST, SECOND, THIRD = uid(0x61), uid(0x62), uid(0x63)


def answer(response: TestResponse) -> tuple[int, Any]:
    return response.status_code, response.get_json() if response.data else None


def report(world: World, amount: Any, component: str = "cpu", **body: Any) -> None:
    response = world.report(usages=[{"type": component, "amount": amount}], **body)
    assert answer(response) == (201, None)


def reported(world: World) -> list[UsageReported]:
    return [fact for fact in world.facts() if isinstance(fact, UsageReported)]


def hex_of(uuid: UUID | None) -> str | None:
    return uuid.hex if uuid else None


def rows(world: World) -> list[tuple[str | None, str]]:
    """Plan and figure of every component usage, oldest first."""
    plans = {fact.usage_uuid.hex: hex_of(fact.plan_uuid) for fact in reported(world)}
    figures = {row["uuid"]: row["usage"] for row in world.usages()}
    return [(plan, figures[uuid]) for uuid, plan in plans.items()]


def period_of_last_report(world: World) -> str | None:
    return hex_of(reported(world)[-1].plan_period_uuid)


def describe_periods(world: World, *periods: tuple[str, str, str | None, str | None]) -> None:
    """Plan periods of RESOURCE: uuid, plan, start, end."""
    world.describe(
        resource_plan_periods=[
            {"uuid": uuid, "resource_uuid": RESOURCE, "plan_uuid": plan, "start": start, "end": end}
            for uuid, plan, start, end in periods
        ]
    )


SWITCH = "2026-11-10T00:00:00Z"


SWITCHED = (FIRST, BASIC, "2026-01-01T00:00:00Z", SWITCH), (SECOND, PREMIUM, SWITCH, None)


@pytest.fixture
def switched(world: World) -> World:
    """The world in which RESOURCE went from Basic to Premium on the tenth of the month."""
    describe_periods(world, *SWITCHED)
    return world


@pytest.fixture
def world_in(world_url: str) -> Callable[[str], AbstractContextManager[World]]:
    """The world with another LEDGER_TIME_ZONE."""
    return lambda zone: open_world(world_url, zone)


WorldIn = Callable[[str], AbstractContextManager[World]]
