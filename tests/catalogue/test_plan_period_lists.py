"""The plan periods of a resource: which ones, in which order, with which usage, and for whom."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.api.monthly import entity
from tests.api.plans import FIRST, SECOND, THIRD, describe_periods
from tests.catalogue.reading import CONSUMED, RESOURCES
from tests.catalogue.test_catalogue_visibility import ALL, SEES
from tests.world import BASIC, OTHER_RESOURCE, PREMIUM, RESOURCE, World, open_world, uid

PATHS = (RESOURCES, CONSUMED)
FOURTH = uid(0x64)


def periods(world: World, path: str = RESOURCES, by: str = "staff", **query: Any) -> list[dict[str, Any]]:
    response = world.as_(by).get(f"{path}{RESOURCE}/plan_periods/", **query)
    assert response.status_code == 200
    found: list[dict[str, Any]] = response.get_json()
    return found


def order(world: World) -> list[str]:
    return [each["uuid"] for each in periods(world)]


def test_the_period_in_force_is_first_and_then_the_newest(world: World) -> None:
    describe_periods(
        world,
        (FIRST, BASIC, None, "2026-11-03T00:00:00Z"),
        (SECOND, PREMIUM, "2026-11-05T00:00:00Z", "2026-11-20T00:00:00Z"),
        (THIRD, BASIC, "2026-11-20T00:00:00Z", None),
        (FOURTH, PREMIUM, "2026-11-03T00:00:00Z", "2026-11-05T00:00:00Z"),
    )
    assert order(world) == [SECOND, THIRD, FOURTH, FIRST]
    world.now = datetime(2026, 11, 20, tzinfo=UTC)
    assert order(world) == [THIRD, SECOND, FOURTH, FIRST]
    world.now -= timedelta(seconds=1)
    assert order(world) == [SECOND, THIRD, FOURTH, FIRST]


@pytest.mark.parametrize(
    ("zone", "now", "shown"),
    [
        ("UTC", "2026-11-01T00:00:00+00:00", True),
        ("UTC", "2026-11-30T23:59:59+00:00", True),
        ("UTC", "2026-12-01T00:00:00+00:00", False),
        ("Europe/Tallinn", "2026-11-30T22:00:00+00:00", False),
        ("America/New_York", "2026-12-01T04:59:59+00:00", True),
    ],
)
def test_a_period_that_ended_before_this_month_of_the_ledger_is_not_shown(
    world_database: Callable[[], AbstractContextManager[str]], zone: str, now: str, shown: bool
) -> None:
    with world_database() as url, open_world(url, zone) as world:
        world.now = datetime.fromisoformat(now)
        describe_periods(world, (FIRST, BASIC, None, "2026-11-01T12:00:00Z"))
        assert bool(periods(world)) == shown


def test_a_period_shows_what_was_reported_under_it_this_month(world: World) -> None:
    switch = "2026-11-10T00:00:00Z"
    describe_periods(world, (FIRST, BASIC, None, switch), (SECOND, PREMIUM, switch, None))
    for date, amount in (("2026-10-05", 3), ("2026-11-05", 10), ("2026-11-12T10:00:00Z", 25)):
        cpu = {"type": "cpu", "amount": amount, "description": "d", "missing_usage_policy": "reuse"}
        world.report(date=date, usages=[{"type": "gpu", "amount": "1.5"}, cpu])
    usages = {(row["type"], row["usage"]): row for row in world.usages()}

    def component(kind: str, usage: str) -> dict[str, Any]:
        row = usages[kind, usage]
        names = ("uuid", "created", "description", "type", "name", "measured_unit", "usage", "date")
        return {name: row[name] for name in (*names, "missing_usage_policy", "recurring")}

    shown = periods(world)
    assert shown == [
        {
            "uuid": SECOND,
            "plan_name": "Premium",
            "plan_uuid": PREMIUM,
            "start": "2026-11-10T00:00:00+00:00",
            "end": None,
            "components": shown[0]["components"],
        },
        {
            "uuid": FIRST,
            "plan_name": "Basic",
            "plan_uuid": BASIC,
            "start": None,
            "end": "2026-11-10T00:00:00+00:00",
            "components": shown[1]["components"],
        },
    ]
    assert [list(each) for each in shown] == [list(shown[0])] * 2
    assert shown[0]["components"][0] == component("cpu", "15.00")
    assert shown[1]["components"][0] == component("cpu", "10.00")
    assert [[each["type"] for each in period["components"]] for period in shown] == [["cpu", "gpu"]] * 2
    world.now = datetime(2026, 12, 1, tzinfo=UTC)
    assert [(each["uuid"], each["components"]) for each in periods(world)] == [(SECOND, [])]


@pytest.mark.parametrize("path", PATHS)
def test_all_are_shown_whatever_page_is_asked_for(world: World, path: str) -> None:
    describe_periods(world, (FIRST, BASIC, None, "2026-11-10T00:00:00Z"), (SECOND, PREMIUM, None, None))
    response = world.as_("staff").get(f"{path}{RESOURCE}/plan_periods/", page=7, page_size=1)
    assert (response.status_code, len(response.get_json())) == (200, 2)
    assert "Link" not in response.headers
    assert world.as_("staff").head(f"{path}{RESOURCE}/plan_periods/").status_code == 200
    assert world.as_("staff").post(f"{path}{RESOURCE}/plan_periods/", {}).status_code == 405


def test_without_a_period_or_a_plan_there_is_nothing_to_report_under(world: World) -> None:
    assert periods(world) == []
    describe_periods(world, (FIRST, BASIC, None, None))
    for state in range(1, 7):
        world.describe(resources=[entity("resources", RESOURCE, state=state)])
        assert order(world) == [FIRST]
    world.describe(resources=[entity("resources", RESOURCE, plan_uuid=None)])
    assert periods(world) == []


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("username", SEES)
def test_plan_periods_are_shown_to_those_who_see_the_resource(
    catalogued: World, username: str, path: str
) -> None:
    for uuid in [*sorted(ALL[path]), uid(0xDEAD), "rubbish"]:
        expected: tuple[int, Any] = (404, {"detail": "No Resource matches the given query."})
        if uuid in SEES[username].get(path, set()):
            expected = (200, catalogued.as_("staff").get(f"{RESOURCES}{uuid}/plan_periods/").get_json())
        response = catalogued.as_(username).get(f"{path}{uuid}/plan_periods/")
        assert (response.status_code, response.get_json()) == expected
    assert catalogued.anonymous.get(f"{path}{OTHER_RESOURCE}/plan_periods/").status_code == 401


@pytest.mark.parametrize("path", PATHS)
def test_agents_report_under_the_first_plan_period_that_they_are_told(world: World, path: str) -> None:
    describe_periods(
        world,
        (FIRST, BASIC, None, "2026-11-10T00:00:00Z"),
        (SECOND, PREMIUM, "2026-11-10T00:00:00Z", None),
    )
    first, *_ = periods(world, path, by="offering-manager")
    told = world.report(
        by="offering-manager", plan_period=first["uuid"], usages=[{"type": "cpu", "amount": "4.25"}]
    )
    assert told.status_code == 201
    first, second = periods(world, path, by="offering-manager")
    assert (first["uuid"], [each["usage"] for each in first["components"]]) == (SECOND, ["4.25"])
    assert (second["uuid"], second["components"]) == (FIRST, [])


def test_what_is_in_force_a_second_later_is_not_told_as_unchanged(world: World) -> None:
    switch = "2026-11-15T12:00:01Z"
    describe_periods(world, (FIRST, BASIC, None, switch), (SECOND, PREMIUM, switch, None))
    staff, path = world.as_("staff"), f"{RESOURCES}{RESOURCE}/plan_periods/"
    tag = staff.get(path).headers["ETag"]
    assert order(world) == [FIRST, SECOND]
    world.now += timedelta(seconds=1)
    response = staff.send("GET", path, headers={"If-None-Match": tag})
    assert (response.status_code, [each["uuid"] for each in response.get_json()]) == (200, [SECOND, FIRST])
