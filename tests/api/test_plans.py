"""Months, time zones, plan periods and plan switches: contract sections 0.2 (13, 19, 20) and 2.1.4."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from werkzeug.test import TestResponse

from ledger.domain.catalogue import PlanPeriod
from ledger.events import PlanPeriodDescribed, Report, UsageReported
from tests.world import (
    BASIC,
    CPU,
    GPU,
    OFFERING,
    PREMIUM,
    PROJECT,
    RESOURCE,
    SECOND_OFFERING,
    SECOND_PLAN,
    SECOND_PROJECT,
    SECOND_RESOURCE,
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


def describe_resource(world: World, **values: Any) -> None:
    resource = {
        "uuid": RESOURCE,
        "name": "Resource",
        "offering_uuid": OFFERING,
        "project_uuid": PROJECT,
        "plan_uuid": BASIC,
    }
    world.describe(resources=[resource | values])


def describe_billing(world: World, mode: str, component: str, billing_type: str, per_plan: bool) -> None:
    """Lets the plan Basic decide how a component is billed."""
    described: dict[str, Any] = {
        "uuid": CPU if component == "cpu" else GPU,
        "offering_uuid": OFFERING,
        "type": component,
        "name": component,
        "billing_type": billing_type,
        "billed_per_plan": per_plan,
    }
    plan = {"uuid": BASIC, "name": "Basic", "offering_uuid": OFFERING, "billing_mode": mode}
    world.describe(offering_components=[described], plans=[plan])


SWITCH = "2026-11-10T00:00:00Z"
SWITCHED = (FIRST, BASIC, "2026-01-01T00:00:00Z", SWITCH), (SECOND, PREMIUM, SWITCH, None)


@pytest.fixture
def switched(world: World) -> World:
    """The world in which RESOURCE went from Basic to Premium on the tenth of the month."""
    describe_periods(world, *SWITCHED)
    return world


# Months


@pytest.fixture
def world_in(world_url: str) -> Callable[[str], AbstractContextManager[World]]:
    """The world with another LEDGER_TIME_ZONE."""
    return lambda zone: open_world(world_url, zone)


WorldIn = Callable[[str], AbstractContextManager[World]]


@pytest.mark.parametrize(
    ("zone", "date", "month", "shown"),
    [
        # A moment with an offset counts for the month in which its reporter lives.
        ("UTC", "2026-11-01T00:00:00+02:00", "2026-11-01", "2026-10-31T22:00:00+00:00"),
        ("UTC", "2026-10-31T23:00:00-05:00", "2026-10-01", "2026-11-01T04:00:00+00:00"),
        ("Europe/Tallinn", "2026-10-31T23:30:00+01:00", "2026-10-01", "2026-10-31T22:30:00+00:00"),
        ("America/New_York", "2026-11-01T00:00:00+02:00", "2026-11-01", "2026-10-31T22:00:00+00:00"),
        ("UTC", "2026-11-01T00:00:00+15:59", "2026-11-01", "2026-10-31T08:01:00+00:00"),
        # One in UTC counts for the month that it is where the ledger is.
        ("UTC", "2026-10-31T22:00:00Z", "2026-10-01", "2026-10-31T22:00:00+00:00"),
        ("UTC", "2026-10-31T22:00:00+00:00", "2026-10-01", "2026-10-31T22:00:00+00:00"),
        ("Europe/Tallinn", "2026-10-31T22:00:00Z", "2026-11-01", "2026-10-31T22:00:00+00:00"),
        ("Europe/Tallinn", "2026-10-31T22:00:00-00:00", "2026-11-01", "2026-10-31T22:00:00+00:00"),
        ("Europe/Tallinn", "2025-07-31T21:25:00Z", "2025-08-01", "2025-07-31T21:25:00+00:00"),
        ("America/New_York", "2026-11-01T03:59:59Z", "2026-10-01", "2026-11-01T03:59:59+00:00"),
        # But for the first of a month at midnight, which is how agents in UTC name the month.
        ("America/New_York", "2026-11-01T00:00:00Z", "2026-11-01", "2026-11-01T00:00:00+00:00"),
        ("America/New_York", "2026-11-01T00:00:00.000000+00:00", "2026-11-01", "2026-11-01T00:00:00+00:00"),
        ("America/New_York", "2026-11-01T00:00:00.000001Z", "2026-10-01", "2026-11-01T00:00:00.000001+00:00"),
        ("America/New_York", "2026-11-01T00:00:01Z", "2026-10-01", "2026-11-01T00:00:01+00:00"),
        ("Europe/Tallinn", "2026-11-01T00:00:00Z", "2026-11-01", "2026-11-01T00:00:00+00:00"),
        # One without an offset is said in the ledger's own time.
        ("UTC", "2026-11-01", "2026-11-01", "2026-11-01T00:00:00+00:00"),
        ("UTC", "2026-11-01T00:00:00.250", "2026-11-01", "2026-11-01T00:00:00.250000+00:00"),
        ("Europe/Tallinn", "2026-11-01", "2026-11-01", "2026-10-31T22:00:00+00:00"),
        ("Europe/Tallinn", "2026-10-31T23:59:59", "2026-10-01", "2026-10-31T21:59:59+00:00"),
        ("America/New_York", "2026-11-01", "2026-11-01", "2026-11-01T04:00:00+00:00"),
    ],
)
def test_a_dated_report_counts_for_its_reporters_month(
    world_in: WorldIn, zone: str, date: str, month: str, shown: str
) -> None:
    with world_in(zone) as world:
        report(world, 1, date=date)
        assert [(row["billing_period"], row["date"]) for row in world.usages()] == [(month, shown)]
        assert [fact.written_date for fact in reported(world)] == [date]
        usage_uuid = world.usages()[0]["uuid"]
        world.report_user(usage_uuid, username="ann", usage=1, date=date)
        assert [row["billing_period"] for row in world.user_usages()] == [month]


@pytest.mark.parametrize(
    ("zone", "now", "month"),
    [
        ("UTC", datetime(2026, 10, 31, 23, 59, tzinfo=UTC), "2026-10-01"),
        ("Europe/Tallinn", datetime(2026, 10, 31, 22, 30, tzinfo=UTC), "2026-11-01"),
        ("America/New_York", datetime(2026, 11, 1, 2, 0, tzinfo=UTC), "2026-10-01"),
    ],
)
def test_an_undated_report_counts_for_the_ledgers_month_and_is_never_backfilling(
    world_in: WorldIn, zone: str, now: datetime, month: str
) -> None:
    with world_in(zone) as world:
        world.now = now
        report(world, 1, by="provider-owner")
        assert [row["billing_period"] for row in world.usages()] == [month]
        assert [row["date"] for row in world.usages()] == [now.isoformat()]
        assert reported(world)[0].written_date is None
        assert rows(world) == [(BASIC, "1.00")]


@pytest.mark.parametrize("zone", ["UTC", "Europe/Tallinn", "America/New_York"])
def test_a_month_may_be_long_ago_or_far_ahead(world_in: WorldIn, zone: str) -> None:
    with world_in(zone) as world:
        report(world, 1, date="1900-01-01")
        usage_uuid = world.usages()[0]["uuid"]
        response = world.report_user(usage_uuid, username="ann", date="9998-12-31T23:59:59")
        assert answer(response) == (201, None)
        months = sorted(row["billing_period"] for row in world.usages())
        assert months == ["1900-01-01", "9998-12-01"]


# Plan switches


def test_after_a_plan_switch_a_report_is_still_the_months_total(switched: World) -> None:
    report(switched, 100, date="2026-11-05")
    report(switched, 150)
    assert rows(switched) == [(BASIC, "100.00"), (PREMIUM, "50.00")]
    last = reported(switched)[-1]
    assert (last.amount, last.plan_amount) == (Decimal(150), Decimal(50))
    report(switched, 160)
    assert rows(switched) == [(BASIC, "100.00"), (PREMIUM, "60.00")]


def test_without_a_switch_between_them_reports_share_one_row(switched: World) -> None:
    report(switched, 100)
    report(switched, 150)
    assert rows(switched) == [(PREMIUM, "150.00")]


def test_the_new_plan_gets_nothing_of_a_total_below_that_of_the_old_one(switched: World) -> None:
    report(switched, 100, date="2026-11-05")
    report(switched, 70)
    assert rows(switched) == [(BASIC, "100.00"), (PREMIUM, "0.00")]


@pytest.mark.parametrize("component", ["gpu", "setup"])
def test_only_usage_billed_components_leave_the_old_plan_its_part(switched: World, component: str) -> None:
    report(switched, 100, component, date="2026-11-05")
    report(switched, 150, component)
    assert rows(switched) == [(BASIC, "100.00"), (PREMIUM, "150.00")]


def test_a_report_dated_back_under_the_old_plan_leaves_the_new_one_its_part(switched: World) -> None:
    report(switched, 100, date="2026-11-05")
    report(switched, 150)
    report(switched, 170, date="2026-11-06")
    assert rows(switched) == [(BASIC, "120.00"), (PREMIUM, "50.00")]
    report(switched, 30, date="2026-11-06")
    assert rows(switched) == [(BASIC, "0.00"), (PREMIUM, "50.00")]


def test_several_periods_of_one_plan_share_a_row(world: World) -> None:
    describe_periods(
        world,
        (FIRST, BASIC, "2026-01-01T00:00:00Z", "2026-11-05T00:00:00Z"),
        (SECOND, PREMIUM, "2026-11-05T00:00:00Z", "2026-11-10T00:00:00Z"),
        (THIRD, BASIC, "2026-11-10T00:00:00Z", None),
    )
    report(world, 10, date="2026-11-02")
    report(world, 30, date="2026-11-07")
    report(world, 45)
    assert rows(world) == [(BASIC, "25.00"), (PREMIUM, "20.00")]
    assert period_of_last_report(world) == THIRD


def test_a_report_ends_the_missing_usage_policy_of_the_months_other_rows(switched: World) -> None:
    item = {"type": "cpu", "amount": 10, "missing_usage_policy": "reuse"}
    switched.report(usages=[item], date="2026-11-05")
    switched.report(usages=[item | {"amount": 30}])
    assert [(row["usage"], row["missing_usage_policy"]) for row in switched.usages()] == [
        ("20.00", "reuse"),
        ("10.00", "none"),
    ]


def test_other_months_and_components_keep_their_missing_usage_policy(world: World) -> None:
    for component in ("cpu", "gpu"):
        item = {"type": component, "amount": 1, "missing_usage_policy": "zero"}
        world.report(usages=[item], date="2026-10-05")
        world.report(usages=[item])
    report(world, 2)
    assert [
        (row["billing_period"], row["type"], row["missing_usage_policy"])
        for row in world.usages(o="billing_period")
    ] == [
        ("2026-10-01", "cpu", "zero"),
        ("2026-10-01", "gpu", "zero"),
        ("2026-11-01", "cpu", "none"),
        ("2026-11-01", "gpu", "zero"),
    ]


def test_a_row_without_a_plan_is_adopted(world: World) -> None:
    usage = {
        "uuid": uid(0x71),
        "resource_uuid": RESOURCE,
        "component_uuid": CPU,
        "usage": 40,
        "billing_period": "2026-11-01",
        "date": "2026-11-02T00:00:00Z",
    }
    world.describe(component_usages=[usage])
    report(world, 100)
    assert rows(world) == [(BASIC, "100.00")]
    assert [row["uuid"] for row in world.usages()] == [uid(0x71)]


def test_what_a_plan_gets_may_be_more_than_a_row_can_hold_and_is_refused(switched: World) -> None:
    """Basic takes cpu as a limit, negative figures included, and Premium as usage."""
    describe_billing(switched, "limit", "cpu", "usage", per_plan=True)
    report(switched, "-999999999999999999.99", date="2026-11-05")
    response = switched.report(usages=[{"type": "cpu", "amount": "999999999999999999.99"}])
    message = "The figure of the month would have more than 18 digits before the decimal point."
    assert answer(response) == (400, {"non_field_errors": [message]})
    assert rows(switched) == [(BASIC, "-999999999999999999.99")]


# Which plan period


def test_a_plan_period_may_be_named_and_wins_over_a_resource(switched: World) -> None:
    item = {"type": "cpu", "amount": 5}
    response = switched.report(plan_period=FIRST, resource=SECOND_RESOURCE, usages=[item])
    assert answer(response) == (201, None)
    assert rows(switched) == [(BASIC, "5.00")]
    assert [row["resource_uuid"] for row in switched.usages()] == [RESOURCE]
    report(switched, 6, plan_period=FIRST)
    assert rows(switched) == [(BASIC, "6.00")]


@pytest.mark.parametrize("user", ["staff", "provider-owner"])
@pytest.mark.parametrize("date", [None, "2026-10-01"])
def test_a_plan_period_that_ended_before_this_month_is_closed(
    world: World, user: str, date: str | None
) -> None:
    describe_periods(world, (FIRST, BASIC, None, "2026-10-31T23:59:59Z"))
    dated = {"date": date} if date else {}
    item = {"type": "gpu", "amount": 1}
    response = world.report(by=user, plan_period=FIRST, usages=[item], **dated)
    assert answer(response) == (400, {"plan_period": ["Billing period is closed."]})
    assert world.facts(Report) == []
    assert answer(world.report(by=user, usages=[item], **dated)) == (201, None)


def test_a_plan_period_that_ended_with_the_last_month_is_open(world: World) -> None:
    describe_periods(world, (FIRST, BASIC, None, "2026-11-01T00:00:00Z"))
    report(world, 1, plan_period=FIRST)
    assert rows(world) == [(BASIC, "1.00")]


@pytest.mark.parametrize(
    ("periods", "date", "period"),
    [
        # In force at that moment: from its start until before its end.
        (SWITCHED, "2026-11-09T23:59:59Z", FIRST),
        (SWITCHED, "2026-11-10T00:00:00Z", SECOND),
        (((FIRST, BASIC, None, None),), "2026-11-01", FIRST),
        # Of several, the one that started last, and one that always was before all others.
        (((FIRST, BASIC, "2026-01-01", None), (SECOND, PREMIUM, "2026-02-01", None)), "2026-11-05", SECOND),
        (((FIRST, BASIC, "2026-01-01", None), (SECOND, PREMIUM, None, None)), "2026-11-05", FIRST),
        # None in force: one that touches the month.
        (((FIRST, BASIC, "2026-01-01", "2026-11-03"),), "2026-11-05", FIRST),
        (((FIRST, BASIC, "2026-11-08", None),), "2026-11-05", FIRST),
        (
            ((FIRST, BASIC, "2026-01-01", "2026-11-03"), (SECOND, PREMIUM, "2026-11-08", None)),
            "2026-11-05",
            SECOND,
        ),
        # None that touches the month: none.
        (((FIRST, BASIC, "2026-01-01", "2026-11-01"),), "2026-11-05", None),
        (((FIRST, BASIC, "2026-12-01", None),), "2026-11-05", None),
        # An agent east of here dates November's reports to what still is October here,
        # and one west October's to what is November already.
        (
            ((FIRST, BASIC, None, "2026-11-01"), (SECOND, PREMIUM, "2026-11-01", "2026-11-03")),
            "2026-11-01T00:00:00+02:00",
            SECOND,
        ),
        (
            ((FIRST, BASIC, None, "2026-11-01"), (SECOND, PREMIUM, "2026-11-01", None)),
            "2026-10-31T23:00:00-05:00",
            FIRST,
        ),
    ],
)
def test_a_report_is_put_under_the_plan_of_its_date(
    world: World, periods: tuple[Any, ...], date: str, period: str | None
) -> None:
    describe_periods(world, *periods)
    report(world, 1, date=date)
    assert period_of_last_report(world) == period


def test_a_month_is_as_long_as_it_is_where_the_ledger_is(world_in: WorldIn) -> None:
    """In Tallinn, the last two hours of October in UTC are November's."""
    with world_in("Europe/Tallinn") as world:
        describe_periods(world, (FIRST, BASIC, "2026-01-01T00:00:00Z", "2026-10-31T23:00:00Z"))
        report(world, 1)
        assert period_of_last_report(world) == FIRST


# The first plan period


def described_by_reports(world: World) -> list[PlanPeriod]:
    return [
        fact.entity
        for fact in world.facts()
        if isinstance(fact, PlanPeriodDescribed) and fact.source == "api"
    ]


@pytest.mark.parametrize("state", [2, 4])
def test_the_first_report_of_a_resource_describes_its_only_plan_period(world: World, state: int) -> None:
    describe_resource(world, state=state, created="2026-03-01T10:00:00+02:00")
    world.report(usages=[{"type": name, "amount": 1} for name in ("cpu", "gpu")])
    (period,) = described_by_reports(world)
    assert (period.resource_uuid.hex, period.plan_uuid.hex) == (RESOURCE, BASIC)
    assert (period.start, period.end) == (datetime(2026, 3, 1, 8, tzinfo=UTC), None)
    assert {fact.plan_period_uuid for fact in reported(world)} == {period.uuid}
    report(world, 2)
    assert described_by_reports(world) == [period]
    assert rows(world) == [(BASIC, "2.00"), (BASIC, "1.00")]


def test_the_first_plan_period_of_a_resource_can_be_named_like_any_other(world: World) -> None:
    report(world, 1)
    (period,) = described_by_reports(world)
    report(world, 2, plan_period=period.uuid.hex)
    assert rows(world) == [(BASIC, "2.00")]


@pytest.mark.parametrize("body", [{"date": "2026-10-31"}, {"usages": []}])
def test_no_plan_period_is_described_for_past_months_or_for_nothing(
    world: World, body: dict[str, Any]
) -> None:
    assert answer(world.report(**({"usages": [{"type": "cpu", "amount": 1}]} | body))) == (201, None)
    assert described_by_reports(world) == []
    assert rows(world) in ([], [(None, "1.00")])


def test_no_plan_period_is_described_for_a_resource_that_terminates(world: World) -> None:
    describe_resource(world, state=5)
    report(world, 1)
    assert described_by_reports(world) == []
    assert rows(world) == [(None, "1.00")]


def test_no_plan_period_is_described_where_there_was_one(world: World) -> None:
    describe_periods(world, (FIRST, BASIC, None, "2026-10-01"))
    report(world, 1)
    assert described_by_reports(world) == []
    assert rows(world) == [(None, "1.00")]


def test_a_report_that_is_refused_describes_no_plan_period(world: World) -> None:
    response = world.report(by="project-admin", usages=[{"type": "cpu", "amount": 1}])
    assert response.status_code == 403
    assert described_by_reports(world) == []


def test_a_resource_without_plan_periods_has_one_row_of_a_past_month(world: World) -> None:
    report(world, 1, date="2026-10-05")
    report(world, 2, date="2026-10-06")
    assert rows(world) == [(None, "2.00")]


def test_the_first_plan_period_adopts_what_was_reported_for_past_months_before(world: World) -> None:
    report(world, 1, date="2026-10-05")
    report(world, 5)
    report(world, 1, date="2026-10-05")
    assert rows(world) == [(BASIC, "1.00"), (BASIC, "5.00")]


# Billing types that plans decide


@pytest.mark.parametrize(
    ("mode", "component", "billing_type", "per_plan", "status", "stored"),
    [
        ("limit", "cpu", "usage", True, 201, "-5.00"),
        ("limit", "cpu", "usage", False, 400, "0.00"),
        ("inherit", "cpu", "usage", True, 400, "0.00"),
        ("usage", "gpu", "limit", True, 400, "0.00"),
        ("usage", "gpu", "limit", False, 201, "-5.00"),
        ("inherit", "gpu", "limit", True, 201, "-5.00"),
    ],
)
def test_a_plan_decides_how_a_component_is_billed_that_leaves_it_to_plans(
    world: World, mode: str, component: str, billing_type: str, per_plan: bool, status: int, stored: str
) -> None:
    """What is billed by usage takes no negative figures, and none of past months from providers."""
    describe_billing(world, mode, component, billing_type, per_plan)
    item = {"type": component, "amount": -5}
    response = world.report(by="provider-owner", usages=[item], date="2026-10-05")
    assert response.status_code == status
    report(world, -5, component)
    assert world.usages(billing_period="2026-11-01")[0]["usage"] == stored


def test_users_of_a_past_month_are_taken_by_what_the_plan_says(world: World) -> None:
    describe_billing(world, "limit", "cpu", "usage", per_plan=True)
    report(world, 1)
    usage_uuid = world.usages()[0]["uuid"]
    response = world.report_user(usage_uuid, by="provider-owner", username="ann", date="2026-10-05")
    assert answer(response) == (201, None)


def test_one_report_says_nothing_about_another_resource(world: World) -> None:
    report(world, 1)
    report(world, 2, resource=SECOND_RESOURCE)
    assert rows(world) == [(BASIC, "1.00"), (SECOND_PLAN, "2.00")]
    second = world.usages(resource_uuid=SECOND_RESOURCE)
    assert [(row["offering_uuid"], row["project_uuid"]) for row in second] == [
        (SECOND_OFFERING, SECOND_PROJECT)
    ]
