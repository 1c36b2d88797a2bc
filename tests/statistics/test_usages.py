"""Usage by component, month and project, over all resources."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.api.monthly import entity
from tests.conftest import database
from tests.statistics.reading import PROVIDER_OFFERINGS, STATISTICS, figures, report, rows
from tests.world import (
    CPU,
    OFFERING,
    OTHER_OFFERING,
    OTHER_PROJECT,
    OTHER_RESOURCE,
    PREMIUM,
    PROJECT,
    RESOURCE,
    SECOND_OFFERING,
    SECOND_PROJECT,
    SECOND_RESOURCE,
    World,
    open_world,
    uid,
)

NAMELESS = {"offering_country": "", "organization_group_name": "", "organization_group_uuid": ""}
NAMES = ["component_usages", "component_usages_per_month", "component_usages_per_project"]


def report_some(world: World) -> None:
    """Usage of three offerings in this month, of one in the month before, and of one a year ago."""
    report(world, RESOURCE, "2026-11-02", cpu="1.50", gpu=0)
    report(world, SECOND_RESOURCE, "2026-11-02", cpu=3)
    report(world, OTHER_RESOURCE, "2026-11-02", cpu=2)
    report(world, RESOURCE, "2026-10-02", cpu=8)
    report(world, RESOURCE, "2025-11-02", gpu=7)
    report(world, RESOURCE, "2025-10-02", gpu=9)


@pytest.fixture(scope="module", name="some")
def world_with_some_usage(server: str, world_template: str) -> Iterator[World]:
    """For tests that only read."""
    with database(server, world_template) as url, open_world(url) as world:
        report_some(world)
        yield world


def test_component_usages_are_sums_of_this_month_by_offering_and_type(some: World) -> None:
    assert rows(some, "component_usages") == [
        {"usage": usage, "offering_uuid": offering, "component_type": component_type, **NAMELESS}
        for usage, offering, component_type in [
            ("3.00", SECOND_OFFERING, "cpu"),
            ("1.50", OFFERING, "cpu"),
            ("0.00", OFFERING, "gpu"),
            ("2.00", OTHER_OFFERING, "cpu"),
        ]
    ]


def test_the_columns_of_a_month_come_in_waldurs_order(some: World) -> None:
    row = rows(some, "component_usages_per_month")[0]
    assert list(row.items()) == [
        *{"usage": "7.00", "offering_uuid": OFFERING, "component_type": "gpu"}.items(),
        *{"month": 11, "year": 2025, **NAMELESS}.items(),
    ]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (
            {},
            ["2025-11 7.00", "2026-10 8.00", "2026-11 3.00", "2026-11 1.50", "2026-11 0.00", "2026-11 2.00"],
        ),
        ({"start": "2025-10", "end": "2025-11"}, ["2025-10 9.00", "2025-11 7.00"]),
        ({"start": "2025-1", "end": "2025-10"}, ["2025-10 9.00"]),
        ({"start": "0001-01", "end": "2025-10"}, ["2025-10 9.00"]),
        ({"start": "2026-12", "end": "9999-12"}, []),
        ({"page": 7, "page_size": 1, "start": "2025-10", "end": "2025-11"}, ["2025-10 9.00", "2025-11 7.00"]),
    ],
)
def test_a_range_of_months_is_that_of_the_query_or_the_last_thirteen(
    some: World, query: dict[str, Any], found: list[str]
) -> None:
    read = figures(some, "component_usages_per_month", "year", "month", "usage", **query)
    assert [f"{year}-{month:02} {usage}" for year, month, usage in read] == found


FORMAT = 'Value "{}" should be in valid format YYYY-MM'
WRONG_RANGES = [
    ({"start": "2026-10"}, {"non_field_errors": ["Both parameters must be specified."]}),
    ({"end": "2026-10", "start": ""}, {"non_field_errors": ["Both parameters must be specified."]}),
    (
        {"start": "2026-11", "end": "2026-10"},
        {"non_field_errors": ["Start date must be earlier or equal to end date."]},
    ),
    ({"start": "abc", "end": "2026-10"}, {"start": [FORMAT.format("abc")]}),
    (
        {"start": "2026", "end": "2026-10-01"},
        {"start": [FORMAT.format("2026")], "end": [FORMAT.format("2026-10-01")]},
    ),
    (
        {"start": "0000-01", "end": "10000-01"},
        {"start": [FORMAT.format("0000-01")], "end": [FORMAT.format("10000-01")]},
    ),
    (
        {"start": "2026-0", "end": "2026-13"},
        {"start": ["Month has to be from 1 to 12."], "end": ["Month has to be from 1 to 12."]},
    ),
]


@pytest.mark.parametrize(("query", "body"), WRONG_RANGES)
def test_wrong_ranges_are_refused(some: World, query: dict[str, str], body: dict[str, Any]) -> None:
    for path in (
        f"{STATISTICS}component_usages_per_month/",
        f"{PROVIDER_OFFERINGS}{OFFERING}/component_stats/",
    ):
        response = some.as_("staff").get(path, **query)
        assert (response.status_code, response.get_json()) == (400, body)


def test_usages_of_projects_mix_the_offerings(world: World) -> None:
    report_some(world)
    world.describe(resources=[entity("resources", SECOND_RESOURCE, project_uuid=PROJECT)])
    assert rows(world, "component_usages_per_project") == [
        {"project_uuid": project, "component_type": component_type, "usage": usage}
        for project, component_type, usage in [
            (OTHER_PROJECT, "cpu", "2.00"),
            (PROJECT, "cpu", "4.50"),
            (PROJECT, "gpu", "0.00"),
        ]
    ]


def test_usage_counts_whatever_became_of_its_resource_plan_and_component(world: World) -> None:
    report(world, RESOURCE, "2026-11-02", cpu=1)
    world.describe(resources=[entity("resources", RESOURCE, plan_uuid=PREMIUM)])
    report(world, RESOURCE, "2026-11-02", cpu=2)
    moved = entity("resources", RESOURCE, state=6, project_uuid=SECOND_PROJECT)
    cores = entity("offering_components", CPU, type="cores", billing_type="fixed")
    world.describe(resources=[moved], offering_components=[cores])
    total = sum(float(row["usage"]) for row in world.usages())
    assert figures(world, "component_usages", "component_type", "usage") == [("cores", f"{total:.2f}")]
    assert figures(world, "component_usages_per_month", "component_type", "usage") == [
        ("cores", f"{total:.2f}")
    ]
    assert figures(world, "component_usages_per_project", "project_uuid", "usage") == [
        (SECOND_PROJECT, f"{total:.2f}")
    ]


@pytest.mark.parametrize("name", NAMES)
def test_lists_that_are_not_paged_are_whole(some: World, name: str) -> None:
    path, whole = f"{STATISTICS}{name}/", rows(some, name)
    assert len(whole) > 2
    for query in ({}, {"page_size": 1}, {"page": 2, "page_size": 1}, {"page": "x"}):
        response = some.as_("support").get(path, **query)
        assert (response.status_code, response.get_json()) == (200, whole)
        assert "Link" not in response.headers
    head = some.as_("staff").head(path)
    assert (head.status_code, head.headers["X-Result-Count"], head.data) == (200, str(len(whole)), b"")


def test_without_usage_lists_are_empty(world: World) -> None:
    assert [rows(world, name) for name in NAMES] == [[] for _ in NAMES]


def test_this_month_is_that_of_the_ledger_and_answers_change_with_it(world: World) -> None:
    report(world, RESOURCE, "2026-11-02", cpu=1)
    path = f"{STATISTICS}component_usages/"
    response = world.as_("staff").get(path)
    known = {"If-None-Match": response.headers["ETag"]}
    assert world.as_("staff").send("GET", path, headers=known).status_code == 304
    world.now = world.now.replace(month=12, day=1)
    assert world.as_("staff").send("GET", path, headers=known).get_json() == []


def test_a_month_begins_where_the_ledger_is(world_url: str) -> None:
    with open_world(world_url, "Asia/Tokyo") as world:
        report(world, RESOURCE, "2026-11-02", cpu=1)
        world.now = datetime(2026, 11, 30, 15, tzinfo=UTC)
        assert rows(world, "component_usages") == rows(world, "component_usages_per_project") == []
        assert len(rows(world, "component_usages_per_month")) == 1
        world.now -= timedelta(seconds=1)
        assert len(rows(world, "component_usages")) == len(rows(world, "component_usages_per_project")) == 1


def stats(world: World, offering: str = OFFERING, **query: Any) -> Any:
    return world.as_("staff").get(f"{PROVIDER_OFFERINGS}{offering}/component_stats/", **query)


def test_an_offering_has_a_row_for_each_component_and_month(world: World) -> None:
    report_some(world)
    second = entity("resources", SECOND_RESOURCE, uuid=uid(0x77), offering_uuid=OFFERING, state=6)
    world.describe(resources=[second | {"state": 2}])
    report(world, uid(0x77), "2026-10-02", cpu=1)
    world.describe(resources=[second])
    response = stats(world)
    cpu = {"description": "", "measured_unit": "hours", "type": "cpu", "name": "CPU"}
    gpu = {"description": "", "measured_unit": "GPU hours", "type": "gpu", "name": "GPU"}
    expected = [
        {
            "period": month,
            "billing_period": f"{month}-01",
            "date": f"{month}-{day}T00:00:00+00:00",
            "usage": usage,
        }
        | component
        for month, day, usage, component in [
            ("2026-10", 31, "9.00", cpu),
            ("2026-11", 30, "1.50", cpu),
            ("2025-11", 30, "7.00", gpu),
            ("2026-11", 30, "0.00", gpu),
        ]
    ]
    assert response.get_json() == expected
    assert list(response.get_json()[0]) == list(expected[0])
    assert response.headers["X-Result-Count"] == "4"


def test_the_statistics_of_an_offering_come_in_pages(some: World) -> None:
    response = stats(some, start="2025-10", end="2026-11", page_size=2, page=2, state="Active", name="x")
    assert [row["period"] for row in response.get_json()] == ["2025-10", "2025-11"]
    assert response.headers["X-Result-Count"] == "5"
    assert 'rel="next"' in response.headers["Link"]
    assert stats(some, page=9).get_json() == {"detail": "Invalid page."}
    assert stats(some, SECOND_OFFERING).get_json()[0]["usage"] == "3.00"
