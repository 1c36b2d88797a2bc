"""Users' usages: the total they add up to, dates, and limits of users."""

import pytest

from ledger.events import UserUsageReported
from tests.api.shares import (
    CLOSED_MONTH,
    LIMIT_EXCEEDED,
    USER_URL,
    answer,
    describe_limit,
    report_users,
    shares,
    totals,
    usage_of,
)
from tests.world import (
    USAGES,
    World,
)

# The total


def test_users_may_exceed_the_total_and_leave_it_as_it_is(world: World) -> None:
    usage_uuid = usage_of(world, amount=10)
    (before,) = world.usages()
    world.now = world.now.replace(hour=13)
    world.report_user(usage_uuid, by="provider-owner", username="ann", usage=20)
    assert world.usages() == [before]


def test_a_total_of_zero_becomes_the_sum_of_the_users_once(world: World) -> None:
    usage_uuid = usage_of(world, amount=0)
    (before,) = world.usages()
    world.report_user(usage_uuid, by="provider-owner", username="nobody", usage=0)
    assert world.usages() == [before]
    world.report_user(usage_uuid, by="provider-owner", username="ann", usage=20)
    assert world.usages() == [before | {"usage": "20.00"}]
    world.report_user(usage_uuid, by="provider-owner", username="bob", usage=5)
    assert world.usages() == [before | {"usage": "20.00"}]


def test_a_sum_that_is_not_positive_does_not_become_the_total(world: World) -> None:
    usage_uuid = usage_of(world, amount=0)
    world.report_user(usage_uuid, username="ann", usage=-20)
    world.report_user(usage_uuid, username="bob", usage=20)
    assert totals(world) == [("2026-11-01", "cpu", "0.00")]


def test_a_total_that_is_reported_as_zero_again_is_taken_from_the_users_again(world: World) -> None:
    usage_uuid = usage_of(world, amount=0)
    report_users(world, usage_uuid, {"username": "ann", "usage": 20}, {"username": "bob", "usage": 5})
    usage_of(world, amount=0)
    assert totals(world) == [("2026-11-01", "cpu", "0.00")]
    world.report_user(usage_uuid, username="bob", usage=5)
    assert totals(world) == [("2026-11-01", "cpu", "25.00")]


def test_users_stay_with_a_component_usage_that_is_reported_again(world: World) -> None:
    world.report_user(usage_of(world), username="ann", usage=1)
    usage_of(world, amount=200)
    assert shares(world) == [("ann", "1.00")]


def test_a_sum_that_no_component_usage_can_hold_is_refused(world: World) -> None:
    usage_uuid = usage_of(world, amount=0)
    most = "999999999999999999.99"
    response = report_users(
        world, usage_uuid, {"username": "ann", "usage": most}, {"username": "bob", "usage": most}
    )
    message = "The figure of the month would have more than 18 digits before the decimal point."
    assert answer(response) == (400, {"non_field_errors": [message]})
    assert shares(world) == []


# Dates


def test_a_date_leads_to_the_component_usage_of_its_month(world: World) -> None:
    october = usage_of(world, date="2026-10-03")
    (before,) = world.usages()
    november = usage_of(world)
    assert answer(world.report_user(november, username="ann", usage=1, date="2026-10-31")) == (201, None)
    assert [row["component_usage"] for row in world.user_usages()] == [f"http://localhost{USAGES}{october}/"]
    assert before in world.usages()


def test_a_date_in_a_month_without_component_usage_makes_one(world: World) -> None:
    usage_uuid = usage_of(world)
    (before,) = world.usages()
    response = world.report_user(usage_uuid, username="ann", usage=3, date="2026-09-30T23:30:00-02:00")
    assert answer(response) == (201, None)
    (made,) = (row for row in world.usages() if row["uuid"] != usage_uuid)
    assert made == before | {
        "uuid": made["uuid"],
        "usage": "3.00",
        "date": "2026-10-01T01:30:00+00:00",
        "billing_period": "2026-09-01",
        "description": "Created for user usage backfill",
    }
    assert [(row["username"], row["component_usage"]) for row in world.user_usages()] == [
        ("ann", f"http://localhost{USAGES}{made['uuid']}/")
    ]


def test_a_component_usage_that_was_made_for_users_takes_a_later_report(world: World) -> None:
    world.report_user(usage_of(world), username="ann", usage=3, date="2026-10-05")
    world.report(usages=[{"type": "cpu", "amount": 9}], date="2026-10-06")
    assert totals(world) == [("2026-10-01", "cpu", "9.00"), ("2026-11-01", "cpu", "100.00")]


def test_a_date_may_lie_in_the_future(world: World) -> None:
    usage_uuid = usage_of(world)
    for date in ("2026-12-24T00:00:00Z", "9998-12-31T23:59:59Z"):
        response = world.report_user(usage_uuid, by="provider-owner", username="ann", usage=1, date=date)
        assert answer(response) == (201, None)
    assert totals(world) == [
        ("2026-11-01", "cpu", "100.00"),
        ("2026-12-01", "cpu", "1.00"),
        ("9998-12-01", "cpu", "1.00"),
    ]


@pytest.mark.parametrize(
    ("user", "component", "status"),
    [
        ("staff", "cpu", 201),
        ("staff", "gpu", 201),
        ("provider-owner", "cpu", 400),
        ("provider-owner", "gpu", 201),
        ("provider-owner", "setup", 201),
        ("offering-manager", "cpu", 400),
        ("offering-manager", "gpu", 201),
    ],
)
def test_a_provider_backfills_users_of_limit_based_and_one_time_components_only(
    world: World, user: str, component: str, status: int
) -> None:
    usage_uuid = usage_of(world, component)
    response = world.report_user(usage_uuid, by=user, username="ann", usage=1, date="2026-10-31")
    assert answer(response) == (status, CLOSED_MONTH if status == 400 else None)
    assert len(world.facts(UserUsageReported)) == (status == 201)


def test_without_a_date_a_provider_may_add_users_to_a_past_month(world: World) -> None:
    usage_uuid = usage_of(world, date="2026-10-03")
    response = world.report_user(usage_uuid, by="provider-owner", username="ann", usage=1)
    assert answer(response) == (201, None)
    assert [row["billing_period"] for row in world.user_usages()] == ["2026-10-01"]


# Limits of single users


def test_a_users_limit_counts_the_figure_that_is_replaced(world: World) -> None:
    describe_limit(world)
    usage_uuid = usage_of(world)
    assert answer(world.report_user(usage_uuid, username="ann", usage=100, user=USER_URL)) == (201, None)
    exceeded = world.report_user(usage_uuid, username="ann", usage=90, user=USER_URL)
    assert answer(exceeded) == (400, {"non_field_errors": [LIMIT_EXCEEDED.format(additional="90.00")]})
    assert shares(world) == [("ann", "100.00")]
    assert answer(world.report_user(usage_uuid, username="ann", usage=50, user=USER_URL)) == (201, None)
    assert shares(world) == [("ann", "50.00")]


def test_a_users_limit_counts_all_their_usernames_and_nobody_else(world: World) -> None:
    describe_limit(world)
    usage_uuid = usage_of(world)
    world.report_user(usage_uuid, username="bob", usage=1000)
    world.report_user(usage_uuid, username="ann", usage=100, user=USER_URL)
    exceeded = world.report_user(usage_uuid, username="ann2", usage="50.01", user=USER_URL)
    assert answer(exceeded) == (400, {"non_field_errors": [LIMIT_EXCEEDED.format(additional="50.01")]})
    assert answer(world.report_user(usage_uuid, username="ann2", usage=50, user=USER_URL)) == (201, None)


def test_a_users_limit_counts_the_addressed_component_usage_whatever_the_date(world: World) -> None:
    describe_limit(world)
    usage_uuid = usage_of(world)
    world.report_user(usage_uuid, username="ann", usage=100, user=USER_URL)
    exceeded = world.report_user(usage_uuid, username="ann", usage=90, user=USER_URL, date="2026-10-01")
    assert answer(exceeded) == (400, {"non_field_errors": [LIMIT_EXCEEDED.format(additional="90.00")]})


def test_a_users_limit_is_of_one_component_and_holds_only_where_the_user_is_named(world: World) -> None:
    describe_limit(world)
    cpu, gpu = usage_of(world), usage_of(world, "gpu")
    assert answer(world.report_user(cpu, username="ann", usage=1000)) == (201, None)
    assert answer(world.report_user(gpu, username="ann", usage=1000, user=USER_URL)) == (201, None)
