"""Which months are carried over, in what chunks, and under which plan."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from ledger.domain.records import LastUsage
from ledger.events import UsageCarriedOver
from tests.commands.carrying import DECEMBER, carry, december, described_with_reuse, report, shown
from tests.world import (
    BASIC,
    CATALOGUE,
    GPU,
    PREMIUM,
    RESOURCE,
    World,
    open_world,
    uid,
)
from web.commands import carry_over as carrying_over
from web.commands.carry_over import MonthError, Plan, carry_into, month_from, plan_of


def plan_period(number: int, plan: str, start: str | None, end: str | None) -> dict[str, Any]:
    period = {"uuid": uid(0x50 + number), "resource_uuid": RESOURCE, "plan_uuid": plan}
    return period | {"start": start, "end": end}


def carried_plan(world: World) -> tuple[UUID | None, UUID | None]:
    [fact] = world.facts(UsageCarriedOver)
    assert isinstance(fact, UsageCarriedOver)
    return fact.plan_uuid, fact.plan_period_uuid


# Plans


def test_of_several_plans_the_last_report_is_carried_over(world: World) -> None:
    switch = "2026-11-10T00:00:00Z"
    world.describe(
        resource_plan_periods=[plan_period(1, BASIC, None, switch), plan_period(2, PREMIUM, switch, None)]
    )
    report(world, "reuse", 100, date="2026-11-05")
    report(world, "reuse", 150, date="2026-11-12")
    december(world)
    assert carry(world) == [("Resource", "cpu", Decimal("50.00"), "reuse")]
    assert carried_plan(world) == (UUID(PREMIUM), UUID(uid(0x52)))


def test_of_imported_plans_with_policies_the_newest_is_carried_over_and_only_once(world: World) -> None:
    switch = "2026-11-10T00:00:00Z"
    world.describe(
        resource_plan_periods=[plan_period(1, BASIC, None, switch), plan_period(2, PREMIUM, switch, None)],
        component_usages=[
            {"uuid": uid(0x61 + number), "resource_uuid": RESOURCE, "component_uuid": GPU, "usage": number}
            | {"billing_period": "2026-11-01", "missing_usage_policy": "reuse"}
            | {"plan_period_uuid": uid(0x51 + number)}
            for number in range(2)
        ],
    )
    december(world)
    assert carry(world) == [("Resource", "gpu", Decimal("1.00"), "reuse")]


@pytest.mark.parametrize(
    ("periods", "plan"),
    [
        # In force on the first.
        ([(BASIC, None, None)], (BASIC, 0)),
        ([(BASIC, None, "2026-12-01T00:00:00Z"), (PREMIUM, "2026-12-01T00:00:00Z", None)], (PREMIUM, 1)),
        ([(BASIC, None, "2026-12-10T00:00:00Z"), (PREMIUM, "2026-12-10T00:00:00Z", None)], (BASIC, 0)),
        # Not in force on the first, but in the month.
        ([(BASIC, None, "2026-11-30T00:00:00Z"), (PREMIUM, "2026-12-10T00:00:00Z", None)], (PREMIUM, 1)),
        # Not in the month at all: whatever plan is reported of later adopts the usage.
        ([(BASIC, None, "2026-12-01T00:00:00Z"), (PREMIUM, "2027-01-01T00:00:00Z", None)], (None, None)),
    ],
)
def test_the_plan_is_the_one_that_a_report_would_find(
    world: World,
    periods: list[tuple[str, str | None, str | None]],
    plan: tuple[str | None, int | None],
) -> None:
    world.describe(resource_plan_periods=[plan_period(n, *each) for n, each in enumerate(periods)])
    report(world, "reuse", 5, date="2026-11-02")
    december(world)
    carry(world)
    uuid, number = plan
    expected = (uuid and UUID(uuid), None if number is None else UUID(uid(0x50 + number)))
    assert carried_plan(world) == expected
    report(world, "none", 8)
    assert shown(world) == [("cpu", "8.00", "none")]


def test_a_month_that_is_carried_into_late_has_the_plan_of_then(world: World) -> None:
    new_year = "2027-01-01T00:00:00Z"
    world.describe(
        resource_plan_periods=[plan_period(1, BASIC, None, new_year), plan_period(2, PREMIUM, new_year, None)]
    )
    report(world, "reuse", 5, date="2026-11-02")
    world.now = datetime(2027, 1, 20, tzinfo=UTC)
    carry(world)
    assert carried_plan(world) == (UUID(BASIC), UUID(uid(0x51)))
    report(world, "none", 8, date="2026-12-31")
    assert shown(world) == [("cpu", "8.00", "none")]


# Months


@pytest.mark.parametrize(
    ("text", "month"),
    [
        ("2026-11", date(2026, 11, 1)),
        ("2026-10", date(2026, 10, 1)),
        ("0002-01", date(2, 1, 1)),
    ],
)
def test_a_month_is_written_with_its_year(world: World, text: str, month: date) -> None:
    assert plan_of(text, world.services) == Plan([month])
    assert carry(world, month) == []


@pytest.mark.parametrize(
    "text", ["", "x", "2026", "2026-13", "2026-1", "11-2026", "2026-11-01", "202611", "2026-W1", "0001-01"]
)
def test_what_is_no_month_is_told_in_one_line(world: World, text: str) -> None:
    with pytest.raises(MonthError, match=f"^'{text}' is no month like 2026-11$"):
        month_from(text, world.services)


def test_nothing_can_be_missing_from_a_month_to_come(world: World) -> None:
    with pytest.raises(MonthError, match=r"^2026-12 lies in the future, nothing can be missing from it yet$"):
        month_from("2026-12", world.services)


@pytest.mark.parametrize(
    ("zone", "now", "month"),
    [
        ("Asia/Tokyo", "2026-11-30T15:00:00+00:00", "2026-12-01"),
        ("America/New_York", "2026-12-01T04:59:59+00:00", "2026-11-01"),
    ],
)
def test_the_current_month_is_that_of_where_the_ledger_is(
    world_url: str, zone: str, now: str, month: str
) -> None:
    with open_world(world_url, zone) as world:
        report(world, "reuse", date="2026-10-15")
        world.now = datetime.fromisoformat(now)
        assert plan_of(None, world.services) == Plan([date.fromisoformat(month)], is_first=True)


def carry_all(world: World) -> dict[str, int]:
    """What an operator does who names no month: how much was carried over, by month."""
    months = plan_of(None, world.services).months
    return {f"{month:%Y-%m}": len(carry(world, month)) for month in months}


def test_months_that_nobody_carried_into_are_made_up_for_in_order(world: World) -> None:
    report(world, "reuse", "12.5")
    december(world)
    assert carry_all(world) == {"2026-12": 1}
    world.now = datetime(2027, 3, 1, 0, 5, tzinfo=UTC)
    assert carry_all(world) == {"2026-12": 0, "2027-01": 1, "2027-02": 1, "2027-03": 1}
    assert [fact.month.month for fact in world.facts(UsageCarriedOver)] == [12, 1, 2, 3]
    for month in ("2027-01-01", "2027-02-01", "2027-03-01"):
        [row] = world.usages(billing_period=month)
        # Also of a month that is done late, the date is when it was.
        assert (row["usage"], row["date"]) == ("12.50", "2027-03-01T00:05:00+00:00")
    assert carry_all(world) == {"2027-03": 0}


def test_a_month_that_was_broken_off_is_finished_before_the_next(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    described_with_reuse(world, 5)
    december(world)
    told: list[str] = []

    def tell(name: str, _: LastUsage) -> None:
        told.append(name)
        if len(told) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(carrying_over, "CHUNK", 1)
    with pytest.raises(KeyboardInterrupt):
        carry_into(DECEMBER, world.services, tell)
    assert len(world.facts(UsageCarriedOver)) == 3
    world.now = datetime(2027, 1, 1, 0, 5, tzinfo=UTC)
    assert carry_all(world) == {"2026-12": 2, "2027-01": 5}


def test_an_earlier_month_that_is_carried_into_later_is_not_the_last(world: World) -> None:
    report(world, "reuse")
    december(world)
    carry(world)
    report(world, "reuse", date="2026-05-15")
    assert len(carry(world, date(2026, 6, 1))) == 1
    assert plan_of(None, world.services).months == [DECEMBER]


def test_a_last_month_that_lies_ahead_of_the_ledgers_zone_does_not_hold_up_the_current_one(
    world_url: str,
) -> None:
    with open_world(world_url, "Europe/Tallinn") as world:
        report(world, "reuse", date="2026-11-15")
        world.now = datetime(2026, 11, 30, 23, tzinfo=UTC)
        assert carry_all(world) == {"2026-12": 1}
    with open_world(world_url, "UTC") as world:
        world.now = datetime(2026, 11, 30, 23, tzinfo=UTC)
        assert carry_all(world) == {"2026-11": 0}


# Chunks


@pytest.mark.parametrize("size", [1, 2, 3, 5, 6, 7])
def test_a_large_month_is_carried_over_in_chunks_each_usage_once(
    world: World, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    resources = [{**CATALOGUE["resources"][0], "uuid": uid(0x70 + n), "name": f"R{n}"} for n in range(3)]
    world.describe(resources=resources)
    for number, resource in enumerate(resources):
        for component_type in ("cpu", "gpu"):
            report(world, "reuse", number + 1, resource=resource["uuid"], type=component_type)
    december(world)
    monkeypatch.setattr(carrying_over, "CHUNK", size)
    expected = [
        (f"R{number}", component_type, Decimal(f"{number + 1}.00"), "reuse")
        for number in range(3)
        for component_type in ("cpu", "gpu")
    ]
    assert carry(world, dry_run=True) == expected
    assert carry(world) == expected
    assert carry(world) == []
    assert len(world.facts(UsageCarriedOver)) == 6
