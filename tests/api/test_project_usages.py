"""What projects and customers used."""

import time
from datetime import datetime
from typing import Any

import pytest

from tests import controls
from tests.api.scopes import (
    BOUNDS,
    COMPONENTS,
    EMPTY,
    KINDS,
    MAY_15,
    PERIODS,
    bounds,
    catalogue,
    path,
    read,
)
from tests.paths import DEMO
from tests.world import (
    CATALOGUE,
    CONSUMER,
    OFFERING,
    OTHER_CONSUMER,
    PROJECT,
    SECOND_PROJECT,
    World,
    open_world,
    uid,
)
from web.importer.importer import import_lists
from web.importer.reading import read_lists


def row(component_type: str, **figures: float | None) -> dict[str, Any]:
    described = {"measured_unit": "", "usage": 0.0} | COMPONENTS[component_type]
    described.pop("limit_amount", None)
    around = {"type": component_type, "offering_name": "Periods", "offering_uuid": PERIODS}
    return controls.project_usage_row(**around | described | figures | bounds(*BOUNDS[component_type]))


# components-usage


@pytest.mark.parametrize(
    ("kind", "query", "expected"),
    [
        (
            "project",
            {},
            [
                row("y", limit_usage=300.0, limit=1000.0),
                row("m", limit_usage=20.0, limit=100.0),
                row("q", usage=70.0, limit=50.5),
                row("t"),
            ],
        ),
        (
            "customer",
            {},
            [
                row("y", limit_usage=300.0, limit=1000.0),
                row("m", limit_usage=25.0, limit=120.0),
                row("q", usage=78.0, limit=50.5),
                row("t"),
            ],
        ),
        (
            "project",
            {"include_terminated": "true"},
            [
                row("y", limit_usage=306.0, limit_usage_terminated=6.0, limit=1000.0),
                row("m", limit_usage=23.0, limit_usage_terminated=3.0, limit=100.0),
                row("q", usage=72.0, usage_terminated=2.0, limit=50.5),
                row("t"),
            ],
        ),
    ],
)
def test_every_component_has_a_row_with_what_was_used_of_it_in_its_own_period(
    used: World, kind: str, query: dict[str, str], expected: list[dict[str, Any]]
) -> None:
    assert read(used, kind, **query) == {"components": expected}


@pytest.mark.parametrize(
    ("values", "counted"),
    [(["True"], True), (["1"], True), (["false"], False), ([""], False), (["true", "false"], False)],
)
def test_terminated_resources_count_where_asked_for(used: World, values: list[str], counted: bool) -> None:
    query = [("include_terminated", value) for value in values]
    response = used.as_("staff").send("GET", path("project", ""), query_string=query)
    assert response.get_json()["components"][1]["limit_usage"] == (23.0 if counted else 20.0)


def test_a_resource_without_usage_is_listed_with_all_components_of_its_offering(world: World) -> None:
    rows = read(world, "project")["components"]
    assert [(each["type"], each["billing_type"], each["usage"], each["limit_usage"]) for each in rows] == [
        ("cpu", "usage", 0.0, 0.0),
        ("fee", "fixed", 0.0, 0.0),
        ("gpu", "limit", 0.0, 0.0),
        ("seats", "few", 0.0, 0.0),
        ("setup", "one", 0.0, 0.0),
    ]


def test_a_report_shows_in_the_next_read(world: World) -> None:
    world.report(usages=[{"type": "cpu", "amount": "12.5"}, {"type": "gpu", "amount": 3}])
    for kind in KINDS:
        by_type = {each["type"]: each for each in read(world, kind)["components"]}
        assert (by_type["gpu"]["usage"], by_type["gpu"]["limit_usage"]) == (0.0, 3.0)
    assert by_type["cpu"]["usage"] == 0.0  # the one of the second project's offering, which comes later
    [project_cpu] = [each for each in read(world, "project")["components"] if each["type"] == "cpu"]
    assert (project_cpu["usage"], project_cpu["limit_usage"]) == (12.5, 0.0)


def test_where_there_are_no_resources_there_are_no_components(world: World) -> None:
    world.describe(
        projects=[{"uuid": uid(0xA9), "name": "New", "customer_uuid": CONSUMER}],
        resources=[{**CATALOGUE["resources"][0], "state": 6}],
    )
    for uuid in (uid(0xA9), PROJECT):
        response = world.as_("staff").get(path("project", "", uuid))
        assert (response.status_code, response.get_json()) == (200, {"components": []})


def test_memory_and_storage_of_openstack_are_shown_in_gigabytes(world: World) -> None:
    units = {"ram": "MB", "storage": "MB", "cores": "cores"}
    world.describe(
        offerings=[{**CATALOGUE["offerings"][0], "type": "OpenStack.Tenant"}],
        offering_components=[
            {"uuid": uid(0xE20 + number), "offering_uuid": OFFERING, "type": name, "name": f"A {name}"}
            | {"measured_unit": unit, "billing_type": "usage" if name == "storage" else "limit"}
            for number, (name, unit) in enumerate(units.items())
        ],
        resources=[{**CATALOGUE["resources"][0], "limits": {"ram": 10240, "cores": 2048}}],
    )
    world.report(usages=[{"type": name, "amount": 2500} for name in units])
    shown = ("type", "measured_unit", "usage", "limit_usage", "limit")
    assert [[each[name] for name in shown] for each in read(world, "project")["components"][:3]] == [
        ["cores", "cores", 0.0, 2500.0, 2048.0],
        ["ram", "GB", 0.0, 2.44, 10.0],
        ["storage", "GB", 2.44, 0.0, None],
    ]
    series = read(world, "project", "-timeseries", offering_uuid=OFFERING, component_type="ram")
    figures = (series["measured_unit"], series["limit"], series["buckets"][0]["usage"])
    assert figures == ("MB", 10240.0, 2500.0)


def test_limits_of_any_size_are_shown(world: World) -> None:
    world.describe(
        offerings=[{**CATALOGUE["offerings"][0], "type": "OpenStack.Tenant"}],
        offering_components=[{"uuid": uid(0xE20), "offering_uuid": OFFERING, "type": "ram", "name": "A ram"}],
        resources=[{**CATALOGUE["resources"][0], "limits": {"ram": "1.024e40", "cpu": "1e-40"}}],
    )
    rows = read(world, "project")["components"]
    assert [each["limit"] for each in rows] == [1e37, 1e-40, None, None, None, None]


def limits_of(world: World, uuid: str, **query: Any) -> dict[str, float | None]:
    """By name of the component, whatever the project has resources of."""
    response = world.as_("staff").get(path("project", "", uuid), **query)
    return {each["name"]: each["limit"] for each in response.get_json()["components"]}


def test_limits_and_offerings_follow_resources_that_change_move_end_and_come_back(world: World) -> None:
    world.describe(**catalogue())
    first = catalogue()["resources"][2]
    before = {"Annual": 1000.0, "Monthly": 100.0, "Quarterly": 50.5, "Total": None}
    nothing = dict.fromkeys(before)
    assert (limits_of(world, PROJECT), limits_of(world, SECOND_PROJECT)) == (
        before,
        nothing | {"Monthly": 20},
    )
    world.describe(resources=[first | {"limits": {"y": "0.5", "t": 3}}])
    assert limits_of(world, PROJECT) == nothing | {"Annual": 0.5, "Total": 3.0}
    world.describe(resources=[first | {"project_uuid": SECOND_PROJECT}])
    assert limits_of(world, PROJECT) == {}
    assert limits_of(world, PROJECT, include_terminated=True) == nothing
    assert limits_of(world, SECOND_PROJECT) == before | {"Monthly": 120.0}
    world.describe(resources=[first | {"state": 6}])
    assert (limits_of(world, PROJECT), limits_of(world, SECOND_PROJECT)) == ({}, nothing | {"Monthly": 20})
    world.describe(resources=[first | {"offering_uuid": EMPTY, "state": 2}])
    assert limits_of(world, PROJECT) == {}
    world.describe(resources=[first])
    assert limits_of(world, PROJECT) == before


def test_limits_are_of_the_customer_that_has_the_project_now(world: World) -> None:
    world.describe(**catalogue())
    world.describe(projects=[{**CATALOGUE["projects"][0], "customer_uuid": OTHER_CONSUMER}])
    of_customers = (path("customer", "", uuid) for uuid in (CONSUMER, OTHER_CONSUMER))
    answers = [world.as_("staff").get(each).get_json()["components"] for each in of_customers]
    assert [[row["limit"] for row in rows if row["type"] == "m"] for rows in answers] == [[20.0], [100.0]]


@pytest.mark.parametrize("action", ["", "-timeseries"])
def test_the_position_that_is_told_is_that_of_the_figures(world: World, world_url: str, action: str) -> None:
    world.projector.shared_position.live_until(time.monotonic() + 60)  # so that nobody asks on arrival
    with open_world(world_url) as other:
        told = other.report(usages=[{"type": "cpu", "amount": 7}]).headers["Ledger-Position"]
    query = {"offering_uuid": OFFERING, "component_type": "cpu"}
    answer = world.as_("staff").get(path("project", action), **query)
    [row] = [each for each in answer.get_json().get("components", []) if each["type"] == "cpu"] or (
        answer.get_json()["buckets"]
    )
    assert (row["usage"], answer.headers["Ledger-Position"]) == (7.0, told)


# Days


@pytest.mark.parametrize(
    ("zone", "now", "today", "quarter"),
    [
        ("UTC", "2026-03-31T23:59:59+00:00", "2026-03-31", "Q1 2026"),
        ("Asia/Tokyo", "2026-03-31T14:59:59+00:00", "2026-03-31", "Q1 2026"),
        ("Asia/Tokyo", "2026-03-31T15:00:00+00:00", "2026-04-01", "Q2 2026"),
        ("America/New_York", "2026-04-01T03:59:59+00:00", "2026-03-31", "Q1 2026"),
        ("America/New_York", "2026-04-01T04:00:00+00:00", "2026-04-01", "Q2 2026"),
    ],
)
def test_today_is_the_day_that_it_is_where_the_ledger_is(
    world_url: str, zone: str, now: str, today: str, quarter: str
) -> None:
    with open_world(world_url, zone) as world:
        world.now = datetime.fromisoformat(now)
        world.describe(**catalogue())
        series = read(world, "project", "-timeseries", offering_uuid=PERIODS, component_type="q")
        assert (series["today"], series["current_period_label"]) == (today, quarter)
        assert sum(each["usage"] for each in series["buckets"]) == (99.0 if quarter == "Q1 2026" else 70.0)
        rows = read(world, "customer")["components"]
        month = "Mar 2026" if quarter == "Q1 2026" else "Apr 2026"
        assert [each["current_period_label"] for each in rows] == ["2026", month, quarter, "Total"]


# Waldur's own demo


@pytest.mark.skipif(not DEMO.exists(), reason="Waldur's demo data lies outside of this repository")
def test_the_references_demo_shows_what_the_reference_shows(database_url: str) -> None:
    with open_world(database_url) as world:
        world.now = MAY_15
        import_lists(read_lists(DEMO)[0], world.services)
        project, customer = f"c3{0x4720:030x}", f"a3{0x4720:030x}"
        rows = world.as_("staff").get(path("project", "", project)).get_json()["components"]
        shown = ("offering_name", "usage", "limit_usage", "limit", "current_period_label")
        assert sorted([each[name] for name in shown] for each in rows) == [
            ["compute-m", 0.0, 100.0, 1000.0, "May 2026"],
            ["compute-q", 0.0, 200.0, 3000.0, "Q2 2026"],
            ["compute-s", 0.0, 600.0, 20000.0, "Total"],
            ["compute-y", 0.0, 500.0, 12000.0, "2026"],
            ["inodes", 100000.0, 0.0, None, "May 2026"],
            ["storage", 5000.0, 0.0, None, "May 2026"],
        ]
        quarterly = f"f3{0x4722:030x}"
        split = world.as_("staff").get(path("customer", "-by-project", customer), offering_uuid=quarterly)
        answer = split.get_json()
        assert (answer["total_usage"], answer["limit"]) == (2600.0, 3000.0)
        assert [(each["project_name"], each["usage"]) for each in answer["projects"]] == [
            ("climate-modeling", 700.0),
            ("quantum-sim", 480.0),
            ("ml-training", 350.0),
            ("bio-genome", 250.0),
            ("Demo project", 200.0),
            ("physics-lhc", 190.0),
            ("neuro-img", 150.0),
            ("chem-dft", 100.0),
            ("fluid-dyn", 80.0),
            ("materials-md", 60.0),
            ("astro-sim", 40.0),
        ]
