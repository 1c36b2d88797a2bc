"""The monthly summary: contract section 6 with decisions 1, 6, 7, 9, 21, 22 and 23."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import psycopg
import pytest
from msgspec.structs import replace
from psycopg.rows import dict_row

from ledger.events import ResourceDescribed
from projections.writers import allocation
from tests.conftest import database
from tests.world import (
    BASIC,
    CATALOGUE,
    CATEGORY,
    CPU,
    GPU,
    OFFERING,
    OTHER_OFFERING,
    OTHER_PROJECT,
    OTHER_PROVIDER,
    OTHER_RESOURCE,
    PROJECT,
    PROVIDER,
    RESOURCE,
    SECOND_OFFERING,
    SECOND_RESOURCE,
    World,
    open_world,
    uid,
)

MONTHLY = "/api/marketplace-component-usage-monthly/"

Figures = list[tuple[str, str, str, str, str | None]]
"""Month, component, consumed, allocated and percent of each row."""


def entity(name: str, which: str, /, **changes: Any) -> dict[str, Any]:
    """An object of the world's catalogue, with some changes."""
    [found] = [each for each in CATALOGUE[name] if each["uuid"] == which]
    return found | changes


def describe_resource(world: World, limits: dict[str, Any], uuid: str = RESOURCE, **changes: Any) -> None:
    like = uuid if uuid in (RESOURCE, SECOND_RESOURCE, OTHER_RESOURCE) else RESOURCE
    world.describe(resources=[entity("resources", like, **{"uuid": uuid, "limits": limits, **changes})])


def describe_component(world: World, uuid: str = CPU, **changes: Any) -> None:
    world.describe(offering_components=[entity("offering_components", uuid, **changes)])


def report(world: World, amount: Any, date: str | None = None, **rest: Any) -> None:
    """Reports CPU of RESOURCE, unless told otherwise."""
    items = [{"type": rest.pop("type", "cpu"), "amount": amount}]
    dated = {"date": date} if date else {}
    assert world.report(usages=items, **dated, **rest).status_code == 201


def rows(world: World, *, by: str = "staff", **query: Any) -> list[dict[str, Any]]:
    response = world.as_(by).get(MONTHLY, **query)
    assert response.status_code == 200, response.data
    found: list[dict[str, Any]] = response.get_json()
    assert response.headers["X-Result-Count"] == str(len(found))
    return found


def figures(world: World, **query: Any) -> Figures:
    names = ("billing_period", "component_name", "total_consumed", "total_allocated", "usage_percent")
    found = rows(world, **query)
    return [(each["billing_period"][:7], *(each[name] for name in names[1:])) for each in found]


# Rows


def test_a_row_says_all_there_is_of_a_component_in_a_month_in_the_order_of_the_reference(
    world: World,
) -> None:
    world.describe(
        offerings=[entity("offerings", OFFERING, category_uuid=CATEGORY)],
        offering_components=[entity("offering_components", CPU, limit_amount="1000.75")],
    )
    report(world, 250)
    row = {
        "offering_uuid": OFFERING,
        "offering_name": "Cluster",
        "offering_type": "Marketplace.Slurm",
        "service_provider_uuid": PROVIDER,
        "service_provider_name": "Provider",
        "category_uuid": CATEGORY,
        "category_title": "HPC",
        "component_type": "cpu",
        "component_name": "CPU",
        "measured_unit": "hours",
        "billing_type": "usage",
        "limit_amount": 1000,
        "limit_period": "month",
        "billing_period": "2026-11-01",
        "total_consumed": "250.00",
        "total_allocated": "1000.75",
        "usage_percent": "24.98",
    }
    assert world.as_("staff").get(MONTHLY).data == msgspec.json.encode([row])


def test_what_nobody_limited_or_put_in_a_category_has_neither_percent_nor_limit(world: World) -> None:
    report(world, "0.5")
    [row] = rows(world)
    shown = ("limit_amount", "total_consumed", "total_allocated", "usage_percent")
    assert [row[name] for name in shown] == [None, "0.50", "0.00", None]
    assert (row["category_uuid"], row["category_title"]) == (uid(0), "")


def test_a_world_in_which_nothing_is_limited_or_used_has_no_rows(world: World) -> None:
    report(world, 0)
    assert rows(world, start="") == []


# Live


def test_consumption_is_the_sum_of_the_last_reports_of_all_resources(world: World) -> None:
    describe_resource(world, {}, uid(0x77))
    report(world, 100)
    assert figures(world) == [("2026-11", "CPU", "100.00", "0.00", None)]
    report(world, "20.25", resource=uid(0x77))
    report(world, 7, resource=SECOND_RESOURCE)
    report(world, 90)
    assert figures(world) == [
        ("2026-11", "vCPU", "7.00", "0.00", None),
        ("2026-11", "CPU", "110.25", "0.00", None),
    ]
    report(world, 0)
    report(world, 0, resource=uid(0x77))
    assert figures(world) == [("2026-11", "vCPU", "7.00", "0.00", None)]


def test_rows_of_several_plans_add_up_to_the_months_total(world: World) -> None:
    switch = "2026-11-10T00:00:00Z"
    world.describe(
        resource_plan_periods=[
            {"uuid": uid(0x51), "resource_uuid": RESOURCE, "plan_uuid": BASIC, "end": switch},
            {"uuid": uid(0x52), "resource_uuid": RESOURCE, "plan_uuid": uid(0xB2), "start": switch},
        ]
    )
    report(world, 100, "2026-11-05")
    report(world, 150, "2026-11-12")
    assert [row["usage"] for row in world.usages()] == ["50.00", "100.00"]
    assert figures(world) == [("2026-11", "CPU", "150.00", "0.00", None)]


def test_a_total_that_follows_from_users_counts_as_consumed(world: World) -> None:
    report(world, 0, type="gpu")
    [usage] = world.usages()
    world.report_user(usage["uuid"], username="ann", usage="1.5")
    assert figures(world) == [("2026-11", "GPU", "1.50", "0.00", None)]
    world.report_user(usage["uuid"], username="bob", usage=4, date="2026-09-20")
    assert figures(world, start="") == [
        ("2026-11", "GPU", "1.50", "0.00", None),
        ("2026-09", "GPU", "4.00", "0.00", None),
    ]


def test_a_changed_limit_shows_at_once(world: World) -> None:
    report(world, 50)
    describe_resource(world, {"cpu": 100})
    describe_resource(world, {"cpu": "60.5", "gpu": 3}, uid(0x77))
    assert figures(world) == [
        ("2026-11", "CPU", "50.00", "160.50", "31.15"),
        ("2026-11", "GPU", "0.00", "3.00", "0.00"),
    ]
    describe_resource(world, {"cpu": 200, "gpu": None})
    describe_resource(world, {}, uid(0x77))
    assert figures(world) == [("2026-11", "CPU", "50.00", "200.00", "25.00")]


@pytest.mark.parametrize(
    ("state", "allocated"), [(1, None), (2, "9"), (3, "9"), (4, "9"), (5, "9"), (6, None)]
)
def test_a_resource_holds_its_limits_while_it_is_there(
    world: World, state: int, allocated: str | None
) -> None:
    report(world, 3)
    describe_resource(world, {"cpu": 9}, state=state)
    expected = ("9.00", "33.33") if allocated else ("0.00", None)
    assert figures(world) == [("2026-11", "CPU", "3.00", *expected)]


def test_a_terminated_resource_keeps_what_it_consumed_and_what_it_had(world: World) -> None:
    describe_resource(world, {"cpu": 10})
    report(world, 5)
    world.now = datetime(2026, 12, 1, tzinfo=UTC)
    describe_resource(world, {"cpu": 10}, state=6)
    assert figures(world, start="2026-11") == [("2026-11", "CPU", "5.00", "10.00", "50.00")]


def test_rows_are_named_as_the_catalogue_has_it_now(world: World) -> None:
    report(world, 5)
    world.describe(
        customers=[entity("customers", PROVIDER, name="Renamed provider")],
        offerings=[entity("offerings", OFFERING, name="Renamed offering", type="Other")],
        offering_components=[
            entity("offering_components", CPU, name="Cores", measured_unit="h", billing_type="limit")
        ],
    )
    named = ("service_provider_name", "offering_name", "offering_type", "component_name", "measured_unit")
    [row] = rows(world)
    assert [row[name] for name in (*named, "billing_type")] == [
        *("Renamed provider", "Renamed offering", "Other", "Cores", "h", "limit")
    ]


def test_a_resource_that_moves_to_another_offering_takes_its_limit_along_and_leaves_its_usage(
    world: World,
) -> None:
    describe_resource(world, {"cpu": 10})
    report(world, 4)
    world.now += timedelta(days=30)
    describe_resource(world, {"cpu": 10}, offering_uuid=SECOND_OFFERING)
    assert figures(world, start="2026-11") == [
        ("2026-12", "vCPU", "0.00", "10.00", "0.00"),
        ("2026-11", "CPU", "4.00", "10.00", "40.00"),
    ]


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


# Queries


@pytest.fixture(scope="module", name="quarter")
def world_with_three_months(server: str, world_template: str) -> Iterator[World]:
    """For tests that only read: five rows of three months; a limit of 40 gives October a row of its own."""
    with database(server, world_template) as url, open_world(url) as world:
        offering = entity("offerings", SECOND_OFFERING, project_uuid=OTHER_PROJECT)
        world.describe(offerings=[offering])
        describe_resource(world, {"gpu": 40}, uid(0x77))
        describe_component(world, GPU, limit_period="annual")
        report(world, 5, "2026-09-30", type="gpu")
        report(world, 20, type="gpu")
        report(world, 20, "2026-10-31T23:59:59Z", resource=SECOND_RESOURCE)
        report(world, 1, resource=OTHER_RESOURCE)
        yield world


ALL = ["2026-11 GPU 20", "2026-11 Core 1", "2026-10 vCPU 20", "2026-10 GPU 0", "2026-09 GPU 5"]


def found(world: World, query: Any) -> list[str]:
    """What a query finds, each row as month, component and consumption."""
    response = world.as_("staff").send("GET", MONTHLY, query_string=query)
    assert response.status_code == 200, response.data
    return [
        f"{row['billing_period'][:7]} {row['component_name']} {float(row['total_consumed']):.0f}"
        for row in response.get_json()
    ]


def dashed(digits: str) -> str:
    return "-".join([digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]])


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ALL[:2]),
        ("unknown=1", ALL[:2]),
        ("component_type=gpu", ALL[:1]),
        ("start=", ALL),
        ("end=", ALL),
        ("billing_period=", ALL),
        ("start=&end=2026-09", ALL[4:]),
        ("billing_period=2026-10", ALL[2:4]),
        ("billing_period=2026-10-01", ALL[2:4]),
        ("billing_period=2026-10-31", ALL[2:4]),
        ("billing_period=2026-9", ALL[4:]),
        ("billing_period=2026-09&billing_period=2026-10", ALL[2:4]),
        ("billing_period=2026-12", []),
        ("start=2026-10", ALL[:4]),
        ("start=2026-10-31", ALL[:4]),
        ("end=2026-10-01", ALL[2:]),
        ("start=2026-10&end=2026-10-01", ALL[2:4]),
        ("start=0001-01&end=9999-12", ALL),
        ("start=&component_type=cpu", [ALL[1], ALL[2]]),
        ("start=&component_type=CPU", []),
        ("start=&component_type=", ALL),
        ("start=&billing_type=limit", [ALL[0], *ALL[3:]]),
        ("start=&offering_type=Basic", [ALL[1]]),
        (f"start=&offering_uuid={SECOND_OFFERING}", [ALL[2]]),
        (f"start=&offering_uuid={dashed(SECOND_OFFERING)}", [ALL[2]]),
        (f"start=&offering_uuid={uid(0xDEAD)}", []),
        (f"start=&customer_uuid={OTHER_PROVIDER}", [ALL[1]]),
        (f"start=&customer_uuid={uid(0xC2)}", []),
        (f"start=&project_uuid={OTHER_PROJECT}", [ALL[2]]),
        (f"start=&project_uuid={PROJECT}", []),
        (f"start=&customer_uuid={PROVIDER}&billing_type=usage", [ALL[2]]),
    ],
)
def test_filters_find_what_they_name_and_no_month_means_the_current_one(
    quarter: World, query: str, expected: list[str]
) -> None:
    assert sorted(found(quarter, query)) == sorted(expected)


@pytest.mark.parametrize("name", ["billing_period", "start", "end"])
@pytest.mark.parametrize(
    "value", ["x", "2026", "2026-13", "2026-00", "2026-02-30", "26-01", "2026-1-", "2026/01", "0000-01", "\0"]
)
def test_what_is_no_month_is_refused(quarter: World, name: str, value: str) -> None:
    response = quarter.as_("staff").get(MONTHLY, **{name: value})
    assert (response.status_code, response.get_json()) == (400, {name: ["Enter a valid date."]})


@pytest.mark.parametrize("name", ["offering_uuid", "customer_uuid", "project_uuid"])
def test_what_is_no_uuid_is_refused(quarter: World, name: str) -> None:
    response = quarter.as_("staff").get(MONTHLY, **{name: "x", "start": "x"})
    expected = {name: ["Enter a valid UUID."], "start": ["Enter a valid date."]}
    assert (response.status_code, response.get_json()) == (400, expected)


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("", [0, 1, 2, 3, 4]),
        ("billing_period", [4, 2, 3, 0, 1]),
        ("-billing_period", [0, 1, 2, 3, 4]),
        ("total_consumed", [3, 1, 4, 0, 2]),
        ("-total_consumed", [0, 2, 4, 1, 3]),
        ("total_allocated", [1, 2, 0, 3, 4]),
        ("usage_percent", [3, 4, 0, 1, 2]),
        ("-usage_percent", [1, 2, 0, 4, 3]),
        ("total_allocated,-total_consumed", [2, 1, 0, 4, 3]),
        (" total_allocated , -total_consumed ", [2, 1, 0, 4, 3]),
        ("bogus,-usage_percent,offering_name,--total_consumed", [1, 2, 0, 4, 3]),
        ("bogus", [0, 1, 2, 3, 4]),
    ],
)
def test_rows_are_ordered_as_asked_and_then_by_month_offering_and_component(
    quarter: World, order: str, expected: list[int]
) -> None:
    assert found(quarter, {"start": "", "o": order}) == [ALL[number] for number in expected]


def test_of_several_orders_the_last_one_counts(quarter: World) -> None:
    last = [("start", ""), ("o", "billing_period"), ("o", "-total_consumed")]
    assert found(quarter, last) == [ALL[number] for number in (0, 2, 4, 1, 3)]


@pytest.mark.parametrize("order", ["", "total_allocated", "-total_consumed", "usage_percent", "-bogus"])
def test_pages_hold_every_row_once_where_figures_are_the_same(world: World, order: str) -> None:
    describe_resource(world, {"cpu": 10, "gpu": 10})
    describe_resource(world, {"cpu": 10}, SECOND_RESOURCE)
    world.now = datetime(2027, 5, 15, tzinfo=UTC)
    seen = []
    for page in range(1, 8):
        response = world.as_("staff").get(MONTHLY, start="", o=order, page=page, page_size=3)
        assert response.headers["X-Result-Count"] == "21"
        assert ('rel="next"' in response.headers["Link"]) == (page < 7)
        seen += [(row["billing_period"], row["component_name"]) for row in response.get_json()]
    assert len(set(seen)) == len(seen) == 21
    past = world.as_("staff").get(MONTHLY, start="", page=8, page_size=3)
    assert (past.status_code, past.get_json()) == (404, {"detail": "Invalid page."})


def test_links_and_head_say_how_much_there_is(quarter: World) -> None:
    query = {"start": "", "o": "total_consumed,bogus", "page_size": 2, "page": 2}
    response = quarter.as_("staff").get(MONTHLY, **query)
    url = f"http://localhost{MONTHLY}?o=total_consumed%2Cbogus"
    assert response.headers["Link"] == ", ".join(
        [
            f'<{url}&page_size=2&start=>; rel="first"',
            f'<{url}&page_size=2&start=>; rel="prev"',
            f'<{url}&page=3&page_size=2&start=>; rel="next"',
            f'<{url}&page=3&page_size=2&start=>; rel="last"',
        ]
    )
    head = quarter.as_("staff").head(MONTHLY, **query)
    assert (head.status_code, head.data) == (200, b"")
    assert dict(head.headers) == dict(response.headers)
    assert head.headers["X-Result-Count"] == "5"


@pytest.mark.parametrize(
    ("fields", "columns"),
    [
        (["usage_percent", "offering_uuid"], ["offering_uuid", "usage_percent"]),
        (["total_consumed", "bogus"], ["total_consumed"]),
        (["bogus"], None),
        (["total_consumed,offering_uuid"], None),
        ([""], None),
    ],
)
def test_rows_show_the_columns_asked_for_and_all_if_none_of_those_is_known(
    quarter: World, fields: list[str], columns: list[str] | None
) -> None:
    everything = rows(quarter)
    shown = quarter.as_("staff").send("GET", MONTHLY, query_string=[("field", each) for each in fields])
    assert shown.data == msgspec.json.encode(
        [{name: row[name] for name in columns or row} for row in everything]
    )


# Visibility

SEES = {
    "staff": {"Cluster", "Cloud", "Elsewhere"},
    "support": {"Cluster", "Cloud", "Elsewhere"},
    "offering-manager": {"Cluster"},
    "provider-owner": {"Cluster", "Cloud"},
    "service-provider-manager": {"Cluster", "Cloud"},
    "consumer-owner": set(),
    "project-admin": set(),
    "project-manager": set(),
    "project-member": set(),
    "stranger": set(),
    "customer-support": set(),
    "former-owner": set(),
}
"""The offerings whose summary each user sees."""


def test_the_table_names_every_user_of_the_world() -> None:
    assert list(SEES) == [user["username"] for user in CATALOGUE["users"]]


@pytest.mark.parametrize("username", SEES)
def test_a_user_sees_the_offerings_that_they_provide(quarter: World, username: str) -> None:
    everything = rows(quarter, start="")
    visible = [row for row in everything if row["offering_name"] in SEES[username]]
    assert rows(quarter, by=username, start="") == visible
    for uuid in (OFFERING, SECOND_OFFERING, OTHER_OFFERING):
        of_offering = [row for row in visible if row["offering_uuid"] == uuid]
        assert rows(quarter, by=username, start="", offering_uuid=uuid) == of_offering


@pytest.mark.parametrize(
    ("role_name", "scope_type", "scope_uuid", "sees"),
    [
        ("PROJECT.MEMBER", "structure.project", OTHER_PROJECT, {"Cloud"}),
        ("CUSTOMER.SUPPORT", "structure.customer", OTHER_PROVIDER, {"Elsewhere"}),
        ("Anything of their own", "marketplace.offering", OTHER_OFFERING, {"Elsewhere"}),
        ("Anything of their own", "structure.customer", PROVIDER, {"Cluster", "Cloud"}),
    ],
)
def test_any_role_on_the_offering_its_own_project_or_its_customer_shows_its_summary(
    world: World, role_name: str, scope_type: str, scope_uuid: str, sees: set[str]
) -> None:
    world.describe(offerings=[entity("offerings", SECOND_OFFERING, project_uuid=OTHER_PROJECT)])
    for resource in (RESOURCE, SECOND_RESOURCE, OTHER_RESOURCE):
        report(world, 1, resource=resource)
    role = {"uuid": uid(0x8F), "user_uuid": uid(10), "role_name": role_name}
    role |= {"scope_type": scope_type, "scope_uuid": scope_uuid}
    world.describe(user_roles=[role])
    assert {row["offering_name"] for row in rows(world, by="stranger")} == sees
    world.describe(user_roles=[role | {"is_active": False}])
    assert rows(world, by="stranger") == []


# Routes


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_the_summary_can_only_be_read(quarter: World, method: str) -> None:
    response = quarter.as_("staff").send(method, MONTHLY)
    expected = {"detail": f'Method "{method}" not allowed.'}
    assert (response.status_code, response.get_json()) == (405, expected)


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_nobody_reads_the_summary_anonymously(quarter: World, method: str) -> None:
    response = quarter.anonymous.send(method, MONTHLY)
    assert (response.status_code, response.headers["WWW-Authenticate"]) == (401, "Token")


def test_a_row_of_the_summary_has_no_address_of_its_own(quarter: World) -> None:
    response = quarter.as_("staff").get(f"{MONTHLY}{CPU}/")
    assert (response.status_code, response.get_json()) == (404, {"detail": "Not found."})


# Cost


# Of the tables that grow with resources; those of an offering's components are small, and read whole.
ROWS_READ = """
SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) FROM pg_stat_xact_user_tables
WHERE relname NOT IN ('component', 'component_limit', 'allocation')"""


def test_sums_follow_a_fact_without_reading_the_other_resources_of_the_offering(world: World) -> None:
    many = range(0x20000, 0x20000 + 2000)  # of fewer, PostgreSQL rather reads all than looks one up
    world.describe(
        resources=[entity("resources", RESOURCE, uuid=uid(n), limits={"cpu": 1}) for n in many],
        component_usages=[
            {"uuid": uid(n), "resource_uuid": uid(n), "component_uuid": CPU, "usage": 1}
            | {"billing_period": "2026-11-01"}
            for n in many
        ],
    )
    report(world, 5, resource=uid(many[7]))
    describe_resource(world, {"cpu": 2}, uid(many[8]))
    [(report_at, reported), (position, described)] = world.ledger.facts_after(0, 1_000_000)[-2:]
    assert isinstance(described, ResourceDescribed)
    changed = replace(described, entity=replace(described.entity, limits={"cpu": Decimal(3)}))
    with psycopg.connect(world.conninfo, row_factory=dict_row) as connection:
        connection.execute("ANALYZE")
        connection.commit()
        for project in (allocation.project, allocation.project_component_limits):
            project(connection.cursor(), [(report_at, reported), (position, changed)])
        [read] = connection.execute(ROWS_READ).fetchall()
        connection.rollback()
    assert read["sum"] < 10
