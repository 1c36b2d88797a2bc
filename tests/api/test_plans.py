"""Months, time zones, plan periods and plan switches."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from tests.api.plans import (
    FIRST,
    SECOND,
    THIRD,
    WorldIn,
    answer,
    describe_periods,
    period_of_last_report,
    report,
    reported,
    rows,
)
from tests.world import (
    BASIC,
    CPU,
    GPU,
    OFFERING,
    PREMIUM,
    RESOURCE,
    SECOND_OFFERING,
    SECOND_PLAN,
    SECOND_PROJECT,
    SECOND_RESOURCE,
    World,
    uid,
)


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


# Months


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
