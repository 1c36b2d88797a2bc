"""The monthly summary: limits of past months, and how they are allocated."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.api.monthly import describe_component, describe_resource, entity, figures, report, rows
from tests.world import (
    CATALOGUE,
    OFFERING,
    RESOURCE,
    World,
    open_world,
    uid,
)

# Months


def test_a_past_month_has_the_limits_of_its_last_moment_in_utc(world: World) -> None:
    report(world, 50, "2026-11-10")
    for day, limit in [
        ("2026-11-30T23:59:59.999999+00:00", 100),
        ("2026-12-01T00:00:00+00:00", 200),
        ("2027-01-01T01:30:00+02:00", 400),
        ("2027-01-31T20:00:00-05:00", 800),
    ]:
        world.now = datetime.fromisoformat(day)
        describe_resource(world, {"cpu": limit})
    assert figures(world, start="") == [
        ("2027-02", "CPU", "0.00", "800.00", "0.00"),
        ("2027-01", "CPU", "0.00", "400.00", "0.00"),
        ("2026-12", "CPU", "0.00", "400.00", "0.00"),
        ("2026-11", "CPU", "50.00", "100.00", "50.00"),
    ]


def test_a_limit_holds_until_it_is_changed_also_in_months_without_any_event(world: World) -> None:
    describe_resource(world, {"gpu": 8})
    world.now = datetime(2027, 2, 28, 23, 59, tzinfo=UTC)
    assert figures(world, start="") == [
        (month, "GPU", "0.00", "8.00", "0.00") for month in ("2027-02", "2027-01", "2026-12", "2026-11")
    ]
    describe_resource(world, {"gpu": 0})
    assert [row[0] for row in figures(world, start="")] == ["2027-01", "2026-12", "2026-11"]


def test_before_our_history_the_first_description_counts(database_url: str) -> None:
    with open_world(database_url) as world:
        lists = {name: [dict(each) for each in entities] for name, entities in CATALOGUE.items()}
        lists["resources"][0]["limits"] = {"gpu": 10}
        lists["offering_components"][0]["limit_amount"] = 30
        world.describe(**lists)
        describe_resource(world, {"gpu": 40})
        describe_component(world, limit_amount=60)
        report(world, 5, "2026-09-05", type="gpu")
        report(world, 6, "2026-10-05")
        assert figures(world, start="") == [
            ("2026-11", "CPU", "0.00", "60.00", "0.00"),
            ("2026-11", "GPU", "0.00", "40.00", "0.00"),
            ("2026-10", "CPU", "6.00", "30.00", "20.00"),
            ("2026-10", "GPU", "0.00", "10.00", "0.00"),
            ("2026-09", "GPU", "5.00", "10.00", "50.00"),
        ]


def test_a_resource_that_comes_later_does_not_change_what_was_allocated_before(world: World) -> None:
    describe_resource(world, {"cpu": 10}, uid(0x77))
    report(world, 5, "2026-10-05")
    world.now += timedelta(days=30)
    describe_resource(world, {"cpu": 90}, uid(0x78))
    assert figures(world, start="") == [
        ("2026-12", "CPU", "0.00", "100.00", "0.00"),
        ("2026-11", "CPU", "0.00", "10.00", "0.00"),
        ("2026-10", "CPU", "5.00", "10.00", "50.00"),
    ]


def test_a_component_that_comes_later_has_the_limits_that_waited_for_it(world: World) -> None:
    describe_resource(world, {"tape": 10}, uid(0x77))
    world.now += timedelta(days=30)
    describe_resource(world, {"tape": 20}, uid(0x77))
    describe_resource(world, {"tape": 5}, uid(0x78))
    world.now += timedelta(days=31)
    tape = {"uuid": uid(0xE9), "offering_uuid": OFFERING, "type": "tape", "name": "Tape"}
    world.describe(offering_components=[tape])
    report(world, 1, "2026-10-05", type="tape")
    assert figures(world, start="") == [
        ("2027-01", "Tape", "0.00", "25.00", "0.00"),
        ("2026-12", "Tape", "0.00", "25.00", "0.00"),
        ("2026-11", "Tape", "0.00", "15.00", "0.00"),
        ("2026-10", "Tape", "1.00", "15.00", "6.67"),
    ]


def test_months_that_are_still_to_come_are_not_listed(world: World) -> None:
    report(world, 1)
    [usage] = world.usages()
    world.report_user(usage["uuid"], username="ann", usage=4, date="2027-01-20")
    assert figures(world, start="") == [("2026-11", "CPU", "1.00", "0.00", None)]
    world.now = datetime(2027, 1, 1, tzinfo=UTC)
    assert figures(world, start="") == [
        ("2027-01", "CPU", "4.00", "0.00", None),
        ("2026-11", "CPU", "1.00", "0.00", None),
    ]


@pytest.mark.parametrize(
    ("zone", "now", "month"),
    [
        ("Asia/Tokyo", "2026-11-30T14:59:59+00:00", "2026-11"),
        ("Asia/Tokyo", "2026-11-30T15:00:00+00:00", "2026-12"),
        ("America/New_York", "2026-12-01T04:59:59+00:00", "2026-11"),
        ("America/New_York", "2026-12-01T05:00:00+00:00", "2026-12"),
    ],
)
def test_the_current_month_is_that_of_where_the_ledger_is(
    world_url: str, zone: str, now: str, month: str
) -> None:
    with open_world(world_url, zone) as world:
        describe_resource(world, {"cpu": 10})
        world.now = datetime.fromisoformat(now)
        assert figures(world) == [(month, "CPU", "0.00", "10.00", "0.00")]
        assert figures(world, start="")[0] == (month, "CPU", "0.00", "10.00", "0.00")


def test_what_is_first_described_while_utc_has_the_next_month_shows_in_ours_and_then_in_that(
    database_url: str,
) -> None:
    with open_world(database_url, "America/Los_Angeles") as world:
        world.now = datetime(2026, 11, 1, 2, tzinfo=UTC)
        world.describe(**CATALOGUE | {"resources": [entity("resources", RESOURCE, limits={"cpu": 10})]})
        assert figures(world) == [("2026-10", "CPU", "0.00", "10.00", "0.00")]
        world.now = datetime(2026, 11, 1, 12, tzinfo=UTC)
        assert figures(world) == [("2026-11", "CPU", "0.00", "10.00", "0.00")]


# Allocation


@pytest.mark.parametrize(
    ("limits", "allocated"),
    [
        ([{}, {}], "70.50"),
        ([{"gpu": 5}, {"cpu": None}], "70.50"),
        ([{"cpu": 0}, {}], "0.00"),
        ([{"cpu": 0}, {"cpu": 12}], "12.00"),
        ([{"cpu": "2.5"}, {"cpu": 12}], "14.50"),
        ([{"cpu": -3}, {"cpu": 1}], "-2.00"),
        ([{"cpu": "0.004"}, {}], "0.00"),
    ],
)
def test_a_components_own_limit_counts_only_where_no_resource_has_one(
    world: World, limits: list[dict[str, Any]], allocated: str
) -> None:
    describe_component(world, limit_amount="70.5")
    report(world, 1)
    for number, each in enumerate(limits):
        describe_resource(world, each, uid(0x77 + number))
    assert rows(world, component_type="cpu", offering_uuid=OFFERING)[0]["total_allocated"] == allocated


def test_the_last_resource_with_a_limit_leaves_the_components_own(world: World) -> None:
    describe_component(world, limit_amount=70)
    describe_resource(world, {"cpu": 0})
    assert figures(world) == []
    describe_resource(world, {"cpu": 0}, state=6)
    assert figures(world) == [("2026-11", "CPU", "0.00", "70.00", "0.00")]


def test_a_past_month_has_the_components_own_limit_of_then(world: World) -> None:
    describe_component(world, limit_amount=70)
    world.now = datetime(2027, 1, 15, tzinfo=UTC)
    describe_component(world, limit_amount=None)
    report(world, 7, "2027-01-10")
    assert figures(world, start="") == [
        ("2027-01", "CPU", "7.00", "0.00", None),
        ("2026-12", "CPU", "0.00", "70.00", "0.00"),
        ("2026-11", "CPU", "0.00", "70.00", "0.00"),
    ]


@pytest.mark.parametrize(
    ("consumed", "limit", "percent"),
    [
        ("1", 3, "33.33"),
        ("2", 3, "66.67"),
        ("1", 800, "0.12"),
        ("3", 800, "0.38"),
        ("250", 100, "250.00"),
        ("0", 100, "0.00"),
        ("999999999999999999.99", "0.01", "9999999999999999999900.00"),
        ("0.01", "999999999999999999.99", "0.00"),
        ("5", 0, None),
        ("5", -1, None),
    ],
)
def test_the_percentage_has_two_decimals_and_halves_go_to_the_even(
    world: World, consumed: str, limit: Any, percent: str | None
) -> None:
    describe_resource(world, {"cpu": limit})
    report(world, consumed)
    assert [row["usage_percent"] for row in rows(world)] == [percent]


MOST = "999999999999999999.99"


def test_figures_are_clamped_to_what_the_wire_can_say(world: World) -> None:
    describe_resource(world, {"cpu": 10**30, "gpu": "-1e40"})
    describe_resource(world, {"cpu": "1e-40"}, uid(0x77))
    for resource in (RESOURCE, uid(0x77)):
        report(world, MOST, resource=resource)
        report(world, MOST, resource=resource, type="gpu")
    assert figures(world) == [
        ("2026-11", "CPU", MOST, MOST, "100.00"),
        ("2026-11", "GPU", MOST, f"-{MOST}", None),
    ]


def test_a_negative_sum_is_shown_as_zero_and_comes_back_with_the_next_report(world: World) -> None:
    describe_resource(world, {"gpu": 10})
    report(world, -5, type="gpu")
    assert figures(world) == [("2026-11", "GPU", "0.00", "10.00", "0.00")]
    describe_resource(world, {}, uid(0x77))
    report(world, 8, type="gpu", resource=uid(0x77))
    assert figures(world) == [("2026-11", "GPU", "3.00", "10.00", "30.00")]
