"""Months that are carried over."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from tests.world import (
    CATALOGUE,
    CPU,
    World,
    uid,
)
from web.commands.carry_over import carry_into

DECEMBER = date(2026, 12, 1)


Told = list[tuple[str, str, Decimal, str]]
"""Resource, component, amount and policy of what was told of."""


def report(world: World, policy: str, amount: Any = 5, **rest: Any) -> None:
    item = {"type": rest.pop("type", "cpu"), "amount": amount, "missing_usage_policy": policy}
    if "description" in rest:
        item["description"] = rest.pop("description")
    assert world.report(usages=[item], **rest).status_code == 201


def carry(world: World, month: date = DECEMBER, *, dry_run: bool = False) -> Told:
    """Carries over; returns what was told of, which is as much as was counted."""
    told: Told = []
    count = carry_into(
        month,
        world.services,
        lambda name, usage: told.append(
            (name, usage.ownership.component_type, usage.amount, usage.missing_usage_policy)
        ),
        dry_run=dry_run,
    )
    assert count == len(told)
    return told


def described_with_reuse(world: World, count: int) -> list[str]:
    """So many resources with a November that calls for a December like it."""
    # No id of these queues with the carry-over itself, whose turn is 1 of 64.
    many = [uid(0x20002 + number) for number in range(count)]
    world.describe(
        resources=[{**CATALOGUE["resources"][0], "uuid": uuid} for uuid in many],
        component_usages=[
            {"uuid": uuid, "resource_uuid": uuid, "component_uuid": CPU, "usage": 5}
            | {"billing_period": "2026-11-01", "missing_usage_policy": "reuse"}
            for uuid in many
        ],
    )
    return many


def december(world: World) -> None:
    world.now = datetime(2026, 12, 1, 0, 5, tzinfo=UTC)


def shown(world: World, month: str = "2026-12-01") -> list[tuple[str, str, str]]:
    """Component, amount and policy of every usage of a month."""
    found = world.usages(billing_period=month, o="usage", page_size=100)
    return [(row["type"], row["usage"], row["missing_usage_policy"]) for row in found]
