"""What is assumed of a month where nobody reported."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from decimal import Decimal
from threading import Event
from typing import Any
from uuid import UUID

import pytest

from ledger.events import UsageCarriedOver, UsageReported
from projections.lookups.carry_over import candidates
from tests import controls
from tests.commands.carrying import DECEMBER, carry, december, described_with_reuse, report, shown
from tests.support.queueing import is_locked
from tests.world import (
    CATALOGUE,
    USAGES,
    World,
    uid,
)
from web.commands.carry_over import carry_into

MONTHLY = "/api/marketplace-component-usage-monthly/"


# What is carried over


def test_reuse_repeats_the_amount_zero_assumes_none_and_none_assumes_nothing(world: World) -> None:
    report(world, "reuse", "12.5")
    report(world, "zero", 7, type="gpu")
    report(world, "none", 3, type="setup")
    december(world)
    assert carry(world) == [
        ("Resource", "cpu", Decimal("12.50"), "reuse"),
        ("Resource", "gpu", Decimal("7.00"), "zero"),
    ]
    assert shown(world) == [("gpu", "0.00", "zero"), ("cpu", "12.50", "reuse")]


def test_a_carried_over_usage_is_one_like_others_with_what_the_report_before_it_said(world: World) -> None:
    report(world, "reuse", "12.5", description="Half", by="provider-owner")
    [before] = world.usages()
    december(world)
    carry(world)
    [row, unchanged] = world.usages()
    assert unchanged == before
    assert row == before | {
        "uuid": row["uuid"],
        "created": "2026-12-01T00:05:00+00:00",
        "date": "2026-12-01T00:05:00+00:00",
        "billing_period": "2026-12-01",
    }
    assert row["uuid"] != before["uuid"]


def test_the_fact_says_whence_and_through_what_it_was_carried_over(world: World) -> None:
    report(world, "zero", "12.5", by="provider-owner", description="Half")
    [reported] = world.facts(UsageReported)
    assert isinstance(reported, UsageReported)
    december(world)
    carry(world)
    [carried] = world.facts(UsageCarriedOver)
    assert isinstance(carried, UsageCarriedOver)
    assert carried == controls.usage_carried_over(
        originator_id=carried.originator_id,
        recorded_at=world.now,
        usage_uuid=carried.usage_uuid,
        measured_at=world.now,
        reported_by=UUID(uid(4)),
        amount=Decimal("0.00"),
        plan_amount=Decimal("0.00"),
        plan_period_uuid=reported.plan_period_uuid,
        missing_usage_policy="zero",
        description="Half",
        carried_from=reported.usage_uuid,
    )
    assert carried.originator_id != reported.originator_id


def test_a_policy_keeps_rolling_from_month_to_month(world: World) -> None:
    report(world, "reuse", 5)
    report(world, "zero", 6, type="gpu")
    for month in (DECEMBER, date(2027, 1, 1), date(2027, 2, 1)):
        world.now = datetime(month.year, month.month, 1, tzinfo=UTC)
        carry(world, month)
        assert shown(world, str(month)) == [("gpu", "0.00", "zero"), ("cpu", "5.00", "reuse")]
    report(world, "none", 9)
    world.now = datetime(2027, 3, 1, tzinfo=UTC)
    assert carry(world, date(2027, 3, 1)) == [("Resource", "gpu", Decimal("0.00"), "zero")]


def test_a_month_that_nobody_carried_into_ends_the_chain(world: World) -> None:
    report(world, "reuse")
    world.now = datetime(2027, 1, 1, tzinfo=UTC)
    assert carry(world, date(2027, 1, 1)) == []
    assert carry(world, DECEMBER) == [("Resource", "cpu", Decimal("5.00"), "reuse")]
    assert carry(world, date(2027, 1, 1)) == [("Resource", "cpu", Decimal("5.00"), "reuse")]


def test_doing_it_again_changes_nothing(world: World) -> None:
    report(world, "reuse")
    december(world)
    carry(world)
    facts, rows = world.facts(), world.usages()
    assert carry(world) == []
    world.now = datetime(2026, 12, 24, tzinfo=UTC)
    assert carry(world) == []
    assert (world.facts(), world.usages()) == (facts, rows)


def test_a_dry_run_tells_the_same_and_appends_nothing(world: World) -> None:
    report(world, "reuse")
    report(world, "zero", type="gpu")
    december(world)
    facts = world.facts()
    told = carry(world, dry_run=True)
    assert (world.facts(), shown(world)) == (facts, [])
    assert carry(world) == told != []


def test_the_summary_counts_what_is_assumed(world: World) -> None:
    report(world, "reuse", "12.5")
    december(world)
    carry(world)
    [row] = world.as_("staff").get(MONTHLY).get_json()
    assert (row["billing_period"], row["total_consumed"]) == ("2026-12-01", "12.50")


@pytest.mark.parametrize("state", [1, 2, 3, 4, 5, 6])
def test_only_of_terminated_resources_nothing_is_assumed(world: World, state: int) -> None:
    report(world, "reuse")
    world.describe(resources=[{**CATALOGUE["resources"][0], "state": state}])
    december(world)
    assert len(carry(world)) == (0 if state == 6 else 1)


# What was reported


@pytest.mark.parametrize("policy", ["none", "reuse", "zero"])
def test_a_report_of_the_month_is_never_touched(world: World, policy: str) -> None:
    report(world, "reuse", 5)
    december(world)
    report(world, policy, 8)
    facts, rows = world.facts(), world.usages()
    assert carry(world) == []
    assert (world.facts(), world.usages()) == (facts, rows)


def test_a_report_that_comes_later_takes_the_place_of_what_was_assumed(world: World) -> None:
    report(world, "reuse", 5)
    december(world)
    carry(world)
    [assumed] = world.usages(billing_period="2026-12-01")
    world.now = datetime(2026, 12, 20, tzinfo=UTC)
    report(world, "none", 8)
    [row] = world.usages(billing_period="2026-12-01")
    assert row == assumed | {
        "usage": "8.00",
        "date": "2026-12-20T00:00:00+00:00",
        "missing_usage_policy": "none",
        "recurring": False,
    }


def test_reports_from_many_threads_win_over_what_is_assumed_at_the_same_time(world: World) -> None:
    many = described_with_reuse(world, 40)
    december(world)
    client = world.as_("staff")
    begun = Event()

    def report_half(start: int) -> list[int]:
        statuses = []
        for uuid in many[start::8]:
            body = {"resource": uuid, "usages": [{"type": "cpu", "amount": 8}]}
            statuses.append(client.post(f"{USAGES}set_usage/", body).status_code)
            begun.set()
        return statuses

    with ThreadPoolExecutor(6) as pool:
        reporting = [pool.submit(report_half, start) for start in range(4)]
        begun.wait()
        told = [pool.submit(carry, world) for _ in range(2)]
        assert [each for done in reporting for each in done.result()] == [201] * 20
        carried = [name for done in told for name in done.result()]
    rows = world.usages(billing_period="2026-12-01", page_size=100)
    expected = {uuid: "8.00" if number % 8 < 4 else "5.00" for number, uuid in enumerate(many)}
    assert {row["resource_uuid"]: row["usage"] for row in rows} == expected
    assert len(rows) == len(many)
    assert len(carried) == len(world.facts(UsageCarriedOver)) >= 20


def test_who_is_overtaken_decides_anew_what_is_carried_over(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = described_with_reuse(world, 15)
    december(world)
    was_locked: list[bool] = []

    def overtaken(*asked: Any) -> Any:
        """Between the first time that it is read and the append, somebody reports one of those usages."""
        found = candidates(*asked)
        was_locked.append(is_locked(world))
        if len(was_locked) == 1:
            report(world, "none", 8, resource=many[0])
        return found

    monkeypatch.setattr("web.commands.carry_over.candidates", overtaken)
    told: list[str] = []
    carried = carry_into(
        DECEMBER, world.services, lambda _, usage: told.append(usage.ownership.resource_uuid.hex)
    )
    assert (carried, told) == (14, many[1:])
    assert was_locked[:2] == [False, True]
    assert shown(world) == [("cpu", "5.00", "reuse")] * 14 + [("cpu", "8.00", "none")]
