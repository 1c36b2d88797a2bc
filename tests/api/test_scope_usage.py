"""What projects and customers used: contract section 7 with decisions 3, 16 and 25."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.conftest import database
from tests.paths import DEMO
from tests.world import (
    CATALOGUE,
    CONSUMER,
    OFFERING,
    OTHER_CONSUMER,
    OTHER_PROJECT,
    OTHER_PROVIDER,
    PROJECT,
    PROVIDER,
    RESOURCE,
    SECOND_PROJECT,
    SECOND_RESOURCE,
    World,
    open_world,
    uid,
)
from web.importer.importer import import_lists
from web.importer.reading import read_lists

MAY_15 = datetime(2026, 5, 15, 12, 0, tzinfo=UTC)
KINDS = {"project": PROJECT, "customer": CONSUMER}
PERIODS, CHILD, EMPTY = uid(0xF4), uid(0xF5), uid(0xF6)
FIRST, SECOND, GONE, IN_CHILD = uid(0x21), uid(0x22), uid(0x23), uid(0x24)

COMPONENTS: dict[str, dict[str, Any]] = {
    "y": {"name": "Annual", "billing_type": "limit", "limit_period": "annual", "description": "Per year"},
    "m": {"name": "Monthly", "billing_type": "limit", "measured_unit": "h"},
    "q": {"name": "Quarterly", "billing_type": "usage", "limit_period": "quarterly"},
    "t": {"name": "Total", "billing_type": "one", "limit_period": "total", "limit_amount": 5},
}

USED: dict[str, dict[str, dict[str, Any]]] = {
    FIRST: {
        "m": {"2025-11": 99, "2025-12": 1, "2026-04": 10, "2026-05": 20},
        "q": {"2026-03": 99, "2026-04": 30, "2026-05": 40},
        "y": {"2025-12": 98, "2026-01": 100, "2026-05": 200},
        "t": {"2024-02": 300, "2026-05": 400},
    },
    SECOND: {"m": {"2026-05": 5}, "q": {"2026-04": "7.5", "2026-06": "0.5"}},
    GONE: {"m": {"2026-05": 3}, "q": {"2026-05": 2}, "y": {"2026-02": 6}},
    IN_CHILD: {"c": {"2026-05": 50}},
}
"""Consumption by resource, component and month. What lies outside of a period is about a hundred."""


def component_uuid(component_type: str) -> str:
    return uid(0xE00 + ord(component_type))


def catalogue() -> dict[str, list[dict[str, Any]]]:
    """An offering with components of all four periods, and resources of two projects that use them."""
    like = {"offering_uuid": PERIODS, "project_uuid": PROJECT}
    elsewhere = [each for each in CATALOGUE["resources"] if each["uuid"] in (RESOURCE, SECOND_RESOURCE)]
    return {
        "offerings": [
            {"uuid": PERIODS, "name": "Periods", "customer_uuid": PROVIDER},
            {"uuid": CHILD, "name": "Child", "customer_uuid": PROVIDER, "parent_uuid": PERIODS},
            {"uuid": EMPTY, "name": "Empty", "customer_uuid": PROVIDER},
        ],
        "offering_components": [
            {"uuid": component_uuid(each), "offering_uuid": PERIODS, "type": each} | component
            for each, component in COMPONENTS.items()
        ]
        + [{"uuid": component_uuid("c"), "offering_uuid": CHILD, "type": "c", "name": "Child's"}],
        "resources": [
            *({**each, "project_uuid": OTHER_PROJECT} for each in elsewhere),
            like | {"uuid": FIRST, "name": "First", "limits": {"m": 100, "q": "50.5", "y": 1000}},
            like
            | {"uuid": SECOND, "name": "Second", "limits": {"m": 20, "t": None}, "state": 1}
            | {"project_uuid": SECOND_PROJECT},
            like | {"uuid": GONE, "name": "Gone", "limits": {"m": 7, "t": 9}, "state": 6},
            like | {"uuid": IN_CHILD, "name": "In child", "offering_uuid": CHILD, "limits": {"m": 11}},
        ],
        "component_usages": [
            {"uuid": uid(int(resource, 16) * 0x100000 + ord(each) * 0x1000 + number), "usage": amount}
            | {"resource_uuid": resource, "component_uuid": component_uuid(each)}
            | {"billing_period": f"{month}-01", "date": "2026-05-15"}
            for resource, by_component in USED.items()
            for each, by_month in by_component.items()
            for number, (month, amount) in enumerate(by_month.items())
        ],
    }


@pytest.fixture(scope="module", name="used")
def world_with_usage(server: str, world_template: str) -> Iterator[World]:
    """For tests that only read."""
    with database(server, world_template) as url, open_world(url) as world:
        world.now = MAY_15
        world.describe(**catalogue())
        yield world


def path(kind: str, action: str, uuid: str | None = None) -> str:
    return f"/api/marketplace-{kind}-usage/{uuid or KINDS[kind]}/components-usage{action}/"


def read(world: World, kind: str, action: str = "", *, by: str = "staff", **query: Any) -> Any:
    response = world.as_(by).get(path(kind, action), **query)
    assert response.status_code == 200, response.data
    return response.get_json()


BOUNDS = {
    "y": ("2026", "2026-01-01", "2026-12-31"),
    "m": ("May 2026", "2026-05-01", "2026-05-01"),
    "q": ("Q2 2026", "2026-04-01", "2026-06-30"),
    "t": ("Total", None, None),
}


def bounds(label: str, start: str | None, end: str | None) -> dict[str, Any]:
    return {"current_period_label": label, "current_period_start": start, "current_period_end": end}


def row(component_type: str, **figures: float | None) -> dict[str, Any]:
    zero = dict.fromkeys(("usage", "limit_usage", "usage_terminated", "limit_usage_terminated"), 0.0)
    described = {"description": "", "measured_unit": "", "limit_period": "month"} | COMPONENTS[component_type]
    described.pop("limit_amount", None)
    around = {"type": component_type, "offering_name": "Periods", "offering_uuid": PERIODS, "limit": None}
    return around | described | zero | figures | bounds(*BOUNDS[component_type])


def envelope(component_type: str, limit: float | None, *period: str | None) -> dict[str, Any]:
    component = COMPONENTS[component_type]
    return {
        "offering_uuid": PERIODS,
        "offering_name": "Periods",
        "type": component_type,
        "name": component["name"],
        "measured_unit": component.get("measured_unit", ""),
        "billing_type": component["billing_type"],
        "limit_period": component.get("limit_period", "month"),
        "limit": limit,
        **bounds(*(period or BOUNDS[component_type])),  # type: ignore[arg-type]
        "today": "2026-05-15",
    }


def buckets(by_month: dict[str, float], terminated: dict[str, float] | None = None) -> list[dict[str, Any]]:
    return [
        {
            "billing_period": f"{month}-01",
            "usage": usage,
            "usage_terminated": (terminated or {}).get(month, 0.0),
        }
        for month, usage in by_month.items()
    ]


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


# components-usage-timeseries


@pytest.mark.parametrize(
    ("kind", "query", "expected"),
    [
        ("project", "q", envelope("q", 50.5) | {"buckets": buckets({"2026-04": 30.0, "2026-05": 40.0})}),
        (
            "customer",
            "q",
            envelope("q", 50.5) | {"buckets": buckets({"2026-04": 37.5, "2026-05": 40.0, "2026-06": 0.5})},
        ),
        (
            "project",
            "q&period_offset=-1",
            envelope("q", 50.5, "Q1 2026", "2026-01-01", "2026-03-31")
            | {"buckets": buckets({"2026-03": 99.0})},
        ),
        (
            "project",
            "q&period_offset=3",
            envelope("q", 50.5, "Q1 2027", "2027-01-01", "2027-03-31") | {"buckets": []},
        ),
        (
            "project",
            "q&include_terminated=true",
            envelope("q", 50.5) | {"buckets": buckets({"2026-04": 30.0, "2026-05": 42.0}, {"2026-05": 2.0})},
        ),
        (
            "customer",
            "m&period_offset=-3",
            envelope("m", 120.0, "Last 6 months", "2025-12-01", "2026-05-31")
            | {"buckets": buckets({"2025-12": 1.0, "2026-04": 10.0, "2026-05": 25.0})},
        ),
        (
            "project",
            f"m&period_offset={10**30}",
            envelope("m", 100.0, "Last 6 months", "2025-12-01", "2026-05-31")
            | {"buckets": buckets({"2025-12": 1.0, "2026-04": 10.0, "2026-05": 20.0})},
        ),
        ("project", "", envelope("y", 1000.0) | {"buckets": buckets({"2026-01": 100.0, "2026-05": 200.0})}),
        (
            "project",
            "y&period_offset=%20-1%20",
            envelope("y", 1000.0, "2025", "2025-01-01", "2025-12-31")
            | {"buckets": buckets({"2025-12": 98.0})},
        ),
        (
            "project",
            "t&period_offset=-2",
            envelope("t", None) | {"buckets": buckets({"2024-02": 300.0, "2026-05": 400.0})},
        ),
        (
            "project",
            "q&component_type=t&period_offset=",
            envelope("t", None) | {"buckets": buckets({"2024-02": 300.0, "2026-05": 400.0})},
        ),
    ],
)
def test_a_series_has_every_month_of_its_window_that_has_usage(
    used: World, kind: str, query: str, expected: dict[str, Any]
) -> None:
    query = f"offering_uuid={PERIODS}&component_type={query}"
    response = used.as_("staff").send("GET", path(kind, "-timeseries"), query_string=query)
    assert (response.status_code, response.get_json()) == (200, expected)


def test_an_offering_without_resources_in_scope_has_an_empty_series(used: World) -> None:
    uuid = path("customer", "-timeseries", OTHER_CONSUMER)
    response = used.as_("staff").get(uuid, offering_uuid=PERIODS, component_type="m")
    assert response.get_json() == (
        envelope("m", None, "Last 6 months", "2025-12-01", "2026-05-31") | {"buckets": []}
    )


# components-usage-by-project


def of_project(uuid: str, usage: float, months: list[dict[str, Any]], **rest: Any) -> dict[str, Any]:
    name = "Project" if uuid == PROJECT else "Second project"
    known = {"project_uuid": uuid, "project_name": name, "is_removed": False, "usage_terminated": 0.0}
    return known | {"usage": usage, "buckets": months} | rest


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (
            "q",
            envelope("q", 50.5)
            | {
                "total_usage": 78.0,
                "projects": [
                    of_project(PROJECT, 70.0, buckets({"2026-04": 30.0, "2026-05": 40.0})),
                    of_project(SECOND_PROJECT, 8.0, buckets({"2026-04": 7.5, "2026-06": 0.5})),
                ],
            },
        ),
        (
            "m&period_offset=-1",
            envelope("m", 120.0, "Apr 2026", "2026-04-01", "2026-04-01")
            | {"total_usage": 10.0, "projects": [of_project(PROJECT, 10.0, buckets({"2026-04": 10.0}))]},
        ),
        (
            "m&include_terminated=1",
            envelope("m", 120.0)
            | {
                "total_usage": 28.0,
                "projects": [
                    of_project(
                        PROJECT,
                        23.0,
                        buckets({"2026-05": 23.0}, {"2026-05": 3.0}),
                        usage_terminated=3.0,
                    ),
                    of_project(SECOND_PROJECT, 5.0, buckets({"2026-05": 5.0})),
                ],
            },
        ),
        (
            "y&period_offset=1",
            envelope("y", 1000.0, "2027", "2027-01-01", "2027-12-31") | {"total_usage": 0.0, "projects": []},
        ),
    ],
)
def test_a_customers_usage_is_split_up_by_project_the_largest_first(
    used: World, query: str, expected: dict[str, Any]
) -> None:
    query = f"offering_uuid={PERIODS}&component_type={query}"
    response = used.as_("staff").send("GET", path("customer", "-by-project"), query_string=query)
    assert (response.status_code, response.get_json()) == (200, expected)


def test_projects_are_sorted_by_usage_and_removed_ones_are_marked(world: World) -> None:
    world.now = MAY_15
    world.describe(**catalogue())
    world.describe(
        projects=[{**CATALOGUE["projects"][0], "is_removed": True}],
        component_usages=[
            {"uuid": uid(0xABC), "resource_uuid": SECOND, "component_uuid": component_uuid("y"), "usage": 301}
            | {"billing_period": "2026-03-01"}
        ],
    )
    answer = read(world, "customer", "-by-project", offering_uuid=PERIODS)
    assert answer["projects"] == [
        of_project(SECOND_PROJECT, 301.0, buckets({"2026-03": 301.0})),
        of_project(PROJECT, 300.0, buckets({"2026-01": 100.0, "2026-05": 200.0}), is_removed=True),
    ]


def test_only_a_customer_can_be_split_up_by_project(used: World) -> None:
    response = used.as_("staff").get(path("project", "-by-project"), offering_uuid=PERIODS)
    assert (response.status_code, response.get_json()) == (404, {"detail": "Not found."})


# Who sees what

SEES = {
    "staff": (20.0, 25.0),
    "support": (20.0, 25.0),
    "offering-manager": (None, None),
    "provider-owner": (None, None),
    "service-provider-manager": (None, None),
    "consumer-owner": (20.0, 25.0),
    "project-admin": (20.0, 20.0),
    "project-manager": (20.0, 20.0),
    "project-member": (20.0, 20.0),
    "stranger": (None, None),
    "customer-support": (None, 0.0),
    "former-owner": (None, None),
}
"""What each user sees of the month in the project and in its customer; None: they don't find it."""


def test_the_table_names_every_user_of_the_world() -> None:
    assert list(SEES) == [user["username"] for user in CATALOGUE["users"]]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("username", SEES)
def test_a_user_sees_the_figures_of_the_resources_that_they_may_list(
    used: World, username: str, kind: str
) -> None:
    expected = SEES[username][list(KINDS).index(kind)]
    query = {"offering_uuid": PERIODS, "component_type": "m"}
    if expected is None:
        for action in ("", "-timeseries"):
            missing = {"detail": f"No {kind.capitalize()} matches the given query."}
            response = used.as_(username).get(path(kind, action))
            assert (response.status_code, response.get_json()) == (404, missing)
        return
    rows = read(used, kind, by=username)["components"]
    assert [each["limit_usage"] for each in rows if each["type"] == "m"] == [expected] * bool(rows)
    assert bool(rows) == bool(expected)
    series = read(used, kind, "-timeseries", by=username, **query)["buckets"]
    assert [each["usage"] for each in series[-1:]] == [expected] * bool(expected)
    if kind == "customer":
        split = read(used, kind, "-by-project", by=username, **query)
        assert split["total_usage"] == expected
        assert sum(each["usage"] for each in split["projects"]) == expected


@pytest.mark.parametrize(
    ("role_name", "scope_type", "scope_uuid", "in_project", "in_customer"),
    [
        ("PROJECT.MEMBER", "structure.project", SECOND_PROJECT, 404, [5.0]),
        ("CUSTOMER.OWNER", "structure.customer", CONSUMER, 200, [25.0]),
        ("CUSTOMER.MANAGER", "structure.customer", CONSUMER, 404, []),
        ("Anything of their own", "structure.customer", CONSUMER, 404, []),
        ("Anything of their own", "structure.project", PROJECT, 404, []),
        ("CUSTOMER.OWNER", "structure.customer", PROVIDER, 404, None),
        ("CUSTOMER.OWNER", "structure.customer", OTHER_PROVIDER, 404, None),
        ("CUSTOMER.OWNER", "marketplace.offering", PERIODS, 404, None),
        ("PROJECT.MEMBER", "structure.project", OTHER_PROJECT, 404, None),
    ],
)
def test_a_role_shows_what_it_permits_from_the_next_request_on(
    world: World,
    role_name: str,
    scope_type: str,
    scope_uuid: str,
    in_project: int,
    in_customer: list[float] | None,
) -> None:
    world.now = MAY_15
    world.describe(**catalogue())
    role = {"uuid": uid(0x8F), "user_uuid": uid(10), "role_name": role_name}
    world.describe(user_roles=[role | {"scope_type": scope_type, "scope_uuid": scope_uuid}])
    assert world.as_("stranger").get(path("project", "")).status_code == in_project
    response = world.as_("stranger").get(path("customer", ""))
    rows = response.get_json().get("components")
    seen = None if rows is None else [each["limit_usage"] for each in rows if each["type"] == "m"]
    assert seen == in_customer


def test_a_customer_is_not_found_through_a_project_that_was_removed(world: World) -> None:
    assert world.as_("project-admin").get(path("customer", "")).status_code == 200
    world.describe(projects=[{**CATALOGUE["projects"][0], "is_removed": True}])
    assert world.as_("project-admin").get(path("customer", "")).status_code == 404


# Refusals

REQUIRED = (400, {"offering_uuid": "This query parameter is required."})
NO_OFFERING = (404, {"detail": "Offering not found."})
NO_INTEGER = (400, {"period_offset": "Must be an integer."})
NO_COMPONENT = (404, {"detail": "No matching component on this offering."})

ACTIONS = [("project", "-timeseries"), ("customer", "-timeseries"), ("customer", "-by-project")]


@pytest.mark.parametrize(("kind", "action"), ACTIONS)
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", REQUIRED),
        ("offering_uuid=&period_offset=x", REQUIRED),
        (f"offering_uuid={PERIODS}&offering_uuid=", REQUIRED),
        ("offering_uuid=x&period_offset=x", NO_OFFERING),
        (f"offering_uuid={uid(0xDEAD)}&period_offset=x", NO_OFFERING),
        (f"offering_uuid=x&offering_uuid={EMPTY}", NO_COMPONENT),
        (f"offering_uuid={PERIODS}&component_type=bogus&period_offset=x", NO_INTEGER),
        (f"offering_uuid={PERIODS}&period_offset=1.5", NO_INTEGER),
        (f"offering_uuid={PERIODS}&period_offset=7974", NO_INTEGER),
        (f"offering_uuid={PERIODS}&period_offset=-2026", NO_INTEGER),
        (f"offering_uuid={PERIODS}&period_offset={10**30}", NO_INTEGER),
        (f"offering_uuid={PERIODS}&period_offset=1{'0' * 4299}", NO_INTEGER),
        (f"offering_uuid={PERIODS}&period_offset=1{'0' * 4300}", NO_INTEGER),
        (f"offering_uuid={PERIODS}&component_type=bogus", NO_COMPONENT),
        (f"offering_uuid={PERIODS}&component_type=M", NO_COMPONENT),
        (f"offering_uuid={PERIODS}&component_type=%00", NO_COMPONENT),
        (f"offering_uuid={EMPTY}", NO_COMPONENT),
    ],
)
def test_a_query_is_refused_in_the_words_and_the_order_of_the_reference(
    used: World, kind: str, action: str, query: str, expected: tuple[int, Any]
) -> None:
    response = used.as_("staff").send("GET", path(kind, action), query_string=query)
    assert (response.status_code, response.get_json()) == expected


@pytest.mark.parametrize("uuid", [uid(0xDEAD), "x", OFFERING])
@pytest.mark.parametrize(("kind", "action"), [("project", ""), ("customer", ""), *ACTIONS])
def test_what_there_is_not_is_not_found_whatever_the_query_says(
    used: World, kind: str, action: str, uuid: str
) -> None:
    response = used.as_("staff").get(path(kind, action, uuid))
    missing = {"detail": f"No {kind.capitalize()} matches the given query."}
    assert (response.status_code, response.get_json()) == (404, missing)


@pytest.mark.parametrize(("kind", "action"), [("project", ""), ("customer", ""), *ACTIONS])
def test_usage_can_only_be_read_and_by_nobody_anonymous(used: World, kind: str, action: str) -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        response = used.as_("staff").send(method, path(kind, action))
        assert response.get_json() == {"detail": f'Method "{method}" not allowed.'}
        assert response.status_code == 405
    for method in ("GET", "POST"):
        assert used.anonymous.send(method, path(kind, action)).status_code == 401


@pytest.mark.parametrize("kind", KINDS)
def test_there_is_no_list_and_nothing_at_a_bare_id(used: World, kind: str) -> None:
    for end in ("", f"{KINDS[kind]}/"):
        response = used.as_("staff").get(f"/api/marketplace-{kind}-usage/{end}")
        assert (response.status_code, response.get_json()) == (404, {"detail": "Not found."})


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


# The reference's own demo


@pytest.mark.skipif(not DEMO.exists(), reason="the reference's demo data lies outside of this repository")
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
