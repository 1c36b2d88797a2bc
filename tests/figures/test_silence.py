"""Who has not reported, for everybody who sees the resource, and how fresh each offering is."""

from datetime import timedelta

import pytest

from tests.api.monthly import entity
from tests.api.test_visibility import SEES
from tests.figures.asking import EXTRA, LEDGER, NAMES_OF_OTHERS, Row, pages, refused, table, usages
from tests.statistics.reading import STATISTICS, report
from tests.world import (
    CONSUMER,
    OFFERING,
    OTHER_PROVIDER,
    OTHER_RESOURCE,
    PROJECT,
    PROVIDER,
    RESOURCE,
    SECOND_OFFERING,
    SECOND_PROJECT,
    SECOND_RESOURCE,
    World,
)

SHOWN = ["2026-11", "2026-10", "2026-03", "2020-01", ""]
MISSING = f"{STATISTICS}resources_missing_usage/"


@pytest.mark.parametrize("month", SHOWN)
def test_for_staff_it_is_the_list_of_statistics(full: World, month: str) -> None:
    rows = table(full, "silent-resources", billing_period=month)
    assert rows == pages(full, MISSING, "staff", billing_period=month)
    for provider in (PROVIDER, OTHER_PROVIDER):
        query = {"billing_period": month, "provider_uuid": provider}
        assert table(full, "silent-resources", **query) == pages(full, MISSING, "staff", **query)
    assert len(rows) == (9 if month == "2020-01" else len(rows))


@pytest.mark.parametrize("by", SEES)
def test_others_find_those_of_the_resources_that_they_see(full: World, by: str) -> None:
    sees = SEES[by] | (set(EXTRA) if RESOURCE in SEES[by] else set())
    for month in SHOWN:
        everything = table(full, "silent-resources", billing_period=month)
        rows = table(full, "silent-resources", by, billing_period=month)
        assert rows == [row for row in everything if row["uuid"] in sees]
        if OTHER_RESOURCE not in sees:
            assert [name for name in NAMES_OF_OTHERS if name in str(rows)] == []


@pytest.mark.parametrize(
    "query",
    [
        {"offering_uuid": OFFERING},
        {"provider_uuid": PROVIDER},
        {"customer_uuid": CONSUMER},
        {"project_uuid": SECOND_PROJECT},
        {"project_uuid": PROJECT, "offering_uuid": SECOND_OFFERING},
    ],
)
def test_filters_narrow_it(full: World, query: dict[str, str]) -> None:
    everything = table(full, "silent-resources", billing_period="2020-01")
    assert table(full, "silent-resources", billing_period="2020-01", **query) == [
        row for row in everything if all(row[name] == value for name, value in query.items())
    ]


@pytest.mark.parametrize("name", ["silent-resources", "freshness"])
def test_a_month_is_written_in_one_way(world: World, name: str) -> None:
    told = {"billing_period": ["billing_period must be in YYYY-MM format"]}
    assert refused(world, name, billing_period="2026-11-01") == told
    assert list(refused(world, name, period="2026-11")) == ["period"]


def test_freshness_tells_when_an_offering_was_last_reported_and_by_how_many(world: World) -> None:
    world.describe(resources=[entity("resources", RESOURCE, uuid=EXTRA[0], name="Silent")])
    world.now -= timedelta(days=2)
    report(world, RESOURCE, "2026-11-12T06:00:00Z", cpu=1, gpu=1)
    world.now += timedelta(days=2)
    report(world, SECOND_RESOURCE, "2026-10-12T06:00:00Z", cpu=1)
    cloud: Row = {
        "offering_uuid": SECOND_OFFERING,
        "offering_name": "Cloud",
        "provider_uuid": PROVIDER,
        "provider_name": "Provider",
        "last_usage_date": "2026-10-12T06:00:00+00:00",
        "last_reported_at": "2026-11-15T12:00:00+00:00",
        "resources_reported": 0,
        "resources_silent": 1,
    }
    cluster = cloud | {
        "offering_uuid": OFFERING,
        "offering_name": "Cluster",
        "last_usage_date": "2026-11-12T06:00:00+00:00",
        "last_reported_at": "2026-11-13T12:00:00+00:00",
        "resources_reported": 1,
        "resources_silent": 1,
    }
    rows = table(world, "freshness", "provider-owner")
    assert [list(row.items()) for row in rows] == [list(row.items()) for row in (cloud, cluster)]
    _, _, elsewhere = table(world, "freshness")
    names = ("last_usage_date", "last_reported_at", "resources_reported", "resources_silent")
    assert [elsewhere[name] for name in names] == [None, None, 0, 1]
    october = {"billing_period": "2026-10", "provider_uuid": PROVIDER}
    assert [
        (row["resources_reported"], row["resources_silent"]) for row in table(world, "freshness", **october)
    ] == [
        (1, 0),
        (0, 2),
    ]
    assert table(world, "freshness", offering_uuid=OFFERING) == [cluster]


def test_a_figure_whose_resource_was_moved_since_has_no_time_of_its_report(world: World) -> None:
    report(world, RESOURCE, "2026-11-12T06:00:00Z", cpu=1)
    world.describe(resources=[entity("resources", RESOURCE, project_uuid=SECOND_PROJECT)])
    [row] = table(world, "freshness", offering_uuid=OFFERING)
    assert (row["last_usage_date"], row["last_reported_at"]) == ("2026-11-12T06:00:00+00:00", None)


@pytest.mark.parametrize("by", SEES)
@pytest.mark.parametrize("month", ["2026-11", "2026-03", "2020-01"])
def test_freshness_is_that_of_what_somebody_sees(full: World, by: str, month: str) -> None:
    offerings = {row["uuid"]: row for row in table(full, "offerings", by)}
    silent = table(full, "silent-resources", by, billing_period=month)
    used = usages(full, by)
    rows = table(full, "freshness", by, billing_period=month)
    assert [row["offering_uuid"] for row in rows] == list(offerings)
    for row in rows:
        own = [each for each in used if each["offering_uuid"] == row["offering_uuid"]]
        reported = {each["resource_uuid"] for each in own if each["billing_period"] == f"{month}-01"}
        assert row["last_usage_date"] == max((each["date"] for each in own), default=None)
        assert row["resources_reported"] == len(reported)
        assert row["resources_silent"] == len(
            [each for each in silent if each["offering_uuid"] == row["offering_uuid"]]
        )
    if OTHER_RESOURCE not in SEES[by]:
        assert [name for name in NAMES_OF_OTHERS if name in str(rows)] == []


def test_as_of_a_position_both_are_those_of_then(world: World) -> None:
    report(world, RESOURCE, "2026-10-05", cpu=1)
    end = world.projector.catch_up()
    before = {name: table(world, name) for name in ("silent-resources", "freshness")}
    report(world, RESOURCE, "2026-11-05", cpu=1)
    report(world, OTHER_RESOURCE, "2026-11-06", cpu=1)
    for name, rows in before.items():
        assert table(world, name) != rows
        assert table(world, name, as_of=end) == rows


@pytest.mark.parametrize("name", ["monthly-usages", "movers", "silent-resources", "freshness"])
def test_an_answer_of_this_month_is_not_taken_for_that_of_the_next(world: World, name: str) -> None:
    report(world, RESOURCE, "2026-11-05", cpu=1)
    staff = world.as_("staff")
    first = staff.get(f"{LEDGER}{name}/")
    world.now += timedelta(days=400)
    headers = {"If-None-Match": first.headers["ETag"]}
    again = staff.send("GET", f"{LEDGER}{name}/", headers=headers)
    assert (again.status_code, again.get_json() != first.get_json()) == (200, True)


def test_a_stranger_is_told_nothing(full: World) -> None:
    assert (table(full, "silent-resources", "stranger"), table(full, "freshness", "stranger")) == ([], [])
    assert full.anonymous.get(f"{LEDGER}freshness/").status_code == 401
