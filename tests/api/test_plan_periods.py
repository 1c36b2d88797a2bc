"""Which plan period a report belongs to, and the first one of a resource."""

from datetime import UTC, datetime
from typing import Any

import pytest

from ledger.domain.catalogue import PlanPeriod
from ledger.events import PlanPeriodDescribed, Report
from tests.api.plans import (
    FIRST,
    SECOND,
    SWITCHED,
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
    OFFERING,
    PREMIUM,
    PROJECT,
    RESOURCE,
    SECOND_RESOURCE,
    World,
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


def described_by_reports(world: World) -> list[PlanPeriod]:
    return [
        fact.entity
        for fact in world.facts()
        if isinstance(fact, PlanPeriodDescribed) and fact.source == "api"
    ]


# The first plan period


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
