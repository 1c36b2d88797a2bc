"""Projects and customers: usage month by month, and by project."""

from typing import Any

import pytest

from tests import controls
from tests.api.scopes import (
    BOUNDS,
    COMPONENTS,
    MAY_15,
    PERIODS,
    SECOND,
    bounds,
    buckets,
    catalogue,
    component_uuid,
    path,
    read,
)
from tests.world import (
    CATALOGUE,
    OTHER_CONSUMER,
    PROJECT,
    SECOND_PROJECT,
    World,
    uid,
)


def envelope(component_type: str, limit: float | None, *period: str | None) -> dict[str, Any]:
    component = COMPONENTS[component_type]
    described = {"measured_unit": ""} | component
    described = {name: value for name, value in described.items() if name in controls.usage_series()}
    series = controls.usage_series(
        offering_uuid=PERIODS,
        offering_name="Periods",
        type=component_type,
        limit=limit,
        today="2026-05-15",
        **described,
        **bounds(*(period or BOUNDS[component_type])),  # type: ignore[arg-type]
    )
    return {name: value for name, value in series.items() if name != "buckets"}


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


def of_project(uuid: str, usage: float, months: list[dict[str, Any]], **rest: Any) -> dict[str, Any]:
    name = "Project" if uuid == PROJECT else "Second project"
    return controls.project_share(project_uuid=uuid, project_name=name, usage=usage, buckets=months, **rest)


# components-usage-by-project


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
