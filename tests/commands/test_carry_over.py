"""What is assumed of a month where nobody reported: contract section 2.1.5 with decision 14."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial
from threading import Event
from typing import Any
from uuid import UUID

import pytest
from psycopg import Cursor
from psycopg.rows import DictRow

from ledger.domain.records import LastUsage
from ledger.events import UsageCarriedOver, UsageReported
from tests.world import (
    BASIC,
    CATALOGUE,
    CONSUMER,
    CPU,
    GPU,
    OFFERING,
    PREMIUM,
    PROJECT,
    PROVIDER,
    RESOURCE,
    USAGES,
    World,
    open_world,
    uid,
)
from web.commands import carry_over as carrying_over
from web.commands.carry_over import MonthError, Plan, carry_into, month_from, plan_of
from web.request.services import Services

DECEMBER = date(2026, 12, 1)
MONTHLY = "/api/marketplace-component-usage-monthly/"

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
            (name, usage.site.component_type, usage.amount, usage.missing_usage_policy)
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
    assert carried == UsageCarriedOver(
        originator_id=carried.originator_id,
        originator_version=1,
        recorded_at=world.now,
        usage_uuid=carried.usage_uuid,
        resource_uuid=UUID(RESOURCE),
        component_uuid=UUID(CPU),
        component_type="cpu",
        month=DECEMBER,
        project_uuid=UUID(PROJECT),
        customer_uuid=UUID(CONSUMER),
        offering_uuid=UUID(OFFERING),
        provider_uuid=UUID(PROVIDER),
        measured_at=world.now,
        written_date=None,
        reported_by=UUID(uid(4)),
        source="carry-over",
        amount=Decimal("0.00"),
        plan_amount=Decimal("0.00"),
        plan_uuid=UUID(BASIC),
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


class Busy(Services):
    """Whenever it has been read what to carry over, somebody reports one of those usages."""

    reports: list[Callable[[], None]]

    @contextmanager
    def deciding(self) -> Iterator[Cursor[DictRow]]:
        with super().deciding() as cursor:
            yield cursor
        if self.reports:
            self.reports.pop(0)()


def test_it_gets_through_where_reports_come_faster_than_it_decides(world: World) -> None:
    many = described_with_reuse(world, 15)
    december(world)
    services = Busy(world.ledger, world.projector, world.services.clock)
    reports = [partial(report, world, "none", 8, resource=uuid) for uuid in many[:11]]
    object.__setattr__(services, "reports", reports)
    told: list[str] = []
    assert carry_into(DECEMBER, services, lambda _name, usage: told.append(usage.site.resource_uuid.hex)) == 4
    assert told == many[11:]
    expected = [("cpu", "5.00", "reuse")] * 4 + [("cpu", "8.00", "none")] * 11
    assert shown(world) == expected


# Plans


def plan_period(number: int, plan: str, start: str | None, end: str | None) -> dict[str, Any]:
    period = {"uuid": uid(0x50 + number), "resource_uuid": RESOURCE, "plan_uuid": plan}
    return period | {"start": start, "end": end}


def carried_plan(world: World) -> tuple[UUID | None, UUID | None]:
    [fact] = world.facts(UsageCarriedOver)
    assert isinstance(fact, UsageCarriedOver)
    return fact.plan_uuid, fact.plan_period_uuid


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
